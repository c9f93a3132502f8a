//! Fits the weights of one head of a linear model.
//!
//! Softmax or logistic regression by stochastic gradient descent. The learning rate of each feature falls with its past
//! gradients (AdaGrad; Duchi, Hazan and Singer, 2011), so that rare features learn as well as frequent ones.
//!
//! A step has two halves. First, each thread computes the errors of some rows of the batch with the current weights. Then each
//! thread updates the weights of a range of features, row by row in the order of the batch. No two threads update one
//! weight, and its updates have a fixed order. So the result does not depend on the number of threads.

use super::features::FeatureRows;
use super::settings::LinearSettings;
use crate::error::{Result, TrainError};
use crate::random::random;
use newsdesk_eval::HeadData;
use newsdesk_metrics::Gold;
use newsdesk_model::linear::HeadTable;
use newsdesk_model::workers::spawn;
use newsdesk_model::{Head, HeadActivation, ModelError};
use rand::seq::SliceRandom;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, PoisonError, RwLock, mpsc};

/// The initial sum of squared gradients of a feature, which keeps its first steps small.
const INITIAL_SQUARES: f32 = 0.01;

/// A row is skipped if the sum of its squared errors is smaller.
const MIN_ERROR: f32 = 1e-6;

/// The learning rate of the biases relative to that of the features: biases learn from every row.
const BIAS_RATE: f32 = 0.1;

/// The largest number of shards: more than most machines have CPUs.
const MAX_SHARDS: usize = 64;

/// The purpose of the random numbers for the order of the rows.
const PURPOSE: u64 = 77;

/// A row with a label for the head.
struct LabelledRow {
    row: usize,
    gold: Gold,
}

/// The training state of a head.
pub(super) struct HeadFit {
    labels: usize,
    activation: HeadActivation,
    rows: Vec<LabelledRow>,
    /// By range of features.
    shards: Vec<RwLock<Shard>>,
    bias: Vec<f32>,
    bias_squares: Vec<f32>,
    /// `[labels]`: the weight of each label in the loss; `None` if all weigh the same.
    class_weights: Option<Vec<f32>>,
    name: String,
}

/// The weights of a range of features.
struct Shard {
    /// `[features, labels]`.
    weights: Vec<f32>,
    /// `[features]`: the sum of squared gradients so far.
    squares: Vec<f32>,
}

/// What the threads of an epoch share.
struct Epoch<'a> {
    features: &'a FeatureRows,
    fit: &'a HeadFit,
    /// By article of the batch: `[labels]`, probability minus target probability.
    errors: Vec<RwLock<Vec<f32>>>,
    /// The biases, and their sums of squared gradients.
    bias: RwLock<(Vec<f32>, Vec<f32>)>,
    /// Whether a logit was not finite.
    diverged: AtomicBool,
    label_smoothing: f32,
}

impl HeadFit {
    /// Starts with zero weights. `data` are the data sets with labels for the head.
    pub(super) fn new(head: &Head, features: &FeatureRows, data: &[HeadData]) -> Self {
        let labels = head.labels.len();
        let mut rows = vec![];
        for data in data {
            let start = features.starts[data.set_index];
            let of_set = data.set.articles.iter().enumerate().filter_map(|(index, row)| {
                let gold = data.matched.gold(row.gold_labels[data.head_index].as_ref()?);
                Some(LabelledRow { row: start + index, gold })
            });
            rows.extend(of_set);
        }
        let buckets = features.idf.len();
        let shards = buckets.min(MAX_SHARDS);
        let shard = |_| {
            let features = buckets / shards;
            RwLock::new(Shard { weights: vec![0.0; features * labels], squares: vec![INITIAL_SQUARES; features] })
        };
        let bias = match head.activation {
            HeadActivation::Softmax | HeadActivation::None => vec![0.0; labels],
            // Most labels are wrong for most articles, so biases start at the log-odds of the labels' frequencies.
            HeadActivation::Sigmoid => {
                let positives = |label| rows.iter().filter(|row| row.gold.contains(label)).count() as f32;
                let all = rows.len() as f32;
                (0..labels).map(|label| ((positives(label) + 1.0) / (all - positives(label) + 1.0)).ln()).collect()
            }
        };
        Self {
            labels,
            activation: head.activation,
            rows,
            shards: (0..shards).map(shard).collect(),
            bias,
            bias_squares: vec![1.0; labels],
            class_weights: None,
            name: head.name.clone(),
        }
    }

    /// Sets the weight of each label in the loss, as `[labels]`.
    pub(super) fn weigh(&mut self, class_weights: Vec<f32>) {
        self.class_weights = Some(class_weights);
    }

    /// Returns the number of rows of each label; a row with several labels counts in equal parts for each.
    pub(super) fn counts(&self) -> Vec<f64> {
        let mut counts = vec![0.0; self.labels];
        for row in &self.rows {
            let labels: Vec<usize> = (0..self.labels).filter(|&label| row.gold.contains(label)).collect();
            labels.iter().for_each(|&label| counts[label] += 1.0 / labels.len() as f64);
        }
        counts
    }

    /// Trains on all rows once, in an order drawn from the seed. `epoch` counts from 1.
    ///
    /// # Errors
    /// [`TrainError::LinearDiverged`] if a logit is not finite, or if a thread cannot be started.
    pub(super) fn epoch(&mut self, features: &FeatureRows, epoch: usize, settings: &LinearSettings) -> Result<()> {
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        order.shuffle(&mut random(settings.seed, PURPOSE, epoch, 0));
        let batch_size = settings.batch_size.min(order.len()).max(1);
        let threads = settings.threads.clamp(1, batch_size.div_ceil(8));
        let shared = Epoch {
            features,
            fit: self,
            errors: (0..batch_size).map(|_| RwLock::new(vec![0.0; self.labels])).collect(),
            bias: RwLock::new((self.bias.clone(), self.bias_squares.clone())),
            diverged: AtomicBool::new(false),
            label_smoothing: settings.label_smoothing as f32,
        };
        let all = (settings.epochs * order.len()) as f64;
        let barrier = Barrier::new(threads);
        let work = |thread: usize| {
            for (index, batch) in order.chunks(batch_size).enumerate() {
                let done = (epoch - 1) * order.len() + index * batch_size;
                let rate = settings.learning_rate * (1.0 - done as f64 / all);
                shared.compute_errors(batch, thread, threads);
                barrier.wait();
                // No thread writes it in this half, so all threads see the same value and stop together.
                let diverged = shared.diverged.load(Ordering::Relaxed);
                shared.update(batch, rate as f32, thread, threads);
                barrier.wait();
                if diverged {
                    break;
                }
            }
        };
        std::thread::scope(|scope| {
            let work = &work;
            let mut starts = vec![];
            for thread in 1..threads {
                let (start, started) = mpsc::channel::<()>();
                // The threads wait for each other at the barrier, so none starts before all exist. If one cannot be started,
                // the channels close and the others end.
                spawn(scope, move || {
                    if started.recv().is_ok() {
                        work(thread);
                    }
                })?;
                starts.push(start);
            }
            for start in &starts {
                // The thread waits for it, so the channel is open.
                let _ = start.send(());
            }
            work(0);
            Ok::<_, ModelError>(())
        })?;
        let diverged = shared.diverged.into_inner();
        (self.bias, self.bias_squares) = shared.bias.into_inner().unwrap_or_else(PoisonError::into_inner);
        match diverged {
            false => Ok(()),
            true => Err(TrainError::LinearDiverged { head: self.name.clone(), epoch }),
        }
    }

    /// Returns the current weights.
    pub(super) fn table(&self) -> HeadTable {
        let shards = self.shards.iter().map(|shard| shard.read().unwrap_or_else(PoisonError::into_inner));
        let weights = shards.flat_map(|shard| shard.weights.clone()).collect();
        HeadTable { weights, bias: self.bias.clone() }
    }

    /// Returns the number of features per shard, a power of two.
    fn shard_size(&self, features: &FeatureRows) -> usize {
        features.idf.len() / self.shards.len()
    }
}

impl Epoch<'_> {
    /// Computes the errors of a thread's part of the batch: the first half of a step.
    fn compute_errors(&self, batch: &[usize], thread: usize, threads: usize) {
        let Self { features, fit, .. } = self;
        let shards: Vec<_> =
            fit.shards.iter().map(|shard| shard.read().unwrap_or_else(PoisonError::into_inner)).collect();
        let bias = self.bias.read().unwrap_or_else(PoisonError::into_inner);
        let bits = fit.shard_size(features).trailing_zeros();
        let (labels, mask) = (fit.labels, fit.shard_size(features) - 1);
        let part = batch.len().div_ceil(threads);
        let own = (thread * part).min(batch.len())..((thread + 1) * part).min(batch.len());
        for index in own {
            let labelled = &fit.rows[batch[index]];
            let mut errors = self.errors[index].write().unwrap_or_else(PoisonError::into_inner);
            errors.fill(0.0);
            for &feature in features.features(labelled.row) {
                let (feature, idf) = (feature as usize, features.idf[feature as usize]);
                let start = (feature & mask) * labels;
                let weights = &shards[feature >> bits].weights[start..start + labels];
                errors.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight * idf);
            }
            let scale = features.scales[labelled.row];
            errors.iter_mut().zip(&bias.0).for_each(|(sum, bias)| *sum = *sum * scale + bias);
            self.logits_to_errors(&mut errors, &labelled.gold);
            if let Some(weights) = &fit.class_weights {
                weigh(&mut errors, &labelled.gold, fit.activation, weights);
            }
        }
    }

    /// Turns logits into errors: probabilities minus target probabilities.
    fn logits_to_errors(&self, logits: &mut [f32], gold: &Gold) {
        let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if logits.iter().any(|x| !x.is_finite()) {
            self.diverged.store(true, Ordering::Relaxed);
        }
        let labels = logits.len();
        match self.fit.activation {
            HeadActivation::Sigmoid => {
                for (label, x) in logits.iter_mut().enumerate() {
                    let target = if gold.contains(label) { 1.0 } else { 0.0 };
                    let smoothed = target * (1.0 - self.label_smoothing) + self.label_smoothing / 2.0;
                    *x = 1.0 / (1.0 + (-*x).exp()) - smoothed;
                }
            }
            HeadActivation::Softmax | HeadActivation::None => {
                logits.iter_mut().for_each(|x| *x = (*x - max).exp());
                let total: f32 = logits.iter().sum();
                logits.iter_mut().for_each(|x| *x /= total);
                // If any of several labels is correct, they share the target in proportion to their probabilities.
                let gold_labels = || (0..labels).filter(|&label| gold.contains(label));
                let mass: f32 = gold_labels().map(|label| logits[label]).sum();
                let equal = 1.0 / gold_labels().count().max(1) as f32;
                for (label, p) in logits.iter_mut().enumerate() {
                    let target = match gold.contains(label) {
                        // The probabilities underflow, so their proportions are unknown.
                        true if mass < f32::MIN_POSITIVE => equal,
                        true => *p / mass,
                        false => 0.0,
                    };
                    *p -= target * (1.0 - self.label_smoothing) + self.label_smoothing / labels as f32;
                }
            }
        }
    }

    /// Updates the weights of a thread's features: the second half of a step.
    fn update(&self, batch: &[usize], rate: f32, thread: usize, threads: usize) {
        let Self { features, fit, .. } = self;
        let errors: Vec<_> = self.errors[..batch.len()]
            .iter()
            .map(|errors| errors.read().unwrap_or_else(PoisonError::into_inner))
            .collect();
        let squares: Vec<f32> = errors.iter().map(|errors| errors.iter().map(|x| x * x).sum()).collect();
        let (labels, size, count) = (fit.labels, fit.shard_size(features), fit.shards.len());
        // Neighbouring shards, so that the features of a row that belong to one thread are contiguous.
        let own = count * thread / threads..count * (thread + 1) / threads;
        let mut shards: Vec<_> =
            fit.shards[own.clone()].iter().map(|shard| shard.write().unwrap_or_else(PoisonError::into_inner)).collect();
        let (first, end) = (own.start * size, own.end * size);
        for ((&index, errors), &square) in batch.iter().zip(&errors).zip(&squares) {
            if square < MIN_ERROR {
                continue;
            }
            let row = fit.rows[index].row;
            let of_row = features.features(row);
            let from = of_row.partition_point(|&feature| (feature as usize) < first);
            for &feature in of_row[from..].iter().take_while(|&&feature| (feature as usize) < end) {
                let feature = feature as usize;
                let value = features.idf[feature] * features.scales[row];
                let (shard, offset) = (&mut shards[feature / size - own.start], feature % size);
                shard.squares[offset] += square * value * value;
                let step = rate * value / shard.squares[offset].sqrt();
                let weights = &mut shard.weights[offset * labels..(offset + 1) * labels];
                weights.iter_mut().zip(errors.iter()).for_each(|(weight, error)| *weight -= step * error);
            }
        }
        if thread == 0 {
            let mut bias = self.bias.write().unwrap_or_else(PoisonError::into_inner);
            let (bias, bias_squares) = &mut *bias;
            for errors in &errors {
                for ((bias, squares), error) in bias.iter_mut().zip(bias_squares.iter_mut()).zip(errors.iter()) {
                    *squares += error * error;
                    *bias -= rate * BIAS_RATE * error / squares.sqrt();
                }
            }
        }
    }
}

/// Multiplies the errors of a row by its class weights, as the loss of encoders does: a row of a softmax head weighs as much as the
/// mean of its gold labels; in a sigmoid head, each gold label has its weight.
fn weigh(errors: &mut [f32], gold: &Gold, activation: HeadActivation, weights: &[f32]) {
    let gold_labels = || (0..weights.len()).filter(|&label| gold.contains(label));
    match activation {
        HeadActivation::Softmax | HeadActivation::None => {
            let mean = gold_labels().map(|label| weights[label]).sum::<f32>() / gold_labels().count().max(1) as f32;
            errors.iter_mut().for_each(|error| *error *= mean);
        }
        HeadActivation::Sigmoid => gold_labels().for_each(|label| errors[label] *= weights[label]),
    }
}
