"""Forks, threads, spawned processes and Ctrl-C."""

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest
from conftest import TINY

import newsdesk

TEXTS = [f"Rovers win the cup for the {number}th time." for number in range(40)]
ROUNDS = 100


def answers(classifier):
    return classifier(TEXTS, head="topic")


def test_threads_share_a_model(classifier):
    want = answers(classifier)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: answers(classifier), range(20))) == [want] * 20


def test_a_fork_while_threads_compute_does_not_hang():
    """Two threads compute and open models all the time, while the process forks again and again."""
    tiny = newsdesk.Classifier(str(TINY), threads=2)
    want = answers_of(tiny)
    ends = threading.Event()

    def compute(open_models):
        while not ends.is_set():
            if open_models:
                newsdesk.clear_cache()
                newsdesk.Classifier(str(TINY), threads=2, max_windows=1 + int(time.time() * 1000) % 1000)
            answers_of(tiny)

    threads = [threading.Thread(target=compute, args=(open_models,)) for open_models in (False, True)]
    for thread in threads:
        thread.start()
    try:
        for round_number in range(ROUNDS):
            child = os.fork()
            if child == 0:
                # The model of the parent, and one that is opened here, with threads of this process.
                code = 1
                try:
                    signal.alarm(60)
                    opened = newsdesk.Classifier(str(TINY), threads=2, max_windows=2000 + round_number)
                    code = 0 if answers_of(tiny) == want == answers_of(opened) else 2
                finally:
                    os._exit(code)
            _, status = os.waitpid(child, 0)
            assert status == 0, f"round {round_number}: status {status}"
    finally:
        ends.set()
        for thread in threads:
            thread.join()


def answers_of(classifier):
    return classifier(TEXTS[:4])


def test_the_built_in_model_opens_in_a_forked_child(classifier):
    want = answers(classifier)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.alarm(60)
            code = 0 if answers(classifier) == want == answers(newsdesk.Classifier(threads=1)) else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


def test_a_reader_of_the_parent_is_refused_in_a_child(classifier):
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"text": TEXTS})

    class Stream:
        def __arrow_c_stream__(self, requested_schema=None):
            return table.__arrow_c_stream__(requested_schema)

    reader = classifier.classify(Stream())
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.alarm(60)
            reader.read_all()
        except newsdesk.NewsdeskError as error:
            code = 0 if "another process" in str(error) else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert reader.read_all().num_rows == len(TEXTS)


def test_spawned_processes_get_the_settings(classifier):
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        assert list(pool.map(answers, [classifier] * 3)) == [answers(classifier)] * 3


@pytest.mark.parametrize(
    "work",
    [
        "classifier([text] * 100_000)",
        "classifier.classify([{'text': text}] * 100_000)",
        "pyarrow.table(classifier.classify(pyarrow.table({'text': [text] * 100_000})))",
        "newsdesk.evaluate('default', data, label_field='topic', head='topic')",
    ],
)
def test_ctrl_c_interrupts_work(work, tmp_path):
    if "pyarrow" in work:
        pytest.importorskip("pyarrow")
    data = tmp_path / "data.jsonl"
    line = '{"text": "Rovers win the cup on a day of rain and wind.", "topic": "sport"}\n'
    data.write_text(line * 50_000, "utf-8")
    script = f"""
        import newsdesk, time
        {"import pyarrow" if "pyarrow" in work else ""}
        text, data = "Rovers win the cup on a day of rain and wind.", {str(data)!r}
        classifier = newsdesk.Classifier(threads=2)
        print("ready", flush=True)
        try:
            {work}
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    assert process.stdout.read() == "interrupted\n"
    process.wait(60)
    assert time.monotonic() - started < 30
