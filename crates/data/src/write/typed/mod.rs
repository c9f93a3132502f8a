//! Typed tables: Arrow streams and Parquet files.

mod added;
mod block;
mod layout;
mod parquet;
mod parquet_types;
mod sink;
mod stream;
mod values;
mod writer;

pub use added::{added_array, added_fields, schema_with_added};
pub(super) use parquet::{Parquet, finish_file};
pub(super) use stream::{Stream, schema_of};
pub(super) use writer::Typed;
