//! A worker: takes jobs from the queue and computes them.

use super::cache::Key;
use super::engine::WorkerMemory;
use super::failure::Failure;
use super::pipeline::{Backend, EncoderBackend, Pipeline};
use super::queue::{Job, Queue, StopOnPanic};
use super::windows::Window;
use crate::decide::{HeadPrediction, Prediction};
use crate::error::Result;
use crate::head::Logits;
use crate::linear::{FeatureReader, LinearModel};
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// The backend with the memory of one worker.
enum Worker<'p> {
    Encoder(&'p EncoderBackend, Box<WorkerMemory>),
    Linear(&'p LinearModel, FeatureReader),
}

/// Works until the queue has no more jobs.
pub(super) fn work<T: Send>(queue: &Queue<T>) {
    let _guard = StopOnPanic(queue);
    let pipeline = queue.pipeline;
    let mut worker = match &pipeline.backend {
        Backend::Encoder(encoder) => Worker::Encoder(encoder, Box::default()),
        Backend::Linear(model) => Worker::Linear(model, model.reader()),
    };
    while let Some(job) = queue.next_job() {
        let start = Instant::now();
        let (outcome, time) = match (job, &mut worker) {
            (Job::Tokenise(index, text), Worker::Encoder(encoder, _)) => {
                (tokenise(queue, index, &text, encoder), &pipeline.clock.tokenising)
            }
            (Job::Encode(windows), Worker::Encoder(encoder, memory)) => {
                (encode(queue, &windows, encoder, memory), &pipeline.clock.encoding)
            }
            (Job::Classify(texts), Worker::Linear(model, reader)) => {
                queue.finish_texts(classify(pipeline, texts, model, reader));
                (Ok(()), &pipeline.clock.encoding)
            }
            _ => unreachable!("the queue creates only jobs for its own backend"),
        };
        time.fetch_add(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
        if let Err(error) = outcome {
            queue.fail(error);
        }
    }
}

fn tokenise<T: Send>(queue: &Queue<T>, index: usize, text: &str, encoder: &EncoderBackend) -> Result<()> {
    let (counts, windows) = encoder.reader.read(index, text)?;
    let key = (queue.pipeline.cache_capacity > 0).then(|| Key::new(&windows, counts.total));
    queue.finish_tokenising(index, key, counts, windows);
    Ok(())
}

fn encode<T: Send>(
    queue: &Queue<T>,
    windows: &[Window],
    encoder: &EncoderBackend,
    memory: &mut WorkerMemory,
) -> Result<()> {
    let logits = encoder.engine.logits(&windows.iter().collect::<Vec<_>>(), memory)?;
    let heads = &queue.pipeline.heads;
    let probabilities = |logits: Vec<Logits>| match Failure::find(heads, &logits) {
        Some(failure) => Err(failure),
        None => Ok(heads.iter().zip(&logits).map(|(head, logits)| head.probabilities(logits)).collect()),
    };
    queue.finish_encoding(windows, logits.into_iter().map(probabilities).collect());
    Ok(())
}

/// Returns the predictions of a linear model, or why there are none, with the indices of the texts.
fn classify(
    pipeline: &Pipeline,
    texts: Vec<(usize, Cow<str>)>,
    model: &LinearModel,
    reader: &mut FeatureReader,
) -> Vec<(usize, Result<Prediction, Failure>)> {
    let predict = |(index, text): (usize, Cow<str>)| {
        let (logits, tokens) = model.logits(&text, reader, pipeline.instructions);
        if let Some(failure) = Failure::find(&pipeline.heads, &logits) {
            return (index, Err(failure));
        }
        let head =
            |(head, logits)| HeadPrediction { head: Arc::clone(head), probabilities: head.probabilities(logits) };
        let heads = pipeline.heads.iter().zip(&logits).map(head).collect();
        (index, Ok(Prediction { heads, windows: 1, tokens }))
    };
    texts.into_iter().map(predict).collect()
}
