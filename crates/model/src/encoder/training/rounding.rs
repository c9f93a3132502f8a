//! What an encoder that is trained for int8 multiplies, and the weights that training leaves.

use crate::architecture::{EncoderSpec, TensorSpec};
use crate::checkpoint::Weights;
use crate::error::Result;
use candle_core::Tensor;
use newsdesk_kernels::packed::round_weights;

/// To what an encoder in training rounds the factors of its products: weights and activations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// They stay in f32.
    Nothing,
    /// To the numbers that int8 products multiply: see [`newsdesk_kernels::packed::round_weights`]. Gradients pass the rounding
    /// unchanged (straight-through), and those of weights are computed from the activations before the rounding.
    Int8,
}

/// Returns weights in which those of the encoder's dense layers are rounded, so that int8 products multiply them without loss.
///
/// # Errors
/// If a tensor is missing or has another shape, or the device fails.
pub fn rounded_weights(spec: &EncoderSpec, weights: &Weights) -> Result<Weights> {
    let is_dense = |tensor: &TensorSpec| {
        let is_of_layer =
            tensor.name.starts_with("encoder.layer.") || tensor.name.starts_with("embeddings.projection.");
        is_of_layer && tensor.shape.len() == 2
    };
    spec.tensors().into_iter().filter(is_dense).try_fold(weights.clone(), |rounded, TensorSpec { name, shape }| {
        let mut values = vec![];
        weights.read(&shape, &name, &mut values)?;
        round_weights(&mut values, shape[1]);
        Ok(rounded.with(&name, Tensor::from_vec(values, shape, weights.device())?))
    })
}
