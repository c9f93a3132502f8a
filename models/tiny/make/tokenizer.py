"""Small tokenizers of each family, with the family's own special tokens at its own ids."""

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import (
    AlbertTokenizer,
    BertTokenizer,
    CamembertTokenizer,
    DebertaV2Tokenizer,
    MPNetTokenizer,
    PreTrainedTokenizerFast,
    RobertaTokenizer,
    XLMRobertaTokenizer,
)

from pieces import byte_pairs, unigrams, word_pieces

SIZE = 400
BERT_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA_TOKENS = ["<s>", "<pad>", "</s>", "<unk>"]


def bert(limit):
    """WordPiece in lower case; DistilBERT and ELECTRA have the same."""
    return BertTokenizer(vocab=word_pieces(SIZE, BERT_TOKENS), do_lower_case=True, model_max_length=limit)


def mpnet(limit):
    """BERT's WordPiece with RoBERTa's special tokens. A rare character is `[UNK]`, not `<unk>`."""
    vocabulary = word_pieces(SIZE, [*ROBERTA_TOKENS, "[UNK]"], ["<mask>"])
    return MPNetTokenizer(vocab=vocabulary, do_lower_case=True, model_max_length=limit)


def roberta(limit):
    """Byte-level BPE."""
    vocabulary, merges = byte_pairs(140, ROBERTA_TOKENS, ["<mask>"])
    return RobertaTokenizer(vocab=vocabulary, merges=merges, model_max_length=limit)


def modernbert(limit):
    """Byte-level BPE with BERT's special tokens at the end of the vocabulary; transformers has no class for it."""
    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    vocabulary, merges = byte_pairs(140, last=special)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    names = {f"{token.strip('[]').lower()}_token": token for token in special}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=limit,
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=True,
        **names,
    )


def xlm_roberta(limit):
    """Unigram, without the table of normalised characters: that alone takes 300 kB."""
    return XLMRobertaTokenizer(vocab=unigrams(SIZE, ROBERTA_TOKENS, ["<mask>"]), model_max_length=limit)


def camembert(limit):
    """Unigram. The first places of RoBERTa are taken by tokens that no text has, and `<s>` is 5."""
    unused = [("<s>NOTUSED", 0.0), ("<pad>", 0.0), ("</s>NOTUSED", 0.0), ("<unk>", 0.0), ("<unk>NOTUSED", -100.0)]
    vocabulary = unused + unigrams(SIZE - len(unused), ["<s>", "</s>"], ["<mask>"])
    return CamembertTokenizer(vocab=vocabulary, model_max_length=limit)


def albert(limit):
    """Unigram in lower case without accents."""
    vocabulary = unigrams(SIZE, ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"], lowercase=True)
    return AlbertTokenizer(vocab=vocabulary, model_max_length=limit)


def deberta_v2(limit):
    """Unigram."""
    vocabulary = unigrams(SIZE, ["[PAD]", "[CLS]", "[SEP]", "[UNK]"], ["[MASK]"])
    return DebertaV2Tokenizer(vocab=vocabulary, model_max_length=limit)
