//! The page that `newsdesk eval --report` writes.

use crate::output::machine::machine_table;
use crate::output::page::{Evaluated, head_items};
use anyhow::Result;
use newsdesk_eval::{HeadReport, SetReport};
use newsdesk_metrics::Interval;
use newsdesk_model::{Classifier, device_name};
use newsdesk_report::{Item, Page, Section};

/// Returns the page for the evaluated data sets.
///
/// # Errors
/// If a chart cannot be drawn.
pub fn page(classifier: &Classifier, evaluated: &[Evaluated]) -> Result<Page> {
    let name = &classifier.manifest().name;
    let sets: Vec<String> =
        evaluated.iter().map(|Evaluated { report, .. }| format!("{}, {}", report.set, report.split)).collect();
    let mut sections = vec![];
    for Evaluated { report, cases } in evaluated {
        for (head, cases) in report.heads.iter().zip(cases) {
            let title = format!("{}: {}", head.head, report.set);
            sections.push(Section { title, text: summary(report, head), items: head_items(head, cases)? });
        }
    }
    sections.push(Section {
        title: "Machine and settings".into(),
        text: String::new(),
        items: vec![Item::Table(machine_table(&[
            ("model", name.clone()),
            ("dtype", classifier.dtype().to_string()),
            ("threads", classifier.threads().to_string()),
            ("device", device_name(classifier.device())),
        ]))],
    });
    Ok(Page {
        title: format!("Evaluation of {name}"),
        lead: format!(
            "Evaluated on {}. All intervals are 95 % confidence intervals: Wilson score intervals for proportions, bootstrap intervals for F1.",
            sets.join("; ")
        ),
        sections,
    })
}

/// Returns the main metrics of a head in a sentence.
fn summary(set: &SetReport, head: &HeadReport) -> String {
    let within = |interval: Option<&Interval>| {
        interval.map_or(String::new(), |interval| format!(" ({:.3} to {:.3})", interval.low, interval.high))
    };
    let HeadReport { report, calibration, intervals, .. } = head;
    let accuracy = within(intervals.as_ref().map(|intervals| &intervals.accuracy));
    let macro_f1 = within(intervals.as_ref().and_then(|intervals| intervals.macro_f1.as_ref()));
    let mut text = format!(
        "{} articles of {}, {}: accuracy {:.3}{accuracy}, macro-F1 {:.3}{macro_f1}, expected calibration error {:.3}.",
        report.cases, set.set, set.split, report.accuracy, report.macro_f1, calibration.ece
    );
    if let Some(lenient) = report.accuracy_lenient {
        text += &format!(" Accuracy is {lenient:.3} if further correct labels of an article count.");
    }
    if report.uses_data_set_labels {
        text += " A prediction is correct if the data set's own label allows it; metrics per label are for the data set's labels.";
    }
    text
}
