//! Charts for pages: lines and points, bars, and confusion matrices.

mod axis;
mod bars;
mod drawing;
mod matrix;
mod numbers;
mod plot;

pub use axis::Axis;
pub use bars::{Bar, bar_chart};
pub use drawing::Chart;
pub use matrix::confusion_matrix;
pub use plot::{Series, xy_plot};
