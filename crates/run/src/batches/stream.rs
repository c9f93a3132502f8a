//! Labels batches while the caller fetches the next ones.

use super::labeller::{BatchLabeller, LabelledBatch};
use super::rows::LabelledRows;
use crate::error::RunError;
use arrow_array::RecordBatch;
use newsdesk_data::{Language, Reject};
use newsdesk_files::panics;
use newsdesk_model::{Classifier, ModelError, StreamInput, StreamOutput};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::Builder;
use std::time::Duration;

/// Batches in progress. They are labelled on threads of the stream, and come out in their order.
///
/// The threads work across the borders of batches, so none is idle at the end of a batch while another one waits. A
/// stream that is dropped ends its threads soon, and does not wait for them.
pub struct BatchStream {
    input: Option<Sender<RecordBatch>>,
    output: Receiver<Result<LabelledBatch, RunError>>,
    stop: Arc<AtomicBool>,
    /// The rows of each batch in progress.
    waiting: VecDeque<usize>,
}

/// What passes through the classifier.
enum Item {
    /// A batch begins.
    Batch(RecordBatch),
    /// The row of this index in the batch. It comes with a text.
    Row(usize, Option<Language>),
    /// The row of this index in the batch, which cannot be labelled.
    Reject(usize, Reject),
    /// The batch has no more rows.
    End,
    /// The rows cannot be read.
    Failed(RunError),
}

impl BatchStream {
    /// Starts the threads.
    ///
    /// # Errors
    /// If the system does not provide a thread.
    pub fn start(classifier: Arc<Classifier>, labeller: Arc<BatchLabeller>) -> Result<Self, RunError> {
        let (input, batches) = channel::<RecordBatch>();
        let (results, output) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let is_stopped = Arc::clone(&stop);
        let work = move || {
            let ran = panics::caught(|| run(&classifier, &labeller, batches, &results, &is_stopped));
            let error = match ran {
                Ok(Ok(()) | Err(End::Stopped)) => return,
                Ok(Err(End::Failed(error))) => error,
                Err(message) => RunError::Panicked { message },
            };
            // It fails if the stream was dropped meanwhile: the receiver is gone.
            let _ = results.send(Err(error));
        };
        Builder::new().spawn(work).map_err(|source| ModelError::Thread { source })?;
        Ok(Self { input: Some(input), output, stop, waiting: VecDeque::new() })
    }

    /// Adds a batch.
    pub fn push(&mut self, batch: RecordBatch) {
        let Some(input) = &self.input else { return };
        self.waiting.push_back(batch.num_rows());
        // It fails only after an error, which `next_within` returns.
        let _ = input.send(batch);
    }

    /// Declares that no more batches will come, so that the last texts are labelled at once.
    pub fn close(&mut self) {
        self.input = None;
    }

    /// Returns the number of batches in progress, and of their rows.
    pub fn in_progress(&self) -> (usize, usize) {
        (self.waiting.len(), self.waiting.iter().sum())
    }

    /// Returns the next batch. Returns `None` if it is not ready within `timeout`.
    ///
    /// # Errors
    /// If the model fails. No more batches follow.
    pub fn next_within(&mut self, timeout: Duration) -> Result<Option<LabelledBatch>, RunError> {
        match self.output.recv_timeout(timeout) {
            Ok(result) => {
                self.waiting.pop_front();
                result.map(Some)
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                let message = "it ended without a result".to_owned();
                Err(RunError::Panicked { message })
            }
        }
    }
}

impl Drop for BatchStream {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Why the work ends before the last batch.
enum End {
    Failed(RunError),
    /// The stream was dropped.
    Stopped,
}

impl From<ModelError> for End {
    fn from(error: ModelError) -> Self {
        Self::Failed(error.into())
    }
}

/// Labels batches until no more come.
fn run(
    classifier: &Classifier,
    labeller: &BatchLabeller,
    batches: Receiver<RecordBatch>,
    results: &Sender<Result<LabelledBatch, RunError>>,
    stop: &AtomicBool,
) -> Result<(), End> {
    let mut current: Option<LabelledRows> = None;
    let sink = |output: StreamOutput<Item>| {
        if stop.load(Ordering::Relaxed) {
            return Err(End::Stopped);
        }
        match output {
            StreamOutput::Idle => {}
            StreamOutput::Failed(_, error) => return Err(error.into()),
            StreamOutput::Item(Item::Failed(error), _) => return Err(End::Failed(error)),
            StreamOutput::Item(Item::Batch(batch), _) => current = Some(LabelledRows::new(batch)),
            StreamOutput::Item(Item::Row(index, language), prediction) => {
                if let (Some(rows), Some(prediction)) = (&mut current, prediction) {
                    rows.label(index, labeller.values(&prediction, language));
                }
            }
            StreamOutput::Item(Item::Reject(index, reject), _) => {
                current.iter_mut().for_each(|rows| rows.reject(index, reject.clone()));
            }
            StreamOutput::Item(Item::End, _) => {
                if let Some(rows) = current.take() {
                    let labelled = rows.finish(labeller).map_err(End::Failed)?;
                    results.send(Ok(labelled)).map_err(|_| End::Stopped)?;
                }
            }
        }
        Ok(())
    };
    classifier.stream(|input| read(labeller, batches, input, stop), sink)
}

/// Hands the rows of the batches to the classifier.
fn read(labeller: &BatchLabeller, batches: Receiver<RecordBatch>, input: &StreamInput<Item>, stop: &AtomicBool) {
    let mut first = 0;
    for batch in batches {
        if !input.push(Item::Batch(batch.clone()), None) {
            return;
        }
        let batch = Arc::new(batch);
        for index in 0..batch.num_rows() {
            let (item, text) = match labeller.article(&batch, index, first) {
                Ok(Ok(row)) => (Item::Row(index, row.language), Some(row.text)),
                Ok(Err(reject)) => (Item::Reject(index, reject), None),
                Err(error) => (Item::Failed(error), None),
            };
            if stop.load(Ordering::Relaxed) || !input.push(item, text) {
                return;
            }
        }
        first += batch.num_rows() as u64;
        if !input.push(Item::End, None) {
            return;
        }
    }
}
