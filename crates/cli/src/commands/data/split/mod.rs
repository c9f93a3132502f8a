//! `newsdesk data split`: splits labelled files into train, validation and test.
//!
//! The files are read twice: first for labels and hashes of the texts, then to write each row to its split. So no text
//! is held in memory.

mod counts;
mod format;

use super::write_row;
use crate::arguments::OverwriteOption;
use crate::arguments::data::Split as Options;
use crate::exit_code::ExitCode;
use crate::failure::{Usage, not_a_broken_pipe, say};
use crate::output::atomic::RowFile;
use crate::output::destination::{refuse_existing, refuse_overwriting, resolved};
use crate::output::progress::row_counter;
use crate::output::reporting::{ReportingOutput, wrote};
use crate::output::shell::quoted;
use crate::output::terminal;
use crate::sources::expand;
use anyhow::Result;
use counts::Counts;
use format::common_format;
use newsdesk_data::{
    Assignment, DataError, Format, LabelError, LabelledFileOptions, LabelledRows, Notes, ReadError, Row, RowWriter,
    Shares, Source, Split, Splitter, Table, TextHash, all_columns, create, read,
};
use newsdesk_run::{Output, StreamOutput};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Number of rows between two updates of the progress.
const ROWS_PER_UPDATE: u64 = 1024;

/// Settings that are known before any rows are read.
struct Settings {
    sources: Vec<Source>,
    plain: LabelledFileOptions,
    format: Format,
    /// The splits to write, each with its file.
    files: Vec<(Split, PathBuf)>,
    rejects: Option<PathBuf>,
    quiet: bool,
}

pub fn run(options: &Options) -> Result<ExitCode> {
    let shares = Shares::new(options.validation, options.test)?;
    let sources = expand(&options.inputs)?;
    let mut read = options.columns.reading(None);
    if options.quiet {
        read.notes = Notes::default();
    }
    let plain = LabelledFileOptions {
        read,
        head: "label".into(),
        label_field: options.label_field.clone(),
        labels: None,
        map: None,
        separator: options.label_separator.clone(),
    };
    let (format, ending) = common_format(&sources, &plain.read)?;
    let wanted = Split::ALL.into_iter().filter(|split| shares.of(*split) > 0.0);
    let files = wanted.map(|split| (split, options.output.join(format!("{split}{ending}")))).collect();
    let settings = Settings { sources, plain, format, files, rejects: options.rejects.clone(), quiet: options.quiet };
    settings.refuse_overwriting(&options.output, options.overwrite)?;

    let splits = settings.assign(shares, options.seed)?;
    std::fs::create_dir_all(&options.output)
        .map_err(|source| DataError::Create { path: options.output.clone(), source })?;
    let counts = settings.write(&splits).map_err(not_a_broken_pipe).inspect_err(|_| {
        // A part of the files would make the next run fail. Files of an earlier run stay where they are.
        let files = settings.files.iter().map(|(_, path)| path).chain(&settings.rejects);
        files.filter(|_| !options.overwrite.overwrite).for_each(|path| _ = std::fs::remove_file(path));
    })?;
    match options.json {
        true => writeln!(std::io::stdout(), "{}", counts.to_json(&settings.files, options.seed))?,
        false => writeln!(terminal::stdout(), "{}", counts.table(&settings.files))?,
    }
    if !options.quiet {
        for (split, path) in &settings.files {
            say(&wrote(path, counts.rows[split.index()], "row"));
            if counts.rows[split.index()] == 0 {
                say(&format!("warning: the split {split} has no rows: there are too few texts for each label"));
            }
        }
        say(&format!("next: {}", check_command(options, &settings.files)));
    }
    Ok(if counts.rejected > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Returns the command that checks the splits for leaks and other faults.
fn check_command(options: &Options, files: &[(Split, PathBuf)]) -> String {
    let mut command = "newsdesk data check".to_owned();
    for (split, path) in files {
        let flag = match split {
            Split::Train => "",
            Split::Validation => " --validation",
            Split::Test => " --test",
        };
        command += &format!("{flag} {}", quoted(&path.display().to_string()));
    }
    let columns = &options.columns;
    for (flag, value) in [
        ("--label-field", options.label_field.clone()),
        ("--label-separator", options.label_separator.clone()),
        ("--text-field", columns.text_field.clone()),
        ("--title-field", columns.title_field.clone()),
        ("--html", columns.html_value()),
        ("--encoding", columns.encoding.as_ref().map(|encoding| encoding.to_string())),
    ] {
        command += &value.map(|value| format!(" {flag} {}", quoted(&value))).unwrap_or_default();
    }
    command
}

impl Settings {
    fn refuse_overwriting(&self, folder: &Path, option: OverwriteOption) -> Result<()> {
        if folder.exists() && !folder.is_dir() {
            let message = format!("cannot write the splits: `{}` is a file", folder.display());
            return Err(Usage::new(message, "give a folder to `--output`").into());
        }
        if let Some(rejects) = &self.rejects
            && self.files.iter().any(|(_, path)| path == rejects || resolved(path) == resolved(rejects))
        {
            let message =
                format!("cannot write `{}`: rejects and a split would go to the same file", rejects.display());
            return Err(Usage::new(message, "choose another file for `--rejects`").into());
        }
        let paths = || self.files.iter().map(|(_, path)| path).chain(&self.rejects);
        for path in paths() {
            refuse_overwriting(Some(path), None, &self.sources)?;
        }
        refuse_existing(paths(), option)
    }

    /// Reads all rows for the first time and assigns each text to a split.
    fn assign(&self, shares: Shares, seed: u64) -> Result<Assignment> {
        let mut splitter = Splitter::new();
        let (mut is_labelled, mut first_reject, mut columns) = (false, None, Vec::new());
        let counter = row_counter("reading".into(), self.quiet);
        for source in &self.sources {
            let mut rows = LabelledRows::of_file(source, &self.plain)?;
            for row in rows.by_ref() {
                match row {
                    Ok(row) => {
                        is_labelled |= row.is_labelled();
                        let labels = row.labels.iter().flatten().flatten().map(String::as_str);
                        splitter.add(&row.row.article, labels);
                        counter.inc(1);
                    }
                    // Rejects are reported in the second pass.
                    Err(ReadError::Reject(reject)) => _ = first_reject.get_or_insert(reject),
                    Err(ReadError::Fatal(error)) => return Err(error.into()),
                }
            }
            if columns.is_empty() {
                columns = rows.columns().to_vec();
            }
        }
        counter.finish_and_clear();
        if !is_labelled {
            let names: Vec<String> = self.sources.iter().map(|source| source.name().to_string()).collect();
            let has_rows = !columns.is_empty();
            let error = LabelError::no_labelled_article(&names, columns, first_reject.as_ref(), has_rows);
            return Err(DataError::from(error).into());
        }
        if let Some(rows) = splitter.identifiers() {
            let message = format!("cannot split the rows by label: each of the {rows} rows has a label of its own");
            let hint = "name the column with the labels with `--label-field`; this one may hold identifiers";
            return Err(Usage::new(message, hint).into());
        }
        Ok(splitter.split(shares, seed))
    }

    /// Returns the columns of the splits: those of a single file, or all that occur in several files. Types are those
    /// of the first file.
    fn table(&self) -> Result<Option<Table>> {
        Ok(match (self.format, self.sources.as_slice()) {
            (Format::JsonLines, _) => None,
            (format, [source, ..]) if format.is_columnar() || self.sources.len() == 1 => {
                read(source, &self.plain.read)?.table().cloned()
            }
            _ => Some(Table::named(all_columns(&self.sources, &self.plain.read)?)),
        })
    }

    /// Reads all rows again and writes each to its split.
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
        let show_bar = !self.quiet && std::io::stderr().is_terminal();
        let rows = SplitRows { writers, splits: splits.clone() };
        let mut output = ReportingOutput::new(StreamOutput::new(Box::new(rows), rejects), show_bar, self.quiet);
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
                if rows.is_multiple_of(ROWS_PER_UPDATE) {
                    output.show_rows(rows);
                }
            }
        }
        counts.rejected = output.rejected();
        output.into_inner().finish()?;
        files.into_iter().try_for_each(RowFile::finish)?;
        Ok(counts)
    }
}

/// A writer that sends each row to the file of its split.
struct SplitRows {
    writers: [Option<Box<dyn RowWriter + Send>>; 3],
    splits: Assignment,
}

impl RowWriter for SplitRows {
    fn write(&mut self, row: &Row, added: &[(String, newsdesk_data::Value)]) -> Result<(), DataError> {
        match &mut self.writers[self.splits.of(TextHash::of(&row.article)).index()] {
            Some(rows) => rows.write(row, added),
            // A split with a share of 0 has no texts.
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
