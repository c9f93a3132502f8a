//! From a stream of bytes to rows, one module per format.
//!
//! All formats agree on three things: every column goes through untouched, a row that cannot be used becomes a
//! [`Reject`] and reading goes on, and a stream that breaks ends the reading with what was read until then intact.

mod columns;
mod delimited;
mod jsonl;
mod mention;
mod text;

use std::fmt;
use std::sync::Arc;

use crate::article::{Position, Row};
use crate::error::DataError;
use crate::format::Format;
use crate::open::{Stream, open};
use crate::source::Source;
use crate::watch::Watch;

pub use columns::all_columns;
pub use mention::MentionFields;

/// The largest row that is read. A larger one is no article, and must not fill the memory.
const LONGEST_ROW: usize = 64 * 1024 * 1024;
/// How much of a row that is too long, or no text at all, goes into its reject.
const SAMPLE: usize = 1024;

/// Why a row without an article is rejected.
const BLANK: &str = "the text is blank";
/// What to do about a row without an article.
const BLANK_HINT: &str = "a row needs a text or a title; --text-field names another column as the text";

const TEXT_NAMES: [&str; 4] = ["text", "body", "content", "article"];
const TITLE_NAMES: [&str; 2] = ["title", "headline"];

/// How a source is read. The default finds format, text and title by itself.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// The format; found by the file's ending, or by the first bytes, when absent.
    pub format: Option<Format>,
    /// The column of the text; the first of `text`, `body`, `content`, `article` when absent.
    pub text_field: Option<String>,
    /// The column of the title; the first of `title`, `headline` when absent.
    pub title_field: Option<String>,
    /// The columns that say what is asked about; the whole article when absent.
    pub mention: Option<MentionFields>,
}

/// A row that could not be used.
#[derive(Debug, Clone)]
pub struct Reject {
    /// Where the row stands.
    pub position: Position,
    /// Why it could not be used.
    pub cause: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The row itself, so that nothing is lost; bytes that are no UTF-8 are replaced. Of a row that is too long, or
    /// that is no text at all, only the beginning.
    pub raw: String,
}

impl Reject {
    /// A row that a table's header has no place for: that row's trouble, not the corpus's.
    pub fn without_place(row: &Row, column: &str) -> Self {
        Self {
            position: row.position.clone(),
            cause: format!("its column `{column}` is not in the header of the output"),
            hint: Some("write JSON Lines, where each row has its own columns".into()),
            raw: row.to_json(),
        }
    }

    /// Whether there was nothing to read in it: neither a text nor a title.
    pub fn is_blank(&self) -> bool {
        self.cause == BLANK
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.position, self.cause)
    }
}

/// Why there is no row.
#[derive(Debug)]
pub enum ReadError {
    /// This row could not be used; the next one may be fine.
    Reject(Reject),
    /// The stream broke; nothing comes after this.
    Fatal(DataError),
}

/// The rows of one source, in order.
pub struct RowReader {
    format: Format,
    columns: Vec<Arc<str>>,
    rows: Box<dyn Iterator<Item = Result<Row, ReadError>> + Send>,
    mention: Option<MentionFields>,
    ended: bool,
}

impl RowReader {
    /// The format in which the source is read.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The columns that every row has, where the source's header names them; empty for other formats.
    pub fn columns(&self) -> &[Arc<str>] {
        &self.columns
    }
}

impl Iterator for RowReader {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = match (self.rows.next(), &self.mention) {
            (Some(Ok(row)), Some(mention)) => Some(mention.find(row)),
            (item, _) => item,
        };
        self.ended = matches!(item, None | Some(Err(ReadError::Fatal(_))));
        item
    }
}

/// Opens a source and reads its header, if it has one.
pub fn read(source: &Source, options: &ReadOptions) -> Result<RowReader, DataError> {
    read_opened(source, options, None)
}

/// As [`read`], with somebody who watches the source's bytes.
pub fn read_watched(source: &Source, options: &ReadOptions, watch: &Arc<Watch>) -> Result<RowReader, DataError> {
    read_opened(source, options, Some(watch))
}

fn read_opened(source: &Source, options: &ReadOptions, watch: Option<&Arc<Watch>>) -> Result<RowReader, DataError> {
    let name = source.name();
    let mut stream = open(source, watch)?;
    let by_ending = match source {
        Source::Stdin => None,
        Source::File(path) => Format::from_path(path),
    };
    let format = match options.format.or(by_ending) {
        Some(format) => format,
        None => sniff(&mut stream, &name, options)?,
    };
    let mut columns = Vec::new();
    let mut table = |stream, name, delimiter| -> Result<_, DataError> {
        let table = delimited::Delimited::new(stream, name, options, delimiter, LONGEST_ROW)?;
        columns = table.columns().to_vec();
        Ok(Box::new(table))
    };
    let rows: Box<dyn Iterator<Item = _> + Send> = match format {
        Format::Text => Box::new(std::iter::once_with(move || text::row(stream, name, LONGEST_ROW))),
        Format::JsonLines => Box::new(jsonl::JsonLines::new(stream, name, options.clone(), LONGEST_ROW)),
        Format::Csv => table(stream, name, b',')?,
        Format::Tsv => table(stream, name, b'\t')?,
    };
    Ok(RowReader { format, columns, rows, mention: options.mention.clone(), ended: false })
}

/// A stream without a telling name is JSON Lines if it opens an object, a table if its first line names a column of
/// texts among others, and otherwise a text.
fn sniff(stream: &mut Stream, name: &str, options: &ReadOptions) -> Result<Format, DataError> {
    const FURTHEST: usize = 64 * 1024;
    let seen = stream
        .peek(|seen| {
            let begun = seen.trim_ascii();
            let enough = match begun.first() {
                None => false,
                Some(b'{') => true,
                Some(b'[') => begun.len() > 1,
                Some(_) => seen.trim_ascii_start().contains(&b'\n'),
            };
            enough || seen.len() == FURTHEST
        })
        .map_err(|source| DataError::Broken { name: name.to_owned(), rows: 0, source })?;
    let mut solid = seen.iter().copied().filter(|byte| !byte.is_ascii_whitespace());
    match (solid.next(), solid.next()) {
        (Some(b'{'), _) => return Ok(Format::JsonLines),
        (Some(b'['), Some(b'{')) => return Err(DataError::JsonArray { name: name.to_owned() }),
        _ => {}
    }
    let line = seen.trim_ascii_start().split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let is_header = |delimiter: char| {
        let names: Vec<&str> = line.split(delimiter).map(|name| name.trim_matches('"')).collect();
        names.len() > 1 && options.text_column(&names).is_some()
    };
    Ok(match (is_header(','), is_header('\t')) {
        (true, _) => Format::Csv,
        (_, true) => Format::Tsv,
        _ => Format::Text,
    })
}

impl ReadOptions {
    /// Which of these columns holds the text.
    fn text_column(&self, names: &[&str]) -> Option<usize> {
        find(names, self.text_field.as_deref(), &TEXT_NAMES)
    }

    /// Which of these columns holds the title; never the one that holds the text.
    fn title_column(&self, names: &[&str], text: usize) -> Option<usize> {
        find(names, self.title_field.as_deref(), &TITLE_NAMES).filter(|title| *title != text)
    }
}

/// The wanted column, in any case of letters if not exactly; or the first of the usual ones.
fn find(names: &[&str], wanted: Option<&str>, usual: &[&str]) -> Option<usize> {
    let like = |wanted: &str| names.iter().position(|name| name.trim().eq_ignore_ascii_case(wanted));
    match wanted {
        Some(wanted) => names.iter().position(|name| *name == wanted).or_else(|| like(wanted)),
        None => usual.iter().find_map(|usual| like(usual)),
    }
}

/// The reject of a row, with its bytes.
fn reject(position: Position, cause: impl Into<String>, hint: Option<&str>, raw: &[u8]) -> ReadError {
    ReadError::Reject(Reject {
        position,
        cause: cause.into(),
        hint: hint.map(str::to_owned),
        raw: String::from_utf8_lossy(raw).into_owned(),
    })
}

fn not_utf8(position: Position, error: &std::str::Utf8Error, raw: &[u8]) -> ReadError {
    let cause = format!("byte {} of the row is not valid UTF-8", error.valid_up_to());
    reject(position, cause, Some("convert the file to UTF-8 first, for example with `iconv -f latin1 -t utf-8`"), raw)
}

fn broken(name: &Arc<str>, rows: u64, source: std::io::Error) -> ReadError {
    ReadError::Fatal(DataError::Broken { name: name.to_string(), rows, source })
}
