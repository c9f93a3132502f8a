//! Plain text tables: aligned columns without frames.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// Returns an empty table with these headings; `right` lists the columns to align right, counted from 0.
pub fn table(headings: &[&str], right: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headings.iter().copied());
    for &column in right {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Width that is assumed for outputs that are no terminal, in columns.
const DEFAULT_WIDTH: usize = 100;

/// Returns the width of the terminal that standard output goes to, in columns.
pub fn terminal_width() -> usize {
    Table::new().width().map_or(DEFAULT_WIDTH, usize::from)
}
