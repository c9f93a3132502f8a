//! Reads CSV and TSV with a header. Each record of the `csv` crate comes with the bytes that it was read from.
//!
//! The bytes are kept for three reasons. A reject contains the record as it is in the file. A position names the line
//! and the byte at which the record starts. A quote that is never closed is detected.

use std::io;
use std::io::Read;
use std::str::from_utf8;
use std::sync::Arc;

use csv::{ByteRecord, StringRecord};

use super::detect::first_line;
use super::error::{ReadError, not_utf8, reject};
use super::options::{Nested, Place, ReadOptions};
use crate::error::DataError;
use crate::open::{Stream, likely_encoding};
use crate::remedy::Remedy;
use crate::row::{Article, Cell, Dialect, Position, RawLine, Row, Table, TableForm};

const BUFFER: usize = 64 * 1024;

pub(super) struct Delimited {
    csv: csv::Reader<RecordBytes>,
    name: Arc<str>,
    table: Table,
    delimiter: u8,
    text: Place,
    title: Option<Place>,
    /// The number of rows read so far, without the header.
    rows: u64,
    record: ByteRecord,
    /// The length of the current record in the kept bytes.
    length: usize,
}

impl Delimited {
    /// Reads the header and finds the columns of the article. By default the delimiter is detected from the header.
    ///
    /// Returns `None` if the stream has no header, because it is empty.
    ///
    /// # Errors
    /// If the stream cannot be read, the header is not valid, or a column is missing.
    pub fn new(
        mut stream: Stream,
        name: Arc<str>,
        options: &ReadOptions,
        delimiter: Option<u8>,
        limit: usize,
    ) -> Result<Option<Delimited>, DataError> {
        let first =
            first_line(&mut stream).map_err(|source| DataError::Broken { name: name.to_string(), rows: 0, source })?;
        let delimiter =
            delimiter.or_else(|| options.delimiter(&first)).unwrap_or_else(|| options.likely_delimiter(&first));
        let (crlf, byte_order_mark) = (first.ends_with(b"\r\n"), stream.offset > 0);
        let csv = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .buffer_capacity(BUFFER)
            .from_reader(RecordBytes::new(stream, limit));
        let mut table = Delimited {
            csv,
            name,
            table: Table::named(Vec::new()),
            delimiter,
            text: Place { column: 0, path: None },
            title: None,
            rows: 0,
            record: ByteRecord::new(),
            length: 0,
        };
        let Some(header) = table.read_header(options)? else { return Ok(None) };
        table.table.form = TableForm::Delimited(Dialect { delimiter, crlf, byte_order_mark, header: Some(header) });
        Ok(Some(table))
    }

    /// Reads the header, and returns it as it is in the file.
    fn read_header(&mut self, options: &ReadOptions) -> Result<Option<String>, DataError> {
        let name = self.name.to_string();
        if self.advance()?.is_none() {
            return Ok(None);
        }
        let header = StringRecord::from_byte_record(self.record.clone()).map_err(|_| {
            let likely = likely_encoding(self.csv.get_ref().pending(), false);
            DataError::HeaderNotUtf8 { name: name.clone(), likely }
        })?;
        let columns: Vec<&str> = header.iter().collect();
        (self.text, self.title) = options.article_places(&name, &columns, Nested::Json)?;
        self.table.columns = columns.iter().map(|column| Arc::from(*column)).collect();
        let raw = without_line_break(&self.csv.get_ref().pending()[..self.length]);
        Ok(Some(String::from_utf8_lossy(raw).into_owned()))
    }

    /// Returns the columns of the header, and the dialect of the file.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Reads the next record, and returns its position.
    fn advance(&mut self) -> Result<Option<Position>, DataError> {
        self.csv.get_mut().release(self.length);
        self.length = 0;
        let start = self.csv.position().byte();
        let found = self.csv.read_byte_record(&mut self.record);
        self.length = (self.csv.position().byte() - start) as usize;

        // The bytes of a record start with the blank lines before it, and with the second half of a CRLF.
        let bytes = self.csv.get_mut();
        let breaks = bytes.pending().iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let breaks = breaks.min(self.length);
        bytes.release(breaks);
        self.length -= breaks;

        let position =
            Position { source: Arc::clone(&self.name), row: self.rows + 1, line: bytes.line, offset: bytes.offset };
        match found.map_err(csv::Error::into_kind) {
            Ok(true) => Ok(Some(position)),
            Ok(false) => Ok(None),
            Err(_) if bytes.overflowed => {
                let in_quotes = quotes(bytes.pending(), self.delimiter) == Quotes::Open;
                Err(DataError::RowTooLong { position, limit: bytes.limit, in_quotes })
            }
            Err(kind) => {
                let source = match kind {
                    csv::ErrorKind::Io(source) => source,
                    other => io::Error::other(format!("{other:?}")),
                };
                Err(DataError::Broken { name: self.name.to_string(), rows: self.rows, source })
            }
        }
    }

    fn row(&self, position: Position) -> Result<Row, ReadError> {
        let bytes = self.csv.get_ref();
        let raw = &bytes.pending()[..self.length];
        match quotes(raw, self.delimiter) {
            Quotes::Open if bytes.ended => {
                let lines = raw.trim_ascii_end().iter().filter(|&&byte| byte == b'\n').count();
                let cause = "a quote that opens in this row is never closed";
                return Err(reject(position, cause, Remedy::CloseQuote { lines }, raw));
            }
            Quotes::Early => {
                let cause = "a quote closes before its field ends";
                return Err(reject(position, cause, Remedy::QuoteWholeField, raw));
            }
            Quotes::Open | Quotes::Balanced => {}
        }
        let raw = without_line_break(raw);
        let fields: Result<Vec<&str>, _> = self.record.iter().map(from_utf8).collect();
        let fields = match fields {
            Ok(fields) => fields,
            Err(in_field) => {
                let error = from_utf8(raw).err().unwrap_or(in_field);
                return Err(not_utf8(position, &error, raw));
            }
        };
        if fields.len() != self.table.columns.len() {
            let columns = self.table.columns.len();
            let cause = format!("the number of fields is {}, but the header has {columns}", fields.len());
            return Err(reject(position, cause, Remedy::QuoteFields, raw));
        }
        let title = self.title.as_ref().and_then(|title| self.text_of(title, &fields)?.ok());
        let text = match self.text_of(&self.text, &fields) {
            Some(Ok(text)) => text,
            Some(Err(kind)) => {
                let cause = format!("the field `{}` is {kind}", self.name_of(&self.text));
                return Err(reject(position, cause, Remedy::ChooseTextColumn, raw));
            }
            None => {
                let cause = format!("the field `{}` is missing", self.name_of(&self.text));
                let columns = self.table.columns.iter().map(ToString::to_string).collect();
                return Err(reject(position, cause, Remedy::NameTextColumn { columns }, raw));
            }
        };
        let article = Article { title, text, target_entity: None };
        let cells = fields.iter().map(|field| Cell::Text(field.to_string()));
        let raw_line = from_utf8(raw).ok().map(|raw| RawLine::Delimited(raw.into(), self.delimiter));
        let columns = self.table.columns.iter().cloned().zip(cells).collect();
        Ok(Row { position, columns, article, raw_line, was_html: false })
    }

    /// Returns the text in a field, or nested in the JSON of a field. Returns `None` if there is none.
    fn text_of(&self, place: &Place, fields: &[&str]) -> Option<Result<String, &'static str>> {
        let field = fields[place.column];
        let Some(path) = &place.path else { return Some(Ok(field.to_owned())) };
        let cell = Cell::Text(field.to_owned()).nested(path)?;
        Some(cell.joined_text().map(|text| text.into_owned()))
    }

    fn name_of(&self, place: &Place) -> String {
        let column = &self.table.columns[place.column];
        place.path.as_ref().map_or(column.to_string(), |path| format!("{column}.{path}"))
    }
}

impl Iterator for Delimited {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.advance() {
            Err(error) => Some(Err(ReadError::Fatal(error))),
            Ok(None) => None,
            Ok(Some(position)) => {
                self.rows += 1;
                Some(self.row(position))
            }
        }
    }
}

fn without_line_break(record: &[u8]) -> &[u8] {
    let record = record.strip_suffix(b"\n").unwrap_or(record);
    record.strip_suffix(b"\r").unwrap_or(record)
}

/// Passes bytes to the CSV reader, and keeps them until their record is processed.
struct RecordBytes {
    stream: Stream,
    buffer: Vec<u8>,
    /// The number of bytes at the start of the buffer whose records are processed.
    released: usize,
    /// The line on which the kept bytes start, from 1.
    line: u64,
    /// The offset of the kept bytes in the decompressed stream.
    offset: u64,
    limit: usize,
    overflowed: bool,
    ended: bool,
}

impl RecordBytes {
    fn new(stream: Stream, limit: usize) -> RecordBytes {
        let offset = stream.offset;
        RecordBytes { stream, buffer: Vec::new(), released: 0, line: 1, offset, limit, overflowed: false, ended: false }
    }

    fn pending(&self) -> &[u8] {
        &self.buffer[self.released..]
    }

    fn release(&mut self, count: usize) {
        self.line += self.pending()[..count].iter().filter(|byte| **byte == b'\n').count() as u64;
        self.offset += count as u64;
        self.released += count;
    }
}

impl Read for RecordBytes {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.buffer.drain(..self.released);
        self.released = 0;
        if self.buffer.len() > self.limit {
            self.overflowed = true;
            return Err(io::Error::other("the row is too long"));
        }
        loop {
            match self.stream.reader.read(out) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(count) => {
                    self.ended = count == 0;
                    self.buffer.extend_from_slice(&out[..count]);
                    return Ok(count);
                }
            }
        }
    }
}

/// The state of the quotes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quotes {
    /// Every quote that opens is closed.
    Balanced,
    /// The record ends inside quotes.
    Open,
    /// A quote closes before its field ends. Probably the text itself begins with a quotation, as some headlines do.
    /// Parsed as CSV, such a field would extend to the next quotation.
    Early,
}

fn quotes(record: &[u8], delimiter: u8) -> Quotes {
    let ends_field = |byte: &u8| *byte == delimiter || matches!(byte, b'\r' | b'\n');
    let (mut quoted, mut field_start) = (false, true);
    let mut bytes = record.iter().peekable();
    while let Some(byte) = bytes.next() {
        if quoted && *byte == b'"' {
            match bytes.peek() {
                // A doubled quote is an escaped quote.
                Some(b'"') => _ = bytes.next(),
                next => {
                    if next.is_some_and(|next| !ends_field(next)) {
                        return Quotes::Early;
                    }
                    quoted = false;
                }
            }
        } else if !quoted {
            quoted = *byte == b'"' && field_start;
            field_start = ends_field(byte);
        }
    }
    if quoted { Quotes::Open } else { Quotes::Balanced }
}
