"""The corpus of the tests with engines, and what the command line makes of it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[4]
SAMPLE = ROOT / "datasets" / "sample" / "articles.jsonl"
REPEATS = 8


@pytest.fixture(scope="session", autouse=True)
def environment():
    """Engines start their workers with this Python, and send nothing home."""
    os.environ.update(
        PYSPARK_PYTHON=sys.executable, RAY_USAGE_STATS_ENABLED="0", DAFT_RUNNER="native", DAFT_ANALYTICS_ENABLED="0"
    )


@pytest.fixture(scope="session")
def articles() -> pa.Table:
    """Articles, null, blank and long texts. Each text occurs once, so no cache of predictions helps.

    NEWSDESK_ARTICLES names another file: JSON Lines with a field `text`.
    """
    sample = Path(os.environ.get("NEWSDESK_ARTICLES", SAMPLE))
    repeats = REPEATS if sample == SAMPLE else 1
    sample = [json.loads(line)["text"] for line in sample.read_text("utf-8").splitlines()]
    texts = [f"Edition {number}. {text}" for number in range(repeats) for text in sample]
    texts[::97] = [None] * len(texts[::97])
    texts[1::89] = [""] * len(texts[1::89])
    texts[77] = "The market fell again on Friday. " * 6_000
    titles = [f"Number {number}" if number % 3 == 0 and text else None for number, text in enumerate(texts)]
    return pa.table({"id": range(len(texts)), "title": pa.array(titles, pa.string()), "text": texts})


@pytest.fixture(scope="session")
def parquet(articles, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("articles") / "articles.parquet"
    pq.write_table(articles, path, row_group_size=100)
    return str(path)


@pytest.fixture(scope="session")
def expected(parquet, articles, tmp_path_factory) -> pa.Table:
    """The rows as the command line labels them. Those that it rejects have no labels, and the cause as an error."""
    output = tmp_path_factory.mktemp("expected") / "labelled.parquet"
    command = [sys.executable, "-m", "newsdesk", "classify", parquet, "-o", str(output), "--quiet"]
    assert subprocess.run(command, check=False).returncode == 1
    labelled = pq.read_table(output)
    rejects = [json.loads(line) for line in Path(f"{output}.rejects.jsonl").read_text("utf-8").splitlines()]
    rejected = articles.take([reject["row"] - 1 for reject in rejects])
    rejected = rejected.append_column("error", pa.array([reject["cause"] for reject in rejects]))
    return pa.concat_tables([labelled, rejected], promote_options="default").sort_by("id").combine_chunks()


@pytest.fixture(scope="session")
def same(expected):
    """Checks the rows of an output: all of them, once, with the labels of the command line."""

    def check(output: pa.Table) -> None:
        assert output.column_names == expected.column_names
        output = output.cast(expected.schema).sort_by("id").combine_chunks()
        assert output.num_rows == expected.num_rows
        assert output.equals(expected)

    return check


@contextlib.contextmanager
def killed(name: str):
    """Kills (-9) a process with this in its command line once it has computed for a while. Gives the list of those killed."""
    done, ends = [], threading.Event()

    def kill():
        before = seconds(name)
        while not ends.wait(0.05):
            for process, used in seconds(name).items():
                if used - before.get(process, 0) > 1:
                    os.kill(process, signal.SIGKILL)
                    done.append(process)
                    return

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield done
    finally:
        ends.set()
        thread.join()


def seconds(name: str) -> dict[int, float]:
    """Returns the processor time of each process with this in its command line."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if name in (folder / "cmdline").read_text():
                fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
                found[int(folder.name)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found
