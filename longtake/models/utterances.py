"""Group words into utterances, and drop what a speech model made up.

Whisper invents text over noise and falls into loops; both leave marks that are checked here:
low mean log-probability, a high chance of no speech, text that compresses too well, and
phrases repeated without end.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from longtake.models.protocols import Utterance, Word
from longtake.timecode import Span

_PAUSE = 0.7
_LONGEST = 12.0
_MOST_REPEATS = 3


def credible(text: str, log_probability: float, no_speech: float) -> bool:
    """Whether a decoded stretch is likely to have been said at all."""
    if not text.strip() or log_probability < -1.2:
        return False
    if no_speech > 0.6 and log_probability < -0.8:
        return False
    raw = text.strip().encode()
    return len(raw) / len(zlib.compress(raw)) <= 2.4


def utterances(words: Sequence[Word]) -> list[Utterance]:
    """Split words at sentence ends and pauses over 0.7 s, and what is longer than 12 s inside."""
    groups: list[list[Word]] = []
    for word in unlooped([word for word in words if word.text.strip()]):
        last = groups[-1] if groups else None
        if last is None or _ends_sentence(last) or word.start - last[-1].end > _PAUSE:
            groups.append([word])
        else:
            last.append(word)
    return [_utterance(part) for group in groups for part in _shortened(group)]


def _shortened(words: Sequence[Word]) -> list[Sequence[Word]]:
    """Cut words that last over 12 s at their best place, again and again."""
    if len(words) < 2 or words[-1].end - words[0].start <= _LONGEST:
        return [words]
    middle = (words[0].start + words[-1].end) / 2
    length = words[-1].end - words[0].start

    def worth(i: int) -> tuple[float, int]:
        before, after = words[i - 1], words[i]
        comma = before.text.strip().endswith((",", ";", ":"))
        aside = abs((before.end + after.start) / 2 - middle) / length
        return (min(after.start - before.end, _PAUSE) + 0.5 * comma - 2 * aside, -i)

    cut = max(range(1, len(words)), key=worth)
    return [*_shortened(words[:cut]), *_shortened(words[cut:])]


def _ends_sentence(words: Sequence[Word]) -> bool:
    text = words[-1].text.strip().rstrip("\"'”’)")
    if not text.endswith((".", "?", "!", "。", "？", "！")):
        return False
    # "Mr." and the like, and initials, do not end a sentence; nor does a lone first word.
    return len(words) > 1 and text.lower() not in ("mr.", "mrs.", "ms.", "dr.", "st.", "vs.")


def _utterance(words: Sequence[Word]) -> Utterance:
    text = "".join(word.text for word in words).strip()
    clean = tuple(Word(word.start, word.end, word.text.strip(), word.p) for word in words)
    mean = round(sum(word.p for word in clean) / len(clean), 4)
    return Utterance(Span(clean[0].start, max(word.end for word in clean)), text, clean, mean)


def unlooped(words: Sequence[Word]) -> list[Word]:
    """Cut a phrase of up to eight words that repeats more than three times down to one."""
    kept: list[Word] = []
    i = 0
    plain = [word.text.strip().lower().strip(".,!?") for word in words]
    while i < len(words):
        size, times = _loop(plain, i)
        kept += words[i : i + size]
        i += size * times
    return kept


def _loop(plain: Sequence[str], start: int) -> tuple[int, int]:
    """The shortest phrase at `start` that repeats too often, and how often; else (1, 1)."""
    for size in range(1, 9):
        phrase = plain[start : start + size]
        times = 1
        while plain[start + times * size : start + (times + 1) * size] == phrase:
            times += 1
        if times > _MOST_REPEATS:
            return size, times
    return 1, 1
