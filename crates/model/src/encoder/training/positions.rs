//! Positions in attention: rotary tables, and the bias by distance with its gradient.

use super::add;
use super::group::Group;
use crate::architecture::{BIAS_TABLE, EncoderSpec, RelativeSpec};
use crate::checkpoint::Weights;
use crate::encoder::relative::bias_bucket;
use crate::error::Result;
use newsdesk_kernels::rotary::Rotary;

/// The tables that all layers share.
pub(super) struct Positions {
    /// The tables of rotary positions, by the base of the layers that use them.
    rotary: Vec<(f64, Rotary)>,
    pub(super) bias: Option<DistanceBias>,
}

/// A bias per head and distance, from a table of buckets.
pub(super) struct DistanceBias {
    name: &'static str,
    heads: usize,
    buckets: usize,
    /// The bucket of each distance, from key before query to key after query: `[2 max length - 1]`.
    bucket: Vec<usize>,
    /// `[heads, 2 max length - 1]`
    pub(super) values: Vec<f32>,
    /// `[buckets, heads]`
    d_table: Vec<f32>,
}

impl Positions {
    pub(super) fn new(spec: &EncoderSpec) -> Self {
        let mut rotary: Vec<(f64, Rotary)> = vec![];
        for base in spec.layers.iter().filter_map(|layer| layer.rotary_base) {
            if !rotary.iter().any(|(known, _)| *known == base) {
                rotary.push((base, Rotary::new(spec.head_width(), base, spec.max_length)));
            }
        }
        let (heads, longest) = (spec.num_attention_heads, spec.max_length as isize);
        let bias = match spec.attention.relative {
            RelativeSpec::Bias { buckets } => Some(DistanceBias {
                name: BIAS_TABLE,
                heads,
                buckets,
                bucket: (1 - longest..longest).map(|distance| bias_bucket(buckets, -distance)).collect(),
                values: vec![],
                d_table: vec![],
            }),
            RelativeSpec::None | RelativeSpec::Disentangled(_) => None,
        };
        Self { rotary, bias }
    }

    pub(super) fn rotary(&self, base: Option<f64>) -> Option<&Rotary> {
        self.rotary.iter().find(|(known, _)| Some(*known) == base).map(|(_, rotary)| rotary)
    }

    /// Loads the bias and sets its gradient to zero.
    pub(super) fn load(&mut self, weights: &Weights) -> Result<()> {
        let Some(DistanceBias { name, heads, buckets, bucket, values, d_table }) = &mut self.bias else {
            return Ok(());
        };
        weights.visit(&[*buckets, *heads], name, |table| {
            values.clear();
            for head in 0..*heads {
                values.extend(bucket.iter().map(|bucket| table[bucket * *heads + head]));
            }
        })?;
        d_table.clear();
        d_table.resize(*buckets * *heads, 0.0);
        Ok(())
    }

    /// Adds the gradients of groups that went backward, in their order.
    pub(super) fn add_gradients(&mut self, groups: &[Group]) {
        let Some(DistanceBias { heads, bucket, values, d_table, .. }) = &mut self.bias else { return };
        let mut sum = vec![0.0; values.len()];
        groups.iter().for_each(|group| add(&mut sum, &group.d_bias));
        for (head, row) in sum.chunks_exact(bucket.len()).enumerate() {
            for (&bucket, gradient) in bucket.iter().zip(row) {
                d_table[bucket * *heads + head] += gradient;
            }
        }
    }

    pub(super) fn gradients(&self) -> impl Iterator<Item = (&str, &[f32])> {
        self.bias.iter().map(|bias| (bias.name, bias.d_table.as_slice()))
    }
}
