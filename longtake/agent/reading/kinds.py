"""Kinds of things by meaning: a diver is a person and cobalt a metal, though no list has them.

The vector of a word says what it is about as much as what it is: "diver" lies nearer to water than
to "teacher". What is common to the things of one kind is therefore learnt from seed words: a linear
map from centred vectors to kinds by ridge regression (Hoerl and Kennard, Technometrics 1970), a
closed form, the same numbers at every run. A word is of the kind that scores highest, if by enough.
On 235 words that are no seeds the kind was right for 208 with MiniLM (by the nearest seeds: 189);
"person" was said of 60 words, 59 of them among the 62 persons. A noun that is asked for ("which
metal") is nearer still: words of its kind must also be near to the noun itself.

The map is fitted once for an encoder and kept with the library.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from longtake.agent.findings import Candidate
from longtake.storage.records import Floats
from longtake.tools.topic import FUNCTION
from longtake.tools.words import stem, tokens

if TYPE_CHECKING:
    from longtake.agent.desk import Desk

SEEDS: dict[str, str] = {
    "person": """
    teacher farmer nurse soldier girl uncle neighbour king thief tourist baker lawyer athlete
    child widow priest scientist guest sailor doctor dancer painter singer waiter driver swimmer
    carpenter engineer chemist pianist cook hunter rider climber builder shopkeeper fisherman
    policeman prince queen grandmother brother daughter husband girlfriend baby boy man woman
    lady gentleman professor pupil apprentice servant prisoner winner leader inventor author
    journalist photographer potholer archaeologist astronomer captain pilot butcher miller
    shoemaker jeweller watchmaker stonemason miner cleaner gravedigger customer patient
    collector player actor monk wizard knitter sweeper fireman keeper judge mayor candidate
    owner colleague visitor explorer clerk banker surveyor""",
    "place": """
    village river kitchen street harbour forest school hospital island factory garden tower
    church market room mountain station bridge shop house cottage bathroom field desert ocean
    pond bay city town country office bank museum hotel restaurant pub palace temple stadium
    park square tunnel mine mill farm quay corridor roof cliff pool studio court bedroom hut
    canteen terminal""",
    "material": """
    iron copper wood leather glass wool silk clay marble plastic silver cotton concrete rubber
    wax oil paint stone sand brick rope ink glue chalk coal salt petrol metal ore alloy fabric
    cloth bone ice diamond chromium titanium uranium oxygen carbon acid cement cardboard resin
    lime sulphur""",
    "animal": """
    dog horse bird fish snake cow spider bear frog bee sheep rabbit cat lion elephant monkey
    goose duck pig mouse rat hawk robin parrot snail worm ant butterfly crab shark whale seal
    dolphin turtle deer hare calf pony kitten camel crocodile pigeon hen mole salmon hamster""",
    "food": """
    bread cheese soup apple cake honey rice butter wine potato chocolate meat tea sugar milk egg
    pie sandwich sauce jam sweet pudding pastry beer juice coffee salad onion tomato bean pepper
    mustard vinegar ham bacon lemon pear cherry nut pizza syrup caramel ice-cream broth flour""",
    "tool": """
    hammer knife rope bucket key needle ladder lamp basket bottle clock box chair axe pliers
    drill spoon fork plate cup bowl jar pan pot broom brush comb pen pencil ruler mirror watch
    table bed shelf drawer door window handle lid wheel screw nail pipe pump engine camera
    telephone computer machine bag suitcase envelope letter book card coin ring medal toy doll
    ball flag spectacles vase curtain carpet stove fridge switch chain cable net hook whistle""",
    "vehicle": """
    car boat bicycle train lorry aeroplane cart bus ship van taxi carriage ambulance yacht raft
    scooter submarine rocket tank tricycle tug""",
    "instrument": """
    violin piano flute drum trumpet guitar cymbals organ tuba horn recorder viola lute mandolin
    xylophone tambourine piccolo double-bass""",
    "clothing": """
    coat hat shoe dress glove scarf shirt skirt sock belt tie suit uniform gown cloak sandals
    vest""",
    "plant": """
    oak rose grass fern ivy tulip willow moss tree flower weed bush elm beech poppy thistle
    orchid cactus seaweed hedge lily""",
    "body": """
    hand knee heart tooth shoulder stomach arm leg foot head face nose ear eye bone skin brain
    finger neck lip""",
    "weather": """
    rain snow wind fog storm thunder hail sunshine frost breeze drizzle""",
    "illness": """
    fever measles cough headache cancer influenza pneumonia tuberculosis diabetes infection
    fracture arthritis smallpox""",
    "colour": """
    red blue green yellow purple brown black white grey pink orange scarlet navy maroon golden""",
    "time": """
    morning summer Tuesday October hour winter century Monday night evening autumn spring week
    minute January day midnight year Christmas""",
    "event": """
    wedding festival funeral war flood concert race parade expedition journey battle party
    meeting fire exhibition match revolution birthday strike accident election trip game
    ceremony sale conference fair""",
    "other": """
    idea reason mistake price size way part number happy broken quickly found gave turns often
    together strong problem result success quality question whole small alive dead ill strange
    history music language love fear anger kindness truth law art science trade advice news
    story answer name title shape sound colour end beginning half pair kind rule plan test mile
    first second old new long short heavy clean wet dry empty cheap famous deep green-minded
    quick easy hard sure true late early walk run speak write break carry lose buy sell fall cut
    open close sleep sing built sold stolen asked said thought came went held turned kept taken
    never always almost perhaps already there here outside three hundred both every other what
    while under between""",
}
"""Words of each kind; those of `other` are of none."""
SURE, TRADE = 0.35, 0.25
"""Least score of a person; of a word that ends as trades do, for the ending tells as well."""
_TRADE = re.compile(r"(?:ers?|ors?|ists?|ians?|m[ae]n|wom[ae]n)$")
LEAST = 0.3
"""Least score of a word that is of a kind; of a set of kinds the highest must reach it."""
NEAR, AKIN = 0.35, 0.2
"""Least cosine with the noun asked for: of any word, and of one that is of the noun's kind."""
GENERIC = frozenset(
    """animal creature pet person profession job trade place location material substance food dish
    tool object vehicle instrument plant colour""".split()  # noqa: SIM905
)
"""Nouns that name a whole kind: what is of the kind fits."""
_RIDGE = 1.0
_DETERMINER = (
    r"(?:an?|the|this|that|my|our|your|his|her|their|its|one|two|three|another|some|by|as|every)"
)
_PHRASE = re.compile(rf"\b{_DETERMINER}(?=((?:\s+[a-z][a-z'-]*){{1,4}}))", re.IGNORECASE)
_ASKED = re.compile(
    r"\b(?:which|what)\s+(?:(?:kind|sort|type|piece)\s+of\s+)?((?:[a-z-]+\s+){0,2}[a-z-]+)"
)
_VAGUE = frozenset("thing things one ones stuff object objects item items".split())  # noqa: SIM905
_VERBS = frozenset(
    """is was are were be been do does did has have had can could will would shall should may might
    must""".split()  # noqa: SIM905
)
_ENDED = re.compile(r"(?:ly|ing|ed)$")
"""Endings of words that name no one."""


@dataclass(frozen=True, slots=True)
class Kinds:
    """The map from the vector of "the WORD" to a score for each kind."""

    mean: Floats
    weights: Floats
    base: Floats

    def centred(self, vectors: Floats) -> Floats:
        """Vectors about the mean of all seeds, of length one."""
        rows = vectors - self.mean
        norms = np.linalg.norm(rows, axis=-1, keepdims=True)
        return np.asarray(rows / np.maximum(norms, 1e-9), np.float32)

    def best(self, centred: Floats) -> list[tuple[str, float]]:
        """The kind of each vector, with its score."""
        scores = centred @ self.weights + self.base
        return [(_NAMES[int(row.argmax())], float(row.max())) for row in scores]


_NAMES = tuple(SEEDS)


def fitted(vectors: Floats) -> Kinds:
    """Fit the map to the vectors of all seeds, in the order of `seed_texts`."""
    own = [n for n, kind in enumerate(_NAMES) for _ in SEEDS[kind].split()]
    wanted = np.eye(len(_NAMES), dtype=np.float64)[own]
    made = Kinds(vectors.mean(0), np.zeros((0, 0), np.float32), wanted.mean(0).astype(np.float32))
    rows = made.centred(vectors).astype(np.float64)
    square = rows.T @ rows + _RIDGE * np.eye(rows.shape[1])
    weights = np.linalg.solve(square, rows.T @ (wanted - wanted.mean(0)))
    return Kinds(made.mean, weights.astype(np.float32), made.base)


def seed_texts() -> list[str]:
    """What is embedded of the seeds."""
    return [_text(word) for kind in _NAMES for word in SEEDS[kind].split()]


def _text(word: str) -> str:
    return f"the {word}"


def kinds_of(desk: Desk) -> Kinds:
    """The map for the desk's encoder: from the library, or fitted now and kept there."""
    encoder, store = desk.toolbox.models.text_encoder, desk.toolbox.store
    mark = hashlib.sha256("\n".join(seed_texts()).encode()).hexdigest()[:16]
    key = f"kinds:{encoder.name}:{mark}"
    kept = store.cache_get(key)
    size, n = int(encoder.dim), len(_NAMES)
    if kept is not None and len(kept) == 4 * (size + size * n + n):
        flat = np.frombuffer(kept, np.float32)
        return Kinds(flat[:size], flat[size : size + size * n].reshape(size, n), flat[-n:])
    made = fitted(np.asarray(encoder.encode(seed_texts()), np.float32))
    parts = (made.mean, made.weights.ravel(), made.base)
    store.cache_put(key, np.concatenate(parts).astype(np.float32).tobytes())
    return made


class Sought:
    """The kind of thing a question asks for, and which words of a quotation are of it."""

    def __init__(self, desk: Desk, question: str, sort: str | None) -> None:
        self._desk = desk
        self._asked = {stem(word) for word in tokens(question)}
        self._sort = sort if sort in SORTS else None
        self._nouns = [] if sort is not None else asked_nouns(question)

    @cached_property
    def _kinds(self) -> Kinds:
        return kinds_of(self._desk)

    @cached_property
    def _wanted(self) -> tuple[str, str, Floats] | None:
        """The noun asked for, its kind and its vector."""
        if not self._nouns:
            return None
        rows = self._centred(self._nouns)
        for noun, row, (kind, score) in zip(self._nouns, rows, self._kinds.best(rows), strict=True):
            if kind != "other" and score >= LEAST:
                return noun, kind, row
        return None

    def __bool__(self) -> bool:
        """Whether the question tells what kind of thing it asks for."""
        return self._sort is not None or self._wanted is not None

    def words(self, quote: str) -> list[str]:
        """The words of a quotation that are of the kind, beyond the question's own, in order."""
        if not self:
            return []
        someone = self._sort == "person"
        known = [
            w for w in (named(quote) if someone else plain(quote)) if stem(w) not in self._asked
        ]
        if not known:
            return []
        rows = self._centred(known)
        best = self._kinds.best(rows)
        return [
            w for w, row, one in zip(known, rows, best, strict=True) if self._fits(w, row, *one)
        ]

    def _fits(self, word: str, row: Floats, kind: str, score: float) -> bool:
        if self._sort is not None:
            return kind == SORTS[self._sort] and score >= _least(word, kind)
        if self._wanted is None:
            return False
        noun, wanted, vector = self._wanted
        near = float(vector @ row)
        whole = noun in GENERIC or not _VAGUE.isdisjoint(self._nouns)
        same = kind == wanted and score >= LEAST and (whole or near >= AKIN)
        return same or near >= NEAR

    def _centred(self, words: list[str]) -> Floats:
        vectors = self._desk.toolbox.embed([_text(word) for word in words])
        return self._kinds.centred(vectors)


def _least(word: str, kind: str) -> float:
    if kind != "person":
        return LEAST
    return TRADE if _TRADE.search(word) else SURE


SORTS = {"person": "person", "colour": "colour"}
"""The sorts of `longtake.agent.reading.sorts` that are kinds of things."""


def asked_nouns(question: str) -> list[str]:
    """The noun of "which NOUN" or "what NOUN", likeliest first; none where none is asked for.

    >>> asked_nouns("Which metal turns glass blue?"), asked_nouns("What sweet thing was there?")
    (['metal', 'turns', 'glass'], ['sweet', 'thing'])
    >>> asked_nouns("What did she say?")
    []
    """
    match = _ASKED.search(question.lower())
    if match is None:
        return []
    found: list[str] = []
    for word in match.group(1).split():
        if word in _VERBS:
            return found[-1:]  # what stands before it is the noun with its adjectives
        if word in _VAGUE:
            return [*found[-1:], word] if found else []
        if word in FUNCTION:
            return found
        found.append(word)
    return found


def plain(quote: str) -> list[str]:
    """The content words of a quotation, each once."""
    words = (w for w in tokens(quote) if len(w) > 2 and w.isalpha() and w not in FUNCTION)
    return list(dict.fromkeys(words))


def named(quote: str) -> list[str]:
    """The words that stand where someone may be named: after an article, in the plural, or short.

    >>> named("It lay under the stairs until a diver found it by chance.")
    ['stairs', 'diver', 'found', 'chance']
    """
    if len(quote.split()) <= 4:
        return [w for w in plain(quote) if not _ENDED.search(w)]
    inside: set[str] = set()
    for match in _PHRASE.finditer(quote):
        for word in tokens(match.group(1)):
            if word in FUNCTION:
                break
            inside.add(word)
    return [
        w for w in plain(quote)
        if (w in inside or w.endswith(("ers", "men", "ists"))) and not _ENDED.search(w)
    ]  # fmt: skip


TRIED = 6
"""How many of the best candidates are read for words of the kind."""
AS_GOOD = 0.55
"""A candidate with such a word must be this share as good as the best one to go first."""


def of_kind_first(
    sought: Sought, near: Sequence[Candidate], found: Sequence[Candidate]
) -> list[Candidate]:
    """The candidates with those first that hold a word of the kind; unchanged if none does."""
    if not near or not sought:
        return list(found)
    least = AS_GOOD * near[0]["score"]
    good = [c for c in near[:TRIED] if c["score"] >= least and sought.words(c["quote"])]
    return [*good, *(c for c in found if c not in good)]


def heads(quote: str, words: Sequence[str]) -> list[str]:
    """Of words that follow each other the last, which is the noun.

    >>> heads("until a patient diver found it", ["patient", "diver"])
    ['diver']
    """
    said = tokens(quote)
    pairs = set(pairwise(said))
    return [w for w in words if not any((w, other) in pairs for other in words)]
