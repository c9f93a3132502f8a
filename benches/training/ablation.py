"""Says what each part of a recipe for the default model is worth, and what a model loses on a source that it was not trained on.

    python3 benches/training/ablation.py parts DATA BASE SCORES OUT [--seeds 1 2 3] [--newsdesk PROGRAM]
    python3 benches/training/ablation.py sources DATA BASE OUT [--seeds 1] [--newsdesk PROGRAM]

DATA is what datasets/join.py makes. BASE is the model that training starts from, such as models/default. SCORES is a folder with scores
of the strong model (see models/strong). Each run adds a line to OUT/results.jsonl. The same command can be repeated after an
interruption: it skips finished runs and resumes an interrupted one.

`parts` trains with each part alone and with each part left out, by the short recipe models/default/ablation.toml. A fifth of open-news'
training rows is held out, and measured together with the validation splits. No test split is read.

`sources` trains without the texts of one source after the other, and measures the test rows of that source. The teacher has read all
sources, so these runs have none.
"""

import argparse
import hashlib
import json
import statistics
import subprocess
import tomllib
from pathlib import Path

import by_source
from accuracy import run

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "models" / "default" / "ablation.toml"
# The parts of the recipe, as options of `newsdesk train`.
AUGMENTATION = ["--drop-title", "0.1", "--later-window", "0.1", "--text-noise", "0.1"]
ORDINAL = ["--ordinal", "sentiment=1"]
# Data sets whose labels were made for this project after iptc-news.
MORE_LABELS = {"iptc-news-more", "newsmtsc-tone", "open-news"}
# The sources of open-news that are trained on, and those of iptc-news.
SOURCES = ["tehran-times", "us-congress-press-releases", "us-doj-press-releases", "huffpost", "ag-news", "bbc-news"]


def read(path):
    text = subprocess.run(["zstd", "-dc", path] if path.suffix == ".zst" else ["cat", path], check=True, stdout=subprocess.PIPE).stdout
    # Not splitlines: texts contain other characters that end lines.
    return [json.loads(line) for line in text.decode().rstrip("\n").split("\n")]


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def training_file(data, name):
    """Returns the file with the training rows of a data set."""
    recipe = tomllib.loads((ROOT / "datasets" / f"{name}.toml").read_text())
    return data / recipe["folder"] / recipe["files"]["train"]


def changed_recipe(out, name, rows):
    """Writes a recipe like that of a data set, with other training rows, and returns its path. The set keeps its name."""
    folder = out / "sets" / name
    write(folder / "train.jsonl", rows)
    recipe = (ROOT / "datasets" / f"{name}.toml").read_text()
    kept = [line for line in recipe.split("\n") if not line.startswith(("folder =", "train =", "validation =", "test ="))]
    head = kept.index("[files]")
    kept[head : head + 1] = [f'folder = "{folder}"', "[files]", 'train = "train.jsonl"']
    path = folder / f"{name}.toml"
    path.write_text("\n".join(kept))
    return path


def is_held_out(row):
    return hashlib.sha256(row["id"].encode()).digest()[0] % 5 == 0


class Runs:
    """The runs of an experiment, and their results so far."""

    def __init__(self, options):
        self.options = options
        options.out.mkdir(parents=True, exist_ok=True)
        self.path = options.out / "results.jsonl"
        self.results = [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []

    def known(self, name, seed):
        return next((result for result in self.results if (result["name"], result["seed"]) == (name, seed)), None)

    def train(self, name, seed, data, more, validation):
        """Trains a model, if that is not done yet, and returns its folder."""
        model = self.options.out / f"{name.replace(' ', '-')}-{seed}"
        if not (model / "model.safetensors").exists() or (model / "checkpoint").exists():
            run([
                self.options.newsdesk, "train", "--options", RECIPE, "--data", *data, "--validation", *validation, "--base", self.options.base,
                "--data-root", self.options.data, *more, "--seed", seed, "--resume", "--quiet", "-o", model,
            ])
        return model

    def add(self, name, seed, figures):
        self.results.append({"name": name, "seed": seed, **figures})
        with self.path.open("a") as file:
            file.write(json.dumps(self.results[-1]) + "\n")


def parts(runs):
    options = runs.options
    sets = tomllib.loads(RECIPE.read_text())["data"]
    rows = read(training_file(options.data, "open-news"))
    open_news = changed_recipe(options.out, "open-news", [row for row in rows if not is_held_out(row)])
    held_out = options.out / "held-out.jsonl"
    write(held_out, [row for row in rows if is_held_out(row)])
    scores = ["--teacher-scores", *sorted(options.scores.glob("*.safetensors"))]
    unlabelled = ["--unlabelled", *sorted((options.data / "open-news-unlabelled").glob("*.zst"))]
    old = [name for name in sets if name not in MORE_LABELS]
    new = [open_news if name == "open-news" else name for name in sets]
    variants = {
        "no part": (old, []),
        "only more labels": (new, []),
        "only teacher": (old, [*scores]),
        "only teacher, unlabelled": (old, [*scores, *unlabelled]),
        "only augmentation": (old, AUGMENTATION),
        "only ordinal": (old, ORDINAL),
        "all parts": (new, [*scores, *unlabelled, *AUGMENTATION, *ORDINAL]),
        "all but more labels": (old, [*scores, *unlabelled, *AUGMENTATION, *ORDINAL]),
        "all but teacher": (new, [*AUGMENTATION, *ORDINAL]),
        "all but unlabelled": (new, [*scores, *AUGMENTATION, *ORDINAL]),
        "all but augmentation": (new, [*scores, *unlabelled, *ORDINAL]),
        "all but ordinal": (new, [*scores, *unlabelled, *AUGMENTATION]),
    }
    for name in options.variants or variants:
        data, more = variants[name]
        for seed in options.seeds:
            if runs.known(name, seed):
                continue
            model = runs.train(name, seed, data, more, ["iptc-news", "newsmtsc", "financial-phrasebank"])
            figures = {}
            for label, file in (("iptc", options.data / "iptc-news" / "validation.jsonl.zst"), ("open-news", held_out)):
                found = by_source.figures(by_source.predictions(options.newsdesk, model, file), intervals=False)
                figures |= {f"{label} {key}": value[0] for key, value in found.items() if not key.endswith("labels")}
            report = json.loads(run([options.newsdesk, "eval", model, "--data", "newsmtsc", "financial-phrasebank", "--split", "validation",
                                     "--data-root", options.data, "--json", "--quiet"]))
            figures |= {one["set"]: one["heads"][0]["report"]["macro_f1"] for one in report}
            runs.add(name, seed, figures)
    table(runs, list(options.variants or variants))


def sources(runs):
    options = runs.options
    sets = tomllib.loads(RECIPE.read_text())["data"]
    for name in [None, *SOURCES]:
        label = f"without {name}" if name else "with all sources"
        for seed in options.seeds:
            if runs.known(label, seed):
                continue
            data = [without(options, one, name) for one in sets if one != name] if name else sets
            model = runs.train(label, seed, data, [], ["iptc-news", "newsmtsc", "financial-phrasebank"])
            figures = {}
            for one in ("open-news", "iptc-news"):
                rows = by_source.predictions(options.newsdesk, model, options.data / one / "test.jsonl.zst")
                for source in SOURCES:
                    members = [row for row in rows if by_source.source(row) == source]
                    if members:
                        found = by_source.figures(members, intervals=False)
                        figures |= {f"{source} {key}": found[key][0] for key in ("topic accuracy", "tone accuracy")}
            runs.add(label, seed, figures)
    print("| source | topic, trained on it | not trained on it | tone, trained on it | not trained on it |")
    print("| --- | --- | --- | --- | --- |")
    for source in SOURCES:
        mean = lambda label, key: statistics.mean(r[f"{source} {key}"] for r in runs.results if r["name"] == label)
        cells = [mean(label, key) for key in ("topic accuracy", "tone accuracy") for label in ("with all sources", f"without {source}")]
        print(f"| {source} | {' | '.join(f'{cell:.3f}' for cell in cells)} |")


def without(options, name, source):
    """Returns a data set without the rows of a source: the set itself, or the path of a changed recipe."""
    rows = read(training_file(options.data, name))
    kept = [row for row in rows if row.get("source", str(row["id"]).split("/")[0]) != source]
    return name if len(kept) == len(rows) else changed_recipe(options.out / source, name, kept)


def table(runs, names):
    keys = [key for key in runs.results[0] if key not in ("name", "seed")]
    print(f"| recipe | seeds | {' | '.join(keys)} |")
    print(f"| --- | --- | {' | '.join('---' for _ in keys)} |")
    for name in names:
        of_name = [result for result in runs.results if result["name"] == name]
        if of_name:
            cells = [[result[key] for result in of_name] for key in keys]
            shown = [f"{statistics.mean(cell):.3f}" + (f" ± {statistics.stdev(cell):.3f}" if len(cell) > 1 else "") for cell in cells]
            print(f"| {name} | {len(of_name)} | {' | '.join(shown)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, function, seeds in (("parts", parts, [1, 2, 3]), ("sources", sources, [1])):
        command = commands.add_parser(name)
        command.set_defaults(function=function)
        for folder in ("data", "base", "scores", "out"):
            if folder != "scores" or name == "parts":
                command.add_argument(folder, type=Path)
        command.add_argument("--seeds", nargs="+", type=int, default=seeds)
        command.add_argument("--newsdesk", default="newsdesk")
        command.add_argument("--variants", nargs="+", help="only these runs" if name == "parts" else argparse.SUPPRESS)
    options = parser.parse_args()
    options.out, options.data = options.out.resolve(), options.data.resolve()
    options.function(Runs(options))


if __name__ == "__main__":
    main()
