//! The parts of a tokenizer, made from vocabulary files, and how they become a `tokenizer.json`.

use super::settings::AddedToken;
use super::vocabulary::Vocabulary;
use serde::Serialize;
use serde_json::{Value, json};

/// All parts of a tokenizer but the special tokens around a text.
pub(super) struct Parts<'a> {
    /// The file that holds the vocabulary.
    pub(super) file: &'static str,
    pub(super) vocabulary: Vocabulary<'a>,
    pub(super) model: Model<'a>,
    pub(super) normalizer: Value,
    pub(super) pre_tokenizer: Value,
    pub(super) decoder: Value,
    /// Tokens that the vocabulary itself declares as special.
    pub(super) special: Vec<AddedToken>,
    /// What the user should know about the tokenizer.
    pub(super) warning: Option<String>,
}

/// What turns words into tokens.
pub(super) enum Model<'a> {
    WordPiece {
        unknown: String,
    },
    /// Merges in the order of their ranks.
    BytePair {
        merges: Vec<(&'a str, &'a str)>,
    },
    /// A score for each token.
    Unigram {
        scores: Vec<f64>,
        unknown: usize,
    },
}

impl Parts<'_> {
    /// Returns the `tokenizer.json` with these parts.
    ///
    /// # Errors
    /// If it cannot be serialised.
    pub(super) fn to_json(&self, added_tokens: &[AddedToken], post_processor: Value) -> Result<Vec<u8>, String> {
        let vocab = &self.vocabulary;
        let model = match &self.model {
            Model::WordPiece { unknown } => ModelJson::WordPiece {
                unk_token: unknown,
                continuing_subword_prefix: "##",
                max_input_chars_per_word: 100,
                vocab,
            },
            Model::BytePair { merges } => ModelJson::Bpe {
                dropout: None,
                unk_token: None,
                continuing_subword_prefix: "",
                end_of_word_suffix: "",
                fuse_unk: false,
                byte_fallback: false,
                ignore_merges: false,
                vocab,
                merges,
            },
            Model::Unigram { scores, unknown } => ModelJson::Unigram {
                unk_id: *unknown,
                vocab: vocab.tokens().zip(scores.iter().copied()).collect(),
                byte_fallback: false,
            },
        };
        let whole = TokenizerJson {
            version: "1.0",
            truncation: None,
            padding: None,
            added_tokens,
            normalizer: &self.normalizer,
            pre_tokenizer: &self.pre_tokenizer,
            post_processor,
            decoder: &self.decoder,
            model,
        };
        serde_json::to_vec(&whole).map_err(|e| e.to_string())
    }
}

#[derive(Serialize)]
struct TokenizerJson<'a> {
    version: &'a str,
    truncation: Option<Value>,
    padding: Option<Value>,
    added_tokens: &'a [AddedToken],
    normalizer: &'a Value,
    pre_tokenizer: &'a Value,
    post_processor: Value,
    decoder: &'a Value,
    model: ModelJson<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum ModelJson<'a> {
    WordPiece {
        unk_token: &'a str,
        continuing_subword_prefix: &'a str,
        max_input_chars_per_word: usize,
        vocab: &'a Vocabulary<'a>,
    },
    #[serde(rename = "BPE")]
    Bpe {
        dropout: Option<f32>,
        unk_token: Option<&'a str>,
        continuing_subword_prefix: &'a str,
        end_of_word_suffix: &'a str,
        fuse_unk: bool,
        byte_fallback: bool,
        ignore_merges: bool,
        vocab: &'a Vocabulary<'a>,
        merges: &'a [(&'a str, &'a str)],
    },
    Unigram {
        unk_id: usize,
        vocab: Vec<(&'a str, f64)>,
        byte_fallback: bool,
    },
}

/// Returns the post-processor that puts special tokens around a text or a pair: `[CLS] A [SEP]` and `[CLS] A [SEP] B
/// [SEP]`, or `<s> A </s>` and `<s> A </s></s> B </s>`.
pub(super) fn template(first: &AddedToken, last: &AddedToken, has_segments: bool) -> Value {
    let second = u8::from(has_segments);
    let special = |token: &AddedToken, segment: u8| json!({"SpecialToken": {"id": token.content, "type_id": segment}});
    let text = |name: &str, segment: u8| json!({"Sequence": {"id": name, "type_id": segment}});
    let single = vec![special(first, 0), text("A", 0), special(last, 0)];
    let mut pair = single.clone();
    if !has_segments {
        pair.push(special(last, 0));
    }
    pair.extend([text("B", second), special(last, second)]);
    let mut special_tokens = serde_json::Map::new();
    for token in [first, last] {
        let entry = json!({"id": token.content, "ids": [token.id], "tokens": [token.content]});
        special_tokens.insert(token.content.clone(), entry);
    }
    json!({"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": special_tokens})
}
