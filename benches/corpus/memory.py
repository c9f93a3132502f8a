"""Runs a command, and prints its memory (RSS) every few seconds as a table and its peak at the end.

    python3 benches/corpus/memory.py [--every 10] [--for SECONDS] -- newsdesk classify corpus.jsonl -o out.jsonl

With --for, the command gets SIGINT after that time, as with Ctrl-C. Works only on Linux, since it reads /proc.
"""

import argparse
import signal
import subprocess
import time


def memory(pid, key):
    try:
        with open(f"/proc/{pid}/status") as status:
            return next((int(line.split()[1]) // 1024 for line in status if line.startswith(key)), 0)
    except OSError:
        return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=float, default=10)
    parser.add_argument("--for", type=float, dest="limit")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    process = subprocess.Popen(options.command)
    start, peak, shown = time.time(), 0, -options.every
    print("| seconds | MB |\n| --- | --- |", flush=True)
    while process.poll() is None:
        passed = time.time() - start
        peak = max(peak, memory(process.pid, "VmHWM"))
        if passed - shown >= options.every:
            shown = passed
            print(f"| {passed:.0f} | {memory(process.pid, 'VmRSS')} |", flush=True)
        if options.limit and passed > options.limit:
            process.send_signal(signal.SIGINT)
            options.limit = None
        time.sleep(0.2)
    print(f"peak: {peak} MB; exit code {process.returncode}", flush=True)


if __name__ == "__main__":
    main()
