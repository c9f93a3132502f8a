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
mod positions;
mod rounding;
mod teacher;

use crate::architecture::{EncoderSpec, NormPlacement, NormSpec, RelativeSpec};
use crate::checkpoint::Weights;
use crate::encoder::OutputRows;
use crate::error::Result;
use crate::tokenize::TokenId;
use crate::workers::parallel_each;
use embeddings::Embeddings;
use group::{Group, sized};
use layer::{Context, Layer, LayerUse};
use linear::Norm;
use newsdesk_kernels::attention::Attention;
use newsdesk_kernels::dropout::Dropout;
use positions::Positions;
pub use rounding::{Rounding, rounded_weights};
pub use teacher::{Comparison, EncoderLosses, EncoderTeacher};

/// Tokens of a group: enough rows for fast products, few enough to give every thread work.
const GROUP_TOKENS: usize = 256;

/// The encoder's weights, packed for both passes, and their gradients.
pub struct TrainingEncoder {
    spec: EncoderSpec,
    embeddings: Embeddings,
    positions: Positions,
    /// The weights of the layers.
    weights: Vec<Layer>,
    /// The layers, in order.
    layers: Vec<LayerUse>,
    final_norm: Option<Norm>,
    /// The rows of the last layer that the network reads. The layer may compute more, for a teacher's comparison.
    read: OutputRows,
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
    /// Returns whether this implementation supports an encoder. It does not support disentangled attention.
    pub fn supports(spec: &EncoderSpec) -> bool {
        !matches!(spec.attention.relative, RelativeSpec::Disentangled(_))
    }

    /// Creates an encoder without weights; [`Self::load`] fills it.
    ///
    /// The first `frozen` levels (embeddings, then weights of layers) get no gradients, and the backward pass skips them.
    pub fn new(spec: &EncoderSpec, rows: OutputRows, frozen: usize, rounding: Rounding) -> Self {
        let last = spec.layers.len().saturating_sub(1);
        let layer = |(number, layer): (usize, &crate::architecture::LayerSpec)| LayerUse {
            number,
            weights: layer.weights,
            rows: if number == last { rows } else { OutputRows::All },
            attention: Attention {
                heads: spec.num_attention_heads,
                head_width: spec.head_width(),
                scale: spec.attention_scale() as f32,
                reach: layer.reach,
            },
            rotary_base: layer.rotary_base,
        };
        let layers: Vec<LayerUse> = spec.layers.iter().enumerate().map(layer).collect();
        let first_with = |weights| spec.layers.iter().find(|layer| layer.weights == weights);
        let weights =
            (0..spec.distinct_layers()).filter_map(first_with).map(|layer| Layer::new(spec, layer, rounding)).collect();
        let NormSpec { epsilon, has_bias } = spec.norm;
        let final_norm = || Norm::new("encoder.LayerNorm", spec.hidden_size, epsilon, has_bias);
        Self {
            spec: spec.clone(),
            embeddings: Embeddings::new(spec, rounding),
            positions: Positions::new(spec),
            weights,
            layers,
            final_norm: (spec.norm_placement == NormPlacement::Before).then(final_norm),
            read: rows,
            lowest: frozen,
            groups: vec![],
            used: 0,
        }
    }

    /// Returns this encoder with other rows of the last layer.
    pub fn with_rows(mut self, rows: OutputRows) -> Self {
        if let Some(last) = self.layers.last_mut() {
            last.rows = rows;
        }
        self
    }

    /// Loads the weights by their full names and sets all gradients to zero.
    ///
    /// # Errors
    /// If a tensor is missing, has a different shape or is not on the CPU.
    pub fn load(&mut self, weights: &Weights, threads: usize) -> Result<()> {
        self.embeddings.load(weights)?;
        self.positions.load(weights)?;
        let mut linears: Vec<_> = self.weights.iter_mut().flat_map(Layer::linears_mut).collect();
        parallel_each(&mut linears, threads, |linear| linear.load(weights))?;
        let norms = self.weights.iter_mut().flat_map(Layer::norms_mut);
        norms.chain(&mut self.final_norm).try_for_each(|norm| norm.load(weights))
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
        let Self { embeddings, positions, weights: layer_weights, layers, final_norm, groups, used, .. } = self;
        let groups = &mut groups[..*used];
        let (embeddings, positions, final_norm) = (&*embeddings, &*positions, final_norm.as_ref());
        embeddings.with_words(weights, |words| {
            parallel_each(groups, threads, |group| {
                embeddings.forward(words, dropout, group);
                for layer in &*layers {
                    layer_weights[layer.weights].forward(Context { layer, positions, dropout }, group);
                }
                if let Some(norm) = final_norm {
                    let Group { hidden, last_output, .. } = group;
                    std::mem::swap(hidden, last_output);
                    norm.forward(last_output, sized(hidden, last_output.len()));
                }
                Ok(())
            })
        })??;
        Ok(groups.iter().flat_map(|group| group.hidden.iter().copied()).collect())
    }

    /// Adds the gradients of all trained weights, given the gradient of the output of the last [`Self::forward`]. With a
    /// teacher's `comparison` of the same windows, it adds those of its losses as well, and returns their sum over the windows.
    ///
    /// `seed` must be that of the forward pass.
    ///
    /// # Errors
    /// Never; the result only carries the type of the worker functions.
    ///
    /// # Panics
    /// If `gradient` is not as large as the output.
    pub fn backward(
        &mut self,
        gradient: &[f32],
        comparison: Option<Comparison>,
        seed: Option<u64>,
        threads: usize,
    ) -> Result<f32> {
        if self.lowest > self.weights.len() {
            return Ok(0.0);
        }
        let (dropout, lowest) = (self.dropout(seed), self.lowest);
        let Self { embeddings, positions, weights, layers, final_norm, groups, used, .. } = self;
        let groups = &mut groups[..*used];
        let mut rest = gradient;
        for group in groups.iter_mut() {
            let (own, others) = rest.split_at(group.hidden.len());
            group.gradient.clear();
            group.gradient.extend_from_slice(own);
            rest = others;
        }
        assert!(rest.is_empty(), "training: the gradient is larger than the hidden states");
        let is_trained = |layer: &LayerUse| layer.weights + 1 >= lowest;
        // Every layer from the first trained one on, because a gradient must pass through those that share frozen weights.
        let first = layers.iter().position(is_trained).unwrap_or(layers.len());
        let (positions, weights, embeddings, norm) = (&*positions, &*weights, &*embeddings, final_norm.as_ref());
        let number_of_last = layers.len().saturating_sub(1);
        let mut numbered: Vec<_> = groups.iter_mut().enumerate().collect();
        parallel_each(&mut numbered, threads, |(number, group)| {
            let comparison = comparison.map(|comparison| comparison.of_group(*number));
            let compare = |layer, group: &mut Group| comparison.map_or(0.0, |one| one.compare_output(layer, group));
            group.loss = compare(number_of_last, group);
            group.d_bias.clear();
            group.d_bias.resize(positions.bias.as_ref().map_or(0, |bias| bias.values.len()), 0.0);
            if let Some(norm) = norm {
                let out = sized(&mut group.scratch.rows, group.gradient.len());
                norm.backward(&group.last_output, &group.gradient, out, &mut group.final_norm);
                std::mem::swap(&mut group.gradient, &mut group.scratch.rows);
            }
            for layer in layers[first..].iter().rev() {
                let relations = comparison.filter(|_| layer.number == number_of_last);
                weights[layer.weights].backward(Context { layer, positions, dropout }, relations, group);
                if let Some(below) = layer.number.checked_sub(1) {
                    group.loss += compare(below, group);
                }
            }
            if lowest == 0 {
                embeddings.backward(dropout, group);
            }
            Ok(())
        })?;
        drop(numbered);
        let loss: f64 = groups.iter().map(|group| group.loss).sum();
        self.add_gradients(threads)?;
        Ok(loss as f32)
    }

    /// Adds the gradients that the groups left, in their order.
    fn add_gradients(&mut self, threads: usize) -> Result<()> {
        let first_weights = self.lowest.saturating_sub(1);
        let Self { embeddings, positions, weights, layers, final_norm, groups, used, lowest, .. } = self;
        let groups = &groups[..*used];
        let uses = |index| layers.iter().filter(move |layer| layer.weights == index).map(|layer| layer.number);
        let trained = weights.iter_mut().enumerate().skip(first_weights);
        let mut tasks: Vec<_> =
            trained.flat_map(|(index, layer)| layer.gradient_tasks(uses(index).collect())).collect();
        if *lowest == 0 {
            tasks.extend(embeddings.gradient_tasks());
        }
        parallel_each(&mut tasks, threads, |task| {
            task.accumulate(groups);
            Ok(())
        })?;
        drop(tasks);
        for (index, layer) in weights.iter_mut().enumerate().skip(first_weights) {
            uses(index).for_each(|number| layer.add_norm_gradients(number, groups));
        }
        if let Some(norm) = final_norm {
            groups.iter().for_each(|group| norm.add(&group.final_norm));
        }
        if *lowest == 0 {
            embeddings.add_gradients(groups);
            positions.add_gradients(groups);
        }
        Ok(())
    }

    /// Iterates over names and gradients of all trained weights, summed since the last [`Self::load`].
    pub fn gradients(&self) -> impl Iterator<Item = (&str, &[f32])> {
        let (embeddings, positions) = match self.lowest {
            0 => (Some(self.embeddings.gradients()), Some(self.positions.gradients())),
            _ => (None, None),
        };
        let layers = self.weights.iter().skip(self.lowest.saturating_sub(1)).flat_map(Layer::gradients);
        let final_norm = self.final_norm.iter().filter(|_| self.lowest <= self.weights.len()).flat_map(Norm::gradients);
        embeddings.into_iter().flatten().chain(positions.into_iter().flatten()).chain(layers).chain(final_norm)
    }

    fn dropout(&self, seed: Option<u64>) -> Option<Dropouts> {
        seed.map(|seed| Dropouts {
            hidden: Dropout::new(self.spec.hidden_dropout_prob, seed).substream(0),
            attention: Dropout::new(self.spec.attention_probs_dropout_prob, seed).substream(1),
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
            self.groups[self.used - 1].push(window, self.read);
            tokens += window.len();
        }
    }
}

/// Adds `values` to `sums`, element by element.
pub(crate) fn add(sums: &mut [f32], values: &[f32]) {
    sums.iter_mut().zip(values).for_each(|(sum, x)| *sum += x);
}
