"""Fill in what a follow-up leaves out: the time, the topic or the kind of the turn it alludes to."""

from __future__ import annotations

import re
from typing import Any

from longtake.agent.question.patterns import QUESTION, SAY, SCREEN
from longtake.agent.state import Part
from longtake.agent.talk.dialogue import Turn

AFTER = re.compile(
    r"\b(?:after (?:that|this|it)|next|and then|then what|afterwards|what follows|go on|continue)\b"
)
BEFORE = re.compile(r"\b(?:before (?:that|this|it)|previously|just before)\b")
_SCREEN = re.compile(r"\b(?:slides?|screen|it say|shown|written|show)\b")
_SAID = re.compile(r"\b(?:she|he|they|speaker|lecturer|said|saying|talk\w*|speak\w*)\b")
_AGAIN = re.compile(r"\b(?:again|else|other times?|more often|every time)\b")
_WHEN = re.compile(
    r"\bwhen (?:was|is|did|does)\b|\bat what time\b|\bwhere (?:was|is) (?:that|it)\b"
)
_ABOUT = re.compile(
    r"^(?:and |so |but )*(?:what|how) about\b|"
    rf"^(?:and|or)\s+(?!(?:{QUESTION})\b)(?!.*\b(?:after|before|then)\b)"
)


def alluding(part: Part) -> bool:
    """Whether a part needs the turn before to be understood."""
    low = part["text"].lower()
    bare = not part["words"] and not part["anchor"] and part["unit"] in (None, "mention", "topic")
    return bool(part["follows"]) or bare or (bool(_ABOUT.search(low)) and part["kind"] == "fact")


def bind(part: Part, turn: Turn) -> Part:
    """Fill in what a follow-up leaves out, from the turn it alludes to."""
    low = part["text"].lower()
    made = dict(part) | {"follows": False, "bound": True, "topic": turn["words"]}
    if part["words"]:
        return made | _same_question(part, turn)
    if AFTER.search(low) or BEFORE.search(low):
        return made | beside(low, turn)
    if part["kind"] in ("duration", "count", "exists") or _AGAIN.search(low):
        more = {"kind": "when", "pick": "every"} if _AGAIN.search(low) else {}
        return made | {"words": turn["words"], "phrases": turn["phrases"]} | more
    made = window_at(made, turn["spans"][0])
    if _WHEN.search(low):
        source = turn["sources"][0] if turn["sources"] else "speech"
        return made | {"sources": [source], "only": True}
    if _SCREEN.search(low) and not re.search(r"\b(?:she|he|speaker|lecturer)\b", low):
        return made | {"sources": ["screen", "speech"], "only": True}
    if _SAID.search(low):
        return made | {"sources": ["speech", "screen"], "only": True}
    return made | {"sources": ["speech", "screen"]}


def window_at(part: Part, span: dict[str, Any]) -> Part:
    """The part bound to one span: whatever is said or shown there."""
    return dict(part) | {"window": [span["start"], span["end"]], "anchored": span["video"],
                         "kind": "at_time", "follows": False, "bound": True}  # fmt: skip


def _same_question(part: Part, turn: Turn) -> Part:
    """ "What about X?": the last question again, about X."""
    if part["kind"] != "fact" or not _ABOUT.search(part["text"].lower()):
        return {}
    kept = {k: turn[k] for k in ("kind", "sources", "strict", "pick", "wants", "unit")}
    if kept["kind"] in ("order", "compare", "at_time", "choice", "summary", "unsupported"):
        kept |= {"kind": "said", "pick": "best"}
    return kept


def beside(low: str, turn: Turn) -> Part:
    """ "And after that?": what comes next to the last answer, where that was looked for."""
    relation = "before" if BEFORE.search(low) else "after"
    slide = re.search(rf"\b(?:{SCREEN}|shows?|shown)\b", low)
    said = re.search(rf"\b(?:{SAY})\b", low) and not slide
    here = str(turn.get("at") or turn["sources"][0])
    source = "screen" if slide else "speech" if said else turn["sources"][0]
    order = ["screen", "speech"] if source == "screen" else ["speech", "screen"]
    span = dict(turn["spans"][0])
    if here == "screen" and source == "speech" and relation == "after":
        span["end"] = span["start"] + 0.3  # what is said after a card comes up, not after it goes
    anchor = {
        "id": "turn:0", "source": source, "quote": turn.get("quote") or turn["question"], "score": 0.4, "lex": 0.0,
        "dense": 0.0,
    } | span  # fmt: skip
    return {"kind": "order", "relation": relation, "anchor_span": anchor, "sources": order,
            "anchor": turn["words"], "pick": "best", "follows": False, "bound": True}  # fmt: skip
