"""A classifier for scikit-learn, which trains a model of Newsdesk. Needs scikit-learn."""

import io
import json
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from ._classifier import Classifier
from ._commands import train
from ._errors import NewsdeskError
from ._tables import texts

# The head of the labels.
_HEAD = "label"


class NewsdeskClassifier(ClassifierMixin, BaseEstimator):
    """Trains a model on texts with one label each.

    Works in a `Pipeline` and with `clone`, `cross_val_score` and `GridSearchCV`. A pickled classifier contains its model.

    Args:
        arch: `"linear"`, which trains in seconds, or `"transformer"`, which fine-tunes `base`.
        base: The model that is fine-tuned. By default the built-in one.
        epochs: The number of epochs. By default 5, for a transformer 3.
        learning_rate: The peak learning rate. By default 0.5, for a transformer 5e-5.
        class_weight: `"balanced"` gives every label the same total weight.
        threads: The number of threads. By default one per CPU.
        random_state: The seed.
        options: Other options of `newsdesk.train`, as a dictionary.

    >>> from newsdesk.sklearn import NewsdeskClassifier
    >>> texts = [f"{word} number {i}" for i in range(40) for word in ("goal", "shares")]
    >>> NewsdeskClassifier(epochs=2).fit(texts, ["sport", "business"] * 40).predict(["goal number 50"])
    array(['sport'], dtype='<U8')
    """

    def __init__(
        self,
        arch: str = "linear",
        *,
        base: str | None = None,
        epochs: int | None = None,
        learning_rate: float | None = None,
        class_weight: str | None = None,
        threads: int | None = None,
        random_state: int = 0,
        options: dict[str, Any] | None = None,
    ) -> None:
        self.arch = arch
        self.base = base
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.class_weight = class_weight
        self.threads = threads
        self.random_state = random_state
        self.options = options

    def fit(self, X: Iterable[str], y: Iterable[Any]) -> "NewsdeskClassifier":  # noqa: N803
        """Trains a model. A tenth of the texts selects the best epoch."""
        read, labels = texts(X), numpy.asarray(list(y))
        if len(read) != len(labels):
            raise NewsdeskError(f"cannot train: there are {len(read)} texts and {len(labels)} labels")
        # The order of the labels is that of numpy, as in other classifiers.
        self.classes_, indices = numpy.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise NewsdeskError("cannot train: all texts have the same label", "give texts with at least two labels")
        with tempfile.TemporaryDirectory(prefix="newsdesk-") as folder:
            data, names, model = (Path(folder, name) for name in ("data.jsonl", "labels.txt", "model"))
            rows = ({"text": text, _HEAD: f"label {index}"} for text, index in zip(read, indices, strict=True))
            data.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
            names.write_text("".join(f"label {index}\n" for index in range(len(self.classes_))), "utf-8")
            train(
                data,
                model,
                arch=self.arch,
                base=self.base,
                epochs=self.epochs,
                learning_rate=self.learning_rate,
                class_weights=self.class_weight,
                threads=self.threads,
                seed=self.random_state,
                labels=names,
                quiet=True,
                **self.options or {},
            )
            self._open(_packed(model))
        return self

    def predict(self, X: Iterable[str]) -> numpy.ndarray:  # noqa: N803
        """Returns the predicted label of each text."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def predict_proba(self, X: Iterable[str]) -> numpy.ndarray:  # noqa: N803
        """Returns the probabilities of the labels, in the order of `classes_`."""
        check_is_fitted(self)
        probabilities = self._classifier.predict_proba(X)
        blank = numpy.flatnonzero(numpy.isnan(probabilities[:, 0]))
        # A text without words says nothing about its label.
        probabilities[blank] = 1 / len(self.classes_)
        return probabilities

    def _open(self, packed: bytes) -> None:
        """Unpacks the model and opens it. It is in memory afterwards, and its folder is gone."""
        self._packed = packed
        with tempfile.TemporaryDirectory(prefix="newsdesk-") as folder:
            with zipfile.ZipFile(io.BytesIO(packed)) as archive:
                archive.extractall(folder)
            self._classifier = Classifier(folder, threads=self.threads)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_classifier"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_packed" in state:
            self._open(state["_packed"])


def _packed(folder: Path) -> bytes:
    """Returns the files of a model folder as an archive."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, mode="w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    return packed.getvalue()
