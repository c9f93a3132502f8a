//! Draws the log of a run into `training.svg`: the training loss by step and the validation scores by epoch.

use crate::error::{Result, TrainError};
use crate::files::write;
use crate::log::{EpochRecord, Log, Record};
use newsdesk_report::DrawError;
use newsdesk_report::curve::{Line, Panel, line_panels};
use std::ops::Range;
use std::path::Path;

/// The file of the training curve in the folder of a run.
pub const CURVE: &str = "training.svg";

/// Draws the training curve of a run into its folder.
///
/// # Errors
/// If the curve cannot be drawn or written.
pub(crate) fn draw(log: &Log, folder: &Path) -> Result<()> {
    let path = folder.join(CURVE);
    let failed = |error| TrainError::File {
        verb: "draw",
        path: path.clone(),
        source: std::io::Error::other::<DrawError>(error),
    };
    let drawn = svg(log.records()).map_err(failed)?;
    write(&path, drawn.as_bytes())
}

fn svg(records: &[Record]) -> std::result::Result<String, DrawError> {
    line_panels("epoch", &panels(records))
}

/// Returns the panel of the training loss and the panel of the validation scores.
fn panels(records: &[Record]) -> [Panel; 2] {
    let epochs = 0.0..planned_epochs(records);
    let losses = losses(records);
    let highest = losses.points.iter().map(|(_, loss)| *loss).fold(0.0, f64::max);
    let scores = scores(records);
    [
        Panel {
            name: "training loss".into(),
            x: epochs.clone(),
            y: 0.0..(highest * 1.05).max(1e-6),
            lines: vec![losses],
        },
        Panel { name: "on the validation sets".into(), x: epochs, y: tenths(&scores), lines: scores },
    ]
}

/// Returns the number of epochs that the run is planned to have.
fn planned_epochs(records: &[Record]) -> f64 {
    let planned = |record: &Record| match record {
        Record::Start(start) => start.settings["epochs"].as_f64(),
        _ => None,
    };
    records.iter().find_map(planned).unwrap_or(1.0)
}

/// Returns the line of the training loss: each logged mean, at the step where it ends.
fn losses(records: &[Record]) -> Line {
    let start = |record: &Record| match record {
        Record::Start(start) => Some(start.steps_per_epoch),
        _ => None,
    };
    let steps = records.iter().find_map(start).unwrap_or(1).max(1) as f64;
    let point = |record: &Record| match record {
        Record::Step(step) => Some(((step.epoch - 1) as f64 + step.step as f64 / steps, step.loss)),
        _ => None,
    };
    Line { name: "loss".into(), points: records.iter().filter_map(point).collect() }
}

/// Returns the line of the score that selects the best epoch, then the lines of the scores it is the mean of.
fn scores(records: &[Record]) -> Vec<Line> {
    let epochs: Vec<&EpochRecord> = records
        .iter()
        .filter_map(|record| match record {
            Record::Epoch(epoch) => Some(epoch),
            _ => None,
        })
        .collect();
    let mut lines =
        vec![Line { name: "score".into(), points: epochs.iter().map(|e| (e.epoch as f64, e.score)).collect() }];
    for epoch in &epochs {
        for set in &epoch.sets {
            for head in &set.heads {
                let name = format!("{}, {}", set.set, head.head);
                let point = (epoch.epoch as f64, head.score);
                match lines[1..].iter_mut().find(|line| line.name == name) {
                    Some(line) => line.points.push(point),
                    None => lines.push(Line { name, points: vec![point] }),
                }
            }
        }
    }
    // A mean of one score is that score.
    if lines.len() == 2 {
        lines.truncate(1);
    }
    lines
}

/// Returns the smallest range of whole tenths within 0 and 1 that contains all values.
fn tenths(lines: &[Line]) -> Range<f64> {
    let values = || lines.iter().flat_map(|line| &line.points).map(|(_, value)| *value);
    let min = (values().fold(1.0, f64::min) * 10.0).floor() / 10.0;
    let max = (values().fold(0.0, f64::max) * 10.0).ceil() / 10.0;
    if min < max { min..max } else { 0.0..1.0 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::log::{StartRecord, StepRecord};
    use newsdesk_eval::{HeadSummary, SetSummary};

    fn run(sets: &[&str], epochs: usize) -> Vec<Record> {
        let settings = serde_json::json!({"epochs": 3});
        let start = StartRecord { base: "tiny".into(), steps_per_epoch: 4, settings, ..StartRecord::default() };
        let mut records = vec![Record::Start(start)];
        for epoch in 1..=epochs {
            for step in [2, 4] {
                let loss = 2.0 / (epoch * step) as f64;
                records.push(Record::Step(StepRecord {
                    epoch,
                    step,
                    loss,
                    rate: 0.0,
                    tokens_per_second: 1.0,
                    elapsed: 1.0,
                }));
            }
            let score = 0.61 + epoch as f64 / 20.0;
            let head = |head: &str| HeadSummary {
                head: head.into(),
                articles: 9,
                accuracy: score,
                macro_f1: score,
                micro_f1: None,
                score,
                ece: 0.0,
                brier: 0.0,
                nll: 0.0,
            };
            let set =
                |set: &&str| SetSummary { set: set.to_string(), split: "validation".into(), heads: vec![head("desk")] };
            let sets = sets.iter().map(set).collect();
            records.push(Record::Epoch(EpochRecord { epoch, score, best: true, elapsed: 1.0, sets }));
        }
        records
    }

    #[test]
    fn curve_shows_losses_and_scores() {
        let records = run(&["a<b", "c"], 2);
        let points = [(0.5, 1.0), (1.0, 0.5), (1.5, 0.5), (2.0, 0.25)];
        assert_eq!(losses(&records).points, points);
        let lines = scores(&records);
        assert_eq!(lines.iter().map(|line| line.name.as_str()).collect::<Vec<_>>(), ["score", "a<b, desk", "c, desk"]);
        assert!((tenths(&lines).start - 0.6).abs() < 1e-9 && (tenths(&lines).end - 0.8).abs() < 1e-9);
        let drawn = svg(&records).unwrap();
        for words in ["epoch", "training loss", "on the validation sets", "score", "a&lt;b, desk", "c, desk"] {
            assert!(drawn.contains(&format!("\n{words}\n")), "{words} is not in {drawn}");
        }
        // Four losses, and two points on each of three lines.
        assert_eq!(drawn.matches("<circle").count(), 4 + 6);
    }

    #[test]
    fn runs_with_one_epoch_or_none_have_a_curve() {
        assert_eq!(svg(&run(&["a"], 1)).unwrap().matches("<circle").count(), 2 + 1);
        assert_eq!(svg(&run(&["a"], 0)).unwrap().matches("<circle").count(), 0);
        assert_eq!(svg(&[]).unwrap().matches("<circle").count(), 0);
    }
}
