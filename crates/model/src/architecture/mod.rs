//! Architectures of encoders: `config.json` in, the structure of the encoder and the names of its tensors out.
//!
//! This is the only place that knows model types. Each of them has a file of its own, which follows the class of the same
//! name in transformers. To add one, write such a file and add it to [`Architecture::from_json`].

mod albert;
mod bert;
mod deberta_v2;
mod distilbert;
mod electra;
mod keys;
mod layout;
mod modernbert;
mod mpnet;
mod roberta;
mod spec;
mod xlm_roberta_xl;

use crate::error::Result;
use keys::Keys;
pub use layout::Layout;
use serde_json::Value;
pub use spec::{
    Activation, AttentionSpec, DisentangledSpec, EmbeddingSpec, EncoderSpec, FeedForwardSpec, LayerSpec, NormPlacement,
    NormSpec, PoolerInput, PoolerSpec, PositionTable, RelativeSpec, TensorSpec, WORD_TABLE,
};
pub(crate) use spec::{BIAS_TABLE, norm_names};

/// What a `config.json` says about an encoder.
#[derive(Debug, Clone, PartialEq)]
pub struct Architecture {
    /// The structure of the encoder.
    pub encoder: EncoderSpec,
    /// The names of its tensors.
    pub layout: Layout,
}

impl Architecture {
    /// Reads a parsed `config.json`; `file` names it in errors.
    ///
    /// # Errors
    /// [`crate::ModelError::Invalid`] with the key that is missing, of the wrong type, or not supported.
    pub fn from_json(config: &Value, file: &str) -> Result<Self> {
        let keys = Keys { config, file };
        match keys.text("model_type")? {
            "albert" => albert::read(keys),
            "bert" => bert::read(keys),
            "camembert" => roberta::read(keys, "CamemBERT", "Camembert"),
            "deberta-v2" => deberta_v2::read(keys),
            "distilbert" => distilbert::read(keys),
            "electra" => electra::read(keys),
            "modernbert" => modernbert::read(keys),
            "mpnet" => mpnet::read(keys),
            "roberta" => roberta::read(keys, "RoBERTa", "Roberta"),
            "xlm-roberta" => roberta::read(keys, "XLM-RoBERTa", "XLMRoberta"),
            "xlm-roberta-xl" => xlm_roberta_xl::read(keys),
            "deberta" => {
                Err(keys.invalid("model_type", "`deberta` (version 1) is not supported, only `deberta-v2` is"))
            }
            other => Err(keys.invalid("model_type", &format!("`{other}` is not supported, only {SUPPORTED} are"))),
        }
    }
}

/// The supported model types, for an error.
const SUPPORTED: &str = "albert, bert, camembert, deberta-v2, distilbert, electra, modernbert, mpnet, roberta, xlm-roberta \
                         and xlm-roberta-xl";

/// Returns a `config.json` like this one, for an encoder with only some of the layers of `encoder`, given by their numbers.
pub(crate) fn config_with_layers(config: &Value, encoder: &EncoderSpec, kept: &[usize]) -> Value {
    let mut config = config.clone();
    let model_type = config["model_type"].as_str().unwrap_or_default().to_string();
    config[if model_type == "distilbert" { "n_layers" } else { "num_hidden_layers" }] = kept.len().into();
    if model_type == "modernbert" {
        config["layer_types"] = modernbert::layer_types(kept.iter().map(|&number| &encoder.layers[number]));
    }
    config
}

/// Returns the names of layers that are numbered from 0.
fn numbered(stem: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{stem}.{number}")).collect()
}

/// Returns layers that all attend to the whole window, each with weights of its own.
fn plain_layers(count: usize) -> Vec<LayerSpec> {
    let layer = |weights| LayerSpec { weights, reach: None, rotary_base: None, has_attention_norm: true };
    (0..count).map(layer).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;
    use std::path::Path;

    /// The configuration of a tiny model.
    fn tiny(name: &str) -> Value {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny/architectures").join(name);
        serde_json::from_slice(&std::fs::read(folder.join("config.json")).unwrap()).unwrap()
    }

    /// Asserts that a changed configuration is refused for this reason.
    #[track_caller]
    fn refuse(name: &str, key: &str, value: Value, cause: &str) {
        let mut config = tiny(name);
        config[key] = value;
        let error = Architecture::from_json(&config, "config.json").unwrap_err().to_string();
        assert!(error.contains(cause), "{name}, {key}: {error}");
    }

    #[test]
    fn invalid_configurations_are_refused_by_key() {
        let huge = json!(1_000_000_000_000_000_000u64);
        refuse("modernbert", "max_position_embeddings", huge.clone(), "are more than 65536");
        refuse("deberta-v3", "max_position_embeddings", huge.clone(), "are more than 65536");
        refuse("albert", "num_hidden_groups", huge.clone(), "groups are more than 6 layers");
        refuse("albert", "inner_group_num", huge.clone(), "are too many");
        refuse("distilbert", "n_layers", huge.clone(), "are more than 1000");
        refuse("roberta", "pad_token_id", json!(4_000_000_000u32), "is not in the vocabulary");
        refuse("roberta", "max_position_embeddings", json!(2), "a table of 2 rows has none");
        refuse("mpnet", "relative_attention_num_buckets", json!(6), "no multiple of 4");
        refuse("mpnet", "relative_attention_num_buckets", json!(512), "no multiple of 4 up to 256");
        refuse("deberta-v3", "max_relative_positions", json!(5), "leave no distance for a logarithmic scale");
        refuse("electra", "embedding_size", json!(0), "is not a positive integer");
        refuse("modernbert", "num_attention_heads", json!(32), "heads of even width");
        refuse("modernbert", "layer_types", json!(["full_attention"]), "not a list of 5 types");
        refuse("modernbert", "layer_types", json!(["a", "a", "a", "a", "a"]), "`layer_types`");
        refuse("modernbert", "classifier_pooling", json!("max"), "none of cls, mean");
        refuse("modernbert-mean", "local_rope_theta", json!(-1), "not a positive number");
        refuse("modernbert", "rope_scaling", json!({"factor": 2}), "not supported");
        refuse("deberta-v3", "conv_kernel_size", json!(3), "convolution");
        refuse("deberta-v3", "pos_att_type", json!("c2p|p2p"), "`p2p` is not supported");
        refuse("deberta-v3", "embedding_size", json!(16), "16 instead of 32");
        refuse("deberta-v3", "pooler_hidden_act", json!("sine"), "`sine` is none of");
    }

    #[test]
    fn enormous_sizes_are_compared_and_not_allocated() {
        for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny/architectures")).unwrap()
        {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let config = tiny(&name);
            for (key, value) in config.as_object().unwrap().iter().filter(|(_, value)| value.is_u64()) {
                for number in [0, 1, u64::from(u32::MAX), u64::MAX / 2, u64::MAX] {
                    let mut changed = config.clone();
                    changed[key] = json!(number);
                    // Either is fine, as long as it is quick and small.
                    if let Ok(architecture) = Architecture::from_json(&changed, "config.json") {
                        assert!(architecture.encoder.tensors().len() < 20_000, "{name}, {key}: {value}");
                    }
                }
            }
        }
    }
}
