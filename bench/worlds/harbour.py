"""A broadcast from a harbour festival: a third world for standing queries, of another shape.

One camera view stays beneath it all; a score stands over it, tickers run, signs blink, things come
nearer, pan in, come and go, are half hidden; there is music under speech. Each situation is a part
of its own; a seed orders them and spaces them. Twelve changes are to be told of. The near misses
are aimed: at a first look that a closer one should refuse (a flash, a dissolve, small print, a word
heard by half), at scores that are high all the time (the view beneath resembles a bird, which is
asked for and never comes; what an example says is not meant), and at telling one event again and
again (blinking, coming and going, said thrice, staying long).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from bench.worlds import layers
from bench.worlds.film import Line, Shot, write_film
from bench.worlds.layers import Layer, Source
from bench.worlds.watched import FORM, START, Say, Wish, World, events_of, spoken

SEED = 9
SCORES = ("GULLS 1   TERNS 2", "GULLS 1   TERNS 3", "GULLS 2   TERNS 3", "GULLS 3   TERNS 3")
"""The score at first, and after each part that changes it, whatever comes between."""
NEVER = ("a bird is seen",)
FILLER = (
    "The weather stays fine over the bay.",
    "Many families came with their children.",
    "We smell coffee and fresh bread.",
    "The water is as smooth as glass.",
    "Our next guest paints small pictures.",
    "Somebody lost a blue scarf.",
)


@dataclass(frozen=True, slots=True)
class Cast:
    """The pictures that play, and what the asked ones are called."""

    view: str
    nearer: tuple[str, str]
    panned: tuple[str, str]
    hidden: tuple[str, str]
    coming: tuple[str, str]
    alike: tuple[str, ...]
    dissolving: tuple[str, str]


DRAWN = Cast(
    "fog", ("football", "a soccer ball"), ("traffic light", "a traffic light"),
    ("wall clock", "a clock"), ("candle", "a candle"), ("pumpkin", "hourglass", "table lamp"),
    ("umbrella", "parachute"),
)  # fmt: skip
PHOTOS = Cast(
    "*llava_waterview*", ("*irish_setter*", "a dog"), ("*moving_van*", "a truck"),
    ("*electric_guitar*", "a guitar"), ("*king_crab*", "a crab"),
    ("*tiger*", "*trombone*", "*leaf_beetle*"), ("*loudspeaker*", "*car_wheel*"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """A situation as it is laid: how long it takes, what is shown, said and wished for."""

    seconds: float
    layers: tuple[Layer, ...] = ()
    says: tuple[Say, ...] = ()
    wishes: tuple[Wish, ...] = ()
    music: tuple[float, float] | None = None
    scores: bool = False


Lay = Callable[[float, Cast, Source], Part]


# -- changes -------------------------------------------------------------------------------


def comes_nearer(at: float, cast: Cast, source: Source) -> Part:
    """It grows for 6 s and stays; told from a third of the frame on, late after two thirds."""
    thing, words = cast.nearer
    wish = Wish(f"{words} is seen", at=at + 3.4, until=at + 24, early=2.0)
    return Part(24, (layers.nearer(source, thing, at, at + 24, 6.0),), wishes=(wish,))


def pans_in(at: float, cast: Cast, source: Source) -> Part:
    """The camera turns for 4 s; told from two fifths on, late after three quarters."""
    thing, words = cast.panned
    wish = Wish(f"{words} is seen", at=at + 3.0, until=at + 13, early=1.4)
    return Part(13, (layers.panning(source, thing, at, at + 13, 4.0),), wishes=(wish,))


def half_hidden(at: float, cast: Cast, source: Source) -> Part:
    """A fence hides two fifths of it."""
    thing, words = cast.hidden
    wish = Wish(f"{words} is seen", at=at, until=at + 11)
    return Part(11, (layers.hidden(source, thing, at, at + 11, 0.4),), wishes=(wish,))


def comes_and_goes(at: float, cast: Cast, source: Source) -> Part:
    """Seen for 3 s, away for 1.4 s, five times: one event."""
    thing, words = cast.coming
    wish = Wish(f"{words} is seen", at=at, until=at + 22)
    return Part(23, (layers.coming(source, thing, at, at + 22, 3.0, 1.4),), wishes=(wish,))


def blinks(at: float, cast: Cast, source: Source) -> Part:
    """A sign that blinks for 24 s is one event."""
    wish = Wish('"low tide" is on screen', at=at, until=at + 24)
    return Part(25, (layers.sign("LOW TIDE", at, at + 24, on=1.5, off=1.0),), wishes=(wish,))


def score_changes(at: float, cast: Cast, source: Source) -> Part:
    """The score becomes another after 2 s."""
    return Part(7, scores=True)


def runs_in(at: float, cast: Cast, source: Source) -> Part:
    """A ticker brings the phrase."""
    text = "Traffic news: the old bridge is closed tonight, please take the tunnel instead"
    since, until = layers.whole_at(text, "bridge is closed")
    wish = Wish('"bridge is closed" is on screen', at=at + since, until=at + until)
    ticker = layers.ticker(text, at)
    return Part(ticker.end - at, (ticker,), wishes=(wish,))


def two_at_once(at: float, cast: Cast, source: Source) -> Part:
    """A sign appears while something else is said."""
    said = Say(at + 1, "Ask the lifeguard", "who sits on the white chair")
    wishes = (Wish('"first aid" is on screen', at=at + 2, until=at + 9),
              Wish("the lifeguard is mentioned", said=at + 1))  # fmt: skip
    return Part(10, (layers.sign("First aid here", at + 2, at + 9),), (said,), wishes)


def under_music(at: float, cast: Cast, source: Source) -> Part:
    """A phrase is said while a band plays."""
    said = Say(at + 5, "Tonight they light up the dry dock", "with lamps of every kind")
    wish = Wish('someone says "dry dock"', said=at + 5)
    return Part(15, says=(said,), wishes=(wish,), music=(at, at + 14))


def said_thrice(at: float, cast: Cast, source: Source) -> Part:
    """A call that comes four times in 21 s is one event."""
    says = tuple(Say(at + 6 * n, "Man overboard") for n in range(4))
    return Part(24, says=says, wishes=(Wish('she says "man overboard"', said=at, until=at + 30),))


def ferry(at: float, cast: Cast, source: Source) -> Part:
    """What is meant, and not the museum."""
    said = Say(at + 1, "The evening ferry", "has just left the island")
    wish = Wish("the ferry is mentioned", said=at + 1, nots=("the ferry museum",))
    return Part(8, says=(said,), wishes=(wish,))


# -- near misses ---------------------------------------------------------------------------


def museum(at: float, cast: Cast, source: Source) -> Part:
    """What the person said is not meant."""
    return Part(8, says=(Say(at + 1, "The ferry museum", "opens its doors at ten"),))


def documents(at: float, cast: Cast, source: Source) -> Part:
    """Half of its second word is the end of the phrase."""
    return Part(7, says=(Say(at + 1, "We keep all the dry documents in the upper room"),))


def other_order(at: float, cast: Cast, source: Source) -> Part:
    """The words of a phrase in another order, and some of them."""
    return Part(12, says=(Say(at + 1, "Overboard went the hat of that man"),
                          Say(at + 7, "We have a new man on the board of trade")))  # fmt: skip


def flash(at: float, cast: Cast, source: Source) -> Part:
    """An asked thing for less than half a second."""
    return Part(8, (layers.whole(source, cast.nearer[0], at + 2, at + 2.4),))


def dissolves(at: float, cast: Cast, source: Source) -> Part:
    """One picture becomes another, and on the way like neither."""
    return Part(10, (layers.dissolve(source, *cast.dissolving, at, at + 9),))


def alike(at: float, cast: Cast, source: Source) -> Part:
    """Things that resemble those asked for, 3 s each."""
    shown = [layers.whole(source, one, at + 3 * n, at + 3 * n + 3)
             for n, one in enumerate(cast.alike)]  # fmt: skip
    return Part(3 * len(shown) + 2, tuple(shown))


def small_print(at: float, cast: Cast, source: Source) -> Part:
    """Letters and digits that look like those asked for, small and pale."""
    rows = ("GULLS 8   KITES 2", "BULLS 3   CROWS 1", "Hirst Ald & Sons")
    return Part(11, (layers.table(rows, at, at + 10, 15),))


def like_signs(at: float, cast: Cast, source: Source) -> Part:
    """Signs with other words that hold the same letters."""
    return Part(14, (layers.sign("Follow tide tables", at, at + 6),
                     layers.sign("First Aida tonight", at + 7, at + 13)))  # fmt: skip


def clothed(at: float, cast: Cast, source: Source) -> Part:
    """A ticker with a word that is nearly the one."""
    ticker = layers.ticker("City news: the old bridge is clothed in flags for the parade", at)
    return Part(ticker.end - at, (ticker,))


PARTS: tuple[Lay, ...] = (
    comes_nearer, pans_in, half_hidden, comes_and_goes, blinks, runs_in, two_at_once, under_music,
    said_thrice, ferry, score_changes, score_changes, score_changes, museum, museum, documents,
    documents, documents, other_order, flash, dissolves, alike, small_print, like_signs, clothed,
)  # fmt: skip
NEAR_MISSES = (
    "a phrase is said, and a sign shown, before the start",
    "what the person said is not meant, twice",
    "the first half of a word completes a phrase, three times",
    "the words in another order",
    "some of the words, others between",
    "an asked thing flashes for 0.4 s",
    "one picture dissolves into another",
    "three things that are alike",
    "the other side's score becomes 3; the side's becomes 2",
    "small print: another digit, another letter, both",
    "a sign whose words hold the same letters; another with one letter more",
    "a ticker with a word that is nearly the one",
    "the view beneath resembles a bird all the time",
    "blinking, coming and going, said four times, staying for 20 s: one event each",
)


@dataclass
class _Laid:
    """All parts on one clock."""

    layers: list[Layer] = field(default_factory=list)
    says: list[Say] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)
    music: list[tuple[float, float]] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    end: float = START


def make(folder: Path, photos: Path | None = None, seed: int = SEED) -> World:
    """Draw and speak it into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    cast, source = PHOTOS if photos else DRAWN, Source(photos)
    laid = _laid(cast, source, seed)
    lines, ends = spoken(laid.says, FILLER, laid.end)
    lines += [Line(start, _music(end - start), "♪") for start, end in laid.music]
    path = folder / f"harbour-{seed}{'-photos' if photos else ''}.mp4"
    shot = Shot(0.0, laid.end, lambda time: _drawn(time, laid, cast, source), moving=True)
    seconds = write_film(path, [shot], lines, FORM)
    events = events_of(laid.wishes, ends)
    return World("harbour", path, events, NEAR_MISSES, seconds, photos is not None, NEVER)


def _laid(cast: Cast, source: Source, seed: int) -> _Laid:
    """Order and space the parts by the seed."""
    drawn = np.random.default_rng(seed)
    laid = _Laid()
    laid.layers.append(layers.sign("LOW TIDE", 4.0, 9.0))
    laid.says.append(Say(6.0, "Man overboard"))
    at = START + 2.0
    for n in drawn.permutation(len(PARTS)):
        part = PARTS[n](at, cast, source)
        laid.layers += part.layers
        laid.says += part.says
        laid.wishes += part.wishes
        laid.music += [part.music] if part.music else []
        laid.scores += [at + 2.0] if part.scores else []
        at = round(at + part.seconds + float(drawn.uniform(1.0, 3.0)), 1)
    laid.end = float(np.ceil(at)) + 2.0
    laid.wishes.append(Wish('"Gulls 3" is on screen', at=laid.scores[-1], until=laid.end))
    return laid


def _drawn(time: float, laid: _Laid, cast: Cast, source: Source) -> Image.Image:
    made = source.view(cast.view, time)
    for layer in laid.layers:
        if layer.start <= time + 1e-6 < layer.end:
            made = layer.paint(made, time - layer.start)
    return layers.score(made, SCORES[sum(at <= time + 1e-6 for at in laid.scores)])


def _music(seconds: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """A band far off: chords that change each second and a beat, about 14 dB below a voice."""
    rate = FORM.sound_rate
    time = np.arange(round(seconds * rate)) / rate
    sound = np.zeros_like(time)
    for n, root in enumerate(_chords(seconds)):
        there = (time >= n) & (time < n + 1)
        for step in (1.0, 1.25, 1.5, 2.0):
            sound += there * np.sin(2 * np.pi * root * step * time) / 4
    beat = np.exp(-8 * (time % 0.5)) * np.sin(2 * np.pi * 80 * time)
    return (0.07 * sound + 0.05 * beat).astype(np.float32)


def _chords(seconds: float) -> Iterator[float]:
    for n in range(int(np.ceil(seconds))):
        yield (220.0, 174.6, 261.6, 196.0)[n % 4]
