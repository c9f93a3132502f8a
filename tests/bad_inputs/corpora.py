"""Files of articles that are wrong in one way each."""

import bz2
import gzip
import io
import json
import lzma
import os
import random
import struct
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

from harness import Case, lines

SAMPLE = (Path(__file__).resolve().parents[2] / "datasets/sample/articles.jsonl").read_bytes()
ROWS = [json.loads(line) for line in SAMPLE.splitlines()]
RUN = "$N classify {} --model $TINY -o out.jsonl"
DONE, SOME, FAILED = (0,), (1,), (2,)


def bytes_case(name, file, data, codes, rows=None, line=None, **more):
    """A file with these bytes; `data` may be a function, so that large inputs are made only when they are needed."""

    def files(folder):
        (folder / file).write_bytes(data() if callable(data) else data)

    return Case(f"corpus: {name}", line or RUN.format(file), codes, files, rows, **more)


def made(name, make, codes, line, rows=None, **more):
    return Case(f"corpus: {name}", line, codes, make, rows, **more)


def jsonl(*rows):
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def csv(*rows):
    return b"\n".join(rows) + b"\n"


def parquet(table, **options):
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def arrows(table):
    sink = io.BytesIO()
    with ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def flipped(data, seed):
    """Eight damaged bytes at random positions."""
    damaged, chance = bytearray(data), random.Random(seed)
    for _ in range(8):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def docx():
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("word/document.xml", "<w:document/>")
    return sink.getvalue()


def zip_bomb_workbook():
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("_rels/.rels", '<Relationships><Relationship Id="1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>')
        archive.writestr("xl/workbook.xml", '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>')
        archive.writestr("xl/_rels/workbook.xml.rels", '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>')
        archive.writestr("xl/worksheets/sheet1.xml", b"<worksheet><sheetData>" + b"<row><c t=\"inlineStr\"><is><t>text</t></is></c></row>" * 20_000_000)
    return sink.getvalue()


def workbook(rows):
    import openpyxl

    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


TABLE = pa.table({"id": [row["id"] for row in ROWS], "text": [row["text"] for row in ROWS]})
PARQUET, ARROWS = parquet(TABLE), arrows(TABLE)
TEXTS = [row["text"] for row in ROWS]
BIG = TEXTS * 20
MANY = b"".join(json.dumps({"id": k, "text": f"Row {k}: the minister said that prices rise."}).encode() + b"\n" for k in range(1440))


def cp1252(share):
    rows = [f'{k},"The caf\xe9 on the square was full of people, number {k}."' if k % 100 < share else f'{k},"The cafe on the square, number {k}."' for k in range(2000)]
    return csv(b"id,text", *[row.encode("cp1252") for row in rows])


def deep(levels):
    return b'{"text":"a b c","x":' + b"[" * levels + b"]" * levels + b"}\n" + SAMPLE


def folder_of(make):
    def files(folder):
        (folder / "in").mkdir()
        (folder / "in/a.txt").write_text(TEXTS[0])
        make(folder / "in")

    return files


def stderr_names(*texts):
    return lambda _, answer: next((f"stderr does not say {text!r}: {answer.stderr[:300]}" for text in texts if text not in answer.stderr), None)


def out_has(count):
    return lambda folder, _: None if lines(folder / "out.jsonl") == count else f"{lines(folder / 'out.jsonl')} of {count} rows in the output"


CASES = [
    # JSON Lines
    bytes_case("JSON: a row of numbers only", "a.jsonl", SAMPLE + b"1\n2\n", SOME, 74),
    bytes_case("JSON: rows of null, true, a text", "a.jsonl", SAMPLE + b'null\ntrue\n"text"\n', SOME, 75),
    bytes_case("JSON: the text is a number", "a.jsonl", jsonl({"text": 42}, *ROWS), SOME, 73),
    bytes_case("JSON: the text is an object", "a.jsonl", jsonl({"text": {"a": 1}}, *ROWS), SOME, 73),
    bytes_case("JSON: the text is an array of numbers", "a.jsonl", jsonl({"text": [1, 2]}, *ROWS), SOME, 73),
    bytes_case("JSON: half a surrogate pair", "a.jsonl", b'{"text":"a \\ud800 b"}\n' + SAMPLE, (0, 1), 73),
    bytes_case("JSON: the text is given twice", "a.jsonl", b'{"text":"first","text":"second"}\n' + SAMPLE, (0, 1), 73),
    bytes_case("JSON: NUL characters in the text", "a.jsonl", b'{"text":"a \\u0000 b c"}\n' + SAMPLE, (0, 1), 73),
    bytes_case("JSON: 100,000 nested arrays", "a.jsonl", lambda: deep(100_000), (0, 1), 73),
    bytes_case("JSON: an object in an object, 120 deep", "a.jsonl", b'{"text":"a b c","x":' + b'{"a":' * 120 + b"1" + b"}" * 120 + b"}\n" + SAMPLE, (0, 1), 73),
    bytes_case("JSON: 100,000 keys in a row", "a.jsonl", lambda: jsonl({"text": "a b c", **{f"k{k}": k for k in range(100_000)}}) + SAMPLE, (0, 1), 73),
    bytes_case("JSON: another key in each of 5,000 rows, as CSV", "a.jsonl", lambda: jsonl(*[{"text": "a b c", f"k{k}": k} for k in range(5000)]), (0, 1, 2), 5000, "$N classify a.jsonl --model $TINY -o out.csv", out="out.csv"),
    bytes_case("JSON: one text of 100 MB", "a.jsonl", lambda: jsonl({"text": "word " * 20_000_000}) + SAMPLE, (0, 1), 73, "$N classify a.jsonl --model $TINY --max-windows 1 -o out.jsonl"),
    bytes_case("JSON: a line of 1 GB without an end", "a.jsonl", b"", FAILED + SOME, None, "(printf '{\"text\":\"'; head -c 1000000000 /dev/zero | tr '\\0' 'a') | $N classify - --model $TINY --format jsonl -o out.jsonl"),
    bytes_case("JSON: 1,000,000 empty lines", "a.jsonl", lambda: b"\n" * 1_000_000 + SAMPLE, DONE, 72),
    bytes_case("JSON: carriage returns alone end lines", "a.jsonl", SAMPLE.replace(b"\n", b"\r"), (0, 1, 2)),
    bytes_case("JSON: U+2028 between rows", "a.jsonl", SAMPLE.replace(b"\n", "\u2028".encode()), (1, 2)),
    bytes_case("JSON: a comment", "a.jsonl", b"// articles\n" + SAMPLE, SOME, 73),
    bytes_case("JSON: Python's single quotes", "a.jsonl", b"{'text': 'a b c'}\n" + SAMPLE, SOME, 73),
    bytes_case("JSON: NaN as a value", "a.jsonl", b'{"text":"a b c","x":NaN}\n' + SAMPLE, SOME, 73),
    bytes_case("JSON: a number of 10,000 digits", "a.jsonl", b'{"text":"a b c","x":' + b"9" * 10_000 + b"}\n" + SAMPLE, (0, 1), 73, "$N classify a.jsonl --model $TINY -o out.jsonl"),
    bytes_case("JSON: the last line is cut off", "a.jsonl", SAMPLE[:-40], SOME, 72),
    bytes_case("JSON: a concatenation of gzip and plain text", "a.jsonl.gz", gzip.compress(SAMPLE) + SAMPLE, FAILED),
    bytes_case("JSON: UTF-16 without a byte order mark", "a.jsonl", SAMPLE.decode().encode("utf-16-le"), DONE, 72),
    bytes_case("JSON: UTF-32", "a.jsonl", SAMPLE.decode().encode("utf-32"), FAILED + SOME),
    bytes_case("JSON: a byte order mark in the middle", "a.jsonl", SAMPLE + b"\xef\xbb\xbf" + SAMPLE, (0, 1), 144),
    bytes_case("JSON: one array in an array", "a.json", b"[" + SAMPLE.strip().replace(b"\n", b",") + b"]", DONE, 72),
    bytes_case("JSON: an array that is cut off", "a.json", b"[" + SAMPLE.strip().replace(b"\n", b","), FAILED),
    bytes_case("JSON: an array with an element that is no object", "a.json", b'[1,{"text":"a b c"}]', SOME, 2),
    bytes_case("JSON: an array with text behind it", "a.json", b"[" + SAMPLE.strip().replace(b"\n", b",") + b"] and more", (1, 2)),
    *[bytes_case(f"JSON: a stray {stray.decode()} after a value", "a.json", b'{"text":"a b c"}\n' + stray + b"\n", (1, 2)) for stray in (b"]", b",", b"}")],
    bytes_case("JSON: an empty array", "a.json", b"[]", DONE, 0),
    bytes_case("JSON: one object with a list inside", "a.json", b'{"articles":[' + SAMPLE.strip().replace(b"\n", b",") + b"]}", FAILED + SOME),
    bytes_case("JSON: an array of 1,000,000 brackets", "a.json", b"[" * 1_000_000, FAILED + SOME),
    # CSV
    bytes_case("CSV: a quote that never closes, 50 MB", "a.csv", lambda: b'id,text\n1,"' + b"the end is near\n" * 3_000_000, FAILED + SOME),
    bytes_case("CSV: quotes in the middle of cells", "a.csv", csv(b"id,text", b'1,he said "no" and left', b'2,"he said ""no"" and left"'), DONE, 2),
    bytes_case("CSV: two columns of the same name", "a.csv", csv(b"text,text", b"a b c,d e f"), (0, 2)),
    bytes_case("CSV: a column without a name", "a.csv", csv(b"id,,text", b"1,2,a b c"), (0, 2)),
    bytes_case("CSV: columns named as those that are added", "a.csv", csv(b"text,label,label_score,label_predicted", b"a b c,gold,1,2"), (0, 2), check=lambda folder, answer: None if answer.code == 2 or (b"gold" in (folder / "out.jsonl").read_bytes()) else "the gold label is lost"),
    bytes_case("CSV: semicolons", "a.csv", csv(b"id;text", b"1;a b c", b"2;d e f"), (0, 2)),
    bytes_case("CSV: the word sep= in front, as Excel writes it", "a.csv", csv(b"sep=;", b"id;text", b"1;a b c"), (0, 2)),
    bytes_case("CSV: rows of different lengths", "a.csv", csv(b"id,text,x", b"1,a b c", b"2,d e f,1,2", b"3,g h i,4"), SOME, 3),
    bytes_case("CSV: 16,000 columns", "a.csv", lambda: csv(b",".join([b"text"] + [b"c%d" % k for k in range(16_000)]), b",".join([b"a b c"] + [b"1"] * 16_000)), (0, 2)),
    bytes_case("CSV: 1,000,000 columns", "a.csv", lambda: csv(b",".join([b"text"] + [b"c%d" % k for k in range(1_000_000)]), b",".join([b"a b c"] + [b"1"] * 1_000_000)), FAILED),
    bytes_case("CSV: a header of 200 MB", "a.csv", lambda: b"x" * 200_000_000 + b",text\n1,a b c\n", FAILED),
    bytes_case("CSV: cp1252, most rows", "a.csv", lambda: cp1252(60), FAILED, check=stderr_names("windows-1252")),
    bytes_case("CSV: cp1252, one row in a hundred", "a.csv", lambda: cp1252(1), FAILED + SOME),
    bytes_case("CSV: UTF-8 in the rows, cp1252 in the header", "a.csv", b"id,text,caf\xe9\n1,a b c,2\n", FAILED + SOME + DONE),
    bytes_case("CSV: NUL bytes", "a.csv", b"id,text\n1,a\x00b c\n2,d e f\n", (0, 1, 2)),
    bytes_case("CSV: an SQLite file", "a.csv", b"SQLite format 3\x00" + bytes(range(256)) * 100, FAILED),
    bytes_case("CSV: a PDF", "a.csv", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nstream\n" + random.Random(1).randbytes(20_000), FAILED),
    bytes_case("CSV: the header only, no line end", "a.csv", b"id,text", DONE, 0),
    bytes_case("CSV: blank lines only", "a.csv", b"\n\n\n", DONE + FAILED),
    bytes_case("CSV: two files with other columns", "a.csv", csv(b"id,text", b"1,a b c"), (0, 1, 2), None, "printf 'text,date\\nd e f,2020\\n' > b.csv; $N classify a.csv b.csv --model $TINY -o out.csv"),
    # Texts
    bytes_case("text: only invisible characters", "a.jsonl", jsonl({"text": "\u200b\u200c\ufeff\u00ad"}, {"text": "&nbsp; &#160;"}, {"text": "."}, {"text": "\u3000\u2003"}, {"text": "<p>&nbsp;</p>"}), SOME, 5, check=out_has(0)),
    bytes_case("text: 100,000 combining accents on one letter", "a.jsonl", lambda: jsonl({"text": "a" + "\u0301" * 100_000}), (0, 1), 1),
    bytes_case("text: one word of 10 MB", "a.jsonl", lambda: jsonl({"text": "a" * 10_000_000}), (0, 1), 1),
    bytes_case("text: 1,000,000 emoji", "a.jsonl", lambda: jsonl({"text": "\U0001f600" * 1_000_000}), (0, 1), 1, "$N classify a.jsonl --model $TINY --max-windows 3 -o out.jsonl"),
    bytes_case("text: right-to-left overrides and escape sequences, on a terminal", "a.jsonl", jsonl({"text": "\u202e\x1b[2J\x1b]0;x\x07 a b"}), (0,), None, "script -qec \"$N classify a.jsonl --model $TINY\" /dev/null > t.txt; code=$?; grep -qP '\\x1b\\[2J' t.txt && exit 9; exit $code"),
    bytes_case("HTML: 100,000 open tags", "a.html", lambda: b"<div>" * 100_000 + b"The end is near, said the minister.", (0, 1)),
    bytes_case("HTML: in a column, 200,000 open tags", "a.jsonl", lambda: jsonl({"text": "<b>" * 200_000 + "The end is near."}, *ROWS), (0, 1), 73),
    bytes_case("HTML: in a column, an attribute that never closes", "a.jsonl", jsonl({"text": '<p>one <a href="x>two three</p> four'}, *ROWS), (0, 1), 73),
    bytes_case("HTML: in a column, 1,000,000 ampersands", "a.jsonl", lambda: jsonl({"text": "&" * 1_000_000 + " a b <p>c</p>"}), (0, 1), 1),
    bytes_case("HTML: a page of scripts only", "a.html", b"<html><script>var x = 'the minister said';</script></html>", SOME),
    bytes_case("HTML: a charset that does not exist", "a.html", b'<meta charset="klingon"><p>The minister said that prices rise again.</p>', (0, 1)),
    # Compressed
    bytes_case("gzip: cut off", "a.jsonl.gz", gzip.compress(MANY)[:-200], FAILED),
    bytes_case("gzip: zeros behind it", "a.jsonl.gz", gzip.compress(SAMPLE) + bytes(512), (0, 2)),
    bytes_case("gzip: garbage behind it", "a.jsonl.gz", gzip.compress(SAMPLE) + b"garbage", FAILED),
    bytes_case("gzip: in gzip", "a.jsonl.gz", gzip.compress(gzip.compress(SAMPLE)), (0, 2)),
    bytes_case("gzip: an empty member", "a.jsonl.gz", gzip.compress(b"") + gzip.compress(SAMPLE), DONE, 72),
    bytes_case("gzip: the checksum is wrong", "a.jsonl.gz", gzip.compress(SAMPLE)[:-8] + b"\x00" * 4 + gzip.compress(SAMPLE)[-4:], FAILED),
    bytes_case("gzip: a bomb of 2 GB of one line", "a.jsonl.gz", b"", FAILED + SOME, None, "head -c 2000000000 /dev/zero | gzip -1 > a.jsonl.gz; $N classify a.jsonl.gz --model $TINY -o out.jsonl", seconds=40),
    bytes_case("bzip2: sound", "a.jsonl.bz2", bz2.compress(SAMPLE), DONE, 72),
    bytes_case("bzip2: two members", "a.jsonl.bz2", bz2.compress(SAMPLE) + bz2.compress(SAMPLE), DONE, 144),
    bytes_case("bzip2: cut off", "a.jsonl.bz2", bz2.compress(MANY)[:-100], FAILED),
    bytes_case("bzip2: damaged", "a.jsonl.bz2", flipped(bz2.compress(MANY), 3), FAILED),
    bytes_case("xz: sound", "a.jsonl.xz", lzma.compress(SAMPLE), DONE, 72),
    bytes_case("xz: two members", "a.jsonl.xz", lzma.compress(SAMPLE) * 2, DONE, 144),
    bytes_case("xz: cut off", "a.jsonl.xz", lzma.compress(MANY)[:-100], FAILED),
    bytes_case("xz: a dictionary of 1.5 GB", "a.jsonl.xz", lambda: lzma.compress(SAMPLE, filters=[{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 1 << 26}]), (0, 2)),
    bytes_case("xz: damaged", "a.jsonl.xz", flipped(lzma.compress(MANY), 4), FAILED),
    bytes_case("zip: an archive named .csv", "a.csv", docx(), FAILED),
    bytes_case("zip: an archive named .gz", "a.jsonl.gz", docx(), FAILED),
    # Workbooks
    bytes_case("workbook: sound", "a.xlsx", lambda: workbook([["id", "text"]] + [[row["id"], row["text"]] for row in ROWS]), DONE, 72),
    bytes_case("workbook: no header", "a.xlsx", lambda: workbook([[1, "a b c"], [2, "d e f"]]), FAILED),
    bytes_case("workbook: empty", "a.xlsx", lambda: workbook([]), DONE, 0),
    bytes_case("workbook: formulas, numbers, errors, blanks", "a.xlsx", lambda: workbook([["id", "text"], [1, "=1/0"], [None, None], [3, 4.5], ["x", "a b c"]]), (0, 1)),
    bytes_case("workbook: a document of Word", "a.xlsx", docx(), FAILED),
    bytes_case("workbook: not a zip archive", "a.xlsx", b"PK\x03\x04" + bytes(500), FAILED),
    bytes_case("workbook: a bomb", "a.xlsx", zip_bomb_workbook, FAILED + DONE + SOME, seconds=40),
    bytes_case("workbook: CSV named .xlsx", "a.xlsx", csv(b"id,text", b"1,a b c"), FAILED),
    # Parquet and Arrow
    *[bytes_case(f"parquet: damaged, {seed}", "a.parquet", flipped(PARQUET, seed), (0, 1, 2)) for seed in range(8)],
    *[bytes_case(f"arrow: damaged, {seed}", "a.arrows", flipped(ARROWS, seed), (0, 1, 2)) for seed in range(8)],
    bytes_case("arrow: cut off in the middle", "a.arrows", ARROWS[: len(ARROWS) // 2], FAILED),
    bytes_case("arrow: an end of stream is missing", "a.arrows", ARROWS[:-8], (0, 2)),
    bytes_case("arrow: a stream named .parquet", "a.parquet", ARROWS, FAILED + DONE),
    bytes_case("parquet: named .csv", "a.csv", PARQUET, FAILED),
    bytes_case("parquet: no rows", "a.parquet", parquet(TABLE.slice(0, 0)), DONE, 0),
    bytes_case("parquet: no columns", "a.parquet", parquet(pa.table({})), FAILED + DONE),
    bytes_case("parquet: texts are bytes", "a.parquet", parquet(pa.table({"text": pa.array([b"a b c", b"\xff\xfe d"], pa.binary())})), (1, 2)),
    bytes_case("parquet: texts are in a dictionary with a null", "a.parquet", parquet(pa.table({"text": pa.array(["a b c", None, "a b c"]).dictionary_encode()})), SOME, 3),
    bytes_case("parquet: texts are all null", "a.parquet", parquet(pa.table({"text": pa.nulls(5)})), FAILED + SOME),
    bytes_case("parquet: a nested text", "a.parquet", parquet(pa.table({"article": [{"body": text, "meta": {"lang": "en"}} for text in TEXTS]})), DONE, 72, "$N classify a.parquet --model $TINY --text-field article.body -o out.jsonl"),
    bytes_case("parquet: a nested text that does not exist", "a.parquet", parquet(pa.table({"article": [{"body": "a b"}]})), FAILED, None, "$N classify a.parquet --model $TINY --text-field article.nothing -o out.jsonl"),
    bytes_case("parquet: times beyond every calendar", "a.parquet", parquet(pa.table({"text": ["a b c"], "at": pa.array([9_000_000_000_000_000_000], pa.timestamp("ms"))})), (0, 1), 1),
    bytes_case("parquet: 3,000 columns to CSV", "a.parquet", lambda: parquet(pa.table({"text": ["a b c"], **{f"c{k}": [k] for k in range(3000)}})), DONE, 1, "$N classify a.parquet --model $TINY -o out.csv", out="out.csv"),
    bytes_case("parquet: a page of 1 GB of one letter", "a.parquet", lambda: parquet(pa.table({"text": ["a" * 1_000_000] * 700}), compression="zstd"), (0, 1, 2), None, "$N classify a.parquet --model $TINY --max-windows 1 --limit 3 -o out.jsonl"),
    # Folders and names
    made("folder: a FIFO, a socket and a device inside", folder_of(lambda path: [os.mkfifo(path / "b.txt"), (path / "c.txt").symlink_to("/dev/zero"), (path / "d.txt").symlink_to("/dev/tty")]), DONE, RUN.format("in"), 1),
    made("folder: a loop of links", folder_of(lambda path: (path / "loop").symlink_to(path)), DONE, RUN.format("in"), 1),
    made("glob: a loop of links", folder_of(lambda path: (path / "loop").symlink_to(path)), DONE, RUN.format("'in/**/*.txt'"), 1),
    made("folder: the same file by two names", folder_of(lambda path: os.link(path / "a.txt", path / "b.txt")), DONE, RUN.format("in"), (None)),
    made("folder: a name that is not UTF-8", folder_of(lambda path: Path(os.fsdecode(bytes(path) + b"/caf\xe9.txt")).write_text(TEXTS[1])), (0, 1), RUN.format("in"), 2),
    made("folder: escape sequences in a name", folder_of(lambda path: (path / "\x1b[31m\x07.txt").write_bytes(b"\xff\xfe\xff")), (0, 1, 2), RUN.format("in")),
    made("folder: 20,000 empty files", folder_of(lambda path: [(path / f"{k}.txt").write_bytes(b"") for k in range(20_000)]), SOME, RUN.format("in"), 20_001),
    made("folder: unreadable folder inside", folder_of(lambda path: [(path / "no").mkdir(), os.chmod(path / "no", 0)]), (0, 1, 2), RUN.format("in")),
    made("folder: empty", lambda folder: (folder / "in").mkdir(), FAILED, RUN.format("in")),
    made("folder: 300 levels deep", lambda folder: os.makedirs(folder / "in" / "/".join(["d"] * 300)), FAILED, RUN.format("in")),
    made("a name of 5,000 characters", None, FAILED, "$N classify $(printf 'x%.0s' $(seq 5000)) --model $TINY"),
    made("a name with a line break", lambda folder: (folder / "a\nb.jsonl").write_bytes(SAMPLE + b"x\n"), SOME, "$N classify $'a\\nb.jsonl' --model $TINY -o out.jsonl", 73),
    made("an endless pipe of zeros", None, FAILED + SOME, "$N classify - --model $TINY -o out.jsonl < /dev/zero"),
    made("an endless pipe of noise, as CSV", None, FAILED, "$N classify - --format csv --model $TINY -o out.jsonl < /dev/urandom"),
    made("an endless pipe of noise, as Parquet", None, FAILED, "head -c 300000000 /dev/urandom | $N classify - --format parquet --model $TINY -o out.jsonl"),
    made("/dev/zero as CSV", None, FAILED, "$N classify /dev/zero --format csv --model $TINY -o out.jsonl"),
    made("standard input twice", None, FAILED + DONE, "$N classify - - --model $TINY < $SAMPLE"),
    made("an empty pipe", None, DONE, ": | $N classify --model $TINY -o out.jsonl", 0),
    made("an empty pipe as CSV", None, DONE, ": | $N classify --format csv --model $TINY -o out.jsonl", 0),
    made("an empty file, Parquet", lambda folder: (folder / "a.parquet").write_bytes(b""), FAILED + DONE, RUN.format("a.parquet")),
    made("data check: labels with escape sequences", lambda folder: (folder / "a.jsonl").write_bytes(jsonl(*[{"text": f"text {k}", "label": "\x1b[5mx"} for k in range(5)])), (0, 1), "$N data check a.jsonl >&2"),
    made("data split: one row", lambda folder: (folder / "a.jsonl").write_bytes(jsonl({"text": "a b c", "label": "x"})), (0, 1, 2), "$N data split a.jsonl -o out"),
    made("data stats: no labels", lambda folder: (folder / "a.jsonl").write_bytes(SAMPLE), (0, 1, 2), "$N data stats a.jsonl"),
    made("data convert: over itself", lambda folder: (folder / "a.jsonl").write_bytes(SAMPLE), FAILED, "$N data convert a.jsonl -o a.jsonl", check=lambda folder, _: None if (folder / "a.jsonl").read_bytes() == SAMPLE else "the input is damaged"),
    made("data convert: a link to itself", lambda folder: [(folder / "a.jsonl").write_bytes(SAMPLE), (folder / "b.jsonl").symlink_to("a.jsonl")], FAILED, "$N data convert a.jsonl -o b.jsonl", check=lambda folder, _: None if (folder / "a.jsonl").read_bytes() == SAMPLE else "the input is damaged"),
]
