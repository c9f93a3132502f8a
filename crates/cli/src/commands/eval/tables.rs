//! Metrics as tables for a terminal.

use super::confusion::confusion;
use crate::output::count::counted;
use crate::output::page::Evaluated;
use crate::output::table::table;
use newsdesk_eval::{HeadReport, Slice};
use newsdesk_metrics::{Interval, LabelReport};

/// Largest number of values of a column that are shown; the JSON has all of them.
const MAX_SLICES: usize = 20;

/// Returns the metrics on a data set: a summary, a table of labels and the confusion matrix of each head. `width` is the
/// width of the terminal.
pub fn tables(Evaluated { report, cases }: &Evaluated, width: usize) -> String {
    let mut text = format!("{}, {}: {}", report.set, report.split, counted(report.articles, "article"));
    if report.rejected > 0 {
        text += &format!(", {} rejected", counted(report.rejected, "row"));
    }
    if report.skipped > 0 {
        text += &format!(", {} skipped", counted(report.skipped, "unlabelled row"));
    }
    text += "\n";
    for (head_report, cases) in report.heads.iter().zip(cases) {
        let HeadReport { head, report, calibration, selective, top_k, intervals, slices, .. } = head_report;
        let (accuracy, macro_f1) = (report.accuracy, report.macro_f1);
        text += &format!("\n{head}: accuracy {accuracy:.4}");
        if let Some(intervals) = intervals {
            text += &within(&intervals.accuracy);
        }
        if let Some(lenient) = report.accuracy_lenient {
            text += &format!(" ({lenient:.4} if further correct labels count)");
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
            text += &match report.micro_f1 {
                Some(_) => format!(", precision at {} {third:.4}", top_k.len()),
                None => format!(", top-{} accuracy {third:.4}", top_k.len()),
            };
        }
        let (ece, brier, nll) = (calibration.ece, calibration.brier, calibration.nll);
        text += &format!("\n  ECE {ece:.4}, Brier {brier:.4}, NLL {nll:.4} (lower is better)");
        if report.uses_data_set_labels {
            text += "\n  a prediction is correct if the data set's label allows it; metrics below are per label of the data set";
        }
        if let Some(selective) = selective {
            let (accepted, all) = (selective.accepted, selective.predictions);
            text += &format!(
                "\n{head} with a score of at least {:.4}: {accepted} of {all} predictions (coverage {:.4}), accuracy {:.4}",
                selective.min_score, selective.coverage, selective.accuracy
            );
        }
        text += "\n\n";
        let mut labels = table(&["label", "articles", "precision", "recall", "F1"], &[1, 2, 3, 4]);
        for label in report.per_label.iter().filter(|label| label.support + label.predicted > 0) {
            let rounded = |x: f64| format!("{x:.3}");
            labels.add_row(vec![
                label.label.clone(),
                label.support.to_string(),
                rounded(label.precision),
                rounded(label.recall),
                rounded(label.f1),
            ]);
        }
        text += &format!("{}\n\n", labels.trim_fmt());
        let is_absent = |label: &&LabelReport| label.support + label.predicted == 0;
        let absent: Vec<&str> = report.per_label.iter().filter(is_absent).map(|label| label.label.as_str()).collect();
        if !absent.is_empty() {
            text += &format!("no articles with the gold label: {}\n\n", absent.join("; "));
        }
        let confusion = confusion(head_report, cases.candidate_labels.as_deref(), width);
        if !confusion.is_empty() {
            text += &format!("{confusion}\n");
        }
        if !slices.is_empty() {
            text += &format!("{}\n\n", slices_table(slices));
        }
    }
    text
}

fn within(interval: &Interval) -> String {
    format!(" (95 % CI {:.4} to {:.4})", interval.low, interval.high)
}

/// Returns the metrics by value of a column, the most frequent values first.
fn slices_table(slices: &[Slice]) -> String {
    let mut rows = table(&["column", "value", "articles", "accuracy", "95 % from", "to", "macro-F1"], &[2, 3, 4, 5, 6]);
    let mut columns: Vec<&str> = slices.iter().map(|slice| slice.column.as_str()).collect();
    columns.dedup();
    let mut hidden = 0;
    for column in columns {
        let of_column: Vec<&Slice> = slices.iter().filter(|slice| slice.column == column).collect();
        hidden += of_column.len().saturating_sub(MAX_SLICES);
        for Slice { value, articles, accuracy, interval, macro_f1, .. } in of_column.into_iter().take(MAX_SLICES) {
            let metrics = [*accuracy, interval.low, interval.high, *macro_f1].map(|x| format!("{x:.4}"));
            let names = [column, if value.is_empty() { "(none)" } else { value }].map(str::to_string);
            rows.add_row([&names[..], &[articles.to_string()], &metrics].concat());
        }
    }
    let more = if hidden > 0 { format!("\n{hidden} more values are in the output of --json") } else { String::new() };
    format!("{}{more}", rows.trim_fmt())
}
