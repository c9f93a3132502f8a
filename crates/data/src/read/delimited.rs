//! CSV and TSV with a header: records of the `csv` crate, each with the very bytes that it was read from.
//!
//! The bytes are held for three reasons: a reject shows the record as it stood in the file, a position names the
//! line and the byte where it starts, and a quote that is never closed is noticed.

use std::io;
use std::io::Read;
use std::str::from_utf8;
use std::sync::Arc;

use csv::{ByteRecord, StringRecord};

use super::{LONGEST_HEADER, ReadError, ReadOptions, not_utf8, reject};
use crate::article::{Article, Cell, Line, Position, Row};
use crate::error::DataError;
use crate::open::Stream;
use crate::table::{Dialect, Table, TableForm};

const BUFFER: usize = 64 * 1024;

pub(super) struct Delimited {
    csv: csv::Reader<Held>,
    name: Arc<str>,
    table: Table,
    delimiter: u8,
    text: usize,
    title: Option<usize>,
    /// Rows read so far, without the header.
    rows: u64,
    record: ByteRecord,
    /// How many of the bytes held are the current record.
    length: usize,
}

impl Delimited {
    /// Reads the header and finds the columns of the article. Without a delimiter it is told by the header.
    pub fn new(
        mut stream: Stream,
        name: Arc<str>,
        options: &ReadOptions,
        delimiter: Option<u8>,
        limit: usize,
    ) -> Result<Delimited, DataError> {
        let first = stream
            .peek(|seen| {
                let is_line = seen.last() == Some(&b'\n') && !seen.trim_ascii().is_empty();
                is_line || seen.len() == LONGEST_HEADER
            })
            .map_err(|source| DataError::Broken { name: name.to_string(), rows: 0, source })?;
        let delimiter = delimiter.or_else(|| options.delimiter(&first)).unwrap_or(b',');
        let (crlf, byte_order_mark) = (first.ends_with(b"\r\n"), stream.offset > 0);
        let csv = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .buffer_capacity(BUFFER)
            .from_reader(Held::new(stream, limit));
        let mut table = Delimited {
            csv,
            name,
            table: Table::named(Vec::new()),
            delimiter,
            text: 0,
            title: None,
            rows: 0,
            record: ByteRecord::new(),
            length: 0,
        };
        let header = table.header(options)?;
        table.table.form = TableForm::Delimited(Dialect { delimiter, crlf, byte_order_mark, header });
        Ok(table)
    }

    /// Reads the header, and gives it as it was written.
    fn header(&mut self, options: &ReadOptions) -> Result<String, DataError> {
        let name = self.name.to_string();
        let wrong = |cause: String| DataError::Header { name: name.clone(), cause };
        if self.advance()?.is_none() {
            return Err(wrong("the file is empty".to_owned()));
        }
        let header = StringRecord::from_byte_record(self.record.clone())
            .map_err(|_| wrong("it is not valid UTF-8".to_owned()))?;
        let found: Vec<&str> = header.iter().collect();
        (self.text, self.title) = options.article_columns(&name, &found)?;
        self.table.columns = found.iter().map(|column| Arc::from(*column)).collect();
        let raw = without_break(&self.csv.get_ref().pending()[..self.length]);
        Ok(String::from_utf8_lossy(raw).into_owned())
    }

    /// The columns of the header, and how rows are written.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Reads the next record, and finds where it starts.
    fn advance(&mut self) -> Result<Option<Position>, DataError> {
        self.csv.get_mut().release(self.length);
        self.length = 0;
        let start = self.csv.position().byte();
        let found = self.csv.read_byte_record(&mut self.record);
        self.length = (self.csv.position().byte() - start) as usize;

        // Blank lines, and the second half of a CRLF, come with the record that follows them.
        let held = self.csv.get_mut();
        let breaks = held.pending().iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let breaks = breaks.min(self.length);
        held.release(breaks);
        self.length -= breaks;

        let position =
            Position { source: Arc::clone(&self.name), row: self.rows + 1, line: held.line, offset: held.offset };
        match found.map_err(csv::Error::into_kind) {
            Ok(true) => Ok(Some(position)),
            Ok(false) => Ok(None),
            Err(_) if held.overflowed => Err(DataError::RowTooLong { position, limit: held.limit }),
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
        let held = self.csv.get_ref();
        let raw = &held.pending()[..self.length];
        match quotes(raw, self.delimiter) {
            Quotes::Open if held.ended => {
                let hint = match raw.trim_ascii_end().iter().filter(|&&byte| byte == b'\n').count() {
                    0 => "close the quote".into(),
                    1 => "close the quote; the line that it swallowed stands in the reject".into(),
                    lines => format!("close the quote; the {lines} lines that it swallowed stand in the reject"),
                };
                return Err(reject(position, "a quote that opens in this row is never closed", Some(&hint), raw));
            }
            Quotes::Stray => {
                let hint = "a field that begins with a quote must end with one, and quotes within are doubled";
                return Err(reject(position, "a quote closes before its field ends", Some(hint), raw));
            }
            Quotes::Open | Quotes::Fit => {}
        }
        let raw = without_break(raw);
        let fields: Result<Vec<&str>, _> = self.record.iter().map(from_utf8).collect();
        let fields = match fields {
            Ok(fields) => fields,
            Err(in_field) => {
                let error = from_utf8(raw).err().unwrap_or(in_field);
                return Err(not_utf8(position, &error, raw));
            }
        };
        if fields.len() != self.table.columns.len() {
            let cause =
                format!("its number of fields is {}, not the header's {}", fields.len(), self.table.columns.len());
            let hint = "a field that holds a delimiter or a line break must stand in quotes";
            return Err(reject(position, cause, Some(hint), raw));
        }
        let title = self.title.map(|title| fields[title].to_owned());
        let article = Article { title, text: fields[self.text].to_owned(), mention: None };
        if article.is_blank() {
            return Err(reject(position, super::BLANK, Some(super::BLANK_HINT), raw));
        }
        let cells = fields.iter().map(|field| Cell::Text(field.to_string()));
        let line = from_utf8(raw).ok().map(|raw| Line::Delimited(raw.into(), self.delimiter));
        Ok(Row { position, columns: self.table.columns.iter().cloned().zip(cells).collect(), article, line })
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

fn without_break(record: &[u8]) -> &[u8] {
    let record = record.strip_suffix(b"\n").unwrap_or(record);
    record.strip_suffix(b"\r").unwrap_or(record)
}

/// Hands bytes to the csv reader and holds on to them until their record is done with.
struct Held {
    stream: Stream,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are done with.
    released: usize,
    /// The line on which the held bytes start, counted from 1.
    line: u64,
    /// Where in the decompressed stream they start.
    offset: u64,
    limit: usize,
    overflowed: bool,
    ended: bool,
}

impl Held {
    fn new(stream: Stream, limit: usize) -> Held {
        let offset = stream.offset;
        Held { stream, buffer: Vec::new(), released: 0, line: 1, offset, limit, overflowed: false, ended: false }
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

impl Read for Held {
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

/// What is wrong with the quotes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quotes {
    Fit,
    /// The record ends inside quotes.
    Open,
    /// A quote closes and the field goes on, which says that it was no quote of ours: a headline that begins with a
    /// quotation, say, which would take everything up to the next quotation along.
    Stray,
}

fn quotes(record: &[u8], delimiter: u8) -> Quotes {
    let ends = |byte: &u8| *byte == delimiter || matches!(byte, b'\r' | b'\n');
    let (mut quoted, mut field_start) = (false, true);
    let mut bytes = record.iter().peekable();
    while let Some(byte) = bytes.next() {
        if quoted && *byte == b'"' {
            match bytes.peek() {
                // A doubled quote stands for one.
                Some(b'"') => _ = bytes.next(),
                next => {
                    if next.is_some_and(|next| !ends(next)) {
                        return Quotes::Stray;
                    }
                    quoted = false;
                }
            }
        } else if !quoted {
            quoted = *byte == b'"' && field_start;
            field_start = ends(byte);
        }
    }
    if quoted { Quotes::Open } else { Quotes::Fit }
}
