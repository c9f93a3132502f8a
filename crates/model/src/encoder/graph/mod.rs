//! The encoder as candle tensor operations: differentiable, on every device, and the reference for the other
//! implementations. It supports every architecture.
//!
//! Every operation here has a gradient. Candle's fused layer norm and softmax have none, and candle reports no error for that.

mod attention;
mod dense;
mod dropout;
mod embeddings;
mod layer;
pub mod ops;
mod positions;

pub use dense::Dense;
pub(crate) use dense::LayerNorm;
pub use dropout::Dropout;
pub(crate) use dropout::drop_hidden;

use crate::architecture::{EncoderSpec, NormPlacement};
use crate::batch::Batch;
use crate::checkpoint::Weights;
use crate::encoder::OutputRows;
use crate::error::Result;
use attention::Pass;
use candle_core::Tensor;
use embeddings::Embeddings;
use layer::Layer;
use positions::{Positions, Relative};

/// An encoder.
pub struct Encoder {
    spec: EncoderSpec,
    embeddings: Embeddings,
    relative: Relative,
    layers: Vec<Layer>,
    final_norm: Option<LayerNorm>,
}

impl Encoder {
    /// Builds the encoder from the tensors that [`EncoderSpec::tensors`] lists.
    ///
    /// # Errors
    /// If a tensor is missing or does not have the shape that `spec` requires.
    pub fn new(weights: &Weights, spec: &EncoderSpec) -> Result<Self> {
        let layers = weights.pp("encoder.layer");
        let layers = spec.layers.iter().map(|layer| Layer::new(&layers.pp(layer.weights), spec, layer));
        let final_norm = || {
            let weights = weights.pp("encoder.LayerNorm");
            LayerNorm::new(&weights, spec.hidden_size, spec.norm.epsilon, spec.norm.has_bias)
        };
        Ok(Self {
            spec: spec.clone(),
            embeddings: Embeddings::new(&weights.pp("embeddings"), spec)?,
            relative: Relative::new(weights, spec)?,
            layers: layers.collect::<Result<_>>()?,
            final_norm: (spec.norm_placement == NormPlacement::Before).then(final_norm).transpose()?,
        })
    }

    /// Returns the hidden states of the last layer: `[windows, length, width]`, or `[windows, 1, width]` with
    /// [`OutputRows::First`]. The vectors of padding tokens are meaningless. Training passes `dropout`.
    ///
    /// # Errors
    /// If the device fails.
    pub fn forward(&self, batch: &Batch, rows: OutputRows, mut dropout: Option<&mut Dropout>) -> Result<Tensor> {
        let mut hidden = self.embeddings.forward(batch, dropout.as_deref_mut())?; // [windows, length, width]
        let length = hidden.dim(1)?;
        let mask = ops::Mask::new(&batch.lengths, length, hidden.device())?;
        let positions = Positions::new(&self.relative, &self.spec, length, hidden.device())?;
        let pass = Pass { mask: &mask, positions: &positions };
        let last = self.layers.len().saturating_sub(1);
        for (number, layer) in self.layers.iter().enumerate() {
            let rows = if number == last { rows } else { OutputRows::All };
            hidden = layer.forward(&hidden, &pass, rows, dropout.as_deref_mut())?;
        }
        match &self.final_norm {
            Some(norm) => norm.forward(&hidden),
            None => Ok(hidden),
        }
    }
}
