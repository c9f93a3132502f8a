//! Rows that cannot be used.

use std::fmt;

use crate::remedy::Remedy;
use crate::row::Position;

/// Why a row without an article is rejected.
const BLANK: &str = "the text is blank";
/// Why a row is rejected whose text consists of punctuation and invisible characters.
const WORDLESS: &str = "the text is blank: it has only punctuation or invisible characters";

/// A row that cannot be used.
#[derive(Debug, Clone)]
pub struct Reject {
    /// Where the row is in the corpus.
    pub position: Position,
    /// Why the row cannot be used.
    pub cause: String,
    /// What the user can do about it.
    pub remedy: Option<Box<Remedy>>,
    /// The remedy in words. Readers and writers leave it empty. A front end that has words for remedies fills it in.
    pub hint: Option<Box<str>>,
    /// The row itself, so that nothing is lost. Bytes that are not UTF-8 are replaced. A row that is too long, or not
    /// text at all, is cut off.
    pub raw: String,
    blank: bool,
}

impl Reject {
    /// Returns the reject of a row.
    pub(crate) fn new(position: Position, cause: impl Into<String>, remedy: Option<Remedy>, raw: String) -> Reject {
        Reject { position, cause: cause.into(), remedy: remedy.map(Box::new), hint: None, raw, blank: false }
    }

    /// Returns the reject of a row that has neither text nor title.
    pub(crate) fn blank(position: Position, remedy: Remedy, raw: String) -> Reject {
        Reject { blank: true, ..Reject::new(position, BLANK, Some(remedy), raw) }
    }

    /// Returns the reject of a row whose title and text consist of punctuation and invisible characters.
    pub(crate) fn wordless(position: Position, remedy: Remedy, raw: String) -> Reject {
        Reject { cause: WORDLESS.to_owned(), ..Reject::blank(position, remedy, raw) }
    }

    /// Returns the code of the row's language, if the row is set aside because of it.
    pub fn other_language(&self) -> Option<&'static str> {
        match self.remedy.as_deref() {
            Some(Remedy::AddLanguage { code }) => Some(code),
            _ => None,
        }
    }

    /// Returns whether the row has neither text nor title.
    pub fn is_blank(&self) -> bool {
        self.blank
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.position, self.cause)
    }
}
