//! HTML pages with charts and tables.
//!
//! A page is one file that contains its style and its charts. It opens from disk without a network, on a phone and in
//! print, in a light or dark scheme. Each chart has a title, axes with units, a description, and its data in a table that
//! can be opened.

use crate::chart::Chart;
use crate::html::escape;
use crate::style::STYLE;
use crate::table::Table;

/// An HTML page.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The title.
    pub title: String,
    /// One or two sentences about the contents.
    pub lead: String,
    /// The sections, in order.
    pub sections: Vec<Section>,
}

/// A section of a page.
#[derive(Debug, Clone, Default)]
pub struct Section {
    /// The title.
    pub title: String,
    /// An introduction; may be empty.
    pub text: String,
    /// The charts and tables, in order.
    pub items: Vec<Item>,
}

/// A chart, a table or links of a section.
#[derive(Debug, Clone)]
pub enum Item {
    /// A chart.
    Chart(Chart),
    /// A table.
    Table(Table),
    /// A list of links.
    Links(Vec<Link>),
}

/// A link to another page. It loads nothing until a reader follows it.
#[derive(Debug, Clone)]
pub struct Link {
    /// What it says.
    pub text: String,
    /// Its address.
    pub url: String,
}

impl Page {
    /// Returns the page as HTML.
    pub fn html(&self) -> String {
        let sections: String = self.sections.iter().map(Section::html).collect();
        let title = escape(&self.title);
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n\
             <body>\n<main>\n<h1>{title}</h1>\n<p class=\"lead\">{}</p>\n{sections}</main>\n</body>\n</html>\n",
            escape(&self.lead)
        )
    }
}

impl Section {
    fn html(&self) -> String {
        let text = match self.text.is_empty() {
            true => String::new(),
            false => format!("<p>{}</p>\n", escape(&self.text)),
        };
        let (mut items, mut charts) = (String::new(), String::new());
        // Consecutive charts share a grid, so that they are shown side by side on wide screens.
        let close_grid = |charts: &mut String, items: &mut String| {
            if !charts.is_empty() {
                *items += &format!("<div class=\"charts\">\n{charts}</div>\n");
                charts.clear();
            }
        };
        for item in &self.items {
            match item {
                Item::Chart(chart) => charts += &figure(chart),
                Item::Table(table) => {
                    close_grid(&mut charts, &mut items);
                    items += &table.html();
                }
                Item::Links(links) if links.is_empty() => {}
                Item::Links(links) => {
                    close_grid(&mut charts, &mut items);
                    items += &format!("<ul>\n{}</ul>\n", links.iter().map(Link::html).collect::<String>());
                }
            }
        }
        close_grid(&mut charts, &mut items);
        format!("<section>\n<h2>{}</h2>\n{text}{items}</section>\n", escape(&self.title))
    }
}

impl Link {
    fn html(&self) -> String {
        format!("<li><a href=\"{}\">{}</a></li>\n", escape(&self.url), escape(&self.text))
    }
}

fn figure(chart: &Chart) -> String {
    let data = match chart.data.rows.is_empty() {
        true => String::new(),
        false => format!("<details><summary>The numbers</summary>\n{}</details>\n", chart.data.html()),
    };
    let title = escape(&chart.title);
    format!("<figure>\n<figcaption>{title}</figcaption>\n{}\n{data}</figure>\n", chart.svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_characters_are_escaped() {
        let table = Table::new("a < b", &["<script>", ">n"], vec![vec!["\"x\" & y".into(), "1".into()]]);
        let link = Link { text: "a < b".into(), url: "https://example.org/?a&\"b".into() };
        let items = vec![Item::Table(table), Item::Links(vec![link])];
        let section = Section { title: "<b>".into(), text: String::new(), items };
        let page = Page { title: "t</title>".into(), lead: "l".into(), sections: vec![section] }.html();
        assert!(!page.contains("<script>") && !page.contains("<b>") && page.matches("</title>").count() == 1);
        assert!(page.contains("<a href=\"https://example.org/?a&amp;&quot;b\">a &lt; b</a>"), "{page}");
        assert!(page.contains("&quot;x&quot; &amp; y") && page.contains("<td class=\"number\">1</td>"));
    }

    #[test]
    fn page_loads_nothing_from_the_network() {
        let page = Page { title: "t".into(), ..Page::default() }.html();
        assert!(!page.contains("http") && !page.contains("src=") && !page.contains("url("));
    }
}
