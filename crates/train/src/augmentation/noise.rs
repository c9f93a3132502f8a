//! Damage that articles pick up on their way into a corpus: from scrapers, converters and wrong encodings.

use encoding_rs::WINDOWS_1252;
use newsdesk_data::Article;
use rand::{Rng, RngExt};

/// A kind of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    /// The title is rebuilt from the address of the page: lower case, no punctuation.
    TitleFromAddress,
    /// The title is in capitals.
    TitleInCapitals,
    /// All letters are small.
    LowerCase,
    /// Quotation marks and apostrophes are lost.
    LostQuotes,
    /// UTF-8 is read as Windows-1252.
    Mojibake,
    /// Characters outside ASCII, and quotation marks, have become question marks.
    QuestionMarks,
    /// Characters that have a meaning in HTML are escaped.
    EscapedHtml,
}

const ALL: [Damage; 7] = [
    Damage::TitleFromAddress,
    Damage::TitleInCapitals,
    Damage::LowerCase,
    Damage::LostQuotes,
    Damage::Mojibake,
    Damage::QuestionMarks,
    Damage::EscapedHtml,
];

/// Returns an article with one kind of damage, drawn at random.
pub(super) fn noisy(article: &Article, random: &mut impl Rng) -> Article {
    damaged(article, ALL[random.random_range(0..ALL.len())])
}

fn damaged(article: &Article, damage: Damage) -> Article {
    let Article { title, text, target_entity } = article;
    let title = title.as_deref().map(|title| of_title(title, damage));
    Article { title, text: of_text(text, damage), target_entity: target_entity.clone() }
}

fn of_title(title: &str, damage: Damage) -> String {
    match damage {
        Damage::TitleFromAddress => {
            // An apostrophe leaves no gap in an address: `mayor's` becomes `mayors`.
            let letters: String = title.chars().filter(|c| !is_quote(*c)).collect();
            let words = letters.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
            words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
        }
        Damage::TitleInCapitals => title.to_uppercase(),
        damage => of_text(title, damage),
    }
}

fn of_text(text: &str, damage: Damage) -> String {
    match damage {
        Damage::TitleFromAddress | Damage::TitleInCapitals => text.into(),
        Damage::LowerCase => text.to_lowercase(),
        Damage::LostQuotes => text.chars().filter(|c| !is_quote(*c)).collect(),
        Damage::Mojibake => WINDOWS_1252.decode_without_bom_handling(curly(text).as_bytes()).0.into_owned(),
        Damage::QuestionMarks => curly(text).chars().map(|c| if c.is_ascii() { c } else { '?' }).collect(),
        Damage::EscapedHtml => {
            // The ampersand comes first: it is part of the others.
            let escapes = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#39;")];
            let curly = [('\u{2019}', "&rsquo;"), ('\u{201c}', "&ldquo;"), ('\u{201d}', "&rdquo;")];
            escapes.iter().chain(&curly).fold(text.to_owned(), |text, (plain, escape)| text.replace(*plain, escape))
        }
    }
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}')
}

/// Returns a text with the quotation marks of printed texts, which damage of the encoding then affects.
fn curly(text: &str) -> String {
    let mut opens = true;
    let replaced = text.chars().map(|c| match c {
        '\'' => '\u{2019}',
        '"' => {
            opens = !opens;
            if opens { '\u{201d}' } else { '\u{201c}' }
        }
        other => other,
    });
    replaced.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_damage_looks_as_it_does_in_real_articles() {
        let article = Article {
            title: Some("Café owner's plan: \"No tax\"".into()),
            text: "It\u{2019}s \"too high\" & R<D.".into(),
            target_entity: None,
        };
        let expected = [
            (Damage::TitleFromAddress, "café owners plan no tax", "It\u{2019}s \"too high\" & R<D."),
            (Damage::TitleInCapitals, "CAFÉ OWNER'S PLAN: \"NO TAX\"", "It\u{2019}s \"too high\" & R<D."),
            (Damage::LowerCase, "café owner's plan: \"no tax\"", "it\u{2019}s \"too high\" & r<d."),
            (Damage::LostQuotes, "Café owners plan: No tax", "Its too high & R<D."),
            (Damage::Mojibake, "CafÃ© ownerâ€™s plan: â€œNo taxâ€\u{9d}", "Itâ€™s â€œtoo highâ€\u{9d} & R<D."),
            (Damage::QuestionMarks, "Caf? owner?s plan: ?No tax?", "It?s ?too high? & R<D."),
            (
                Damage::EscapedHtml,
                "Café owner&#39;s plan: &quot;No tax&quot;",
                "It&rsquo;s &quot;too high&quot; &amp; R&lt;D.",
            ),
        ];
        assert_eq!(expected.map(|(damage, ..)| damage), ALL);
        for (damage, title, text) in expected {
            let found = damaged(&article, damage);
            assert_eq!((found.title.as_deref(), found.text.as_str()), (Some(title), text), "{damage:?}");
        }
    }
}
