//! DistilBERT. Source: Sanh et al., "DistilBERT", 2019; `DistilBertForSequenceClassification` of transformers.
//!
//! BERT without segments, under other names. The epsilon of its norms is not in the configuration.

use super::keys::Keys;
use super::layout::Name;
use super::{
    Activation, Architecture, AttentionSpec, EmbeddingSpec, EncoderSpec, FeedForwardSpec, Layout, NormPlacement,
    NormSpec, PoolerInput, PoolerSpec, PositionTable, RelativeSpec, numbered, plain_layers,
};
use crate::error::Result;

const NAMES: &[Name] = &[
    Name::layer("attention.self.query", "attention.q_lin"),
    Name::layer("attention.self.key", "attention.k_lin"),
    Name::layer("attention.self.value", "attention.v_lin"),
    Name::layer("attention.output.dense", "attention.out_lin"),
    Name::layer("attention.output.LayerNorm", "sa_layer_norm"),
    Name::layer("intermediate.dense", "ffn.lin1"),
    Name::layer("output.dense", "ffn.lin2"),
    Name::layer("output.LayerNorm", "output_layer_norm"),
    Name::root("pooler.dense", "pre_classifier"),
];

pub(super) fn read(keys: Keys) -> Result<Architecture> {
    let (vocab_size, hidden_size) = (keys.size("vocab_size")?, keys.size("dim")?);
    let max_length = keys.size("max_position_embeddings")?;
    let layers = keys.layers("n_layers")?;
    let encoder = EncoderSpec {
        vocab_size,
        hidden_size,
        num_attention_heads: keys.heads("n_heads", hidden_size)?,
        intermediate_size: keys.size("hidden_dim")?,
        max_length,
        pad_token_id: keys.padding(vocab_size, 0)?,
        embeddings: EmbeddingSpec {
            width: hidden_size,
            positions: Some(PositionTable { rows: max_length, first: 0 }),
            segments: 0,
            has_norm: true,
            has_projection: false,
        },
        layers: plain_layers(layers),
        norm: NormSpec { epsilon: 1e-12, has_bias: true },
        norm_placement: NormPlacement::After,
        attention: AttentionSpec { has_bias: true, has_output_bias: true, relative: RelativeSpec::None },
        feed_forward: FeedForwardSpec {
            activation: keys.activation("activation", "gelu")?,
            is_gated: false,
            has_bias: true,
        },
        pooler: PoolerSpec { input: PoolerInput::First, has_bias: true, activation: Activation::Relu, norm: None },
        hidden_dropout_prob: keys.share("dropout", 0.1)?,
        attention_probs_dropout_prob: keys.share("attention_dropout", 0.1)?,
    };
    let layout = Layout::new("DistilBERT", "DistilBert", "distilbert", numbered("transformer.layer", layers), &[NAMES]);
    Ok(Architecture { encoder, layout })
}
