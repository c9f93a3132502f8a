//! DeBERTa versions 2 and 3. Source: He et al., "DeBERTa", 2021, and "DeBERTaV3", 2023; `DebertaV2ForSequenceClassification`
//! of transformers.
//!
//! Tokens have no position vectors. Instead, the scores of attention contain products with vectors of relative positions.

use super::keys::Keys;
use super::layout::Name;
use super::{Architecture, DisentangledSpec, EncoderSpec, Layout, PositionTable, RelativeSpec, bert, numbered};
use crate::error::Result;
use serde_json::Value;

const NAMES: &[Name] = &[
    Name::layer("attention.self.query", "attention.self.query_proj"),
    Name::layer("attention.self.key", "attention.self.key_proj"),
    Name::layer("attention.self.value", "attention.self.value_proj"),
    Name::layer("attention.self.position_key", "attention.self.pos_key_proj"),
    Name::layer("attention.self.position_query", "attention.self.pos_query_proj"),
    Name::encoder("encoder.rel_embeddings.LayerNorm", "encoder.LayerNorm"),
    Name::root("pooler.dense", "pooler.dense"),
];

pub(super) fn read(keys: Keys) -> Result<Architecture> {
    let mut encoder = bert::encoder(keys)?;
    encoder.norm.epsilon = keys.share("layer_norm_eps", 1e-7)?;
    let unsupported = |key: &str, what: &str| Err(keys.invalid(key, &format!("{what} is not supported")));
    if keys.count("conv_kernel_size", 0)? > 0 {
        return unsupported("conv_kernel_size", "a convolution after the first layer (xlarge, xxlarge)");
    }
    let hidden_size = encoder.hidden_size as u64;
    for (key, usual) in [
        ("embedding_size", hidden_size),
        ("attention_head_size", encoder.head_width() as u64),
        ("pooler_hidden_size", hidden_size),
    ] {
        if let Some(size) = keys.size_if_any(key)?
            && size as u64 != usual
        {
            return unsupported(key, &format!("{size} instead of {usual}"));
        }
    }
    let rows = keys.length("max_position_embeddings")?;
    let has_positions = keys.flag("position_biased_input", true)?;
    encoder.embeddings.positions = has_positions.then_some(PositionTable { rows, first: 0 });
    encoder.embeddings.segments = keys.count("type_vocab_size", 0)?;
    encoder.attention.relative = relative(keys, &encoder)?;
    encoder.pooler.activation = keys.activation("pooler_hidden_act", "gelu")?;
    let layout =
        Layout::new("DeBERTa", "DebertaV2", "deberta", numbered("encoder.layer", encoder.layers.len()), &[NAMES]);
    Ok(Architecture { encoder, layout })
}

/// Reads the keys of relative attention.
fn relative<'a>(keys: Keys<'a>, encoder: &EncoderSpec) -> Result<RelativeSpec> {
    if !keys.flag("relative_attention", false)? {
        return Ok(RelativeSpec::None);
    }
    let read = |terms: &'a Value| -> Option<Vec<&'a str>> {
        match terms {
            Value::String(terms) => Some(terms.split('|').map(str::trim).filter(|term| !term.is_empty()).collect()),
            Value::Array(terms) => terms.iter().map(Value::as_str).collect(),
            _ => None,
        }
    };
    let terms = keys.optional("pos_att_type", "a list of terms", read)?.unwrap_or_default();
    if let Some(other) = terms.iter().find(|term| !["c2p", "p2c"].contains(term)) {
        return Err(keys.invalid("pos_att_type", &format!("`{other}` is not supported, only c2p and p2c are")));
    }
    // A number below 1 stands for the default.
    let number = |key: &str| -> Result<Option<usize>> {
        let value = keys.optional(key, "an integer", Value::as_i64)?;
        Ok(value.and_then(|value| usize::try_from(value).ok()).filter(|&value| value > 0))
    };
    let max_distance = number("max_relative_positions")?.unwrap_or(encoder.max_length);
    let buckets = number("position_buckets")?;
    if let Some(buckets) = buckets
        && (buckets < 2 || max_distance <= buckets / 2 + 1)
    {
        let cause = format!("{buckets} buckets for {max_distance} distances leave no distance for a logarithmic scale");
        return Err(keys.invalid("position_buckets", &cause));
    }
    let norms = keys.text_if_any("norm_rel_ebd")?.unwrap_or("none");
    Ok(RelativeSpec::Disentangled(DisentangledSpec {
        span: buckets.unwrap_or(max_distance),
        buckets,
        max_distance,
        content_to_position: terms.contains(&"c2p"),
        position_to_content: terms.contains(&"p2c"),
        shares_projections: keys.flag("share_att_key", false)?,
        has_norm: norms.to_lowercase().split('|').any(|norm| norm.trim() == "layer_norm"),
    }))
}
