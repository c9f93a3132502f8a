//! Turns labelled articles into training examples: token ids, and the gold labels for each head.

use crate::error::Result;
use newsdesk_data::{GoldLabels, LabelledSet};
use newsdesk_model::Head;
use newsdesk_model::tokenize::{TokenId, Tokenizer};
use newsdesk_model::workers::parallel;

/// By head: the probabilities of its labels; `None` where no teacher has the head.
pub(crate) type SoftTargets = Vec<Option<Vec<f32>>>;

/// A training example.
pub(crate) struct Example {
    /// The first window of the article, with special tokens.
    pub(crate) tokens: Vec<TokenId>,
    /// The gold label for each head of the model, as labels of the model.
    pub(crate) gold_labels: Vec<Option<GoldLabels>>,
    /// The teachers' probabilities for each head of the model; empty without teachers.
    pub(crate) soft_targets: SoftTargets,
}

/// Tokenises the articles of a data set, at most `max_length` tokens each. A text without tokens becomes one `padding` token.
pub(crate) fn prepare(
    set: &LabelledSet,
    heads: &[Head],
    tokenizer: &Tokenizer,
    padding: TokenId,
    max_length: usize,
    threads: usize,
) -> Result<Vec<Example>> {
    let index = |head: &Head| set.heads.iter().position(|set_head| set_head.name == head.name);
    let indices: Vec<Option<usize>> = heads.iter().map(index).collect();
    let max_content = max_length.saturating_sub(tokenizer.special_tokens());
    parallel(set.articles.len(), threads, |i| {
        let row = &set.articles[i];
        let tokens = tokenizer.encode_beginning(&row.article.input(), max_content)?;
        let gold_labels = indices.iter().map(|index| index.and_then(|index| row.gold_labels[index].clone())).collect();
        let mut tokens = tokenizer.with_special_tokens(&tokens);
        if tokens.is_empty() {
            // The encoder needs at least one token.
            tokens.push(padding);
        }
        Ok(Example { tokens, gold_labels, soft_targets: vec![] })
    })
}
