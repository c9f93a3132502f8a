//! How far long work is: a bar on a terminal, nothing elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use newsdesk_data::LabelledSet;
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

/// A bar for each of several sets; the function is told a set's number and how many of its articles are done.
pub fn set_bars(sets: &[LabelledSet], quiet: bool) -> impl FnMut(usize, usize) {
    let bar = |set: &LabelledSet| (progress_bar(set.name.clone(), set.articles.len(), quiet), set.articles.len());
    let bars: Vec<(ProgressBar, usize)> = sets.iter().map(bar).collect();
    move |set, done| {
        let (bar, articles) = &bars[set];
        bar.set_position(done as u64);
        if done == *articles {
            bar.finish_and_clear();
        }
    }
}

/// A bar for so many steps, with a message after it, on standard error.
pub fn step_bar(steps: usize, quiet: bool) -> ProgressBar {
    let bar = progress_bar(String::new(), steps, quiet);
    if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {msg}") {
        bar.set_style(style);
    }
    bar
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
