"""Dask."""

from typing import Any

from ._batches import BatchClassifier


def classify(frame: Any, **settings: Any) -> Any:
    """Returns a data frame of Dask with the columns that the model adds. The settings are those of `BatchClassifier`."""
    classifier = BatchClassifier(**settings)
    return frame.map_partitions(classifier, meta=classifier(frame._meta))
