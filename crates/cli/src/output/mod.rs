//! Where results go and how they look: destinations, formats, tables, pages and progress.

pub mod atomic;
mod column_lines;
pub mod count;
pub mod destination;
#[cfg(feature = "hub")]
pub mod download;
pub mod format;
pub mod machine;
pub mod page;
pub mod progress;
pub mod reject_log;
pub mod reporting;
pub mod row_table;
pub mod shell;
pub mod table;
pub mod terminal;
pub mod total;
