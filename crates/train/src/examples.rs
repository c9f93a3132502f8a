//! Labelled articles as the network meets them: framed tokens and one target per head of the model.

use crate::error::Result;
use crate::teacher::SoftTargets;
use newsdesk_data::{LabelledSet, Target};
use newsdesk_model::Head;
use newsdesk_model::tokenize::{TokenId, Tokenizer};
use newsdesk_model::workers::parallel;

/// One training example.
pub(crate) struct Example {
    /// The article's first window, special tokens included.
    pub(crate) tokens: Vec<TokenId>,
    /// What is right, per head of the model; label numbers are the head's.
    pub(crate) targets: Vec<Option<Target>>,
    /// What teachers say, per head of the model; empty where there are none.
    pub(crate) soft: SoftTargets,
}

/// The examples of one set, at most `length` tokens each; `padding` stands for a text without tokens.
pub(crate) fn prepare(
    set: &LabelledSet,
    heads: &[Head],
    tokenizer: &Tokenizer,
    padding: TokenId,
    length: usize,
    threads: usize,
) -> Result<Vec<Example>> {
    let place = |head: &Head| set.heads.iter().position(|taught| taught.name == head.name);
    let places: Vec<Option<usize>> = heads.iter().map(place).collect();
    let room = length.saturating_sub(tokenizer.frame_length());
    parallel(set.articles.len(), threads, |i| {
        let row = &set.articles[i];
        let tokens = tokenizer.encode_beginning(&row.article.input(), room)?;
        let targets = places.iter().map(|place| place.and_then(|p| row.targets[p].clone())).collect();
        let mut tokens = tokenizer.frame(&tokens);
        if tokens.is_empty() {
            // Nothing at all has no vector.
            tokens.push(padding);
        }
        Ok(Example { tokens, targets, soft: vec![] })
    })
}
