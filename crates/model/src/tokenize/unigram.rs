//! Unigram models of SentencePiece: XLM-RoBERTa, CamemBERT, ALBERT and DeBERTa.
//!
//! SentencePiece itself and the tokenizers crate differ in details, such as which of two equal scores wins. The
//! tokenizers are those that transformers builds with the crate.

use super::charsmap;
use super::files::{Failure, SENTENCE_PIECE_BPE, SPIECE, SPM, failed};
use super::parts::{Model, Parts};
use super::recipe::Recipe;
use super::sentence_piece::{Piece, PieceKind, SentencePieceModel};
use super::settings::{AddedToken, Settings};
use super::vocabulary::Vocabulary;
use serde_json::{Value, json};
use std::borrow::Cow;

/// Subtracted from the score of a piece that must not be chosen.
const PENALTY: f64 = 100.0;

/// Makes the parts of a tokenizer; `token` returns the special token of a member such as `pad_token`.
///
/// # Errors
/// If the model or a setting is damaged, or the model is of another kind.
pub(super) fn parts<'a>(
    file: &'a [u8],
    recipe: Recipe,
    settings: &Settings,
    token: &dyn Fn(&str) -> String,
) -> Result<Parts<'a>, Failure> {
    let name = match recipe {
        Recipe::Albert => SPIECE,
        Recipe::Deberta => SPM,
        _ => SENTENCE_PIECE_BPE,
    };
    let read = SentencePieceModel::read(file).map_err(failed(name))?;
    let (tokens, unknown) = match recipe {
        Recipe::XlmRoberta | Recipe::Camembert => {
            let fairseq = fairseq(&read.pieces, recipe == Recipe::Camembert, token).map_err(failed(name))?;
            (fairseq, FAIRSEQ_UNKNOWN)
        }
        Recipe::Albert => {
            (read.pieces.iter().map(|piece| (piece.text.into(), albert_score(piece))).collect(), read.unknown)
        }
        _ => (read.pieces.iter().map(|piece| (piece.text.into(), piece.score.into())).collect(), read.unknown),
    };
    let (tokens, scores): (Vec<Cow<str>>, Vec<f64>) = tokens.into_iter().unzip();
    let special = read.pieces.iter().filter(|piece| matches!(piece.kind, PieceKind::Control | PieceKind::UserDefined));
    let special = special
        .map(|piece| AddedToken { special: piece.kind == PieceKind::Control, ..AddedToken::special(piece.text) });
    let prefix = settings.switch("add_prefix_space", true)?;
    let metaspace = metaspace(prefix);
    let pre_tokenizers = match recipe {
        Recipe::Deberta if settings.switch("split_by_punct", false)? => {
            vec![json!({"type": "Punctuation", "behavior": "Isolated"}), metaspace.clone()]
        }
        Recipe::Deberta => vec![metaspace.clone()],
        _ => vec![json!({"type": "WhitespaceSplit"}), metaspace.clone()],
    };
    Ok(Parts {
        file: name,
        special: special.collect(),
        vocabulary: Vocabulary::new(tokens).map_err(failed(name))?,
        model: Model::Unigram { scores, unknown },
        normalizer: json!({"type": "Sequence", "normalizers": normalizers(&read, recipe, settings)?}),
        pre_tokenizer: json!({"type": "Sequence", "pretokenizers": pre_tokenizers}),
        decoder: metaspace,
        warning: (recipe == Recipe::Deberta).then(|| deberta_warning(read.byte_fallback)),
    })
}

/// Id of the token for unknown text in the models of fairseq.
const FAIRSEQ_UNKNOWN: usize = 3;

/// Returns the tokens of the models of fairseq, which have special tokens of their own before those of SentencePiece.
fn fairseq<'a>(
    pieces: &[Piece<'a>],
    is_camembert: bool,
    token: &dyn Fn(&str) -> String,
) -> Result<Vec<(Cow<'a, str>, f64)>, String> {
    let [bos, pad, eos, unk, mask] = ["bos_token", "pad_token", "eos_token", "unk_token", "mask_token"].map(token);
    let (first, dropped) = match is_camembert {
        true => {
            let unused = |text: &str| format!("{text}NOTUSED");
            let first =
                vec![(unused("<s>"), 0.0), (pad, 0.0), (unused("</s>"), 0.0), (unk, 0.0), (unused("<unk>"), -PENALTY)];
            (first, 1)
        }
        false => (vec![(bos, 0.0), (pad, 0.0), (eos, 0.0), (unk, 0.0)], 3),
    };
    let is_text = |piece: &&Piece| !matches!(piece.kind, PieceKind::Unknown | PieceKind::Control);
    if let Some(piece) = pieces.iter().take(dropped).find(is_text) {
        return Err(format!("its first {dropped} pieces are not special tokens, but `{}` is text", piece.text));
    }
    let first = first.into_iter().map(|(text, score)| (Cow::Owned(text), score));
    let pieces = pieces.iter().skip(dropped).map(|piece| (Cow::Borrowed(piece.text), piece.score.into()));
    Ok(first.chain(pieces).chain([(Cow::Owned(mask), 0.0)]).collect())
}

/// Returns the score of a piece of ALBERT. Training split pieces that end in a digit and a comma: `▁10,` is `▁10` and
/// `,`.
fn albert_score(piece: &Piece) -> f64 {
    let before_comma = piece.text.strip_suffix(',').and_then(|text| text.chars().next_back());
    let penalty = if before_comma.is_some_and(char::is_numeric) { PENALTY } else { 0.0 };
    f64::from(piece.score) - penalty
}

/// Returns the steps that change a text before it is cut into words.
fn normalizers(read: &SentencePieceModel, recipe: Recipe, settings: &Settings) -> Result<Vec<Value>, Failure> {
    let replace = |pattern: Value, content: &str| json!({"type": "Replace", "pattern": pattern, "content": content});
    let lowercase = json!({"type": "Lowercase"});
    let mut steps = vec![];
    match recipe {
        Recipe::Albert => {
            steps.extend(["``", "''"].map(|quotes| replace(json!({"String": quotes}), "\"")));
            if !settings.switch("keep_accents", false)? {
                steps.extend([json!({"type": "NFKD"}), json!({"type": "StripAccents"})]);
            }
            if settings.switch("do_lower_case", true)? {
                steps.push(lowercase);
            }
        }
        Recipe::Deberta => {
            if settings.switch("do_lower_case", false)? {
                steps.push(lowercase);
            }
            steps.push(json!({"type": "Strip", "strip_left": true, "strip_right": true}));
        }
        _ => (),
    }
    if !read.charsmap.is_empty() {
        steps.push(json!({"type": "Precompiled", "precompiled_charsmap": charsmap::encode(read.charsmap)}));
    }
    if recipe == Recipe::Deberta {
        steps.push(replace(json!({"Regex": " {2,}"}), " "));
    }
    Ok(steps)
}

/// Returns the step that marks the beginnings of words.
fn metaspace(prefix: bool) -> Value {
    let scheme = if prefix { "always" } else { "never" };
    json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": true})
}

fn deberta_warning(byte_fallback: bool) -> String {
    let bytes = if byte_fallback { "; characters without a token become [UNK], not bytes" } else { "" };
    format!(
        "the tokenizer is built from `{SPM}` as transformers 4 builds it; transformers 5 normalises texts differently{bytes}"
    )
}
