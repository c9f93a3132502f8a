//! Augmentation: in an epoch, some articles are read in another form, so that the model does not depend on the form.

mod noise;

use crate::error::Result;
use crate::random::random;
use newsdesk_data::Article;
use newsdesk_model::tokenize::{TokenId, Tokenizer};
use noise::noisy;
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

/// The purpose of the random numbers that choose the form of each article in an epoch.
const CHOICE: u64 = 190;
/// The purpose of the random numbers that the forms are made with.
const MAKING: u64 = 189;

/// How often an epoch reads an article in another form, as shares from 0 to 1. An article has at most one other form in an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Augmentation {
    /// Share of the articles with a title that are read without it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub drop_title: f64,
    /// Share of the articles longer than a window of which a later window is read.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub later_window: f64,
    /// Share of the articles that are read with typical damage, such as a lost letter case or a wrong encoding.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub text_noise: f64,
}

impl Augmentation {
    /// Returns the shares of all forms together.
    pub(crate) fn total(&self) -> f64 {
        self.drop_title + self.later_window + self.text_noise
    }
}

/// Returns whether a share is zero, and needs no mention.
pub(crate) fn is_zero(share: &f64) -> bool {
    *share == 0.0
}

/// A form of an article.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Title and beginning, as the article has them.
    Original,
    /// The beginning without the title.
    Untitled,
    /// As many tokens from a later place of a long article.
    LaterWindow,
    /// Title and beginning with typical damage.
    Noisy,
}

/// The forms of an article that a run may read, as tokens with special ones. Empty for a run without augmentation.
#[derive(Default)]
pub(crate) struct Forms(Vec<(Form, Vec<TokenId>)>);

/// What forms are made with.
pub(crate) struct FormMaker<'a> {
    pub(crate) tokenizer: &'a Tokenizer,
    /// Tokens of a form without special ones.
    pub(crate) max_content: usize,
    pub(crate) augmentation: Augmentation,
    /// The seed of the run.
    pub(crate) seed: u64,
}

impl FormMaker<'_> {
    /// Makes the forms of an article, whose tokens in the original form these are. `row` and `set` number it within the run.
    ///
    /// An article whose text names its target entity keeps its form: another one might not have the name.
    ///
    /// # Errors
    /// If the tokenizer fails on a text.
    pub(crate) fn forms(&self, article: &Article, original: &[TokenId], set: usize, row: usize) -> Result<Forms> {
        let Augmentation { drop_title, later_window, text_noise } = self.augmentation;
        if self.augmentation.total() == 0.0 || article.target_entity.is_some() {
            return Ok(Forms::default());
        }
        let mut random = random(self.seed, MAKING, set, row);
        let mut forms = vec![(Form::Original, original.to_vec())];
        let beginning = |article: Article| self.tokenizer.encode_beginning(&article.input(), self.max_content);
        if drop_title > 0.0 && article.title.is_some() {
            forms.push((Form::Untitled, beginning(Article { title: None, ..article.clone() })?));
        }
        if later_window > 0.0 {
            let tokens = self.tokenizer.encode(&article.input())?;
            if tokens.len() > self.max_content {
                let start = random.random_range(1..=tokens.len() - self.max_content);
                forms.push((Form::LaterWindow, tokens[start..start + self.max_content].to_vec()));
            }
        }
        if text_noise > 0.0 {
            forms.push((Form::Noisy, beginning(noisy(article, &mut random))?));
        }
        // Without its title, an article may have no token left.
        forms.retain(|(form, tokens)| *form == Form::Original || !tokens.is_empty());
        for (_, tokens) in forms.iter_mut().skip(1) {
            *tokens = self.tokenizer.with_special_tokens(tokens);
        }
        Ok(Forms(forms))
    }
}

impl Forms {
    /// Returns the tokens of the form that an article has in an epoch; `None` if it has only its original form.
    fn choose(&self, augmentation: Augmentation, random: &mut impl Rng) -> Option<&[TokenId]> {
        let drawn: f64 = random.random();
        let Augmentation { drop_title, later_window, text_noise } = augmentation;
        let shares = [(Form::Untitled, drop_title), (Form::LaterWindow, later_window), (Form::Noisy, text_noise)];
        let mut end = 0.0;
        let chosen = shares.into_iter().find_map(|(form, share)| {
            end += share;
            (drawn < end).then_some(form)
        });
        let tokens = |form| self.0.iter().find(|(known, _)| *known == form).map(|(_, tokens)| tokens.as_slice());
        chosen.and_then(tokens).or_else(|| tokens(Form::Original))
    }

    /// Iterates over the tokens of all forms.
    pub(crate) fn tokens_mut(&mut self) -> impl Iterator<Item = &mut TokenId> {
        self.0.iter_mut().flat_map(|(_, tokens)| tokens)
    }
}

/// Sets the tokens of a data set's examples, given with their forms, to the forms that they have in this epoch. `set` is the number
/// of the data set.
pub(crate) fn choose_forms<'a>(
    examples: impl Iterator<Item = (&'a Forms, &'a mut Vec<TokenId>)>,
    augmentation: Augmentation,
    seed: u64,
    set: usize,
    epoch: usize,
) {
    let mut random = random(seed, CHOICE, epoch, set);
    for (forms, tokens) in examples {
        if let Some(chosen) = forms.choose(augmentation, &mut random) {
            chosen.clone_into(tokens);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use newsdesk_model::{Device, Model};
    use std::collections::BTreeSet;

    fn tiny() -> Model {
        Model::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny").as_ref(), &Device::Cpu).unwrap()
    }

    fn article(title: Option<&str>, text: &str) -> Article {
        Article { title: title.map(Into::into), text: text.into(), target_entity: None }
    }

    /// The forms of an article within 8 tokens, special ones not counted.
    fn forms(model: &Model, article: &Article, augmentation: Augmentation) -> Forms {
        let maker = FormMaker { tokenizer: &model.tokenizer, max_content: 8, augmentation, seed: 1 };
        let original = model.tokenizer.encode_beginning(&article.input(), 8).unwrap();
        maker.forms(article, &model.tokenizer.with_special_tokens(&original), 0, 3).unwrap()
    }

    #[test]
    fn a_run_without_augmentation_keeps_no_forms() {
        let model = tiny();
        assert!(forms(&model, &article(Some("Mayor"), "open tour"), Augmentation::default()).0.is_empty());
    }

    #[test]
    fn forms_are_the_text_without_its_title_and_a_later_part() {
        let model = tiny();
        let augmentation = Augmentation { drop_title: 0.25, later_window: 0.25, ..Augmentation::default() };
        let text = "open tour against plan said rule last the coach after mayor two said plan";
        let found = forms(&model, &article(Some("rule last"), text), augmentation).0;
        let encode = |text: &str| model.tokenizer.encode(text).unwrap();
        let framed = |tokens: &[TokenId]| model.tokenizer.with_special_tokens(tokens);
        assert_eq!(found[1], (Form::Untitled, framed(&encode(text)[..8])));
        let all = encode(&format!("rule last\n{text}"));
        let is_later_part = |tokens: &Vec<TokenId>| all.windows(8).skip(1).any(|part| framed(part) == *tokens);
        assert!(found[2].0 == Form::LaterWindow && is_later_part(&found[2].1), "{found:?}");
        // A short text has no later part; an article that is nothing but a title keeps it.
        let short = forms(&model, &article(Some("rule last"), " "), augmentation).0;
        assert_eq!(short.iter().map(|(form, _)| *form).collect::<Vec<_>>(), [Form::Original]);
    }

    #[test]
    fn forms_occur_as_often_as_their_shares_and_differ_between_epochs() {
        let forms = Forms(vec![(Form::Original, vec![0]), (Form::Untitled, vec![1]), (Form::Noisy, vec![3])]);
        let augmentation = Augmentation { drop_title: 0.25, later_window: 0.25, text_noise: 0.125 };
        let epoch = |epoch| {
            let mut tokens = vec![vec![]; 4000];
            choose_forms(tokens.iter_mut().map(|tokens| (&forms, tokens)), augmentation, 5, 1, epoch);
            tokens.concat()
        };
        let (first, second) = (epoch(0), epoch(1));
        let share = |token| first.iter().filter(|&&found| found == token).count() as f64 / 4000.0;
        // The article has no later part, so its original form takes that share as well.
        for (token, expected) in [(0, 0.625), (1, 0.25), (3, 0.125)] {
            assert!((share(token) - expected).abs() < 0.03, "{token}: {}", share(token));
        }
        assert_eq!(first, epoch(0));
        assert_ne!(first, second);
    }

    #[test]
    fn noise_changes_the_tokens_of_most_articles() {
        let model = tiny();
        let augmentation = Augmentation { text_noise: 1.0, ..Augmentation::default() };
        let maker = FormMaker { tokenizer: &model.tokenizer, max_content: 64, augmentation, seed: 1 };
        let article = article(Some("Mayor's plan: \"open\" tour"), "The coach's rule, he said, \"was last\".");
        let original = model.tokenizer.with_special_tokens(&model.tokenizer.encode(&article.input()).unwrap());
        let form = |row| maker.forms(&article, &original, 0, row).unwrap().0.pop().unwrap().1;
        let found: BTreeSet<Vec<TokenId>> = (0..40).map(form).collect();
        assert!(found.len() >= 4, "{}", found.len());
    }
}
