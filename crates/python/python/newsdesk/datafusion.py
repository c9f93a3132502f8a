"""DataFusion."""

from typing import Any

from ._batches import BatchClassifier, unused_name


def classify(frame: Any, *, text: str | None = None, title: str | None = None, **settings: Any) -> Any:
    """Returns a data frame with the columns that the model adds. The settings are those of `BatchClassifier`."""
    schema = frame.schema()
    names = list(schema.names)
    article, kept = BatchClassifier(text=text, title=title, **settings).columns_of(names)
    types = [schema.field(name).type for name in article]
    labels = udf(*types, existing_columns=kept, **settings)
    # `unnest_columns` runs the function once for each batch, and a field access such as `labels["topic"]` once for each field.
    added = unused_name(names)
    expanded = frame.with_column(added, labels(*map(_column, article))).unnest_columns(added)
    fields = [name for name in expanded.schema().names if name.startswith(f"{added}.")]
    return expanded.select(
        *map(_column, kept), *(_column(name).alias(name.removeprefix(f"{added}.")) for name in fields)
    )


def udf(*types: Any, name: str = "newsdesk", existing_columns: Any = (), **settings: Any) -> Any:
    """Returns a function for SQL and expressions: of a text, or of a text and a title, with these types of Arrow.

    It gives a struct with the columns that the model adds.
    """
    import datafusion
    import pyarrow

    classifier = BatchClassifier(**settings)
    types = types or (pyarrow.string_view(),)

    def labels(*columns: Any) -> Any:
        return classifier.labels(*columns, existing_columns=existing_columns)

    return datafusion.udf(labels, list(types), classifier.label_type(types[0], existing_columns=existing_columns), "immutable", name)


def _column(name: str) -> Any:
    import datafusion

    quoted = name.replace('"', '""')
    return datafusion.col(f'"{quoted}"')
