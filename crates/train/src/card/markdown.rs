//! Text and tables in Markdown.

/// Escapes text so that Markdown shows it literally, in one line.
pub(super) fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | '|' | '*' | '_' | '`' | '[' | ']' | '<' | '#' => escaped.extend(['\\', character]),
            '\n' | '\r' | '\t' => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Returns text that can stand between backquotes.
pub(super) fn code(text: &str) -> String {
    text.replace(['`', '\n', '\r'], " ")
}

/// Returns a table whose cells are Markdown. The columns with these indices are right-aligned.
pub(super) fn table(headings: &[&str], numbers: &[usize], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let rule = |column| if numbers.contains(&column) { "---:".to_string() } else { "---".to_string() };
    let mut text = line(headings.iter().map(|heading| heading.to_string()).collect());
    text += &line((0..headings.len()).map(rule).collect());
    text.extend(rows.into_iter().map(line));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_escaped() {
        assert_eq!(plain("a|b_c\n<d>"), "a\\|b\\_c \\<d>");
        let rows = [vec![plain("a|b"), "1".to_string()]];
        assert_eq!(table(&["set", "rows"], &[1], rows), "| set | rows |\n| --- | ---: |\n| a\\|b | 1 |\n");
    }
}
