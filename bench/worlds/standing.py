"""Streams for standing queries: twelve changes that are to be told of, ten that are nearly so.

Two worlds of one shape with other words and pictures: ``market`` was written first and is held out,
``station`` is the one on which thresholds may be chosen. The watch begins at `START`: what is said
and shown before is no event (`bench.worlds.watched`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from bench.worlds.draw import THEMES, Slide, draw_slide
from bench.worlds.film import Shot, write_film
from bench.worlds.layers import Source
from bench.worlds.watched import FORM, Say, Wish, World, events_of, spoken


@dataclass(frozen=True, slots=True)
class Show:
    """What is on screen from a time on: a slide, a picture (photograph or drawn), or one colour.

    `bullets` of a slide appear at the times beside them.
    """

    at: float
    title: str = ""
    bullets: tuple[tuple[float, str], ...] = ()
    photo: tuple[str, str] | None = None
    colour: tuple[int, int, int] | None = None
    foot: str = ""


@dataclass(frozen=True, slots=True)
class Script:
    """A world: what is shown and said, what is wished for, and why the rest is nearly so."""

    name: str
    shows: tuple[Show, ...]
    says: tuple[Say, ...]
    wishes: tuple[Wish, ...]
    near_misses: tuple[str, ...]
    filler: tuple[str, ...]
    end: float = 330.0


MARKET = Script(
    "market",
    shows=(
        Show(0, "Market hall report", ((0, "Opening hours: nine to five"), (0, "Delivery gate C"))),
        Show(
            40,
            "Stall rents",
            (
                (40, "Rents are paid monthly"),
                (52, "The cold store is closed"),
                (66, "Late payment fee: 30 crowns"),
            ),
        ),
        Show(80, photo=("*irish_setter*", "wall clock")),
        Show(110, photo=("*tiger*", "hourglass")),
        Show(122, "Winter programme", ((122, "Lantern evening on Friday"), (136, "Choir at noon"))),
        Show(150, colour=(4, 4, 4)),
        Show(158, "Fish section", ((158, "Ice is delivered at six"), (158, "Fresh herring daily"))),
        Show(172, colour=(24, 26, 30), title="", foot="dim"),
        Show(
            180, "Annual budget", ((180, "Income from stalls"), (192, "Annual repairs of the roof"))
        ),
        Show(206, photo=("*suspension_bridge*", "parachute")),
        Show(232, colour=(240, 140, 30)),
        Show(240, "Safety rules", ((240, "Keep the aisles free"), (252, "Evacuation plan B"))),
        Show(266, colour=(205, 20, 25)),
        Show(274, "Next steps", ((274, "Survey of visitors"), (286, "New parking tariff"))),
    ),
    says=(
        Say(8, "Please note the spring auction"),
        Say(28, "The spring market", "was very pleasant for all of us"),
        Say(46, "We have decided on the spring auction", "in the large hall this year"),
        Say(58, "Somebody asked about the auction of last spring"),
        Say(72, "The plumber", "will look at the pipes in the cellar"),
        Say(100, "The harbour is near", "and the master baker sells bread there"),
        Say(128, "Next week the harbour master", "comes to visit our stalls"),
        Say(164, "A new electrician", "was hired for the cold store last week"),
        Say(198, "There was an umbrella left at the gate"),
        Say(222, "Visitors complained about the noise from the square"),
        Say(246, "This is the second warning", "for the owners of stall nine"),
        Say(258, "They got their final invoice", "a month ago already"),
        Say(292, "Let us turn to the final warning", "for the owners of stall nine"),
        Say(304, "The final warning", "is a serious matter as you know"),
    ),
    wishes=(
        Wish('the words "cold store is closed" appear on the slide', at=52, until=80),
        Wish('"late payment fee" is shown', at=66, until=80),
        Wish("the slide says something about a choir", at=136, until=150),
        Wish('"evacuation plan B" is on screen', at=252, until=266),
        Wish('somebody says "spring auction"', said=46),
        Wish("the harbour master is mentioned", said=128),
        Wish("they talk about an electrician", said=164),
        Wish('she says "final warning"', said=292, until=312),
        Wish("{first} is seen", at=80, until=110),
        Wish("{second} is seen", at=206, until=232),
        Wish("the screen goes black", at=150, until=158),
        Wish("the picture turns red", at=266, until=274),
    ),
    near_misses=(
        "the phrase is said before the start (8 s)",
        "half of the phrase is said (28 s)",
        "the words in another order (58 s)",
        "the same words apart (100 s)",
        "a picture of a thing that is alike (110 s)",
        "a picture that is dark and not black (172 s)",
        "a word of the phrase on a slide (192 s)",
        "a colour that is near (232 s)",
        "two phrases that each hold a word of it (246 s, 258 s)",
        "the picture goes on for long, panned; the phrase is said again (80-110 s, 304 s)",
    ),
    filler=(
        "The weather was mild and many people came.",
        "Flowers sell well before the holidays.",
        "We painted the doors in a lighter shade.",
        "The bakers start their work at night.",
        "Apples come from the orchards in the north.",
    ),
)

STATION = Script(
    "station",
    shows=(
        Show(
            0, "Railway station notes", ((0, "Platform works until May"), (0, "Ticket desk moved"))
        ),
        Show(
            42,
            "Timetable changes",
            (
                (42, "Trains run every hour"),
                (54, "The waiting room is heated"),
                (68, "Lost property: desk 4"),
            ),
        ),
        Show(82, photo=("*electric_guitar*", "candle")),
        Show(112, photo=("*trombone*", "table lamp")),
        Show(
            124,
            "Visitor services",
            ((124, "Lockers near the exit"), (138, "Museum tickets at noon")),
        ),
        Show(152, colour=(3, 3, 5)),
        Show(160, "Track section", ((160, "Gravel arrives at seven"), (160, "New sleepers daily"))),
        Show(174, colour=(26, 26, 28), foot="dim"),
        Show(
            182, "Energy report", ((182, "Power from the roof"), (194, "Waiting times are shorter"))
        ),
        Show(208, photo=("*horned_viper*", "ladybird")),
        Show(234, colour=(40, 200, 210)),
        Show(242, "Cleaning plan", ((242, "Floors every morning"), (254, "Window team A"))),
        Show(268, colour=(30, 60, 205)),
        Show(276, "Summary", ((276, "Fewer delays this month"), (288, "Next meeting in autumn"))),
    ),
    says=(
        Say(9, "Remember the summer timetable"),
        Say(29, "The summer holidays", "were quiet for the whole staff"),
        Say(48, "Today we publish the summer timetable", "for all regional trains"),
        Say(60, "The timetable of last summer was too thin"),
        Say(74, "The gardener", "planted roses along the fence"),
        Say(102, "The signal was late", "because the box of tools got lost"),
        Say(130, "On Monday the signal box", "will be rebuilt from the ground"),
        Say(166, "A young photographer", "asked to walk along the old track"),
        Say(200, "Somebody left a bicycle near the entrance"),
        Say(224, "Passengers liked the music in the main hall"),
        Say(248, "That was the second announcement", "about the broken lift today"),
        Say(260, "They sent the last letter", "a year ago already"),
        Say(294, "Now comes the last announcement", "about the broken lift today"),
        Say(306, "The last announcement", "was clear enough I believe"),
    ),
    wishes=(
        Wish('the words "waiting room is heated" appear on the slide', at=54, until=82),
        Wish('"lost property" is shown', at=68, until=82),
        Wish("the slide says something about a museum", at=138, until=152),
        Wish('"window team A" is on screen', at=254, until=268),
        Wish('somebody says "summer timetable"', said=48),
        Wish("the signal box is mentioned", said=130),
        Wish("they talk about a photographer", said=166),
        Wish('she says "last announcement"', said=294, until=314),
        Wish("{first} is seen", at=82, until=112),
        Wish("{second} is seen", at=208, until=234),
        Wish("the screen goes black", at=152, until=160),
        Wish("the picture turns blue", at=268, until=276),
    ),
    near_misses=(
        "the phrase is said before the start (9 s)",
        "half of the phrase is said (29 s)",
        "the words in another order (60 s)",
        "the same words apart (102 s)",
        "a picture of a thing that is alike (112 s)",
        "a picture that is dark and not black (174 s)",
        "a word of the phrase on a slide (194 s)",
        "a colour that is near (234 s)",
        "two phrases that each hold a word of it (248 s, 260 s)",
        "the picture goes on for long, panned; the phrase is said again (82-112 s, 306 s)",
    ),
    filler=(
        "The clock on the tower was repaired.",
        "Coffee is sold at the small kiosk.",
        "Children enjoy the view of the engines.",
        "The night shift ends before dawn.",
        "A new bench stands under the trees.",
    ),
)
WORLDS = {one.name: one for one in (MARKET, STATION)}
THINGS = {
    "market": (("a dog", "a clock"), ("a bridge", "a parachute")),
    "station": (("a guitar", "a candle"), ("a snake", "a ladybird")),
}
"""What the two pictures of each world show: photographs, and drawn ones."""


def make(script: Script, folder: Path, photos: Path | None = None) -> World:
    """Draw and speak a world into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    lines, ends = spoken(script.says, script.filler, script.end)
    shots = [shot for one, after in _turns(script) for shot in _shots(one, after, photos)]
    path = folder / f"{script.name}{'-photos' if photos else ''}.mp4"
    seconds = write_film(path, shots, lines, FORM)
    first, second = (pair[0 if photos else 1] for pair in THINGS[script.name])
    wishes = [
        replace(wish, query=wish.query.format(first=first, second=second)) for wish in script.wishes
    ]
    return World(
        script.name, path, events_of(wishes, ends), script.near_misses, seconds, photos is not None
    )


def _turns(script: Script) -> list[tuple[Show, float]]:
    ends = [*(one.at for one in script.shows[1:]), script.end]
    return list(zip(script.shows, ends, strict=True))


def _shots(show: Show, end: float, photos: Path | None) -> list[Shot]:
    if show.photo is not None:
        return [Shot(show.at, end, _pictured(*show.photo, photos), moving=True)]
    if show.colour is not None:
        flat = _flat(show)
        return [Shot(show.at, end, lambda time: flat)]
    times = sorted({show.at, *(at for at, _ in show.bullets)})
    shots = []
    for at, until in zip(times, [*times[1:], end], strict=True):
        bullets = tuple(text for since, text in show.bullets if since <= at)
        page = draw_slide(Slide(show.title, bullets), FORM.size, THEMES[0])
        shots.append(Shot(at, until, lambda time, page=page: page))  # type: ignore[misc]
    return shots


def _flat(show: Show) -> Image.Image:
    image = Image.new("RGB", FORM.size, show.colour or (0, 0, 0))
    if show.foot:  # a room at dusk: something can be made out
        image.paste((70, 72, 78), (200, 300, 420, 420))
        image.paste((52, 50, 56), (560, 180, 700, 430))
    return image


def _pictured(
    pattern: str, drawn: str, photos: Path | None
) -> Callable[[float], Image.Image]:  # fmt: skip
    name, source = pattern if photos else drawn, Source(photos)
    return lambda time: source.view(name, time)
