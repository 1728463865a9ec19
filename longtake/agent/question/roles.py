"""Nouns by which people are named for what they do: "the keeper of …", "the captain of …".

Who that is must be found before anything can be asked about them, and the video seldom says it in
the same noun: the lighthouse *is kept by* somebody, the ferry *is steered* by the captain. Each noun
has the verb to ask with, and words that say the same. A closed table and no suffix rule: "number",
"tower", "letter" and "corner" end like "keeper" and are nobody.
"""

from __future__ import annotations

import re

_TABLE = """
author writes wrote written writer
writer writes wrote written author
poet writes wrote written
painter paints painted
sculptor sculpted carved made
composer composed wrote written
inventor invented
founder founded started established set
builder built
architect designed built drew
designer designed made
discoverer discovered found
director directs directed leads head
maker makes made built
creator created made
editor edits edited
publisher publishes published
translator translated
photographer photographed took
organiser organised runs
organizer organized runs
winner won wins champion victory first
champion won wins winner
loser lost
owner owns owned belongs belong
keeper keeps kept tends looks
holder holds held has
captain steers commands sails skipper helm
skipper steers commands sails captain helm
commander commands led leads
helmsman steers helm
conductor conducts conducted leads baton
leader leads led heads runs
head heads leads led runs manages
headmaster heads leads runs school
headmistress heads leads runs school
principal heads leads runs
chief heads leads led runs
boss runs leads heads manages
manager manages managed runs leads
mayor governs elected town
chairman chairs chaired leads
chairwoman chairs chaired leads
president leads heads presides
treasurer keeps money purse
secretary writes minutes letters
curator curates runs looks museum
warden looks guards keeps
guardian guards looks keeps
guard guards watches
caretaker looks cleans keeps
janitor looks cleans keeps
gardener gardens tends looks plants
buyer bought buys paid
seller sold sells
vendor sold sells
donor gave donated given donates
giver gave donated given
sponsor sponsors paid pays
patron supports pays
tenant rents lives
landlord rents owns lets
host hosts hosted runs
presenter presents presented
moderator moderates moderated
trainer trains trained coaches
coach coaches coached trains trained
teacher teaches taught
instructor teaches taught
pupil learned studied taught
driver drives drove driven
pilot flies flew flown
rider rides rode ridden
operator operates operated runs
engineer built runs engines
repairer repaired repairs mended
restorer restored restores
cook cooks cooked
chef cooks cooked
baker bakes baked
brewer brews brewed
singer sings sang sung
drummer drums plays
player plays played
dancer dances danced
speaker speaks spoke gave
finder found finds
thief stole stolen
rescuer rescued saved
murderer killed murdered
successor succeeded followed after
predecessor before preceded
namesake named
wife married husband
husband married wife
mother mother son daughter
father father son daughter
son mother father
daughter mother father
brother sister brother
sister brother sister
cousin cousin
widow married husband
partner works together married
neighbour lives next beside
neighbor lives next beside
friend friend
assistant helps helped
apprentice learns learned
"""
ROLES: dict[str, tuple[str, ...]] = {
    row.split()[0]: tuple(row.split()[1:]) for row in _TABLE.strip().splitlines()
}
"""A noun, the verb to ask with, and other words that tell of the same."""
_RELATED = frozenset(
    """successor predecessor namesake wife husband mother father son daughter brother sister cousin
    widow partner neighbour neighbor friend assistant apprentice mayor head captain chief boss
    president chairman chairwoman treasurer secretary principal headmaster headmistress warden
    curator caretaker janitor""".split()  # noqa: SIM905
)
"""Asked for by the noun itself; the verb would ask for something else, or for too much."""
_VERBS: dict[str, str] = {
    "writer": "wrote", "author": "wrote", "poet": "wrote", "painter": "painted",
    "keeper": "keeps",
}  # fmt: skip
ROLE = "|".join(sorted((*ROLES, *(f"{one}s" for one in ROLES)), key=lambda w: (-len(w), w)))


def singular(role: str) -> str:
    """A noun of the table without its plural ending.

    >>> singular("Keepers"), singular("boss")
    ('keeper', 'boss')
    """
    low = role.lower()
    return low if low in ROLES else low.removesuffix("s")


def asks(role: str, thing: str) -> str:
    """The question for the person.

    >>> asks("keeper", "the mill"), asks("captain", "the ferry"), asks("owner", "the shop")
    ('who keeps the mill', 'who is the captain of the ferry', 'who owns the shop')
    """
    low = singular(role)
    if low in _RELATED:
        return f"who is the {low} of {thing}"
    return f"who {_VERBS.get(low, ROLES[low][0])} {thing}"


def cues(role: str) -> list[str]:
    """Words that tell of somebody in this role."""
    low = singular(role)
    return [low, *ROLES[low]]


def role_in(phrase: str) -> str | None:
    """The role that a noun phrase ends with: "the old captain"; None when it names none."""
    match = re.search(rf"\b({ROLE})$", phrase.strip().lower())
    return singular(match.group(1)) if match else None
