"""Spark, and every engine that speaks Spark Connect, such as Sail."""

from collections.abc import Iterator
from typing import Any

from ._batches import BatchClassifier


def classify(frame: Any, **settings: Any) -> Any:
    """Returns a data frame of Spark, Spark Connect or pandas-on-Spark with the columns that the model adds.

    The settings are those of `BatchClassifier`. A task computes with the processors and the GPU that Spark gives it:
    `spark.task.cpus`, unless `threads` says otherwise. Each Python worker opens the model once.
    """
    if hasattr(type(frame), "to_spark"):
        # pandas-on-Spark: its index becomes columns, and an index again.
        names = [name or f"__index_{number}" for number, name in enumerate(frame.index.names)]
        labelled = classify(frame.to_spark(index_col=names), **settings).pandas_api(index_col=names)
        return labelled.rename_axis(index=list(frame.index.names))
    return frame.mapInArrow(Task(BatchClassifier(**settings)), output_schema(frame.schema, **settings))


class Task:
    """Labels the batches of one task of Spark."""

    def __init__(self, classifier: BatchClassifier) -> None:
        self.classifier = classifier

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Yields each batch with the columns that the model adds."""
        from pyspark import TaskContext

        if (context := TaskContext.get()) is None:
            # Sail runs its tasks on threads of one process, where batches take turns.
            yield from map(self.classifier, batches)
        else:
            yield from self.classifier.with_settings(**self._given(context)).stream(batches)

    def _given(self, context: Any) -> dict[str, Any]:
        """Returns what Spark gives the task, as far as the settings leave it open."""
        given: dict[str, Any] = {}
        if self.classifier.threads is None:
            given["threads"] = context.cpus()
        if self.classifier.device == "auto" and (gpus := context.resources().get("gpu")):
            given["device"] = f"cuda:{gpus.addresses[0]}"
        return given


def output_schema(schema: Any, **settings: Any) -> Any:
    """Returns the schema of Spark that the labelled rows have, for the schema of Spark of the input."""
    import pyarrow
    from pyspark.sql.pandas.types import from_arrow_type
    from pyspark.sql.types import StringType, StructField, StructType

    # Only texts matter here, and not every type of Spark has a counterpart in pyarrow.
    fields = [
        (field.name, pyarrow.string() if isinstance(field.dataType, StringType) else pyarrow.null()) for field in schema
    ]
    by_name = {field.name: field for field in schema.fields}
    labelled = BatchClassifier(**settings).output_schema(pyarrow.schema(fields))
    replaced = settings.get("overwrite_columns", False)
    kept = settings.get("columns")
    added = {name for name in labelled.names if name not in by_name or (replaced and (kept is None or name not in kept))}
    return StructType(
        [
            StructField(field.name, from_arrow_type(field.type)) if field.name in added else by_name[field.name]
            for field in labelled
        ]
    )
