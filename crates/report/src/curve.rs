//! Line charts in panels, one above the other, as an SVG file of their own on a white background.

use crate::error::DrawError;
use crate::palette::LINES;
use plotters::coord::Shift;
use plotters::prelude::*;
use std::error::Error;
use std::ops::Range;

/// A panel: lines over a shared horizontal axis.
#[derive(Debug, Clone)]
pub struct Panel {
    /// The quantity on the vertical axis.
    pub name: String,
    /// The range of the horizontal axis.
    pub x: Range<f64>,
    /// The range of the vertical axis.
    pub y: Range<f64>,
    /// The lines, the most important first.
    pub lines: Vec<Line>,
}

/// A line through points.
#[derive(Debug, Clone)]
pub struct Line {
    /// The name beside the panel.
    pub name: String,
    /// The points, each as x and y.
    pub points: Vec<(f64, f64)>,
}

/// The width of a chart and the height of each panel, in pixels.
const WIDTH: u32 = 1040;
const PANEL_HEIGHT: u32 = 320;

/// The part of the width for the names of the lines, in pixels.
const NAMES_WIDTH: u32 = 220;

/// The maximum number of characters of a name.
const MAX_NAME: usize = 32;

/// A line with fewer points shows each of them.
const MAX_DOTS: usize = 40;

/// Returns an SVG document with these panels, the first on top. `x_name` is the quantity on the horizontal axes.
///
/// # Errors
/// If the drawing library fails.
pub fn line_panels(x_name: &str, panels: &[Panel]) -> Result<String, DrawError> {
    let mut svg = String::new();
    {
        let size = (WIDTH, PANEL_HEIGHT * panels.len() as u32);
        let mut rest = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        rest.fill(&WHITE).map_err(DrawError::new)?;
        for panel in panels {
            let (area, below) = rest.split_vertically(PANEL_HEIGHT);
            draw_panel(&area, x_name, panel).map_err(DrawError::new)?;
            rest = below;
        }
        rest.present().map_err(DrawError::new)?;
    }
    Ok(svg)
}

fn draw_panel(area: &DrawingArea<SVGBackend, Shift>, x_name: &str, panel: &Panel) -> Result<(), Box<dyn Error>> {
    let (area, names) = area.split_horizontally(WIDTH - NAMES_WIDTH);
    let mut chart = ChartBuilder::on(&area)
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(58)
        .build_cartesian_2d(panel.x.clone(), panel.y.clone())
        .map_err(text)?;
    chart
        .configure_mesh()
        .x_desc(x_name)
        .y_desc(&panel.name)
        .x_label_formatter(&|x| without_trailing_zeros(*x))
        .y_label_formatter(&|y| format!("{y:.2}"))
        .label_style(("sans-serif", 13))
        .axis_desc_style(("sans-serif", 15))
        .max_light_lines(1)
        .light_line_style(WHITE)
        .draw()
        .map_err(text)?;
    for (number, line) in panel.lines.iter().enumerate() {
        chart.draw_series(LineSeries::new(line.points.iter().copied(), style(number))).map_err(text)?;
        if line.points.len() < MAX_DOTS {
            let dots = line.points.iter().map(|&point| Circle::new(point, 3, style(number).filled()));
            chart.draw_series(dots).map_err(text)?;
        }
    }
    draw_names(&names, &panel.lines)
}

/// Draws the names of the lines beside their panel, where they hide no line.
fn draw_names(area: &DrawingArea<SVGBackend, Shift>, lines: &[Line]) -> Result<(), Box<dyn Error>> {
    for (number, line) in lines.iter().enumerate() {
        let y = 20 + 20 * number as i32;
        area.draw(&PathElement::new([(4, y), (24, y)], style(number))).map_err(text)?;
        let name = match line.name.char_indices().nth(MAX_NAME) {
            Some((end, _)) => format!("{}…", &line.name[..end]),
            None => line.name.clone(),
        };
        area.draw(&Text::new(name, (32, y - 5), ("sans-serif", 13))).map_err(text)?;
    }
    Ok(())
}

/// Returns the style of a line. The first line is thicker.
fn style(number: usize) -> ShapeStyle {
    LINES[number % LINES.len()].stroke_width(if number == 0 { 2 } else { 1 })
}

/// Keeps the message of an error of the drawing library, which borrows the drawing.
fn text(error: impl std::fmt::Display) -> Box<dyn Error> {
    error.to_string().into()
}

fn without_trailing_zeros(number: f64) -> String {
    format!("{number:.2}").trim_end_matches('0').trim_end_matches('.').into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn panel(lines: usize, points: usize) -> Panel {
        let points = |line: usize| (0..points).map(|x| (x as f64 / points as f64, 0.1 * line as f64)).collect();
        let line = |line: usize| Line { name: format!("line <{line}>"), points: points(line) };
        Panel { name: "height".into(), x: 0.0..1.0, y: 0.0..1.0, lines: (0..lines).map(line).collect() }
    }

    #[test]
    fn panels_show_names_and_axes() {
        let svg = line_panels("epoch", &[panel(2, 3), panel(0, 0)]).unwrap();
        for words in ["epoch", "height", "line &lt;0&gt;", "line &lt;1&gt;"] {
            assert!(svg.contains(&format!("\n{words}\n")), "{words} is not in {svg}");
        }
        assert!(svg.contains("width=\"1040\" height=\"640\""), "{svg}");
        assert_eq!(svg.matches("<circle").count(), 2 * 3);
    }

    #[test]
    fn long_lines_have_no_dots() {
        assert_eq!(line_panels("x", &[panel(1, MAX_DOTS)]).unwrap().matches("<circle").count(), 0);
        assert_eq!(line_panels("x", &[panel(1, MAX_DOTS - 1)]).unwrap().matches("<circle").count(), MAX_DOTS - 1);
    }
}
