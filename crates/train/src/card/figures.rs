//! Figures of a model on labelled sets as tables.

use super::FEW_ARTICLES;
use super::markdown::{plain, table};
use newsdesk_eval::{HeadReport, SetReport};
use newsdesk_metrics::LabelReport;
use newsdesk_model::Head;

fn figure(value: f64) -> String {
    format!("{value:.4}")
}

/// One line for each head of each set.
pub(super) fn overview(reports: &[SetReport]) -> String {
    let several = reports.iter().any(|set| set.heads.iter().any(|head| head.report.micro_f1.is_some()));
    let rows = reports.iter().flat_map(|set| {
        let measured = set.heads.iter().filter(|head| head.report.cases > 0);
        measured.map(move |found @ HeadReport { head, report, calibration, .. }| {
            let measured = match found {
                _ if report.labels_are_sources => "sets of labels",
                _ if found.any_of => "any right label",
                _ => "exact labels",
            };
            let names = [&set.set, &set.split, head].map(|name| plain(name));
            let mut row = [&names[..], &[measured.to_string(), report.cases.to_string()]].concat();
            row.extend([figure(report.accuracy), figure(report.macro_f1)]);
            if several {
                row.push(report.micro_f1.map_or_else(String::new, figure));
            }
            row.push(figure(calibration.ece));
            row
        })
    });
    let mut headings = vec!["set", "split", "head", "measured as", "articles", "accuracy", "macro-F1"];
    if several {
        headings.push("micro-F1");
    }
    headings.push("ECE");
    table(&headings, &[4, 5, 6, 7, 8], rows)
}

/// The sets that tell most about each label of a head: those of the test sets that have its own labels, or else those of the
/// validation sets; and what they are.
fn telling<'a>(
    head: &'a str,
    validation: &'a [SetReport],
    test: &'a [SetReport],
) -> (&'static str, Vec<(&'a SetReport, &'a HeadReport)>) {
    let of_test: Vec<_> = exact(head, test).collect();
    if of_test.is_empty() { ("validation", exact(head, validation).collect()) } else { ("test", of_test) }
}

/// A table for each set that tells about each label of a head.
pub(super) fn per_label(head: &str, validation: &[SetReport], test: &[SetReport]) -> String {
    let (_, exact) = telling(head, validation, test);
    if exact.is_empty() {
        return format!(
            "\n### {}\n\nIt was measured on no set with its own labels, so nothing is known about each of them.\n",
            plain(head)
        );
    }
    let of_set = |(set, found): (&SetReport, &HeadReport)| {
        let rows = found.report.per_label.iter().map(row);
        let headings = ["label", "articles", "precision", "recall", "F1", ""];
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
    let figures = [label.precision, label.recall, label.f1];
    let figures = figures.map(|x| if label.support == 0 { "-".into() } else { format!("{x:.3}") });
    [&[plain(&label.label), label.support.to_string()], &figures[..], &[note.to_string()]].concat()
}

fn exact<'a>(head: &'a str, reports: &'a [SetReport]) -> impl Iterator<Item = (&'a SetReport, &'a HeadReport)> {
    let of_set = move |set: &'a SetReport| {
        let found = set.heads.iter().find(|found| found.head == head && found.is_exact() && found.report.cases > 0)?;
        Some((set, found))
    };
    reports.iter().filter_map(of_set)
}

/// The labels of a head on which little is known.
pub(super) struct HardlyTested {
    /// What the articles are from.
    pub(super) split: &'static str,
    /// Labels with few articles over all sets that tell about them.
    pub(super) few: Vec<String>,
    /// Labels without any.
    pub(super) none: Vec<String>,
}

/// Finds the labels of a head on which little is known.
pub(super) fn hardly_tested(head: &Head, validation: &[SetReport], test: &[SetReport]) -> HardlyTested {
    let (split, exact) = telling(&head.name, validation, test);
    let (mut few, mut none) = (vec![], vec![]);
    for (place, label) in head.labels.iter().enumerate() {
        let of_set =
            |(_, found): &(&SetReport, &HeadReport)| found.report.per_label.get(place).map(|label| label.support);
        match exact.iter().filter_map(of_set).sum::<u64>() {
            0 => none.push(label.name.clone()),
            1..FEW_ARTICLES => few.push(label.name.clone()),
            _ => {}
        }
    }
    HardlyTested { split, few, none }
}
