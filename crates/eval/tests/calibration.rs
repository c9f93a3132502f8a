//! Calibration of the tiny model on articles labelled with its own predictions.
#![allow(clippy::unwrap_used)]

use newsdesk_data::{GoldLabels, LabelId, LabelledFileOptions, LabelledSet, expand, load_labelled_files};
use newsdesk_eval::{CalibrationReport, calibrate, check_calibration, evaluate};
use newsdesk_model::{Classifier, Device, HeadActivation, Model, Options};
use std::path::Path;

fn calibrated(model: &mut Model, sets: &[LabelledSet]) -> CalibrationReport {
    let classifier = Classifier::new(model.clone(), &Options::default()).unwrap();
    calibrate(&mut model.manifest, &classifier, sets, &mut |_, _| {}).unwrap()
}

fn set(rows: impl Iterator<Item = (String, String)>) -> LabelledSet {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.csv");
    let rows: String = rows.map(|(text, label)| format!("{text},{label}\n")).collect();
    std::fs::write(&path, format!("text,label\n{rows}")).unwrap();
    let options = LabelledFileOptions { head: "label".into(), ..LabelledFileOptions::default() };
    load_labelled_files(&expand(&[path.display().to_string()]).unwrap(), &options).unwrap()
}

fn tiny() -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny");
    Model::open(&folder, &Device::Cpu).unwrap()
}

fn text(number: usize) -> String {
    let words = ["coach", "after", "mayor", "open", "two", "tour", "against", "plan", "said"];
    (0..1 + number * 3 % 150).map(|j| words[(number + j * j) % words.len()]).collect::<Vec<_>>().join(" ")
}

/// Articles labelled with the model's own predictions, except every third.
fn mostly_correct(model: &Model, articles: usize) -> LabelledSet {
    let classifier = Classifier::new(model.clone(), &Options::default()).unwrap();
    let texts: Vec<String> = (0..articles).map(text).collect();
    let predictions = classifier.classify(&texts).unwrap();
    let names = model.manifest.heads[0].names();
    let label = |i: usize| match i % 3 {
        0 => names[i % names.len()].clone(),
        _ => predictions[i].heads[0].best().unwrap().name.to_string(),
    };
    set(texts.iter().enumerate().map(|(i, text)| (text.clone(), label(i))))
}

#[test]
fn the_old_temperature_has_no_influence() {
    let mut model = tiny();
    let sets = [mostly_correct(&model, 150)];
    let first = calibrated(&mut model, &sets);
    assert_eq!((first.heads.len(), first.heads[0].articles, first.heads[0].temperature_before), (1, 150, 1.0));
    let found = first.heads[0].temperature;
    assert!(
        (found - 1.0).abs() > 0.05 && first.heads[0].not_fitted.is_none(),
        "{found} is too close to 1 to test anything"
    );
    let [before, after] = [&first.before, &first.after].map(|reports| &reports[0].heads[0].calibration);
    assert!(after.nll < before.nll, "{after:?} is no better than {before:?}");
    let manifest = model.manifest.clone();
    assert_eq!(manifest.heads[0].temperature, found);

    let second = calibrated(&mut model, &sets);
    assert_eq!(model.manifest, manifest);
    assert_eq!((second.heads[0].temperature_before, &second.before), (found, &first.after));
    model.manifest.heads[0].temperature = 3.0;
    calibrated(&mut model, &sets);
    assert_eq!(model.manifest, manifest);
}

/// A multi-label head, and articles labelled with its own predictions, except every third.
fn multi_label(articles: usize) -> (Model, LabelledSet) {
    let mut model = tiny();
    model.manifest.heads[0].activation = HeadActivation::Sigmoid;
    let classifier = Classifier::new(model.clone(), &Options::default()).unwrap();
    let texts: Vec<String> = (0..articles).map(text).collect();
    let predictions = classifier.classify(&texts).unwrap();
    let names = model.manifest.heads[0].names();
    let labels = |i: usize| match i % 3 {
        0 => names[i % names.len()].clone(),
        _ => predictions[i].heads[0]
            .ranked()
            .iter()
            .filter(|l| l.score > 0.6)
            .map(|l| l.name)
            .collect::<Vec<_>>()
            .join("|"),
    };
    let rows = texts.iter().enumerate().map(|(i, text)| (text.clone(), labels(i)));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.csv");
    let rows: String = rows.map(|(text, label)| format!("{text},{label}\n")).collect();
    std::fs::write(&path, format!("text,label\n{rows}")).unwrap();
    let separator = Some("|".into());
    let options = LabelledFileOptions { head: "label".into(), separator, ..LabelledFileOptions::default() };
    let set = load_labelled_files(&expand(&[path.display().to_string()]).unwrap(), &options).unwrap();
    (model, set)
}

#[test]
fn the_old_thresholds_have_no_influence() {
    let (mut model, set) = multi_label(150);
    let sets = [set];
    let first = calibrated(&mut model, &sets);
    let head = &first.heads[0];
    let decision = head.decision.unwrap();
    assert!(head.not_fitted.is_none() && decision.micro_f1 > decision.micro_f1_before, "{head:?}");
    let manifest = model.manifest.clone();
    assert!(manifest.heads[0].labels.iter().all(|label| label.threshold.is_some()));
    // The reported micro-F1 is the one that an evaluation finds.
    assert!((first.after[0].heads[0].report.micro_f1.unwrap() - decision.micro_f1).abs() < 1e-12);
    assert!((first.before[0].heads[0].report.micro_f1.unwrap() - decision.micro_f1_before).abs() < 0.02);

    calibrated(&mut model, &sets);
    assert_eq!(model.manifest, manifest);
    model.manifest.heads[0].temperature = 0.3;
    model.manifest.heads[0].labels[1].threshold = Some(0.9);
    calibrated(&mut model, &sets);
    assert_eq!(model.manifest, manifest);
}

#[test]
fn repeated_articles_and_lenient_labels_do_not_change_minimum_scores() {
    let mut model = tiny();
    let set = mostly_correct(&model, 150);
    let found = |sets: &[LabelledSet], model: &mut Model| calibrated(model, sets).heads[0].calibration.clone();
    let once = found(std::slice::from_ref(&set), &mut model);
    let thrice = found(&[set.clone(), set.clone(), set.clone()], &mut model);
    assert_eq!((&thrice.thresholds, thrice.articles), (&once.thresholds, once.articles));
    let mut lenient = set.clone();
    let all = || (0..model.manifest.heads[0].labels.len() as u32).map(LabelId).collect();
    lenient.articles.iter_mut().for_each(|row| row.gold_labels[0] = Some(GoldLabels::AnyOf(all())));
    let both = found(&[set, lenient.clone()], &mut model);
    assert_eq!((&both.thresholds, both.articles), (&once.thresholds, once.articles));
    assert!(found(&[lenient], &mut model).thresholds.len() > once.thresholds.len());
}

#[test]
fn metrics_before_and_after_equal_those_of_an_evaluation() {
    let mut model = tiny();
    let sets = [mostly_correct(&model, 100)];
    let evaluated = |model: &Model| {
        let classifier = Classifier::new(model.clone(), &Options::default()).unwrap();
        evaluate(&classifier, &sets[0], &mut |_| {}).unwrap()
    };
    let before = evaluated(&model);
    let found = calibrated(&mut model, &sets);
    assert_eq!((found.before[0].clone(), found.after[0].clone()), (before, evaluated(&model)));
}

#[test]
fn too_few_articles_are_reported_and_leave_the_temperature() {
    let cases: [(LabelledSet, &str); 3] = [
        (set((0..60).map(|i| (text(i), "arts".into()))), "all 60 articles have the same label"),
        (
            set((0..10).map(|i| (text(i), ["arts", "sport"][i % 2].into()))),
            "that needs 50 distinct labelled articles, and there are 10",
        ),
        (LabelledSet { articles: vec![], ..set([("Goal".into(), "arts".into())].into_iter()) }, "no article"),
    ];
    for (set, cause) in cases {
        let mut model = tiny();
        model.manifest.heads[0].temperature = 1.5;
        let sets = [set];
        let error = check_calibration(&sets, &model.manifest.heads).unwrap_err();
        assert!(error.to_string().contains(cause) && error.remedy().is_some(), "{error}");
        let found = calibrated(&mut model, &sets);
        assert_eq!(model.manifest.heads[0].temperature, 1.5);
        assert!(found.heads.iter().all(|head| head.not_fitted.as_ref().is_some_and(|reason| reason.contains(cause))));
        assert_eq!(found.heads.len(), usize::from(!sets[0].articles.is_empty()));
    }
}
