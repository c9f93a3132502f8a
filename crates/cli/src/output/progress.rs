//! Progress bars on standard error; they are hidden if that is not a terminal.

use super::terminal::escaped;
use indicatif::{ProgressBar, ProgressStyle};
use newsdesk_data::LabelledSet;
use std::io::IsTerminal;
use std::time::Duration;

/// Returns a bar over a number of articles.
pub fn progress_bar(name: String, articles: usize, quiet: bool) -> ProgressBar {
    let bar = match !quiet && std::io::stderr().is_terminal() {
        true => ProgressBar::new(articles as u64),
        false => ProgressBar::hidden(),
    };
    if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {human_pos} of {human_len}, {per_sec}, {eta}")
    {
        bar.set_style(style);
    }
    bar.with_prefix(escaped(&name).into_owned())
}

/// Returns a callback that drives one bar per data set; its arguments are a set's index and the number of finished
/// articles.
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

/// Returns a bar over a number of steps, followed by a message.
pub fn step_bar(steps: usize, quiet: bool) -> ProgressBar {
    let bar = progress_bar(String::new(), steps, quiet);
    if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {msg}") {
        bar.set_style(style);
    }
    bar
}

/// Returns a row counter for inputs of unknown length.
pub fn row_counter(name: String, quiet: bool) -> ProgressBar {
    let is_shown = !quiet && std::io::stderr().is_terminal();
    let counter = if is_shown { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}: {human_pos} rows, {per_sec}, {elapsed}") {
        counter.set_style(style);
    }
    if is_shown {
        counter.enable_steady_tick(Duration::from_millis(200));
    }
    counter.with_prefix(escaped(&name).into_owned())
}
