"""The agent: what a library asks its questions of.

`Agent.ask` makes one question's desk, runs the graph of `longtake.agent.graph` over it and turns
what stands in the state at the end into an `Answer`. Threads are kept by LangGraph's SQLite
checkpointer; the state holds JSON only.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longtake.agent.answer import Answer, Evidence
from longtake.agent.desk import Desk
from longtake.agent.graph import build
from longtake.agent.ledger import CHAT, Budget, Ledger
from longtake.agent.reasoning.reasoner import Reasoner
from longtake.agent.state import State, Switches
from longtake.agent.surety.calibration import Calibration
from longtake.agent.turns import Turns
from longtake.errors import NotFound, UsageError
from longtake.memory.moments import Searched
from longtake.storage.records import Video
from longtake.timecode import Seconds

if TYPE_CHECKING:
    from longtake.models.protocols import ChatModel
    from longtake.tools.registry import Toolbox

LONGEST_QUESTION = 2000
OnStep = Callable[[dict[str, Any]], None]
OnAsk = Callable[[dict[str, Any]], "int | str | None"]


class Agent:
    """Answers questions about the videos of one library.

    Args:
        toolbox: what may be asked of the memory.
        chat: a model that may weigh and phrase, or None: rules decide alone.
        checkpoint_path: SQLite file of the threads; None keeps them in memory.
        switches: mechanisms to switch off, for tests and benches.
        budget: the most that one question may cost.
        calibration: how measured signals become a confidence; default: that of the profile.
        turns: where past turns are kept for `why` and `cost`; None keeps none.
    """

    def __init__(
        self,
        toolbox: Toolbox,
        chat: ChatModel | None,
        checkpoint_path: str | Path | None,
        *,
        switches: Switches | None = None,
        budget: Budget = CHAT,
        calibration: Calibration | None = None,
        turns: Turns | None = None,
    ) -> None:
        self.toolbox = toolbox
        self.chat = chat
        self.switches = switches or Switches()
        self.budget = budget
        self.path = Path(checkpoint_path) if checkpoint_path else None
        self.turns = turns
        self._calibration = calibration
        self._saver: Any = None
        self._connection: sqlite3.Connection | None = None

    def ask(
        self,
        question: str,
        *,
        videos: Sequence[Video],
        thread: str | None = None,
        as_of: Seconds | None = None,
        options: list[str] | None = None,
        on_step: OnStep | None = None,
        on_ask: OnAsk | None = None,
        stop: Callable[[], bool] | None = None,
        left_out: Sequence[Video] = (),
        kv: bool = True,
    ) -> Answer:
        """Answer with proofs, or say that it is not there and what was searched.

        Without `thread` a new conversation begins; its name is made from what is asked, so that
        the same question gives the same answer JSON. Name a thread to keep several apart.

        Args:
            on_step: called with each step of the work.
            on_ask: asked back when two things may be meant, with ``{"text", "choices"}``; returns
                the number of a choice, words, or None for the likelier. Without it nothing is asked.
            stop: when it turns true, the best answer so far is given.
            left_out: videos that are not asked because others fit better; the answer says so.
            kv: key–value memories may be asked, if the switch is on.

        Raises:
            UsageError: the question is empty or far too long, or there are too few options.
            NotFound: there is no video to ask about.
        """
        _check(question, videos, options)
        desk = self._desk([video.at(as_of) for video in videos], as_of, on_step, stop)
        desk.left_out = tuple(video.at(as_of) for video in left_out)
        desk.question = question.strip()
        desk.switches = replace(desk.switches, kv=desk.switches.kv and kv)
        desk.prepare()
        name = thread or _thread_name(question, desk.ids, as_of, options)
        given: dict[str, Any] = {"question": question.strip(), "options": options}
        given |= {"videos": desk.ids, "as_of": as_of, "thread": name, "chat": on_ask is not None}
        if thread is None:
            given["history"] = []
        answer = _answer(self._run(desk, given, name, on_ask), name)
        if self.turns is not None:
            self.turns.keep(name, question.strip(), answer, videos=desk.ids, fresh=thread is None)
        return answer

    def _desk(
        self,
        videos: list[Video],
        as_of: Seconds | None,
        on_step: OnStep | None,
        stop: Callable[[], bool] | None,
    ) -> Desk:
        ledger = Ledger(self.budget)
        reasoner = Reasoner(self.chat, self.toolbox.embed, ledger)
        desk = Desk(self.toolbox, self.chat, videos, as_of, self.switches, reasoner=reasoner,
                    ledger=ledger, calibration=self.calibration)  # fmt: skip
        desk.on_step = on_step
        desk.stop = stop or desk.stop
        return desk

    @property
    def calibration(self) -> Calibration:
        """How measured signals become a confidence."""
        if self._calibration is None:
            name = self.chat.name if self.chat is not None else None
            self._calibration = Calibration.load(self.toolbox.models.names(), chat=name)
        return self._calibration

    def _run(self, desk: Desk, given: dict[str, Any], thread: str, on_ask: OnAsk | None) -> State:
        from langgraph.types import Command
        from langsmith import tracing_context

        graph = build(desk, self._checkpointer())
        config = {"configurable": {"thread_id": thread}, "recursion_limit": 120}
        asked: Any = given
        with tracing_context(enabled=False):  # what is asked of a private video stays here
            while True:
                state = graph.invoke(asked, config, durability="exit")
                waiting = state.get("__interrupt__")
                if not waiting or on_ask is None:
                    made: State = state
                    return made
                asked = Command(resume=on_ask(waiting[0].value))

    def _checkpointer(self) -> Any:
        if self._saver is None:
            if self.path is None:
                from langgraph.checkpoint.memory import InMemorySaver

                self._saver = InMemorySaver()
            else:
                from langgraph.checkpoint.sqlite import SqliteSaver

                self._connection = sqlite3.connect(self.path, check_same_thread=False, timeout=30)
                self._saver = SqliteSaver(self._connection)
        return self._saver

    def close(self) -> None:
        """Close the threads' file; it is opened again when needed."""
        self._saver = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _check(question: str, videos: Sequence[Video], options: list[str] | None) -> None:
    if not question.strip():
        raise UsageError("the question is empty", fix="ask something, in words")
    if len(question) > LONGEST_QUESTION:
        raise UsageError(
            f"the question has {len(question)} characters; at most {LONGEST_QUESTION} are read",
            fix="ask for one or two things at a time",
        )
    if options is not None and len(options) < 2:
        raise UsageError("a multiple choice needs at least two options")
    if not videos:
        raise NotFound("there is no video to ask about", fix="longtake ingest VIDEO")


def _thread_name(
    question: str, videos: Sequence[str], as_of: Seconds | None, options: list[str] | None
) -> str:
    told = json.dumps([question.strip(), list(videos), as_of, options], ensure_ascii=False)
    return "t" + hashlib.sha256(told.encode()).hexdigest()[:12]


def _answer(state: State, thread: str) -> Answer:
    made = state["answer"]
    proofs = tuple(
        Evidence(e["video"], e["start"], e["end"], e["source"], e["quote"], e["score"])
        for e in state["evidence"][:30]
    )
    places = tuple(
        Searched(s["video"], s["start"], s["end"], s["level"]) for s in state["searched"]
    )
    return Answer(
        text=made["text"],
        status=made["status"],
        confidence=made["confidence"],
        value=made["value"],
        evidence=proofs,
        searched=places,
        thread=thread,
        cost=dict(state["cost"]),
        trace=tuple(state["trace"]),
        choice=made.get("choice"),
        forced=bool(made.get("forced")),
    )
