"""Compares the linear model with fastText on the same rows, threads and machine.

    python3 benches/peers/linear.py DATA_ROOT --newsdesk PROGRAM [--sets ag-news ...] [--rounds 3] [--threads 2] [-o result.json]

Needs fasttext-wheel, numpy and zstandard (benches/peers/requirements.txt). DATA_ROOT has a folder for each data set, with
train, validation and test as .jsonl.zst. Both are trained on train. Newsdesk selects its best epoch on validation; fastText
has no such option. The engines alternate, and each round starts with the other one.

- Training: for Newsdesk the whole command, including reading, validation and calibration. For fastText from a file in its
  own format to a model in memory.
- Labelling, with one thread, since fastText uses one. For Newsdesk the whole command from one JSON Lines file to another,
  minus the time for one article. For fastText from lines in memory to labels in memory. The test texts are repeated until
  there are 50,000.
"""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import fasttext
import zstandard

# Data sets and their label fields.
SETS = {
    "ag-news": "label",
    "bbc-news": "label",
    "sst2": "label",
    "iptc-news": "label",
    "newsgroups20": "label",
}

# fastText with the options of its tutorial, and with its defaults.
PEERS = {
    "fasttext tuned": dict(lr=1.0, epoch=25, wordNgrams=2),
    "fasttext default": dict(),
}

LABELLED = 50_000


def rows(path):
    with open(path, "rb") as file:
        for line in zstandard.ZstdDecompressor().stream_reader(file).read().decode().splitlines():
            yield json.loads(line)


def text(row):
    joined = " ".join(filter(None, [row.get("title"), row.get("text")]))
    return " ".join(joined.split())


def prepared(line):
    """Returns the text in lower case with separate punctuation, as in fastText's tutorial. The time for this is not counted."""
    return " ".join(re.sub(r"([.!?,'/()\[\]\";:])", r" \1 ", line.lower()).split())


def label(row, field):
    return row[field].replace(" ", "_")


def run(command):
    start = time.perf_counter()
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"{command} ended with {done.returncode}:\n{done.stderr}")
    return time.perf_counter() - start, done.stdout


def newsdesk(options, name, folder):
    """Returns training time in seconds, accuracy and articles/s of Newsdesk."""
    files = {split: options.data_root / name / f"{split}.jsonl.zst" for split in ("train", "validation", "test")}
    field, model = SETS[name], folder / "model"
    shutil.rmtree(model, ignore_errors=True)
    trained, _ = run([options.newsdesk, "train", "--arch", "linear", "--data", files["train"], "--validation", files["validation"],
                      "--label-field", field, "--threads", options.threads, "--quiet", "-o", model])
    _, report = run([options.newsdesk, "eval", model, "--data", files["test"], "--label-field", field, "--json", "--quiet"])
    figures = json.loads(report)[0]["heads"][0]["report"]
    classify = [options.newsdesk, "classify", folder / "many.jsonl", "--model", model, "--threads", 1, "--quiet", "--overwrite",
                "-o", folder / "out.jsonl"]
    one, _ = run([*classify, "--limit", 1])
    took, _ = run(classify)
    size = (model / "model.safetensors").stat().st_size
    return {"train_seconds": trained, "accuracy": figures["accuracy"], "macro_f1": figures["macro_f1"],
            "articles_per_second": LABELLED / (took - one), "model_bytes": size}


def peer(options, name, folder, settings):
    """Returns the same figures of fastText."""
    field, test = SETS[name], folder / "test.txt"
    start = time.perf_counter()
    model = fasttext.train_supervised(str(folder / "train.txt"), thread=options.threads, verbose=0, **settings)
    trained = time.perf_counter() - start
    tests = [line.split(" ", 1) for line in test.read_text().splitlines()]
    found, _ = model.predict([line[1] if len(line) > 1 else "" for line in tests])
    right = sum(answer[0] == line[0] for answer, line in zip(found, tests))
    many = (folder / "many.txt").read_text().splitlines()
    start = time.perf_counter()
    model.predict(many)
    took = time.perf_counter() - start
    saved = folder / "fasttext.bin"
    model.save_model(str(saved))
    return {"train_seconds": trained, "accuracy": right / len(tests), "articles_per_second": len(many) / took,
            "model_bytes": saved.stat().st_size}


def prepare(options, name, folder):
    field = SETS[name]
    for split in ("train", "test"):
        lines = [f"__label__{label(row, field)} {prepared(text(row))}\n" for row in rows(options.data_root / name / f"{split}.jsonl.zst")]
        (folder / f"{split}.txt").write_text("".join(lines))
    # Each copy of the texts ends with its own number, so that all texts differ.
    test = [text(row) for row in rows(options.data_root / name / "test.jsonl.zst")]
    many = [f"{test[i % len(test)]} {i // len(test)}" for i in range(LABELLED)]
    (folder / "many.txt").write_text("\n".join(map(prepared, many)))
    (folder / "many.jsonl").write_text("".join(json.dumps({"id": i, "text": line}) + "\n" for i, line in enumerate(many)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_root", type=Path)
    parser.add_argument("--newsdesk", default="newsdesk")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    results = {"date": str(date.today()), "machine": platform.processor() or platform.machine(), "processors": os.cpu_count(),
               "threads": options.threads, "rounds": options.rounds, "sets": {}}
    print("| set | engine | accuracy | training, s | articles/s, one thread | model, MB |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in options.sets:
        found = {"newsdesk": [], **{peer_name: [] for peer_name in PEERS}}
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            prepare(options, name, folder)
            for number in range(options.rounds):
                sides = list(found)
                for side in sides if number % 2 == 0 else reversed(sides):
                    measured = newsdesk(options, name, folder) if side == "newsdesk" else peer(options, name, folder, PEERS[side])
                    found[side].append(measured)
        results["sets"][name] = found
        for side, measured in found.items():
            middle = lambda key: statistics.median(round[key] for round in measured)
            spread = lambda key, places: f"{middle(key):.{places}f} ({min(r[key] for r in measured):.{places}f}-{max(r[key] for r in measured):.{places}f})"
            accuracy = f"{middle('accuracy'):.4f}"
            print(f"| {name} | {side} | {accuracy} | {spread('train_seconds', 2)} | {spread('articles_per_second', 0)} | {middle('model_bytes') / 1e6:.1f} |", flush=True)
    if options.output:
        options.output.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
