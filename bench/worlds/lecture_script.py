"""What is said and shown in the lecture world: invented facts, so that no model knows them.

Each topic has sentences to say, slides to show, one question about what is only said and one
about what is only shown. Questions use other words than the sentence or slide where that is
fair. A question's `right` patterns are matched against the answer, case folded; any is enough.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ask:
    """A question about sentence or slide number `about`, and patterns of right answers."""

    about: int
    question: str
    right: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """A slide: title and bullets."""

    title: str
    bullets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Topic:
    """One part of the lecture."""

    name: str
    said: tuple[str, ...]
    cards: tuple[Card, ...]
    heard: Ask
    seen: Ask


def _topic(
    name: str, said: tuple[str, ...], cards: tuple[tuple[str, ...], ...], heard: Ask, seen: Ask
) -> Topic:
    return Topic(name, said, tuple(Card(card[0], card[1:]) for card in cards), heard, seen)


TOPICS: tuple[Topic, ...] = (
    _topic(
        "lighthouses",
        ("Before electric lamps, every lighthouse burned oil.",
         "The keeper of the northern tower climbed three hundred steps every evening.",
         "A ring of glass around the flame bends the light into one strong beam.",
         "Fog was the great enemy, so a bell was rung by hand on bad days."),
        (("Lighthouses", "Oil lamps until 1903", "Beam seen from 34 km"),
         ("The lens", "Glass rings bend the light", "Made in the Fenwick works"),
         ("Fog signals", "Bell, horn and siren", "One blast every 40 seconds")),
        Ask(1, "How many stairs did the keeper walk up each night?", (r"\b300\b", "three hundred")),
        Ask(1, "In which factory was the lens made?", ("fenwick",)),
    ),
    _topic(
        "honey bees",
        ("A bee colony works like one large animal.",
         "Our garden colony gave thirty one kilograms of honey last summer.",
         "Bees tell each other where flowers are by dancing on the comb.",
         "In winter they form a ball and keep the queen warm in the middle."),
        (("Honey bees", "One queen in each colony", "Summer workers live six weeks"),
         ("The dance", "Angle gives the direction", "Decoded at Hollow Farm"),
         ("Wintering", "Feed 14 kg of sugar", "Close the entrance in November")),
        Ask(1, "What was the honey harvest of the garden colony?", (r"\b31\b", "thirty.one")),
        Ask(2, "How much sugar should the colony be fed for winter?", (r"\b14\b",)),
    ),
    _topic(
        "glaciers",
        ("A glacier is a river of ice that flows downhill very slowly.",
         "The ice that we drilled at the upper camp was four thousand years old.",
         "Stones frozen into the bottom scratch the rock below.",
         "When the front melts faster than the ice arrives, the glacier retreats."),
        (("Glaciers", "Snow becomes ice under pressure", "Ten percent of all land"),
         ("Measuring flow", "Stakes drilled into the ice", "Fastest stake: 83 cm a day"),
         ("Retreat", "Front moved 1.6 km since 1950", "Lake Marlin is new")),
        Ask(1, "What is the age of the ice from the upper camp?", ("4,?000", "four thousand")),
        Ask(2, "What is the name of the lake that formed when the glacier retreated?", ("marlin",)),
    ),
    _topic(
        "clocks",
        ("A clock needs something that repeats and something that counts.",
         "The tower clock in the old market loses nine seconds each week.",
         "Quartz is cheap and keeps time better than any pendulum.",
         "Ships needed good clocks to know how far east or west they were."),
        (("Clocks", "Pendulum, spring and quartz", "Counting a steady swing"),
         ("Escapement", "Lets one tooth pass at a time", "Drawn by Robert Ames in 1681"),
         ("Time at sea", "Four minutes for each degree", "Prize of 20,000 pounds")),
        Ask(1, "By how much does the market's tower clock run slow?", (r"\b9 sec", "nine sec")),
        Ask(1, "Who drew the escapement?", ("ames",)),
    ),
    _topic(
        "bridges",
        ("A bridge must carry its own weight before it carries anyone else.",
         "The wooden bridge at Stone Mill was washed away in a spring flood.",
         "An arch pushes outward, so its ends need strong supports.",
         "Wind can make a light bridge swing until it breaks."),
        (("Bridges", "Beam, arch and suspension", "Longest span: 940 m"),
         ("Arches", "Every stone is pressed", "Key stone goes in last"),
         ("Testing", "Loaded with 26 buses", "Sank by 11 millimetres")),
        Ask(1, "What destroyed the bridge at Stone Mill?", ("flood",)),
        Ask(2, "How many buses were used to test the bridge?", (r"\b26\b",)),
    ),
    _topic(
        "volcanoes",
        ("A volcano is a place where melted rock reaches the air.",
         "Black Mountain was quiet for seven hundred years before it woke up.",
         "Thin lava runs far, and thick lava makes explosions.",
         "Gas is the first warning, often weeks before anything is seen."),
        (("Volcanoes", "Shield, cone and dome", "1,350 active on land"),
         ("Warnings", "Gas, tremor and swelling", "Alarm level orange at Pine Ridge"),
         ("Ash clouds", "Flights stop below 6 km", "Ash is ground glass")),
        Ask(1, "How long had Black Mountain been silent?", (r"\b700\b", "seven hundred")),
        Ask(1, "Which alarm colour applies at Pine Ridge?", ("orange",)),
    ),
    _topic(
        "bread",
        ("Bread is flour, water, salt and patience.",
         "My grandmother kept her sour dough alive in a blue jar for forty years.",
         "Gas from the yeast is caught in a net of protein.",
         "Steam in the first minutes keeps the crust soft, so that the loaf can grow."),
        (("Bread", "Flour, water, salt, yeast", "Rest 16 hours in the cold"),
         ("Kneading", "Stretch and fold four times", "Window test with thin dough"),
         ("Baking", "Start at 245 degrees", "Open the vent after 12 minutes")),
        Ask(1, "In what was the grandmother's sour dough kept?", ("jar",)),
        Ask(2, "At what temperature does baking start?", (r"\b245\b",)),
    ),
    _topic(
        "tides",
        ("The sea rises and falls twice a day because of the moon.",
         "In the harbour of Saint Martin the water rises eleven metres.",
         "When sun and moon pull together, the tide is strongest.",
         "A tide table is one of the oldest forecasts that people made."),
        (("Tides", "Two high waters a day", "50 minutes later each day"),
         ("Spring and neap", "Full moon: spring tide", "Half moon: neap tide"),
         ("Tidal power", "Barrage at Queens Bay", "Output 240 megawatts")),
        Ask(1, "How high does the sea climb at Saint Martin?", (r"\b11 met", "eleven met")),
        Ask(2, "Where is the tidal barrage?", ("queens bay",)),
    ),
    _topic(
        "paper",
        ("Paper is a mat of plant fibres that dried in a thin sheet.",
         "The first paper mill in the valley was opened by two sisters named Baker.",
         "Old rags gave the best sheets, long before wood was used.",
         "Acid makes paper yellow, and then it breaks."),
        (("Paper", "Fibres, water and a sieve", "Invented before the year 105"),
         ("Mills", "Water wheel drives hammers", "Sheet size called Foolscap"),
         ("Conservation", "Store at 45 percent humidity", "Never use clear tape")),
        Ask(1, "Who founded the valley's first paper mill?", ("baker", "sisters")),
        Ask(2, "What humidity is recommended for storing paper?", (r"\b45\b",)),
    ),
    _topic(
        "owls",
        ("An owl hears a mouse under the snow.",
         "The young owl that we followed flew sixty kilometres in a single night.",
         "One ear is higher than the other, which tells up from down.",
         "Soft edges on the feathers make the flight silent."),
        (("Owls", "Ears at different heights", "Neck turns 270 degrees"),
         ("Silent flight", "Comb on the first feather", "Copied for wind turbines"),
         ("Ringing project", "Nest boxes: 118", "Ring colour this year: green")),
        Ask(1, "What distance did the tracked young owl cover in a night?", (r"\b60\b", "sixty")),
        Ask(2, "How many nest boxes are in the ringing project?", (r"\b118\b",)),
    ),
    _topic(
        "canals",
        ("A canal is a road made of water.",
         "Digging the western canal took nineteen years and ended in a debt.",
         "A lock lifts a boat like a slow elevator.",
         "Horses walked beside the boats and pulled them with a rope."),
        (("Canals", "Flat water needs locks", "A horse pulls 50 tons"),
         ("Locks", "Gates close against the flow", "Staircase of 16 at Cedar Hill"),
         ("Water supply", "Reservoir named Long Pond", "Each boat uses 200 cubic metres")),
        Ask(1, "How many years did it take to build the western canal?", (r"\b19\b", "nineteen")),
        Ask(2, "Which reservoir feeds the canal?", ("long pond",)),
    ),
    _topic(
        "maps",
        ("Every map leaves almost everything out.",
         "The oldest map in our library was drawn on goat skin.",
         "A round earth cannot be made flat without stretching something.",
         "Surveyors measured one base line with great care, and computed the rest."),
        (("Maps", "Scale, symbols and north", "1 : 25,000 for walking"),
         ("Projections", "Keep angles or keep areas", "Mercator keeps angles"),
         ("Survey", "Base line of 7,406 metres", "Signal fires on Eagle Peak")),
        Ask(1, "On what material is the library's oldest map?", ("goat", "skin")),
        Ask(2, "How long was the survey's base line?", (r"7,?\.?406",)),
    ),
    _topic(
        "tea",
        ("Black tea and green tea come from the same plant.",
         "The fastest ship that carried tea was the Silver Star.",
         "Leaves that are rolled and left in the air turn dark.",
         "Water that is too hot makes green tea bitter."),
        (("Tea", "One plant, many kinds", "First garden at 2,100 m"),
         ("Oxidation", "Air turns the leaf dark", "Stop it with heat"),
         ("Brewing", "Green: 75 degrees, 2 minutes", "Black: 96 degrees, 4 minutes")),
        Ask(1, "What was the name of the quickest tea ship?", ("silver ?star",)),
        Ask(2, "How hot should the water be for green tea?", (r"\b75\b",)),
    ),
    _topic(
        "salt",
        ("Salt was once worth as much as silver.",
         "The miners of Deep Valley built a chapel under the ground, all in salt.",
         "Sea water is left in flat ponds until the sun has dried it.",
         "Wars were fought over the tax on salt."),
        (("Salt", "From mines and from the sea", "35 grams in a litre of sea water"),
         ("Mines", "Temperature 14 degrees all year", "Lowest level: 327 metres"),
         ("Salt roads", "Mule trains in winter", "Toll paid at Ash Gate")),
        Ask(1, "What did the Deep Valley miners build below ground?", ("chapel",)),
        Ask(2, "Where was the toll paid on the salt road?", ("ash ?gate",)),
    ),
    _topic(
        "comets",
        ("A comet is a dirty ball of ice from the edge of the solar system.",
         "The comet of last autumn was found by a school teacher named Helen Brooks.",
         "Its tail always points away from the sun.",
         "Dust that a comet leaves behind gives us shooting stars."),
        (("Comets", "Ice, dust and dark crust", "Tail up to 90 million km"),
         ("Orbits", "Long and narrow ellipses", "Returns every 71 years"),
         ("Visit", "Probe named Swallow", "Landing speed 3 km per hour")),
        Ask(1, "Who discovered last autumn's comet?", ("brooks", "teacher")),
        Ask(2, "What is the probe called that visited the comet?", ("swallow",)),
    ),
    _topic(
        "windmills",
        ("A windmill must turn its face into the wind.",
         "The miller of East Hill could tell a storm coming from the smell of the grain.",
         "Four sails are a compromise between weight and power.",
         "A brake of wood can catch fire when the wind is too strong."),
        (("Windmills", "Post mill and tower mill", "Sails of 12 metres"),
         ("Grinding", "Stones turn 120 times a minute", "French stone is best"),
         ("Today", "Restored by 33 volunteers", "Open on the first Sunday")),
        Ask(1, "How did the miller of East Hill notice a coming storm?", ("smell",)),
        Ask(2, "How many volunteers restored the mill?", (r"\b33\b",)),
    ),
    _topic(
        "whales",
        ("Whales breathe air, and sleep with one half of the brain.",
         "We recorded the same whale song on fourteen nights near Bell Island.",
         "Low sounds travel across a whole ocean.",
         "A dead whale feeds the deep sea for fifty years."),
        (("Whales", "Toothed and baleen", "Heart of 180 kg"),
         ("Song", "Lowest note: 17 hertz", "Recorded with 5 buoys"),
         ("Protection", "Speed limit 10 knots", "Rerouted ships at Cape Rowan")),
        Ask(1, "Near which island was the whale song recorded?", ("bell",)),
        Ask(2, "What is the speed limit for ships to protect whales?", (r"\b10 ?knots",)),
    ),
    _topic(
        "glass",
        ("Glass is sand that was melted and cooled too fast to become crystal.",
         "The window above the town hall door was broken by a snow ball.",
         "Small amounts of metal colour the glass.",
         "A sheet is made flat by floating it on melted tin."),
        (("Glass", "Sand, soda and lime", "Melts at 1,500 degrees"),
         ("Colours", "Cobalt gives blue", "Gold gives ruby red"),
         ("Float glass", "Floats on a bath of tin", "Line speed 15 metres a minute")),
        Ask(1, "What broke the town hall window?", ("snow ?ball",)),
        Ask(1, "Which metal turns glass blue?", ("cobalt",)),
    ),
    _topic(
        "railways",
        ("Steel wheels on steel rails waste very little energy.",
         "On the night train to the coast, there was a piano in the last wagon.",
         "Signals keep one train away from the next.",
         "Steep hills need a third rail with teeth."),
        (("Railways", "Gauge 1,435 mm", "Steepest slope 48 percent"),
         ("Signals", "One block, one train", "Staff token kept at Millbrook"),
         ("Timetable", "First train 4:52", "Change at Oak Junction")),
        Ask(1, "What was in the last wagon of the night train?", ("piano",)),
        Ask(2, "At what time does the first train leave?", ("4[:. ]?52",)),
    ),
    _topic(
        "mushrooms",
        ("The mushroom is only the fruit, and the rest is under the ground.",
         "The largest ring in the beech forest is ninety metres wide.",
         "Threads of the fungus trade sugar and water with the trees.",
         "Never eat one that you do not know."),
        (("Mushrooms", "Neither plant nor animal", "Threads called hyphae"),
         ("Partners", "Roots and fungus trade", "Birch likes the red cap"),
         ("Collecting", "At most 2 kg a day", "Advice desk: Friday, room 7")),
        Ask(1, "How big is the largest ring in the forest?", (r"\b90\b", "ninety")),
        Ask(2, "When is the advice desk for mushroom collectors open?", ("friday",)),
    ),
)  # fmt: skip

FILLERS: tuple[str, ...] = (
    "Let me say a little more about {topic}.",
    "I would like you to think about {topic} for a moment.",
    "This is a point that many students miss.",
    "You do not have to write this down.",
    "We will come back to this idea in a few minutes.",
    "If you look at {topic} closely, you find many small surprises.",
    "Some of you asked about this after the last lecture.",
    "It sounds simple, but it took people a long time to see it.",
    "The same idea appears in many other places.",
    "Please stop me if something is not clear.",
    "I find this part of the story about {topic} very beautiful.",
    "There are good books about {topic} in the library.",
    "Of course, the real world is not as clean as my slide.",
    "Let us take it one step at a time.",
    "What can we learn from that?",
    "The old reports on {topic} are not easy to read.",
    "Nobody planned it that way.",
    "That is why people still study {topic} today.",
    "Notice how the small things decide.",
    "You can try this at home with very simple tools.",
    "I was surprised when I heard this for the first time.",
    "There is more than one answer, and I will show you the common one.",
    "Do not worry about the details yet.",
    "This is the heart of the matter.",
    "When I was young, I did not care much for {topic}.",
    "Keep the picture in your mind while I go on.",
    "We should be careful with such claims.",
    "Experts on {topic} still argue about this.",
    "Let us move on to the next point.",
    "That was the easy half.",
    "People have tried to improve on this many times.",
    "It depends on the place and on the weather.",
    "A good drawing would help here.",
    "So much for the general idea.",
    "In practice, money and time are always short.",
    "I will leave the rest about {topic} as an exercise.",
)

REFRAINS: dict[str, str] = {
    "Peter Stone": "As my old friend Peter Stone likes to say, measure first and talk later.",
    "the red notebook": "I wrote the numbers for this in my red notebook.",
    "the Bristol expedition": "We learned this on the Bristol expedition.",
}

ABSENT: tuple[str, ...] = (
    "How much does a ticket for the planetarium cost?",
    "What does the lecturer say about chess openings?",
    "Which programming language is used in the exercises?",
    "When does an elephant appear in the picture?",
    "Who won the football match?",
    "What is the email address of the lecturer?",
    "How many submarines were built?",
    "What is said about the history of the guitar?",
    "On which slide is the chemical formula of caffeine shown?",
    "What is the name of the lecturer's dog?",
    "When is the fire alarm heard?",
    "What medicine is recommended against headaches?",
    "Which airline offers the cheapest flight to Tokyo?",
    "What was the election result?",
    "How is a kidney transplant performed?",
)
