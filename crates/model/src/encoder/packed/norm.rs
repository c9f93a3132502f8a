//! A layer norm.

use crate::architecture::NormSpec;
use crate::checkpoint::Weights;
use crate::error::Result;
use newsdesk_kernels::instructions::InstructionSet;
use newsdesk_kernels::layer_norm;

/// A layer norm. Its bias is zero if the checkpoint has none.
pub(crate) struct LayerNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f32,
}

impl LayerNorm {
    pub(crate) fn new(weights: &Weights, width: usize, spec: NormSpec) -> Result<Self> {
        let read = |name: &str| {
            let mut values = vec![];
            weights.read(&[width], name, &mut values).map(|()| values)
        };
        let bias = if spec.has_bias { read("bias")? } else { vec![0.0; width] };
        Ok(Self { weight: read("weight")?, bias, epsilon: spec.epsilon as f32 })
    }

    /// Normalises each row.
    pub(crate) fn in_place(&self, hidden: &mut [f32], set: InstructionSet) {
        layer_norm::in_place(hidden, &self.weight, &self.bias, self.epsilon, set);
    }

    /// Adds `update` to `hidden` and normalises the sum.
    pub(super) fn residual(&self, hidden: &mut [f32], update: &[f32], set: InstructionSet) {
        layer_norm::residual(hidden, update, &self.weight, &self.bias, self.epsilon, set);
    }
}
