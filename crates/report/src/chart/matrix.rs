//! Confusion matrices.

use super::drawing::{Area, Chart, MAX_NAME, SMALL_FONT, WIDTH, svg};
use super::numbers::shortened;
use crate::error::DrawError;
use crate::palette::{CORRECT, FOREGROUND, GRID, WRONG};
use crate::table::Table;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::error::Error;

/// Where the columns start, in pixels: the names of the rows are to the left.
const LEFT: u32 = 172;

/// Where the rows start, in pixels: the numbers of the columns are above.
const TOP: u32 = 46;

/// The height below the rows, in pixels.
const BOTTOM: u32 = 28;

/// Draws the counts of a confusion matrix. A cell is darker the larger its share of the row is.
///
/// Rows are gold labels, columns are predictions, and `counts` has a row for each gold label. Columns are numbered. If both
/// have the same labels, the names of the rows show the numbers too, and the diagonal has a colour of its own.
///
/// # Errors
/// If the drawing library fails.
pub fn confusion_matrix(
    title: &str,
    rows: &[String],
    columns: &[String],
    counts: &[Vec<u64>],
    description: &str,
) -> Result<Chart, DrawError> {
    let cells = Cells::new(rows.len(), columns.len());
    let svg = svg(cells.total_height(), title, description, |root| draw(root, &cells, rows, columns, counts))?;
    Ok(Chart { title: title.into(), svg, data: data(title, rows, columns, counts) })
}

/// The positions of the cells, in pixels.
struct Cells {
    width: f64,
    height: f64,
    rows: usize,
}

impl Cells {
    fn new(rows: usize, columns: usize) -> Self {
        let width = ((WIDTH - LEFT - 10) as f64 / columns.max(1) as f64).min(48.0);
        Self { width, height: width.max(20.0), rows }
    }

    fn total_height(&self) -> u32 {
        TOP + (self.height * self.rows as f64) as u32 + BOTTOM
    }

    fn x(&self, column: usize) -> i32 {
        (f64::from(LEFT) + self.width * column as f64) as i32
    }

    fn y(&self, row: usize) -> i32 {
        (f64::from(TOP) + self.height * row as f64) as i32
    }

    /// Every how many columns a number is shown: two digits need 18 pixels.
    fn numbered_step(&self) -> usize {
        (18.0 / self.width).ceil() as usize
    }
}

fn draw(
    root: &Area,
    cells: &Cells,
    rows: &[String],
    columns: &[String],
    counts: &[Vec<u64>],
) -> Result<(), Box<dyn Error>> {
    let same_labels = rows == columns;
    let left = LEFT as i32;
    let text = |side| SMALL_FONT.into_font().color(&FOREGROUND).pos(Pos::new(side, VPos::Center));
    root.draw(&Text::new("gold", (left - 8, 12), text(HPos::Right)))?;
    root.draw(&Text::new("predicted", (left, 12), text(HPos::Left)))?;
    for column in (0..columns.len()).filter(|column| (column + 1).is_multiple_of(cells.numbered_step())) {
        let middle = (cells.x(column) + cells.x(column + 1)) / 2;
        root.draw(&Text::new((column + 1).to_string(), (middle, 34), text(HPos::Center)))?;
    }
    for (row, (name, counts)) in rows.iter().zip(counts).enumerate() {
        let total: u64 = counts.iter().sum();
        let name = if same_labels { format!("{} {name}", row + 1) } else { name.clone() };
        let middle = (cells.y(row) + cells.y(row + 1)) / 2;
        root.draw(&Text::new(shortened(&name, MAX_NAME), (left - 8, middle), text(HPos::Right)))?;
        for (column, &count) in counts.iter().enumerate() {
            let corners = [(cells.x(column), cells.y(row)), (cells.x(column + 1) - 1, cells.y(row + 1) - 1)];
            let share = if total == 0 { 0.0 } else { count as f64 / total as f64 };
            let colour = if same_labels && row == column { CORRECT } else { WRONG };
            root.draw(&Rectangle::new(corners, GRID.mix(0.35).filled()))?;
            if count > 0 {
                root.draw(&Rectangle::new(corners, colour.mix(0.12 + 0.58 * share).filled()))?;
            }
            if count > 0 && cells.width >= 24.0 {
                let middle = ((cells.x(column) + cells.x(column + 1)) / 2, middle);
                root.draw(&Text::new(count.to_string(), middle, text(HPos::Center)))?;
            }
        }
    }
    let note = "counts; a darker cell is a larger share of its row";
    root.draw(&Text::new(note, (8, cells.total_height() as i32 - 12), text(HPos::Left)))?;
    Ok(())
}

fn data(title: &str, rows: &[String], columns: &[String], counts: &[Vec<u64>]) -> Table {
    let heading = |(column, name): (usize, &String)| format!(">{} {name}", column + 1);
    let headings = std::iter::once("gold label".to_string()).chain(columns.iter().enumerate().map(heading)).collect();
    let row = |(name, counts): (&String, &Vec<u64>)| {
        std::iter::once(name.clone()).chain(counts.iter().map(u64::to_string)).collect()
    };
    Table { title: title.into(), headings, rows: rows.iter().zip(counts).map(row).collect() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn empty_and_large_matrices_are_drawn() {
        assert!(confusion_matrix("none", &[], &[], &[], "").is_ok());
        let names: Vec<String> = (0..40).map(|i| format!("label {i}")).collect();
        let chart = confusion_matrix("many", &names, &names, &vec![vec![1; 40]; 40], "").unwrap();
        assert_eq!((chart.data.headings.len(), chart.data.rows.len()), (41, 40));
        // All cells, each with its background.
        assert_eq!(chart.svg.matches("<rect").count(), 2 * 40 * 40);
    }

    #[test]
    fn rows_are_numbered_only_if_they_have_the_labels_of_the_columns() {
        let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<String>>();
        let (labels, sources) = (names(&["arts", "sport"]), names(&["World", "Sports"]));
        let counts = [vec![3, 1], vec![0, 2]];
        let same = confusion_matrix("same", &labels, &labels, &counts, "").unwrap().svg;
        let other = confusion_matrix("other", &sources, &labels, &counts, "").unwrap().svg;
        assert!(same.contains("1 arts") && other.contains("World") && !other.contains("1 World"), "{same}\n{other}");
    }
}
