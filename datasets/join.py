#!/usr/bin/env python3
"""Joins the labels in this folder with the texts of the data sets that they belong to.

    datasets/join.py DATA_ROOT OUTPUT

DATA_ROOT has a folder for each public data set (see datasets/README.md). OUTPUT becomes a data root with iptc-news-more and
newsmtsc-tone, with open-news of this repository, and with links to all data sets of DATA_ROOT. Needs the program `zstd`.
"""

import csv
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def training_rows(data_root: pathlib.Path, name: str) -> dict[str, dict]:
    """Returns the training rows of a data set by their ids."""
    path = data_root / name / "train.jsonl.zst"
    if not path.exists():
        sys.exit(f"error: cannot find `{path}`\nhint: DATA_ROOT needs a folder for each data set, see datasets/README.md")
    text = subprocess.run(["zstd", "-dc", str(path)], check=True, stdout=subprocess.PIPE).stdout.decode()
    rows: dict[str, dict] = {}
    # Not splitlines: texts contain other characters that end lines.
    for line in text.rstrip("\n").split("\n"):
        row = json.loads(line)
        # A few ids contain line breaks.
        rows.setdefault(" ".join(row["id"].split()), row)
    return rows


def find(rows: dict[str, dict], row_id: str, name: str) -> dict:
    """Returns the row with an id."""
    if row_id not in rows:
        sys.exit(f"error: cannot find the training row `{row_id}` of {name}\nhint: use the rows that datasets/README.md lists")
    return rows[row_id]


def labels(name: str) -> list[dict[str, str]]:
    """Returns the rows of a label file of this folder."""
    with open(HERE / name / "labels.tsv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def write(output: pathlib.Path, name: str, rows: list[dict]) -> None:
    """Writes the training file of a data set."""
    (output / name).mkdir(parents=True, exist_ok=True)
    with open(output / name / "train.jsonl", "w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    print(f"{name}: {len(rows)} rows")


def iptc_news_more(data_root: pathlib.Path) -> list[dict]:
    """Returns texts of several data sets with their topics and sentiment."""
    sources: dict[str, dict[str, dict]] = {}
    rows = []
    for label in labels("iptc-news-more"):
        source, id_in_source = label["id"].split("/", 1)
        if source not in sources:
            sources[source] = training_rows(data_root, source)
        text = find(sources[source], id_in_source, source)
        topics = [topic for topic in (label["topic"], label["second"]) if topic]
        rows.append(
            {
                "id": label["id"],
                "title": text.get("title", ""),
                "text": text["text"],
                "label": label["topic"],
                "labels": topics,
                "sentiment": label["sentiment"],
            }
        )
    return rows


def newsmtsc_tone(data_root: pathlib.Path) -> list[dict]:
    """Returns sentences of newsmtsc with their tone."""
    sentences = training_rows(data_root, "newsmtsc")
    return [
        {"id": label["id"], "text": find(sentences, label["id"], "newsmtsc")["text"], "sentiment": label["sentiment"]}
        for label in labels("newsmtsc-tone")
    ]


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    data_root, output = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    write(output, "iptc-news-more", iptc_news_more(data_root))
    write(output, "newsmtsc-tone", newsmtsc_tone(data_root))
    links = [HERE / "open-news", *(folder for folder in sorted(data_root.iterdir()) if folder.is_dir())]
    for folder in links:
        link = output / folder.name
        if not os.path.lexists(link):
            link.symlink_to(folder)


if __name__ == "__main__":
    main()
