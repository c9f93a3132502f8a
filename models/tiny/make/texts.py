"""The texts that vocabularies are made of, and those that golden numbers are computed for."""

# What the WordPiece vocabulary is made of.
VOCABULARY_SENTENCES = """
The museum opened a new wing for paintings from the northern coast, and visitors queued around the block.
A young director won the festival prize for her first film, a quiet story about two brothers and a lighthouse.
The orchestra will tour eight cities this autumn with a programme of songs nobody has heard for a century.
Critics praised the novel for its humour, but readers said that the last chapter was too long.
The theatre sold every ticket within an hour; extra performances were added for the weekend.
Shares in the shipping company fell by 12 percent after it warned that profits would be lower this year.
The central bank kept interest rates at 4.5 percent and said that inflation was slowing.
Two grocery chains agreed to merge, creating the largest employer in the region with 38,000 workers.
The factory will close in March unless a buyer is found, the owner told its staff on Monday.
Oil prices rose for a third week while traders waited for figures on exports and demand.
Researchers measured the temperature of the deep ocean with sensors carried by seals.
A telescope in the desert has found a planet that circles its star in less than nine hours.
The vaccine protected nine out of ten patients in a large trial, doctors reported in a journal.
Engineers tested a battery that charges in six minutes and keeps its power in freezing weather.
Scientists say that the glacier lost more ice last summer than in the whole of the previous decade.
The champions lost 3-1 at home, their first defeat since October, and dropped to second place.
She ran the marathon in two hours and twenty minutes, a national record, in heavy rain.
The coach said that his players were tired: "We had five matches in fourteen days."
A late goal in extra time sent the underdogs into the final of the cup.
The tennis star withdrew from the tournament with a knee injury an hour before her match.
Voters go to the polls on Sunday in an election that could end twenty years of rule by one party.
The two governments signed an agreement on fishing rights after talks that lasted all night.
Rescue teams searched the flooded valley for a second day, and hundreds of families slept in schools.
The president asked parliament for more money for the army; the opposition called the plan reckless.
Thousands marched through the capital to protest against the new law on public broadcasting.
The minister resigned on Friday, one week after a report about contracts given to a friend.
Firefighters brought the blaze under control before dawn, and the police opened an investigation.
Teachers and nurses will strike again next month if the state does not raise their pay.
The mayor promised cheaper buses, safer streets and a park where the old railway station stands.
Judges ruled that the company must pay damages to farmers whose wells were poisoned.
Zoo keepers in Zurich expect the birth of a giraffe; jazz, pizza and quizzes mark the day.
"Don't panic!" said the mayor's office (twice): 97% of seats cost $16 or less. Who pays?
""".strip().splitlines()

# What the golden numbers of the tiny model are for: one word up to all 64 positions.
TEXTS = [
    "Goal!",
    "OIL PRICES FALL AGAIN",
    "The café's naïve façade opened in Zürich — “très élégant”, said the mayor.",
    "Ωmega beats Ж 3-1 (after extra time) \U0001f3c6",
    "Shares rose 4.5% to $38.20; the bank's profits, it warned, \"would be lower\" next year...",
    "Scientists\tmeasured  the glacier\nfrom a telescope: [ice] lost = 12 % / decade, 東京 reported.",
    "The two governments signed an agreement on fishing rights after talks that lasted all night, and the opposition "
    "called the plan reckless before the polls on Sunday.",
    "A young director won the festival prize for her first film. The orchestra will tour eight cities this autumn. "
    "Critics praised it; readers said it was too long.",
]

# The golden texts of the real base model; the last one is longer than 200 words.
BASE_TEXTS = [
    "Election",
    "Shares in the shipping company fell 12% on Tuesday.",
    "Café owners in Zürich protest: “No more taxes!”, says MÜLLER, 58.",
    "A telescope in the desert has found a planet that circles its star in less than nine hours, too hot for water "
    "and too close for comfort; astronomers will look again in spring.",
    "The champions lost 3-1 at home, their first defeat since October.\nTheir coach blamed a crowded calendar. \"Five "
    "matches in fourteen days,\" he said, \"and then you ask me why nobody runs.\" The club drops to second place, two "
    "points behind its neighbours, who won 2-0 away from home without their injured captain.",
    "The river rose through the night. By four in the morning the water stood in the market square, and by six it had "
    "reached the steps of the town hall, where volunteers were filling sandbags by the light of a tractor. Nobody was "
    "hurt, the fire brigade said, but about three hundred families left their homes and slept in the gymnasium of the "
    "secondary school, on mats that still smelled of last week's tournament. The mayor, who has held the office for "
    "eleven years, called it the worst flood since 1954. She asked the regional government for emergency money and for "
    "an answer to an old question: why the retention basin upstream, planned and paid for twice, was never built. A "
    "spokesman for the water authority said that the permits had been delayed by a dispute over the breeding grounds "
    "of a rare toad, and that work would start in autumn. Insurers put the damage at between 20 and 35 million euros. "
    "Farmers fear for the winter wheat, which does not survive more than a few days under water; the cooperative has "
    "offered seed on credit. Trains between the two halves of the county are replaced by buses until at least Friday. "
    "Meteorologists expect the rain to stop tomorrow, but the river will fall slowly, because the ground is full. In "
    "the bakery on the hill, the only one open, the queue reached the church by noon.",
]
