//! The language of a text, from its beginning.
//!
//! English is recognised by its most frequent words, which takes a few microseconds. Other texts are compared with the
//! trigrams of 70 languages, by whatlang. A text whose language is unsure has none: a short one, one of figures, or one
//! in a language that is hard to tell from its neighbours.

use std::fmt;
use std::str::FromStr;

use whatlang::Lang;

/// The number of characters that are looked at.
const BEGINNING: usize = 1000;
/// The minimum number of letters. Shorter texts have no language.
const MIN_LETTERS: usize = 20;
/// Frequent English words that are rare in other languages.
const ENGLISH: [&str; 17] = [
    "the", "of", "and", "that", "with", "from", "have", "has", "said", "this", "will", "which", "were", "are", "been",
    "their", "would",
];
/// The code of each language in ISO 639-1.
const SHORT_CODES: [(Lang, &str); 70] = [
    (Lang::Afr, "af"),
    (Lang::Aka, "ak"),
    (Lang::Amh, "am"),
    (Lang::Ara, "ar"),
    (Lang::Aze, "az"),
    (Lang::Bel, "be"),
    (Lang::Ben, "bn"),
    (Lang::Bul, "bg"),
    (Lang::Cat, "ca"),
    (Lang::Ces, "cs"),
    (Lang::Cmn, "zh"),
    (Lang::Cym, "cy"),
    (Lang::Dan, "da"),
    (Lang::Deu, "de"),
    (Lang::Ell, "el"),
    (Lang::Eng, "en"),
    (Lang::Epo, "eo"),
    (Lang::Est, "et"),
    (Lang::Fin, "fi"),
    (Lang::Fra, "fr"),
    (Lang::Guj, "gu"),
    (Lang::Heb, "he"),
    (Lang::Hin, "hi"),
    (Lang::Hrv, "hr"),
    (Lang::Hun, "hu"),
    (Lang::Hye, "hy"),
    (Lang::Ind, "id"),
    (Lang::Ita, "it"),
    (Lang::Jav, "jv"),
    (Lang::Jpn, "ja"),
    (Lang::Kan, "kn"),
    (Lang::Kat, "ka"),
    (Lang::Khm, "km"),
    (Lang::Kor, "ko"),
    (Lang::Lat, "la"),
    (Lang::Lav, "lv"),
    (Lang::Lit, "lt"),
    (Lang::Mal, "ml"),
    (Lang::Mar, "mr"),
    (Lang::Mkd, "mk"),
    (Lang::Mya, "my"),
    (Lang::Nep, "ne"),
    (Lang::Nld, "nl"),
    (Lang::Nob, "nb"),
    (Lang::Ori, "or"),
    (Lang::Pan, "pa"),
    (Lang::Pes, "fa"),
    (Lang::Pol, "pl"),
    (Lang::Por, "pt"),
    (Lang::Ron, "ro"),
    (Lang::Rus, "ru"),
    (Lang::Sin, "si"),
    (Lang::Slk, "sk"),
    (Lang::Slv, "sl"),
    (Lang::Sna, "sn"),
    (Lang::Spa, "es"),
    (Lang::Srp, "sr"),
    (Lang::Swe, "sv"),
    (Lang::Tam, "ta"),
    (Lang::Tel, "te"),
    (Lang::Tgl, "tl"),
    (Lang::Tha, "th"),
    (Lang::Tuk, "tk"),
    (Lang::Tur, "tr"),
    (Lang::Ukr, "uk"),
    (Lang::Urd, "ur"),
    (Lang::Uzb, "uz"),
    (Lang::Vie, "vi"),
    (Lang::Yid, "yi"),
    (Lang::Zul, "zu"),
];

/// A language that can be told from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Language(Lang);

impl Language {
    /// Returns the language of a text, or `None` if it is unsure.
    ///
    /// The result depends on nothing but the beginning of the text.
    pub fn of(text: &str) -> Option<Language> {
        let end = text.char_indices().nth(BEGINNING).map_or(text.len(), |(end, _)| end);
        let text = &text[..end];
        if is_english(text) {
            return Some(Language(Lang::Eng));
        }
        // Too few letters say nothing.
        text.chars().filter(|letter| letter.is_alphabetic()).nth(MIN_LETTERS - 1)?;
        whatlang::detect(text).filter(whatlang::Info::is_reliable).map(|found| Language(found.lang()))
    }

    /// Returns the code of the language in ISO 639-1, such as `de`.
    pub fn code(self) -> &'static str {
        SHORT_CODES.iter().find(|(language, _)| *language == self.0).map_or(self.0.code(), |(_, code)| code)
    }

    /// Returns the English name of the language.
    pub fn name(self) -> &'static str {
        match self.0 {
            Lang::Cmn => "Chinese",
            Lang::Pes => "Persian",
            language => language.eng_name(),
        }
    }

    /// Returns the codes of all languages that can be told from others.
    pub fn codes() -> Vec<&'static str> {
        let mut codes: Vec<&str> = Lang::all().iter().map(|language| Language(*language).code()).collect();
        codes.sort_unstable();
        codes
    }
}

impl fmt::Display for Language {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

impl FromStr for Language {
    type Err = String;

    /// Parses a code of ISO 639-1 or ISO 639-3, in any letter case.
    fn from_str(code: &str) -> Result<Language, String> {
        let code = code.trim().to_ascii_lowercase();
        let known = |language: &&Lang| language.code() == code || Language(**language).code() == code;
        let found = Lang::all().iter().find(known).map(|language| Language(*language));
        found.ok_or_else(|| format!("`{code}` is not one of the languages {}", Language::codes().join(", ")))
    }
}

/// Returns whether a text is plainly English: at least three of its words, and 8 % of them, are frequent in English.
fn is_english(text: &str) -> bool {
    let (mut words, mut hits, mut first, mut differ) = (0, 0, None, false);
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic();
    for word in text.as_bytes().split(|byte| !is_letter(byte)).filter(|word| !word.is_empty()) {
        words += 1;
        let Some(found) = ENGLISH.iter().position(|english| word.eq_ignore_ascii_case(english.as_bytes())) else {
            continue;
        };
        hits += 1;
        differ |= *first.get_or_insert(found) != found;
    }
    // Letters outside ASCII count, so that a few English words in another script decide nothing.
    let others = text.bytes().filter(|byte| !byte.is_ascii()).count() / 8;
    hits >= 3 && differ && hits * 100 >= (words + others) * 8
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn code(text: &str) -> Option<&'static str> {
        Language::of(text).map(Language::code)
    }

    #[test]
    fn languages_are_told_apart() {
        let cases = [
            ("The minister said on Monday that the rate of tax will fall, and the party agreed.", "en"),
            ("Die Regierung hat am Montag beschlossen, die Steuern für kleine Betriebe zu senken.", "de"),
            ("Le gouvernement a décidé lundi de baisser les impôts pour les petites entreprises.", "fr"),
            ("El gobierno decidió el lunes bajar los impuestos a las pequeñas empresas del país.", "es"),
            ("Правительство решило в понедельник снизить налоги для малых предприятий страны.", "ru"),
            ("政府は月曜日、中小企業への税金を引き下げることを決定しました。首相が発表した。", "ja"),
            ("政府星期一决定降低小企业的税收，总理在首都举行的新闻发布会上宣布了这一消息。", "zh"),
        ];
        for (text, language) in cases {
            assert_eq!(code(text), Some(language), "{text}");
        }
    }

    #[test]
    fn unsure_texts_have_no_language() {
        for text in ["", "Goal!", "12 34 56 78 90 12 34 56 78 90", "Bayern 3:1", "Oil up 3 %"] {
            assert_eq!(code(text), None, "{text}");
        }
    }

    #[test]
    fn only_the_beginning_counts() {
        let english = "The minister said on Monday that the rate of tax will fall. ".repeat(20);
        let german = "Die Regierung hat am Montag beschlossen, die Steuern zu senken. ".repeat(200);
        assert_eq!(code(&format!("{english}{german}")), Some("en"));
        assert_eq!(code(&format!("{german}{english}")), Some("de"));
    }

    #[test]
    fn codes_are_parsed() {
        for (code, shown) in
            [("en", "en"), ("ENG", "en"), (" de ", "de"), ("cmn", "zh"), ("zh", "zh"), ("cym", "cy"), ("cy", "cy")]
        {
            assert_eq!(code.parse::<Language>().unwrap().to_string(), shown);
        }
        assert!("xx".parse::<Language>().unwrap_err().contains("`xx` is not one of the languages af, ak, am"));
        assert_eq!("de".parse::<Language>().unwrap().name(), "German");
        let codes = Language::codes();
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{codes:?}");
        // Each of them has a code in ISO 639-1.
        assert!(codes.iter().all(|code| code.len() == 2), "{codes:?}");
    }
}
