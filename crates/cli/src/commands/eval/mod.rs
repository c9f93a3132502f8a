//! `newsdesk eval`: evaluates a model on labelled data sets.

mod confusion;
mod errors;
mod page;
mod slices;
mod tables;

use super::open::open_classifier;
use super::thresholds::min_scores;
use crate::arguments::Eval;
use crate::console;
use crate::data_sets::{DataSetSource, describe_rejects, html_note};
use crate::exit_code::ExitCode;
use crate::failure::{Usage, say};
use crate::output::atomic;
use crate::output::destination::{refuse_existing, refuse_overwriting, resolved};
use crate::output::format::by_name;
use crate::output::page::Evaluated;
use crate::output::progress::progress_bar;
use crate::output::table::terminal_width;
use crate::output::terminal;
use anyhow::Result;
use errors::Errors;
use newsdesk_data::LabelledSet;
use newsdesk_eval::{HeadReport, SetReport, check_labelled, head_cases, predict_until};
use newsdesk_metrics::top_k;
use newsdesk_model::{Classifier, Prediction};
use serde_json::json;
use std::collections::BTreeSet;
use std::io::Write;
use std::ops::ControlFlow;

/// Largest k of the top-k accuracies.
const MAX_TOP_K: usize = 3;

pub fn run(mut options: Eval) -> Result<ExitCode> {
    let mut seen = BTreeSet::new();
    options.by.retain(|column| seen.insert(column.clone()));
    let format = options.errors.as_deref().map(by_name).transpose()?;
    refuse_one_output(&options)?;
    let split = options.split.as_deref().unwrap_or("test");
    for argument in &options.data {
        if !DataSetSource::find(argument)?.is_recipe() && options.split.is_some() && !options.quiet {
            say(&format!(
                "warning: `--split` does not apply to `{argument}`, which has no recipe: all of its rows are used"
            ));
        }
    }
    let classifier = open_classifier(
        options.model.as_deref(),
        options.opening,
        None,
        &options.compute,
        options.dtype,
        options.max_windows,
    )?;
    let manifest = classifier.manifest();
    let min_scores = min_scores(&options.thresholds, manifest)?;
    // All data sets are read before the first evaluation, so that a wrong name fails early.
    let load = |argument: &String| -> Result<(DataSetSource, LabelledSet)> {
        let source = DataSetSource::find(argument)?;
        refuse_reading_twice(&options, &source)?;
        let set = source.load(&options.data_set, split, manifest)?;
        if !options.quiet {
            describe_rejects(&set.rejects).iter().for_each(|line| say(line));
        }
        check_labelled(&set, &manifest.heads)?;
        let files = source.files(&options.data_set.files, split)?;
        refuse_overwriting(options.errors.as_deref(), options.report.as_deref(), &files)?;
        Ok((source, set))
    };
    let sets: Vec<(DataSetSource, LabelledSet)> = options.data.iter().map(load).collect::<Result<_>>()?;
    if !options.quiet {
        html_note(sets.iter().map(|(_, set)| set.html).sum()).into_iter().for_each(|line| say(&line));
    }
    refuse_existing(options.errors.iter().chain(&options.report), options.overwrite)?;
    options.report.as_deref().map_or(Ok(()), atomic::check_writable)?;
    let mut errors = Errors::default();
    let mut evaluated = vec![];
    for (source, set) in &sets {
        let predictions = predict_set(&classifier, set, options.quiet)?;
        let cases = head_cases(set, &manifest.heads, &predictions)?;
        let mut report = SetReport::new(set, &manifest.heads, &cases, &min_scores);
        for (head, cases) in report.heads.iter_mut().zip(&cases) {
            // With k equal to the number of labels, top-k accuracy is always 1.
            head.top_k = top_k(&cases.scored, MAX_TOP_K.min(cases.labels.len().saturating_sub(1)));
            head.intervals = Some(cases.intervals());
        }
        let rows = || source.rows(&options.data_set, split, manifest);
        if !options.by.is_empty() {
            let values = slices::values(&options.by, set, rows()?)?;
            for (head, cases) in report.heads.iter_mut().zip(&cases) {
                head.slices = slices::slices(&options.by, &values, cases);
            }
        }
        if options.errors.is_some() {
            errors.add(set, &cases, rows()?)?;
        }
        if !options.quiet {
            one_label(&report).iter().for_each(|line| say(line));
        }
        evaluated.push(Evaluated { report, cases });
    }
    let reports: Vec<&SetReport> = evaluated.iter().map(|evaluated| &evaluated.report).collect();
    match options.json {
        true => console::print_json(&reports)?,
        false => {
            let (mut out, width) = (terminal::stdout(), terminal_width());
            evaluated.iter().try_for_each(|evaluated| write!(out, "{}", tables::tables(evaluated, width)))?;
        }
    }
    if let (Some(path), Some(format)) = (&options.errors, format) {
        errors.write(path, format)?;
    }
    if let Some(path) = &options.report {
        atomic::write(path, &page::page(&classifier, &evaluated)?.html())?;
    }
    let rejected = reports.iter().any(|report| report.rejected > 0);
    Ok(if rejected { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Refuses to write the wrong predictions and the page to one file.
fn refuse_one_output(options: &Eval) -> Result<()> {
    match (&options.errors, &options.report) {
        (Some(errors), Some(report)) if resolved(errors) == resolved(report) => {
            let message = format!("cannot write `{}`: `--errors` and `--report` name the same file", errors.display());
            Err(Usage::new(message, "choose two files").into())
        }
        _ => Ok(()),
    }
}

/// Returns a warning for each head whose articles all have one gold label: its metrics say nothing about other labels.
fn one_label(report: &SetReport) -> Vec<String> {
    let line = |head: &HeadReport| {
        let occurring = head.report.per_label.iter().filter(|label| label.support > 0).collect::<Vec<_>>();
        match occurring.as_slice() {
            [only] if head.report.micro_f1.is_none() => Some(format!(
                "warning: all articles of {} have the label `{}` for head `{}`: the metrics say nothing about other labels",
                report.set, only.label, head.head
            )),
            _ => None,
        }
    };
    report.heads.iter().filter_map(line).collect()
}

/// Refuses options that read the rows a second time if the rows come from standard input.
fn refuse_reading_twice(options: &Eval, source: &DataSetSource) -> Result<()> {
    let twice = [("--by", !options.by.is_empty()), ("--errors", options.errors.is_some())];
    if let Some((option, _)) = twice.iter().find(|(_, given)| *given && source.is_standard_input()) {
        let message = format!("cannot use `{option}` on standard input: the rows are read twice");
        return Err(Usage::new(message, "write the rows to a file first").into());
    }
    Ok(())
}

fn predict_set(classifier: &Classifier, set: &LabelledSet, quiet: bool) -> Result<Vec<Prediction>> {
    let bar = progress_bar(set.name.clone(), set.articles.len(), quiet);
    let stop = console::stop();
    let mut report = |done| {
        bar.set_position(done as u64);
        console::progress(
            || json!({ "event": "evaluation", "set": set.name, "done": done, "articles": set.articles.len() }),
        );
        match stop.as_ref().is_some_and(|stop| stop.is_requested()) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    let predictions = predict_until(classifier, set, &mut report)?;
    bar.finish_and_clear();
    predictions.ok_or_else(|| Usage { message: "interrupted".into(), hint: None }.into())
}
