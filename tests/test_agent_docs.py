"""The pictures of the graphs in the documentation are those that LangGraph draws."""

from __future__ import annotations

from pathlib import Path

from longtake.agent import solving, turn
from longtake.agent.desk import Desk
from longtake.agent.graph import build, build_solve
from longtake.agent.state import Switches

DOC = Path(__file__).parent.parent / "docs" / "agent.md"


def test_the_pictures_are_those_of_the_graphs() -> None:
    desk = Desk(None, None, [], None, Switches())  # type: ignore[arg-type]
    text = DOC.read_text(encoding="utf-8")
    for graph in (build(desk, None), build_solve(desk)):
        assert graph.get_graph().draw_mermaid().strip() in text


def test_every_node_is_explained() -> None:
    text = DOC.read_text(encoding="utf-8")
    desk = Desk(None, None, [], None, Switches())  # type: ignore[arg-type]
    for graph in (build(desk, None), build_solve(desk)):
        for name in graph.get_graph().nodes:
            if not name.startswith("__") and name != "solve":
                assert f"| {name} |" in text
                assert hasattr(turn, name) or hasattr(solving, name)
