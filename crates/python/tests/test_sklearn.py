"""The classifier for scikit-learn."""

import pickle

import numpy
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone  # noqa: E402
from sklearn.exceptions import NotFittedError  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import Pipeline  # noqa: E402
from sklearn.preprocessing import FunctionTransformer  # noqa: E402

import newsdesk
from newsdesk.sklearn import NewsdeskClassifier  # noqa: E402

WORDS = {"sport": "goal match team", "business": "shares market bank", "arts": "film music book"}
X = numpy.array([f"{words} number {index}" for index in range(40) for words in WORDS.values()])
Y = numpy.array([label for _ in range(40) for label in WORDS])


def test_predicts_labels_in_the_order_of_classes():
    model = NewsdeskClassifier(epochs=3, threads=1).fit(X, Y)
    assert list(model.classes_) == ["arts", "business", "sport"]
    assert list(model.predict(["the match", "a film", "the bank"])) == ["sport", "arts", "business"]
    probabilities = model.predict_proba(["the match", ""])
    assert probabilities.shape == (2, 3) and probabilities[0].argmax() == 2
    assert numpy.allclose(probabilities[1], 1 / 3)
    assert model.score(X, Y) == 1
    again = pickle.loads(pickle.dumps(model))
    assert (again.predict_proba(X) == model.predict_proba(X)).all()


def test_works_with_the_tools_of_scikit_learn():
    model = NewsdeskClassifier(epochs=1, threads=1, random_state=3)
    assert clone(model).get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        model.predict(["x"])
    steps = [("lower", FunctionTransformer(lambda texts: [text.lower() for text in texts])), ("model", model)]
    assert cross_val_score(Pipeline(steps), X, Y, cv=2).mean() > 0.9
    search = GridSearchCV(model, {"epochs": [1, 2]}, cv=2).fit(X, Y)
    assert search.best_score_ > 0.9


def test_labels_may_be_numbers():
    numbers = numpy.unique(Y, return_inverse=True)[1]
    model = NewsdeskClassifier(epochs=3, threads=1).fit(list(X), numbers)
    assert (model.predict(X) == numbers).all()


def test_fine_tunes_a_transformer():
    from conftest import TINY

    options = {"max_length": 16, "max_train_length": 16, "overlap": 2}
    model = NewsdeskClassifier("transformer", base=str(TINY), epochs=1, threads=2, options=options).fit(X, Y)
    assert model.predict_proba(X).shape == (len(X), 3)


def test_mistakes_are_exceptions():
    model = NewsdeskClassifier(epochs=1, threads=1)
    for texts, labels, message in (
        ("a text", Y, "a single string"),
        (X[1:], Y, "labels"),
        (X, ["sport"] * len(X), "all texts have the same label"),
        ([7, *X[1:]], Y, "text 1: it has the type int"),
    ):
        with pytest.raises(newsdesk.NewsdeskError, match=message):
            model.fit(texts, labels)
