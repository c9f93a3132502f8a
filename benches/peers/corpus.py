"""Reads a corpus for all engines: JSON Lines, plain or .zst. An article is `title`, a newline and `text`."""

import io
import itertools
import json


def lines(path, limit=None):
    """Yields the first `limit` lines of the file, or all of them, as bytes."""
    with open(path, "rb") as file:
        if str(path).endswith(".zst"):
            import zstandard

            file = io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True))
        yield from itertools.islice(file, limit or None)


def rows(path, limit=None):
    return (json.loads(line) for line in lines(path, limit))


def article(row):
    return f"{row['title']}\n{row['text']}" if row.get("title") else row["text"]
