//! Warnings: what about data, settings or results makes it unlikely that a model is good.
//!
//! [`data_warnings`] and [`setting_warnings`] are known before a run, [`result_warnings`] after it.

mod data;
mod kinds;
mod results;

pub use data::{data_warnings, untrained_label};
pub use kinds::{Warning, setting_warnings};
pub use results::result_warnings;
