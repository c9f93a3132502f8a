//! Reading and writing of articles, label sets, corpora and labelled data sets.
//!
//! The modules follow the flow of the data:
//!
//! ```text
//! arguments --open/source--> files --open--> bytes --read--> rows --write--> bytes
//!                                                             |
//!                              label sets, recipes --labelled-+--> labelled articles
//!                                                             |
//!                                                     check, stats, split
//! ```
//!
//! Rows are streamed, so memory use does not grow with the size of a corpus. A row that cannot be used becomes a
//! [`Reject`] with its position and cause, and reading continues with the next row. No row is dropped silently.
//!
//! Errors do not mention command line flags. [`DataError::remedy`] returns a typed [`Remedy`], which a front end puts
//! into words.

mod check;
mod compression;
mod counts;
mod error;
mod format;
mod hash;
mod labelled;
mod language;
mod markup;
mod note;
mod open;
mod panics;
mod read;
mod reject;
mod remedy;
mod row;
mod split;
mod stats;
mod text_hash;
mod write;

pub use check::{
    Check, CheckOptions, CheckReport, Example, ExampleRow, Finding, FindingKind, LabelRows, Severity, SplitRows,
};
pub use compression::Compression;
pub use error::DataError;
pub use format::Format;
pub use hash::StableHash;
pub use labelled::{
    Fields, GoldLabels, HeadRecipe, Label, LabelError, LabelId, LabelSet, LabelledArticle, LabelledFileOptions,
    LabelledHead, LabelledRow, LabelledRows, LabelledSet, Recipe, load_labelled_files, load_recipe,
    load_unlabelled_files, recipe_heads,
};
pub use language::Language;
pub use markup::HtmlMode;
pub use note::{Note, Notes};
pub use open::{ByteMonitor, Encoding, Source, expand};
pub use read::{
    Amount, BatchRows, ReadError, ReadOptions, RowReader, TargetFields, all_columns, first_columns, read,
    read_monitored,
};
pub use reject::Reject;
pub use remedy::{ColumnRole, FileFault, Remedy};
pub use row::{Article, Cell, Dialect, Position, RawLine, Row, Table, TableForm, TargetEntity, TypedCell};
pub use split::{Assignment, Shares, Split, Splitter, hold_out};
pub use stats::{HeadStats, LabelShare, LanguageRows, LengthSummary, SetStats, SplitStats, Stats, TextLengths};
pub use text_hash::{TextHash, mix};
pub use write::{
    ColumnSelection, RowWriter, TableStyle, Value, added_array, added_fields, append, continue_at, continue_at_with,
    create, finish_file, is_compressed, partial_writer, partial_writer_with, schema_with_added, writer, writer_after,
};
