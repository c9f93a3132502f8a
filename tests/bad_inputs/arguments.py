"""Command lines that are wrong in one way each."""

from pathlib import Path

from harness import Case


def line(name, text, codes=(2,), **more):
    return Case(f"arguments: {name}", text, codes, **more)


def labelled(folder: Path):
    rows = "".join(f'{{"text":"prices rise again {k}","desk":"{label}"}}\n' for k, label in enumerate(["money", "ball", "law"] * 20))
    (folder / "t.jsonl").write_text(rows)


def keeps(*names):
    """The named files must hold `old` as before."""

    def files(folder):
        labelled(folder)
        for name in names:
            (folder / name).write_text("old\n")

    def check(folder, _):
        return next((f"{name} is overwritten" for name in names if (folder / name).read_text() != "old\n"), None)

    return {"files": files, "check": check}


TRAIN = "$N train --data t.jsonl --label-field desk --arch linear -o m "

CASES = [
    line("a file as a command", "$N articles.csv"),
    line("a command that does not exist", "$N label a.csv"),
    line("an empty command", "$N ''"),
    line("two models to eval", "$N eval $TINY $TINY --data $SAMPLE"),
    line("--batch-size of other tools", "$N classify $SAMPLE --batch-size 32"),
    line("--gpu of other tools", "$N classify $SAMPLE --gpu"),
    line("--text-column of other tools", "$N classify $SAMPLE --text-column text"),
    line("an option twice", "$N classify $SAMPLE --model $TINY --model $TINY"),
    line("an option without its value", "$N classify $SAMPLE --model"),
    line("threads 0", "$N classify $SAMPLE --model $TINY --threads 0"),
    line("threads -1", "$N classify $SAMPLE --model $TINY --threads -1"),
    line("threads 65535", "$N classify $SAMPLE --model $TINY --threads 65535 -o out.jsonl", (0,), rows=72),
    line("threads 65536", "$N classify $SAMPLE --model $TINY --threads 65536"),
    line("threads 65535, linear", TRAIN + "--threads 65535 && $N classify $SAMPLE --model m --threads 65535 -o out.jsonl", (0,), files=labelled, rows=72),
    line("top-k 0", "$N classify $SAMPLE --model $TINY --top-k 0"),
    line("top-k 60000, of 5 labels", "$N classify $SAMPLE --model $TINY --top-k 60000 -o out.jsonl", (0, 2)),
    line("limit 0", "$N classify $SAMPLE --model $TINY --limit 0 -o out.jsonl", (0, 2)),
    line("limit 2^64", "$N classify $SAMPLE --model $TINY --limit 18446744073709551616"),
    line("limit 2^64 - 1", "$N classify $SAMPLE --model $TINY --limit 18446744073709551615 -o out.jsonl", (0,), rows=72),
    line("sample 0", "$N classify $SAMPLE --model $TINY --sample 0"),
    line("sample nan", "$N classify $SAMPLE --model $TINY --sample nan"),
    line("sample 101%", "$N classify $SAMPLE --model $TINY --sample 101%"),
    line("min-score nan", "$N classify $SAMPLE --model $TINY --min-score nan"),
    line("min-score of a head that does not exist", "$N classify $SAMPLE --model $TINY --min-score tone=0.5"),
    line("min-score twice for one head", "$N classify $SAMPLE --model $TINY --min-score 0.5 --min-score label=0.6 --min-score label=0.7", (0, 2)),
    line("min-precision 2", "$N classify $SAMPLE --min-precision 2"),
    line("min-precision without calibration", "$N classify $SAMPLE --model $TINY --min-precision 0.9"),
    line("max-windows 2^32", "$N classify $SAMPLE --model $TINY --max-windows 4294967296"),
    line("max-rejects nan%", "$N classify $SAMPLE --model $TINY --max-rejects nan%"),
    line("max-rejects -1", "$N classify $SAMPLE --model $TINY --max-rejects -1"),
    line("checkpoint-interval 2^64 - 1", "$N classify $SAMPLE --model $TINY --checkpoint-interval 18446744073709551615 -o out.jsonl", (0, 2)),
    line("device cuda:99", "$N classify $SAMPLE --model $TINY --device cuda:99"),
    line("device an empty text", "$N classify $SAMPLE --model $TINY --device ''"),
    line("encoding that does not exist", "$N classify $SAMPLE --model $TINY --encoding klingon"),
    line("encoding utf-7", "$N classify $SAMPLE --model $TINY --encoding utf-7"),
    line("a column that does not exist", "$N classify $SAMPLE --model $TINY --text-field nothing"),
    line("a column with escape sequences", "$N classify $SAMPLE --model $TINY --text-field $'\\e[31mred'"),
    line("an empty column", "$N classify $SAMPLE --model $TINY --text-field ''"),
    line("text and title in one column", "$N classify $SAMPLE --model $TINY --text-field text --title-field text -o out.jsonl", (0, 2)),
    line("a prefix with escape sequences", "$N classify $SAMPLE --model $TINY --prefix $'\\e[31m' -o out.csv", (0, 2)),
    line("a prefix that names an input column", "$N classify $SAMPLE --model $TINY --prefix '' --columns nothing -o out.jsonl"),
    line("an empty text", "$N classify --model $TINY --text ''", (1, 2)),
    line("a text and files", "$N classify $SAMPLE --model $TINY --text abc"),
    line("a text of 100 KB", "$N classify --model $TINY --text \"$(head -c 100000 /dev/zero | tr '\\0' x)\"", (0,)),
    line("a text that is not UTF-8", "$N classify --model $TINY --text $'caf\\xe9 and more'", (0, 2)),
    line("an output folder that does not exist", "$N classify $SAMPLE --model $TINY -o no/such/out.jsonl"),
    line("an output that is a folder", "mkdir out.jsonl; $N classify $SAMPLE --model $TINY -o out.jsonl"),
    line("an output of an unknown format", "$N classify $SAMPLE --model $TINY -o out.docx"),
    line("an output that is the input", "cp $SAMPLE a.jsonl; $N classify a.jsonl --model $TINY -o ./a.jsonl --overwrite; code=$?; cmp -s $SAMPLE a.jsonl || exit 9; exit $code"),
    line("an output that is a hard link of the input", "cp $SAMPLE a.jsonl; ln a.jsonl b.jsonl; $N classify a.jsonl --model $TINY -o b.jsonl --overwrite; code=$?; cmp -s $SAMPLE a.jsonl || exit 9; exit $code"),
    line("an output that is the model", "cp -r $TINY m; $N classify $SAMPLE --model m -o m/config.json --output-format jsonl; code=$?; cmp -s $TINY/config.json m/config.json || exit 9; exit $code"),
    line("rejects into the output", "$N classify $SAMPLE --model $TINY -o out.jsonl --rejects out.jsonl"),
    line("a summary into the output", "$N classify $SAMPLE --model $TINY -o out.jsonl --summary out.jsonl"),
    line("a name of 300 characters", "$N classify $SAMPLE --model $TINY -o $(printf 'x%.0s' $(seq 300)).jsonl"),
    line("an output whose partial name is too long", "$N classify $SAMPLE --model $TINY -o $(printf 'x%.0s' $(seq 245)).jsonl", (0, 2)),
    line("an output that exists", "$N classify $SAMPLE --model $TINY -o old.jsonl", **keeps("old.jsonl")),
    line("errors of eval that exist", "$N eval $TINY --data t.jsonl --label-field desk --label-map map.toml --errors old.jsonl", **keeps("old.jsonl")),
    line("a report that exists", "$N bench $TINY --data t.jsonl --label-field desk --report old.html", **keeps("old.html")),
    line("a converted file that exists", "$N data convert t.jsonl -o old.csv", **keeps("old.csv")),
    line("a split that exists", "$N data split t.jsonl -o .", **keeps("train.jsonl", "validation.jsonl", "test.jsonl")),
    line("resume without an output", "$N classify $SAMPLE --model $TINY --resume"),
    line("resume of nothing", "$N classify $SAMPLE --model $TINY -o out.jsonl --resume", (0, 2)),
    line("resume of a file of another program", "echo hello > out.jsonl; $N classify $SAMPLE --model $TINY -o out.jsonl --resume"),
    line("resume of a complete run", "$N classify $SAMPLE --model $TINY -q -o out.jsonl && $N classify $SAMPLE --model $TINY -o out.jsonl --resume", (0,), rows=72),
    line("resume of a complete run with other options", "$N classify $SAMPLE --model $TINY -q -o out.jsonl && $N classify $SAMPLE --model $TINY -o out.jsonl --scores --resume"),
    line("a label map that is not TOML", "echo '{' > map.toml; $N eval $TINY --data t.jsonl --label-field desk --label-map map.toml", files=labelled),
    line("a label map to labels that do not exist", "echo 'money = [\"nothing\"]' > map.toml; $N eval $TINY --data t.jsonl --label-field desk --label-map map.toml", files=labelled),
    line("a label map that is a folder", "mkdir map.toml; $N eval $TINY --data t.jsonl --label-field desk --label-map map.toml", files=labelled),
    line("labels that the model does not have", "$N eval $TINY --data t.jsonl --label-field desk", files=labelled),
    line("a label column that does not exist", "$N eval $TINY --data t.jsonl --label-field nothing", files=labelled),
    line("an empty data set to eval", ": > e.jsonl; $N eval $TINY --data e.jsonl --label-field desk"),
    line("bench of two models with other labels", TRAIN + "-q; $N bench $TINY m --data t.jsonl --label-field desk --seconds 1", (0, 2), files=labelled),
    line("an options file that is not TOML", "echo '[[' > o.toml; $N train --options o.toml"),
    line("an options file with unknown options", "echo 'nothing = 1' > o.toml; $N train --options o.toml"),
    line("an options file that names itself", "echo 'options = \"o.toml\"' > o.toml; $N train --options o.toml"),
    line("an endless options file", "$N train --options /dev/zero"),
    line("learning rate 1e30", TRAIN + "--learning-rate 1e30", files=labelled),
    line("learning rate nan", TRAIN + "--learning-rate nan", files=labelled),
    line("learning rate -1", TRAIN + "--learning-rate -1", files=labelled),
    line("epochs 0", TRAIN + "--epochs 0", files=labelled),
    line("epochs 2^32", TRAIN + "--epochs 4294967296", files=labelled),
    line("tune 0", TRAIN + "--tune 0", files=labelled),
    line("tune -5", TRAIN + "--tune -5", files=labelled),
    line("training rows all of one label", "sed -i 's/ball/money/; s/law/money/' t.jsonl; " + TRAIN, (0, 2), files=labelled),
    line("a label for each row", "for k in $(seq 300); do echo \"{\\\"text\\\":\\\"prices rise $k\\\",\\\"desk\\\":\\\"id$k\\\"}\"; done > t.jsonl; " + TRAIN, (0, 2)),
    line("one training row", "head -1 t.jsonl > u.jsonl; mv u.jsonl t.jsonl; " + TRAIN, (0, 2), files=labelled),
    line("training onto a file", "echo old > m; " + TRAIN, files=labelled, check=lambda folder, _: None if (folder / "m").read_text() == "old\n" else "m is overwritten"),
    line("training into the data's folder", "$N train --data t.jsonl --label-field desk --arch linear -o .", (0, 2), files=labelled, check=lambda folder, _: None if (folder / "t.jsonl").exists() else "the data is lost"),
    line("training with a base that is a linear model", TRAIN + "-q; $N train --data t.jsonl --label-field desk --base m -o n", files=labelled),
    line("averaging a model with one of other labels", TRAIN + "-q; $N models average $TINY m -o n", files=labelled),
    line("averaging one model", "$N models average $TINY -o n", (0, 2)),
    line("calibration of a model that cannot be written", "cp -r $TINY m; chmod -R a-w m; $N calibrate m --data t.jsonl --label-field desk", files=labelled),
    line("verify of a file without a manifest", "$N verify $SAMPLE"),
    line("verify of a changed output", "$N classify $SAMPLE --model $TINY -q -o out.jsonl; sed -i 's/\"label\": *\"[a-z]*\"/\"label\":\"world\"/' out.jsonl; $N verify out.jsonl --model $TINY", (1, 2)),
    line("diff of files with other rows", "$N classify $SAMPLE --model $TINY -q -o a.jsonl; head -5 $SAMPLE > s.jsonl; $N classify s.jsonl --model $TINY -q -o b.jsonl; $N diff a.jsonl b.jsonl", (1, 2)),
    line("diff of a file with itself", "$N classify $SAMPLE --model $TINY -q -o a.jsonl; $N diff a.jsonl a.jsonl", (0, 2)),
    line("a shell that does not exist", "$N completions csh"),
    line("an instruction set that does not exist", "NEWSDESK_INSTRUCTIONS=sse9 $N classify $SAMPLE --model $TINY"),
    line("a hub name that is not in the cache", "HF_HOME=/nowhere $N classify $SAMPLE --model no/such-model"),
    line("a hub name that climbs", "$N classify $SAMPLE --model org/../../etc"),
]
