"""How the agent walks: the graph of a turn, and SOLVE, the graph of one part of a question.

Read this file first. The nodes of a turn are in `longtake.agent.turn`, those of SOLVE in
`longtake.agent.solving`; each takes the state and returns the channels that it changed. The
pictures in docs/agent.md are drawn by LangGraph from what is built here.

The shape is that of VideoLucy's backtracking (S51) with TimeSearch's reflection (S49) and gated
decomposition (S15): coarse to fine and back, each decision a rule over numbers in the trace.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from longtake.agent import solving, turn
from longtake.agent.desk import Desk
from longtake.agent.state import Out, State, Sub
from longtake.agent.videos.fan_out import desk_for

TURN = (
    ("open_turn", "classify"), ("classify", "resolve"), ("resolve", "ask_user"),
    ("ask_user", "decompose"), ("decompose", "schedule"), ("solve", "schedule"),
    ("synth", "ground_check"), ("ground_check", "remember"),
)  # fmt: skip
SOLVE = (
    ("bind", "coarse"), ("coarse", "read"), ("read", "weigh"), ("weigh", "reflect"),
    ("rewrite", "coarse"), ("look", "extract"), ("extract", "weigh"),
)  # fmt: skip


def build(desk: Desk, checkpointer: Any) -> Any:
    """Compile the graph of a turn over one question's desk."""
    from langgraph.graph import END, START, StateGraph
    from langgraph.types import Send

    graph = StateGraph(State)
    for node in (turn.open_turn, turn.classify, turn.resolve, turn.ask_user, turn.decompose,
                 turn.schedule, turn.synth, turn.ground_check, turn.remember):  # fmt: skip
        graph.add_node(node.__name__, partial(node, desk))
    graph.add_node("solve", build_solve(desk))

    def dispatch(state: State) -> Any:
        return [Send("solve", one) for one in turn.ready(desk, state)] or "synth"

    graph.add_edge(START, "open_turn")
    for one, other in TURN:
        graph.add_edge(one, other)
    graph.add_conditional_edges("schedule", dispatch, ["solve", "synth"])
    graph.add_edge("remember", END)
    return graph.compile(checkpointer=checkpointer)


def _at(desk: Desk, node: Any, sub: Any) -> Any:
    """Run a node of SOLVE on the desk of the videos that its part is about."""
    return node(desk_for(desk, sub["part"]), sub)


def build_solve(desk: Desk) -> Any:
    """Compile SOLVE, which works on one part."""
    from langgraph.graph import END, START, StateGraph
    from langgraph.types import Send

    graph = StateGraph(Sub, output_schema=Out)
    for node in (solving.bind, solving.coarse, solving.read, solving.weigh, solving.reflect,
                 solving.rewrite, solving.propose, solving.look, solving.extract,
                 solving.finish):  # fmt: skip
        graph.add_node(node.__name__, partial(_at, desk, node))

    def decided(sub: Sub) -> str:
        return {"rewrite": "rewrite", "deeper": "propose", "wider": "propose"}.get(
            sub["decision"], "finish"
        )

    def looks(sub: Sub) -> Any:
        blur = desk.switches.blur and sub["tries"] > 0
        return [
            Send("look", {"part": sub["part"], "step": step, "blur": blur}) for step in sub["steps"]
        ] or "extract"

    graph.add_edge(START, "bind")
    for one, other in SOLVE:
        graph.add_edge(one, other)
    graph.add_conditional_edges("reflect", decided, ["rewrite", "propose", "finish"])
    graph.add_conditional_edges("propose", looks, ["look", "extract"])
    graph.add_edge("finish", END)
    return graph.compile()
