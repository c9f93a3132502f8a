//! Articles to JSON Lines, and rows of JSON Lines to columns and scores.

use serde_json::{Value, json};

/// The labels of the tiny model.
pub const LABELS: [&str; 5] = ["arts", "business", "science", "sport", "world"];

/// The largest difference between scores that were equal before they were rounded to four decimals.
pub const CLOSE: f64 = 1e-4 + 1e-9;

/// Writes values as JSON Lines.
pub fn json_lines(values: impl IntoIterator<Item = Value>) -> String {
    values.into_iter().map(|value| format!("{value}\n")).collect()
}

/// Writes articles with these texts as JSON Lines, numbered from 0 in `id`.
pub fn articles<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    json_lines(texts.into_iter().enumerate().map(|(id, text)| json!({"id": id, "text": text.as_ref()})))
}

/// Parses JSON Lines.
#[track_caller]
pub fn rows(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Returns a column of texts.
#[track_caller]
pub fn column<'a>(rows: &'a [Value], name: &str) -> Vec<&'a str> {
    rows.iter().map(|row| row[name].as_str().unwrap_or_else(|| panic!("no text in `{name}` of {row}"))).collect()
}

/// Returns the scores that `--scores` adds, in the order of [`LABELS`].
#[track_caller]
pub fn scores(row: &Value) -> Vec<f64> {
    let score = |label| row[format!("label_score_{label}")].as_f64();
    LABELS.iter().map(|label| score(label).unwrap_or_else(|| panic!("no score of {label} in {row}"))).collect()
}

/// Returns the largest difference between the scores of two rows.
#[track_caller]
pub fn difference(one: &Value, other: &Value) -> f64 {
    let (one, other) = (scores(one), scores(other));
    one.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Makes up texts of 1 to 200 words. Hardly any two of them are equal.
pub fn texts(count: usize) -> Vec<String> {
    const WORDS: [&str; 12] =
        ["coach", "after", "the", "mayor", "open", "two", "tour", "against", "plan", "said", "rule", "last"];
    let text = |i: usize| {
        let words = match i % 10 {
            0 => 200,
            few => 1 + few * 5,
        };
        (0..words).map(|j| WORDS[(i * 7 + j * (1 + i % 5) + j * j / 3) % WORDS.len()]).collect::<Vec<_>>().join(" ")
    };
    (0..count).map(text).collect()
}
