"""What the tests share: the sample articles of the repository, and the command line."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import newsdesk

ROOT = Path(__file__).parents[3]
SAMPLE = ROOT / "datasets" / "sample" / "articles.jsonl"
TINY = ROOT / "models" / "tiny"

# Columns that the model adds, if the input has no columns of these names.
LABELS = ["topic", "topic_code", "topic_score", "sentiment", "sentiment_score"]


@pytest.fixture(scope="session", autouse=True)
def ctrl_c() -> None:
    """Lets processes of tests handle Ctrl-C. A job in the background of a shell ignores it, and so would they."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def classifier() -> newsdesk.Classifier:
    return newsdesk.Classifier(threads=2)


@pytest.fixture(scope="session")
def rows() -> list[dict]:
    """Articles with a title and a text, and rows that cannot be labelled."""
    lines = SAMPLE.read_text("utf-8").splitlines()
    rows = [{"title": row.get("title"), "text": row["text"]} for row in map(json.loads, lines)]
    rows += [{"title": None, "text": None}, {"title": None, "text": ""}, {"title": None, "text": " …"}]
    rows += [{"title": None, "text": "<p>Rovers lift the <b>cup</b> &amp; celebrate.</p>"}]
    return [{"id": index, **row} for index, row in enumerate(rows)]


@pytest.fixture(scope="session")
def expected(rows, tmp_path_factory) -> list[dict]:
    """The rows as the command line labels them; those that it rejects have no labels."""
    folder = tmp_path_factory.mktemp("expected")
    source, output = folder / "rows.jsonl", folder / "labelled.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    command = [sys.executable, "-m", "newsdesk", "classify", str(source), "-o", str(output), "--quiet"]
    assert subprocess.run(command, check=False).returncode == 1
    labelled = {row["id"]: row for row in map(json.loads, output.read_text("utf-8").splitlines())}
    rejected = (folder / "labelled.jsonl.rejects.jsonl").read_text("utf-8").splitlines()
    causes = {json.loads(json.loads(line)["raw"])["id"]: json.loads(line)["cause"] for line in rejected}
    assert len(causes) == 3
    # A null of JSON has a cause of its own. In tables, a null is a blank text.
    causes = {row: cause if "null" not in cause else "the text is blank" for row, cause in causes.items()}
    missing = dict.fromkeys(LABELS)
    return [labelled.get(row["id"], row | missing) | {"error": causes.get(row["id"])} for row in rows]
