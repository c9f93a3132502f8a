//! What goes into Newsdesk and what comes out of it: articles, label sets, corpora and labelled sets.
//!
//! The modules stand in the order in which data meets them:
//!
//! ```text
//! arguments --source--> files --open--> bytes --read--> rows --write--> bytes
//!                                                        |
//!                             labels, recipe --labelled--+--> labelled articles
//! ```
//!
//! Rows are streamed, so memory stays flat however large a corpus is. A row that cannot be used is handed out as
//! a [`Reject`] with its place and its cause, and reading goes on; nothing is dropped in silence.

mod article;
mod error;
mod format;
mod hash;
mod hint;
mod labelled;
mod labels;
mod open;
mod plain;
mod read;
mod recipe;
mod source;
mod target;
mod write;

pub use article::{Article, Cell, Position, Row};
pub use error::DataError;
pub use format::Format;
pub use hash::StableHash;
pub use labelled::{LabelledArticle, LabelledHead, LabelledSet, load_recipe};
pub use labels::{Label, LabelId, LabelSet};
pub use plain::{PlainOptions, load_plain};
pub use read::{ReadError, ReadOptions, Reject, RowReader, read};
pub use recipe::{Fields, HeadRecipe, Recipe};
pub use source::{Source, expand};
pub use target::Target;
pub use write::{RowWriter, Value, append, create, writer, writer_after};
