//! Progress of a training run: a bar and a line per epoch on a terminal, otherwise lines only.

use crate::failure::say;
use crate::output::progress::{set_bars, step_bar};
use indicatif::{FormattedDuration, ProgressBar};
use newsdesk_data::LabelledSet;
use newsdesk_eval::{HeadReport, SetReport};
use newsdesk_train::Progress;

/// Reports the progress of a run on standard error.
pub struct Reporter {
    bar: ProgressBar,
    epochs: usize,
    quiet: bool,
}

impl Reporter {
    /// Returns a reporter for a run with this number of epochs.
    pub fn new(epochs: usize, quiet: bool) -> Self {
        Self { bar: step_bar(0, quiet), epochs, quiet }
    }

    /// Returns whether nothing is printed.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Prints a line, above the bar if there is one.
    pub fn say(&self, line: &str) {
        if !self.quiet {
            self.bar.suspend(|| say(line));
        }
    }

    /// Reports the progress of the run.
    pub fn report(&self, progress: Progress) {
        match progress {
            Progress::SoftTargets { done, articles } => {
                if self.bar.is_hidden() {
                    self.say(&format!("teachers: {done} of {articles} articles"));
                }
                self.bar.set_prefix("teachers");
                self.bar.set_message(format!("{done} of {articles} articles"));
            }
            Progress::Resumed { epochs, steps } => self.say(&match steps {
                0 => format!("resuming after epoch {epochs}"),
                _ => format!("resuming after step {steps} of epoch {}", epochs + 1),
            }),
            Progress::StoppedEarly { best_epoch } => {
                self.say(&format!("stopped early: no epoch after {best_epoch} was better"))
            }
            Progress::Step { record, steps, time_left, logged } => {
                let status = format!(
                    "loss {:.3}, lr {:.1e}, {:.0} tokens/s, {} left",
                    record.loss,
                    record.rate,
                    record.tokens_per_second,
                    FormattedDuration(time_left)
                );
                let (epoch, step) = (record.epoch, record.step);
                if logged && self.bar.is_hidden() {
                    self.say(&format!("epoch {epoch}, step {step} of {steps}: {status}"));
                }
                self.bar.set_length((steps * self.epochs) as u64);
                // Fits into 80 columns.
                self.bar.set_prefix(format!("epoch {epoch}/{} step {step}/{steps}", self.epochs));
                self.bar.set_message(status);
                self.bar.set_position(((epoch - 1) * steps + step) as u64);
            }
            Progress::Validating { epoch, done, articles } => {
                self.bar.set_prefix(format!("epoch {epoch}/{}", self.epochs));
                self.bar.set_message(format!("validation: {done} of {articles} articles"));
            }
            Progress::Epoch { epoch, reports, score, best: is_best } => {
                reports.iter().for_each(|report| self.report_metrics(report));
                let best = if is_best { ", the best so far" } else { "" };
                self.say(&format!("epoch {epoch}: score {score:.4}{best}"));
            }
        }
    }

    /// Prints the metrics of each head on a data set.
    pub fn report_metrics(&self, SetReport { set, heads, .. }: &SetReport) {
        for HeadReport { head, report, .. } in heads {
            let (accuracy, macro_f1, recall) = (report.accuracy, report.macro_f1, report.macro_recall);
            let micro_f1 = report.micro_f1.map_or(String::new(), |f1| format!(", micro-F1 {f1:.4}"));
            self.say(&format!(
                "  {set}, {head}: accuracy {accuracy:.4}, macro-F1 {macro_f1:.4}, macro recall {recall:.4}{micro_f1}"
            ));
        }
    }

    /// Removes the bar when all steps are done.
    pub fn finish_training(&self) {
        self.bar.finish_and_clear();
    }

    /// Returns a callback that reports the progress of calibration. Its arguments are a set's index and its finished
    /// articles.
    pub fn calibration_progress<'a>(&'a self, sets: &'a [LabelledSet]) -> impl FnMut(usize, usize) + 'a {
        let mut bars = set_bars(sets, self.quiet);
        let total: usize = sets.iter().map(|set| set.articles.len()).sum();
        move |set, done| {
            bars(set, done);
            if self.bar.is_hidden() {
                let before: usize = sets[..set].iter().map(|set| set.articles.len()).sum();
                self.say(&format!("calibrating: {} of {total} articles", before + done));
            }
        }
    }
}
