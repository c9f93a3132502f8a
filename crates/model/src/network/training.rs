//! The network in training on a processor: the encoder with its own gradients, pooler and heads as candle tensors.

use super::graph::Top;
use super::{Parts, Pooling, mean};
use crate::encoder::graph::Dropout;
use crate::encoder::training::{TrainingEncoder, add};
use crate::encoder::{EncoderConfig, Variables, with_values};
use crate::tokenize::TokenId;
use candle_core::{Device, Tensor, Var};
use std::collections::BTreeMap;
use std::ops::Range;

/// Tokens that go through the encoder before their gradients are summed. This bounds the memory of a step: about 230 KB a
/// token for an encoder of 6 layers, 384 wide, and up to three times that where steps of short and of long windows take turns.
const CHUNK_TOKENS: usize = 2048;

/// A network whose variables are trained.
pub struct TrainingNetwork {
    config: EncoderConfig,
    parts: Parts,
    encoder: TrainingEncoder,
}

/// Gradients of a step by variable name.
pub struct StepGradients<'a> {
    /// The encoder's, row-major.
    pub encoder: Vec<(&'a str, &'a [f32])>,
    /// Those of pooler and heads, row-major.
    pub top: BTreeMap<String, Vec<f32>>,
}

impl TrainingNetwork {
    /// A network to be trained on the processor, but for the first `frozen` levels of its encoder (embeddings, then layers);
    /// `None` if its encoder is of a kind that only the graph has.
    pub fn new(config: &EncoderConfig, parts: &Parts, frozen: usize) -> Option<Self> {
        TrainingEncoder::supports(config).then(|| Self {
            config: config.clone(),
            parts: parts.clone(),
            encoder: TrainingEncoder::new(config, &parts.encoder, parts.pooling.rows(), frozen),
        })
    }

    /// Gradients of all variables that are trained, for windows (special tokens included), dropout drawn from `seed`; none without. `loss` is
    /// called with some of the windows at a time and the logits of each head for them, `[windows, labels]`, and gives their
    /// share of the loss, or nothing where there is none. Returns the loss, and the gradients where there is any.
    ///
    /// # Errors
    /// If a variable is missing, has another shape or is not on the processor, or `loss` fails.
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
        let top = Top::new(&weights, &self.config, &self.parts)?;
        let mut sums: BTreeMap<String, Vec<f32>> = BTreeMap::new();
        let mut total = 0.0;
        for (number, chunk) in chunks(windows).into_iter().enumerate() {
            let seed = seed.map(|seed| seed.wrapping_add(number as u64));
            let lengths: Vec<usize> = windows[chunk.clone()].iter().map(|window| window.len()).collect();
            let hidden = self.encoder.forward(&weights, &windows[chunk.clone()], seed, threads)?;
            let width = self.config.hidden_size;
            let pooled = match self.parts.pooling {
                Pooling::Mean => {
                    let (mut means, mut rest) = (vec![], hidden.as_slice());
                    for length in &lengths {
                        let (rows, others) = rest.split_at(length * width);
                        mean(rows, width, &mut means);
                        rest = others;
                    }
                    means
                }
                Pooling::Cls | Pooling::Pooler => hidden,
            };
            let pooled = Tensor::from_vec(pooled, (lengths.len(), width), &Device::Cpu)?;
            let pooled = Var::from_tensor(&pooled)?;
            let mut dropout = seed.map(|seed| Dropout::new(self.config.hidden_dropout_prob, 0.0, seed));
            let logits = top.forward(pooled.as_tensor().clone(), dropout.as_mut())?;
            let Some(loss) = loss(chunk, &logits)? else { continue };
            total += loss.to_scalar::<f32>()?;
            let mut store = loss.backward()?;
            let Some(gradient) = store.remove(&pooled) else { continue };
            let gradient = with_values(&gradient, |gradient| match self.parts.pooling {
                Pooling::Mean => spread(gradient, &lengths, width),
                Pooling::Cls | Pooling::Pooler => gradient.to_vec(),
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
        Ok((total, StepGradients { encoder: self.encoder.gradients().collect(), top: sums }))
    }
}

/// Parts of the windows, in their order, of at most [`CHUNK_TOKENS`] where a window is not longer.
fn chunks(windows: &[&[TokenId]]) -> Vec<Range<usize>> {
    let mut chunks: Vec<Range<usize>> = vec![];
    let mut tokens = 0;
    for (number, window) in windows.iter().enumerate() {
        match chunks.last_mut() {
            Some(chunk) if tokens + window.len() <= CHUNK_TOKENS => chunk.end = number + 1,
            _ => {
                chunks.push(number..number + 1);
                tokens = 0;
            }
        }
        tokens += window.len();
    }
    chunks
}

/// The gradient of each window's [`mean`]: `[windows, width]` to `[tokens, width]`.
fn spread(gradient: &[f32], lengths: &[usize], width: usize) -> Vec<f32> {
    let rows = gradient.chunks_exact(width).zip(lengths);
    let row = |(row, &length): (&[f32], &usize)| -> Vec<f32> {
        let share: Vec<f32> = row.iter().map(|g| g / length as f32).collect();
        share.repeat(length)
    };
    rows.flat_map(row).collect()
}
