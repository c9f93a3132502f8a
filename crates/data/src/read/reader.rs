//! Opens a source in its format and returns its rows.

use std::sync::Arc;

use super::delimited::Delimited;
use super::error::{MAX_ROW, ReadError};
use super::finish::Finish;
use super::jsonl::JsonLines;
use super::missing_text::refuse_missing_text;
use super::options::ReadOptions;
use super::{detect, excel, html, text, typed};
use crate::error::DataError;
use crate::format::Format;
use crate::open::{ByteMonitor, Content, Source, Stream, open};
use crate::row::{Row, Table};

/// The rows of one source, in order.
pub struct RowReader {
    format: Format,
    table: Option<Table>,
    rows: Rows,
    finish: Finish,
    ended: bool,
}

type Rows = Box<dyn Iterator<Item = Result<Row, ReadError>> + Send>;

impl RowReader {
    fn new(format: Format, table: Option<Table>, rows: Rows, options: &ReadOptions) -> RowReader {
        RowReader { format, table, rows, finish: Finish::new(options, format), ended: false }
    }

    /// Returns the reader of a source without columns and rows.
    fn empty(format: Format, options: &ReadOptions) -> RowReader {
        RowReader::new(format, None, Box::new(std::iter::empty()), options)
    }

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
/// If the source cannot be opened, decompressed or decoded, is not text where it should be, has no valid header, or lacks
/// a requested column or the text column.
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
    if let Source::File(path) = source
        && format.map_or_else(|| typed::is_parquet(path), |format| format == Format::Parquet)
    {
        let rows = typed::Typed::parquet(path, name, options, MAX_ROW, monitor)?;
        return Ok(RowReader::new(Format::Parquet, Some(rows.table().clone()), Box::new(rows), options));
    }
    let mut stream = open(source, monitor)?;
    let format = match format {
        None => detect::typed_format(&mut stream, &name)?,
        format => format,
    };
    match format {
        Some(Format::Arrow) => {
            let rows = typed::Typed::arrow(stream, name, options, MAX_ROW)?;
            Ok(RowReader::new(Format::Arrow, Some(rows.table().clone()), Box::new(rows), options))
        }
        Some(Format::Excel) => Ok(match excel::Excel::new(stream, name, options, MAX_ROW)? {
            Some(rows) => RowReader::new(Format::Excel, Some(rows.table().clone()), Box::new(rows), options),
            None => RowReader::empty(Format::Excel, options),
        }),
        // Parquet files were opened above.
        Some(Format::Parquet) => Err(DataError::ParquetStream { name: name.to_string() }),
        format => open_text(stream, name, format, options),
    }
}

/// Opens a source of a text format.
fn open_text(
    mut stream: Stream,
    name: Arc<str>,
    format: Option<Format>,
    options: &ReadOptions,
) -> Result<RowReader, DataError> {
    let content = stream.decode(&name, options.encoding)?;
    // An empty text file is an article without a text. An empty file of any other format has no articles.
    let is_article = format.is_some_and(Format::is_one_article);
    if !is_article && detect::is_blank(&mut stream, &name)? {
        return Ok(RowReader::empty(format.unwrap_or(Format::JsonLines), options));
    }
    let format = match format {
        // A line with an array, among others, is only one bad row.
        Some(Format::JsonLines)
            if detect::is_json_array(&mut stream, &name)? && !detect::has_json_lines(&mut stream, &name)? =>
        {
            Format::Json
        }
        Some(Format::Json) if detect::has_json_lines(&mut stream, &name)? => {
            match detect::is_json_array(&mut stream, &name)? {
                true => Format::Json,
                false => Format::JsonLines,
            }
        }
        Some(format) => format,
        None => detect::text_format(&mut stream, &name, options)?,
    };
    match content {
        _ if format.is_one_article() => {}
        Content::Binary(kind) => return Err(DataError::Binary { name: name.to_string(), kind }),
        Content::Encoded { likely, invalid, lines } => {
            return Err(DataError::NotUtf8 { name: name.to_string(), invalid, lines, likely });
        }
        Content::Text | Content::Utf16(_) => {}
    }
    let delimiter = (format == Format::Tsv).then_some(b'\t');
    let of_rows = |rows| RowReader::new(format, None, rows, options);
    let of_objects = |objects: JsonLines, name: &str| {
        let rows = refuse_missing_text(objects, name, options.text_field.as_deref())?;
        Ok::<_, DataError>(of_rows(Box::new(rows)))
    };
    Ok(match format {
        Format::Text => of_rows(Box::new(std::iter::once_with(move || text::row(stream, name, content, MAX_ROW)))),
        Format::Html => of_rows(Box::new(std::iter::once_with(move || html::row(stream, name, content, MAX_ROW)))),
        Format::Json => of_objects(JsonLines::of_values(stream, Arc::clone(&name), options.clone(), MAX_ROW), &name)?,
        Format::Csv | Format::Tsv => match Delimited::new(stream, Arc::clone(&name), options, delimiter, MAX_ROW)? {
            Some(rows) => {
                let table = rows.table().clone();
                // The text may be nested in the JSON of a column, of which the header says nothing.
                let rows = refuse_missing_text(rows, &name, options.text_field.as_deref())?;
                RowReader::new(format, Some(table), Box::new(rows), options)
            }
            None => RowReader::empty(format, options),
        },
        _ => of_objects(JsonLines::new(stream, Arc::clone(&name), options.clone(), MAX_ROW), &name)?,
    })
}
