"""Runs and measures one process, and reads labels from its output. Uses only the standard library.

On Linux, the reported peak memory of a child is at least the memory of its parent at the start. So the parent must stay
small: this module keeps no corpus in memory and imports little.
"""

import dataclasses
import json
import os
import subprocess
import tempfile
import time

PREFIX = "answer_"


@dataclasses.dataclass
class Process:
    wall_s: float
    peak_mb: float
    output: str


def run(command, environment):
    """Runs a command and returns its measurements. If it fails, prints its errors and exits."""
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env=environment)
        with child.stdout:
            output = child.stdout.read().decode()
        _, status, usage = os.wait4(child.pid, 0)
        wall_s = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            said.seek(0)
            errors = said.read().decode(errors="replace")
            raise SystemExit(f"{errors}error: exit code {child.returncode} from: {' '.join(map(str, command))}")
    return Process(wall_s, usage.ru_maxrss / 1024, output)


def labels(path):
    """Returns the predicted labels in order: the first added column of each row."""
    with open(path, encoding="utf-8") as file:
        return [next(value for name, value in json.loads(line).items() if name.startswith(PREFIX)) for line in file]
