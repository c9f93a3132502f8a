//! Progress of a training run: a bar and a line per epoch on a terminal, otherwise lines only.

use crate::console;
use crate::failure::say;
use crate::output::progress::{set_bars, step_bar};
use indicatif::{FormattedDuration, ProgressBar};
use newsdesk_data::LabelledSet;
use newsdesk_eval::{HeadReport, SetReport};
use newsdesk_train::Progress;
use serde_json::{Value, json};

/// Reports the progress of a run on standard error.
pub struct Reporter {
    bar: ProgressBar,
    epochs: usize,
    /// The part of each article on which epochs are compared.
    validated: String,
    quiet: bool,
}

impl Reporter {
    /// Returns a reporter for a run with this number of epochs, which are compared on this part of each article.
    pub fn new(epochs: usize, validated: String, quiet: bool) -> Self {
        Self { bar: step_bar(0, quiet), epochs, validated, quiet }
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
        console::progress(|| self.event(&progress));
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
                // The time includes validations and the calibration at the end, so it is not zero after the last step.
                let is_last = record.epoch == self.epochs && record.step == steps;
                let status = format!(
                    "loss {:.3}, lr {:.1e}, {:.0} tokens/s, {} left{}",
                    record.loss,
                    record.rate,
                    record.tokens_per_second,
                    FormattedDuration(time_left),
                    if is_last { " for validation" } else { "" }
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
                self.say(&format!("validation, {}:", self.validated));
                reports.iter().for_each(|report| self.report_metrics(report));
                let best = if is_best { ", the best so far" } else { "" };
                self.say(&format!("epoch {epoch}: {} {score:.4}{best}", score_name(reports)));
            }
        }
    }

    /// Returns the progress as an event for a listener.
    fn event(&self, progress: &Progress) -> Value {
        match progress {
            Progress::SoftTargets { done, articles } => {
                json!({ "event": "teacher", "done": done, "articles": articles })
            }
            Progress::Resumed { epochs, steps } => json!({ "event": "resumed", "epochs": epochs, "steps": steps }),
            Progress::StoppedEarly { best_epoch } => json!({ "event": "stopped_early", "best_epoch": best_epoch }),
            Progress::Step { record, steps, time_left, .. } => json!({
                "event": "step",
                "epoch": record.epoch,
                "epochs": self.epochs,
                "step": record.step,
                "steps": steps,
                "loss": record.loss,
                "learning_rate": record.rate,
                "tokens_per_second": record.tokens_per_second,
                "seconds_left": time_left.as_secs_f64(),
            }),
            Progress::Validating { epoch, done, articles } => {
                json!({ "event": "validation", "epoch": epoch, "done": done, "articles": articles })
            }
            Progress::Epoch { epoch, reports, score, best } => {
                json!({ "event": "epoch", "epoch": epoch, "score": score, "best": best, "reports": reports })
            }
        }
    }

    /// Shows how far a search is: this number of tries, and its time of all in seconds. Only on a terminal.
    pub fn report_search(&self, tries: usize, elapsed: u64, all: u64) {
        self.bar.set_length(all);
        self.bar.set_position(elapsed.min(all));
        self.bar.set_prefix(format!("try {}", tries + 1));
        self.bar.set_message(format!("{elapsed} of {all} s"));
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

/// Returns the name of the score by which epochs are compared.
fn score_name(reports: &[SetReport]) -> &'static str {
    let measured = || reports.iter().flat_map(|set| &set.heads).filter(|head| head.report.cases > 0);
    let by_accuracy = measured().filter(|head| head.report.uses_data_set_labels).count();
    match (measured().count(), by_accuracy) {
        (1, 0) => "macro-F1",
        (1, _) => "accuracy",
        (_, 0) => "mean macro-F1",
        (all, some) if all == some => "mean accuracy",
        _ => "mean of macro-F1 and accuracy",
    }
}
