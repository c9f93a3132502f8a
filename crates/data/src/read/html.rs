//! Reads an HTML page as one article: the main text of the page, with the page's title.

use std::sync::Arc;

use dom_smoothie::{Config, Readability, TextMode};

use super::error::{ReadError, SAMPLE, blank, reject};
use super::text;
use crate::open::{Content, Encoding, Stream, likely_encoding};
use crate::remedy::Remedy;
use crate::row::{Article, Cell, Row};

/// The maximum number of elements of a page. Pages with more are lists, not articles.
const MAX_ELEMENTS: usize = 200_000;

/// The maximum nesting depth of a page, as in browsers. Time and stack use grow with the depth.
const MAX_DEPTH: usize = 512;

/// The maximum number of elements without an end tag. No real page has as many, and building their tree already takes
/// too long.
const MAX_OPEN: usize = 4096;
/// Elements without an end tag, or whose end tag is optional.
const UNCLOSED_ELEMENTS: [&str; 30] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr", "p",
    "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "option", "optgroup", "colgroup", "rp", "rt",
    "frame",
];

/// Returns whether more than [`MAX_OPEN`] elements are open at once, so that the page must not be parsed.
fn has_too_many_open_elements(page: &str) -> bool {
    let bytes = page.as_bytes();
    let (mut open, mut offset) = (0usize, 0);
    while let Some(tag) = bytes[offset..].iter().position(|byte| *byte == b'<') {
        offset += tag + 1;
        let closes = bytes.get(offset) == Some(&b'/');
        let start = offset + usize::from(closes);
        let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let name = page[start..start + length].to_ascii_lowercase();
        offset = start + length;
        if length == 0 || UNCLOSED_ELEMENTS.contains(&name.as_str()) {
            continue;
        }
        open = if closes { open.saturating_sub(1) } else { open + 1 };
        if open > MAX_OPEN {
            return true;
        }
        if !closes && matches!(name.as_str(), "script" | "style") {
            // What looks like a tag in a script or a style sheet is not one.
            let end = format!("</{name}");
            let rest = &bytes[offset..];
            offset += rest
                .windows(end.len())
                .position(|window| window.eq_ignore_ascii_case(end.as_bytes()))
                .unwrap_or(rest.len());
        }
    }
    false
}

fn is_too_deep(page: &Readability) -> bool {
    let mut nodes = vec![(page.doc.root(), 0)];
    while let Some((node, depth)) = nodes.pop() {
        if depth > MAX_DEPTH {
            return true;
        }
        nodes.extend(node.children_it(false).map(|child| (child, depth + 1)));
    }
    false
}

/// Returns the only row of the page, with the columns `file`, `title` and `text`.
///
/// # Errors
/// If the page cannot be read, is nested too deeply, or has no main text.
pub(super) fn row(stream: Stream, name: Arc<str>, content: Content, limit: usize) -> Result<Row, ReadError> {
    let (position, bytes) = text::whole_file(stream, &name, content, limit)?;
    let page = match String::from_utf8(bytes) {
        Ok(page) => page,
        Err(error) => {
            // As browsers do, the encoding of a page that is not UTF-8 and declares none is guessed.
            let page = error.as_bytes();
            let encoding = Encoding::declared_by(page).unwrap_or_else(|| likely_encoding(page, true));
            encoding.0.decode(page).0.into_owned()
        }
    };
    let sample = &page.as_bytes()[..page.len().min(SAMPLE)];
    let config = Config { text_mode: TextMode::Formatted, max_elements_to_parse: MAX_ELEMENTS, ..Config::default() };
    let parsed = match has_too_many_open_elements(&page) {
        true => Ok(None),
        false => Readability::new(page.as_str(), None, Some(config)).and_then(|mut page| match is_too_deep(&page) {
            true => Ok(None),
            false => page.parse().map(Some),
        }),
    };
    let parsed = match parsed {
        Ok(Some(parsed)) => parsed,
        Ok(None) => {
            let cause = format!("the elements of the page are nested more than {MAX_DEPTH} levels deep");
            let remedy = Remedy::LeaveOut { reason: "it is damaged or malicious" };
            return Err(reject(position, cause, remedy, sample));
        }
        Err(error) => {
            return Err(reject(position, format!("the page has no main text: {error}"), Remedy::ReadAsText, sample));
        }
    };
    let title = Some(parsed.title.trim().to_owned()).filter(|title| !title.is_empty());
    let article = Article { title, text: parsed.text_content.trim().to_owned(), target_entity: None };
    if article.text.is_empty() {
        return Err(blank(position, Remedy::LeaveOut { reason: "it contains no article" }, sample));
    }
    let title = Cell::Text(article.title.clone().unwrap_or_default());
    let columns = vec![
        ("file".into(), Cell::Text(name.to_string())),
        ("title".into(), title),
        ("text".into(), Cell::Text(article.text.clone())),
    ];
    Ok(Row { position, columns, article, raw_line: None, was_html: false })
}
