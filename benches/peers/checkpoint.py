"""Reads the configuration, labels and tokenizer of a model folder."""

import json
import pathlib


def config(model):
    return json.loads((pathlib.Path(model) / "config.json").read_text())


def label_names(model):
    return {int(index): name for index, name in config(model)["id2label"].items()}


def tokenizer(model):
    """Returns the tokenizer. It truncates at the encoder's maximum length, not at the length in its own file."""
    from tokenizers import Tokenizer

    opened = Tokenizer.from_file(str(pathlib.Path(model) / "tokenizer.json"))
    opened.no_padding()
    opened.enable_truncation(config(model)["max_position_embeddings"])
    return opened
