//! Writes rows: every input column as it was read, followed by the added columns.
//!
//! An added column replaces an input column of the same name. So labelling a corpus again replaces the labels of the
//! first time. The replaced column moves to the position of the added columns.

mod delimited;
mod jsonl;
mod output;
mod reject;
mod row_writer;
mod typed;
mod writer;

pub(crate) use jsonl::row_to_json;
pub use output::{append, continue_at, continue_at_with, create, is_compressed};
pub use row_writer::{RowWriter, Value};
pub use writer::{finish_file, partial_writer, partial_writer_with, writer, writer_after};
