//! Labelled articles, and arguments of `newsdesk train` that train the tiny model within seconds.

use super::TINY;

pub const SPORT: [&str; 6] = ["match", "coach", "team", "tour", "season", "goal"];
pub const BUSINESS: [&str; 6] = ["plan", "pay", "company", "percent", "price", "rule"];

/// Returns a text of eight of these words, which depends on the number.
pub fn text_of(words: &[&str], number: usize) -> String {
    let mut state = number as u64 + 1;
    let mut word = || {
        // Knuth's MMIX generator; the high bits are the random ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        words[(state >> 33) as usize % words.len()]
    };
    (0..8).map(|_| word()).collect::<Vec<_>>().join(" ")
}

/// Returns a CSV table of 120 articles with the labels `sport` and `business` in the column `desk`. The labels depend on the words.
pub fn desks() -> String {
    let row = |i: usize| match i % 2 {
        0 => format!("{i},{},sport\n", text_of(&SPORT, i)),
        _ => format!("{i},{},business\n", text_of(&BUSINESS, i)),
    };
    format!("id,text,desk\n{}", (0..120).map(row).collect::<String>())
}

/// Returns a CSV table with the labels `a` and `b`, which do not depend on the texts.
pub fn unrelated_labels(count: usize) -> String {
    let row = |i: usize| format!("{} {} said {i},{}\n", i * 7 % 100, i * i % 60, ["a", "b"][i * i % 3 % 2]);
    format!("text,label\n{}", (0..count).map(row).collect::<String>())
}

/// Returns arguments of `newsdesk train` with the tiny model as the base and small windows.
///
/// `options` are pairs of a name and a value. Options in `more` replace those with the same name.
pub fn train_arguments<'a>(output: &'a str, options: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let usual = ["--base", TINY, "--max-length", "64", "--overlap", "16", "--max-train-length", "64"];
    let usual = usual.into_iter().chain(options.split_whitespace()).collect::<Vec<_>>();
    let kept = usual.chunks(2).filter(|pair| !more.contains(&pair[0])).flatten().copied();
    ["train", "-o", output].into_iter().chain(kept).chain(more.iter().copied()).collect()
}
