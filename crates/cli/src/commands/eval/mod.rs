//! `newsdesk eval`: how good a model is on labelled sets.

mod errors;
mod shown;
mod slices;

use super::classify::refuse_overwriting;
use super::minimum::Minimum;
use super::open_classifier;
use crate::arguments::Eval;
use crate::failure::{Usage, say};
use crate::output::format::by_name;
use crate::output::page::{Evaluated, eval_page};
use crate::output::progress::progress_bar;
use crate::output::whole;
use crate::sets::{SetSource, describe_rejects};
use anyhow::Result;
use errors::Errors;
use newsdesk_data::LabelledSet;
use newsdesk_eval::{HeadCases, SetReport, check_labelled, head_cases, predict, report_of};
use newsdesk_metrics::top_k;
use newsdesk_model::Classifier;
use std::collections::BTreeSet;
use std::io::Write;
use std::process::ExitCode;

/// The most labels that are looked at together.
const TOP: usize = 3;

pub fn run(mut options: Eval) -> Result<ExitCode> {
    let mut seen = BTreeSet::new();
    options.by.retain(|column| seen.insert(column.clone()));
    let format = options.errors.as_deref().map(by_name).transpose()?;
    let classifier = open_classifier(options.model.as_deref(), &options.running, options.precision, options.windows)?;
    let manifest = classifier.manifest();
    let minimum = Minimum { scores: &options.least.min_score, precisions: &options.least.min_precision };
    let min_scores = minimum.resolve(manifest)?;
    // All sets before the first is measured: a wrong name must not cost the work on the others.
    let load = |argument: &String| -> Result<(SetSource, LabelledSet)> {
        let source = SetSource::find(argument)?;
        refuse_reading_twice(&options, &source)?;
        let set = source.load(&options.labelled, &options.split, manifest)?;
        if !options.quiet {
            describe_rejects(&set.rejects).iter().for_each(|line| say(line));
        }
        check_labelled(&set, &manifest.heads)?;
        let files = source.files(&options.labelled, &options.split)?;
        refuse_overwriting(options.errors.as_deref(), options.report.as_deref(), &files)?;
        Ok((source, set))
    };
    let sets: Vec<(SetSource, LabelledSet)> = options.data.iter().map(load).collect::<Result<_>>()?;
    options.report.as_deref().map_or(Ok(()), whole::check)?;
    let mut errors = Errors::default();
    let mut evaluated = vec![];
    for (source, set) in &sets {
        let predictions = answers(&classifier, set, options.quiet)?;
        let cases = head_cases(set, &manifest.heads, &predictions)?;
        let mut report = report_of(set, &manifest.heads, &cases, &min_scores);
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
    let mut out = std::io::stdout();
    let reports: Vec<&SetReport> = evaluated.iter().map(|of| &of.report).collect();
    match options.json {
        true => writeln!(out, "{}", serde_json::to_string(&reports)?)?,
        false => reports.iter().try_for_each(|report| write!(out, "{}", shown::shown(report)))?,
    }
    if let (Some(path), Some(format)) = (&options.errors, format) {
        errors.write(path, format)?;
    }
    if let Some(path) = &options.report {
        whole::write(path, &eval_page(&classifier, &evaluated)?.html())?;
    }
    let rejected = reports.iter().any(|report| report.rejected > 0);
    Ok(if rejected { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Standard input can be read only once.
fn refuse_reading_twice(options: &Eval, source: &SetSource) -> Result<()> {
    let twice = [("--by", !options.by.is_empty()), ("--errors", options.errors.is_some())];
    if let Some((option, _)) = twice.iter().find(|(_, given)| *given && source.is_standard_input()) {
        let message = format!("Failed to use `{option}` on standard input: its rows are read twice");
        return Err(Usage::new(message, "write them into a file first").into());
    }
    Ok(())
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
