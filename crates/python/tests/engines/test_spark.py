"""Spark: executors with Python workers of their own, one of which is killed."""

import sys
import textwrap

import pyarrow as pa
import pytest
from conftest import killed

pytest.importorskip("pyspark.sql.classic")

from newsdesk.spark import Task, classify  # noqa: E402


@pytest.fixture(scope="module")
def spark():
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local-cluster[2,1,1024]")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.executorEnv.PYSPARK_PYTHON", sys.executable)
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "50")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.mark.parametrize("large", ["false", "true"])
def test_rows_have_the_labels_of_the_command_line(spark, articles, same, large):
    spark.conf.set("spark.sql.execution.arrow.useLargeVarTypes", large)
    same(classify(spark.createDataFrame(articles).repartition(8)).toArrow())


def test_a_killed_worker_loses_no_row(spark, articles, same):
    frame = classify(spark.createDataFrame(articles).repartition(8))
    with killed("pyspark.daemon") as processes:
        output = frame.toArrow()
    same(output)
    assert processes


def test_a_worker_opens_the_model_once(spark, articles):
    def opened(batches):
        import os

        import newsdesk._engines

        before = len(newsdesk._engines._opened)
        label = newsdesk.BatchClassifier(threads=1)
        rows = sum(label(batch).num_rows for batch in batches)
        yield pa.record_batch({"process": [os.getpid()], "opened": [len(newsdesk._engines._opened) - before], "rows": [rows]})

    frame = spark.createDataFrame(articles.slice(0, 160)).repartition(8)
    # Workers of earlier tests have it already.
    rows = frame.mapInArrow(opened, "process long, opened long, rows long").collect()
    by_process = {row.process: 0 for row in rows}
    for row in rows:
        by_process[row.process] += row.opened
    assert len(rows) == 8 and sum(row.rows for row in rows) == 160
    assert max(by_process.values()) <= 1


def test_columns_can_be_chosen(spark, articles):
    frame = classify(spark.createDataFrame(articles.slice(0, 50)), columns=["id"], errors="drop", prefix="nd_")
    assert frame.columns == ["id", "nd_topic", "nd_topic_code", "nd_topic_score", "nd_sentiment", "nd_sentiment_score"]
    rows = frame.collect()
    assert 0 < len(rows) < 50 and all(row.nd_topic for row in rows)


def test_a_missing_text_column_fails_before_the_job(spark, articles):
    import newsdesk

    with pytest.raises(newsdesk.NewsdeskError, match="story"):
        classify(spark.createDataFrame(articles), text="story")


def test_pandas_on_spark(spark, articles, same):
    import pyspark.pandas

    frame = articles.to_pandas().set_index("id")
    output = classify(pyspark.pandas.from_pandas(frame)).to_pandas()
    assert output.index.names == ["id"]
    same(pa.Table.from_pandas(output.reset_index(), preserve_index=False))


def test_the_function_is_sent_as_its_settings():
    import newsdesk
    from pyspark import cloudpickle

    assert len(cloudpickle.dumps(Task(newsdesk.BatchClassifier(text="body")))) < 1000


SAIL = """
    import sys

    import pyarrow.parquet
    from newsdesk.spark import classify
    from pysail.spark import SparkConnectServer
    from pyspark.sql import SparkSession

    parquet, output = sys.argv[1:]
    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    spark = SparkSession.builder.remote(f"sc://127.0.0.1:{server.listening_address[1]}").getOrCreate()
    pyarrow.parquet.write_table(classify(spark.read.parquet(parquet).repartition(4)).toArrow(), output)
    spark.stop()
    server.stop()
"""


def test_sail_runs_the_same_code(parquet, same, tmp_path):
    """Sail 0.7 needs another client than Spark 4.3: NEWSDESK_SAIL names the folder with it."""
    import os
    import subprocess

    import pyarrow.parquet

    client = os.environ.get("NEWSDESK_SAIL")
    if not client:
        pytest.skip("NEWSDESK_SAIL is not set")
    # A file, since the client looks for a Spark of its own under `python -c`.
    job = tmp_path / "job.py"
    job.write_text(textwrap.dedent(SAIL), "utf-8")
    environment = {name: value for name, value in os.environ.items() if "SPARK" not in name} | {"PYTHONPATH": client}
    done = subprocess.run(
        [sys.executable, job, parquet, tmp_path / "output"], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    same(pyarrow.parquet.read_table(tmp_path / "output"))
