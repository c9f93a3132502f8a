//! The encoder in training on a processor: a forward pass that keeps what the backward pass needs, and the gradients of all
//! weights, in plain slices. Windows lie end to end without padding, as in [`super::packed`]; [`super::graph`], which
//! computes the same with candle's gradients, is the reference in tests.
//!
//! Windows are put into groups of a few hundred tokens. Each group goes forward and back on one thread; then each block
//! of each weight's gradient is summed over the groups in their order, on one thread. So the number of threads
//! changes no bit of the result. All memory is kept from step to step.

mod embeddings;
mod group;
mod layer;
mod linear;

use crate::encoder::{Activation, EncoderConfig, Rows, Weights};
use crate::error::Result;
use crate::tokenize::TokenId;
use crate::workers::parallel_each;
use embeddings::Embeddings;
use group::Group;
use layer::Layer;
use newsdesk_kernels::dropout::Dropout;

/// Tokens of a group: enough rows for fast products, few enough for all threads to have work.
const GROUP_TOKENS: usize = 256;

/// The encoder's weights, laid out for both passes, and their gradients.
pub struct TrainingEncoder {
    config: EncoderConfig,
    embeddings: Embeddings,
    layers: Vec<Layer>,
    /// The embeddings are level 0, the layers follow; levels below this one are not trained.
    lowest: usize,
    groups: Vec<Group>,
    /// Groups of the windows that went forward last.
    used: usize,
}

/// What is dropped from hidden states and from attention's shares.
#[derive(Clone, Copy)]
struct Dropouts {
    hidden: Dropout,
    attention: Dropout,
}

impl TrainingEncoder {
    /// Whether this form of the encoder can compute the gradients of a configuration.
    pub fn supports(config: &EncoderConfig) -> bool {
        config.hidden_act == Activation::Gelu
    }

    /// An encoder to be filled by [`Self::load`], with the tensor names that begin with `prefix` (`bert`, or empty). The first
    /// `frozen` levels (embeddings, then layers) get no gradients, and no work is done for them.
    pub fn new(config: &EncoderConfig, prefix: &str, rows: Rows, frozen: usize) -> Self {
        let name = |rest: String| if prefix.is_empty() { rest } else { format!("{prefix}.{rest}") };
        let layer = |number: usize| {
            let rows = if number + 1 == config.num_hidden_layers { rows } else { Rows::All };
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

    /// Takes the present weights, by their whole names, and sets all gradients to zero.
    ///
    /// # Errors
    /// If a tensor is missing, has another shape or is not on the processor.
    pub fn load(&mut self, weights: &Weights, threads: usize) -> Result<()> {
        self.embeddings.load(weights)?;
        let mut linears: Vec<_> = self.layers.iter_mut().flat_map(Layer::linears_mut).collect();
        parallel_each(&mut linears, threads, |linear| linear.load(weights))?;
        self.layers.iter_mut().flat_map(Layer::norms_mut).try_for_each(|norm| norm.load(weights))
    }

    /// Hidden states of the last layer for windows (special tokens included): `[tokens, width]`, or `[windows, width]` with
    /// [`Rows::First`]. With a seed, as in training, by the configuration's dropout rates.
    ///
    /// # Errors
    /// If the word table is missing among `weights` or not on the processor.
    pub fn forward(
        &mut self,
        weights: &Weights,
        windows: &[&[TokenId]],
        seed: Option<u64>,
        threads: usize,
    ) -> Result<Vec<f32>> {
        self.assign(windows);
        let drop = self.dropout(seed);
        let (embeddings, layers, groups) = (&self.embeddings, &self.layers, &mut self.groups[..self.used]);
        embeddings.with_words(weights, |words| {
            parallel_each(groups, threads, |group| {
                embeddings.forward(words, drop, group);
                layers.iter().enumerate().for_each(|(number, layer)| layer.forward(number, drop, group));
                Ok(())
            })
        })??;
        Ok(groups.iter().flat_map(|group| group.hidden.iter().copied()).collect())
    }

    /// Adds the gradients of all weights that are trained, from that of what the last [`Self::forward`] gave; the seed is the same.
    ///
    /// # Errors
    /// None but those of its threads.
    pub fn backward(&mut self, gradient: &[f32], seed: Option<u64>, threads: usize) -> Result<()> {
        if self.lowest > self.layers.len() {
            return Ok(());
        }
        // Layer `number` is level `number + 1`.
        let (drop, lowest) = (self.dropout(seed), self.lowest);
        let first_layer = lowest.saturating_sub(1);
        let (embeddings, layers, groups) = (&self.embeddings, &self.layers, &mut self.groups[..self.used]);
        let mut rest = gradient;
        for group in groups.iter_mut() {
            let (own, others) = rest.split_at(group.hidden.len());
            group.gradient.clear();
            group.gradient.extend_from_slice(own);
            rest = others;
        }
        assert!(rest.is_empty(), "training: the gradient is not as large as the hidden states");
        parallel_each(groups, threads, |group| {
            let trained = layers.iter().enumerate().skip(first_layer);
            trained.rev().for_each(|(number, layer)| layer.backward(number, drop, group));
            if lowest == 0 {
                embeddings.backward(drop, group);
            }
            Ok(())
        })?;
        let groups = &self.groups[..self.used];
        let layers = self.layers.iter_mut().enumerate().skip(first_layer);
        let mut tasks: Vec<_> = layers.flat_map(|(number, layer)| layer.gradient_tasks(number)).collect();
        parallel_each(&mut tasks, threads, |task| {
            task.run(groups);
            Ok(())
        })?;
        let layers = self.layers.iter_mut().enumerate().skip(first_layer);
        layers.for_each(|(number, layer)| layer.add_norm_gradients(number, groups));
        if lowest == 0 {
            self.embeddings.add_gradients(groups);
        }
        Ok(())
    }

    /// Names and gradients of all weights that are trained, since the last [`Self::load`].
    pub fn gradients(&self) -> impl Iterator<Item = (&str, &[f32])> {
        let embeddings = if self.lowest == 0 { self.embeddings.gradients() } else { vec![] };
        let layers = self.layers.iter().skip(self.lowest.saturating_sub(1));
        embeddings.into_iter().chain(layers.flat_map(Layer::gradients))
    }

    fn dropout(&self, seed: Option<u64>) -> Option<Dropouts> {
        seed.map(|seed| Dropouts {
            hidden: Dropout::new(self.config.hidden_dropout_prob, seed).of(0),
            attention: Dropout::new(self.config.attention_probs_dropout_prob, seed).of(1),
        })
    }

    /// Spreads the windows over groups, in their order.
    fn assign(&mut self, windows: &[&[TokenId]]) {
        self.used = 0;
        let mut open = false;
        let mut tokens = 0;
        for (number, window) in windows.iter().enumerate() {
            if !open || self.groups[self.used - 1].tokens() + window.len() > GROUP_TOKENS {
                if self.used == self.groups.len() {
                    self.groups.push(Group::new(self.layers.len()));
                }
                self.groups[self.used].begin(number, tokens);
                self.used += 1;
                open = true;
            }
            self.groups[self.used - 1].push(window);
            tokens += window.len();
        }
    }
}

/// `sums += values`
pub(crate) fn add(sums: &mut [f32], values: &[f32]) {
    sums.iter_mut().zip(values).for_each(|(sum, x)| *sum += x);
}
