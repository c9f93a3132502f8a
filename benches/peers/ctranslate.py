"""CTranslate2: converts encoders, and computes the classification head in numpy.

CTranslate2 has encoders but no classification heads. Its converter knows BERT, DistilBERT, RoBERTa, XLM-RoBERTa and
CamemBERT. MPNet is built here from the same parts. It cannot run DeBERTa (disentangled attention) or ModernBERT (layers
that attend to near tokens only).
"""

import json
import pathlib

# The tensors between the first token's hidden state and the logits, and the activation of the first of them.
HEADS = {
    "bert": ("bert.pooler.dense", "tanh", "classifier"),
    "distilbert": ("pre_classifier", "relu", "classifier"),
    "roberta": ("classifier.dense", "tanh", "classifier.out_proj"),
    "xlm-roberta": ("classifier.dense", "tanh", "classifier.out_proj"),
    "camembert": ("classifier.dense", "tanh", "classifier.out_proj"),
    "mpnet": ("classifier.dense", "tanh", "classifier.out_proj"),
}


def convert(model, target, dtype):
    """Converts a checkpoint folder to a CTranslate2 folder with weights in `dtype`: float32 or int8."""
    import transformers
    from ctranslate2 import converters

    config = transformers.AutoConfig.from_pretrained(model)
    if config.model_type not in HEADS:
        raise SystemExit(f"error: CTranslate2 cannot run {config.model_type}")
    if config.model_type == "mpnet":
        register_mpnet()
    # The converter asks for this, but transformers 5 no longer has it: all positions are absolute.
    type(config).position_embedding_type = "absolute"
    converters.TransformersConverter(str(model)).convert(str(target), quantization=dtype, force=True)


def register_mpnet():
    """Teaches the converter MPNet: a BERT whose attention has the relative bias of T5 in every layer.

    With such a bias, CTranslate2 adds no positions to the embeddings. So the table of positions takes the place of the
    token types, and `open_encoder` passes positions as token types.
    """
    import numpy
    from ctranslate2.converters import transformers, utils
    from ctranslate2.specs import common_spec, transformer_spec

    @transformers.register_loader("MPNetConfig")
    class MPNetLoader(transformers.BertLoader):
        architecture_name = "MPNetModel"

        def get_model_spec(self, model):
            encoder = transformer_spec.TransformerEncoderSpec(
                model.config.num_hidden_layers,
                model.config.num_attention_heads,
                pre_norm=False,
                activation=common_spec.Activation.GELU,
                layernorm_embedding=True,
                num_source_embeddings=2,
                embeddings_merge=common_spec.EmbeddingsMerge.ADD,
                relative_attention_bias=True,
            )
            encoder.scale_embeddings = False
            embeddings = model.embeddings
            self.set_embeddings(encoder.embeddings[0], embeddings.word_embeddings)
            encoder.embeddings[1].weight = embeddings.position_embeddings.weight[2:]  # two rows are never used
            self.set_layer_norm(encoder.layernorm_embedding, embeddings.LayerNorm)
            for spec, layer in zip(encoder.layer, model.encoder.layer, strict=True):
                self.set_layer(spec, layer)
                spec.self_attention.relative_attention_bias = model.encoder.relative_attention_bias.weight
                spec.self_attention.relative_attention_max_distance = numpy.dtype("int32").type(128)
            return transformer_spec.TransformerEncoderModelSpec(encoder)

        def set_layer(self, spec, layer):
            joined = [common_spec.LinearSpec() for _ in range(3)]
            attention = layer.attention.attn
            for part, linear in zip(joined, (attention.q, attention.k, attention.v), strict=True):
                self.set_linear(part, linear)
            utils.fuse_linear(spec.self_attention.linear[0], joined)
            self.set_linear(spec.self_attention.linear[1], attention.o)
            self.set_layer_norm(spec.self_attention.layer_norm, layer.attention.LayerNorm)
            self.set_linear(spec.ffn.linear_0, layer.intermediate.dense)
            self.set_linear(spec.ffn.linear_1, layer.output.dense)
            self.set_layer_norm(spec.ffn.layer_norm, layer.output.LayerNorm)


def open_encoder(path, model, dtype, threads):
    """Returns a function from token ids and mask, both [windows, length], to logits [windows, labels]."""
    import ctranslate2
    import numpy

    folder = pathlib.Path(path).parent
    encoder = ctranslate2.Encoder(str(folder), compute_type=dtype, inter_threads=1, intra_threads=threads)
    architecture = json.loads((pathlib.Path(model) / "config.json").read_text())["model_type"]
    head = open_head(model, architecture)

    def infer(ids, mask):
        lengths = mask.sum(1)
        windows = [row[:length].tolist() for row, length in zip(ids, lengths, strict=True)]
        positions = [list(range(length)) for length in lengths] if architecture == "mpnet" else None
        hidden = encoder.forward_batch(windows, token_type_ids=positions).last_hidden_state
        return head(numpy.array(hidden)[:, 0])

    return infer


def open_head(model, architecture):
    import numpy
    from safetensors import safe_open

    first, activation, second = HEADS[architecture]
    activate = {"tanh": numpy.tanh, "relu": lambda values: numpy.maximum(values, 0.0)}[activation]
    with safe_open(pathlib.Path(model) / "model.safetensors", "numpy") as file:
        names = [f"{layer}.{part}" for layer in (first, second) for part in ("weight", "bias")]
        read = {name: file.get_tensor(name).astype(numpy.float32) for name in names}

    def head(states):
        pooled = activate(states @ read[f"{first}.weight"].T + read[f"{first}.bias"])
        return pooled @ read[f"{second}.weight"].T + read[f"{second}.bias"]

    return head
