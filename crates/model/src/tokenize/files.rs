//! The files from which a tokenizer is opened or built.

/// Name of the file that holds a whole tokenizer.
pub(crate) const TOKENIZER: &str = "tokenizer.json";
pub(super) const VOCAB_TXT: &str = "vocab.txt";
pub(super) const VOCAB_JSON: &str = "vocab.json";
pub(super) const MERGES: &str = "merges.txt";
pub(super) const SENTENCE_PIECE_BPE: &str = "sentencepiece.bpe.model";
pub(super) const SPIECE: &str = "spiece.model";
pub(super) const SPM: &str = "spm.model";
pub(crate) const CONFIG: &str = "tokenizer_config.json";
pub(super) const SPECIAL_TOKENS: &str = "special_tokens_map.json";
pub(super) const ADDED_TOKENS: &str = "added_tokens.json";

/// The contents of the files that describe a tokenizer. `None` is a file that does not exist.
#[derive(Debug, Clone, Default)]
pub struct TokenizerFiles {
    /// `tokenizer.json`, a whole tokenizer. If it exists, it is used as it is, and vocabularies are not needed.
    pub tokenizer: Option<Vec<u8>>,
    /// `vocab.txt`, the vocabulary of a WordPiece model.
    pub vocab_txt: Option<Vec<u8>>,
    /// `vocab.json`, the vocabulary of a byte-level BPE model.
    pub vocab_json: Option<Vec<u8>>,
    /// `merges.txt`, the merges of a byte-level BPE model.
    pub merges: Option<Vec<u8>>,
    /// `sentencepiece.bpe.model` of XLM-RoBERTa and CamemBERT, a unigram model despite its name.
    pub sentence_piece_bpe: Option<Vec<u8>>,
    /// `spiece.model` of ALBERT.
    pub spiece: Option<Vec<u8>>,
    /// `spm.model` of DeBERTa-v2 and v3.
    pub spm: Option<Vec<u8>>,
    /// `tokenizer_config.json`: class, switches, special tokens and maximum length.
    pub config: Option<Vec<u8>>,
    /// `special_tokens_map.json`: special tokens, in older checkpoints.
    pub special_tokens: Option<Vec<u8>>,
    /// `added_tokens.json`: tokens that the vocabulary lacks, in older checkpoints.
    pub added_tokens: Option<Vec<u8>>,
    /// `tokenizer_class` of `config.json`, used if `tokenizer_config.json` names no class.
    pub class: Option<String>,
}

impl TokenizerFiles {
    /// The names of the files.
    pub const NAMES: [&str; 10] = [
        TOKENIZER,
        VOCAB_TXT,
        VOCAB_JSON,
        MERGES,
        SENTENCE_PIECE_BPE,
        SPIECE,
        SPM,
        CONFIG,
        SPECIAL_TOKENS,
        ADDED_TOKENS,
    ];

    /// The names of the files of a vocabulary, which a whole tokenizer replaces.
    pub const VOCABULARIES: [&str; 6] = [VOCAB_TXT, VOCAB_JSON, MERGES, SENTENCE_PIECE_BPE, SPIECE, SPM];

    /// Returns whether there is a tokenizer or a vocabulary.
    pub fn has_vocabulary(&self) -> bool {
        let Self { tokenizer, vocab_txt, vocab_json, sentence_piece_bpe, spiece, spm, .. } = self;
        [tokenizer, vocab_txt, vocab_json, sentence_piece_bpe, spiece, spm].into_iter().any(Option::is_some)
    }

    /// Reads the files with a function that returns the contents of the file with a name, or `None` if there is none.
    ///
    /// If there is a `tokenizer.json`, only that and `tokenizer_config.json` are read.
    ///
    /// # Errors
    /// The first error of `read`.
    pub fn read<E>(mut read: impl FnMut(&str) -> Result<Option<Vec<u8>>, E>) -> Result<Self, E> {
        let (tokenizer, config) = (read(TOKENIZER)?, read(CONFIG)?);
        if tokenizer.is_some() {
            return Ok(Self { tokenizer, config, ..Self::default() });
        }
        Ok(Self {
            tokenizer,
            vocab_txt: read(VOCAB_TXT)?,
            vocab_json: read(VOCAB_JSON)?,
            merges: read(MERGES)?,
            sentence_piece_bpe: read(SENTENCE_PIECE_BPE)?,
            spiece: read(SPIECE)?,
            spm: read(SPM)?,
            config,
            special_tokens: read(SPECIAL_TOKENS)?,
            added_tokens: read(ADDED_TOKENS)?,
            class: None,
        })
    }
}

/// Why a tokenizer cannot be built, and the file at fault.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) file: &'static str,
    pub(super) cause: String,
}

/// Adds the file at fault to a cause.
pub(super) fn failed(file: &'static str) -> impl Fn(String) -> Failure {
    move |cause| Failure { file, cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(existing: &[&str]) -> TokenizerFiles {
        let read = |name: &str| Ok::<_, ()>(existing.contains(&name).then(|| name.into()));
        TokenizerFiles::read(read).unwrap_or_default()
    }

    #[test]
    fn every_file_is_read_under_its_name() {
        let names =
            [VOCAB_TXT, VOCAB_JSON, MERGES, SENTENCE_PIECE_BPE, SPIECE, SPM, CONFIG, SPECIAL_TOKENS, ADDED_TOKENS];
        let f = read(&names);
        let found = [
            f.vocab_txt,
            f.vocab_json,
            f.merges,
            f.sentence_piece_bpe,
            f.spiece,
            f.spm,
            f.config,
            f.special_tokens,
            f.added_tokens,
        ];
        assert_eq!(found, names.map(|name| Some(name.into())));
        assert!(f.tokenizer.is_none());
    }

    #[test]
    fn a_tokenizer_needs_no_vocabulary() {
        let files = read(&[TOKENIZER, CONFIG, VOCAB_TXT]);
        assert!(files.tokenizer.is_some() && files.config.is_some() && files.vocab_txt.is_none());
    }
}
