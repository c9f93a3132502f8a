//! Metrics of classification: gold labels and predictions go in, numbers come out.
//!
//! The crate knows neither articles nor models. A label is an index into a list of names, and a [`Case`] is one article on
//! one head. The function to call depends on the gold labels of the data set:
//!
//! | gold labels | function |
//! |---|---|
//! | exactly one label | [`single_label`] |
//! | one label of the data set's own list, which stands for a set of the head's labels | [`coarse_labels`] |
//! | any number of labels | [`multi_label`] |
//!
//! Three rules hold for all of them:
//!
//! - Lists of labels are sets. Repetition does not count, and order counts only where a function says so.
//! - A ratio with nothing to count is 0 (no cases, or a label that is never predicted), as in scikit-learn with
//!   `zero_division=0`.
//! - An index beyond the head's labels makes its case wrong and is no label's false positive.
//!
//! Scores have metrics of their own. [`calibration`] compares scores with accuracy. [`selective_accuracy`] is the accuracy
//! of the predictions above a score, [`coverage_curve`] the same for every score, and [`threshold_for_precision`] finds the
//! score that reaches a precision. [`top_k`] counts labels beyond the first. [`intervals`] gives confidence intervals, and
//! [`difference`] tests whether two models differ by more than chance.

mod averages;
mod bootstrap;
mod calibration;
mod case;
mod compare;
mod confusion;
mod counts;
mod interval;
mod ranking;
mod report;
mod selective;

pub use averages::{Averages, PrecisionRecallF1};
pub use bootstrap::RESAMPLES;
pub use calibration::{BINS, Bin, Calibration, ScoredCase, ScoredPrediction, calibration};
pub use case::{Case, Gold};
pub use compare::{Difference, difference, mcnemar};
pub use confusion::ConfusionMatrix;
pub use interval::{CONFIDENCE_LEVEL, Interval, Intervals, intervals, wilson_interval};
pub use ranking::top_k;
pub use report::{LabelReport, Report, coarse_labels, multi_label, single_label};
pub use selective::{
    SelectiveAccuracy, THRESHOLD_CONFIDENCE, coverage_curve, selective_accuracy, threshold_for_precision,
};
