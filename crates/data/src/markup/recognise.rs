//! Decides which `<` and `&` of a text begin markup.

use html5ever::data::NAMED_ENTITIES;
use memchr::{memchr, memchr2, memmem, memrchr};

use super::elements::is_element;

/// The maximum length of a character reference: that of the longest name, with `&` and `;`.
const MAX_REFERENCE: usize = 34;
/// The maximum number of attributes of a tag. The time of the tokenizer grows with the square of this number.
const MAX_ATTRIBUTES: usize = 250;
/// How many bytes after the name of a tag are searched for an attribute, if the tag is cut off.
const MAX_CUT: usize = 1024;
/// What begins the contents of a CDATA section.
const CDATA: &str = "<![CDATA[";

/// A text in which everything that looks like markup is markup: any other `<` and `&` is escaped.
pub(super) struct Recognised {
    pub html: String,
    pub has_tags: bool,
}

/// Returns the text with all look-alikes escaped. Returns `None` if it has no markup at all.
///
/// Without `with_tags`, only character references are markup.
pub(super) fn recognise(text: &str, with_tags: bool) -> Option<Recognised> {
    // No tag ends after the last `>`, and no comment after the last `-->`.
    let last_end = memrchr(b'>', text.as_bytes()).filter(|_| with_tags);
    let last_comment = memmem::rfind(text.as_bytes(), b"-->").unwrap_or_default();
    // Nothing before this position is a tag: what would be one has too many attributes.
    let mut blocked = 0;
    let mut html = String::new();
    let (mut has_tags, mut has_references, mut has_cdata) = (false, false, false);
    let mut rest = text;
    while let Some(start) = memchr2(b'<', b'&', rest.as_bytes()) {
        let (before, markup) = rest.split_at(start);
        html.push_str(before);
        let position = text.len() - markup.len();
        let (written, length) = if markup.starts_with('&') {
            let is_reference = is_reference(markup);
            has_references |= is_reference;
            (if is_reference { "&" } else { "&amp;" }, 1)
        } else {
            let is_before_end = last_end.is_some_and(|end| position < end);
            let may_end = position < last_comment || !markup.starts_with("<!--");
            match if is_before_end && may_end && position >= blocked { tag_length(markup) } else { Err(0) } {
                Ok(length) => {
                    has_tags = true;
                    has_cdata |= markup.starts_with(CDATA);
                    (if markup.starts_with(CDATA) { "" } else { &markup[..length] }, length)
                }
                Err(_) if last_end.is_some() && !is_before_end && is_cut_tag(markup) => ("", markup.len()),
                Err(scanned) => {
                    blocked = blocked.max(position + scanned);
                    ("&lt;", 1)
                }
            }
        };
        html.push_str(written);
        rest = &markup[length..];
    }
    html.push_str(rest);
    if has_cdata {
        html = html.replace("]]>", "");
    }
    (has_tags || has_references).then_some(Recognised { html, has_tags })
}

/// Returns the length of the tag, the comment or the declaration at the start of a text. Of a CDATA section, it is the
/// length of what comes before the contents.
///
/// # Errors
/// If there is no markup, or it has no end. The error is the number of bytes in which no other tag should be looked for.
fn tag_length(text: &str) -> Result<usize, usize> {
    let starts_with = |start: &str| text.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start));
    if text.starts_with("<!--") {
        return memmem::find(&text.as_bytes()[2..], b"-->").map(|end| 2 + end + "-->".len()).ok_or(0);
    }
    if text.starts_with(CDATA) {
        return Ok(CDATA.len());
    }
    if starts_with("<!doctype ") || starts_with("<?xml") {
        return memchr(b'>', text.as_bytes()).map(|end| end + 1).ok_or(0);
    }
    let (name, after) = tag_name(text);
    let is_end_of_name = |next: char| next.is_ascii_whitespace() || matches!(next, '/' | '>');
    if !after.starts_with(is_end_of_name) || !is_element(name) {
        return Err(0);
    }
    let start = text.len() - after.len();
    match end_of_tag(after.as_bytes()) {
        Some(Ok(length)) => Ok(start + length),
        Some(Err(scanned)) => Err(start + scanned),
        None => Err(0),
    }
}

/// Returns the length of the attributes of a tag with the `>` after them, or `None` if there is no end. If there are too
/// many attributes, the error is the length of those that were read.
///
/// The states are those of the HTML standard: a `>` in a quoted value does not end the tag.
fn end_of_tag(bytes: &[u8]) -> Option<Result<usize, usize>> {
    let skip = |from: usize, is_skipped: &dyn Fn(u8) -> bool| {
        bytes[from..].iter().position(|byte| !is_skipped(*byte)).map(|length| from + length)
    };
    let is_space = |byte: u8| byte.is_ascii_whitespace();
    let mut at = 0;
    for _ in 0..=MAX_ATTRIBUTES {
        at = skip(at, &|byte| is_space(byte) || byte == b'/')?;
        if bytes[at] == b'>' {
            return Some(Ok(at + 1));
        }
        // The first character of a name may be anything.
        at = skip(at + 1, &|byte| !is_space(byte) && !matches!(byte, b'/' | b'>' | b'='))?;
        let equals = skip(at, &is_space)?;
        if bytes[equals] != b'=' {
            continue;
        }
        at = skip(equals + 1, &is_space)?;
        at = match bytes[at] {
            quote @ (b'"' | b'\'') => at + 2 + memchr(quote, &bytes[at + 1..])?,
            b'>' => at,
            _ => skip(at, &|byte| !is_space(byte) && byte != b'>')?,
        };
    }
    Some(Err(at))
}

/// Returns whether a text is the beginning of a tag: texts are often cut off at a certain length.
fn is_cut_tag(text: &str) -> bool {
    let (name, rest) = tag_name(text);
    let rest = rest.as_bytes();
    let has_attribute = || rest[0].is_ascii_whitespace() && rest.iter().take(MAX_CUT).any(|byte| *byte == b'=');
    is_element(name) && (rest.is_empty() || has_attribute())
}

/// Returns the name of the tag at the start of a text, and what follows it. The name is empty if there is no tag.
fn tag_name(text: &str) -> (&str, &str) {
    let start = if text.starts_with("</") { 2 } else { 1 };
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-');
    let length = text.as_bytes()[start..].iter().take_while(|byte| is_name(byte)).count();
    let (name, rest) = text[start..].split_at(length);
    if name.starts_with(|first: char| first.is_ascii_alphabetic()) { (name, rest) } else { ("", rest) }
}

/// Returns whether a text starts with a character reference that ends with a semicolon.
fn is_reference(text: &str) -> bool {
    let Some(length) = text.bytes().take(MAX_REFERENCE).position(|byte| byte == b';') else { return false };
    let name = &text[1..=length];
    let is_number = |digits: &str, radix: u32| {
        let digits = digits.trim_end_matches(';');
        (1..=7).contains(&digits.len()) && digits.chars().all(|digit| digit.is_digit(radix))
    };
    match (name.strip_prefix("#x").or_else(|| name.strip_prefix("#X")), name.strip_prefix('#')) {
        (Some(hexadecimal), _) => is_number(hexadecimal, 16),
        (None, Some(decimal)) => is_number(decimal, 10),
        // The beginnings of names are in the table, too, with no character.
        (None, None) => NAMED_ENTITIES.get(name).is_some_and(|(first, _)| *first != 0),
    }
}
