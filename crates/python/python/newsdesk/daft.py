"""Daft."""

from typing import Any

from ._batches import BatchClassifier


def classify(
    frame: Any,
    *,
    text: str | None = None,
    title: str | None = None,
    gpus: float = 0,
    max_concurrency: int | None = None,
    use_process: bool = False,
    batch_size: int = 4096,
    **settings: Any,
) -> Any:
    """Returns a data frame with the columns that the model adds. The settings are those of `BatchClassifier`.

    Args:
        frame: The data frame.
        text: The column with the text.
        title: The column with the title.
        gpus: The GPUs of each instance.
        max_concurrency: The number of instances. By default Daft chooses it.
        use_process: Whether each instance has a process of its own.
        batch_size: The rows of a batch.
        settings: The settings. `errors="drop"` is not possible, since Daft adds columns here and drops no rows.
    """
    import daft

    classifier = BatchClassifier(text=text, title=title, **settings)
    names = frame.column_names
    article, kept = classifier.columns_of(names)
    label_type = daft.DataType.from_arrow_type(classifier.label_type(existing_columns=kept))

    @daft.cls(gpus=gpus, max_concurrency=max_concurrency, use_process=use_process)
    class Newsdesk:
        @daft.method.batch(return_dtype=label_type, unnest=True, batch_size=batch_size)
        def labels(self, *columns: Any) -> Any:
            return classifier.labels(*(column.to_arrow() for column in columns), existing_columns=kept)

    return frame.select(*kept, Newsdesk().labels(*(frame[name] for name in article)))
