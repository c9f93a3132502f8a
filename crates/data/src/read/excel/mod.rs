//! Reads a worksheet of an Excel workbook as a table with a header.
//!
//! [`sheet`] reads the workbook, row by row, on a thread of its own. [`limits`] checks the parts of the workbook before
//! that, because a small file can decompress to any amount of data.

mod limits;
mod sheet;

use std::collections::HashSet;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use serde_json::value::RawValue;

use super::error::{ReadError, SAMPLE, broken};
use super::options::ReadOptions;
use crate::error::DataError;
use crate::note::Note;
use crate::open::Stream;
use crate::reject::Reject;
use crate::remedy::Remedy;
use crate::row::{Article, Cell, Position, Row, Table};
use crate::write::row_to_json;
use sheet::{Message, SheetRow};

/// The magic bytes of a ZIP archive, which a workbook is.
pub(super) const ZIP: &[u8] = b"PK\x03\x04";
/// The maximum size of a workbook in bytes. It is read into memory.
const MAX_WORKBOOK: u64 = 256 * 1024 * 1024;
/// The maximum number of rows of a sheet: that of Excel.
const MAX_ROWS: u64 = 1_048_576;

/// The rows of a worksheet.
pub(super) struct Excel {
    name: Arc<str>,
    messages: Receiver<Message>,
    table: Table,
    text: usize,
    title: Option<usize>,
    limit: usize,
    /// The number of the last row that was read, in the sheet.
    row: u64,
}

impl Excel {
    /// Opens a workbook and reads the header of a sheet. Returns `None` if the sheet is empty.
    ///
    /// # Errors
    /// If the workbook cannot be read, or lacks the sheet or the text column.
    pub fn new(
        mut stream: Stream,
        name: Arc<str>,
        options: &ReadOptions,
        limit: usize,
    ) -> Result<Option<Excel>, DataError> {
        let failed = |source| DataError::Broken { name: name.to_string(), rows: 0, source };
        let unusable = |cause: &str| DataError::Workbook { name: name.to_string(), cause: cause.to_owned() };
        if stream.peek(|start| start.len() == ZIP.len()).map_err(failed)? != ZIP {
            return Err(unusable("it is not an .xlsx workbook, or it has a password"));
        }
        let mut bytes = Vec::new();
        stream.reader.take(MAX_WORKBOOK + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > MAX_WORKBOOK {
            return Err(unusable("the workbook is larger than 256 MiB"));
        }
        let messages = sheet::read(bytes.into(), options.sheet.clone(), limit as u64).map_err(failed)?;
        match messages.recv() {
            Ok(Message::Opened { sheet, others }) if !others.is_empty() && options.sheet.is_none() => {
                options.notes.add(Note::OneSheetOfSeveral { name: name.to_string(), sheet, others });
            }
            Ok(Message::NoSheet { sheet, sheets }) => {
                return Err(DataError::NoSheet { name: name.to_string(), sheet, sheets });
            }
            Ok(Message::Failed(cause)) => return Err(unusable(&cause)),
            _ => {}
        }
        let header = match messages.recv() {
            Ok(Message::Row(header)) => header,
            Ok(Message::Failed(cause)) => return Err(unusable(&cause)),
            _ => return Ok(None),
        };
        let columns = column_names(&header);
        let names: Vec<&str> = columns.iter().map(String::as_str).collect();
        let (text, title) = options.article_columns(&name, &names)?;
        let table = Table::named(columns.iter().map(|column| Arc::from(column.as_str())).collect());
        Ok(Some(Excel { name, messages, table, text, title, limit, row: header.number }))
    }

    /// Returns the columns of the header.
    pub fn table(&self) -> &Table {
        &self.table
    }

    fn row(&self, row: SheetRow) -> Result<Row, ReadError> {
        let position = Position { source: Arc::clone(&self.name), row: row.number, line: 0, offset: 0 };
        let mut cells = vec![RawValue::NULL.to_owned(); self.table.columns.len()];
        let mut beyond = None;
        for (column, value) in row.cells {
            match cells.get_mut(column) {
                Some(cell) => *cell = value,
                None => beyond = Some(column),
            }
        }
        let cells = cells.into_iter().map(Cell::Json);
        let columns: Vec<(Arc<str>, Cell)> = self.table.columns.iter().cloned().zip(cells).collect();
        let text_of = |column: usize| match &columns[column].1 {
            cell if cell.is_null() => None,
            cell => Some(cell.as_text().unwrap_or_else(|| cell.raw_text()).into_owned()),
        };
        let text = text_of(self.text).unwrap_or_default();
        let article = Article { title: self.title.and_then(text_of), text, target_entity: None };
        let row = Row { position, columns, article, raw_line: None, was_html: false };
        let rejected = |cause: String, remedy: Remedy, raw: String| {
            Err(ReadError::Reject(Reject::new(row.position.clone(), cause, Some(remedy), raw)))
        };
        if let Some(column) = beyond {
            let cause = format!("the column {} has a value, but no header", letters(column));
            return rejected(cause, Remedy::NameColumn, row_to_json(&row));
        }
        if row.article.text.len() > self.limit {
            let start = row.article.text.chars().take(SAMPLE).collect();
            return rejected(format!("the text is longer than {} bytes", self.limit), Remedy::CheckLength, start);
        }
        Ok(row)
    }
}

impl Iterator for Excel {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.messages.recv() {
            Ok(Message::Row(row)) if row.number > MAX_ROWS => {
                let source = io::Error::new(io::ErrorKind::InvalidData, "the sheet has more rows than Excel can write");
                Some(Err(broken(&self.name, self.row, source)))
            }
            Ok(Message::Row(row)) => {
                self.row = row.number;
                Some(self.row(row))
            }
            Ok(Message::Failed(cause)) => {
                let source = io::Error::new(io::ErrorKind::InvalidData, cause);
                Some(Err(broken(&self.name, self.row, source)))
            }
            _ => None,
        }
    }
}

/// Returns the names of the columns. A column without a name gets that of Excel, such as `C`.
fn column_names(header: &SheetRow) -> Vec<String> {
    let last = header.cells.iter().filter(|(_, value)| value.get() != "null").map(|(column, _)| *column).max();
    let mut names = vec![String::new(); last.map_or(0, |last| last + 1)];
    for (column, value) in &header.cells {
        if let Some(name) = names.get_mut(*column) {
            let cell = Cell::Json(value.clone());
            *name = match cell.is_null() {
                true => String::new(),
                false => cell.as_text().unwrap_or_else(|| cell.raw_text()).trim().to_owned(),
            };
        }
    }
    let taken: HashSet<String> = names.iter().cloned().collect();
    for (column, name) in names.iter_mut().enumerate().filter(|(_, name)| name.is_empty()) {
        *name = letters(column);
        while taken.contains(name) {
            name.push('_');
        }
    }
    names
}

/// Returns the letters by which Excel names a column, which is counted from 0.
fn letters(column: usize) -> String {
    let (mut letters, mut rest) = (Vec::new(), column + 1);
    while rest > 0 {
        letters.push(char::from(b'A' + ((rest - 1) % 26) as u8));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_the_letters_of_excel() {
        assert_eq!([0, 25, 26, 701, 702, 16_383].map(letters), ["A", "Z", "AA", "ZZ", "AAA", "XFD"]);
    }
}
