//! `newsdesk data split`: labelled files to train, validation and test.
//!
//! The files are read twice: first for the hashes of their texts and their labels, then to write each row where it
//! belongs. So no text is held.

use super::write_row;
use crate::arguments::data::Split as Options;
use crate::commands::classify::place;
use crate::failure::{Usage, not_a_broken_pipe, say};
use crate::output::corpus::CorpusOutput;
use crate::output::progress::row_counter;
use crate::output::table::table;
use crate::output::whole::RowFile;
use anyhow::Result;
use newsdesk_data::{
    Assignment, DataError, Format, LabelledRow, LabelledRows, PlainOptions, ReadError, ReadOptions, Row, RowWriter,
    Shares, Source, Split, Splitter, Table, TextHash, all_columns, create, expand, read,
};
use newsdesk_run::{Output, StreamOutput};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Rows between two looks at the progress.
const ROWS_PER_LOOK: u64 = 1024;

/// What is settled before anything is read through.
struct Settings {
    sources: Vec<Source>,
    plain: PlainOptions,
    format: Format,
    /// The splits that are written, each with its file.
    files: Vec<(Split, PathBuf)>,
    rejects: Option<PathBuf>,
    quiet: bool,
}

/// What came out.
#[derive(Default)]
struct Counts {
    /// Rows of each split, in the order of [`Split::ALL`].
    rows: [u64; 3],
    rejected: usize,
    /// Rows of each label in each split.
    labels: BTreeMap<String, [u64; 3]>,
}

pub fn run(options: &Options) -> Result<ExitCode> {
    let shares = Shares::new(options.validation, options.test)?;
    let sources = expand(&options.inputs)?;
    let plain = PlainOptions {
        read: options.columns.reading(None),
        head: "label".into(),
        label_field: options.label_field.clone(),
        labels: None,
        map: None,
        separator: options.label_separator.clone(),
    };
    let (format, ending) = format(&sources, &plain.read)?;
    let wanted = Split::ALL.into_iter().filter(|split| shares.of(*split) > 0.0);
    let files = wanted.map(|split| (split, options.output.join(format!("{split}{ending}")))).collect();
    let settings = Settings { sources, plain, format, files, rejects: options.rejects.clone(), quiet: options.quiet };
    settings.refuse_overwriting(&options.output)?;

    let splits = settings.assign(shares, options.seed)?;
    std::fs::create_dir_all(&options.output)
        .map_err(|source| DataError::Create { path: options.output.clone(), source })?;
    let counts = settings.write(&splits).map_err(not_a_broken_pipe).inspect_err(|_| {
        // A second run would refuse to replace them.
        let files = settings.files.iter().map(|(_, path)| path).chain(&settings.rejects);
        files.for_each(|path| _ = std::fs::remove_file(path));
    })?;
    let mut out = std::io::stdout();
    match options.json {
        true => writeln!(out, "{}", counts.to_json(&settings, options.seed))?,
        false => writeln!(out, "{}", counts.shown(&settings))?,
    }
    if !options.quiet {
        for (split, path) in &settings.files {
            say(&format!("wrote {}", path.display()));
            if counts.rows[split.index()] == 0 {
                say(&format!("warning: {split} has no rows: there are too few texts"));
            }
        }
    }
    Ok(if counts.rejected > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// The format of all sources, and the ending of their names.
fn format(sources: &[Source], options: &ReadOptions) -> Result<(Format, String)> {
    let mut found: Option<(Format, &Source)> = None;
    for source in sources {
        if *source == Source::Stdin {
            let message = "Failed to split standard input: the rows are read twice";
            return Err(Usage::new(message, "write them into a file first").into());
        }
        let format = read(source, options)?.format();
        match found {
            _ if format.is_one_article() => {
                let message =
                    format!("Failed to split `{}`: a file of {format} is one article, without a label", source.name());
                return Err(Usage::new(message, "split JSON Lines, CSV, TSV, Arrow or Parquet").into());
            }
            Some((other, first)) if other != format => {
                let (first, name) = (first.name(), source.name());
                let message = format!("Failed to split `{first}` and `{name}` together: {other} and {format}");
                return Err(Usage::new(message, "bring them into one format with `newsdesk data convert`").into());
            }
            Some(_) => {}
            None => found = Some((format, source)),
        }
    }
    let Some((format, source)) = found else {
        return Err(Usage::new("Failed to split: no files are given", "name files with labelled rows").into());
    };
    let name = source.name();
    let path = Path::new(&*name);
    let ending = |path: &Path| path.extension().map(|ending| format!(".{}", ending.to_string_lossy()));
    let ending = match Format::from_path(path) {
        Some(by_name) if by_name == format => match path.file_stem().map(Path::new) {
            Some(stem) if is_compressed(path) => ending(stem).zip(ending(path)).map(|(one, other)| one + &other),
            _ => ending(path),
        },
        _ => None,
    };
    Ok((format, ending.unwrap_or_else(|| format!(".{}", format.name()))))
}

fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gz") || ending.eq_ignore_ascii_case("zst"))
}

impl Settings {
    fn refuse_overwriting(&self, folder: &Path) -> Result<()> {
        if folder.exists() && !folder.is_dir() {
            let message = format!("Failed to write the splits: `{}` is a file", folder.display());
            return Err(Usage::new(message, "`--output` names a folder").into());
        }
        if let Some(rejects) = &self.rejects
            && self.files.iter().any(|(_, path)| path == rejects || place(path) == place(rejects))
        {
            let message = format!("Failed to write `{}`: rejects and a split have one file", rejects.display());
            return Err(Usage::new(message, "choose another file for `--rejects`").into());
        }
        let mut paths = self.files.iter().map(|(_, path)| path).chain(&self.rejects);
        if let Some(path) = paths.find(|path| path.exists()) {
            let message = format!("Failed to write `{}`: it is there already", path.display());
            return Err(Usage::new(message, "choose another place, or remove the file").into());
        }
        Ok(())
    }

    /// Reads all rows for the first time and decides where each text belongs.
    fn assign(&self, shares: Shares, seed: u64) -> Result<Assignment> {
        let mut splitter = Splitter::new();
        let (mut is_labelled, mut first_cause, mut found) = (false, None, Vec::new());
        let counter = row_counter("reading".into(), self.quiet);
        for source in &self.sources {
            let mut rows = LabelledRows::of_file(source, &self.plain)?;
            for row in rows.by_ref() {
                match row {
                    Ok(row) => {
                        is_labelled |= row.is_labelled();
                        let labels = row.labels.iter().flatten().flatten().map(String::as_str);
                        splitter.add(TextHash::of(&row.row.article), labels);
                        counter.inc(1);
                    }
                    // They are told when the rows are written.
                    Err(ReadError::Reject(reject)) => _ = first_cause.get_or_insert(reject.cause),
                    Err(ReadError::Fatal(error)) => return Err(error.into()),
                }
            }
            if found.is_empty() {
                found = rows.found().to_vec();
            }
        }
        counter.finish_and_clear();
        if !is_labelled {
            let names: Vec<String> = self.sources.iter().map(|source| source.name().to_string()).collect();
            let no_label = || (!found.is_empty()).then(|| "no row has a label".to_owned());
            let first = first_cause.or_else(no_label);
            return Err(DataError::NoLabelled { name: names.join("`, `"), found, first }.into());
        }
        Ok(splitter.split(shares, seed))
    }

    /// The columns of the splits: those of the one file, or the ones that occur in any of several. Types are the first one's.
    fn table(&self) -> Result<Option<Table>> {
        Ok(match (self.format, self.sources.as_slice()) {
            (Format::JsonLines, _) => None,
            (format, [source, ..]) if format.is_in_blocks() || self.sources.len() == 1 => {
                read(source, &self.plain.read)?.table().cloned()
            }
            _ => Some(Table::named(all_columns(&self.sources, &self.plain.read)?)),
        })
    }

    /// Reads all rows again and writes each where its text belongs.
    fn write(&self, splits: &Assignment) -> Result<Counts> {
        let table = self.table()?;
        let (mut writers, mut files) = ([None, None, None], vec![]);
        for (split, path) in &self.files {
            let (mut rows, file) = RowFile::create(path, self.format)?;
            rows.header(table.as_ref(), &[])?;
            writers[split.index()] = Some(rows);
            files.push(file);
        }
        let rejects = self.rejects.as_deref().map(create).transpose()?;
        let bar = !self.quiet && std::io::stderr().is_terminal();
        let rows = SplitRows { writers, splits: splits.clone() };
        let mut output = CorpusOutput::new(StreamOutput::new(Box::new(rows), rejects), bar, self.quiet);
        let mut counts = Counts::default();
        for source in &self.sources {
            for row in LabelledRows::of_file(source, &self.plain)? {
                match row {
                    Ok(row) if write_row(&mut output, &row.row)? => counts.add(&row, splits),
                    Ok(_) => {}
                    Err(ReadError::Reject(reject)) => output.reject(&reject)?,
                    Err(ReadError::Fatal(error)) => return Err(error.into()),
                }
                let rows = counts.rows.iter().sum::<u64>();
                if rows.is_multiple_of(ROWS_PER_LOOK) {
                    output.progress(rows);
                }
            }
        }
        counts.rejected = output.rejected();
        output.into_inner().finish()?;
        files.into_iter().try_for_each(RowFile::keep)?;
        Ok(counts)
    }
}

/// Sends each row to the file of its split.
struct SplitRows {
    writers: [Option<Box<dyn RowWriter + Send>>; 3],
    splits: Assignment,
}

impl RowWriter for SplitRows {
    fn write(&mut self, row: &Row, added: &[(String, newsdesk_data::Value)]) -> Result<(), DataError> {
        match &mut self.writers[self.splits.of(TextHash::of(&row.article)).index()] {
            Some(rows) => rows.write(row, added),
            // A split without a share has no texts.
            None => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<(), DataError> {
        self.writers.iter_mut().flatten().try_for_each(|rows| rows.finish())
    }

    fn end(&mut self) -> Result<(), DataError> {
        self.writers.iter_mut().flatten().try_for_each(|rows| rows.end())
    }
}

impl Counts {
    fn add(&mut self, row: &LabelledRow, splits: &Assignment) {
        let split = splits.of(TextHash::of(&row.row.article)).index();
        self.rows[split] += 1;
        let mut labels: Vec<&str> = row.labels.iter().flatten().flatten().map(String::as_str).collect();
        labels.sort_unstable();
        labels.dedup();
        for label in if labels.is_empty() { vec![""] } else { labels } {
            match self.labels.get_mut(label) {
                Some(rows) => rows[split] += 1,
                None => self.labels.entry(label.to_owned()).or_default()[split] += 1,
            }
        }
    }

    fn to_json(&self, settings: &Settings, seed: u64) -> Value {
        let object = |rows: &[u64; 3]| -> Value {
            Value::Object(
                settings.files.iter().map(|(split, _)| (split.to_string(), rows[split.index()].into())).collect(),
            )
        };
        let labels = self.labels.iter().map(|(label, rows)| {
            let label = if label.is_empty() { Value::Null } else { label.as_str().into() };
            json!({ "label": label, "rows": object(rows) })
        });
        let files: Vec<String> = settings.files.iter().map(|(_, path)| path.display().to_string()).collect();
        json!({
            "seed": seed,
            "rows": object(&self.rows),
            "rejected": self.rejected,
            "labels": labels.collect::<Vec<_>>(),
            "files": files,
        })
    }

    fn shown(&self, settings: &Settings) -> String {
        let names: Vec<String> = settings.files.iter().map(|(split, _)| split.to_string()).collect();
        let headings: Vec<&str> = std::iter::once("label").chain(names.iter().map(String::as_str)).collect();
        let mut shown = table(&headings, &(1..headings.len()).collect::<Vec<_>>());
        let mut add = |label: &str, rows: &[u64; 3]| {
            let numbers = settings.files.iter().map(|(split, _)| rows[split.index()].to_string());
            shown.add_row(std::iter::once(label.split_whitespace().collect::<Vec<_>>().join(" ")).chain(numbers));
        };
        for (label, rows) in &self.labels {
            add(if label.is_empty() { "(no label)" } else { label }, rows);
        }
        add("all rows", &self.rows);
        shown.trim_fmt()
    }
}
