//! Summarises the measurements of all rounds as results.

use super::front;
use super::job::{Job, Rounds};
use super::measure::{Candidate, Config};
use super::record::{Compared, Latency, Machine, Measured, Quality, Results, Spread};
use crate::output::machine::cpu_name;
use newsdesk_data::LabelledSet;
use newsdesk_eval::{HeadCases, HeadReport};
use newsdesk_metrics::{Interval, difference};
use newsdesk_model::{DeviceChoice, available_cpus, device_name};
use std::collections::HashMap;

/// Range of the rounds, as a fraction of the median, above which a note is added.
const MAX_QUIET_WIDTH: f64 = 0.1;

impl Job<'_> {
    /// Returns the results so far, without measurements that an interrupted turn left incomplete.
    pub fn results(&self, complete: bool, with_differences: bool) -> Results {
        let mut results = vec![];
        let mut notes = self.notes.clone();
        for (config, rounds) in self.configs.iter().zip(&self.rounds) {
            for (set, rounds) in self.sets[config.model].iter().zip(rounds) {
                if rounds.wall_seconds.is_empty() || rounds.evaluated.is_none() {
                    continue;
                }
                let measured = self.measured(config, set, rounds);
                if measured.rejected > 0 {
                    notes.insert(format!("{} rows of {} were rejected", measured.rejected, set.name));
                }
                let width = measured.articles_per_second.width();
                if width > MAX_QUIET_WIDTH {
                    let (name, set, percent) = (config.setting.name(), &set.name, width * 100.0);
                    notes.insert(format!(
                        "the rounds of {name} on {set} differ by {percent:.0} %: the machine was not quiet"
                    ));
                }
                results.push(measured);
            }
        }
        front::mark(&mut results);
        let machine = Machine {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            cpu: cpu_name().unwrap_or_default(),
            cpus: available_cpus(),
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
        let Candidate { source, sha256, parameters, .. } = &self.candidates[config.model];
        // Tokens are counted on the labelled rows; the file may have more rows.
        let labelled = set.articles.len().max(1) as f64;
        let tokens = (rounds.tokens as f64 / labelled * rounds.articles as f64).round() as u64;
        let quality = |head: &HeadReport| {
            let HeadReport { head, report, calibration, intervals, .. } = head;
            let point = Interval { low: report.accuracy, high: report.accuracy };
            Quality {
                head: head.clone(),
                articles: report.cases,
                accuracy: report.accuracy,
                accuracy_interval: intervals.map_or(point, |intervals| intervals.accuracy),
                macro_f1: report.macro_f1,
                ece: calibration.ece,
                is_on_front: false,
            }
        };
        let heads = rounds.evaluated.iter().flat_map(|evaluated| evaluated.report.heads.iter().map(quality)).collect();
        Measured {
            setting: config.setting.clone(),
            source: source.clone(),
            sha256: sha256.clone(),
            parameters: *parameters,
            set: set.name.clone(),
            split: set.split.clone(),
            articles: rounds.articles,
            rejected: set.rejects.len(),
            tokens,
            load_seconds: Spread::of(&rounds.load_seconds),
            articles_per_second: per_second(rounds.articles, &rounds.wall_seconds),
            steady_articles_per_second: per_second(rounds.articles, &rounds.steady_seconds),
            tokens_per_second: per_second(tokens, &rounds.steady_seconds),
            latency_ms: Latency::of(&rounds.latencies),
            peak_memory_bytes: (!rounds.peak_memory.is_empty()).then(|| Spread::of(&rounds.peak_memory)),
            heads,
        }
    }

    /// Compares the accuracy of the first setting with each of the others, on each data set and head that they share.
    fn differences(&self) -> Vec<Compared> {
        let mut found = vec![];
        let Some((first, others)) = self.rounds.split_first() else { return found };
        for (other, rounds) in others.iter().enumerate() {
            for (set, (one, two)) in first.iter().zip(rounds).enumerate() {
                let (Some(one), Some(two)) = (&one.evaluated, &two.evaluated) else { continue };
                let sets = [0, other + 1].map(|config| &self.sets[self.configs[config].model][set]);
                for cases in &one.cases {
                    // The head with the same name, or the only head if both models have one for this data set.
                    let same = two.cases.iter().find(|other| other.head == cases.head);
                    let only = || {
                        if one.cases.len() == 1 { two.cases.first().filter(|_| two.cases.len() == 1) } else { None }
                    };
                    let Some(other_cases) = same.or_else(only) else { continue };
                    let (first, second) = correct_on_common_articles([cases, other_cases], sets);
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

/// Returns which predictions of each model are correct, for the articles that both were evaluated on. A label map may
/// exclude articles for one of the models.
fn correct_on_common_articles(cases: [&HeadCases; 2], sets: [&LabelledSet; 2]) -> (Vec<bool>, Vec<bool>) {
    let by_position = |side: usize| {
        let position = move |&article: &usize| {
            let position = &sets[side].articles[article].position;
            (position.source.as_ref(), position.row)
        };
        cases[side].article_indices.iter().map(position).zip(cases[side].correct())
    };
    let second: HashMap<_, bool> = by_position(1).collect();
    by_position(0).filter_map(|(position, correct)| Some((correct, *second.get(&position)?))).unzip()
}
