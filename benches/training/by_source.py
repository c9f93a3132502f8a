"""Measures a model on each source of open-news and iptc-news, with 95 % intervals.

    python3 benches/training/by_source.py MODEL DATA_ROOT [--split test] [--sets open-news iptc-news] [--dtype auto] [--newsdesk PROGRAM]

DATA_ROOT has a folder for each data set (see datasets/README.md). Macro-F1 is the mean over the labels with at least ten rows. Its
interval is that of 2,000 bootstrap samples of the rows; the interval of an accuracy is Wilson's. "Any" counts a topic as correct if the
row lists it as a second topic.
"""

import argparse
import json
import math
import random
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

FEWEST_ROWS = 10
SAMPLES = 2000


def predictions(newsdesk, model, path, dtype="auto"):
    """Returns the rows of a file with the columns that the model adds."""
    command = [newsdesk, "classify", path, "--model", model, "--prefix", "predicted_", "--to", "jsonl", "--dtype", dtype, "--quiet"]
    lines = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, check=True).stdout.decode().rstrip("\n").split("\n")
    return [json.loads(line) for line in lines]


def source(row):
    """Returns where a text is from: rows of iptc-news have the name of a data set at the beginning of their id."""
    return row.get("source") or row["id"].split("/")[0]


def macro_f1(pairs, labels):
    """Returns the mean F1 of these labels over (gold, predicted) pairs."""
    gold, predicted, both = Counter(), Counter(), Counter()
    for one, other in pairs:
        gold[one] += 1
        predicted[other] += 1
        both[one] += one == other
    return sum(2 * both[label] / max(1, gold[label] + predicted[label]) for label in labels) / max(1, len(labels))


def wilson(correct, count):
    """Returns the ends of the 95 % interval of a share."""
    z = 1.959964
    centre, width = correct + z * z / 2, z * math.sqrt(correct * (count - correct) / count + z * z / 4)
    return (centre - width) / (count + z * z), (centre + width) / (count + z * z)


def bootstrap(pairs, labels):
    """Returns the ends of the 95 % interval of macro-F1."""
    chosen = random.Random(1)
    values = sorted(macro_f1(chosen.choices(pairs, k=len(pairs)), labels) for _ in range(SAMPLES))
    return values[int(0.025 * SAMPLES)], values[int(0.975 * SAMPLES) - 1]


def figures(rows, intervals=True):
    """Returns the figures of some rows by name, each as value, low end and high end. The bootstrap takes a second; it can be left out."""
    found = {}
    for head, column in (("topic", "label"), ("tone", "sentiment")):
        name = "topic" if head == "topic" else "sentiment"
        pairs = [(row[column], row[f"predicted_{name}"]) for row in rows if row.get(column)]
        labels = sorted(label for label, count in Counter(gold for gold, _ in pairs).items() if count >= FEWEST_ROWS)
        correct = sum(gold == predicted for gold, predicted in pairs)
        found[f"{head} accuracy"] = (correct / len(pairs), *wilson(correct, len(pairs)))
        if head == "topic":
            any_label = sum(row["predicted_topic"] in (row.get("labels") or [row["label"]]) for row in rows)
            found["topic any"] = (any_label / len(rows), *wilson(any_label, len(rows)))
        ends = bootstrap(pairs, labels) if intervals and labels else (None, None)
        found[f"{head} macro-F1"] = (macro_f1(pairs, labels) if labels else "-", *ends)
        found[f"{head} labels"] = (len(labels), None, None)
    return found


def shown(value, low, high):
    return str(value) if low is None else f"{value:.3f} ({low:.3f}-{high:.3f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("data_root", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--sets", nargs="+", default=["open-news", "iptc-news"])
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--newsdesk", default="newsdesk")
    options = parser.parse_args()
    header_is_shown = False
    for name in options.sets:
        rows = predictions(options.newsdesk, options.model, options.data_root / name / f"{options.split}.jsonl.zst", options.dtype)
        groups = defaultdict(list)
        for row in rows:
            groups[source(row)].append(row)
        for group, members in [("all", rows), *sorted(groups.items())]:
            found = figures(members)
            if not header_is_shown:
                print(f"| set | source | rows | {' | '.join(found)} |")
                print(f"| --- | --- | --- | {' | '.join('---' for _ in found)} |")
                header_is_shown = True
            print(f"| {name} | {group} | {len(members)} | {' | '.join(shown(*figure) for figure in found.values())} |", flush=True)


if __name__ == "__main__":
    main()
