"""Makes a classifier of a published model's size with random weights, for measuring speed without a download.

    random_checkpoint.py ARCHITECTURE OUT --corpus FILE... [--tokenizer FOLDER]

The layers, widths and lengths are those of the published base model. The vocabulary is that of the tokenizer. The
tokenizer is copied from FOLDER, or trained on the corpus (RoBERTa, ModernBERT and DeBERTa only).

The weights are as large as those of trained models, and the last layer is fitted so that the labels differ between
texts. Without that, every engine would predict the same label for every text, and their agreement would mean nothing.
The seeds are fixed. The accuracy of such a model is meaningless.
"""

import argparse
import os
import pathlib

import corpus

# Trained and fitted on one thread, so that sums have the same order in every run.
for variable in ("RAYON_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import torch
import transformers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

LABELS = 6
VOCABULARY = 30_000
FITTING_TEXTS = 40  # of each length
FITTING_LENGTHS = (64, 384)  # tokens
TRAINING_TEXTS = 20_000
SPREAD = 0.04  # standard deviation of the matrices of trained base models, about

BERT_TOKENS = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
ROBERTA_TOKENS = {"cls": "<s>", "pad": "<pad>", "sep": "</s>", "unk": "<unk>", "mask": "<mask>"}
MPNET_TOKENS = ROBERTA_TOKENS | {"unk": "[UNK]"}
# In the order of DeBERTa-v3's vocabulary, which starts with them.
DEBERTA_TOKENS = {name: BERT_TOKENS[name] for name in ("pad", "cls", "sep", "unk", "mask")}

BASE = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_position_embeddings": 512,
}
# Positions are counted from the id of <pad> plus 1, so 512 of them are usable.
ROBERTA = BASE | {"max_position_embeddings": 514, "layer_norm_eps": 1e-5}
SIZES = {
    "bert": BASE,
    "distilbert": {"dim": 768, "n_layers": 6, "n_heads": 12, "hidden_dim": 3072, "max_position_embeddings": 512},
    "roberta": ROBERTA | {"type_vocab_size": 1},
    "mpnet": ROBERTA | {"relative_attention_num_buckets": 32},
    "modernbert": BASE
    | {
        "num_hidden_layers": 22,
        "intermediate_size": 1152,
        "max_position_embeddings": 8192,
        "local_attention": 128,
        "classifier_pooling": "mean",
    },
    "deberta-v2": BASE
    | {
        "type_vocab_size": 0,
        "layer_norm_eps": 1e-7,
        "position_biased_input": False,
        "relative_attention": True,
        "max_relative_positions": -1,
        "position_buckets": 256,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "pos_att_type": ["p2c", "c2p"],
        "pooler_hidden_act": "gelu",
        "pooler_dropout": 0,
    },
}
TOKENS = {"roberta": ROBERTA_TOKENS, "mpnet": MPNET_TOKENS, "deberta-v2": DEBERTA_TOKENS}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("architecture", choices=SIZES)
    parser.add_argument("out", type=pathlib.Path, help="folder for the checkpoint")
    parser.add_argument("--corpus", required=True, nargs="+", help=".jsonl or .jsonl.zst with title and text")
    parser.add_argument("--tokenizer", type=pathlib.Path, help="folder with a tokenizer.json of the architecture")
    settings = parser.parse_args()
    if not settings.tokenizer and settings.architecture not in TRAIN:
        parser.error(f"{settings.architecture} needs --tokenizer, as its vocabulary is not trained here")
    return settings


def train_byte_pairs(texts, tokens, special):
    """Byte-level BPE. ModernBERT also composes characters (NFC)."""
    made = Tokenizer(models.BPE())
    made.normalizer = None if tokens is ROBERTA_TOKENS else normalizers.NFC()
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    options = {"vocab_size": VOCABULARY, "show_progress": False, "special_tokens": special}
    made.train_from_iterator(texts, trainers.BpeTrainer(initial_alphabet=alphabet, **options))
    return made


def train_unigrams(texts, tokens, special):
    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    options = {"vocab_size": VOCABULARY, "show_progress": False, "special_tokens": special}
    made.train_from_iterator(texts, trainers.UnigramTrainer(unk_token=tokens["unk"], **options))
    return made


TRAIN = {"roberta": train_byte_pairs, "modernbert": train_byte_pairs, "deberta-v2": train_unigrams}


def tokenizer(settings, tokens, texts):
    if settings.tokenizer:
        made = Tokenizer.from_file(str(settings.tokenizer / "tokenizer.json"))
        made.no_truncation()
        made.no_padding()
        return made
    made = TRAIN[settings.architecture](texts, tokens, list(tokens.values()))
    first, last = tokens["cls"], tokens["sep"]
    second = f"{last} $B {last}" if tokens is ROBERTA_TOKENS else f"$B:1 {last}:1"
    made.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} {second}",
        special_tokens=[(token, made.token_to_id(token)) for token in (first, last)],
    )
    return made


def network(architecture, tokens, made):
    ids = {name: made.token_to_id(token) for name, token in tokens.items()}
    ends = {"bos_token_id": ids["cls"], "eos_token_id": ids["sep"]}
    if architecture == "modernbert":
        ends |= {"cls_token_id": ids["cls"], "sep_token_id": ids["sep"]}
    names = dict(enumerate(f"class {number}" for number in range(LABELS)))
    config = transformers.AutoConfig.for_model(
        architecture,
        **SIZES[architecture],
        vocab_size=made.get_vocab_size(),
        pad_token_id=ids["pad"],
        id2label=names,
        label2id={name: index for index, name in names.items()},
        **(ends if architecture in ("roberta", "mpnet", "modernbert") else {}),
    )
    made = transformers.AutoModelForSequenceClassification.from_config(config, dtype=torch.float32)
    generator = torch.Generator().manual_seed(20)
    with torch.no_grad():
        for name, values in made.named_parameters():
            if values.dim() > 1:
                values.normal_(0.0, SPREAD, generator=generator)
            elif name.endswith("bias"):
                values.normal_(0.0, SPREAD / 2, generator=generator)
            else:  # scales of layer norms
                values.normal_(1.0, 0.1, generator=generator)
    return made.eval()


@torch.inference_mode()
def fit_last_layer(made, texts, tokenizer):
    """Sets the last layer to the principal components of its inputs, so that the logits of texts differ.

    Short and long texts have other means. The components are orthogonal to that difference: otherwise, all long texts
    would have the same label.
    """
    last = [module for module in made.modules() if isinstance(module, torch.nn.Linear)][-1]
    inputs = []
    last.register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
    for length in FITTING_LENGTHS:
        ids, rest = [], iter(texts)
        for _ in range(FITTING_TEXTS):
            while len(ids) < length:  # joins texts until they are long enough
                ids += tokenizer.encode(next(rest)).ids
            made(input_ids=torch.tensor([ids[:length]]))
            ids = []
    pooled = torch.cat(inputs).view(len(FITTING_LENGTHS), FITTING_TEXTS, -1)  # [lengths, texts, width]
    means = pooled.mean(1)  # [lengths, width]
    apart = torch.nn.functional.normalize(means[1] - means[0], dim=0)
    centred = (pooled - means[:, None]).flatten(0, 1)  # [texts, width]
    centred -= (centred @ apart)[:, None] * apart
    _, values, directions = torch.linalg.svd(centred, full_matrices=False)
    deviations = values / len(centred) ** 0.5
    weight = 2 * directions[:LABELS] / deviations[:LABELS, None]  # logits with a standard deviation of 2
    last.weight.copy_(weight)
    last.bias.copy_(-(weight @ means[0]))


def main():
    settings = arguments()
    tokens = TOKENS.get(settings.architecture, BERT_TOKENS)
    rows = (row for path in settings.corpus for row in corpus.rows(path, TRAINING_TEXTS))
    texts = [corpus.article(row) for row in rows]
    made = tokenizer(settings, tokens, texts)
    classifier = network(settings.architecture, tokens, made)
    fit_last_layer(classifier, texts, made)
    classifier.save_pretrained(settings.out)

    length = 8192 if settings.architecture == "modernbert" else 512
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=made,
        model_max_length=length,
        model_input_names=["input_ids", "attention_mask"],
        **{f"{name}_token": token for name, token in tokens.items()},
    ).save_pretrained(settings.out)
    size = sum(values.numel() for values in classifier.parameters())
    print(f"{settings.out}: {size / 1e6:.1f} million parameters, {made.get_vocab_size():,} tokens")


if __name__ == "__main__":
    main()
