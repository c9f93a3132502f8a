"""Converts a model folder for ONNX Runtime, OpenVINO, CTranslate2 and rten, and caches the result.

The name of a converted model is a hash of its inputs: the checkpoint, the versions of the packages, and for OpenVINO's
int8 the calibration texts. Conversion needs far more memory than inference. So engine.py runs this file in a separate
process, and the measured process only loads the result.

usage: convert.py FORM MODEL --cache DIR [--calibration CORPUS] prints the converted model's path
"""

import argparse
import hashlib
import importlib.metadata
import os
import pathlib
import tempfile

import checkpoint
import corpus
import ctranslate

CALIBRATION_TEXTS = 200
FILES = {
    "onnx": "model.onnx",
    "ort": "model.onnx",
    "ort_int8": "model.onnx",
    "ov_int8": "model.xml",
    "ct2": "model.bin",
    "ct2_int8": "model.bin",
    "rten_int8": "model.onnx",
}
# The format that each engine loads. Other engines load the folder itself.
FORM = {"ov": "onnx", "ov_bf16": "onnx", "rten": "onnx"}
FORM |= {form: form for form in ("ort", "ort_int8", "ov_int8", "ct2", "ct2_int8", "rten_int8")}
# ONNX Runtime's optimiser does not fuse the attention of the other types: relative and rotary positions.
FUSED_TYPES = {"bert", "distilbert", "roberta", "xlm-roberta", "camembert"}
PACKAGES = {"ov_int8": ["onnxruntime", "openvino", "nncf"], "ct2": ["ctranslate2"], "ct2_int8": ["ctranslate2"]}


def converted(form, model, cache, calibration=None):
    """Returns the path of the converted model in the cache, whether it exists or not."""
    key = hashlib.sha256()
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        with open(pathlib.Path(model) / name, "rb") as file:
            key.update(hashlib.file_digest(file, "sha256").digest())
    packages = ["torch", "transformers"] + PACKAGES.get(form, ["onnxruntime"])
    key.update(repr([(name, importlib.metadata.version(name)) for name in packages]).encode())
    for file in [__file__] + [ctranslate.__file__] * form.startswith("ct2"):
        key.update(pathlib.Path(file).read_bytes())
    if form == "ov_int8":
        key.update(repr(calibration_texts(calibration)).encode())
    if form in ("ort_int8", "rten_int8"):
        key.update(repr(needs_reduced_range()).encode())
    return pathlib.Path(cache) / f"{form}-{key.hexdigest()[:16]}" / FILES[form]


def convert(form, model, cache, calibration=None):
    """Returns the path of the converted model; converts it if the cache lacks it."""
    path = converted(form, model, cache, calibration)
    if not path.exists():
        pathlib.Path(cache).mkdir(parents=True, exist_ok=True)
        # Converted in a temporary folder and renamed, so that the cache has only complete models.
        with tempfile.TemporaryDirectory(dir=cache) as making:
            target = pathlib.Path(making) / "model"
            target.mkdir()
            if form == "onnx":
                export_onnx(model, target / path.name)
            elif form == "ort":
                fuse(model, convert("onnx", model, cache), target / path.name)
            elif form == "ort_int8":
                quantise_onnx(convert("ort", model, cache), target / path.name)
            elif form == "rten_int8":
                # rten fuses the graph itself, and does not know the fused operators of ONNX Runtime.
                quantise_onnx(convert("onnx", model, cache), target / path.name)
            elif form == "ov_int8":
                texts = calibration_texts(calibration)
                quantise_openvino(model, convert("onnx", model, cache), texts, target / path.name)
            elif form.startswith("ct2"):
                ctranslate.convert(model, target, "int8" if form == "ct2_int8" else "float32")
            os.rename(target, path.parent)
    return path


def calibration_texts(path):
    return [corpus.article(row) for row in corpus.rows(path, CALIBRATION_TEXTS)]


def export_onnx(model, target):
    import torch
    from transformers import AutoModelForSequenceClassification

    # Eager attention exports plain matrix products, which both optimisers recognise.
    network = AutoModelForSequenceClassification.from_pretrained(
        model, attn_implementation="eager", dtype=torch.float32
    ).eval()

    class Logits(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, input_ids, attention_mask):
            return self.network(input_ids=input_ids, attention_mask=attention_mask).logits

    ids = torch.randint(1000, 2000, (2, 16)) % network.config.vocab_size
    free = {0: "windows", 1: "length"}
    with torch.inference_mode():
        torch.onnx.export(
            Logits(),
            (ids, torch.ones_like(ids)),
            str(target),
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_axes={"input_ids": free, "attention_mask": free, "logits": {0: "windows"}},
            opset_version=17,
            dynamo=False,
        )


def fuse(model, onnx_model, target):
    from onnxruntime.transformers import optimizer

    layers, heads, width = checkpoint.sizes(model)
    # This type of the optimiser is for all encoders.
    fused = optimizer.optimize_model(str(onnx_model), model_type="bert", num_heads=heads, hidden_size=width)
    # If the exporter changes its patterns, the graph is not fused, and the comparison is unfair.
    found = fused.get_fused_operator_statistics()
    attention = layers if checkpoint.config(model)["model_type"] in FUSED_TYPES else 0
    if found["Attention"] != attention or found["SkipLayerNormalization"] < 2 * layers:
        raise SystemExit(f"error: ONNX Runtime's optimiser did not fuse all of {layers} layers: {found}")
    fused.save_model_to_file(str(target))


def needs_reduced_range():
    """Whether weights must be limited to 7 bits: without VNNI, sums of 8-bit products saturate at 16 bits."""
    path = pathlib.Path("/proc/cpuinfo")
    return path.exists() and "vnni" not in path.read_text()


def quantise_onnx(onnx_model, target):
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        onnx_model,
        target,
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=needs_reduced_range(),
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )


def quantise_openvino(model, onnx_model, texts, target):
    import nncf
    import numpy
    import openvino

    encodings = checkpoint.tokenizer(model).encode_batch(texts)
    windows = [numpy.array([encoding.ids], numpy.int64) for encoding in encodings]
    samples = nncf.Dataset([{"input_ids": ids, "attention_mask": numpy.ones_like(ids)} for ids in windows])
    network = openvino.Core().read_model(onnx_model)
    quantised = nncf.quantize(network, samples, model_type=nncf.ModelType.TRANSFORMER, subset_size=len(texts))
    openvino.save_model(quantised, target, compress_to_fp16=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("form", choices=FILES)
    parser.add_argument("model")
    parser.add_argument("--cache", required=True)
    parser.add_argument("--calibration", help="corpus with the calibration texts of OpenVINO's int8 (the first 200)")
    settings = parser.parse_args()
    if settings.form == "ov_int8" and not settings.calibration:
        parser.error("ov_int8 needs --calibration")
    print(convert(settings.form, settings.model, settings.cache, settings.calibration))
