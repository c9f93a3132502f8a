//! Draws charts as SVG and builds self-contained HTML pages.

pub mod chart;
mod page;
mod style;

pub use chart::Chart;
pub use page::{Item, Page, Section, Table};
