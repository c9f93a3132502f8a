//! The part of a row that a model reads.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

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
        let title = self.title.as_deref().filter(|title| !is_space(title));
        match (&self.target_entity, title) {
            (Some(TargetEntity::Text(range)), title) => join(title, &marked(&self.text, range)),
            (Some(TargetEntity::Title(range)), Some(title)) => join(Some(&marked(title, range)), &self.text),
            (Some(TargetEntity::Prefix(name)), title) => format!("[ {name} ] {}", join(title, &self.text)),
            (_, title) => join(title, &self.text),
        }
    }

    /// Returns whether title and text are both without a letter, a digit or a symbol such as an emoji.
    ///
    /// Invisible characters and punctuation say nothing, so a model must not be asked about them.
    pub fn is_blank(&self) -> bool {
        !says_something(&self.text) && !self.title.as_deref().is_some_and(says_something)
    }

    /// Returns whether the article has words only in its title.
    pub fn is_title_only(&self) -> bool {
        !says_something(&self.text)
    }
}

fn join(title: Option<&str>, text: &str) -> String {
    match title {
        Some(title) if is_space(text) => title.to_owned(),
        Some(title) => format!("{title}\n{text}"),
        None => text.to_owned(),
    }
}

fn is_space(text: &str) -> bool {
    text.trim().is_empty()
}

/// A character that says something: not white space, not punctuation, not invisible, and not mere decoration such as
/// lines, boxes and the replacement character.
static MEANINGFUL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let decoration = r"[\p{ASCII}&&\p{S}]\p{Sk}\u{2500}-\u{25FF}\u{2800}\u{FFFC}\u{FFFD}";
    Regex::new(&format!(r"[[\p{{L}}\p{{N}}\p{{S}}]--[\p{{Default_Ignorable_Code_Point}}{decoration}]]")).ok()
});

fn says_something(text: &str) -> bool {
    // Most texts start with a letter of ASCII. The pattern is fixed and valid, which a test checks.
    let start = text.as_bytes().first();
    start.is_some_and(u8::is_ascii_alphanumeric)
        || MEANINGFUL.as_ref().map_or_else(|| !is_space(text), |meaningful| meaningful.is_match(text))
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
        let blank = [
            "",
            " \n",
            "\u{a0}",
            "\u{200b}\u{200d}",
            "\u{ad}",
            "\u{feff}",
            ".",
            "...",
            "\u{2026}",
            "- -",
            "\u{2014}",
            "?!",
            "(\u{2022})",
            "\u{3002}\u{3001}",
            "***",
            "+=",
            "\u{fffd}",
            "\u{3164}",
            "\u{2800}",
            "\u{2588}\u{2500}",
            "\u{0}",
        ];
        for text in blank {
            assert!(article(None, text).is_blank() && article(Some(text), "").is_blank(), "{text:?}");
            assert!(!article(Some("Rates"), text).is_blank(), "{text:?}");
        }
        for text in ["a", "\u{5c71}", "7", "\u{661}", "\u{1f3c6}", "\u{20ac}", "\u{e01}", " .\u{200b}x", "\u{ac00}"] {
            assert!(!article(None, text).is_blank(), "{text:?}");
        }
    }
}
