//! `newsdesk data stats`: counts rows, labels and text lengths of labelled data sets.

use super::read::{Reader, find};
use super::tokens::TokenCounter;
use crate::arguments::data::Stats as Options;
use crate::console;
use crate::exit_code::ExitCode;
use crate::failure::say;
use crate::output::reject_log::RejectLog;
use crate::output::table::table;
use crate::output::terminal;
use anyhow::Result;
use newsdesk_data::{LabelledRow, LengthSummary, Reject, SetStats, SplitStats, Stats};
use serde::Serialize;
use std::io::Write;

/// The JSON that `data stats --json` prints.
#[derive(Serialize)]
struct Findings {
    sets: Vec<SetStats>,
}

pub fn run(options: &Options) -> Result<ExitCode> {
    let tokens = TokenCounter::open(&options.tokens)?;
    let mut findings = Findings { sets: Vec::new() };
    for set in find(&options.sets)? {
        let stats = Stats::new(&set.name, set.heads.names());
        let (shown, rejects) = (Vec::new(), RejectLog::default());
        let mut reader = StatsReader { stats, tokens: tokens.as_ref(), shown, rejects };
        set.read(&mut reader, options.quiet)?;
        if !options.quiet {
            let lines = reader.shown.into_iter().chain(reader.rejects.others());
            lines.for_each(|line| say(&format!("warning: {line}")));
        }
        findings.sets.push(reader.stats.finish());
    }
    match options.json {
        true => console::print_json(&findings)?,
        false => {
            let sets: Vec<String> = findings.sets.iter().map(describe).collect();
            write!(terminal::stdout(), "{}", sets.join("\n"))?;
        }
    }
    let rejected = findings.sets.iter().flat_map(|set| &set.splits).any(|split| split.rejected > 0);
    Ok(if rejected { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Passes rows to the statistics, with their numbers of tokens.
struct StatsReader<'a> {
    stats: Stats,
    tokens: Option<&'a TokenCounter>,
    /// The first rejects of each cause, for the report.
    shown: Vec<String>,
    rejects: RejectLog,
}

impl Reader for StatsReader<'_> {
    fn begin_split(&mut self, name: &str) {
        self.stats.begin_split(name);
    }

    fn rows(&mut self, rows: Vec<LabelledRow>, texts: &[String]) -> Result<()> {
        let counts: Vec<Option<usize>> = match self.tokens {
            Some(tokens) => tokens.count(texts)?.into_iter().map(Some).collect(),
            None => vec![None; rows.len()],
        };
        rows.iter().zip(counts).for_each(|(row, tokens)| self.stats.add_row(row, tokens));
        Ok(())
    }

    fn reject(&mut self, reject: &Reject) {
        if self.rejects.add(reject).is_shown {
            self.shown.push(reject.to_string());
        }
        self.stats.add_reject(reject);
    }

    fn columns(&mut self, _: &[String]) {}
}

fn describe(set: &SetStats) -> String {
    let mut text = format!("{}\n\n{}\n", set.set, rows(&set.splits));
    for head in 0..set.splits.first().map_or(0, |split| split.heads.len()) {
        text += &format!("\n{}\n", labels(&set.splits, head));
    }
    text += &format!("\n{}\n", lengths(&set.splits));
    if set.splits.iter().any(|split| split.languages.len() > 1) {
        text += &format!("\n{}\n", languages(&set.splits));
    }
    text
}

fn rows(splits: &[SplitStats]) -> String {
    let mut rows = table(&["split", "rows", "with title", "without label", "rejected"], &[1, 2, 3, 4]);
    for split in splits {
        let numbers = [split.rows, split.with_title, split.unlabelled, split.rejected].map(|number| number.to_string());
        rows.add_row(std::iter::once(split.split.clone()).chain(numbers));
    }
    rows.trim_fmt()
}

/// Returns the labels of a head with their rows and shares in each split, in the order of the first split that has
/// them.
fn labels(splits: &[SplitStats], head: usize) -> String {
    let heads: Vec<_> = splits.iter().map(|split| &split.heads[head]).collect();
    let name = heads.first().map_or("", |head| &head.head);
    let mut headings = vec![name];
    splits.iter().for_each(|split| headings.extend([split.split.as_str(), "share"]));
    let mut labels = table(&headings, &(1..headings.len()).collect::<Vec<_>>());
    let mut names: Vec<&str> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for label in heads.iter().flat_map(|head| &head.labels) {
        if known.insert(label.label.as_str()) {
            names.push(&label.label);
        }
    }
    for name in names {
        let mut cells = vec![name.split_whitespace().collect::<Vec<_>>().join(" ")];
        for head in &heads {
            match head.labels.iter().find(|label| label.label == name) {
                Some(label) => cells.extend([label.rows.to_string(), format!("{:.1} %", label.share * 100.0)]),
                None => cells.extend(["0".to_owned(), "0.0 %".to_owned()]),
            }
        }
        labels.add_row(cells);
    }
    labels.trim_fmt()
}

/// Returns the rows in each language, for a data set with several.
fn languages(splits: &[SplitStats]) -> String {
    let mut languages = table(&["language", "split", "rows"], &[2]);
    for split in splits {
        for language in &split.languages {
            languages.add_row([language.language.to_owned(), split.split.clone(), language.rows.to_string()]);
        }
    }
    languages.trim_fmt()
}

fn lengths(splits: &[SplitStats]) -> String {
    let mut lengths = table(&["length in", "split", "median", "90 %", "99 %", "longest"], &[2, 3, 4, 5]);
    let mut add = |unit: &str, split: &str, summary: Option<LengthSummary>| {
        if let Some(LengthSummary { median, p90, p99, max }) = summary {
            let numbers = [median, p90, p99, max].map(|number| number.to_string());
            lengths.add_row([unit.to_owned(), split.to_owned()].into_iter().chain(numbers));
        }
    };
    for (unit, of) in [("characters", 0), ("words", 1), ("tokens", 2)] {
        for split in splits {
            let summary = split.lengths.map(|lengths| [Some(lengths.characters), Some(lengths.words), lengths.tokens]);
            add(unit, &split.split, summary.and_then(|summary| summary[of]));
        }
    }
    lengths.trim_fmt()
}
