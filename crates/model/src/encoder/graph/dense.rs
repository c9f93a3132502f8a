//! A dense layer with bias: `x W^T + b`.

use super::ops;
use crate::encoder::Weights;
use crate::error::Result;
use candle_core::Tensor;

/// A dense layer with weight `[out, in]` and bias `[out]`.
#[derive(Clone)]
pub struct Dense {
    weight: Tensor,
    bias: Tensor,
}

impl Dense {
    /// Builds the layer from `weight` and `bias` under the prefix.
    ///
    /// # Errors
    /// If one is missing or has a different shape.
    pub fn new(weights: &Weights, input: usize, output: usize) -> Result<Self> {
        Ok(Self { weight: weights.get([output, input], "weight")?, bias: weights.get([output], "bias")? })
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
