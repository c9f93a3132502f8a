//! Numbers to drawings: lines, points, bars and grids as SVG.

use crate::page::{Table, escaped};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::error::Error;

/// A chart that cannot be drawn, in the words of the drawing library.
#[derive(Debug)]
pub struct NotDrawn(String);

impl std::fmt::Display for NotDrawn {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "Failed to draw a chart: {}", self.0)
    }
}

impl Error for NotDrawn {}

/// A drawing with what it says in words and in numbers.
#[derive(Debug, Clone)]
pub struct Chart {
    /// Its title.
    pub title: String,
    /// The drawing.
    pub svg: String,
    /// Its numbers.
    pub numbers: Table,
}

/// An axis: what it measures, with the unit, and from where to where.
#[derive(Debug, Clone)]
pub struct Axis {
    /// What it measures, with its unit.
    pub name: String,
    /// Its ends.
    pub range: [f64; 2],
    /// Whether equal steps multiply.
    pub log: bool,
}

/// Points that belong together.
#[derive(Debug, Clone)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Its points.
    pub points: Vec<[f64; 2]>,
    /// Whether a line joins them; else each is a dot.
    pub joined: bool,
}

/// A bar with its name.
#[derive(Debug, Clone)]
pub struct Bar {
    /// Its name.
    pub name: String,
    /// What stands behind the name, such as a number of articles; may be empty.
    pub note: String,
    /// Its length.
    pub value: f64,
    /// Where the value is likely to be, or varied.
    pub interval: Option<[f64; 2]>,
}

/// Width of a drawing: on a narrow phone its texts are still readable.
const WIDTH: u32 = 400;
const HEIGHT: u32 = 310;

const INK: RGBColor = RGBColor(0x1a, 0x1a, 0x1a);
const LINE: RGBColor = RGBColor(0xd8, 0xd8, 0xd8);

/// Colours that people with any colour vision tell apart (Okabe and Ito, "Color Universal Design", 2008), on light and on dark ground:
/// without black, and without the lighter one of two blues, since a page makes the other one lighter on dark ground.
const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
];

// The library writes sizes in points for those that it is given in pixels: these are 13 and 11 on the page.
const FONT: (&str, i32) = ("sans-serif", 16);
const SMALL: (&str, i32) = ("sans-serif", 14);

/// Most characters of a name in a drawing; whole names are in the numbers.
const LONGEST: usize = 24;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

impl Axis {
    /// An axis of equal steps.
    pub fn new(name: impl Into<String>, from: f64, to: f64) -> Self {
        Self { name: name.into(), range: [from, to], log: false }
    }

    /// A share, 0 to 1.
    pub fn share(name: impl Into<String>) -> Self {
        Self::new(name, 0.0, 1.0)
    }

    /// An axis on which equal steps multiply, wide enough for these values, which are above zero.
    pub fn log(name: impl Into<String>, values: impl Iterator<Item = f64>) -> Self {
        let (low, high) =
            values.filter(|x| *x > 0.0).fold((f64::MAX, 0.0f64), |(low, high), x| (low.min(x), high.max(x)));
        let range = if high > 0.0 { [low / 1.5, high * 1.5] } else { [0.1, 1.0] };
        Self { name: name.into(), range, log: true }
    }

    fn place(&self, value: f64) -> f64 {
        if self.log { value.max(f64::MIN_POSITIVE).log10() } else { value }
    }

    fn ends(&self) -> std::ops::Range<f64> {
        let [from, to] = self.range.map(|end| self.place(end));
        from..if to > from { to } else { from + 1.0 }
    }

    fn label(&self, place: f64) -> String {
        short(if self.log { 10f64.powf(place) } else { place })
    }
}

/// Lines or dots in a plane. With `diagonal`, a thin line says where both axes are equal.
///
/// # Errors
/// If the drawing library fails.
pub fn plane(
    title: &str,
    x: &Axis,
    y: &Axis,
    series: &[Series],
    diagonal: bool,
    says: &str,
) -> Result<Chart, NotDrawn> {
    let names = if series.len() > 1 { 20 * series.len() as u32 } else { 0 };
    let svg = drawn(HEIGHT + names, title, says, |root| {
        let (area, legend) = root.split_vertically(HEIGHT);
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .margin_right(16)
            .x_label_area_size(44)
            .y_label_area_size(56)
            .build_cartesian_2d(x.ends(), y.ends())?;
        mesh(&mut chart, x, y)?;
        if diagonal {
            let ends = [x.range[0].max(y.range[0]), x.range[1].min(y.range[1])];
            chart.draw_series(LineSeries::new(ends.map(|end| (end, end)), INK.mix(0.5).stroke_width(1)))?;
        }
        for (number, series) in series.iter().enumerate() {
            let colour = COLOURS[number % COLOURS.len()];
            let points: Vec<(f64, f64)> = series.points.iter().map(|&[a, b]| (x.place(a), y.place(b))).collect();
            // After the last colour comes the first one again, in dashes and rings.
            let again = number >= COLOURS.len();
            if series.joined && again {
                let dash = DashedLineSeries::new(points.iter().copied(), 6, 4, colour.stroke_width(2));
                chart.draw_series(dash)?;
            } else if series.joined {
                chart.draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?;
            }
            if !series.joined || points.len() < 24 {
                let size = if series.joined { 3 } else { 5 };
                let style = if again { colour.stroke_width(2) } else { colour.filled() };
                chart.draw_series(points.iter().map(|&point| Circle::new(point, size, style)))?;
            }
        }
        for (number, series) in series.iter().enumerate().filter(|_| names > 0) {
            let (row, colour) = (20 * number as i32 + 8, COLOURS[number % COLOURS.len()]);
            let style = if number >= COLOURS.len() { colour.stroke_width(2) } else { colour.filled() };
            legend.draw(&Rectangle::new([(60, row - 5), (72, row + 5)], style))?;
            legend.draw(&Text::new(cut(&series.name, 48), (80, row - 7), SMALL.into_font().color(&INK)))?;
        }
        Ok(())
    })?;
    let rows = series
        .iter()
        .flat_map(|of| of.points.iter().map(|&[a, b]| vec![of.name.clone(), exact(a), exact(b)]).collect::<Vec<_>>());
    let headings = ["", &format!(">{}", x.name), &format!(">{}", y.name)];
    // A page is to be read: of thousands of points on a curve, a hundred say as much.
    let rows: Vec<Vec<String>> = rows.collect();
    let step = rows.len().div_ceil(100).max(1);
    let rows = rows.into_iter().step_by(step).collect();
    Ok(Chart { title: title.into(), svg, numbers: Table::new(title, &headings, rows) })
}

/// Bars from left to right, one below the other, each with its value and, as a thin line, its interval.
///
/// # Errors
/// If the drawing library fails.
pub fn bars(title: &str, axis: &Axis, bars: &[Bar], says: &str) -> Result<Chart, NotDrawn> {
    let height = 60 + 26 * bars.len().max(1) as u32;
    let svg = drawn(height, title, says, |root| {
        let rows = bars.len().max(1) as f64;
        let mut chart = ChartBuilder::on(root)
            .margin(8)
            .margin_right(48)
            .x_label_area_size(44)
            .y_label_area_size(168)
            .build_cartesian_2d(axis.ends(), rows..0.0)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .x_desc(&axis.name)
            .x_labels(5)
            .x_label_formatter(&|place| axis.label(*place))
            .label_style(SMALL.into_font().color(&INK))
            .axis_desc_style(FONT.into_font().color(&INK))
            .axis_style(INK)
            .bold_line_style(LINE)
            .light_line_style(TRANSPARENT)
            .draw()?;
        let from = axis.ends().start;
        for (number, bar) in bars.iter().enumerate() {
            let (top, bottom) = (number as f64 + 0.18, number as f64 + 0.82);
            let end = axis.place(bar.value).clamp(from, axis.ends().end);
            chart.draw_series([Rectangle::new([(from, top), (end, bottom)], COLOURS[0].mix(0.75).filled())])?;
            if let Some(ends) = bar.interval {
                let middle = number as f64 + 0.5;
                let ends = ends.map(|end| (axis.place(end).clamp(from, axis.ends().end), middle));
                chart.draw_series(LineSeries::new(ends, INK.stroke_width(2)))?;
            }
            let (x, y) = chart.backend_coord(&(from, number as f64 + 0.5));
            let right = SMALL.into_font().color(&INK).pos(Pos::new(HPos::Right, VPos::Center));
            let name = format!("{}{}", cut(&bar.name, LONGEST - bar.note.len().min(LONGEST / 2)), bar.note);
            root.draw(&Text::new(name, (x - 6, y), right))?;
            let widest = bar.interval.map_or(bar.value, |[_, high]| high.max(bar.value));
            let (x, _) = chart.backend_coord(&(axis.place(widest).clamp(from, axis.ends().end), 0.0));
            let left = SMALL.into_font().color(&INK).pos(Pos::new(HPos::Left, VPos::Center));
            root.draw(&Text::new(short(bar.value), (x + 5, y), left))?;
        }
        Ok(())
    })?;
    let end = |interval: &Option<[f64; 2]>, end: usize| interval.map_or(String::new(), |ends| exact(ends[end]));
    let row = |bar: &Bar| {
        vec![format!("{}{}", bar.name, bar.note), exact(bar.value), end(&bar.interval, 0), end(&bar.interval, 1)]
    };
    let table = match bars.iter().any(|bar| bar.interval.is_some()) {
        true => Table::new(title, &["", &format!(">{}", axis.name), ">from", ">to"], bars.iter().map(row).collect()),
        false => {
            let rows = bars.iter().map(|bar| row(bar)[..2].to_vec()).collect();
            Table::new(title, &["", &format!(">{}", axis.name)], rows)
        }
    };
    Ok(Chart { title: title.into(), svg, numbers: table })
}

/// Counts in a grid, darker where the share of the row is larger. Columns have the numbers that rows or the table name.
///
/// # Errors
/// If the drawing library fails.
pub fn grid(
    title: &str,
    rows: &[String],
    columns: &[String],
    counts: &[Vec<u64>],
    says: &str,
) -> Result<Chart, NotDrawn> {
    let left = 172;
    let cell = ((WIDTH - left - 10) as f64 / columns.len().max(1) as f64).min(48.0);
    let tall = cell.max(20.0);
    let height = 46 + (tall * rows.len() as f64) as u32 + 28;
    let numbered = rows == columns;
    let svg = drawn(height, title, says, |root| {
        let text = |anchor| SMALL.into_font().color(&INK).pos(Pos::new(anchor, VPos::Center));
        root.draw(&Text::new("right", (left as i32 - 8, 12), text(HPos::Right)))?;
        root.draw(&Text::new("predicted", (left as i32, 12), text(HPos::Left)))?;
        let x = |column: usize| (f64::from(left) + cell * column as f64) as i32;
        let y = |row: usize| (46.0 + tall * row as f64) as i32;
        // Two digits need some room.
        let step = (18.0 / cell).ceil() as usize;
        for column in (0..columns.len()).filter(|column| (column + 1).is_multiple_of(step)) {
            let middle = (x(column) + x(column + 1)) / 2;
            root.draw(&Text::new((column + 1).to_string(), (middle, 34), text(HPos::Center)))?;
        }
        for (row, (name, counts)) in rows.iter().zip(counts).enumerate() {
            let all: u64 = counts.iter().sum();
            let name = if numbered { format!("{} {name}", row + 1) } else { name.clone() };
            let middle = (y(row) + y(row + 1)) / 2;
            root.draw(&Text::new(cut(&name, LONGEST), (left as i32 - 8, middle), text(HPos::Right)))?;
            for (column, &count) in counts.iter().enumerate() {
                let corners = [(x(column), y(row)), (x(column + 1) - 1, y(row + 1) - 1)];
                let share = if all == 0 { 0.0 } else { count as f64 / all as f64 };
                let colour = if numbered && row == column { COLOURS[2] } else { COLOURS[1] };
                root.draw(&Rectangle::new(corners, LINE.mix(0.35).filled()))?;
                if count > 0 {
                    root.draw(&Rectangle::new(corners, colour.mix(0.12 + 0.58 * share).filled()))?;
                }
                if count > 0 && cell >= 24.0 {
                    let middle = ((x(column) + x(column + 1)) / 2, middle);
                    root.draw(&Text::new(count.to_string(), middle, text(HPos::Center)))?;
                }
            }
        }
        let note = "each row's counts; the darker, the larger the share of the row";
        root.draw(&Text::new(note, (8, height as i32 - 12), text(HPos::Left)))?;
        Ok(())
    })?;
    let number = |(place, name): (usize, &String)| format!(">{} {name}", place + 1);
    let headings: Vec<String> =
        std::iter::once("right".to_string()).chain(columns.iter().enumerate().map(number)).collect();
    let row = |(name, counts): (&String, &Vec<u64>)| {
        std::iter::once(name.clone()).chain(counts.iter().map(u64::to_string)).collect()
    };
    let numbers = Table { title: title.into(), headings, rows: rows.iter().zip(counts).map(row).collect() };
    Ok(Chart { title: title.into(), svg, numbers })
}

fn mesh(
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
        .x_label_formatter(&|place| x.label(*place))
        .y_label_formatter(&|place| y.label(*place))
        .label_style(SMALL.into_font().color(&INK))
        .axis_desc_style(FONT.into_font().color(&INK))
        .axis_style(INK)
        .bold_line_style(LINE)
        .light_line_style(TRANSPARENT)
        .draw()
        .map_err(|error| error.to_string().into())
}

/// A drawing of this height, with its title and what it says for those who do not see it.
fn drawn(
    height: u32,
    title: &str,
    says: &str,
    draw: impl FnOnce(&Area) -> Result<(), Box<dyn Error>>,
) -> Result<String, NotDrawn> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        draw(&root).map_err(|error| NotDrawn(error.to_string()))?;
        root.present().map_err(|error| NotDrawn(error.to_string()))?;
    }
    let (title, says) = (escaped(title), escaped(says));
    // The ground is the page's, and a file of its own has a declaration that HTML has no place for.
    let start = svg.find("<svg").unwrap_or(0);
    let open = format!("<svg role=\"img\" aria-label=\"{title}. {says}\"");
    let svg = svg[start..].replacen("<svg", &open, 1);
    Ok(svg.replacen('>', &format!("><title>{title}</title><desc>{says}</desc>"), 1).trim_end().to_string())
}

/// A name that fits.
fn cut(name: &str, longest: usize) -> String {
    match name.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", name[..end].trim_end()),
        None => name.to_owned(),
    }
}

/// A number in about three digits, as an axis has it.
fn short(number: f64) -> String {
    let size = number.abs();
    let text = match size {
        _ if size >= 1e6 => return format!("{:.1}M", number / 1e6),
        _ if size >= 1e4 => return format!("{:.0}k", number / 1e3),
        _ if size >= 100.0 => return format!("{number:.0}"),
        _ if size >= 10.0 => format!("{number:.1}"),
        _ if size >= 1.0 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A number as a table has it.
fn exact(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_drawing_says_what_it_shows() {
        let axis = Axis::share("F1, 0 to 1");
        let all = [Bar { name: "art & <law>".into(), note: String::new(), value: 0.5, interval: Some([0.4, 0.6]) }];
        let chart = bars("F1 by label", &axis, &all, "Art has 0.5.").unwrap();
        assert!(chart.svg.starts_with("<svg role=\"img\" aria-label=\"F1 by label. Art has 0.5.\""), "{}", chart.svg);
        assert!(chart.svg.contains("<title>F1 by label</title><desc>Art has 0.5.</desc>"));
        assert!(chart.svg.contains("F1, 0 to 1") && chart.svg.contains("art &amp; &lt;law&gt;"), "{}", chart.svg);
        assert_eq!(chart.numbers.rows, [["art & <law>", "0.5", "0.4", "0.6"]]);
    }

    #[test]
    fn nothing_and_oddities_are_drawn() {
        let axis = Axis::log("articles/s", [].into_iter());
        assert!(bars("none", &axis, &[], "").is_ok());
        assert!(grid("none", &[], &[], &[], "").is_ok());
        let flat = Series { name: "flat".into(), points: vec![[1.0, 1.0], [1.0, 1.0]], joined: true };
        let x = Axis::log("ms", [1.0, 1.0].into_iter());
        assert!(plane("flat", &x, &Axis::new("y", 1.0, 1.0), &[flat.clone(), flat], true, "").is_ok());
        let names: Vec<String> = (0..40).map(|i| format!("label {i}")).collect();
        assert!(grid("many", &names, &names, &vec![vec![1; 40]; 40], "").is_ok());
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([0.0, 0.125, 3.5, 150.4, 12_345.0, 2.5e6].map(short), ["0", "0.125", "3.5", "150", "12k", "2.5M"]);
        assert_eq!(cut("economy, business and finance", 8), "economy,…");
    }
}
