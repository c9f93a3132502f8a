//! `newsdesk calibrate`: fits temperatures and score thresholds on labelled articles, and writes them to the model's
//! manifest.

use super::model_folder::check_existing_model;
use super::open::{instructions, open_any, threads};
use crate::arguments::Calibrate;
use crate::console;
use crate::data_sets::load_to_evaluate;
use crate::exit_code::ExitCode;
use crate::failure::say;
use crate::output::count::counted;
use crate::output::progress::set_bars;
use crate::output::table::table;
use crate::output::terminal;
use anyhow::Result;
use newsdesk_eval::{
    CalibrationReport, DecisionThresholds, HeadCalibration, HeadReport, SetReport, calibrate, check_calibration,
    check_labelled,
};
use newsdesk_model::folder::save_manifest;
use newsdesk_model::{CalibrationRecord, Classifier, Options};
use serde::Serialize;
use std::io::Write;

/// The JSON that `calibrate --json` prints.
#[derive(Serialize)]
struct Findings {
    model: String,
    heads: Vec<HeadCalibration>,
    sets: Vec<SetFindings>,
}

/// The metrics of one head on one data set, before and after calibration.
#[derive(Serialize)]
struct SetFindings {
    set: String,
    split: String,
    head: String,
    articles: u64,
    before: Metrics,
    after: Metrics,
}

#[derive(Serialize)]
struct Metrics {
    accuracy: f64,
    ece: f64,
    brier: f64,
    nll: f64,
}

impl Metrics {
    fn new(report: &HeadReport) -> Self {
        let calibration = &report.calibration;
        let (ece, brier, nll) = (calibration.ece, calibration.brier, calibration.nll);
        Self { accuracy: report.report.accuracy, ece, brier, nll }
    }
}

pub fn run(options: Calibrate) -> Result<ExitCode> {
    let device = options.compute.device.open()?;
    let model = open_any(Some(&options.input.model), &device, options.input.opening)?;
    check_existing_model(&options.input.model)?;
    let model_options = Options {
        device: options.compute.device,
        threads: Some(threads(&options.compute)),
        dtype: options.dtype,
        instructions: instructions()?,
        ..Options::default()
    };
    let classifier = Classifier::new(model, &model_options)?;
    let mut manifest = classifier.manifest().clone();
    let heads = manifest.heads.clone();
    let sets =
        load_to_evaluate(&options.input.data, &options.input.data_set, &options.input.split, &manifest, options.quiet)?;
    sets.iter().try_for_each(|set| check_labelled(set, &heads))?;
    check_calibration(&sets, &heads)?;

    let calibrated = calibrate(&mut manifest, &classifier, &sets, &mut set_bars(&sets, options.quiet))?;
    manifest.record_scores(calibrated.after.iter().flat_map(SetReport::records));
    save_manifest(&manifest, &options.input.model)?;

    if !options.quiet {
        let known = |name: &str| calibrated.heads.iter().any(|head| head.head == name);
        for head in heads.iter().filter(|head| !known(&head.name)) {
            say(&format!("warning: head `{}` is unchanged: no data set has labels for it", head.name));
        }
        not_fitted(&calibrated).iter().for_each(|line| say(line));
        if heads != manifest.heads && !manifest.certificates.is_empty() {
            say(
                "warning: the dtype certificates were measured with the old temperatures or thresholds; renew them with `newsdesk models certify`",
            );
        }
    }
    let findings = Findings {
        model: options.input.model.display().to_string(),
        sets: set_findings(&calibrated),
        heads: calibrated.heads,
    };
    match options.json {
        true => console::print_json(&findings)?,
        false => write!(terminal::stdout(), "{}", tables(&findings))?,
    }
    let rejected = sets.iter().any(|set| !set.rejects.is_empty());
    Ok(if rejected { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Returns a warning for each head whose temperature could not be fitted.
pub fn not_fitted(calibrated: &CalibrationReport) -> Vec<String> {
    let line = |head: &HeadCalibration| {
        let cause = head.not_fitted.as_ref()?;
        // At 1, the scores are the softmax or sigmoid of the logits.
        Some(match head.temperature {
            1.0 => format!("warning: the scores of head `{}` are not calibrated: {cause}", head.head),
            kept => format!("warning: head `{}` keeps its temperature {kept}: {cause}", head.head),
        })
    };
    calibrated.heads.iter().filter_map(line).collect()
}

fn set_findings(calibrated: &CalibrationReport) -> Vec<SetFindings> {
    let of_set = |(before, after): (&SetReport, &SetReport)| -> Vec<SetFindings> {
        let pairs = before.heads.iter().zip(&after.heads).filter(|(before, _)| before.report.cases > 0);
        pairs
            .map(|(before_head, after_head)| SetFindings {
                set: before.set.clone(),
                split: before.split.clone(),
                head: before_head.head.clone(),
                articles: before_head.report.cases,
                before: Metrics::new(before_head),
                after: Metrics::new(after_head),
            })
            .collect()
    };
    calibrated.before.iter().zip(&calibrated.after).flat_map(of_set).collect()
}

fn tables(findings: &Findings) -> String {
    let headings = ["data set", "split", "head", "articles", "ECE before", "ECE after", "NLL before", "NLL after"];
    let mut metrics = table(&headings, &[3, 4, 5, 6, 7]);
    for set in &findings.sets {
        let numbers = [set.before.ece, set.after.ece, set.before.nll, set.after.nll].map(|x| format!("{x:.4}"));
        let names = [&set.set, &set.split, &set.head].map(String::clone);
        metrics.add_row([&names[..], &[set.articles.to_string()], &numbers].concat());
    }
    let mut text = format!("{}\n", metrics.trim_fmt());
    for head in &findings.heads {
        let HeadCalibration { head, articles, temperature_before, temperature, calibration, decision, .. } = head;
        text += &format!(
            "\n{head}: temperature {temperature} (before: {temperature_before}), {}\n",
            counted(articles, "article")
        );
        if let Some(decision) = decision {
            let DecisionThresholds { shared, own, micro_f1_before, micro_f1 } = decision;
            text += &format!("{head}: decision threshold {shared}, {own} labels with a threshold of their own; ");
            text += &format!("micro-F1 {micro_f1:.4} (before: {micro_f1_before:.4})\n");
        }
        text += &thresholds_table(calibration);
    }
    text
}

/// Lists the score from which a head reaches each precision, and the data sets on which that was measured.
pub fn thresholds_table(record: &CalibrationRecord) -> String {
    let (head, sets) = (&record.head, record.threshold_sets.join(", "));
    if record.thresholds.is_empty() {
        return format!("{head}: no score reaches a precision of 0.8 with confidence on {sets}\n");
    }
    let headings = ["head", "min precision", "min score", "coverage", "predictions", "precision"];
    let mut table = table(&headings, &[1, 2, 3, 4, 5]);
    for row in &record.thresholds {
        table.add_row(vec![
            head.clone(),
            format!("{:.2}", row.min_precision),
            format!("{:.4}", row.min_score),
            format!("{:.4}", row.coverage),
            row.accepted.to_string(),
            format!("{:.4}", row.precision),
        ]);
    }
    format!("{head}: score thresholds measured on {sets}\n\n{}\n", table.trim_fmt())
}
