//! Terms of attention that depend on the positions of tokens.

use super::dense::LayerNorm;
use crate::architecture::{BIAS_TABLE, DisentangledSpec, EncoderSpec, RelativeSpec};
use crate::checkpoint::Weights;
use crate::encoder::relative::{bias_bucket, relative_row};
use crate::error::Result;
use candle_core::{D, Device, Tensor};

/// Rotary position embeddings: the two halves of a head turn against each other. Source: Su et al., "RoFormer", 2021.
pub(super) struct Rotation {
    /// `[length, head width]`; both halves are equal.
    cosine: Tensor,
    sine: Tensor,
}

impl Rotation {
    pub(super) fn new(base: f64, length: usize, head_width: usize, device: &Device) -> Result<Self> {
        let half = head_width / 2;
        // In f32, as transformers computes them.
        let frequency = |k: usize| 1.0 / (base as f32).powf((2 * k) as f32 / head_width as f32);
        let frequencies: Vec<f32> = (0..half).map(frequency).collect();
        let row = |position: usize| frequencies.iter().chain(&frequencies).map(move |f| position as f32 * f);
        let angles: Vec<f32> = (0..length).flat_map(row).collect();
        let table = |of: fn(f32) -> f32| {
            Tensor::from_vec(angles.iter().map(|&angle| of(angle)).collect(), (length, head_width), device)
        };
        Ok(Self { cosine: table(f32::cos)?, sine: table(f32::sin)? })
    }

    /// Rotates the first rows of windows, `[windows, heads, rows, head width]`.
    pub(super) fn apply(&self, input: &Tensor) -> Result<Tensor> {
        let (rows, half) = (input.dim(2)?, input.dim(3)? / 2);
        let [cosine, sine] = [&self.cosine, &self.sine].map(|table| table.narrow(0, 0, rows));
        let turned = Tensor::cat(&[input.narrow(3, half, half)?.neg()?, input.narrow(3, 0, half)?], D::Minus1)?;
        Ok((input.broadcast_mul(&cosine?)? + turned.broadcast_mul(&sine?)?)?)
    }
}

/// The terms of all layers, for windows of one length.
pub(super) struct Positions {
    /// By the base of the layers that use them.
    rotations: Vec<(f64, Rotation)>,
    /// What to add to the scores of layers with a reach, by reach: `[length, length]`.
    bands: Vec<(usize, Tensor)>,
    pub(super) terms: Terms,
}

impl Positions {
    /// Builds the terms for windows of `length` tokens.
    pub(super) fn new(weights: &Relative, spec: &EncoderSpec, length: usize, device: &Device) -> Result<Self> {
        let (mut rotations, mut bands) = (vec![], vec![]);
        for layer in &spec.layers {
            if let Some(base) = layer.rotary_base
                && !rotations.iter().any(|(known, _)| *known == base)
            {
                rotations.push((base, Rotation::new(base, length, spec.head_width(), device)?));
            }
            // Short windows are within reach everywhere.
            if let Some(reach) = layer.reach.filter(|reach| length > reach + 1)
                && !bands.iter().any(|(known, _)| *known == reach)
            {
                bands.push((reach, band(reach, length, device)?));
            }
        }
        Ok(Self { rotations, bands, terms: Terms::new(weights, spec.attention_scale(), length)? })
    }

    /// Returns the rotation of layers with this base.
    pub(super) fn rotation(&self, base: Option<f64>) -> Option<&Rotation> {
        self.rotations.iter().find(|(known, _)| Some(*known) == base).map(|(_, rotation)| rotation)
    }

    /// Returns what to add to the scores of the first `rows` queries of layers with this reach, `[rows, length]`.
    pub(super) fn band(&self, reach: Option<usize>, rows: usize) -> Result<Option<Tensor>> {
        let band = self.bands.iter().find(|(known, _)| Some(*known) == reach);
        Ok(band.map(|(_, band)| band.narrow(0, 0, rows)).transpose()?)
    }
}

/// A score with which a token gets no attention. Finite, so that no row becomes NaN.
const OUT_OF_REACH: f32 = -1e9;

/// Returns what to add to scores so that tokens with a distance above `reach` do not attend to each other.
fn band(reach: usize, length: usize, device: &Device) -> Result<Tensor> {
    let row = |query: usize| (0..length).map(move |key| if query.abs_diff(key) > reach { OUT_OF_REACH } else { 0.0 });
    let band: Vec<f32> = (0..length).flat_map(row).collect();
    Ok(Tensor::from_vec(band, (length, length), device)?)
}

/// Terms of the scores that depend on the distance of two tokens.
pub(super) enum Terms {
    None,
    /// A bias per head and pair of tokens, for scores that will be multiplied by the scale of attention:
    /// `[heads, length, length]`.
    Bias(Tensor),
    Disentangled(Disentangled),
}

impl Terms {
    fn new(weights: &Relative, scale: f64, length: usize) -> Result<Self> {
        match weights {
            Relative::None => Ok(Self::None),
            Relative::Bias { table, buckets } => {
                let rows = rows(length, |distance| bias_bucket(*buckets, distance), table.device())?;
                let bias = table.index_select(&rows, 0)?.reshape((length, length, ()))?; // [query, key, heads]
                Ok(Self::Bias((bias.permute((2, 0, 1))?.contiguous()? / scale)?))
            }
            Relative::Disentangled { vectors, norm, spec } => {
                let vectors = match norm {
                    Some(norm) => norm.forward(vectors)?,
                    None => vectors.clone(),
                };
                let rows = rows(length, |distance| relative_row(spec, distance), vectors.device())?;
                Ok(Self::Disentangled(Disentangled {
                    vectors: vectors.unsqueeze(0)?,
                    rows: rows.reshape((length, length))?,
                }))
            }
        }
    }
}

/// Returns the row of a table for each pair of query and key, `[length * length]`.
fn rows(length: usize, row: impl Fn(isize) -> usize, device: &Device) -> Result<Tensor> {
    let longest = length as isize - 1;
    let by_distance: Vec<u32> = (-longest..=longest).map(|distance| row(distance) as u32).collect();
    let pairs = (0..length).flat_map(|query| (0..length).map(move |key| length - 1 + query - key));
    Ok(Tensor::from_vec(pairs.map(|index| by_distance[index]).collect::<Vec<_>>(), length * length, device)?)
}

/// The weights of the terms.
pub(super) enum Relative {
    None,
    Bias { table: Tensor, buckets: usize },
    Disentangled { vectors: Tensor, norm: Option<LayerNorm>, spec: DisentangledSpec },
}

impl Relative {
    pub(super) fn new(weights: &Weights, spec: &EncoderSpec) -> Result<Self> {
        let width = spec.hidden_size;
        match &spec.attention.relative {
            RelativeSpec::None => Ok(Self::None),
            RelativeSpec::Bias { buckets } => {
                let table = weights.get([*buckets, spec.num_attention_heads], BIAS_TABLE)?;
                Ok(Self::Bias { table, buckets: *buckets })
            }
            RelativeSpec::Disentangled(relative) => {
                let vectors = weights.get([2 * relative.span, width], "encoder.rel_embeddings.weight")?;
                let norm =
                    || LayerNorm::new(&weights.pp("encoder.rel_embeddings.LayerNorm"), width, spec.norm.epsilon, true);
                let norm = relative.has_norm.then(norm).transpose()?;
                Ok(Self::Disentangled { vectors, norm, spec: relative.clone() })
            }
        }
    }
}

/// The vectors of relative positions, and which one stands for each pair of tokens.
pub(super) struct Disentangled {
    vectors: Tensor, // [1, positions, width]
    rows: Tensor,    // [length, length]: query, key
}

impl Disentangled {
    pub(super) fn vectors(&self) -> &Tensor {
        &self.vectors
    }

    /// Adds the products of queries with position keys, and of keys with position queries, to scores (`[windows, heads, rows,
    /// length]`). Queries and keys are `[windows, heads, rows or length, head]`, those of positions `[1, heads, positions,
    /// head]`.
    pub(super) fn add_to(
        &self,
        mut scores: Tensor,
        (query, key): (&Tensor, &Tensor),
        (position_keys, position_queries): (Option<Tensor>, Option<Tensor>),
    ) -> Result<Tensor> {
        let (windows, heads, rows, length) = scores.dims4()?;
        let index = self.rows.narrow(0, 0, rows)?; // [rows, length]
        if let Some(keys) = position_keys {
            let products = query.broadcast_matmul(&keys.t()?)?; // [windows, heads, rows, positions]
            let index = index.broadcast_as((windows, heads, rows, length))?.contiguous()?;
            scores = (scores + products.gather(&index, D::Minus1)?)?;
        }
        if let Some(queries) = position_queries {
            let products = key.broadcast_matmul(&queries.t()?)?; // [windows, heads, length, positions]
            let index = index.t()?.broadcast_as((windows, heads, length, rows))?.contiguous()?;
            scores = (scores + products.gather(&index, D::Minus1)?.transpose(2, 3)?)?;
        }
        Ok(scores)
    }
}
