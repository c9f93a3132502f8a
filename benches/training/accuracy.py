"""Trains a model on each public set, several seeds each, and prints what they reach on the test splits.

    python3 benches/training/accuracy.py DATA_ROOT BASE OUT [--sets ag-news sst2 ...] [--seeds 1 2 3] [--newsdesk PROGRAM]

DATA_ROOT holds a folder per set (see datasets/README.md), BASE is a folder with all-MiniLM-L6-v2. Each run's figures are a
line of OUT/results.jsonl. A run that is there is not done again, and one that was interrupted goes on, so the same command
can be given until the table is whole. Epochs are chosen by the validation splits; test splits are only looked at here.
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

RECIPES = Path(__file__).resolve().parents[2] / "datasets"

# Sets with labels of their own, so as plain files: epochs, tokens, and what else the set needs. The measure is what the
# set is usually judged by.
SETS = {
    "ag-news": ("ag-news", 2, 128, [], "accuracy"),
    "bbc-news": ("bbc-news", 3, 256, [], "accuracy"),
    "sst2": ("sst2", 3, 128, [], "accuracy"),
    "financial-phrasebank": ("financial-phrasebank", 4, 128, [], "macro_f1"),
    "newsmtsc": ("newsmtsc", 2, 128, [], "macro_f1"),
    "newsmtsc-target": (
        "newsmtsc", 4, 128,
        ["--mention-field", "target", "--mention-start", "target_start", "--mention-end", "target_end"], "macro_f1",
    ),
    "newsgroups20": ("newsgroups20", 3, 256, [], "accuracy"),
    "reuters-r52": ("reuters-r52", 6, 128, [], "accuracy"),
    "reuters-r90": ("reuters-r90", 5, 128, ["--label-field", "labels"], "micro_f1"),
    "sst5": ("sst5", 3, 128, [], "accuracy"),
    "tweet-sentiment": ("tweet-sentiment", 2, 128, [], "macro_recall"),
    "iptc-news-topic": ("iptc-news", 4, 256, ["--label-field", "label", "--head", "topic"], "accuracy"),
    "iptc-news-sentiment": ("iptc-news", 3, 256, ["--label-field", "sentiment"], "macro_f1"),
}


def run(command):
    print("$", " ".join(map(str, command)), file=sys.stderr, flush=True)
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True)
    # 1 says that rows were rejected; texts that are blank are.
    if done.returncode not in (0, 1):
        sys.exit(f"ended with {done.returncode}")
    return done.stdout


def all_labels(options, folder):
    """The arguments that list a set's labels, by its recipe: with several labels a row, some have no training row."""
    recipe = tomllib.loads((RECIPES / f"{folder}.toml").read_text())
    path = options.out / f"{folder}.labels"
    path.write_text("".join(f"{label}\n" for head in recipe["heads"].values() for label in head["map"]))
    return ["--labels", path]


def measure(options, name, seed):
    folder, epochs, length, more, _ = SETS[name]
    labels = all_labels(options, folder) if name == "reuters-r90" else []
    files = {split: options.data_root / folder / f"{split}.jsonl.zst" for split in ("train", "validation", "test")}
    model = options.out / f"{name}-{seed}"
    start = time.time()
    if not (model / "model.safetensors").exists() or (model / "checkpoint").exists():
        run([
            options.newsdesk, "train", "--data", files["train"], "--validation", files["validation"], *more, *labels,
            "--base", options.base, "--epochs", epochs, "--length", length, "--seed", seed, "--resume", "-o", model,
        ])
    seconds = time.time() - start
    report = json.loads(run([options.newsdesk, "eval", model, "--data", files["test"], *more, "--json", "--quiet"]))
    head = report[0]["heads"][0]
    figures = {key: head["report"].get(key) for key in ("accuracy", "macro_f1", "macro_recall", "micro_f1")}
    if not options.keep:
        shutil.rmtree(model)
    return {"set": name, "seed": seed, "epochs": epochs, "length": length, "articles": head["report"]["cases"],
            **figures, "ece": head["calibration"]["ece"], "train_seconds": round(seconds)}


def table(results):
    print("| set | epochs | tokens | seeds | measure | mean | spread | accuracy | macro-F1 |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, (_, epochs, length, _, key) in SETS.items():
        rows = [row for row in results if row["set"] == name]
        if rows:
            values = [row[key] for row in rows]
            spread = f"{statistics.stdev(values):.4f}" if len(values) > 1 else "-"
            mean = lambda key: f"{statistics.mean(row[key] for row in rows):.4f}"
            seeds = ", ".join(str(row["seed"]) for row in rows)
            print(f"| {name} | {epochs} | {length} | {seeds} | {key} | {mean(key)} | {spread} | {mean('accuracy')} | {mean('macro_f1')} |")


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
    # Runs with other epochs or tokens are other runs.
    results = [row for row in results if SETS[row["set"]][1:3] == (row["epochs"], row["length"])]
    for seed in options.seeds:
        for name in options.sets:
            if not any((row["set"], row["seed"]) == (name, seed) for row in results):
                results.append(measure(options, name, seed))
                with path.open("a") as file:
                    file.write(json.dumps(results[-1]) + "\n")
    table(results)


if __name__ == "__main__":
    main()
