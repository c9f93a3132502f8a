//! Reads JSON: one object per line, or the elements of an array. Each field is kept byte by byte.
//!
//! Values are kept as [`RawValue`]s, and only text and title are decoded. So numbers of any size, escapes and nested
//! values are written exactly as they were read.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::io::{self, BufRead, Read};
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::error::{MAX_SKIPPED, ReadError, SAMPLE, broken, endless, not_utf8, reject};
use super::json_values::Values;
use super::options::ReadOptions;
use crate::error::DataError;
use crate::open::Stream;
use crate::remedy::Remedy;
use crate::row::{Article, Cell, Position, RawLine, Row, column_names, splits};

/// The capacity that the line buffer keeps. A longer line makes it grow, and the surplus is freed before the next line.
const KEPT_BUFFER: usize = 1024 * 1024;

/// Fields of each line in a rejects file.
const REJECT_FIELDS: [&str; 4] = ["source", "row", "cause", "raw"];

pub(super) struct JsonLines {
    stream: Stream,
    name: Arc<str>,
    options: ReadOptions,
    limit: usize,
    /// The number of lines or values read so far.
    rows: u64,
    /// Cuts the stream into values, if they are not on one line each.
    values: Option<Values>,
    buffer: Vec<u8>,
    /// The field names of the last row. Most rows have the same names, which they then share.
    names: Vec<Arc<str>>,
}

impl JsonLines {
    pub fn new(stream: Stream, name: Arc<str>, options: ReadOptions, limit: usize) -> JsonLines {
        JsonLines { stream, name, options, limit, rows: 0, values: None, buffer: Vec::new(), names: Vec::new() }
    }

    /// Reads an array of objects, or objects one after the other, which may span several lines.
    pub fn of_values(stream: Stream, name: Arc<str>, options: ReadOptions, limit: usize) -> JsonLines {
        let values = Some(Values::new(limit, stream.offset));
        JsonLines { values, ..JsonLines::new(stream, name, options, limit) }
    }

    /// Reads the next line or value into the buffer, without line breaks.
    ///
    /// Returns its position and whether it is complete.
    fn next_value(&mut self) -> io::Result<Option<(Position, bool)>> {
        let Some(values) = &mut self.values else { return self.next_line() };
        self.buffer.shrink_to(KEPT_BUFFER);
        let value = values.next(&mut self.stream.reader, &mut self.buffer)?;
        Ok(value.map(|value| {
            self.rows = value.number;
            let (row, line, offset) = (value.number, value.line, value.offset);
            (Position { source: Arc::clone(&self.name), row, line, offset }, value.is_complete)
        }))
    }

    /// Returns what a row is called in messages.
    fn noun(&self) -> &'static str {
        match &self.values {
            None => "line",
            Some(values) if values.is_array() => "element",
            Some(_) => "value",
        }
    }

    /// Reads the next line into the buffer, without its line break.
    ///
    /// Returns its position and whether it is complete. Of a line that is longer than the limit, only the beginning is
    /// kept.
    fn next_line(&mut self) -> io::Result<Option<(Position, bool)>> {
        self.buffer.clear();
        self.buffer.shrink_to(KEPT_BUFFER);
        let limit = self.limit as u64 + 1;
        let mut length = (&mut self.stream.reader).take(limit).read_until(b'\n', &mut self.buffer)?;
        if length == 0 {
            return Ok(None);
        }
        let ended = self.buffer.last() == Some(&b'\n');
        let is_complete = ended || length <= self.limit;
        if is_complete {
            let end = self.buffer.len() - usize::from(ended);
            self.buffer.truncate(end);
            if self.buffer.last() == Some(&b'\r') {
                self.buffer.pop();
            }
        } else {
            self.buffer.truncate(SAMPLE);
            length += skip_line(&mut self.stream.reader)?;
        }
        self.rows += 1;
        let offset = self.stream.offset;
        self.stream.offset += length as u64;
        Ok(Some((Position { source: Arc::clone(&self.name), row: self.rows, line: self.rows, offset }, is_complete)))
    }

    fn row(&mut self, position: Position) -> Result<Row, ReadError> {
        let raw = self.buffer.as_slice();
        let line = match std::str::from_utf8(raw) {
            Ok(line) => line,
            Err(error) => return Err(not_utf8(position, &error, raw)),
        };
        let rejected = |cause: String, remedy: Remedy| Err(reject(position.clone(), cause, remedy, raw));

        let start = line.trim_start();
        // JSON allows only these kinds of white space before the object.
        let kept = if line.trim_start_matches([' ', '\t', '\r']) == start { line } else { start };
        let noun = self.noun();
        let columns = match fields(start, &mut self.names) {
            Ok(columns) => columns,
            Err(_) if !start.starts_with('{') && serde_json::from_str::<&RawValue>(start).is_ok() => {
                return rejected(format!("the {noun} is {}, not an object", kind(start)), Remedy::WriteObjectPerLine);
            }
            Err(error) => {
                let cause = error.to_string().replace("at line 1 column", "at column");
                let remedy = if self.values.is_none() { Remedy::JoinObjectLines } else { Remedy::CorrectValue };
                return rejected(format!("the {noun} is not valid JSON: {cause}"), remedy);
            }
        };
        let names: Vec<&str> = columns.iter().map(|(name, _)| &**name).collect();
        if let Some(repeated) = repeated(&names) {
            return rejected(format!("the field `{repeated}` occurs twice"), Remedy::RenameFields);
        }
        let article = |title, text| Article { title, text, target_entity: None };
        let done = |columns, article| {
            let raw_line = Some(RawLine::Json(kept.into()));
            Ok(Row { position: position.clone(), columns, article, raw_line, was_html: false })
        };
        if self.options.may_lack_text() {
            return done(columns, article(None, String::new()));
        }
        let text = self.options.text_column(&names);
        let title = self.options.title_column(&names, text.unwrap_or(usize::MAX));
        let Some((text_name, text)) = field(&columns, text, self.options.text_field.as_deref()) else {
            if REJECT_FIELDS.iter().all(|field| names.contains(field)) {
                let cause = "the row was rejected by an earlier run".to_owned();
                return rejected(cause, Remedy::UnpackRejects { name: self.name.to_string() });
            }
            if let Some(field) = self.field_with_articles(&position, &columns) {
                let cause = format!("the articles are in the field `{field}` of one JSON object");
                return rejected(cause, Remedy::ExtractArray { field });
            }
            let cause = match &self.options.text_field {
                Some(name) => format!("the field `{name}` is missing"),
                None => "no field contains the text".to_owned(),
            };
            let columns = column_names(&columns);
            return rejected(cause, Remedy::NameTextColumn { columns });
        };
        let text = match string(text_name, &text) {
            Ok(text) => text,
            Err(cause) if text.raw_text().starts_with('{') => {
                return rejected(cause, Remedy::NameTextColumn { columns: column_names(&columns) });
            }
            Err(cause) => return rejected(cause, Remedy::ChooseTextColumn),
        };
        let title = match field(&columns, title, self.options.title_field.as_deref()) {
            Some((_, title)) if title.is_null() => None,
            Some((name, title)) => match string(name, &title) {
                Ok(title) => Some(title),
                Err(cause) => return rejected(cause, Remedy::ChooseTitleColumn),
            },
            None => None,
        };
        let article = article(title, text);
        done(columns, article)
    }
}

impl JsonLines {
    /// Returns the field of the first value that is an array of objects, if the values are not elements of an array.
    fn field_with_articles(&self, position: &Position, columns: &[(Arc<str>, Cell)]) -> Option<String> {
        let is_first = position.row == 1 && self.values.as_ref().is_some_and(|values| !values.is_array());
        let holds_objects =
            |cell: &Cell| cell.raw_text().strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with('{'));
        columns.iter().find(|(_, cell)| is_first && holds_objects(cell)).map(|(name, _)| name.to_string())
    }
}

/// Skips the rest of a line, and returns its length.
///
/// # Errors
/// If the stream cannot be read, or the line does not end.
fn skip_line(reader: &mut impl BufRead) -> io::Result<usize> {
    let mut skipped = 0;
    loop {
        let available = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            available => available?,
        };
        let end = available.iter().position(|byte| *byte == b'\n');
        let (count, is_end) = (end.map_or(available.len(), |end| end + 1), end.is_some() || available.is_empty());
        reader.consume(count);
        skipped += count;
        if is_end {
            return Ok(skipped);
        }
        if skipped > MAX_SKIPPED {
            return Err(endless());
        }
    }
}

impl Iterator for JsonLines {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_value() {
                Err(source) if source.kind() == io::ErrorKind::FileTooLarge => {
                    let (source, row) = (Arc::clone(&self.name), self.rows + 1);
                    let position = Position { source, row, line: row, offset: self.stream.offset };
                    let error = DataError::RowTooLong { position, limit: MAX_SKIPPED, in_quotes: false };
                    return Some(Err(ReadError::Fatal(error)));
                }
                Err(source) => return Some(Err(broken(&self.name, self.rows, source))),
                Ok(None) => return None,
                Ok(Some((position, false))) => {
                    let cause = format!("the {} is longer than {} bytes", self.noun(), self.limit);
                    return Some(Err(reject(position, cause, Remedy::CheckLineBreaks, &self.buffer)));
                }
                Ok(Some(_)) if self.buffer.trim_ascii().is_empty() => {}
                Ok(Some((position, true))) => return Some(self.row(position)),
            }
        }
    }
}

/// Returns a column with its name, or else the value that is nested in a column under the requested name.
fn field<'c>(
    columns: &'c [(Arc<str>, Cell)],
    column: Option<usize>,
    requested: Option<&'c str>,
) -> Option<(&'c str, Cow<'c, Cell>)> {
    if let Some((name, cell)) = column.map(|column| &columns[column]) {
        return Some((name, Cow::Borrowed(cell)));
    }
    let nested = |(name, path): (&str, &str)| columns.iter().find(|(column, _)| **column == *name)?.1.nested(path);
    let name = requested?;
    splits(name).find_map(nested).map(|cell| (name, Cow::Owned(cell)))
}

/// Decodes a field that must be a string, or a list of strings.
fn string(name: &str, cell: &Cell) -> Result<String, String> {
    let text = if cell.is_null() { Err("null, not a string") } else { cell.joined_text() };
    text.map(Cow::into_owned).map_err(|kind| format!("the field `{name}` is {kind}"))
}

/// Returns the type of a JSON value, which follows from its first byte.
fn kind(value: &str) -> &'static str {
    match value.as_bytes().first() {
        Some(b'n') => "null",
        Some(b't' | b'f') => "a boolean",
        Some(b'"') => "a string",
        Some(b'[') => "an array",
        Some(b'{') => "an object",
        _ => "a number",
    }
}

fn repeated<'a>(names: &[&'a str]) -> Option<&'a str> {
    let mut seen = HashSet::with_capacity(names.len());
    names.iter().copied().find(|name| !seen.insert(*name))
}

/// Returns the fields of the object on a line, in order.
fn fields(line: &str, names: &mut Vec<Arc<str>>) -> serde_json::Result<Vec<(Arc<str>, Cell)>> {
    let mut deserializer = serde_json::Deserializer::from_str(line);
    let columns = Fields { names }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(columns)
}

/// Reads an object into columns, and reuses the names of the previous row.
struct Fields<'a> {
    names: &'a mut Vec<Arc<str>>,
}

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = Vec<(Arc<str>, Cell)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = Vec<(Arc<str>, Cell)>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut columns = Vec::with_capacity(self.names.len());
        while let Some(name) = map.next_key_seed(Name { names: self.names, column: columns.len() })? {
            columns.push((name, Cell::Json(map.next_value()?)));
        }
        Ok(columns)
    }
}

struct Name<'a> {
    names: &'a mut Vec<Arc<str>>,
    column: usize,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Arc<str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Arc<str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Arc<str>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a field name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Arc<str>, E> {
        if let Some(known) = self.names.get(self.column).filter(|known| &***known == name) {
            return Ok(Arc::clone(known));
        }
        let name: Arc<str> = name.into();
        self.names.truncate(self.column);
        self.names.push(Arc::clone(&name));
        Ok(name)
    }
}
