"""When to speak: once for each event, on time, and only of what came after the start.

One `Firing` follows one channel of one query. It speaks when k of the last n decisions are high and
the state has lasted for as long as it must; then it is silent until the score has been low for a
while (hysteresis: what stays, or flickers about the threshold, is one event), and until the query's
cooldown is over. What is there already when the watch starts is no event: it must go first.
After LiveStar's gate (speak again only when what was said no longer fits), with k of n for noise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace

from longtake.agent.standing.predicate import Channel
from longtake.timecode import Seconds


@dataclass(frozen=True, slots=True)
class Rule:
    """How a channel fires.

    Args:
        high: the least score that speaks for it.
        low: it is over when the score stays below this.
        k: so many
        n: of the last so many decisions must be high.
        lasts: seconds for which it must be so.
        rest: seconds for which the score must be low before it may fire again.
        hysteresis: False fires whenever it is high and the cooldown is over (a control in tests).
    """

    high: float = 0.7
    low: float = 0.4
    k: int = 1
    n: int = 1
    lasts: Seconds = 0.0
    rest: Seconds = 2.0
    hysteresis: bool = True


RULES: Mapping[Channel, Rule] = {
    "spoken": Rule(high=0.75),
    "screen": Rule(high=0.75),
    "seen": Rule(high=0.35, low=0.2, k=2, n=3),
    "sound": Rule(high=0.5, low=0.3),
    "black": Rule(high=0.5, k=2, n=3, lasts=1.0, rest=1.0),
    "freeze": Rule(high=0.5, k=2, n=3, lasts=4.0, rest=1.0),
    "cut": Rule(high=0.3, rest=0.0),
}
COOLDOWN: Seconds = 15.0
"""Seconds after an alert in which a query says nothing more, on any channel."""


class Firing:
    """Follows one channel; `update` tells when to speak.

    Args:
        start: stream time before which nothing is an event.
        fresh: whether the stream itself begins at the start, so that nothing can have been before.
    """

    def __init__(self, rule: Rule, start: Seconds, *, fresh: bool) -> None:
        self.rule, self.start = rule, start
        self._votes: deque[bool] = deque(maxlen=rule.n)
        self._armed = fresh
        self._low_since: Seconds | None = None
        self._began: Seconds | None = None

    @property
    def onset(self) -> Seconds | None:
        """Since when it has been so, as the decisions told first."""
        return self._began

    @property
    def armed(self) -> bool:
        """Whether it may speak: what was there has been gone for a while."""
        return self._armed

    def update(self, time: Seconds, value: float, onset: Seconds) -> bool:
        """Take the decision at a time; True when this is the moment to speak."""
        rule = self.rule
        self._votes.append(value >= rule.high)
        if value >= rule.high and self._began is None:
            self._began = onset
        self._rearm(time, value)
        if not self._armed or self._began is None or sum(self._votes) < rule.k:
            return False
        if self._began < self.start or time - self._began < rule.lasts - 1e-6:
            return False
        self._armed = not rule.hysteresis
        return True

    def _rearm(self, time: Seconds, value: float) -> None:
        """It may fire again when it has been low for long enough."""
        if value >= self.rule.low:
            self._low_since = None
            return
        self._low_since = time if self._low_since is None else self._low_since
        if time - self._low_since >= self.rule.rest - 1e-6:
            self._armed, self._began = True, None


def ruled(rule: Rule, k: int | None, n: int | None, lasts: Seconds | None) -> Rule:
    """A channel's rule with what a person set instead."""
    size = max(k or rule.k, n or (k if k is not None and k > rule.n else rule.n))
    return replace(
        rule, k=k or min(rule.k, size), n=size, lasts=rule.lasts if lasts is None else lasts
    )
