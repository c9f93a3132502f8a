//! `newsdesk eval`: how good a model is on labelled sets.

mod errors;
mod shown;
mod slices;

use super::minimum::Minimum;
use super::open_classifier;
use crate::arguments::Eval;
use crate::failure::say;
use crate::output::format::by_name;
use crate::output::page::{Evaluated, eval_page, write_page};
use crate::output::progress::progress_bar;
use crate::sets::{SetSource, describe_rejects};
use anyhow::Result;
use errors::Errors;
use newsdesk_data::LabelledSet;
use newsdesk_eval::top_k;
use newsdesk_model::Classifier;
use newsdesk_train::{HeadCases, SetReport, check_labelled, head_cases, predict, report};
use std::io::Write;
use std::process::ExitCode;

/// The most labels that are looked at together.
const TOP: usize = 3;

pub fn run(options: Eval) -> Result<ExitCode> {
    let format = options.errors.as_deref().map(by_name).transpose()?;
    let classifier = open_classifier(options.model.as_deref(), &options.running, options.precision, options.windows)?;
    let manifest = classifier.manifest();
    let minimum = Minimum { scores: &options.least.min_score, precisions: &options.least.min_precision };
    let min_scores = minimum.resolve(manifest)?;
    // All sets before the first is measured: a wrong name must not cost the work on the others.
    let load = |argument: &String| -> Result<(SetSource, LabelledSet)> {
        let source = SetSource::find(argument)?;
        let set = source.load(&options.labelled, &options.split, Some(manifest))?;
        if !options.quiet {
            describe_rejects(&set.rejects).iter().for_each(|line| say(line));
        }
        check_labelled(&set, &manifest.heads)?;
        slices::check(&options.by, &source)?;
        Ok((source, set))
    };
    let sets: Vec<(SetSource, LabelledSet)> = options.data.iter().map(load).collect::<Result<_>>()?;
    let mut errors = Errors::default();
    let mut evaluated = vec![];
    for (source, set) in &sets {
        let predictions = answers(&classifier, set, options.quiet)?;
        let mut report = report(set, &manifest.heads, &predictions, &min_scores)?;
        let cases = head_cases(set, &manifest.heads, &predictions)?;
        for (head, cases) in report.heads.iter_mut().zip(&cases) {
            // All labels together are always right.
            head.top_k = top_k(&cases.scored, TOP.min(cases.labels.len().saturating_sub(1)));
            head.intervals = Some(cases.intervals());
        }
        let rows = || source.rows(&options.labelled, &options.split, manifest);
        if !options.by.is_empty() {
            let values = slices::values(&options.by, set, rows()?)?;
            for (head, cases) in report.heads.iter_mut().zip(&cases) {
                head.slices = slices::slices(&options.by, &values, cases);
            }
        }
        if options.errors.is_some() {
            errors.take(set, &cases, rows()?)?;
        }
        evaluated.push(Evaluated { report, cases });
    }
    if let (Some(path), Some(format)) = (&options.errors, format) {
        errors.write(path, format)?;
    }
    if let Some(path) = &options.report {
        write_page(path, &eval_page(&classifier, &evaluated)?)?;
    }
    let mut out = std::io::stdout();
    let reports: Vec<&SetReport> = evaluated.iter().map(|of| &of.report).collect();
    match options.json {
        true => writeln!(out, "{}", serde_json::to_string(&reports)?)?,
        false => reports.iter().try_for_each(|report| write!(out, "{}", shown::shown(report)))?,
    }
    let rejected = reports.iter().any(|report| report.rejected > 0);
    Ok(if rejected { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn answers(classifier: &Classifier, set: &LabelledSet, quiet: bool) -> Result<Vec<newsdesk_model::Prediction>> {
    let bar = progress_bar(set.name.clone(), set.articles.len(), quiet);
    let predictions = predict(classifier, set, &mut |done| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    Ok(predictions)
}

/// Whether a case is wrong as a whole.
fn is_wrong(cases: &HeadCases, number: usize) -> bool {
    !cases.cases[number].is_right(cases.labels.len())
}
