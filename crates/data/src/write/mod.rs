//! Writes rows: every input column as it was read, followed by the added columns.
//!
//! An added column never replaces an input column: such a row is an error. The caller chooses other names, or leaves the
//! input column out with a [`ColumnSelection`].

mod delimited;
mod jsonl;
mod output;
mod reject;
mod row_writer;
mod selection;
mod typed;
mod writer;

pub(crate) use jsonl::row_to_json;
pub use output::{append, continue_at, continue_at_with, create, is_compressed};
pub use row_writer::{RowWriter, TableStyle, Value};
pub use selection::ColumnSelection;
pub use typed::{added_array, added_fields, schema_with_added};
pub use writer::{finish_file, partial_writer, partial_writer_with, writer, writer_after};
