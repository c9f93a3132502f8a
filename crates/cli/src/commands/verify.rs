//! `newsdesk verify`: whether an output still is what its manifest says, told by labelling a sample of it again.

use super::classify::Settings;
use super::open_classifier;
use crate::arguments::Verify;
use crate::failure::{Usage, report, say};
use anyhow::Result;
use newsdesk_data::{Cell, ReadError, Row, Source, Value, mix, read};
use newsdesk_model::{Classifier, device_name};
use newsdesk_run::{Columns, RunManifest, manifest_of};
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::Write;
use std::process::ExitCode;

/// Articles that are labelled at once.
const BATCH: usize = 256;
/// Differences that are told one by one.
const SHOWN: usize = 20;
/// How far scores of another machine may be from those that were written.
const OTHER_MACHINE: f64 = 0.005;

/// What was found.
#[derive(Serialize)]
struct Findings {
    output: String,
    /// Rows that are there.
    rows: u64,
    /// Rows that the run wrote.
    rows_written: u64,
    /// Rows that were labelled again.
    checked: u64,
    /// Those of them whose added columns are not what they were.
    differ: u64,
    /// Rows that cannot be read any more.
    unreadable: u64,
    /// Whether the file breaks off.
    broken: bool,
    /// Rows without a text where others have theirs: they cannot be labelled again.
    without_text: u64,
    differences: Vec<Difference>,
}

/// A value that is not what it was.
#[derive(Serialize)]
struct Difference {
    row: u64,
    column: String,
    written: String,
    now: String,
}

pub fn run(options: &Verify) -> Result<ExitCode> {
    let shown = options.output.display();
    let Some(manifest) = RunManifest::open(&manifest_of(&options.output))? else {
        let message = format!("Failed to verify `{shown}`: there is no manifest beside it");
        return Err(Usage::new(message, "outputs of `newsdesk classify -o FILE` have one, `FILE.manifest.json`").into());
    };
    let settings: Settings = serde_json::from_value(serde_json::Value::Object(manifest.beginning.settings.clone()))?;
    let precision =
        settings.precision.parse().map_err(|cause: String| Usage::new(cause, "the manifest was changed"))?;
    let classifier = open_classifier(options.model.as_deref(), &options.running, precision, settings.windows)?;
    check_model(&classifier, &manifest, &shown.to_string())?;
    let tolerance = match made_here(&classifier, &settings) {
        true => 1e-9,
        false => OTHER_MACHINE,
    };
    let mut check = Check {
        columns: settings.columns(classifier.heads()),
        classifier: &classifier,
        tolerance,
        waiting: Vec::new(),
        findings: Findings {
            output: shown.to_string(),
            rows: 0,
            rows_written: manifest.counts.articles,
            checked: 0,
            differ: 0,
            unreadable: 0,
            broken: false,
            without_text: 0,
            differences: Vec::new(),
        },
    };
    let sample = sample(manifest.counts.articles, options.rows, options.seed);
    for row in read(&Source::File(options.output.clone()), &settings.reading_output())? {
        check.findings.rows += 1;
        match row {
            Ok(row) if sample.contains(&check.findings.rows) => check.add(row)?,
            Ok(_) => {}
            Err(ReadError::Reject(reject)) if reject.is_blank() => check.findings.without_text += 1,
            Err(ReadError::Reject(reject)) => {
                check.findings.unreadable += 1;
                say(&format!("error: {reject}"));
            }
            // What comes after it is missing.
            Err(ReadError::Fatal(error)) => {
                check.findings.rows -= 1;
                check.findings.broken = true;
                report(&error.into());
            }
        }
    }
    check.label()?;
    let findings = check.findings;
    let text = if options.json { serde_json::to_string_pretty(&findings)? } else { told(&findings) };
    writeln!(std::io::stdout(), "{text}")?;
    let is_well =
        !findings.broken && findings.differ == 0 && findings.unreadable == 0 && findings.rows == findings.rows_written;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The model must be the one that labelled the output.
fn check_model(classifier: &Classifier, manifest: &RunManifest, output: &str) -> Result<()> {
    let found = classifier.model().sha256()?;
    let made_by = &manifest.model;
    if found == made_by.sha256 {
        return Ok(());
    }
    let name = &classifier.manifest().name;
    let message = format!(
        "Failed to verify `{output}`: it was labelled by the model `{}` with weights {:.12}, and `{name}` has {found:.12}",
        made_by.name, made_by.sha256
    );
    Err(Usage::new(message, "name the folder of the model that labelled it with `--model`").into())
}

/// Whether scores must be the same to the last place.
fn made_here(classifier: &Classifier, settings: &Settings) -> bool {
    let device = classifier.device();
    device.is_cpu() && classifier.instructions().to_string() == settings.instructions
        || !device.is_cpu() && device_name(device) == settings.instructions
}

/// Numbers of rows, from 1 on, that are chosen by the seed.
fn sample(all: u64, wanted: u64, seed: u64) -> BTreeSet<u64> {
    if wanted >= all {
        return (1..=all).collect();
    }
    let mut chosen = BTreeSet::new();
    // Draws are numbered, so that they cannot go in a circle.
    let mut draws = (0u64..).map(|number| mix(mix(seed) ^ number));
    while (chosen.len() as u64) < wanted {
        chosen.extend(draws.next().map(|draw| 1 + draw % all));
    }
    chosen
}

/// Rows of the sample, and what came of them.
struct Check<'c> {
    classifier: &'c Classifier,
    columns: Columns,
    tolerance: f64,
    waiting: Vec<(u64, Row)>,
    findings: Findings,
}

impl Check<'_> {
    fn add(&mut self, row: Row) -> Result<()> {
        self.waiting.push((self.findings.rows, row));
        if self.waiting.len() < BATCH { Ok(()) } else { self.label() }
    }

    /// Labels the rows that wait, and compares.
    fn label(&mut self) -> Result<()> {
        let texts: Vec<String> = self.waiting.iter().map(|(_, row)| row.article.input()).collect();
        let predictions = self.classifier.classify(&texts)?;
        for ((number, row), prediction) in std::mem::take(&mut self.waiting).into_iter().zip(predictions) {
            let values = self.columns.values(&prediction);
            let differences = values.into_iter().filter_map(|(column, value)| {
                let cell = row.column(&column);
                let written = cell.map_or("nothing".into(), |cell| cell.written().into_owned());
                let now = value.written().map_or("nothing".into(), |now| now.into_owned());
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
    let text = cell.as_text().unwrap_or_else(|| cell.written());
    match value {
        Value::Text(now) => text == now.as_str(),
        Value::Number(now) => text.parse::<f64>().is_ok_and(|written| (written - now).abs() <= tolerance),
        Value::Integer(now) => text == now.to_string(),
        Value::Null => cell.is_null() || text.is_empty(),
    }
}

fn told(findings: &Findings) -> String {
    let Findings { output, rows, rows_written, checked, differ, unreadable, without_text, differences, .. } = findings;
    let mut lines = vec![];
    if rows != rows_written {
        lines.push(format!("`{output}` has {rows} rows, and {rows_written} were written"));
    }
    if *unreadable > 0 {
        lines.push(format!("{unreadable} rows cannot be read any more"));
    }
    if *without_text > 0 {
        lines.push(format!("{without_text} rows have their text in another column and were not checked"));
    }
    let line = |difference: &Difference| {
        let Difference { row, column, written, now } = difference;
        format!("row {row}: `{column}` is {written}, and should be {now}")
    };
    lines.extend(differences.iter().take(SHOWN).map(line));
    if differences.len() > SHOWN {
        lines.push(format!("and {} more", differences.len() - SHOWN));
    }
    let outcome = if *differ == 0 { "none differs".into() } else { format!("{differ} differ") };
    lines.push(format!("{checked} of {rows} rows labelled again: {outcome}"));
    lines.join("\n")
}
