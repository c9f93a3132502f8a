"""Compares a pair of pipelines of transformers, one per head, with `newsdesk.Classifier` on the same articles.

    python benches/python/pipeline.py ARTICLES.jsonl TOPIC_MODEL SENTIMENT_MODEL [--rows N] [--rounds N]

The models are those of `newsdesk models export --head topic` and `--head sentiment`: the same weights. Both sides label with the same
number of threads, without start and opening. The pipelines cut texts at 512 tokens, and get batches of 1 (their default), 8 and 32.
Needs the wheel, torch and transformers.
"""

import argparse
import json
import os
import statistics
import time
from pathlib import Path

THREADS = os.cpu_count()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("articles", type=Path)
    parser.add_argument("topic")
    parser.add_argument("sentiment")
    parser.add_argument("--rows", type=int, default=640)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    import torch
    import transformers

    import newsdesk

    torch.set_num_threads(THREADS)
    lines = options.articles.read_text("utf-8").splitlines()[: options.rows]
    texts = [json.loads(line)["text"] for line in lines]
    pair = [
        transformers.pipeline("text-classification", model=model, tokenizer=model, device="cpu")
        for model in (options.topic, options.sentiment)
    ]

    def pipelines(batch_size: int):
        settings = {"truncation": True, "max_length": 512, "batch_size": batch_size}

        def label() -> list[tuple[str, str]]:
            found = [[answer["label"] for answer in pipeline(texts, **settings)] for pipeline in pair]
            return list(zip(*found, strict=True))

        return label

    def of(dtype: str):
        classifier = newsdesk.Classifier(threads=THREADS, dtype=dtype)

        def label() -> list[tuple[str, str]]:
            return [(answer["topic"]["label"], answer["sentiment"]["label"]) for answer in classifier(texts)]

        return label

    ways = {f"pipelines, batches of {size}": pipelines(size) for size in (1, 8, 32)}
    ways |= {dtype: of(dtype) for dtype in ("int8", "auto", "f32")}
    rates: dict[str, list[float]] = {way: [] for way in ways}
    labels = {}
    for way, label in ways.items():
        labels[way] = label()
    for _ in range(options.rounds):
        for way, label in ways.items():
            started = time.perf_counter()
            label()
            rates[way].append(len(texts) / (time.perf_counter() - started))
    medians = {way: statistics.median(found) for way, found in rates.items()}
    print(f"transformers {transformers.__version__}, torch {torch.__version__}, {len(texts)} articles, {THREADS} threads")
    default, *others = (way for way in ways if way.startswith("pipelines"))
    best = max((default, *others), key=medians.__getitem__)
    for way, rate in medians.items():
        same = [sum(a[head] == b[head] for a, b in zip(labels[way], labels[default], strict=True)) for head in (0, 1)]
        print(
            f"{way}: {rate:.1f} articles/s, {rate / medians[default]:.1f} times the default, {rate / medians[best]:.1f} times "
            f"the best pipelines; labels as theirs: {same[0]} topics, {same[1]} tones"
        )


if __name__ == "__main__":
    main()
