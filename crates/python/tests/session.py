"""A session as in a notebook. It runs with pandas, polars and pyarrow, and without any of them."""

import importlib.util

import newsdesk

ROWS = [
    {"id": 1, "text": "Rovers lift the cup after two late goals."},
    {"id": 2, "text": "Shares fell as oil prices rose and banks cut their forecasts."},
    {"id": 3, "text": None},
]
WANT = ["sport", "economy, business and finance", None]

classifier = newsdesk.Classifier()
print(classifier)
print(classifier(ROWS[0]["text"]))
assert classifier.predict([row["text"] for row in ROWS], head="topic") == WANT
assert [row["topic"] for row in classifier.classify(ROWS)] == WANT
try:
    newsdesk.Classifier("no/such/folder")
except newsdesk.NewsdeskError as error:
    print(f"NewsdeskError: {error}")
else:
    raise AssertionError("a missing folder was opened")

if importlib.util.find_spec("pandas"):
    import pandas

    labelled = classifier.classify(pandas.DataFrame(ROWS))
    print(labelled)
    assert labelled["topic"].where(labelled["topic"].notna(), None).tolist() == WANT
if importlib.util.find_spec("polars"):
    import polars

    labelled = classifier.classify(polars.DataFrame(ROWS))
    print(labelled)
    assert labelled["topic"].to_list() == WANT
if importlib.util.find_spec("pyarrow"):
    import pyarrow

    labelled = classifier.classify(pyarrow.Table.from_pylist(ROWS))
    print(labelled.schema)
    assert labelled["topic"].to_pylist() == WANT
