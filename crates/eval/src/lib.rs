//! Measures models on labelled data sets.
//!
//! A classifier and labelled sets go in. Predictions, metrics, temperatures and comparisons between dtypes come out.

mod calibrate;
mod cases;
mod compare;
mod decision;
mod error;
mod figures;
mod head_data;
mod matched;
mod measure;
mod spread;
mod temperature;

pub use calibrate::{Calibrated, DecisionThresholds, HeadCalibration, calibrate, check_calibration};
pub use cases::{HeadCases, head_cases};
pub use compare::compare;
pub use error::{EvalError, Result};
pub use figures::{HeadFigures, SetFigures, figures};
pub use head_data::{HeadData, head_data};
pub use matched::{MatchedHead, check_heads, check_labelled};
pub use measure::{HeadReport, SetReport, Slice, measure, measure_from, predict, report_of};
pub use spread::{HeadSpread, Spread, spread};
