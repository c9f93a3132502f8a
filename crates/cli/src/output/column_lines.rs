//! The lines that report how a run treats the columns of its input.

use newsdesk_run::ColumnNotes;

/// Number of column names that a line lists.
const MAX_NAMES_SHOWN: usize = 4;

/// Returns the lines that report how a run treats the columns of its input.
pub fn column_lines(notes: &ColumnNotes) -> Vec<String> {
    let listed = |names: &[String]| {
        let shown = names.iter().take(MAX_NAMES_SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        match names.len().saturating_sub(MAX_NAMES_SHOWN) {
            0 => shown,
            others => format!("{shown} and {others} more"),
        }
    };
    let renamed = notes.renamed.iter().map(|renamed| {
        let names = listed(&renamed.names);
        match &renamed.head {
            Some(head) => {
                format!("note: the input has columns like those of head `{head}`, so the added ones are {names}")
            }
            None => format!("note: the input has a column like an added one, so the added one is {names}"),
        }
    });
    let mut lines: Vec<String> = renamed.collect();
    if !notes.replaced.is_empty() {
        lines.push(format!("note: these columns of the input are replaced: {}", listed(&notes.replaced)));
    }
    if !notes.not_seen.is_empty() {
        let names = listed(&notes.not_seen);
        lines.push(format!("warning: the first row has none of these columns: {names}; rows without them get null"));
    }
    lines
}
