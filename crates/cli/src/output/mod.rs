//! What the user sees of results.

pub mod corpus;
pub mod table;
