//! `newsdesk diff`: what changed between two outputs of one corpus, by label.

use super::classify::{Settings, refuse_overwriting};
use crate::arguments::Diff;
use crate::failure::Usage;
use crate::output::format::by_name;
use crate::output::table::table;
use anyhow::Result;
use newsdesk_data::{
    ReadError, ReadOptions, Row, RowReader, RowWriter, Source, Table, TextHash, Value, create, read, writer,
};
use newsdesk_run::{Answers, ColumnChanges, Comparison, RunManifest, answer_columns, manifest_of};
use serde::Serialize;
use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// Pairs of labels that are shown of a column.
const SHOWN: usize = 20;

/// What was found.
#[derive(Serialize)]
struct Findings {
    /// Settings and models that differ, as far as both outputs have manifests.
    settings: Vec<String>,
    columns: Vec<ColumnChanges>,
    /// Rows of the first output that the second one does not have.
    only_before: u64,
    /// Rows of the second one that the first one does not have.
    only_after: u64,
}

pub fn run(options: &Diff) -> Result<ExitCode> {
    let inputs = [Source::File(options.before.clone()), Source::File(options.after.clone())];
    refuse_overwriting(options.rows.as_deref(), None, &inputs)?;
    let mut changed = Changed { path: options.rows.as_deref(), writer: None };
    let findings = match &options.key {
        Some(key) => by_key(options, key, &mut changed)?,
        None => in_order(options, &mut changed)?,
    };
    if let Some(rows) = &mut changed.writer {
        rows.end()?;
    }
    let text = if options.json { serde_json::to_string_pretty(&findings)? } else { told(&findings) };
    writeln!(std::io::stdout(), "{text}")?;
    let same = findings.columns.iter().all(|column| column.changed == 0);
    Ok(if same && findings.only_before + findings.only_after == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The rows that changed, if they are asked for.
struct Changed<'p> {
    path: Option<&'p Path>,
    writer: Option<Box<dyn RowWriter + Send>>,
}

impl Changed<'_> {
    /// Begins their file, once it is known that there is something to compare.
    fn begin(&mut self, table: Option<&Table>, columns: &[String]) -> Result<()> {
        let Some(path) = self.path else { return Ok(()) };
        let mut writer = writer(by_name(path)?, create(path)?)?;
        let before: Vec<_> = columns.iter().map(|column| (before(column), Value::Text(String::new()))).collect();
        writer.header(table, &before)?;
        self.writer = Some(writer);
        Ok(())
    }

    /// Writes a row that changed, with what its answers were before.
    fn write(&mut self, row: &Row, columns: &[String], answers: &Answers) -> Result<()> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let value = |(at, column): (usize, &String)| (before(column), Value::Text(answers.answer(at).to_owned()));
        let added: Vec<(String, Value)> = columns.iter().enumerate().map(value).collect();
        Ok(writer.write(row, &added)?)
    }
}

fn before(column: &str) -> String {
    format!("{column}_before")
}

/// Rows of one output that can be read.
struct Rows {
    name: String,
    rows: RowReader,
}

impl Rows {
    fn open(path: &Path, options: &Diff) -> Result<Rows> {
        // How the run found its articles, where its manifest tells.
        let settings = RunManifest::open(&manifest_of(path))?.map(|manifest| manifest.beginning.settings);
        let settings = settings.and_then(|settings| serde_json::from_value(serde_json::Value::Object(settings)).ok());
        let found = settings.map(|settings: Settings| settings.reading_output()).unwrap_or_default();
        let text_field = options.text_field.clone().or(found.text_field.clone());
        let title_field = options.title_field.clone().or(found.title_field.clone());
        let reading = ReadOptions { text_field, title_field, ..found };
        Ok(Rows { name: path.display().to_string(), rows: read(&Source::File(path.into()), &reading)? })
    }

    fn next(&mut self) -> Result<Option<Row>> {
        match self.rows.next() {
            None => Ok(None),
            Some(Ok(row)) => Ok(Some(row)),
            Some(Err(ReadError::Fatal(error))) => Err(error.into()),
            Some(Err(ReadError::Reject(reject))) => Err(Usage::new(
                format!("Failed to compare {}: {}", reject.position, reject.cause),
                "was the output changed?",
            )
            .into()),
        }
    }

    fn answers(&self, row: &Row, columns: &[String]) -> Result<Answers> {
        Answers::of(row, columns).map_err(|column| {
            let found: Vec<String> = row.columns.iter().map(|(name, _)| format!("`{name}`")).collect();
            let message = format!("Failed to find the column `{column}` in {}", row.position);
            Usage::new(message, format!("its columns are {}", found.join(", "))).into()
        })
    }
}

/// The columns to compare: those that were asked for, or those of answers that both rows have.
fn columns(options: &Diff, before: &Row, after: &Row) -> Result<Vec<String>> {
    if !options.columns.is_empty() {
        return Ok(options.columns.clone());
    }
    let found = answer_columns(before.columns.iter().map(|(name, _)| &**name));
    let both: Vec<String> = found.into_iter().filter(|name| after.column(name).is_some()).collect();
    match both.is_empty() {
        false => Ok(both),
        true => {
            let message = "Failed to find answers in both outputs: no column has another one of its scores beside it";
            Err(Usage::new(message, "name the columns to compare with `--columns`").into())
        }
    }
}

/// Both outputs have the same articles in the same order.
fn in_order(options: &Diff, changed: &mut Changed) -> Result<Findings> {
    let (mut before, mut after) = (Rows::open(&options.before, options)?, Rows::open(&options.after, options)?);
    let mut comparing: Option<(Vec<String>, Comparison)> = None;
    let (mut only_before, mut only_after) = (0, 0);
    loop {
        let (one, other) = match (before.next()?, after.next()?) {
            (None, None) => break,
            (Some(_), None) => {
                only_before += 1;
                continue;
            }
            (None, Some(_)) => {
                only_after += 1;
                continue;
            }
            (Some(one), Some(other)) => (one, other),
        };
        if TextHash::of(&one.article) != TextHash::of(&other.article) {
            let message = format!(
                "Failed to compare `{}` with `{}`: row {} is another article in each",
                before.name, after.name, one.position.row
            );
            return Err(Usage::new(message, "`--key COLUMN` tells which rows belong together").into());
        }
        if comparing.is_none() {
            let columns = columns(options, &one, &other)?;
            changed.begin(after.rows.table(), &columns)?;
            comparing = Some((columns.clone(), Comparison::new(&columns)));
        }
        let Some((columns, comparison)) = &mut comparing else { continue };
        let (old, new) = (before.answers(&one, columns)?, after.answers(&other, columns)?);
        if comparison.add(&old, &new) {
            changed.write(&other, columns, &old)?;
        }
    }
    let columns = comparing.map_or(vec![], |(_, comparison)| comparison.changes());
    Ok(Findings { settings: settings(options)?, columns, only_before, only_after })
}

/// Rows belong together that have the same value in a column; the first output's answers are held in memory.
fn by_key(options: &Diff, key: &str, changed: &mut Changed) -> Result<Findings> {
    let key_of = |row: &Row| -> Result<String> {
        let cell = row.column(key).map(|cell| cell.as_text().unwrap_or_else(|| cell.written()).into_owned());
        cell.ok_or_else(|| {
            let message = format!("Failed to find the column `{key}` in {}", row.position);
            Usage::new(message, "`--key` names a column that both outputs have").into()
        })
    };
    let (mut before, mut after) = (Rows::open(&options.before, options)?, Rows::open(&options.after, options)?);
    let (Some(first), Some(other)) = (before.next()?, after.next()?) else {
        let message = "Failed to compare: one of the outputs has no rows";
        return Err(Usage::new(message, "leave out `--key` to see how many the other one has").into());
    };
    let columns = columns(options, &first, &other)?;
    changed.begin(after.rows.table(), &columns)?;
    let mut known: HashMap<String, Answers> = HashMap::new();
    let mut row = Some(first);
    while let Some(found) = row {
        let (key, answers) = (key_of(&found)?, before.answers(&found, &columns)?);
        if known.insert(key.clone(), answers).is_some() {
            let message = format!(
                "Failed to compare by `{}`: `{key}` stands in it twice",
                options.key.as_deref().unwrap_or_default()
            );
            return Err(Usage::new(message, "a key must be another one in each row").into());
        }
        row = before.next()?;
    }
    let mut comparison = Comparison::new(&columns);
    let mut only_after = 0;
    let mut row = Some(other);
    while let Some(found) = row {
        match known.remove(&key_of(&found)?) {
            Some(old) => {
                if comparison.add(&old, &after.answers(&found, &columns)?) {
                    changed.write(&found, &columns, &old)?;
                }
            }
            None => only_after += 1,
        }
        row = after.next()?;
    }
    let only_before = known.len() as u64;
    Ok(Findings { settings: settings(options)?, columns: comparison.changes(), only_before, only_after })
}

/// What the manifests of both say that differs.
fn settings(options: &Diff) -> Result<Vec<String>> {
    let manifest = |path: &Path| RunManifest::open(&manifest_of(path));
    let (Some(before), Some(after)) = (manifest(&options.before)?, manifest(&options.after)?) else {
        return Ok(vec![]);
    };
    Ok(before.beginning.changes(&after.beginning))
}

fn told(findings: &Findings) -> String {
    let mut parts = vec![];
    if !findings.settings.is_empty() {
        parts.push(findings.settings.join("\n"));
    }
    for column in &findings.columns {
        parts.push(told_of_column(column));
    }
    for (rows, which) in [(findings.only_before, "first"), (findings.only_after, "second")] {
        if rows > 0 {
            parts.push(format!("{rows} rows stand in the {which} output alone"));
        }
    }
    parts.join("\n\n")
}

fn told_of_column(column: &ColumnChanges) -> String {
    let ColumnChanges { column, rows, changed, labels, pairs, mean_score_change } = column;
    let share = 100.0 * *changed as f64 / (*rows).max(1) as f64;
    let score = mean_score_change.map(|change| format!(", scores by {change:.4} on average"));
    let mut text = format!("{column}: {changed} of {rows} changed ({share:.2} %){}", score.unwrap_or_default());
    if *changed == 0 {
        return text;
    }
    let shown = |label: &str| if label.is_empty() { "(none)".to_owned() } else { label.to_owned() };
    let mut counts = table(&["label", "before", "after", "change"], &[1, 2, 3]);
    for (label, (before, after)) in labels.iter().filter(|(_, (before, after))| before != after) {
        let change = *after as i128 - *before as i128;
        counts.add_row([shown(label), before.to_string(), after.to_string(), format!("{change:+}")]);
    }
    let mut moves = table(&["before", "after", "rows"], &[2]);
    for (before, after, rows) in pairs.iter().take(SHOWN) {
        moves.add_row([shown(before), shown(after), rows.to_string()]);
    }
    for table in [counts, moves].iter().filter(|table| !table.is_empty()) {
        text += &format!("\n{}", table.trim_fmt());
    }
    if pairs.len() > SHOWN {
        text += &format!("\nand {} more pairs of labels", pairs.len() - SHOWN);
    }
    text
}
