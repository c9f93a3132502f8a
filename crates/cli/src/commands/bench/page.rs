//! Results as a page.

use super::record::{Measured, Results, Setting};
use super::{Job, Rounds};
use crate::output::page::{coverage_chart, head_items, machine};
use anyhow::Result;
use newsdesk_report::chart::{Axis, Bar, Series, bars, plane};
use newsdesk_report::{Item, Page, Section, Table};

/// The page of `newsdesk bench`.
pub(super) fn page(job: &Job, results: &Results) -> Result<Page> {
    let mut sets: Vec<&str> = results.results.iter().map(|of| of.set.as_str()).collect();
    sets.sort_unstable();
    sets.dedup();
    let mut sections = vec![overview(results)];
    for set in &sets {
        sections.push(side_by_side(job, results, set)?);
    }
    sections.extend(in_detail(job)?);
    let settings = [
        ("began", results.started.clone()),
        ("device", results.machine.device.clone()),
        ("rounds", results.rounds.to_string()),
        ("complete", if results.complete { "yes" } else { "no: it was interrupted" }.into()),
    ];
    let text = match results.notes.is_empty() {
        true => "Nothing unusual was noticed.".into(),
        false => format!("Noticed: {}.", results.notes.join("; ")),
    };
    sections.push(Section { title: "Machine and settings".into(), text, items: vec![Item::Table(machine(&settings))] });
    Ok(Page {
        title: "Models side by side".into(),
        lead: format!(
            "{} on {}. Speed is that of the whole command newsdesk classify; bars show the middle of {} rounds, thin lines the lowest and \
             the highest.",
            count(job.configs.len(), "setting"),
            sets.join(", "),
            results.rounds
        ),
        sections,
    })
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn overview(results: &Results) -> Section {
    let row = |of: &Measured| {
        let latency = of.latency_ms.as_ref().map_or_else(|| "-".into(), |latency| format!("{:.2}", latency.p95));
        let memory = of.peak_memory_bytes.map_or_else(|| "-".into(), |memory| format!("{:.0}", memory.median / 1e6));
        let right: Vec<String> = of.heads.iter().map(|head| format!("{} {:.3}", head.head, head.accuracy)).collect();
        vec![
            of.setting.name(),
            of.set.clone(),
            right.join("; "),
            format!("{:.1}", of.articles_per_second.median),
            format!("{:.0}", of.tokens_per_second.median),
            latency,
            format!("{:.3}", of.load_seconds.median),
            memory,
            format!("{:.1}", of.parameters as f64 / 1e6),
        ]
    };
    let headings = [
        "setting",
        "set",
        "accuracy",
        ">articles/s",
        ">tokens/s",
        ">p95 latency, ms",
        ">load, s",
        ">peak memory, MB",
        ">parameters, million",
    ];
    let mut items = vec![Item::Table(Table::new("All settings", &headings, results.results.iter().map(row).collect()))];
    if !results.differences.is_empty() {
        let row = |of: &super::record::Compared| {
            let difference = &of.difference;
            vec![
                of.set.clone(),
                of.head.clone(),
                of.second.clone(),
                of.first.clone(),
                format!("{:+.4}", difference.accuracy),
                format!("{:+.4}", difference.interval.low),
                format!("{:+.4}", difference.interval.high),
                format!("{:.4}", difference.p),
            ]
        };
        let headings = ["set", "head", "setting", "beside", ">accuracy", ">from", ">to", ">p"];
        let rows = results.differences.iter().map(row).collect();
        items.push(Item::Table(Table::new("Differences on the same articles", &headings, rows)));
    }
    Section {
        title: "In short".into(),
        text: "Tokens of linear models are words. Intervals of differences are those of 95 % by the paired bootstrap, p is that of \
               McNemar's exact test: below 0.05, chance alone would rarely make such a difference."
            .into(),
        items,
    }
}

/// A setting's name in a chart: without the number of threads where all have the same.
fn short(results: &Results, setting: &Setting) -> String {
    let same = results.results.iter().all(|of| of.setting.threads == setting.threads);
    if same { format!("{}, {}", setting.model, setting.precision) } else { setting.name() }
}

/// All settings on one set.
fn side_by_side(job: &Job, results: &Results, set: &str) -> Result<Section> {
    let of_set: Vec<&Measured> = results.results.iter().filter(|of| of.set == set).collect();
    let mut items = vec![];
    let mut heads: Vec<&str> = of_set.iter().flat_map(|of| of.heads.iter().map(|head| head.head.as_str())).collect();
    heads.sort_unstable();
    heads.dedup();
    let speed = |of: &Measured| of.articles_per_second.median;
    for head in heads {
        let point = |of: &&Measured| {
            let right = of.heads.iter().find(|known| known.head == head)?.accuracy;
            Some(Series { name: short(results, &of.setting), points: vec![[speed(of), right]], joined: false })
        };
        let points: Vec<Series> = of_set.iter().filter_map(point).collect();
        let lowest = points.iter().map(|series| series.points[0][1]).fold(1.0, f64::min);
        let best = points.iter().max_by(|a, b| a.points[0][1].total_cmp(&b.points[0][1]));
        let says = best.map_or(String::new(), |best| {
            format!(
                "{} is right most often, with {:.3}, at {:.1} articles/s.",
                best.name, best.points[0][1], best.points[0][0]
            )
        });
        let x = Axis::log("articles/s, logarithmic", points.iter().map(|series| series.points[0][0]));
        let from = ((lowest - 0.02) * 20.0).floor() / 20.0;
        let y = Axis::new("accuracy, 0 to 1", from.max(0.0), 1.0);
        let title = format!("Speed against accuracy of {head}: up and to the right is better");
        items.push(Item::Chart(plane(&title, &x, &y, &points, false, &says)?));
    }
    let chart = |title: &str, name: &str, bar: &dyn Fn(&Measured) -> Option<Bar>| -> Result<Option<Item>> {
        let shown: Vec<Bar> = of_set.iter().filter_map(|of| bar(of)).collect();
        let (Some(least), Some(most)) = (
            shown.iter().min_by(|a, b| a.value.total_cmp(&b.value)),
            shown.iter().max_by(|a, b| a.value.total_cmp(&b.value)),
        ) else {
            return Ok(None);
        };
        let says = format!("From {:.1} ({}) to {:.1} ({}).", least.value, least.name, most.value, most.name);
        let end = shown.iter().map(|bar| bar.interval.map_or(bar.value, |[_, high]| high)).fold(0.0, f64::max);
        Ok(Some(Item::Chart(bars(title, &Axis::new(name, 0.0, end * 1.05), &shown, &says)?)))
    };
    let bar = |of: &Measured, spread: &super::record::Spread, unit: f64| Bar {
        name: short(results, &of.setting),
        note: String::new(),
        value: spread.median / unit,
        interval: Some([spread.low / unit, spread.high / unit]),
    };
    items.extend(chart("Throughput of the whole command", "articles/s", &|of| {
        Some(bar(of, &of.articles_per_second, 1.0))
    })?);
    items.extend(chart("Peak memory", "MB", &|of| of.peak_memory_bytes.as_ref().map(|memory| bar(of, memory, 1e6)))?);
    items.extend(chart("Loading", "ms", &|of| Some(bar(of, &of.load_seconds, 1e-3)))?);
    let latencies = || of_set.iter().filter_map(|of| Some((short(results, &of.setting), of.latency_ms.as_ref()?)));
    if latencies().next().is_some() {
        let line = |(name, latency): (String, &super::record::Latency)| Series {
            name,
            points: latency.percentiles.iter().enumerate().map(|(percent, &ms)| [ms, percent as f64]).collect(),
            joined: true,
        };
        let lines: Vec<Series> = latencies().map(line).collect();
        let says: Vec<String> = latencies()
            .map(|(name, latency)| {
                format!("{name}: half within {:.2} ms, 95 % within {:.2} ms", latency.p50, latency.p95)
            })
            .collect();
        let x = Axis::log(
            "ms for one article, logarithmic",
            lines.iter().flat_map(|line| line.points.iter().map(|p| p[0])),
        );
        let y = Axis::new("articles done by then, %", 0.0, 100.0);
        items.push(Item::Chart(plane(
            "Latency of single articles",
            &x,
            &y,
            &lines,
            false,
            &format!("{}.", says.join("; ")),
        )?));
    }
    let mut curves = vec![];
    for (config, rounds) in job.configs.iter().zip(&job.rounds) {
        let evaluated = rounds.iter().filter_map(|rounds| rounds.evaluated.as_ref());
        for of in evaluated.filter(|of| of.report.set == set) {
            for cases in &of.cases {
                let name = match of.cases.len() {
                    1 => short(results, &config.setting),
                    _ => format!("{}, {}", cases.head, short(results, &config.setting)),
                };
                curves.push((name, cases));
            }
        }
    }
    if !curves.is_empty() {
        items.push(Item::Chart(coverage_chart(&curves)?));
    }
    Ok(Section { title: format!("Side by side on {set}"), text: String::new(), items })
}

/// What each model is right and wrong about; precisions and threads of a model have one section, that of the first.
fn in_detail(job: &Job) -> Result<Vec<Section>> {
    let mut sections = vec![];
    let mut seen = vec![];
    for (config, rounds) in job.configs.iter().zip(&job.rounds) {
        if seen.contains(&config.model) {
            continue;
        }
        seen.push(config.model);
        for of in rounds.iter().filter_map(|rounds: &Rounds| rounds.evaluated.as_ref()) {
            for (head, cases) in of.report.heads.iter().zip(&of.cases) {
                sections.push(Section {
                    title: format!("{} of {} on {}", head.head, config.setting.model, of.report.set),
                    text: format!("{} articles, in {}.", head.report.cases, config.setting.precision),
                    items: head_items(head, cases)?,
                });
            }
        }
    }
    Ok(sections)
}
