//! The encoder as candle tensor operations: differentiable, on every device, and the reference for the other
//! implementations.
//!
//! Source: Devlin et al., "BERT", 2019; layer names are those of transformers' `BertModel`. Every operation here has
//! a gradient. Candle's fused layer norm and softmax have none, and candle reports no error for that.

mod attention;
mod dense;
mod dropout;
mod embeddings;
mod layer;
pub mod ops;

pub use dense::Dense;
pub use dropout::Dropout;
pub(crate) use dropout::drop_hidden;

use crate::batch::Batch;
use crate::encoder::{EncoderConfig, OutputRows, Weights};
use crate::error::Result;
use candle_core::Tensor;
use embeddings::Embeddings;
use layer::Layer;

/// A BERT encoder.
pub struct Encoder {
    embeddings: Embeddings,
    layers: Vec<Layer>,
}

impl Encoder {
    /// Builds the encoder from the tensors under the prefix of `weights` (`embeddings...`, `encoder.layer...`).
    ///
    /// # Errors
    /// If a tensor is missing or does not have the shape that `config` requires.
    pub fn new(weights: &Weights, config: &EncoderConfig) -> Result<Self> {
        let embeddings = Embeddings::new(&weights.pp("embeddings"), config)?;
        let layers = weights.pp("encoder.layer");
        let layers = (0..config.num_hidden_layers).map(|i| Layer::new(&layers.pp(i), config)).collect::<Result<_>>()?;
        Ok(Self { embeddings, layers })
    }

    /// Returns the hidden states of the last layer: `[windows, length, width]`, or `[windows, 1, width]` with
    /// [`OutputRows::First`]. The vectors of padding tokens are meaningless. Training passes `dropout`.
    ///
    /// # Errors
    /// If the device fails.
    pub fn forward(&self, batch: &Batch, rows: OutputRows, mut dropout: Option<&mut Dropout>) -> Result<Tensor> {
        let mut hidden = self.embeddings.forward(&batch.ids, dropout.as_deref_mut())?; // [windows, length, width]
        let mask = ops::Mask::new(&batch.lengths, hidden.dim(1)?, hidden.device())?;
        let last = self.layers.len().saturating_sub(1);
        for (number, layer) in self.layers.iter().enumerate() {
            let rows = if number == last { rows } else { OutputRows::All };
            hidden = layer.forward(&hidden, &mask, rows, dropout.as_deref_mut())?;
        }
        Ok(hidden)
    }
}
