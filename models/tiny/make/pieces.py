"""Small vocabularies of the three kinds of tokenizer: WordPiece, byte-level BPE and Unigram.

They are counted from `VOCABULARY_SENTENCES` and the same on every machine. (The trainers of the tokenizers package
break ties differently on each run.)
"""

import math
import string
from collections import Counter

from tokenizers import normalizers, pre_tokenizers

from texts import VOCABULARY_SENTENCES


def word_pieces(size, first, last=()):
    """Returns `size` WordPiece tokens with their ids: special tokens, characters, then common words and their parts."""
    normalizer = normalizers.BertNormalizer(lowercase=True)
    splitter = pre_tokenizers.BertPreTokenizer()
    words = [
        word for line in VOCABULARY_SENTENCES for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(line))
    ]
    characters = sorted(set("".join(words)))
    gains = Counter(word for word in words if len(word) > 1)
    for word in words:
        for length in range(2, min(len(word), 5)):
            gains[word[:length]] += length - 1
            gains["##" + word[-length:]] += length - 1
    pieces = sorted(gains, key=lambda piece: (-gains[piece], piece))
    tokens = [*first, *characters] + ["##" + character for character in characters if character.isalnum()]
    tokens += pieces[: size - len(tokens) - len(last)]
    return {token: index for index, token in enumerate([*tokens, *last])}


def byte_pairs(merge_count, first=(), last=()):
    """Returns the tokens with their ids, and the merges, of a byte-level BPE: 256 bytes and `merge_count` pairs."""
    splitter = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words = Counter(word for line in VOCABULARY_SENTENCES for word, _ in splitter.pre_tokenize_str(line))
    parts = {word: list(word) for word in words}
    merges = []
    for _ in range(merge_count):
        pairs = Counter()
        for word, count in words.items():
            for pair in zip(parts[word], parts[word][1:]):
                pairs[pair] += count
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        for word in words:
            parts[word] = merged(parts[word], best)
    tokens = [*first, *sorted(pre_tokenizers.ByteLevel.alphabet()), *("".join(pair) for pair in merges), *last]
    assert len(tokens) == len(set(tokens))
    return {token: index for index, token in enumerate(tokens)}, merges


def merged(parts, pair):
    """Returns the parts of a word with each occurrence of the pair joined, from left to right."""
    joined = []
    for part in parts:
        if joined and (joined[-1], part) == pair:
            joined[-1] += part
        else:
            joined.append(part)
    return joined


def unigrams(size, first, last=(), lowercase=False):
    """Returns `size` tokens with log probabilities, 0 for special tokens. Words begin with `▁`, as in SentencePiece."""
    lines = [line.lower() if lowercase else line for line in VOCABULARY_SENTENCES]
    words = ["▁" + word for line in lines for word in line.split()]
    letters = string.ascii_lowercase if lowercase else string.ascii_letters
    gains, counts = Counter(), Counter("".join(words) + letters)
    characters = sorted(counts)
    for word in words:
        for piece in {word, *(word[:length] for length in range(2, 6)), *(word[-length:] for length in range(2, 4))}:
            if len(piece) > 1:
                gains[piece] += len(piece) - 1
                counts[piece] += 1
    pieces = sorted(gains, key=lambda piece: (-gains[piece], piece))
    kept = [*characters, *pieces[: size - len(first) - len(last) - len(characters)]]
    total = sum(counts.values())
    scored = [(piece, round(math.log(counts[piece] / total), 4)) for piece in kept]
    return [(token, 0.0) for token in first] + scored + [(token, 0.0) for token in last]
