"""Speech told again in plain lines: the later pass `retell`.

People ramble; a caption line says what was said in a form that a question resembles (after
HowToCaption, S29). A language model is shown a window of utterances, numbered, and writes one to
three lines ``2-4: what is said``. It chooses numbers, so times are the utterances' own and are
never made up. A line is kept only if its numbers are in the window and in order, and if at least half
of its content words, and every number and name in it, were said there. The words themselves stay
as they are: a line is a record of its own, whose parents they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from longtake.models.protocols import ChatModel
from longtake.perception.later import Portion, later_id
from longtake.storage.records import Record, Video
from longtake.timecode import Seconds, Span

PORTION: Seconds = 300.0
LONGEST: Seconds = 40.0  # of a window
PAUSE: Seconds = 8.0  # a longer silence ends a window
FEWEST = 12  # words that a window must have to be worth a line
LINES = 3
MAX_TOKENS = 200
FOUND = 0.5
"""The least share of a line's content words that were said."""

_ASK = (
    "Below are {count} numbered lines of a transcript, as they were spoken.\n"
    "Write 1 to {lines} short, plain sentences that tell what is said, in the transcript's "
    "language. Use its own words for things, names and numbers, and add nothing.\n"
    "Begin each sentence with the numbers of the lines it tells of, like this:\n"
    "1-3: The oven is set to 180 degrees.\n\n{transcript}"
)
_LINE = re.compile(r"^[\s*•\-\[(]*(\d+)(?:\s*(?:-|–|—|to)\s*(\d+))?[\])]*\s*[:.)]\s*(\S.*)$")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_TELLING = frozenset({
    "about", "after", "also", "because", "before", "does", "from", "have", "into", "more", "says",
    "said", "speaker", "speakers", "speaking", "talks", "talking", "tells", "explains", "describes",
    "mentions", "discusses", "asks", "asked", "someone", "somebody", "person", "people", "that",
    "their", "them", "then", "there", "these", "they", "this", "those", "very", "what", "when",
    "where", "which", "while", "will", "with", "would", "your",
})  # fmt: skip
"""Words that a line may use for telling, said or not."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line that was kept: which utterances of the window it tells of (first, last), and how."""

    first: int
    last: int
    text: str


class Retell:
    """The pass over what was said in a video up to `until`.

    Args:
        utterances: the records of speech, in order.
        until: how much of the video was watched.
    """

    name = "retell"

    def __init__(
        self, video: Video, utterances: Sequence[Record], model: ChatModel, until: Seconds
    ) -> None:
        self.video, self.utterances, self.model, self.until = video, utterances, model, until
        self.maker = f"{self.name}:{model.name}"

    def portions(self, begin: Seconds, carry: bytes) -> Iterator[Portion]:
        """Yield the lines of five minutes at a time; nothing is carried over."""
        while begin < self.until:
            end = min((begin // PORTION + 1) * PORTION, self.until)
            said = [one for one in self.utterances if begin <= one.span.start < end]
            records = [record for window in windows(said) for record in self._told(window)]
            yield Portion(end, tuple(_numbered(records, self.video)))
            begin = end

    def _told(self, window: Sequence[Record]) -> list[Record]:
        reply = self.model.generate([("user", prompt(window))], max_tokens=MAX_TOKENS)
        known = max(one.known_at for one in window)
        records = []
        for line in checked(reply, [one.text for one in window]):
            parents = window[line.first : line.last + 1]
            span = Span(parents[0].span.start, max(one.span.end for one in parents))
            records.append(
                Record(
                    "", self.video.id, "moment", "caption", span, known, line.text, self.maker,
                    tuple(one.id for one in parents), {"of": "speech"},
                )
            )  # fmt: skip
        return records


def windows(utterances: Sequence[Record]) -> list[list[Record]]:
    """Part utterances into windows, each up to `LONGEST` and without a long silence inside."""
    found: list[list[Record]] = []
    for one in utterances:
        last = found[-1] if found else None
        near = last is not None and one.span.start - last[-1].span.end <= PAUSE
        if last and near and one.span.end - last[0].span.start <= LONGEST:
            last.append(one)
        else:
            found.append([one])
    return [window for window in found if _count(window) >= FEWEST]


def prompt(window: Sequence[Record]) -> str:
    """What the model is asked of a window."""
    lines = [f"{n}. {' '.join(one.text.split())}" for n, one in enumerate(window, 1)]
    return _ASK.format(count=len(lines), lines=LINES, transcript="\n".join(lines))


def checked(reply: str, said: Sequence[str]) -> list[Line]:
    """Read a reply and keep what holds: numbers in the window and in order, words that were said.

    >>> checked("1: Salt goes in.\\n9: Later.\\nnonsense", ["now we put the salt in there"])
    [Line(first=0, last=0, text='Salt goes in.')]
    """
    kept: list[Line] = []
    for raw in reply.splitlines():
        match = _LINE.match(raw.strip())
        if match is None or len(kept) == LINES:
            continue
        first = int(match[1]) - 1
        last = int(match[2]) - 1 if match[2] else first
        if not 0 <= first <= last < len(said) or (kept and first < kept[-1].first):
            continue
        text = " ".join(match[3].split())
        near = " ".join(said[max(0, first - 1) : last + 2])
        if holds(text, near):
            kept.append(Line(first, last, text))
    return kept


def holds(line: str, said: str) -> bool:
    """Whether a line says what was said: its numbers and names all, half of its other words."""
    words = _WORD.findall(line)
    if not 2 <= len(words) <= 40:
        return False
    heard = {_stem(word) for word in _WORD.findall(said)}
    exact = {word.casefold() for word in _WORD.findall(said)}
    sure = [word for n, word in enumerate(words) if word[0].isdigit() or (n and _is_name(word))]
    content = [word for word in words if len(word) > 3 and word.casefold() not in _TELLING]
    if any(word.casefold() not in exact for word in sure) or not (content or sure):
        return False
    if words[0] in content and _stem(words[0]) not in heard:  # It may well be a name.
        return False
    return sum(_stem(word) in heard for word in content) >= FOUND * len(content)


def _is_name(word: str) -> bool:
    """Whether a word inside a sentence is written as a name; German nouns are taken for names."""
    return word[0].isupper() and word != "I" and not word.startswith(("I'", "I’"))


def _stem(word: str) -> str:
    """The beginning of a word: enough to match its other forms."""
    return word.casefold()[:4]


def _count(window: Sequence[Record]) -> int:
    return sum(len(one.text.split()) for one in window)


def _numbered(records: Sequence[Record], video: Video) -> Iterator[Record]:
    """Name records by their start; those of one start are told apart by order."""
    from dataclasses import replace

    starts: dict[Seconds, int] = {}
    for one in records:
        n = starts[one.span.start] = starts.get(one.span.start, -1) + 1
        yield replace(one, id=later_id("retell", video, one.span.start, "caption", n))
