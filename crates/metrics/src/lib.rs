//! How good a model is: what was right and what was predicted go in, a [`Report`] comes out.
//!
//! Articles and models are unknown here. A label is its place in a list of names, and a [`Case`] is one article on one
//! head. Which function to ask depends on what the truth is:
//!
//! | the data set says | function |
//! |---|---|
//! | the one right label | [`single_label`] |
//! | a label of its own list, which stands for a set of the head's labels | [`set_valued`] |
//! | all labels that apply | [`multi_label`] |
//!
//! Three rules hold for all of them. Lists of labels are sets: repetition means nothing, and order only where a
//! function says so. A share of nothing is 0 (no cases, a label that is never predicted), as scikit-learn has it with
//! `zero_division=0`. An index beyond the head's labels makes its case wrong and is no label's false prediction.

//!
//! Scores are measured apart from answers: [`calibration`] says how far they can be believed, [`answered`] what is left
//! of the answers when those with a low score are held back, [`coverage`] the same for every score, and [`threshold`] which
//! score is high enough. [`top_k`] looks beyond the first label. [`intervals`] says how sure a figure is, and [`difference`]
//! whether two models differ by more than chance.

mod abstain;
mod averages;
mod calibration;
mod confusion;
mod counts;
mod ranking;
mod report;
mod resample;
mod truth;

pub use abstain::{Answered, CONFIDENCE, answered, coverage, threshold};
pub use averages::{Averages, Scores};
pub use calibration::{BINS, Bin, Calibration, ScoredAnswer, ScoredCase, calibration};
pub use confusion::Confusion;
pub use ranking::top_k;
pub use report::{LabelReport, Report, multi_label, set_valued, single_label};
pub use resample::{Difference, Interval, Intervals, LEVEL, SAMPLES, difference, intervals, mcnemar, share_interval};
pub use truth::{Case, Truth};
