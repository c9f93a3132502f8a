"""Polars."""

from typing import Any

from ._batches import BatchClassifier, unused_name


def classify(frame: Any, *, text: str | None = None, title: str | None = None, **settings: Any) -> Any:
    """Returns a DataFrame or a LazyFrame with the columns that the model adds. Needs pyarrow.

    A LazyFrame is labelled when it is collected or written, part by part on the streaming engine. The settings are those of
    `BatchClassifier`. For a DataFrame, `Classifier.classify` does the same without pyarrow.
    """
    import polars
    import pyarrow

    classifier = BatchClassifier(text=text, title=title, **settings)
    names = frame.collect_schema().names()
    article, kept = classifier.columns_of(names)
    # Strings as views: no text is copied.
    newest = polars.CompatLevel.newest()

    def label(columns: Any) -> Any:
        arrays = (column.to_arrow(compat_level=newest) for column in columns.struct)
        return polars.Series(classifier.labels(*arrays, existing_columns=kept))

    label_type = polars.Series(pyarrow.array([], classifier.label_type(existing_columns=kept))).dtype
    labels = polars.struct(article).map_batches(label, return_dtype=label_type, is_elementwise=True)
    added = unused_name(names)
    return frame.select(*kept, labels.alias(added)).unnest(added)
