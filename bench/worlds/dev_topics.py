"""Subjects of the development worlds: things that can be spoken of, in two halves.

A thing has a name, other words for it that share none with the name, and a class: what may be
told of it depends on that. Confidence is fitted on subjects and wordings of half one and checked
on those of half two, so that it cannot learn words. All invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Half = Literal["one", "two"]
HALVES: tuple[Half, Half] = ("one", "two")


@dataclass(frozen=True, slots=True)
class Thing:
    """Something spoken of: "the grand piano", in other words "the keyboard instrument"."""

    name: str
    other: str
    sort: str

    @property
    def the(self) -> str:
        """The name as it stands within a sentence."""
        return f"the {self.name}"


@dataclass(frozen=True, slots=True)
class Subject:
    """A part of a talk: its title, how it is spoken of, and its things."""

    title: str
    about: str
    things: tuple[Thing, ...]
    chat: tuple[str, ...]


def _subject(title: str, about: str, things: str, *chat: str) -> Subject:
    """Read "piano = keyboard instrument (object); …"."""
    made = []
    for piece in things.split(";"):
        name, _, rest = piece.partition("=")
        other, _, sort = rest.strip().rstrip(")").partition(" (")
        made.append(Thing(name.strip(), other.strip(), sort))
    return Subject(title, about, tuple(made), chat)


ONE = (
    _subject("Concert hall", "the concert hall",
             "grand piano = keyboard instrument (object); bronze bell = chime (object); "
             "violin evening = string recital (event); balcony = upper gallery (place)",
             "Music fills a room before anybody notices.",
             "Good acoustics are mostly a question of wood and patience.",
             "Nobody likes a squeaking chair in a quiet passage."),
    _subject("Mountain rescue", "mountain rescue",
             "snow sledge = sleigh (object); rope winch = hoist (object); "
             "avalanche drill = exercise for snow slides (event); summit hut = shelter (place)",
             "The weather decides, and not the plan.",
             "Every rescuer carries dry gloves.",
             "In fog a whistle is worth more than a lamp."),
    _subject("Bakery", "the bakery",
             "stone oven = furnace (object); dough mixer = kneading machine (object); "
             "pretzel contest = baking competition (event); flour store = pantry (place)",
             "Warm bread smells of childhood.",
             "A baker gets up when others go to bed.",
             "Too much yeast ruins the crumb."),
    _subject("Observatory", "the observatory",
             "main telescope = stargazing device (object); meteorite = rock from space (object); "
             "moon night = lunar viewing (event); dome = round roof (place)",
             "Dark skies have become rare.",
             "You need half an hour until your eyes see faint stars.",
             "Clouds are the enemy of every astronomer."),
    _subject("Sheep farm", "the sheep farm",
             "shearing machine = fleece cutter (object); milking stool = low seat (object); "
             "lamb auction = sale of young animals (event); old barn = hayloft building (place)",
             "Wool keeps warm even when it is wet.",
             "A good dog replaces three shepherds.",
             "Rain in May is a present for the pasture."),
    _subject("Post office", "the post office",
             "sorting machine = letter distributor (object); mail van = delivery vehicle (object); "
             "stamp fair = philatelic market (event); counter room = customer area (place)",
             "People write fewer letters every year.",
             "A wrong address costs us more than a heavy parcel.",
             "Before the holidays nobody here sits down."),
    _subject("Lighthouse", "the lighthouse",
             "glass lens = optical element (object); fog horn = acoustic signal (object); "
             "keeper reunion = meeting of former watchmen (event); spiral stairs = winding steps (place)",
             "Ships trust a light more than a chart.",
             "Salt eats every hinge on this coast.",
             "In winter the waves reach the windows."),
    _subject("Chess club", "the chess club",
             "marble board = stone playing field (object); tournament clock = timer (object); "
             "blitz night = fast games evening (event); reading room = quiet library (place)",
             "Every beginner loses his queen too early.",
             "The endgame teaches you to be patient.",
             "Analysis after the game is half the fun."),
    _subject("Paper mill", "the paper mill",
             "pulp press = squeezing roller (object); water wheel = river turbine (object); "
             "craft weekend = hobby days (event); drying loft = attic (place)",
             "Rags were once worth more than wood.",
             "The colour of the river told which paper was made.",
             "A watermark is a secret in plain view."),
    _subject("Zoo", "the zoo",
             "feeding trough = manger (object); weighing scale = balance (object); "
             "penguin parade = march of birds (event); monkey house = home of the apes (place)",
             "Animals know the hour better than we do.",
             "Children always ask for the names first.",
             "Nothing is as loud as a peacock in spring."),
    _subject("Cinema", "the cinema",
             "film projector = picture thrower (object); velvet curtain = drape (object); "
             "silent film night = screening without sound (event); box office = ticket booth (place)",
             "Popcorn earns more than the tickets do.",
             "A film starts when the light goes out.",
             "The last row belongs to the young."),
    _subject("Ferry line", "the ferry line",
             "diesel engine = motor (object); life raft = rescue float (object); "
             "harbour festival = celebration at the port (event); car deck = vehicle floor (place)",
             "The crossing is short, but the waves are not.",
             "Sea gulls follow every boat that has a kitchen.",
             "Ropes must be checked by hand."),
    _subject("Beekeeping", "beekeeping",
             "honey press = extractor (object); smoker = device for calming insects (object); "
             "swarm course = lesson for keepers (event); wax room = candle workshop (place)",
             "A calm hand is the best protection.",
             "Lime trees give the lightest honey.",
             "In autumn the drones are thrown out."),
)  # fmt: skip

TWO = (
    _subject("Castle", "the castle",
             "iron cannon = artillery piece (object); wall carpet = tapestry (object); "
             "knight games = medieval joust (event); north tower = defensive turret (place)",
             "A wall is only as strong as its gate.",
             "Winters were long and the rooms were never warm.",
             "Ghost stories sell better than history."),
    _subject("Hospital", "the hospital",
             "ray scanner = imaging apparatus (object); wheel bed = rolling couch (object); "
             "blood drive = donation campaign (event); sun terrace = open air deck (place)",
             "Sleep is still the cheapest medicine.",
             "Clean hands save more lives than big machines.",
             "At night the corridors are very long."),
    _subject("Vineyard", "the vineyard",
             "grape press = fruit squeezer (object); oak barrel = cask (object); "
             "harvest dance = autumn ball (event); cellar vault = underground chamber (place)",
             "Stones in the ground store the heat of the day.",
             "Birds know the sweetest rows.",
             "A late frost can end the year in one night."),
    _subject("Railway museum", "the railway museum",
             "steam engine = locomotive (object); signal lamp = lantern (object); "
             "model exchange = swap meet for miniatures (event); round house = shed for trains (place)",
             "Coal dust finds its way into every pocket.",
             "Timetables are poems for patient people.",
             "Children want to hear the whistle twice."),
    _subject("Swimming pool", "the swimming pool",
             "wave maker = surf generator (object); diving board = springboard (object); "
             "night swim = bathing after dark (event); sauna = hot room (place)",
             "Nobody runs twice on wet tiles.",
             "Chlorine is a smell that you never forget.",
             "The early lanes belong to the old men."),
    _subject("Theatre", "the theatre",
             "thunder drum = storm sound maker (object); rotating stage = turning platform (object); "
             "premiere party = opening celebration (event); costume store = wardrobe (place)",
             "An actor needs a mirror and an enemy.",
             "The prompter knows every secret of the play.",
             "Applause is the only wage that cannot be taxed."),
    _subject("Weather station", "the weather station",
             "rain gauge = precipitation meter (object); wind mast = pole for gusts (object); "
             "storm seminar = training about hurricanes (event); radar room = screen cabin (place)",
             "A forecast is a bet with good manners.",
             "Snow is measured with a simple stick.",
             "The old log books are written in three inks."),
    _subject("Ceramics", "ceramics",
             "kiln = firing chamber (object); potter wheel = spinning disc (object); "
             "glaze workshop = coating class (event); clay pit = loam quarry (place)",
             "Every bowl remembers the hand that made it.",
             "Cracks show when the drying was too fast.",
             "The best blue is also the most poisonous."),
    _subject("Fire brigade", "the fire brigade",
             "turntable ladder = extending steps (object); pump truck = water lorry (object); "
             "alarm rehearsal = emergency test (event); hose tower = drying column (place)",
             "Two minutes decide over a roof.",
             "The kitchen is the most dangerous room of a house.",
             "Boots stand ready with the trousers in them."),
    _subject("Botanical garden", "the botanical garden",
             "sundial = shadow clock (object); seed cabinet = chest for grains (object); "
             "orchid show = exhibition of blossoms (event); palm house = tropical glasshouse (place)",
             "Labels are stolen more often than plants.",
             "A gardener thinks in decades.",
             "Moss is a plant for people with time."),
    _subject("Radio studio", "the radio studio",
             "mixing desk = sound console (object); ribbon microphone = recording device (object); "
             "quiz evening = guessing show (event); echo chamber = reverberation space (place)",
             "Silence on air feels longer than it is.",
             "A voice has an age, but it is not yours.",
             "The red light makes everybody whisper."),
    _subject("Bicycle factory", "the bicycle factory",
             "welding robot = joining automaton (object); paint line = lacquer conveyor (object); "
             "test ride day = trial tour (event); spare part shelf = rack of components (place)",
             "A frame is drawn in one week and corrected for a year.",
             "Chains are happier with little oil.",
             "Nobody needs thirty gears."),
    _subject("Fishing village", "the fishing village",
             "net winder = reel (object); wooden cutter = sailing vessel (object); "
             "herring feast = seafood banquet (event); smoke house = curing shed (place)",
             "The sea gives and the sea takes.",
             "Nets are mended in winter.",
             "A barometer hangs in every kitchen here."),
)  # fmt: skip

SUBJECTS: dict[Half, tuple[Subject, ...]] = {"one": ONE, "two": TWO}

PEOPLE: dict[Half, tuple[str, ...]] = {
    "one": ("Anna Keller", "Boris Lang", "Clara Winter", "David Moreau", "Edith Palmer",
            "Frank Osborne", "Greta Holm", "Henry Walsh", "Irene Castell", "Jonas Reed",
            "Karen Blythe", "Leo Fontaine", "Martha Quill", "Norman Frost", "Olga Brandt",
            "Peter Savoy"),
    "two": ("Alice Thorne", "Bernard Cole", "Celia Marsh", "Dennis Hartley", "Emma Lindgren",
            "Fabian Stone", "Gloria Pell", "Hugo Barnes", "Ingrid Falk", "James Orchard",
            "Katrin Bell", "Lionel Drake", "Monica Hale", "Nathan Birch", "Paula Vance",
            "Robert Iden"),
}  # fmt: skip
TOWNS: dict[Half, tuple[str, ...]] = {
    "one": ("Ashford", "Brunnen", "Carlow", "Dunmore", "Elsworth", "Farnham", "Gladbeck", "Hexham"),
    "two": ("Albury", "Bergen", "Corby", "Delmont", "Exeter", "Fulda", "Garston", "Halden"),
}
REFRAINS: dict[Half, tuple[str, ...]] = {
    "one": ("green notebook", "night porter", "broken umbrella", "brass key", "snow globe",
            "garden gnome"),
    "two": ("red envelope", "old gardener", "wooden spoon", "lost glove", "paper crane",
            "copper kettle"),
}  # fmt: skip
REFRAIN_SAID: dict[Half, tuple[str, ...]] = {
    "one": ("Please remember the {r}, we will need it again.", "Somebody has asked for the {r}.",
            "Do not laugh about the {r}."),
    "two": ("This brings me back to the {r}.", "I nearly forgot the {r}.",
            "You will hear more of the {r}."),
}  # fmt: skip
SIGHTS: dict[Half, tuple[tuple[str, str], ...]] = {
    "one": (("goldfish", "a goldfish"), ("airliner", "an airliner"), ("teapot", "a teapot"),
            ("sports car", "a fast car"), ("castle", "a castle"), ("tabby", "a cat"),
            ("volcano", "a volcano"), ("violin", "somebody with a violin"), ("daisy", "a flower"),
            ("tractor", "a tractor"), ("zebra", "a zebra"), ("suspension bridge", "a bridge")),
    "two": (("ostrich", "an ostrich"), ("speedboat", "a motor boat"), ("accordion", "an accordion"),
            ("strawberry", "a strawberry"), ("snail", "a snail"), ("fire engine", "a fire truck"),
            ("wooden spoon", "a spoon"), ("lion", "a lion"), ("mushroom", "a mushroom"),
            ("streetcar", "a tram"), ("tiger", "a striped big cat"), ("windsor tie", "a necktie")),
}  # fmt: skip
TALK: dict[Half, tuple[str, ...]] = {
    "one": ("Let me say a little more about that.", "I have said this before.",
            "There are still some free chairs in front.", "Can everybody hear me?",
            "We can talk about the details later.", "It did not work the first time.",
            "Let us not make it too complicated.", "That is a question I get very often.",
            "I am not sure about that, to be honest.", "You can ask me at the end.",
            "There is a simple reason for that.", "Please look to the front.",
            "Some of you know this already.", "We will see how far we get today.",
            "I like this part best.", "One more moment, please.",
            "I wrote this down last night.", "The sound is better now."),
    "two": ("I will come back to this in a minute.", "Is there a question at the back?",
            "Most people get this wrong.", "It sounds easy, and it is not.",
            "Let me repeat that for everybody.", "We have plenty of time.",
            "Some things are hard to explain.", "Thank you for waiting.",
            "That was not planned at all.", "I would do it the same way again.",
            "You do not have to write this down.", "Nobody told me about that.",
            "Here we have to be careful.", "I think that is fair.",
            "Somebody left a coat in the hall.", "And that is the whole story.",
            "We skip the next point.", "Please speak a bit louder."),
}  # fmt: skip
