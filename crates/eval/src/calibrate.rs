//! A model and labelled sets to temperatures, to the scores from which on labels of multi-label heads are given, and to
//! those from which on answers are right often enough.
//!
//! Each set is read once, to raw logits. Whatever is measured, at the temperatures that the model had and at the new
//! ones, is computed from these.

use crate::decision::{self, Scored};
use crate::error::{EvalError, Result};
use crate::head_data::{HeadData, described, head_data};
use crate::matched::check_heads;
use crate::measure::{SetReport, given, in_parts, report};
use crate::temperature::{RANGE, Sample, fit};
use newsdesk_data::{LabelledArticle, LabelledSet, TextHash};
use newsdesk_metrics::{ScoredAnswer, threshold};
use newsdesk_model::folder::Manifest;
use newsdesk_model::{
    CalibrationRecord, Classifier, Combine, Head, HeadActivation, Prediction, TextLogits, ThresholdRecord,
};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// Fewer articles say nothing about a temperature.
const LEAST_ARTICLES: usize = 50;

/// The precisions for which a score is looked for.
const PRECISIONS: [f64; 6] = [0.80, 0.85, 0.90, 0.95, 0.98, 0.99];

/// What came out for one head.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct HeadCalibration {
    /// The head.
    pub head: String,
    /// Articles that are labelled for it.
    pub articles: u64,
    /// Its temperature before.
    pub temperature_before: f32,
    /// Its temperature now.
    pub temperature: f32,
    /// Why the temperature stays as it was, where none could be fitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_fitted: Option<String>,
    /// From which scores on its labels are given, where it gives several and that could be fitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionThresholds>,
    /// From which score on its answers reach a precision, and what that was measured on.
    pub calibration: CalibrationRecord,
}

/// From which scores on the labels of a head that gives several are given. The manifest has one for each label.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct DecisionThresholds {
    /// The score of labels that have none of their own.
    pub shared: f32,
    /// Number of labels that have their own.
    pub own: usize,
    /// F1 of all labels' answers on the articles together, with the thresholds that the head had.
    pub micro_f1_before: f64,
    /// The same with the new ones.
    pub micro_f1: f64,
}

/// What came out of a calibration.
pub struct Calibrated {
    /// One entry for each head that a set has labels for.
    pub heads: Vec<HeadCalibration>,
    /// The figures of each set with the temperatures that the model had.
    pub before: Vec<SetReport>,
    /// The figures of each set with the new ones.
    pub after: Vec<SetReport>,
}

/// Fits the temperature of each head that the sets have labels for, and finds the scores from which on its answers
/// reach precisions; both are written into the model's manifest. `classifier` is the model as it reads articles. Sets without articles are passed over.
///
/// A temperature is the one under which the labels of all sets, each article weighing the same, have the largest
/// likelihood: that of the right label, of the whole set of labels where any of several is right, or of each label for
/// itself where any number may hold. Whole articles are read, and their windows combined, as the model does it. The
/// temperature that the model had plays no part, so doing it again changes nothing.
///
/// A precision is the share of answers that are right. Where a set's label stands for several of the model's, more are
/// right than where it says which one. So the scores that reach a precision are measured on the sets that label articles
/// with the head's own labels; on the others only if there are no such sets. Articles with the same words count once.
///
/// The labels of a head that gives several get the thresholds by which F1 is largest at the new temperature: labels that
/// are right for 20 articles or more their own, if cross-validation within the articles says that this is better, the
/// others one that they share. Those that they had play no part.
///
/// A head keeps its temperature where too little is known; [`HeadCalibration::not_fitted`] says why. Where it changes,
/// the labels' thresholds change with it, and where no new ones can be fitted either, articles of one window are given the
/// same labels as before.
///
/// `progress` is told the number of the set, among those with articles, and how many of its articles are done.
///
/// # Errors
/// If a set shares no head with the model, a label of a set is not one of the model's, or reading fails.
pub fn calibrate(
    manifest: &mut Manifest,
    classifier: &Classifier,
    sets: &[LabelledSet],
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Calibrated> {
    let sets: Vec<&LabelledSet> = sets.iter().filter(|set| !set.articles.is_empty()).collect();
    sets.iter().try_for_each(|set| check_heads(set, &manifest.heads))?;
    let read = |(number, set): (usize, &&LabelledSet)| {
        in_parts(set, &mut |done| progress(number, done), |texts| classifier.logits(texts))
    };
    let texts = sets.iter().enumerate().map(read).collect::<Result<Vec<_>>>()?;
    let rule = manifest.window.combine;
    let before = reports(&sets, &manifest.heads, rule, &texts)?.0;

    let mut heads = vec![];
    for number in 0..manifest.heads.len() {
        let parts = head_data(&sets, &manifest.heads, number)?;
        if parts.is_empty() {
            continue;
        }
        let samples = samples(&parts, number, &texts);
        let head = &mut manifest.heads[number];
        let temperature_before = head.temperature;
        let obstacle = obstacle(&parts);
        let mut not_fitted = obstacle.clone();
        if not_fitted.is_none() {
            match fit(head.activation, rule, &samples) {
                // Four decimals are more than a few hundred articles can tell.
                Some(found) => set_temperature(head, ((found * 1e4).round() / 1e4) as f32),
                None => not_fitted = Some(format!("no temperature from {} to {} is the best one", RANGE[0], RANGE[1])),
            }
        }
        let decision = match (head.activation, obstacle) {
            (HeadActivation::Sigmoid, None) => fit_decision(head, &scored(&parts, number, head, rule, &texts)),
            _ => None,
        };
        let temperature_sets = if not_fitted.is_none() { described(&parts) } else { vec![] };
        let record = CalibrationRecord { head: head.name.clone(), temperature_sets, ..CalibrationRecord::default() };
        heads.push(HeadCalibration {
            head: head.name.clone(),
            articles: samples.len() as u64,
            temperature_before,
            temperature: head.temperature,
            not_fitted,
            decision,
            calibration: record,
        });
    }

    let (after, predictions) = reports(&sets, &manifest.heads, rule, &texts)?;
    for HeadCalibration { head, calibration, .. } in &mut heads {
        let Some(number) = manifest.heads.iter().position(|known| known.name == *head) else { continue };
        let mut parts = head_data(&sets, &manifest.heads, number)?;
        if parts.iter().any(|part| part.is_exact() && part.labelled() > 0) {
            parts.retain(HeadData::is_exact);
        }
        // The same text over and over would make sure of what it says once.
        let mut met = HashSet::new();
        let mut is_new = |row: &LabelledArticle| met.insert(TextHash::of_question(&row.article));
        let mut answers: Vec<ScoredAnswer> = vec![];
        for HeadData { set, number, place, matched } in &parts {
            answers.extend(given(set, *place, matched, &predictions[*number], &mut is_new));
        }
        calibration.threshold_sets = described(&parts);
        calibration.articles = met.len() as u64;
        calibration.thresholds = PRECISIONS.iter().filter_map(|&precision| row(&answers, precision)).collect();
        let records = &mut manifest.calibrations;
        records.retain(|known| known.head != *head);
        records.push(calibration.clone());
    }
    Ok(Calibrated { heads, before, after })
}

/// Checks that [`calibrate`] can fit the temperature of each head that the sets have labels for, as far as that is known
/// before the work.
///
/// # Errors
/// If a set shares no head with the model, a label of a set is not one of the model's, or a head has no labelled
/// article, too few of them, or only one label.
pub fn check_calibration(sets: &[LabelledSet], heads: &[Head]) -> Result<()> {
    let sets: Vec<&LabelledSet> = sets.iter().collect();
    for (number, head) in heads.iter().enumerate() {
        let parts = head_data(&sets, heads, number)?;
        if let Some(cause) = (!parts.is_empty()).then(|| obstacle(&parts)).flatten() {
            return Err(EvalError::Data {
                cause: format!("the temperature of head `{}` cannot be fitted: {cause}", head.name),
                hint: format!("give articles of at least two labels with `--data`, {LEAST_ARTICLES} or more of them"),
            });
        }
    }
    Ok(())
}

/// Why the labels of these sets say nothing about a head's temperature, if they do not.
fn obstacle(parts: &[HeadData]) -> Option<String> {
    let (mut articles, mut kinds) = (HashSet::new(), BTreeSet::new());
    for part in parts {
        for row in &part.set.articles {
            let Some(target) = &row.targets[part.place] else { continue };
            articles.insert(TextHash::of_question(&row.article));
            kinds.insert(format!("{:?}", part.matched.truth(target)));
        }
    }
    match (articles.len(), kinds.len()) {
        (0, _) => Some("no article is labelled for it".into()),
        (all, 1) => Some(format!("all {all} articles have the same label")),
        (few, _) if few < LEAST_ARTICLES => Some(format!("{few} articles are labelled for it, which is too few")),
        _ => None,
    }
}

/// The figures of each set at the heads' temperatures, and the predictions that they are made of.
fn reports(
    sets: &[&LabelledSet],
    heads: &[Head],
    rule: Combine,
    texts: &[Vec<TextLogits>],
) -> Result<(Vec<SetReport>, Vec<Vec<Prediction>>)> {
    let shared: Vec<Arc<Head>> = heads.iter().cloned().map(Arc::new).collect();
    let predict = |texts: &Vec<TextLogits>| texts.iter().map(|text| text.prediction(&shared, rule)).collect();
    let predictions: Vec<Vec<Prediction>> = texts.iter().map(predict).collect();
    let reports = sets.iter().zip(&predictions).map(|(set, predictions)| report(set, heads, predictions, &[]));
    Ok((reports.collect::<Result<_>>()?, predictions))
}

/// What a head says about each article that is labelled for it.
fn samples(parts: &[HeadData], head: usize, texts: &[Vec<TextLogits>]) -> Vec<Sample> {
    let of_part = |part: &HeadData| -> Vec<Sample> {
        let rows = part.set.articles.iter().zip(&texts[part.number]);
        rows.filter_map(|(row, text)| {
            let truth = part.matched.truth(row.targets[part.place].as_ref()?);
            let windows = text.windows.iter().map(|window| window[head].0.iter().map(|&x| f64::from(x)).collect());
            Some(Sample { windows: windows.collect(), adds: text.adds.clone(), truth })
        })
        .collect()
    };
    parts.iter().flat_map(of_part).collect()
}

/// The probabilities that a head has at its temperature for each article that is labelled for it, and what is right.
fn scored(parts: &[HeadData], number: usize, head: &Head, rule: Combine, texts: &[Vec<TextLogits>]) -> Vec<Scored> {
    let head = [Arc::new(head.clone())];
    let of_part = |part: &HeadData| -> Vec<Scored> {
        let rows = part.set.articles.iter().zip(&texts[part.number]);
        rows.filter_map(|(row, text)| {
            let truth = part.matched.truth(row.targets[part.place].as_ref()?);
            let right = (0..head[0].labels.len()).map(|label| truth.names(label)).collect();
            let answer = text.of_head(number).prediction(&head, rule).heads.pop()?;
            Some(Scored::new(&row.article.input(), answer.probabilities.0, right))
        })
        .collect()
    };
    parts.iter().flat_map(of_part).collect()
}

/// Gives the labels of a head the thresholds that are best for these articles, if any are.
fn fit_decision(head: &mut Head, articles: &[Scored]) -> Option<DecisionThresholds> {
    let found = decision::fit(articles)?;
    let micro_f1_before = decision::micro_f1(articles, &|label| head.labels[label].threshold.unwrap_or(0.5));
    let micro_f1 = decision::micro_f1(articles, &|label| found.of(label));
    head.labels.iter_mut().enumerate().for_each(|(number, label)| label.threshold = Some(found.of(number)));
    Some(DecisionThresholds { shared: found.shared, own: found.own(), micro_f1_before, micro_f1 })
}

/// Gives a head another temperature and its labels the thresholds that then mean the same.
fn set_temperature(head: &mut Head, temperature: f32) {
    let factor = f64::from(head.temperature) / f64::from(temperature);
    let moved = |threshold: f32| {
        let threshold = f64::from(threshold);
        (1.0 / (1.0 + ((1.0 - threshold) / threshold).powf(factor))) as f32
    };
    if head.activation == HeadActivation::Sigmoid && head.temperature != temperature {
        head.labels.iter_mut().for_each(|label| label.threshold = label.threshold.map(moved));
    }
    head.temperature = temperature;
}

/// The score from which on these answers reach a precision.
fn row(answers: &[ScoredAnswer], precision: f64) -> Option<ThresholdRecord> {
    let found = threshold(answers, precision)?;
    let round = |x: f64| (x * 1e4).round() / 1e4;
    Some(ThresholdRecord {
        min_precision: precision,
        // Scores are f32, and this is one of them.
        min_score: found.min_score as f32,
        coverage: round(found.coverage),
        answers: found.given,
        precision: round(found.accuracy),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use newsdesk_data::{LabelId, PlainOptions, Target, expand, load_plain};
    use newsdesk_model::head::Logits;
    use newsdesk_model::{Device, HeadLabel, Model, Options};
    use std::path::Path;

    fn calibrated(model: &mut Model, sets: &[LabelledSet]) -> Calibrated {
        let classifier = Classifier::new(model.clone(), &Options::default()).unwrap();
        calibrate(&mut model.manifest, &classifier, sets, &mut |_, _| {}).unwrap()
    }

    fn set(rows: impl Iterator<Item = (String, String)>) -> LabelledSet {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set.csv");
        let rows: String = rows.map(|(text, label)| format!("{text},{label}\n")).collect();
        std::fs::write(&path, format!("text,label\n{rows}")).unwrap();
        let options = PlainOptions { head: "label".into(), ..PlainOptions::default() };
        load_plain(&expand(&[path.display().to_string()]).unwrap(), &options).unwrap()
    }

    fn tiny() -> Model {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny");
        Model::open(&folder, &Device::Cpu).unwrap()
    }

    fn text(number: usize) -> String {
        let words = ["coach", "after", "mayor", "open", "two", "tour", "against", "plan", "said"];
        (0..1 + number * 3 % 150).map(|j| words[(number + j * j) % words.len()]).collect::<Vec<_>>().join(" ")
    }

    /// The model's own answers, but for every third article.
    fn mostly_right(model: &Model, articles: usize) -> LabelledSet {
        let classifier = Classifier::new(model.clone(), &Options::default()).unwrap();
        let texts: Vec<String> = (0..articles).map(text).collect();
        let answers = classifier.classify(&texts).unwrap();
        let names = model.manifest.heads[0].names();
        let label = |i: usize| match i % 3 {
            0 => names[i % names.len()].clone(),
            _ => answers[i].heads[0].best().unwrap().name.to_string(),
        };
        set(texts.iter().enumerate().map(|(i, text)| (text.clone(), label(i))))
    }

    #[test]
    fn the_temperature_that_was_there_plays_no_part() {
        let mut model = tiny();
        let sets = [mostly_right(&model, 150)];
        let first = calibrated(&mut model, &sets);
        assert_eq!((first.heads.len(), first.heads[0].articles, first.heads[0].temperature_before), (1, 150, 1.0));
        let found = first.heads[0].temperature;
        assert!((found - 1.0).abs() > 0.05 && first.heads[0].not_fitted.is_none(), "{found} tests nothing");
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

    /// A head that gives several labels, and articles with its own answers, but for every third one.
    fn several(articles: usize) -> (Model, LabelledSet) {
        let mut model = tiny();
        model.manifest.heads[0].activation = HeadActivation::Sigmoid;
        let classifier = Classifier::new(model.clone(), &Options::default()).unwrap();
        let texts: Vec<String> = (0..articles).map(text).collect();
        let answers = classifier.classify(&texts).unwrap();
        let names = model.manifest.heads[0].names();
        let given = |i: usize| match i % 3 {
            0 => names[i % names.len()].clone(),
            _ => answers[i].heads[0]
                .ranked()
                .iter()
                .filter(|l| l.score > 0.6)
                .map(|l| l.name)
                .collect::<Vec<_>>()
                .join("|"),
        };
        let rows = texts.iter().enumerate().map(|(i, text)| (text.clone(), given(i)));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set.csv");
        let rows: String = rows.map(|(text, label)| format!("{text},{label}\n")).collect();
        std::fs::write(&path, format!("text,label\n{rows}")).unwrap();
        let separator = Some("|".into());
        let options = PlainOptions { head: "label".into(), separator, ..PlainOptions::default() };
        let set = load_plain(&expand(&[path.display().to_string()]).unwrap(), &options).unwrap();
        (model, set)
    }

    #[test]
    fn thresholds_that_were_there_play_no_part() {
        let (mut model, set) = several(150);
        let sets = [set];
        let first = calibrated(&mut model, &sets);
        let head = &first.heads[0];
        let decision = head.decision.unwrap();
        assert!(head.not_fitted.is_none() && decision.micro_f1 > decision.micro_f1_before, "{head:?}");
        let manifest = model.manifest.clone();
        assert!(manifest.heads[0].labels.iter().all(|label| label.threshold.is_some()));
        // What was told is what measuring finds.
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
    fn neither_repeats_nor_kinder_labels_make_a_precision_surer() {
        let mut model = tiny();
        let set = mostly_right(&model, 150);
        let found = |sets: &[LabelledSet], model: &mut Model| calibrated(model, sets).heads[0].calibration.clone();
        let once = found(std::slice::from_ref(&set), &mut model);
        let thrice = found(&[set.clone(), set.clone(), set.clone()], &mut model);
        assert_eq!((&thrice.thresholds, thrice.articles), (&once.thresholds, once.articles));
        let mut kind = set.clone();
        let all = || (0..model.manifest.heads[0].labels.len() as u32).map(LabelId).collect();
        kind.articles.iter_mut().for_each(|row| row.targets[0] = Some(Target::AnyOf(all())));
        let both = found(&[set, kind.clone()], &mut model);
        assert_eq!((&both.thresholds, both.articles), (&once.thresholds, once.articles));
        assert!(found(&[kind], &mut model).thresholds.len() > once.thresholds.len());
    }

    #[test]
    fn figures_are_those_of_measuring() {
        let mut model = tiny();
        let sets = [mostly_right(&model, 100)];
        let measure = |model: &Model| {
            let classifier = Classifier::new(model.clone(), &Options::default()).unwrap();
            crate::measure(&classifier, &sets[0], &mut |_| {}).unwrap()
        };
        let before = measure(&model);
        let found = calibrated(&mut model, &sets);
        assert_eq!((found.before[0].clone(), found.after[0].clone()), (before, measure(&model)));
    }

    #[test]
    fn what_says_too_little_is_told_and_leaves_the_temperature() {
        let cases: [(LabelledSet, &str); 3] = [
            (set((0..60).map(|i| (text(i), "arts".into()))), "all 60 articles have the same label"),
            (set((0..10).map(|i| (text(i), ["arts", "sport"][i % 2].into()))), "10 articles are labelled for it"),
            (LabelledSet { articles: vec![], ..set([("Goal".into(), "arts".into())].into_iter()) }, "no article"),
        ];
        for (set, cause) in cases {
            let mut model = tiny();
            model.manifest.heads[0].temperature = 1.5;
            let sets = [set];
            let error = check_calibration(&sets, &model.manifest.heads).unwrap_err();
            assert!(error.to_string().contains(cause) && error.hint().is_some(), "{error}");
            let found = calibrated(&mut model, &sets);
            assert_eq!(model.manifest.heads[0].temperature, 1.5);
            assert!(found.heads.iter().all(|head| head.not_fitted.as_ref().is_some_and(|told| told.contains(cause))));
            assert_eq!(found.heads.len(), usize::from(!sets[0].articles.is_empty()));
        }
    }

    #[test]
    fn thresholds_of_labels_give_the_same_labels_at_another_temperature() {
        let label = |threshold| HeadLabel { name: "a".into(), code: None, threshold };
        let labels = [None, Some(0.5), Some(0.9), Some(0.0), Some(1.0)].map(label).to_vec();
        let mut head = Head { name: "h".into(), activation: HeadActivation::Sigmoid, temperature: 0.7, labels };
        let given = |head: &Head| -> Vec<Vec<bool>> {
            let of = |x: f32| {
                let probabilities = head.probabilities(&Logits(vec![x; 5]));
                let labels = head.labels.iter().zip(probabilities.0);
                labels.map(|(label, p)| p >= label.threshold.unwrap_or(0.5)).collect()
            };
            (-40..40).map(|i| of(i as f32 / 7.0 + 0.01)).collect()
        };
        let before = given(&head);
        set_temperature(&mut head, 2.5);
        assert_eq!(given(&head), before);
        assert_eq!([0, 1, 3, 4].map(|i| head.labels[i].threshold), [None, Some(0.5), Some(0.0), Some(1.0)]);
        assert!(head.labels[2].threshold.is_some_and(|threshold| threshold < 0.7));
    }

    #[test]
    fn precisions_are_those_that_the_answers_reach() {
        let answers: Vec<ScoredAnswer> =
            (0..400).map(|i| ScoredAnswer { score: 1.0 - f64::from(i) / 512.0, right: i < 100 || i % 5 > 0 }).collect();
        let rows: Vec<ThresholdRecord> = PRECISIONS.iter().filter_map(|&precision| row(&answers, precision)).collect();
        let precisions: Vec<f64> = rows.iter().map(|row| row.min_precision).collect();
        assert_eq!(precisions, [0.8, 0.85, 0.9, 0.95]);
        assert!(rows.is_sorted_by(|a, b| a.min_score < b.min_score && a.coverage > b.coverage));
        for row in rows {
            let above: Vec<_> = answers.iter().filter(|answer| answer.score >= f64::from(row.min_score)).collect();
            let right = above.iter().filter(|answer| answer.right).count() as f64 / above.len() as f64;
            assert_eq!((above.len() as u64, (right * 1e4).round() / 1e4), (row.answers, row.precision));
            assert!(right >= row.min_precision);
        }
    }
}
