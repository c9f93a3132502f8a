//! What a source declares about its rows before the first row.

use std::sync::Arc;

use arrow_schema::SchemaRef;

/// The columns that every row of a source has.
#[derive(Debug, Clone)]
pub struct Table {
    /// The names of the columns, in order.
    pub columns: Vec<Arc<str>>,
    /// How the rows are stored, if that is known.
    pub form: TableForm,
}

/// How the rows of a table are stored.
#[derive(Debug, Clone)]
pub enum TableForm {
    /// Only the names of the columns are known.
    Named,
    /// Text fields with a delimiter between them.
    Delimited(Dialect),
    /// Typed columns.
    Typed(SchemaRef),
}

/// How a CSV or TSV file is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    /// The byte between two fields.
    pub delimiter: u8,
    /// Whether lines end with `\r\n`.
    pub crlf: bool,
    /// Whether the file starts with a byte order mark. Spreadsheets need it to recognise UTF-8.
    pub byte_order_mark: bool,
    /// The header line as it was read, without its line break. `None` if some of its columns are left out.
    pub header: Option<String>,
}

impl Table {
    /// Returns a table of which only the names of the columns are known.
    pub fn named(columns: Vec<Arc<str>>) -> Table {
        Table { columns, form: TableForm::Named }
    }
}
