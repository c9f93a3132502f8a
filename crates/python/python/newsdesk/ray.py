"""Ray Data."""

from typing import Any

from ._batches import BatchClassifier


def classify(
    dataset: Any,
    *,
    concurrency: int | tuple[int, int] | None = None,
    num_cpus: float = 1,
    num_gpus: float | None = None,
    batch_size: int = 4096,
    **settings: Any,
) -> Any:
    """Returns a dataset with the columns that the model adds.

    Each actor opens the model once, and computes with `num_cpus` threads. The settings are those of `BatchClassifier`.

    Args:
        dataset: The dataset.
        concurrency: The number of actors, or the smallest and the largest number. By default one.
        num_cpus: The processors of each actor.
        num_gpus: The GPUs of each actor.
        batch_size: The rows of a batch.
        settings: The settings.
    """
    import ray.data

    settings.setdefault("threads", max(1, int(num_cpus)))
    low, high = concurrency if isinstance(concurrency, tuple) else (concurrency or 1, concurrency or 1)
    return dataset.map_batches(
        BatchClassifier,
        fn_constructor_kwargs=settings,
        batch_format="pyarrow",
        batch_size=batch_size,
        compute=ray.data.ActorPoolStrategy(min_size=low, max_size=high),
        num_cpus=num_cpus,
        num_gpus=num_gpus,
        udf_modifying_row_count=settings.get("errors") == "drop",
    )
