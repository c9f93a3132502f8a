//! Charts and tables that the pages of `eval` and `bench` share.

use anyhow::Result;
use newsdesk_eval::{HeadCases, HeadReport, SetReport, Slice};
use newsdesk_metrics::{ConfusionMatrix, Interval, LabelReport, Report, SelectiveAccuracy, coverage_curve};
use newsdesk_report::chart::{Axis, Bar, Series, bar_chart, confusion_matrix, xy_plot};
use newsdesk_report::{Chart, Item, Table};

/// Largest number of bars in a chart; more become unreadable.
const MAX_BARS: usize = 40;

/// Largest number of rows in the table of confused labels.
const MAX_CONFUSED_PAIRS: usize = 20;

/// Largest number of labels in a confusion matrix; the cells of more are too small.
const MAX_MATRIX_LABELS: usize = 60;

/// The evaluation of a model on a data set.
pub struct Evaluated {
    /// The metrics.
    pub report: SetReport,
    /// The predictions and gold labels behind them, one entry per head.
    pub cases: Vec<HeadCases>,
}

/// Returns a head's metrics, F1 by label, confusion matrix, reliability diagram, coverage curve and metrics by column
/// value.
///
/// # Errors
/// If a chart cannot be drawn.
pub fn head_items(head: &HeadReport, cases: &HeadCases) -> Result<Vec<Item>> {
    let HeadReport { report, calibration, .. } = head;
    let mut items = vec![Item::Table(metrics_table(head))];
    items.push(Item::Chart(f1_by_label(report)?));
    if let Some(confusion) = &report.confusion {
        let confused = confused_pairs(confusion, cases);
        if confusion.gold.len().max(confusion.predicted.len()) <= MAX_MATRIX_LABELS {
            let caption = confused.first().map_or("All predictions are correct.".into(), |(gold, predicted, count)| {
                format!("The most frequent error is {gold} predicted as {predicted}: {}.", times(*count))
            });
            let title = "Confusion matrix: gold labels and predictions, in articles";
            let ConfusionMatrix { gold, predicted, counts } = confusion;
            items.push(Item::Chart(confusion_matrix(title, gold, predicted, counts, &caption)?));
        }
        if !confused.is_empty() {
            let row = |(gold, predicted, count): &(&str, &str, u64)| {
                vec![gold.to_string(), predicted.to_string(), count.to_string()]
            };
            let rows = confused.iter().take(MAX_CONFUSED_PAIRS).map(row).collect();
            let title = format!("Most frequent errors, of {} confused pairs of labels", confused.len());
            items.push(Item::Table(Table::new(title, &["gold label", "prediction", ">articles"], rows)));
        }
    }
    let reliability = Series {
        name: "predictions".into(),
        points: calibration.bins.iter().map(|bin| [bin.score, bin.accuracy]).collect(),
        connected: true,
    };
    let caption = format!(
        "Accuracy by score, in {} bins. Calibrated scores lie on the diagonal; the expected calibration error is {:.3}.",
        calibration.bins.len(),
        calibration.ece
    );
    let (score, accuracy) = (Axis::unit("mean score of the predictions, 0 to 1"), Axis::unit("accuracy, 0 to 1"));
    items.push(Item::Chart(xy_plot("Reliability diagram", &score, &accuracy, &[reliability], true, &caption)?));
    items.push(Item::Chart(coverage_chart(&[(head.head.clone(), cases)])?));
    if !head.slices.is_empty() {
        items.extend(accuracy_by_value(&head.slices)?);
    }
    Ok(items)
}

fn times(count: u64) -> String {
    if count == 1 { "once".into() } else { format!("{count} times") }
}

/// Returns the F1 of the labels that occur, the most frequent first; the chart's table has all of them.
fn f1_by_label(report: &Report) -> Result<Chart> {
    let mut labels: Vec<&LabelReport> =
        report.per_label.iter().filter(|label| label.support + label.predicted > 0).collect();
    labels.sort_by_key(|label| std::cmp::Reverse(label.support));
    let bar = |label: &&LabelReport| Bar {
        name: label.label.clone(),
        note: format!(" ({})", label.support),
        value: label.f1,
        interval: None,
    };
    let shown: Vec<Bar> = labels.iter().take(MAX_BARS).map(bar).collect();
    let worst = labels.iter().filter(|label| label.support > 0).min_by(|a, b| a.f1.total_cmp(&b.f1));
    let caption = worst.map_or("No label occurs.".into(), |label| {
        format!("Of {} labels, {} has the lowest F1: {:.3}.", labels.len(), label.label, label.f1)
    });
    let title = match labels.len() > MAX_BARS {
        true => format!("F1 by label (with number of articles), {MAX_BARS} of {} labels", labels.len()),
        false => "F1 by label (with number of articles)".to_string(),
    };
    let row = |label: &&LabelReport| {
        let shares = [label.precision, label.recall, label.f1].map(|x| format!("{x:.4}"));
        [&[label.label.clone(), label.support.to_string(), label.predicted.to_string()], &shares[..]].concat()
    };
    let headings = ["label", ">articles", ">predictions", ">precision", ">recall", ">F1"];
    let data = Table::new("All labels", &headings, labels.iter().map(row).collect());
    Ok(Chart { data, ..bar_chart(&title, &Axis::unit("F1, 0 to 1"), &shown, &caption)? })
}

/// Returns the pairs of gold label and wrong prediction with their counts, the most frequent first.
fn confused_pairs<'a>(confusion: &'a ConfusionMatrix, cases: &HeadCases) -> Vec<(&'a str, &'a str, u64)> {
    let is_correct = |row: usize, column: usize| match &cases.candidate_labels {
        Some(sources) => sources.get(row).is_some_and(|(_, allowed)| allowed.contains(&column)),
        None => row == column,
    };
    let mut found = vec![];
    for (row, counts) in confusion.counts.iter().enumerate() {
        for (column, &count) in
            counts.iter().enumerate().filter(|&(column, &count)| count > 0 && !is_correct(row, column))
        {
            found.push((confusion.gold[row].as_str(), confusion.predicted[column].as_str(), count));
        }
    }
    found.sort_by_key(|(.., count)| std::cmp::Reverse(*count));
    found
}

/// Returns the accuracy against coverage (selective prediction), with one curve for each named model or head.
///
/// # Errors
/// If the chart cannot be drawn.
pub fn coverage_chart(curves: &[(String, &HeadCases)]) -> Result<Chart> {
    let mut lowest = 1.0f64;
    let mut series = vec![];
    for (name, cases) in curves {
        let curve = coverage_curve(&cases.scored_predictions());
        // The accuracy of the first few predictions is noise, and 200 points are enough for the curve.
        let min_accepted = (curve.last().map_or(0, |all| all.predictions) / 50).max(10);
        let curve: Vec<&SelectiveAccuracy> = curve.iter().filter(|point| point.accepted >= min_accepted).collect();
        let step = curve.len().div_ceil(200).max(1);
        let last = curve.last().copied();
        let points = curve.iter().step_by(step).copied().chain(last).map(|point| [point.coverage, point.accuracy]);
        let points: Vec<[f64; 2]> = points.collect();
        lowest = points.iter().fold(lowest, |lowest, point| lowest.min(point[1]));
        series.push(Series { name: name.clone(), points, connected: true });
    }
    let caption = match series.first().and_then(|series| series.points.last()) {
        Some([coverage, accuracy]) => {
            format!("At a coverage of {:.0} %, the accuracy is {accuracy:.3}.", coverage * 100.0)
        }
        None => "There are too few predictions.".into(),
    };
    let from = (lowest * 20.0).floor() / 20.0;
    let accuracy = Axis::new("accuracy of these predictions, 0 to 1", from.min(0.95), 1.0);
    Ok(xy_plot(
        "Accuracy against coverage",
        &Axis::unit("coverage: share of predictions above a score, 0 to 1"),
        &accuracy,
        &series,
        false,
        &caption,
    )?)
}

/// Returns a chart for each column that `--by` names: the accuracy of the articles with each value.
fn accuracy_by_value(slices: &[Slice]) -> Result<Vec<Item>> {
    let mut columns: Vec<&str> = slices.iter().map(|slice| slice.column.as_str()).collect();
    columns.dedup();
    let mut items = vec![];
    for column in columns {
        let of_column = || slices.iter().filter(|slice| slice.column == column);
        let bar = |slice: &Slice| Bar {
            name: slice.value.clone(),
            note: format!(" ({})", slice.articles),
            value: slice.accuracy,
            interval: Some([slice.interval.low, slice.interval.high]),
        };
        let shown: Vec<Bar> = of_column().take(MAX_BARS).map(bar).collect();
        let all = of_column().count();
        let caption = format!("{all} values, with number of articles and 95 % confidence interval.");
        let some = if all > MAX_BARS { format!(", {MAX_BARS} of {all} values") } else { String::new() };
        let title = format!("Accuracy by {column} (with number of articles){some}");
        let chart = bar_chart(&title, &Axis::unit("accuracy, 0 to 1"), &shown, &caption)?;
        let row = |slice: &Slice| {
            let shares =
                [slice.accuracy, slice.interval.low, slice.interval.high, slice.macro_f1].map(|x| format!("{x:.4}"));
            [&[slice.value.clone(), slice.articles.to_string()], &shares[..]].concat()
        };
        let headings = [column, ">articles", ">accuracy", ">from", ">to", ">macro-F1"];
        let data = Table::new("All values", &headings, of_column().map(row).collect());
        items.push(Item::Chart(Chart { data, ..chart }));
    }
    Ok(items)
}

/// Returns the metrics of a head as a table.
fn metrics_table(head: &HeadReport) -> Table {
    let HeadReport { report, calibration, intervals, top_k, selective, .. } = head;
    let mut rows = vec![];
    let mut add = |name: &str, value: f64, interval: Option<&Interval>| {
        let ends =
            interval.map_or([String::new(), String::new()], |ends| [ends.low, ends.high].map(|x| format!("{x:.4}")));
        rows.push([&[name.to_string(), format!("{value:.4}")], &ends[..]].concat());
    };
    add("accuracy", report.accuracy, intervals.as_ref().map(|intervals| &intervals.accuracy));
    add("macro-F1", report.macro_f1, intervals.as_ref().and_then(|intervals| intervals.macro_f1.as_ref()));
    add("macro recall (balanced accuracy)", report.macro_recall, None);
    add("weighted F1", report.averages.weighted_average.f1, None);
    add("micro-F1", report.averages.micro_average.f1, None);
    if let Some(mcc) = report.mcc {
        add("Matthews correlation", mcc, None);
    }
    if let [_, .., last] = top_k.as_slice() {
        let name = if report.micro_f1.is_some() {
            format!("precision at {}", top_k.len())
        } else {
            format!("top-{} accuracy", top_k.len())
        };
        add(&name, *last, None);
    }
    add("expected calibration error", calibration.ece, None);
    add("Brier score", calibration.brier, None);
    add("negative log-likelihood, nats", calibration.nll, None);
    if let Some(selective) = selective {
        add("coverage at the minimum score", selective.coverage, None);
        add("accuracy at the minimum score", selective.accuracy, None);
    }
    Table::new("Metrics", &["", ">value", ">from", ">to"], rows)
}
