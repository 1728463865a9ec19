"""Put a name in the place of a pronoun: whoever fits, weighed by what the video says of each.

Contract: `pronoun(desk, part, turns)` returns the part with the name in its text, classified anew;
with ``ask`` when two are equally likely; None when nothing in it stands for something.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from longtake.agent.desk import Desk
from longtake.agent.question.classify import classify
from longtake.agent.state import Part
from longtake.agent.talk.alluding import AFTER, BEFORE
from longtake.agent.talk.dialogue import Turn
from longtake.agent.talk.referents import EQUAL, Pronoun, pronoun_in, put, ranked
from longtake.agent.talk.support import BY_SUPPORT, support
from longtake.tools.corpus import coverage


def in_place(desk: Desk, part: Part, turns: Sequence[Turn]) -> Part | None:
    """A question with words of its own and a word that stands for something: put the name in."""
    low = part["text"].lower()
    pronoun = pronoun_in(part["text"])
    if pronoun is None or _of_time(low, pronoun):
        return None
    scans = part["kind"] in ("count", "exists") or (
        part["kind"] == "when" and part["pick"] != "best"
    )
    bare = bool(_IDENTITY.match(low)) and _names_anew(turns[-1], low)
    telling = part["words"] or scans or pronoun.gender or pronoun.kinds == ("place",)
    if not (telling or bare):
        return None
    scored = weighed(desk, part, ranked(pronoun, turns, part["text"]))
    if not scored:
        return None
    made = _meant(part, pronoun, scored[0][1])
    if not part["words"]:
        made["told"] = _told_already(desk, turns[-1], scored[0][1])
    rivals = [one for score, one in scored if scored[0][0] - score < EQUAL][:4]
    if len(rivals) > 1:
        names = [one["name"] for one in rivals]
        made["understood"] = (
            f"Here “{pronoun.word}” was taken to be {names[0]}; {_or(names[1:])} could be meant too."
        )
        choices = [{"label": one["name"], "bind": _meant(part, pronoun, one)} for one in rivals]
        made["ask"] = {"text": f"Who or what is “{pronoun.word}”?", "choices": choices}
    return made


_IDENTITY = re.compile(
    r"^(?:and |so |but )*(?:where|who|what|how) (?:exactly )?(?:is|are|was|were) "
    r"(?:it|they|that|this|those|these)(?: exactly| called| named)?\W*$"
)
_PLACE_IN_TIME = re.compile(r"\b(?:was|were) (?:that|this|it)\b")


def _names_anew(turn: Turn, low: str) -> bool:
    """Whether the last answer named something that "where is it?" may ask about."""
    told = any(one["role"] == "subject" for one in turn.get("referents") or [])
    timed = turn["kind"] in ("when", "order", "at_time", "said", "compare")
    return told and not timed and not _PLACE_IN_TIME.search(low)


def _of_time(low: str, pronoun: Pronoun) -> bool:
    """Whether the word belongs to "after that" or "before it"."""
    sides = (AFTER.search(low), BEFORE.search(low))
    return any(m and m.start() <= pronoun.start < m.end() for m in sides)


def _told_already(desk: Desk, turn: Turn, one: dict[str, Any]) -> list[str]:
    """What the last answer told, where the video says more about the thing than that."""
    proofs = list(turn.get("proofs") or [])
    names = desk.terms(one["words"], blur=False)
    others = [u for u in desk.corpus.holding(names)
              if u.source in ("speech", "screen") and u.record.id not in proofs
              and coverage(names, [u]) >= 0.99]  # fmt: skip
    return proofs if others else []


def weighed(
    desk: Desk, part: Part, scored: Sequence[tuple[float, dict[str, Any]]]
) -> list[tuple[float, dict[str, Any]]]:
    """Referents weighed by what the video says of them.

    That tells a thing from a person or a place; of one sort only those that were spoken of last
    gain by it, for what is told of an earlier person answers no question about the later one.
    """
    latest: dict[str, int] = {}
    for _, one in scored:
        latest[one["kind"]] = min(one["age"], latest.get(one["kind"], one["age"]))
    rows = [
        (score + BY_SUPPORT * support(desk, part["words"], one) * (one["age"] == latest[one["kind"]]),
         n, one)
        for n, (score, one) in enumerate(scored)
    ]  # fmt: skip
    return [(score, one) for score, _, one in sorted(rows, key=lambda row: (-row[0], row[1]))]


def _or(names: Sequence[str]) -> str:
    return " or ".join(names)


def _meant(part: Part, pronoun: Any, one: dict[str, Any]) -> Part:
    """The part with a name for the pronoun, classified anew; every word of the name counts."""
    text = put(part["text"], pronoun, one)
    made = dict(part) | reread(text)
    extra = [w for w in one["words"] if w not in made["words"]]
    sure = {"kind": "person", "gender": pronoun.gender} if pronoun.gender else {}
    known = {k: one[k] for k in ("words", "kind", "gender", "plural")} | sure
    bound = {"follows": False, "bound": True, "referent": one["name"], "known": known}
    keys = ("words", "anchor")
    held = "anchor" if made["anchor"] and set(one["words"]) & set(made["anchor"]) else "words"
    return made | {k: [*made[k], *extra] for k in keys if k == held} | bound


def reread(text: str) -> Part:
    """Classify a question again that was put into other words; its first part."""
    return classify(text)[0]
