//! Operations that candle lacks or runs slowly, each with a gradient.
//!
//! On the CPU they call `newsdesk-kernels` (`fused.rs`). On other devices they are composed of candle operations
//! that have a gradient (`composed.rs`). Tests compare the two implementations.

mod composed;
mod fused;

use crate::architecture::Activation;
use crate::error::Result;
use candle_core::{Device, Tensor};
use fused::{ActivationOp, DenseOp, LayerNormOp, SoftmaxOp};

/// The padding of a batch.
pub struct Mask {
    lengths: Vec<usize>,
    /// The mask as a tensor to add to scores, on devices that need one.
    bias: Option<Tensor>,
}

impl Mask {
    /// Creates a mask for windows of these lengths, padded to `length`.
    ///
    /// # Errors
    /// If the device fails.
    pub fn new(lengths: &[usize], length: usize, device: &Device) -> Result<Self> {
        let bias = if device.is_cpu() { None } else { Some(composed::mask_bias(lengths, length, device)?) };
        Ok(Self { lengths: lengths.to_vec(), bias })
    }
}

/// Returns `input weight^T + bias`: `[rows, in]`, `[out, in]`, `[out]` to `[rows, out]`.
///
/// # Errors
/// If shapes do not match or the device fails.
pub fn dense(input: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    match input.device().is_cpu() {
        true => Ok(input.contiguous()?.apply_op3(weight, bias, DenseOp)?),
        false => composed::dense(input, weight, bias),
    }
}

/// Applies an activation function to each element.
///
/// # Errors
/// If the device fails.
pub fn activate(input: &Tensor, activation: Activation) -> Result<Tensor> {
    match input.device().is_cpu() {
        true => Ok(input.contiguous()?.apply_op1(ActivationOp { activation })?),
        false => composed::activate(input, activation),
    }
}

/// Normalises over the last dimension.
///
/// # Errors
/// If shapes do not match or the device fails.
pub fn layer_norm(input: &Tensor, weight: &Tensor, bias: &Tensor, epsilon: f64) -> Result<Tensor> {
    match input.device().is_cpu() {
        true => Ok(input.contiguous()?.apply_op3(weight, bias, LayerNormOp { epsilon: epsilon as f32 })?),
        false => composed::layer_norm(input, weight, bias, epsilon),
    }
}

/// Returns the attention probabilities of `scores` (`[windows, heads, rows, length]`) times `scale`. Padding gets none.
///
/// # Errors
/// If shapes do not match or the device fails.
pub fn masked_softmax(scores: &Tensor, mask: &Mask, scale: f64) -> Result<Tensor> {
    match &mask.bias {
        None => {
            let op = SoftmaxOp { lengths: mask.lengths.clone(), scale: scale as f32 };
            Ok(scores.contiguous()?.apply_op1(op)?)
        }
        Some(bias) => composed::masked_softmax(scores, bias, scale),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Var;

    fn wave(shape: &[usize], seed: f32) -> Result<Var> {
        let count: usize = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|i| ((i as f32 * 0.73 + seed).sin() * 1.8) + 0.1).collect();
        Ok(Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu)?)?)
    }

    /// Asserts that results and all gradients of two implementations agree.
    fn assert_agree(
        inputs: &[Var],
        fused: impl Fn() -> Result<Tensor>,
        composed: impl Fn() -> Result<Tensor>,
    ) -> Result<()> {
        let (fused, composed) = (fused()?, composed()?);
        let close = |a: &Tensor, b: &Tensor, what: &str| -> Result<()> {
            let difference = (a - b)?.abs()?.flatten_all()?.max(0)?.to_scalar::<f32>()?;
            assert!(difference < 2e-5, "{what} differs by {difference}");
            Ok(())
        };
        close(&fused, &composed, "the result")?;
        // The weights differ from element to element, so that no gradient is correct merely by symmetry.
        let weight = wave(fused.dims(), 4.0)?;
        let loss = |result: Tensor| -> Result<_> { Ok((result * weight.as_tensor())?.sum_all()?.backward()?) };
        let (fused, composed) = (loss(fused)?, loss(composed)?);
        for (number, input) in inputs.iter().enumerate() {
            let gradient = |store: &candle_core::backprop::GradStore| store.get(input).cloned();
            match (gradient(&fused), gradient(&composed)) {
                (Some(a), Some(b)) => close(&a, &b, &format!("the gradient of input {number}"))?,
                _ => unreachable!("input {number} has no gradient"),
            }
        }
        Ok(())
    }

    #[test]
    fn dense_implementations_agree() -> Result<()> {
        let inputs = [wave(&[7, 12], 0.0)?, wave(&[5, 12], 1.0)?, wave(&[5], 2.0)?];
        let [x, w, b] = &inputs;
        assert_agree(&inputs, || dense(x, w, b), || composed::dense(x, w, b))
    }

    #[test]
    fn activation_implementations_agree() -> Result<()> {
        let inputs = [wave(&[9, 33], 0.0)?];
        Activation::ALL.into_iter().try_for_each(|activation| {
            assert_agree(&inputs, || activate(&inputs[0], activation), || composed::activate(&inputs[0], activation))
        })
    }

    #[test]
    fn layer_norm_implementations_agree() -> Result<()> {
        let inputs = [wave(&[2, 3, 24], 0.0)?, wave(&[24], 1.0)?, wave(&[24], 2.0)?];
        let [x, w, b] = &inputs;
        assert_agree(&inputs, || layer_norm(x, w, b, 1e-6), || composed::layer_norm(x, w, b, 1e-6))
    }

    #[test]
    fn softmax_implementations_agree() -> Result<()> {
        let inputs = [wave(&[2, 3, 4, 6], 0.0)?];
        let (lengths, device) = ([6, 4], Device::Cpu);
        let mask = Mask::new(&lengths, 6, &device)?;
        let bias = composed::mask_bias(&lengths, 6, &device)?;
        assert_agree(
            &inputs,
            || masked_softmax(&inputs[0], &mask, 0.4),
            || composed::masked_softmax(&inputs[0], &bias, 0.4),
        )
    }
}
