"""Labels a corpus with one engine and prints one JSON line with the times.

All engines but `hf` get batches that are sorted by length and limited in tokens, as a careful user would write them.
`hf` is the pipeline of transformers with batches of 32, as in its documentation. `seconds` is the time from texts in
memory to labels in memory: tokenising, batching and inference. Reading, loading, converting and writing are reported
separately.
"""

import argparse
import collections
import dataclasses
import json
import os
import pathlib
import resource
import subprocess
import sys
import time

import checkpoint
import convert
import corpus

ENGINES = ["hf", "torch", "torch_bf16", "ort", "ort_int8", "ov", "ov_bf16", "ov_int8", "ct2", "ct2_int8", "rten", "rten_int8"]
# Needs another version of PyTorch than requirements.txt.
OTHER_ENGINES = ["zentorch"]
THREAD_VARIABLES = ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "RTEN_NUM_THREADS"]
RTEN = pathlib.Path(__file__).with_name("rten")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="folder of a *ForSequenceClassification checkpoint")
    parser.add_argument("corpus", help=".jsonl or .jsonl.zst with title and text")
    parser.add_argument("engine", choices=ENGINES + OTHER_ENGINES)
    parser.add_argument("--model2", help="second model, which runs on the same corpus after the first")
    parser.add_argument("--limit", type=int, help="label only the first N articles")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-tokens", type=int, default=8192, help="maximum tokens per batch, including padding")
    parser.add_argument("--streams", type=int, default=1, help="OpenVINO: number of concurrent batches")
    parser.add_argument("--calibration", help="corpus to calibrate ov_int8 on [default: the same corpus]")
    parser.add_argument("--cache", default="peers-cache", help="folder for converted models")
    parser.add_argument("--out", help="write the rows with their labels here, as JSON Lines")
    return parser.parse_args()


# Each function opens an engine with the path of a converted model, and the checkpoint folder it was made from. It
# returns the dtype of the computation, and a function `run(batches, store)` that calls `store(rows, logits)` for each
# `(rows, ids, mask)`. It imports only its own library, since the memory of the process is measured, too.


def one_by_one(infer):
    def run(batches, store):
        for rows, ids, mask in batches:
            store(rows, infer(ids, mask))

    return run


def open_torch(path, model, settings):
    import torch
    from transformers import AutoModelForSequenceClassification

    torch.set_num_threads(settings.threads)
    dtype = torch.bfloat16 if settings.engine == "torch_bf16" else torch.float32
    load = AutoModelForSequenceClassification.from_pretrained
    try:
        network = load(path, attn_implementation="sdpa", dtype=dtype).eval()
    except ValueError:  # transformers has no fused attention for MPNet and DeBERTa
        network = load(path, attn_implementation="eager", dtype=dtype).eval()

    if settings.engine == "zentorch":
        import zentorch  # noqa: F401  registers the backend

        network = torch.compile(network, backend="zentorch", dynamic=True)

    @torch.inference_mode()
    def infer(ids, mask):
        return network(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)).logits.float().numpy()

    return "bf16" if dtype == torch.bfloat16 else "f32", one_by_one(infer)


def open_onnxruntime(path, model, settings):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def infer(ids, mask):
        return session.run(None, {"input_ids": ids, "attention_mask": mask})[0]

    return "int8" if settings.engine == "ort_int8" else "f32", one_by_one(infer)


def open_openvino(path, model, settings):
    import openvino

    options = {"INFERENCE_NUM_THREADS": settings.threads, "NUM_STREAMS": settings.streams}
    options["PERFORMANCE_HINT"] = "LATENCY" if settings.streams == 1 else "THROUGHPUT"
    if settings.engine != "ov_int8":  # for ov_int8, the plugin chooses the dtype of the other operations
        options["INFERENCE_PRECISION_HINT"] = "bf16" if settings.engine == "ov_bf16" else "f32"
    compiled = openvino.Core().compile_model(path, "CPU", options)
    precision = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()

    # Waits for the requests in order. Callbacks (AsyncInferQueue) can deadlock when the model is dropped.
    idle = [compiled.create_infer_request() for _ in range(settings.streams)]

    def run(batches, store):
        working = collections.deque()

        def finish():
            request, rows = working.popleft()
            request.wait()
            store(rows, request.get_output_tensor(0).data)
            idle.append(request)

        for rows, ids, mask in batches:
            if not idle:
                finish()
            request = idle.pop()
            request.start_async({"input_ids": ids, "attention_mask": mask})
            working.append((request, rows))
        while working:
            finish()

    return f"int8 and {precision}" if settings.engine == "ov_int8" else precision, run


def open_ctranslate(path, model, settings):
    # `import ctranslate2` imports the libraries of its converters, which would count as its memory.
    sys.modules |= {"torch": None, "transformers": None}
    import ctranslate

    dtype = "int8" if settings.engine == "ct2_int8" else "float32"
    infer = ctranslate.open_encoder(path, model, dtype, settings.threads)
    return "int8" if dtype == "int8" else "f32", one_by_one(infer)


def open_rten(path, model, settings):
    import numpy

    program = RTEN / "target" / "release" / "newsdesk-peer-rten"
    if not program.exists():
        build = f"cargo build --release --manifest-path {RTEN / 'Cargo.toml'} --target-dir {RTEN / 'target'}"
        raise SystemExit(f"error: rten is not built: {build}")
    process = subprocess.Popen([program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def infer(ids, mask):
        header = numpy.array(ids.shape, "<u4").tobytes()
        process.stdin.write(header + ids.astype("<i4").tobytes() + mask.astype("<i4").tobytes())
        process.stdin.flush()
        labels = int(numpy.frombuffer(process.stdout.read(4), "<u4")[0])
        return numpy.frombuffer(process.stdout.read(4 * labels * len(ids)), "<f4").reshape(len(ids), labels)

    settings.programs.append(process)
    return "int8" if settings.engine == "rten_int8" else "f32", one_by_one(infer)


OPEN = {
    "torch": open_torch,
    "zentorch": open_torch,
    "ort": open_onnxruntime,
    "ov": open_openvino,
    "ct2": open_ctranslate,
    "rten": open_rten,
}


def peak_memory(programs):
    """Ends the programs. Returns the peak memory in MB of this process and of all of them."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for program in programs:
        program.stdin.close()
        peak += os.wait4(program.pid, 0)[2].ru_maxrss
    return peak // 1024


@dataclasses.dataclass
class Labelled:
    """The predictions of one model and its times."""

    labels: list
    scores: list
    tokens: int
    seconds: float
    tokenise_s: float | None
    load_s: float
    convert_s: float
    computes_in: str


def label_by_pipeline(model, texts, settings):
    started = time.perf_counter()
    import torch
    from transformers import pipeline

    torch.set_num_threads(settings.threads)
    options = {"device": "cpu", "batch_size": 32, "dtype": torch.float32}
    classify = pipeline("text-classification", model=model, tokenizer=model, **options)
    length = checkpoint.max_length(model)
    load_s = time.perf_counter() - started

    started = time.perf_counter()
    answers = classify(texts, truncation=True, max_length=length)
    seconds = time.perf_counter() - started

    tokens = sum(len(encoding.ids) for encoding in checkpoint.tokenizer(model).encode_batch(texts))
    labels, scores = [answer["label"] for answer in answers], [answer["score"] for answer in answers]
    return Labelled(labels, scores, tokens, seconds, None, load_s, 0.0, "f32")


def label(model, texts, settings):
    import numpy

    started = time.perf_counter()
    path = convert_apart(model, settings)
    convert_s = time.perf_counter() - started

    started = time.perf_counter()
    tokenizer, names = checkpoint.tokenizer(model), checkpoint.label_names(model)
    computes_in, run = OPEN[settings.engine.partition("_")[0]](path, model, settings)
    first = numpy.ones((2, 8), numpy.int64)
    run([([], first, first)], lambda rows, logits: None)  # warm-up: some engines prepare buffers at the first call
    load_s = time.perf_counter() - started

    started = time.perf_counter()
    encoded = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    tokenise_s = time.perf_counter() - started
    labels, scores = [None] * len(texts), [None] * len(texts)

    def store(rows, logits):
        weights = numpy.exp(logits - logits.max(1, keepdims=True))  # [windows, labels]
        best, score = weights.argmax(1), weights.max(1) / weights.sum(1)  # [windows]
        for position, row in enumerate(rows):
            labels[row], scores[row] = names[int(best[position])], float(score[position])

    run(batches(encoded, checkpoint.padding(model), settings.batch_tokens), store)
    seconds = time.perf_counter() - started
    return Labelled(labels, scores, sum(map(len, encoded)), seconds, tokenise_s, load_s, convert_s, computes_in)


def batches(encoded, padding, budget):
    """Yields batches of rows by decreasing length; a padded batch has at most `budget` tokens."""
    import numpy

    order = sorted(range(len(encoded)), key=lambda row: -len(encoded[row]))
    start = 0
    while start < len(order):
        length = len(encoded[order[start]])
        rows = order[start : start + max(1, budget // length)]
        start += len(rows)
        ids, mask = numpy.full((len(rows), length), padding, numpy.int64), numpy.zeros((len(rows), length), numpy.int64)
        for position, row in enumerate(rows):
            ids[position, : len(encoded[row])] = encoded[row]
            mask[position, : len(encoded[row])] = 1
        yield rows, ids, mask  # [windows, length]


def convert_apart(model, settings):
    """Returns the path that the engine loads. Converts the model in a separate process if the cache lacks it."""
    if settings.engine not in convert.FORM:
        return model
    form, calibration = convert.FORM[settings.engine], settings.calibration or settings.corpus
    path = convert.converted(form, model, settings.cache, calibration)
    if not path.exists():
        options = ["--cache", settings.cache, "--calibration", calibration]
        subprocess.run([sys.executable, convert.__file__, form, model, *options], check=True, stdout=sys.stderr)
    return str(path)


def main():
    settings = arguments()
    settings.programs = []  # that compute for this process
    for variable in THREAD_VARIABLES:  # before any library starts its threads
        os.environ[variable] = str(settings.threads)

    started = time.perf_counter()
    rows = list(corpus.rows(settings.corpus, settings.limit))
    texts = [corpus.article(row) for row in rows]
    read_s = time.perf_counter() - started

    run = label_by_pipeline if settings.engine == "hf" else label
    models = [model for model in (settings.model, settings.model2) if model]
    answers = [run(model, texts, settings) for model in models]

    started = time.perf_counter()
    if settings.out:
        with open(settings.out, "w", encoding="utf-8") as file:
            for index, row in enumerate(rows):
                for number, answer in enumerate(answers, 1):
                    name = "answer_label" if number == 1 else f"answer_label_{number}"
                    row |= {name: answer.labels[index], f"{name}_score": round(answer.scores[index], 4)}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
    write_s = time.perf_counter() - started

    def total(field):
        values = [getattr(answer, field) for answer in answers]
        return None if None in values else round(sum(values), 3)

    seconds, tokens = total("seconds"), total("tokens")
    report = {
        "engine": settings.engine,
        "computes_in": answers[0].computes_in,
        "articles": len(texts),
        "tokens": tokens,
        "seconds": seconds,
        "tokenise_s": total("tokenise_s"),
        "articles_s": round(len(texts) / seconds, 2),
        "tokens_s": round(tokens / seconds, 1),
        "read_s": round(read_s, 3),
        "convert_s": total("convert_s"),
        "load_s": total("load_s"),
        "write_s": round(write_s, 3),
        "peak_rss_mb": peak_memory(settings.programs),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
