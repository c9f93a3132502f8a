//! Dense layers and layer norms with the gradients of their weights.

use super::add;
use super::group::{Group, ProductScratch, sized};
use super::rounding::Rounding;
use crate::checkpoint::Weights;
use crate::error::Result;
use newsdesk_kernels::instructions::InstructionSet;
use newsdesk_kernels::packed::{PackedDense, PreciseRows, round_activations, round_weights};
use newsdesk_kernels::{layer_norm, matmul};

/// Outputs of a dense layer whose weight gradients one task sums.
const TASK_OUTPUTS: usize = 192;

/// A dense layer, packed for the forward and the backward pass.
pub(super) struct Linear {
    names: Names,
    rounding: Rounding,
    packed: PackedDense,
    /// For the backward pass.
    transposed: PackedDense,
    d_weight: Vec<f32>,
    d_bias: Vec<f32>,
}

/// The names of a weight and, if there is one, of a bias.
struct Names {
    weight: String,
    bias: Option<String>,
}

impl Names {
    fn new(name: &str, has_bias: bool) -> Self {
        Self { weight: format!("{name}.weight"), bias: has_bias.then(|| format!("{name}.bias")) }
    }

    /// Pairs the names with the gradients of weight and bias.
    fn with<'a>(&'a self, weight: &'a [f32], bias: &'a [f32]) -> impl Iterator<Item = (&'a str, &'a [f32])> {
        let bias = self.bias.as_deref().map(|name| (name, bias));
        [(self.weight.as_str(), weight)].into_iter().chain(bias)
    }
}

impl Linear {
    pub(super) fn new(name: &str, input: usize, output: usize, has_bias: bool, rounding: Rounding) -> Self {
        let set = InstructionSet::best();
        Self {
            names: Names::new(name, has_bias),
            rounding,
            packed: PackedDense::zeros(input, output, set),
            transposed: PackedDense::zeros(output, input, set),
            d_weight: vec![0.0; input * output],
            d_bias: vec![0.0; output],
        }
    }

    /// Loads the weights and sets the gradients to zero.
    pub(super) fn load(&mut self, weights: &Weights) -> Result<()> {
        let (input, output) = (self.input_width(), self.output_width());
        let Self { names, rounding, packed, transposed, .. } = self;
        weights.visit(&[output, input], &names.weight, |weight| {
            let mut rounded = vec![];
            let weight = match rounding {
                Rounding::Nothing => weight,
                Rounding::Int8 => {
                    rounded.extend_from_slice(weight);
                    round_weights(&mut rounded, input);
                    &rounded
                }
            };
            transposed.fill_transposed(weight);
            match &names.bias {
                Some(name) => weights.visit(&[output], name, |bias| packed.fill(weight, bias)),
                None => {
                    packed.fill(weight, &vec![0.0; output]);
                    Ok(())
                }
            }
        })??;
        self.d_weight.fill(0.0);
        self.d_bias.fill(0.0);
        Ok(())
    }

    /// Returns the length of an input row.
    pub(super) fn input_width(&self) -> usize {
        self.packed.depth()
    }

    /// Returns the length of an output row.
    pub(super) fn output_width(&self) -> usize {
        self.packed.width()
    }

    /// Computes the output, `[rows, output width]`, of an input, `[rows, input width]`.
    pub(super) fn forward(&self, input: &[f32], precise: PreciseRows, scratch: &mut ProductScratch, out: &mut [f32]) {
        let ProductScratch { product, rounded } = scratch;
        match self.rounding {
            Rounding::Nothing => self.packed.forward(input, product, out),
            Rounding::Int8 => {
                let rounded = sized(rounded, input.len());
                round_activations(input, self.input_width(), precise, product, rounded);
                self.packed.forward(rounded, product, out);
            }
        }
    }

    /// Computes the gradient of the input from that of the output.
    pub(super) fn backward(&self, gradient: &[f32], scratch: &mut ProductScratch, out: &mut [f32]) {
        self.transposed.forward(gradient, &mut scratch.product, out);
    }

    pub(super) fn gradients(&self) -> impl Iterator<Item = (&str, &[f32])> {
        self.names.with(&self.d_weight, &self.d_bias)
    }

    /// Splits the summation of the weight gradients into tasks. `uses` are the numbers of the layers that have these weights, and
    /// `operands` selects their tensors.
    pub(super) fn tasks(
        &mut self,
        uses: Vec<usize>,
        operands: Operands,
    ) -> impl Iterator<Item = GradientTask<'_>> + use<'_> {
        let (input, output) = (self.input_width(), self.output_width());
        let parts = self.d_weight.chunks_mut(TASK_OUTPUTS * input).zip(self.d_bias.chunks_mut(TASK_OUTPUTS));
        parts.enumerate().map(move |(number, (d_weight, d_bias))| GradientTask {
            uses: uses.clone(),
            operands,
            first: number * TASK_OUTPUTS,
            input,
            output,
            d_weight,
            d_bias,
        })
    }
}

/// Selects two tensors of a dense layer in a group, by the number of the layer: the gradient of its output, and its input.
pub(super) type Operands = fn(&Group, usize) -> (&[f32], &[f32]);

/// A block of a dense layer's outputs, whose weight gradients are to be summed over all groups.
pub(super) struct GradientTask<'a> {
    uses: Vec<usize>,
    operands: Operands,
    /// First output of the block.
    first: usize,
    input: usize,
    output: usize,
    d_weight: &'a mut [f32],
    d_bias: &'a mut [f32],
}

impl GradientTask<'_> {
    /// Adds the gradients of all groups, in their order, and within a group in that of the layers.
    pub(super) fn accumulate(&mut self, groups: &[Group]) {
        for group in groups {
            for &number in &self.uses {
                let (gradient, input) = (self.operands)(group, number);
                let (d_weight, d_bias) = (&mut *self.d_weight, &mut *self.d_bias);
                matmul::dense_weight_gradient(gradient, self.output, input, self.input, self.first, d_weight, d_bias);
            }
        }
    }
}

/// A layer norm with the gradients of its weights.
pub(super) struct Norm {
    names: Names,
    weight: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f32,
    d_weight: Vec<f32>,
    d_bias: Vec<f32>,
}

impl Norm {
    pub(super) fn new(name: &str, width: usize, epsilon: f64, has_bias: bool) -> Self {
        let zeros = || vec![0.0; width];
        Self {
            names: Names::new(name, has_bias),
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
        weights.visit(&[width], &self.names.weight, |weight| self.weight.copy_from_slice(weight))?;
        if let Some(name) = &self.names.bias {
            weights.visit(&[width], name, |bias| self.bias.copy_from_slice(bias))?;
        }
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

    pub(super) fn gradients(&self) -> impl Iterator<Item = (&str, &[f32])> {
        self.names.with(&self.d_weight, &self.d_bias)
    }
}
