//! What the user sees of results.

pub mod corpus;
pub mod progress;
pub mod table;
