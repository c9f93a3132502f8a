"""Tries bad inputs of many kinds on the built binary and counts what goes wrong.

    python3 tests/bad_inputs/run.py BINARY [--only TEXT] [--verbose]

Needs Linux, pyarrow and openpyxl. The cases stand in models.py, corpora.py, arguments.py and limits.py. None may panic, run for more
than 20 seconds, take more than 1 GB of memory, end with a wrong exit code, or lose a row in silence. Exit code 1 if one does.
"""

import argparse
import os
import sys
from collections import Counter
from pathlib import Path

import arguments
import corpora
import limits
import models
from harness import try_case

GROUPS = {"models": models.CASES, "corpora": corpora.CASES, "arguments": arguments.CASES, "signals and limits": limits.CASES}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    project = Path(__file__).resolve().parents[2]
    environment = {
        **os.environ,
        "N": str(options.binary.resolve()),
        "TINY": str(project / "models/tiny"),
        "DEFAULT": str(project / "models/default"),
        "SAMPLE": str(project / "datasets/sample/articles.jsonl"),
        "RUST_BACKTRACE": "0",
    }
    kinds, total = Counter(), 0
    for group, cases in GROUPS.items():
        wanted = [case for case in cases if options.only in case.name]
        total += len(wanted)
        bad = 0
        for case in wanted:
            answer, found = try_case(case, environment)
            bad += bool(found)
            kinds.update(kind for kind, _ in found)
            for kind, detail in found:
                print(f"{kind}: {case.name}\n    {case.line}\n    {detail}".replace("\x1b", "\\e"), flush=True)
            if options.verbose:
                print(f"{case.name}: exit {answer.code}, {answer.seconds:.1f} s, {answer.memory / 1e6:.0f} MB\n{answer.stderr}{answer.stdout[:300]}")
        print(f"{group}: {len(wanted)} tried, {bad} with a fault", flush=True)
    print(f"{total} bad inputs; " + (", ".join(f"{kind}: {count}" for kind, count in kinds.items()) or "no fault"))
    sys.exit(1 if kinds else 0)


main()
