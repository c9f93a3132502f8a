//! Removes the tags of HTML and decodes its character references, with the tokenizer of html5ever.

use std::cell::RefCell;

use html5ever::LocalName;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};

use super::elements::{is_block, is_break, is_cell, is_hidden};

/// A noncharacter that is put behind the text. If it does not arrive, markup without an end has swallowed the text
/// before it.
const END: char = '\u{fdef}';
/// The number of different open elements that are remembered.
const MAX_OPEN: usize = 64;

/// The plain text of HTML.
pub(super) struct Plain {
    pub text: String,
    /// Whether the tags are plainly markup: a pair of tags, an attribute, a line break, a comment.
    pub holds_markup: bool,
}

/// Returns the plain text of HTML, or `None` if a tag, a comment or a script has no end.
///
/// White space is collapsed if `collapse` is set, as a browser does, but line breaks stay line breaks.
pub(super) fn plain(html: &str, collapse: bool) -> Option<Plain> {
    let options = TokenizerOpts { discard_bom: false, ..TokenizerOpts::default() };
    let tokenizer = Tokenizer::new(Sink::default(), options);
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(html));
    input.push_back(StrTendril::from_char(END));
    // A script pauses the tokenizer, but this sink runs none.
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    let State { mut text, holds_markup, .. } = tokenizer.sink.state.into_inner();
    (text.pop() == Some(END)).then(|| {
        let text = if collapse { collapsed(&text) } else { text };
        Plain { text, holds_markup }
    })
}

/// Collects the text between tags.
#[derive(Default)]
struct Sink {
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    text: String,
    /// The element whose contents are skipped.
    hidden: Option<LocalName>,
    /// The names of start tags so far.
    opened: Vec<LocalName>,
    holds_markup: bool,
}

impl State {
    fn tag(&mut self, tag: Tag) -> TokenSinkResult<()> {
        if let Some(hidden) = &self.hidden {
            if tag.kind == TagKind::EndTag && tag.name == *hidden {
                self.hidden = None;
                self.holds_markup = true;
            }
            return TokenSinkResult::Continue;
        }
        let name = &*tag.name;
        let starts_line =
            || self.text.trim_end_matches([' ', '\t']).ends_with('\n') || self.text.trim_ascii().is_empty();
        self.holds_markup |= match tag.kind {
            TagKind::StartTag => {
                let has_attribute = tag.attrs.iter().any(|attribute| !attribute.value.is_empty());
                has_attribute || is_break(name) || is_block(name) && starts_line()
            }
            TagKind::EndTag => self.opened.contains(&tag.name),
        };
        if is_block(name) && !self.text.ends_with('\n') {
            self.text.push('\n');
        } else if is_cell(name) {
            self.text.push(' ');
        }
        if tag.kind == TagKind::EndTag {
            return TokenSinkResult::Continue;
        }
        if self.opened.len() < MAX_OPEN && !self.opened.contains(&tag.name) {
            self.opened.push(tag.name.clone());
        }
        if !is_hidden(name) {
            return TokenSinkResult::Continue;
        }
        let kind = if name == "script" { RawKind::ScriptData } else { RawKind::Rawtext };
        self.hidden = Some(tag.name);
        TokenSinkResult::RawData(kind)
    }
}

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        let mut state = self.state.borrow_mut();
        match token {
            Token::TagToken(tag) => return state.tag(tag),
            Token::CharacterTokens(text) if state.hidden.is_none() => state.text.push_str(&text),
            Token::CommentToken(_) | Token::DoctypeToken(_) => state.holds_markup = true,
            Token::CharacterTokens(_) | Token::NullCharacterToken | Token::EOFToken | Token::ParseError(_) => {}
        }
        TokenSinkResult::Continue
    }
}

/// Replaces each run of white space by one line break if it has one, and else by one space.
fn collapsed(text: &str) -> String {
    let mut collapsed = String::with_capacity(text.len());
    let mut rest = text.trim_ascii();
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_whitespace()) {
        let (word, gap) = rest.split_at(start);
        rest = gap.trim_ascii_start();
        let gap = &gap[..gap.len() - rest.len()];
        collapsed.push_str(word);
        collapsed.push(if gap.contains('\n') { '\n' } else { ' ' });
    }
    collapsed + rest
}
