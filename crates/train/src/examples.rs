//! Turns labelled articles into training examples: token ids, and the gold labels for each head.

use crate::augmentation::{FormMaker, Forms};
use crate::error::Result;
use crate::settings::Settings;
use newsdesk_data::{GoldLabels, LabelledSet};
use newsdesk_model::tokenize::TokenId;
use newsdesk_model::workers::parallel;
use newsdesk_model::{Head, Model};

/// By head: the probabilities of its labels; `None` where no teacher has the head.
pub(crate) type SoftTargets = Vec<Option<Vec<f32>>>;

/// A training example.
#[derive(Default)]
pub(crate) struct Example {
    /// What the current epoch reads of the article, with special tokens: the first window, or another form.
    pub(crate) tokens: Vec<TokenId>,
    /// The forms that `tokens` is chosen from, if the run augments its articles.
    pub(crate) forms: Forms,
    /// The gold label for each head of the model, as labels of the model.
    pub(crate) gold_labels: Vec<Option<GoldLabels>>,
    /// The teachers' probabilities for each head of the model; empty without teachers.
    pub(crate) soft_targets: SoftTargets,
}

impl Example {
    /// Iterates over the tokens of all forms of the article.
    pub(crate) fn all_tokens(&mut self) -> impl Iterator<Item = &mut TokenId> {
        self.tokens.iter_mut().chain(self.forms.tokens_mut())
    }
}

/// Tokenises the articles of data set number `index` for the training of a model with these heads. A text without tokens becomes
/// one token of padding.
pub(crate) fn prepare(
    set: &LabelledSet,
    index: usize,
    heads: &[Head],
    base: &Model,
    settings: &Settings,
) -> Result<Vec<Example>> {
    let position = |head: &Head| set.heads.iter().position(|set_head| set_head.name == head.name);
    let positions: Vec<Option<usize>> = heads.iter().map(position).collect();
    let tokenizer = &base.tokenizer;
    let &Settings { augmentation, max_train_length, seed, threads, .. } = settings;
    let max_content = max_train_length.saturating_sub(tokenizer.special_tokens());
    let maker = FormMaker { tokenizer, max_content, augmentation, seed };
    parallel(set.articles.len(), threads, |i| {
        let row = &set.articles[i];
        let tokens = tokenizer.encode_beginning(&row.article.input(), max_content)?;
        let gold_labels =
            positions.iter().map(|position| position.and_then(|position| row.gold_labels[position].clone()));
        let mut tokens = tokenizer.with_special_tokens(&tokens);
        if tokens.is_empty() {
            // The encoder needs at least one token.
            tokens.push(base.encoder.pad_token_id);
        }
        let forms = maker.forms(&row.article, &tokens, index, i)?;
        Ok(Example { tokens, forms, gold_labels: gold_labels.collect(), soft_targets: vec![] })
    })
}
