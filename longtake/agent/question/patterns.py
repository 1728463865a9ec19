"""The turns of phrase by which people ask about a video, as patterns over lower-case text."""

from __future__ import annotations

import re

ORDINALS = {
    "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8,
    "ninth": 9, "tenth": 10, "2nd": 2, "3rd": 3, "4th": 4, "5th": 5, "6th": 6,
}  # fmt: skip

SAY = (
    r"(?:say|says|said|saying|mention\w*|talk\w*|tell|tells|told|speak\w*|spoke|discuss\w*|"
    r"explain\w*|describ\w*|announc\w*|introduc\w*|refer\w*|claim\w*|"
    r"state[sd]?|define[sd]?|argue[sd]?|bring up|brought up|comment\w*|ask(?:s|ed)?|"
    r"speech|heard|hear|spoken|words|remark\w*|warn\w*|advi[sc]e\w*)"
)
SCREEN = (
    r"(?:slides?|screens?|on-?screen|written|writing|title[sd]?|heading\w*|caption\w*|subtitle\w*|"
    r"displayed|pages?|bullets?|bullet points?|board|whiteboard|text|printed|label(?:led|s)?|cards?|posters?|"
    r"sign|signs|equation|code|formula|diagram|read)"
)
SIGHT = (
    r"(?:appear\w*|visible|seen|see|sees|look like|picture|camera|colou?rs?|wearing|"
    r"film(?:ed)?|show|shows|showed|shown|depict\w*|in view|on camera|background|image)"
)
EYES = r"(?:appear\w*|visible|seen|see|sees|picture|camera|wearing|film(?:ed)?|in view)"
"""Words of looking alone: nobody who asks so is content with hearing it spoken of."""
QUESTION = r"(?:what|when|where|who|whom|whose|which|how|why|at what|does|did|do|is|are|was|were)"
TALKER = (
    r"(?:she|he|they|it|one|we|you|the (?:lecturer|speaker|professor|presenter|teacher|video|"
    r"lecture|talk|instructor|host|narrator))"
)
WHEN = re.compile(
    r"^(?:and |so |then )*(?:(?:at |around )?(?:what|which) (?:time|point|moment|minute|second|"
    r"timestamp)\b|when\b|where in\b|(?:tell me|find|show me|give me) (?:the )?(?:\w+ )?(?:when|"
    r"moments?|times?|places?|where)\b|(?:in|at) which (?:part|moment|scene|chapter)|"
    r"how (?:early|late|soon)\b)"
)
SCHEDULE = re.compile(
    r"^(?:and |so )*(?:at )?(?:what|which) time\b.*\b(?:leaves?|leav(?:ing|e)|depart\w*|arrives?|open|opens|"
    r"closes?|due|meets?|runs?|takes? place|be there|scheduled)\b|"
    r"\b(?:opening|closing|departure|arrival|starting|check-?in|office) (?:time|hours?)\b"
)
"""A time of day that is told or shown, and not a place in the video."""
STARTS = re.compile(
    r"^(?:and |so )*when (?:do|does|will|should|must) .*\b(?:starts?|begins?|opens?|closes?|ends?|leaves?|"
    r"arrives?|departs?|meets?|takes? place|due)\b"
)
"""May ask for a time of day as well as for a moment of the video."""
TOLD_OR_SHOWN = re.compile(rf"\b(?:{TALKER}|{SAY}|{SCREEN}|{EYES}|video|lecture|talk)\b")
OTHERWISE = re.compile(
    r"\b(?:who|whose|where|why|(?:what|which) (?!(?:time|hours?|is|are|was|were)\b)\w+)\b"
)
"""Asked of a schedule, but for a room, a person or a day."""
LISTING = re.compile(
    r"^(?:list|find|show|give)\b.*\b(?:times?|moments?|mentions|occurrences|places)\b"
)
HOW_MANY_TIMES = re.compile(
    r"\bhow (?:many times|often)\b|\bnumber of times\b|\bcount (?:the |all |every )?"
    r"(?:times|mentions|occurrences|appearances)\b|\bhow many (?:mentions|occurrences|appearances)"
)
HOW_MANY_UNITS = re.compile(
    r"\bhow many (?:different |distinct |separate |unique )?(slides?|pages?|scenes?|chapters?|"
    r"clips?|sections?)\b"
)
HOW_LONG = re.compile(r"\bhow long\b|\bfor how (?:long|many (?:seconds|minutes))\b|\bhow much time\b|"
                       r"\bwhat is the (?:length|duration) of\b|\bhow many (?:seconds|minutes) (?:is|was|are|does|did)\b")  # fmt: skip
WHOLE = re.compile(
    r"\bhow long (?:is|was|does|did) (?:the |this )(?:whole |entire )?(?:video|lecture|recording|"
    r"talk|film|movie|clip|meeting|presentation)(?: last| take| run)?\W*$|"
    r"(?:length|duration) of (?:the |this )(?:video|lecture|recording|talk|film|clip|meeting)\W*$"
)
SUMMARY = re.compile(
    r"^\W*(?:please |can you |could you )*(?:summari[sz]e|sum up|give (?:me )?(?:a |an )?(?:short |"
    r"brief )?(?:summary|overview|outline|synopsis)|outline)\b|\bwhat (?:is|was) (?:the |this )?"
    r"(?:whole |entire )?(?:video|lecture|recording|talk|meeting|film|clip|presentation|it) about\W*$"
    r"|\bwhat (?:are|were) the (?:main |key |major )?(?:topics|chapters|sections|parts|points)\b|"
    r"\bwhat (?:topics|subjects) (?:are|were|does|did)\b|\boverview of the (?:video|lecture|talk)|"
    r"\bwhat (?:happens|is covered|happened) in (?:the|this) (?:whole |entire )?(?:video|lecture)\W*$"
)
YES_NO = re.compile(
    r"^(?:and |so |but )*(?:does|do|did|is|are|was|were|has|have|had|can|could|will|would)\b"
)
COMPARE = (
    re.compile(
        r"\b(?:which|what|who)\b.*?\b(?:first|earlier|last|later)\b\W*(.+?),? or (?:the |a |an )?(.+)$"
    ),
    re.compile(
        r"^(?:does|do|did|is|are|was|were)\s+(?:" + TALKER + r"\s+" + SAY + r"\s+)?(.+?)\s+"
        r"(?:comes?\s+|mentioned\s+|discussed\s+|shown\s+|introduced\s+|explained\s+|appear\s+|"
        r"treated\s+|covered\s+|talked about\s+|taught\s+|described\s+|presented\s+)?"
        r"((?:before or after|after or before|before|after))\s+(.+)$"
    ),
)
CARES = (
    r"(?<!\blooks )(?<!\blook )(?<!\blooked )(?<!\blooking )(?<!\bnamed )(?<!\bcalled )(?<!\basked )"
    r"(?<!\btakes )(?<!\btook )"
)
"""Not after verbs of which "after" is a part: to look after a mill is no time."""
RELATION = re.compile(
    r"^(?P<head>.+?)\s*\b(?:right |just |immediately |directly |shortly |straight )?"
    rf"{CARES}(?P<relation>after|before|following|preceding|once|until)\s+(?P<anchor>(?!all\b|that\b\W*$|"
    r"this\b\W*$|it\b\W*$).+)$"
)
CHANGES = frozenset("change changes correction corrections update updates".split())  # noqa: SIM905
"""After these things are as they stand in the end; they are no places in the video."""
BEGINS = frozenset("began begun stopped stops finished finishes done over".split())  # noqa: SIM905
"""Say that something is on or over, and not what."""
WHILE = re.compile(
    r"^(?P<head>.+?)\s*,?\s*\b(?:when|while|whilst|as|at the (?:moment|time|point)(?: when| that)?|"
    r"during(?: the part about| the section (?:on|about))?)\s+(?P<anchor>.+)$"
)
UNSUPPORTED = re.compile(
    r"\b(?:tell|alert|notify|warn|ping) me (?:when|if|as soon as|whenever)\b|"
    r"\b(?:how does|how did) (?:he|she|they|the \w+) feel\b|"
    r"\b(?:delete|remove|erase|edit|translate|upload|download|dub)\b (?:the|this|that|it)\b"
)

# -- questions about time between things ---------------------------------------------------

_SPANNED = r"how (?:long|much time|many (?:minutes|seconds|hours))"
_COMES = (
    r"(?:comes?|starts?|begins?|follows?|appears?|happens?|arrives?|takes? place|occurs?|mentioned|"
    r"shown|announced|on)"
)
GAP = (
    re.compile(rf"^{_SPANNED}\b.*?\bbetween (?P<a>.+?) and (?P<b>.+)$"),
    re.compile(
        rf"^{_SPANNED}(?: (?:is|was|does|did)(?: it| there)?)?(?: take| takes| pass(?:es|ed)?)? "
        r"from (?P<a>.+?) (?:to|until) (?P<b>.+)$"
    ),
    re.compile(
        rf"^(?:{_SPANNED}|how soon) (?:after|before) (?P<a>.+?) (?:does|do|did|is|was|are|were) "
        rf"(?P<b>.+?)(?: {_COMES})?$"
    ),
    re.compile(
        rf"^(?:{_SPANNED}|how soon) (?:does|do|did|is|was|are|were) (?P<b>.+?) {_COMES} "
        r"(?:after|before) (?P<a>.+)$"
    ),
)
"""How much time lies between two events."""
LEFT = re.compile(
    rf"^(?:{_SPANNED}|how much(?: of the \w+)?)\b.*\b(?:left|remain\w*|to go)\b.*?\bafter (?P<a>.+)$|"
    rf"^after (?P<b>.+?),? (?:{_SPANNED}|how much(?: of the \w+)?)\b.*\b(?:left|remain\w*|to go)\b"
)
_UP = (r"(?: (?:shown|displayed|visible|up|on|on (?:the )?screen|(?:still )?there|to be seen|"
       r"in (?:the )?(?:picture|view)|lit|burning|going on))?")  # fmt: skip
_BE = r"(?:is|are|was|were|can (?:we|one|you) see|do (?:we|you) see|does|do|did)"
_OVER = r"(?:end|stop|finish|disappear|vanish|go (?:away|off|out)|come down|leave the screen)"
EDGES = (
    (re.compile(rf"^from when (?:to|until|till) when {_BE} (?P<a>.+?){_UP}$"), "both"),
    (re.compile(rf"^when (?:does|do|did) (?P<a>.+?) (?:begin|start) and "
                rf"(?:when (?:does|do|did) (?:it|they) )?{_OVER}$"), "both"),
    (re.compile(rf"^(?:until|till|up to) when {_BE} (?P<a>.+?){_UP}$"), "end"),
    (re.compile(rf"^when (?:does|do|did) (?P<a>.+?) {_OVER}$"), "end"),
    (re.compile(r"^when (?:is|are|was|were) (?P<a>.+?) (?:taken down|switched off|turned off|over|"
                r"finished|gone(?: again)?|removed)$"), "end"),
)  # fmt: skip
"""From when to when something is there; and which of its ends is asked for."""
OFTEN = re.compile(
    r"^(?:every how many|at (?:what|which) intervals?|how frequently|how often (?:per|an|in an|each) hour)\b|"
    r"^what is the (?:average|mean|usual) (?:time|gap|pause|interval) between\b"
)
LONGEST_PAUSE = re.compile(
    r"\b(?:longest|largest|biggest) (?:time|gap|pause|interval|stretch) (?:between|without)\b"
)
TOGETHER = (
    re.compile(
        r"^(?:did|do|does|were|was|are|is) (?P<a>.+?) and (?P<b>.+?) (?:ever |both |together )?"
        r"(?:overlap\w*|coincide\w*|at the same (?:time|moment)|simultaneous\w*)$"
    ),
    re.compile(r"^(?:did|do|does) (?P<a>.+?) (?:overlap|coincide) (?:with )?(?P<b>.+)$"),
    re.compile(r"^(?:is|was|are|were) (?P<a>.+?) (?:\w+ ){0,3}at the same time as (?P<b>.+)$"),
)
IN_ORDER = (
    re.compile(
        r"^(?:please )?(?:put|arrange|sort|bring|list)\b.*?\border(?: of time| they \w+)?\W+(?P<list>.+)$"
    ),
    re.compile(
        r"^(?:please )?(?:put|arrange|sort|bring) (?P<list>.+?) in(?:to)? (?:the )?"
        r"(?:right |correct |chronological |proper )?order$"
    ),
    re.compile(
        r"^in (?:which|what) order (?:are|do|did|were|is|does|was) (?P<list>.+?)"
        r"(?: (?:shown|come|appear|happen|mentioned|take place|discussed|treated|covered|talked about|on))?$"
    ),
    re.compile(r"^(?:what|which) (?:is|was) the order of (?P<list>.+)$"),
)
NOW = re.compile(
    r"\b(?:now|currently|at the moment|by now|at the end|in the end)\b|\bthe current\b"
)
CLOCK = re.compile(r"\b(?:at|by) (?:\d{1,2}:\d{2}(?::\d{2})?|minute \d+)")
CHANGED = (
    re.compile(r"^how (?:often|many times) (?:does|did|do|has|have|is|was|were) (?P<a>.+?) "
               r"(?:change\w*|updated|corrected|revised|altered)$"),
    re.compile(r"^(?:to )?what (?:does|did|do|has|have|is|was) (?P<value>(?:(?!\b(?:after|before)\b).)+?) change[sd]?(?: to)?$"),
    re.compile(r"^how (?:does|did|do|has|have) (?P<a>.+?) change\w*(?: over time| during .+)?$"),
    re.compile(r"^(?:list|show|give|tell me|what (?:are|were))(?: me)?(?: all)?(?: the)? changes "
               r"(?:of|to|in) (?P<a>.+)$"),
)  # fmt: skip
TIMES_THERE = re.compile(
    r"^(?:how many times|how often) (?:is|was|were|are) there (?P<a>.+)$|"
    r"^(?:how many times|how often) (?:does|did|do) (?P<b>.+?) (?:happen|take place|occur|interrupt\w*)$"
)
_SOUNDS = (
    r"(?:rings?|rang|rung|sounds?|sounded|barks?|barked|crows?|crowed|chimes?|chimed|tolls?|tolled|goes off|"
    r"go off|went off|gone off|whistles?|whistled|hoots?|hooted|beeps?|beeped|honks?|honked|blows?|blew|"
    r"blown|strikes?|struck|bangs?|banged|thunders?|thundered|mews?|meows?|squeaks?|squeaked|be heard)"
)
HEARD = re.compile(
    rf"^(?:how many times|how often) (?:does|did|do|has|have|is|was|were|can|could) (?P<a>.+?) {_SOUNDS}$|"
    r"^(?:how many times|how often) (?:does|did|do|can|could|was|were|is|are)(?: \w+)? (?:hear|heard) (?P<b>.+)$"
)
"""Sounds, which are remarked on in other words than those of the question."""
NTH_SLIDE = re.compile(r"\b(?:slide|page)\b")
FOLLOWS = re.compile(
    r"^(?P<head>(?:what|which)(?: part of the day| (?:event|activity|session|item))?) "
    r"(?:directly |immediately )?(?P<relation>follows|precedes|comes (?:next )?after|is next after) "
    r"(?P<anchor>.+)$"
)
DAY_HEAD = re.compile(
    r"^(?:and |so )*(?:what|which)(?:'s| is| was)? (?:on|up|next|happening|going on)\b|"
    r"^(?:and |so )*what (?:do|did|does) (?:they|she|he|we|people|everybody|the \w+) do\b|"
    r"^(?:and |so )*what (?:happens|happened|comes|came|follows|followed|takes place)\b|"
    r"^which (?:part of the day|event|activity|session|item|act)\b"
)
"""Asks for what is on, and not for a slide or a word: what it comes after is a part of the day."""
_MORE = (
    r"longer|shorter|taller|higher|lower|older|younger|heavier|lighter|bigger|larger|smaller|faster|"
    r"slower|deeper|wider|cheaper|farther|further|hotter|colder|warmer|more expensive|dearer"
)
_MOST_WORD = (
    r"longest|shortest|tallest|highest|lowest|oldest|youngest|heaviest|lightest|biggest|largest|"
    r"smallest|fastest|slowest|deepest|widest|cheapest|farthest|furthest|hottest|coldest|warmest|"
    r"most expensive|dearest"
)
MORE = (
    re.compile(rf"^(?:which|what|who)\b(?P<head>.*?)\b(?P<how>{_MORE})\b\W*(?P<a>.+?),? or (?P<b>.+)$"),
    re.compile(
        r"^(?:which|what|who)\b(?P<head>.*?)\b(?P<verb>has|have|had|costs?|weighs?|earns?|lasts?|takes?)"
        r" (?P<how>more|fewer|less|longer)(?P<what>(?: \w+){0,3}?)\W+(?P<a>.+?),? or (?P<b>.+)$"
    ),
    re.compile(rf"^(?:is|was|are|were) (?P<a>.+?) (?P<how>{_MORE}) than (?P<b>.+)$"),
    re.compile(rf"^how (?:much|many \w+) (?P<how>{_MORE}) (?:is|was|are|were) (?P<a>.+?) than (?P<b>.+)$"),
    re.compile(
        r"^how (?:much|many) more (?:does|do|did) (?P<a>.+?) (?P<verb>cost|weigh|earn|have) than (?P<b>.+)$"
    ),
    re.compile(
        r"^how many (?P<how>more|fewer) (?P<what>\w+(?: \w+)?) (?P<verb>does|do|did) (?P<a>.+?) have than (?P<b>.+)$"
    ),
    re.compile(
        r"^how many (?P<how>more|fewer) (?P<what>\w+) (?P<said>(?:\w+ )*?(?:in|on|at|from|for)) "
        r"(?P<a>.+?) than (?:(?:in|on|at|from|for) )?(?P<b>.+)$"
    ),
    re.compile(rf"^which of (?P<list>.+?) (?:is|was) the (?P<how>{_MOST_WORD})$"),
    re.compile(
        rf"^(?:which|what|who)\b(?P<head>.*?)\b(?P<how>{_MOST_WORD})\b\W*(?P<list>.+?,.+? or .+)$"
    ),
)  # fmt: skip
"""Compares values that are told, and not times in the video."""

_THING = r"(?:things?|items?|objects?|pieces?|articles?)"
MEMBER = re.compile(
    rf"^(?:and |so )*(?:(?:for|on|at|to|of|with|by|in) )?(?:what|which)(?: {_THING}\b|"
    r" (?:was|is|were|comes?|came|gets?|got|goes|went)(?: \w+)?$)"
)
"""Asks for one of several things that are dealt with in turn."""
MEMBER_PICK = re.compile(
    rf"^(?:and |so )*(?:what|which)(?: {_THING})? (?:is|was|were) the (?:very )?"
    rf"(?:first|last|final|{'|'.join(ORDINALS)}) {_THING}\b"
)
LASTING = re.compile(
    r"\w.*?\bfor (?!how\b)(?P<on>.+)$|^how long (?:is|was|did|does) (?P<of>.+?)(?: last| take| go on)?$"
)
"""How long they stopped for a thing, or how long the thing itself lasted."""
