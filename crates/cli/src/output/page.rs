//! Pages of `eval` and `bench`: what they have in common.

use anyhow::Result;
use newsdesk_eval::{HeadCases, HeadReport, SetReport, Slice};
use newsdesk_metrics::{Answered, Confusion, Interval, LabelReport, Report, coverage};
use newsdesk_model::{Classifier, device_name};
use newsdesk_report::chart::{Axis, Bar, Series, bars, grid, plane};
use newsdesk_report::{Chart, Item, Page, Section, Table};
use std::time::SystemTime;

/// Labels, or values of a column, that a chart of bars shows; more would be a wall.
const BARS: usize = 40;

/// Kinds of mistakes that are listed.
const MISTAKES: usize = 20;

/// Labels of which a grid still shows something.
const GRID: usize = 60;

/// What was found on a set.
pub struct Evaluated {
    /// The figures.
    pub report: SetReport,
    /// What they are computed from, head by head.
    pub cases: Vec<HeadCases>,
}

/// The page of `newsdesk eval`.
pub fn eval_page(classifier: &Classifier, evaluated: &[Evaluated]) -> Result<Page> {
    let name = &classifier.manifest().name;
    let sets: Vec<String> = evaluated.iter().map(|of| format!("{}, {}", of.report.set, of.report.split)).collect();
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
        items: vec![Item::Table(machine(&[
            ("model", name.clone()),
            ("precision", classifier.dtype().to_string()),
            ("threads", classifier.threads().to_string()),
            ("device", device_name(classifier.device())),
        ]))],
    });
    Ok(Page {
        title: format!("How good {name} is"),
        lead: format!(
            "Measured on {}. Intervals are those of 95 %: of shares by Wilson's score, of F1 by the bootstrap.",
            sets.join("; ")
        ),
        sections,
    })
}

/// Where something was measured.
pub fn machine(settings: &[(&str, String)]) -> Table {
    let processors = newsdesk_model::processors();
    let mut rows = vec![
        vec!["Newsdesk".into(), env!("CARGO_PKG_VERSION").to_string()],
        vec!["measured at".into(), humantime::format_rfc3339_seconds(SystemTime::now()).to_string()],
        vec!["system".into(), format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)],
        vec!["processor".into(), processor().unwrap_or_else(|| "not known".into())],
        vec!["processors".into(), processors.to_string()],
    ];
    rows.extend(settings.iter().map(|(name, value)| vec![name.to_string(), value.clone()]));
    Table::new("Machine and settings", &["", ""], rows)
}

/// What the system calls its processor.
pub fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let name = text.lines().find_map(|line| line.strip_prefix("model name"))?;
    Some(name.trim_start_matches([' ', '\t', ':']).trim().to_owned())
}

/// The main figures of a head in a sentence.
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
    if let Some(any) = report.accuracy_any {
        text += &format!(" {any:.3} counting any of an article's right labels.");
    }
    if report.labels_are_sources {
        text += " An answer is right where the set's own label allows it; figures by label are of the set's labels.";
    }
    text
}

/// What is shown of a head: figures, labels, confusion, reliability, coverage, parts of the articles.
pub fn head_items(head: &HeadReport, cases: &HeadCases) -> Result<Vec<Item>> {
    let HeadReport { report, calibration, .. } = head;
    let mut items = vec![Item::Table(figures(head))];
    items.push(Item::Chart(by_label(report)?));
    if let Some(confusion) = &report.confusion {
        let mistakes = mistakes(confusion, cases);
        if confusion.right.len().max(confusion.predicted.len()) <= GRID {
            let says = mistakes.first().map_or("No answer is wrong.".into(), |(right, answer, count)| {
                format!("Most often {right} is answered with {answer}: {}.", times(*count))
            });
            let title = "Confusion: right labels and answers, in articles";
            let Confusion { right, predicted, counts } = confusion;
            items.push(Item::Chart(grid(title, right, predicted, counts, &says)?));
        }
        if !mistakes.is_empty() {
            let row = |(right, answer, count): &(&str, &str, u64)| {
                vec![right.to_string(), answer.to_string(), count.to_string()]
            };
            let rows = mistakes.iter().take(MISTAKES).map(row).collect();
            let title = format!("The most frequent of {} kinds of mistakes", mistakes.len());
            items.push(Item::Table(Table::new(title, &["right", "answer", ">articles"], rows)));
        }
    }
    let reliability = Series {
        name: "answers".into(),
        points: calibration.bins.iter().map(|bin| [bin.score, bin.accuracy]).collect(),
        joined: true,
    };
    let says = format!(
        "Share of right answers by score, in {} ranges. On the diagonal scores mean what they say; on average they are {:.3} off.",
        calibration.bins.len(),
        calibration.ece
    );
    let (score, right) = (Axis::share("mean score of the answers, 0 to 1"), Axis::share("share that is right, 0 to 1"));
    items.push(Item::Chart(plane("Reliability of scores", &score, &right, &[reliability], true, &says)?));
    items.push(Item::Chart(coverage_chart(&[(head.head.clone(), cases)])?));
    if !head.slices.is_empty() {
        items.extend(slices(&head.slices)?);
    }
    Ok(items)
}

fn times(count: u64) -> String {
    if count == 1 { "once".into() } else { format!("{count} times") }
}

/// F1 of the labels that occur, those with most articles first; the numbers have all of them.
fn by_label(report: &Report) -> Result<Chart> {
    let mut labels: Vec<&LabelReport> =
        report.per_label.iter().filter(|label| label.support + label.predicted > 0).collect();
    labels.sort_by_key(|label| std::cmp::Reverse(label.support));
    let bar = |label: &&LabelReport| Bar {
        name: label.label.clone(),
        note: format!(" ({})", label.support),
        value: label.f1,
        interval: None,
    };
    let shown: Vec<Bar> = labels.iter().take(BARS).map(bar).collect();
    let worst = labels.iter().filter(|label| label.support > 0).min_by(|a, b| a.f1.total_cmp(&b.f1));
    let says = worst.map_or("No label occurs.".into(), |label| {
        format!("Of {} labels the lowest is {} with {:.3}.", labels.len(), label.label, label.f1)
    });
    let title = match labels.len() > BARS {
        true => format!("F1 by label (articles), {BARS} of {} labels", labels.len()),
        false => "F1 by label (articles)".to_string(),
    };
    let row = |label: &&LabelReport| {
        let shares = [label.precision, label.recall, label.f1].map(|x| format!("{x:.4}"));
        [&[label.label.clone(), label.support.to_string(), label.predicted.to_string()], &shares[..]].concat()
    };
    let headings = ["label", ">articles", ">answers", ">precision", ">recall", ">F1"];
    let numbers = Table::new("All labels", &headings, labels.iter().map(row).collect());
    Ok(Chart { numbers, ..bars(&title, &Axis::share("F1, 0 to 1"), &shown, &says)? })
}

/// Right label, wrong answer, and how often; the most frequent first.
fn mistakes<'a>(confusion: &'a Confusion, cases: &HeadCases) -> Vec<(&'a str, &'a str, u64)> {
    let is_right = |row: usize, column: usize| match &cases.sources {
        Some(sources) => sources.get(row).is_some_and(|(_, allowed)| allowed.contains(&column)),
        None => row == column,
    };
    let mut found = vec![];
    for (row, counts) in confusion.counts.iter().enumerate() {
        for (column, &count) in
            counts.iter().enumerate().filter(|&(column, &count)| count > 0 && !is_right(row, column))
        {
            found.push((confusion.right[row].as_str(), confusion.predicted[column].as_str(), count));
        }
    }
    found.sort_by_key(|(.., count)| std::cmp::Reverse(*count));
    found
}

/// How many answers are right when the less sure ones are held back, for one or several models.
pub fn coverage_chart(of: &[(String, &HeadCases)]) -> Result<Chart> {
    let mut lowest = 1.0f64;
    let mut series = vec![];
    for (name, cases) in of {
        let curve = coverage(&cases.answers());
        // The first few answers say little, and a curve of thousands of points no more than one of hundreds.
        let least = (curve.last().map_or(0, |all| all.answers) / 50).max(10);
        let curve: Vec<&Answered> = curve.iter().filter(|point| point.given >= least).collect();
        let step = curve.len().div_ceil(200).max(1);
        let last = curve.last().copied();
        let points = curve.iter().step_by(step).copied().chain(last).map(|of| [of.coverage, of.accuracy]);
        let points: Vec<[f64; 2]> = points.collect();
        lowest = points.iter().fold(lowest, |lowest, point| lowest.min(point[1]));
        series.push(Series { name: name.clone(), points, joined: true });
    }
    let says = match series.first().and_then(|series| series.points.last()) {
        Some([given, right]) => {
            format!("With {:.0} % of the answers given, {right:.3} of them are right.", given * 100.0)
        }
        None => "There are too few answers.".into(),
    };
    let from = (lowest * 20.0).floor() / 20.0;
    let right = Axis::new("share that is right, 0 to 1", from.min(0.95), 1.0);
    Ok(plane(
        "Precision against coverage",
        &Axis::share("share of answers given, 0 to 1"),
        &right,
        &series,
        false,
        &says,
    )?)
}

fn slices(slices: &[Slice]) -> Result<Vec<Item>> {
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
        let shown: Vec<Bar> = of_column().take(BARS).map(bar).collect();
        let says = format!("{} values, each with its number of articles and an interval of 95 %.", of_column().count());
        let all = of_column().count();
        let some = if all > BARS { format!(", {BARS} of {all} values") } else { String::new() };
        let title = format!("Accuracy by {column} (articles){some}");
        let chart = bars(&title, &Axis::share("accuracy, 0 to 1"), &shown, &says)?;
        let row = |slice: &Slice| {
            let shares =
                [slice.accuracy, slice.interval.low, slice.interval.high, slice.macro_f1].map(|x| format!("{x:.4}"));
            [&[slice.value.clone(), slice.articles.to_string()], &shares[..]].concat()
        };
        let headings = [column, ">articles", ">accuracy", ">from", ">to", ">macro-F1"];
        let numbers = Table::new("All values", &headings, of_column().map(row).collect());
        items.push(Item::Chart(Chart { numbers, ..chart }));
    }
    Ok(items)
}

/// The figures of a head as a table.
fn figures(head: &HeadReport) -> Table {
    let HeadReport { report, calibration, intervals, top_k, answered, .. } = head;
    let mut rows = vec![];
    let mut add = |name: &str, value: f64, interval: Option<&Interval>| {
        let ends = interval.map_or([String::new(), String::new()], |of| [of.low, of.high].map(|x| format!("{x:.4}")));
        rows.push([&[name.to_string(), format!("{value:.4}")], &ends[..]].concat());
    };
    add("accuracy", report.accuracy, intervals.as_ref().map(|of| &of.accuracy));
    add("macro-F1", report.macro_f1, intervals.as_ref().and_then(|of| of.macro_f1.as_ref()));
    add("macro recall (balanced accuracy)", report.macro_recall, None);
    add("weighted F1", report.averages.weighted_average.f1, None);
    add("micro-F1", report.averages.micro_average.f1, None);
    if let Some(mcc) = report.mcc {
        add("Matthews correlation", mcc, None);
    }
    if let [_, .., last] = top_k.as_slice() {
        let name = if report.micro_f1.is_some() { "precision at" } else { "right among the first" };
        add(&format!("{name} {}", top_k.len()), *last, None);
    }
    add("expected calibration error", calibration.ece, None);
    add("Brier score", calibration.brier, None);
    add("negative log-likelihood, nats", calibration.nll, None);
    if let Some(answered) = answered {
        add("coverage with the least score", answered.coverage, None);
        add("accuracy of these answers", answered.accuracy, None);
    }
    Table::new("Figures", &["", ">value", ">from", ">to"], rows)
}
