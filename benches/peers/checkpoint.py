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
    opened.enable_truncation(max_length(model))
    return opened


def max_length(model):
    """Returns how many tokens the encoder reads. RoBERTa and MPNet count positions from their padding id plus one."""
    found = config(model)
    unused = found["pad_token_id"] + 1 if found["model_type"] in ("roberta", "xlm-roberta", "camembert", "mpnet") else 0
    return found["max_position_embeddings"] - unused


def padding(model):
    """Returns the id of the padding token: RoBERTa's positions depend on it."""
    return config(model).get("pad_token_id") or 0


def sizes(model):
    """Returns the numbers of layers and attention heads, and the width. DistilBERT has other names for them."""
    found = config(model)
    if found["model_type"] == "distilbert":
        return found["n_layers"], found["n_heads"], found["dim"]
    return found["num_hidden_layers"], found["num_attention_heads"], found["hidden_size"]
