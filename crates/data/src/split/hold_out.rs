//! What `train` measures by where a user's files bring no validation set: a tenth of them.

use super::{Shares, Split, Splitter};
use crate::fingerprint::TextHash;
use crate::labelled::{LabelledArticle, LabelledSet};
use crate::target::Target;

/// The share that is held out.
const TENTH: Shares = Shares { validation: 0.1, test: 0.0 };

/// Takes about a tenth of a set out of it: what to learn from, and what is held out. Every label keeps an article to
/// learn from, and something is held out if anything can be.
pub fn hold_out(mut set: LabelledSet) -> (LabelledSet, LabelledSet) {
    let mut splitter = Splitter::new();
    for article in &set.articles {
        splitter.add(TextHash::of(&article.article), labels(&set, article).iter().map(String::as_str));
    }
    let splits = splitter.split(TENTH, 0);
    let is_held = |article: &LabelledArticle| splits.of(TextHash::of(&article.article)) != Split::Train;
    let (validation, training) = set.articles.drain(..).partition(is_held);
    // Rows that could not be used, or have no label, are told of once.
    let validation =
        LabelledSet { split: "held out".into(), articles: validation, rejects: vec![], skipped: 0, ..set.clone() };
    (LabelledSet { split: "train".into(), articles: training, ..set }, validation)
}

/// The labels of an article by name, each with its head where there are several.
fn labels(set: &LabelledSet, article: &LabelledArticle) -> Vec<String> {
    let several = set.heads.len() > 1;
    let mut names = Vec::new();
    for (head, target) in set.heads.iter().zip(&article.targets) {
        let labels = target.as_ref().map(Target::labels).unwrap_or_default();
        names.extend(labels.iter().filter_map(|id| head.labels.get(*id)).map(|label| match several {
            true => format!("{}\n{}", head.name, label.name),
            false => label.name.clone(),
        }));
    }
    names
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::plain::{PlainOptions, load_plain};
    use crate::source::Source;
    use std::collections::HashSet;

    fn set(rows: impl Iterator<Item = String>) -> LabelledSet {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set.csv");
        std::fs::write(&path, format!("text,label\n{}", rows.collect::<String>())).unwrap();
        let options = PlainOptions { head: "label".into(), ..PlainOptions::default() };
        load_plain(&[Source::File(path)], &options).unwrap()
    }

    #[test]
    fn about_a_tenth_is_held_out_and_no_text_is_on_both_sides() {
        let (training, validation) = hold_out(set((0..2000).map(|i| format!("article {},{}\n", i % 1900, i % 2))));
        assert_eq!(training.articles.len() + validation.articles.len(), 2000);
        assert!((195..=205).contains(&validation.articles.len()), "{}", validation.articles.len());
        let texts: HashSet<String> = training.articles.iter().map(|a| a.article.input()).collect();
        assert!(validation.articles.iter().all(|a| !texts.contains(&a.article.input())));
    }

    #[test]
    fn every_label_keeps_an_article_and_something_is_held_out() {
        for rows in 2..40 {
            let (training, validation) = hold_out(set((0..rows).map(|i| format!("text {i},label {}\n", i / 2))));
            let learned: HashSet<_> = training.articles.iter().filter_map(|a| a.source_labels[0].clone()).collect();
            assert_eq!(learned.len(), (rows as usize).div_ceil(2), "{rows} rows");
            assert!(!validation.articles.is_empty(), "{rows} rows");
        }
    }
}
