"""A judge for windows of moments: the reasoner, where it has a model that weighs answers.

`Toolbox.locate(..., verify=verifier(desk, query))` has the best five windows judged with the text
in and around them; without a model, or with `Switches.judge` off, it is None and what was read
word by word decides.
"""

from __future__ import annotations

from collections.abc import Callable

from longtake.agent.desk import Desk
from longtake.timecode import Span

UNDECIDED = 0.5
"""What a judge that cannot decide says; it neither lifts a window nor drops it."""


def verifier(desk: Desk, query: str) -> Callable[[Span, str], float] | None:
    """Return a function (window, text) → probability that the window fits, or None."""
    reasoner = desk.reasoner
    if reasoner is None or not desk.switches.judge or not reasoner.writes:
        return None

    def verify(span: Span, text: str) -> float:
        said = reasoner.judge(f"Is this where it is: {query}?", text, fallback=UNDECIDED)
        return float(said.p[0])

    return verify
