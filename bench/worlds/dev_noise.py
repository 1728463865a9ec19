"""What listening and reading do to words: errors as Whisper tiny and an OCR make them.

Rates were taken from the scripted lecture, spoken by a synthetic voice and heard by Whisper tiny
(9.9 % of 876 words differ; a third of it are digits and spellings, which mean the same) and from
its screen lines (about one in forty misread).
"""

from __future__ import annotations

import re
from random import Random

from bench.worlds.dev_wording import in_words

WRONG_WORD = 0.05
"""Share of spoken words that come out as other words."""
SPLIT = 0.07
"""Share of sentences that are heard as two."""
MISREAD = 0.05
"""Share of screen lines with a misread letter or a lost space."""

_HEARD = {
    "colour": "color", "metres": "meters", "organises": "organizes", "harbour": "harbor",
    "theatre": "theater", "wheel": "we'll", "bell": "belle", "mail": "male",
    "night": "knight", "brass": "brats", "scale": "scail", "kiln": "kill", "vault": "fault",
    "sleigh": "slay", "stairs": "stares", "horn": "corn", "lamp": "lamb",
    "dome": "doan", "clay": "play", "glaze": "glays",
}  # fmt: skip
_SOUNDS = (("th", "f"), ("ch", "sh"), ("ee", "i"), ("a", "e"), ("o", "u"), ("b", "p"), ("d", "t"),
           ("v", "f"), ("g", "k"), ("m", "n"), ("i", "e"), ("r", "l"))  # fmt: skip
_SEEN = (("l", "I"), ("i", "l"), ("rn", "m"), ("o", "0"), ("e", "c"), ("g", "q"), ("S", "5"))


def heard(text: str, chance: Random) -> str:
    """Return a sentence as a small recogniser might hear it."""
    words = []
    for word in text.split():
        bare = re.sub(r"\W", "", word).lower()
        if bare in _HEARD and chance.random() < 0.35:
            words.append(word.lower().replace(bare, _HEARD[bare]))
        elif chance.random() < WRONG_WORD:
            words.append(_misheard(word, chance))
        else:
            words.append(word)
    return " ".join(word for word in words if word) or text


def _misheard(word: str, chance: Random) -> str:
    if word.strip(".,").isdigit():
        number = int(word.strip(".,"))
        return str(number // 10 * 10) if number > 20 else in_words(number)
    if len(word) <= 3:
        return "" if chance.random() < 0.5 and not word.endswith(".") else word
    fitting = [pair for pair in _SOUNDS if pair[0] in word[1:]]
    if not fitting:
        return word
    one, other = chance.choice(fitting)
    return word[0] + word[1:].replace(one, other, 1)


def cut(text: str, chance: Random) -> list[str]:
    """Return a sentence in the pieces that it is heard in: mostly one."""
    words = text.split()
    if len(words) < 6 or chance.random() >= SPLIT:
        return [text]
    at = chance.randrange(3, len(words) - 2)
    return [" ".join(words[:at]), " ".join(words[at:])]


def seen(line: str, chance: Random) -> str:
    """Return a line as a reader of screens might see it."""
    if chance.random() >= MISREAD:
        return line
    if " " in line and chance.random() < 0.4:
        return line.replace(" ", "", 1)
    fitting = [pair for pair in _SEEN if pair[0] in line]
    if not fitting:
        return line
    one, other = chance.choice(fitting)
    return line.replace(one, other, 1)
