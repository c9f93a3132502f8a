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
            range(&measured.articles_per_second),
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
    text += "articles/s: the whole `newsdesk classify` command; steady: without starting it and loading the model\n\n";

    let headings = [
        "model",
        "dtype",
        "threads",
        "data set",
        "head",
        "articles",
        "accuracy",
        "95 % from",
        "to",
        "macro-F1",
        "ECE",
        "front",
    ];
    let mut quality = table(&headings, &[2, 5, 6, 7, 8, 9, 10]);
    for measured in &results.results {
        for Quality { head, articles, accuracy, accuracy_interval, macro_f1, ece, is_on_front } in &measured.heads {
            let metrics = [*accuracy, accuracy_interval.low, accuracy_interval.high, *macro_f1, *ece];
            let metrics = metrics.map(|x| format!("{x:.4}"));
            let mark = if *is_on_front { "yes" } else { "" }.to_owned();
            quality.add_row([&names(measured)[..], &[head.clone(), articles.to_string()], &metrics, &[mark]].concat());
        }
    }
    text += &format!("{}\n", quality.trim_fmt());
    text += "\nfront: no other setting is faster and at least as accurate, or as fast and more accurate\n";

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
        "difference",
        "95 % from",
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
    let sentences: Vec<String> = differences.iter().map(sentence).collect();
    format!(
        "Differences in accuracy on the same articles (95 % paired bootstrap interval, p of McNemar's exact test):\n\n{}\n\n{}",
        table.trim_fmt(),
        sentences.join("\n")
    )
}

/// Returns a comparison in words.
fn sentence(compared: &Compared) -> String {
    let Compared { set, head, first, second, difference, .. } = compared;
    let points = difference.accuracy * 100.0;
    let (better, worse, sign) = if points < 0.0 { (first, second, -1.0) } else { (second, first, 1.0) };
    let mut interval = [difference.interval.low, difference.interval.high].map(|x| x * 100.0 * sign);
    interval.sort_by(f64::total_cmp);
    // Adding zero turns -0 into 0.
    let [low, high] = interval.map(|x| x + 0.0);
    let verdict = if difference.p < 0.05 { "unlikely to be chance" } else { "may be chance" };
    let p = if difference.p < 0.01 { "p < 0.01".into() } else { format!("p = {:.2}", difference.p) };
    let relation = match points {
        0.0 => format!("`{better}` is as accurate as `{worse}`"),
        _ => format!("`{better}` is {:.2} points more accurate than `{worse}`", points.abs()),
    };
    format!("{set}, {head}: {relation} (95 %: {low:.2} to {high:.2}, {p}: {verdict})")
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
    format!("{value:.*}", decimals(value))
}

/// Returns the range over the rounds, both ends with as many decimals as the upper one.
fn range(spread: &Spread) -> String {
    let decimals = decimals(spread.high);
    format!("{:.decimals$}-{:.decimals$}", spread.low, spread.high)
}

fn decimals(value: f64) -> usize {
    match value {
        _ if value >= 100.0 => 0,
        _ if value >= 10.0 => 1,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use newsdesk_metrics::{Difference, Interval};

    #[test]
    fn ends_of_a_range_have_the_same_decimals() {
        assert_eq!(range(&Spread { median: 10.0, low: 9.757, high: 10.3 }), "9.8-10.3");
    }

    #[test]
    fn a_comparison_in_words_names_the_better_model() {
        let words = |accuracy, low, high, p| {
            let difference =
                Difference { accuracy, interval: Interval { low, high }, only_first: 1, only_second: 2, p };
            let [set, head, first, second] = ["s", "h", "a", "b"].map(String::from);
            sentence(&Compared { set, head, first, second, articles: 9, difference })
        };
        assert_eq!(
            words(0.01, 0.0, 0.02, 0.25),
            "s, h: `b` is 1.00 points more accurate than `a` (95 %: 0.00 to 2.00, p = 0.25: may be chance)"
        );
        assert_eq!(
            words(-0.01, -0.02, 0.0, 0.01),
            "s, h: `a` is 1.00 points more accurate than `b` (95 %: 0.00 to 2.00, p = 0.01: unlikely to be chance)"
        );
    }
}
