//! Classifies the articles of a data set and computes metrics from the predictions.

use crate::error::Result;
use crate::matching::check_heads;
use crate::report::{SetReport, report};
use newsdesk_data::LabelledSet;
use newsdesk_model::{Classifier, Prediction};
use std::ops::ControlFlow;

/// Articles per call of the classifier: enough to fill all workers, few enough to report progress.
const CHUNK: usize = 1024;

/// Evaluates a classifier on every head that it has in common with a data set.
///
/// Some data sets have labels of their own, each of which allows several labels of the head (a recipe with a map). There a
/// prediction is correct if the gold label allows it, and the metrics per label are those of the data set's labels.
///
/// `progress` receives the number of articles done so far.
///
/// # Errors
/// If data set and model have no head in common, a label of a common head is not one of the model's, or classifying fails.
pub fn evaluate(classifier: &Classifier, set: &LabelledSet, progress: &mut dyn FnMut(usize)) -> Result<SetReport> {
    let heads = &classifier.manifest().heads;
    // Before the work.
    check_heads(set, heads)?;
    report(set, heads, &predict(classifier, set, progress)?)
}

/// Evaluates a classifier as [`evaluate`] does, unless `progress` ends it: then there is no report.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_until(
    classifier: &Classifier,
    set: &LabelledSet,
    progress: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<Option<SetReport>> {
    let heads = &classifier.manifest().heads;
    check_heads(set, heads)?;
    let predictions = predict_until(classifier, set, progress)?;
    predictions.map(|predictions| report(set, heads, &predictions)).transpose()
}

/// Returns the predictions for the articles of a data set, in its order. `progress` receives the number of articles done so far.
///
/// # Errors
/// If classifying fails.
pub fn predict(classifier: &Classifier, set: &LabelledSet, progress: &mut dyn FnMut(usize)) -> Result<Vec<Prediction>> {
    in_chunks(set, progress, |texts| classifier.classify(texts))
}

/// Returns the predictions as [`predict`] does, unless `progress` ends it: then there are none.
///
/// # Errors
/// As [`predict`].
pub fn predict_until(
    classifier: &Classifier,
    set: &LabelledSet,
    progress: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<Option<Vec<Prediction>>> {
    in_chunks_until(set, progress, |texts| classifier.classify(texts))
}

/// Applies `read` to the articles of a data set, chunk by chunk. `progress` receives the number of articles done so far.
pub(crate) fn in_chunks<T>(
    set: &LabelledSet,
    progress: &mut dyn FnMut(usize),
    read: impl Fn(&[String]) -> newsdesk_model::Result<Vec<T>>,
) -> Result<Vec<T>> {
    let mut goes_on = |done| {
        progress(done);
        ControlFlow::Continue(())
    };
    // It always goes on.
    Ok(in_chunks_until(set, &mut goes_on, read)?.unwrap_or_default())
}

/// Does the same until `progress` ends it: then there is no result.
fn in_chunks_until<T>(
    set: &LabelledSet,
    progress: &mut dyn FnMut(usize) -> ControlFlow<()>,
    read: impl Fn(&[String]) -> newsdesk_model::Result<Vec<T>>,
) -> Result<Option<Vec<T>>> {
    let mut done = Vec::with_capacity(set.articles.len());
    for articles in set.articles.chunks(CHUNK) {
        let texts: Vec<String> = articles.iter().map(|row| row.article.input()).collect();
        let position = |index: usize| articles[index].position.to_string();
        done.extend(read(&texts).map_err(|error| error.with_position(position))?);
        if progress(done.len()).is_break() {
            return Ok(None);
        }
    }
    Ok(Some(done))
}
