//! An opened model.

use crate::errors;
use crate::predictions::{self, Answer, Form};
use crate::wait;
use newsdesk_cli::embedded::{self, ModelSettings};
use newsdesk_data::HtmlMode;
use newsdesk_model::{Classifier, device_name};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use std::path::PathBuf;
use std::sync::Arc;

/// An opened model. Threads can share it.
#[pyclass(frozen, weakref, module = "newsdesk._newsdesk")]
pub struct Engine {
    pub classifier: Arc<Classifier>,
}

#[pymethods]
impl Engine {
    /// Opens a model. `on_event` receives messages, as two strings: `message`, and its text.
    #[new]
    #[pyo3(signature = (model, device, threads, dtype, max_windows, activation, allow_pickle, offline, on_event))]
    #[expect(clippy::too_many_arguments, reason = "they are the fields of the settings, which Python gives by name")]
    fn open(
        py: Python<'_>,
        model: PathBuf,
        device: String,
        threads: Option<u16>,
        dtype: String,
        max_windows: Option<u32>,
        activation: Option<String>,
        allow_pickle: bool,
        offline: bool,
        on_event: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let settings = ModelSettings { model, device, threads, dtype, max_windows, activation, allow_pickle, offline };
        let classifier = wait::run(py, on_event, move |listener| embedded::open(&settings, listener))?;
        Ok(Self { classifier: Arc::new(classifier) })
    }

    /// Returns the heads: dictionaries with name, activation, labels and codes.
    fn heads<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let heads = PyList::empty(py);
        for head in self.classifier.heads() {
            let described = PyDict::new(py);
            described.set_item("name", &head.name)?;
            described.set_item("activation", head.activation.name())?;
            described.set_item("labels", head.names())?;
            let codes: Vec<Option<&str>> = head.labels.iter().map(|label| label.code.as_deref()).collect();
            described.set_item("codes", codes)?;
            heads.append(described)?;
        }
        Ok(heads)
    }

    /// Returns how the model computes: its name, device, dtype, instructions and threads.
    fn description<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let described = PyDict::new(py);
        described.set_item("name", &self.classifier.manifest().name)?;
        described.set_item("device", device_name(self.classifier.device()))?;
        described.set_item("dtype", self.classifier.dtype().to_string())?;
        described.set_item("instructions", self.classifier.instructions().to_string())?;
        described.set_item("threads", self.classifier.threads())?;
        Ok(described)
    }

    /// Returns the minimum score of each head, from the values of `--min-score` and `--min-precision`.
    fn min_scores(
        &self,
        py: Python<'_>,
        min_score: Vec<String>,
        min_precision: Vec<String>,
    ) -> PyResult<Vec<Option<f32>>> {
        embedded::min_scores(min_score, min_precision, self.classifier.manifest())
            .map_err(|failure| errors::exception(py, failure))
    }

    /// Labels texts. Returns one dictionary per text: see `Classifier.__call__`.
    #[pyo3(signature = (texts, html, head, top_k, min_scores))]
    fn predict<'py>(
        &self,
        py: Python<'py>,
        texts: Vec<Option<String>>,
        html: &str,
        head: Option<usize>,
        top_k: Option<usize>,
        min_scores: Vec<Option<f32>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let answers = self.answers(py, texts, html)?;
        let form = Form { heads: self.classifier.heads(), head, top_k, min_scores: &min_scores };
        PyList::new(py, answers.iter().map(|answer| form.dictionary(py, answer)).collect::<PyResult<Vec<_>>>()?)
    }

    /// Returns the predicted label of each text, `None` for a blank text. For a multi-label head, a list of labels.
    fn labels<'py>(
        &self,
        py: Python<'py>,
        texts: Vec<Option<String>>,
        html: &str,
        head: usize,
        min_scores: Vec<Option<f32>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let answers = self.answers(py, texts, html)?;
        let form = Form { heads: self.classifier.heads(), head: Some(head), top_k: Some(1), min_scores: &min_scores };
        PyList::new(py, answers.iter().map(|answer| form.labels(py, answer, head)).collect::<PyResult<Vec<_>>>()?)
    }

    /// Returns the probabilities of a head's labels as 32-bit floats, text by text. Those of a blank text are NaN.
    fn probabilities<'py>(
        &self,
        py: Python<'py>,
        texts: Vec<Option<String>>,
        html: &str,
        head: usize,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let answers = self.answers(py, texts, html)?;
        let width = self.classifier.heads()[head].labels.len();
        let mut bytes = Vec::with_capacity(answers.len() * width * size_of::<f32>());
        for answer in &answers {
            match answer {
                Answer::Labelled(prediction) => {
                    let all = &prediction.heads[head].probabilities.0;
                    all.iter().for_each(|probability| bytes.extend(probability.to_ne_bytes()));
                }
                Answer::Unusable(_) => (0..width).for_each(|_| bytes.extend(f32::NAN.to_ne_bytes())),
            }
        }
        Ok(PyBytes::new(py, &bytes))
    }
}

impl Engine {
    fn answers(&self, py: Python<'_>, texts: Vec<Option<String>>, html: &str) -> PyResult<Vec<Answer>> {
        predictions::of_texts(py, &self.classifier, texts, html_mode(py, html)?)
    }
}

/// Returns the mode with this name.
///
/// # Errors
/// `NewsdeskError` if there is none.
pub fn html_mode(py: Python<'_>, name: &str) -> PyResult<HtmlMode> {
    let modes = [HtmlMode::Auto, HtmlMode::Strip, HtmlMode::Keep];
    modes.into_iter().find(|mode| mode.name() == name).ok_or_else(|| {
        errors::of_setting(py, format!("cannot use html=\"{name}\": it is unknown"), "choose from auto, strip, keep")
    })
}
