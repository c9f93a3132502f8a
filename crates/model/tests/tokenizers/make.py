"""Writes small vocabularies beside this script, and golden.json with the tokens that transformers makes with them.

    python make.py        # with transformers 5: the vocabularies, and all cases but those of DeBERTa
    python make.py        # then with transformers 4: adds the cases of DeBERTa

Needs transformers, tokenizers, sentencepiece and protobuf, but not torch. golden.json names the versions.

Newsdesk builds DeBERTa's tokenizer as transformers 4 does, because version 5 ignores the normalisation that the
SentencePiece model holds. ALBERT follows version 5, except that a piece that ends in a digit and a comma gets a score
lower by 100, as in version 4: version 5 leaves that out. Its cases come from version 5 with such scores.
"""

import ast
import contextlib
import io
import json
import tempfile
from pathlib import Path

import sentencepiece
import tokenizers
import transformers
from tokenizers import AddedToken

HERE = Path(__file__).resolve().parent
GOLDEN = HERE / "golden.json"
MAJOR = int(transformers.__version__.split(".")[0])

TEXTS = [
    "",
    " ",
    "a",
    "Goal!",
    "  two leading spaces",
    "trailing spaces  ",
    "double  and   triple    spaces",
    "a tab\tand\ttwo\t\ttabs",
    "line\nbreaks\n\nand\r\nreturns\r",
    "OIL PRICES FALL AGAIN",
    "The café's naïve façade opened in Zürich — “très élégant”, said the mayor.",
    "Cafe\u0301 and Zu\u0308rich with combining marks",
    "Ωmega beats Ж 3-1 (after extra time) \U0001f3c6",
    "Shares rose 4.5% to $38,200; the bank's profits, it warned, \"would be lower\" next year...",
    "38,000 workers, 9, 10,5 and 1,234,567,",
    "``quoted'' and '''more''' and `one`",
    "東京 reported: 市長は辞任した。",
    "서울 시장이 사임했다",
    "emoji \U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 and flags \U0001f1eb\U0001f1f7",
    "\U0001f3c6",
    "the oﬃce ﬁled ﬂat ligatures",
    "ＦＵＬＬ　ｗｉｄｔｈ letters",
    "control\x00characters\x01and\x7fdelete\x1b[0m",
    "zero\u200bwidth\u200d joiner\ufeff and soft\u00adhyphen",
    "no\u00a0break space, thin\u2009space and ideographic\u3000space",
    "line\u2028separator and next\u0085line",
    "\u202bמזג האוויר\u202c and العربية مع \u064eحركات",
    "हिन्दी में समाचार",
    "Ünïcödé ÅÉÎ ß ẞ İstanbul ı",
    "x² + y³ = ½ ① ™",
    "supercalifragilisticexpialidocious" * 4,
    "https://example.org/news?id=42&page=7#top @user #tag",
    "don't we'll they've I'm he's it'd",
    "snake_case and kebab-case and CamelCase",
    "[CLS] in a text, then [SEP], [MASK], [UNK] and [PAD]",
    "<s> in a text, then </s>, <mask>, <unk> and <pad>",
    "see the <mask> here and a [NEWS]item",
    "<s>NOTUSED and <0x41> and ▁under ▁ score",
    "price: £5, 6€ – (twice)",
    "\U0010fffe",
    "\ufffd replacement",
    "Scientists\tmeasured  the glacier\nfrom a telescope: [ice] lost = 12 % / decade, 東京 reported.",
]
# transformers takes an empty second text for none.
PAIRS = [
    ("Goal!", "This example is sport."),
    ("Shares rose 4.5%", " business"),
    ("  The coach  ", "Café\t市"),
    ("", "world"),
    ("a", "a"),
    ("a b", "see <mask> and [MASK]"),
]

# Normalisation rules of the small SentencePiece models: what texts become. The usual rules need 240 kB.
RULES = {
    "\t": " ", "\n": " ", "\r": " ", "\u00a0": " ", "\u2009": " ", "\u3000": " ", "\u2028": " ",
    "\u200b": "", "\u200d": "", "\ufeff": "", "\x01": "", "\x7f": "",
    "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "²": "2", "½": "1⁄2", "™": "TM", "…": "...",
    "e\u0301": "é", "u\u0308": "ü",
    **{chr(0xFEE0 + code): chr(code) for code in range(0x21, 0x7F)},
}  # fmt: skip


def sentences():
    """The sentences of the tiny model, which its script lists: importing it would need torch."""
    script = (HERE / "../../../../models/tiny/make.py").read_text(encoding="utf-8")
    for node in ast.parse(script).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "VOCABULARY_SENTENCES":
            return eval(compile(ast.Expression(node.value), "make.py", "eval"))
    raise SystemExit("the sentences are gone")


def word_piece_tokens():
    """Characters, words and their endings: lower case and capitals, some with accents and of other scripts."""
    lines = sentences()
    splitter = tokenizers.pre_tokenizers.BertPreTokenizer()
    words = [word for line in lines + [line.lower() for line in lines] for word, _ in splitter.pre_tokenize_str(line)]
    others = "éüöäçßı市東京長시장Жωω¹½²—“”[]<>_`/=+#@£€हि"
    characters = sorted(set("".join(words)) | set(others))
    common = sorted(set(words), key=lambda word: (-words.count(word), word))[:150]
    endings = sorted({"##" + word[-2:] for word in words if len(word) > 3})[:100]
    return list(dict.fromkeys(characters + ["##" + c for c in characters] + common + endings))


def write_word_pieces(folder, first, last=()):
    folder.mkdir(exist_ok=True)
    tokens = list(dict.fromkeys([*first, *word_piece_tokens(), *last]))
    (folder / "vocab.txt").write_text("".join(token + "\n" for token in tokens), encoding="utf-8", newline="\n")


def write_byte_pairs(folder):
    folder.mkdir(exist_ok=True)
    trained = tokenizers.ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trained.train_from_iterator(
        sentences(), vocab_size=700, min_frequency=2, special_tokens=special, show_progress=False
    )
    trained.save_model(str(folder))


def write_sentence_pieces(path, extra=(), **options):
    path.parent.mkdir(exist_ok=True)
    point = lambda text: " ".join(f"{ord(character):X}" for character in text)
    written = io.BytesIO()
    # The model records the path of the rules: a relative one is the same everywhere.
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        lines = [f"{point(text)}\t{point(becomes)}\n" for text, becomes in RULES.items()]
        Path("rules.tsv").write_text("".join(lines), encoding="utf-8")
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter([*sentences(), *extra]), model_writer=written, model_type="unigram", vocab_size=420,
            hard_vocab_limit=False, character_coverage=1.0, normalization_rule_tsv="rules.tsv", num_threads=1,
            minloglevel=2, **options,
        )  # fmt: skip
    path.write_bytes(written.getvalue())


def write_vocabularies():
    write_word_pieces(HERE / "bert", ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    write_word_pieces(HERE / "mpnet", ["<s>", "<pad>", "</s>", "<unk>", "[UNK]"], ["<mask>"])
    write_byte_pairs(HERE / "roberta")
    write_sentence_pieces(HERE / "fairseq/sentencepiece.bpe.model")
    write_sentence_pieces(
        HERE / "albert/spiece.model",
        # Makes pieces that end in a digit and a comma.
        extra=["They won in 2019, lost in 2019, and won again in 2019, 2009, 1999, 9, or 10,"] * 4,
        pad_id=0, unk_id=1, bos_id=-1, eos_id=-1,
        control_symbols="[CLS],[SEP],[MASK]", user_defined_symbols="(,),–,£,€",
    )  # fmt: skip
    write_sentence_pieces(
        HERE / "deberta/spm.model", pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]", bos_piece="[CLS]",
        eos_piece="[SEP]", unk_piece="[UNK]", byte_fallback=True,
    )  # fmt: skip


def cases():
    """The folder and `model_type` of each case, with its other files, and the class of transformers to compare with."""
    t = transformers
    added = lambda content, **flags: {"content": content, "lstrip": False, "rstrip": False, "normalized": False,
                                      "single_word": False, "special": True, **flags}  # fmt: skip
    bert = len((HERE / "bert/vocab.txt").read_text(encoding="utf-8").splitlines())
    deberta = sentencepiece.SentencePieceProcessor(model_file=str(HERE / "deberta/spm.model")).get_piece_size()
    config = "tokenizer_config.json"
    return [
        ("bert", "bert", {}, t.BertTokenizerFast),
        ("bert", "bert", {config: {"do_lower_case": False, "tokenize_chinese_chars": False}}, t.BertTokenizerFast),
        ("bert", "electra", {config: {"strip_accents": False, "model_max_length": 512}}, t.BertTokenizerFast),
        (
            "bert", "distilbert",
            {
                config: {"do_lower_case": True},
                "special_tokens_map.json": {"sep_token": "[MASK]", "mask_token": {"content": "[SEP]", "lstrip": True}},
                "added_tokens.json": {"[NEWS]": bert},
            },
            t.DistilBertTokenizerFast,
        ),
        (
            "bert", "bert",
            {config: {"cls_token": "[CLS]", "added_tokens_decoder": {
                "0": added("[PAD]"), "1": added("[UNK]"), "2": added("[CLS]"), "3": added("[SEP]"),
                "4": added("[MASK]", lstrip=True), str(bert): added("[NEWS]", special=False),
                str(bert + 1): added("naïve", special=False, normalized=True, single_word=True)}}},
            t.BertTokenizerFast,
        ),
        ("mpnet", "mpnet", {}, t.MPNetTokenizerFast),
        ("mpnet", "mpnet", {config: {"do_lower_case": False, "mask_token": "<mask>"}}, t.MPNetTokenizerFast),
        ("roberta", "roberta", {}, t.RobertaTokenizerFast),
        (
            "roberta", "roberta",
            {
                config: {"add_prefix_space": True, "model_max_length": 512},
                "special_tokens_map.json": {"mask_token": added("<mask>", lstrip=True), "cls_token": "<s>"},
            },
            t.RobertaTokenizerFast,
        ),
        ("fairseq", "xlm-roberta", {}, t.XLMRobertaTokenizerFast),
        ("fairseq", "camembert", {}, t.CamembertTokenizerFast),
        ("albert", "albert", {}, t.AlbertTokenizerFast),
        ("albert", "albert", {config: {"do_lower_case": False, "keep_accents": True}}, t.AlbertTokenizerFast),
        ("deberta", "deberta-v2", {"added_tokens.json": {"[MASK]": deberta}}, t.DebertaV2TokenizerFast),
        ("deberta", "deberta-v2", {config: {"do_lower_case": True, "split_by_punct": True}}, t.DebertaV2TokenizerFast),
    ]  # fmt: skip


def golden(folder, model_type, files, tokenizer_class):
    with tempfile.TemporaryDirectory() as name:
        for file in (HERE / folder).iterdir():
            (Path(name) / file.name).write_bytes(file.read_bytes())
        for file, contents in files.items():
            (Path(name) / file).write_text(json.dumps(contents), encoding="utf-8")
        tokenizer = tokenizer_class.from_pretrained(name)
    if model_type == "albert" and MAJOR == 5:
        state = json.loads(tokenizer._tokenizer.to_str())
        for piece in state["model"]["vocab"]:
            if len(piece[0]) > 1 and piece[0][-1] == "," and piece[0][-2].isdigit():
                piece[1] -= 100
        tokenizer._tokenizer = tokenizers.Tokenizer.from_str(json.dumps(state))
    keys = ["input_ids", "token_type_ids"]
    pair = lambda both: {key: tokenizer(*both, return_token_type_ids=True)[key] for key in keys}
    return {
        "folder": folder,
        "model_type": model_type,
        "files": files,
        "versions": {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__},
        "texts": [tokenizer(text, add_special_tokens=False)["input_ids"] for text in TEXTS],
        "single": tokenizer("a")["input_ids"],
        "pairs": [pair(both) for both in PAIRS],
    }


def main():
    if MAJOR == 5:
        write_vocabularies()
        found = [golden(*case) for case in cases() if case[1] != "deberta-v2"]
    else:
        before = json.loads(GOLDEN.read_text(encoding="utf-8"))["cases"]
        found = [case for case in before if case["folder"] != "deberta"]
        found += [golden(*case) for case in cases() if case[1] == "deberta-v2"]
    whole = {"texts": TEXTS, "pairs": PAIRS, "cases": found}
    lines = json.dumps(whole, separators=(",", ":")).replace('{"folder"', '\n{"folder"')
    GOLDEN.write_text(lines + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
