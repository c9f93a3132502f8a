//! The languages of a run: which are detected, and the warning about articles in languages that the model was not
//! trained on.

use crate::output::count::counted;
use indicatif::HumanCount;
use newsdesk_data::Language;
use newsdesk_model::folder::Manifest;
use newsdesk_run::Counts;

/// Number of languages that a line names.
const MAX_NAMED: usize = 5;
/// The warning is given if one of this many articles is in another language. Detection errs about as often.
const ONE_OF: u64 = 1000;

/// Returns the languages that a model was trained on. Empty if they are not known, or one of them cannot be detected:
/// its articles would be taken for others.
pub fn languages_of(manifest: &Manifest) -> Vec<Language> {
    let languages: Result<Vec<Language>, _> = manifest.languages.iter().map(|code| code.parse()).collect();
    languages.unwrap_or_default()
}

/// Returns the lines about a run that labels only some languages: how many articles it set aside, and how many it labelled
/// although their language is unsure. None if it labels all languages.
pub fn chosen(counts: &Counts, only_some: bool) -> Vec<String> {
    let mut lines = vec![];
    if counts.set_aside() > 0 {
        let mut others: Vec<(&str, u64)> = counts.other_languages.iter().map(|(code, n)| (code.as_str(), *n)).collect();
        others.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let articles = counted(HumanCount(counts.set_aside()), "article");
        lines.push(format!("{articles} set aside because of the language: {}", named(&others)));
    }
    if only_some && counts.unsure_languages > 0 {
        let verb = if counts.unsure_languages == 1 { "was" } else { "were" };
        let articles = counted(HumanCount(counts.unsure_languages), "article");
        lines.push(format!("{articles} whose language is unsure {verb} labelled"));
    }
    lines
}

/// Returns the most frequent languages with their numbers of articles, and the number of those in others.
fn named(languages: &[(&str, u64)]) -> String {
    let (shown, others) = languages.split_at(languages.len().min(MAX_NAMED));
    let mut named: Vec<String> = shown.iter().map(|(code, count)| format!("{} {code}", HumanCount(*count))).collect();
    let rest: u64 = others.iter().map(|(_, count)| count).sum();
    if rest > 0 {
        named.push(format!("{} in others", HumanCount(rest)));
    }
    named.join(", ")
}

/// Returns the warning about articles in other languages than the model's, if there are enough of them.
pub fn warning(counts: &Counts, manifest: &Manifest) -> Option<String> {
    let trained = languages_of(manifest);
    let is_other = |code: &str| !trained.iter().any(|language| language.code() == code);
    let mut others: Vec<(&str, u64)> = counts.languages.iter().map(|(code, count)| (code.as_str(), *count)).collect();
    others.retain(|(code, _)| is_other(code));
    others.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let total: u64 = others.iter().map(|(_, count)| count).sum();
    if trained.is_empty() || total == 0 || total.saturating_mul(ONE_OF) < counts.articles {
        return None;
    }
    let names: Vec<&str> = trained.iter().map(|language| language.name()).collect();
    let (names, verb) = (names.join(" or "), if total == 1 { "is" } else { "are" });
    Some(format!(
        "{} of {} articles {verb} not in {names} ({}): the model was trained on {names}",
        HumanCount(total),
        HumanCount(counts.articles),
        named(&others)
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use newsdesk_model::{AnyModel, Device};

    #[test]
    fn the_warning_counts_other_languages() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny");
        let mut manifest = AnyModel::open(folder.as_ref(), &Device::Cpu).unwrap().manifest().clone();
        let counts = |articles: u64, languages: &[(&str, u64)]| Counts {
            articles,
            languages: languages.iter().map(|(code, count)| ((*code).to_owned(), *count)).collect(),
            ..Counts::default()
        };
        let some = counts(200, &[("de", 31), ("en", 150), ("fr", 6)]);
        assert_eq!(warning(&some, &manifest), None);
        manifest.languages = vec!["en".into()];
        let expected = "37 of 200 articles are not in English (31 de, 6 fr): the model was trained on English";
        assert_eq!(warning(&some, &manifest).unwrap(), expected);
        assert_eq!(warning(&counts(10, &[("en", 9)]), &manifest), None);
        assert_eq!(warning(&counts(10_000, &[("en", 9000), ("de", 9)]), &manifest), None);
        let many = [("de", 3), ("fr", 2), ("es", 2), ("it", 2), ("pl", 2), ("ru", 1), ("sv", 1)];
        let many = warning(&counts(20, &many), &manifest).unwrap();
        assert!(many.contains("13 of 20") && many.contains("(3 de, 2 es, 2 fr, 2 it, 2 pl, 2 in others)"), "{many}");
        manifest.languages = vec!["en".into(), "de".into()];
        assert!(
            warning(&some, &manifest).unwrap().starts_with("6 of 200 articles are not in English or German (6 fr)")
        );
        // Yoruba cannot be detected.
        manifest.languages = vec!["yo".into()];
        assert_eq!(warning(&some, &manifest), None);
    }
}
