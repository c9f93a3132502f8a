"""Tables of other libraries: labelled, and returned in the same form. No library is imported that the caller does not use."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from ._errors import NewsdeskError
from ._newsdesk import InputReader, Labeller, RecordBatch, article_columns, record_batch


@dataclass(frozen=True)
class Columns:
    """Which columns contain the article, and how the labeller of a schema is made."""

    text: str | None
    title: str | None
    errors: str
    """What is done with rows that have no text."""
    make: Callable[[Any, str], Labeller]
    batch_lock: AbstractContextManager[Any]
    """Held while a batch or a table is labelled."""

    def labeller(self, schema: Any) -> Labeller:
        """Returns the labeller for a schema."""
        return self.make(schema, self.errors)

    def label(self, labeller: Labeller, batch: Any) -> RecordBatch:
        """Labels a batch."""
        with self.batch_lock:
            return labeller.label(batch)


def label(data: Any, columns: Columns) -> Any:
    """Labels a table, and returns it in the form in which it was given."""
    pandas, polars, pyarrow = (sys.modules.get(name) for name in ("pandas", "polars", "pyarrow"))
    if pandas is not None and isinstance(data, pandas.DataFrame):
        return _pandas(pandas, data, columns)
    if polars is not None and isinstance(data, polars.DataFrame):
        return _polars(polars, data, columns)
    if polars is not None and isinstance(data, polars.LazyFrame):
        raise NewsdeskError(
            "cannot label a LazyFrame: its rows are not read yet",
            "use `newsdesk.polars.classify`, or call `.collect()` first",
        )
    if pyarrow is not None and isinstance(data, pyarrow.Table):
        batches, schema = _batches(pyarrow, data, columns)
        with columns.batch_lock:
            return pyarrow.Table.from_batches(batches, schema)
    if pyarrow is not None and isinstance(data, pyarrow.RecordBatch):
        return pyarrow.record_batch(columns.label(columns.labeller(data.schema), data))
    if pyarrow is not None and isinstance(data, pyarrow.RecordBatchReader):
        batches, schema = _batches(pyarrow, data, columns)
        return pyarrow.RecordBatchReader.from_batches(schema, batches)
    if isinstance(data, list) and all(isinstance(row, dict) for row in data):
        return _rows(data, columns)
    if hasattr(data, "__arrow_c_stream__"):
        return _stream(data, columns)
    if hasattr(data, "__arrow_c_array__"):
        return next(_stream(data, columns))
    raise _no_table(data)


def _no_table(data: Any) -> NewsdeskError:
    return NewsdeskError(
        f"cannot label a value of type {type(data).__qualname__}: it is no table",
        "give a table of pandas, polars or pyarrow, a list of dictionaries, or an object with `__arrow_c_stream__`; "
        "for texts, call the classifier itself",
    )


def texts(values: Iterable[str | None]) -> list[str | None]:
    """Returns the texts of a list, an array or a column."""
    if isinstance(values, str):
        raise NewsdeskError("cannot read the texts: they are a single string", "give a list of texts")
    if isinstance(values, Mapping | bytes) or hasattr(values, "columns") or not isinstance(values, Iterable):
        raise NewsdeskError(
            f"cannot read the texts: they have the type {type(values).__name__}", "give a list of strings; for tables, call `classify`"
        )
    found = [_text(value) for value in values]
    for number, text in enumerate(found, 1):
        if not isinstance(text, str | None):
            raise NewsdeskError(
                f"cannot read text {number}: it has the type {type(text).__name__}",
                "give a list of strings; for tables, call `classify`",
            )
    return found


def _text(value: Any) -> Any:
    """Returns None for what pandas takes for a missing value, and a text without half characters."""
    if isinstance(value, str):
        return value if value.isascii() else _with_whole_characters(value)
    is_missing = value is None or type(value).__name__ in ("NAType", "NaTType") or value != value
    return None if is_missing else value


def _with_whole_characters(text: str) -> str:
    """Joins the halves of surrogate pairs, which some readers of JSON leave apart, and replaces single ones by U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def refuse_string(columns: Any) -> None:
    """Refuses a string in place of a list of columns."""
    if isinstance(columns, str):
        raise NewsdeskError(f'cannot use columns="{columns}": it is a string', f'give a list, such as ["{columns}"]')


def _stream(data: Any, columns: Columns) -> Any:
    try:
        reader = InputReader(data)
    except ValueError:
        # The capsule of a single column.
        raise _no_table(data) from None
    return columns.labeller(reader.schema).stream(reader)


def _batches(pyarrow: Any, data: Any, columns: Columns) -> tuple[Iterator[Any], Any]:
    labeller = columns.labeller(data.schema)
    checked = _Checked(data)

    def batches() -> Iterator[Any]:
        try:
            for batch in labeller.stream(pyarrow.RecordBatchReader.from_batches(data.schema, checked)):
                yield pyarrow.record_batch(batch)
        except NewsdeskError:
            if checked.error is not None:
                # The error of the input, of which the stream keeps only the words.
                raise checked.error from None
            raise

    return batches(), pyarrow.schema(labeller.schema)


class _Checked:
    """The batches of a table or a reader of pyarrow. pyarrow passes them on unchecked, and a wrong one would be misread."""

    def __init__(self, data: Any) -> None:
        self._schema = data.schema
        self._batches = iter(data.to_batches() if hasattr(data, "to_batches") else data)
        self.error: BaseException | None = None

    def __iter__(self) -> "_Checked":
        return self

    def __next__(self) -> Any:
        try:
            batch = next(self._batches)
            if batch.schema.names != self._schema.names or batch.schema.types != self._schema.types:
                raise NewsdeskError(
                    f"cannot label a batch: its columns are {_described(batch.schema)}, and those of the reader "
                    f"{_described(self._schema)}",
                    "give batches with one schema",
                )
        except StopIteration:
            raise
        except BaseException as error:
            self.error = error
            raise
        return batch


def _described(schema: Any) -> str:
    return ", ".join(f"`{field.name}` ({field.type})" for field in schema)


def _polars(polars: Any, frame: Any, columns: Columns) -> Any:
    """Labels a data frame of polars. Only the article passes through Arrow, which does not know all types of polars."""
    read = article_columns(frame.columns, columns.text, columns.title)
    missing = polars.lit(None, polars.Boolean)
    data = InputReader(frame.select(name if name in read else missing.alias(name) for name in frame.columns))
    labeller = columns.make(data.schema, "column")
    with columns.batch_lock:
        labelled = polars.DataFrame(labeller.stream(data).read_all())
    added = labelled.select(labeller.added)
    result = frame.select(labelled.columns[: -len(labeller.added)]).hstack(added)
    if columns.errors != "drop":
        return result
    return result.filter(polars.col(labeller.added[-1]).is_null()).drop(labeller.added[-1])


@dataclass(frozen=True)
class _Labelled:
    """What is done with the rows of a table whose columns are no Arrow arrays."""

    kept: list[str]
    """The columns of the input that stay."""
    dropped: set[int]
    """The rows that are left out."""
    added: dict[str, list[Any]]
    """The new columns."""
    numbers: set[str]
    """Those of the new columns that hold numbers."""
    text: str
    """The column with the text."""


def _label_columns(names: list[str], rows: int, values: Callable[[str], list[Any]], columns: Columns) -> _Labelled:
    """Labels a table whose columns are lists. Only those with the article are read."""
    read = article_columns(names, columns.text, columns.title)
    asked_for = {columns.text, columns.title}

    def article(name: str) -> list[str | None] | None:
        if name not in read:
            return None
        found = [_text(value) for value in values(name)]
        wrong = next((row for row, value in enumerate(found) if not isinstance(value, str | None)), None)
        if wrong is None:
            return found
        if name != read[0] and name not in asked_for:
            # A column called `title` that is not text is ignored, unless the caller asked for it.
            return None
        kind = type(found[wrong]).__name__
        raise NewsdeskError(
            f"cannot read the column `{name}`: the value in row {wrong + 1} has the type {kind}",
            "name a column of strings with `text=NAME`, or convert the values",
        )

    batch = record_batch([(name, article(name)) for name in names], rows)
    labeller = columns.labeller(batch)
    labelled = columns.label(labeller, batch)
    added, all_columns = labeller.added, labelled.to_pydict()
    kept = labelled.schema.names[: -len(added)]
    dropped = {row - 1 for row, _ in labelled.rejects} if labelled.num_rows < rows else set()
    added_columns = {name: all_columns[name] for name in added}
    return _Labelled(kept, dropped, added_columns, set(labeller.numbers), read[0])


def _pandas(pandas: Any, frame: Any, columns: Columns) -> Any:
    """Labels a data frame by lists of its texts: pandas needs pyarrow for anything else. Index and types stay as they are."""
    if frame.columns.nlevels > 1:
        raise NewsdeskError(
            "cannot label the data frame: the names of its columns have several levels", "give it names of one level first"
        )
    names = [str(name) for name in frame.columns]
    if len(set(names)) < len(names):
        raise NewsdeskError("cannot label the data frame: a column name occurs twice", "rename one of the columns")
    labelled = _label_columns(names, len(frame), lambda name: frame.iloc[:, names.index(name)].tolist(), columns)
    rows = [row for row in range(len(frame)) if row not in labelled.dropped]
    result = frame.iloc[rows, [names.index(name) for name in labelled.kept]].copy()
    text = frame.iloc[:, names.index(labelled.text)].dtype
    for name, values in labelled.added.items():
        # The type does not depend on the rows: a partition of Dask without texts has the columns of the others.
        kind = "float64" if name in labelled.numbers else text if isinstance(text, pandas.StringDtype) else object
        result[name] = pandas.Series(values, index=result.index, dtype=kind)
    return result


def _rows(rows: list[dict[str, Any]], columns: Columns) -> list[dict[str, Any]]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    labelled = _label_columns(names, len(rows), lambda name: [row.get(name) for row in rows], columns)
    kept = [row for index, row in enumerate(rows) if index not in labelled.dropped]
    return [
        {name: row[name] for name in labelled.kept if name in row}
        | {name: values[index] for name, values in labelled.added.items()}
        for index, row in enumerate(kept)
    ]
