//! What a source says of all its rows before the first one.

use std::sync::Arc;

use arrow_schema::SchemaRef;

/// The columns that every row of a source has, and how they stand there.
#[derive(Debug, Clone)]
pub struct Table {
    /// Their names, in order.
    pub columns: Vec<Arc<str>>,
    /// More than the names, where there is more.
    pub form: TableForm,
}

/// How the rows of a table are written.
#[derive(Debug, Clone)]
pub enum TableForm {
    /// Nothing is known but the names.
    Named,
    /// Texts with a delimiter between them.
    Delimited(Dialect),
    /// Columns with types.
    Typed(SchemaRef),
}

/// The ways in which tables of texts differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    /// What stands between fields.
    pub delimiter: u8,
    /// Whether lines end as on Windows.
    pub crlf: bool,
    /// Whether the file begins with a byte order mark, by which spreadsheets tell UTF-8.
    pub byte_order_mark: bool,
    /// The header as it was written, without its line break.
    pub header: String,
}

impl Table {
    /// A table of which only the columns' names are known.
    pub fn named(columns: Vec<Arc<str>>) -> Table {
        Table { columns, form: TableForm::Named }
    }
}
