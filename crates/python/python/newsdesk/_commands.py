"""Commands of the command line in this process: training, evaluation, model information."""

import json
import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from . import _newsdesk
from ._errors import NewsdeskError, in_python

Progress = Callable[[dict[str, Any]], None]

# Options that only make sense on a terminal, and those that have a parameter of their own.
_REFUSED = {"help", "json", "version", "data", "output", "model"}


def train(
    data: str | os.PathLike[str] | Sequence[Any],
    output: str | os.PathLike[str],
    *,
    progress: Progress | None = None,
    **options: Any,
) -> list[dict[str, Any]]:
    """Trains a model on labelled data, writes it to the folder `output`, and returns its scores.

    The options are those of `newsdesk train`, with `_` in place of `-`: `epochs=2`, `learning_rate=3e-5`, `arch="linear"`. An
    option without a value is `True`, and one with several values a list. `newsdesk train --help` lists them.

    Args:
        data: Files with labelled articles, or recipes.
        output: The folder of the new model.
        progress: Called with a dictionary for each step, epoch and message; its `"event"` says which.
        options: Other options.

    Returns:
        The scores on each validation and test set, as `newsdesk train --json` prints them.

    Ctrl-C ends the current step and writes a checkpoint; `resume=True` then goes on from it.
    """
    arguments = ["train", *_data(data), *_option("output", os.fspath(output)), "--json"]
    return _result(arguments, progress, options)


def evaluate(
    model: str | os.PathLike[str],
    data: str | os.PathLike[str] | Sequence[Any],
    *,
    progress: Progress | None = None,
    **options: Any,
) -> list[dict[str, Any]]:
    """Evaluates a model on labelled data, and returns its scores on each data set.

    The options are those of `newsdesk eval`, with `_` in place of `-`: `split="validation"`, `by="source"`.

    Args:
        model: A model, as for `Classifier`.
        data: Files with labelled articles, or recipes.
        progress: Called with a dictionary while articles are labelled.
        options: Other options.
    """
    arguments = ["eval", os.fspath(model), *_data(data), "--json"]
    return _result(arguments, progress, options)


def run(arguments: Sequence[str], progress: Progress | None = None) -> tuple[int, str | None]:
    """Runs a command, and returns its exit code and its result, which is JSON."""
    result = None

    def on_event(kind: str, text: str) -> None:
        nonlocal result
        if kind == "result":
            result = text
        elif kind == "progress" and progress is not None:
            progress(json.loads(text))
        elif kind == "message" and progress is not None:
            progress({"event": "message", "message": text})
        elif kind == "message" and text.startswith("warning: "):
            warnings.warn(in_python(text.removeprefix("warning: ")), stacklevel=5)

    code = _newsdesk.run(["newsdesk", *map(str, arguments)], on_event)
    return code, result


def _result(arguments: list[str], progress: Progress | None, options: dict[str, Any]) -> list[dict[str, Any]]:
    for name, value in options.items():
        if name in _REFUSED:
            raise NewsdeskError(f"cannot use the option `{name}`: it has no meaning here", "leave it out")
        arguments += _option(name, value)
    _, result = run(arguments, progress)
    if result is None:
        raise NewsdeskError("cannot return the scores: the command ended without them")
    return json.loads(result)


def _data(data: Any) -> list[str]:
    """Returns the option for labelled data."""
    files = data if isinstance(data, list | tuple) else [data]
    for file in files:
        if not isinstance(file, str | os.PathLike):
            raise NewsdeskError(
                f"cannot read labelled data from a value of type {type(file).__name__}: it is no path",
                "write the rows to a file (JSON Lines, CSV or Parquet) and give its path; "
                "`newsdesk.sklearn.NewsdeskClassifier` trains on texts and labels in memory",
            )
    return _option("data", [os.fspath(file) for file in files])


def _option(name: str, value: Any) -> list[str]:
    """Returns an option as the command line has it."""
    option = f"--{name.replace('_', '-')}"
    if value is None or value is False:
        return []
    if value is True:
        return [option]
    if isinstance(value, dict):
        value = [f"{key}={number}" for key, number in value.items()]
    values = value if isinstance(value, list | tuple) else [value]
    return [f"{option}={one}" for one in values]
