"""Opens models of one head with a pooler in transformers, and compares what it computes with what Newsdesk answers.

    python3 tests/transformers/check.py [--newsdesk PROGRAM] [--base FOLDER]

Trains on made-up rows from BASE (the tiny model unless given, which takes seconds): a head that gives one label and one that gives
several, in four bytes a weight. Each is opened with `AutoModelForSequenceClassification` as it is, without a warning about weights. Its
logits, divided by the temperature of `newsdesk.toml`, must give the probabilities that `newsdesk classify --scores` prints, to their four
decimals. Ends with 1 if they do not. Needs torch and transformers.
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


def row(number, several):
    """A made-up article, about one subject or two."""
    names = list(WORDS)
    first, second = names[number % 3], names[number // 3 % 3]
    labels = sorted({first, second}) if several else first
    words = WORDS[first].split() + (WORDS[second].split() if several else [])
    return {"text": " ".join(words[number * step % len(words)] for step in range(1, 12)) + f" {number}", "label": labels}


def newsdesk(program, *arguments):
    command = [program, *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def largest_difference(program, base, several, folder):
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    rows, model = folder / "rows.jsonl", folder / "model"
    rows.write_text("".join(json.dumps(row(number, several)) + "\n" for number in range(240)))
    newsdesk(program, "train", "--data", rows, "--base", base, "--pooling", "pooler", "--full-precision", "--epochs", 2,
             "--length", 64, "--window", 64, "--stride", 48, "--learning-rate", 1e-3, "--quiet", "-o", model)
    head = tomllib.loads((model / "newsdesk.toml").read_text())["head"][0]
    opened, info = AutoModelForSequenceClassification.from_pretrained(model, output_loading_info=True)
    if any(info[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")):
        sys.exit(f"transformers does not find its weights: {info}")
    tokenizer = AutoTokenizer.from_pretrained(model)
    answers = newsdesk(program, "classify", rows, "--model", model, "--precision", "f32", "--scores", "--prefix", "m_")
    largest = 0.0
    for line in answers.splitlines():
        answer = json.loads(line)
        with torch.no_grad():
            logits = opened.eval()(**tokenizer(answer["text"], return_tensors="pt")).logits[0] / head.get("temperature", 1.0)
        expected = torch.sigmoid(logits) if several else torch.softmax(logits, 0)
        labels = (opened.config.id2label[number] for number in range(len(expected)))
        found = [answer[f"m_{head['name']}_score_{label}"] for label in labels]
        largest = max(largest, (expected - torch.tensor(found)).abs().max().item())
    return largest


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--newsdesk", default="newsdesk")
    parser.add_argument("--base", type=Path, default=TINY)
    options = parser.parse_args()
    failed = False
    for several in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            largest = largest_difference(options.newsdesk, options.base, several, Path(folder))
        print(f"{'several labels' if several else 'one label'}: largest difference of a probability {largest:.1e}")
        failed |= not largest < 1e-4
    sys.exit(failed)


if __name__ == "__main__":
    main()
