//! Numbers and names as charts show them.

/// Formats a number with about three digits, for axes and bars.
pub(super) fn rounded(number: f64) -> String {
    let size = number.abs();
    let text = match size {
        _ if size >= 1e6 => return format!("{:.1}M", number / 1e6),
        _ if size >= 1e4 => return format!("{:.0}k", number / 1e3),
        _ if size >= 100.0 => return format!("{number:.0}"),
        _ if size >= 10.0 => format!("{number:.1}"),
        _ if size >= 1.0 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Formats a number with up to four decimals, for tables.
pub(super) fn four_decimals(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Cuts a name after `max_characters` and adds an ellipsis.
pub(super) fn shortened(name: &str, max_characters: usize) -> String {
    match name.char_indices().nth(max_characters) {
        Some((end, _)) => format!("{}…", name[..end].trim_end()),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_about_three_digits() {
        assert_eq!([0.0, 0.125, 3.5, 150.4, 12_345.0, 2.5e6].map(rounded), ["0", "0.125", "3.5", "150", "12k", "2.5M"]);
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(shortened("economy, business and finance", 8), "economy,…");
        assert_eq!(shortened("economy", 8), "economy");
    }
}
