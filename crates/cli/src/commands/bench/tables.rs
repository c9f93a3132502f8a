//! Benchmark results as tables for a terminal.

use super::baseline::Change;
use super::record::{Compared, Latency, Measured, Quality, Results, Spread};
use crate::output::table::table;

/// Returns the tables of speed, quality, differences and changes, and the notes.
pub fn tables(results: &Results, changes: Option<&[Change]>) -> String {
    let mut text = String::new();
    let headings = [
        "model",
        "dtype",
        "threads",
        "data set",
        "articles/s",
        "range",
        "steady articles/s",
        "tokens/s",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "load s",
        "peak MB",
    ];
    let mut speed = table(&headings, &[2, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    for measured in &results.results {
        let latency = |value: fn(&Latency) -> f64| {
            measured.latency_ms.as_ref().map_or_else(|| "-".into(), |latency| format!("{:.2}", value(latency)))
        };
        let mut row = names(measured);
        row.extend([
            number(measured.articles_per_second.median),
            format!("{}-{}", number(measured.articles_per_second.low), number(measured.articles_per_second.high)),
            number(measured.steady_articles_per_second.median),
            number(measured.tokens_per_second.median),
            latency(|latency| latency.p50),
            latency(|latency| latency.p95),
            latency(|latency| latency.p99),
            format!("{:.3}", measured.load_seconds.median),
            measured
                .peak_memory_bytes
                .map_or_else(|| "-".into(), |Spread { median, .. }| format!("{:.0}", median / 1e6)),
        ]);
        speed.add_row(row);
    }
    text += &format!("{}\n\n", speed.trim_fmt());

    let headings =
        ["model", "dtype", "threads", "data set", "head", "articles", "accuracy", "from", "to", "macro-F1", "ECE"];
    let mut quality = table(&headings, &[2, 5, 6, 7, 8, 9, 10]);
    for measured in &results.results {
        for Quality { head, articles, accuracy, accuracy_interval, macro_f1, ece } in &measured.heads {
            let metrics = [*accuracy, accuracy_interval.low, accuracy_interval.high, *macro_f1, *ece];
            let metrics = metrics.map(|x| format!("{x:.4}"));
            quality.add_row([&names(measured)[..], &[head.clone(), articles.to_string()], &metrics].concat());
        }
    }
    text += &format!("{}\n", quality.trim_fmt());

    if !results.differences.is_empty() {
        text += &format!("\n{}\n", differences_table(&results.differences));
    }
    if let Some(changes) = changes {
        text += &format!("\n{}\n", changes_table(changes));
    }
    text += &results.notes.iter().map(|note| format!("\nnote: {note}")).collect::<String>();
    if !results.notes.is_empty() {
        text += "\n";
    }
    text
}

fn names(measured: &Measured) -> Vec<String> {
    let setting = &measured.setting;
    vec![setting.model.clone(), setting.dtype.clone(), setting.threads.to_string(), measured.set.clone()]
}

/// Returns the differences in accuracy with their significance.
fn differences_table(differences: &[Compared]) -> String {
    let headings = [
        "data set",
        "head",
        "model",
        "compared with",
        "accuracy",
        "from",
        "to",
        "only model correct",
        "only other correct",
        "p",
    ];
    let mut table = table(&headings, &[4, 5, 6, 7, 8, 9]);
    for Compared { set, head, first, second, difference, .. } in differences {
        let shares =
            [difference.accuracy, difference.interval.low, difference.interval.high].map(|x| format!("{x:+.4}"));
        let names = [set, head, second, first].map(String::clone);
        let counts = [difference.only_second.to_string(), difference.only_first.to_string()];
        table.add_row([&names[..], &shares, &counts, &[format!("{:.4}", difference.p)]].concat());
    }
    format!(
        "Differences in accuracy on the same articles (95 % paired bootstrap interval, p of McNemar's exact test):\n\n{}",
        table.trim_fmt()
    )
}

/// Returns the changes since the baseline.
fn changes_table(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "No changes since the baseline.".into();
    }
    let mut table = table(&["", "setting", "data set", "measurement", "before", "now", "ratio"], &[4, 5, 6]);
    for Change { setting, set, figure, before, now, worse } in changes {
        let verdict = if *worse { "worse" } else { "better" };
        let numbers = [number(*before), number(*now), format!("{:.2}", now / before)];
        table.add_row([&[verdict.into(), setting.clone(), set.clone(), figure.clone()][..], &numbers].concat());
    }
    format!("Changes since the baseline:\n\n{}", table.trim_fmt())
}

fn number(value: f64) -> String {
    match value {
        _ if value >= 100.0 => format!("{value:.0}"),
        _ if value >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}
