//! Finds the target entity of a row: columns name a person or thing, and optionally where it occurs in the text.

use std::ops::Range;

use crate::markup::{HtmlMode, plain_text};
use crate::remedy::Remedy;
use crate::row::{Article, Row, TargetEntity};

/// The columns that name the target entity of a row.
///
/// Without offsets, the target is the first occurrence of the name in the text, or else in the title. A name that
/// occurs in neither is put before the article. A row without a name has no target entity.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetFields {
    /// The column of the name, as it occurs in the text.
    pub field: String,
    /// The column of the offset of its first character in the text, counted from 0 in Unicode characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// The column of the offset after its last character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
}

impl TargetFields {
    /// Returns the names of the columns.
    pub(super) fn columns(&self) -> impl Iterator<Item = &String> {
        [&self.field].into_iter().chain(&self.start).chain(&self.end)
    }

    /// Returns what the columns of a row say about its target entity, or a cause and a remedy.
    ///
    /// # Errors
    /// If a column is missing or contains no valid value, or the offsets do not match the name.
    pub(super) fn find(&self, row: &Row) -> Result<Found, (String, Remedy)> {
        let other_column = |cause: String| (cause, Remedy::NameTargetColumn { columns: row.column_names() });
        let missing = |field: &str| other_column(format!("the target column `{field}` is missing"));
        let cell = row.field(&self.field).ok_or_else(|| missing(&self.field))?;
        if cell.is_null() {
            return Ok(Found::Nothing);
        }
        let name = cell.as_text();
        let name = name.ok_or_else(|| other_column(format!("the target column `{}` is not text", self.field)))?;
        let name = name.trim();
        if name.is_empty() {
            return Ok(Found::Nothing);
        }
        // The offset in a column, or `None` if the cell is empty.
        let offset = |field: &Option<String>| -> Result<Option<usize>, (String, Remedy)> {
            let Some(field) = field else { return Ok(None) };
            let columns = || Remedy::NameOffsetColumns { columns: row.column_names() };
            let cell = row.field(field);
            let cell = cell.ok_or_else(|| (format!("the target column `{field}` is missing"), columns()))?;
            let text = cell.as_text().unwrap_or_else(|| cell.raw_text());
            match text.trim() {
                "" | "null" => Ok(None),
                text => text
                    .parse()
                    .map(Some)
                    .map_err(|_| (format!("the target column `{field}` is not a whole number"), columns())),
            }
        };
        match (offset(&self.start)?, offset(&self.end)?) {
            (Some(start), Some(end)) => range_of(&row.article.text, start..end, name)
                .map(|range| Found::Range(range, name.to_owned()))
                .map_err(|cause| (cause, Remedy::CorrectOffsets)),
            _ => Ok(Found::Name(name.to_owned())),
        }
    }
}

/// What the columns of a row say about its target entity.
pub(super) enum Found {
    /// The row has no target entity.
    Nothing,
    /// The name of the target entity, which is to be searched.
    Name(String),
    /// Where the target entity is in the text as it was read, in bytes, and its name.
    Range(Range<usize>, String),
}

/// Returns the range in bytes of the characters that contain the name, or why there is none.
fn range_of(text: &str, characters: Range<usize>, name: &str) -> Result<Range<usize>, String> {
    let Range { start, end } = characters;
    let range = byte_range(text, characters)
        .ok_or_else(|| format!("the text does not contain the characters {start} to {end}"))?;
    let found = &text[range.clone()];
    // A name is often written without the markup that the text has.
    let plain = |text: &str| plain_text(text, HtmlMode::Auto).unwrap_or_else(|| text.to_owned());
    match found.trim() == name || plain(found).trim() == plain(name).trim() {
        true => Ok(range),
        false => Err(format!("the characters {start} to {end} of the text are `{found}`, not `{name}`")),
    }
}

/// Converts a range of characters into a range of bytes. Returns `None` for an empty range or one beyond the text.
fn byte_range(text: &str, characters: Range<usize>) -> Option<Range<usize>> {
    let mut offsets = text.char_indices().map(|(offset, _)| offset).chain([text.len()]);
    let start = offsets.clone().nth(characters.start)?;
    let end = offsets.nth(characters.end)?;
    (start < end).then_some(start..end)
}

/// Finds a name in an article.
pub(super) fn search(article: &Article, name: &str) -> TargetEntity {
    let title = article.title.as_deref().unwrap_or_default();
    None.or_else(|| first_occurrence(&article.text, name).map(TargetEntity::Text))
        .or_else(|| first_occurrence(title, name).map(TargetEntity::Title))
        .unwrap_or_else(|| TargetEntity::Prefix(name.to_owned()))
}

/// Returns the first occurrence as whole words, or else the first occurrence.
fn first_occurrence(text: &str, name: &str) -> Option<Range<usize>> {
    let is_whole_word = |&(start, _): &(usize, &str)| {
        let is_letter = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
        !is_letter(text[..start].chars().next_back()) && !is_letter(text[start + name.len()..].chars().next())
    };
    let found = text.match_indices(name).find(is_whole_word).or_else(|| text.match_indices(name).next());
    found.map(|(start, _)| start..start + name.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(title: Option<&str>, text: &str, name: &str) -> String {
        let article = Article { title: title.map(str::to_owned), text: text.to_owned(), target_entity: None };
        let target_entity = Some(search(&article, name));
        Article { target_entity, ..article }.input()
    }

    #[test]
    fn target_is_marked_at_its_first_occurrence() {
        assert_eq!(input(None, "Annan met Ann.", "Ann"), "Annan met [ Ann ].");
        assert_eq!(input(None, "Annan spoke.", "Ann"), "[ Ann ]an spoke.");
        assert_eq!(input(Some("Ann wins"), "She did.", "Ann"), "[ Ann ] wins\nShe did.");
        assert_eq!(input(Some("Ann wins"), "Ann did.", "Ann"), "Ann wins\n[ Ann ] did.");
        assert_eq!(input(Some("A vote"), "She won.", "Ann"), "[ Ann ] A vote\nShe won.");
        assert_eq!(input(None, "Zürich: Ärger über Ümit", "Ümit"), "Zürich: Ärger über [ Ümit ]");
    }

    #[test]
    fn offsets_count_characters() {
        assert_eq!(byte_range("Ärger", 0..1), Some(0..2));
        assert_eq!(byte_range("Ärger", 1..5), Some(2..6));
        assert_eq!(byte_range("Ärger", 1..6), None);
        assert_eq!(byte_range("Ärger", 2..2), None);
        assert_eq!(byte_range("", 0..1), None);
    }
}
