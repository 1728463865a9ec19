"""Take an answer when several signals of it add up, and look again when they do not.

After CyberV's loop around a frozen model: voters (a model in one order of the options and in
another, with other passages, the rules) each give an answer; sensors read signals of each candidate
answer, which are summed. The best sum is taken when it is high enough or nobody disagrees;
otherwise one more round is asked, if the budget allows. Late voters weigh the candidates: an
answer that none of them is, is refused once enough have voted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from longtake.agent.ledger import Ledger

THETA = 0.5
"""Share of the sensors' greatest sum that an answer needs."""
SETTLED = 2
"""With more first votes than this the candidates are settled."""


@dataclass(frozen=True, slots=True)
class Vote:
    """One voter's answer and what speaks for it; numbers lie between 0 and 1.

    `p` is the probability it gives to its answer, `blind` the one it gives without evidence,
    `evidence` how much of what was asked its evidence holds, and `rank` the place of that
    evidence among all that was found (1 is the best).
    """

    answer: str
    p: float
    blind: float = 0.0
    evidence: float = 0.0
    rank: int = 1


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided: `sure` when the signals add up or nobody disagreed.

    `sums` holds the sum of each candidate, `refused` the answers that came too late.
    """

    answer: str
    sure: bool
    rounds: int
    sums: dict[str, float]
    refused: tuple[str, ...] = ()


Sensor = Callable[[Sequence[Vote], Sequence[Vote]], float]


def probability(mine: Sequence[Vote], votes: Sequence[Vote]) -> float:
    """How probable its voters find it."""
    return sum(vote.p for vote in mine) / len(mine)


def lift(mine: Sequence[Vote], votes: Sequence[Vote]) -> float:
    """How much more probable the evidence makes it than a blind guess is."""
    return sum(max(0.0, vote.p - vote.blind) for vote in mine) / len(mine)


def agreement(mine: Sequence[Vote], votes: Sequence[Vote]) -> float:
    """How many of the voters give it."""
    return len(mine) / len(votes)


def evidence(mine: Sequence[Vote], votes: Sequence[Vote]) -> float:
    """How much of what was asked its best evidence holds."""
    return max(vote.evidence for vote in mine)


def rank(mine: Sequence[Vote], votes: Sequence[Vote]) -> float:
    """How far in front its best evidence was found."""
    return 1.0 / max(1, min(vote.rank for vote in mine))


SENSORS: Mapping[str, Sensor] = {
    "probability": probability,
    "lift": lift,
    "agreement": agreement,
    "evidence": evidence,
    "rank": rank,
}


def weigh(votes: Sequence[Vote], sensors: Mapping[str, Sensor] = SENSORS) -> dict[str, float]:
    """The sum of the signals of each candidate answer, best first; ties by the first vote."""
    answers = list(dict.fromkeys(vote.answer for vote in votes))
    sums = {}
    for answer in answers:
        mine = [vote for vote in votes if vote.answer == answer]
        sums[answer] = round(sum(sensor(mine, votes) for sensor in sensors.values()), 6)
    return dict(sorted(sums.items(), key=lambda pair: (-pair[1], answers.index(pair[0]))))


def consensus(
    first: Sequence[Vote],
    more: Callable[[list[str]], Sequence[Vote]],
    ledger: Ledger,
    *,
    kind: str = "scored",
    cost: int = 1,
    rounds: int = 2,
    theta: float = THETA,
    sensors: Mapping[str, Sensor] = SENSORS,
) -> Decision | None:
    """Decide among the answers of `first`, asking `more` voters while they are at odds.

    Args:
        more: given the candidates, best first, returns votes made with more evidence.
        kind, cost: what one more round takes from the ledger; without it nothing more is asked.
        rounds: the most rounds; 1 switches the second look off.

    Returns:
        None when nobody voted.
    """
    votes = list(first)
    if not votes:
        return None
    done, refused = 1, list[str]()
    sums = weigh(votes, sensors)
    while not _sure(votes, sums, theta, sensors) and done < rounds and ledger.spend(kind, cost):
        done += 1
        candidates = list(sums)
        for vote in more(candidates):
            if len(first) > SETTLED and vote.answer not in candidates:
                refused.append(vote.answer)
            else:
                votes.append(vote)
        sums = weigh(votes, sensors)
    sure = _sure(votes, sums, theta, sensors)
    return Decision(next(iter(sums)), sure, done, sums, tuple(refused))


def _sure(
    votes: Sequence[Vote], sums: Mapping[str, float], theta: float, sensors: Mapping[str, Sensor]
) -> bool:
    return len(sums) == 1 or max(sums.values()) > theta * len(sensors)
