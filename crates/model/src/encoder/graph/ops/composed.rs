//! The operations on a GPU, composed of candle operations that have a gradient.

use crate::architecture::Activation;
use crate::error::Result;
use candle_core::{D, Device, Tensor};

pub(super) fn dense(input: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    Ok(input.matmul(&weight.t()?)?.broadcast_add(bias)?)
}

pub(super) fn activate(input: &Tensor, activation: Activation) -> Result<Tensor> {
    Ok(match activation {
        Activation::Gelu => input.gelu_erf()?,
        Activation::GeluTanh => input.gelu()?,
        Activation::Relu => input.relu()?,
        Activation::Silu => input.silu()?,
        Activation::Tanh => input.tanh()?,
    })
}

pub(super) fn layer_norm(input: &Tensor, weight: &Tensor, bias: &Tensor, epsilon: f64) -> Result<Tensor> {
    // Candle's `layer_norm` is one kernel without a gradient. This function has one.
    Ok(candle_nn::ops::layer_norm_slow(input, weight, bias, epsilon as f32)?)
}

/// Returns attention probabilities; `bias` comes from [`mask_bias`].
pub(super) fn masked_softmax(scores: &Tensor, bias: &Tensor, scale: f64) -> Result<Tensor> {
    let scores = (scores * scale)?.broadcast_add(bias)?;
    Ok(candle_nn::ops::softmax(&scores, D::Minus1)?)
}

/// Returns 0 for tokens and a large negative number for padding, as `[windows, 1, 1, length]`.
pub(super) fn mask_bias(lengths: &[usize], length: usize, device: &Device) -> Result<Tensor> {
    // Finite, so that no row becomes NaN, and within the range of f16.
    let row = |valid: usize| (0..length).map(move |i| if i < valid { 0f32 } else { -1e4 });
    let values: Vec<f32> = lengths.iter().flat_map(|&valid| row(valid)).collect();
    Ok(Tensor::from_vec(values, (lengths.len(), 1, 1, length), device)?)
}
