//! How far long work is: a bar on a terminal, nothing elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

/// A bar for so many articles, on standard error.
pub fn progress_bar(name: String, articles: usize, quiet: bool) -> ProgressBar {
    let bar = match !quiet && std::io::stderr().is_terminal() {
        true => ProgressBar::new(articles as u64),
        false => ProgressBar::hidden(),
    };
    if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {human_pos} of {human_len}, {per_sec}, {eta}")
    {
        bar.set_style(style);
    }
    bar.with_prefix(name)
}

/// A count of rows, on standard error, where it is not known how many there will be.
pub fn row_counter(name: String, quiet: bool) -> ProgressBar {
    let is_shown = !quiet && std::io::stderr().is_terminal();
    let counter = if is_shown { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}: {human_pos} rows, {per_sec}, {elapsed}") {
        counter.set_style(style);
    }
    if is_shown {
        counter.enable_steady_tick(Duration::from_millis(200));
    }
    counter.with_prefix(name)
}
