"""Words as they are compared: tokens, stems, numbers, and words that were mis-heard.

A speech model writes "soft max" for "softmax" and "Cooper Netties" for "Kubernetes"; a text
reader writes "lnference" for "inference". Comparison is therefore made in three steps, each
weaker than the one before: same stem, same letters joined over neighbours, nearly the same
letters or sound. Pure functions, no model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from functools import lru_cache

_TOKEN = re.compile(r"\d+(?:[.,:]\d+)*%?|[^\W\d_]+(?:['’][^\W\d_]+)*\d*|\w+", re.UNICODE)

_SMALL = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14,
    "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
    "eighty": 80, "ninety": 90,
}  # fmt: skip
_SMALL |= _TENS
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}

NEAR = 0.8
"""Least likeness of two words that may be the same word mis-heard or mis-read."""


def tokens(text: str) -> list[str]:
    """Cut a text into lower-case words and numbers.

    >>> tokens("The learning-rate is 0.001, isn't it?")
    ['the', 'learning', 'rate', 'is', '0.001', "isn't", 'it']
    """
    found = []
    for match in _TOKEN.finditer(text):
        word = match.group().lower().replace("’", "'")
        found.append(word.removesuffix("'s"))
    return found


_IRREGULAR = {
    "children": "child", "people": "person", "men": "man", "women": "woman", "mice": "mouse",
    "ran": "run", "said": "say", "told": "tell", "spoke": "speak", "shown": "show",
    "wrote": "write", "written": "write", "gave": "give", "given": "give", "took": "take",
    "taken": "take", "held": "hold", "built": "build", "began": "begin", "grew": "grow",
    "chose": "choose", "chosen": "choose", "paid": "pay", "found": "find", "lost": "lose",
    "bought": "buy", "brought": "bring", "sold": "sell", "made": "make", "came": "come",
    "went": "go", "gone": "go", "saw": "see", "seen": "see", "knew": "know", "known": "know",
    "drew": "draw", "drawn": "draw", "fed": "feed", "drove": "drive", "driven": "drive",
    "broke": "break", "broken": "break", "sent": "send", "spent": "spend", "kept": "keep",
    "met": "meet", "won": "win", "flew": "fly", "flown": "fly", "rode": "ride", "threw": "throw",
    "caught": "catch", "taught": "teach", "thought": "think", "led": "lead", "fell": "fall",
    "fallen": "fall", "rose": "rise", "risen": "rise", "wore": "wear", "worn": "wear",
    "slept": "sleep", "sang": "sing", "sung": "sing", "swam": "swim", "ate": "eat",
    "eaten": "eat", "drank": "drink", "froze": "freeze", "frozen": "freeze", "hid": "hide",
    "shot": "shoot", "stood": "stand", "struck": "strike", "meant": "mean",
    "indices": "index", "matrices": "matrix", "vertices": "vertex", "analyses": "analysis",
}  # fmt: skip


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Cut the endings of an English word, so that its forms compare equal.

    >>> [stem(w) for w in ("caches", "caching", "cached", "announcement", "announced")]
    ['cach', 'cach', 'cach', 'announc', 'announc']
    """
    word = _IRREGULAR.get(word, word)
    if len(word) <= 3 or not word.isascii() or any(c.isdigit() for c in word):
        return word
    word = _plural(word)
    for ending in (
        "ements",
        "ement",
        "ment",
        "ations",
        "ation",
        "ingly",
        "edly",
        "ing",
        "ed",
        "ly",
    ):
        root = word[: -len(ending)]
        if word.endswith(ending) and len(root) >= 3 and re.search("[aeiouy]", root):
            word = root
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsze":
        word = word[:-1]
    if len(word) > 4 and word.endswith(("e", "y", "i")):
        word = word[:-1]
    return word


def _plural(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "ches", "shes", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def stems(text: str) -> list[str]:
    """Cut a text into stems, with numbers written as digits.

    >>> stems("Twenty three layers"), stems("3 layers")
    (['23', 'layer'], ['3', 'layer'])
    """
    return [stem(word) for word in with_digits(tokens(text))]


def with_digits(words: Sequence[str]) -> list[str]:
    """Write spelled-out numbers as digits; "one" alone stays a word, it is mostly a pronoun.

    >>> with_digits("two hundred and five of one kind".split())
    ['205', 'of', 'one', 'kind']
    """
    out: list[str] = []
    at = 0
    while at < len(words):
        value, used = _number(words, at)
        if used and not (used == 1 and words[at] == "one"):
            out.append(str(value))
            at += used
        else:
            out.append(words[at])
            at += 1
    return out


def _number(words: Sequence[str], at: int) -> tuple[int, int]:
    total, current, used, last = 0, 0, 0, ""
    while at + used < len(words):
        word = words[at + used]
        if word in _SMALL:
            if last == "small" or (last == "tens" and not 0 < _SMALL[word] < 10):
                break
            current += _SMALL[word]
            last = "tens" if word in _TENS else "small"
        elif word in _SCALES and used:
            if word == "hundred":
                current *= 100
            else:
                total, current = total + current * _SCALES[word], 0
            last = "scale"
        elif word == "and" and last == "scale" and _follows(words, at + used + 1):
            pass
        else:
            break
        used += 1
    return total + current, used


def _follows(words: Sequence[str], at: int) -> bool:
    return at < len(words) and words[at] in _SMALL


def number_of(text: str) -> float | None:
    """Read the first number of a text, digits or words.

    >>> number_of("about 1,200 kg"), number_of("forty two"), number_of("none")
    (1200.0, 42.0, None)
    """
    for word in with_digits(tokens(text)):
        plain = word.rstrip("%").replace(",", "")
        if re.fullmatch(r"\d+(\.\d+)?", plain):
            return float(plain)
    return None


_SOUNDS = (
    (r"^(kn|gn|pn)", "n"), (r"^wr", "r"), (r"^ps", "s"), (r"ph", "f"), (r"gh(?=[tn])", ""),
    (r"ght", "t"), (r"tch", "x"), (r"[cs]h", "x"), (r"t(?=i[ao])", "x"), (r"c(?=[eiy])", "s"),
    (r"[cqkg]+", "k"), (r"x", "ks"), (r"[dt]+", "t"), (r"[bp]+", "p"), (r"[vf]+", "f"),
    (r"[zs]+", "s"), (r"[mn]+", "n"), (r"[jy]", "i"), (r"[wh]", ""),
)  # fmt: skip


@lru_cache(maxsize=65536)
def sound(word: str) -> str:
    """Write roughly how a word sounds: consonant classes only, repeats dropped.

    >>> sound("kubernetes") == sound("cooper" + "netties"), sound("phone") == sound("fone")
    (True, True)
    """
    code = word.lower()
    for pattern, into in _SOUNDS:
        code = re.sub(pattern, into, code)
    head, rest = code[:1], re.sub(r"[aeiou]", "", code[1:])
    head = "a" if head in "aeiou" else head
    return re.sub(r"(.)\1+", r"\1", head + rest)


@lru_cache(maxsize=200_000)
def likeness(one: str, other: str) -> float:
    """How likely two written words are one word, 0 to 1; letters first, then sound.

    Short words must agree exactly: "loss" and "lose" are two words. Digits never blur.

    >>> likeness("kubernetes", "kubernets") >= NEAR, likeness("loss", "lose") >= NEAR
    (True, False)
    """
    if one == other:
        return 1.0
    short, long_ = sorted((one, other), key=len)
    if len(short) < 5 or len(long_) - len(short) > 3 or any(c.isdigit() for c in one + other):
        return 0.0
    letters = SequenceMatcher(None, one, other, autojunk=False).ratio()
    if one[0] != other[0] and sound(one)[:1] != sound(other)[:1]:
        return letters if letters >= 0.92 else 0.0
    heard, said = sound(one), sound(other)
    if min(len(heard), len(said)) >= 4 and heard == said:
        return max(letters, 0.85)
    return letters if letters >= 0.9 else min(letters, NEAR - 0.01)


def near_words(word: str, vocabulary: Iterable[str]) -> dict[str, float]:
    """Return the words of `vocabulary` that may be `word` mis-heard, with their likeness."""
    first = sound(word)[:1]
    found = {}
    for other in vocabulary:
        if abs(len(other) - len(word)) <= 3 and (
            other[:1] == word[:1] or sound(other)[:1] == first
        ):
            p = likeness(word, other)
            if p >= NEAR:
                found[other] = p
    return found
