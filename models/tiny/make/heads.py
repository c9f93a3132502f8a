"""Scores of the text classification pipeline of transformers for other kinds of heads on one checkpoint."""

import json
import tempfile
from pathlib import Path

import torch
from torch import nn
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

from golden import rounded
from texts import TEXTS

LABELS = ["arts", "business", "science", "sport", "world"]

# What is set in the config. Names that are not given are LABEL_0, LABEL_1 and so on.
HEADS = {
    "regression": {"num_labels": 1, "problem_type": "regression"},
    "one label, no problem type": {"num_labels": 1, "problem_type": None},
    "one label with a name, single-label": {"names": ["urgent"], "problem_type": "single_label_classification"},
    "multi-label": {"names": LABELS, "problem_type": "multi_label_classification"},
    "names, no problem type": {"names": LABELS, "problem_type": None},
    "two labels without names": {"num_labels": 2, "problem_type": None},
    "three labels without names": {"num_labels": 3, "problem_type": None},
}


def write_heads(path, base):
    """Writes for each head: changes of the config, weights of the classifier, and scores on three texts."""
    torch.manual_seed(1)
    heads = [head(name, base, **settings) for name, settings in HEADS.items()]
    lines = []
    for entry in heads:
        fields = [f"    {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in entry.items()]
        lines.append("  {\n" + ",\n".join(fields) + "\n  }")
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def head(name, base, problem_type, num_labels=None, names=None):
    """Returns one entry of the file."""
    model = AutoModelForSequenceClassification.from_pretrained(base, dtype=torch.float64).eval()
    config = model.config
    config.problem_type = problem_type
    if names is None:
        config.num_labels = num_labels
    else:
        config.id2label = dict(enumerate(names))
        config.label2id = {label: index for index, label in enumerate(names)}
    model.num_labels = config.num_labels
    model.classifier = nn.Linear(config.dim, config.num_labels, dtype=torch.float64)
    for weight in model.classifier.parameters():
        # Multiples of 1/64 are exact in every dtype and short in JSON.
        weight.copy_((torch.randn(weight.shape, dtype=torch.float64) * 16).round() / 64)
    classify = pipeline("text-classification", model=model, tokenizer=AutoTokenizer.from_pretrained(base), top_k=None)
    return {
        "name": name,
        "config": config_changes(config, base),
        "classifier.weight": model.classifier.weight.tolist(),
        "classifier.bias": model.classifier.bias.tolist(),
        "cases": [{"text": text, "scores": scores(classify, text)} for text in TEXTS[:3]],
    }


def config_changes(config, base):
    """Returns the keys of config.json that differ from those of the base, with None for keys that are absent."""
    with tempfile.TemporaryDirectory() as folder:
        config.save_pretrained(folder)
        after = json.loads((Path(folder) / "config.json").read_text())
    before = json.loads((base / "config.json").read_text())
    keys = sorted((before.keys() | after.keys()) - {"dtype"})
    return {key: after.get(key) for key in keys if after.get(key) != before.get(key)}


def scores(classify, text):
    """Returns the score of each label, in the order of the labels."""
    found = {result["label"]: result["score"] for result in classify([text])[0]}
    names = [classify.model.config.id2label[index] for index in range(len(found))]
    return dict(zip(names, rounded(torch.tensor([found[name] for name in names])), strict=True))
