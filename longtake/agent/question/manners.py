"""What people say around a question, taken off before it is read.

"I was just wondering, could you tell me where the key is, please?" asks where the key is. The words
around it are no part of what is looked for, and left in place they decide what kind of question it
seems to be. Only what stands before a question word goes, so that "do you remember" stays where it
is all that is asked. Pure functions over text.
"""

from __future__ import annotations

import re

_GREETING = re.compile(
    r"^(?:(?:please|hey|hi|hello|ok|okay|well|so|sorry|excuse me|oh|um|erm|right|quick question)"
    r"(?: there)?[,!.:…]*\s+)+",
    re.IGNORECASE,
)
_YOU = r"(?:(?:can|could|would|will|might) (?:you|anyone|somebody|someone) (?:please |maybe |perhaps )?)"
_TELL = r"(?:tell|remind|let) (?:me|us)(?: know)?(?: again)?"
_ASKING = re.compile(
    r"^(?:(?:"
    rf"{_TELL}(?! when)|{_YOU}{_TELL}|{_YOU}(?:say|know|remember|recall)|"
    r"(?:do|does|did) (?:you|anyone|anybody|somebody) (?:happen to )?(?:know|remember|recall)|"
    r"(?:i|we)(?:['’]m| am| was|['’]ve been| were)? (?:just |only )?wonder(?:ing|ed)?|"
    r"(?:i|we)(?:['’]d| would) (?:like|love) to know|(?:i|we) (?:want|need) to know|"
    r"(?:i|we) (?:forgot|forget|can(?:no|['’])t remember|do(?: no|n['’])t (?:know|remember))|"
    r"(?:have you )?any idea|remind me|just wondering|out of interest|by the way"
    r")[,:]?\s+)+"
    r"(?=(?:at |in |on |by |to |from |for |with |up to )?"
    r"(?:what|when|where|who|whom|whose|which|how|why)\b)",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"[\s,]+(?:please|thanks|thank you|by any chance|do you know)\s*(?=[?.!]*$)",
    re.IGNORECASE,
)
_BIT = re.compile(
    rf"^(?:{_YOU})?(?:please )?(?:find|show|give)(?: me)? (?:the|that) "
    r"(?:bit|part|scene|moment|place|spot|piece) (?:with|of|where (?:there is|there['’]s|we see|you see))\s+",
    re.IGNORECASE,
)
_ABOUT = re.compile(r"\b(?:the|that) bit (?:about|on|with) (?:the )?", re.IGNORECASE)
_NOT = re.compile(
    r"\b(could|would|should|did|does|do|is|was|were|are|has|have|had|ca|wo)nt\b", re.IGNORECASE
)
_IS = re.compile(r"\b(what|where|who|how|that|there)s\b", re.IGNORECASE)

_MISSPELT = {
    "befor": "before", "wich": "which", "whitch": "which", "wat": "what", "wen": "when",
    "wher": "where", "teh": "the", "betwen": "between", "colur": "colour",
}  # fmt: skip
"""Words that decide what kind of question it is; those it is about are matched by their likeness."""
_TYPED = re.compile(rf"\b(?:{'|'.join(_MISSPELT)})\b", re.IGNORECASE)


def bare(question: str) -> str:
    """The question alone, on one line.

    >>> bare("Hi, could you tell me where the key is, please?")
    'where the key is?'
    >>> bare("Would you know what injured most people?"), bare("Do you know the baker?")
    ('what injured most people?', 'Do you know the baker?')
    >>> bare("whats the price"), bare("find me the bit with the red boat")
    ("what's the price", 'When is the red boat seen')
    """
    text = re.sub(r"\s+", " ", question).strip()
    text = _NOT.sub(r"\1n't", _IS.sub(r"\1's", text))
    text = _TYPED.sub(lambda match: _MISSPELT[match.group().lower()], text)
    text = _ASKING.sub("", _GREETING.sub("", text))
    kept = _THANKS.sub("", text)
    text = kept if len(kept.split()) > 1 else text
    found = _BIT.match(text)
    if found is not None:
        rest = text[found.end() :]
        text = f"When is {rest.rstrip(' ?.!')} seen" + ("?" if rest.rstrip().endswith("?") else "")
    return _ABOUT.sub("the ", text)
