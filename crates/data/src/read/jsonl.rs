//! JSON Lines: one object a line, every member carried through byte by byte.
//!
//! Values are kept as [`RawValue`]s and only the text and the title are decoded, so numbers of any size, escapes and
//! nested values come out as they went in.

use std::collections::HashSet;
use std::fmt;
use std::io::{self, BufRead, Read};
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{ReadError, ReadOptions, SAMPLE, broken, not_utf8, reject};
use crate::article::{Article, Cell, Line, Position, Row};
use crate::error::quoted;
use crate::open::Stream;

/// A line may make the buffer grow up to the longest row; more than this is given back afterwards.
const KEPT_BUFFER: usize = 1024 * 1024;

pub(super) struct JsonLines {
    stream: Stream,
    name: Arc<str>,
    options: ReadOptions,
    limit: usize,
    /// Lines read so far.
    line: u64,
    buffer: Vec<u8>,
    /// The member names of the last row: rows mostly have the same ones, which are then shared.
    names: Vec<Arc<str>>,
}

impl JsonLines {
    pub fn new(stream: Stream, name: Arc<str>, options: ReadOptions, limit: usize) -> JsonLines {
        JsonLines { stream, name, options, limit, line: 0, buffer: Vec::new(), names: Vec::new() }
    }

    /// Reads the next line into the buffer, without its line break: where it stands, and whether it is whole. Of a
    /// line beyond the limit only the beginning is kept.
    fn line(&mut self) -> io::Result<Option<(Position, bool)>> {
        self.buffer.clear();
        self.buffer.shrink_to(KEPT_BUFFER);
        let limit = self.limit as u64 + 1;
        let mut length = (&mut self.stream.reader).take(limit).read_until(b'\n', &mut self.buffer)?;
        if length == 0 {
            return Ok(None);
        }
        let ended = self.buffer.last() == Some(&b'\n');
        let whole = ended || length <= self.limit;
        if whole {
            let end = self.buffer.len() - usize::from(ended);
            self.buffer.truncate(end);
            if self.buffer.last() == Some(&b'\r') {
                self.buffer.pop();
            }
        } else {
            self.buffer.truncate(SAMPLE);
            length += self.stream.reader.skip_until(b'\n')?;
        }
        self.line += 1;
        let offset = self.stream.offset;
        self.stream.offset += length as u64;
        Ok(Some((Position { source: Arc::clone(&self.name), row: self.line, line: self.line, offset }, whole)))
    }

    fn row(&mut self, position: Position) -> Result<Row, ReadError> {
        let raw = self.buffer.as_slice();
        let line = match std::str::from_utf8(raw) {
            Ok(line) => line,
            Err(error) => return Err(not_utf8(position, &error, raw)),
        };
        let refused = |cause: String, hint: Option<&str>| Err(reject(position.clone(), cause, hint, raw));

        let start = line.trim_start();
        // White space of other kinds before the object is none to JSON.
        let kept = if line.trim_start_matches([' ', '\t', '\r']) == start { line } else { start };
        let columns = match members(start, &mut self.names) {
            Ok(columns) => columns,
            Err(_) if !start.starts_with('{') && serde_json::from_str::<&RawValue>(start).is_ok() => {
                let hint = "each line must hold one JSON object, such as {\"text\": \"...\"}";
                return refused(format!("the line is {}, not an object", kind(start)), Some(hint));
            }
            Err(error) => {
                let cause = error.to_string().replace("at line 1 column", "at column");
                let hint = "each line must hold one whole JSON object; `jq -c .` rewrites objects that span lines";
                return refused(format!("the line is not valid JSON: {cause}"), Some(hint));
            }
        };
        let names: Vec<&str> = columns.iter().map(|(name, _)| &**name).collect();
        if let Some(repeated) = repeated(&names) {
            return refused(
                format!("the member `{repeated}` stands there twice"),
                Some("a member's name may stand in an object only once"),
            );
        }
        let Some(text) = self.options.text_column(&names) else {
            let cause = match &self.options.text_field {
                Some(wanted) => format!("the member `{wanted}` is missing"),
                None => "no member holds the text".to_owned(),
            };
            let found: Vec<String> = names.iter().map(|name| name.to_string()).collect();
            let hint = format!("its members are {}; name the right one with --text-field", quoted(&found));
            return refused(cause, Some(&hint));
        };
        let title = self.options.title_column(&names, text);

        let text = match string(&columns[text]) {
            Ok(text) => text,
            Err(cause) => return refused(cause, Some("--text-field names another member as the text")),
        };
        let title = match title.map(|title| &columns[title]) {
            Some((_, title)) if title.is_null() => None,
            Some(title) => match string(title) {
                Ok(title) => Some(title),
                Err(cause) => return refused(cause, Some("--title-field names another member as the title")),
            },
            None => None,
        };
        let article = Article { title, text, mention: None };
        if article.is_blank() {
            return refused(super::BLANK.to_owned(), Some(super::BLANK_HINT));
        }
        Ok(Row { position, columns, article, line: Some(Line::Json(kept.into())) })
    }
}

impl Iterator for JsonLines {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.line() {
                Err(source) => return Some(Err(broken(&self.name, self.line, source))),
                Ok(None) => return None,
                Ok(Some((position, false))) => {
                    let cause = format!("the line is longer than {} bytes", self.limit);
                    let hint = "an article is never that long; is a line break missing?";
                    return Some(Err(reject(position, cause, Some(hint), &self.buffer)));
                }
                Ok(Some(_)) if self.buffer.trim_ascii().is_empty() => {}
                Ok(Some((position, true))) => return Some(self.row(position)),
            }
        }
    }
}

/// A member that must be a string, decoded.
fn string((name, cell): &(Arc<str>, Cell)) -> Result<String, String> {
    match cell {
        Cell::Json(raw) if raw.get().starts_with('"') => {
            serde_json::from_str(raw.get()).map_err(|_| format!("the member `{name}` is not valid Unicode"))
        }
        cell => Err(format!("the member `{name}` is {}, not a string", kind(&cell.written()))),
    }
}

/// What a JSON value is, told by its first byte.
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

/// The members of the object on a line, in order.
fn members(line: &str, names: &mut Vec<Arc<str>>) -> serde_json::Result<Vec<(Arc<str>, Cell)>> {
    let mut deserializer = serde_json::Deserializer::from_str(line);
    let columns = Members { names }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(columns)
}

/// Reads an object into columns, with the names that the row before had where they are the same.
struct Members<'a> {
    names: &'a mut Vec<Arc<str>>,
}

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = Vec<(Arc<str>, Cell)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
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
        out.write_str("a member name")
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
