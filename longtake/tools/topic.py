"""Which words of a question say what is looked for, and which only say that one is looking.

"When does she first mention attention sinks?" is about `attention sinks`; "when", "she",
"first" and "mention" tell what kind of answer is wanted. The lists are closed classes of
English (function words) and the small vocabulary in which people talk about watching a video.
"""

from __future__ import annotations

import re

from longtake.tools.words import tokens

FUNCTION = frozenset(
    """a an the this that these those some any each every all both either neither no not nor
    and or but if then than so as of in on at by for from to into onto with without within about
    over under above below between through during before after until since while upon off out up
    down again once here there when where why how what which who whom whose is are was were be
    been being am do does did doing done have has had having can could will would shall should
    may might must ought i you he she it we they me him her us them my your his its our their
    mine yours hers ours theirs myself yourself himself herself itself ourselves themselves
    isn't aren't wasn't weren't don't doesn't didn't can't couldn't won't wouldn't shouldn't
    haven't hasn't hadn't it's that's there's what's who's let's i'm you're we're they're
    also just very too only really ever yet still even much many more most few less least other
    another such same own well okay ok please yes thing things something anything nothing
    someone anyone one ones lot kind sort way often long else like exactly actually
    according per via""".split()  # noqa: SIM905
)

WATCHING = frozenset(
    """video videos recording film footage clip clips movie lecture lectures lecturer talk talks
    presentation presenter presenters speaker speakers professor teacher instructor host narrator
    course session meeting slide slides screen screens page pages frame frames picture image
    scene scenes moment moments part parts section time times timestamp second seconds minute
    minutes hour hours point points first second last final finally initially earliest latest
    begin begins beginning start starts started starting end ends ended ending
    mention mentions mentioned mentioning say says said saying tell tells told telling talk talks
    talked talking speak speaks spoke spoken speaking discuss discusses discussed discussing
    discussion describe describes described explain explains explained explaining explanation
    announce announces announced announcing announcement introduce introduces introduced
    introducing state states stated show shows showed shown showing display displays displayed
    displaying appear appears appeared appearing visible seen see sees look looks looking read
    reads written write writes wrote titled called name named names happen happens happened
    happening come comes came occur occurs occurred refer refers referred cover deal deals dealt dealing treat treats treated
    covers covered define defines defined give gives given gave hear heard ask asks asked find
    found watch contain contains list lists listed listing present presented presents
    many times often number count total different distinct long duration stay stays stayed
    spend spends spent topic topics subject content text word words phrase line lines sentence
    mean means answer question comes next previous previously later earlier right immediately
    directly following follows followed summary summarise summarize overview outline
    film filmed filming camera
    audience person anybody everybody somewhere anywhere
    recommend recommends recommended suggest suggests suggested""".split()  # noqa: SIM905
)


def content_words(text: str) -> list[str]:
    """Return the words that say what is looked for, in order, without repeats.

    When nothing but watching words is left ("what is on the slide about sections?"), those that
    are not function words are kept, so that a topic is never lost to the lists.

    >>> content_words("When does the lecturer first mention attention sinks?")
    ['attention', 'sinks']
    """
    words = [word for word in tokens(text) if word not in FUNCTION and len(word) > 0]
    names = {name.lower() for name in _LETTER.findall(text)}
    kept = [
        word
        for word in words
        if word not in WATCHING and (len(word) > 1 or word.isdigit() or word in names)
    ]
    return list(dict.fromkeys(kept))


_LETTER = re.compile(r"(?<=[a-z] )[B-HJ-Z](?![\w'’.])")
"""A capital that stands alone after a word is a name: "plan B", "bed C"."""
