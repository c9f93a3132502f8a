//! ALBERT. Source: Lan et al., "ALBERT", 2020; `AlbertForSequenceClassification` of transformers.
//!
//! Layers of a group share their weights. The embeddings are narrower than the hidden states.

use super::keys::{Keys, MAX_LAYERS};
use super::layout::Name;
use super::{Architecture, Layout, bert};
use crate::error::Result;

const NAMES: &[Name] = &[
    Name::encoder("embeddings.projection", "encoder.embedding_hidden_mapping_in"),
    Name::layer("attention.self.query", "attention.query"),
    Name::layer("attention.self.key", "attention.key"),
    Name::layer("attention.self.value", "attention.value"),
    Name::layer("attention.output.dense", "attention.dense"),
    Name::layer("attention.output.LayerNorm", "attention.LayerNorm"),
    Name::layer("intermediate.dense", "ffn"),
    Name::layer("output.dense", "ffn_output"),
    Name::layer("output.LayerNorm", "full_layer_layer_norm"),
    Name::encoder("pooler.dense", "pooler"),
];

pub(super) fn read(keys: Keys) -> Result<Architecture> {
    let mut encoder = bert::encoder(keys)?;
    // Defaults that differ from BERT's.
    encoder.feed_forward.activation = keys.activation("hidden_act", "gelu_new")?;
    encoder.hidden_dropout_prob = keys.share("hidden_dropout_prob", 0.0)?;
    encoder.attention_probs_dropout_prob = keys.share("attention_probs_dropout_prob", 0.0)?;
    encoder.embeddings.width = keys.size_if_any("embedding_size")?.unwrap_or(128);
    encoder.embeddings.has_projection = true;
    let count = encoder.layers.len();
    let groups = keys.size_if_any("num_hidden_groups")?.unwrap_or(1);
    if groups > count {
        return Err(keys.invalid("num_hidden_groups", &format!("{groups} groups are more than {count} layers")));
    }
    let inner = keys.size_if_any("inner_group_num")?.unwrap_or(1);
    if count.saturating_mul(inner) > MAX_LAYERS {
        return Err(keys.invalid("inner_group_num", &format!("{inner} layers in each of {count} are too many")));
    }
    // Each of the layers runs all inner layers of its group.
    let group = |layer: usize| layer * groups / count;
    let layer = encoder.layers[0].clone();
    encoder.layers = (0..count)
        .flat_map(|number| (0..inner).map(move |inner_number| group(number) * inner + inner_number))
        .map(|weights| super::LayerSpec { weights, ..layer.clone() })
        .collect();
    let names = |group: usize| {
        (0..inner).map(move |inner| format!("encoder.albert_layer_groups.{group}.albert_layers.{inner}"))
    };
    let layout = Layout::new("ALBERT", "Albert", "albert", (0..groups).flat_map(names).collect(), &[NAMES]);
    Ok(Architecture { encoder, layout })
}
