"""Compares Newsdesk with other engines on several architectures. Writes Markdown tables and a JSON file.

    architectures.py --newsdesk BINARY --models DIR... --corpus FILE... --limits N... -o result.json

Each engine first labels the longest article of the corpus. If that fails, the reason is listed and the engine is left
out for that model and corpus. The results are saved after each model and corpus. If the output exists, what it has is
not measured again.
"""

import argparse
import copy
import datetime
import importlib.metadata
import json
import os
import pathlib
import sys
import tempfile

import checkpoint
import compare
import convert
import corpus
import engine
import measure
import table

ENGINES = ["torch", "ort", "ort_int8", "ov", "ov_int8", "ct2", "ct2_int8", "rten", "rten_int8"]
LONG = 8192  # tokens: encoders that read as many also get long texts


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--newsdesk", help="the binary [default: compare only the other engines]")
    parser.add_argument("--models", required=True, nargs="+", help="folders of *ForSequenceClassification checkpoints")
    parser.add_argument("--corpus", required=True, nargs="+", help=".jsonl or .jsonl.zst with title and text")
    parser.add_argument("--limits", required=True, nargs="+", type=int, help="number of articles from each --corpus")
    parser.add_argument("--long", help="corpus whose articles are joined to texts of 8,192 tokens, for ModernBERT")
    parser.add_argument("--long-texts", type=int, default=3, help="number of long texts")
    parser.add_argument("--long-rounds", type=int, default=2, help="rounds on long texts, which take minutes")
    parser.add_argument("--engines", type=compare.listed, default=ENGINES, help=",".join(engine.ENGINES))
    parser.add_argument("--dtypes", type=compare.listed, default=["f32", "int8"], help="dtypes of Newsdesk")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--streams", type=int, default=1, help="OpenVINO: number of concurrent batches")
    parser.add_argument("--calibration", help="corpus to calibrate ov_int8 on [default: the first --corpus]")
    parser.add_argument("--cache", default="peers-cache", help="folder for converted models and long texts")
    parser.add_argument("-o", "--output", required=True, help="JSON file; the table gets the same name with .md")
    settings = parser.parse_args()
    if len(settings.limits) != len(settings.corpus):
        parser.error("--limits needs one number for each --corpus")
    if unknown := set(settings.engines) - set(engine.ENGINES + engine.OTHER_ENGINES):
        parser.error(f"no such engine: {', '.join(sorted(unknown))}")
    settings.dtypes = settings.dtypes if settings.newsdesk else []
    settings.calibration = settings.calibration or settings.corpus[0]
    settings.model2, settings.hf_limit, settings.whole_job = None, None, False  # these are for compare.py
    return settings


def main():
    settings = arguments()
    environment = os.environ | {name: str(settings.threads) for name in engine.THREAD_VARIABLES[:2]}
    output = pathlib.Path(settings.output)
    report = json.loads(output.read_text()) if output.exists() else new_report(settings, environment)
    for model in settings.models:
        name = pathlib.Path(model).name
        for path, limit, rounds in work(model, settings, environment):
            title = f"{name}, {compare.shown(path)}"
            if title in report["measured"]:
                print(f"{title}: measured already", file=sys.stderr)
                continue
            own = copy.copy(settings)
            own.model, own.limit, own.rounds = model, limit, rounds
            with tempfile.TemporaryDirectory() as folder:
                own.engines, own.dtypes, reasons = working(path, pathlib.Path(folder), own, environment)
                found = compare.compare(path, pathlib.Path(folder), own, environment)
            report["results"] += [{"model": name} | result for result in found]
            report["failures"] += [{"model": name, "corpus": compare.shown(path)} | reason for reason in reasons]
            report["measured"].append(title)
            save(report, output)
    print(output.with_suffix(".md").read_text())


def new_report(settings, environment):
    versions = {package: importlib.metadata.version(package) for package in compare.PACKAGES}
    if settings.newsdesk:
        said = measure.run([settings.newsdesk, "--version"], environment).output
        versions = {"newsdesk": said.split()[-1]} | versions
    unnamed = ("newsdesk", "cache", "output", "model2", "hf_limit", "whole_job")
    return {
        "date": datetime.date.today().isoformat(),
        "machine": compare.machine(),
        "versions": versions,
        "settings": {key: compare.shown(value) for key, value in vars(settings).items() if key not in unnamed},
        "measured": [],
        "failures": [],
        "results": [],
    }


def work(model, settings, environment):
    """Yields the corpora for a model, with the number of articles and of rounds."""
    for path, limit in zip(settings.corpus, settings.limits, strict=True):
        yield path, limit, settings.rounds
    if settings.long and checkpoint.max_length(model) >= LONG:
        path = pathlib.Path(settings.cache) / "long" / f"{pathlib.Path(model).name}-{settings.long_texts}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        script = compare.HERE / "long_texts.py"
        # In another process, so that this one stays small: see measure.py.
        measure.run([sys.executable, script, settings.long, model, str(settings.long_texts), path], environment)
        yield str(path), settings.long_texts, settings.long_rounds


def working(path, folder, settings, environment):
    """Returns the engines and the dtypes of Newsdesk that can label the longest article, and why others cannot."""
    longest, out = folder / "longest.jsonl", folder / "out.jsonl"
    longest.write_bytes(max(corpus.lines(path, settings.limit), key=len))
    reasons = []

    def works(name, run):
        print(f"{settings.model}, {compare.shown(path)}: trying {name}", file=sys.stderr)
        try:
            run()
        except SystemExit as failed:
            reasons.append({"engine": name, "reason": cause(str(failed))})
            return False
        return True

    def try_engine(name):
        if name in convert.FORM:
            command = [sys.executable, compare.HERE / "convert.py", convert.FORM[name], settings.model]
            measure.run(command + ["--cache", settings.cache, "--calibration", settings.calibration], environment)
        compare.run_engine(name, longest, out, settings, environment)

    engines = [name for name in settings.engines if works(name, lambda: try_engine(name))]

    def try_newsdesk(dtype):
        compare.run_newsdesk(dtype, longest, longest, out, 1, settings, environment)

    dtypes = [dtype for dtype in settings.dtypes if works(f"newsdesk {dtype}", lambda: try_newsdesk(dtype))]
    return engines, dtypes, reasons


def cause(message):
    """Returns the last error in the output of a failed process; the very last line only repeats the command."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    said = [line for line in lines[:-1] if "error" in line.lower()] or lines[:-1] or lines
    code = lines[-1].partition(" from: ")[0].removeprefix("error: ")
    return f"{said[-1][:300]} ({code})" if said != lines else code


def save(report, output):
    rounded = json.loads(json.dumps(report), parse_float=lambda digits: round(float(digits), 4))
    output.write_text(json.dumps(rounded, indent=1) + "\n")
    output.with_suffix(".md").write_text(table.architectures(report))


if __name__ == "__main__":
    main()
