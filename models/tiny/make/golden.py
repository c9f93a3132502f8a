"""Golden numbers of a classifier: outputs of transformers in 64-bit floats, and how they are written."""

import json

import torch


def mean_over_tokens(hidden, mask):
    """Mean of the last hidden state over real tokens, special tokens included."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)  # [texts, tokens, 1]
    return (hidden * weights).sum(1) / weights.sum(1)  # [texts, width]


def rounded(values):
    """Plain numbers of 7 significant digits, as many as a 32-bit float holds."""
    return [float(f"{value:.7g}") for value in values.tolist()]


def padded(token_ids, pad_id):
    """Returns token ids of one length, and the attention mask of the real ones."""
    width = max(map(len, token_ids))
    ids = torch.tensor([ids + [pad_id] * (width - len(ids)) for ids in token_ids])  # [texts, width]
    mask = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids in token_ids])
    return ids, mask


def last_linear(model):
    """Returns the layer that gives the logits."""
    return getattr(model.classifier, "out_proj", model.classifier)


def classifier_cases(model, texts, token_ids):
    """One golden case per text: computed alone, and its logits in one padded batch with all the others."""
    pooled = []
    hook = last_linear(model).register_forward_pre_hook(lambda _, inputs: pooled.append(inputs[0]))
    ids, mask = padded(token_ids, model.config.pad_token_id)
    batch_logits = model(input_ids=ids, attention_mask=mask).logits  # [texts, labels]

    cases = []
    for text, ids, in_batch in zip(texts, token_ids, batch_logits, strict=True):
        alone = torch.tensor([ids])  # [1, tokens]
        mask = torch.ones_like(alone)
        logits = model(input_ids=alone, attention_mask=mask).logits[0]
        hidden = model.base_model(input_ids=alone, attention_mask=mask).last_hidden_state  # [1, tokens, width]
        cases.append({
            "text": text,
            "token_ids": ids,
            "logits": rounded(logits),
            "batch_logits": rounded(in_batch),
            "cls_hidden": rounded(hidden[0, 0, :4]),
            "mean_pooled": rounded(mean_over_tokens(hidden, mask)[0, :8]),
            "pooler": rounded(pooled[-1][0, :8]),
        })
    hook.remove()
    return cases


def write_cases(path, cases):
    """A list of cases, one field a line."""
    objects = []
    for case in cases:
        fields = [f"    {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in case.items()]
        objects.append("  {\n" + ",\n".join(fields) + "\n  }")
    path.write_text("[\n" + ",\n".join(objects) + "\n]\n", encoding="utf-8")
