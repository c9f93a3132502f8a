//! `newsdesk train --seeds`: a whole model for each of several seeds, and how far they lie apart.

use super::job::Job;
use crate::arguments::Train;
use crate::commands::new_model::{check_output, is_finished, model_name};
use crate::failure::{Usage, say};
use crate::output::table::table;
use anyhow::Result;
use newsdesk_eval::{HeadSpread, SetFigures, Spread, spread};
use newsdesk_train::{EndRecord, TrainError};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// What `--json` prints, and `seeds.json` keeps.
#[derive(Serialize)]
struct Findings {
    seeds: Vec<OfSeed>,
    /// Over the seeds, on the validation sets.
    validation: Vec<HeadSpread>,
    /// Over the seeds, on the test sets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    test: Vec<HeadSpread>,
}

#[derive(Serialize)]
struct OfSeed {
    seed: u64,
    /// Below the folder of `seeds.json`.
    folder: String,
    #[serde(flatten)]
    end: EndRecord,
}

pub fn run(options: &Train) -> Result<ExitCode> {
    let folders = folders(options)?;
    let job = Job::load(options)?;
    let mut seeds = vec![];
    for (number, (&seed, (name, folder))) in options.seeds.iter().zip(&folders).enumerate() {
        let place = format!("seed {seed}, {} of {}", number + 1, folders.len());
        let end = match is_finished(folder) {
            true => {
                tell(options, &format!("{place}: trained before"));
                job.finished(seed, folder)?
            }
            false => {
                tell(options, &place);
                job.train(seed, folder, &format!("{}-{name}", model_name(options.name.as_deref(), &options.output)))?
                    .end
            }
        };
        seeds.push(OfSeed { seed, folder: name.clone(), end });
    }
    let over =
        |sets: fn(&EndRecord) -> &[SetFigures]| spread(&seeds.iter().map(|of| sets(&of.end)).collect::<Vec<_>>());
    let (validation, test) = (over(|end| &end.sets), over(|end| &end.test));
    let findings = Findings { validation, test, seeds };
    let path = options.output.join("seeds.json");
    let written = std::fs::write(&path, serde_json::to_string_pretty(&findings)? + "\n");
    written.map_err(|source| TrainError::File { verb: "write", path, source })?;
    let mut out = std::io::stdout();
    match options.json {
        true => writeln!(out, "{}", serde_json::to_string(&findings)?)?,
        false => write!(out, "{}", shown(&findings))?,
    }
    Ok(job.exit_code())
}

fn tell(options: &Train, line: &str) {
    if !options.quiet {
        say(line);
    }
}

/// Name and place of each seed's folder; checked, so that no seed is trained in vain.
fn folders(options: &Train) -> Result<Vec<(String, PathBuf)>> {
    let Train { seeds, output, resume, .. } = options;
    if let Some(twice) = seeds.iter().enumerate().find(|(place, seed)| seeds[..*place].contains(seed)) {
        let message = format!("Failed to use `--seeds`: {} stands there twice", twice.1);
        return Err(Usage::new(message, "the same seed gives the same model").into());
    }
    // A run of one seed is there, or nothing.
    check_output(output, false)?;
    let folders: Vec<(String, PathBuf)> = seeds
        .iter()
        .map(|seed| {
            let name = format!("seed-{seed}");
            let folder = output.join(&name);
            (name, folder)
        })
        .collect();
    for (_, folder) in folders.iter().filter(|(_, folder)| !(*resume && is_finished(folder))) {
        check_output(folder, *resume)?;
    }
    Ok(folders)
}

fn shown(findings: &Findings) -> String {
    let headings = ["set", "split", "head", "articles", "seeds", "accuracy", "deviation", "macro-F1", "deviation"];
    let mut table = table(&headings, &[3, 4, 5, 6, 7, 8]);
    let figures = |spread: &Spread| {
        let deviation = spread.standard_deviation.map_or_else(|| "-".into(), |x| format!("{x:.4}"));
        [format!("{:.4}", spread.mean), deviation]
    };
    for of in findings.validation.iter().chain(&findings.test) {
        let names = [&of.set, &of.split, &of.head].map(String::clone);
        let counts = [of.articles.to_string(), of.runs.to_string()];
        table.add_row([&names[..], &counts, &figures(&of.accuracy), &figures(&of.macro_f1)].concat());
    }
    format!("{}\n", table.trim_fmt())
}
