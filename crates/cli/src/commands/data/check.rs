//! `newsdesk data check`: what is wrong with labelled sets.

use super::read::{FoundSet, Heads, Reader, find};
use super::tokens::TokenCounter;
use crate::arguments::data::Check as Options;
use crate::failure::say;
use anyhow::Result;
use newsdesk_data::{Check, CheckOptions, CheckReport, Example, Grade, LabelledRow, Reject};
use serde::Serialize;
use std::io::Write;
use std::process::ExitCode;

/// What `--json` prints.
#[derive(Serialize)]
struct Reports<'a> {
    errors: usize,
    warnings: usize,
    sets: &'a [CheckReport],
}

pub fn run(options: &Options) -> Result<ExitCode> {
    let sets = find(&options.sets)?;
    let tokens = TokenCounter::open(&options.tokens)?;
    if tokens.is_none() && !options.tokens.no_tokens && !options.quiet {
        say("warning: this build has no model inside, so long texts are not looked for; `--model` names one");
    }
    let window = options.window.map(|window| window as usize);
    let window = window.or(tokens.as_ref().map(|tokens| tokens.window)).unwrap_or_default();
    let lines = CheckOptions {
        window,
        min_words: options.min_words as usize,
        min_rows: options.min_rows,
        examples: options.examples.into(),
    };
    let check = |set: &FoundSet| -> Result<CheckReport> {
        let check = match &set.heads {
            Heads::Recipe(heads) => Check::of_recipe(&set.name, heads.clone(), lines.clone()),
            Heads::Plain(head) => Check::of_files(&set.name, head, lines.clone()),
        };
        let mut reader = Checking { check, tokens: tokens.as_ref(), window };
        set.read(&mut reader, options.quiet)?;
        Ok(reader.check.finish()?)
    };
    let reports = sets.iter().map(check).collect::<Result<Vec<_>>>()?;
    let count = |grade| reports.iter().map(|report| report.count(grade)).sum::<usize>();
    let (errors, warnings) = (count(Grade::Error), count(Grade::Warning));
    let mut out = std::io::stdout();
    match options.json {
        true => writeln!(out, "{}", serde_json::to_string(&Reports { errors, warnings, sets: &reports })?)?,
        false => {
            let sets: Vec<String> = reports.iter().map(shown).collect();
            write!(out, "{}", sets.join("\n"))?;
        }
    }
    let is_good = errors == 0 && (warnings == 0 || options.allow_warnings);
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Rows on their way into the check, with what the tokenizer says of them.
struct Checking<'a> {
    check: Check,
    tokens: Option<&'a TokenCounter>,
    window: usize,
}

impl Reader for Checking<'_> {
    fn begin_split(&mut self, name: &str) {
        self.check.begin_split(name);
    }

    fn rows(&mut self, rows: Vec<LabelledRow>, texts: &[String]) -> Result<()> {
        let overlong = match self.tokens {
            Some(tokens) => tokens.overlong(texts, self.window)?,
            None => vec![false; rows.len()],
        };
        rows.into_iter().zip(overlong).for_each(|(row, overlong)| self.check.row(row, overlong));
        Ok(())
    }

    fn reject(&mut self, reject: &Reject) {
        self.check.reject(reject);
    }

    fn columns(&mut self, columns: &[String]) {
        self.check.columns(columns);
    }
}

fn shown(report: &CheckReport) -> String {
    let splits = report.splits.iter().map(|split| match split.rejected {
        0 => format!("{} {}", split.split, split.rows),
        rejected => format!("{} {} and {rejected} rejected", split.split, split.rows),
    });
    let mut text = format!("{}: rows: {}\n", report.set, splits.collect::<Vec<_>>().join(", "));
    for finding in &report.findings {
        text += &format!("\n{}: {}\n", finding.grade, printable(&finding.message));
        text += &finding.examples.iter().map(|example| format!("  {}\n", shown_example(example))).collect::<String>();
    }
    let (errors, warnings) = (report.count(Grade::Error), report.count(Grade::Warning));
    text + &match (errors, warnings) {
        (0, 0) => "nothing found\n".to_owned(),
        _ => format!("\nerrors: {errors}, warnings: {warnings}\n"),
    }
}

fn shown_example(example: &Example) -> String {
    let places = example.places.iter().map(|place| match &place.label {
        Some(label) => format!("{place}: {label}"),
        None => place.to_string(),
    });
    let places = places.collect::<Vec<_>>().join("; ");
    printable(&match &example.cause {
        Some(cause) => format!("{places}: {cause}"),
        None => places,
    })
}

/// What stands in a file must not make a terminal do anything.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}
