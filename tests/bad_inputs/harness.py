"""Runs one command on bad input and says what went wrong with it."""

import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

SECONDS = 20
MEMORY = 1 << 30  # bytes


@dataclass
class Case:
    """A command that must end well.

    `line` is a shell line that runs in a new folder. In it, `$N` is the binary, `$TINY` a model of random weights and `$SAMPLE` a
    JSON Lines file of 72 articles. `files` prepares the folder. `codes` are the exit codes that are right. `rows` is the number of
    articles that `out` and `out.rejects` must hold together. `check` returns what is wrong with the folder and the answer, or nothing.
    """

    name: str
    line: str
    codes: tuple = (2,)
    files: Callable[[Path], None] | None = None
    rows: int | None = None
    out: str = "out.jsonl"
    check: Callable[[Path, "Answer"], str | None] | None = None
    seconds: int = SECONDS
    signals: list = field(default_factory=list)  # (seconds after the start, signal)


@dataclass
class Answer:
    code: int
    seconds: float
    memory: int  # bytes, of the largest process
    stdout: str
    stderr: str


def prepare(case: Case, folder: Path):
    """Makes the files in a process of its own: a command's measured memory starts with that of the process it was forked from."""
    if case.files is None:
        return
    child = os.fork()
    if child == 0:
        try:
            case.files(folder)
        except BaseException as error:
            print(f"cannot prepare {case.name}: {error!r}", flush=True)
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        raise SystemExit(2)


def run(case: Case, folder: Path, environment: dict) -> Answer:
    prepare(case, folder)
    with open(folder / ".stdout", "wb") as out, open(folder / ".stderr", "wb") as err:
        start = time.monotonic()
        child = subprocess.Popen(
            ["bash", "-c", case.line], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
        )

        def kill(number):
            try:
                os.killpg(child.pid, number)
            except ProcessLookupError:
                pass

        timers = [threading.Timer(after, kill, [number]) for after, number in case.signals]
        timers.append(threading.Timer(case.seconds + 5, kill, [signal.SIGKILL]))
        for timer in timers:
            timer.start()
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - start
        child.returncode = 0  # It has been waited for.
        for timer in timers:
            timer.cancel()
        kill(signal.SIGKILL)
    code = os.waitstatus_to_exitcode(status)
    read = lambda name: (folder / name).read_bytes()[:4_000_000].decode("utf-8", "replace")
    return Answer(code, seconds, usage.ru_maxrss * 1024, read(".stdout"), read(".stderr"))


def lines(path: Path) -> int:
    """Counts the records of a JSON Lines or CSV file without line breaks in cells; a header does not count."""
    if not path.exists():
        return 0
    count = sum(1 for line in path.read_bytes().split(b"\n") if line.strip())
    return max(count - 1, 0) if path.suffix == ".csv" else count


def faults(case: Case, folder: Path, answer: Answer) -> list:
    """Returns (kind, detail) for everything that is wrong."""
    found = []
    code, err = answer.code, answer.stderr
    if "panicked" in err or "stack backtrace" in err or code in (101, 134, -6, -11, 139, 132):
        found.append(("panic", f"exit {code}: {err[:300]}"))
    if answer.seconds > case.seconds:
        found.append(("hang", f"{answer.seconds:.1f} s"))
    if answer.memory > MEMORY:
        found.append(("memory", f"{answer.memory / 1e6:.0f} MB"))
    if code not in case.codes:
        found.append(("exit code", f"{code} and not {case.codes}: {err[:400]} {answer.stdout[:200]}"))
    if code == 2 and not re.search(r"^error: ", err, re.M):
        found.append(("no error line", err[:300]))
    if code == 2 and "hint:" not in err:
        found.append(("no hint", err[:300]))
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]", err):
        found.append(("control characters", repr(err[:300])))
    if case.rows is not None:
        out = folder / case.out
        held = lines(out) + lines(folder / f"{case.out}.rejects.jsonl")
        if held != case.rows:
            found.append(("silent loss", f"{held} of {case.rows} rows in output and rejects: {err[:300]}"))
    if case.check:
        wrong = case.check(folder, answer)
        if wrong:
            found.append(("silent loss", wrong))
    return found


def try_case(case: Case, environment: dict):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        answer = run(case, folder, environment)
        found = faults(case, folder, answer)
        subprocess.run(["chmod", "-R", "u+rwx", name], check=False)
        return answer, found
