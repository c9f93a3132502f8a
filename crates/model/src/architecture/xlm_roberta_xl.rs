//! XLM-RoBERTa XL and XXL. Source: Goyal et al., "Larger-Scale Transformers for Multilingual Masked Language Modeling", 2021;
//! `XLMRobertaXLForSequenceClassification` of transformers.
//!
//! RoBERTa with norms before attention and feed-forward blocks, and none after the embeddings.

use super::keys::Keys;
use super::layout::Name;
use super::{Architecture, Layout, NormPlacement, numbered, roberta};
use crate::error::Result;

const NAMES: &[Name] = &[
    Name::layer("attention.LayerNorm", "attention.self_attn_layer_norm"),
    Name::layer("intermediate.LayerNorm", "LayerNorm"),
];

pub(super) fn read(keys: Keys) -> Result<Architecture> {
    let mut encoder = roberta::encoder(keys)?;
    encoder.norm.epsilon = keys.share("layer_norm_eps", 1e-5)?;
    encoder.norm_placement = NormPlacement::Before;
    encoder.embeddings.has_norm = false;
    let layout = Layout::new(
        "XLM-RoBERTa-XL",
        "XLMRobertaXL",
        "roberta",
        numbered("encoder.layer", encoder.layers.len()),
        &[NAMES, roberta::HEAD],
    );
    Ok(Architecture { encoder, layout })
}
