"""Measures the memory of worker processes that have the model open: proportional set size (PSS), in which shared pages are divided.

    python benches/python/memory.py [--workers N]

Each worker is a Python process that opens the built-in model and labels some articles, with one thread. First one runs, then all.
Then one process opens the model and forks the workers.
"""

import argparse
import multiprocessing
import re
from pathlib import Path

TEXTS = [f"The market fell again on Friday, for the {number}th time. " * 40 for number in range(50)]


def memory(kind: str) -> int:
    """Returns the memory of this process in bytes."""
    rollup = Path("/proc/self/smaps_rollup").read_text("ascii")
    return int(re.search(rf"^{kind}: +(\d+) kB", rollup, re.MULTILINE)[1]) * 1024


def work(ready, measured, classifier=None) -> None:
    """Opens the model, labels articles, waits for the others, and tells its memory."""
    import newsdesk

    classifier = classifier or newsdesk.Classifier(threads=1)
    classifier(TEXTS)
    ready.wait()
    measured.put((memory("Pss"), memory("Rss"), memory("Pss_File")))
    ready.wait()


def total(method: str, workers: int, classifier=None) -> tuple[int, int]:
    """Returns the PSS of all workers together, and their RSS."""
    context = multiprocessing.get_context(method)
    ready, measured = context.Barrier(workers), context.Queue()
    processes = [context.Process(target=work, args=(ready, measured, classifier)) for _ in range(workers)]
    for process in processes:
        process.start()
    found = [measured.get() for _ in processes]
    for process in processes:
        process.join()
    return sum(pss for pss, _, _ in found), sum(rss for _, rss, _ in found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    workers = parser.parse_args().workers
    one, rss = total("spawn", 1)
    print(f"spawned, 1 worker: PSS {one / 1e6:.1f} MB (RSS {rss / 1e6:.1f} MB)")
    several, rss = total("spawn", workers)
    print(f"spawned, {workers} workers: PSS {several / 1e6:.1f} MB (RSS {rss / 1e6:.1f} MB), {several / one:.2f} times one")
    import newsdesk

    classifier = newsdesk.Classifier(threads=1)
    classifier(TEXTS)
    several, rss = total("fork", workers, classifier)
    print(f"forked from a process with the model, {workers} workers: PSS {several / 1e6:.1f} MB, {several / one:.2f} times one")


if __name__ == "__main__":
    main()
