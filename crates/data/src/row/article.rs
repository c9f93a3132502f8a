//! The part of a row that a model reads.

use std::ops::Range;

/// The title and the text of an article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    /// The headline, if the corpus has one.
    pub title: Option<String>,
    /// The body.
    pub text: String,
    /// The person or thing that a target-dependent model is asked about. `None` for a question about the whole article.
    pub target_entity: Option<TargetEntity>,
}

/// The person or thing that a target-dependent model is asked about, and where it occurs in the article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetEntity {
    /// A byte range of the text.
    Text(Range<usize>),
    /// A byte range of the title.
    Title(Range<usize>),
    /// A name that occurs neither in the text nor in the title. The model reads it before both.
    Prefix(String),
}

impl Article {
    /// Returns the input of a model: title, line break, text.
    ///
    /// A blank title or a blank text is left out. The target entity is put between `[` and `]`.
    pub fn input(&self) -> String {
        let marked = |text: &str, range: &Range<usize>| {
            let (before, name, after) = (&text[..range.start], &text[range.clone()], &text[range.end..]);
            format!("{before}[ {name} ]{after}")
        };
        let title = self.title.as_deref().filter(|title| !is_blank(title));
        match (&self.target_entity, title) {
            (Some(TargetEntity::Text(range)), title) => join(title, &marked(&self.text, range)),
            (Some(TargetEntity::Title(range)), Some(title)) => join(Some(&marked(title, range)), &self.text),
            (Some(TargetEntity::Prefix(name)), title) => format!("[ {name} ] {}", join(title, &self.text)),
            (_, title) => join(title, &self.text),
        }
    }

    /// Returns whether title and text are both blank.
    pub fn is_blank(&self) -> bool {
        is_blank(&self.text) && self.title.as_deref().is_none_or(is_blank)
    }
}

fn join(title: Option<&str>, text: &str) -> String {
    match title {
        Some(title) if is_blank(text) => title.to_owned(),
        Some(title) => format!("{title}\n{text}"),
        None => text.to_owned(),
    }
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn article(title: Option<&str>, text: &str) -> Article {
        Article { title: title.map(str::to_owned), text: text.to_owned(), target_entity: None }
    }

    #[test]
    fn input_joins_title_and_text() {
        assert_eq!(article(Some("Rates"), "They rose.").input(), "Rates\nThey rose.");
        assert_eq!(article(None, "They rose.").input(), "They rose.");
        assert_eq!(article(Some("  "), "They rose.").input(), "They rose.");
        assert_eq!(article(Some("Rates"), " ").input(), "Rates");
    }

    #[test]
    fn article_is_blank_if_title_and_text_are() {
        assert!(article(None, " \n").is_blank());
        assert!(article(Some("\t"), "").is_blank());
        assert!(!article(Some("Rates"), "").is_blank());
    }
}
