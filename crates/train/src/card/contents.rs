//! What a model card is written from.

use newsdesk_eval::{HeadCalibration, SetReport};
use newsdesk_model::AnyModel;

/// What a model card is written from.
pub struct Card<'a> {
    /// The finished model, with the record of its training.
    pub model: &'a AnyModel,
    /// The training, validation and test sets.
    pub sets: &'a [CardSet],
    /// The settings that differ from their defaults: name, value, default.
    pub changed: &'a [[String; 3]],
    /// The number of tries of a search that chose these settings by the validation sets.
    pub tries: Option<usize>,
    /// A command that trains such a model.
    pub command: &'a str,
    /// The calibration of each head.
    pub calibration: &'a [HeadCalibration],
    /// Metrics on the validation sets, with the fitted temperatures.
    pub validation: &'a [SetReport],
    /// Metrics on the test sets, which influenced no choice.
    pub test: &'a [SetReport],
    /// Sentences about why metrics may be too high, such as articles that occur in two data sets.
    pub caveats: &'a [String],
    /// Clauses about why the model may not be good, such as labels that it never predicts.
    pub warnings: &'a [String],
}

/// A split of a data set that was used in the training.
pub struct CardSet {
    /// `training`, `validation` or `test`.
    pub purpose: &'static str,
    /// The name of the data set.
    pub set: String,
    /// Its split.
    pub split: String,
    /// Its labelled rows.
    pub rows: usize,
    /// Its licence as stated by its source, if known.
    pub licence: Option<String>,
}
