//! Draws charts as SVG and builds self-contained HTML pages.
//!
//! Numbers go in, documents come out. The crate knows neither models nor metrics.
//!
//! - [`chart`]: charts for pages, each with a description and a table of its data;
//! - [`curve`]: line charts in panels, as a file of their own;
//! - [`Page`]: an HTML page of sections with charts and tables.

pub mod chart;
pub mod curve;
mod error;
mod html;
mod page;
mod palette;
mod style;
mod table;

pub use chart::Chart;
pub use error::DrawError;
pub use page::{Item, Link, Page, Section};
pub use table::Table;
