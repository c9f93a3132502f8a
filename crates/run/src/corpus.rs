//! The run itself: read a chunk, classify it, write it, and again.

use crate::columns::Columns;
use newsdesk_data::{DataError, ReadError, ReadOptions, Reject, Row, Source, Value, read};
use newsdesk_model::{Classifier, ModelError};
use std::sync::Arc;

/// A chunk is full with this many rows or this many bytes: enough to batch by length, few enough for memory to stay
/// flat. The first chunks are small, so that a slow stream gives its first answers soon.
const FIRST_CHUNK_ROWS: usize = 32;
const CHUNK_ROWS: usize = 1024;
const CHUNK_BYTES: usize = 8 * 1024 * 1024;

/// What stopped a run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Reading or writing failed.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The model failed.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl RunError {
    /// What the user can do, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Data(error) => error.hint(),
            Self::Model(error) => error.hint(),
        }
    }
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Articles that were labelled and written.
    pub articles: u64,
    /// Rows that were rejected.
    pub rejected: u64,
    /// Windows that went through the encoder.
    pub windows: u64,
    /// Tokens of the articles.
    pub tokens: u64,
}

/// Where a run's results go.
pub trait Output {
    /// The columns of a table's rows and those that will be added; called before its first row.
    ///
    /// # Errors
    /// If it cannot be written.
    fn header(&mut self, columns: &[Arc<str>], added: &[String]) -> Result<(), DataError>;

    /// A labelled row, in the order of the corpus.
    ///
    /// # Errors
    /// If it cannot be written.
    fn row(&mut self, row: &Row, added: &[(String, Value)]) -> Result<(), DataError>;

    /// A row that could not be used, in its order among the rejects.
    ///
    /// # Errors
    /// If it cannot be written.
    fn reject(&mut self, reject: &Reject) -> Result<(), DataError>;

    /// Called after each chunk with the counts so far; everything written until here should become visible.
    ///
    /// # Errors
    /// If it cannot be written.
    fn chunk_done(&mut self, counts: &Counts) -> Result<(), DataError>;
}

/// Labels all rows of `sources`.
///
/// # Errors
/// If a source cannot be read on, the output not written, or the model fails. Rows that were read before are written.
pub fn run(
    classifier: &Classifier,
    sources: &[Source],
    options: &ReadOptions,
    columns: &Columns,
    output: &mut dyn Output,
) -> Result<Counts, RunError> {
    let mut counts = Counts::default();
    let mut chunk: Vec<(Row, String)> = Vec::new();
    let (mut bytes, mut full) = (0, FIRST_CHUNK_ROWS);
    for source in sources {
        // Sources are opened one after the other, and what was read before one fails is not lost.
        let rows = match read(source, options) {
            Ok(rows) => rows,
            Err(error) => return Err(finish(classifier, &mut chunk, columns, output, &mut counts, error)),
        };
        if !rows.columns().is_empty() && counts == Counts::default() && chunk.is_empty() {
            output.header(rows.columns(), &columns.names())?;
        }
        for row in rows {
            match row {
                Ok(row) => {
                    let input = row.article.input();
                    bytes += row.size() + input.len();
                    chunk.push((row, input));
                }
                Err(ReadError::Reject(reject)) => {
                    counts.rejected += 1;
                    output.reject(&reject)?;
                }
                Err(ReadError::Fatal(error)) => {
                    return Err(finish(classifier, &mut chunk, columns, output, &mut counts, error));
                }
            }
            if chunk.len() >= full || bytes >= CHUNK_BYTES {
                label(classifier, &mut chunk, columns, output, &mut counts)?;
                (bytes, full) = (0, (full * 2).min(CHUNK_ROWS));
            }
        }
    }
    label(classifier, &mut chunk, columns, output, &mut counts)?;
    Ok(counts)
}

/// Writes what was read before `error`; the error that is to be told.
fn finish(
    classifier: &Classifier,
    chunk: &mut Vec<(Row, String)>,
    columns: &Columns,
    output: &mut dyn Output,
    counts: &mut Counts,
    error: DataError,
) -> RunError {
    match label(classifier, chunk, columns, output, counts) {
        Ok(()) => error.into(),
        Err(other) => other,
    }
}

fn label(
    classifier: &Classifier,
    chunk: &mut Vec<(Row, String)>,
    columns: &Columns,
    output: &mut dyn Output,
    counts: &mut Counts,
) -> Result<(), RunError> {
    let texts: Vec<&str> = chunk.iter().map(|(_, text)| text.as_str()).collect();
    let predictions = classifier.classify(&texts)?;
    for ((row, _), prediction) in chunk.iter().zip(&predictions) {
        counts.windows += prediction.windows as u64;
        counts.tokens += prediction.tokens as u64;
        match output.row(row, &columns.values(prediction)) {
            Ok(()) => counts.articles += 1,
            // A row that a table has no place for is that row's trouble, not the corpus's.
            Err(DataError::NewColumn { column, .. }) => {
                counts.rejected += 1;
                output.reject(&Reject {
                    position: row.position.clone(),
                    cause: format!("its column `{column}` is not in the header of the output"),
                    hint: Some("write JSON Lines, where each row has its own columns".into()),
                    raw: row.to_json(),
                })?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    chunk.clear();
    Ok(output.chunk_done(counts)?)
}
