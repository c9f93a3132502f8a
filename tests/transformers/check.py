"""Compares the probabilities of transformers and Newsdesk for models with one head and a pooler.

    python3 tests/transformers/check.py [--newsdesk PROGRAM] [--base FOLDER]

Trains on generated rows from BASE (default: the tiny model, which takes seconds): one model with a single-label head and one with
a multi-label head, with weights in f32. `AutoModelForSequenceClassification` must load each without a warning about weights. Its
logits, divided by the temperature in `newsdesk.toml`, must give the probabilities that `newsdesk classify --scores` prints, to
four decimals. Exits with 1 if they differ. Needs torch and transformers.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

TINY = Path(__file__).resolve().parents[2] / "models" / "tiny"

WORDS = {"sport": "coach team goal tour match", "business": "price pay company plan market", "weather": "rain sun wind day week"}


def row(number, multi_label):
    """Returns a generated article about one or two subjects."""
    names = list(WORDS)
    first, second = names[number % 3], names[number // 3 % 3]
    labels = sorted({first, second}) if multi_label else first
    words = WORDS[first].split() + (WORDS[second].split() if multi_label else [])
    return {"text": " ".join(words[number * step % len(words)] for step in range(1, 12)) + f" {number}", "label": labels}


def newsdesk(program, *arguments):
    command = [program, *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def largest_difference(program, base, multi_label, folder):
    """Trains a model, and returns the largest difference between a score of Newsdesk and one of transformers."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    rows, model = folder / "rows.jsonl", folder / "model"
    rows.write_text("".join(json.dumps(row(number, multi_label)) + "\n" for number in range(240)))
    newsdesk(program, "train", "--data", rows, "--base", base, "--pooling", "pooler", "--save-dtype", "f32", "--epochs", 2,
             "--max-train-length", 64, "--max-length", 64, "--overlap", 16, "--learning-rate", 1e-3, "--quiet", "-o", model)
    head = tomllib.loads((model / "newsdesk.toml").read_text())["head"][0]
    opened, info = AutoModelForSequenceClassification.from_pretrained(model, output_loading_info=True)
    if any(info[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")):
        sys.exit(f"transformers cannot load all weights: {info}")
    tokenizer = AutoTokenizer.from_pretrained(model)
    output = newsdesk(program, "classify", rows, "--model", model, "--dtype", "f32", "--scores", "--prefix", "m_")
    largest = 0.0
    for line in output.splitlines():
        labelled = json.loads(line)
        with torch.no_grad():
            logits = opened.eval()(**tokenizer(labelled["text"], return_tensors="pt")).logits[0] / head.get("temperature", 1.0)
        expected = torch.sigmoid(logits) if multi_label else torch.softmax(logits, 0)
        labels = (opened.config.id2label[number] for number in range(len(expected)))
        found = [labelled[f"m_{head['name']}_score_{label}"] for label in labels]
        largest = max(largest, (expected - torch.tensor(found)).abs().max().item())
    return largest


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--newsdesk", default="newsdesk")
    parser.add_argument("--base", type=Path, default=TINY)
    options = parser.parse_args()
    failed = False
    for multi_label in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            largest = largest_difference(options.newsdesk, options.base, multi_label, Path(folder))
        print(f"{'multi-label' if multi_label else 'single-label'}: largest difference of a probability {largest:.1e}")
        failed |= not largest < 1e-4
    sys.exit(failed)


if __name__ == "__main__":
    main()
