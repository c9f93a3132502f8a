//! HTML in texts: detects markup, and reduces it to the text that a browser would show.
//!
//! ```text
//! text --recognise--> HTML without look-alikes --tokens--> plain text, and whether the text plainly held markup
//! ```
//!
//! `recognise` decides which `<` and `&` are markup at all, so that `a < b`, `List<String>` and `R&D` stay as they are.
//! The tokenizer of html5ever then removes tags and decodes character references.

mod elements;
mod recognise;
mod tokens;

use std::ops::Range;

use memchr::memchr2;

use recognise::recognise;
use tokens::plain;

/// How often a text is reduced. Feeds escape HTML once more, some of them twice.
const MAX_PASSES: usize = 3;
/// Noncharacters that mark a range while a text is reduced. Texts may not contain them.
const MARKS: [char; 2] = ['\u{fdd0}', '\u{fdd1}'];

/// What is done with HTML in texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HtmlMode {
    /// A text that plainly holds tags or character references is reduced to plain text.
    #[default]
    Auto,
    /// Everything that may be a tag or a character reference is removed or decoded.
    Strip,
    /// Texts are read as they are.
    Keep,
}

impl HtmlMode {
    const NAMES: [(HtmlMode, &'static str); 3] =
        [(HtmlMode::Auto, "auto"), (HtmlMode::Strip, "strip"), (HtmlMode::Keep, "keep")];

    /// Returns the name of the mode in options.
    pub fn name(self) -> &'static str {
        HtmlMode::NAMES.iter().find(|(mode, _)| *mode == self).map_or("", |(_, name)| name)
    }

    /// Returns the mode with this name.
    pub fn from_name(name: &str) -> Option<HtmlMode> {
        HtmlMode::NAMES.iter().find(|(_, other)| *other == name).map(|(mode, _)| *mode)
    }
}

/// Returns the plain text of a text with HTML. Returns `None` if the text stays as it is.
///
/// The result depends on nothing but the text and the mode.
pub(crate) fn plain_text(text: &str, mode: HtmlMode) -> Option<String> {
    // Almost all texts end here.
    if mode == HtmlMode::Keep || memchr2(b'<', b'&', text.as_bytes()).is_none() {
        return None;
    }
    let (mut current, mut had_tags) = (None, false);
    for pass in 0..MAX_PASSES {
        let text: &str = current.as_deref().unwrap_or(text);
        // Tags that appear when references are decoded were escaped on purpose if the text had tags before.
        let Some((plain, removed_tags)) = reduce(text, !had_tags, mode == HtmlMode::Strip && pass == 0) else { break };
        had_tags |= removed_tags;
        current = Some(plain);
    }
    current.filter(|plain| plain != text)
}

/// Reduces a text once. Returns the plain text, and whether tags were removed from it.
fn reduce(text: &str, with_tags: bool, forced: bool) -> Option<(String, bool)> {
    let found = recognise(text, with_tags)?;
    if found.has_tags
        && let Some(plain) = plain(&found.html, true)
        && (forced || plain.holds_markup)
    {
        return Some((plain.text, true));
    }
    let references = if found.has_tags { recognise(text, false)? } else { found };
    plain(&references.html, false).map(|plain| (plain.text, false))
}

/// Returns the plain text of a text with HTML, and where a range of its bytes is in the plain text.
///
/// The range is `None` if it was inside a tag. Returns `None` if the text stays as it is.
pub(crate) fn plain_text_around(
    text: &str,
    range: &Range<usize>,
    mode: HtmlMode,
) -> Option<(String, Option<Range<usize>>)> {
    let unmarked = plain_text(text, mode)?;
    if text.contains(MARKS) {
        return Some((unmarked, None));
    }
    let [start, end] = MARKS;
    let (before, inside, after) = (&text[..range.start], &text[range.clone()], &text[range.end..]);
    let marked = format!("{before}{start}{inside}{end}{after}");
    // The decision is made above: the marks must not change it.
    let Some(mut plain) = plain_text(&marked, HtmlMode::Strip) else { return Some((unmarked, None)) };
    let position = plain.find(start).zip(plain.find(end));
    plain.retain(|letter| !MARKS.contains(&letter));
    let range = position.map(|(from, to)| from..to - start.len_utf8()).filter(|range| !range.is_empty());
    Some((plain, range))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn auto(text: &str) -> Option<String> {
        plain_text(text, HtmlMode::Auto)
    }

    #[test]
    fn markup_is_stripped() {
        let cases = [
            ("<p>Oil <b>rises</b>.</p><p>Rates fall.</p>", "Oil rises.\nRates fall."),
            ("Oil rises.<br>Rates fall.<br/>\nThe end.", "Oil rises.\nRates fall.\nThe end."),
            ("<ul><li>One</li><li>Two</li></ul>", "One\nTwo"),
            ("<P ALIGN=center>Oil rises", "Oil rises"),
            ("A <a href=\"/x?a=1&b=2\">link</a> here", "A link here"),
            ("Oil <!-- draft --> rises", "Oil rises"),
            ("<script>if (a<b) { x = \"</p>\" }</script>Oil<style>p { top: 0 }</style> rises", "Oil rises"),
            ("<![CDATA[<p>Oil rises</p>]]>", "Oil rises"),
            ("<!DOCTYPE html><html><body>Oil rises</body></html>", "Oil rises"),
            ("<table><tr><td>Oil</td><td>3</td></tr><tr><td>Gas</td><td>4</td></tr></table>", "Oil 3\nGas 4"),
            ("<p class=MsoNormal>Oil<o:p></o:p> rises</p>", "Oil rises"),
            ("AT&amp;T&nbsp;&#8217;s &#x201C;plan&#148;", "AT&T\u{a0}\u{2019}s \u{201c}plan\u{201d}"),
            ("Buy Apple &lt;AAPL.O&gt; now", "Buy Apple <AAPL.O> now"),
            ("&lt;p&gt;Oil &amp;amp; gas&lt;/p&gt;", "Oil & gas"),
            ("<p>Write &lt;b&gt;bold&lt;/b&gt;</p>", "Write <b>bold</b>"),
            ("<p>Oil &amp;nbsp;rises</p>", "Oil \u{a0}rises"),
            ("<p>Oil rises</p> and a < b, x <AAPL.O> y & z", "Oil rises\nand a < b, x <AAPL.O> y & z"),
            // A text that was cut off.
            ("<p>Oil rises</p><p>Read <a href=\"http://", "Oil rises\nRead"),
            ("<p>Oil rises</p", "Oil rises"),
        ];
        for (text, plain) in cases {
            assert_eq!(auto(text).as_deref(), Some(plain), "{text}");
        }
    }

    #[test]
    fn look_alikes_are_kept() {
        let cases = [
            "Oil rises.",
            "a < b and c > d",
            "if (a<b && c>d) return x<y;",
            "if a<b and c>d then",
            "List<String> and Map<K, V>, vector<int>",
            "#include <map>",
            "R&D, AT&T, Q&A; P&L; A&E; x&y;",
            "https://example.com/?a=1&copy=2&lt=3",
            "Agilent Technologies <A> fell, Barnes <B> rose",
            "Write to <mark@example.com> or <a@b.org>",
            "the <b> tag makes text bold",
            "I <3 this",
            "Reuters <http://example.com/b>",
            "a <- b -> c <= d <> e",
            "#39;s and quot;x quot;",
            "&; &#; &#x; &bogus;",
        ];
        for text in cases {
            assert_eq!(auto(text), None, "{text}");
        }
    }

    #[test]
    fn modes_differ_only_without_evidence() {
        let text = "the <b> tag";
        assert_eq!((auto(text), plain_text(text, HtmlMode::Strip).as_deref()), (None, Some("the tag")));
        assert_eq!(plain_text("<p>x</p>", HtmlMode::Keep), None);
        assert_eq!(plain_text("a < b", HtmlMode::Strip), None);
    }

    #[test]
    fn markup_that_never_ends_swallows_no_text() {
        for rest in ["<a href=\"x>and the rest", "<!-- and the rest > is here", "<b and the rest"] {
            assert_eq!(auto(&format!("Oil <b>rises</b> {rest}")).unwrap(), format!("Oil rises {rest}"));
        }
        let script = "Oil &amp; gas <b>rise</b> <script> and the rest";
        assert_eq!(auto(script).as_deref(), Some("Oil & gas <b>rise</b> <script> and the rest"));
    }

    #[test]
    fn hostile_texts_take_linear_time() {
        let count = 200_000;
        let quotes = "<a b=\"".repeat(count) + ">";
        let attributes = format!("<a {}>", "x=1 ".repeat(count));
        let others = ["<!-- ", "<b ", "<b", "&", "<b>", "<a b='\"><a b=\"'>", "<![CDATA[", "<?xml "];
        for text in others.iter().map(|part| part.repeat(count) + ">").chain([quotes, attributes]) {
            // Quadratic time would be minutes.
            plain_text(&text, HtmlMode::Strip);
        }
    }

    #[test]
    fn a_range_keeps_its_contents() {
        let text = "<p>A &amp; B.</p>\n<p>The <b>Bank &amp; Co</b> rose</p>";
        let start = text.find("Bank").unwrap();
        let (plain, range) = plain_text_around(text, &(start..start + "Bank &amp; Co".len()), HtmlMode::Auto).unwrap();
        assert_eq!((plain.as_str(), &plain[range.unwrap()]), ("A & B.\nThe Bank & Co rose", "Bank & Co"));
        let tag = "<p title=\"Bank\">Oil rises</p>";
        let inside = plain_text_around(tag, &(10..14), HtmlMode::Auto).unwrap();
        assert_eq!(inside, ("Oil rises".to_owned(), None));
        assert_eq!(plain_text_around("The Bank rose", &(4..8), HtmlMode::Auto), None);
    }

    proptest! {
        #[test]
        fn any_text_is_reduced_without_a_panic(
            parts in prop::collection::vec(
                prop_oneof!["[a-z ]{0,8}", "</?(p|b|br|script|a|x|o:p|!--|\\?xml)", "[<>&;\"'=/ -]{1,3}", "&(amp|lt|#39|#x0|bogus);?", "\\PC"],
                0..30,
            ),
            from in 0..20usize, length in 0..20usize,
        ) {
            let text = parts.concat();
            for mode in [HtmlMode::Auto, HtmlMode::Strip] {
                if let Some(plain) = plain_text(&text, mode) {
                    prop_assert_ne!(plain, text.clone());
                }
            }
            let offset = |index: usize| text.char_indices().nth(index).map_or(text.len(), |(offset, _)| offset);
            let range = offset(from)..offset(from + length);
            if let Some((plain, Some(range))) = plain_text_around(&text, &range, HtmlMode::Auto) {
                prop_assert!(plain.get(range).is_some());
            }
        }

        #[test]
        fn prose_is_kept(text in "[A-Za-z0-9 .,;:'\"()%$\n-]{0,200}") {
            prop_assert_eq!(auto(&text), None);
        }
    }
}
