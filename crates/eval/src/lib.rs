//! Evaluates models on labelled data sets.
//!
//! A classifier and a data set go in. Predictions, metrics, temperatures, thresholds and comparisons between dtypes come out.
//!
//! ```text
//! data set --matching-----> which label of the data set is which label of the model
//!          --evaluate-----> predictions --cases--> gold labels and predictions of each head --report--> metrics
//!          --calibrate----> temperatures and thresholds, written into the model's manifest
//! ```

mod calibrate;
mod cases;
mod compare;
mod error;
mod evaluate;
mod head_data;
mod matching;
mod report;
mod spread;
mod summary;

pub use calibrate::{CalibrationReport, DecisionThresholds, HeadCalibration, calibrate, check_calibration};
pub use cases::{HeadCases, head_cases};
pub use compare::compare_dtypes;
pub use error::{EvalError, Remedy, Result};
pub use evaluate::{evaluate, evaluate_until, predict, predict_until};
pub use head_data::{HeadData, head_data};
pub use matching::{MatchedHead, check_heads, check_labelled};
pub use report::{HeadReport, SetReport, Slice};
pub use spread::{HeadSpread, Spread, spread};
pub use summary::{HeadSummary, SetSummary, summaries};
