//! Dense layers and layer norms with the gradients of their weights.

use super::add;
use super::group::{Group, LayerMemory};
use crate::encoder::Weights;
use crate::error::Result;
use newsdesk_kernels::instructions::InstructionSet;
use newsdesk_kernels::packed::PackedDense;
use newsdesk_kernels::{layer_norm, matmul};

/// Outputs of a dense layer whose weight gradients one task sums.
const TASK_OUTPUTS: usize = 192;

/// A dense layer, packed for the forward and the backward pass.
pub(super) struct Linear {
    names: [String; 2],
    pub(super) forward: PackedDense,
    pub(super) backward: PackedDense,
    d_weight: Vec<f32>,
    d_bias: Vec<f32>,
}

impl Linear {
    pub(super) fn new(name: &str, input: usize, output: usize) -> Self {
        let set = InstructionSet::best();
        Self {
            names: names(name),
            forward: PackedDense::zeros(input, output, set),
            backward: PackedDense::zeros(output, input, set),
            d_weight: vec![0.0; input * output],
            d_bias: vec![0.0; output],
        }
    }

    /// Loads the weights and sets the gradients to zero.
    pub(super) fn load(&mut self, weights: &Weights) -> Result<()> {
        let (input, output) = (self.forward.depth(), self.forward.width());
        let Self { forward, backward, .. } = self;
        weights.visit(&[output, input], &self.names[0], |weight| {
            backward.fill_transposed(weight);
            weights.visit(&[output], &self.names[1], |bias| forward.fill(weight, bias))
        })??;
        self.d_weight.fill(0.0);
        self.d_bias.fill(0.0);
        Ok(())
    }

    pub(super) fn gradients(&self) -> [(&str, &[f32]); 2] {
        [(&self.names[0], &self.d_weight), (&self.names[1], &self.d_bias)]
    }

    /// Splits the summation of the weight gradients into tasks. `operands` selects the layer's tensors.
    pub(super) fn tasks(&mut self, layer: usize, operands: Operands) -> impl Iterator<Item = GradientTask<'_>> {
        let (input, output) = (self.forward.depth(), self.forward.width());
        let parts = self.d_weight.chunks_mut(TASK_OUTPUTS * input).zip(self.d_bias.chunks_mut(TASK_OUTPUTS));
        parts.enumerate().map(move |(number, (d_weight, d_bias))| GradientTask {
            layer,
            operands,
            first: number * TASK_OUTPUTS,
            input,
            output,
            d_weight,
            d_bias,
        })
    }
}

/// Selects two tensors of a dense layer: the gradient of its output, and its input.
pub(super) type Operands = fn(&LayerMemory) -> (&[f32], &[f32]);

/// A block of a dense layer's outputs, whose weight gradients are to be summed over all groups.
pub(super) struct GradientTask<'a> {
    layer: usize,
    operands: Operands,
    /// First output of the block.
    first: usize,
    input: usize,
    output: usize,
    d_weight: &'a mut [f32],
    d_bias: &'a mut [f32],
}

impl GradientTask<'_> {
    /// Adds the gradients of all groups, in their order.
    pub(super) fn accumulate(&mut self, groups: &[Group]) {
        for group in groups {
            let (gradient, input) = (self.operands)(&group.layers[self.layer]);
            let (d_weight, d_bias) = (&mut *self.d_weight, &mut *self.d_bias);
            matmul::dense_weight_gradient(gradient, self.output, input, self.input, self.first, d_weight, d_bias);
        }
    }
}

/// A layer norm with the gradients of its weights.
pub(super) struct Norm {
    names: [String; 2],
    weight: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f32,
    d_weight: Vec<f32>,
    d_bias: Vec<f32>,
}

impl Norm {
    pub(super) fn new(name: &str, width: usize, epsilon: f64) -> Self {
        let zeros = || vec![0.0; width];
        Self {
            names: names(name),
            weight: zeros(),
            bias: zeros(),
            epsilon: epsilon as f32,
            d_weight: zeros(),
            d_bias: zeros(),
        }
    }

    /// Loads the weights and sets the gradients to zero.
    pub(super) fn load(&mut self, weights: &Weights) -> Result<()> {
        let width = self.weight.len();
        weights.visit(&[width], &self.names[0], |weight| self.weight.copy_from_slice(weight))?;
        weights.visit(&[width], &self.names[1], |bias| self.bias.copy_from_slice(bias))?;
        self.d_weight.fill(0.0);
        self.d_bias.fill(0.0);
        Ok(())
    }

    pub(super) fn forward(&self, input: &[f32], out: &mut [f32]) {
        layer_norm::forward(input, &self.weight, &self.bias, self.epsilon, out);
    }

    /// Writes the gradient of `input` to `out`, and those of weight and bias to `parts`.
    pub(super) fn backward(&self, input: &[f32], gradient: &[f32], out: &mut [f32], parts: &mut [Vec<f32>; 2]) {
        for part in parts.iter_mut() {
            part.clear();
            part.resize(self.weight.len(), 0.0);
        }
        let [d_weight, d_bias] = parts;
        layer_norm::backward(input, &self.weight, self.epsilon, gradient, out, d_weight, d_bias);
    }

    /// Adds the gradients of weight and bias that one group left.
    pub(super) fn add(&mut self, parts: &[Vec<f32>; 2]) {
        for (sum, part) in [&mut self.d_weight, &mut self.d_bias].into_iter().zip(parts) {
            add(sum, part);
        }
    }

    pub(super) fn gradients(&self) -> [(&str, &[f32]); 2] {
        [(&self.names[0], &self.d_weight), (&self.names[1], &self.d_bias)]
    }
}

fn names(name: &str) -> [String; 2] {
    ["weight", "bias"].map(|part| format!("{name}.{part}"))
}
