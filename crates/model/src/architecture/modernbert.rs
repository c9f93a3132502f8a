//! ModernBERT. Source: Warner et al., "ModernBERT", 2024; `ModernBertForSequenceClassification` of transformers.
//!
//! Layers normalise their input. Positions are rotary. Most layers attend to near tokens only.

use super::keys::Keys;
use super::layout::Name;
use super::{
    Architecture, AttentionSpec, EmbeddingSpec, EncoderSpec, FeedForwardSpec, LayerSpec, Layout, NormPlacement,
    NormSpec, PoolerInput, PoolerSpec, RelativeSpec, numbered,
};
use crate::error::Result;
use serde_json::Value;

const NAMES: &[Name] = &[
    Name::encoder("embeddings.word_embeddings", "embeddings.tok_embeddings"),
    Name::encoder("embeddings.LayerNorm", "embeddings.norm"),
    Name::layer_part("attention.self.query", "attn.Wqkv", 0, 3),
    Name::layer_part("attention.self.key", "attn.Wqkv", 1, 3),
    Name::layer_part("attention.self.value", "attn.Wqkv", 2, 3),
    Name::layer("attention.output.dense", "attn.Wo"),
    Name::layer("attention.LayerNorm", "attn_norm"),
    Name::layer("intermediate.dense", "mlp.Wi"),
    Name::layer("intermediate.LayerNorm", "mlp_norm"),
    Name::layer("output.dense", "mlp.Wo"),
    Name::encoder("encoder.LayerNorm", "final_norm"),
    Name::root("pooler.dense", "head.dense"),
    Name::root("pooler.LayerNorm", "head.norm"),
];

/// The types of layers in a configuration: those that attend to the whole window, and those that attend to near tokens only.
const GLOBAL: &str = "full_attention";
const LOCAL: &str = "sliding_attention";

pub(super) fn read(keys: Keys) -> Result<Architecture> {
    let (vocab_size, hidden_size) = (keys.size("vocab_size")?, keys.size("hidden_size")?);
    let norm = NormSpec { epsilon: keys.share("norm_eps", 1e-5)?, has_bias: keys.flag("norm_bias", false)? };
    let attention_bias = keys.flag("attention_bias", false)?;
    let layers = layers(keys)?;
    let input = match keys.text_if_any("classifier_pooling")?.unwrap_or("cls") {
        "cls" => PoolerInput::First,
        "mean" => PoolerInput::Mean,
        other => return Err(keys.invalid("classifier_pooling", &format!("`{other}` is none of cls, mean"))),
    };
    let layout = Layout::new("ModernBERT", "ModernBert", "model", numbered("layers", layers.len()), &[NAMES]);
    let encoder = EncoderSpec {
        vocab_size,
        hidden_size,
        num_attention_heads: keys.heads("num_attention_heads", hidden_size)?,
        intermediate_size: keys.size("intermediate_size")?,
        max_length: keys.length("max_position_embeddings")?,
        pad_token_id: keys.padding(vocab_size, 0)?,
        embeddings: EmbeddingSpec {
            width: hidden_size,
            positions: None,
            segments: 0,
            has_norm: true,
            has_projection: false,
        },
        layers,
        norm,
        norm_placement: NormPlacement::Before,
        attention: AttentionSpec {
            has_bias: attention_bias,
            has_output_bias: attention_bias,
            relative: RelativeSpec::None,
        },
        feed_forward: FeedForwardSpec {
            activation: keys.activation("hidden_activation", "gelu")?,
            is_gated: true,
            has_bias: keys.flag("mlp_bias", false)?,
        },
        pooler: PoolerSpec {
            input,
            has_bias: keys.flag("classifier_bias", false)?,
            activation: keys.activation("classifier_activation", "gelu")?,
            norm: Some(norm),
        },
        hidden_dropout_prob: keys.share("mlp_dropout", 0.0)?,
        attention_probs_dropout_prob: keys.share("attention_dropout", 0.0)?,
    };
    if !encoder.head_width().is_multiple_of(2) {
        return Err(keys.invalid("num_attention_heads", "rotary positions need heads of even width"));
    }
    Ok(Architecture { encoder, layout })
}

/// Reads which layers attend to the whole window, and the bases of their rotary positions.
///
/// Older configurations spell them as numbers, newer ones as lists.
fn layers(keys: Keys) -> Result<Vec<LayerSpec>> {
    let count = keys.layers("num_hidden_layers")?;
    let is_global: Vec<bool> = match keys.value("layer_types") {
        None => {
            let every = keys.size_if_any("global_attn_every_n_layers")?.unwrap_or(3);
            (0..count).map(|number| number.is_multiple_of(every)).collect()
        }
        Some(Value::Array(types)) if types.len() == count => types
            .iter()
            .map(|kind| match kind.as_str() {
                Some(GLOBAL) => Ok(true),
                Some(LOCAL) => Ok(false),
                _ => Err(keys.invalid("layer_types", &format!("{kind} is not supported"))),
            })
            .collect::<Result<_>>()?,
        Some(_) => return Err(keys.invalid("layer_types", &format!("it is not a list of {count} types"))),
    };
    let reach = keys.size_if_any("local_attention")?.unwrap_or(128) / 2;
    let global_base = rotary_base(keys, GLOBAL, "global_rope_theta", 160_000.0)?;
    let local_base = rotary_base(keys, LOCAL, "local_rope_theta", 10_000.0)?;
    let layer = |(weights, &is_global): (usize, &bool)| LayerSpec {
        weights,
        reach: (!is_global).then_some(reach),
        rotary_base: Some(if is_global { global_base } else { local_base }),
        // The embeddings are normalised already.
        has_attention_norm: weights > 0,
    };
    Ok(is_global.iter().enumerate().map(layer).collect())
}

/// Returns the list of types for these layers.
pub(super) fn layer_types<'a>(layers: impl Iterator<Item = &'a LayerSpec>) -> Value {
    layers.map(|layer| if layer.reach.is_none() { GLOBAL } else { LOCAL }).collect()
}

/// Reads the base of rotary positions for a kind of layer. `older` is its key in older configurations.
fn rotary_base(keys: Keys, kind: &str, older: &str, default: f64) -> Result<f64> {
    const NEWER: &str = "rope_parameters";
    if keys.value("rope_scaling").is_some() {
        return Err(keys.invalid("rope_scaling", "scaled rotary positions are not supported"));
    }
    let older = keys.positive(older)?;
    let parameters = keys.optional(NEWER, "an object", Value::as_object)?;
    let Some(parameters) = parameters.and_then(|parameters| parameters.get(kind)) else {
        return Ok(older.unwrap_or(default));
    };
    match parameters.get("rope_type").filter(|kind| !kind.is_null()) {
        None => {}
        Some(kind) if kind == "default" => {}
        Some(other) => return Err(keys.invalid(NEWER, &format!("{other} is not supported, only \"default\" is"))),
    }
    match parameters.get("rope_theta").filter(|base| !base.is_null()) {
        None => Ok(older.unwrap_or(default)),
        Some(base) => base
            .as_f64()
            .filter(|&base| base > 0.0 && base.is_finite())
            .ok_or_else(|| keys.invalid(NEWER, &format!("the rope_theta {base} is not a positive number"))),
    }
}
