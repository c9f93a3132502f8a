//! WordPiece from `vocab.txt`: BERT, DistilBERT, ELECTRA and MPNet.

use super::files::{Failure, VOCAB_TXT, failed};
use super::parts::{Model, Parts};
use super::settings::Settings;
use super::vocabulary::Vocabulary;
use serde_json::json;

/// Makes the parts of a tokenizer; `unknown` is the token for words that the vocabulary cannot spell.
///
/// # Errors
/// If the vocabulary or a setting is damaged, or there is no token for unknown words.
pub(super) fn parts<'a>(file: &'a [u8], settings: &Settings, unknown: &str) -> Result<Parts<'a>, Failure> {
    let vocabulary = Vocabulary::from_lines(file).map_err(failed(VOCAB_TXT))?;
    if vocabulary.id(unknown).is_none() {
        return Err(failed(VOCAB_TXT)(format!("it has no token `{unknown}`, which stands for unknown words")));
    }
    Ok(Parts {
        file: VOCAB_TXT,
        vocabulary,
        model: Model::WordPiece { unknown: unknown.into() },
        normalizer: json!({
            "type": "BertNormalizer",
            "clean_text": true,
            "handle_chinese_chars": settings.switch("tokenize_chinese_chars", true)?,
            // If it is not given, accents are removed together with capitals.
            "strip_accents": settings.optional_switch("strip_accents")?,
            "lowercase": settings.switch("do_lower_case", true)?,
        }),
        pre_tokenizer: json!({"type": "BertPreTokenizer"}),
        decoder: json!({"type": "WordPiece", "prefix": "##", "cleanup": true}),
        special: vec![],
        warning: None,
    })
}
