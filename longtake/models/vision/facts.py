"""Read a vision model's reply: a description, then facts as ``KEY: value`` lines.

Models decorate: bullets, numbers, bold, quotes, JSON, fences, politeness before and after, the
value on the lines below its key, keys twice, a last line that is cut off. `read` takes all of that,
and whatever else comes, and never raises.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from longtake.models.vision.prompts import KEYS

MOST_READ = 20_000
MOST_FACTS = 16
_LONGEST_KEY, _LONGEST_VALUE = 24, 300
_ALIASES = {
    "PERSON": "PEOPLE", "PERSONS": "PEOPLE", "OBJECT": "OBJECTS", "ACTIONS": "ACTION",
    "PLACES": "PLACE", "LOCATION": "PLACE", "SETTING": "PLACE", "TEXTS": "TEXT",
}  # fmt: skip
_CAPTIONS = {"CAPTION", "DESCRIPTION", "SUMMARY", "CHANGE", "CHANGES", "ANSWER", "SCENE"}
"""Keys that hold the description itself."""
_KNOWN = _CAPTIONS.union(KEYS)
_NOTHING = {
    "", "-", "none", "n/a", "na", "null", "nil", "unknown", "not visible", "not applicable", "no",
    "nothing", "unclear", "not specified", "none visible", "no text", "…", "...", "[]", "{}",
}  # fmt: skip
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_FENCE = re.compile(r"^\s*```\w*\s*$", re.MULTILINE)
_BULLET = re.compile(r"^\s*(?:[-*•·+–]\s+|\d{1,2}[.)]\s+|#{1,4}\s+)?")
_POLITE = re.compile(
    r"^(?:(?:sure|certainly|of course|okay|ok|absolutely)\b[!,.:]*\s*)?"
    r"(?:(?:here(?:'s| is| are)|below (?:is|are)|the (?:key )?facts|based on the|"
    r"i(?:'ll| will| can))\b[^:]{0,80}:\s*)?",
    re.IGNORECASE,
)
_GOODBYE = re.compile(
    r"^(?:i hope|let me know|feel free|if you (?:need|have|want))\b", re.IGNORECASE
)
_SHORTENED = re.compile(r"\b(?:mr|mrs|ms|dr|st|no|vs|etc|e\.g|i\.e)\.$", re.IGNORECASE)
_END = re.compile(r"[.!?…。！？][\"'»”’)\]*]*(?=\s|$)|[。！？]")
_MARKS = " \t*_\"'`“”"


def read(reply: str) -> tuple[str, dict[str, str]]:
    """Return the description and the facts of a reply; both may be empty.

    >>> read("Sure!\\nA man opens a red box.\\n- **PEOPLE**: a man\\n- **OBJECTS:** red box")
    ('A man opens a red box.', {'PEOPLE': 'a man', 'OBJECTS': 'red box'})
    """
    text = _FENCE.sub("", _THOUGHT.sub("", str(reply)[:MOST_READ])).strip()
    told = _json(text)
    if told is None:
        return _lines(text.splitlines())
    facts = _Facts()
    for key, value in told.items():
        facts.add(_key(str(key), any_case=True) or "", _flat(value))
    return _whole(facts.caption), facts.kept


class _Facts:
    """Facts as they come, and the description where it has a key."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.caption = ""

    def add(self, key: str, value: str) -> None:
        """Keep a fact that says something; said twice, both are kept."""
        value = _clean(value)
        if key in _CAPTIONS:
            self.caption = f"{self.caption} {value}".strip()
        elif key and _says(key, value):
            before = self.kept.get(key)
            if before is None and len(self.kept) < MOST_FACTS:
                self.kept[key] = value
            elif before is not None and value.lower() not in before.lower():
                self.kept[key] = f"{before}; {value}"[:_LONGEST_VALUE]


def _lines(lines: list[str]) -> tuple[str, dict[str, str]]:
    if len(lines) > 1 and _cut_key(lines[-1]):
        lines = lines[:-1]
    facts, ahead, behind = _Facts(), list[str](), list[str]()
    waiting, listed = "", False  # A key whose value stands on the lines below, as a list perhaps.
    begun = False
    for line in lines:
        key, value = _fact(line)
        bullet = _plain(line) != line.strip()
        if key and (key in _KNOWN or not waiting):
            begun = begun or key not in _CAPTIONS
            waiting, listed = ("" if _clean(value) else key), False
            facts.add(key, value)
        elif waiting and line.strip() and (bullet or not listed):
            facts.add(waiting, _plain(line))
            waiting, listed = (waiting if bullet else ""), True
        elif prose := _prose(line):
            waiting = ""
            (behind if begun else ahead).append(prose)
    return _whole(facts.caption or " ".join(ahead) or " ".join(behind)), facts.kept


def _fact(line: str) -> tuple[str, str]:
    """The key and value of a line; no key where it is prose."""
    head, colon, value = _plain(line.replace("：", ":", 1)).partition(":")
    quoted = head.lstrip(" \t{[*_").startswith(('"', "'"))
    key = _key(head, any_case=quoted) if colon else None
    return (key, value) if key else ("", "")


def _key(head: str, *, any_case: bool) -> str | None:
    """A key in capital letters, None where the words before a colon are none."""
    name = " ".join(head.strip(_MARKS + "{[,").replace("_", " ").split())
    known = _ALIASES.get(name.upper(), name.upper())
    if known in _KNOWN:
        return known
    words = name.split()
    fits = 1 < len(name) <= _LONGEST_KEY and 1 <= len(words) <= 3
    if fits and (any_case or name.isupper()) and all(w.replace("-", "").isalnum() for w in words):
        return known
    return None


def _says(key: str, value: str) -> bool:
    """Whether a value tells anything: models write placeholders, and copy what a key means."""
    low = value.lower().strip(" .")
    copied = low == KEYS.get(key, "").lower()
    held = value[:1] + value[-1:] in ("<>", "[]", "{}", "()") or not any(map(str.isalnum, value))
    return low not in _NOTHING and not copied and not held


def _clean(value: str) -> str:
    found = value.strip().strip(_MARKS).rstrip(",").strip(_MARKS)
    if found.endswith(("}", "]")) and not found.startswith(("{", "[")) and _odd(found):
        found = found.rstrip("}] ,").strip(_MARKS)
    if found.startswith("[") and found.endswith("]") and set(found) & set(",\"'"):
        found = ", ".join(part.strip(_MARKS) for part in found[1:-1].split(","))
    return " ".join(found.split())[:_LONGEST_VALUE]


def _odd(value: str) -> bool:
    return value.count("{") < value.count("}") or value.count("[") < value.count("]")


def _plain(line: str) -> str:
    """A line without the bullet or number before it."""
    return _BULLET.sub("", line, count=1).strip()


def _prose(line: str) -> str:
    """A line of a description without politeness; one of a list becomes a sentence."""
    plain = _plain(line)
    prose = _POLITE.sub("", plain, count=1)
    if _GOODBYE.match(prose):
        return ""
    listed = plain != line.strip() and prose and not _END.search(prose[-1:])
    return f"{prose.rstrip(';,')}." if listed else prose


def _json(text: str) -> dict[str, Any] | None:
    begin, end = text.find("{"), text.rfind("}")
    if begin < 0 or end < begin:
        return None
    try:
        told = json.loads(text[begin : end + 1])
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) and told else None


def _flat(value: Any) -> str:
    """A value of JSON in words."""
    parts: Iterable[Any]
    if isinstance(value, dict):
        parts = value.values()
    elif isinstance(value, list):
        parts = value
    else:
        return "" if value is None else str(value)
    return ", ".join(one for part in parts if (one := _flat(part)))


def _cut_key(line: str) -> bool:
    """Whether a last line is a key that was cut off before its colon."""
    name = line.strip(_MARKS + "-•")
    return bool(name) and name.isupper() and any(key.startswith(name) for key in KEYS)


def _whole(text: str) -> str:
    """Prose without marks of layout, and without a last sentence that was cut off."""
    prose = " ".join(text.replace("**", "").replace("`", "").split()).strip()
    if len(prose) > 1 and prose[0] == prose[-1] == '"':
        prose = prose[1:-1].strip()
    ends = [prose[: found.end()] for found in _END.finditer(prose)]
    ends = [one for one in ends if not _SHORTENED.search(one)]
    return ends[-1] if ends else prose
