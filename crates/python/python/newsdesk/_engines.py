"""Opened models, one per process and settings."""

import os
import threading
import warnings
import weakref
from collections import OrderedDict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ._newsdesk import Engine

# Models that stay open although nothing uses them. An engine that calls a function once per batch then opens its model once.
_KEPT = 4

_lock = threading.RLock()
_recent: "OrderedDict[Any, Engine]" = OrderedDict()
_opened: "weakref.WeakValueDictionary[Any, Engine]" = weakref.WeakValueDictionary()

# Which model labels a batch at the moment.
_busy: "weakref.WeakKeyDictionary[Engine, threading.Lock]" = weakref.WeakKeyDictionary()


def _in_child() -> None:
    # The threads that label batches stayed in the parent, and would never release these locks.
    _busy.clear()
    _lock.release()


# No thread opens a model while the process is forked: the child would never see the end of it.
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

    def engine(self) -> Engine:
        """Returns the opened model: the one that this process already has, or a new one."""
        key = (self, _files(self.model))
        with _lock:
            engine = _opened.get(key)
            if engine is None:
                engine = _opened[key] = Engine(**asdict(self), tell=_warn)
            _recent[key] = engine
            _recent.move_to_end(key)
            while len(_recent) > _KEPT:
                _recent.popitem(last=False)
            return engine


def turn(engine: Engine) -> threading.Lock:
    """Returns the lock under which a model labels batches.

    An engine may call us on many threads at once. Each call uses all threads of the model, so they take turns: together they
    would start more threads than there are processors.
    """
    with _lock:
        return _busy.setdefault(engine, threading.Lock())


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
        warnings.warn(text.removeprefix("warning: "), stacklevel=5)
