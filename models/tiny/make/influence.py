"""Prints how much the golden logits change when something is left out, for each tiny checkpoint.

    python models/tiny/make/influence.py [NAME...]

An implementation that forgets a tensor or a setting must fail on the golden numbers. So each tensor is set in turn to
what a layer starts with, the tokens are reversed, and settings are changed. Exits with 1 if a change moves no logit by
0.01. Biases that move all scores of a query alike are left out.
"""

import copy
import sys
from pathlib import Path

import torch
from torch import nn
from transformers import AutoModelForSequenceClassification
from transformers.utils import logging

from architectures import ARCHITECTURES
from checkpoint import read_back

FOLDER = Path(__file__).resolve().parents[1] / "architectures"
LEAST = 0.01

# Settings that a wrong implementation may ignore, and another value of each.
SETTINGS = {
    "layer_norm_eps": 1e-1,
    "norm_eps": 1e-1,
    "hidden_act": "silu",
    "hidden_activation": "relu",
    "classifier_activation": "relu",
    "activation": "relu",
    "local_attention": 10,
    "layer_types": ["full_attention"] * 5,
    "rope_parameters": {
        "full_attention": {"rope_type": "default", "rope_theta": 500.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 500.0},
    },
    "classifier_pooling": "other",
    "max_relative_positions": 32,
    "pos_att_type": ["c2p"],
    "norm_rel_ebd": "none",
    "pooler_hidden_act": "relu",
    "num_hidden_groups": 1,
}


def all_logits(model, token_ids):
    """Returns the logits of each text alone."""
    return torch.cat([model(input_ids=torch.tensor([ids])).logits for ids in token_ids])  # [texts, labels]


def is_key(module_name, config):
    """Tells whether the outputs of a layer are keys, of tokens or of positions."""
    keys = ("key", "k", "k_lin", "key_proj", "pos_key_proj")
    only_keys = getattr(config, "pos_att_type", None) == ["c2p"] and module_name == "deberta.encoder.LayerNorm"
    return module_name.split(".")[-1] in keys or only_keys


def without_each_tensor(model, token_ids, expected):
    """Yields the name of each tensor, and the largest change of a logit without it."""
    for module_name, module in model.named_modules():
        for name, weight in module.named_parameters(recurse=False):
            if name == "bias" and is_key(module_name, model.config):
                continue
            kept = weight.clone()
            weight.fill_(1.0 if isinstance(module, nn.LayerNorm) and name == "weight" else 0.0)
            yield f"{module_name}.{name}", (all_logits(model, token_ids) - expected).abs().max().item()
            weight.copy_(kept)


def with_each_setting(model, token_ids, expected):
    """Yields the name of each setting, and the largest change of a logit with another value."""
    for name, value in SETTINGS.items():
        config = copy.deepcopy(model.config)
        if getattr(config, name, value) == value or name == "layer_norm_eps" and config.model_type == "modernbert":
            continue  # the model does not have it
        if name == "classifier_pooling":
            value = {"cls": "mean", "mean": "cls"}[config.classifier_pooling]
        setattr(config, name, value)
        changed = AutoModelForSequenceClassification.from_config(config).double().eval()
        new = changed.state_dict()
        if any(weight.shape != new[key].shape for key, weight in model.state_dict().items() if key in new):
            continue  # not a setting that this model could ignore
        changed.load_state_dict(model.state_dict(), strict=False)
        yield name, (all_logits(changed, token_ids) - expected).abs().max().item()


@torch.no_grad()
def main():
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    weak = False
    for name in sys.argv[1:] or ARCHITECTURES:
        model, token_ids, _ = read_back(FOLDER / name, ARCHITECTURES[name].limit)
        expected = all_logits(model, token_ids)
        reversed_ids = [[ids[0], *ids[-2:0:-1], ids[-1]] for ids in token_ids]
        changes = {"tokens reversed": (all_logits(model, reversed_ids) - expected).abs().max().item()}
        changes |= with_each_setting(model, token_ids, expected)
        tensors = dict(without_each_tensor(model, token_ids, expected))
        least = min(tensors, key=tensors.get)
        spread = (expected - expected.mean(0)).abs().max().item()
        winners = expected.argmax(1).unique().numel()
        print(f"{name}: {winners} labels win, logits differ by {spread:.2f} from their mean")
        for change, value in {**changes, f"without {least}": tensors[least]}.items():
            print(f"    {value:8.4f}  {change}")
            weak |= not value > LEAST
    sys.exit(weak)


if __name__ == "__main__":
    main()
