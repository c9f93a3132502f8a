"""A batch in, a batch out: what engines such as Spark and Ray call."""

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ._classifier import Classifier, Thresholds
from ._errors import NewsdeskError
from ._newsdesk import article_columns
from ._tables import refuse_string


class BatchClassifier:
    """Labels record batches. It is callable, and can be pickled: an engine sends it to its workers.

    It holds settings only. Each worker process opens the model at its first batch, and keeps it. A batch is labelled as
    `Classifier.classify` labels it: the same rows in the same order, input columns by reference, then the added columns.
    A row's labels do not depend on its batch, so an engine may repeat any batch.

    Args:
        model: The model, as for `Classifier`.
        text: The column with the text.
        title: The column with the title.
        threads: The number of threads that the engine gives a task.
        device, dtype, max_windows, min_score, min_precision, offline: As for `Classifier`.
        html, scores, top_k, language, columns, prefix, overwrite_columns, errors: As for `Classifier.classify`.

    >>> import pickle
    >>> label = pickle.loads(pickle.dumps(newsdesk.BatchClassifier(columns=["id"], threads=1)))
    >>> label([{"id": 7, "text": "Rovers win the cup."}])[0]["topic"]
    'sport'
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = "default",
        *,
        text: str | None = None,
        title: str | None = None,
        threads: int | None = None,
        device: str = "auto",
        dtype: str = "auto",
        max_windows: int | None = None,
        min_score: Thresholds = None,
        min_precision: Thresholds = None,
        offline: bool = False,
        html: str = "auto",
        scores: bool = False,
        top_k: int | None = None,
        language: bool = False,
        columns: Sequence[str] | None = None,
        prefix: str = "",
        overwrite_columns: bool = False,
        errors: str = "column",
    ) -> None:
        refuse_string(columns)
        self._model: dict[str, Any] = {
            "model": os.fspath(model),
            "threads": threads,
            "device": device,
            "dtype": dtype,
            "max_windows": max_windows,
            "min_score": min_score,
            "min_precision": min_precision,
            "offline": offline,
        }
        self._table: dict[str, Any] = {
            "text": text,
            "title": title,
            "html": html,
            "scores": scores,
            "top_k": top_k,
            "language": language,
            "columns": columns,
            "prefix": prefix,
            "overwrite_columns": overwrite_columns,
            "errors": errors,
        }

    def __repr__(self) -> str:
        settings = {name: value for name, value in (self._model | self._table).items() if value}
        return f"newsdesk.BatchClassifier({', '.join(f'{name}={value!r}' for name, value in settings.items())})"

    @property
    def threads(self) -> int | None:
        """The number of threads; None where it is left open."""
        return self._model["threads"]

    @property
    def device(self) -> str:
        """The device."""
        return self._model["device"]

    @property
    def classifier(self) -> Classifier:
        """The classifier of this process, which opens the model if that has not happened."""
        return Classifier(**self._model)

    def __call__(self, batch: Any) -> Any:
        """Labels a batch or a table, and returns it in the same form."""
        return self.classifier.classify(batch, **self._table)

    def stream(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Labels batches of pyarrow with one schema, while they are read."""
        import pyarrow

        batches = iter(batches)
        first = next(batches, None)
        if first is None:
            return

        def again() -> Iterator[Any]:
            yield first
            yield from batches

        reader = pyarrow.RecordBatchReader.from_batches(first.schema, again())
        yield from self.classifier.classify(reader, **self._table)

    def output_schema(self, schema: Any) -> Any:
        """Returns the schema of the labelled batches, for a schema of pyarrow."""
        import pyarrow

        return self(pyarrow.RecordBatch.from_pylist([], schema)).schema

    def with_settings(self, **settings: Any) -> "BatchClassifier":
        """Returns a callable with other values of some settings."""
        return BatchClassifier(**self._model | self._table | settings)

    def kept_columns(self, names: Sequence[str]) -> list[str]:
        """Returns which columns of a table stay beside the added ones, where the engine itself adds them.

        Raises:
            NewsdeskError: If a column that is asked for does not exist.
        """
        asked_for = self._table["columns"]
        if asked_for is None:
            added = {field.name for field in self.label_type()} if self._table["overwrite_columns"] else set()
            return [name for name in names if name not in added]
        for name in asked_for:
            if name not in names:
                raise NewsdeskError(
                    f"cannot select the column `{name}`: the table does not have it", f"the columns are {', '.join(names)}"
                )
        return list(asked_for)

    def labels(self, text: Any, title: Any = None, *, existing_columns: Iterable[str] = ()) -> Any:
        """Labels an array of texts of pyarrow, and returns a struct array with the added columns, one struct per text.

        `existing_columns` names the columns of the table that the labels are added to: the added columns then get other names.
        """
        import pyarrow

        if self._table["errors"] == "drop":
            raise NewsdeskError(
                "cannot label a column with errors=\"drop\": it would lose rows", "leave the setting out, and filter by `error`"
            )
        article = {"text": text} if title is None else {"text": text, "title": title}
        others = [name for name in existing_columns if name not in article]
        # Chunks are never joined: together they may be too long for one array.
        table = pyarrow.table if isinstance(text, pyarrow.ChunkedArray) else pyarrow.record_batch
        batch = table(article | dict.fromkeys(others, pyarrow.nulls(len(text))))
        labelled = self.classifier.classify(batch, **self._table | {"text": "text", "title": None, "columns": others})
        return labelled.select(labelled.schema.names[len(others) :]).to_struct_array()

    def label_type(self, text_type: Any = None, *, existing_columns: Iterable[str] = ()) -> Any:
        """Returns the type of the structs that `labels` returns for an array of this type, by default of strings."""
        import pyarrow

        return self.labels(pyarrow.array([], text_type or pyarrow.string()), existing_columns=existing_columns).type


def unused_name(names: Sequence[str]) -> str:
    """Returns the name of a temporary column, which no column has."""
    name = "__labels"
    while name in names:
        name += "_"
    return name


def article_of(names: Sequence[str], text: str | None, title: str | None) -> list[str]:
    """Returns the names of the columns with the text and, if there is one, the title.

    Raises:
        NewsdeskError: If there is no such column.
    """
    article = article_columns(names, text, title)
    missing = [name for name in (text, title) if name is not None and name not in article]
    if missing or not article:
        what = f"the column `{missing[0]}`" if missing else "a text column"
        raise NewsdeskError(
            f"cannot find {what} in the table", f"name another column with `text` or `title`; the columns are {', '.join(names)}"
        )
    return article
