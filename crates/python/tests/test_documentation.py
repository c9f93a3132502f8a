"""The examples of the documentation run, and the stubs say what the module has."""

import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import newsdesk

PROJECT = str(Path(__file__).parents[1] / "pyproject.toml")
MODULES = ["", "._errors", "._classifier", "._batches", "._commands"]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    module = importlib.import_module(f"newsdesk{name}")
    results = doctest.testmod(
        module, extraglobs={"newsdesk": newsdesk}, optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    )
    assert results.failed == 0


def test_examples_for_scikit_learn_run():
    pytest.importorskip("sklearn")
    assert doctest.testmod(importlib.import_module("newsdesk.sklearn")).failed == 0


def test_stubs_agree_with_the_module():
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy.stubtest", "newsdesk._newsdesk", "--ignore-disjoint-bases"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_types_are_checked():
    pytest.importorskip("mypy")
    done = subprocess.run([sys.executable, "-m", "mypy", "--config-file", PROJECT, "-p", "newsdesk"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_import_is_quick_and_loads_no_other_library():
    script = "import sys, newsdesk; print([name for name in ('numpy', 'pandas', 'polars', 'pyarrow') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout == "[]\n"
