//! `newsdesk data convert`: converts rows from one format to another, as a stream.

use super::write_row;
use crate::arguments::data::Convert;
use crate::commands::is_regular_file;
use crate::exit_code::ExitCode;
use crate::failure::{not_a_broken_pipe, say};
use crate::output::atomic::RowFile;
use crate::output::destination::{refuse_existing, refuse_overwriting};
use crate::output::format::{by_name_or_option, refuse_compressed, table_style};
use crate::output::reporting::{NO_ARTICLES, ReportingOutput, wrote};
use crate::sources::expand;
use anyhow::Result;
use indicatif::HumanCount;
use newsdesk_data::{Format, Notes, ReadError, ReadOptions, Source, Table, all_columns, create, read};
use newsdesk_run::{Output, StreamOutput};
use std::io::IsTerminal;
use std::path::Path;

/// Number of rows between two updates of the progress.
const ROWS_PER_UPDATE: u64 = 1024;

pub fn run(options: &Convert) -> Result<ExitCode> {
    let sources = expand(&options.inputs)?;
    refuse_overwriting(Some(&options.output), options.rejects.as_deref(), &sources)?;
    refuse_existing([&options.output].into_iter().chain(&options.rejects), options.overwrite)?;
    let format = output_format(options)?;
    refuse_compressed(format, &options.output)?;
    let style = table_style(&options.table, Some(format))?;
    let reading = options.columns.reading(options.format.map(Format::from));
    let mut read_options = ReadOptions { rows_only: true, ..reading };
    if options.quiet {
        read_options.notes = Notes::default();
    }
    // CSV and TSV need all columns before the first row, so that files are read twice. A pipe cannot be read twice: its
    // first row determines the columns.
    let has_header = matches!(format, Format::Csv | Format::Tsv);
    let has_own_header = match sources.as_slice() {
        // The header of a single table names all columns and the style of its rows.
        [source] if is_regular_file(source) => read(source, &read_options)?.table().is_some(),
        _ => false,
    };
    let columns = match has_header && !has_own_header && sources.iter().all(is_regular_file) {
        true => all_columns(&sources, &read_options)?,
        false => Vec::new(),
    };
    if let Some(first) = sources.first().filter(|source| is_regular_file(source)) {
        // Fails on an unreadable input before the output of an earlier run is replaced.
        read(first, &read_options)?;
    }
    let (mut rows, file) = RowFile::create(&options.output, format)?;
    rows.set_style(style);
    let rejects = options.rejects.as_deref().map(create).transpose()?;
    let show_bar = !options.quiet && std::io::stderr().is_terminal();
    let mut output = ReportingOutput::new(StreamOutput::new(rows, rejects), show_bar, options.quiet);
    if !columns.is_empty() {
        output.header(Some(&Table::named(columns)), &[])?;
    }
    let converted = convert(&sources, &read_options, &mut output);
    let rejected = output.rejected();
    // After a failed read the output is still finished, so that the rows read until then are complete. The first error
    // is reported.
    let finished = output.into_inner().finish().and_then(|()| Ok(file.finish()?));
    let converted = converted.and_then(|rows| Ok(finished.map(|()| rows)?));
    let rows = match options.output == Path::new("-") {
        // A reader of standard output may stop early, as `head` does; a named output that breaks is an error.
        true => converted?,
        false => converted.map_err(not_a_broken_pipe)?,
    };
    if !options.quiet {
        report(options, rows, rejected as u64);
        if rows == 0 && rejected == 0 {
            say(NO_ARTICLES);
        }
    }
    Ok(if rejected == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn convert(sources: &[Source], read_options: &ReadOptions, output: &mut ReportingOutput<StreamOutput>) -> Result<u64> {
    let mut written = 0;
    let mut is_first = true;
    for source in sources {
        let rows = read(source, read_options)?;
        if std::mem::take(&mut is_first) {
            // Has no effect if the header was already written.
            output.header(rows.table(), &[])?;
        }
        for row in rows {
            match row {
                Ok(row) => written += u64::from(write_row(output, &row)?),
                Err(ReadError::Reject(reject)) => output.reject(&reject)?,
                Err(ReadError::Fatal(error)) => return Err(error.into()),
            }
            if written.is_multiple_of(ROWS_PER_UPDATE) {
                output.show_rows(written);
            }
        }
    }
    Ok(written)
}

/// Names the files that were written, and counts their rows.
fn report(options: &Convert, rows: u64, rejected: u64) {
    if options.output != Path::new("-") {
        say(&wrote(&options.output, rows, "row"));
    }
    match &options.rejects {
        _ if rejected == 0 => {}
        Some(path) => say(&wrote(path, rejected, "rejected row")),
        None => say(&format!("rows converted: {}, rows rejected: {}", HumanCount(rows), HumanCount(rejected))),
    }
}

/// Returns the requested format, or that of the output's name.
fn output_format(options: &Convert) -> Result<Format> {
    options.output_format.map_or_else(|| by_name_or_option(&options.output), |format| Ok(Format::from(format)))
}
