//! Horizontal bars.

use super::axis::{Axis, draw_x_axis};
use super::drawing::{Area, Chart, MAX_NAME, SMALL_FONT, svg};
use super::numbers::{four_decimals, rounded, shortened};
use crate::error::DrawError;
use crate::palette::{BAR, FOREGROUND};
use crate::table::Table;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::error::Error;

/// A bar with its name.
#[derive(Debug, Clone)]
pub struct Bar {
    /// The name.
    pub name: String,
    /// A note behind the name, such as a number of articles; may be empty.
    pub note: String,
    /// The length.
    pub value: f64,
    /// The confidence interval of the value, or the range over several measurements.
    pub interval: Option<[f64; 2]>,
}

/// Draws horizontal bars one below the other, each with its value. A thin line shows the interval.
///
/// # Errors
/// If the drawing library fails.
pub fn bar_chart(title: &str, axis: &Axis, bars: &[Bar], description: &str) -> Result<Chart, DrawError> {
    let height = 60 + 26 * bars.len().max(1) as u32;
    let svg = svg(height, title, description, |root| draw(root, axis, bars))?;
    Ok(Chart { title: title.into(), svg, data: data(title, axis, bars) })
}

fn draw(root: &Area, axis: &Axis, bars: &[Bar]) -> Result<(), Box<dyn Error>> {
    let rows = bars.len().max(1) as f64;
    let mut chart = ChartBuilder::on(root)
        .margin(8)
        .margin_right(48)
        .x_label_area_size(44)
        .y_label_area_size(168)
        .build_cartesian_2d(axis.coordinates(), rows..0.0)?;
    draw_x_axis(&mut chart, axis)?;
    let ends = axis.coordinates();
    let within = |value: f64| axis.coordinate(value).clamp(ends.start, ends.end);
    for (number, bar) in bars.iter().enumerate() {
        let (top, middle, bottom) = (number as f64 + 0.18, number as f64 + 0.5, number as f64 + 0.82);
        let corners = [(ends.start, top), (within(bar.value), bottom)];
        chart.draw_series([Rectangle::new(corners, BAR.mix(0.75).filled())])?;
        if let Some(interval) = bar.interval {
            let line = interval.map(|end| (within(end), middle));
            chart.draw_series(LineSeries::new(line, FOREGROUND.stroke_width(2)))?;
        }
        let text = |side| SMALL_FONT.into_font().color(&FOREGROUND).pos(Pos::new(side, VPos::Center));
        let (x, y) = chart.backend_coord(&(ends.start, middle));
        let name = format!("{}{}", shortened(&bar.name, MAX_NAME - bar.note.len().min(MAX_NAME / 2)), bar.note);
        root.draw(&Text::new(name, (x - 6, y), text(HPos::Right)))?;
        let longest = bar.interval.map_or(bar.value, |[_, high]| high.max(bar.value));
        let (x, _) = chart.backend_coord(&(within(longest), 0.0));
        root.draw(&Text::new(rounded(bar.value), (x + 5, y), text(HPos::Left)))?;
    }
    Ok(())
}

/// The columns of intervals are left out if no bar has one.
fn data(title: &str, axis: &Axis, bars: &[Bar]) -> Table {
    let value = format!(">{}", axis.name);
    let headings = ["", &value, ">from", ">to"];
    let columns = if bars.iter().any(|bar| bar.interval.is_some()) { 4 } else { 2 };
    let row = |bar: &Bar| {
        let [from, to] = bar.interval.map_or([String::new(), String::new()], |ends| ends.map(four_decimals));
        let mut cells = vec![format!("{}{}", bar.name, bar.note), four_decimals(bar.value), from, to];
        cells.truncate(columns);
        cells
    };
    Table::new(title, &headings[..columns], bars.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn drawing_contains_title_and_description() {
        let axis = Axis::unit("F1, 0 to 1");
        let all = [Bar { name: "art & <law>".into(), note: String::new(), value: 0.5, interval: Some([0.4, 0.6]) }];
        let chart = bar_chart("F1 by label", &axis, &all, "Art has 0.5.").unwrap();
        assert!(chart.svg.starts_with("<svg role=\"img\" aria-label=\"F1 by label. Art has 0.5.\""), "{}", chart.svg);
        assert!(chart.svg.contains("<title>F1 by label</title><desc>Art has 0.5.</desc>"));
        assert!(chart.svg.contains("F1, 0 to 1") && chart.svg.contains("art &amp; &lt;law&gt;"), "{}", chart.svg);
        assert_eq!(chart.data.rows, [["art & <law>", "0.5", "0.4", "0.6"]]);
    }

    #[test]
    fn no_bars_are_drawn_as_an_empty_chart() {
        let axis = Axis::log("articles/s", [].into_iter());
        assert_eq!(bar_chart("none", &axis, &[], "").unwrap().data.headings, ["", ">articles/s"]);
    }
}
