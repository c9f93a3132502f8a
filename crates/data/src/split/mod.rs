//! Splits a data set into training, validation and test articles by a hash of each text.
//!
//! The order of the rows and their file do not matter. Articles with the same text stay together, so no text is in two
//! splits. Long texts that differ only in their titles stay together, too. Each label gets its share of each split, as
//! closely as whole rows allow. When rows are added later, almost all texts keep their split: of each label the texts with
//! the lowest hashes are its test articles, and the next ones its validation articles. Only the boundaries between them
//! move.

mod apportion;
mod assign;
mod hold_out;
mod shares;
mod splitter;

pub use hold_out::hold_out;
pub use shares::{Shares, Split};
pub use splitter::{Assignment, Splitter};
