"""Trains models on public data sets with several seeds, and prints their metrics on the test splits.

    python3 benches/training/accuracy.py DATA_ROOT BASE OUT [--sets ag-news sst2 ...] [--seeds 1 2 3] [--newsdesk PROGRAM]

DATA_ROOT has a folder for each data set (see datasets/README.md). BASE is a folder with all-MiniLM-L6-v2. Each run adds a
line to OUT/results.jsonl. The same command can be repeated after an interruption: it skips finished runs and resumes an
interrupted one. The best epoch is selected on the validation split; the test split is only used for the final metrics.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import NamedTuple

RECIPES = Path(__file__).resolve().parents[2] / "datasets"


class Set(NamedTuple):
    """A data set, how to train on it, and the metric that is usually reported for it."""

    folder: str
    epochs: int
    length: int  # tokens
    measure: str
    reading: list[str] = []  # options for reading rows
    recipe: list[str] = []  # further training options


TARGET = ["--target-field", "target", "--target-start", "target_start", "--target-end", "target_end"]

# Read as plain files, with their own labels.
SETS = {
    "ag-news": Set("ag-news", 2, 128, "accuracy"),
    "bbc-news": Set("bbc-news", 3, 256, "accuracy"),
    "sst2": Set("sst2", 3, 128, "accuracy"),
    "financial-phrasebank": Set("financial-phrasebank", 4, 128, "macro_f1"),
    "newsmtsc": Set("newsmtsc", 2, 128, "macro_f1"),
    "newsmtsc-target": Set("newsmtsc", 4, 128, "macro_f1", TARGET),
    # With the pooling of BERT classifiers in transformers.
    "newsmtsc-target-pooler": Set("newsmtsc", 4, 128, "macro_f1", TARGET, ["--pooling", "pooler"]),
    "newsgroups20": Set("newsgroups20", 3, 256, "accuracy"),
    "reuters-r52": Set("reuters-r52", 6, 128, "accuracy"),
    "reuters-r90": Set("reuters-r90", 5, 128, "micro_f1", ["--label-field", "labels"]),
    "sst5": Set("sst5", 3, 128, "accuracy"),
    "tweet-sentiment": Set("tweet-sentiment", 2, 128, "macro_recall"),
    "iptc-news-topic": Set("iptc-news", 4, 256, "accuracy", ["--label-field", "label", "--head", "topic"]),
    "iptc-news-sentiment": Set("iptc-news", 3, 256, "macro_f1", ["--label-field", "sentiment"]),
}


def run(command):
    print("$", " ".join(map(str, command)), file=sys.stderr, flush=True)
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True)
    # Exit code 1 means rejected rows: some texts are blank.
    if done.returncode not in (0, 1):
        sys.exit(f"ended with {done.returncode}")
    return done.stdout


def all_labels(options, folder):
    """Returns the option with all labels of the recipe, since some labels have no training row."""
    recipe = tomllib.loads((RECIPES / f"{folder}.toml").read_text())
    path = options.out / f"{folder}.labels"
    path.write_text("".join(f"{label}\n" for head in recipe["heads"].values() for label in head["map"]))
    return ["--labels", path]


def measure(options, name, seed):
    of = SETS[name]
    labels = all_labels(options, of.folder) if name == "reuters-r90" else []
    files = {split: options.data_root / of.folder / f"{split}.jsonl.zst" for split in ("train", "validation", "test")}
    model = options.out / f"{name}-{seed}"
    start = time.time()
    if not (model / "model.safetensors").exists() or (model / "checkpoint").exists():
        run([
            options.newsdesk, "train", "--data", files["train"], "--validation", files["validation"], *of.reading, *labels, *of.recipe,
            "--base", options.base, "--epochs", of.epochs, "--max-train-length", of.length, "--seed", seed, "--resume", "-o", model,
        ])
    seconds = time.time() - start
    report = json.loads(run([options.newsdesk, "eval", model, "--data", files["test"], *of.reading, "--json", "--quiet"]))
    head = report[0]["heads"][0]
    figures = {key: head["report"].get(key) for key in ("accuracy", "macro_f1", "macro_recall", "micro_f1")}
    if not options.keep:
        shutil.rmtree(model)
    return {"set": name, "seed": seed, "epochs": of.epochs, "length": of.length, "articles": head["report"]["cases"],
            **figures, "ece": head["calibration"]["ece"], "train_seconds": round(seconds)}


def table(results):
    print("| set | epochs | tokens | seeds | measure | mean | spread | accuracy | macro-F1 |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, of in SETS.items():
        rows = [row for row in results if row["set"] == name]
        if rows:
            values = [row[of.measure] for row in rows]
            spread = f"{statistics.stdev(values):.4f}" if len(values) > 1 else "-"
            mean = lambda key: f"{statistics.mean(row[key] for row in rows):.4f}"
            seeds = ", ".join(str(row["seed"]) for row in rows)
            print(f"| {name} | {of.epochs} | {of.length} | {seeds} | {of.measure} | {mean(of.measure)} | {spread} | {mean('accuracy')} | {mean('macro_f1')} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_root", type=Path)
    parser.add_argument("base", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--newsdesk", default="newsdesk")
    parser.add_argument("--keep", action="store_true", help="keep the models")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "results.jsonl"
    results = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    # Ignores results of runs with other epochs or lengths.
    results = [row for row in results if (SETS[row["set"]].epochs, SETS[row["set"]].length) == (row["epochs"], row["length"])]
    for seed in options.seeds:
        for name in options.sets:
            if not any((row["set"], row["seed"]) == (name, seed) for row in results):
                results.append(measure(options, name, seed))
                with path.open("a") as file:
                    file.write(json.dumps(results[-1]) + "\n")
    table(results)


if __name__ == "__main__":
    main()
