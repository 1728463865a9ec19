"""What is said and shown in the kitchen world: a cooking day in a village hall.

Five cooks have a table each, and their dishes come back in turn. Tables are spoken of by number;
which dish belongs to which is on one sheet only, and the colour of an apron is only seen. One
board is wrong and put right, prices fall, votes are counted twice. `CHAT` has no facts. Everything
and everybody is invented.
"""

from __future__ import annotations

from bench.worlds.evening import Person, Speech
from bench.worlds.outing import Look, Part
from bench.worlds.programme import Card

TITLE = "Cooking day in the village hall"
SUBTITLE = "Nether Cobble, five tables, one kitchen"

PEOPLE = {
    "Bruno": Person("Bruno", "leads the day", 0.83, known=True),
    "Edda": Person("Edda", "bread", 1.0),
    "Jonas": Person("Jonas", "soup", 0.78),
    "Mei": Person("Mei", "dumplings", 1.13),
    "Farid": Person("Farid", "beans", 0.82),
    "Wilma": Person("Wilma", "jam", 0.96),
    "Toni": Person("Toni", "washes up", 0.91),
    "Pia": Person("Pia", "school paper", 1.2),
}
GUESTS = frozenset({"Farid", "Wilma", "Pia"})
"""They have a voice of another engine where there is one."""
COOKS = {
    1: ("Onion bread", "Edda"), 2: ("Pumpkin soup", "Jonas"), 3: ("Plum dumplings", "Mei"),
    4: ("Bean pot", "Farid"), 5: ("Quince jam", "Wilma"),
}  # fmt: skip
"""Table numbers, with the dish and the cook that a sheet gives."""
RUNG: Speech = ("Bruno", "There goes the timer.")
"""Comes after the ring of a bell."""
RING = 1.6
"""Seconds from the ring to the sentence."""
LADLE: tuple[Speech, ...] = (
    ("Jonas", "Has anybody seen my ladle?"),
    ("Jonas", "I have to pour with a cup, because the ladle is still gone."),
    ("Wilma", "There is a ladle in my basket, Jonas, is that the one you are crying about?"),
    ("Bruno", "And table 2 gets a new ladle, on a string, so that it stays where it is."),
)
BROKEN: tuple[Speech, ...] = (
    ("Bruno", "Oh, that was a plate, mind the pieces."),
    ("Farid", "Sorry, now I have smashed the glass bowl."),
    ("Toni", "And down goes a cup, it is in a hundred bits."),
)

_COOKS = tuple(f"{table} | {dish} | {cook}" for table, (dish, cook) in COOKS.items())

MORNING: tuple[Part, ...] = (
    Part("opening", (
        Look(None, (
            ("Bruno", "Good morning, I am Bruno, and I keep an eye on the clock today."),
            ("Bruno", "Come in, come in, and close the door, it is cold."),
        ), 18.0, quiet=True),
        Look(Card("The plan", ("Time | What", "10:20 | Bread and soup", "11:40 | Dumplings",
                               "13:00 | We eat", "15:45 | Votes are counted"), "table"), (
            ("Bruno", "Last winter this hall was under water, so we cooked in the fire station."),
            ("Bruno", "The two stoves come from an old ship, you can still see the bolts."),
            ("Bruno", "Forty-four people have come, and I have thirty-one chairs."),
        ), 72.0),
        Look("pineapple", (), 20.0, quiet=True),
    )),
    Part("rules", (
        Look(Card("House rules", ("Wash your hands, then wash them again",
                                  "Hot pan? Shout: behind you!", "No phones near the stove",
                                  "Plasters: drawer 7")), (
            ("Bruno", "If you burn yourself, hold it under the tap for ten minutes, no butter."),
            ("Bruno", "The last one at the stove turns the wheel to the left, for the gas."),
            ("Bruno", "When I bang two lids together, everybody puts down the knife."),
        ), 95.0),
    )),
    Part("cooks", (
        Look(Card("Who cooks what", ("Table | Dish | Cook", *_COOKS), "table"), (
            ("Bruno", "Every table has its dish, and you may walk around as you like."),
            ("Bruno", "Nobody tastes anything before I say so, that is for you, Toni."),
        ), 70.0),
    )),
    Part("bread", (
        Look(Card("For the bread", ("What | How much", "Flour | 900 grams", "Water | 550 grams",
                                    "Yeast | 12 grams", "Salt | 2 spoons"), "table"), (
            ("Edda", "I am Edda, and I have baked since I could look over the table."),
            ("Edda", "The dough is ready when it feels like the lobe of your ear."),
            ("Edda", "My sourdough is called Gustav, and I feed him on Sundays."),
        ), 95.0),
        Look("table 1", (
            ("Edda", "Now it lies under a wet cloth, and it may sleep."),
            RUNG,
            ("Edda", "Fold it once from every side, as you fold a shirt."),
        ), 60.0),
    ), (("Edda", "Press it with the ball of your hand."), ("Edda", "Do not be shy."))),
    Part("soup", (
        Look(Card("For the soup", ("What | How much", "Pumpkin | 2 kilos", "Coconut milk | 1 tin",
                                   "Ginger | 40 grams", "Chilli | a pinch"), "table"), (
            ("Jonas", "My name is Jonas, and I was a cook at sea for eleven years."),
            ("Jonas", "Leave the skin on, it gets soft, and you keep your fingers."),
            ("Jonas", "If it is too thin, I put in a slice of old bread, and never flour."),
        ), 90.0),
        Look("table 2", (
            LADLE[0],
            ("Jonas", "I stir in the shape of an eight, then nothing sticks."),
        ), 55.0),
    ), (("Jonas", "It smells right already."), ("Jonas", "Patience, patience."))),
    Part("ovens", (
        Look(Card("Ovens", ("Oven | In it | Degrees", "Left | Bread | 180", "Right | Plates | 60"),
                  "table"), (
            ("Bruno", "I have written down what goes where, so that nobody mixes it up."),
            ("Bruno", "Keep the doors shut, every look lets out the heat."),
        ), 60.0),
    )),
    Part("dumplings", (
        Look(Card("Dumplings, step by step", ("Boil the potatoes the day before",
                                              "One plum, one lump of sugar",
                                              "Simmer for 14 minutes", "Roll in crumbs")), (
            ("Mei", "I am Mei, and I got this from my mother-in-law, who does not know it."),
            ("Mei", "Take out the stone, and put the sugar where the stone was."),
            BROKEN[0],
            ("Mei", "They tell you that they are done, because they float."),
        ), 105.0),
        Look("table 3", (
            ("Mei", "If the dough tears, do not patch it, begin again with that one."),
            RUNG,
        ), 55.0),
    ), (("Mei", "Small ones are nicer."), ("Mei", "Roll it between your hands."))),
    Part("alarm", (
        Look("smoke", (
            ("Bruno", "That is the smoke alarm, everybody out, please, and do not run."),
        ), 26.0, quiet=True),
    )),
    Part("yard", (
        Look("snowman", (
            ("Toni", "It was only my toast, I am so sorry."),
            ("Bruno", "Stay by the wall, I am counting you."),
            ("Pia", "My feet are cold already."),
            ("Bruno", "Everybody is here, so we may go in again."),
        ), 80.0, quiet=True),
    )),
    Part("ovens again", (
        Look(Card("Ovens, put right", ("Oven | In it | Degrees", "Left | Bread | 230",
                                       "Right | Plates | 60"), "table"), (
            ("Edda", "Who wrote that on the board? My bread would have come out like a pillow."),
            ("Bruno", "That was me, I had read the line for the cake, and I have changed it."),
        ), 60.0),
    )),
    Part("beans", (
        Look(Card("Beans and water", ("Sort | Soak | Cook", "Lentils | not at all | 25 minutes",
                                      "Kidney beans | 10 hours | 75 minutes",
                                      "Chickpeas | 12 hours | 90 minutes"), "table"), (
            ("Farid", "I am Farid, and I drive a taxi at night, so forgive me if I yawn."),
            ("Farid", "Salt comes last, or they stay hard until Easter."),
            BROKEN[1],
        ), 90.0),
        Look("table 4", (
            ("Farid", "A bay leaf goes in, and it comes out again before you serve."),
            ("Farid", "My secret is a spoon of coffee, the strong kind."),
            RUNG,
        ), 65.0),
    ), (("Farid", "Look how they jump."), ("Farid", "Slowly, always slowly."))),
)  # fmt: skip

AFTERNOON: tuple[Part, ...] = (
    Part("lunch", (
        Look(Card("On the counter", ("Today | Tokens", "Soup | 5", "Bread | 2", "Bean pot | 6",
                                     "Apple juice | 3"), "table"), (
            ("Bruno", "Now we eat, and you pay at the hatch, with the wooden tokens."),
            ("Bruno", "Sit down wherever there is a chair, or on a crate."),
        ), 50.0, quiet=True),
        Look("pretzel", (), 24.0, quiet=True),
        Look(Card("Second helping", ("Now | Tokens", "Soup | 4", "Bread | 1", "Bean pot | 4",
                                     "Apple juice | 3"), "table"), (), 55.0, quiet=True),
    ), rest=True),
    Part("soup again", (
        Look(Card("Soup for more people", ("Guests | Pumpkin | Pots", "10 | 2 kilos | 1",
                                           "25 | 5 kilos | 2", "60 | 12 kilos | 4"), "table"), (
            ("Jonas", "Some of you want to cook it at home, so I have done the sums."),
            ("Jonas", "The lemon comes in at the very end, or it turns the coconut sour."),
            LADLE[1],
        ), 85.0),
    ), (("Jonas", "Blow on it first."),)),
    Part("bread again", (
        Look("table 1", (
            RUNG,
            ("Edda", "Knock on it from below, and if it sounds like a door, it is done."),
            ("Edda", "Let it cool down, whoever cuts it hot will chew on rubber."),
        ), 65.0),
    ), (("Edda", "Listen to the crust."),)),
    Part("jam", (
        Look(Card("For the jam", ("What | How much", "Quinces | 1500 grams", "Sugar | 700 grams",
                                  "Lemon juice | 80 grams", "Star anise | 2"), "table"), (
            ("Wilma", "My name is Wilma, and I am eighty-three, so I do this sitting down."),
            ("Wilma", "Rub off the fluff with an old stocking."),
            ("Wilma", "Put a drop on a cold saucer, and when it wrinkles, you may stop."),
        ), 90.0),
        Look("table 5", (
            LADLE[2],
            ("Wilma", "My late husband ate it with cheese, and he was right."),
            RUNG,
        ), 60.0),
        Look("jar", (
            ("Wilma", "This one has stood in my cellar, and I do not dare to open it."),
            ("Wilma", "The lids have to click when they cool, then all is well."),
        ), 40.0),
    ), (("Wilma", "Stir, dear, stir."), ("Wilma", "I have done this very often."))),
    Part("leftovers", (
        Look(Card("How long it keeps", ("What | Fridge | Freezer", "Soup | 4 days | 3 months",
                                        "Dumplings | 2 days | 6 months",
                                        "Bean pot | 5 days | 4 months"), "table"), (
            ("Toni", "I am Toni, I wash up here, and I see what people throw away."),
            ("Toni", "Never put a hot pot in the fridge, or the milk gets a fever."),
        ), 75.0),
        Look(Card("At the sink", ("Glasses first, pans last", "Never put knives in the water",
                                  "One towel for each person"), "poster"), (
            BROKEN[2],
            ("Toni", "The sponge has to go every Monday, or it will walk away by itself."),
            ("Toni", "Burnt pots get baking powder and a quiet night."),
        ), 80.0),
    ), (("Toni", "I like the warm water."), ("Toni", "Do not put that there."))),
    Part("interview", (
        Look("table 2", (
            ("Pia", "I am Pia, and I write for the school paper, may I ask you something?"),
            ("Jonas", "Go ahead, but I keep on peeling."),
            ("Pia", "What was the worst thing that you have ever made?"),
            ("Jonas", "A cake with salt instead of sugar, for the birthday of the captain."),
            ("Pia", "And what do you eat when you are alone?"),
            ("Jonas", "Cold spaghetti out of the pot, standing up."),
            ("Pia", "Is there anything that you do not like at all?"),
            ("Jonas", "Celery, I can hear it in the dark."),
            ("Pia", "Thank you, that will be on page one."),
        ), 72.0, quiet=True),
    )),
    Part("walk", (
        Look("mushroom", (), 22.0, quiet=True),
    )),
    Part("votes", (
        Look(Card("Votes", ("Dish | Votes", "Onion bread | 14", "Bean pot | 13",
                            "Plum dumplings | 9", "Pumpkin soup | 8"), "table"), (
            ("Bruno", "One slip for each of you, and the jam takes no part, it always wins."),
            ("Bruno", "This is what has come out of the hat."),
        ), 60.0),
        Look(Card("Votes, counted again", ("Dish | Votes", "Bean pot | 15", "Onion bread | 12",
                                           "Plum dumplings | 9", "Pumpkin soup | 8"), "table"), (
            ("Bruno", "Two slips were lying in the wrong heap, so it has turned around."),
        ), 50.0),
    ), (("Bruno", "It is quieter than in church."),)),
    Part("prizes", (
        Look("iron pot", (
            ("Bruno", "The great prize is this iron pot, and it goes to table 4."),
            ("Bruno", "Table 1 takes home a rolling pin of olive wood."),
        ), 50.0),
        Look(Card("Thanks to", ("The library, for the tables", "The farm shop, for the pumpkins",
                                "Everybody who peeled"), "poster"), (
            LADLE[3],
            ("Bruno", "And the pepper mill is for the kindest neighbour, which is table 3."),
        ), 45.0),
    ), (("Bruno", "Clap your hands, please."),)),
    Part("goodbye", (
        Look(Card("See you again", ("Next time: 22 November", "Then we cook: fish",
                                    "Recipes: at the library desk", "Found: one earring")), (
            ("Bruno", "Your tokens have made 312 crowns, and they go to the lifeboat."),
            ("Bruno", "Take home what is left in the pots, you have earned it."),
        ), 55.0),
        Look(None, (("Bruno", "Put out the lights when you leave."), ("Bruno", "Good bye.")), 14.0,
             quiet=True),
    )),
)  # fmt: skip

PARTS = (*MORNING, *AFTERNOON)

CHAT: tuple[Speech, ...] = tuple(
    [("Bruno", text) for text in (
        "Can you hear me at the back?",
        "Make some room, please, so that the others can see.",
        "I will come round to every one of you.",
        "That looks good, carry on.",
        "Mind your elbows.",
        "Somebody is standing on my foot.",
        "My stomach is making noises.",
        "Take your time, we are not in a hurry.",
        "Who has a question? Nobody? Good.",
        "I had better take off my pullover.",
        "Let me have a look over your shoulder.",
        "We will get to that in a moment.",
        "Please be so kind and pass that along.",
        "You are doing very well.",
        "One moment, I have to turn my page.",
        "It is getting warm in here.",
        "If you want to help, there is enough to peel.",
        "I could stand here and watch for hours.",
        "Careful, behind you.",
        "That is how we have always done it.",
    )]
    + [("Toni", text) for text in (
        "I need that space, please.",
        "Somebody has to say it, and today it is me.",
        "I would have done it in another way, but who asks me.",
        "Is this one clean or not?",
        "I am coming through with a tray.",
        "I will take that away, if nobody minds.",
        "My sleeves are wet again.",
        "Hm, that does smell good.",
        "Put it there, I will see to it.",
        "It is getting crowded over here.",
    )]
)  # fmt: skip
