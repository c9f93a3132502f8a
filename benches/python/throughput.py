"""Measures what Python and the engines cost beside the command line: the same rows, the same threads, one after the other.

    python benches/python/throughput.py ARTICLES.jsonl [--rows N] [--rounds N] [--dtype NAME] [--ways cli table spark ray ...]

Needs the wheel with the engines of crates/python/requirements-engines.txt. A rate is that of labelling: the start of the process or
the engine, opening the model and a first small batch come before it, and are printed as `start`. Prints a line of JSON per measurement,
then medians by way, and their ratios to the command line.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

THREADS = os.cpu_count()


def cli(articles: Path, options: argparse.Namespace) -> tuple[float, float]:
    """`newsdesk classify` from Parquet to Arrow. Its manifest has the time without start and opening."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "labelled.arrows")
        command = [options.newsdesk, "classify", str(articles), "-o", str(output), "--quiet"]
        started = time.perf_counter()
        subprocess.run([*command, "--threads", str(THREADS), "--dtype", options.dtype], check=True)
        wall = time.perf_counter() - started
        seconds = json.loads(Path(f"{output}.manifest.json").read_text("utf-8"))["seconds"]["total"]
    return wall - seconds, seconds


def table(articles: Path, options: argparse.Namespace) -> tuple[float, float]:
    """`Classifier.classify` on a table of pyarrow."""
    import newsdesk

    rows = pq.read_table(articles)
    started = time.perf_counter()
    newsdesk.clear_cache()
    classifier = newsdesk.Classifier(threads=THREADS, dtype=options.dtype)
    ready = time.perf_counter()
    assert classifier.classify(rows).num_rows == rows.num_rows
    return ready - started, time.perf_counter() - ready


def spark(articles: Path, options: argparse.Namespace) -> tuple[float, float]:
    """Two executors with one thread each."""
    from newsdesk.spark import classify
    from pyspark.sql import SparkSession

    started = time.perf_counter()
    # Otherwise the workers are those of the system's Python.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = (
        SparkSession.builder.master(f"local-cluster[{THREADS},1,1024]")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "2000")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    frame = session.read.parquet(str(articles)).repartition(THREADS * 4)
    frame.cache().count()
    # The workers open the model.
    classify(frame.limit(64).repartition(THREADS), dtype=options.dtype).count()
    labelled = classify(frame, dtype=options.dtype)
    ready = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        labelled.write.parquet(f"{folder}/labelled")
        done = time.perf_counter()
        assert session.read.parquet(f"{folder}/labelled").count() == pq.read_metadata(articles).num_rows
    session.stop()
    return ready - started, done - ready


def ray(articles: Path, options: argparse.Namespace) -> tuple[float, float]:
    """Two actors with one thread each."""
    import ray as engine
    import ray.data

    from newsdesk.ray import classify

    started = time.perf_counter()
    engine.init(num_cpus=THREADS, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    engine.data.DataContext.get_current().enable_progress_bars = False
    dataset = engine.data.read_parquet(str(articles)).repartition(THREADS * 4).materialize()
    actors = {"concurrency": THREADS, "num_cpus": 0.5, "threads": 1, "batch_size": 500, "dtype": options.dtype}
    # The pool opens the model for each pipeline again: what that takes is measured here, and taken off below.
    opening = time.perf_counter()
    # Not `count()`, which Ray answers without the actors: they keep the number of rows.
    assert classify(dataset.limit(THREADS * 4).repartition(THREADS), **actors).materialize().count() == THREADS * 4
    opened = time.perf_counter() - opening
    ready = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        classify(dataset, **actors).write_parquet(f"{folder}/labelled")
        done = time.perf_counter()
    engine.shutdown()
    return ready - started, done - ready - opened


def polars(articles: Path, options: argparse.Namespace) -> tuple[float, float]:
    """A LazyFrame, written while it is labelled."""
    import polars as engine

    from newsdesk.polars import classify

    started = time.perf_counter()
    frame = classify(engine.scan_parquet(articles), threads=THREADS, dtype=options.dtype)
    ready = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        frame.sink_parquet(f"{folder}/labelled.parquet")
        return ready - started, time.perf_counter() - ready


def duckdb(articles: Path, options: argparse.Namespace) -> tuple[float, float]:
    """A relation, as a stream."""
    import duckdb as engine

    from newsdesk.duckdb import classify

    started = time.perf_counter()
    connection = engine.connect()
    labelled = classify(connection.sql(f"FROM '{articles}'"), threads=THREADS, dtype=options.dtype)  # noqa: F841
    ready = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        connection.cursor().sql(f"COPY labelled TO '{folder}/labelled.parquet'")
        return ready - started, time.perf_counter() - ready


WAYS = {way.__name__: way for way in (cli, table, spark, ray, polars, duckdb)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("articles", type=Path)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--ways", nargs="+", default=["cli", "table", "spark", "ray"], choices=list(WAYS))
    parser.add_argument("--newsdesk", default="newsdesk", help="the binary")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        start, seconds = WAYS[options.one](options.articles, options)
        print(json.dumps({"way": options.one, "start": round(start, 2), "seconds": round(seconds, 2)}), flush=True)
        return
    lines = options.articles.read_text("utf-8").splitlines()[: options.rows]
    rows = [{"id": index, "text": json.loads(line)["text"]} for index, line in enumerate(lines)]
    found: dict[str, list[float]] = {way: [] for way in options.ways}
    starts: dict[str, list[float]] = {way: [] for way in options.ways}
    with tempfile.TemporaryDirectory() as folder:
        articles = Path(folder, "articles.parquet")
        pq.write_table(pa.Table.from_pylist(rows), articles, row_group_size=2000)
        for _ in range(options.rounds):
            for way in options.ways:
                # A process of its own: nothing is warm.
                command = [sys.executable, __file__, str(articles), "--one", way, "--dtype", options.dtype]
                done = subprocess.run([*command, "--newsdesk", options.newsdesk], check=True, stdout=subprocess.PIPE, text=True)
                measured = json.loads(done.stdout.splitlines()[-1])
                found[way].append(len(rows) / measured["seconds"])
                starts[way].append(measured["start"])
                print(done.stdout.splitlines()[-1], flush=True)
    medians = {way: statistics.median(rates) for way, rates in found.items()}
    for way, rate in medians.items():
        ratio = f", {rate / medians['cli']:.3f} of the command line" if "cli" in medians else ""
        print(f"{way}: {rate:.1f} articles/s{ratio}, start {statistics.median(starts[way]):.1f} s")


if __name__ == "__main__":
    main()
