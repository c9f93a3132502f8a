//! Results as tables for a terminal.

use super::against::Change;
use super::record::{Compared, Measured, Quality, Results, Spread};
use crate::output::table::table;

/// All of it.
pub fn shown(results: &Results, changes: Option<&[Change]>) -> String {
    let mut text = String::new();
    let headings = [
        "model",
        "precision",
        "threads",
        "set",
        "articles/s",
        "spread",
        "steady",
        "tokens/s",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "load s",
        "peak MB",
    ];
    let mut speed = table(&headings, &[2, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    for of in &results.results {
        let latency = |value: fn(&super::record::Latency) -> f64| {
            of.latency_ms.as_ref().map_or_else(|| "-".into(), |latency| format!("{:.2}", value(latency)))
        };
        let mut row = names(of);
        row.extend([
            number(of.articles_per_second.median),
            format!("{}-{}", number(of.articles_per_second.low), number(of.articles_per_second.high)),
            number(of.steady_articles_per_second.median),
            number(of.tokens_per_second.median),
            latency(|of| of.p50),
            latency(|of| of.p95),
            latency(|of| of.p99),
            format!("{:.3}", of.load_seconds.median),
            of.peak_memory_bytes.map_or_else(|| "-".into(), |Spread { median, .. }| format!("{:.0}", median / 1e6)),
        ]);
        speed.add_row(row);
    }
    text += &format!("{}\n\n", speed.trim_fmt());

    let headings =
        ["model", "precision", "threads", "set", "head", "articles", "accuracy", "from", "to", "macro-F1", "ECE"];
    let mut quality = table(&headings, &[2, 5, 6, 7, 8, 9, 10]);
    for of in &results.results {
        for Quality { head, articles, accuracy, accuracy_interval, macro_f1, ece } in &of.heads {
            let figures = [*accuracy, accuracy_interval.low, accuracy_interval.high, *macro_f1, *ece];
            let figures = figures.map(|x| format!("{x:.4}"));
            quality.add_row([&names(of)[..], &[head.clone(), articles.to_string()], &figures].concat());
        }
    }
    text += &format!("{}\n", quality.trim_fmt());

    if !results.differences.is_empty() {
        text += &format!("\n{}\n", differences(&results.differences));
    }
    if let Some(changes) = changes {
        text += &format!("\n{}\n", since(changes));
    }
    text += &results.notes.iter().map(|note| format!("\nnote: {note}")).collect::<String>();
    if !results.notes.is_empty() {
        text += "\n";
    }
    text
}

fn names(of: &Measured) -> Vec<String> {
    let setting = &of.setting;
    vec![setting.model.clone(), setting.precision.clone(), setting.threads.to_string(), of.set.clone()]
}

/// Is one model really better than another?
fn differences(differences: &[Compared]) -> String {
    let headings = ["set", "head", "model", "beside", "accuracy", "from", "to", "only it", "only beside", "p"];
    let mut table = table(&headings, &[4, 5, 6, 7, 8, 9]);
    for Compared { set, head, first, second, difference, .. } in differences {
        let shares =
            [difference.accuracy, difference.interval.low, difference.interval.high].map(|x| format!("{x:+.4}"));
        let names = [set, head, second, first].map(String::clone);
        let counts = [difference.only_second.to_string(), difference.only_first.to_string()];
        table.add_row([&names[..], &shares, &counts, &[format!("{:.4}", difference.p)]].concat());
    }
    format!(
        "Differences on the same articles (95 % interval by the paired bootstrap, p by McNemar's exact test):\n\n{}",
        table.trim_fmt()
    )
}

/// What changed since an earlier run.
fn since(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "Nothing changed since the earlier run.".into();
    }
    let mut table = table(&["", "model", "set", "figure", "before", "now", "ratio"], &[4, 5, 6]);
    for Change { setting, set, figure, before, now, worse } in changes {
        let verdict = if *worse { "worse" } else { "better" };
        let numbers = [number(*before), number(*now), format!("{:.2}", now / before)];
        table.add_row([&[verdict.into(), setting.clone(), set.clone(), figure.clone()][..], &numbers].concat());
    }
    format!("Since the earlier run:\n\n{}", table.trim_fmt())
}

fn number(value: f64) -> String {
    match value {
        _ if value >= 100.0 => format!("{value:.0}"),
        _ if value >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}
