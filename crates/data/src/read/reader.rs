//! Opens a source in its format and returns its rows.

use std::sync::Arc;

use super::error::{MAX_ROW, ReadError};
use super::finish::Finish;
use super::options::ReadOptions;
use super::{delimited, detect, html, jsonl, text, typed};
use crate::error::DataError;
use crate::format::Format;
use crate::open::{ByteMonitor, Source, open};
use crate::row::{Row, Table};

/// The rows of one source, in order.
pub struct RowReader {
    format: Format,
    table: Option<Table>,
    rows: Box<dyn Iterator<Item = Result<Row, ReadError>> + Send>,
    finish: Finish,
    ended: bool,
}

impl RowReader {
    /// Returns the format in which the source is read.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Returns the columns that every row has, for formats that declare them before the first row.
    pub fn table(&self) -> Option<&Table> {
        self.table.as_ref()
    }
}

impl Iterator for RowReader {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = self.rows.next().map(|row| row.and_then(|row| self.finish.row(row)));
        self.ended = matches!(item, None | Some(Err(ReadError::Fatal(_))));
        item
    }
}

/// Opens a source and reads its header, if it has one.
///
/// # Errors
/// If the source cannot be opened, decompressed or decoded, is a JSON array, has no valid header, or lacks a requested
/// column or the text column.
pub fn read(source: &Source, options: &ReadOptions) -> Result<RowReader, DataError> {
    open_rows(source, options, None)
}

/// Opens a source as [`read`] does. The monitor counts and hashes its bytes.
///
/// # Errors
/// As [`read`].
pub fn read_monitored(
    source: &Source,
    options: &ReadOptions,
    monitor: &Arc<ByteMonitor>,
) -> Result<RowReader, DataError> {
    open_rows(source, options, Some(monitor))
}

fn open_rows(
    source: &Source,
    options: &ReadOptions,
    monitor: Option<&Arc<ByteMonitor>>,
) -> Result<RowReader, DataError> {
    let name = source.name();
    let by_suffix = match source {
        Source::Stdin => None,
        Source::File(path) => Format::from_path(path),
        Source::Texts(_) => Some(Format::JsonLines),
    };
    let format = options.format.or(by_suffix);
    let reader =
        |format, table, rows| RowReader { format, table, rows, finish: Finish::new(options, format), ended: false };
    let typed = |format, rows: typed::Typed| reader(format, Some(rows.table().clone()), Box::new(rows));
    if let Source::File(path) = source
        && format.map_or_else(|| typed::is_parquet(path), |format| format == Format::Parquet)
    {
        let rows = typed::Typed::parquet(path, name, options, MAX_ROW, monitor)?;
        return Ok(typed(Format::Parquet, rows));
    }
    let mut stream = open(source, monitor)?;
    let format = match format {
        None => detect::typed_format(&mut stream, &name)?,
        format => format,
    };
    if !format.is_some_and(Format::is_columnar) {
        stream.decode(&name, options.encoding)?;
    }
    let format = match format {
        Some(format) => format,
        None => detect::text_format(&mut stream, &name, options)?,
    };
    let delimited = |stream, name, delimiter| -> Result<_, DataError> {
        let rows = delimited::Delimited::new(stream, name, options, delimiter, MAX_ROW)?;
        Ok(reader(format, Some(rows.table().clone()), Box::new(rows)))
    };
    Ok(match format {
        Format::Text => reader(format, None, Box::new(std::iter::once_with(move || text::row(stream, name, MAX_ROW)))),
        Format::Html => reader(format, None, Box::new(std::iter::once_with(move || html::row(stream, name, MAX_ROW)))),
        Format::JsonLines => {
            reader(format, None, Box::new(jsonl::JsonLines::new(stream, name, options.clone(), MAX_ROW)))
        }
        Format::Csv => delimited(stream, name, None)?,
        Format::Tsv => delimited(stream, name, Some(b'\t'))?,
        Format::Arrow => typed(format, typed::Typed::arrow(stream, name, options, MAX_ROW)?),
        // Parquet files were opened above.
        Format::Parquet => return Err(DataError::ParquetStream { name: name.to_string() }),
    })
}
