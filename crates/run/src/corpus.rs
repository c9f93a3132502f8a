//! The run itself: rows are read, classified and written at the same time, in their order.

use crate::columns::Columns;
use newsdesk_data::{DataError, ReadError, ReadOptions, Reject, Row, Source, Value, read};
use newsdesk_model::{Answer, Classifier, Intake, ModelError, Prediction};
use std::sync::Arc;

/// Most rows between two calls of [`Output::pause`].
const ROWS_PER_PAUSE: u32 = 1024;

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

    /// Called now and then, and at the end, with the counts so far; everything written until here should become visible.
    ///
    /// # Errors
    /// If it cannot be written.
    fn pause(&mut self, counts: &Counts) -> Result<(), DataError>;
}

/// What the reader finds, in the order of the corpus.
enum Event {
    /// The columns of a table.
    Header(Vec<Arc<str>>),
    Row(Row),
    Reject(Reject),
    /// A source cannot be read on.
    Fatal(DataError),
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
    let mut since_pause = 0;
    classifier.stream(
        |intake| read_all(sources, options, intake),
        |answer| {
            let Answer::Item(event, prediction) = answer else {
                // Whoever feeds the run slowly sees every answer at once.
                since_pause = 0;
                return Ok(output.pause(&counts)?);
            };
            match event {
                Event::Header(names) => output.header(&names, &columns.names())?,
                Event::Reject(reject) => {
                    counts.rejected += 1;
                    output.reject(&reject)?;
                }
                Event::Fatal(error) => return Err(RunError::Data(error)),
                Event::Row(row) => {
                    if let Some(prediction) = prediction {
                        label(&row, &prediction, columns, output, &mut counts)?;
                    }
                }
            }
            since_pause += 1;
            if since_pause == ROWS_PER_PAUSE {
                since_pause = 0;
                output.pause(&counts)?;
            }
            Ok(())
        },
    )?;
    output.pause(&counts)?;
    Ok(counts)
}

/// Reads the sources one after the other, until one fails or nothing more is wanted.
fn read_all(sources: &[Source], options: &ReadOptions, intake: &Intake<Event>) {
    let mut is_first = true;
    for source in sources {
        let rows = match read(source, options) {
            Ok(rows) => rows,
            Err(error) => {
                intake.push(Event::Fatal(error), None);
                return;
            }
        };
        if is_first && !rows.columns().is_empty() {
            intake.push(Event::Header(rows.columns().to_vec()), None);
        }
        for row in rows {
            is_first = false;
            let goes_on = match row {
                Ok(row) => {
                    let text = row.article.input();
                    intake.push(Event::Row(row), Some(text))
                }
                Err(ReadError::Reject(reject)) => intake.push(Event::Reject(reject), None),
                Err(ReadError::Fatal(error)) => {
                    intake.push(Event::Fatal(error), None);
                    false
                }
            };
            if !goes_on {
                return;
            }
        }
    }
}

fn label(
    row: &Row,
    prediction: &Prediction,
    columns: &Columns,
    output: &mut dyn Output,
    counts: &mut Counts,
) -> Result<(), RunError> {
    counts.windows += prediction.windows as u64;
    counts.tokens += prediction.tokens as u64;
    match output.row(row, &columns.values(prediction)) {
        Ok(()) => counts.articles += 1,
        Err(DataError::NewColumn { column, .. }) => {
            counts.rejected += 1;
            output.reject(&Reject::without_place(row, &column))?;
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
