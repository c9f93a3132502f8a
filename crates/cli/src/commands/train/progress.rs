//! What a training run says: on a terminal a bar and a line for each epoch, elsewhere lines alone.

use crate::failure::say;
use crate::output::progress::{set_bars, step_bar};
use indicatif::{FormattedDuration, ProgressBar};
use newsdesk_data::LabelledSet;
use newsdesk_eval::{HeadReport, SetReport};
use newsdesk_train::Progress;

/// Says what happens in a run.
pub struct Told {
    bar: ProgressBar,
    epochs: usize,
    quiet: bool,
}

impl Told {
    /// For a run of so many epochs.
    pub fn new(epochs: usize, quiet: bool) -> Self {
        Self { bar: step_bar(0, quiet), epochs, quiet }
    }

    /// Whether nothing is said.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Says a line, above the bar if there is one.
    pub fn say(&self, line: &str) {
        if !self.quiet {
            self.bar.suspend(|| say(line));
        }
    }

    /// Says how far the run is.
    pub fn tell(&self, progress: Progress) {
        match progress {
            Progress::Teaching { done, articles } => {
                if self.bar.is_hidden() {
                    self.say(&format!("teachers have read {done} of {articles} articles"));
                }
                self.bar.set_prefix("teachers");
                self.bar.set_message(format!("read {done} of {articles} articles"));
            }
            Progress::Resumed { epochs, steps } => self.say(&match steps {
                0 => format!("going on after epoch {epochs}"),
                _ => format!("going on after step {steps} of epoch {}", epochs + 1),
            }),
            Progress::Stopped { best_epoch } => self.say(&format!("no epoch after {best_epoch} was better: done")),
            Progress::Step { figures, steps, time_left, logged } => {
                let figures_now = format!(
                    "loss {:.3}, rate {:.1e}, {:.0} tokens/s, {} left",
                    figures.loss,
                    figures.rate,
                    figures.tokens_per_second,
                    FormattedDuration(time_left)
                );
                let (epoch, step) = (figures.epoch, figures.step);
                if logged && self.bar.is_hidden() {
                    self.say(&format!("epoch {epoch}, step {step} of {steps}: {figures_now}"));
                }
                self.bar.set_length((steps * self.epochs) as u64);
                // Short enough for 80 columns.
                self.bar.set_prefix(format!("epoch {epoch}/{} step {step}/{steps}", self.epochs));
                self.bar.set_message(figures_now);
                self.bar.set_position(((epoch - 1) * steps + step) as u64);
            }
            Progress::Validating { epoch, done, articles } => {
                self.bar.set_prefix(format!("epoch {epoch}/{}", self.epochs));
                self.bar.set_message(format!("measured {done} of {articles} articles"));
            }
            Progress::Epoch { epoch, reports, score, best: is_best } => {
                reports.iter().for_each(|report| self.report(report));
                let best = if is_best { ", the best so far" } else { "" };
                self.say(&format!("epoch {epoch}: score {score:.4}{best}"));
            }
        }
    }

    /// Says what was reached on a set.
    pub fn report(&self, SetReport { set, heads, .. }: &SetReport) {
        for HeadReport { head, report, .. } in heads {
            let (accuracy, macro_f1, recall) = (report.accuracy, report.macro_f1, report.macro_recall);
            let micro_f1 = report.micro_f1.map_or(String::new(), |f1| format!(", micro-F1 {f1:.4}"));
            self.say(&format!(
                "  {set}, {head}: accuracy {accuracy:.4}, macro-F1 {macro_f1:.4}, macro recall {recall:.4}{micro_f1}"
            ));
        }
    }

    /// The steps are done.
    pub fn trained(&self) {
        self.bar.finish_and_clear();
    }

    /// Says how far the calibration is, by a set's number and how many of its articles are done.
    pub fn calibrating<'a>(&'a self, sets: &'a [LabelledSet]) -> impl FnMut(usize, usize) + 'a {
        let mut bars = set_bars(sets, self.quiet);
        let all: usize = sets.iter().map(|set| set.articles.len()).sum();
        move |number, done| {
            bars(number, done);
            if self.bar.is_hidden() {
                let before: usize = sets[..number].iter().map(|set| set.articles.len()).sum();
                self.say(&format!("calibrating: {} of {all} articles", before + done));
            }
        }
    }
}
