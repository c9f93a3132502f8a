"""Signals, closed streams and limits of the system."""

import signal

from harness import Case, lines


def line(name, text, codes=(2,), **more):
    return Case(f"limits: {name}", text, codes, **more)


# 3,000 rows: a run of a second or two with the tiny model, and many seconds with the default one.
ROWS = "for k in $(seq 42); do sed \"s/sample-/$k-/; s/\\\"text\\\": \\\"/&Edition $k. /\" $SAMPLE; done > a.jsonl; "
TINY = "$N classify a.jsonl --model $TINY --checkpoint-interval 0 "
SLOW = ROWS + "exec $N classify a.jsonl --checkpoint-interval 0 -o out.jsonl"
RESUMED = ROWS + TINY


def whole(folder, _):
    held = lines(folder / "out.jsonl")
    return None if held == 3024 else f"{held} of 3024 rows after the resumption"


CASES = [
    line("standard output is closed", "$N classify $SAMPLE --model $TINY >&-"),
    line("standard output is closed, eval --json", "$N data stats $SAMPLE --json >&-"),
    line("standard output is closed, help", "$N --help >&-", (0, 2)),
    line("standard error is closed", "$N classify $SAMPLE --model $TINY -o out.jsonl 2>&-", (0,), rows=72),
    line("standard input is closed", "$N classify --model $TINY -o out.jsonl <&-", (0, 2)),
    line("all streams are closed", "$N classify $SAMPLE --model $TINY -o out.jsonl <&- >&- 2>&-", (0, 2)),
    line("standard output is a full disk", "$N classify $SAMPLE --model $TINY > /dev/full"),
    line("standard output is a full disk, data stats", "$N data stats $SAMPLE > /dev/full"),
    line("standard output is a full disk, models info --json", "$N models info $TINY --json > /dev/full"),
    line("standard output is a full disk, eval", "$N eval --data sample --data-root $(dirname $SAMPLE)/.. > /dev/full"),
    line("standard output is a full disk, completions", "$N completions bash > /dev/full"),
    line("standard error is a full disk", "$N classify $SAMPLE --model $TINY -o out.jsonl 2> /dev/full", (0,), rows=72),
    line("the reader of a pipe ends", ROWS + "$N classify a.jsonl --model $TINY | head -1 > one; exit ${PIPESTATUS[0]}", (0, 2, -13, 141)),
    line("the reader of the help ends", "$N help classify | head -1 > one; exit ${PIPESTATUS[0]}", (0, 2, 141)),
    line("the rejects go to a full disk", "(cat $SAMPLE; echo x) > b.jsonl; $N classify b.jsonl --model $TINY -o out.jsonl --rejects /dev/full"),
    line("files of 8 KB at most", ROWS + "ulimit -f 8; " + TINY + "-o out.jsonl"),
    line("files of 8 KB at most, gzip", ROWS + "ulimit -f 8; " + TINY + "-o out.jsonl.gz"),
    line("files of 8 KB at most, Parquet", ROWS + "ulimit -f 8; " + TINY + "-o out.parquet"),
    line("files of 8 KB at most, resumed without the limit", ROWS + "(ulimit -f 900; " + TINY + "-q -o out.jsonl) 2>/dev/null; " + TINY + "-q -o out.jsonl --resume", (0,), check=whole),
    line("files of 4 KB at most, training", "for k in $(seq 40); do echo \"{\\\"text\\\":\\\"prices rise $k\\\",\\\"label\\\":\\\"l$((k % 2))\\\"}\"; done > t.jsonl; ulimit -f 4; $N train --data t.jsonl --arch linear -o m"),
    line("12 open files", "ulimit -n 12; $N classify $SAMPLE --model $TINY -o out.jsonl", (0, 2)),
    line("5 open files", "ulimit -n 5; $N classify $SAMPLE --model $TINY -o out.jsonl", (0, 2)),
    line("20 processes", "ulimit -u 20; $N classify $SAMPLE --model $TINY --threads 8 -o out.jsonl", (0, 2)),
    line("1 GB of address space", "ulimit -v 1000000; $N classify $SAMPLE --threads 2 -o out.jsonl", (0, 2)),
    line("a stack of 256 KB", "ulimit -s 256; $N classify $SAMPLE --model $TINY -o out.jsonl", (0, 2)),
    line("2 seconds of processor time", ROWS + "ulimit -t 2; $N classify a.jsonl --threads 2 -o out.jsonl", (-24, -9, 152, 137, 130)),
    line("interrupted", SLOW, (130,), signals=[(3, signal.SIGINT)]),
    line("terminated", SLOW, (130,), signals=[(3, signal.SIGTERM)]),
    line("hung up", SLOW, (130,), signals=[(3, signal.SIGHUP)]),
    line("interrupted while it loads", SLOW, (130, -2), signals=[(0.12, signal.SIGINT)]),
    line("interrupted twice", SLOW, (130, -2), signals=[(3, signal.SIGINT), (3.02, signal.SIGINT)]),
    line("quit", SLOW, (130, -3), signals=[(3, signal.SIGQUIT)]),
    line("killed, resumed", ROWS + "timeout -s KILL 0.4 " + TINY + "-q -o out.jsonl; " + TINY + "-q -o out.jsonl --resume", (0,), check=whole),
    line("killed five times, resumed", ROWS + "for k in 1 2 3 4 5; do timeout -s KILL 0.3 " + TINY + "-q -o out.jsonl --resume; done; " + TINY + "-q -o out.jsonl --resume", (0,), check=whole),
    line("killed, the partial file changed, resumed", ROWS + "timeout -s KILL 0.8 " + TINY + "-q --threads 1 -o out.jsonl; p=$(ls out.jsonl.partial 2>/dev/null) || exit 77; printf XXXXXXXX | dd of=$p bs=1 seek=20000 conv=notrunc status=none; " + TINY + "-q -o out.jsonl --resume; code=$?; [ $code = 0 ] && grep -q XXXXXXXX out.jsonl && exit 9; exit $code", (0, 2, 77)),
    line("killed, the partial file cut, resumed", ROWS + "timeout -s KILL 0.8 " + TINY + "-q --threads 1 -o out.jsonl; truncate -s 100 out.jsonl.partial; " + TINY + "-q -o out.jsonl --resume", (0, 2)),
    line("killed, the journal empty, resumed", ROWS + "timeout -s KILL 0.8 " + TINY + "-q --threads 1 -o out.jsonl; for j in out.jsonl.*journal* out.jsonl.run*; do [ -e $j ] && : > $j; done; " + TINY + "-q -o out.jsonl --resume", (0, 2)),
    line("killed, another input, resumed", ROWS + "timeout -s KILL 0.8 " + TINY + "-q --threads 1 -o out.jsonl; sed -i '5d' a.jsonl; " + TINY + "-q -o out.jsonl --resume", (2,)),
    line("two runs into one output", ROWS + "(" + TINY + "-q --threads 1 -o out.jsonl & sleep 0.3; " + TINY + "-q -o out.jsonl; code=$?; wait; exit $code)", (2,), check=whole),
    line("the output's folder goes away", ROWS + "mkdir o; (sleep 0.4; rm -rf o) & " + TINY + "--threads 1 -o o/out.jsonl; code=$?; wait; exit $code", (0, 2)),
    line("the input shrinks while it is read", ROWS + "(sleep 0.3; truncate -s 100000 a.jsonl) & " + TINY + "--threads 1 -o out.jsonl; code=$?; wait; exit $code", (0, 1, 2)),
    line("the weights shrink while they are used", ROWS + "cp -r $TINY m; (sleep 0.3; truncate -s 9 m/model.safetensors) & $N classify a.jsonl --model m --threads 1 -o out.jsonl; code=$?; wait; exit $code", (0, 2)),
    line("a read-only folder", "mkdir o; chmod a-w o; cd o; $N classify $SAMPLE --model $TINY -o out.jsonl", (0, 2)),
    line("the current folder is gone", "mkdir o; cd o; rmdir ../o; $N classify $SAMPLE --model $TINY -o out.jsonl"),
    line("no home, no PATH, no locale", "env -i $N classify $SAMPLE --model $TINY -o out.jsonl", (0,), rows=72),
    line("interrupts are ignored, then terminated", ROWS + "trap '' INT; exec $N classify a.jsonl --checkpoint-interval 0 -o out.jsonl", (130,), signals=[(3, signal.SIGTERM)]),
    line("training interrupted", "for k in $(seq 4000); do echo \"{\\\"text\\\":\\\"prices rise again in town number $k and more\\\",\\\"label\\\":\\\"l$((k % 2))\\\"}\"; done > t.jsonl; exec $N train --data t.jsonl --base $TINY -o m --epochs 200", (130,), signals=[(2.5, signal.SIGINT)]),
    line("bench interrupted", "exec $N bench $TINY --data $SAMPLE --data-root . ", (130, 2), signals=[(1, signal.SIGINT)]),
]
