//! Reads rows from a stream of bytes. There is one module per format.
//!
//! All formats share three rules. Every column is kept unchanged. A row that cannot be used becomes a reject, and
//! reading continues. A stream that breaks ends the reading, and the rows before the error stay valid.

mod amount;
mod batch;
mod columns;
mod delimited;
mod detect;
mod error;
mod excel;
mod first_columns;
mod finish;
mod html;
mod ipc;
mod json_values;
mod jsonl;
mod missing_text;
mod options;
mod reader;
mod target_entity;
mod text;
mod typed;
mod typed_columns;

pub use amount::Amount;
pub use batch::BatchRows;
pub use columns::all_columns;
pub use error::ReadError;
pub use first_columns::first_columns;
pub use options::ReadOptions;
pub use reader::{RowReader, read, read_monitored};
pub use target_entity::TargetFields;
