//! What goes into Newsdesk and what comes out of it: articles, label sets, corpora and labelled sets.
//!
//! The modules stand in the order in which data meets them:
//!
//! ```text
//! arguments --source--> files --open--> bytes --read--> rows --write--> bytes
//!                                                        |
//!                             labels, recipe --labelled--+--> labelled articles
//!                                                        |
//!                                            check, stats, split
//! ```
//!
//! Rows are streamed, so memory stays flat however large a corpus is. A row that cannot be used is handed out as
//! a [`Reject`] with its place and its cause, and reading goes on; nothing is dropped in silence.

mod article;
mod check;
mod encoding;
mod error;
mod fingerprint;
mod format;
mod hash;
mod hint;
mod labelled;
mod labels;
mod open;
mod plain;
mod read;
mod recipe;
mod rows;
mod source;
mod split;
mod stats;
mod table;
mod tally;
mod target;
mod typed;
mod watch;
mod write;

pub use article::{Article, Cell, Line, Mention, Position, Row};
pub use check::{Check, CheckOptions, CheckReport, Example, Finding, FindingKind, Grade, LabelRows, Place, SplitRows};
pub use encoding::Encoding;
pub use error::DataError;
pub use fingerprint::{TextHash, mix};
pub use format::Format;
pub use hash::StableHash;
pub use labelled::{LabelledArticle, LabelledHead, LabelledSet, load_recipe, recipe_heads};
pub use labels::{Label, LabelId, LabelSet};
pub use plain::{PlainOptions, load_plain};
pub use read::{MentionFields, ReadError, ReadOptions, Reject, RowReader, all_columns, read, read_watched};
pub use recipe::{Fields, HeadRecipe, Recipe};
pub use rows::{LabelledRow, LabelledRows};
pub use source::{Source, expand};
pub use split::{Assignment, Shares, Split, Splitter, hold_out};
pub use stats::{HeadStats, LabelShare, LengthSummary, SetStats, SplitStats, Stats, TextLengths};
pub use table::{Dialect, Table, TableForm};
pub use target::Target;
pub use typed::TypedCell;
pub use watch::Watch;
pub use write::{
    RowWriter, Value, append, continue_at, create, is_compressed, partial_writer, settle, writer, writer_after,
};
