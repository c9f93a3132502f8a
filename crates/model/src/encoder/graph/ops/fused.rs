//! The operations on a CPU with their gradients, each one pass of `newsdesk-kernels`.

use crate::checkpoint::{values, with_values};
use candle_core::{CpuStorage, CustomOp1, CustomOp3, DType, Layout, Shape, Tensor};
use newsdesk_kernels as kernels;
use newsdesk_kernels::activation::Activation;

pub(super) struct DenseOp;

impl CustomOp3 for DenseOp {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        input_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (rows, depth) = input_layout.shape().dims2()?;
        let width = bias_layout.shape().dims1()?;
        if weight_layout.dims() != [width, depth] {
            candle_core::bail!("dense: weight {:?} for input {:?}", weight_layout.dims(), input_layout.dims());
        }
        let mut out = vec![0f32; rows * width];
        let (input, weight) = (values(input, input_layout)?, values(weight, weight_layout)?);
        kernels::matmul::dense(input, weight, values(bias, bias_layout)?, rows, depth, &mut out);
        Ok((CpuStorage::F32(out), (rows, width).into()))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        _bias: &Tensor,
        _result: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        let d_input = gradient.matmul(weight)?; // [rows, in]
        let d_weight = gradient.t()?.matmul(input)?; // [out, in]
        // A product with ones sums over rows far faster than candle's strided sum.
        let ones = Tensor::ones((1, gradient.dim(0)?), DType::F32, gradient.device())?;
        let d_bias = ones.matmul(&gradient)?.squeeze(0)?; // [out]
        Ok((Some(d_input), Some(d_weight), Some(d_bias)))
    }
}

pub(super) struct ActivationOp {
    pub(super) activation: Activation,
}

impl CustomOp1 for ActivationOp {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn cpu_fwd(&self, input: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let input = values(input, layout)?;
        let mut out = vec![0f32; input.len()];
        self.activation.forward(input, &mut out);
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(&self, input: &Tensor, _result: &Tensor, gradient: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let mut out = vec![0f32; input.elem_count()];
        with_values(input, |x| with_values(gradient, |g| self.activation.backward(x, g, &mut out)))??;
        Ok(Some(Tensor::from_vec(out, input.shape(), input.device())?))
    }
}

pub(super) struct LayerNormOp {
    pub(super) epsilon: f32,
}

impl CustomOp3 for LayerNormOp {
    fn name(&self) -> &'static str {
        "layer-norm"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (input, weight) = (values(input, layout)?, values(weight, weight_layout)?);
        let mut out = vec![0f32; input.len()];
        kernels::layer_norm::forward(input, weight, values(bias, bias_layout)?, self.epsilon, &mut out);
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        _bias: &Tensor,
        _result: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let width = weight.elem_count();
        let (mut d_input, mut d_weight, mut d_bias) =
            (vec![0f32; input.elem_count()], vec![0f32; width], vec![0f32; width]);
        with_values(input, |x| {
            with_values(weight, |w| {
                with_values(gradient, |g| {
                    let (d_weight, d_bias) = (&mut d_weight, &mut d_bias);
                    kernels::layer_norm::backward(x, w, self.epsilon, g, &mut d_input, d_weight, d_bias);
                })
            })
        })???;
        let device = input.device();
        Ok((
            Some(Tensor::from_vec(d_input, input.shape(), device)?),
            Some(Tensor::from_vec(d_weight, width, device)?),
            Some(Tensor::from_vec(d_bias, width, device)?),
        ))
    }
}

pub(super) struct SoftmaxOp {
    pub(super) lengths: Vec<usize>,
    pub(super) scale: f32,
}

impl CustomOp1 for SoftmaxOp {
    fn name(&self) -> &'static str {
        "masked-softmax"
    }

    fn cpu_fwd(&self, scores: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let (windows, heads, rows, length) = layout.shape().dims4()?;
        if self.lengths.len() != windows {
            candle_core::bail!("masked-softmax: {} lengths for {windows} windows", self.lengths.len());
        }
        let mut out = values(scores, layout)?.to_vec();
        for (window, &valid) in out.chunks_exact_mut((heads * rows * length).max(1)).zip(&self.lengths) {
            kernels::softmax::forward(window, length, valid, self.scale);
        }
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(&self, _scores: &Tensor, result: &Tensor, gradient: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let length = result.dim(3)?;
        let mut out = with_values(gradient, <[f32]>::to_vec)?;
        with_values(result, |p| kernels::softmax::backward(p, &mut out, length, self.scale))?;
        Ok(Some(Tensor::from_vec(out, result.shape(), result.device())?))
    }
}
