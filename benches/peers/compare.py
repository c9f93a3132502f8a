"""Compares Newsdesk with other engines on the same articles. Writes a Markdown table and a JSON file.

The engines take turns, and each run is a new process.

    compare.py --newsdesk BINARY --model DIR --corpus FILE... -o result.json
    compare.py --newsdesk BINARY --model DIR --corpus FILE... -o result.json --whole-job [--model2 DIR]

The first form runs the same checkpoint on all engines. The second compares the whole job: topic and sentiment of every
article. Newsdesk then uses its built-in model, and the engines run two checkpoints one after the other.
"""

import argparse
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import sys
import tempfile

import convert
import corpus
import engine
import measure
import summary
import table

HERE = pathlib.Path(__file__).parent
PACKAGES = ["torch", "transformers", "tokenizers", "onnxruntime", "openvino", "nncf", "ctranslate2"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--newsdesk", required=True, help="the binary")
    parser.add_argument("--model", required=True, help="folder of a *ForSequenceClassification checkpoint")
    parser.add_argument("--model2", help="with --whole-job: the engines' second model [default: the first]")
    parser.add_argument("--corpus", required=True, nargs="+", help=".jsonl or .jsonl.zst with title and text")
    parser.add_argument("--engines", type=listed, default=engine.ENGINES, help=",".join(engine.ENGINES))
    parser.add_argument("--dtypes", type=listed, help="Newsdesk's dtypes [default: f32,bf16,int8; whole job: auto]")
    parser.add_argument("--whole-job", action="store_true")
    parser.add_argument("--limit", type=int, help="only the first N articles of each corpus")
    parser.add_argument("--hf-limit", type=int, help="limit for hf, which is slow [default: all; whole job: 200]")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--streams", type=int, default=1, help="OpenVINO: number of concurrent batches")
    parser.add_argument("--calibration", help="corpus to calibrate ov_int8 on [default: the first --corpus]")
    parser.add_argument("--cache", default="peers-cache", help="folder for converted models")
    parser.add_argument("-o", "--output", required=True, help="JSON file; the table gets the same name with .md")
    settings = parser.parse_args()
    if unknown := set(settings.engines) - set(engine.ENGINES + engine.OTHER_ENGINES):
        parser.error(f"no such engine: {', '.join(sorted(unknown))}")
    if settings.model2 and not settings.whole_job:
        parser.error("--model2 is for --whole-job")
    settings.dtypes = settings.dtypes or (["auto"] if settings.whole_job else ["f32", "bf16", "int8"])
    settings.model2 = settings.model2 or (settings.model if settings.whole_job else None)
    settings.hf_limit = settings.hf_limit or (200 if settings.whole_job else None)
    settings.calibration = settings.calibration or settings.corpus[0]
    return settings


def listed(text):
    return [part for part in text.split(",") if part]


def main():
    settings = arguments()
    environment = os.environ | {name: str(settings.threads) for name in engine.THREAD_VARIABLES[:2]}
    for form in sorted({convert.FORM[name] for name in settings.engines if name in convert.FORM}):
        for model in filter(None, {settings.model, settings.model2}):
            command = [sys.executable, HERE / "convert.py", form, model, "--cache", settings.cache]
            measure.run(command + ["--calibration", settings.calibration], environment)

    results = []
    for path in settings.corpus:
        with tempfile.TemporaryDirectory() as folder:
            results += compare(path, pathlib.Path(folder), settings, environment)
    report = {
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "versions": {"newsdesk": measure.run([settings.newsdesk, "--version"], environment).output.split()[-1]}
        | {package: importlib.metadata.version(package) for package in PACKAGES},
        "settings": {name: shown(value) for name, value in vars(settings).items() if name not in ("cache", "output")},
        "results": results,
    }
    output = pathlib.Path(settings.output)
    markdown = table.markdown(report)
    rounded = json.loads(json.dumps(report), parse_float=lambda digits: round(float(digits), 4))
    output.write_text(json.dumps(rounded, indent=1) + "\n")
    output.with_suffix(".md").write_text(markdown)
    print(markdown)


def compare(path, folder, settings, environment):
    """Measures all engines on one corpus and returns one result per engine."""
    file, one, few = folder / "corpus.jsonl", folder / "one.jsonl", folder / "few.jsonl"
    truth = []
    with open(file, "wb") as all_of_it, open(few, "wb") as some:
        for line in corpus.lines(path, settings.limit):
            if not truth:
                one.write_bytes(line)
            all_of_it.write(line)
            if not settings.hf_limit or len(truth) < settings.hf_limit:
                some.write(line)
            truth.append(json.loads(line).get("label"))

    jobs = [("newsdesk", dtype) for dtype in settings.dtypes]
    jobs += [(name, None) for name in settings.engines]
    measured = {job: [] for job in jobs}
    answers = {}
    for number in range(settings.rounds):
        turn = number * len(jobs) // settings.rounds  # each round starts with another engine
        for job in jobs[turn:] + jobs[:turn]:
            name, dtype = job
            print(f"{shown(path)}, round {number + 1}: {' '.join(filter(None, job))}", file=sys.stderr)
            out = folder / "out.jsonl"
            if name == "newsdesk":
                figures = run_newsdesk(dtype, file, one, out, len(truth), settings, environment)
            else:
                figures = run_engine(name, few if name == "hf" else file, out, settings, environment)
            measured[job].append(figures)
            answers[job] = measure.labels(out)
            if len(answers[job]) != figures["articles"]:
                raise SystemExit(f"error: {name} labelled {len(answers[job])} of {figures['articles']} articles")
    return summary.results(shown(path), measured, answers, truth, settings)


def run_newsdesk(dtype, file, one, out, articles, settings, environment):
    options = ["--threads", str(settings.threads), "--prefix", measure.PREFIX, "--quiet", "--overwrite", "-o", str(out)]
    if dtype != "none":  # for a Newsdesk that does not have the option
        options += ["--dtype", dtype]
    if not settings.whole_job:  # the engines read only the first window of an article
        options += ["--model", settings.model, "--max-windows", "1"]
        options += ["--html", "keep"]  # the engines read the HTML in a text too
    start = measure.run([settings.newsdesk, "classify", str(one), *options], environment)
    whole = measure.run([settings.newsdesk, "classify", str(file), *options], environment)
    # If most of a run is start-up, the rest is too short to measure.
    after = whole.wall_s - start.wall_s if whole.wall_s > 2 * start.wall_s else None
    return {
        "articles": articles,
        "wall_s": whole.wall_s,
        "start_s": start.wall_s,
        "articles_s": articles / whole.wall_s,
        "steady_articles_s": after and (articles - 1) / after,
        "peak_mb": whole.peak_mb,
        "computes_in": "default" if dtype == "none" else dtype,
    }


def run_engine(name, file, out, settings, environment):
    command = [sys.executable, HERE / "engine.py", settings.model, file, name, "--out", out, "--cache", settings.cache]
    command += ["--threads", settings.threads, "--streams", settings.streams, "--calibration", settings.calibration]
    if settings.model2:
        command += ["--model2", settings.model2]
    process = measure.run(list(map(str, command)), environment)
    said = json.loads(process.output.splitlines()[-1])
    seconds = said["seconds"] + (said["write_s"] if settings.whole_job else 0.0)
    figures = {"articles_s": said["articles"] / seconds, "wall_s": process.wall_s, "peak_mb": process.peak_mb}
    return said | figures


def shown(value):
    """Returns a setting with only the last two parts of a path, since the others depend on the machine."""
    if isinstance(value, list):
        return [shown(part) for part in value]
    return "/".join(pathlib.Path(value).parts[-2:]) if isinstance(value, str) else value


def machine():
    return {"processor": processor(), "processors": os.cpu_count(), "system": platform.platform()}


def processor():
    path = pathlib.Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    fields = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    flags = fields.get("flags", "").split()
    known = ["avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8"]
    return " ".join([fields.get("model name", platform.processor()), *(flag for flag in known if flag in flags)])


if __name__ == "__main__":
    main()
