//! Figures as tables for a terminal.

use crate::output::table::table;
use newsdesk_eval::{HeadReport, SetReport, Slice};
use newsdesk_metrics::Interval;

/// Values of a column that are shown; all of them are in the JSON.
const SLICES: usize = 20;

/// The figures of a set.
pub fn shown(report: &SetReport) -> String {
    let mut text = format!("{}, {}: {} articles", report.set, report.split, report.articles);
    if report.rejected > 0 {
        text += &format!(", {} rows rejected", report.rejected);
    }
    if report.skipped > 0 {
        text += &format!(", {} rows without a label left out", report.skipped);
    }
    text += "\n";
    for HeadReport { head, report, calibration, answered, top_k, intervals, slices, .. } in &report.heads {
        let (accuracy, macro_f1) = (report.accuracy, report.macro_f1);
        text += &format!("\n{head}: accuracy {accuracy:.4}");
        if let Some(intervals) = intervals {
            text += &within(&intervals.accuracy);
        }
        if let Some(any) = report.accuracy_any {
            text += &format!(" ({any:.4} with any of the right labels)");
        }
        text += &format!(", macro-F1 {macro_f1:.4}");
        if let Some(interval) = intervals.as_ref().and_then(|intervals| intervals.macro_f1.as_ref()) {
            text += &within(interval);
        }
        text += &format!("\n  macro recall {:.4}", report.macro_recall);
        if let Some(micro_f1) = report.micro_f1 {
            text += &format!(", micro-F1 {micro_f1:.4}");
        }
        text += &format!(", weighted F1 {:.4}", report.averages.weighted_average.f1);
        if let Some(samples) = report.averages.sample_average {
            text += &format!(", sample F1 {:.4}", samples.f1);
        }
        if let Some(mcc) = report.mcc {
            text += &format!(", MCC {mcc:.4}");
        }
        if let [_, .., third] = top_k.as_slice() {
            let name = if report.micro_f1.is_some() { "precision at" } else { "top" };
            text += &format!(", {name} {} {third:.4}", top_k.len());
        }
        let (ece, brier, nll) = (calibration.ece, calibration.brier, calibration.nll);
        text += &format!("\n  ECE {ece:.4}, Brier {brier:.4}, NLL {nll:.4}");
        if report.labels_are_sources {
            text += "\n  right where the set's label allows the answer, figures below in the set's labels";
        }
        if let Some(answered) = answered {
            let (given, answers) = (answered.given, answered.answers);
            text +=
                &format!("\n{head} from a score of {:.4} on: {given} of {answers} answers given", answered.min_score);
            text += &format!(" (coverage {:.4}), accuracy {:.4}", answered.coverage, answered.accuracy);
        }
        text += "\n\n";
        let mut labels = table(&["label", "articles", "precision", "recall", "F1"], &[1, 2, 3, 4]);
        for label in report.per_label.iter().filter(|label| label.support + label.predicted > 0) {
            let figure = |x: f64| format!("{x:.3}");
            labels.add_row(vec![
                label.label.clone(),
                label.support.to_string(),
                figure(label.precision),
                figure(label.recall),
                figure(label.f1),
            ]);
        }
        text += &format!("{}\n\n", labels.trim_fmt());
        if !slices.is_empty() {
            text += &format!("{}\n\n", by_value(slices));
        }
    }
    text
}

fn within(interval: &Interval) -> String {
    format!(" ({:.4} to {:.4})", interval.low, interval.high)
}

/// Figures by a column's values, those with most articles first.
fn by_value(slices: &[Slice]) -> String {
    let mut rows = table(&["column", "value", "articles", "accuracy", "from", "to", "macro-F1"], &[2, 3, 4, 5, 6]);
    let mut columns: Vec<&str> = slices.iter().map(|slice| slice.column.as_str()).collect();
    columns.dedup();
    let mut left_out = 0;
    for column in columns {
        let of_column: Vec<&Slice> = slices.iter().filter(|slice| slice.column == column).collect();
        left_out += of_column.len().saturating_sub(SLICES);
        for Slice { value, articles, accuracy, interval, macro_f1, .. } in of_column.into_iter().take(SLICES) {
            let figures = [*accuracy, interval.low, interval.high, *macro_f1].map(|x| format!("{x:.4}"));
            let names = [column, if value.is_empty() { "(none)" } else { value }].map(str::to_string);
            rows.add_row([&names[..], &[articles.to_string()], &figures].concat());
        }
    }
    let more = if left_out > 0 { format!("\nand {left_out} more values, which --json has") } else { String::new() };
    format!("{}{more}", rows.trim_fmt())
}
