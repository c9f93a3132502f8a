//! What the user sees of results.

pub mod corpus;
pub mod format;
pub mod page;
pub mod progress;
pub mod table;
pub mod whole;
