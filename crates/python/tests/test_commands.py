"""Training, evaluation and the command line."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from conftest import ROOT, SAMPLE, TINY

import newsdesk

DATA = {"data": SAMPLE, "label_field": "topic", "head": "topic"}


def labelled(path, rows=120):
    """Writes articles that a linear model tells apart."""
    words = {"sport": "goal match team win", "business": "shares market profit bank"}
    lines = [
        {"text": f"{words[label]} number {index}", "label": label} for index in range(rows // 2) for label in words
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def test_a_trained_model_is_opened_and_evaluated(tmp_path):
    data, model = labelled(tmp_path / "data.jsonl"), tmp_path / "model"
    events = []
    scores = newsdesk.train(data, model, arch="linear", epochs=2, threads=1, progress=events.append)
    assert scores[0]["heads"][0]["report"]["accuracy"] == 1
    assert {"epoch", "message"} <= {event["event"] for event in events}
    assert newsdesk.Classifier(model).predict(["goal match"]) == ["sport"]
    progress = []
    scores = newsdesk.evaluate(model, data, progress=progress.append)
    assert scores[0]["heads"][0]["report"]["accuracy"] == 1
    assert progress[-1] == {"event": "evaluation", "set": "data.jsonl", "done": 120, "articles": 120} or progress


def test_an_encoder_is_fine_tuned(tmp_path):
    data, model = labelled(tmp_path / "data.jsonl", 64), tmp_path / "model"
    steps = []
    newsdesk.train(data, model, base=TINY, epochs=1, max_length=16, max_train_length=16, overlap=2, threads=2, progress=steps.append)
    steps = [event for event in steps if event["event"] == "step"]
    assert steps and steps[-1]["step"] == steps[-1]["steps"] and steps[0]["loss"] > 0
    assert newsdesk.Classifier(model, threads=1).classes_ == ["business", "sport"]


def test_evaluation_gives_the_figures_of_the_command_line(tmp_path):
    command = [sys.executable, "-m", "newsdesk", "eval", "default", "--data", str(SAMPLE), "--label-field", "topic"]
    command += ["--head", "topic", "--json", "--quiet"]
    want = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    assert newsdesk.evaluate("default", SAMPLE, label_field="topic", head="topic") == want
    thresholds = {"topic": 0.5, "sentiment": 0.5}
    assert newsdesk.evaluate("default", SAMPLE, label_field="topic", head="topic", min_score=thresholds)


def test_mistakes_are_exceptions(tmp_path):
    with pytest.raises(newsdesk.NewsdeskError, match="`epoch`") as error:
        newsdesk.train(SAMPLE, tmp_path / "model", epoch=3)
    assert "use `epochs`" in error.value.hint
    with pytest.raises(newsdesk.NewsdeskError, match="no-such-file"):
        newsdesk.train(tmp_path / "no-such-file.jsonl", tmp_path / "model")
    for data in ([{"text": "a", "label": "b"}], 7, iter(["a.jsonl"])):
        with pytest.raises(newsdesk.NewsdeskError, match="it is no path"):
            newsdesk.train(data, tmp_path / "model")
    for option in ("help", "json"):
        with pytest.raises(newsdesk.NewsdeskError, match="it has no meaning here"):
            newsdesk.evaluate("default", SAMPLE, **{option: True})
    with pytest.raises(ZeroDivisionError):
        newsdesk.train(labelled(tmp_path / "data.jsonl"), tmp_path / "m", arch="linear", progress=lambda event: 1 // 0)


def test_ctrl_c_in_training_keeps_a_checkpoint(tmp_path):
    data, model = labelled(tmp_path / "data.jsonl", 2000), tmp_path / "model"
    options = f"base={str(TINY)!r}, epochs=40, max_length=16, max_train_length=16, overlap=2, threads=1"
    script = f"""
        import newsdesk
        def progress(event):
            if event["event"] == "step" and event["step"] == 10:
                print("training", flush=True)
        try:
            newsdesk.train({str(data)!r}, {str(model)!r}, {options}, progress=progress)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "training\n"
    process.send_signal(signal.SIGINT)
    assert process.stdout.read().splitlines()[-1] == "interrupted"
    assert process.wait(60) == 0
    assert any("checkpoint" in name for name in os.listdir(model)), os.listdir(model)


def test_the_command_line_is_in_the_package(tmp_path):
    command = [sys.executable, "-m", "newsdesk"]
    version = subprocess.run([*command, "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout
    assert version == f"newsdesk {newsdesk.__version__}\n"
    text = subprocess.run(
        [*command, "classify", "--text", "Rovers win the cup.", "--json"], check=True, stdout=subprocess.PIPE
    ).stdout
    assert json.loads(text)["topic"] == "sport"
    failed = subprocess.run([*command, "classify", "no-such-file"], check=False, stderr=subprocess.PIPE, text=True)
    assert failed.returncode == 2 and failed.stderr.startswith("error: ") and "hint: " in failed.stderr
    assert (ROOT / "Cargo.toml").exists()


def test_ctrl_c_ends_the_command_line(tmp_path):
    source = tmp_path / "rows.jsonl"
    source.write_text('{"text": "Rovers win the cup on a day of rain."}\n' * 100_000, "utf-8")
    output = tmp_path / "labelled.jsonl"
    command = [sys.executable, "-m", "newsdesk", "classify", str(source), "-o", str(output)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    partial = tmp_path / "labelled.jsonl.partial"
    while not partial.exists() or partial.stat().st_size == 0:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert "--resume" in process.stderr.read()
