//! Splits of data sets: sizes, stratification and stability.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use newsdesk_data::{Article, Assignment, Shares, Splitter, TextHash};
use proptest::prelude::*;

fn article(text: &str) -> Article {
    Article { title: None, text: text.to_owned(), target_entity: None }
}

fn hash(text: &str) -> TextHash {
    TextHash::of(&article(text))
}

fn split(rows: &[(String, Vec<String>)], shares: (f64, f64), seed: u64) -> Assignment {
    let mut splitter = Splitter::new();
    for (text, labels) in rows {
        splitter.add(&article(text), labels.iter().map(String::as_str));
    }
    splitter.split(Shares::new(shares.0, shares.1).unwrap(), seed)
}

/// Returns the number of rows of each label in each split.
fn counts(rows: &[(String, Vec<String>)], splits: &Assignment) -> HashMap<String, [u64; 3]> {
    let mut counts: HashMap<String, [u64; 3]> = HashMap::new();
    for (text, labels) in rows {
        for label in labels {
            counts.entry(label.clone()).or_default()[splits.of(hash(text)).index()] += 1;
        }
    }
    counts
}

fn distinct(labels: &[usize]) -> Vec<(String, Vec<String>)> {
    let rows = labels.iter().enumerate().map(|(at, label)| (format!("text {at}"), vec![format!("label {label}")]));
    rows.collect()
}

#[test]
fn one_text_is_for_training_and_two_are_separated() {
    let one = distinct(&[0]);
    assert_eq!(counts(&one, &split(&one, (0.1, 0.1), 0))["label 0"], [1, 0, 0]);
    let two = distinct(&[0, 0]);
    assert_eq!(counts(&two, &split(&two, (0.1, 0.0), 0))["label 0"], [1, 1, 0]);
    let three = distinct(&[0, 0, 0]);
    assert_eq!(counts(&three, &split(&three, (0.1, 0.1), 0))["label 0"], [1, 1, 1]);
}

#[test]
fn split_is_not_empty_when_every_text_occurs_often() {
    let rows: Vec<_> = (0..12).map(|at| (format!("text {}", at / 4), vec!["a".to_owned()])).collect();
    let of_label = counts(&rows, &split(&rows, (0.1, 0.1), 0))["a"];
    assert_eq!(of_label, [4, 4, 4]);
}

#[test]
fn added_rows_move_few_texts() {
    let rows = distinct(&(0..2200).map(|at| at % 3).collect::<Vec<_>>());
    let (before, after) = (split(&rows[..2000], (0.1, 0.1), 7), split(&rows, (0.1, 0.1), 7));
    let moved = rows[..2000].iter().filter(|(text, _)| before.of(hash(text)) != after.of(hash(text))).count();
    assert!(moved < 60, "{moved} of 2000 texts moved");
    let other = split(&rows, (0.1, 0.1), 8);
    let same = rows.iter().filter(|(text, _)| other.of(hash(text)) == after.of(hash(text))).count();
    assert!(same < 1600, "another seed gives another split: {same} of 2200 texts are in the same one");
}

#[test]
fn multi_label_rows_are_stratified_by_label() {
    let label = |at: usize| {
        let labels = [(1, "common"), (3, "frequent"), (20, "rare"), (7, "some")];
        labels.iter().filter(|(every, _)| at.is_multiple_of(*every)).map(|(_, name)| (*name).to_owned()).collect()
    };
    let rows: Vec<_> = (0..1000).map(|at| (format!("text {at}"), label(at))).collect();
    for (name, [train, validation, test]) in counts(&rows, &split(&rows, (0.1, 0.2), 1)) {
        let (all, near) = ((train + validation + test) as f64, |got: u64, share: f64, all: f64| {
            (got as f64 - share * all).abs() <= 1.0 + 0.02 * all
        });
        assert!(near(validation, 0.1, all) && near(test, 0.2, all), "{name}: {train} {validation} {test}");
    }
}

fn rows() -> impl Strategy<Value = Vec<(String, Vec<String>)>> {
    let labels = prop::collection::vec("[a-f]", 0..3);
    prop::collection::vec((0..60_u8, labels).prop_map(|(text, labels)| (format!("text {text}"), labels)), 1..150)
}

proptest! {
    #[test]
    fn split_does_not_depend_on_the_order_of_rows(rows in rows(), seed in any::<u64>(), turn in 0..150_usize) {
        let mut others = rows.clone();
        others.rotate_left(turn % rows.len());
        others.reverse();
        prop_assert_eq!(split(&rows, (0.2, 0.1), seed), split(&others, (0.2, 0.1), seed));
    }

    #[test]
    fn every_label_has_training_rows(rows in rows(), seed in any::<u64>(), held in 0.01..0.49) {
        let splits = split(&rows, (held, held), seed);
        for (label, [train, ..]) in counts(&rows, &splits) {
            prop_assert!(train > 0, "{}", label);
        }
    }

    #[test]
    fn shares_are_exact_to_one_row(labels in prop::collection::vec(0..8_usize, 30..300), seed in any::<u64>()) {
        let rows = distinct(&labels);
        let counts = counts(&rows, &split(&rows, (0.1, 0.2), seed));
        let mut sums = [0; 3];
        for of_label in counts.values() {
            let all = of_label.iter().sum::<u64>() as f64;
            prop_assert!((of_label[1] as f64 - 0.1 * all).abs() < 1.0 + 1e-9, "{:?}", of_label);
            prop_assert!((of_label[2] as f64 - 0.2 * all).abs() < 1.0 + 1e-9, "{:?}", of_label);
            (0..3).for_each(|at| sums[at] += of_label[at]);
        }
        let all = rows.len() as f64;
        let near = |got: u64, share: f64| (got as f64 - share * all).abs() <= 1.0;
        prop_assert!(near(sums[1], 0.1) && near(sums[2], 0.2), "{:?}", sums);
    }
}
