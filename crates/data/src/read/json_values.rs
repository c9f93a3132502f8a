//! Cuts JSON into values: the elements of an array, or values one after the other. Only one value is in memory.

use std::io::{self, BufRead};

use super::error::{MAX_SKIPPED, SAMPLE, endless};
use crate::error::ArrayError;
use crate::open::Peekable;

/// Where in the JSON the cutter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    /// Between values that follow each other without commas.
    Sequence,
    /// After `[`, or after a comma.
    BeforeElement,
    AfterElement,
    Ended,
}

/// Cuts JSON into values.
pub(super) struct Values {
    state: State,
    limit: usize,
    /// The current line, from 1.
    line: u64,
    /// The number of bytes so far.
    offset: u64,
    /// The number of values so far.
    count: u64,
}

/// Where a value starts, and whether it was kept completely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Value {
    /// The number of the value, from 1.
    pub number: u64,
    /// The line on which it starts, from 1.
    pub line: u64,
    /// Its offset in the stream.
    pub offset: u64,
    /// Whether all of it is in the buffer. Of a value that is longer than the limit, only the beginning is kept.
    pub is_complete: bool,
}

impl Values {
    /// Returns a cutter for values of at most `limit` bytes.
    pub fn new(limit: usize, offset: u64) -> Values {
        Values { state: State::Start, limit, line: 1, offset, count: 0 }
    }

    /// Returns whether the values are the elements of an array.
    pub fn is_array(&self) -> bool {
        matches!(self.state, State::BeforeElement | State::AfterElement | State::Ended)
    }

    /// Reads the next value into the buffer, without line breaks.
    ///
    /// # Errors
    /// If the stream cannot be read, or the array is damaged. Where the next value starts is then unknown.
    pub fn next(&mut self, reader: &mut Peekable, buffer: &mut Vec<u8>) -> io::Result<Option<Value>> {
        buffer.clear();
        loop {
            let next = self.skip_white(reader)?;
            match (self.state, next) {
                (State::Ended, Some(_)) => return Err(damaged("text follows the JSON array".to_owned())),
                (State::Start | State::Sequence | State::Ended, None) => return Ok(None),
                (State::BeforeElement | State::AfterElement, None) => {
                    let cause = format!("the JSON array ends after element {}, without `]`", self.count);
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, cause));
                }
                (State::Start, Some(b'[')) => (_, self.state) = (self.take(reader), State::BeforeElement),
                (State::Start, Some(_)) => self.state = State::Sequence,
                (State::BeforeElement | State::AfterElement, Some(b']')) => {
                    (_, self.state) = (self.take(reader), State::Ended);
                }
                (State::AfterElement, Some(b',')) => (_, self.state) = (self.take(reader), State::BeforeElement),
                (State::AfterElement, Some(_)) => {
                    let cause = format!("a comma is missing after element {} of the JSON array", self.count);
                    return Err(damaged(cause));
                }
                (State::BeforeElement | State::Sequence, Some(first)) => {
                    if self.state == State::BeforeElement {
                        self.state = State::AfterElement;
                    }
                    return self.value(first, reader, buffer).map(Some);
                }
            }
        }
    }

    fn value(&mut self, first: u8, reader: &mut Peekable, buffer: &mut Vec<u8>) -> io::Result<Value> {
        self.count += 1;
        let value = Value { number: self.count, line: self.line, offset: self.offset, is_complete: true };
        let (mut length, mut nesting) = (0, Nesting::new(first));
        loop {
            let available = match reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                available => available?,
            };
            if available.is_empty() {
                if nesting.is_scalar || nesting.is_done {
                    break;
                }
                let cause = format!("the JSON ends within value {}, which starts on line {}", self.count, value.line);
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, cause));
            }
            let end = available.iter().position(|byte| nesting.ends_before(*byte));
            let taken = &available[..end.unwrap_or(available.len())];
            self.line += taken.iter().filter(|byte| **byte == b'\n').count() as u64;
            self.offset += taken.len() as u64;
            length += taken.len();
            if length <= self.limit {
                buffer.extend_from_slice(taken);
            }
            if length > self.limit.saturating_add(MAX_SKIPPED) {
                return Err(endless());
            }
            let count = taken.len();
            reader.consume(count);
            if end.is_some() {
                break;
            }
        }
        let is_complete = length <= self.limit;
        match is_complete {
            true => join_lines(buffer),
            false => buffer.truncate(SAMPLE),
        }
        Ok(Value { is_complete, ..value })
    }

    /// Skips white space, and returns the byte after it without consuming it.
    fn skip_white(&mut self, reader: &mut Peekable) -> io::Result<Option<u8>> {
        loop {
            let available = match reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                available => available?,
            };
            if available.is_empty() {
                return Ok(None);
            }
            let white = available.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let next = available.get(white).copied();
            self.line += available[..white].iter().filter(|byte| **byte == b'\n').count() as u64;
            self.offset += white as u64;
            reader.consume(white);
            if next.is_some() {
                return Ok(next);
            }
        }
    }

    fn take(&mut self, reader: &mut Peekable) {
        reader.consume(1);
        self.offset += 1;
    }
}

/// Follows the brackets and strings of a value to its end.
struct Nesting {
    depth: u64,
    in_string: bool,
    is_escaped: bool,
    /// Whether the last byte of the value was passed.
    is_done: bool,
    /// Whether the value is a number or a word, which has no last byte of its own.
    is_scalar: bool,
    /// Whether the first byte was passed. It always belongs to the value, also if it is a stray `]` or comma.
    is_started: bool,
}

impl Nesting {
    fn new(first: u8) -> Nesting {
        let is_scalar = !matches!(first, b'{' | b'[' | b'"');
        Nesting { depth: 0, in_string: false, is_escaped: false, is_done: false, is_scalar, is_started: false }
    }

    /// Takes the next byte, and returns whether the value ends before it.
    fn ends_before(&mut self, byte: u8) -> bool {
        if self.is_done {
            return true;
        }
        if self.is_scalar {
            return std::mem::replace(&mut self.is_started, true)
                && (byte.is_ascii_whitespace() || matches!(byte, b',' | b']' | b'}' | b'{' | b'['));
        }
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' if self.in_string => self.is_escaped = true,
            b'"' => self.in_string = !self.in_string,
            _ if self.in_string => {}
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.is_done = self.depth == 0 && !self.in_string;
        false
    }
}

/// Removes line breaks between the parts of a value, with the indentation after them. A row of JSON Lines has none.
fn join_lines(value: &mut Vec<u8>) {
    if !value.contains(&b'\n') && !value.contains(&b'\r') {
        return;
    }
    let (mut in_string, mut is_escaped, mut is_indentation) = (false, false, false);
    value.retain(|byte| {
        if in_string {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            return true;
        }
        in_string = *byte == b'"';
        is_indentation = matches!(byte, b'\n' | b'\r') || (is_indentation && matches!(byte, b' ' | b'\t'));
        !is_indentation
    });
}

fn damaged(cause: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, ArrayError(cause))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn cut(json: &str) -> (Vec<String>, Option<String>) {
        let (mut found, mut buffer) = (Vec::new(), Vec::new());
        // One byte at a time, so that values span several reads.
        let reader = io::BufReader::with_capacity(1, io::Cursor::new(json.as_bytes().to_vec()));
        let (mut reader, mut values) = (Peekable::new(Box::new(reader)), Values::new(40, 0));
        loop {
            match values.next(&mut reader, &mut buffer) {
                Ok(Some(value)) => {
                    let text = String::from_utf8(buffer.clone()).unwrap();
                    assert!(!value.is_complete || json[value.offset as usize..].starts_with(&text[..1]));
                    found.push(format!(
                        "{}:{} {text}{}",
                        value.number,
                        value.line,
                        if value.is_complete { "" } else { "..." }
                    ));
                }
                Ok(None) => return (found, None),
                Err(error) => return (found, Some(error.to_string())),
            }
        }
    }

    #[test]
    fn elements_and_values_are_cut() {
        let (found, error) = cut("\n[{\"a\": [1, \"]}\\\"\"]},\n  {\n  \"b\":\n \"x\\\\\"},5 , \"s\",[ ] ]\n");
        assert_eq!(found, ["1:2 {\"a\": [1, \"]}\\\"\"]}", "2:3 {\"b\":\"x\\\\\"}", "3:5 5", "4:5 \"s\"", "5:5 [ ]"]);
        assert_eq!(error, None);
        assert_eq!(
            cut("{\"a\":1}{\"b\":2}\n{}\nnull"),
            (["1:1 {\"a\":1}", "2:1 {\"b\":2}", "3:2 {}", "4:3 null"].map(String::from).to_vec(), None)
        );
        assert_eq!(cut("{\"a\": 1}"), (vec!["1:1 {\"a\": 1}".to_owned()], None));
        assert_eq!(cut(" []").1.or(cut("  ").1).or(cut("[1,]").1), None);
        let long = format!("[\"{}\", 2]", "x".repeat(50));
        assert_eq!(cut(&long).0[1], "2:1 2");
        assert!(cut(&long).0[0].ends_with("..."));
    }

    /// Found by fuzzing: such a value was empty, and was cut again and again.
    #[test]
    fn stray_brackets_and_commas_are_values() {
        let stray = |json: &str| cut(json).0.iter().map(|found| found.split_once(' ').unwrap().1.to_owned()).collect();
        let found: Vec<String> = stray("{} ] , } {}");
        assert_eq!(found, ["{}", "]", ",", "}", "{}"]);
        let found: Vec<String> = stray("[{},,{}]");
        assert_eq!(found, ["{}", ","]);
        assert_eq!(cut("[{},,{}]").1.unwrap(), "a comma is missing after element 2 of the JSON array");
    }

    #[test]
    fn damage_is_an_error_after_the_values_before_it() {
        assert_eq!(cut("[1, {\"a\":").1.unwrap(), "the JSON ends within value 2, which starts on line 1");
        assert_eq!(cut("[1, 2").1.unwrap(), "the JSON array ends after element 2, without `]`");
        assert_eq!(cut("[{} {}]").1.unwrap(), "a comma is missing after element 1 of the JSON array");
        assert_eq!(cut("[1] x").1.unwrap(), "text follows the JSON array");
        assert_eq!(cut("[1, 2").0.len(), 2);
    }
}
