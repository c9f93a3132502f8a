//! Training on a CPU: the encoder with its own gradients, and pooler and heads as candle tensors.

use super::graph::OutputLayers;
use super::{NetworkSpec, append_mean};
use crate::architecture::EncoderSpec;
use crate::checkpoint::{Variables, Weights, with_values};
use crate::encoder::OutputRows;
use crate::encoder::graph::Dropout;
use crate::encoder::training::{EncoderLosses, EncoderTeacher, Rounding, TrainingEncoder, add};
use crate::error::Result;
use crate::tokenize::TokenId;
use candle_core::{Device, Tensor, Var};
use std::collections::BTreeMap;
use std::ops::Range;

/// Tokens that go through the encoder before their gradients are summed.
///
/// The limit bounds the memory of a step. An encoder with 6 layers and a width of 384 needs about 230 KB per token, and
/// up to three times as much if steps with short and with long windows alternate.
const CHUNK_TOKENS: usize = 2048;

/// A network in training.
pub struct TrainingNetwork {
    spec: EncoderSpec,
    network: NetworkSpec,
    encoder: TrainingEncoder,
    /// The tokens whose vectors the last layer computes.
    rows: OutputRows,
    teacher: Option<EncoderTeacher>,
}

/// The gradients of a step by variable name.
pub struct StepGradients<'a> {
    /// Gradients of the encoder, row-major.
    pub encoder: Vec<(&'a str, &'a [f32])>,
    /// Gradients of pooler and heads, row-major.
    pub heads: BTreeMap<String, Vec<f32>>,
}

impl TrainingNetwork {
    /// Returns whether an encoder can be trained by this network, on the CPU.
    pub fn supports(spec: &EncoderSpec) -> bool {
        TrainingEncoder::supports(spec)
    }

    /// Creates a network to be trained on the CPU. Returns `None` if only [`super::Network`] supports the
    /// encoder.
    ///
    /// The first `frozen` levels of the encoder (embeddings, then layers) are not trained.
    pub fn new(spec: &EncoderSpec, network: &NetworkSpec, frozen: usize, rounding: Rounding) -> Option<Self> {
        let rows = network.pooling.output_rows(spec);
        Self::supports(spec).then(|| Self {
            spec: spec.clone(),
            network: network.clone(),
            encoder: TrainingEncoder::new(spec, rows, frozen, rounding),
            rows,
            teacher: None,
        })
    }

    /// Returns this network with another encoder whose hidden states and attention relations it learns to have as well. The teacher
    /// has the same tokens and at least as many layers.
    ///
    /// # Errors
    /// If a tensor of the teacher is missing, has a different shape or is not on the CPU.
    pub fn with_teacher(
        self,
        spec: &EncoderSpec,
        weights: Weights,
        losses: EncoderLosses,
        threads: usize,
    ) -> Result<Self> {
        let rows = losses.rows(self.rows);
        let teacher = EncoderTeacher::new(spec, weights, rows, losses, threads)?;
        Ok(Self { encoder: self.encoder.with_rows(rows), rows, teacher: Some(teacher), ..self })
    }

    /// Returns the loss of a step and the gradients of all trained variables. With a teacher, its losses are added, as the mean
    /// over the windows.
    ///
    /// `windows` include special tokens. `seed` turns on dropout. `loss` is called for one range of the windows at a
    /// time, with the logits of each head, `[windows, labels]`. It returns the range's part of the loss, or `None` if
    /// the range has none.
    ///
    /// # Errors
    /// If a variable is missing, has a different shape or is not on the CPU, or if `loss` fails.
    pub fn gradients<E: From<crate::ModelError> + From<candle_core::Error>>(
        &mut self,
        variables: &Variables,
        windows: &[&[TokenId]],
        seed: Option<u64>,
        threads: usize,
        mut loss: impl FnMut(Range<usize>, &[Tensor]) -> std::result::Result<Option<Tensor>, E>,
    ) -> std::result::Result<(f32, StepGradients<'_>), E> {
        let weights = variables.weights();
        self.encoder.load(&weights, threads)?;
        let output = OutputLayers::new(&weights, &self.spec, &self.network)?;
        let mut sums: BTreeMap<String, Vec<f32>> = BTreeMap::new();
        let mut total = 0.0;
        for (index, chunk) in chunks(windows).into_iter().enumerate() {
            let seed = seed.map(|seed| seed.wrapping_add(index as u64));
            let lengths: Vec<usize> = windows[chunk.clone()].iter().map(|window| window.len()).collect();
            let hidden = self.encoder.forward(&weights, &windows[chunk.clone()], seed, threads)?;
            let comparison = match &mut self.teacher {
                None => None,
                Some(teacher) => Some(teacher.compare(&windows[chunk.clone()], 1.0 / windows.len() as f32, threads)?),
            };
            let pooling = TokenPooling::new(&self.network, &self.spec, self.rows, &lengths);
            let pooled =
                Tensor::from_vec(pooling.forward(hidden), (lengths.len(), self.spec.hidden_size), &Device::Cpu)?;
            let pooled = Var::from_tensor(&pooled)?;
            let mut dropout = seed.map(|seed| Dropout::new(self.spec.hidden_dropout_prob, 0.0, seed));
            let logits = output.forward(pooled.as_tensor().clone(), dropout.as_mut())?;
            let loss = loss(chunk, &logits)?;
            if loss.is_none() && comparison.is_none() {
                continue;
            }
            let mut store = match &loss {
                None => None,
                Some(loss) => {
                    total += loss.to_scalar::<f32>()?;
                    Some(loss.backward()?)
                }
            };
            let gradient = match store.as_mut().and_then(|store| store.remove(&pooled)) {
                Some(gradient) => with_values(&gradient, |gradient| pooling.backward(gradient))?,
                None if comparison.is_none() => continue,
                None => pooling.backward(&vec![0.0; lengths.len() * self.spec.hidden_size]),
            };
            total += self.encoder.backward(&gradient, comparison, seed, threads)?;
            let Some(mut store) = store else { continue };
            for (name, variable) in variables.iter() {
                let Some(gradient) = store.remove(variable) else { continue };
                with_values(&gradient, |gradient| match sums.get_mut(name) {
                    None => drop(sums.insert(name.into(), gradient.to_vec())),
                    Some(sum) => add(sum, gradient),
                })?;
            }
        }
        Ok((total, StepGradients { encoder: self.encoder.gradients().collect(), heads: sums }))
    }
}

/// Splits the windows, in their order, into ranges of at most [`CHUNK_TOKENS`]. A longer window gets a range of its
/// own.
fn chunks(windows: &[&[TokenId]]) -> Vec<Range<usize>> {
    let mut chunks: Vec<Range<usize>> = vec![];
    let mut tokens = 0;
    for (index, window) in windows.iter().enumerate() {
        match chunks.last_mut() {
            Some(chunk) if tokens + window.len() <= CHUNK_TOKENS => chunk.end = index + 1,
            _ => {
                chunks.push(index..index + 1);
                tokens = 0;
            }
        }
        tokens += window.len();
    }
    chunks
}

/// How the token vectors of the windows of a chunk become one vector each.
struct TokenPooling<'a> {
    is_mean: bool,
    rows: OutputRows,
    /// Tokens of each window.
    lengths: &'a [usize],
    width: usize,
}

impl<'a> TokenPooling<'a> {
    fn new(network: &NetworkSpec, spec: &EncoderSpec, rows: OutputRows, lengths: &'a [usize]) -> Self {
        Self { is_mean: network.pooling.is_mean(spec), rows, lengths, width: spec.hidden_size }
    }

    /// Returns the pooled vectors, `[windows, width]`. `hidden` is `[tokens, width]`, or already the first token of each window.
    fn forward(&self, hidden: Vec<f32>) -> Vec<f32> {
        if self.rows == OutputRows::First {
            return hidden;
        }
        let (mut pooled, mut rest) = (vec![], hidden.as_slice());
        for length in self.lengths {
            let (rows, others) = rest.split_at(length * self.width);
            match self.is_mean {
                true => append_mean(rows, self.width, &mut pooled),
                false => pooled.extend_from_slice(&rows[..self.width]),
            }
            rest = others;
        }
        pooled
    }

    /// Returns the gradient of the input of [`Self::forward`] from that of its result.
    fn backward(&self, gradient: &[f32]) -> Vec<f32> {
        if self.rows == OutputRows::First {
            return gradient.to_vec();
        }
        let row = |(row, &length): (&[f32], &usize)| -> Vec<f32> {
            if self.is_mean {
                let part: Vec<f32> = row.iter().map(|g| g / length as f32).collect();
                return part.repeat(length);
            }
            let mut rows = row.to_vec();
            rows.resize(length * self.width, 0.0);
            rows
        };
        gradient.chunks_exact(self.width).zip(self.lengths).flat_map(row).collect()
    }
}
