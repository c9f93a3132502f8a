//! Figures as a page: one HTML file with its style and its charts inside, which opens from disk without a network, on a phone and in
//! print, light or dark.
//!
//! [`Page`] is what stands on it, [`chart`] draws what it shows. Every chart has a title, axes with units, a text that says the
//! same, and its numbers in a table that can be opened.

use crate::chart::Chart;
use crate::style::STYLE;

/// A page.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// What it is about, in a sentence or two.
    pub lead: String,
    /// Its parts, in order.
    pub sections: Vec<Section>,
}

/// A part of a page.
#[derive(Debug, Clone, Default)]
pub struct Section {
    /// Its title.
    pub title: String,
    /// What to know about it.
    pub text: String,
    /// What it shows.
    pub items: Vec<Item>,
}

/// Something that is shown.
#[derive(Debug, Clone)]
pub enum Item {
    /// A drawing.
    Chart(Chart),
    /// Numbers.
    Table(Table),
}

/// Numbers in rows.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// What they are.
    pub title: String,
    /// Names of the columns; those that begin with `>` hold numbers.
    pub headings: Vec<String>,
    /// The cells, row by row.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub fn new(title: impl Into<String>, headings: &[&str], rows: Vec<Vec<String>>) -> Self {
        Self { title: title.into(), headings: headings.iter().map(|name| name.to_string()).collect(), rows }
    }

    fn html(&self) -> String {
        let is_number = |column: usize| self.headings.get(column).is_some_and(|name| name.starts_with('>'));
        let class = |column: usize| if is_number(column) { " class=\"number\"" } else { "" };
        let heading = |(column, name): (usize, &String)| {
            format!("<th scope=\"col\"{}>{}</th>", class(column), escaped(name.trim_start_matches('>')))
        };
        let cell = |(column, text): (usize, &String)| format!("<td{}>{}</td>", class(column), escaped(text));
        let headings: String = self.headings.iter().enumerate().map(heading).collect();
        let row = |row: &Vec<String>| format!("<tr>{}</tr>\n", row.iter().enumerate().map(cell).collect::<String>());
        let rows: String = self.rows.iter().map(row).collect();
        format!(
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">\n<table><caption>{}</caption>\n<thead><tr>{headings}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n",
            escaped(&self.title),
            escaped(&self.title)
        )
    }
}

impl Page {
    /// The page as HTML.
    pub fn html(&self) -> String {
        let sections: String = self.sections.iter().map(Section::html).collect();
        let title = escaped(&self.title);
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n\
             <body>\n<main>\n<h1>{title}</h1>\n<p class=\"lead\">{}</p>\n{sections}</main>\n</body>\n</html>\n",
            escaped(&self.lead)
        )
    }
}

impl Section {
    fn html(&self) -> String {
        let text = match self.text.is_empty() {
            true => String::new(),
            false => format!("<p>{}</p>\n", escaped(&self.text)),
        };
        let (mut items, mut charts) = (String::new(), String::new());
        // Charts that follow one another stand side by side where there is room.
        let close = |charts: &mut String, items: &mut String| {
            if !charts.is_empty() {
                *items += &format!("<div class=\"charts\">\n{charts}</div>\n");
                charts.clear();
            }
        };
        for item in &self.items {
            match item {
                Item::Chart(chart) => charts += &figure(chart),
                Item::Table(table) => {
                    close(&mut charts, &mut items);
                    items += &table.html();
                }
            }
        }
        close(&mut charts, &mut items);
        format!("<section>\n<h2>{}</h2>\n{text}{items}</section>\n", escaped(&self.title))
    }
}

fn figure(chart: &Chart) -> String {
    let numbers = match chart.numbers.rows.is_empty() {
        true => String::new(),
        false => format!("<details><summary>The numbers</summary>\n{}</details>\n", chart.numbers.html()),
    };
    let title = escaped(&chart.title);
    format!("<figure>\n<figcaption>{title}</figcaption>\n{}\n{numbers}</figure>\n", chart.svg)
}

/// A text as HTML has it.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_cannot_break_the_page() {
        let table = Table::new("a < b", &["<script>", ">n"], vec![vec!["\"x\" & y".into(), "1".into()]]);
        let section = Section { title: "<b>".into(), text: String::new(), items: vec![Item::Table(table)] };
        let page = Page { title: "t</title>".into(), lead: "l".into(), sections: vec![section] }.html();
        assert!(!page.contains("<script>") && !page.contains("<b>") && page.matches("</title>").count() == 1);
        assert!(page.contains("&quot;x&quot; &amp; y") && page.contains("<td class=\"number\">1</td>"));
    }

    #[test]
    fn nothing_is_fetched() {
        let page = Page { title: "t".into(), ..Page::default() }.html();
        assert!(!page.contains("http") && !page.contains("src=") && !page.contains("url("));
    }
}
