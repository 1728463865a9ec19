"""Questions about several videos: which are meant, which to open, and what was when in another.

Contract: `pick` chooses the videos of a library that a question is about before anything is read;
`settle_named` reads names, places in the order and dates of videos out of a part and binds it to
them (``part["videos"]``) or to each of them (``part["each"]``: each, both or which); `translated`
moves a span to another recording of the same hour by the time of day. What fans out into one part a
video is worked on in `longtake.agent.videos.fan_out`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from longtake.agent.desk import Desk
from longtake.agent.findings import finding
from longtake.agent.question.classify import classify
from longtake.agent.state import Finding, Part
from longtake.agent.talk.dialogue import Turn, last_found
from longtake.storage.records import Level, Video
from longtake.timecode import Seconds

if TYPE_CHECKING:
    from longtake.tools.registry import Toolbox

MOST_VIDEOS = 8
_NOUN = (
    r"(?:videos?|lectures?|recordings?|talks?|films?|clips?|sessions?|meetings?|cameras?|cams?|"
    r"episodes?|files?|movies?|seminars?|tapes?)"
)
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
_COUNTED = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "1st": 1, "2nd": 2, "3rd": 3}
_PLACED = re.compile(
    rf"\b(?P<how>(?:in|of|from|on|by|at|during)\s+)?(?:the\s+)?(?:(?P<nth>{'|'.join(_ORDINALS)}|last|\d(?:st|nd|rd|th))"
    rf"\s+(?P<noun>{_NOUN})|(?P<noun2>{_NOUN})\s+(?:number\s+)?(?P<n>\d+|{'|'.join(list(_COUNTED)[:5])}))\b",
    re.IGNORECASE,
)
_OTHER = re.compile(
    rf"\b(?P<how>(?:in|of|from|on|by|at|during)\s+)?the other (?:{_NOUN}|one)\b", re.IGNORECASE
)
_EACH = re.compile(
    rf"\b(?P<how>(?:in|of|from|on|by|at|across|throughout)\s+)?(?P<all>each|every|both|all|either)(?:\s+of)?"
    rf"(?:\s+(?:the|these|those|my))?(?:\s+(?:two|three|four|\d+))?\s+{_NOUN}\b|\b(?P<how2>in|across)\s+(?P<all2>both|all|each)"
    r"(?:\s+of\s+them)?\W*$",
    re.IGNORECASE,
)
_WHICH = re.compile(
    rf"^(?:and |so )*(?P<how>(?:in|on|from)\s+)?(?:which|what)(?:\s+of\s+(?:the|these|my))?(?:\s+(?:two|three|four|\d+))?"
    rf"\s+{_NOUN}\b\s*(?P<rest>.+)$",
    re.IGNORECASE,
)
_COUNTS = re.compile(
    r"\bhow (?:many|often)\b|\b(?:every|each|all|both)\b|\bwhich (?:of the |of my )?" + _NOUN,
    re.IGNORECASE,
)
_SAME = re.compile(
    r"\b(?:same (?:moment|time|instant|second)|at th(?:at|is) (?:moment|time|point|instant)|meanwhile|"
    r"simultaneously|just then|right then|then)\b"
)
_SHARED = re.compile(
    rf"\b(?:who|which (?:people|persons|names?)|what (?:people|names?))\b.*\b(?:both|all|each|every)\b.*?(?:{_NOUN}\b|of them|\W*$)"
)
_MONTHS = (
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"]
)  # fmt: skip
_DATE = re.compile(
    rf"\b(?P<iso>\d{{4}}-\d{{2}}-\d{{2}})\b|\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?\s+(?P<month>{'|'.join(_MONTHS)})"
    rf"(?:\s+(?P<year>\d{{4}}))?|\b(?P<month2>{'|'.join(_MONTHS)})\s+(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\b",
    re.IGNORECASE,
)
_OF_DATE = re.compile(rf"\b(?:{_NOUN}\s+(?:of|on|from)\s+(?:the\s+)?$)", re.IGNORECASE)


# -- which videos of the library to open -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Picked:
    """The videos that are asked, and those left out because others fit better."""

    videos: tuple[Video, ...]
    left_out: tuple[Video, ...] = ()
    why: str = ""


def pick(
    toolbox: Toolbox,
    question: str,
    videos: Sequence[Video],
    *,
    as_of: Seconds | None = None,
    most: int = MOST_VIDEOS,
    quotas: bool = True,
) -> Picked:
    """Choose at most so many videos that fit a question best, in their own order.

    Named ones first; the others by rank fusion over their synopses, their chapters and the best
    moment of each. With `quotas` each video is searched for its own best moment; without, one
    search is shared, and a long video with many hits leaves no room for others. A question that
    counts, or asks for every or each, is asked of all.
    """
    if len(videos) <= most or _COUNTS.search(question):
        return Picked(tuple(videos))
    named = {v.id for v in named_in(question, videos)[0]}
    ranks = _coarse(toolbox, question, videos, as_of)
    order = sorted(videos, key=lambda v: (v.id not in named, -ranks.get(v.id, 0.0), v.ordinal))
    finer = order[: CLOSER * most] if quotas else order
    for n, video in enumerate(_by_moment(toolbox, question, finer, as_of, quotas)):
        ranks[video] = ranks.get(video, 0.0) + 2.0 / (60 + n)
    order.sort(key=lambda v: (v.id not in named, -ranks.get(v.id, 0.0), v.ordinal))
    kept = {v.id for v in order[:most]}
    left = tuple(v for v in videos if v.id not in kept)
    why = f"the {most} of {len(videos)} videos that fit best"
    return Picked(tuple(v for v in videos if v.id in kept), left, why)


CLOSER = 4
"""So many times more videos than are picked are searched one by one."""


def _coarse(
    toolbox: Toolbox, question: str, videos: Sequence[Video], as_of: Seconds | None
) -> dict[str, float]:
    """Reciprocal ranks of each video by its synopsis and by its best chapter."""
    ids = [v.id for v in videos]
    levels: tuple[Level, ...] = ("video", "chapter")
    ranks: dict[str, float] = {}
    for level in levels:
        found = toolbox.search(question, videos=ids, level=level, k=4 * len(ids), as_of=as_of)
        for n, video in enumerate(dict.fromkeys(moment.video for moment in found.moments)):
            ranks[video] = ranks.get(video, 0.0) + 1.0 / (60 + n)
    return ranks


def _by_moment(
    toolbox: Toolbox,
    question: str,
    videos: Sequence[Video],
    as_of: Seconds | None,
    quotas: bool,
) -> list[str]:
    """Videos by how well their best moment fits; those without any are left out."""
    ids = [v.id for v in videos]
    if not quotas:
        found = toolbox.search(question, videos=ids, k=8 * MOST_VIDEOS, as_of=as_of)
        return list(dict.fromkeys(moment.video for moment in found.moments))
    scored = []
    for n, video in enumerate(ids):
        best = toolbox.search(question, videos=[video], k=1, as_of=as_of).moments
        if best:
            scored.append((-best[0].score, n, video))
    return [video for _, _, video in sorted(scored)]


# -- which videos a question names -------------------------------------------------------------


def named_in(text: str, videos: Sequence[Video]) -> tuple[list[Video], str]:
    """Videos that a question names by file name, number, place in the order or date.

    Returns them in the library's order, and the question without those words.
    """
    found: list[Video] = []
    rest = text
    for video in videos:
        match = _by_name(video, rest)
        if match is not None:
            found.append(video)
            rest = _without(rest, match)
    while match := _PLACED.search(rest):
        video_at = _placed(match, videos)
        if video_at is None:
            break
        found.append(video_at)
        rest = _without(rest, match)
    for match in _DATE.finditer(rest):
        near = bool(_OF_DATE.search(rest[: match.start()]))
        dated = [v for v in videos if near and _day_of(match, v)]
        if dated:
            found += dated
            rest = rest[: match.start()].rstrip()[: -len("of")].rstrip() + rest[match.end() :]
            break
    kept = {v.id for v in found}
    return [v for v in videos if v.id in kept], re.sub(r"\s+", " ", rest).strip()


def _plain(name: str) -> list[str]:
    """A file name as words: "Lecture-02.final.mp4" is lecture 2 final."""
    stem = re.sub(r"\.\w{2,4}$", "", name.lower())
    return [piece.lstrip("0") or "0" for piece in re.findall(r"[^\W\d_]+|\d+", stem)]


def _by_name(video: Video, text: str) -> re.Match[str] | None:
    pieces = _plain(video.name)
    if not pieces:
        return None
    words = r"[\W_]*0*".join(re.escape(piece) for piece in pieces)
    lead = r"(?P<how>(?:in|of|from|on|by|at|during)\s+)?(?:the\s+)?"
    short = len(pieces) == 1 and len(pieces[0]) < 3
    lead += rf"(?:{_NOUN}\s+)" if short else r"[\"“']?"
    pattern = rf"(?<![\w.-]){lead}{words}(?:\.\w{{2,4}})?[\"”']?(?![\w-])(?:\s+{_NOUN}\b)?"
    return re.search(pattern, text, re.IGNORECASE)


def _placed(match: re.Match[str], videos: Sequence[Video]) -> Video | None:
    """The video that "the second lecture" or "camera 2" means: its number, else its place."""
    nth, n = (match.group("nth") or "").lower(), (match.group("n") or "").lower()
    if nth == "last":
        return videos[-1]
    digits = re.sub(r"\D", "", nth or n)
    number = int(digits) if digits else _COUNTED.get(n) or _ORDINALS.index(nth) + 1
    numbered = [v for v in videos if str(number) in _plain(v.name)]
    if len(numbered) == 1:
        return numbered[0]
    return videos[number - 1] if 1 <= number <= len(videos) else None


def _without(text: str, match: re.Match[str]) -> str:
    """The text without the video's name; where it is who says something, "the lecture" stays."""
    put = " " if match.group("how") else " the lecture "
    return re.sub(r"\s+", " ", text[: match.start()] + put + text[match.end() :]).strip()


def _day_of(match: re.Match[str], video: Video) -> bool:
    began = started(video)
    day = datetime.fromtimestamp(began, UTC).date() if began is not None else None
    written = re.search(r"(\d{4})[-_.]?(\d{2})[-_.]?(\d{2})", video.name)
    known = day.isoformat() if day else "-".join(written.groups()) if written else None
    if known is None:
        return False
    if match.group("iso"):
        return known == match.group("iso")
    month = _MONTHS.index((match.group("month") or match.group("month2")).lower()) + 1
    number = int(match.group("day") or match.group("day2"))
    year = match.group("year") or known[:4]
    return known == f"{year}-{month:02d}-{number:02d}"


def settle_named(desk: Desk, part: Part, history: Sequence[Turn]) -> tuple[Part, Finding | None]:
    """Bind a part to the videos that it names; settle it when there are no such videos."""
    if part.get("videos") or part.get("each") or part["kind"] == "choice":
        return part, None
    text = part["text"]
    if (match := _OTHER.search(text)) is not None and (len(desk.videos) > 1 or _noun(match)):
        return _other(desk, part, match, history)
    if len(desk.videos) < 2:
        return part, None
    if _SHARED.search(text.lower()) and (_EACH.search(text)):
        return part, shared_names(desk)
    if match := _WHICH.match(text):
        lead = "does the lecture " if not match.group("how") else ""
        return _reread(part, lead + match.group("rest")) | {"each": "which"}, None
    if match := _EACH.search(text):
        how = (match.group("all") or match.group("all2")).lower()
        rest = text[: match.start()] + (
            " " if match.group("how") or match.group("how2") else " the lecture "
        )
        return _reread(part, rest + text[match.end() :]) | {
            "each": "both" if how == "both" else "each"
        }, None
    videos, rest = named_in(text, desk.videos)
    if videos:
        each = {"each": "each"} if len(videos) > 1 else {}
        return _reread(part, rest) | {"videos": [v.id for v in videos]} | each, None
    if (placed := _PLACED.search(text)) is not None and not part["phrases"]:
        said = re.sub(r"^(?:in|of|from|on|by|at|during)\s+", "", placed.group().lower().strip())
        names = _listed([v.name for v in desk.videos])
        note = f"There is no {said.removeprefix('the ')} among the videos asked: {names}."
        return part, finding("ambiguous", note=note)
    return part, None


def _noun(match: re.Match[str]) -> bool:
    return not match.group().lower().rstrip().endswith(" one")


def _reread(part: Part, text: str) -> Part:
    text = re.sub(r"\s+", " ", text).strip(" ,;")
    read = classify(text or part["text"])
    again = read[0] if read else {}
    follows = part["follows"] or bool(again.get("follows"))
    return dict(part) | again | {"follows": follows, "asked": part["text"]}


def _other(
    desk: Desk, part: Part, match: re.Match[str], history: Sequence[Turn]
) -> tuple[Part, Finding | None]:
    """ "In the other lecture": the one that was not spoken of last."""
    if len(desk.videos) < 2:
        note = f"Only {desk.videos[0].name} is asked here; name another video, or ask the whole library."
        return part, finding("ambiguous", note=note)
    here = _spoken_of(desk, history)
    others = [v for v in desk.videos if v.id != here]
    if here is None or len(others) != 1:
        note = f"There are several: {_listed([v.name for v in others])}. Say which one by its name."
        return part, finding("ambiguous", note=note)
    return _reread(part, _without(part["text"], match)) | {"videos": [others[0].id]}, None


def _spoken_of(desk: Desk, history: Sequence[Turn]) -> str | None:
    """The video that the thread spoke of last."""
    turn = last_found(history)
    bound = (history[-1].get("part") or {}).get("videos") if history else None
    if bound and len(bound) == 1:
        return str(bound[0])
    return str(turn["spans"][0]["video"]) if turn is not None else None


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(names[:6]) + more


# -- the same moment in another recording ------------------------------------------------------


def started(video: Video) -> float | None:
    """When the recording began, in seconds of UTC, where its container says so.

    Read from ``media["started_at"]`` or ``media["creation_time"]``, an ISO 8601 text; a time
    without a zone is UTC, as containers write it.
    """
    said = video.media.get("started_at") or video.media.get("creation_time")
    if not said:
        return None
    try:
        read = datetime.fromisoformat(str(said))
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def translated(desk: Desk, span: dict[str, Any], video: str) -> dict[str, Any] | str:
    """A span's moment in another video, by the time of day; or a sentence why there is none."""
    one, other = desk.video(span["video"]), desk.video(video)
    began, begins = started(one), started(other)
    if began is None or begins is None:
        silent = _listed([v.name for v, t in ((one, began), (other, begins)) if t is None])
        return (
            f"When {silent} was recorded is not known, so moments cannot be matched by the clock."
        )
    shift = began - begins
    low, high = span["start"] + shift, span["end"] + shift
    if high <= 0 or low >= other.duration:
        return f"{other.name} was not recording at that time."
    return {"video": video, "start": max(0.0, low), "end": min(other.duration, high)}


def one_moment(text: str) -> bool:
    """Whether a question asks for the same instant elsewhere."""
    return bool(_SAME.search(text.lower()))


def meet(desk: Desk, part: Part, turns: Sequence[Turn]) -> tuple[Part, Finding | None] | None:
    """ "What does the other camera show at the same moment?": by the clocks of both recordings."""
    turn = last_found(turns)
    names = part.get("videos") or []
    if turn is None or len(names) != 1 or part["words"] or not one_moment(part["text"]):
        return None
    span = turn["spans"][0]
    moved = span if span["video"] == names[0] else translated(desk, span, names[0])
    if isinstance(moved, str):
        return part, finding("weak", note=moved, confidence=0.3)
    only = part["kind"] in ("shown", "said") or part["strict"]
    return dict(part) | {"kind": "at_time", "window": [moved["start"], moved["end"]], "only": only,
                         "anchored": names[0], "follows": False, "bound": True}, None  # fmt: skip


# -- what several videos have in common --------------------------------------------------------


def shared_names(desk: Desk) -> Finding:
    """Names that are said or shown in every video, by how often; each with its first place."""
    from longtake.agent.findings import clock, sentence
    from longtake.agent.videos.fan_out import first_names

    places = [first_names(desk, video) for video in desk.ids]
    common = [name for name in places[0] if all(name in other for other in places[1:])]
    common.sort(key=lambda name: (-min(p[name][0] for p in places), name))
    if not common:
        return finding("absent", confidence=0.6, note="No name occurs in all of them.")
    evidence: list[dict[str, Any]] = []
    sentences = []
    for name in common[:5]:
        shown = [p[name][1] for p in places]
        at = len(evidence)
        evidence += shown
        where = ", ".join(f"{clock(one['start'])}" for one in shown)
        text = f"{shown[0]['name']}: {where}."
        sentences.append(sentence(text, *range(at, at + len(shown))))
    return finding("found", sentences, evidence, confidence=0.7)
