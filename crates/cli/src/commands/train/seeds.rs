//! `newsdesk train --seeds`: trains a model for each of several seeds, and reports the spread of their metrics.

use super::job::Job;
use crate::arguments::Train;
use crate::commands::model_folder::{check_new_model, is_finished, model_name, remove_old_model};
use crate::console;
use crate::exit_code::ExitCode;
use crate::failure::{Usage, say};
use crate::output::table::table;
use crate::output::terminal;
use anyhow::Result;
use newsdesk_eval::{HeadSpread, SetSummary, Spread, spread};
use newsdesk_train::{EndRecord, Stop, TrainError};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;

/// The contents of `seeds.json`, which `--json` prints as well.
#[derive(Serialize)]
struct Findings {
    seeds: Vec<SeedRun>,
    /// Spread over the seeds, on the validation sets.
    validation: Vec<HeadSpread>,
    /// Spread over the seeds, on the test sets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    test: Vec<HeadSpread>,
}

/// The run of a seed.
#[derive(Serialize)]
struct SeedRun {
    seed: u64,
    /// Folder of the model, relative to the folder of `seeds.json`.
    folder: String,
    #[serde(flatten)]
    end: EndRecord,
}

pub fn run(options: &Train, stop: &Stop) -> Result<ExitCode> {
    let folders = folders(options)?;
    let job = Job::load(options, stop)?;
    for (_, folder) in &folders {
        remove_old_model(folder, options.overwrite)?;
    }
    let mut seeds = vec![];
    for (index, (&seed, (name, folder))) in options.seeds.iter().zip(&folders).enumerate() {
        let position = format!("seed {seed}, {} of {}", index + 1, folders.len());
        let end = match is_finished(folder) {
            true => {
                report_line(options, &format!("{position}: already trained"));
                job.finished(seed, folder)?
            }
            false => {
                report_line(options, &position);
                job.train(seed, folder, &format!("{}-{name}", model_name(options.name.as_deref(), &options.output)))?
                    .end
            }
        };
        seeds.push(SeedRun { seed, folder: name.clone(), end });
    }
    let over =
        |sets: fn(&EndRecord) -> &[SetSummary]| spread(&seeds.iter().map(|run| sets(&run.end)).collect::<Vec<_>>());
    let (validation, test) = (over(|end| &end.sets), over(|end| &end.test));
    let findings = Findings { validation, test, seeds };
    let path = options.output.join("seeds.json");
    let written = std::fs::write(&path, serde_json::to_string_pretty(&findings)? + "\n");
    written.map_err(|source| TrainError::File { verb: "write", path, source })?;
    match options.json {
        true => console::print_json(&findings)?,
        false => write!(terminal::stdout(), "{}", spread_table(&findings))?,
    }
    Ok(job.exit_code())
}

fn report_line(options: &Train, line: &str) {
    if !options.quiet {
        say(line);
    }
}

/// Returns the name and the path of each seed's folder. All are checked first, so that a mistake shows before the
/// training.
fn folders(options: &Train) -> Result<Vec<(String, PathBuf)>> {
    let Train { seeds, output, resume, overwrite, .. } = options;
    if let Some((_, twice)) = seeds.iter().enumerate().find(|(index, seed)| seeds[..*index].contains(seed)) {
        let message = format!("cannot use `--seeds`: {twice} is given twice");
        return Err(Usage::new(message, "give each seed once; the same seed gives the same model").into());
    }
    // The folder itself must not hold a model of a single run.
    check_new_model(output, false, *overwrite)?;
    let folders: Vec<(String, PathBuf)> = seeds
        .iter()
        .map(|seed| {
            let name = format!("seed-{seed}");
            let folder = output.join(&name);
            (name, folder)
        })
        .collect();
    for (_, folder) in folders.iter().filter(|(_, folder)| !(*resume && is_finished(folder))) {
        check_new_model(folder, *resume, *overwrite)?;
    }
    Ok(folders)
}

fn spread_table(findings: &Findings) -> String {
    let headings =
        ["data set", "split", "head", "articles", "seeds", "accuracy", "std. deviation", "macro-F1", "std. deviation"];
    let mut table = table(&headings, &[3, 4, 5, 6, 7, 8]);
    let cells = |spread: &Spread| {
        let deviation = spread.standard_deviation.map_or_else(|| "-".into(), |x| format!("{x:.4}"));
        [format!("{:.4}", spread.mean), deviation]
    };
    for summary in findings.validation.iter().chain(&findings.test) {
        let names = [&summary.set, &summary.split, &summary.head].map(String::clone);
        let counts = [summary.articles.to_string(), summary.runs.to_string()];
        table.add_row([&names[..], &counts, &cells(&summary.accuracy), &cells(&summary.macro_f1)].concat());
    }
    format!("{}\n", table.trim_fmt())
}
