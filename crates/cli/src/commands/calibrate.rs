//! `newsdesk calibrate`: what a model's scores mean, measured on labelled articles and written into its manifest.

use super::{check_own_folder, instructions, open_any, threads};
use crate::arguments::Calibrate;
use crate::failure::say;
use crate::output::progress::set_bars;
use crate::output::table::table;
use crate::sets::load_to_measure;
use anyhow::Result;
use newsdesk_eval::{
    Calibrated, DecisionThresholds, HeadCalibration, HeadReport, SetReport, calibrate, check_calibration,
    check_labelled,
};
use newsdesk_model::folder::save_manifest;
use newsdesk_model::{CalibrationRecord, Classifier, Options};
use serde::Serialize;
use std::io::Write;
use std::process::ExitCode;

/// What a run found out.
#[derive(Serialize)]
struct Findings {
    model: String,
    heads: Vec<HeadCalibration>,
    sets: Vec<SetFindings>,
}

/// The figures of one head on one set, at both temperatures.
#[derive(Serialize)]
struct SetFindings {
    set: String,
    split: String,
    head: String,
    articles: u64,
    before: Figures,
    after: Figures,
}

#[derive(Serialize)]
struct Figures {
    accuracy: f64,
    ece: f64,
    brier: f64,
    nll: f64,
}

impl Figures {
    fn new(report: &HeadReport) -> Self {
        let calibration = &report.calibration;
        let (ece, brier, nll) = (calibration.ece, calibration.brier, calibration.nll);
        Self { accuracy: report.report.accuracy, ece, brier, nll }
    }
}

pub fn run(options: Calibrate) -> Result<ExitCode> {
    let device = options.running.device.open()?;
    let model = open_any(Some(&options.on.model), &device)?;
    check_own_folder(&options.on.model)?;
    let running = Options {
        device: options.running.device,
        threads: Some(threads(&options.running)),
        windows: None,
        dtype: options.precision,
        instructions: instructions()?,
    };
    let classifier = Classifier::new(model, &running)?;
    let mut manifest = classifier.manifest().clone();
    let heads = manifest.heads.clone();
    let sets = load_to_measure(&options.on.data, &options.on.labelled, &options.on.split, &manifest, options.quiet)?;
    sets.iter().try_for_each(|set| check_labelled(set, &heads))?;
    check_calibration(&sets, &heads)?;

    let calibrated = calibrate(&mut manifest, &classifier, &sets, &mut set_bars(&sets, options.quiet))?;
    manifest.note_scores(calibrated.after.iter().flat_map(SetReport::records));
    save_manifest(&manifest, &options.on.model)?;

    if !options.quiet {
        let known = |name: &str| calibrated.heads.iter().any(|head| head.head == name);
        for head in heads.iter().filter(|head| !known(&head.name)) {
            say(&format!("warning: no set has labels for head {}: it stays as it was", head.name));
        }
        not_fitted(&calibrated).iter().for_each(|line| say(line));
        if heads != manifest.heads && !manifest.certificates.is_empty() {
            let hint = "`newsdesk models certify` measures them again";
            say(&format!(
                "warning: the certificates of precisions were made at other temperatures or thresholds; {hint}"
            ));
        }
    }
    let mut out = std::io::stdout();
    let findings = Findings {
        model: options.on.model.display().to_string(),
        sets: compared(&calibrated),
        heads: calibrated.heads,
    };
    match options.json {
        true => writeln!(out, "{}", serde_json::to_string(&findings)?)?,
        false => write!(out, "{}", shown(&findings))?,
    }
    let rejected = sets.iter().any(|set| !set.rejects.is_empty());
    Ok(if rejected { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// A line for each head whose temperature could not be fitted.
pub fn not_fitted(calibrated: &Calibrated) -> Vec<String> {
    let line = |head: &HeadCalibration| {
        let cause = head.not_fitted.as_ref()?;
        Some(format!("warning: the temperature of head {} stays {}: {cause}", head.head, head.temperature))
    };
    calibrated.heads.iter().filter_map(line).collect()
}

fn compared(calibrated: &Calibrated) -> Vec<SetFindings> {
    let of_set = |(before, after): (&SetReport, &SetReport)| -> Vec<SetFindings> {
        let pairs = before.heads.iter().zip(&after.heads).filter(|(before, _)| before.report.cases > 0);
        pairs
            .map(|(before_head, after_head)| SetFindings {
                set: before.set.clone(),
                split: before.split.clone(),
                head: before_head.head.clone(),
                articles: before_head.report.cases,
                before: Figures::new(before_head),
                after: Figures::new(after_head),
            })
            .collect()
    };
    calibrated.before.iter().zip(&calibrated.after).flat_map(of_set).collect()
}

fn shown(findings: &Findings) -> String {
    let mut figures =
        table(&["set", "split", "head", "articles", "ECE before", "ECE", "NLL before", "NLL"], &[3, 4, 5, 6, 7]);
    for set in &findings.sets {
        let numbers = [set.before.ece, set.after.ece, set.before.nll, set.after.nll].map(|x| format!("{x:.4}"));
        let names = [&set.set, &set.split, &set.head].map(String::clone);
        figures.add_row([&names[..], &[set.articles.to_string()], &numbers].concat());
    }
    let mut text = format!("{}\n", figures.trim_fmt());
    for head in &findings.heads {
        let HeadCalibration { head, articles, temperature_before, temperature, calibration, decision, .. } = head;
        text += &format!("\n{head}: temperature {temperature}, was {temperature_before}, by {articles} articles\n");
        if let Some(decision) = decision {
            let DecisionThresholds { shared, own, micro_f1_before, micro_f1 } = decision;
            text += &format!("{head}: labels are given from a score of {shared} on, {own} of them from their own; ");
            text += &format!("micro-F1 {micro_f1:.4}, was {micro_f1_before:.4}\n");
        }
        text += &precisions(calibration);
    }
    text
}

/// From which scores on a head reaches precisions, and what that was measured on.
pub fn precisions(record: &CalibrationRecord) -> String {
    let (head, sets) = (&record.head, record.threshold_sets.join(", "));
    if record.thresholds.is_empty() {
        return format!("{head}: no precision of 0.8 or more is sure on {sets}\n");
    }
    let headings = ["head", "min precision", "from score", "coverage", "answers", "precision"];
    let mut table = table(&headings, &[1, 2, 3, 4, 5]);
    for row in &record.thresholds {
        table.add_row(vec![
            head.clone(),
            format!("{:.2}", row.min_precision),
            format!("{:.4}", row.min_score),
            format!("{:.4}", row.coverage),
            row.answers.to_string(),
            format!("{:.4}", row.precision),
        ]);
    }
    format!("{head}: precisions on {sets}\n\n{}\n", table.trim_fmt())
}
