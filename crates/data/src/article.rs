//! An article, and the row of a corpus that it came in.
//!
//! A row keeps every input column exactly as it was read, next to the article that the model reads, so that a writer
//! can put the columns out again untouched.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::hash::StableHash;
use crate::typed::TypedCell;
use crate::write::row_as_json;

/// What a model reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    /// The headline, where the corpus has one.
    pub title: Option<String>,
    /// The body.
    pub text: String,
    /// The person or thing that is asked about, where it is not the whole article.
    pub mention: Option<Mention>,
}

/// What is asked about in an article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mention {
    /// These bytes of the text.
    Text(Range<usize>),
    /// These bytes of the title.
    Title(Range<usize>),
    /// Something of this name, which stands in neither.
    Before(String),
}

impl Article {
    /// Title, line break, text; the text alone where there is no title, the title alone where there is no text. What is
    /// asked about stands between `[` and `]`.
    pub fn input(&self) -> String {
        let marked = |text: &str, range: &Range<usize>| {
            let (before, name, after) = (&text[..range.start], &text[range.clone()], &text[range.end..]);
            format!("{before}[ {name} ]{after}")
        };
        let title = self.title.as_deref().filter(|title| !is_blank(title));
        match (&self.mention, title) {
            (Some(Mention::Text(range)), title) => join(title, &marked(&self.text, range)),
            (Some(Mention::Title(range)), Some(title)) => join(Some(&marked(title, range)), &self.text),
            (Some(Mention::Before(name)), title) => format!("[ {name} ] {}", join(title, &self.text)),
            (_, title) => join(title, &self.text),
        }
    }

    /// Whether there is nothing to read, in the title or in the text.
    pub fn is_blank(&self) -> bool {
        is_blank(&self.text) && self.title.as_deref().is_none_or(is_blank)
    }
}

fn join(title: Option<&str>, text: &str) -> String {
    match title {
        Some(title) if is_blank(text) => title.to_owned(),
        Some(title) => format!("{title}\n{text}"),
        None => text.to_owned(),
    }
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// One value of an input column, exactly as it was read.
#[derive(Debug, Clone)]
pub enum Cell {
    /// A field of a CSV or TSV file, or the text of a text file.
    Text(String),
    /// The bytes of a JSON value, untouched: `1.0` stays `1.0` and `"\u00e9"` stays `"\u00e9"`.
    Json(Box<RawValue>),
    /// A value of a column with a type.
    Typed(TypedCell),
}

impl Cell {
    /// The string that the cell holds: the text itself, or a JSON string decoded. `None` for any other value,
    /// and for a JSON string that holds half a surrogate pair, which no Rust string can carry.
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Cell::Text(text) => Some(Cow::Borrowed(text)),
            Cell::Typed(typed) => typed.as_text(),
            Cell::Json(raw) if !raw.get().starts_with('"') => None,
            Cell::Json(raw) => serde_json::from_str(raw.get()).ok().map(Cow::Owned),
        }
    }

    /// What stands for the value in a text: a field as it is, anything else as JSON.
    pub fn written(&self) -> Cow<'_, str> {
        match self {
            Cell::Text(text) => Cow::Borrowed(text),
            Cell::Json(raw) => Cow::Borrowed(raw.get()),
            Cell::Typed(typed) => Cow::Owned(typed.to_json()),
        }
    }

    /// Whether there is no value: a JSON `null`, or nothing in a typed column.
    pub fn is_null(&self) -> bool {
        match self {
            Cell::Text(_) => false,
            Cell::Json(raw) => raw.get() == "null",
            Cell::Typed(typed) => typed.is_null(),
        }
    }

    /// About how many bytes it takes.
    fn size(&self) -> usize {
        match self {
            Cell::Text(text) => text.len(),
            Cell::Json(raw) => raw.get().len(),
            Cell::Typed(typed) => typed.as_text().map_or(size_of::<TypedCell>(), |text| text.len()),
        }
    }
}

/// Where a row stands in a corpus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The name of the file, or `<stdin>`.
    pub source: Arc<str>,
    /// Counted from 1: the line of a JSON Lines file, the record of a CSV or TSV file without its header, the row of a
    /// typed table.
    pub row: u64,
    /// The line on which the row starts, counted from 1; 0 in typed tables, which have no lines.
    pub line: u64,
    /// The byte at which the row starts, in the decompressed stream; 0 in typed tables, whose columns stand apart.
    pub offset: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        Position::write(out, &self.source, self.row, self.line)
    }
}

impl Position {
    /// A place as messages name it.
    pub(crate) fn write(out: &mut fmt::Formatter<'_>, source: &str, row: u64, line: u64) -> fmt::Result {
        match line {
            0 => write!(out, "`{source}`, row {row}"),
            line if line == row => write!(out, "`{source}`, line {line}"),
            line => write!(out, "`{source}`, row {row} (line {line})"),
        }
    }
}

/// One row of a corpus: where it stands, its columns in order, and the article in it.
#[derive(Debug, Clone)]
pub struct Row {
    /// Where the row stands.
    pub position: Position,
    /// Every input column, in the order of the input.
    pub columns: Vec<(Arc<str>, Cell)>,
    /// What the model reads of it.
    pub article: Article,
    /// The line that it stood on, where it can be put out as it was.
    pub line: Option<Line>,
}

/// A row as it was written, without its line break.
#[derive(Debug, Clone)]
pub enum Line {
    /// A JSON object.
    Json(Box<str>),
    /// Fields with this delimiter between them.
    Delimited(Box<str>, u8),
}

impl Row {
    /// The row as one JSON object, to show it where its bytes are gone.
    pub fn to_json(&self) -> String {
        row_as_json(self)
    }

    /// A hash with everything that the row holds taken in: names and values of its columns as they were read.
    pub fn hash(&self, hash: StableHash) -> StableHash {
        self.columns.iter().fold(hash, |hash, (name, cell)| {
            // Neither byte occurs in UTF-8, so they tell where one ends and the next begins.
            hash.with(name.as_bytes()).with(b"\xff").with(cell.written().as_bytes()).with(b"\xfe")
        })
    }

    /// About how many bytes the row's contents take.
    pub fn size(&self) -> usize {
        self.article.text.len() + self.columns.iter().map(|(_, cell)| cell.size()).sum::<usize>()
    }

    /// The value of the column with exactly this name.
    pub fn column(&self, name: &str) -> Option<&Cell> {
        self.columns.iter().find(|(column, _)| &**column == name).map(|(_, cell)| cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn article(title: Option<&str>, text: &str) -> Article {
        Article { title: title.map(str::to_owned), text: text.to_owned(), mention: None }
    }

    #[test]
    fn input_joins_title_and_text() {
        assert_eq!(article(Some("Rates"), "They rose.").input(), "Rates\nThey rose.");
        assert_eq!(article(None, "They rose.").input(), "They rose.");
        assert_eq!(article(Some("  "), "They rose.").input(), "They rose.");
        assert_eq!(article(Some("Rates"), " ").input(), "Rates");
    }

    #[test]
    fn blank_needs_title_and_text_blank() {
        assert!(article(None, " \n").is_blank());
        assert!(article(Some("\t"), "").is_blank());
        assert!(!article(Some("Rates"), "").is_blank());
    }
}
