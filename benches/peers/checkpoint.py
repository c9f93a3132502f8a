"""What a model folder says about itself."""

import json
import pathlib


def config(model):
    return json.loads((pathlib.Path(model) / "config.json").read_text())


def label_names(model):
    return {int(index): name for index, name in config(model)["id2label"].items()}


def tokenizer(model):
    """The tokenizer, cutting at the encoder's length whatever length is noted in its own file."""
    from tokenizers import Tokenizer

    opened = Tokenizer.from_file(str(pathlib.Path(model) / "tokenizer.json"))
    opened.no_padding()
    opened.enable_truncation(config(model)["max_position_embeddings"])
    return opened
