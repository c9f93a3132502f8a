//! Chooses which rejects are shown: the first few of each cause. The others are counted by cause.

use indicatif::HumanCount;
use newsdesk_data::Reject;
use std::collections::{HashMap, HashSet};

/// Number of rejects that are shown of each cause.
const SHOWN_OF_A_CAUSE: usize = 4;
/// Number of rejects that are shown in all.
const SHOWN: usize = 20;
/// Number of causes that are counted apart from each other.
const CAUSES: usize = 100;

/// The rejects so far, by cause.
#[derive(Default)]
pub struct RejectLog {
    count: usize,
    shown: usize,
    causes: Vec<Cause>,
    /// The index of each cause, by its form without numbers and names.
    index: HashMap<String, usize>,
    hints: HashSet<Box<str>>,
}

/// A cause and its rejects.
struct Cause {
    /// The position and the cause of the first reject.
    first: String,
    /// The cause, if all of them have the same words.
    words: Option<String>,
    shown: usize,
    hidden: usize,
}

/// Whether a reject is shown.
pub struct Shown {
    /// Whether the reject is shown.
    pub is_shown: bool,
    /// Whether its hint is shown as well. A hint is shown once.
    pub with_hint: bool,
}

impl RejectLog {
    /// Adds a reject, and returns whether it is shown.
    pub fn add(&mut self, reject: &Reject) -> Shown {
        self.count += 1;
        let form = without_names(&reject.cause);
        let next = self.causes.len();
        let index = match self.index.get(&form) {
            Some(index) => *index,
            // Very many causes are counted as one.
            None if next > CAUSES => next - 1,
            None => {
                self.index.insert(form, next);
                self.causes.push(Cause {
                    first: reject.to_string(),
                    words: Some(reject.cause.clone()),
                    shown: 0,
                    hidden: 0,
                });
                next
            }
        };
        let cause = &mut self.causes[index];
        if cause.words.as_ref().is_some_and(|words| *words != reject.cause) {
            cause.words = None;
        }
        let is_shown = cause.shown < SHOWN_OF_A_CAUSE && self.shown < SHOWN;
        match is_shown {
            true => (cause.shown, self.shown) = (cause.shown + 1, self.shown + 1),
            false => cause.hidden += 1,
        }
        let with_hint = is_shown && reject.hint.as_ref().is_some_and(|hint| self.hints.insert(hint.clone()));
        Shown { is_shown, with_hint }
    }

    /// Returns the number of rejects.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns a line for each cause with rejects that were not shown, most rejects first.
    pub fn others(&self) -> Vec<String> {
        // The last entry holds all causes that are not counted apart.
        let (apart, rest) = self.causes.split_at(self.causes.len().min(CAUSES));
        let mut causes: Vec<&Cause> = apart.iter().filter(|cause| cause.hidden > 0).collect();
        causes.sort_by_key(|cause| std::cmp::Reverse(cause.hidden));
        let more = causes.iter().skip(SHOWN).copied().chain(rest).map(|cause| cause.hidden).sum::<usize>();
        let rows = |count: usize| match count {
            1 => "1 more row is".to_owned(),
            count => format!("{} more rows are", HumanCount(count as u64)),
        };
        let line = |cause: &Cause| match &cause.words {
            Some(words) => format!("{} rows are rejected: {words}", HumanCount((cause.shown + cause.hidden) as u64)),
            None => format!("{} rejected for the same reason as {}", rows(cause.hidden), cause.first),
        };
        let mut lines: Vec<String> = causes.iter().take(SHOWN).map(|cause| line(cause)).collect();
        if more > 0 {
            lines.push(format!("{} rejected for other reasons", rows(more)));
        }
        lines
    }
}

/// Returns a cause without the numbers and names in it, which differ from row to row.
fn without_names(cause: &str) -> String {
    let (mut form, mut in_name) = (String::new(), false);
    for letter in cause.chars() {
        match letter {
            '`' => in_name = !in_name,
            _ if in_name => continue,
            letter if letter.is_ascii_digit() => {}
            letter => {
                form.push(letter);
                continue;
            }
        }
        if !form.ends_with('#') {
            form.push('#');
        }
    }
    form
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_equal_apart_from_numbers_and_names() {
        let form = without_names("byte 12 of the row is not valid UTF-8");
        assert_eq!(form, without_names("byte 3 of the row is not valid UTF-8"));
        assert_eq!(without_names("the field `a b` is missing"), without_names("the field `c` is missing"));
        assert_ne!(without_names("the field `a` is missing"), without_names("the field `a` occurs twice"));
    }
}
