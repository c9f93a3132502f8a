//! Holds out a validation set from labelled files that have none.

use super::shares::{Shares, Split};
use super::splitter::Splitter;
use crate::labelled::{GoldLabels, LabelledArticle, LabelledSet};
use crate::text_hash::TextHash;

/// Splits a data set into training articles and about a tenth of held-out articles.
///
/// Every label keeps a training article. At least one article is held out, if that is possible.
pub fn hold_out(mut set: LabelledSet) -> (LabelledSet, LabelledSet) {
    let mut splitter = Splitter::new();
    for article in &set.articles {
        splitter.add(&article.article, labels(&set, article).iter().map(String::as_str));
    }
    let splits = splitter.split(Shares::TENTH, 0);
    let is_held_out = |article: &LabelledArticle| splits.of(TextHash::of(&article.article)) != Split::Train;
    let (validation, training) = set.articles.drain(..).partition(is_held_out);
    // Rejects, skipped rows and HTML are reported once, with the training articles.
    let validation = LabelledSet {
        split: "held out".into(),
        articles: validation,
        rejects: vec![],
        skipped: 0,
        html: 0,
        ..set.clone()
    };
    (LabelledSet { split: "train".into(), articles: training, ..set }, validation)
}

/// Returns the names of an article's labels. With several heads, each name is prefixed by its head.
fn labels(set: &LabelledSet, article: &LabelledArticle) -> Vec<String> {
    let has_several_heads = set.heads.len() > 1;
    let mut names = Vec::new();
    for (head, gold_labels) in set.heads.iter().zip(&article.gold_labels) {
        let labels = gold_labels.as_ref().map(GoldLabels::labels).unwrap_or_default();
        names.extend(labels.iter().filter_map(|id| head.labels.get(*id)).map(|label| match has_several_heads {
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
    use crate::labelled::{LabelledFileOptions, load_labelled_files};
    use crate::open::Source;
    use std::collections::HashSet;

    fn set(rows: impl Iterator<Item = String>) -> LabelledSet {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set.csv");
        std::fs::write(&path, format!("text,label\n{}", rows.collect::<String>())).unwrap();
        let options = LabelledFileOptions { head: "label".into(), ..LabelledFileOptions::default() };
        load_labelled_files(&[Source::File(path)], &options).unwrap()
    }

    #[test]
    fn tenth_is_held_out_and_no_text_is_in_both_splits() {
        let (training, validation) = hold_out(set((0..2000).map(|i| format!("article {},{}\n", i % 1900, i % 2))));
        assert_eq!(training.articles.len() + validation.articles.len(), 2000);
        assert!((195..=205).contains(&validation.articles.len()), "{}", validation.articles.len());
        let texts: HashSet<String> = training.articles.iter().map(|a| a.article.input()).collect();
        assert!(validation.articles.iter().all(|a| !texts.contains(&a.article.input())));
    }

    #[test]
    fn every_label_keeps_an_article_and_one_is_held_out() {
        for rows in 2..40 {
            let (training, validation) = hold_out(set((0..rows).map(|i| format!("text {i},label {}\n", i / 2))));
            let labels: HashSet<_> = training.articles.iter().filter_map(|a| a.data_set_labels[0].clone()).collect();
            assert_eq!(labels.len(), (rows as usize).div_ceil(2), "{rows} rows");
            assert!(!validation.articles.is_empty(), "{rows} rows");
        }
    }
}
