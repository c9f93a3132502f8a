//! Axes and grid lines.

use super::drawing::{FONT, SMALL_FONT};
use super::numbers::rounded;
use crate::palette::{FOREGROUND, GRID};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use std::error::Error;

/// An axis: its quantity and its range.
#[derive(Debug, Clone)]
pub struct Axis {
    /// The quantity, with its unit.
    pub name: String,
    /// The lower and the upper end.
    pub range: [f64; 2],
    /// Whether the axis is logarithmic.
    pub log: bool,
}

impl Axis {
    /// Returns a linear axis.
    pub fn new(name: impl Into<String>, from: f64, to: f64) -> Self {
        Self { name: name.into(), range: [from, to], log: false }
    }

    /// Returns a linear axis from 0 to 1.
    pub fn unit(name: impl Into<String>) -> Self {
        Self::new(name, 0.0, 1.0)
    }

    /// Returns a logarithmic axis that is wide enough for these values. Values of zero and below are ignored.
    pub fn log(name: impl Into<String>, values: impl Iterator<Item = f64>) -> Self {
        let (low, high) =
            values.filter(|x| *x > 0.0).fold((f64::MAX, 0.0f64), |(low, high), x| (low.min(x), high.max(x)));
        let range = if high > 0.0 { [low / 1.5, high * 1.5] } else { [0.1, 1.0] };
        Self { name: name.into(), range, log: true }
    }

    /// Returns the coordinate of a value: its logarithm on a logarithmic axis.
    pub(super) fn coordinate(&self, value: f64) -> f64 {
        if self.log { value.max(f64::MIN_POSITIVE).log10() } else { value }
    }

    /// Returns the range in coordinates, which is never empty.
    pub(super) fn coordinates(&self) -> std::ops::Range<f64> {
        let [from, to] = self.range.map(|end| self.coordinate(end));
        from..if to > from { to } else { from + 1.0 }
    }

    /// Returns the label at a coordinate.
    pub(super) fn label(&self, coordinate: f64) -> String {
        rounded(if self.log { 10f64.powf(coordinate) } else { coordinate })
    }
}

/// Draws both axes with their grid lines.
pub(super) fn draw_axes(
    chart: &mut ChartContext<SVGBackend, Cartesian2d<RangedCoordf64, RangedCoordf64>>,
    x: &Axis,
    y: &Axis,
) -> Result<(), Box<dyn Error>> {
    chart
        .configure_mesh()
        .x_desc(&x.name)
        .y_desc(&y.name)
        .x_labels(6)
        .y_labels(6)
        .x_label_formatter(&|coordinate| x.label(*coordinate))
        .y_label_formatter(&|coordinate| y.label(*coordinate))
        .label_style(SMALL_FONT.into_font().color(&FOREGROUND))
        .axis_desc_style(FONT.into_font().color(&FOREGROUND))
        .axis_style(FOREGROUND)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .draw()
        .map_err(|error| error.to_string().into())
}

/// Draws a horizontal axis with its grid lines, and no vertical axis.
pub(super) fn draw_x_axis(
    chart: &mut ChartContext<SVGBackend, Cartesian2d<RangedCoordf64, RangedCoordf64>>,
    axis: &Axis,
) -> Result<(), Box<dyn Error>> {
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .x_desc(&axis.name)
        .x_labels(5)
        .x_label_formatter(&|coordinate| axis.label(*coordinate))
        .label_style(SMALL_FONT.into_font().color(&FOREGROUND))
        .axis_desc_style(FONT.into_font().color(&FOREGROUND))
        .axis_style(FOREGROUND)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .draw()
        .map_err(|error| error.to_string().into())
}
