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

    def columns_of(self, names: Sequence[str]) -> tuple[list[str], list[str]]:
        """Returns, of the columns of a table, those with the article, and those that stay beside the added ones.

        It is for engines that add columns themselves.

        Raises:
            NewsdeskError: If the table has no column with a text, or not one that is asked for.
        """
        import pyarrow

        labelled = self.output_schema(pyarrow.schema([(name, pyarrow.null()) for name in names])).names
        kept = labelled[: len(labelled) - self.label_type().num_fields]
        return article_columns(names, self._table["text"], self._table["title"]), kept

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
