"""Joins the articles of a corpus to texts as long as a model reads, for ModernBERT.

usage: long_texts.py CORPUS MODEL COUNT OUT writes COUNT texts as JSON Lines
"""

import json
import pathlib
import sys

import checkpoint
import corpus


def texts(path, model, count):
    """Yields texts that have at least as many tokens as the encoder reads. No article is used twice."""
    tokenizer, length = checkpoint.tokenizer(model), checkpoint.max_length(model)
    tokenizer.no_truncation()
    articles, tokens = [], 0
    for row in corpus.rows(path):
        if count == 0:
            return
        articles.append(corpus.article(row))
        tokens += len(tokenizer.encode(articles[-1], add_special_tokens=False).ids)
        if tokens >= length:
            yield "\n".join(articles)
            articles, tokens, count = [], 0, count - 1
    if count > 0:
        raise SystemExit(f"error: {path} is too short, {count} texts of {length} tokens are missing")


def main():
    path, model, count, out = sys.argv[1:]
    rows = [json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts(path, model, int(count))]
    pathlib.Path(out).write_text("".join(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
