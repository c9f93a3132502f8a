"""Model folders that are wrong in one way each."""

import json
import os
import shutil
import struct
from pathlib import Path

from harness import Case

TINY = Path(__file__).resolve().parents[2] / "models/tiny"
WEIGHTS, CONFIG, TOKENIZER = "model.safetensors", "config.json", "tokenizer.json"


def copy(folder: Path) -> Path:
    model = folder / "m"
    model.mkdir()
    for name in (CONFIG, TOKENIZER, WEIGHTS):
        shutil.copy(TINY / name, model / name)
    return model


def read_tensors(path: Path):
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8 : 8 + size]), bytearray(data[8 + size :])


def write_tensors(path: Path, header: dict, body: bytes):
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(body))


def config(name, change, codes=(2,), line=None, **more):
    def files(folder):
        path = copy(folder) / CONFIG
        text = json.loads(path.read_text())
        change(text)
        path.write_text(json.dumps(text))

    return Case(f"config: {name}", line or "$N classify $SAMPLE --model m -o out.jsonl", codes, files, **more)


def raw(name, file, change, codes=(2,), **more):
    def files(folder):
        path = copy(folder) / file
        path.write_bytes(change(path.read_bytes()))

    return Case(f"{file}: {name}", "$N classify $SAMPLE --model m -o out.jsonl", codes, files, **more)


def tensors(name, change, codes=(2,), line=None, **more):
    def files(folder):
        path = copy(folder) / WEIGHTS
        header, body = read_tensors(path)
        changed = change(header, body)
        write_tensors(path, header, changed if isinstance(changed, bytes) else body)

    return Case(f"tensors: {name}", line or "$N classify $SAMPLE --model m -o out.jsonl", codes, files, **more)


def tokenizer(name, change, codes=(2,), **more):
    def files(folder):
        path = copy(folder) / TOKENIZER
        text = json.loads(path.read_text())
        change(text)
        path.write_text(json.dumps(text))

    return Case(f"tokenizer: {name}", "$N classify $SAMPLE --model m -o out.jsonl", codes, files, **more)


def fill(tensor, value):
    def change(header, body):
        start, end = header[tensor]["data_offsets"]
        body[start:end] = struct.pack("<f", value) * ((end - start) // 4)

    return change


def set_key(key, value):
    return lambda text: text.__setitem__(key, value)


def special(name, make, codes=(2,), line=None, **more):
    return Case(f"folder: {name}", line or "$N classify $SAMPLE --model m -o out.jsonl", codes, make, **more)


def replaced(file, make):
    """Replaces a file of the model by what `make` puts at its path."""

    def files(folder):
        path = copy(folder) / file
        path.unlink()
        make(path)

    return files


LAYER = "bert.encoder.layer.1.output.dense.weight"
ORDINARY = (0,)

CASES = [
    config("hidden_size 0", set_key("hidden_size", 0)),
    config("hidden_size 2^40", set_key("hidden_size", 1 << 40)),
    config("hidden_size -1", set_key("hidden_size", -1)),
    config("hidden_size 1e300", set_key("hidden_size", 1e300)),
    config("vocab_size 2^62", set_key("vocab_size", 1 << 62)),
    config("intermediate_size 2^33", set_key("intermediate_size", 1 << 33)),
    config("num_attention_heads 0", set_key("num_attention_heads", 0)),
    config("num_attention_heads 33", set_key("num_attention_heads", 33)),
    config("num_hidden_layers 0", set_key("num_hidden_layers", 0)),
    config("num_hidden_layers 2^31", set_key("num_hidden_layers", 1 << 31)),
    config("num_hidden_layers 1, of 2", set_key("num_hidden_layers", 1), (0, 2)),
    config("max_position_embeddings 2^40", set_key("max_position_embeddings", 1 << 40)),
    config("max_position_embeddings 2", set_key("max_position_embeddings", 2)),
    config("layer_norm_eps -1", set_key("layer_norm_eps", -1)),
    config("layer_norm_eps 1e40", set_key("layer_norm_eps", 1e40)),
    config("layer_norm_eps null", set_key("layer_norm_eps", None), (0, 2)),
    config("hidden_act unknown", set_key("hidden_act", "swiglu")),
    config("id2label with a gap", set_key("id2label", {"0": "a", "7": "b"})),
    config("id2label twice the same label", set_key("id2label", {str(k): "same" for k in range(5)})),
    config("id2label of numbers", set_key("id2label", {str(k): k for k in range(5)})),
    config("id2label a list", set_key("id2label", ["a", "b", "c", "d", "e"]), (0, 2)),
    config("labels with escape sequences", set_key("id2label", {str(k): f"\x1b[31mred{k}\x07" for k in range(5)}), (0, 2), "$N classify $SAMPLE --model m -o out.jsonl; $N models info m >&2"),
    config("a label of 1 MB", set_key("id2label", {str(k): "x" * (1_000_000 if k == 0 else 1) + str(k) for k in range(5)}), (0, 2)),
    config("an empty label", set_key("id2label", {str(k): "" if k == 0 else str(k) for k in range(5)}), (0, 2)),
    config("model_type gpt2", set_key("model_type", "gpt2")),
    config("model_type a number", set_key("model_type", 7)),
    config("question answering", set_key("architectures", ["BertForQuestionAnswering"])),
    config("masked language model", set_key("architectures", ["BertForMaskedLM"])),
    config("token classification", set_key("architectures", ["BertForTokenClassification"])),
    config("a decoder", set_key("is_decoder", True), (0, 2)),
    config("problem_type regression", set_key("problem_type", "regression"), ORDINARY, rows=72),
    config("problem_type unknown", set_key("problem_type", "ranking")),
    config("max_position_embeddings 2^40 of ModernBERT", lambda text: text.update(model_type="modernbert", max_position_embeddings=1 << 40)),
    config("position_embedding_type relative_key", set_key("position_embedding_type", "relative_key")),
    raw("nested 200,000 brackets", CONFIG, lambda _: b"[" * 200_000),
    raw("nested 200,000 objects", CONFIG, lambda _: b'{"a":' * 200_000),
    raw("empty", CONFIG, lambda _: b""),
    raw("UTF-16", CONFIG, lambda data: data.decode().encode("utf-16")),
    raw("a byte order mark", CONFIG, lambda data: b"\xef\xbb\xbf" + data, (0, 2)),
    raw("not UTF-8", CONFIG, lambda data: data.replace(b"arts", b"\xff\xfe")),
    raw("a key twice", CONFIG, lambda data: data.replace(b'"hidden_size": 32', b'"hidden_size": 64, "hidden_size": 32'), (0, 2)),
    raw("300 MB of spaces", CONFIG, lambda data: b" " * 300_000_000 + data),
    raw("empty", TOKENIZER, lambda _: b""),
    raw("an array", TOKENIZER, lambda _: b"[]"),
    raw("cut in the middle", TOKENIZER, lambda data: data[: len(data) // 2]),
    raw("nested 200,000 brackets", TOKENIZER, lambda _: b"[" * 200_000),
    tokenizer("no model", lambda text: text.pop("model")),
    tokenizer("model null", set_key("model", None)),
    tokenizer("unknown token missing", lambda text: text["model"]["vocab"].pop("[UNK]"), (0, 1, 2)),
    tokenizer("empty vocabulary", lambda text: text["model"].__setitem__("vocab", {})),
    tokenizer("ids shared by two tokens", lambda text: text["model"]["vocab"].update({"the": 5, "of": 5}), (0, 2)),
    tokenizer("id -1", lambda text: text["model"]["vocab"].update({"the": -1})),
    tokenizer("id 2^32 - 1", lambda text: text["model"]["vocab"].update({"the": 4294967295})),
    tokenizer("id 600, of 600", lambda text: text["model"]["vocab"].update({"the": 600})),
    tokenizer("added token beyond the table", lambda text: text["added_tokens"].append({"id": 4294967295, "content": "newsdesk", "single_word": False, "lstrip": False, "rstrip": False, "normalized": True, "special": False})),
    tokenizer("template with an unknown token", lambda text: text.__setitem__("post_processor", {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "[NONE]", "type_id": 0}}], "pair": [], "special_tokens": {}})),
    tokenizer("template with type id 9", lambda text: text.__setitem__("post_processor", {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 9}}], "pair": [{"Sequence": {"id": "A", "type_id": 9}}, {"Sequence": {"id": "B", "type_id": 9}}], "special_tokens": {}}), (0, 2)),
    tokenizer("a regular expression without end", lambda text: text.__setitem__("pre_tokenizer", {"type": "Split", "pattern": {"Regex": "(a+)+$" * 50}, "behavior": "Isolated", "invert": False}), (0, 1, 2)),
    tokenizer("an invalid regular expression", lambda text: text.__setitem__("pre_tokenizer", {"type": "Split", "pattern": {"Regex": "(["}, "behavior": "Isolated", "invert": False})),
    tokenizer("a normalizer that deletes everything", lambda text: text.__setitem__("normalizer", {"type": "Replace", "pattern": {"Regex": "."}, "content": ""}), (0, 1, 2)),
    tokenizer("a normalizer that makes texts 1,000 times longer", lambda text: text.__setitem__("normalizer", {"type": "Replace", "pattern": {"String": "e"}, "content": "e " * 1000}), (0, 1, 2)),
    tokenizer("truncation to 2 tokens", set_key("truncation", {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0}), (0, 2)),
    tokenizer("truncation with a stride above its length", set_key("truncation", {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 9}), (0, 2)),
    tokenizer("padding to 10,000,000", set_key("padding", {"strategy": {"Fixed": 10_000_000}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"}), (0, 2)),
    raw("empty", WEIGHTS, lambda _: b""),
    raw("7 bytes", WEIGHTS, lambda data: data[:7]),
    raw("header length 2^63", WEIGHTS, lambda data: struct.pack("<Q", 1 << 63) + data[8:]),
    raw("header length one too small", WEIGHTS, lambda data: struct.pack("<Q", struct.unpack("<Q", data[:8])[0] - 1) + data[8:]),
    raw("one byte cut off", WEIGHTS, lambda data: data[:-1]),
    raw("1,000 bytes too many", WEIGHTS, lambda data: data + bytes(1000)),
    raw("a pickle", WEIGHTS, lambda _: b"PK\x03\x04" + bytes(5000)),
    raw("a Git LFS pointer", WEIGHTS, lambda _: b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 438\n"),
    raw("an HTML page", WEIGHTS, lambda _: b"<!DOCTYPE html><html>404</html>"),
    tensors("offsets that overlap", lambda header, _: header["classifier.bias"].__setitem__("data_offsets", [0, 20])),
    tensors("offsets past the end", lambda header, body: header["classifier.bias"].__setitem__("data_offsets", [len(body), len(body) + 20])),
    tensors("offsets backwards", lambda header, _: header["classifier.bias"].__setitem__("data_offsets", [20, 0])),
    tensors("a shape of 2^32 x 2^32", lambda header, _: header["classifier.weight"].__setitem__("shape", [1 << 32, 1 << 32])),
    tensors("a shape of 0 x 32", lambda header, _: header["classifier.weight"].__setitem__("shape", [0, 32])),
    tensors("dtype I64", lambda header, _: header["classifier.weight"].update(dtype="I64", shape=[5, 16])),
    tensors("dtype F8_E4M3", lambda header, _: header["classifier.weight"].update(dtype="F8_E4M3", shape=[20, 32])),
    tensors("dtype unknown", lambda header, _: header["classifier.weight"].update(dtype="Q4_K")),
    tensors("one infinity in a layer", fill("bert.encoder.layer.0.output.dense.bias", float("inf"))),
    tensors("NaN in the word table", fill("bert.embeddings.word_embeddings.weight", float("nan"))),
    tensors("NaN in a layer norm", fill("bert.embeddings.LayerNorm.weight", float("nan"))),
    tensors("layer of 1e38, finite", fill(LAYER, 1e38)),
    *[tensors(f"classifier of 3e38, finite, {dtype}", fill("classifier.weight", 3e38), line=f"$N classify $SAMPLE --model m --dtype {dtype} -o out.jsonl") for dtype in ("f32", "bf16", "int16", "int8")],
    tensors("layer norm of 1e30, int8", fill("bert.encoder.layer.0.output.LayerNorm.weight", 1e30), (0, 2), "$N classify $SAMPLE --model m --dtype int8 -o out.jsonl"),
    tensors("all weights zero", lambda header, body: bytes(len(body)), ORDINARY, rows=72),
    tensors("denormal weights", fill("classifier.weight", 1e-42), ORDINARY, rows=72),
    tensors("a layer is missing", lambda header, _: header.pop("bert.encoder.layer.1.attention.self.key.weight")),
    tensors("100,000 tensors more", lambda header, _: header.update({f"x{k}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for k in range(100_000)}), (0, 2)),
    tensors("a NaN, certify", fill("classifier.bias", float("nan")), line="$N models certify m --data $SAMPLE --head label --label-field id"),
    tensors("a NaN, models info", fill("classifier.bias", float("nan")), (0, 2), "$N models info m"),
    tensors("a NaN, train", fill("bert.pooler.dense.bias", float("nan")), line="printf '{\"text\":\"a b c\",\"label\":\"x\"}\\n{\"text\":\"d e f\",\"label\":\"y\"}\\n' > t.jsonl; $N train --data t.jsonl --base m -o new"),
    special("weights are a folder", replaced(WEIGHTS, lambda path: path.mkdir())),
    special("weights are a FIFO", replaced(WEIGHTS, os.mkfifo)),
    special("config is a FIFO", replaced(CONFIG, os.mkfifo)),
    special("tokenizer is /dev/zero", replaced(TOKENIZER, lambda path: path.symlink_to("/dev/zero"))),
    special("weights are /dev/zero", replaced(WEIGHTS, lambda path: path.symlink_to("/dev/zero"))),
    special("manifest is /dev/urandom", lambda folder: (copy(folder) / "newsdesk.toml").symlink_to("/dev/urandom")),
    special("config is a link to itself", replaced(CONFIG, lambda path: path.symlink_to(path))),
    special("weights are a broken link", replaced(WEIGHTS, lambda path: path.symlink_to("nowhere"))),
    special("an empty folder", lambda folder: (folder / "m").mkdir()),
    special("an empty path", None, line="$N classify $SAMPLE --model ''"),
    special("the weights' own path", lambda folder: copy(folder), line="$N classify $SAMPLE --model m/model.safetensors"),
    special("a manifest of 50 MB", lambda folder: (copy(folder) / "newsdesk.toml").write_text("# x\n" * 12_500_000)),
    special("a manifest for a linear model of 2^60 buckets", lambda folder: (copy(folder) / "newsdesk.toml").write_text('version = 1\nname = "x"\n[linear]\nbuckets = 1152921504606846976\n')),
    special("shards without an index", lambda folder: [(copy(folder) / WEIGHTS).rename(folder / "m/model-00001-of-00002.safetensors")]),
    special("a pickle only", lambda folder: [(copy(folder) / WEIGHTS).rename(folder / "m/pytorch_model.bin")]),
    special("a vocabulary only", lambda folder: [(copy(folder) / TOKENIZER).rename(folder / "m/vocab.txt")]),
    special("an adapter only", lambda folder: [(copy(folder) / WEIGHTS).rename(folder / "m/adapter_model.safetensors")]),
    special("one folder too high", lambda folder: [(folder / "up").mkdir(), copy(folder).rename(folder / "up/m")], line="$N classify $SAMPLE --model up"),
    special("unreadable weights", lambda folder: os.chmod(copy(folder) / WEIGHTS, 0), (0, 2)),
]
