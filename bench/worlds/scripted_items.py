"""The programme of a scripted afternoon on local television: what is said and what cards show.

Each item is written line by line: ``# text`` puts a card on the screen until the next card (cards
of several lines have ``|`` between them), ``# -`` clears it, ``. n`` is small talk of weight n that
fills the time, and every other line is spoken. All invented; nothing is taken from real life.
"""

from __future__ import annotations

ITEMS: tuple[str, ...] = (
    """
# Good afternoon | Programme of the day
Good afternoon and welcome to the long afternoon on channel four.
. 2
We begin down at the water, where the tide is just coming in.
# -
. 2
""",
    """
# The sound | Crossing times
The ferry Runa has crossed the sound since the winter of 1974.
. 2
It is Captain Odell who steers the ferry Runa.
. 3
# Ticket 12 kroner | Bicycles free
A ticket costs twelve kroner, and bicycles travel free of charge.
. 3
# -
The copper kettle in the galley is older than the ship.
. 2
""",
    """
# Brass in the park
The brass orchestra rehearses every Tuesday in the old tram depot.
. 2
The brass orchestra is conducted by Mirela Voss.
. 3
# Next concert: 14 August
Their loudest piece needs nine trombones.
. 3
""",
    """
# Mill Street
On Mill Street the smell of rye bread reaches the church.
. 2
The bakery on Mill Street belongs to Tomas Ekberg.
. 3
# Rye, spelt, barley
The stone oven was carried here on a hay cart.
. 3
# -
""",
    """
# GATE B7
Passengers for the islands, please keep your luggage with you.
. 1
# PLATFORM 4
The green carriage will be added at the junction.
. 1
# COUNTER 19
Lost umbrellas are kept for ninety days.
. 1
# PIER C
The last boat is waiting for the choir.
. 1
# -
. 1
""",
    """
# A new swimming hall
The swimming hall has a roof of larch wood and glass.
. 2
The swimming hall was designed by Ines Calloway.
. 3
# 50 metres, eight lanes
The deepest pool goes down five metres.
. 3
""",
    """
# The light
Out on the skerry the lighthouse still turns every night.
. 2
The lighthouse is kept by Hedda Lund.
. 3
# 211 steps
Two hundred and eleven steps lead up to the lamp.
. 3
# -
""",
    """
# Letters from viewers
The ferryman of the upper lake grew up in Brenna.
. 1
Odell grew up in Tarnby, where his mother kept a mill.
. 2
Captain Perrin of the tugboat grew up in Losk.
. 2
The singer of the sailors' choir studied in Vienna.
. 1
The town drummer studied in Oslo for a while.
. 1
Mirela Voss studied in Gdansk for six years.
. 2
The church organist studied in Turin, long ago.
. 2
The baker of the monastery gets up at four.
. 1
The milkman gets up at a quarter to three.
. 1
Tomas Ekberg gets up at half past two.
. 2
The postman gets up at five and whistles.
. 2
# -
""",
    """
# Night trains
The night train to the south has eleven sleeping cars.
. 2
The night train is cleaned by a company called Lustro.
. 3
# Departure 22:40
Breakfast is served in paper bags with a blue ribbon.
. 3
""",
    """
# Rose garden
The rose garden has four hundred and six kinds of roses.
. 2
The plants for the rose garden come from the nursery Fennick.
. 3
# Open until dusk
The oldest bush survived three floods.
. 3
# -
""",
    """
# Weather
Tomorrow brings fog in the morning and a light wind from the east.
. 2
# Sunday: hail
On Sunday there may be hail above the hills.
. 2
# Monday: clear
Monday will be clear and very cold.
. 2
# -
""",
    """
# The clock tower
The chapel bell had been silent for three weeks.
. 1
The clock tower had been silent for nineteen years.
. 2
The clock tower was repaired by the Abbas brothers.
. 3
# 34 gear wheels
Thirty four gear wheels had to be cast anew.
. 3
""",
    """
# Kites over the dunes
The kite contest drew two thousand people to the dunes.
. 2
The kite contest was won by Pelle Dahl.
. 3
# First prize: a telescope
The winning kite was painted like a heron.
. 3
# -
""",
    """
# Portraits
The harbour engineer also designed the ice rink in Tolm.
. 1
Ines Calloway also designed the library in Porthen.
. 2
The town architect also designed the bus station in Ravel.
. 2
The station master collects model engines.
. 1
The vicar collects beetles.
. 1
Hedda Lund collects old barometers.
. 2
The harbour master collects tin soldiers.
. 2
The youngest drummer is nine years old.
. 1
The winner of the egg race is fourteen years old.
. 1
Pelle Dahl is eleven years old.
. 2
The oldest pilot in town is eighty three years old.
. 2
# -
""",
    """
# ROW 12
Please look at your ticket before you sit down.
. 1
# BOX 3
The velvet curtain weighs half a ton.
. 1
# CLOAKROOM
Coats with fur collars go to the left.
. 1
# STAGE DOOR
The wig maker arrives by bicycle.
. 1
# -
. 1
""",
    """
# Cattle show
The prize for the finest cow went to Bella this year.
. 2
The cow Bella belongs to the Hartog farm.
. 3
# 31 litres a day
Her bell was forged from a tram rail.
. 3
# -
""",
    """
# The paper mill
The paper mill makes banknote paper for six countries.
. 2
The water wheel of the paper mill is looked after by Jorun Aske.
. 3
# Built in 1811
Every sheet carries an owl as its watermark.
. 3
# -
""",
    """
# Firms and farms
The gas works were founded in 1869.
. 1
The bus company was founded in 1931.
. 1
Lustro was founded in 1987.
. 2
The tram company was founded in 1902.
. 2
The brickworks employ seventy people.
. 1
The cannery employs sixteen people.
. 1
Fennick employs forty one people.
. 2
The shipyard employs three hundred people.
. 2
The Lindqvist farm lies below the castle.
. 1
The Hartog farm lies beside the old canal.
. 2
The Bremer farm lies behind the quarry.
. 2
# -
""",
    """
# Chess in the cafe
The chess club meets under the stairs of the cafe Orient.
. 2
# Board one | Board two
A game of chess was once adjourned for eleven years.
. 3
# -
The ginger cat sleeps on the scoreboard.
. 2
""",
    """
# The observatory
The observatory on the hill opens its dome on Fridays.
. 2
# Saturn at 21:15
Saturn can be seen a quarter past nine.
. 3
# Bring a blanket
The big mirror is polished once a year with rouge.
. 2
# -
""",
    """
# Craft street
The bell founders learned their trade in Ghent.
. 1
The saddler learned his trade in Seville.
. 1
The Abbas brothers learned their trade in Lisbon.
. 2
The glass blowers learned their trade in Murano.
. 2
The locksmith plays the tuba.
. 1
The florist plays the zither.
. 1
Jorun Aske plays the hardanger fiddle.
. 2
The carpenter plays the bassoon.
. 2
# -
The silver anchor above the door was made by an apprentice.
. 2
""",
    """
# Road news
The bridge at Sandvik is closed until Thursday.
. 2
# Detour 9 km
The detour is nine kilometres long.
. 2
# Speed limit 40
A convoy with a turbine blade passes at midnight.
. 2
# -
""",
    """
# Recipe: plum soup
For the plum soup you need two pounds of plums and a stick of cinnamon.
. 2
# Simmer 25 minutes
Let it simmer for twenty five minutes.
. 3
# Serve cold
A spoon of sour cream goes on top.
. 2
# -
""",
    """
# Thank you for watching
That was the long afternoon on channel four.
. 2
Tomorrow we visit the salt mine.
. 1
# -
""",
)

OPENINGS = (
    "As far as I can see,", "Between you and me,", "On a day like this,", "If you ask around,",
    "To be honest,", "From where I am standing,", "Without any hurry,", "Once again,",
    "At this hour,", "By the way,", "Strange as it seems,", "For the moment,",
)  # fmt: skip
MIDDLES = (
    "people are in a good mood", "hardly anybody is complaining", "the mood could not be better",
    "nobody wants to go home yet", "there is plenty of time left", "it all looks rather peaceful",
    "things are going as planned", "one gets used to the noise", "the queue moves on slowly",
    "a little patience will help", "everything takes a bit longer", "we are enjoying ourselves",
)  # fmt: skip
ENDINGS = (
    "and that is how it should be.", "which I find quite charming.", "as so often around here.",
    "and nobody seems to mind.", "or so it appears to me.", "even if it does not look like it.",
    "and I could go on about it.", "thanks to everybody involved.", "just like the other day.",
    "and we will come back to that.", "so let us see what comes.", "although one never knows.",
)  # fmt: skip

_BEE_SUBJECTS = ("A colony of bees", "A beehive", "The beekeeper", "The queen bee", "A swarm of bees",
                 "Every worker bee", "A young bee", "A bee")  # fmt: skip
_BEE_SAYS = (
    "does best where the lime trees bloom.", "takes the whole summer to come to rest.",
    "has to be treated with great calm.", "knows the way across the valley by heart.",
    "smells of thyme and of warm wood.",
)  # fmt: skip
BEES = "\n".join(
    ["# The beekeeper", "Now we have come to the bees behind the orchard.",
     *(f"{subject} {says}" for says in _BEE_SAYS for subject in _BEE_SUBJECTS), "# -"]
)  # fmt: skip
"""A long talk about one thing: about 200 seconds."""
BESIDE_BEES = (
    "Excuse me, there was a bee on my microphone.",
    "The candles on the altar are made from the wax of wild bees.",
)
"""Two passing words about the same, elsewhere."""
