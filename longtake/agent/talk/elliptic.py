"""Follow-ups that leave out most of a question: "and the second boat?", "where?", "who was it?".

Contract: each reading returns the part as it is meant, classified anew from whole words, or None
when it does not apply. The text of the earlier question is kept and what is new is put into it, so
that a follow-up is answered as the whole question would be (the rewriting of CANARD, Elgohary et
al., "Can you unpack that?").
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from longtake.agent.question.classify import classify
from longtake.agent.question.patterns import QUESTION
from longtake.agent.state import Part
from longtake.agent.talk.dialogue import Turn
from longtake.agent.talk.mentions import names_of, phrases, topics_of
from longtake.tools.topic import FUNCTION, content_words
from longtake.tools.words import stem, tokens

SLOTS = frozenset(
    """card cards sign signs board boards poster posters picture pictures caption captions note
    notes notice heading headings item items sentence thing things person people one ones label
    labels time remark place places headline figure""".split()  # noqa: SIM905
)
"""Say what sort of thing is looked for, and not what is on it."""
_ABOUT = re.compile(
    rf"^(?:(?:and|so|but|ok|okay|now)\b[, ]*)*(?:what|how) about\s+(?P<what>.+)$|"
    rf"^(?:and|or|but)\s+(?!(?:{QUESTION}|can|could|has|had|have|will|would)\b)(?P<and>.+)$",
    re.IGNORECASE,
)
_TRAILING = re.compile(r"[\s,]*\b(?:then|instead|too|as well|please)?\W*$", re.IGNORECASE)
_PREPOSITION = re.compile(
    r"^(?P<prep>for|in|on|at|with|by|to|from|during|under|behind|near|without)\s+(?P<np>.+)$",
    re.IGNORECASE,
)
_SLUICE = re.compile(
    r"^(?:(?:and|but|so|ok|okay)\b[, ]*)*(?P<wh>who|whom|by whom|with whom|for whom|where|where to|"
    r"where from|from where|how much|how many|how long|how old|how far|how|for how much|since when|"
    r"until when|what for|with what|on what day|in what year|in which year)"
    r"(?: exactly| then)?\W*$"
)
_WHO = re.compile(
    r"^(?:(?:and|but|so)\b[, ]*)*who (?:was|is|were|are|did|does|has|had|do) (?:it|that|this|so)\W*$"
)
_TOOK = re.compile(
    r"^(?:(?:and|but|so)\b[, ]*)*how (?:long|much time) (?P<verb>did|does|will|has|would) "
    r"(?:it|that|this|all that) (?:all )?(?P<take>takes?|taken)\W*$"
)
_AUXILIARY = re.compile(
    r"^(?:and |so |but )*(?:(?:in|at|on|for|by|to|with) )?(?:what|which|who|whom|whose|where|when|why|how(?: \w+)?)?\s*"
    r"(?P<rest>(?:does|did|do|is|was|are|were|has|had|have|can|could|will|would|must)\b.*)$",
    re.IGNORECASE,
)
_SOMEBODY = re.compile(
    r"^(?:and |so )*(?:did|does|do|has|have|had|was|were|is|are) (?:anybody|anyone|somebody|someone|"
    r"any \w+|some \w+|one of (?:them|the \w+)|they|people)\s+(?P<rest>.+)$",
    re.IGNORECASE,
)
SETTLED = ("order", "compare", "at_time", "choice", "summary", "highlights", "unsupported")
"""Kinds of question that cannot be asked again about something else by exchanging a word."""


def slots_only(words: Sequence[str]) -> bool:
    """Whether words only say what sort of thing is looked for: "which card comes next?"."""
    return bool(words) and all(word in SLOTS for word in words)


def what_about(part: Part, turn: Turn) -> Part | None:
    """ "And what about the second boat?": the last question once more, with that put into it."""
    match = _ABOUT.match(part["text"])
    old = turn.get("part") or {}
    text = str(old.get("text") or "")
    if match is None or not text or turn["kind"] in SETTLED or part["kind"] not in ("fact", "when"):
        return None
    what = _TRAILING.sub("", match.group("what") or match.group("and"))
    if not content_words(what) or slots_only(content_words(what)):
        return None
    made = _exchanged(text, old, what)
    return _asked(part, made) if made else None


def _exchanged(text: str, old: Part, what: str) -> str | None:
    """The old question with its topic, or the phrase of the same sort, exchanged."""
    bare = text.rstrip(" ?!.")
    if match := _PREPOSITION.match(what):
        at = re.search(rf"\b{match.group('prep')}\s+(?P<np>(?:the |a |an )?[\w'’-]+(?: [\w'’-]+)?)\s*$",
                       bare, re.IGNORECASE)  # fmt: skip
        return f"{bare[: at.start()] if at else bare + ' '}{what}"
    span = _target(bare, old, what)
    if span is None:
        return None
    article = re.match(r"(?:the|a|an)\s", bare[span[0] : span[1]], re.IGNORECASE)
    led = re.match(r"(?:the|a|an|his|her|its|their|this|that)\s", what, re.IGNORECASE)
    lead = "the " if article and not led and not what[:1].isupper() else ""
    return bare[: span[0]] + lead + what + bare[span[1] :]


def _target(text: str, old: Part, what: str) -> tuple[int, int] | None:
    """Where the phrase stands that is exchanged: of the same head, of the same sort, the topic."""
    roots = {stem(w) for w in tokens(what) if w not in FUNCTION}
    named = what[:1].isupper() or bool(re.search(r"\b[A-ZÀ-Þ]", what))
    spans = [s for run in phrases(text) if (s := _found(text, run))]
    names = [s for name in names_of(text) if (s := _found(text, name.split()))]
    alike = [s for s in (*spans, *names) if roots & {stem(w) for w in tokens(text[s[0] : s[1]])}]
    if alike:
        return alike[0]
    if named and names:
        return names[-1]
    topics = [s for one in topics_of(old) if (s := _found(text, list(one["words"])))]
    return next(iter([*topics, *spans, *names]), None)


def _found(text: str, words: Sequence[str]) -> tuple[int, int] | None:
    """Where words stand one after another, with their article."""
    body = r"[\s-]+".join(re.escape(w) for w in words)
    match = re.search(
        rf"(?:\b(?:the|a|an|his|her|its|their|our)\s+)?\b{body}\b", text, re.IGNORECASE
    )
    return match.span() if match and words else None


def sluice(part: Part, turn: Turn) -> Part | None:
    """ "Where?", "by whom?", "how much?": the last question, asked for that instead."""
    match = _SLUICE.match(part["text"].lower().strip())
    old = turn.get("part") or {}
    if match is None or not turn["words"] or not old.get("text"):
        return None
    wh = match.group("wh")
    subject = wh == "who"
    rest = _clause(str(old["text"]), subject)
    return _asked(part, f"{wh} {rest}") | {"words": _own_words(turn)} if rest else None


def who_was_it(part: Part, turn: Turn) -> Part | None:
    """ "Who was it?": who did what the last question was about."""
    old = turn.get("part") or {}
    if not _WHO.match(part["text"].lower()) or turn["kind"] in SETTLED or not old.get("text"):
        return None
    people = [one for one in turn.get("referents") or [] if one["kind"] == "person"]
    rest = _clause(str(old["text"]), subject=True)
    if people or not rest:
        return None  # whoever was named is asked about, and that is a question of "it"
    return _asked(part, f"who {rest}") | {"words": _own_words(turn), "wants": "person"}


def how_long_it_took(part: Part, turn: Turn) -> Part | None:
    """ "How long did that take?": of what the last question was about."""
    match = _TOOK.match(part["text"].lower())
    old = turn.get("part") or {}
    topics = topics_of(old) if old.get("text") else []
    if match is None or not topics or turn["kind"] in SETTLED:
        return None
    made = _asked(part, f"how long did {topics[0]['name']} take")
    return made | {"words": list(dict.fromkeys([*made["words"], *_own_words(turn)]))}


def _own_words(turn: Turn) -> list[str]:
    return list(turn["words"])


def _clause(text: str, subject: bool) -> str:
    """What a question says behind its asking word: "did the ferry leave", "repaired the tower"."""
    bare = text.rstrip(" ?!.")
    if (match := _SOMEBODY.match(bare)) and subject:
        return match.group("rest")
    if match := _AUXILIARY.match(bare):
        return match.group("rest")
    lead = re.match(
        r"^(?:and |so |but )*(?:who|what|which(?: \w+)?)\s+(?P<rest>.+)$", bare, re.IGNORECASE
    )
    return lead.group("rest") if lead else ""


def _asked(part: Part, text: str) -> Part:
    """The part asked in whole words: what kind of answer it wants is told by these."""
    return dict(part) | classify(text)[0] | {"follows": False, "bound": True, "whole": text}


_THEN = re.compile(
    r"\b(?:there|then|at (?:that|the same|this) (?:moment|time|point)|in that (?:part|scene|section)|"
    r"just then|meanwhile)\b"
)
AROUND = 60.0
"""Seconds on both sides of what was told in which "there" and "then" look."""


def then_and_there(part: Part, turn: Turn) -> Part | None:
    """ "What does a slice cost there?": words of its own, looked for where the last answer was."""
    low = part["text"].lower()
    if not part["words"] or not _THEN.search(low) or re.match(r"^(?:is|are|was|were) there\b", low):
        return None
    span = turn["spans"][0]
    words = [w for w in part["words"] if w not in ("moment", "then", "there")]
    return dict(part) | {
        "scope": [max(0.0, span["start"] - AROUND), span["end"] + AROUND],
        "videos": [span["video"]], "words": words, "follows": False, "bound": True,
    }  # fmt: skip
