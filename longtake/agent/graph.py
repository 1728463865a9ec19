"""The agent: a small graph of steps from a question to an answer with proofs.

::

    open_turn ─► classify ─► resolve ─► coarse ─► open_finer ─► inspect ─► weigh ─► synth
                               ▲          ▲                                 │
                               │          └──────── rewrite ◄── not enough ─┤
                               └──────────────── next part ◄────────────────┘
    synth ─► ground_check ─► remember

It goes from coarse to fine and back once (VideoLucy's backtracking, S51; TimeSearch's
reflection, S49), and every decision is a rule over numbers that stand in the trace. The chat
model may phrase; it decides nothing. Threads are kept by LangGraph's SQLite checkpointer; the
state holds JSON only, and everything else is on the `Desk` of one question.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longtake.agent import nodes
from longtake.agent.answer import Answer, Evidence
from longtake.agent.desk import Desk
from longtake.agent.state import State, Switches
from longtake.errors import NotFound, UsageError
from longtake.memory.moments import Searched
from longtake.storage.records import Video
from longtake.timecode import Seconds

if TYPE_CHECKING:
    from longtake.models.protocols import ChatModel
    from longtake.tools.registry import Toolbox

LONGEST_QUESTION = 2000

NODES: dict[str, Callable[[Desk, State], State]] = {
    "open_turn": nodes.open_turn, "classify": nodes.classify, "resolve": nodes.resolve,
    "coarse": nodes.coarse, "open_finer": nodes.open_finer, "inspect": nodes.inspect,
    "weigh": nodes.weigh, "rewrite": nodes.rewrite, "next_part": nodes.next_part,
    "synth": nodes.synth, "ground_check": nodes.ground_check, "remember": nodes.remember,
}  # fmt: skip
EDGES = (
    ("open_turn", "classify"), ("classify", "resolve"), ("resolve", "coarse"),
    ("coarse", "open_finer"), ("open_finer", "inspect"), ("inspect", "weigh"),
    ("rewrite", "coarse"), ("next_part", "resolve"), ("synth", "ground_check"),
    ("ground_check", "remember"),
)  # fmt: skip


def build(desk: Desk, checkpointer: Any) -> Any:
    """Compile the graph over one question's desk."""
    from langgraph.graph import END, START, StateGraph

    graph = StateGraph(State)
    for name, node in NODES.items():
        graph.add_node(name, partial(node, desk))
    graph.add_edge(START, "open_turn")
    for one, other in EDGES:
        graph.add_edge(one, other)
    graph.add_conditional_edges("weigh", nodes.after_weigh, ["rewrite", "next_part", "synth"])
    graph.add_edge("remember", END)
    return graph.compile(checkpointer=checkpointer)


class Agent:
    """Answers questions about the videos of one library.

    Args:
        toolbox: what may be asked of the memory.
        chat: a model that may phrase, or None.
        checkpoint_path: SQLite file of the threads; None keeps them in memory.
        switches: mechanisms to switch off, for tests and benches.
    """

    def __init__(
        self,
        toolbox: Toolbox,
        chat: ChatModel | None,
        checkpoint_path: str | Path | None,
        *,
        switches: Switches | None = None,
    ) -> None:
        self.toolbox = toolbox
        self.chat = chat
        self.switches = switches or Switches()
        self.path = Path(checkpoint_path) if checkpoint_path else None
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
        on_step: Callable[[dict[str, Any]], None] | None = None,
    ) -> Answer:
        """Answer with proofs, or say that it is not there and what was searched.

        Without `thread` a new conversation begins; its name is made from what is asked, so that
        the same question gives the same answer JSON. Name a thread to keep several apart.

        Raises:
            UsageError: the question is empty or far too long, or there are too few options.
            NotFound: there is no video to ask about.
        """
        _check(question, videos, options)
        desk = Desk(self.toolbox, self.chat, list(videos), as_of, self.switches)
        name = thread or _thread_name(question, desk.ids, as_of, options)
        given: dict[str, Any] = {"question": question.strip(), "options": options}
        given |= {"videos": desk.ids, "as_of": as_of, "thread": name}
        if thread is None:
            given["history"] = []
        state = self._run(desk, given, name, on_step)
        return _answer(state, name)

    def _run(
        self,
        desk: Desk,
        given: dict[str, Any],
        thread: str,
        on_step: Callable[[dict[str, Any]], None] | None,
    ) -> State:
        from langsmith import tracing_context

        graph = build(desk, self._checkpointer())
        config = {"configurable": {"thread_id": thread}, "recursion_limit": 80}
        state: Any = {}
        told = 0
        with tracing_context(enabled=False):  # what is asked of a private video stays here
            for state in graph.stream(given, config, stream_mode="values", durability="exit"):
                steps = state.get("trace") or [] if state.get("parts") or told else []
                for step in steps[told:]:
                    if on_step:
                        on_step(dict(step))
                told = max(told, len(steps))
        result: State = state
        return result

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
    )
