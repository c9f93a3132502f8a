//! The logits of a teacher for the part of each text that training reads.

use crate::error::Result;
use newsdesk_model::folder::WindowRecord;
use newsdesk_model::{Classifier, DtypeChoice, Logits, Model, Options};

/// Texts per call of a teacher: enough to keep all threads busy, few enough to report progress.
const CHUNK: usize = 512;

/// Computes a model's logits for texts, and passes them to `sink` in order, in chunks: for each text the logits of each head. Of
/// each text only the first window of `max_length` tokens is read, as in training.
///
/// # Errors
/// If the model cannot read windows of this length, or the device fails.
pub(super) fn first_window_logits(
    model: &Model,
    texts: &[String],
    max_length: usize,
    dtype: DtypeChoice,
    threads: usize,
    sink: &mut dyn FnMut(Vec<Vec<Logits>>),
) -> Result<()> {
    let mut model = model.clone();
    let length = max_length.min(model.encoder.max_length);
    model.manifest.window = WindowRecord { length, overlap: 0, combine: model.manifest.window.combine };
    let options = Options { threads: Some(threads), max_windows: Some(1), dtype, ..Options::default() };
    let classifier = Classifier::new(model, &options)?;
    for chunk in texts.chunks(CHUNK) {
        // Every text has a window, even an empty one.
        sink(classifier.logits(chunk)?.into_iter().filter_map(|text| text.windows.into_iter().next()).collect());
    }
    Ok(())
}
