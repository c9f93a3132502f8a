//! Predictions for Python strings, and their form in Python.

use crate::errors;
use crate::wait;
use arrow_array::{ArrayRef, LargeStringArray, RecordBatch};
use newsdesk_data::{BatchRows, HtmlMode, ReadError, ReadOptions};
use newsdesk_model::{
    Classifier, Head, HeadActivation, HeadPrediction, ModelError, Prediction, ScoredLabel, StreamOutput,
};
use newsdesk_run::{RunError, UNSURE, rounded_score};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::Builder;

/// Texts of at most this many bytes are labelled on the calling thread, which takes less time than Ctrl-C may wait.
const AT_ONCE: usize = 16 * 1024;

/// The prediction for a text, or why there is none.
pub enum Answer {
    Labelled(Box<Prediction>),
    Unusable(String),
}

/// Labels texts, as the rows of a file with these texts are labelled. `None` counts as a blank text.
///
/// # Errors
/// `NewsdeskError` if the model fails, or the exception of a signal.
pub fn of_texts(
    py: Python<'_>,
    classifier: &Arc<Classifier>,
    texts: Vec<Option<String>>,
    html: HtmlMode,
) -> PyResult<Vec<Answer>> {
    let articles = py.detach(|| articles(texts, html)).map_err(|error| errors::of_run(py, error))?;
    let usable: Vec<String> = articles.iter().filter_map(|article| article.as_ref().ok().cloned()).collect();
    let bytes: usize = usable.iter().map(String::len).sum();
    let predictions = match bytes <= AT_ONCE {
        true => py.detach(|| classifier.classify(&usable)).map_err(|error| errors::of_run(py, error.into()))?,
        false => streamed(py, Arc::clone(classifier), usable)?,
    };
    let mut predictions = predictions.into_iter();
    let answer = |article: Result<String, String>| match article {
        Ok(_) => predictions.next().map(|prediction| Answer::Labelled(Box::new(prediction))),
        Err(cause) => Some(Answer::Unusable(cause)),
    };
    Ok(articles.into_iter().filter_map(answer).collect())
}

/// Returns the text that the model reads of each text, or why there is none.
fn articles(texts: Vec<Option<String>>, html: HtmlMode) -> Result<Vec<Result<String, String>>, RunError> {
    let column: ArrayRef = Arc::new(LargeStringArray::from(texts));
    let batch = RecordBatch::try_from_iter([("text", column)]);
    let batch = batch.map_err(|error| RunError::Panicked { message: error.to_string() })?;
    let options = ReadOptions { text_field: Some("text".into()), html, ..ReadOptions::default() };
    let rows = BatchRows::new(batch.schema(), "the texts", &options)?;
    let batch = Arc::new(batch);
    let article = |index: usize| match rows.row(&batch, index, index as u64 + 1) {
        Ok(row) => Ok(Ok(row.article.input())),
        Err(ReadError::Reject(reject)) => Ok(Err(reject.cause)),
        Err(ReadError::Fatal(error)) => Err(error.into()),
    };
    (0..batch.num_rows()).map(article).collect()
}

/// Labels many texts on other threads, so that this one can handle signals.
fn streamed(py: Python<'_>, classifier: Arc<Classifier>, texts: Vec<String>) -> PyResult<Vec<Prediction>> {
    /// The receiver left, or the model failed.
    struct End(Option<ModelError>);
    impl From<ModelError> for End {
        fn from(error: ModelError) -> Self {
            Self(Some(error))
        }
    }
    let count = texts.len();
    let (sender, mut receiver) = channel();
    Builder::new().spawn(move || {
        let source = |input: &newsdesk_model::StreamInput<()>| {
            // It stops accepting when the receiver has left.
            let _ = texts.into_iter().all(|text| input.push((), Some(text)));
        };
        let sink = |output| match output {
            StreamOutput::Item((), Some(prediction)) => sender.send(Ok(prediction)).map_err(|_| End(None)),
            StreamOutput::Failed((), error) => Err(End(Some(error))),
            StreamOutput::Item((), None) | StreamOutput::Idle => Ok(()),
        };
        if let Err(End(Some(error))) = classifier.stream(source, sink) {
            let _ = sender.send(Err(error));
        }
    })?;
    let mut predictions = Vec::with_capacity(count);
    while predictions.len() < count {
        let received = wait::until(py, |interval| {
            // Only one thread may use a receiver, as a unique reference shows.
            let receiver = &mut receiver;
            match receiver.recv_timeout(interval) {
                Ok(first) => Some(Ok(std::iter::once(first).chain(receiver.try_iter()).collect::<Result<Vec<_>, _>>())),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(Err(())),
            }
        })?;
        let Ok(received) = received else {
            let error = RunError::Panicked { message: "it ended without a result".into() };
            return Err(errors::of_run(py, error));
        };
        predictions.extend(received.map_err(|error| errors::of_run(py, error.into()))?);
    }
    Ok(predictions)
}

/// Which part of an answer is returned.
pub struct Form<'a> {
    pub heads: &'a [Arc<Head>],
    /// The head; `None` for a dictionary of all heads.
    pub head: Option<usize>,
    /// The number of labels; `Some(1)` returns the prediction itself, `None` all labels.
    pub top_k: Option<usize>,
    /// The minimum score of each head.
    pub min_scores: &'a [Option<f32>],
}

impl Form<'_> {
    /// Returns an answer as dictionaries.
    pub fn dictionary<'py>(&self, py: Python<'py>, answer: &Answer) -> PyResult<Bound<'py, PyAny>> {
        let of_head = |index: usize| match answer {
            Answer::Labelled(prediction) => self.of_head(py, index, &prediction.heads[index]),
            Answer::Unusable(_) => Ok(py.None().into_bound(py)),
        };
        let all = match (self.head, answer) {
            (Some(head), Answer::Labelled(_)) => return of_head(head),
            (Some(_), Answer::Unusable(_)) => {
                let all = PyDict::new(py);
                all.set_item("label", py.None())?;
                all.set_item("score", py.None())?;
                all
            }
            (None, _) => {
                let all = PyDict::new(py);
                for (index, head) in self.heads.iter().enumerate() {
                    all.set_item(&head.name, of_head(index)?)?;
                }
                all
            }
        };
        if let Answer::Unusable(cause) = answer {
            all.set_item("error", cause)?;
        }
        Ok(all.into_any())
    }

    /// Returns the predicted label of a head, or the list of them.
    pub fn labels<'py>(&self, py: Python<'py>, answer: &Answer, head: usize) -> PyResult<Bound<'py, PyAny>> {
        let Answer::Labelled(prediction) = answer else { return Ok(py.None().into_bound(py)) };
        let prediction = &prediction.heads[head];
        let names: Vec<&str> = self.predicted(head, prediction).iter().map(|label| label.name).collect();
        match self.heads[head].activation {
            HeadActivation::Sigmoid => Ok(PyList::new(py, names)?.into_any()),
            _ => Ok(names.first().copied().unwrap_or(UNSURE).into_pyobject(py)?.into_any()),
        }
    }

    fn predicted<'p>(&self, index: usize, prediction: &'p HeadPrediction) -> Vec<ScoredLabel<'p>> {
        match self.min_scores.get(index).copied().flatten() {
            Some(min_score) => prediction.predicted_from(min_score),
            None => prediction.predicted(),
        }
    }

    fn of_head<'py>(&self, py: Python<'py>, index: usize, prediction: &HeadPrediction) -> PyResult<Bound<'py, PyAny>> {
        let scored = |label: &ScoredLabel| label_dictionary(py, label.name, label.score, label.code);
        let list = |labels: &[ScoredLabel]| {
            let all = labels.iter().map(scored).collect::<PyResult<Vec<_>>>()?;
            Ok(PyList::new(py, all)?.into_any())
        };
        if self.top_k != Some(1) {
            let ranked = prediction.ranked();
            return list(&ranked[..self.top_k.unwrap_or(ranked.len()).min(ranked.len())]);
        }
        let predicted = self.predicted(index, prediction);
        if self.heads[index].activation == HeadActivation::Sigmoid {
            return list(&predicted);
        }
        match (predicted.first(), prediction.best()) {
            (Some(label), _) => Ok(scored(label)?.into_any()),
            (None, best) => {
                let score = best.map_or(f32::NAN, |best| best.score);
                Ok(label_dictionary(py, UNSURE, score, None)?.into_any())
            }
        }
    }
}

/// Returns a label with its score, as transformers does, and its code if it has one.
fn label_dictionary<'py>(py: Python<'py>, name: &str, score: f32, code: Option<&str>) -> PyResult<Bound<'py, PyDict>> {
    let label = PyDict::new(py);
    label.set_item("label", name)?;
    label.set_item("score", rounded_score(score))?;
    if let Some(code) = code {
        label.set_item("code", code)?;
    }
    Ok(label)
}
