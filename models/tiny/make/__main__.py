"""Writes the tiny test models, and golden numbers that other implementations are held to.

    python models/tiny/make                 # all files except those of bases/
    python models/tiny/make NAME...         # only these folders of architectures/
    python models/tiny/make --base FOLDER   # bases/NAME.json, from a folder that holds the encoder NAME

Needs torch and transformers; README.md names the versions last used. The models are random and say nothing about the
news. Every weight, bias and normalisation factor is drawn away from its usual 0 or 1, so that forgetting any of them
moves the numbers. Golden numbers are computed in 64-bit floats from the saved weights.
"""

import argparse
from pathlib import Path

import torch
from transformers.utils import logging

from architectures import ARCHITECTURES
from bert import write_base_cases, write_bert
from checkpoint import write_checkpoint
from heads import write_heads
from zero_shot import write_zero_shot

TINY = Path(__file__).resolve().parents[1]


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="folders of models/tiny/architectures")
    parser.add_argument("--base", type=Path, help="folder of a sentence encoder, such as all-MiniLM-L6-v2")
    arguments = parser.parse_args()
    logging.disable_progress_bar()
    torch.set_num_threads(1)  # sums in the same order on every machine
    if arguments.base:
        write_base_cases(TINY, arguments.base)
        return
    for name in arguments.names or ARCHITECTURES:
        write_checkpoint(TINY / "architectures" / name, ARCHITECTURES[name])
    if not arguments.names:
        write_bert(TINY)
        write_zero_shot(TINY / "zero-shot")
        write_heads(TINY / "heads.json", TINY / "architectures" / "distilbert")


if __name__ == "__main__":
    main()
