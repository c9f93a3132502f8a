//! Completes the article of a row, in the same way for all formats: removes HTML, finds the target entity, and rejects
//! a row without an article.

use super::error::{ReadError, SAMPLE};
use super::options::{ReadOptions, is_title_name};
use super::target_entity::{Found, TargetFields, search};
use crate::format::Format;
use crate::markup::{HtmlMode, plain_text, plain_text_around};
use crate::reject::Reject;
use crate::remedy::Remedy;
use crate::row::{RawLine, Row, TargetEntity};
use crate::write::row_to_json;

/// What is done with the rows of a source.
pub(super) struct Finish {
    html: HtmlMode,
    target_fields: Option<TargetFields>,
    allows_blank: bool,
    /// Whether the source is one article.
    is_one_article: bool,
    /// Whether rows are read without their articles.
    rows_only: bool,
    /// Whether the title column was named.
    is_title_named: bool,
}

impl Finish {
    pub fn new(options: &ReadOptions, format: Format) -> Finish {
        // The main text of a page is plain text, in which tags are quoted.
        let html = if format == Format::Html { HtmlMode::Keep } else { options.html };
        let is_one_article = format.is_one_article();
        Finish {
            html,
            target_fields: options.target_fields.clone(),
            allows_blank: options.allows_blank,
            is_one_article,
            rows_only: options.rows_only && !is_one_article,
            is_title_named: options.title_field.is_some(),
        }
    }

    /// Returns the row with its article completed.
    ///
    /// # Errors
    /// A reject if the article is blank, or the target entity cannot be read.
    pub fn row(&self, mut row: Row) -> Result<Row, ReadError> {
        if self.rows_only {
            return Ok(row);
        }
        // Positions count the characters of the text as it was read, so they are looked up before HTML is removed.
        let target = match &self.target_fields {
            Some(fields) => fields.find(&row).map_err(|(cause, remedy)| {
                ReadError::Reject(Reject::new(row.position.clone(), cause, Some(remedy), row_to_json(&row)))
            }),
            None => Ok(Found::Nothing),
        };
        self.remove_html(&mut row, target.as_ref().ok());
        if row.article.is_blank() && !self.allows_blank {
            return Err(ReadError::Reject(self.blank(row)));
        }
        if let Found::Name(name) = target? {
            let name = plain_text(&name, self.html).unwrap_or(name);
            row.article.target_entity = Some(search(&row.article, &name));
        }
        Ok(row)
    }

    /// Removes HTML from the article. The range of the target entity moves with the text.
    fn remove_html(&self, row: &mut Row, target: Option<&Found>) {
        let article = &mut row.article;
        if let Some(title) = article.title.as_deref().and_then(|title| plain_text(title, self.html)) {
            article.title = Some(title);
            row.was_html = true;
        }
        let Some(Found::Range(range, name)) = target else {
            if let Some(text) = plain_text(&article.text, self.html) {
                article.text = text;
                row.was_html = true;
            }
            return;
        };
        let mut range = Some(range.clone());
        if let Some(found) = range.as_ref().and_then(|range| plain_text_around(&article.text, range, self.html)) {
            (article.text, range) = found;
            row.was_html = true;
        }
        article.target_entity = Some(match range {
            Some(range) => TargetEntity::Text(range),
            // The name was inside a tag.
            None => search(article, &plain_text(name, self.html).unwrap_or_else(|| name.clone())),
        });
    }

    fn blank(&self, row: Row) -> Reject {
        let remedy = match self.is_one_article {
            true => Remedy::LeaveOut { reason: "it contains no article" },
            false if !self.is_title_named && !row.columns.iter().any(|(name, _)| is_title_name(name)) => {
                Remedy::NameTitleColumn { columns: row.column_names() }
            }
            false => Remedy::AddText,
        };
        let is_space = |text: &str| text.trim().is_empty();
        let article = &row.article;
        let is_wordless = !is_space(&article.text) || !article.title.as_deref().is_none_or(is_space);
        let raw = match &row.raw_line {
            Some(RawLine::Json(raw) | RawLine::Delimited(raw, _)) => raw.to_string(),
            None if self.is_one_article => row.article.text.chars().take(SAMPLE).collect(),
            None => row_to_json(&row),
        };
        if is_wordless { Reject::wordless(row.position, remedy, raw) } else { Reject::blank(row.position, remedy, raw) }
    }
}
