//! `newsdesk verify`: checks an output against its manifest by labelling a sample of its rows again.

use super::classify::Settings;
use super::open::open_classifier;
use crate::arguments::{OpenArguments, Verify};
use crate::console;
use crate::exit_code::ExitCode;
use crate::failure::{Usage, report, say};
use crate::output::count::counted;
use crate::output::terminal;
use anyhow::Result;
use indicatif::HumanCount;
use newsdesk_data::{Cell, DataError, ReadError, Row, Source, Value, mix, read};
use newsdesk_model::{Classifier, device_name};
use newsdesk_run::{OutputRecord, PredictionColumns, RunManifest, journal_path, manifest_path};
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

/// Number of articles that are labelled at once.
const BATCH: usize = 256;
/// Number of differences that are printed.
const MAX_DIFFERENCES_SHOWN: usize = 20;
/// Tolerance of scores if the output was written on the same instruction set.
const SAME_INSTRUCTIONS_TOLERANCE: f64 = 1e-9;
/// Tolerance of scores if the output was written on another instruction set or device.
const OTHER_INSTRUCTIONS_TOLERANCE: f64 = 0.005;

/// The JSON that `verify --json` prints.
#[derive(Serialize)]
struct Findings {
    output: String,
    /// Rows in the file.
    rows: u64,
    /// Rows that the run wrote, according to the manifest.
    rows_written: u64,
    /// Rows that were labelled again.
    checked: u64,
    /// Checked rows with a different value in an added column.
    differ: u64,
    /// Rows that can no longer be read.
    unreadable: u64,
    /// Whether the bytes of the file are not those that the run wrote. `null` if its manifest has no hash.
    changed: Option<bool>,
    /// Whether the file ends in the middle of a row or of compressed data.
    broken: bool,
    /// Rows with neither text nor title: they cannot be labelled again.
    without_text: u64,
    differences: Vec<Difference>,
}

/// A value that differs from the prediction of this run.
#[derive(Serialize)]
struct Difference {
    row: u64,
    column: String,
    /// The value in the file.
    written: String,
    /// The value that labelling the row again gives.
    now: String,
}

pub fn run(options: &Verify) -> Result<ExitCode> {
    let shown = options.output.display();
    let Some(manifest) = RunManifest::open(&manifest_path(&options.output))? else {
        if journal_path(&options.output).exists() {
            let message = format!("cannot verify `{shown}`: its run is not complete");
            return Err(Usage::new(message, "complete it with the same `classify` command and `--resume`").into());
        }
        let message = format!("cannot verify `{shown}`: `{shown}.manifest.json` does not exist");
        return Err(Usage::new(message, "name a file that `newsdesk classify -o FILE` wrote with its manifest").into());
    };
    let settings: Settings = serde_json::from_value(serde_json::Value::Object(manifest.start.settings.clone()))?;
    let unwritten = manifest.columns.iter().flat_map(|names| &names.unwritten).collect::<Vec<_>>();
    if !unwritten.is_empty() {
        let names = unwritten.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
        let message = format!("cannot verify `{shown}`: the model read {names}, which the output does not have");
        return Err(Usage::new(message, "label the articles again, with these columns in `--columns`").into());
    }
    let dtype = settings.dtype.parse().map_err(|cause: String| {
        Usage::new(format!("cannot verify `{shown}`: {cause}"), "restore the manifest that the run wrote")
    })?;
    let classifier = open_classifier(
        options.model.as_deref(),
        OpenArguments { activation: options.opening.activation.or(settings.activation), ..options.opening },
        settings.zero_shot.as_ref(),
        &options.compute,
        dtype,
        settings.max_windows,
    )?;
    check_model(&classifier, &manifest, &shown.to_string())?;
    let tolerance = match has_same_instructions(&classifier, &settings) {
        true => SAME_INSTRUCTIONS_TOLERANCE,
        false => OTHER_INSTRUCTIONS_TOLERANCE,
    };
    let columns = settings.columns(classifier.heads());
    let mut check = Check {
        columns: manifest.columns.iter().fold(columns, |columns, names| columns.with_names(names)),
        classifier: &classifier,
        tolerance,
        pending: Vec::new(),
        findings: Findings {
            output: shown.to_string(),
            rows: 0,
            rows_written: manifest.counts.articles,
            checked: 0,
            differ: 0,
            unreadable: 0,
            changed: is_changed(&options.output, &manifest)?,
            broken: false,
            without_text: 0,
            differences: Vec::new(),
        },
    };
    let sample = sample(manifest.counts.articles, options.sample_size, options.seed);
    for row in read(&Source::File(options.output.clone()), &settings.output_read_options())? {
        check.findings.rows += 1;
        match row {
            Ok(row) if sample.contains(&check.findings.rows) => check.add(row)?,
            Ok(_) => {}
            Err(ReadError::Reject(reject)) if reject.is_blank() => check.findings.without_text += 1,
            Err(ReadError::Reject(reject)) => {
                check.findings.unreadable += 1;
                say(&format!("error: {reject}"));
            }
            // The rest of the file is missing.
            Err(ReadError::Fatal(error)) => {
                check.findings.rows -= 1;
                check.findings.broken = true;
                report(&error.into());
            }
        }
    }
    check.label()?;
    let findings = check.findings;
    match options.json {
        true => console::print_pretty_json(&findings)?,
        false => writeln!(terminal::stdout(), "{}", describe(&findings))?,
    }
    let is_intact = findings.changed != Some(true)
        && !findings.broken
        && findings.differ == 0
        && findings.unreadable == 0
        && findings.rows == findings.rows_written;
    Ok(if is_intact { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Returns whether the bytes of an output are not those that its run wrote, if the manifest has their hash.
fn is_changed(output: &Path, manifest: &RunManifest) -> Result<Option<bool>> {
    let Some(written) = &manifest.output else { return Ok(None) };
    let found =
        OutputRecord::of(output).map_err(|source| DataError::Open { name: output.display().to_string(), source })?;
    Ok(Some(found != *written))
}

/// Checks that the model has the weights that labelled the output.
fn check_model(classifier: &Classifier, manifest: &RunManifest, output: &str) -> Result<()> {
    let found = classifier.model().sha256()?;
    let recorded = &manifest.model;
    if found == recorded.sha256 {
        return Ok(());
    }
    let name = &classifier.manifest().name;
    let message = format!(
        "cannot verify `{output}`: the model `{}` with weights {:.12} labelled it, but `{name}` has weights {found:.12}",
        recorded.name, recorded.sha256
    );
    Err(Usage::new(message, "name the folder of the model that labelled it with `--model`").into())
}

/// Returns whether the output was written with the instruction set or device in use, so that scores must be
/// bit-identical.
fn has_same_instructions(classifier: &Classifier, settings: &Settings) -> bool {
    let device = classifier.device();
    device.is_cpu() && classifier.instructions().to_string() == settings.instructions
        || !device.is_cpu() && device_name(device) == settings.instructions
}

/// Draws row numbers, counted from 1, without replacement.
fn sample(rows: u64, sample_size: u64, seed: u64) -> BTreeSet<u64> {
    if sample_size >= rows {
        return (1..=rows).collect();
    }
    let mut chosen = BTreeSet::new();
    // Each draw hashes its own number; hashing the last draw again could run into a cycle.
    let mut draws = (0u64..).map(|number| mix(mix(seed) ^ number));
    while (chosen.len() as u64) < sample_size {
        chosen.extend(draws.next().map(|draw| 1 + draw % rows));
    }
    chosen
}

/// A check in progress.
struct Check<'c> {
    classifier: &'c Classifier,
    columns: PredictionColumns,
    tolerance: f64,
    /// Sampled rows that wait to be labelled, with their numbers.
    pending: Vec<(u64, Row)>,
    findings: Findings,
}

impl Check<'_> {
    fn add(&mut self, row: Row) -> Result<()> {
        self.pending.push((self.findings.rows, row));
        if self.pending.len() < BATCH { Ok(()) } else { self.label() }
    }

    /// Labels the pending rows and compares the predictions with the file.
    fn label(&mut self) -> Result<()> {
        let texts: Vec<String> = self.pending.iter().map(|(_, row)| row.article.input()).collect();
        let predictions = self.classifier.classify(&texts)?;
        for ((number, row), prediction) in std::mem::take(&mut self.pending).into_iter().zip(predictions) {
            let values = self.columns.values(&prediction);
            let differences = values.into_iter().filter_map(|(column, value)| {
                let cell = row.column(&column);
                let written = cell.map_or("nothing".into(), |cell| cell.raw_text().into_owned());
                let now = value.raw_text().map_or("nothing".into(), |now| now.into_owned());
                let is_same = is_same(cell, &value, self.tolerance);
                (!is_same).then_some(Difference { row: number, column, written, now })
            });
            let differences: Vec<Difference> = differences.collect();
            self.findings.checked += 1;
            self.findings.differ += u64::from(!differences.is_empty());
            self.findings.differences.extend(differences);
        }
        Ok(())
    }
}

fn is_same(cell: Option<&Cell>, value: &Value, tolerance: f64) -> bool {
    let Some(cell) = cell else { return false };
    let text = cell.as_text().unwrap_or_else(|| cell.raw_text());
    match value {
        Value::Text(now) => text == now.as_str(),
        Value::Number(now) => text.parse::<f64>().is_ok_and(|written| (written - now).abs() <= tolerance),
        Value::Integer(now) => text == now.to_string(),
        Value::Null => cell.is_null() || text.is_empty(),
    }
}

fn describe(findings: &Findings) -> String {
    let Findings { output, rows, rows_written, checked, differ, unreadable, without_text, differences, .. } = findings;
    let mut lines = vec![];
    if rows != rows_written {
        let (rows, written) = (counted(HumanCount(*rows), "row"), HumanCount(*rows_written));
        lines.push(format!("`{output}` has {rows}, but the run wrote {written}"));
    }
    if findings.changed == Some(true) {
        lines.push(format!("`{output}` was changed: its bytes are not those that the run wrote"));
    }
    if *unreadable > 0 {
        lines.push(format!("{} can no longer be read", counted(HumanCount(*unreadable), "row")));
    }
    if *without_text > 0 {
        let rows = counted(HumanCount(*without_text), "row");
        lines.push(format!("{rows} cannot be checked: no text and no title"));
    }
    let line = |difference: &Difference| {
        let Difference { row, column, written, now } = difference;
        format!("row {row}: `{column}` is {written}, but should be {now}")
    };
    lines.extend(differences.iter().take(MAX_DIFFERENCES_SHOWN).map(line));
    if differences.len() > MAX_DIFFERENCES_SHOWN {
        lines.push(format!("and {} more differences", differences.len() - MAX_DIFFERENCES_SHOWN));
    }
    let outcome = if *differ == 0 { "no differences".into() } else { format!("{} differ", HumanCount(*differ)) };
    lines.push(format!("{} of {} labelled again: {outcome}", HumanCount(*checked), counted(HumanCount(*rows), "row")));
    lines.join("\n")
}
