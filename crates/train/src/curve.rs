//! The log of a run to `training.svg`: the loss over the steps, and what each epoch reached.

use crate::error::{Result, TrainError};
use crate::log::{EpochRecord, Log, Record, replace};
use plotters::coord::Shift;
use plotters::prelude::*;
use std::error::Error;
use std::ops::Range;
use std::path::Path;

/// The curve's file in the folder of a run.
pub const CURVE: &str = "training.svg";

/// Width and height, in pixels.
const SIZE: (u32, u32) = (1040, 640);

/// Width of that for the names of the lines, and most characters of a name.
const NAMES: u32 = 220;
const LONGEST_NAME: usize = 32;

/// Colours that people with any colour vision tell apart (Okabe and Ito, "Color Universal Design", 2008); the first is
/// for what matters most.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 0, 0),
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
];

/// Lines with fewer points show each of them.
const FEW: usize = 40;

/// Draws the curve of a run into its folder.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn draw(log: &Log, folder: &Path) -> Result<()> {
    let path = folder.join(CURVE);
    let failed = |error: Box<dyn Error>| {
        let source = std::io::Error::other(error.to_string());
        TrainError::File { verb: "draw", path: path.clone(), source }
    };
    let drawn = svg(log.records()).map_err(failed)?;
    replace(&path, drawn.as_bytes())
}

/// A line of points with its name.
struct Line {
    name: String,
    points: Vec<(f64, f64)>,
}

fn svg(records: &[Record]) -> Result<String, Box<dyn Error>> {
    let mut drawn = String::new();
    {
        let root = SVGBackend::with_string(&mut drawn, SIZE).into_drawing_area();
        root.fill(&WHITE).map_err(text)?;
        let (upper, lower) = root.split_vertically(SIZE.1 / 2);
        let end = epochs(records);
        let losses = vec![losses(records)];
        let highest = losses[0].points.iter().map(|(_, loss)| *loss).fold(0.0, f64::max);
        panel(&upper, "training loss", 0.0..end, 0.0..(highest * 1.05).max(1e-6), &losses)?;
        let scores = scores(records);
        panel(&lower, "on the validation sets", 0.0..end, tenths(&scores), &scores)?;
        root.present().map_err(text)?;
    }
    Ok(drawn)
}

/// One panel: its lines over the epochs, and their names beside it.
fn panel(
    area: &DrawingArea<SVGBackend, Shift>,
    title: &str,
    epochs: Range<f64>,
    values: Range<f64>,
    lines: &[Line],
) -> Result<(), Box<dyn Error>> {
    let (area, names) = area.split_horizontally(SIZE.0 - NAMES);
    let mut chart = ChartBuilder::on(&area)
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(58)
        .build_cartesian_2d(epochs, values)
        .map_err(text)?;
    chart
        .configure_mesh()
        .x_desc("epoch")
        .y_desc(title)
        .x_label_formatter(&|epoch| short(*epoch))
        .y_label_formatter(&|value| format!("{value:.2}"))
        .label_style(("sans-serif", 13))
        .axis_desc_style(("sans-serif", 15))
        .max_light_lines(1)
        .light_line_style(WHITE)
        .draw()
        .map_err(text)?;
    for (number, line) in lines.iter().enumerate() {
        chart.draw_series(LineSeries::new(line.points.iter().copied(), style(number))).map_err(text)?;
        if line.points.len() < FEW {
            let points = line.points.iter().map(|&point| Circle::new(point, 3, style(number).filled()));
            chart.draw_series(points).map_err(text)?;
        }
    }
    name(&names, lines)
}

/// Names the lines beside their panel, where they hide none of them.
fn name(area: &DrawingArea<SVGBackend, Shift>, lines: &[Line]) -> Result<(), Box<dyn Error>> {
    for (number, line) in lines.iter().enumerate() {
        let y = 20 + 20 * number as i32;
        area.draw(&PathElement::new([(4, y), (24, y)], style(number))).map_err(text)?;
        let name = match line.name.char_indices().nth(LONGEST_NAME) {
            Some((end, _)) => format!("{}…", &line.name[..end]),
            None => line.name.clone(),
        };
        area.draw(&Text::new(name, (32, y - 5), ("sans-serif", 13))).map_err(text)?;
    }
    Ok(())
}

/// How a line is drawn; the first one is what matters most.
fn style(number: usize) -> ShapeStyle {
    COLOURS[number % COLOURS.len()].stroke_width(if number == 0 { 2 } else { 1 })
}

/// Errors of the drawing library borrow the drawing, so only their words are kept.
fn text(error: impl std::fmt::Display) -> Box<dyn Error> {
    error.to_string().into()
}

/// A number without zeros at its end.
fn short(number: f64) -> String {
    format!("{number:.2}").trim_end_matches('0').trim_end_matches('.').into()
}

/// Where the axis of epochs ends: at the last epoch that the run is to have.
fn epochs(records: &[Record]) -> f64 {
    let planned = |record: &Record| match record {
        Record::Start(start) => start.settings["epochs"].as_f64(),
        _ => None,
    };
    records.iter().find_map(planned).unwrap_or(1.0)
}

/// The mean loss of the steps that each line counts, where they end.
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

/// The score by which epochs are compared, and what it is the mean of.
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
    // The mean of one figure is that figure.
    if lines.len() == 2 {
        lines.truncate(1);
    }
    lines
}

/// The range of whole tenths that holds all values, from 0 to 1.
fn tenths(lines: &[Line]) -> Range<f64> {
    let values = || lines.iter().flat_map(|line| &line.points).map(|(_, value)| *value);
    let least = (values().fold(1.0, f64::min) * 10.0).floor() / 10.0;
    let most = (values().fold(0.0, f64::max) * 10.0).ceil() / 10.0;
    if least < most { least..most } else { 0.0..1.0 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::log::{StartRecord, StepRecord};
    use newsdesk_eval::{HeadFigures, SetFigures};

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
            let head = |head: &str| HeadFigures {
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
                |set: &&str| SetFigures { set: set.to_string(), split: "validation".into(), heads: vec![head("desk")] };
            let sets = sets.iter().map(set).collect();
            records.push(Record::Epoch(EpochRecord { epoch, score, best: true, elapsed: 1.0, sets }));
        }
        records
    }

    #[test]
    fn a_curve_shows_losses_and_scores() {
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
        // Four losses, and two points for each of three lines.
        assert_eq!(drawn.matches("<circle").count(), 4 + 6);
    }

    #[test]
    fn a_run_of_one_epoch_and_one_that_has_just_begun_have_a_curve() {
        assert_eq!(svg(&run(&["a"], 1)).unwrap().matches("<circle").count(), 2 + 1);
        assert_eq!(svg(&run(&["a"], 0)).unwrap().matches("<circle").count(), 0);
    }
}
