//! From what was measured, round by round, to what is told of it.

use super::measure::{Candidate, Config};
use super::record::{Compared, Latency, Machine, Measured, Quality, Results, Spread};
use super::{Job, Rounds};
use crate::output::page::processor;
use newsdesk_data::LabelledSet;
use newsdesk_eval::{HeadCases, HeadReport};
use newsdesk_metrics::{Interval, difference};
use newsdesk_model::{DeviceChoice, device_name, processors};
use std::collections::HashMap;

/// Rounds whose figures lie further apart, as a share of the middle one, are told of.
const WIDE: f64 = 0.1;

impl Job<'_> {
    /// What is known so far. A turn that was interrupted in the middle is none.
    pub(super) fn results(&self, complete: bool, with_differences: bool) -> Results {
        let mut results = vec![];
        let mut notes = self.notes.clone();
        for (config, rounds) in self.configs.iter().zip(&self.rounds) {
            for (set, rounds) in self.sets[config.model].iter().zip(rounds) {
                if rounds.wall.is_empty() || rounds.evaluated.is_none() {
                    continue;
                }
                let measured = self.measured(config, set, rounds);
                if measured.rejected > 0 {
                    notes.insert(format!("{} rows of {} could not be used", measured.rejected, set.name));
                }
                let width = measured.articles_per_second.width();
                if width > WIDE {
                    let (name, set, percent) = (config.setting.name(), &set.name, width * 100.0);
                    notes.insert(format!(
                        "the rounds of {name} on {set} lie {percent:.0} % apart: the machine was not quiet"
                    ));
                }
                results.push(measured);
            }
        }
        let machine = Machine {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            processor: processor().unwrap_or_default(),
            processors: processors(),
            device: match self.options.device {
                DeviceChoice::Cpu => "cpu".into(),
                choice => choice.open().map_or_else(|_| choice.to_string(), |device| device_name(&device)),
            },
        };
        Results {
            newsdesk: env!("CARGO_PKG_VERSION").into(),
            started: self.started.clone(),
            complete,
            machine,
            rounds: self.options.rounds,
            results,
            differences: if with_differences { self.differences() } else { vec![] },
            notes: notes.into_iter().collect(),
        }
    }

    fn measured(&self, config: &Config, set: &LabelledSet, rounds: &Rounds) -> Measured {
        let per_second = |number: u64, seconds: &[f64]| {
            Spread::of(&seconds.iter().map(|seconds| number as f64 / seconds.max(1e-9)).collect::<Vec<_>>())
        };
        let Candidate { sha256, parameters, .. } = &self.candidates[config.model];
        // The labelled set may have fewer rows than the file; tokens are counted on those.
        let labelled = set.articles.len().max(1) as f64;
        let tokens = (rounds.tokens as f64 / labelled * rounds.articles as f64).round() as u64;
        let quality = |head: &HeadReport| {
            let HeadReport { head, report, calibration, intervals, .. } = head;
            let exactly = Interval { low: report.accuracy, high: report.accuracy };
            Quality {
                head: head.clone(),
                articles: report.cases,
                accuracy: report.accuracy,
                accuracy_interval: intervals.map_or(exactly, |intervals| intervals.accuracy),
                macro_f1: report.macro_f1,
                ece: calibration.ece,
            }
        };
        let heads = rounds.evaluated.iter().flat_map(|of| of.report.heads.iter().map(quality)).collect();
        Measured {
            setting: config.setting.clone(),
            sha256: sha256.clone(),
            parameters: *parameters,
            set: set.name.clone(),
            split: set.split.clone(),
            articles: rounds.articles,
            rejected: set.rejects.len(),
            tokens,
            load_seconds: Spread::of(&rounds.loads),
            articles_per_second: per_second(rounds.articles, &rounds.wall),
            steady_articles_per_second: per_second(rounds.articles, &rounds.steady),
            tokens_per_second: per_second(tokens, &rounds.steady),
            latency_ms: Latency::of(&rounds.singles),
            peak_memory_bytes: (!rounds.memory.is_empty()).then(|| Spread::of(&rounds.memory)),
            heads,
        }
    }

    /// The first setting compared with each of the others, on each set and head that they share.
    fn differences(&self) -> Vec<Compared> {
        let mut found = vec![];
        let Some((first, others)) = self.rounds.split_first() else { return found };
        for (other, rounds) in others.iter().enumerate() {
            for (place, (one, two)) in first.iter().zip(rounds).enumerate() {
                let (Some(one), Some(two)) = (&one.evaluated, &two.evaluated) else { continue };
                let sets = [0, other + 1].map(|config| &self.sets[self.configs[config].model][place]);
                for cases in &one.cases {
                    // By the same head, or by the only one that either has for this set.
                    let same = two.cases.iter().find(|theirs| theirs.head == cases.head);
                    let only = || {
                        if one.cases.len() == 1 { two.cases.first().filter(|_| two.cases.len() == 1) } else { None }
                    };
                    let Some(theirs) = same.or_else(only) else { continue };
                    let (first, second) = on_the_same_articles([cases, theirs], sets);
                    if first.is_empty() {
                        continue;
                    }
                    found.push(Compared {
                        set: sets[0].name.clone(),
                        head: cases.head.clone(),
                        first: self.configs[0].setting.name(),
                        second: self.configs[other + 1].setting.name(),
                        articles: first.len(),
                        difference: difference(&first, &second),
                    });
                }
            }
        }
        found
    }
}

/// Which of the articles that both models were measured on each of them has right. A label map may leave rows out for one of them.
fn on_the_same_articles(cases: [&HeadCases; 2], sets: [&LabelledSet; 2]) -> (Vec<bool>, Vec<bool>) {
    let by_place = |side: usize| {
        let place = move |&row: &usize| {
            let position = &sets[side].articles[row].position;
            (position.source.as_ref(), position.row)
        };
        cases[side].rows.iter().map(place).zip(cases[side].right())
    };
    let theirs: HashMap<_, bool> = by_place(1).collect();
    by_place(0).filter_map(|(place, right)| Some((right, *theirs.get(&place)?))).unzip()
}
