//! From a stream of bytes to rows, one module per format.
//!
//! All formats agree on three things: every column goes through untouched, a row that cannot be used becomes a
//! [`Reject`] and reading goes on, and a stream that breaks ends the reading with what was read until then intact.

mod columns;
mod delimited;
mod html;
mod ipc;
mod jsonl;
mod mention;
mod text;
mod typed;

use std::fmt;
use std::sync::Arc;

use crate::article::{Position, Row};
use crate::encoding::Encoding;
use crate::error::DataError;
use crate::format::Format;
use crate::open::{Stream, open};
use crate::source::Source;
use crate::table::Table;
use crate::watch::Watch;

pub use columns::all_columns;
pub use mention::MentionFields;

/// The largest row that is read. A larger one is no article, and must not fill the memory.
const LONGEST_ROW: usize = 64 * 1024 * 1024;
/// The longest header in which a format and a delimiter are looked for.
const LONGEST_HEADER: usize = 64 * 1024;
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
    /// The encoding of texts; UTF-8, or UTF-16 where a byte order mark says so, when absent. Typed tables are not asked.
    pub encoding: Option<Encoding>,
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
    table: Option<Table>,
    rows: Box<dyn Iterator<Item = Result<Row, ReadError>> + Send>,
    mention: Option<MentionFields>,
    ended: bool,
}

impl RowReader {
    /// The format in which the source is read.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The columns that every row has, in formats that say so before the first row.
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
    let by_ending = match source {
        Source::Stdin => None,
        Source::File(path) => Format::from_path(path),
    };
    let format = options.format.or(by_ending);
    let reader =
        |format, table, rows| RowReader { format, table, rows, mention: options.mention.clone(), ended: false };
    let typed = |format, rows: typed::Typed| reader(format, Some(rows.table().clone()), Box::new(rows));
    if let Source::File(path) = source
        && format.map_or_else(|| typed::is_parquet(path), |format| format == Format::Parquet)
    {
        let rows = typed::Typed::parquet(path, name, options, LONGEST_ROW, watch)?;
        return Ok(typed(Format::Parquet, rows));
    }
    let mut stream = open(source, watch)?;
    let format = match format {
        None => typed_by_start(&mut stream, &name)?,
        format => format,
    };
    if !format.is_some_and(Format::is_in_blocks) {
        stream.decode(&name, options.encoding)?;
    }
    let format = match format {
        Some(format) => format,
        None => sniff(&mut stream, &name, options)?,
    };
    let delimited = |stream, name, delimiter| -> Result<_, DataError> {
        let rows = delimited::Delimited::new(stream, name, options, delimiter, LONGEST_ROW)?;
        Ok(reader(format, Some(rows.table().clone()), Box::new(rows)))
    };
    Ok(match format {
        Format::Text => {
            reader(format, None, Box::new(std::iter::once_with(move || text::row(stream, name, LONGEST_ROW))))
        }
        Format::Html => {
            reader(format, None, Box::new(std::iter::once_with(move || html::row(stream, name, LONGEST_ROW))))
        }
        Format::JsonLines => {
            reader(format, None, Box::new(jsonl::JsonLines::new(stream, name, options.clone(), LONGEST_ROW)))
        }
        Format::Csv => delimited(stream, name, None)?,
        Format::Tsv => delimited(stream, name, Some(b'\t'))?,
        Format::Arrow => typed(format, typed::Typed::arrow(stream, name, options, LONGEST_ROW)?),
        // A file of that format was opened above.
        Format::Parquet => return Err(DataError::ParquetStream { name: name.to_string() }),
    })
}

/// The format of a typed table, if the first bytes are those of one.
fn typed_by_start(stream: &mut Stream, name: &str) -> Result<Option<Format>, DataError> {
    let starts =
        [(typed::PARQUET, Format::Parquet), (typed::ARROW_FILE, Format::Arrow), (typed::ARROW_STREAM, Format::Arrow)];
    let may_be = |seen: &[u8]| starts.iter().any(|(start, _)| start.starts_with(seen));
    let seen = stream.peek(|seen| !may_be(seen)).map_err(|source| DataError::Broken {
        name: name.to_owned(),
        rows: 0,
        source,
    })?;
    Ok(starts.iter().find(|(start, _)| seen.starts_with(start)).map(|(_, format)| *format))
}

/// A stream without a telling name is JSON Lines if it opens an object, a table if its first line names a column of texts among
/// others, a page if it opens like one, and otherwise a text.
fn sniff(stream: &mut Stream, name: &str, options: &ReadOptions) -> Result<Format, DataError> {
    let seen = stream
        .peek(|seen| {
            let begun = seen.trim_ascii();
            let enough = match begun.first() {
                None => false,
                Some(b'{') => true,
                Some(b'[') => begun.len() > 1,
                Some(_) => seen.last() == Some(&b'\n'),
            };
            enough || seen.len() == LONGEST_HEADER
        })
        .map_err(|source| DataError::Broken { name: name.to_owned(), rows: 0, source })?;
    let mut solid = seen.iter().copied().filter(|byte| !byte.is_ascii_whitespace());
    match (solid.next(), solid.next()) {
        (Some(b'{'), _) => return Ok(Format::JsonLines),
        (Some(b'['), Some(b'{')) => return Err(DataError::JsonArray { name: name.to_owned() }),
        _ => {}
    }
    let begun = seen.trim_ascii_start();
    let opens = |tag: &[u8]| begun.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    Ok(match options.delimiter(&seen) {
        _ if opens(b"<!doctype html") || opens(b"<html") => Format::Html,
        Some(b'\t') => Format::Tsv,
        Some(_) => Format::Csv,
        None => Format::Text,
    })
}

impl ReadOptions {
    /// The delimiter by which the first line that is not blank is a header: it parts a column of texts from others.
    fn delimiter(&self, seen: &[u8]) -> Option<u8> {
        let line = seen.trim_ascii_start().split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        b",\t;|".iter().copied().find(|delimiter| {
            let names: Vec<&str> =
                line.split(char::from(*delimiter)).map(|name| name.trim_matches(['"', '\u{feff}'])).collect();
            // Sentences have semicolons and bars as well, with a space beside them.
            let is_tight = matches!(delimiter, b',' | b'\t') || names.iter().all(|name| name.trim() == *name);
            names.len() > 1 && is_tight && self.text_column(&names).is_some()
        })
    }

    /// Which of these columns holds the text.
    fn text_column(&self, names: &[&str]) -> Option<usize> {
        find(names, self.text_field.as_deref(), &TEXT_NAMES)
    }

    /// The columns of text and title in a table that has these, which must make sense.
    fn article_columns(&self, name: &str, found: &[&str]) -> Result<(usize, Option<usize>), DataError> {
        if let Some(at) = (1..found.len()).find(|at| found[..*at].contains(&found[*at])) {
            let cause = format!("the column `{}` stands there twice", found[at]);
            return Err(DataError::Header { name: name.to_owned(), cause });
        }
        let no_column = |column: &Option<String>| {
            let (name, found) = (name.to_owned(), found.iter().map(|column| column.to_string()).collect());
            match column {
                Some(column) => DataError::NoColumn { name, column: column.clone(), found },
                None => DataError::NoTextColumn { name, found },
            }
        };
        let text = self.text_column(found).ok_or_else(|| no_column(&self.text_field))?;
        let title = self.title_column(found, text);
        if title.is_none() && self.title_field.is_some() {
            return Err(no_column(&self.title_field));
        }
        for column in self.mention.iter().flat_map(MentionFields::columns) {
            if !found.contains(&column.as_str()) {
                return Err(no_column(&Some(column.clone())));
            }
        }
        Ok((text, title))
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
    reject(position, cause, Some("if the file is in another encoding, name it: `--encoding latin1`, say"), raw)
}

fn broken(name: &Arc<str>, rows: u64, source: std::io::Error) -> ReadError {
    ReadError::Fatal(DataError::Broken { name: name.to_string(), rows, source })
}
