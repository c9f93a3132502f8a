//! `newsdesk eval`: how good a model is on labelled sets.

use super::minimum::Minimum;
use super::open_classifier;
use crate::arguments::Eval;
use crate::output::progress::progress_bar;
use crate::output::table::table;
use crate::sets::load_to_measure;
use anyhow::Result;
use newsdesk_data::LabelledSet;
use newsdesk_model::Classifier;
use newsdesk_train::{HeadReport, SetReport, measure_from};
use std::io::Write;
use std::process::ExitCode;

pub fn run(options: Eval) -> Result<ExitCode> {
    let classifier = open_classifier(options.model.as_deref(), &options.running, options.precision, options.windows)?;
    let manifest = &classifier.model().manifest;
    let heads = &manifest.heads;
    let minimum = Minimum { scores: &options.least.min_score, precisions: &options.least.min_precision };
    let min_scores = minimum.resolve(manifest)?;
    let sets = load_to_measure(&options.data, &options.labelled, &options.split, heads, options.quiet)?;
    let measure = |set| measure_set(&classifier, set, &min_scores, options.quiet);
    let reports = sets.iter().map(measure).collect::<Result<Vec<_>>>()?;
    let mut out = std::io::stdout();
    match options.json {
        true => writeln!(out, "{}", serde_json::to_string(&reports)?)?,
        false => {
            for report in &reports {
                write!(out, "{}", shown(report))?;
            }
        }
    }
    let rejected = reports.iter().any(|report| report.rejected > 0);
    Ok(if rejected { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn measure_set(
    classifier: &Classifier,
    set: &LabelledSet,
    min_scores: &[Option<f32>],
    quiet: bool,
) -> Result<SetReport> {
    let bar = progress_bar(set.name.clone(), set.articles.len(), quiet);
    let report = measure_from(classifier, set, min_scores, &mut |done| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    Ok(report)
}

fn shown(report: &SetReport) -> String {
    let mut text = format!("{}, {}: {} articles", report.set, report.split, report.articles);
    if report.rejected > 0 {
        text += &format!(", {} rows rejected", report.rejected);
    }
    if report.skipped > 0 {
        text += &format!(", {} rows without a label left out", report.skipped);
    }
    text += "\n";
    for HeadReport { head, report, calibration, answered } in &report.heads {
        let (accuracy, macro_f1) = (report.accuracy, report.macro_f1);
        text += &format!("\n{head}: accuracy {accuracy:.4}");
        if let Some(any) = report.accuracy_any {
            text += &format!(" ({any:.4} with any of the right labels)");
        }
        text += &format!(", macro-F1 {macro_f1:.4}, macro recall {:.4}", report.macro_recall);
        if let Some(micro_f1) = report.micro_f1 {
            text += &format!(", micro-F1 {micro_f1:.4}");
        }
        let (ece, brier, nll) = (calibration.ece, calibration.brier, calibration.nll);
        text += &format!(", ECE {ece:.4}, Brier {brier:.4}, NLL {nll:.4}");
        if report.labels_are_sources {
            text += "; right where the set's label allows the answer, figures below in the set's labels";
        }
        if let Some(answered) = answered {
            let (given, answers) = (answered.given, answered.answers);
            text +=
                &format!("\n{head} from a score of {:.4} on: {given} of {answers} answers given", answered.min_score);
            text += &format!(" (coverage {:.4}), accuracy {:.4}", answered.coverage, answered.accuracy);
        }
        text += "\n\n";
        let mut labels = table(&["label", "articles", "precision", "recall", "F1"], &[1, 2, 3, 4]);
        for label in report.per_label.iter().filter(|label| label.support + label.predicted > 0) {
            let figure = |x: f64| format!("{x:.3}");
            labels.add_row(vec![
                label.label.clone(),
                label.support.to_string(),
                figure(label.precision),
                figure(label.recall),
                figure(label.f1),
            ]);
        }
        text += &format!("{}\n\n", labels.trim_fmt());
    }
    text
}
