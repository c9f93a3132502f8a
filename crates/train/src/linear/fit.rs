//! A head's weights, learned from rows step by step.
//!
//! Softmax (or logistic) regression by stochastic gradients, with a learning rate for each feature that falls with what it
//! has learned already (AdaGrad; Duchi, Hazan and Singer, 2011), so that rare features learn as well as frequent ones.
//!
//! A step has two halves. First, each thread finds for some rows of the batch by how much the answer is wrong, with the weights
//! as they are. Then each thread corrects the weights of a range of features, row by row in the order of the batch. No
//! weight is ever reached by two threads, and its corrections come in one order, so the result does not depend on how many
//! threads there are.

use super::rows::Rows;
use super::{LinearSettings, width};
use crate::epoch::random;
use crate::error::{Result, TrainError};
use newsdesk_eval::HeadData;
use newsdesk_metrics::Truth;
use newsdesk_model::linear::HeadTable;
use newsdesk_model::{Head, HeadActivation};
use rand::seq::SliceRandom;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, PoisonError, RwLock};

/// What a feature has learned before it has met a row: keeps the first steps small.
const BEFORE: f32 = 0.01;

/// A row whose answer is as right as this teaches nothing: the sum of its squared errors.
const RIGHT: f32 = 1e-6;

/// The biases' rate, as a share of that of the features: they learn from every row.
const BIAS_RATE: f32 = 0.1;

/// A number of the random generator's purpose that no other has.
const PURPOSE: u64 = 77;

/// A row that the head has a label for.
struct Taught {
    row: usize,
    truth: Truth,
}

/// The state of a head.
pub(super) struct HeadFit {
    labels: usize,
    activation: HeadActivation,
    taught: Vec<Taught>,
    /// By range of features.
    shards: Vec<RwLock<Shard>>,
    bias: Vec<f32>,
    learned_bias: Vec<f32>,
    name: String,
}

/// The weights of a range of features.
struct Shard {
    /// `[features, labels]`.
    weights: Vec<f32>,
    /// `[features]`: the sum of squared gradients so far.
    learned: Vec<f32>,
}

/// What the threads of an epoch share.
struct Step<'a> {
    rows: &'a Rows,
    fit: &'a HeadFit,
    /// By article of the batch: `[labels]`, score minus what is right.
    errors: Vec<RwLock<Vec<f32>>>,
    bias: RwLock<(Vec<f32>, Vec<f32>)>,
    failed: AtomicBool,
    smoothing: f32,
}

impl HeadFit {
    pub(super) fn new(head: &Head, rows: &Rows, parts: &[HeadData]) -> Self {
        let labels = width(head);
        let mut taught = vec![];
        for part in parts {
            let start = rows.starts[part.number];
            let of_set = part.set.articles.iter().enumerate().filter_map(|(number, row)| {
                let truth = part.matched.truth(row.targets[part.place].as_ref()?);
                Some(Taught { row: start + number, truth })
            });
            taught.extend(of_set);
        }
        let buckets = rows.rarity.len();
        // More than most machines have processors; for few features one.
        let shards = buckets.min(64);
        let shard = |_| {
            let features = buckets / shards;
            RwLock::new(Shard { weights: vec![0.0; features * labels], learned: vec![BEFORE; features] })
        };
        let bias = match head.activation {
            HeadActivation::Softmax => vec![0.0; labels],
            // Most labels are wrong for most articles: they begin as frequent as they are.
            HeadActivation::Sigmoid => {
                let right = |label| taught.iter().filter(|taught| taught.truth.names(label)).count() as f32;
                let all = taught.len() as f32;
                (0..labels).map(|label| ((right(label) + 1.0) / (all - right(label) + 1.0)).ln()).collect()
            }
        };
        Self {
            labels,
            activation: head.activation,
            taught,
            shards: (0..shards).map(shard).collect(),
            bias,
            learned_bias: vec![1.0; labels],
            name: head.name.clone(),
        }
    }

    /// Goes through all rows once, in an order drawn from the seed.
    pub(super) fn epoch(&mut self, rows: &Rows, epoch: usize, settings: &LinearSettings) -> Result<()> {
        let mut order: Vec<usize> = (0..self.taught.len()).collect();
        order.shuffle(&mut random(settings.seed, PURPOSE, epoch, 0));
        let batch = settings.batch_size.min(order.len()).max(1);
        let threads = settings.threads.clamp(1, batch.div_ceil(8));
        let step = Step {
            rows,
            fit: self,
            errors: (0..batch).map(|_| RwLock::new(vec![0.0; self.labels])).collect(),
            bias: RwLock::new((self.bias.clone(), self.learned_bias.clone())),
            failed: AtomicBool::new(false),
            smoothing: settings.label_smoothing as f32,
        };
        let all = (settings.epochs * order.len()) as f64;
        let barrier = Barrier::new(threads);
        let work = |thread: usize| {
            for (number, batch_rows) in order.chunks(batch).enumerate() {
                let done = (epoch - 1) * order.len() + number * batch;
                let rate = settings.learning_rate * (1.0 - done as f64 / all);
                step.find_errors(batch_rows, thread, threads);
                barrier.wait();
                // Read where nobody writes it: all threads must go on, or none.
                let failed = step.failed.load(Ordering::Relaxed);
                step.correct(batch_rows, rate as f32, thread, threads);
                barrier.wait();
                if failed {
                    break;
                }
            }
        };
        std::thread::scope(|scope| {
            let work = &work;
            for thread in 1..threads {
                scope.spawn(move || work(thread));
            }
            work(0);
        });
        let failed = step.failed.into_inner();
        (self.bias, self.learned_bias) = step.bias.into_inner().unwrap_or_else(PoisonError::into_inner);
        match failed {
            false => Ok(()),
            true => Err(TrainError::Data {
                cause: format!("the scores of head `{}` are no longer numbers, in epoch {epoch}", self.name),
                hint: "a smaller `--learning-rate` usually helps".into(),
            }),
        }
    }

    /// The weights as they are.
    pub(super) fn table(&self) -> HeadTable {
        let shards = self.shards.iter().map(|shard| shard.read().unwrap_or_else(PoisonError::into_inner));
        let weights = shards.flat_map(|shard| shard.weights.clone()).collect();
        HeadTable { weights, bias: self.bias.clone() }
    }

    /// Features of a shard; a power of two.
    fn shard_size(&self, rows: &Rows) -> usize {
        rows.rarity.len() / self.shards.len()
    }
}

impl Step<'_> {
    /// The first half of a step, for a thread's share of the batch.
    fn find_errors(&self, batch: &[usize], thread: usize, threads: usize) {
        let Self { rows, fit, .. } = self;
        let shards: Vec<_> =
            fit.shards.iter().map(|shard| shard.read().unwrap_or_else(PoisonError::into_inner)).collect();
        let bias = self.bias.read().unwrap_or_else(PoisonError::into_inner);
        let bits = fit.shard_size(rows).trailing_zeros();
        let (labels, mask) = (fit.labels, fit.shard_size(rows) - 1);
        let share = batch.len().div_ceil(threads);
        let mine = (thread * share).min(batch.len())..((thread + 1) * share).min(batch.len());
        for place in mine {
            let taught = &fit.taught[batch[place]];
            let mut errors = self.errors[place].write().unwrap_or_else(PoisonError::into_inner);
            errors.fill(0.0);
            for &feature in rows.features(taught.row) {
                let (feature, rarity) = (feature as usize, rows.rarity[feature as usize]);
                let start = (feature & mask) * labels;
                let weights = &shards[feature >> bits].weights[start..start + labels];
                errors.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight * rarity);
            }
            let scale = rows.scales[taught.row];
            errors.iter_mut().zip(&bias.0).for_each(|(sum, bias)| *sum = *sum * scale + bias);
            self.turn_to_errors(&mut errors, &taught.truth);
        }
    }

    /// Logits to scores minus what is right.
    fn turn_to_errors(&self, logits: &mut [f32], truth: &Truth) {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if logits.iter().any(|x| !x.is_finite()) {
            self.failed.store(true, Ordering::Relaxed);
        }
        let labels = logits.len();
        match self.fit.activation {
            HeadActivation::Sigmoid => {
                for (label, x) in logits.iter_mut().enumerate() {
                    let right = if truth.names(label) { 1.0 } else { 0.0 };
                    let wanted = right * (1.0 - self.smoothing) + self.smoothing / 2.0;
                    *x = 1.0 / (1.0 + (-*x).exp()) - wanted;
                }
            }
            HeadActivation::Softmax => {
                logits.iter_mut().for_each(|x| *x = (*x - largest).exp());
                let total: f32 = logits.iter().sum();
                logits.iter_mut().for_each(|x| *x /= total);
                // Of several labels that would do, each is as right as it is likely among them.
                let right = || (0..labels).filter(|&label| truth.names(label));
                let mass: f32 = right().map(|label| logits[label]).sum();
                let equal = 1.0 / right().count().max(1) as f32;
                for (label, p) in logits.iter_mut().enumerate() {
                    let right = match truth.names(label) {
                        // Too small to be told apart.
                        true if mass < f32::MIN_POSITIVE => equal,
                        true => *p / mass,
                        false => 0.0,
                    };
                    *p -= right * (1.0 - self.smoothing) + self.smoothing / labels as f32;
                }
            }
        }
    }

    /// The second half of a step, for the features of a thread.
    fn correct(&self, batch: &[usize], rate: f32, thread: usize, threads: usize) {
        let Self { rows, fit, .. } = self;
        let errors: Vec<_> = self.errors[..batch.len()]
            .iter()
            .map(|errors| errors.read().unwrap_or_else(PoisonError::into_inner))
            .collect();
        let squares: Vec<f32> = errors.iter().map(|errors| errors.iter().map(|x| x * x).sum()).collect();
        let (labels, size, count) = (fit.labels, fit.shard_size(rows), fit.shards.len());
        // Neighbouring ranges, so that a row's features of a thread lie side by side.
        let mine = count * thread / threads..count * (thread + 1) / threads;
        let mut shards: Vec<_> = fit.shards[mine.clone()]
            .iter()
            .map(|shard| shard.write().unwrap_or_else(PoisonError::into_inner))
            .collect();
        let (first, end) = (mine.start * size, mine.end * size);
        for ((&number, errors), &square) in batch.iter().zip(&errors).zip(&squares) {
            if square < RIGHT {
                continue;
            }
            let row = fit.taught[number].row;
            let features = rows.features(row);
            let from = features.partition_point(|&feature| (feature as usize) < first);
            for &feature in features[from..].iter().take_while(|&&feature| (feature as usize) < end) {
                let feature = feature as usize;
                let value = rows.rarity[feature] * rows.scales[row];
                let (shard, place) = (&mut shards[feature / size - mine.start], feature % size);
                shard.learned[place] += square * value * value;
                let step = rate * value / shard.learned[place].sqrt();
                let weights = &mut shard.weights[place * labels..(place + 1) * labels];
                weights.iter_mut().zip(errors.iter()).for_each(|(weight, error)| *weight -= step * error);
            }
        }
        if thread == 0 {
            let mut bias = self.bias.write().unwrap_or_else(PoisonError::into_inner);
            let (bias, learned) = &mut *bias;
            for errors in &errors {
                for ((bias, learned), error) in bias.iter_mut().zip(learned.iter_mut()).zip(errors.iter()) {
                    *learned += error * error;
                    *bias -= rate * BIAS_RATE * error / learned.sqrt();
                }
            }
        }
    }
}
