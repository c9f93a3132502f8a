//! The page that `newsdesk bench --report` writes.

use super::front::front;
use super::job::{Job, Rounds};
use super::record::{Compared, Latency, Measured, Quality, Results, Setting, Spread};
use crate::output::count::counted;
use crate::output::machine::machine_table;
use crate::output::page::{coverage_chart, head_items};
use anyhow::Result;
use newsdesk_report::chart::{Axis, Bar, Series, bar_chart, xy_plot};
use newsdesk_report::{Chart, Item, Link, Page, Section, Table};

/// Returns the page for the results.
///
/// # Errors
/// If a chart cannot be drawn.
pub fn page(job: &Job, results: &Results) -> Result<Page> {
    let mut sets: Vec<&str> = results.results.iter().map(|measured| measured.set.as_str()).collect();
    sets.sort_unstable();
    sets.dedup();
    let mut sections = vec![overview(results)];
    for set in &sets {
        sections.push(comparison(job, results, set)?);
    }
    sections.extend(details(job)?);
    let settings = [
        ("started", results.started.clone()),
        ("device", results.machine.device.clone()),
        ("rounds", results.rounds.to_string()),
        ("complete", if results.complete { "yes" } else { "no: the run was interrupted" }.into()),
    ];
    let text = match results.notes.is_empty() {
        true => "There are no notes.".into(),
        false => format!("Notes: {}.", results.notes.join("; ")),
    };
    sections.push(Section {
        title: "Machine and settings".into(),
        text,
        items: vec![Item::Table(machine_table(&settings)), Item::Links(links(results))],
    });
    Ok(Page {
        title: "Model comparison".into(),
        lead: format!(
            "{} on {}. Throughput is that of the whole command newsdesk classify. Bars show the median of {}, thin lines the \
             minimum and the maximum.",
            counted(job.configs.len(), "setting"),
            sets.join(", "),
            counted(results.rounds, "round")
        ),
        sections,
    })
}

/// Returns a link to each model of the Hugging Face hub, at the commit that was measured.
fn links(results: &Results) -> Vec<Link> {
    let mut sources: Vec<&str> = results.results.iter().filter_map(|measured| measured.source.as_deref()).collect();
    sources.sort_unstable();
    sources.dedup();
    let link = |source: &str| {
        let (repository, commit) = source.split_once('@')?;
        let text = format!("{repository} at commit {commit}");
        Some(Link { text, url: format!("https://huggingface.co/{repository}/tree/{commit}") })
    };
    sources.into_iter().filter_map(link).collect()
}

fn overview(results: &Results) -> Section {
    let row = |measured: &Measured| {
        let latency = measured.latency_ms.as_ref().map_or_else(|| "-".into(), |latency| format!("{:.2}", latency.p95));
        let memory =
            measured.peak_memory_bytes.map_or_else(|| "-".into(), |memory| format!("{:.0}", memory.median / 1e6));
        let heads = measured.heads.iter();
        let accuracies: Vec<String> = heads.map(|head| format!("{} {:.3}", head.head, head.accuracy)).collect();
        vec![
            measured.setting.name(),
            measured.set.clone(),
            accuracies.join("; "),
            format!("{:.1}", measured.articles_per_second.median),
            format!("{:.0}", measured.tokens_per_second.median),
            latency,
            format!("{:.3}", measured.load_seconds.median),
            memory,
            format!("{:.1}", measured.parameters as f64 / 1e6),
        ]
    };
    let headings = [
        "setting",
        "data set",
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
        let row = |compared: &Compared| {
            let difference = &compared.difference;
            vec![
                compared.set.clone(),
                compared.head.clone(),
                compared.second.clone(),
                compared.first.clone(),
                format!("{:+.4}", difference.accuracy),
                format!("{:+.4}", difference.interval.low),
                format!("{:+.4}", difference.interval.high),
                format!("{:.4}", difference.p),
            ]
        };
        let headings = ["data set", "head", "setting", "compared with", ">difference", ">95 % from", ">to", ">p"];
        let rows = results.differences.iter().map(row).collect();
        items.push(Item::Table(Table::new("Differences in accuracy on the same articles", &headings, rows)));
    }
    Section {
        title: "Summary".into(),
        text: "Tokens of linear models are words. Intervals of differences are 95 % paired bootstrap intervals. p is from McNemar's \
               exact test: a value below 0.05 means that chance alone rarely causes such a difference."
            .into(),
        items,
    }
}

/// Returns a setting's name for charts; the number of threads is left out if all settings have the same.
fn short_name(results: &Results, setting: &Setting) -> String {
    let same = results.results.iter().all(|measured| measured.setting.threads == setting.threads);
    if same { format!("{}, {}", setting.model, setting.dtype) } else { setting.name() }
}

/// Returns the charts that compare all settings on one data set.
fn comparison(job: &Job, results: &Results, set: &str) -> Result<Section> {
    let of_set: Vec<&Measured> = results.results.iter().filter(|measured| measured.set == set).collect();
    let mut heads: Vec<&str> =
        of_set.iter().flat_map(|measured| measured.heads.iter().map(|head| head.head.as_str())).collect();
    heads.sort_unstable();
    heads.dedup();
    let mut items = vec![];
    for head in heads {
        items.push(Item::Chart(speed_and_accuracy(results, &of_set, head)?));
    }
    let bar = |measured: &Measured, spread: &Spread, unit: f64| Bar {
        name: short_name(results, &measured.setting),
        note: String::new(),
        value: spread.median / unit,
        interval: Some([spread.low / unit, spread.high / unit]),
    };
    let chart = |title: &str, unit: &str, bar: &dyn Fn(&Measured) -> Option<Bar>| {
        spread_chart(title, unit, of_set.iter().filter_map(|measured| bar(measured)).collect())
    };
    items.extend(chart("Throughput of the whole command", "articles/s", &|measured| {
        Some(bar(measured, &measured.articles_per_second, 1.0))
    })?);
    items.extend(chart("Peak memory", "MB", &|measured| {
        measured.peak_memory_bytes.as_ref().map(|memory| bar(measured, memory, 1e6))
    })?);
    items.extend(chart("Load time", "ms", &|measured| Some(bar(measured, &measured.load_seconds, 1e-3)))?);
    items.extend(latency_chart(results, &of_set)?);
    let mut curves = vec![];
    for (config, rounds) in job.configs.iter().zip(&job.rounds) {
        let evaluated = rounds.iter().filter_map(|rounds| rounds.evaluated.as_ref());
        for evaluated in evaluated.filter(|evaluated| evaluated.report.set == set) {
            for cases in &evaluated.cases {
                let name = match evaluated.cases.len() {
                    1 => short_name(results, &config.setting),
                    _ => format!("{}, {}", cases.head, short_name(results, &config.setting)),
                };
                curves.push((name, cases));
            }
        }
    }
    if !curves.is_empty() {
        items.push(Item::Chart(coverage_chart(&curves)?));
    }
    Ok(Section { title: format!("Comparison on {set}"), text: String::new(), items })
}

/// Plots the accuracy of a head against throughput, one point per setting.
fn speed_and_accuracy(results: &Results, of_set: &[&Measured], head: &str) -> Result<Chart> {
    let point = |measured: &&Measured| {
        let accuracy = measured.heads.iter().find(|known| known.head == head)?.accuracy;
        let points = vec![[measured.articles_per_second.median, accuracy]];
        Some(Series { name: short_name(results, &measured.setting), points, connected: false })
    };
    let mut points: Vec<Series> = of_set.iter().filter_map(point).collect();
    let lowest = points.iter().map(|series| series.points[0][1]).fold(1.0, f64::min);
    let front = of_set.first().map_or_else(Vec::new, |first| front(&results.results, &first.set, head));
    let on_front = |(measured, quality): &(&Measured, &Quality)| {
        let (name, speed) = (short_name(results, &measured.setting), measured.articles_per_second.median);
        format!("{name} ({speed:.1} articles/s, {:.3})", quality.accuracy)
    };
    let names: Vec<String> = front.iter().map(on_front).collect();
    let caption = format!("On the front, where no other setting is better in both: {}.", names.join("; "));
    let x = Axis::log("articles/s, logarithmic", points.iter().map(|series| series.points[0][0]));
    let from = ((lowest - 0.02) * 20.0).floor() / 20.0;
    let y = Axis::new("accuracy, 0 to 1", from.max(0.0), 1.0);
    if front.len() > 1 {
        let points_of_front =
            front.iter().map(|(measured, quality)| [measured.articles_per_second.median, quality.accuracy]);
        points.push(Series { name: "the front".into(), points: points_of_front.collect(), connected: true });
    }
    let title = format!("Speed against accuracy of {head}: up and to the right is better");
    Ok(xy_plot(&title, &x, &y, &points, false, &caption)?)
}

/// Draws bars with their ranges; `None` if there are none.
fn spread_chart(title: &str, unit: &str, shown: Vec<Bar>) -> Result<Option<Item>> {
    let (Some(min), Some(max)) = (
        shown.iter().min_by(|a, b| a.value.total_cmp(&b.value)),
        shown.iter().max_by(|a, b| a.value.total_cmp(&b.value)),
    ) else {
        return Ok(None);
    };
    let caption = format!("From {:.1} ({}) to {:.1} ({}).", min.value, min.name, max.value, max.name);
    let end = shown.iter().map(|bar| bar.interval.map_or(bar.value, |[_, high]| high)).fold(0.0, f64::max);
    Ok(Some(Item::Chart(bar_chart(title, &Axis::new(unit, 0.0, end * 1.05), &shown, &caption)?)))
}

/// Plots the cumulative distribution of latencies; `None` if no latencies were measured.
fn latency_chart(results: &Results, of_set: &[&Measured]) -> Result<Option<Item>> {
    let latencies: Vec<(String, &Latency)> = of_set
        .iter()
        .filter_map(|measured| Some((short_name(results, &measured.setting), measured.latency_ms.as_ref()?)))
        .collect();
    if latencies.is_empty() {
        return Ok(None);
    }
    let line = |(name, latency): &(String, &Latency)| Series {
        name: name.clone(),
        points: latency.percentiles.iter().enumerate().map(|(percent, &ms)| [ms, percent as f64]).collect(),
        connected: true,
    };
    let lines: Vec<Series> = latencies.iter().map(line).collect();
    let captions: Vec<String> = latencies
        .iter()
        .map(|(name, latency)| format!("{name}: p50 {:.2} ms, p95 {:.2} ms", latency.p50, latency.p95))
        .collect();
    let milliseconds = lines.iter().flat_map(|line| line.points.iter().map(|point| point[0]));
    let x = Axis::log("ms for one article, logarithmic", milliseconds);
    let y = Axis::new("finished articles, %", 0.0, 100.0);
    let caption = format!("{}.", captions.join("; "));
    Ok(Some(Item::Chart(xy_plot("Latency of single articles", &x, &y, &lines, false, &caption)?)))
}

/// Returns the metrics of each model. Its dtypes and numbers of threads share one section, that of the first.
fn details(job: &Job) -> Result<Vec<Section>> {
    let mut sections = vec![];
    let mut seen = vec![];
    for (config, rounds) in job.configs.iter().zip(&job.rounds) {
        if seen.contains(&config.model) {
            continue;
        }
        seen.push(config.model);
        for evaluated in rounds.iter().filter_map(|rounds: &Rounds| rounds.evaluated.as_ref()) {
            for (head, cases) in evaluated.report.heads.iter().zip(&evaluated.cases) {
                sections.push(Section {
                    title: format!("{} of {} on {}", head.head, config.setting.model, evaluated.report.set),
                    text: format!("{} articles, dtype {}.", head.report.cases, config.setting.dtype),
                    items: head_items(head, cases)?,
                });
            }
        }
    }
    Ok(sections)
}
