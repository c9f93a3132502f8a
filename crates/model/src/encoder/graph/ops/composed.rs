//! The operations on a GPU: made of candle's own that have a gradient.

use crate::error::Result;
use candle_core::{D, Device, Tensor};

pub(super) fn dense(input: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    Ok(input.matmul(&weight.t()?)?.broadcast_add(bias)?)
}

pub(super) fn gelu(input: &Tensor) -> Result<Tensor> {
    Ok(input.gelu_erf()?)
}

pub(super) fn layer_norm(input: &Tensor, weight: &Tensor, bias: &Tensor, epsilon: f64) -> Result<Tensor> {
    // candle's `layer_norm` is one kernel without a gradient; this form has one.
    Ok(candle_nn::ops::layer_norm_slow(input, weight, bias, epsilon as f32)?)
}

/// `bias` is what `mask_bias` gives.
pub(super) fn masked_softmax(scores: &Tensor, bias: &Tensor, scale: f64) -> Result<Tensor> {
    let scores = (scores * scale)?.broadcast_add(bias)?;
    Ok(candle_nn::ops::softmax(&scores, D::Minus1)?)
}

/// 0 where a token is, a large negative number where padding is; `[windows, 1, 1, length]`.
pub(super) fn mask_bias(lengths: &[usize], length: usize, device: &Device) -> Result<Tensor> {
    // Finite, so that every row stays a number, and within half dtype.
    let of = |valid: usize| (0..length).map(move |i| if i < valid { 0f32 } else { -1e4 });
    let values: Vec<f32> = lengths.iter().flat_map(|&valid| of(valid)).collect();
    Ok(Tensor::from_vec(values, (lengths.len(), 1, 1, length), device)?)
}
