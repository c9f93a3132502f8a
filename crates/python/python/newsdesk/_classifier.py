"""The classifier."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from . import _commands, _tables
from ._engines import ModelSettings, batch_lock
from ._errors import NewsdeskError
from ._newsdesk import Engine, Labeller

# A threshold for all heads, or one for each of several heads.
Thresholds = float | Mapping[str, float] | None


class Classifier:
    """Labels news articles with a model: by topic and sentiment with the built-in one.

    A process opens each model once, whatever the number of classifiers. Threads can share a classifier. A pickled
    classifier holds its settings only, and opens the model where it is unpickled.

    Args:
        model: `"default"` for the built-in model, a model folder, or a name of the Hugging Face hub: `"ORG/NAME[@REVISION]"`.
        head: The head that `predict`, `predict_proba` and `classes_` use. A model with one head needs none.
        device: `"auto"`, `"cpu"`, `"cuda"`, `"cuda:N"` or `"metal"`.
        threads: The number of threads. By default one per CPU that the process may use.
        dtype: `"auto"` (the fastest that the model is certified for), `"f32"`, `"int16"`, `"bf16"` or `"int8"`.
        max_windows: The number of windows that are read of an article. By default all.
        min_score: Abstain below this score, from 0 to 1; a dictionary sets it by head. The label is then `"unsure"`.
        min_precision: Abstain if the score is too low for this precision, as `newsdesk calibrate` measured it.
        activation: The activation of all heads (`"softmax"`, `"sigmoid"`, `"none"`) in place of the model's.
        allow_pickle: Read `pytorch_model.bin` where a folder has no safetensors file.
        offline: Use models of the hub from the cache only.

    >>> import newsdesk
    >>> classifier = newsdesk.Classifier()
    >>> classifier("Rovers lift the cup\\nTwo late goals gave Rovers a famous win in the final.")["topic"]["label"]
    'sport'
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = "default",
        *,
        head: str | None = None,
        device: str = "auto",
        threads: int | None = None,
        dtype: str = "auto",
        max_windows: int | None = None,
        min_score: Thresholds = None,
        min_precision: Thresholds = None,
        activation: str | None = None,
        allow_pickle: bool = False,
        offline: bool = False,
    ) -> None:
        self._settings = ModelSettings(
            os.fspath(model), device, threads, dtype, max_windows, activation, allow_pickle, offline
        )
        self._head = head
        self._thresholds = (_values(min_score), _values(min_precision))
        self._open()

    def _open(self) -> None:
        self._engine: Engine = self._settings.engine()
        self._min_scores = self._engine.min_scores(*self._thresholds)
        self._heads: list[dict[str, Any]] = self._engine.heads()
        if self._head is not None:
            self._index(self._head)

    def __getstate__(self) -> dict[str, Any]:
        return {"settings": self._settings, "head": self._head, "thresholds": self._thresholds}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._settings, self._head, self._thresholds = state["settings"], state["head"], state["thresholds"]
        self._open()

    def __repr__(self) -> str:
        described = self._engine.description()
        return (
            f"<newsdesk.Classifier {described['name']}, heads {', '.join(self.heads)}, "
            f"{described['dtype']} on {described['device']}, threads {described['threads']}>"
        )

    @property
    def heads(self) -> list[str]:
        """The names of the model's heads.

        >>> newsdesk.Classifier().heads
        ['topic', 'sentiment']
        """
        return [head["name"] for head in self._heads]

    @property
    def classes_(self) -> list[str]:
        """The labels of the head, in the order of `predict_proba`. With several heads, name one: `Classifier(head="topic")`."""
        return self.classes()

    def classes(self, head: str | None = None) -> list[str]:
        """Returns the labels of a head, in the order of `predict_proba`.

        >>> newsdesk.Classifier().classes("sentiment")
        ['negative', 'neutral', 'positive']
        """
        return list(self._heads[self._index(head)]["labels"])

    def codes(self, head: str | None = None) -> list[str | None]:
        """Returns the codes of a head's labels, such as IPTC's `"medtop:15000000"`, in the order of `classes`."""
        return list(self._heads[self._index(head)]["codes"])

    def __call__(
        self,
        texts: str | Iterable[str | None],
        *,
        head: str | None = None,
        top_k: int | None = 1,
        html: str = "auto",
    ) -> Any:
        """Labels a text, or several.

        Returns a dictionary for a text, and a list of them for several. It has an entry for each head:
        `{"label": "sport", "score": 0.98}`, with `"code"` where labels have codes. Of a multi-label head it is the list of all
        labels that apply. With `head`, or if the model has only one, the dictionary is that of the head, as pipelines of
        transformers return it. Scores have four decimals.

        With `top_k`, it is a list with the `top_k` most probable labels; `None` gives all of them.

        A text without words gets `None` for each head, and an entry `"error"`.

        >>> classifier = newsdesk.Classifier()
        >>> [answer["label"] for answer in classifier(["Oil prices rise.", "Rovers win the cup."], head="topic")]
        ['economy, business and finance', 'sport']
        >>> classifier("")["error"]
        'the text is blank'
        """
        _refuse_top_k(top_k)
        chosen = self._index(head) if head or self._head or len(self._heads) == 1 else None
        if isinstance(texts, str):
            return self._engine.predict(_tables.texts([texts]), html, chosen, top_k, self._min_scores)[0]
        return self._engine.predict(_tables.texts(texts), html, chosen, top_k, self._min_scores)

    def predict(self, texts: Iterable[str | None], *, head: str | None = None, html: str = "auto") -> list[Any]:
        """Returns the predicted label of each text: `None` for a blank one, a list of labels for a multi-label head.

        >>> newsdesk.Classifier().predict(["Rovers win the cup."], head="topic")
        ['sport']
        """
        return self._engine.labels(_tables.texts(texts), html, self._index(head), self._min_scores)

    def predict_proba(self, texts: Iterable[str | None], *, head: str | None = None, html: str = "auto") -> Any:
        """Returns the probabilities of the labels as a numpy array of 32-bit floats: a row for each text, a column for each label.

        The row of a blank text is NaN. Needs numpy.
        """
        import numpy

        index = self._index(head)
        values = self._engine.probabilities(_tables.texts(texts), html, index)
        return numpy.frombuffer(values, numpy.float32).reshape(-1, len(self._heads[index]["labels"])).copy()

    def classify(
        self,
        data: Any,
        *,
        text: str | None = None,
        title: str | None = None,
        html: str = "auto",
        scores: bool = False,
        top_k: int | None = None,
        language: bool = False,
        columns: Sequence[str] | None = None,
        prefix: str = "",
        overwrite_columns: bool = False,
        errors: str = "column",
    ) -> Any:
        """Labels the rows of a table, and returns it with the columns that `newsdesk classify` adds.

        The table may be a data frame of pandas or polars, a table, batch or reader of pyarrow, a list of dictionaries, or any
        object with `__arrow_c_stream__` or `__arrow_c_array__`. The result has the same form. A reader is labelled while it is
        read. All input columns stay, in their order.

        Args:
            data: The table.
            text: The column with the text. By default `text`, `body`, `content` or `article`.
            title: The column with the title. By default `title` or `headline`, if there is one.
            html: What is done with HTML in texts: `"auto"` removes it where it is plain, `"strip"` always, `"keep"` never.
            scores: Add the score of every label.
            top_k: Add the K most probable labels of each head, with their scores.
            language: Add the column `language`.
            columns: The input columns to keep, in this order. `[]` keeps none.
            prefix: Put before the names of the added columns.
            overwrite_columns: Replace input columns of the same name. By default the added ones get other names.
            errors: What is done with rows that have no text: `"column"` keeps them, with null labels and the cause in the
                column `error`; `"drop"` leaves them out, and there is no such column.

        >>> rows = [{"id": 7, "text": "Rovers win the cup."}, {"id": 8, "text": None}]
        >>> [(row["id"], row["topic"], row["error"]) for row in newsdesk.Classifier().classify(rows)]
        [(7, 'sport', None), (8, None, 'the text is blank')]
        """
        if scores and top_k is not None:
            raise NewsdeskError("cannot use scores=True with top_k: they exclude each other", "leave one of them out")
        _refuse_top_k(top_k)
        _tables.refuse_string(columns)

        def labeller(schema: Any, errors: str) -> Labeller:
            return Labeller(
                self._engine,
                schema,
                text=text,
                title=title,
                html=html,
                top_k=-1 if scores else top_k or 0,
                min_scores=self._min_scores,
                prefix=prefix,
                columns=None if columns is None else list(columns),
                overwrite_columns=overwrite_columns,
                language=language,
                errors=errors,
            )

        return _tables.label(data, _tables.Columns(text, title, errors, labeller, batch_lock(self._engine)))

    def with_options(self, **options: Any) -> "Classifier":
        """Returns a classifier with some other options: `head`, `min_score`, `min_precision`, or those of the model.

        The model is opened again only if an option needs it.
        """
        thresholds = dict(zip(("min_score", "min_precision"), self._thresholds, strict=True))
        settings = asdict(self._settings) | {"head": self._head}
        given = {name: options.pop(name) for name in list(options) if name in thresholds}
        unknown = options.keys() - settings.keys()
        if unknown:
            raise TypeError(f"with_options() got an unexpected keyword argument {min(unknown)!r}")
        other = object.__new__(Classifier)
        other._head = options.pop("head", self._head)
        other._settings = replace(self._settings, **options)
        # A new threshold of one kind takes the place of an old one of the other kind.
        other._thresholds = (_values(given.get("min_score")), _values(given.get("min_precision"))) if given else self._thresholds
        other._open()
        return other

    @property
    def model_info(self) -> dict[str, Any]:
        """What is known about the model, as `newsdesk models info --json` tells it: architecture, manifest, certificates, scores, training."""
        arguments = ["models", "info", "--json", self._settings.model]
        arguments += ["--allow-pickle"] if self._settings.allow_pickle else []
        arguments += ["--offline"] if self._settings.offline else []
        _, info = _commands.run(arguments)
        return json.loads(info or "{}")

    def _index(self, head: str | None) -> int:
        """Returns the index of a head."""
        head = head or self._head
        names = self.heads
        if head is None and len(names) == 1:
            return 0
        if head is None:
            raise NewsdeskError("cannot choose a head: the model has several", f"name one with `head`: {', '.join(names)}")
        if head not in names:
            raise NewsdeskError(f"cannot use the head `{head}`: the model has none of that name", f"choose from {', '.join(names)}")
        return names.index(head)


def _values(thresholds: Thresholds) -> list[str]:
    """Returns thresholds as the options of the command line have them."""
    if thresholds is None:
        return []
    if isinstance(thresholds, Mapping):
        return [f"{head}={value}" for head, value in thresholds.items()]
    return [str(thresholds)]


def _refuse_top_k(top_k: int | None) -> None:
    if top_k is not None and top_k < 1:
        raise NewsdeskError(f"cannot use top_k={top_k}: it is below 1", "give a number of labels, or None")
