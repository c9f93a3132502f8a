"""Compares transformers and Newsdesk on models that Newsdesk saved, for every architecture of `models/tiny`.

    python3 tests/transformers/check.py [--newsdesk PROGRAM] [--base FOLDER...]

For each folder (default: the tiny BERT and all of `models/tiny/architectures`):

- saved: `newsdesk models average FOLDER FOLDER` saves the same weights again. The logits of transformers must be those
  in `golden.json`, and its probabilities those of `newsdesk classify --scores`. Left out if there is no `golden.json`.
- exported: `newsdesk models export` writes the head of a trained model. The probabilities of transformers must be those of
  Newsdesk with the trained model. The head reads the first token where the architecture allows it.
- single-label, multi-label: `newsdesk train` fits a model with one head to generated rows, which takes seconds. The
  logits of transformers, divided by the temperature in `newsdesk.toml`, must give the probabilities of
  `newsdesk classify --scores`.

`AutoModelForSequenceClassification` must open each model without a warning about weights, and `AutoTokenizer` must give
the token ids of the base. Probabilities must agree to four decimals. Exits with 1 if anything differs or fails. Needs
torch and transformers.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

TINY = Path(__file__).resolve().parents[2] / "models" / "tiny"
LARGEST = 1e-4

WORDS = {
    "sport": "coach team goal tour match",
    "business": "price pay company plan market",
    "weather": "rain sun wind day week",
}


class Failure(Exception):
    """What is wrong with a saved model."""


def row(number, multi_label):
    """Returns a generated article about one or two subjects."""
    names = list(WORDS)
    first, second = names[number % 3], names[number // 3 % 3]
    labels = sorted({first, second}) if multi_label else first
    words = WORDS[first].split() + (WORDS[second].split() if multi_label else [])
    text = " ".join(words[number * step % len(words)] for step in range(1, 12)) + f" {number}"
    return {"text": text, "label": labels}


def newsdesk(program, *arguments):
    """Runs a command, and returns its standard output."""
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"`newsdesk {arguments[0]}` failed:\n{done.stderr.strip()}")
    return done.stdout


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def open_saved(model, base):
    """Returns the model in transformers, and a function that gives the logits of a text."""
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    opened, info = AutoModelForSequenceClassification.from_pretrained(
        model, dtype=torch.float32, output_loading_info=True
    )
    if any(info[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")):
        raise Failure(f"transformers cannot load all weights: {info}")
    tokenizer, of_base = AutoTokenizer.from_pretrained(model), Tokenizer.from_file(str(base / "tokenizer.json"))
    of_base.no_truncation()
    of_base.no_padding()

    def logits(text):
        inputs = tokenizer(text, return_tensors="pt")
        if inputs["input_ids"][0].tolist() != of_base.encode(text).ids:
            raise Failure(f"the token ids of AutoTokenizer differ for {text!r}")
        with torch.no_grad():
            return opened(**inputs).logits[0]

    return opened.eval(), logits


def difference_of_scores(program, model, rows, opened, logits, exported=False):
    """Returns the largest difference between a score of Newsdesk and one of transformers."""
    import torch

    head = tomllib.loads((model / "newsdesk.toml").read_text())["head"][0]
    temperature = 1.0 if exported else head.get("temperature", 1.0)
    multi_label = opened.config.problem_type == "multi_label_classification"
    output = newsdesk(program, "classify", rows, "--model", model, "--dtype", "f32", "--scores", "--prefix", "m_")
    largest = 0.0
    for line in output.splitlines():
        labelled = json.loads(line)
        scaled = logits(labelled["text"]) / temperature
        expected = torch.sigmoid(scaled) if multi_label else torch.softmax(scaled, 0)
        labels = (opened.config.id2label[number] for number in range(len(expected)))
        found = [labelled[f"m_{head['name']}_score_{label}"] for label in labels]
        largest = max(largest, (expected - torch.tensor(found)).abs().max().item())
    return largest


def check_saved(program, base, folder):
    """Saves the weights of the base again. Returns the largest difference of a logit or probability."""
    import torch

    model = folder / "model"
    newsdesk(program, "models", "average", base, base, "--save-dtype", "f32", "-o", model)
    opened, logits = open_saved(model, base)
    golden = json.loads((base / "golden.json").read_text())
    of_golden = max((logits(case["text"]) - torch.tensor(case["logits"])).abs().max().item() for case in golden)
    rows = write_rows(folder / "rows.jsonl", ({"text": case["text"]} for case in golden))
    return max(of_golden, difference_of_scores(program, model, rows, opened, logits))


def train(program, base, folder, multi_label, pooling):
    """Trains a model. Returns its folder and the rows."""
    rows = write_rows(folder / "rows.jsonl", (row(number, multi_label) for number in range(240)))
    model = folder / "model"
    newsdesk(
        program, "train", "--data", rows, "--base", base, "--pooling", pooling, "--save-dtype", "f32", "--epochs", 2,
        "--max-train-length", 64, "--max-length", 64, "--overlap", 16, "--learning-rate", 1e-3, "--quiet", "-o", model,
    )
    return model, rows


def check_trained(program, base, folder, multi_label):
    """Trains a model. Returns the largest difference of a probability."""
    model, rows = train(program, base, folder, multi_label, "pooler")
    return difference_of_scores(program, model, rows, *open_saved(model, base))


def check_exported(program, base, folder):
    """Trains a model and exports its head. Returns the largest difference of a probability."""
    # A classifier of ModernBERT normalises the vector, so that it cannot express a head on the first token.
    model, rows = train(program, base, folder, False, "pooler" if "modernbert" in base.name else "cls")
    classifier = folder / "classifier"
    newsdesk(program, "models", "export", model, "-o", classifier)
    return difference_of_scores(program, model, rows, *open_saved(classifier, base), exported=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--newsdesk", default="newsdesk")
    parser.add_argument("--base", type=Path, nargs="+", default=[TINY, *sorted((TINY / "architectures").iterdir())])
    options = parser.parse_args()
    if shutil.which(options.newsdesk) is None:
        parser.error(f"cannot find the program {options.newsdesk}")
    failed = False
    for base in options.base:
        checks = {
            "saved": lambda folder: check_saved(options.newsdesk, base, folder),
            "single-label": lambda folder: check_trained(options.newsdesk, base, folder, False),
            "multi-label": lambda folder: check_trained(options.newsdesk, base, folder, True),
            "exported": lambda folder: check_exported(options.newsdesk, base, folder),
        }
        if not (base / "golden.json").exists():
            del checks["saved"]
        for name, check in checks.items():
            with tempfile.TemporaryDirectory() as folder:
                try:
                    largest = check(Path(folder))
                except (Failure, OSError, ValueError) as error:
                    print(f"{base.name}, {name}: {error}")
                    failed = True
                    continue
            print(f"{base.name}, {name}: largest difference {largest:.1e}")
            failed |= not largest < LARGEST
    sys.exit(failed)


if __name__ == "__main__":
    main()
