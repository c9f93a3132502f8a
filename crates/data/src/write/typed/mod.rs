//! Typed tables: Arrow streams and Parquet files.

mod block;
mod layout;
mod parquet;
mod parquet_types;
mod sink;
mod stream;
mod values;
mod writer;

pub(super) use parquet::{Parquet, finish_file};
pub(super) use stream::{Stream, schema_of};
pub(super) use writer::Typed;
