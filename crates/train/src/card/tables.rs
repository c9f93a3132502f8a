//! Metrics on data sets as tables.

use super::markdown::{plain, table};
use newsdesk_eval::{HeadReport, SetReport};
use newsdesk_metrics::LabelReport;
use newsdesk_model::Head;

/// Labels with fewer articles are marked as hardly tested.
pub(super) const FEW_ARTICLES: u64 = 20;

/// Returns a table with one row for each head of each data set.
pub(super) fn overview(reports: &[SetReport]) -> String {
    let has_micro_f1 = reports.iter().any(|set| set.heads.iter().any(|head| head.report.micro_f1.is_some()));
    let number = |value: f64| format!("{value:.4}");
    let rows = reports.iter().flat_map(|set| {
        let measured = set.heads.iter().filter(|head| head.report.cases > 0);
        measured.map(move |found @ HeadReport { head, report, calibration, .. }| {
            let gold = match found {
                _ if report.uses_data_set_labels => "sets of labels",
                _ if found.any_of => "any gold label",
                _ => "exact labels",
            };
            let names = [&set.set, &set.split, head].map(|name| plain(name));
            let mut row = [&names[..], &[gold.to_string(), report.cases.to_string()]].concat();
            row.extend([number(report.accuracy), number(report.macro_f1)]);
            if has_micro_f1 {
                row.push(report.micro_f1.map_or_else(String::new, number));
            }
            row.push(number(calibration.ece));
            row
        })
    });
    let mut headings = vec!["data set", "split", "head", "measured as", "articles", "accuracy", "macro-F1"];
    if has_micro_f1 {
        headings.push("micro-F1");
    }
    headings.push("ECE");
    table(&headings, &[4, 5, 6, 7, 8], rows)
}

/// Returns the reports with exact metrics for each label of a head, and their split: those on test sets, or else those on
/// validation sets.
fn exact_reports<'a>(
    head: &'a str,
    validation: &'a [SetReport],
    test: &'a [SetReport],
) -> (&'static str, Vec<(&'a SetReport, &'a HeadReport)>) {
    let on_test: Vec<_> = exact(head, test).collect();
    if on_test.is_empty() { ("validation", exact(head, validation).collect()) } else { ("test", on_test) }
}

/// Returns a table with the metrics of each label of a head, for each data set that has them.
pub(super) fn per_label(head: &str, validation: &[SetReport], test: &[SetReport]) -> String {
    let (_, exact) = exact_reports(head, validation, test);
    if exact.is_empty() {
        return format!(
            "\n### {}\n\nNo data set has exactly the labels of this head, so there are no metrics for each label.\n",
            plain(head)
        );
    }
    let of_set = |(set, found): (&SetReport, &HeadReport)| {
        let rows = found.report.per_label.iter().map(row);
        let headings = ["label", "articles", "precision", "recall", "F1", "note"];
        let table = table(&headings, &[1, 2, 3, 4], rows);
        format!("\n### {} on {}, {}\n\n{table}", plain(head), plain(&set.set), plain(&set.split))
    };
    exact.into_iter().map(of_set).collect()
}

fn row(label: &LabelReport) -> Vec<String> {
    let note = match label.support {
        0 => "untested",
        1..FEW_ARTICLES => "hardly tested",
        _ => "",
    };
    let numbers = [label.precision, label.recall, label.f1];
    let numbers = numbers.map(|x| if label.support == 0 { "-".into() } else { format!("{x:.3}") });
    [&[plain(&label.label), label.support.to_string()], &numbers[..], &[note.to_string()]].concat()
}

fn exact<'a>(head: &'a str, reports: &'a [SetReport]) -> impl Iterator<Item = (&'a SetReport, &'a HeadReport)> {
    let of_set = move |set: &'a SetReport| {
        let found = set.heads.iter().find(|found| found.head == head && found.is_exact() && found.report.cases > 0)?;
        Some((set, found))
    };
    reports.iter().filter_map(of_set)
}

/// The labels of a head with few or no articles to evaluate them on.
pub(super) struct RareLabels {
    /// The split of the articles: `test` or `validation`.
    pub(super) split: &'static str,
    /// Labels with fewer than [`FEW_ARTICLES`] articles.
    pub(super) few: Vec<String>,
    /// Labels without articles.
    pub(super) none: Vec<String>,
}

/// Returns the labels of a head with few or no articles, counted over all data sets with exact metrics.
pub(super) fn rare_labels(head: &Head, validation: &[SetReport], test: &[SetReport]) -> RareLabels {
    let (split, exact) = exact_reports(&head.name, validation, test);
    let (mut few, mut none) = (vec![], vec![]);
    for (index, label) in head.labels.iter().enumerate() {
        let support =
            |(_, found): &(&SetReport, &HeadReport)| found.report.per_label.get(index).map(|label| label.support);
        match exact.iter().filter_map(support).sum::<u64>() {
            0 => none.push(label.name.clone()),
            1..FEW_ARTICLES => few.push(label.name.clone()),
            _ => {}
        }
    }
    RareLabels { split, few, none }
}
