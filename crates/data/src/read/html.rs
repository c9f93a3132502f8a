//! A page: the main text of it is one article, with the page's title.

use std::sync::Arc;

use dom_smoothie::{Config, Readability, TextMode};

use super::{ReadError, SAMPLE, reject, text};
use crate::article::{Article, Cell, Row};
use crate::encoding::Encoding;
use crate::open::Stream;

/// Pages with more elements are lists of something.
const MOST_ELEMENTS: usize = 200_000;

/// Elements within elements: browsers stop there, too. The time and the stack that a page takes grow with its depth.
const DEEPEST: usize = 512;

/// Elements that no end tag has closed, far beyond what any page has: building a tree of them takes too long already.
const MOST_OPEN: usize = 4096;
/// Elements without an end, or with one that is often left out.
const NOT_COUNTED: [&str; 30] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr", "p",
    "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "option", "optgroup", "colgroup", "rp", "rt",
    "frame",
];

/// Whether so many elements are open at once that the page is not to be parsed.
fn is_hopeless(page: &str) -> bool {
    let bytes = page.as_bytes();
    let (mut open, mut at) = (0usize, 0);
    while let Some(found) = bytes[at..].iter().position(|byte| *byte == b'<') {
        at += found + 1;
        let closes = bytes.get(at) == Some(&b'/');
        let start = at + usize::from(closes);
        let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let name = page[start..start + length].to_ascii_lowercase();
        at = start + length;
        if length == 0 || NOT_COUNTED.contains(&name.as_str()) {
            continue;
        }
        open = if closes { open.saturating_sub(1) } else { open + 1 };
        if open > MOST_OPEN {
            return true;
        }
        if !closes && matches!(name.as_str(), "script" | "style") {
            // What looks like tags in there are none.
            let end = format!("</{name}");
            let rest = &bytes[at..];
            at += rest
                .windows(end.len())
                .position(|seen| seen.eq_ignore_ascii_case(end.as_bytes()))
                .unwrap_or(rest.len());
        }
    }
    false
}

fn is_deep(page: &Readability) -> bool {
    let mut nodes = vec![(page.doc.root(), 0)];
    while let Some((node, depth)) = nodes.pop() {
        if depth > DEEPEST {
            return true;
        }
        nodes.extend(node.children_it(false).map(|child| (child, depth + 1)));
    }
    false
}

/// The one row of the page, with the columns `file`, `title` and `text`.
pub(super) fn row(stream: Stream, name: Arc<str>, limit: usize) -> Result<Row, ReadError> {
    let (position, bytes) = text::whole(stream, &name, limit)?;
    let page = match String::from_utf8(bytes) {
        Ok(page) => page,
        Err(error) => {
            // What browsers take a page for that does not say what it is in.
            let encoding = Encoding::of_page(error.as_bytes()).map_or(encoding_rs::WINDOWS_1252, |found| found.0);
            encoding.decode(error.as_bytes()).0.into_owned()
        }
    };
    let sample = &page.as_bytes()[..page.len().min(SAMPLE)];
    let config = Config { text_mode: TextMode::Formatted, max_elements_to_parse: MOST_ELEMENTS, ..Config::default() };
    let found = match is_hopeless(&page) {
        true => Ok(None),
        false => Readability::new(page.as_str(), None, Some(config)).and_then(|mut page| match is_deep(&page) {
            true => Ok(None),
            false => page.parse().map(Some),
        }),
    };
    let found = match found {
        Ok(Some(found)) => found,
        Ok(None) => {
            let cause = format!("the page has elements within more than {DEEPEST} others");
            return Err(reject(position, cause, Some("it is broken, or made to break programs"), sample));
        }
        Err(error) => {
            let hint = "a list of links or a frame has none; `--format text` takes the file as it is";
            return Err(reject(position, format!("the page has no main text: {error}"), Some(hint), sample));
        }
    };
    let title = Some(found.title.trim().to_owned()).filter(|title| !title.is_empty());
    let article = Article { title, text: found.text_content.trim().to_owned(), mention: None };
    if article.text.is_empty() {
        return Err(reject(position, super::BLANK, Some("the page holds no article"), sample));
    }
    let title = Cell::Text(article.title.clone().unwrap_or_default());
    let columns = vec![
        ("file".into(), Cell::Text(name.to_string())),
        ("title".into(), title),
        ("text".into(), Cell::Text(article.text.clone())),
    ];
    Ok(Row { position, columns, article, line: None })
}
