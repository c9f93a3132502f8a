"""Tables of all libraries get the labels of the command line."""

import pytest
from conftest import LABELS

import newsdesk

ADDED = [*LABELS, "error"]


def plain(rows):
    return [{name: row[name] for name in ("id", "title", "text", *ADDED)} for row in rows]


@pytest.fixture
def want(expected):
    return plain(expected)


def columns_of(rows):
    return {name: [row[name] for row in rows] for name in rows[0]}


def test_dictionaries(classifier, rows, want):
    assert classifier.classify(rows) == want


def test_pandas(classifier, rows, want):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(rows, index=[f"row {row['id']}" for row in rows])
    labelled = classifier.classify(frame)
    assert list(labelled.index) == list(frame.index)
    assert labelled["id"].dtype == frame["id"].dtype
    assert list(frame.columns) == ["id", "title", "text"]
    back = labelled.astype(object).where(labelled.notna(), None).to_dict("records")
    assert plain(back) == want
    assert len(classifier.classify(frame, errors="drop")) == len(frame) - 3


def test_polars(classifier, rows, want):
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(rows)
    assert classifier.classify(frame).to_dicts() == want
    assert len(classifier.classify(frame, errors="drop")) == len(frame) - 3
    with pytest.raises(newsdesk.NewsdeskError, match="LazyFrame"):
        classifier.classify(frame.lazy())


@pytest.mark.parametrize("kind", ["string", "large_string", "string_view", "dictionary"])
def test_pyarrow(classifier, rows, want, kind):
    pa = pytest.importorskip("pyarrow")
    types = {
        "string": pa.string(),
        "large_string": pa.large_string(),
        "string_view": pa.string_view(),
        "dictionary": pa.dictionary(pa.int32(), pa.string()),
    }
    texts = pa.array([row["text"] for row in rows], pa.string())
    texts = texts.dictionary_encode() if kind == "dictionary" else texts.cast(types[kind])
    columns = {"id": [row["id"] for row in rows], "title": [row["title"] for row in rows], "text": texts}
    table = pa.table(columns)
    labelled = classifier.classify(table)
    assert labelled.to_pylist() == want
    assert labelled.schema.field("text").type == types[kind]
    assert labelled.schema.field("topic").type == (pa.string() if kind == "dictionary" else types[kind])
    assert [field.name for field in labelled.schema][3:] == ADDED
    # Several batches, of which some are empty.
    pieces = [table.slice(0, 10), table.slice(10, 0), table.slice(10)]
    table = pa.concat_tables(pieces)
    assert classifier.classify(table).to_pylist() == want
    batch = table.combine_chunks().to_batches()[0]
    assert classifier.classify(batch).to_pylist() == want
    reader = classifier.classify(pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=7)))
    assert isinstance(reader, pa.RecordBatchReader)
    assert reader.read_all().to_pylist() == want
    assert classifier.classify(table.slice(0, 0)).schema == labelled.schema
    # The input columns are passed on, not copied.
    assert classifier.classify(batch).column("text").buffers()[-1].address == batch.column("text").buffers()[-1].address


def test_other_arrow_objects(classifier, rows, want):
    pa = pytest.importorskip("pyarrow")

    class Stream:
        def __arrow_c_stream__(self, requested_schema=None):
            return pa.Table.from_pylist(rows).__arrow_c_stream__(requested_schema)

    assert pa.table(classifier.classify(Stream())).to_pylist() == want


def test_a_reader_is_labelled_while_it_is_read(classifier):
    pa = pytest.importorskip("pyarrow")
    schema = pa.schema({"text": pa.string()})
    read = 0

    def endless():
        nonlocal read
        while True:
            read += 1
            yield pa.record_batch({"text": ["Rovers win the cup."] * 1000}, schema)

    labelled = classifier.classify(pa.RecordBatchReader.from_batches(schema, endless()))
    for _ in range(2):
        assert labelled.read_next_batch().num_rows == 1000
    assert read <= 8


def test_null_blank_and_huge_texts_in_one_batch(classifier):
    huge = "The market fell again on Friday. " * 65_000
    assert len(huge) > 2_000_000
    rows = [{"text": None}, {"text": ""}, {"text": huge[:200_000]}, {"text": "Rovers win the cup."}]
    labelled = classifier.classify(rows)
    assert [row["error"] for row in labelled] == ["the text is blank"] * 2 + [None] * 2
    assert [row["topic"] for row in labelled][2:] == ["economy, business and finance", "sport"]
    few = newsdesk.Classifier(max_windows=2, threads=2)
    assert few.classify([{"text": huge}, {"text": None}])[0]["topic"] == "economy, business and finance"


def test_columns_are_named_like_those_of_the_command_line(classifier):
    rows = [{"topic": "mine", "Headline": "Cup", "body": "Rovers win."}]
    labelled = classifier.classify(rows, top_k=1, prefix="")[0]
    assert labelled["topic"] == "mine" and labelled["topic_predicted"] == labelled["topic_predicted_1"] == "sport"
    assert classifier.classify(rows, overwrite_columns=True)[0]["topic"] == "sport"
    assert list(classifier.classify(rows, columns=["body"])[0])[:2] == ["body", "topic"]
    assert list(classifier.classify(rows, columns=[], prefix="nd_"))[0].keys() == {f"nd_{name}" for name in ADDED}
    assert len(classifier.classify(rows, scores=True)[0]) == 3 + len(ADDED) + 17 + 3
    assert classifier.classify(rows, language=True)[0]["language"] is None


def test_wrong_columns_are_one_clear_error(classifier):
    pa = pytest.importorskip("pyarrow")
    with pytest.raises(newsdesk.NewsdeskError, match="the column `story`") as error:
        classifier.classify(pa.table({"text": ["a"]}), text="story")
    assert "another column with `text`" in error.value.hint
    with pytest.raises(newsdesk.NewsdeskError, match="text"):
        classifier.classify(pa.table({"story": ["a"]}))
    with pytest.raises(newsdesk.NewsdeskError, match="Int64"):
        classifier.classify(pa.table({"text": [1]}))
    with pytest.raises(newsdesk.NewsdeskError, match="row 2 has the type int"):
        classifier.classify([{"text": "a"}, {"text": 7}])
    with pytest.raises(newsdesk.NewsdeskError, match="it is no table"):
        classifier.classify(7)
    with pytest.raises(newsdesk.NewsdeskError, match="choose from column, drop"):
        classifier.classify([{"text": "a"}], errors="ignore")


def test_a_column_is_no_table(classifier):
    pa, pandas, polars = (pytest.importorskip(name) for name in ("pyarrow", "pandas", "polars"))
    for column in (pa.array(["a"]), pa.chunked_array([["a"]]), pandas.Series(["a"]), polars.Series(["a"])):
        with pytest.raises(newsdesk.NewsdeskError, match="it is no table") as error:
            classifier.classify(column)
        assert "for texts, call the classifier itself" in error.value.hint
    frame = pandas.DataFrame({("article", "text"): ["a"]})
    with pytest.raises(newsdesk.NewsdeskError, match="several levels"):
        classifier.classify(frame)
    for make in (classifier.classify, lambda rows, columns: newsdesk.BatchClassifier(columns=columns)):
        with pytest.raises(newsdesk.NewsdeskError, match="it is a string"):
            make([{"id": 1, "text": "a"}], columns="id")


def test_half_characters_are_read_and_kept(classifier):
    pair, half = "\ud83d\ude00 Rovers win the cup.", "\ud83d Rovers win the cup."
    assert classifier([pair, half]) == classifier(["\U0001f600 Rovers win the cup.", "\ufffd Rovers win the cup."])
    labelled = classifier.classify([{"text": half}])
    assert labelled[0]["text"] == half and labelled[0]["topic"] == "sport"


def test_batch_classifier(rows, want):
    pa = pytest.importorskip("pyarrow")
    import pickle

    label = pickle.loads(pickle.dumps(newsdesk.BatchClassifier(threads=2)))
    batch = pa.RecordBatch.from_pylist(rows)
    labelled = label(batch)
    assert isinstance(labelled, pa.RecordBatch) and labelled.to_pylist() == want
    assert label.output_schema(batch.schema) == labelled.schema
    pieces = [batch.slice(0, 30), batch.slice(30)]
    assert pa.Table.from_batches(label.stream(iter(pieces))).to_pylist() == want
    assert list(label.stream(iter([]))) == []
    texts = batch.column("text")
    structs = label.labels(texts)
    assert structs.type == label.label_type(texts.type)
    assert [row["error"] for row in structs.to_pylist()] == [row["error"] for row in want]


def test_a_batch_with_another_schema_is_refused(classifier):
    pa = pytest.importorskip("pyarrow")
    good = pa.record_batch({"text": ["Rovers win the cup."], "n": [1]})
    for other in (
        pa.record_batch({"text": ["Rovers win the cup."], "n": [1.5]}),
        pa.record_batch({"text": pa.array(["Rovers win the cup."], pa.large_string()), "n": [1]}),
        pa.record_batch({"text": ["Rovers win the cup."]}),
    ):
        stream = newsdesk.BatchClassifier(threads=2).stream(iter([good, other]))
        assert next(stream).num_rows == 1
        for _ in range(2):
            with pytest.raises(newsdesk.NewsdeskError, match="give batches with one schema"):
                list(newsdesk.BatchClassifier(threads=2).stream(iter([good, other])))


def test_columns_without_values(classifier):
    pa = pytest.importorskip("pyarrow")
    labelled = classifier.classify(pa.table({"text": pa.nulls(2), "id": [1, 2]}))
    assert labelled["error"].to_pylist() == ["the text is blank"] * 2
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"text": ["Rovers win the cup.", None], "none": [None, None], "any": [object(), object()]})
    labelled = classifier.classify(frame)
    assert labelled["topic"].to_list() == ["sport", None] and labelled.columns[:3] == frame.columns
    assert labelled["any"].to_list() == frame["any"].to_list()
    assert classifier.classify(frame, errors="drop", columns=["none"]).columns[:2] == ["none", "topic"]


def test_types_of_pandas_do_not_depend_on_the_rows(classifier):
    pandas = pytest.importorskip("pandas")
    frames = [pandas.DataFrame({"text": pandas.Series(texts, dtype="str")}) for texts in ([], [None], ["Rovers win."])]
    types = [list(classifier.classify(frame).dtypes) for frame in frames]
    assert types[0] == types[1] == types[2]


def test_an_object_with_an_array_only(classifier):
    pa = pytest.importorskip("pyarrow")

    class Array:
        def __arrow_c_array__(self, requested_schema=None):
            return pa.record_batch({"text": ["Rovers win the cup."]}).__arrow_c_array__(requested_schema)

    assert pa.record_batch(classifier.classify(Array())).to_pylist()[0]["topic"] == "sport"


def test_an_error_of_the_input_follows_the_batches_before_it(classifier):
    pa = pytest.importorskip("pyarrow")
    schema = pa.schema({"text": pa.string()})

    def broken():
        yield pa.record_batch({"text": ["Rovers win the cup."]}, schema)
        raise LookupError("the source is gone")

    labelled = classifier.classify(pa.RecordBatchReader.from_batches(schema, broken()))
    assert labelled.read_next_batch().num_rows == 1
    with pytest.raises(LookupError, match="the source is gone"):
        labelled.read_next_batch()
    labelled = classifier.classify(pa.RecordBatchReader.from_batches(schema, broken()))
    with pytest.raises(LookupError, match="the source is gone"):
        labelled.read_all()
