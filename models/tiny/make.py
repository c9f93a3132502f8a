"""Writes the tiny test model beside this script, and golden numbers that other implementations are held to.

    python models/tiny/make.py                 # the tiny model and golden.json
    python models/tiny/make.py BASE_FOLDER     # also minilm-golden.json, from a folder holding all-MiniLM-L6-v2

Needs torch and transformers; README.md names the versions last used. The model is random and says nothing about the
news. Every weight, bias and normalisation factor is drawn away from its usual 0 or 1, so that forgetting any of them
moves the numbers. Golden numbers are computed in 64-bit floats from the saved 32-bit weights.
"""

import argparse
import json
from collections import Counter
from pathlib import Path

import torch
from tokenizers import Tokenizer, normalizers, pre_tokenizers
from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizer
from transformers.utils import logging

HERE = Path(__file__).resolve().parent
SEED = 78  # among the first 150, the one whose golden texts win all five labels
LABELS = ["arts", "business", "science", "sport", "world"]
SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]  # ids 0 to 4
VOCABULARY_SIZE = 600
MAX_TOKENS = 64

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


def make_vocabulary():
    """Characters, then the commonest words, beginnings and endings: the same list on every machine.

    (The trainer of the tokenizers package breaks ties differently on each run.)
    """
    normalizer = normalizers.BertNormalizer(lowercase=True)
    splitter = pre_tokenizers.BertPreTokenizer()
    words = [
        word for line in VOCABULARY_SENTENCES for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(line))
    ]
    characters = sorted(set("".join(words)))
    gains = Counter(word for word in words if len(word) > 1)
    for word in words:
        for length in range(2, min(len(word), 5)):
            gains[word[:length]] += length - 1
            gains["##" + word[-length:]] += length - 1
    pieces = sorted(gains, key=lambda piece: (-gains[piece], piece))
    tokens = SPECIAL_TOKENS + characters + ["##" + character for character in characters if character.isalnum()]
    tokens += pieces[: VOCABULARY_SIZE - len(tokens)]
    return {token: index for index, token in enumerate(tokens)}


def make_tokenizer():
    """The usual lower-casing BERT tokenizer around the small vocabulary."""
    return BertTokenizer(vocab=make_vocabulary(), do_lower_case=True, model_max_length=MAX_TOKENS)


def make_model(vocabulary_size):
    """A random classifier whose attention and probabilities are far from uniform."""
    config = BertConfig(
        vocab_size=vocabulary_size,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=MAX_TOKENS,
        type_vocab_size=2,
        initializer_range=0.3,
        pad_token_id=0,
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
        problem_type="single_label_classification",
    )
    torch.manual_seed(SEED)
    model = BertForSequenceClassification(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("LayerNorm.weight"):
                weight.uniform_(0.5, 1.5)
            elif name.endswith("bias"):
                weight.normal_(0.0, 0.3)
            else:
                # Drawn anew: the row of [PAD] would start as zeros, and a pad that leaks would go unseen.
                weight.normal_(0.0, 0.8 if name == "classifier.weight" else config.initializer_range)
    return model


def mean_over_tokens(hidden, mask):
    """Mean of the last hidden state over real tokens, special tokens included."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)  # [texts, tokens, 1]
    return (hidden * weights).sum(1) / weights.sum(1)  # [texts, width]


def rounded(values):
    """Plain numbers of 7 significant digits, as many as a 32-bit float holds."""
    return [float(f"{value:.7g}") for value in values.tolist()]


def tiny_cases(model, tokenizer):
    """One golden case per text: computed alone, and its logits in one padded batch with all the others."""
    token_ids = [tokenizer(text)["input_ids"] for text in TEXTS]
    assert max(map(len, token_ids)) == MAX_TOKENS, [len(ids) for ids in token_ids]
    width = max(map(len, token_ids))
    padded = torch.tensor([ids + [0] * (width - len(ids)) for ids in token_ids])  # [texts, width]
    mask = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids in token_ids])
    batch_logits = model(input_ids=padded, attention_mask=mask).logits  # [texts, labels]

    cases = []
    for text, ids, in_batch in zip(TEXTS, token_ids, batch_logits, strict=True):
        alone = torch.tensor([ids])  # [1, tokens]
        encoded = model.bert(input_ids=alone, attention_mask=torch.ones_like(alone))
        hidden = encoded.last_hidden_state  # [1, tokens, 32]
        cases.append({
            "text": text,
            "token_ids": ids,
            "logits": rounded(model(input_ids=alone).logits[0]),
            "batch_logits": rounded(in_batch),
            "cls_hidden": rounded(hidden[0, 0, :4]),
            "mean_pooled": rounded(mean_over_tokens(hidden, torch.ones_like(alone))[0, :8]),
            "pooler_output": rounded(encoded.pooler_output[0, :8]),
        })
    return cases


def base_cases(folder):
    """Mean-pooled embeddings, not normalised, of the base model; its tokenizer's own cutting at 128 is turned off."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    model = BertModel.from_pretrained(folder, dtype=torch.float64).eval()
    cases = []
    for text in BASE_TEXTS:
        ids = torch.tensor([tokenizer.encode(text).ids])  # [1, tokens]
        hidden = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state  # [1, tokens, 384]
        embedding = mean_over_tokens(hidden, torch.ones_like(ids))[0]
        cases.append({"text": text, "token_ids": ids[0].tolist(), "mean_pooled": rounded(embedding)})
    return cases


def write_cases(path, cases):
    """A list of cases, one field a line."""
    objects = []
    for case in cases:
        fields = [f"    {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in case.items()]
        objects.append("  {\n" + ",\n".join(fields) + "\n  }")
    path.write_text("[\n" + ",\n".join(objects) + "\n]\n", encoding="utf-8")


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", nargs="?", type=Path, help="folder of sentence-transformers/all-MiniLM-L6-v2")
    arguments = parser.parse_args()
    logging.disable_progress_bar()

    tokenizer = make_tokenizer()
    tokenizer.save_pretrained(HERE)
    make_model(len(tokenizer)).save_pretrained(HERE)
    (HERE / "model.safetensors").chmod(0o644)  # written readable by its owner alone

    # Read back what was written: the golden numbers belong to the files, not to what is in memory.
    model = BertForSequenceClassification.from_pretrained(HERE, dtype=torch.float64).eval()
    write_cases(HERE / "golden.json", tiny_cases(model, BertTokenizer.from_pretrained(HERE)))
    if arguments.base:
        write_cases(HERE / "minilm-golden.json", base_cases(arguments.base))


if __name__ == "__main__":
    main()
