//! Labels Arrow record batches: a batch in, the same batch with added columns out.
//!
//! This is for callers that read and write themselves: Python, and engines such as Spark. The rows are read by the code
//! that reads Arrow and Parquet files, and the added columns have the names and types that a corpus run gives them.
//!
//! - [`BatchLabeller`] knows the columns of its output before the first batch.
//! - [`BatchStream`] labels several batches at once, on threads of its own.

mod labeller;
mod rows;
mod stream;

pub use labeller::{BatchLabeller, BatchOptions, LabelledBatch, Unusable};
pub use stream::BatchStream;
