"""The tiny BERT at `models/tiny/`, and golden embeddings of the real base model.

The attention and the probabilities of the random model are far from uniform.
"""

import torch
from tokenizers import Tokenizer
from torch.nn.functional import normalize
from transformers import AutoModel, BertConfig, BertForSequenceClassification, BertTokenizer

from golden import mean_over_tokens, padded, rounded, write_cases
from pieces import word_pieces
from texts import BASE_TEXTS, TEXTS

SEED = 78  # among the first 150, the one whose golden texts win all five labels
LABELS = ["arts", "business", "science", "sport", "world"]
SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]  # ids 0 to 4
VOCABULARY_SIZE = 600
MAX_TOKENS = 64


def make_tokenizer():
    """The usual lower-casing BERT tokenizer around the small vocabulary."""
    vocabulary = word_pieces(VOCABULARY_SIZE, SPECIAL_TOKENS)
    return BertTokenizer(vocab=vocabulary, do_lower_case=True, model_max_length=MAX_TOKENS)


def make_model(vocabulary_size):
    """A random classifier whose attention and probabilities are far from uniform."""
    config = BertConfig(
        vocab_size=vocabulary_size,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=MAX_TOKENS,
        type_vocab_size=2,
        initializer_range=0.3,
        pad_token_id=0,
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
        problem_type="single_label_classification",
    )
    torch.manual_seed(SEED)
    model = BertForSequenceClassification(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("LayerNorm.weight"):
                weight.uniform_(0.5, 1.5)
            elif name.endswith("bias"):
                weight.normal_(0.0, 0.3)
            else:
                # Drawn anew: the row of [PAD] would start as zeros, and a pad that leaks would go unseen.
                weight.normal_(0.0, 0.8 if name == "classifier.weight" else config.initializer_range)
    return model


def tiny_cases(model, tokenizer):
    """One golden case per text: computed alone, and its logits in one padded batch with all the others."""
    token_ids = [tokenizer(text)["input_ids"] for text in TEXTS]
    assert max(map(len, token_ids)) == MAX_TOKENS, [len(ids) for ids in token_ids]
    ids, mask = padded(token_ids, 0)
    batch_logits = model(input_ids=ids, attention_mask=mask).logits  # [texts, labels]

    cases = []
    for text, ids, in_batch in zip(TEXTS, token_ids, batch_logits, strict=True):
        alone = torch.tensor([ids])  # [1, tokens]
        encoded = model.bert(input_ids=alone, attention_mask=torch.ones_like(alone))
        hidden = encoded.last_hidden_state  # [1, tokens, 32]
        cases.append({
            "text": text,
            "token_ids": ids,
            "logits": rounded(model(input_ids=alone).logits[0]),
            "batch_logits": rounded(in_batch),
            "cls_hidden": rounded(hidden[0, 0, :4]),
            "mean_pooled": rounded(mean_over_tokens(hidden, torch.ones_like(alone))[0, :8]),
            "pooler_output": rounded(encoded.pooler_output[0, :8]),
        })
    return cases


def base_cases(folder):
    """Normalised mean-pooled embeddings of a base model; the cutting that its tokenizer.json asks for is turned off."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    model = AutoModel.from_pretrained(folder, dtype=torch.float64).eval()
    cases = []
    for text in BASE_TEXTS:
        ids = torch.tensor([tokenizer.encode(text).ids])  # [1, tokens]
        hidden = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state  # [1, tokens, width]
        embedding = normalize(mean_over_tokens(hidden, torch.ones_like(ids))[0], dim=0)
        cases.append({"text": text, "token_ids": ids[0].tolist(), "embedding": rounded(embedding[:64])})
    return cases


def write_bert(folder):
    """Writes the tiny BERT and `golden.json`."""
    tokenizer = make_tokenizer()
    tokenizer.save_pretrained(folder)
    make_model(len(tokenizer)).save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)  # written readable by its owner alone

    # Read back what was written: the golden numbers belong to the files, not to what is in memory.
    model = BertForSequenceClassification.from_pretrained(folder, dtype=torch.float64).eval()
    write_cases(folder / "golden.json", tiny_cases(model, BertTokenizer.from_pretrained(folder)))


def write_base_cases(folder, base):
    """Writes the golden embeddings of a base, which is named after its folder."""
    write_cases(folder / "bases" / f"{base.name}.json", base_cases(base))
