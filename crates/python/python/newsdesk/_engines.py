"""Opened models, one per process and settings."""

import os
import threading
import warnings
import weakref
from collections import OrderedDict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ._errors import NewsdeskError, in_python
from ._newsdesk import Engine

# Models that stay open although nothing uses them. An engine that calls a function once per batch then opens its model once.
_KEPT = 4

_lock = threading.RLock()
_recent: "OrderedDict[Any, Engine]" = OrderedDict()
_opened: "weakref.WeakValueDictionary[Any, Engine]" = weakref.WeakValueDictionary()

# The locks under which models are opened, and under which they label batches.
_opening: dict[Any, threading.RLock] = {}
_batch_locks: "weakref.WeakKeyDictionary[Engine, threading.RLock]" = weakref.WeakKeyDictionary()


def _in_child() -> None:
    # The threads that hold these locks stayed in the parent, and would never release them.
    _opening.clear()
    _batch_locks.clear()
    _lock.release()


# No other thread changes the dictionaries while the process is forked. It takes no time: models are opened under other locks.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_in_child)


@dataclass(frozen=True)
class ModelSettings:
    """Which model is opened, and how."""

    model: str = "default"
    device: str = "auto"
    threads: int | None = None
    dtype: str = "auto"
    max_windows: int | None = None
    activation: str | None = None
    allow_pickle: bool = False
    offline: bool = False

    def __post_init__(self) -> None:
        """Refuses numbers that the command line refuses."""
        for name, largest in (("threads", 2**16 - 1), ("max_windows", 2**32 - 1)):
            value = getattr(self, name)
            if value is not None and not 1 <= value <= largest:
                raise NewsdeskError(
                    f"cannot use {name}={value}: it is not within 1 to {largest}", f"leave `{name}` out for the default"
                )

    def engine(self) -> Engine:
        """Returns the opened model: the one that this process already has, or a new one."""
        key = (self, _files(self.model))
        with _lock:
            opening = _opening.setdefault(key, threading.RLock())
        # Opening may download a model. Other models can be opened and used meanwhile.
        with opening:
            with _lock:
                engine = _opened.get(key)
            if engine is None:
                engine = Engine(**asdict(self), on_event=_warn)
            # Before another thread that waits to open this model looks again.
            with _lock:
                _opened[key] = _recent[key] = engine
                _recent.move_to_end(key)
                while len(_recent) > _KEPT:
                    _recent.popitem(last=False)
                _opening.pop(key, None)
        return engine


def batch_lock(engine: Engine) -> threading.RLock:
    """Returns the lock under which a model labels a batch.

    An engine may call us on many threads at once. Each call uses all threads of the model, so they take turns: together they
    would start more threads than there are processors. A signal handler may call again, on the same thread.
    """
    with _lock:
        return _batch_locks.setdefault(engine, threading.RLock())


def clear_cache() -> None:
    """Closes the models that nothing uses any more, which frees their memory."""
    with _lock:
        _recent.clear()


def _files(model: str) -> tuple[Any, ...]:
    """Identifies the files of a model folder, so that a folder with a new model is opened again."""
    try:
        with os.scandir(Path(model)) as entries:
            files = [(entry.name, entry.stat()) for entry in entries if entry.is_file()]
        return tuple(sorted((name, stat.st_mtime_ns, stat.st_size) for name, stat in files))
    except OSError:
        # A name of the hub, or the built-in model.
        return ()


def _warn(kind: str, text: str) -> None:
    if kind == "message":
        warnings.warn(in_python(text.removeprefix("warning: ")), stacklevel=5)
