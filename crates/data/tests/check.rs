//! `Check` and `Stats` on data sets with known faults.
#![allow(clippy::unwrap_used, clippy::panic)]

mod scratch;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use newsdesk_data::{
    Check, CheckOptions, CheckReport, DataError, Finding, FindingKind, LabelSet, LabelledFileOptions, LabelledRows,
    ReadError, Recipe, Remedy, SetStats, Severity, Stats, recipe_heads,
};
use proptest::prelude::*;
use scratch::Scratch;

const OPTIONS: CheckOptions = CheckOptions { max_length: 256, min_words: 1, min_rows: 0, examples: 3 };

/// Checks files with these splits, names and contents.
fn check(
    files: &[(&str, &str, &str)],
    check_options: &CheckOptions,
    separator: Option<&str>,
) -> Result<CheckReport, DataError> {
    let scratch = Scratch::new();
    let options =
        LabelledFileOptions { head: "topic".into(), separator: separator.map(str::to_owned), ..Default::default() };
    let mut check = Check::of_files("mine", "topic", check_options.clone());
    for (split, name, contents) in files {
        check.begin_split(split);
        feed(&mut check, LabelledRows::of_file(&scratch.file(name, contents), &options).unwrap());
    }
    check.finish()
}

fn feed(check: &mut Check, mut rows: LabelledRows) {
    for row in rows.by_ref() {
        match row {
            Ok(row) => {
                let overlong = row.row.article.text.contains("long");
                check.add_row(row, overlong);
            }
            Err(ReadError::Reject(reject)) => check.add_reject(&reject),
            Err(ReadError::Fatal(error)) => panic!("{error}"),
        }
    }
    check.add_columns(rows.columns());
}

fn one(report: &CheckReport, kind: FindingKind) -> &Finding {
    let found: Vec<&Finding> = report.findings.iter().filter(|finding| finding.kind == kind).collect();
    assert_eq!(found.len(), 1, "{kind:?} in {:#?}", report.findings);
    found[0]
}

fn kinds(report: &CheckReport) -> Vec<FindingKind> {
    report.findings.iter().map(|finding| finding.kind).collect()
}

/// Returns the files without their folder, and the rows, of all examples.
fn example_rows(finding: &Finding) -> Vec<Vec<(String, u64)>> {
    let name = |file: &str| file.rsplit('/').next().unwrap().to_owned();
    let of = |rows: &[newsdesk_data::ExampleRow]| rows.iter().map(|row| (name(&row.file), row.row)).collect();
    finding.examples.iter().map(|example| of(&example.rows)).collect()
}

#[test]
fn valid_data_set_has_no_findings() {
    let files =
        [("train", "a.csv", "text,label\none,x\ntwo,y\n"), ("validation", "b.csv", "text,label\nthree,x\nfour,y\n")];
    let report = check(&files, &OPTIONS, None).unwrap();
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    assert_eq!(report.splits.iter().map(|split| split.rows).collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn duplicates_leaks_and_conflicting_labels_are_found() {
    let train = "title,text,label\n,Oil  rises,x\nOil,RISES,x\n,rain,y\n,Rain,y\n,rain,x\n";
    let test = "text,label\noil rises,x\n\"oil\nrises\",x\nsnow,y\n";
    let report = check(&[("train", "a.csv", train), ("test", "b.csv", test)], &OPTIONS, None).unwrap();
    assert_eq!(
        kinds(&report),
        [FindingKind::Leakage, FindingKind::ConflictingLabels, FindingKind::Duplicate, FindingKind::Duplicate]
    );
    let leakage = one(&report, FindingKind::Leakage);
    assert_eq!((leakage.count, leakage.severity), (1, Severity::Error));
    assert_eq!(leakage.message, "1 text of train is in test as well (2 rows of test)");
    assert_eq!(example_rows(leakage), [[("a.csv".to_owned(), 1), ("b.csv".to_owned(), 1)]]);
    let conflict = one(&report, FindingKind::ConflictingLabels);
    assert_eq!(conflict.message, "1 text has different labels for the head topic");
    assert_eq!(example_rows(conflict), [[("a.csv".to_owned(), 3), ("a.csv".to_owned(), 5)]]);
    let labels: Vec<_> = conflict.examples[0].rows.iter().map(|row| row.label.clone().unwrap()).collect();
    assert_eq!(labels, ["y", "x"]);
    assert_eq!(report.findings[2].message, "3 rows of train repeat the text of an earlier one");
    assert_eq!(report.findings[3].message, "1 row of test repeats the text of an earlier one");
}

#[test]
fn order_of_several_labels_is_no_conflict() {
    let same = check(&[("all", "a.csv", "text,label\na,x|y\na,y|x|x\nb,z\n")], &OPTIONS, Some("|")).unwrap();
    assert_eq!(kinds(&same), [FindingKind::Duplicate]);
    let other = check(&[("all", "a.csv", "text,label\na,x|y\na,y\n")], &OPTIONS, Some("|")).unwrap();
    assert_eq!(kinds(&other), [FindingKind::ConflictingLabels, FindingKind::Duplicate]);
}

#[test]
fn rare_missing_and_similar_labels_are_found() {
    let files = [
        ("train", "a.csv", "text,label\na,x\nb,x\nc,x\nd,y\ne,z\nf,Z\n"),
        ("test", "b.csv", "text,label\ng,x\nh,x\ni,w\n"),
    ];
    let report = check(&files, &CheckOptions { min_rows: 2, ..OPTIONS }, None).unwrap();
    let unseen = one(&report, FindingKind::UnseenLabel);
    assert_eq!(
        (unseen.severity, unseen.message.as_str()),
        (Severity::Error, "1 label of test missing from train: `w` (1)")
    );
    let few = one(&report, FindingKind::FewRows);
    assert_eq!(few.message, "3 labels with fewer than 2 rows in train: `Z` (1), `y` (1), `z` (1)");
    assert_eq!(one(&report, FindingKind::MissingFromEvaluation).count, 3);
    assert!(
        one(&report, FindingKind::SimilarLabels).message.ends_with("only in case or white space: `Z` (1), `z` (1)")
    );
    assert_eq!((report.count(Severity::Error), report.count(Severity::Warning)), (1, 3));
    let single = check(&[("all", "a.csv", "text,label\na,x\nb,x\n")], &OPTIONS, None).unwrap();
    assert_eq!(one(&single, FindingKind::OneLabel).message, "all labelled rows have one label: `x` (2)");
}

#[test]
fn blank_unlabelled_short_and_long_rows_are_found() {
    let rows =
        "text,label\n ,x\nok then,x\nhm,y\nso,,,\na long one,y\nno label,\n没有空格的文字也是完整的句子所以不短,y\n";
    let report = check(&[("all", "a.csv", rows)], &CheckOptions { min_words: 2, ..OPTIONS }, None).unwrap();
    let message = |kind| one(&report, kind).message.clone();
    assert_eq!(message(FindingKind::EmptyText), "1 row has neither text nor title");
    assert_eq!(message(FindingKind::Rejected), "1 row cannot be used");
    assert_eq!(message(FindingKind::Unlabelled), "1 row has no label");
    assert_eq!(message(FindingKind::Short), "1 text has fewer than 2 words");
    assert!(message(FindingKind::Overlong).starts_with("1 of 5 texts is longer than 256 tokens: training uses"));
    let rejected = &one(&report, FindingKind::Rejected).examples[0];
    assert_eq!(rejected.cause.as_deref(), Some("the number of fields is 4, but the header has 2"));
    assert_eq!((rejected.rows[0].row, rejected.rows[0].line), (4, 5));
    assert_eq!((report.splits[0].rows, report.splits[0].rejected), (5, 2));
}

#[test]
fn data_set_without_labels_is_an_error() {
    let failed = |rows| check(&[("all", "a.csv", rows)], &OPTIONS, None).unwrap_err();
    let error = failed("text,mark\na,1\n");
    assert!(error.to_string().starts_with("cannot find a labelled article in `"), "{error}");
    assert!(error.to_string().ends_with(": the label column `label` is missing"), "{error}");
    let columns = vec!["text".to_owned(), "mark".to_owned()];
    assert_eq!(error.remedy(), Some(Remedy::NameLabelColumn { columns }));
    let unlabelled = failed("text,label\na,\n");
    assert!(unlabelled.to_string().ends_with(": no row has a label"), "{unlabelled}");
    let columns = vec!["text".to_owned(), "label".to_owned()];
    assert_eq!(unlabelled.remedy(), Some(Remedy::NameLabelColumn { columns }));
    assert!(failed("text,label\n").to_string().ends_with(": the file has no rows"));
}

#[test]
fn labels_that_the_recipe_does_not_know_are_found() {
    let recipe = r#"
        name = "wire"
        title = "Wire"
        origin = "example.org/wire"
        licence = "public domain"
        folder = "wire"
        [files]
        train = "train.jsonl"
        test = "test.jsonl"
        [heads.topic]
        field = "label"
        labels = "topics"
        [heads.topic.map]
        Sports = ["sport"]
        Football = ["sport"]
        World = ["politics"]
        [heads.tone]
        field = "tone"
        labels = "tones"
    "#;
    let recipe = Recipe::parse(recipe, "wire.toml").unwrap();
    let label_sets = |name: &str| {
        let labels = if name == "topics" { ["sport", "politics"] } else { ["good", "bad"] };
        Some(Arc::new(LabelSet::new(name, labels)))
    };
    let scratch = Scratch::new();
    let row =
        |text: &str, label: &str, tone: &str| format!("{{\"text\":\"{text}\",\"label\":{label},\"tone\":{tone}}}\n");
    let train =
        [row("a", "\"Sports\"", "\"good\""), row("b", "\"World\"", "\"Bad\""), row("c", "\"Chess\"", "\"fine\"")];
    let test = [row("d", "\"Football\"", "null"), row("a", "null", "\"bad\"")];
    scratch.file("wire/train.jsonl", train.concat());
    scratch.file("wire/test.jsonl", test.concat());
    let mut check = Check::of_recipe("wire", recipe_heads(&recipe, &label_sets).unwrap(), OPTIONS);
    for split in ["train", "test"] {
        check.begin_split(split);
        feed(&mut check, LabelledRows::of_recipe(&recipe, &scratch.path(""), split).unwrap());
    }
    let report = check.finish().unwrap();
    let unknown: Vec<&str> =
        report.findings.iter().filter(|f| f.kind == FindingKind::UnknownLabel).map(|f| f.message.as_str()).collect();
    assert_eq!(
        unknown,
        ["1 label without an entry in the recipe: `Chess` (1)", "1 label not in the label set `tones`: `fine` (1)"]
    );
    // Another label maps to the same one, so the model can learn it.
    let football =
        report.findings.iter().find(|f| f.kind == FindingKind::UnseenLabel && f.head.as_deref() == Some("topic"));
    assert_eq!(football.unwrap().severity, Severity::Warning);
    let conflict = one(&report, FindingKind::ConflictingLabels);
    assert_eq!(conflict.head.as_deref(), Some("tone"), "a row without a label for a head conflicts with no other row");
}

fn stats(rows: &str) -> SetStats {
    let scratch = Scratch::new();
    let mut stats = Stats::new("mine", vec!["topic".to_owned()]);
    stats.begin_split("all");
    let options = LabelledFileOptions { head: "topic".into(), ..Default::default() };
    for row in LabelledRows::of_file(&scratch.file("a.jsonl", rows), &options).unwrap() {
        match row {
            Ok(row) => stats.add_row(&row, Some(7)),
            Err(ReadError::Reject(reject)) => stats.add_reject(&reject),
            Err(ReadError::Fatal(error)) => panic!("{error}"),
        }
    }
    stats.finish()
}

#[test]
fn rows_labels_and_lengths_are_counted() {
    let rows = concat!(
        "{\"title\":\"Rain\",\"text\":\"zwölf Grad\",\"label\":\"weather\"}\n",
        "{\"title\":\" \",\"text\":\"goal\",\"label\":[\"sport\",\"weather\",\"sport\"]}\n",
        "{\"text\":\"nothing\",\"label\":null}\n",
        "{\"text\":5}\n",
    );
    let set = stats(rows);
    let split = &set.splits[0];
    assert_eq!((split.rows, split.with_title, split.unlabelled, split.rejected), (3, 1, 1, 1));
    let labels: Vec<_> = split.heads[0].labels.iter().map(|l| (l.label.as_str(), l.rows, l.share)).collect();
    assert_eq!(labels, [("weather", 2, 1.0), ("sport", 1, 0.5)]);
    let lengths = split.lengths.unwrap();
    assert_eq!((lengths.characters.median, lengths.characters.max), (7, 15));
    assert_eq!((lengths.words.median, lengths.words.max), (1, 3));
    assert_eq!(lengths.tokens.unwrap().p99, 7);
    assert!(stats("").splits[0].lengths.is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Duplicates, leaks and conflicting labels are the same as those found by comparing all texts.
    #[test]
    fn findings_equal_those_of_a_comparison_of_texts(rows in prop::collection::vec((0..3_usize, 0..25_u8, 0..3_u8), 3..80)) {
        let splits = ["train", "validation", "test"];
        let file = |split: usize| {
            let rows = rows.iter().filter(|row| row.0 == split).map(|(_, text, label)| format!("text {text},l{label}\n"));
            // One row in each split, because a split without rows is an error.
            format!("text,label\nonly in {split},l0\n{}", rows.collect::<String>())
        };
        let files = [file(0), file(1), file(2)];
        let files: Vec<_> = (0..3).map(|at| (splits[at], "rows.csv", files[at].as_str())).collect();
        let report = check(&files, &OPTIONS, None).unwrap();

        let mut rows_of: HashMap<u8, [u64; 3]> = HashMap::new();
        let mut labels: HashMap<u8, HashSet<u8>> = HashMap::new();
        for (split, text, label) in &rows {
            rows_of.entry(*text).or_default()[*split] += 1;
            labels.entry(*text).or_default().insert(*label);
        }
        let count = |kind, splits: &[&str]| {
            let found = report.findings.iter().find(|f| f.kind == kind && (splits.is_empty() || f.splits == splits));
            found.map_or(0, |finding| finding.count)
        };
        for at in 0..3 {
            let repeated: u64 = rows_of.values().map(|rows| rows[at].saturating_sub(1)).sum();
            prop_assert_eq!(count(FindingKind::Duplicate, &[splits[at]]), repeated);
            for other in at + 1..3 {
                let shared = rows_of.values().filter(|rows| rows[at] > 0 && rows[other] > 0).count() as u64;
                prop_assert_eq!(count(FindingKind::Leakage, &[splits[at], splits[other]]), shared);
            }
        }
        let conflicting = labels.values().filter(|labels| labels.len() > 1).count() as u64;
        prop_assert_eq!(count(FindingKind::ConflictingLabels, &[]), conflicting);
    }
}
