//! Tables.

use crate::html::escape;

/// A table with a title.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// The title.
    pub title: String,
    /// The names of the columns. Names of columns of numbers start with `>`, which is not shown.
    pub headings: Vec<String>,
    /// The cells, row by row.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// Returns a table with these headings and rows.
    pub fn new(title: impl Into<String>, headings: &[&str], rows: Vec<Vec<String>>) -> Self {
        Self { title: title.into(), headings: headings.iter().map(|name| name.to_string()).collect(), rows }
    }

    /// Returns the table as HTML.
    pub(crate) fn html(&self) -> String {
        let is_number = |column: usize| self.headings.get(column).is_some_and(|name| name.starts_with('>'));
        let class = |column: usize| if is_number(column) { " class=\"number\"" } else { "" };
        let heading = |(column, name): (usize, &String)| {
            format!("<th scope=\"col\"{}>{}</th>", class(column), escape(name.trim_start_matches('>')))
        };
        let cell = |(column, text): (usize, &String)| format!("<td{}>{}</td>", class(column), escape(text));
        let headings: String = self.headings.iter().enumerate().map(heading).collect();
        let row = |row: &Vec<String>| format!("<tr>{}</tr>\n", row.iter().enumerate().map(cell).collect::<String>());
        let rows: String = self.rows.iter().map(row).collect();
        let title = escape(&self.title);
        format!(
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{title}\">\n\
             <table><caption>{title}</caption>\n<thead><tr>{headings}</tr></thead>\n\
             <tbody>\n{rows}</tbody></table></div>\n"
        )
    }
}
