//! Positions in attention: rotary tables, and terms of the scores that depend on distance.

use super::Kernels;
use super::dense;
use super::norm::LayerNorm;
use crate::architecture::{BIAS_TABLE, DisentangledSpec, EncoderSpec, LayerSpec, NormSpec, RelativeSpec};
use crate::checkpoint::Weights;
use crate::encoder::relative::{bias_bucket, relative_bucket};
use crate::error::Result;
use newsdesk_kernels::instructions::InstructionSet;
use newsdesk_kernels::packed::{DisentangledPositions, DistanceBias, Dtype, PreciseRows, Relative, Scratch};
use newsdesk_kernels::rotary::Rotary;

/// The tables that all layers share.
pub(super) struct Positions {
    /// The tables of rotary positions, by the base of the layers that use them.
    rotary: Vec<(f64, Rotary)>,
    bias: Option<DistanceBias>,
    /// The vectors of relative positions after their norm, `[positions, width]`.
    vectors: Vec<f32>,
}

/// The tables of one layer.
pub(super) struct LayerPositions {
    rotary_base: Option<f64>,
    disentangled: Option<DisentangledPositions>,
}

impl Positions {
    pub(super) fn new(weights: &Weights, spec: &EncoderSpec, set: InstructionSet) -> Result<Self> {
        let mut rotary: Vec<(f64, Rotary)> = vec![];
        for base in spec.layers.iter().filter_map(|layer| layer.rotary_base) {
            if !rotary.iter().any(|(known, _)| *known == base) {
                rotary.push((base, Rotary::new(spec.head_width(), base, spec.max_length)));
            }
        }
        let (mut bias, mut vectors) = (None, vec![]);
        match &spec.attention.relative {
            RelativeSpec::None => {}
            RelativeSpec::Bias { buckets } => bias = Some(distance_bias(weights, spec, *buckets)?),
            RelativeSpec::Disentangled(relative) => vectors = position_vectors(weights, spec, relative, set)?,
        }
        Ok(Self { rotary, bias, vectors })
    }

    /// Returns the tables of rotary positions of a layer.
    pub(super) fn rotary(&self, layer: &LayerPositions) -> Option<&Rotary> {
        let base = layer.rotary_base?;
        self.rotary.iter().find(|(known, _)| *known == base).map(|(_, rotary)| rotary)
    }

    /// Returns the terms of the scores of a layer.
    pub(super) fn relative<'a>(&'a self, layer: &'a LayerPositions) -> Relative<'a> {
        match (&self.bias, &layer.disentangled) {
            (Some(bias), _) => Relative::Bias(bias),
            (None, Some(positions)) => Relative::Disentangled(positions),
            (None, None) => Relative::None,
        }
    }
}

/// Returns the bias of every head and distance.
fn distance_bias(weights: &Weights, spec: &EncoderSpec, buckets: usize) -> Result<DistanceBias> {
    let (heads, longest) = (spec.num_attention_heads, spec.max_length as isize);
    let mut table = vec![]; // [buckets, heads]
    weights.read(&[buckets, heads], BIAS_TABLE, &mut table)?;
    // The key's position minus the query's runs from -(longest - 1) to longest - 1.
    let row = |head: usize| (1 - longest..longest).map(move |distance| (head, -distance));
    let values: Vec<f32> =
        (0..heads).flat_map(row).map(|(head, distance)| table[bias_bucket(buckets, distance) * heads + head]).collect();
    Ok(DistanceBias::new(&values, heads, spec.attention_scale() as f32))
}

fn position_vectors(
    weights: &Weights,
    spec: &EncoderSpec,
    relative: &DisentangledSpec,
    set: InstructionSet,
) -> Result<Vec<f32>> {
    let width = spec.hidden_size;
    let mut vectors = vec![];
    weights.read(&[2 * relative.span, width], "encoder.rel_embeddings.weight", &mut vectors)?;
    if relative.has_norm {
        let norm = NormSpec { has_bias: true, ..spec.norm };
        LayerNorm::new(&weights.pp("encoder.rel_embeddings.LayerNorm"), width, norm)?.in_place(&mut vectors, set);
    }
    Ok(vectors)
}

impl LayerPositions {
    /// `weights` are those of the layer's `attention.self`.
    pub(super) fn new(
        weights: &Weights,
        spec: &EncoderSpec,
        layer: &LayerSpec,
        shared: &Positions,
        set: InstructionSet,
    ) -> Result<Self> {
        let disentangled = match &spec.attention.relative {
            RelativeSpec::None | RelativeSpec::Bias { .. } => None,
            RelativeSpec::Disentangled(relative) => Some(disentangled(weights, spec, relative, &shared.vectors, set)?),
        };
        Ok(Self { rotary_base: layer.rotary_base, disentangled })
    }
}

/// Multiplies the vectors of relative positions with the projections of a layer. This depends on weights alone, so it is done
/// once. It is in f32 in every dtype, because the products of all articles contain it.
fn disentangled(
    weights: &Weights,
    spec: &EncoderSpec,
    relative: &DisentangledSpec,
    vectors: &[f32],
    set: InstructionSet,
) -> Result<DisentangledPositions> {
    let width = spec.hidden_size;
    let kernels = Kernels::new(Dtype::F32, set);
    let project = |is_used: bool, own: &str, shared: &str, has_bias: bool| -> Result<Option<Vec<f32>>> {
        let (name, has_bias) = if relative.shares_projections { (shared, has_bias) } else { (own, true) };
        if !is_used {
            return Ok(None);
        }
        let projection = dense(&[&weights.pp(name)], width, width, has_bias, kernels)?;
        let mut projected = vec![0.0; vectors.len()];
        let (precise, memory) = (PreciseRows::default(), &mut Scratch::default());
        super::by_block(&projection, kernels.block, vectors, precise, memory, &mut projected);
        Ok(Some(projected))
    };
    let has_bias = spec.attention.has_bias;
    let keys = project(relative.content_to_position, "position_key", "key", has_bias)?;
    let queries = project(relative.position_to_content, "position_query", "query", has_bias)?;
    Ok(DisentangledPositions::new(
        keys.as_deref(),
        queries.as_deref(),
        spec.num_attention_heads,
        spec.head_width(),
        relative.span,
        |distance| relative_bucket(relative, distance),
        spec.max_length,
        set,
    ))
}
