//! `newsdesk data convert`: rows of one format to rows of another, as a stream.

use super::write_row;
use crate::arguments::data::Convert;
use crate::commands::classify::{is_plain_file, refuse_overwriting};
use crate::failure::{not_a_broken_pipe, say};
use crate::output::corpus::CorpusOutput;
use crate::output::format::{by_name, refuse_compressed};
use crate::output::whole::RowFile;
use anyhow::Result;
use newsdesk_data::{Format, ReadError, ReadOptions, Source, Table, all_columns, create, expand, read};
use newsdesk_run::{Output, StreamOutput};
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

/// Rows between two looks at the progress.
const ROWS_PER_LOOK: u64 = 1024;

pub fn run(options: &Convert) -> Result<ExitCode> {
    let sources = expand(&options.inputs)?;
    refuse_overwriting(Some(&options.output), options.rejects.as_deref(), &sources)?;
    let format = output_format(options)?;
    refuse_compressed(format, &options.output)?;
    let reading = options.columns.reading(options.format.map(Format::from));
    // A table needs all its columns before its first row. Pipes cannot be read twice: there the first row has to say it.
    let is_table = matches!(format, Format::Csv | Format::Tsv);
    let is_alone = match sources.as_slice() {
        // Its own header says it all, and how its rows are written.
        [source] if is_plain_file(source) => read(source, &reading)?.table().is_some(),
        _ => false,
    };
    let columns = match is_table && !is_alone && sources.iter().all(is_plain_file) {
        true => all_columns(&sources, &reading)?,
        false => Vec::new(),
    };
    if let Some(first) = sources.first().filter(|source| is_plain_file(source)) {
        // An input that cannot be read at all must not cost the output of an earlier run.
        read(first, &reading)?;
    }
    let (rows, file) = RowFile::create(&options.output, format)?;
    let rejects = options.rejects.as_deref().map(create).transpose()?;
    let bar = !options.quiet && std::io::stderr().is_terminal();
    let mut output = CorpusOutput::new(StreamOutput::new(rows, rejects), bar, options.quiet);
    if !columns.is_empty() {
        output.header(Some(&Table::named(columns)), &[])?;
    }
    let converted = convert(&sources, &reading, &mut output);
    let rejected = output.rejected();
    // Also where a source broke: what was read of it is whole then. The first error is the one that counts.
    let finished = output.into_inner().finish().and_then(|()| Ok(file.keep()?));
    let converted = converted.and_then(|rows| Ok(finished.map(|()| rows)?));
    let rows = match options.output == Path::new("-") {
        // Whoever reads standard output may stop when he has enough; a file that cannot be written is an error.
        true => converted?,
        false => converted.map_err(not_a_broken_pipe)?,
    };
    if rejected == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    if !options.quiet {
        say(&format!("rows converted: {rows}, rows rejected: {rejected}"));
    }
    Ok(ExitCode::from(1))
}

fn convert(sources: &[Source], reading: &ReadOptions, output: &mut CorpusOutput<StreamOutput>) -> Result<u64> {
    let mut written = 0;
    let mut is_first = true;
    for source in sources {
        let rows = read(source, reading)?;
        if std::mem::take(&mut is_first) {
            // Writes nothing where a header stands already.
            output.header(rows.table(), &[])?;
        }
        for row in rows {
            match row {
                Ok(row) => written += u64::from(write_row(output, &row)?),
                Err(ReadError::Reject(reject)) => output.reject(&reject)?,
                Err(ReadError::Fatal(error)) => return Err(error.into()),
            }
            if written.is_multiple_of(ROWS_PER_LOOK) {
                output.progress(written);
            }
        }
    }
    Ok(written)
}

/// The format by the output's name, or as it is asked for.
fn output_format(options: &Convert) -> Result<Format> {
    options.output_format.map_or_else(|| by_name(&options.output), |format| Ok(Format::from(format)))
}
