"""Tiny models of natural language inference (NLI), and scores of the zero-shot pipeline of transformers.

The label of entailment is at another index in each, as in checkpoints that people use: first of two, in the middle,
last in capitals.
"""

import itertools

import torch
import transformers as hf
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

import tokenizer
from architectures import ARCHITECTURES, SIZES, Architecture
from checkpoint import write_model
from golden import rounded, write_cases
from texts import BASE_TEXTS, TEXTS

MODELS = {
    "deberta-v3": (["entailment", "not_entailment"], ARCHITECTURES["deberta-v3"]),
    "bert": (
        ["contradiction", "entailment", "neutral"],
        Architecture(hf.BertForSequenceClassification, tokenizer.bert, SIZES, seed=2),
    ),
    "roberta": (["CONTRADICTION", "NEUTRAL", "ENTAILMENT"], ARCHITECTURES["roberta"]),
}

# The last premise is longer than the 64 positions: the premise is cut, and the hypothesis is complete.
PREMISES = [TEXTS[0], TEXTS[3][:21], BASE_TEXTS[1][:40], BASE_TEXTS[-1][:300]]
CANDIDATES = [["sport", "business"], ["arts", "world news", "science", "sport"]]
TEMPLATES = ["This example is {}.", "News: {}"]


def write_zero_shot(folder):
    """Writes one folder per model, each with `golden.json`."""
    for name, (labels, architecture) in MODELS.items():
        write_model(folder / name, architecture, labels)
        write_cases(folder / name / "golden.json", zero_shot_cases(folder / name))


def zero_shot_cases(folder):
    """One case per premise, candidate labels, template and way to count; the last case has a single label."""
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float64).eval()
    classify = pipeline("zero-shot-classification", model=model, tokenizer=AutoTokenizer.from_pretrained(folder))
    asked = [*itertools.product(PREMISES, CANDIDATES, TEMPLATES, [False, True])]
    asked.append((PREMISES[0], ["sport"], TEMPLATES[0], False))
    return [zero_shot_case(classify, *question) for question in asked]


def zero_shot_case(classify, premise, labels, template, multi_label):
    """Scores of the labels, and the pairs and logits that they come from."""
    result = classify(premise, labels, hypothesis_template=template, multi_label=multi_label)
    scores = dict(zip(result["labels"], result["scores"], strict=True))
    # As in the pipeline, which does not return them.
    pairs = [
        classify.tokenizer(premise, template.format(label), truncation="only_first", return_tensors="pt")
        for label in labels
    ]
    return {
        "text": premise,
        "labels": labels,
        "template": template,
        "multi_label": multi_label,
        "scores": rounded(torch.tensor([scores[label] for label in labels])),
        "token_ids": [pair["input_ids"][0].tolist() for pair in pairs],
        "logits": [rounded(classify.model(**pair).logits[0]) for pair in pairs],
    }
