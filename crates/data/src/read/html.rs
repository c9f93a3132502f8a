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
    let found = Readability::new(page.as_str(), None, Some(config)).and_then(|mut page| match is_deep(&page) {
        true => Ok(None),
        false => page.parse().map(Some),
    });
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
