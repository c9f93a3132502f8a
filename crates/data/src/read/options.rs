//! How a source is read, and which of its columns contain the article.

use std::borrow::Cow;
use std::collections::HashSet;

use arrow_schema::Schema;

use super::error::MAX_COLUMNS;
use super::target_entity::TargetFields;
use crate::error::DataError;
use crate::format::Format;
use crate::markup::HtmlMode;
use crate::note::Notes;
use crate::open::Encoding;
use crate::remedy::ColumnRole;
use crate::row::{add_typed_names, nested_type, splits};

const TEXT_NAMES: [&str; 4] = ["text", "body", "content", "article"];
const TITLE_NAMES: [&str; 2] = ["title", "headline"];
/// The delimiters that are detected, in the order in which they are tried.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// How a source is read. By default the format, the text column and the title column are detected.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// The format. By default it follows from the suffix of the file or from the first bytes.
    pub format: Option<Format>,
    /// The encoding of text formats. By default UTF-16 is detected, and anything else is UTF-8.
    pub encoding: Option<Encoding>,
    /// The sheet of an Excel workbook. By default the first one.
    pub sheet: Option<String>,
    /// Receives notes about the sources.
    pub notes: Notes,
    /// The field of the text: a column, or a value nested in a column, such as `article.body`. By default the first of
    /// the columns `text`, `body`, `content`, `article`.
    pub text_field: Option<String>,
    /// The field of the title. By default the first of the columns `title`, `headline`.
    pub title_field: Option<String>,
    /// What is done with HTML in titles and texts. The main text of an HTML page is plain text already.
    pub html: HtmlMode,
    /// The columns that name the target entity. By default a row has none.
    pub target_fields: Option<TargetFields>,
    /// Whether rows with a blank article are rows like others. By default they are rejects.
    pub allows_blank: bool,
    /// Whether a column without values, whose type is unknown, counts as one of blank texts. A batch of a larger table may
    /// have such a column. A file with one is most likely not what the user meant.
    pub allows_null_type: bool,
    /// Reads rows whether or not they hold an article: the text column may be missing, and texts may be blank.
    pub rows_only: bool,
}

/// Which values a table may have inside its columns.
#[derive(Clone, Copy)]
pub(super) enum Nested<'s> {
    /// None.
    Nothing,
    /// Those of the types in the schema.
    Typed(&'s Schema),
    /// Any: the texts in the columns may be JSON.
    Json,
}

impl<'s> Nested<'s> {
    fn schema(self) -> Option<&'s Schema> {
        match self {
            Nested::Typed(schema) => Some(schema),
            Nested::Nothing | Nested::Json => None,
        }
    }
}

impl ReadOptions {
    /// Returns the delimiter with which the first line that is not blank is a header: it separates a text column from
    /// others.
    pub(super) fn delimiter(&self, start: &[u8]) -> Option<u8> {
        let line = first_line(start);
        let has_text =
            |delimiter: &u8| names_between(&line, *delimiter).is_some_and(|names| self.text_column(&names).is_some());
        DELIMITERS.into_iter().find(has_text)
    }

    /// Returns the delimiter of a table whose header has no text column between delimiters: the one that separates the
    /// most names.
    pub(super) fn likely_delimiter(&self, start: &[u8]) -> u8 {
        let line = first_line(start);
        if self.text_column(&[line.trim_matches(['"', '\u{feff}'])]).is_some() {
            return DELIMITERS[0];
        }
        let count = |delimiter: u8| names_between(&line, delimiter).map_or(0, |names| names.len());
        // Of several maxima, the last one is returned.
        DELIMITERS.into_iter().rev().max_by_key(|delimiter| count(*delimiter)).unwrap_or(DELIMITERS[0])
    }

    /// Returns whether the text column may be missing.
    pub(super) fn may_lack_text(&self) -> bool {
        self.rows_only && self.text_field.is_none()
    }

    /// Returns the index of the text column among these names.
    pub(super) fn text_column(&self, names: &[&str]) -> Option<usize> {
        find(names, self.text_field.as_deref(), &TEXT_NAMES)
    }

    /// Returns the index of the title column among these names. It is never the text column.
    pub(super) fn title_column(&self, names: &[&str], text: usize) -> Option<usize> {
        find(names, self.title_field.as_deref(), &TITLE_NAMES).filter(|title| *title != text)
    }

    /// Returns those of these columns that contain the article and its target entity.
    pub fn article_columns_of<'c>(&self, columns: &[&'c str]) -> Vec<&'c str> {
        // A value may be nested in a column.
        let outer = |field: Option<&String>| outer_column(columns, field?);
        let text = self.text_column(columns);
        let title = self.title_column(columns, text.unwrap_or(usize::MAX));
        let text = text.or_else(|| outer(self.text_field.as_ref()));
        let title = title.or_else(|| outer(self.title_field.as_ref())).filter(|_| text.is_some());
        let article = text.into_iter().chain(title).map(|index| columns[index]);
        let targets: Vec<&str> = (self.target_fields.iter().flat_map(TargetFields::columns))
            .filter_map(|field| {
                let column = columns.iter().position(|column| *column == field.as_str());
                column.or_else(|| outer_column(columns, field)).map(|index| columns[index])
            })
            .collect();
        let of_target = |column: &&&str| targets.contains(*column);
        let mut found: Vec<&str> = article.chain(columns.iter().filter(of_target).copied()).collect();
        found.dedup();
        found
    }

    /// Returns the indices of the text column and the title column of a table with these columns, whose values are not
    /// nested.
    ///
    /// # Errors
    /// If there are too many columns, a name occurs twice, or a requested column or the text column does not exist.
    pub(super) fn article_columns(&self, name: &str, columns: &[&str]) -> Result<(usize, Option<usize>), DataError> {
        let (text, title) = self.article_places(name, columns, Nested::Nothing)?;
        Ok((text.column, title.map(|title| title.column)))
    }

    /// Returns where the text and the title are in a table with these columns. `nested` says
    /// where nested values may be.
    ///
    /// # Errors
    /// As [`ReadOptions::article_columns`].
    pub(super) fn article_places(
        &self,
        name: &str,
        columns: &[&str],
        nested: Nested,
    ) -> Result<(Place, Option<Place>), DataError> {
        if columns.len() > MAX_COLUMNS {
            let (name, columns) = (name.to_owned(), columns.len());
            return Err(DataError::TooManyColumns { name, columns, limit: MAX_COLUMNS });
        }
        let mut seen = HashSet::with_capacity(columns.len());
        if let Some(column) = columns.iter().find(|column| !seen.insert(**column)) {
            let cause = format!("the column `{column}` occurs twice");
            return Err(DataError::Header { name: name.to_owned(), cause });
        }
        let no_column = |column: &Option<String>, role: ColumnRole| {
            let (name, columns) = (name.to_owned(), all_names(columns, nested.schema()));
            match column {
                Some(column) => DataError::NoColumn { name, column: column.clone(), role, columns },
                None => DataError::NoTextColumn { name, columns },
            }
        };
        let place = |column: Option<usize>, requested: &Option<String>| match column {
            Some(column) => Some(Place { column, path: None }),
            None => nested_place(columns, nested, requested.as_deref()?),
        };
        // Nothing reads the text of rows without an article, so that any column will do.
        let instead =
            || self.may_lack_text().then_some(Place { column: 0, path: None }).filter(|_| !columns.is_empty());
        let text = place(self.text_column(columns), &self.text_field)
            .or_else(instead)
            .ok_or_else(|| no_column(&self.text_field, ColumnRole::Text))?;
        let title = self.title_column(columns, if text.path.is_none() { text.column } else { usize::MAX });
        let title = place(title, &self.title_field).filter(|title| *title != text);
        if title.is_none() && self.title_field.is_some() {
            return Err(no_column(&self.title_field, ColumnRole::Title));
        }
        for column in self.target_fields.iter().flat_map(TargetFields::columns) {
            let is_nested = || nested_place(columns, nested, column).is_some();
            if !columns.contains(&column.as_str()) && !is_nested() {
                return Err(no_column(&Some(column.clone()), ColumnRole::Target));
            }
        }
        Ok((text, title))
    }
}

/// Returns the first line that is not blank.
fn first_line(start: &[u8]) -> Cow<'_, str> {
    let line = start.trim_ascii_start().split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    String::from_utf8_lossy(line)
}

/// Returns the names of a header line between delimiters. Returns `None` if it does not look like a header with this delimiter.
fn names_between(line: &str, delimiter: u8) -> Option<Vec<&str>> {
    let names: Vec<&str> = line.split(char::from(delimiter)).map(|name| name.trim_matches(['"', '\u{feff}'])).collect();
    // Sentences contain semicolons and bars as well, but with a space next to them.
    let is_tight = matches!(delimiter, b',' | b'\t') || names.iter().all(|name| name.trim() == *name);
    (names.len() > 1 && is_tight).then_some(names)
}

/// Returns whether a column is called as title columns usually are.
pub(super) fn is_title_name(name: &str) -> bool {
    find(&[name], None, &TITLE_NAMES).is_some()
}

/// Where the text or the title of an article is in its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The index of the column.
    pub column: usize,
    /// The path of a value that is nested in the column.
    pub path: Option<String>,
}

/// Returns the index of the column in which a value with this name may be nested.
fn outer_column(columns: &[&str], name: &str) -> Option<usize> {
    splits(name).find_map(|(column, _)| columns.iter().position(|other| *other == column))
}

/// Returns where a nested value is in these columns.
fn nested_place(columns: &[&str], nested: Nested, name: &str) -> Option<Place> {
    splits(name).find_map(|(column, path)| {
        let column = columns.iter().position(|other| *other == column)?;
        match nested {
            Nested::Nothing => return None,
            Nested::Typed(schema) => _ = nested_type(schema.field(column).data_type(), path)?,
            Nested::Json => {}
        }
        Some(Place { column, path: Some(path.to_owned()) })
    })
}

/// Returns the names of columns, and of the values that are nested in columns of these types.
pub(super) fn all_names(columns: &[&str], schema: Option<&Schema>) -> Vec<String> {
    let mut nested = Vec::new();
    for field in schema.into_iter().flat_map(Schema::fields) {
        add_typed_names(field.data_type(), field.name(), &mut nested);
    }
    columns.iter().map(|column| column.to_string()).chain(nested).collect()
}

/// Returns the index of the requested column, or of the first of the usual ones. An exact match comes before one in
/// another letter case.
fn find(names: &[&str], requested: Option<&str>, usual: &[&str]) -> Option<usize> {
    let similar = |name: &str| names.iter().position(|other| other.trim().eq_ignore_ascii_case(name));
    match requested {
        Some(requested) => names.iter().position(|name| *name == requested).or_else(|| similar(requested)),
        None => usual.iter().find_map(|usual| similar(usual)),
    }
}
