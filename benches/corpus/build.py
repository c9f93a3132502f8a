"""Builds a corpus of any size from the public data sets: JSON Lines, CSV and Parquet with the same rows.

    python3 benches/corpus/build.py DATA_ROOT OUT [--rows 1000000] [--newsdesk PROGRAM]

DATA_ROOT has a folder for each data set (see datasets/README.md). Each row joins two random articles, so that texts hardly
repeat. Further columns are a number, a time, a list and a nested object, as in real corpora.
"""

import argparse
import json
import random
import subprocess
from pathlib import Path

SETS = ["ag-news", "bbc-news", "huffpost", "reuters-r90", "iptc-news", "newsgroups20"]


def articles(options):
    found = []
    for name in SETS:
        path = options.data_root / name / "train.jsonl.zst"
        if path.exists():
            command = [options.newsdesk, "data", "convert", path, "-o", "-", "--to", "jsonl", "--quiet"]
            lines = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True).stdout.splitlines()
            found += [(row.get("title") or "", row["text"]) for row in map(json.loads, lines)]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_root", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--newsdesk", default="newsdesk")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    found = articles(options)
    draw = random.Random(1)
    path = options.out / "corpus.jsonl"
    with path.open("w") as out:
        for number in range(options.rows):
            (title, text), (_, more) = found[number % len(found)], found[draw.randrange(len(found))]
            row = {
                "id": number, "title": title, "text": f"{text}\n{more}", "at": f"2026-{1 + number % 12:02}-01T00:00:00Z",
                "tags": ["a", str(number % 7)], "source": {"name": f"wire {number % 31}", "rank": number % 5 / 4},
            }
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    for ending in ["csv", "parquet"]:
        command = [options.newsdesk, "data", "convert", path, "-o", options.out / f"corpus.{ending}", "--quiet", "--overwrite"]
        subprocess.run(list(map(str, command)), check=False)


if __name__ == "__main__":
    main()
