//! `newsdesk data check`: finds problems in labelled data sets.

use super::read::{FoundSet, Heads, Reader, find};
use super::tokens::TokenCounter;
use crate::arguments::data::Check as Options;
use crate::console;
use crate::exit_code::ExitCode;
use crate::failure::say;
use crate::output::terminal;
use anyhow::Result;
use indicatif::HumanCount;
use newsdesk_data::{Check, CheckOptions, CheckReport, Example, FindingKind, LabelledRow, Reject, Severity};
use serde::Serialize;
use std::io::Write;

/// The JSON that `data check --json` prints.
#[derive(Serialize)]
struct Reports<'a> {
    errors: usize,
    warnings: usize,
    notes: usize,
    sets: &'a [CheckReport],
}

pub fn run(options: &Options) -> Result<ExitCode> {
    let sets = find(&options.sets)?;
    let tokens = TokenCounter::open(&options.tokens)?;
    if tokens.is_none() && !options.tokens.no_tokens && !options.quiet {
        say("warning: long texts are not checked, since this build has no built-in model; name one with `--model`");
    }
    let max_length = options.max_length.map(|length| length as usize);
    let max_length = max_length.or(tokens.as_ref().map(|tokens| tokens.max_length)).unwrap_or_default();
    let check_options = CheckOptions {
        max_length,
        min_words: options.min_words as usize,
        min_rows: options.min_rows,
        examples: options.examples.into(),
    };
    let check = |set: &FoundSet| -> Result<CheckReport> {
        let check = match &set.heads {
            Heads::Recipe(heads) => Check::of_recipe(&set.name, heads.clone(), check_options.clone()),
            Heads::Plain(head) => Check::of_files(&set.name, head, check_options.clone()),
        };
        let mut reader = CheckReader { check, tokens: tokens.as_ref(), max_length };
        set.read(&mut reader, options.quiet)?;
        Ok(reader.check.finish()?)
    };
    let reports = sets.iter().map(check).collect::<Result<Vec<_>>>()?;
    let count = |severity| reports.iter().map(|report| report.count(severity)).sum::<usize>();
    let (errors, warnings, notes) = (count(Severity::Error), count(Severity::Warning), count(Severity::Note));
    match options.json {
        true => {
            let all = Reports { errors, warnings, notes, sets: &reports };
            console::print_json(&all)?;
        }
        false => {
            let sets: Vec<String> = reports.iter().zip(&sets).map(|(report, set)| describe(report, set)).collect();
            write!(terminal::stdout(), "{}", sets.join("\n"))?;
        }
    }
    let is_good = errors == 0 && (warnings == 0 || options.allow_warnings);
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Passes rows to the check, and says which texts exceed the maximum length.
struct CheckReader<'a> {
    check: Check,
    tokens: Option<&'a TokenCounter>,
    max_length: usize,
}

impl Reader for CheckReader<'_> {
    fn begin_split(&mut self, name: &str) {
        self.check.begin_split(name);
    }

    fn rows(&mut self, rows: Vec<LabelledRow>, texts: &[String]) -> Result<()> {
        let overlong = match self.tokens {
            Some(tokens) => tokens.overlong(texts, self.max_length)?,
            None => vec![false; rows.len()],
        };
        rows.into_iter().zip(overlong).for_each(|(row, overlong)| self.check.add_row(row, overlong));
        Ok(())
    }

    fn reject(&mut self, reject: &Reject) {
        self.check.add_reject(reject);
    }

    fn columns(&mut self, columns: &[String]) {
        self.check.add_columns(columns);
    }
}

fn describe(report: &CheckReport, set: &FoundSet) -> String {
    let is_unsplit = matches!(set.heads, Heads::Plain(_)) && report.splits.len() == 1;
    let splits = report.splits.iter().map(|split| {
        let name = if is_unsplit { String::new() } else { format!("{} ", split.split) };
        let rows = HumanCount(split.rows);
        match split.rejected {
            0 => format!("{name}{rows}"),
            rejected => format!("{name}{rows} and {} rejected", HumanCount(rejected)),
        }
    });
    let mut text = format!("{}: rows: {}\n", report.set, splits.collect::<Vec<_>>().join(", "));
    for finding in &report.findings {
        let option = match finding.kind {
            FindingKind::Overlong => " (`train --max-train-length`)",
            _ => "",
        };
        text += &format!("\n{}: {}{option}\n", finding.severity, printable(&finding.message));
        text +=
            &finding.examples.iter().map(|example| format!("  {}\n", describe_example(example))).collect::<String>();
    }
    let (errors, warnings) = (report.count(Severity::Error), report.count(Severity::Warning));
    text += &match (errors, warnings) {
        (0, 0) if report.findings.is_empty() => "no problems found\n".to_owned(),
        (0, 0) => "\nno problems found\n".to_owned(),
        _ => format!("\nerrors: {errors}, warnings: {warnings}\n"),
    };
    if report.splits.len() == 1 {
        let names = if is_unsplit { "; name the other files with `--validation` and `--test`" } else { "" };
        text += &format!("one split: leaks between splits were not checked{names}\n");
    }
    text
}

fn describe_example(example: &Example) -> String {
    let rows = example.rows.iter().map(|row| match &row.label {
        Some(label) => format!("{row}: {label}"),
        None => row.to_string(),
    });
    let rows = rows.collect::<Vec<_>>().join("; ");
    printable(&match &example.cause {
        Some(cause) => format!("{rows}: {cause}"),
        None => rows,
    })
}

/// Replaces control characters, so that the contents of a file cannot act on the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}
