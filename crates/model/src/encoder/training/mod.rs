//! The encoder in training on a CPU: forward pass, backward pass, and the gradients of all weights, in plain
//! slices.
//!
//! Windows are stored end to end without padding, as in [`super::packed`]. Tests compare the results with
//! [`super::graph`], which uses candle's gradients.
//!
//! The windows of a step form groups of a few hundred tokens. Each group goes forward and backward on one thread. One
//! thread then sums each block of a weight's gradient over the groups, in their order. The results are therefore
//! bit-identical for any number of threads. All memory is reused from step to step.

mod embeddings;
mod group;
mod layer;
mod linear;

use crate::encoder::{Activation, EncoderConfig, OutputRows, Weights};
use crate::error::Result;
use crate::tokenize::TokenId;
use crate::workers::parallel_each;
use embeddings::Embeddings;
use group::Group;
use layer::Layer;
use newsdesk_kernels::dropout::Dropout;

/// Tokens of a group: enough rows for fast products, few enough to give every thread work.
const GROUP_TOKENS: usize = 256;

/// The encoder's weights, packed for both passes, and their gradients.
pub struct TrainingEncoder {
    config: EncoderConfig,
    embeddings: Embeddings,
    layers: Vec<Layer>,
    /// The lowest trained level. The embeddings are level 0, and layer `i` is level `i + 1`.
    lowest: usize,
    groups: Vec<Group>,
    /// Number of groups in the last forward pass.
    used: usize,
}

/// Dropout of hidden states and of attention weights.
#[derive(Clone, Copy)]
struct Dropouts {
    hidden: Dropout,
    attention: Dropout,
}

impl TrainingEncoder {
    /// Returns whether this implementation supports a configuration.
    pub fn supports(config: &EncoderConfig) -> bool {
        config.hidden_act == Activation::Gelu
    }

    /// Creates an encoder without weights; [`Self::load`] fills it. Its tensor names begin with `prefix` (`bert`, or
    /// empty).
    ///
    /// The first `frozen` levels (embeddings, then layers) get no gradients, and the backward pass skips them.
    pub fn new(config: &EncoderConfig, prefix: &str, rows: OutputRows, frozen: usize) -> Self {
        let name = |rest: String| if prefix.is_empty() { rest } else { format!("{prefix}.{rest}") };
        let layer = |number: usize| {
            let rows = if number + 1 == config.num_hidden_layers { rows } else { OutputRows::All };
            Layer::new(&name(format!("encoder.layer.{number}")), config, rows)
        };
        Self {
            config: config.clone(),
            embeddings: Embeddings::new(&name("embeddings".into()), config),
            layers: (0..config.num_hidden_layers).map(layer).collect(),
            lowest: frozen,
            groups: vec![],
            used: 0,
        }
    }

    /// Loads the weights by their full names and sets all gradients to zero.
    ///
    /// # Errors
    /// If a tensor is missing, has a different shape or is not on the CPU.
    pub fn load(&mut self, weights: &Weights, threads: usize) -> Result<()> {
        self.embeddings.load(weights)?;
        let mut linears: Vec<_> = self.layers.iter_mut().flat_map(Layer::linears_mut).collect();
        parallel_each(&mut linears, threads, |linear| linear.load(weights))?;
        self.layers.iter_mut().flat_map(Layer::norms_mut).try_for_each(|norm| norm.load(weights))
    }

    /// Returns the hidden states of the last layer: `[tokens, width]`, or `[windows, width]` with
    /// [`OutputRows::First`].
    ///
    /// `windows` include special tokens. `seed` turns on dropout at the rates of the configuration.
    ///
    /// # Errors
    /// If the word table is missing from `weights` or is not on the CPU.
    ///
    /// # Panics
    /// If a window is longer than the position table.
    pub fn forward(
        &mut self,
        weights: &Weights,
        windows: &[&[TokenId]],
        seed: Option<u64>,
        threads: usize,
    ) -> Result<Vec<f32>> {
        self.assign(windows);
        let dropout = self.dropout(seed);
        let (embeddings, layers, groups) = (&self.embeddings, &self.layers, &mut self.groups[..self.used]);
        embeddings.with_words(weights, |words| {
            parallel_each(groups, threads, |group| {
                embeddings.forward(words, dropout, group);
                layers.iter().enumerate().for_each(|(number, layer)| layer.forward(number, dropout, group));
                Ok(())
            })
        })??;
        Ok(groups.iter().flat_map(|group| group.hidden.iter().copied()).collect())
    }

    /// Adds the gradients of all trained weights, given the gradient of the output of the last [`Self::forward`].
    ///
    /// `seed` must be that of the forward pass.
    ///
    /// # Errors
    /// Never; the result only carries the type of the worker functions.
    ///
    /// # Panics
    /// If `gradient` is not as large as the output.
    pub fn backward(&mut self, gradient: &[f32], seed: Option<u64>, threads: usize) -> Result<()> {
        if self.lowest > self.layers.len() {
            return Ok(());
        }
        let (dropout, lowest) = (self.dropout(seed), self.lowest);
        let first_layer = lowest.saturating_sub(1);
        let (embeddings, layers, groups) = (&self.embeddings, &self.layers, &mut self.groups[..self.used]);
        let mut rest = gradient;
        for group in groups.iter_mut() {
            let (own, others) = rest.split_at(group.hidden.len());
            group.gradient.clear();
            group.gradient.extend_from_slice(own);
            rest = others;
        }
        assert!(rest.is_empty(), "training: the gradient is larger than the hidden states");
        parallel_each(groups, threads, |group| {
            let trained = layers.iter().enumerate().skip(first_layer);
            trained.rev().for_each(|(number, layer)| layer.backward(number, dropout, group));
            if lowest == 0 {
                embeddings.backward(dropout, group);
            }
            Ok(())
        })?;
        let groups = &self.groups[..self.used];
        let layers = self.layers.iter_mut().enumerate().skip(first_layer);
        let mut tasks: Vec<_> = layers.flat_map(|(number, layer)| layer.gradient_tasks(number)).collect();
        parallel_each(&mut tasks, threads, |task| {
            task.accumulate(groups);
            Ok(())
        })?;
        let layers = self.layers.iter_mut().enumerate().skip(first_layer);
        layers.for_each(|(number, layer)| layer.add_norm_gradients(number, groups));
        if lowest == 0 {
            self.embeddings.add_gradients(groups);
        }
        Ok(())
    }

    /// Iterates over names and gradients of all trained weights, summed since the last [`Self::load`].
    pub fn gradients(&self) -> impl Iterator<Item = (&str, &[f32])> {
        let embeddings = if self.lowest == 0 { self.embeddings.gradients() } else { vec![] };
        let layers = self.layers.iter().skip(self.lowest.saturating_sub(1));
        embeddings.into_iter().chain(layers.flat_map(Layer::gradients))
    }

    fn dropout(&self, seed: Option<u64>) -> Option<Dropouts> {
        seed.map(|seed| Dropouts {
            hidden: Dropout::new(self.config.hidden_dropout_prob, seed).substream(0),
            attention: Dropout::new(self.config.attention_probs_dropout_prob, seed).substream(1),
        })
    }

    /// Distributes the windows over groups, in their order.
    fn assign(&mut self, windows: &[&[TokenId]]) {
        self.used = 0;
        let mut open = false;
        let mut tokens = 0;
        for (number, window) in windows.iter().enumerate() {
            if !open || self.groups[self.used - 1].tokens() + window.len() > GROUP_TOKENS {
                if self.used == self.groups.len() {
                    self.groups.push(Group::new(self.layers.len()));
                }
                self.groups[self.used].reset(number, tokens);
                self.used += 1;
                open = true;
            }
            self.groups[self.used - 1].push(window);
            tokens += window.len();
        }
    }
}

/// Adds `values` to `sums`, element by element.
pub(crate) fn add(sums: &mut [f32], values: &[f32]) {
    sums.iter_mut().zip(values).for_each(|(sum, x)| *sum += x);
}
