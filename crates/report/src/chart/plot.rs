//! Lines and points over two axes.

use super::axis::{Axis, draw_axes};
use super::drawing::{Area, Chart, SMALL_FONT, svg};
use super::numbers::{four_decimals, shortened};
use crate::error::DrawError;
use crate::palette::{FOREGROUND, SERIES};
use crate::table::Table;
use plotters::prelude::*;
use std::error::Error;

/// The height of a plot without its legend, in pixels.
const HEIGHT: u32 = 310;

/// The height of a line of the legend, in pixels.
const LEGEND_LINE: u32 = 20;

/// A connected series with fewer points shows each point as a dot.
const MAX_DOTS: usize = 24;

/// The maximum number of rows of the data table: of thousands of points on a curve, a hundred are enough for a reader.
const MAX_ROWS: usize = 100;

/// A series of points.
#[derive(Debug, Clone)]
pub struct Series {
    /// The name in the legend.
    pub name: String,
    /// The points, each as x and y.
    pub points: Vec<[f64; 2]>,
    /// Whether a line connects the points. Otherwise each point is a dot.
    pub connected: bool,
}

/// Draws series of points. With `diagonal`, a thin line shows where both axes are equal.
///
/// Several series get a legend.
///
/// # Errors
/// If the drawing library fails.
pub fn xy_plot(
    title: &str,
    x: &Axis,
    y: &Axis,
    series: &[Series],
    diagonal: bool,
    description: &str,
) -> Result<Chart, DrawError> {
    let legend_height = if series.len() > 1 { LEGEND_LINE * series.len() as u32 } else { 0 };
    let svg = svg(HEIGHT + legend_height, title, description, |root| {
        let (area, legend) = root.split_vertically(HEIGHT);
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .margin_right(16)
            .x_label_area_size(44)
            .y_label_area_size(56)
            .build_cartesian_2d(x.coordinates(), y.coordinates())?;
        draw_axes(&mut chart, x, y)?;
        if diagonal {
            let ends = [x.range[0].max(y.range[0]), x.range[1].min(y.range[1])];
            chart.draw_series(LineSeries::new(ends.map(|end| (end, end)), FOREGROUND.mix(0.5).stroke_width(1)))?;
        }
        for (number, series) in series.iter().enumerate() {
            let (colour, style) = style(number);
            let points: Vec<(f64, f64)> =
                series.points.iter().map(|&[a, b]| (x.coordinate(a), y.coordinate(b))).collect();
            if series.connected && is_repeated(number) {
                let dash = DashedLineSeries::new(points.iter().copied(), 6, 4, colour.stroke_width(2));
                chart.draw_series(dash)?;
            } else if series.connected {
                chart.draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?;
            }
            if !series.connected || points.len() < MAX_DOTS {
                let size = if series.connected { 3 } else { 5 };
                chart.draw_series(points.iter().map(|&point| Circle::new(point, size, style)))?;
            }
        }
        if legend_height > 0 { draw_legend(&legend, series) } else { Ok(()) }
    })?;
    Ok(Chart { title: title.into(), svg, data: data(title, x, y, series) })
}

/// Returns whether the colours have run out, so that a colour is used again with dashes and rings.
fn is_repeated(number: usize) -> bool {
    number >= SERIES.len()
}

/// Returns the colour of a series, and the style of its dots.
fn style(number: usize) -> (RGBColor, ShapeStyle) {
    let colour = SERIES[number % SERIES.len()];
    (colour, if is_repeated(number) { colour.stroke_width(2) } else { colour.filled() })
}

fn draw_legend(area: &Area, series: &[Series]) -> Result<(), Box<dyn Error>> {
    for (number, series) in series.iter().enumerate() {
        let middle = LEGEND_LINE as i32 * number as i32 + 8;
        let (_, style) = style(number);
        area.draw(&Rectangle::new([(60, middle - 5), (72, middle + 5)], style))?;
        let text = SMALL_FONT.into_font().color(&FOREGROUND);
        area.draw(&Text::new(shortened(&series.name, 48), (80, middle - 7), text))?;
    }
    Ok(())
}

fn data(title: &str, x: &Axis, y: &Axis, series: &[Series]) -> Table {
    let of_series = |series: &Series| {
        let row = |&[a, b]: &[f64; 2]| vec![series.name.clone(), four_decimals(a), four_decimals(b)];
        series.points.iter().map(row).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<String>> = series.iter().flat_map(of_series).collect();
    let step = rows.len().div_ceil(MAX_ROWS).max(1);
    let headings = ["", &format!(">{}", x.name), &format!(">{}", y.name)];
    Table::new(title, &headings, rows.into_iter().step_by(step).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn curve(points: Vec<[f64; 2]>) -> Series {
        Series { name: "curve".into(), points, connected: true }
    }

    #[test]
    fn flat_and_empty_series_are_drawn() {
        let x = Axis::log("ms", [1.0, 1.0].into_iter());
        let flat = curve(vec![[1.0, 1.0], [1.0, 1.0]]);
        assert!(xy_plot("flat", &x, &Axis::new("y", 1.0, 1.0), &[flat, curve(vec![])], true, "").is_ok());
        assert!(xy_plot("none", &x, &Axis::unit("y"), &[], true, "").is_ok());
    }

    #[test]
    fn data_table_has_at_most_a_hundred_rows() {
        let line = curve((0..2500).map(|i| [f64::from(i), 0.5]).collect());
        let chart = xy_plot("long", &Axis::new("x", 0.0, 2500.0), &Axis::unit("y"), &[line], false, "").unwrap();
        assert_eq!((chart.data.rows.len(), &chart.data.rows[1][1]), (100, &"25".to_string()));
    }

    #[test]
    fn series_beyond_the_palette_have_rings() {
        let dots = |name: &str| Series { name: name.into(), points: vec![[0.5, 0.5]], connected: false };
        let all: Vec<Series> = ["a", "b", "c", "d", "e", "f"].map(dots).to_vec();
        let svg = xy_plot("six", &Axis::unit("x"), &Axis::unit("y"), &all, false, "").unwrap().svg;
        let rings = svg.lines().filter(|line| line.starts_with("<circle") && line.contains("fill=\"none\"")).count();
        assert_eq!((rings, svg.matches("<circle").count()), (1, 6), "{svg}");
    }
}
