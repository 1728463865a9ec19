"""What is said and shown in the regatta world: the open day of a sailing club.

Kit films and talks. Boats are spoken of by the number on their sail; their names, who steers them
and where they lie are only on boards, and the colour of a sail is only seen. Two boards are
wrong and are put right later. `CHAT` has no facts. Everything and everybody is invented.
"""

from __future__ import annotations

from bench.worlds.evening import Person, Speech
from bench.worlds.outing import Look, Part
from bench.worlds.programme import Card

TITLE = "Open day of the sailing club"
SUBTITLE = "Sandpiper Sailing Club, Lower Wick"

PEOPLE = {
    "Kit": Person("Kit", "behind the camera", 1.0, known=True),
    "Marta": Person("Marta", "race officer", 0.92, known=True),
    "Piet": Person("Piet", "looks after the weather", 0.82),
    "Ben": Person("Ben", "first aid", 0.86),
    "Ruth": Person("Ruth", "teaches knots", 1.06),
    "Lena": Person("Lena", "youngest helm", 1.14),
    "Otto": Person("Otto", "kitchen", 0.79),
    "Ida": Person("Ida", "raffle", 1.09),
}
BOATS = {
    12: ("Wet Biscuit", "Lena", "C4"), 27: ("Grumpy Heron", "Sam", "A1"),
    35: ("Second Breakfast", "Nils", "B6"), 48: ("Tin Whistle", "Ada", "A7"),
    53: ("Late Again", "Rosa", "C9"), 61: ("Soup Spoon", "Hugo", "B2"),
}  # fmt: skip
"""Sail numbers, with the name, the helm and the berth that the boards give."""
HORN: Speech = ("Marta", "There goes the horn.")
"""Comes after a blow of the horn."""
BLOW = 1.9
"""Seconds from the blow to the sentence."""
SEAL: tuple[Speech, ...] = (
    ("Kit", "Look, there is a seal between the boats."),
    ("Kit", "The seal is here again, and it looks well fed."),
    ("Kit", "I have the seal in the picture once more, or was it a wave?"),
)


def _boats(numbers: tuple[int, ...], page: int) -> Card:
    rows = tuple(f"{number} | {BOATS[number][0]} | {BOATS[number][1]}" for number in numbers)
    return Card(f"The boats, page {page}", ("Sail | Name | Helm", *rows), "table")


def _berths(numbers: tuple[int, ...], pier: str) -> Card:
    rows = tuple(f"{number} | {BOATS[number][2]}" for number in numbers)
    return Card(f"Berths, {pier} pier", ("Sail | Berth", *rows), "table")


def _race(title: str, start: str, *rows: str) -> Card:
    return Card(title, ("Place | Sail | Time", f"Start | all | {start}", *rows), "table")


MORNING: tuple[Part, ...] = (
    Part("opening", (
        Look(None, (
            ("Kit", "Hello, this is Kit, and I have the camera today."),
            ("Kit", "I film what I see, and I talk too much, I know that."),
        ), 20.0, quiet=True),
        Look(Card("Programme", ("Time | What", "9:30 | Welcome", "10:00 | First race",
                                "11:30 | Second race", "14:00 | Third race"), "table"), (
            ("Marta", "Good morning, my name is Marta, and welcome to our open day."),
            ("Marta", "Last year we had to call it off, because a whale lay in the harbour."),
            ("Marta", "The pier is new, and forty volunteers have built it in nine weekends."),
        ), 85.0),
        Look("lighthouse", (), 26.0, quiet=True),
    )),
    Part("rules", (
        Look(Card("Rules of the day", ("Life jackets on the pier and on the water",
                                       "Children under 8 only with an adult",
                                       "Hands off the winch", "All boats back by 17:00")), (
            ("Marta", "Now I will read out the rules, and I read them only once."),
            ("Marta", "Whoever touches a mark has to sail one full circle."),
            ("Marta", "When I show the flag with the stripes, everybody comes home."),
            ("Marta", "Dogs may come along, but they may not steer."),
        ), 125.0),
    )),
    Part("weather", (
        Look(Card("Weather at 9:00", ("What | Now", "Wind | 8 knots", "Gusts | 14 knots",
                                      "Water | 16 degrees", "High tide | 12:40"), "table"), (
            ("Piet", "Good morning, I am Piet, and I look after the weather."),
            ("Piet", "When something changes, I will wipe the board and write it anew."),
            ("Piet", "My left knee says that there is more to come, and it is always right."),
        ), 100.0),
    ), (("Piet", "The sky does what it likes."), ("Piet", "Look at the clouds, and not at me."))),
    Part("boats", (
        Look(_boats((12, 27, 35), 1), (
            ("Marta", "These are our boats, and the people who steer them."),
            ("Kit", "The names are better than the boats, if you ask me."),
        ), 62.0),
        Look(_boats((48, 53, 61), 2), (("Marta", "And here are the other three."),), 55.0),
    )),
    Part("race one", (
        Look("boat 48", (
            ("Marta", "There is hardly any wind, so we wait for a quarter of an hour."),
            ("Kit", "Number 48 is painting its finger nails, I believe."),
            HORN,
            ("Kit", "Off they go, and somebody still has a roll in his mouth."),
        ), 110.0),
        Look("boat 35", (
            ("Kit", "Now I have number 35 in front of me, close enough to touch."),
            SEAL[0],
        ), 62.0),
        Look(_race("Race 1", "10:15", "1 | 48 | 10:52", "2 | 35 | 10:55", "3 | 27 | 10:58"), (
            ("Marta", "Number 48 is the first over the line."),
            ("Marta", "This is how they came in, straight from my notebook."),
        ), 70.0),
    ), (("Kit", "They look so small from here."), ("Kit", "The ropes are rattling on the masts."))),
    Part("fog", (
        Look("fog", (
            ("Kit", "Now the fog has come in, and I am filming a glass of milk."),
            ("Marta", "All boats stay where they are, and make some noise."),
            ("Kit", "Out there somebody is beating a saucepan with a spoon."),
        ), 96.0, quiet=True),
    )),
    Part("correction", (
        Look(_race("Race 1, corrected", "10:15", "1 | 48 | 10:52", "2 | 53 | 10:55",
                   "3 | 27 | 10:58"), (
            ("Kit", "It has lifted, and they are all still there."),
            ("Marta", "I have made a mistake, the second one was 53, and not 35."),
            ("Marta", "My glasses were in my pocket when I wrote it down, I am sorry."),
        ), 75.0),
    )),
    Part("race two", (
        Look("boat 27", (
            ("Marta", "The second race is shorter, two rounds are enough."),
            HORN,
            ("Marta", "Everybody back, please, three of you were too early."),
            HORN,
            ("Kit", "Number 27 has turned over, and the crew is sitting on the hull."),
            ("Kit", "The rescue boat brings them a flask of tea and some hard words."),
        ), 165.0),
        Look("boat 61", (("Kit", "This is number 61, and it is in no hurry."),), 50.0),
        Look(_race("Race 2", "11:34", "1 | 12 | 12:04", "2 | 48 | 12:06", "3 | 61 | 12:11"), (
            ("Marta", "This time the first one is number 12, well sailed."),
        ), 62.0),
    ), (("Kit", "You can hear them laugh across the water."), ("Kit", "I have wet feet now."))),
    Part("berths", (
        Look(_berths((12, 35, 53), "east"), (
            ("Marta", "Please bring your boat back to its own place before we eat."),
        ), 45.0),
        Look(_berths((27, 48, 61), "west"), (("Marta", "And this is the other pier."),), 40.0),
        Look("starfish", (), 24.0, quiet=True),
    )),
)  # fmt: skip

_MENU = ("On the table | Crowns", "Pea soup | 6", "Cheese roll | 3", "Lentil stew | 5",
         "Cake with cream | 4")  # fmt: skip

AFTERNOON: tuple[Part, ...] = (
    Part("lunch", (
        Look(Card("Lunch", _MENU, "table"), (
            ("Otto", "The kitchen is open, follow your nose, and bring your own spoon."),
            ("Otto", "I have been peeling potatoes since five in the morning."),
        ), 62.0, quiet=True),
        Look("strawberry", (), 28.0, quiet=True),
        Look(Card("Still lunch", _MENU, "table"), (), 75.0, quiet=True),
    ), rest=True),
    Part("weather again", (
        Look(Card("Weather at 13:00", ("What | Now", "Wind | 15 knots", "Gusts | 22 knots",
                                       "Water | 17 degrees", "High tide | 13:10"), "table"), (
            ("Piet", "I have wiped the board, because the wind has gone round to the west."),
            ("Piet", "The tide was wrong this morning, I had opened the page of last year."),
            ("Piet", "High water is at ten past one."),
        ), 90.0),
    ), (("Piet", "The flags are stiff now."), ("Piet", "Hold on to your hats."))),
    Part("first aid", (
        Look(Card("Cold water", ("First minute: float, do not swim", "Keep your cap on",
                                 "Hold on to the boat")), (
            ("Ben", "I am Ben, and I drive an ambulance when I am not here."),
            ("Ben", "Never rub cold hands, put them under your arms."),
            ("Ben", "Sweet tea is good, and rum is not, whatever your uncle says."),
        ), 105.0),
        Look(Card("Signs of cold", ("Sign | What to do", "Shivering | Dry clothes",
                                    "Slow speech | Lie down flat", "Sleepy | Call for help"),
                  "table"), (
            ("Ben", "Look at each other, you see it in others before you feel it."),
        ), 65.0),
        Look(Card("First-aid box", ("Hangs beside the kitchen door", "Key: hook 5",
                                    "Checked every March")), (
            ("Ben", "Last summer most people were hurt by bees, and not by the water."),
        ), 60.0),
    ), (("Ben", "Do you have any questions so far?"), ("Ben", "It is easy if you stay calm."),
        ("Ben", "I say this every year."))),
    Part("knots", (
        Look(Card("Knots", ("Knot | Good for | Seconds", "Bowline | A loop | 12",
                            "Clove hitch | A post | 5", "Reef knot | A sail | 8",
                            "Sheet bend | Two ropes | 15"), "table"), (
            ("Ruth", "My name is Ruth, and now we will tie some knots."),
            ("Ruth", "The end is a rabbit, it comes out of its hole and runs round the tree."),
            ("Ruth", "My grandmother could do this one in the dark, with mittens on."),
        ), 110.0),
        Look(Card("Your rope", ("2 metres for everybody", "Made of hemp",
                                "You may keep it")), (
            ("Ruth", "Never climb on the last one, it has let down a priest."),
        ), 60.0),
    ), (("Ruth", "Pull it tight, and look at it."), ("Ruth", "No, the other hand."),
        ("Ruth", "Undo it, and try again."))),
    Part("race three", (
        Look("boat 53", (
            ("Marta", "The last race goes once round the island."),
            HORN,
            SEAL[1],
            ("Kit", "Oh dear, now 53 lies on its side with the mast in the mud."),
        ), 110.0),
        Look("parachute", (), 22.0, quiet=True),
        Look("boat 35", (
            ("Kit", "61 has lost its tiller, and they steer with a frying pan."),
        ), 55.0),
        Look(_race("Race 3", "14:05", "1 | 35 | 14:41", "2 | 12 | 14:43", "3 | 61 | 14:50"), (
            ("Marta", "Number 35 is home before all the others."),
        ), 58.0),
    ), (("Kit", "Now it is really blowing."), ("Kit", "The spray comes up to my lens."))),
    Part("interview", (
        Look("boat 12", (
            ("Kit", "I have caught our youngest helm, and I will ask her some things."),
            ("Lena", "I began because my brother had broken his wrist, and his boat was free."),
            ("Kit", "And is there anything out there that you do not like?"),
            ("Lena", "Waves are fun, but I am afraid of swans."),
            ("Kit", "What do you want to be, later on?"),
            ("Lena", "I want to build bridges, long ones, without a toll."),
            ("Kit", "And what was the best moment today?"),
            ("Lena", "When the bow came up, and it got very quiet."),
            ("Kit", "Thank you, and good luck."),
        ), 76.0, quiet=True),
    )),
    Part("raffle", (
        Look(Card("Raffle", ("Ticket | Prize", "36 | Wool blanket", "140 | Lantern",
                             "225 | Weekend in a hut", "307 | Tool box"), "table"), (
            ("Ida", "I am Ida, and this is my dog, who pulls out the first ticket."),
            ("Ida", "It is a little wet, but I can read it, ticket 225."),
            ("Ida", "Then we have ticket 36."),
            ("Ida", "Ticket 307 is next."),
            ("Ida", "And the last one today is ticket 140."),
            ("Ida", "With the money we will buy helmets for the small ones."),
        ), 120.0),
    ), (("Ida", "Look in your pockets, please."), ("Ida", "Who has got it?"))),
    Part("prizes", (
        Look(Card("Overall", ("Sail | Points", "12 | 8", "48 | 9", "35 | 11", "61 | 12"),
                  "table"), (
            ("Marta", "Now to the prizes, and please clap for everybody."),
            ("Marta", "Whoever has the fewest points has won the day."),
            ("Marta", "For the first race, 48 gets a jar of honey."),
            ("Marta", "For the race round the island, 35 gets a brass compass."),
        ), 95.0),
        Look("bucket", (
            ("Marta", "And this is the great prize, our bucket, and it goes to 12."),
            ("Marta", "It is older than the club, and it comes from a dairy farm."),
            ("Marta", "The wettest crew gets a towel, come up here, 27."),
        ), 75.0),
    ), (("Marta", "Let us hear it for them."), ("Marta", "Shake hands, please, this is for Kit."))),
    Part("goodbye", (
        Look(Card("Thank you", ("Next open day: 14 June", "New members: Tuesdays at 18:00",
                                "Lost and found: one boot")), (
            ("Marta", "Please hang up your life jackets, and go home safely."),
            SEAL[2],
        ), 62.0),
        Look(None, (("Kit", "That was it from me, the battery is nearly empty."),
                    ("Kit", "Goodbye.")), 16.0, quiet=True),
    )),
)  # fmt: skip

PARTS = (*MORNING, *AFTERNOON)

CHAT: tuple[Speech, ...] = tuple(
    [("Kit", text) for text in (
        "I go a little closer now.",
        "Excuse me, may I come past you?",
        "I hope that this is in focus.",
        "It smells of salt and of rope here.",
        "Everybody is in a good mood, as far as I can see.",
        "I should have brought a second pullover.",
        "Wave to the camera, if you like.",
        "I hold the camera with both hands now.",
        "My arm is getting tired.",
        "Wait, I have to clean the lens.",
        "You cannot hear it, but people are singing behind me.",
        "I like days like this one.",
        "That was a nice picture.",
        "I will cut this out later, perhaps.",
        "There are more people here than I had thought.",
        "I stand on a box, so that I can see more.",
        "Somebody has just stepped on my foot.",
        "The light is good at the moment.",
        "I will be quiet for a moment.",
        "My mother will watch this, so I behave well.",
    )]
    + [("Marta", text) for text in (
        "Can everybody hear me?",
        "Please leave some room at the front.",
        "We are a little late, but that does not matter.",
        "If you have a question, come and find me.",
        "I am glad that so many of you are here.",
        "Please do not run on the planks.",
        "Let me have a look at my paper.",
        "One moment, please.",
        "That is how we do it here.",
        "Take your time, nobody is chasing us.",
        "I have said that before, I know.",
        "Thank you, that is very kind.",
        "Please pass that on to the people behind you.",
        "We all have to learn it once.",
    )]
)  # fmt: skip
