//! Dense layers and layer norms, with or without bias.

use super::ops;
use crate::checkpoint::Weights;
use crate::error::Result;
use candle_core::{DType, Tensor};

/// A dense layer with weight `[out, in]` and bias `[out]`: `x W^T + b`.
#[derive(Clone)]
pub struct Dense {
    weight: Tensor,
    bias: Tensor,
}

impl Dense {
    /// Builds the layer from `weight` and, if it has one, `bias` under the prefix.
    ///
    /// # Errors
    /// If one is missing or has a different shape.
    pub fn new(weights: &Weights, input: usize, output: usize, has_bias: bool) -> Result<Self> {
        Ok(Self { weight: weights.get([output, input], "weight")?, bias: bias(weights, output, has_bias)? })
    }

    /// Applies the layer: `[.., in]` to `[.., out]`.
    ///
    /// # Errors
    /// If the device fails.
    pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let mut shape = input.dims().to_vec();
        let width = shape.pop().unwrap_or(0);
        let rows = shape.iter().product::<usize>();
        let output = ops::dense(&input.reshape((rows, width))?, &self.weight, &self.bias)?; // [rows, out]
        shape.push(output.dim(1)?);
        Ok(output.reshape(shape)?)
    }
}

/// A layer norm over the last dimension.
#[derive(Clone)]
pub(crate) struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    epsilon: f64,
}

impl LayerNorm {
    /// Builds the norm from `weight` and, if it has one, `bias` under the prefix.
    pub(crate) fn new(weights: &Weights, width: usize, epsilon: f64, has_bias: bool) -> Result<Self> {
        Ok(Self { weight: weights.get([width], "weight")?, bias: bias(weights, width, has_bias)?, epsilon })
    }

    pub(crate) fn forward(&self, input: &Tensor) -> Result<Tensor> {
        ops::layer_norm(input, &self.weight, &self.bias, self.epsilon)
    }
}

/// Returns a bias, or zeros in its place.
fn bias(weights: &Weights, width: usize, has_bias: bool) -> Result<Tensor> {
    match has_bias {
        true => weights.get([width], "bias"),
        false => Ok(Tensor::zeros(width, DType::F32, weights.device())?),
    }
}
