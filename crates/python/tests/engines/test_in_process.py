"""Engines that call us on threads of this process."""

import subprocess
import sys
import textwrap

import pyarrow as pa
import pytest

import newsdesk


def test_tables(articles, same):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    classifier = newsdesk.Classifier()
    same(classifier.classify(articles))
    reader = pa.RecordBatchReader.from_batches(articles.schema, articles.to_batches(max_chunksize=300))
    same(classifier.classify(reader).read_all())
    same(pa.table(classifier.classify(polars.from_arrow(articles))))
    same(pa.Table.from_pandas(classifier.classify(articles.to_pandas()), preserve_index=False))
    same(pa.Table.from_pylist(classifier.classify(articles.to_pylist())))
    assert isinstance(classifier.classify(pandas.DataFrame({"text": ["a"]})), pandas.DataFrame)


def test_texts(articles, expected):
    rows = articles.to_pylist()
    texts = ["\n".join(part for part in (row["title"], row["text"]) if part) for row in rows]
    for answer, row in zip(newsdesk.Classifier()(texts), expected.to_pylist(), strict=True):
        if row["error"] is None:
            assert answer["topic"]["label"] == row["topic"] and answer["topic"]["score"] == row["topic_score"]
            assert answer["sentiment"] == {"label": row["sentiment"], "score": row["sentiment_score"]}
        else:
            assert answer["error"] == row["error"]


@pytest.mark.parametrize("processes", [None, 2])
def test_daft(articles, parquet, same, processes):
    daft = pytest.importorskip("daft")
    from newsdesk.daft import classify

    same(classify(daft.read_parquet(parquet), max_concurrency=processes, batch_size=100).to_arrow())


@pytest.mark.parametrize("source", ["arrow", "parquet"])
def test_datafusion(articles, parquet, same, source):
    datafusion = pytest.importorskip("datafusion")
    from newsdesk.datafusion import classify

    context = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(2))
    batches = [[batch] for batch in articles.to_batches(max_chunksize=250)]
    frame = context.create_dataframe(batches) if source == "arrow" else context.read_parquet(parquet)
    same(classify(frame).to_arrow_table())


def test_datafusion_sql(parquet, same, expected):
    datafusion = pytest.importorskip("datafusion")
    from newsdesk.datafusion import udf

    context = datafusion.SessionContext()
    context.register_parquet("news", parquet)
    context.register_udf(udf(pa.string_view(), pa.string_view()))
    output = context.sql("SELECT *, unnest(newsdesk(text, title)) FROM news").to_arrow_table()
    same(output.rename_columns(expected.column_names))


def test_duckdb(articles, same):
    duckdb = pytest.importorskip("duckdb")
    from newsdesk.duckdb import classify, register

    connection = duckdb.connect()
    register(connection, title=True)
    same(connection.sql("SELECT *, unnest(newsdesk(text, title)) FROM articles").to_arrow_table())
    labelled = classify(connection.sql("FROM articles"))
    same(connection.cursor().sql("FROM labelled").to_arrow_table())
    register(connection, "of_text", columns=[])
    found = connection.sql("SELECT unnest(of_text('Rovers win the cup.'))").to_arrow_table().to_pylist()
    assert found[0]["topic"] == "sport" and found[0]["error"] is None


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_polars(parquet, same, engine):
    polars = pytest.importorskip("polars")
    from newsdesk.polars import classify

    lazy = classify(polars.scan_parquet(parquet))
    output = lazy.collect(engine=engine)
    assert lazy.collect_schema() == output.schema
    same(output.to_arrow())
    assert lazy.filter(polars.col("id") < 100).head(10).collect(engine=engine).height == 10


def test_polars_writes_while_it_labels(articles, parquet, same, tmp_path):
    polars = pytest.importorskip("polars")
    import pyarrow.parquet
    from newsdesk.polars import classify

    same(classify(polars.from_arrow(articles)).to_arrow())
    classify(polars.scan_parquet(parquet)).sink_parquet(tmp_path / "output.parquet")
    same(pyarrow.parquet.read_table(tmp_path / "output.parquet"))


def test_taken_names_are_kept(articles):
    polars = pytest.importorskip("polars")
    from newsdesk.polars import classify

    frame = polars.from_arrow(articles.slice(2, 3)).with_columns(topic=polars.lit("mine"))
    output = classify(frame)
    assert output["topic"].to_list() == ["mine"] * 3 and output["topic_predicted"].null_count() == 0


@pytest.mark.parametrize("engine", ["polars", "daft", "datafusion"])
def test_columns_are_chosen(articles, engine):
    if engine == "polars":
        polars = pytest.importorskip("polars")
        from newsdesk.polars import classify

        frame, rows = polars.from_arrow(articles), lambda frame: frame.to_dicts()
    elif engine == "daft":
        daft = pytest.importorskip("daft")
        from newsdesk.daft import classify

        frame, rows = daft.from_arrow(articles), lambda frame: frame.to_pylist()
    else:
        datafusion = pytest.importorskip("datafusion")
        from newsdesk.datafusion import classify

        frame, rows = datafusion.SessionContext().from_arrow(articles), lambda frame: frame.to_pylist()

    added = ["topic", "topic_code", "topic_score", "sentiment", "sentiment_score", "error"]
    chosen = rows(classify(frame, columns=["id"]))
    assert list(chosen[0]) == ["id", *added] and len(chosen) == len(articles)
    assert list(rows(classify(frame, columns=[]))[0]) == added
    with pytest.raises(newsdesk.NewsdeskError, match="the input does not have it"):
        classify(frame, columns=["nope"])


DASK = """
    import sys

    import dask.dataframe
    import pyarrow
    import pyarrow.parquet
    from newsdesk.dask import classify

    if __name__ == "__main__":
        parquet, output, scheduler = sys.argv[1:]
        frame = dask.dataframe.from_pandas(pyarrow.parquet.read_table(parquet).to_pandas(), npartitions=8)
        labelled = classify(frame).compute(scheduler=scheduler, num_workers=2)
        table = pyarrow.Table.from_pandas(labelled, preserve_index=False)
        pyarrow.parquet.write_table(table, output)
"""


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_dask(parquet, same, scheduler, tmp_path):
    pytest.importorskip("dask.dataframe")
    import pyarrow.parquet

    job, output = tmp_path / "job.py", tmp_path / "output.parquet"
    job.write_text(textwrap.dedent(DASK), "utf-8")
    subprocess.run([sys.executable, job, parquet, output, scheduler], check=True, timeout=300)
    same(pyarrow.parquet.read_table(output))
