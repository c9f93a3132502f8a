//! Which part of an article is asked about: columns that name a person or thing in it, and where.

use std::ops::Range;

use super::{ReadError, Reject};
use crate::article::{Article, Mention, Row};
use crate::error::quoted;

/// The columns that say which person or thing in an article is asked about.
///
/// Without places, the first occurrence in the text is meant, or else in the title; a name that occurs in neither is put
/// in front. A row without a name asks about the whole article.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MentionFields {
    /// The column of the name, as it stands in the text.
    pub field: String,
    /// The column of its first character in the text, counted from 0 in Unicode characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// The column of the character after its last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
}

impl MentionFields {
    /// The columns that are named.
    pub(super) fn columns(&self) -> impl Iterator<Item = &String> {
        [&self.field].into_iter().chain(&self.start).chain(&self.end)
    }

    /// Finds the row's mention.
    pub(super) fn find(&self, mut row: Row) -> Result<Row, ReadError> {
        match self.mention(&row) {
            Ok(mention) => {
                row.article.mention = mention;
                Ok(row)
            }
            Err(cause) => {
                let found: Vec<String> = row.columns.iter().map(|(name, _)| name.to_string()).collect();
                let hint = format!("its columns are {}; --mention-field names the right one", quoted(&found));
                let raw = row.to_json();
                Err(ReadError::Reject(Reject { position: row.position, cause, hint: Some(hint), raw }))
            }
        }
    }

    fn mention(&self, row: &Row) -> Result<Option<Mention>, String> {
        let cell = row.column(&self.field).ok_or_else(|| format!("the mention column `{}` is missing", self.field))?;
        if cell.is_null() {
            return Ok(None);
        }
        let name = cell.as_text().ok_or_else(|| format!("the mention column `{}` is not a text", self.field))?;
        let name = name.trim();
        if name.is_empty() {
            return Ok(None);
        }
        let place = |field: &Option<String>| field.as_ref().map_or(Ok(None), |field| number(row, field));
        match (place(&self.start)?, place(&self.end)?) {
            (Some(start), Some(end)) => {
                let range = bytes(&row.article.text, start..end)
                    .ok_or_else(|| format!("characters {start} to {end} are not in its text"))?;
                let there = &row.article.text[range.clone()];
                match there.trim() == name {
                    true => Ok(Some(Mention::Text(range))),
                    false => Err(format!("characters {start} to {end} of its text are `{there}`, not `{name}`")),
                }
            }
            _ => Ok(Some(search(&row.article, name))),
        }
    }
}

/// A place in the text, as a column gives it; nothing where the cell is empty.
fn number(row: &Row, field: &str) -> Result<Option<usize>, String> {
    let cell = row.column(field).ok_or_else(|| format!("the mention column `{field}` is missing"))?;
    match cell.written().trim() {
        "" | "null" => Ok(None),
        written => written.parse().map(Some).map_err(|_| format!("the mention column `{field}` is not a whole number")),
    }
}

/// The bytes of these characters; `None` if they are not all there.
fn bytes(text: &str, characters: Range<usize>) -> Option<Range<usize>> {
    let mut places = text.char_indices().map(|(place, _)| place).chain([text.len()]);
    let start = places.clone().nth(characters.start)?;
    let end = places.nth(characters.end)?;
    (start < end).then_some(start..end)
}

/// Where a name is meant, if nothing says it.
fn search(article: &Article, name: &str) -> Mention {
    let title = article.title.as_deref().unwrap_or_default();
    None.or_else(|| occurrence(&article.text, name).map(Mention::Text))
        .or_else(|| occurrence(title, name).map(Mention::Title))
        .unwrap_or_else(|| Mention::Before(name.to_owned()))
}

/// The first occurrence as whole words; the first one of all if there is none.
fn occurrence(text: &str, name: &str) -> Option<Range<usize>> {
    let is_whole = |&(at, _): &(usize, &str)| {
        let letter = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
        !letter(text[..at].chars().next_back()) && !letter(text[at + name.len()..].chars().next())
    };
    let found = text.match_indices(name).find(is_whole).or_else(|| text.match_indices(name).next());
    found.map(|(at, _)| at..at + name.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(title: Option<&str>, text: &str, name: &str) -> String {
        let article = Article { title: title.map(str::to_owned), text: text.to_owned(), mention: None };
        let mention = Some(search(&article, name));
        Article { mention, ..article }.input()
    }

    #[test]
    fn a_name_is_marked_where_it_stands() {
        assert_eq!(input(None, "Annan met Ann.", "Ann"), "Annan met [ Ann ].");
        assert_eq!(input(None, "Annan spoke.", "Ann"), "[ Ann ]an spoke.");
        assert_eq!(input(Some("Ann wins"), "She did.", "Ann"), "[ Ann ] wins\nShe did.");
        assert_eq!(input(Some("Ann wins"), "Ann did.", "Ann"), "Ann wins\n[ Ann ] did.");
        assert_eq!(input(Some("A vote"), "She won.", "Ann"), "[ Ann ] A vote\nShe won.");
        assert_eq!(input(None, "Zürich: Ärger über Ümit", "Ümit"), "Zürich: Ärger über [ Ümit ]");
    }

    #[test]
    fn places_count_characters() {
        assert_eq!(bytes("Ärger", 0..1), Some(0..2));
        assert_eq!(bytes("Ärger", 1..5), Some(2..6));
        assert_eq!(bytes("Ärger", 1..6), None);
        assert_eq!(bytes("Ärger", 2..2), None);
        assert_eq!(bytes("", 0..1), None);
    }
}
