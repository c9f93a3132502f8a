"""Texts in, dictionaries, labels and probabilities out."""

import json
import os
import pickle
import shutil

import numpy
import pytest
from conftest import SAMPLE, TINY

import newsdesk


def input_of(row):
    return "\n".join(part for part in (row["title"], row["text"]) if part)


def test_dictionaries_have_the_labels_of_the_command_line(classifier, rows, expected):
    answers = classifier([input_of(row) for row in rows])
    for answer, row in zip(answers, expected, strict=True):
        if row["error"] is None:
            topic = {"label": row["topic"], "score": row["topic_score"], "code": row["topic_code"]}
            assert answer == {"topic": topic, "sentiment": {"label": row["sentiment"], "score": row["sentiment_score"]}}
        else:
            assert answer == {"topic": None, "sentiment": None, "error": row["error"]}


def test_one_text_gives_one_dictionary(classifier):
    text = "Rovers win the cup."
    assert classifier(text) == classifier([text])[0]
    assert classifier(text, head="topic") == classifier(text)["topic"]
    ranked = classifier(text, head="topic", top_k=None)
    assert [label["label"] for label in ranked[:2]] == [label["label"] for label in classifier(text, top_k=2)["topic"]]
    assert sorted(label["label"] for label in ranked) == sorted(classifier.classes("topic"))
    assert ranked == sorted(ranked, key=lambda label: -label["score"])


def test_labels_and_probabilities_agree(classifier):
    texts = ["Rovers win the cup.", "Oil prices fall.", None, " "]
    probabilities = classifier.predict_proba(texts, head="topic")
    assert probabilities.shape == (4, len(classifier.classes("topic")))
    assert probabilities.dtype == numpy.float32
    assert numpy.allclose(probabilities[:2].sum(axis=1), 1)
    assert numpy.isnan(probabilities[2:]).all()
    best = [classifier.classes("topic")[index] for index in probabilities[:2].argmax(axis=1)]
    assert classifier.predict(texts, head="topic") == [*best, None, None]
    assert classifier.predict([], head="topic") == []
    assert classifier.predict_proba([], head="topic").shape == (0, len(classifier.classes("topic")))


def test_a_head_must_be_named_where_there_are_several(classifier):
    with pytest.raises(newsdesk.NewsdeskError, match="the model has several"):
        classifier.predict(["x"])
    with pytest.raises(newsdesk.NewsdeskError, match="the model has several"):
        _ = classifier.classes_
    with pytest.raises(newsdesk.NewsdeskError, match="none of that name"):
        classifier.predict(["x"], head="subject")
    topics = classifier.with_options(head="topic")
    assert topics.classes_ == classifier.classes("topic")
    assert topics.predict(["Rovers win the cup."]) == ["sport"]


def test_thresholds_abstain_as_the_command_line_does(classifier):
    text = "It was a day."
    assert classifier.with_options(min_score=1.0)(text)["topic"]["label"] == "unsure"
    assert classifier.with_options(min_score={"topic": 1.0})(text)["sentiment"]["label"] != "unsure"
    assert classifier.with_options(min_score=1.0, head="topic").predict([text]) == ["unsure"]
    assert "unsure" in classifier.with_options(min_precision=0.9)([text, "x"], head="topic")[1]["label"]
    with pytest.raises(newsdesk.NewsdeskError, match="not in the range 0 to 1") as error:
        classifier.with_options(min_score=2)
    assert error.value.hint.startswith("give a score from 0 to 1")


def test_answers_do_not_depend_on_their_company(classifier):
    texts = [line["text"] for line in map(json.loads, SAMPLE.read_text("utf-8").splitlines())]
    together = classifier(texts)
    assert [classifier(text) for text in texts] == together
    assert newsdesk.Classifier(threads=1)(texts[::-1])[::-1] == together


def test_models_are_opened_once(classifier):
    assert newsdesk.Classifier(threads=2)._engine is classifier._engine
    assert newsdesk.Classifier(threads=1)._engine is not classifier._engine
    assert pickle.loads(pickle.dumps(classifier))._engine is classifier._engine
    assert len(pickle.dumps(classifier)) < 1000


def test_a_model_folder_that_changes_is_opened_again(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(TINY, folder)
    first = newsdesk.Classifier(str(folder))
    assert newsdesk.Classifier(str(folder))._engine is first._engine
    os.utime(folder / "model.safetensors", (1, 1))
    assert newsdesk.Classifier(str(folder))._engine is not first._engine


def test_model_info_is_that_of_the_command_line(classifier):
    info = classifier.model_info
    assert [head["name"] for head in info["manifest"]["head"]] == classifier.heads


def test_errors_have_a_cause_and_a_hint(classifier):
    with pytest.raises(newsdesk.NewsdeskError) as error:
        newsdesk.Classifier("no/such/model/folder")
    assert "no/such/model/folder" in str(error.value)
    again = pickle.loads(pickle.dumps(error.value))
    assert str(again) == str(error.value)
    with pytest.raises(newsdesk.NewsdeskError, match='`min_score={"tone": 0.5}`'):
        classifier.with_options(min_score={"tone": 0.5})
    with pytest.raises(newsdesk.NewsdeskError, match="device"):
        newsdesk.Classifier(device="toaster")
    with pytest.raises(newsdesk.NewsdeskError, match="float16"):
        newsdesk.Classifier(dtype="float16")
    with pytest.raises(newsdesk.NewsdeskError, match="text 2: it has the type int"):
        classifier(["a", 7])
    with pytest.raises(newsdesk.NewsdeskError, match="a single string"):
        classifier.predict("a", head="topic")
    for wrong in ({"text": "a"}, b"a", None, 7):
        with pytest.raises(newsdesk.NewsdeskError, match="give a list of strings"):
            classifier(wrong)
    for threads in (0, -1, 10**9):
        with pytest.raises(newsdesk.NewsdeskError, match=f"threads={threads}"):
            newsdesk.Classifier(threads=threads)
    with pytest.raises(newsdesk.NewsdeskError, match="choose from auto, strip, keep"):
        classifier("a", html="maybe")


def test_a_gpu_in_a_build_without_one_names_the_build(classifier):
    with pytest.raises(newsdesk.NewsdeskError) as error:
        newsdesk.Classifier(device="cuda")
    assert "a build with the feature `cuda`" in error.value.hint


def test_a_folder_called_default_does_not_hide_the_built_in_model(tmp_path, monkeypatch):
    (tmp_path / "default").mkdir()
    monkeypatch.chdir(tmp_path)
    assert newsdesk.Classifier(threads=2, max_windows=3).heads == ["topic", "sentiment"]
    with pytest.raises(newsdesk.NewsdeskError):
        newsdesk.Classifier("./default")
