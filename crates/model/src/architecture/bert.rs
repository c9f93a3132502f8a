//! BERT. Source: Devlin et al., "BERT", 2019; `BertForSequenceClassification` of transformers.
//!
//! Other architectures start from this description and change what differs.

use super::keys::Keys;
use super::{
    Activation, Architecture, AttentionSpec, EmbeddingSpec, EncoderSpec, FeedForwardSpec, Layout, NormPlacement,
    NormSpec, PoolerInput, PoolerSpec, PositionTable, RelativeSpec, numbered, plain_layers,
};
use crate::error::Result;

pub(super) fn read(keys: Keys) -> Result<Architecture> {
    let encoder = encoder(keys)?;
    let layout = Layout::new("BERT", "Bert", "bert", numbered("encoder.layer", encoder.layers.len()), &[]);
    Ok(Architecture { encoder, layout })
}

/// Reads the keys that BERT and its relatives have in common.
pub(super) fn encoder(keys: Keys) -> Result<EncoderSpec> {
    keys.only("position_embedding_type", "absolute")?;
    let (vocab_size, hidden_size) = (keys.size("vocab_size")?, keys.size("hidden_size")?);
    let max_length = keys.size("max_position_embeddings")?;
    Ok(EncoderSpec {
        vocab_size,
        hidden_size,
        num_attention_heads: keys.heads("num_attention_heads", hidden_size)?,
        intermediate_size: keys.size("intermediate_size")?,
        max_length,
        pad_token_id: keys.padding(vocab_size, 0)?,
        embeddings: EmbeddingSpec {
            width: hidden_size,
            positions: Some(PositionTable { rows: max_length, first: 0 }),
            segments: keys.count("type_vocab_size", 2)?,
            has_norm: true,
            has_projection: false,
        },
        layers: plain_layers(keys.layers("num_hidden_layers")?),
        norm: NormSpec { epsilon: keys.share("layer_norm_eps", 1e-12)?, has_bias: true },
        norm_placement: NormPlacement::After,
        attention: AttentionSpec { has_bias: true, has_output_bias: true, relative: RelativeSpec::None },
        feed_forward: FeedForwardSpec {
            activation: keys.activation("hidden_act", "gelu")?,
            is_gated: false,
            has_bias: true,
        },
        pooler: PoolerSpec { input: PoolerInput::First, has_bias: true, activation: Activation::Tanh, norm: None },
        hidden_dropout_prob: keys.share("hidden_dropout_prob", 0.1)?,
        attention_probs_dropout_prob: keys.share("attention_probs_dropout_prob", 0.1)?,
    })
}
