//! Training on a CPU: the encoder with its own gradients, and pooler and heads as candle tensors.

use super::graph::OutputLayers;
use super::{NetworkSpec, append_mean};
use crate::architecture::EncoderSpec;
use crate::checkpoint::{Variables, with_values};
use crate::encoder::graph::Dropout;
use crate::encoder::training::{Rounding, TrainingEncoder, add};
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
        Self::supports(spec).then(|| Self {
            spec: spec.clone(),
            network: network.clone(),
            encoder: TrainingEncoder::new(spec, network.pooling.output_rows(spec), frozen, rounding),
        })
    }

    /// Returns the loss of a step and the gradients of all trained variables.
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
        mut loss: impl FnMut(Range<usize>, &[Tensor]) -> Result<Option<Tensor>, E>,
    ) -> Result<(f32, StepGradients<'_>), E> {
        let weights = variables.weights();
        self.encoder.load(&weights, threads)?;
        let output = OutputLayers::new(&weights, &self.spec, &self.network)?;
        let mut sums: BTreeMap<String, Vec<f32>> = BTreeMap::new();
        let mut total = 0.0;
        for (index, chunk) in chunks(windows).into_iter().enumerate() {
            let seed = seed.map(|seed| seed.wrapping_add(index as u64));
            let lengths: Vec<usize> = windows[chunk.clone()].iter().map(|window| window.len()).collect();
            let hidden = self.encoder.forward(&weights, &windows[chunk.clone()], seed, threads)?;
            let width = self.spec.hidden_size;
            let pooled = match self.network.pooling.is_mean(&self.spec) {
                true => {
                    let (mut means, mut rest) = (vec![], hidden.as_slice());
                    for length in &lengths {
                        let (rows, others) = rest.split_at(length * width);
                        append_mean(rows, width, &mut means);
                        rest = others;
                    }
                    means
                }
                false => hidden,
            };
            let pooled = Tensor::from_vec(pooled, (lengths.len(), width), &Device::Cpu)?;
            let pooled = Var::from_tensor(&pooled)?;
            let mut dropout = seed.map(|seed| Dropout::new(self.spec.hidden_dropout_prob, 0.0, seed));
            let logits = output.forward(pooled.as_tensor().clone(), dropout.as_mut())?;
            let Some(loss) = loss(chunk, &logits)? else { continue };
            total += loss.to_scalar::<f32>()?;
            let mut store = loss.backward()?;
            let Some(gradient) = store.remove(&pooled) else { continue };
            let gradient = with_values(&gradient, |gradient| match self.network.pooling.is_mean(&self.spec) {
                true => mean_backward(gradient, &lengths, width),
                false => gradient.to_vec(),
            })?;
            self.encoder.backward(&gradient, seed, threads)?;
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

/// Returns the gradient of the inputs of [`append_mean`]: `[windows, width]` to `[tokens, width]`.
fn mean_backward(gradient: &[f32], lengths: &[usize], width: usize) -> Vec<f32> {
    let rows = gradient.chunks_exact(width).zip(lengths);
    let row = |(row, &length): (&[f32], &usize)| -> Vec<f32> {
        let part: Vec<f32> = row.iter().map(|g| g / length as f32).collect();
        part.repeat(length)
    };
    rows.flat_map(row).collect()
}
