"""Writes the checkpoint of one architecture, and its golden numbers."""

import json

import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from golden import classifier_cases, last_linear, write_cases
from texts import BASE_TEXTS, TEXTS

LABELS = ["arts", "business", "science", "sport", "world"]

# How many tokens the golden texts are cut to, special tokens included; one more text fills all positions.
LENGTHS = [3, 5, 7, 12, 16, 21, 29, 40, 55]


def write_checkpoint(folder, architecture):
    """Writes the model, its tokenizer and `golden.json` to a folder."""
    write_model(folder, architecture, LABELS)
    # Read back what was written: the golden numbers belong to the files, not to what is in memory.
    model, token_ids, texts = read_back(folder, architecture.limit)
    write_cases(folder / "golden.json", classifier_cases(model, texts, token_ids))


def write_model(folder, architecture, labels):
    """Writes a random model with these labels, and its tokenizer."""
    tokenizer = architecture.tokenizer(architecture.limit)
    tokenizer.save_pretrained(folder)
    config = architecture.model.config_class(
        pad_token_id=tokenizer.pad_token_id,
        vocab_size=len(tokenizer),
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
        problem_type="single_label_classification",
        **architecture.config,
    )
    torch.manual_seed(architecture.seed)
    model = architecture.model(config).eval()
    draw_weights(model, architecture.spread)
    model.half().save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)  # written readable by its owner alone
    rewrite_config(folder / "config.json", architecture.rewrite)


def draw_weights(model, spread):
    """Draws every parameter at random, far from what a layer starts with; `spread` is the deviation of matrices."""
    for module in model.modules():
        for name, weight in module.named_parameters(recurse=False):
            if name == "bias":
                weight.normal_(0.0, 0.3)
            elif isinstance(module, nn.LayerNorm):
                weight.uniform_(0.5, 1.5)
            else:
                # Also the row of [PAD], which would start as zeros: a pad that leaks would go unseen.
                weight.normal_(0.0, 0.8 if module is last_linear(model) else spread)
    for name, weight in model.named_parameters():
        if "rel_embeddings" in name or "relative_attention_bias" in name:
            weight.normal_(0.0, 1.0)  # added to attention scores, or multiplied to them without a norm


def rewrite_config(path, rewrite):
    """Applies the changes that make the config look as another version of transformers writes it."""
    config = json.loads(path.read_text())
    rewrite(config)
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def read_back(folder, limit):
    """Returns the saved model in 64-bit floats, and the golden texts cut to `LENGTHS` and to the limit."""
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float64).eval()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    texts = [cut(tokenizer, text, length) for text, length in zip(["a", *TEXTS], LENGTHS, strict=True)]
    texts.append(cut(tokenizer, BASE_TEXTS[-1], limit))
    token_ids = [tokenizer.encode(text).ids for text in texts]
    assert len(token_ids[0]) == LENGTHS[0] and len(token_ids[-1]) == limit, list(map(len, token_ids))
    assert token_ids == AutoTokenizer.from_pretrained(folder)(texts)["input_ids"]
    return model, token_ids, texts


def cut(tokenizer, text, length):
    """Returns the longest beginning of a text with at most `length` tokens, without a space at the end."""
    ends = (end for end in range(len(text), 0, -1) if not text[end - 1].isspace())
    return next(text[:end] for end in ends if len(tokenizer.encode(text[:end]).ids) <= length)
