//! `newsdesk diff`: compares two outputs for the same corpus and counts changed predictions by label.

use super::classify::Settings;
use crate::arguments::Diff;
use crate::console;
use crate::exit_code::ExitCode;
use crate::failure::{Usage, say};
use crate::output::count::counted;
use crate::output::destination::{refuse_existing, refuse_overwriting};
use crate::output::format::by_name;
use crate::output::table::table;
use crate::output::terminal;
use anyhow::Result;
use indicatif::HumanCount;
use newsdesk_data::{
    DataError, ReadError, ReadOptions, Remedy, Row, RowReader, RowWriter, Source, Table, TextHash, Value, create, read,
    writer,
};
use newsdesk_run::{
    ColumnChanges, ColumnNames, ComparedColumn, Comparison, RowPredictions, RunManifest, journal_path, manifest_path,
    matching_columns, prediction_columns,
};
use serde::Serialize;
use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

/// Number of pairs of labels that are printed for a column.
const MAX_PAIRS_SHOWN: usize = 20;

/// The JSON that `diff --json` prints.
#[derive(Serialize)]
struct Findings {
    /// Differences between the manifests of the two runs; empty if an output has no manifest.
    settings: Vec<String>,
    columns: Vec<ColumnChanges>,
    /// Rows that only the first output has.
    only_before: u64,
    /// Rows that only the second output has.
    only_after: u64,
}

pub fn run(options: &Diff) -> Result<ExitCode> {
    for path in [&options.before, &options.after] {
        if journal_path(path).exists() {
            let message = format!("cannot compare `{}`: its run is not complete", path.display());
            return Err(Usage::new(message, "complete it with the same `classify` command and `--resume`").into());
        }
        if !path.exists() {
            let message = format!("cannot open `{}`: there is no such file", path.display());
            return Err(Usage::new(message, "name two files that `newsdesk classify -o FILE` wrote").into());
        }
    }
    let inputs = [Source::File(options.before.clone()), Source::File(options.after.clone())];
    refuse_overwriting(options.changed_rows.as_deref(), None, &inputs)?;
    refuse_existing(&options.changed_rows, options.overwrite)?;
    let mut changed = ChangedRows { path: options.changed_rows.as_deref(), writer: None };
    let findings = match &options.key {
        Some(key) => by_key(options, key, &mut changed)?,
        None => in_order(options, &mut changed)?,
    };
    if let Some(rows) = &mut changed.writer {
        rows.end()?;
    }
    match options.json {
        true => console::print_pretty_json(&findings)?,
        false => writeln!(terminal::stdout(), "{}", describe(&findings))?,
    }
    let same = findings.columns.iter().all(|column| column.changed == 0);
    Ok(if same && findings.only_before + findings.only_after == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The file for rows with changed predictions, if one is requested.
struct ChangedRows<'p> {
    path: Option<&'p Path>,
    writer: Option<Box<dyn RowWriter + Send>>,
}

impl ChangedRows<'_> {
    /// Creates the file. Called only when there are rows to compare, so that a failed command does not replace an older
    /// file.
    fn create(&mut self, table: Option<&Table>, columns: &[ComparedColumn]) -> Result<()> {
        let Some(path) = self.path else { return Ok(()) };
        let mut writer = writer(by_name(path)?, create(path)?)?;
        let before: Vec<_> = columns.iter().map(|column| (before(&column.after), Value::Text(String::new()))).collect();
        writer.header(table, &before)?;
        self.writer = Some(writer);
        Ok(())
    }

    /// Writes a changed row with its earlier predictions.
    fn write(&mut self, row: &Row, columns: &[ComparedColumn], predictions: &RowPredictions) -> Result<()> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let value = |(index, column): (usize, &ComparedColumn)| {
            (before(&column.after), Value::Text(predictions.label(index).to_owned()))
        };
        let added: Vec<(String, Value)> = columns.iter().enumerate().map(value).collect();
        Ok(writer.write(row, &added)?)
    }
}

fn before(column: &str) -> String {
    format!("{column}_before")
}

/// The rows of one output.
struct OutputRows {
    name: String,
    rows: RowReader,
    /// The names of the columns that the run added, if its manifest has them.
    names: Option<ColumnNames>,
    /// Whether the output has all columns that the model read, so that rows can be compared by their text.
    has_article: bool,
}

impl OutputRows {
    fn open(path: &Path, options: &Diff) -> Result<OutputRows> {
        // The manifest records which columns hold the text and the title, and how the added columns are called.
        let manifest = RunManifest::open(&manifest_path(path))?;
        let (settings, names) = manifest.map(|manifest| (manifest.start.settings, manifest.columns)).unzip();
        let names: Option<ColumnNames> = names.flatten();
        let settings = settings.and_then(|settings| serde_json::from_value(serde_json::Value::Object(settings)).ok());
        let recorded = settings.map(|settings: Settings| settings.output_read_options()).unwrap_or_default();
        let text_field = options.text_field.clone().or(recorded.text_field.clone());
        let title_field = options.title_field.clone().or(recorded.title_field.clone());
        let source = Source::File(path.into());
        let read_options = ReadOptions { text_field, title_field, ..recorded };
        let unwritten = names.as_ref().filter(|names| !names.unwritten.is_empty());
        // A reader needs a text. Without one, it gets a predicted label, which may be empty.
        let without_text = |label: Option<String>| ReadOptions {
            text_field: options.text_field.clone().or(label),
            title_field: options.title_field.clone(),
            target_fields: None,
            allows_blank: true,
            ..read_options.clone()
        };
        let (rows, has_article) = match unwritten {
            Some(names) => (read(&source, &without_text(names.heads.values().next().cloned()))?, false),
            None => match missing_text(&source, &read_options)? {
                // Manifests of older versions do not say that the text was left out, and a copy may have no manifest.
                Some((error, columns)) => {
                    let columns = columns.iter().map(String::as_str);
                    let label = options.columns.first().cloned().or(prediction_columns(columns).into_iter().next());
                    let is_named = options.text_field.is_some() || options.title_field.is_some();
                    let Some(label) = label.filter(|_| !is_named) else { return Err(error.into()) };
                    (read(&source, &without_text(Some(label)))?, false)
                }
                None => (read(&source, &read_options)?, true),
            },
        };
        Ok(OutputRows { name: path.display().to_string(), rows, names, has_article })
    }

    fn next(&mut self) -> Result<Option<Row>> {
        match self.rows.next() {
            None => Ok(None),
            Some(Ok(row)) => Ok(Some(row)),
            Some(Err(ReadError::Fatal(error))) => Err(error.into()),
            Some(Err(ReadError::Reject(reject))) => Err(Usage::new(
                format!("cannot compare {}: {}", reject.position, reject.cause),
                "check whether the output was edited after the run",
            )
            .into()),
        }
    }

    /// Returns the predictions of a row in these columns.
    fn predictions<'c>(&self, row: &Row, columns: impl Iterator<Item = &'c String>) -> Result<RowPredictions> {
        RowPredictions::of(row, columns.map(String::as_str)).map_err(|column| {
            let found: Vec<String> = row.columns.iter().map(|(name, _)| format!("`{name}`")).collect();
            let message = format!("cannot find the column `{column}` in {}", row.position);
            Usage::new(message, format!("name one of its columns: {}", found.join(", "))).into()
        })
    }
}

/// Returns the error of an output that lacks the text or the title, with its columns. `None` if it has both.
fn missing_text(source: &Source, options: &ReadOptions) -> Result<Option<(DataError, Vec<String>)>> {
    let first = match read(source, options) {
        Ok(mut rows) => rows.next(),
        Err(error) => match &error {
            DataError::NoColumn { columns, .. } | DataError::NoTextColumn { columns, .. } => {
                let columns = columns.clone();
                return Ok(Some((error, columns)));
            }
            _ => return Err(error.into()),
        },
    };
    // JSON Lines have no header, so the first row shows the columns.
    let Some(Err(ReadError::Reject(reject))) = first else { return Ok(None) };
    Ok(match reject.remedy.as_deref() {
        Some(Remedy::NameTextColumn { columns }) => {
            let (name, columns) = (source.name().to_string(), columns.clone());
            Some((DataError::NoTextColumn { name, columns: columns.clone() }, columns))
        }
        _ => None,
    })
}

/// Returns the columns to compare: the requested ones, or the predictions that the first rows of both outputs have.
fn columns(options: &Diff, outputs: [&OutputRows; 2], first: [&Row; 2]) -> Result<Vec<ComparedColumn>> {
    if !options.columns.is_empty() {
        return Ok(options.columns.iter().map(ComparedColumn::same).collect());
    }
    let [before, after] = first;
    let names = before.columns.iter().map(|(name, _)| &**name);
    let found = match outputs.map(|output| output.names.as_ref()) {
        [Some(of_before), Some(of_after)] => matching_columns(names, of_before, of_after),
        _ => prediction_columns(names).into_iter().map(ComparedColumn::same).collect(),
    };
    let both: Vec<_> = found.into_iter().filter(|column| after.column(&column.after).is_some()).collect();
    match both.is_empty() {
        false => Ok(both),
        true => {
            let message = "cannot find predictions in both outputs: no column NAME comes with a column NAME_score";
            Err(Usage::new(message, "name the columns to compare with `--columns`").into())
        }
    }
}

/// Compares outputs that have the same articles in the same order.
fn in_order(options: &Diff, changed: &mut ChangedRows) -> Result<Findings> {
    let mut before = OutputRows::open(&options.before, options)?;
    let mut after = OutputRows::open(&options.after, options)?;
    let mut comparing: Option<(Vec<ComparedColumn>, Comparison)> = None;
    let have_articles = before.has_article && after.has_article;
    if !have_articles {
        say("note: an output lacks the text, so the rows are matched by their order alone");
    }
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
        if have_articles && TextHash::of(&one.article) != TextHash::of(&other.article) {
            let message = format!(
                "cannot compare `{}` with `{}`: row {} is not the same article in both",
                before.name, after.name, one.position.row
            );
            return Err(Usage::new(message, "match the rows by a column of unique values with `--key COLUMN`").into());
        }
        if comparing.is_none() {
            let columns = columns(options, [&before, &after], [&one, &other])?;
            changed.create(after.rows.table(), &columns)?;
            comparing = Some((columns.clone(), Comparison::new(&columns)));
        }
        let Some((columns, comparison)) = &mut comparing else { continue };
        let (old, new) = (
            before.predictions(&one, columns.iter().map(|column| &column.before))?,
            after.predictions(&other, columns.iter().map(|column| &column.after))?,
        );
        if comparison.add(&old, &new) {
            changed.write(&other, columns, &old)?;
        }
    }
    let columns = comparing.map_or(vec![], |(_, comparison)| comparison.changes());
    Ok(Findings { settings: settings(options)?, columns, only_before, only_after })
}

/// Compares rows with the same value in a column. The predictions of the first output are held in memory.
fn by_key(options: &Diff, key: &str, changed: &mut ChangedRows) -> Result<Findings> {
    let key_of = |row: &Row| -> Result<String> {
        let cell = row.field(key).map(|cell| cell.as_text().unwrap_or_else(|| cell.raw_text()).into_owned());
        cell.ok_or_else(|| {
            let message = format!("cannot find the column `{key}` in {}", row.position);
            Usage::new(message, "give a column that both outputs have to `--key`").into()
        })
    };
    let mut before = OutputRows::open(&options.before, options)?;
    let mut after = OutputRows::open(&options.after, options)?;
    let (Some(first), Some(other)) = (before.next()?, after.next()?) else {
        let message = "cannot compare: one of the outputs has no rows";
        return Err(Usage::new(message, "leave out `--key` to see how many rows the other output has").into());
    };
    let columns = columns(options, [&before, &after], [&first, &other])?;
    changed.create(after.rows.table(), &columns)?;
    let mut known: HashMap<String, RowPredictions> = HashMap::new();
    let mut row = Some(first);
    while let Some(found) = row {
        let (value, predictions) =
            (key_of(&found)?, before.predictions(&found, columns.iter().map(|column| &column.before))?);
        if known.insert(value.clone(), predictions).is_some() {
            let message = format!("cannot compare by `{key}`: two rows have the value `{value}`");
            return Err(Usage::new(message, "choose a key column with a unique value in each row").into());
        }
        row = before.next()?;
    }
    let mut comparison = Comparison::new(&columns);
    let mut only_after = 0;
    let mut row = Some(other);
    while let Some(found) = row {
        match known.remove(&key_of(&found)?) {
            Some(old) => {
                if comparison.add(&old, &after.predictions(&found, columns.iter().map(|column| &column.after))?) {
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

/// Returns the differences between the manifests of the outputs; none if one of them is missing.
fn settings(options: &Diff) -> Result<Vec<String>> {
    let manifest = |path: &Path| RunManifest::open(&manifest_path(path));
    let (Some(before), Some(after)) = (manifest(&options.before)?, manifest(&options.after)?) else {
        return Ok(vec![]);
    };
    let changes = before.start.changes(&after.start);
    Ok(changes.iter().map(|change| change.describe("before", "after")).collect())
}

fn describe(findings: &Findings) -> String {
    let mut parts = vec![];
    if !findings.settings.is_empty() {
        parts.push(findings.settings.join("\n"));
    }
    for column in &findings.columns {
        parts.push(describe_column(column));
    }
    for (rows, which) in [(findings.only_before, "first"), (findings.only_after, "second")] {
        if rows > 0 {
            parts.push(format!("only in the {which} output: {}", counted(HumanCount(rows), "row")));
        }
    }
    if findings.columns.is_empty() && findings.only_before + findings.only_after == 0 {
        parts.push("no rows in either output".into());
    }
    parts.join("\n\n")
}

fn describe_column(column: &ColumnChanges) -> String {
    let ColumnChanges { column, rows, changed, labels, pairs, mean_score_change } = column;
    let share = 100.0 * *changed as f64 / (*rows).max(1) as f64;
    let score = mean_score_change.map(|change| format!(", mean absolute score change {change:.4}"));
    let mut text = format!(
        "{column}: {} of {} changed ({share:.2} %){}",
        HumanCount(*changed),
        HumanCount(*rows),
        score.unwrap_or_default()
    );
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
    for (before, after, rows) in pairs.iter().take(MAX_PAIRS_SHOWN) {
        moves.add_row([shown(before), shown(after), rows.to_string()]);
    }
    for table in [counts, moves].iter().filter(|table| !table.is_empty()) {
        text += &format!("\n{}", table.trim_fmt());
    }
    if pairs.len() > MAX_PAIRS_SHOWN {
        text += &format!("\nand {} more pairs of labels", pairs.len() - MAX_PAIRS_SHOWN);
    }
    text
}
