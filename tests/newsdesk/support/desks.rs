//! Articles of two desks, whose words tell them apart.

pub const SPORT: [&str; 6] = ["match", "coach", "team", "tour", "season", "goal"];
pub const BUSINESS: [&str; 6] = ["plan", "pay", "company", "percent", "price", "rule"];

/// A text of eight of these words, another one for each number.
pub fn text(words: &[&str], number: usize) -> String {
    let mut state = number as u64 + 1;
    let mut word = || {
        // Knuth's MMIX generator; the high bits are the random ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        words[(state >> 33) as usize % words.len()]
    };
    (0..8).map(|_| word()).collect::<Vec<_>>().join(" ")
}

/// 120 articles of two desks.
pub fn desks() -> String {
    let row = |i: usize| match i % 2 {
        0 => format!("{i},{},sport\n", text(&SPORT, i)),
        _ => format!("{i},{},business\n", text(&BUSINESS, i)),
    };
    format!("id,text,desk\n{}", (0..120).map(row).collect::<String>())
}
