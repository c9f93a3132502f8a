//! The keys of `config.json` that define the encoder.

use crate::error::{ModelError, Result};
use serde_json::Value;

/// The activation function of a feed-forward block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `x * Phi(x)`, exact.
    Gelu,
    /// The tanh approximation of GELU (`gelu_new`, `gelu_pytorch_tanh`).
    GeluTanh,
    /// `max(x, 0)`.
    Relu,
}

/// The configuration of a BERT encoder, with the names of `config.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderConfig {
    /// Size of the vocabulary.
    pub vocab_size: usize,
    /// Length of a token's vector.
    pub hidden_size: usize,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// Number of attention heads; divides `hidden_size`.
    pub num_attention_heads: usize,
    /// Width of the feed-forward blocks.
    pub intermediate_size: usize,
    /// Maximum length of a window, including special tokens.
    pub max_position_embeddings: usize,
    /// Number of segment ids; only the first is used.
    pub type_vocab_size: usize,
    /// Id of the padding token.
    pub pad_token_id: u32,
    /// Added to the variance in layer normalisation, for numerical stability.
    pub layer_norm_eps: f64,
    /// Activation function of the feed-forward blocks.
    pub hidden_act: Activation,
    /// Dropout rate of hidden states in training.
    pub hidden_dropout_prob: f64,
    /// Dropout rate of attention probabilities in training.
    pub attention_probs_dropout_prob: f64,
}

impl EncoderConfig {
    /// Reads the encoder's keys from a parsed `config.json`; `file` names it in errors.
    ///
    /// # Errors
    /// [`ModelError::Invalid`] with the key that is missing, of the wrong type, or not supported.
    pub fn from_json(config: &Value, file: &str) -> Result<Self> {
        let keys = Keys { config, file };
        match keys.text("model_type")? {
            "bert" => {}
            other => return Err(keys.invalid("model_type", &format!("`{other}` is not supported, only `bert` is"))),
        }
        if let Some(position) = config.get("position_embedding_type").and_then(Value::as_str)
            && position != "absolute"
        {
            return Err(
                keys.invalid("position_embedding_type", &format!("`{position}` is not supported, only `absolute` is"))
            );
        }
        let hidden_act = match keys.text("hidden_act")? {
            "gelu" => Activation::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" => Activation::GeluTanh,
            "relu" => Activation::Relu,
            other => return Err(keys.invalid("hidden_act", &format!("`{other}` is none of gelu, gelu_new, relu"))),
        };
        let config = Self {
            vocab_size: keys.size("vocab_size")?,
            hidden_size: keys.size("hidden_size")?,
            num_hidden_layers: keys.size("num_hidden_layers")?,
            num_attention_heads: keys.size("num_attention_heads")?,
            intermediate_size: keys.size("intermediate_size")?,
            max_position_embeddings: keys.size("max_position_embeddings")?,
            type_vocab_size: keys.size("type_vocab_size")?,
            pad_token_id: match config.get("pad_token_id") {
                None | Some(Value::Null) => 0,
                Some(_) => keys.get("pad_token_id", "a token id", |v| v.as_u64()?.try_into().ok())?,
            },
            layer_norm_eps: keys.share("layer_norm_eps")?,
            hidden_act,
            hidden_dropout_prob: keys.share("hidden_dropout_prob")?,
            attention_probs_dropout_prob: keys.share("attention_probs_dropout_prob")?,
        };
        if !config.hidden_size.is_multiple_of(config.num_attention_heads) {
            return Err(keys.invalid(
                "num_attention_heads",
                &format!("{} does not divide the hidden size of {}", config.num_attention_heads, config.hidden_size),
            ));
        }
        if config.pad_token_id as usize >= config.vocab_size {
            return Err(keys.invalid("pad_token_id", &format!("{} is not in the vocabulary", config.pad_token_id)));
        }
        Ok(config)
    }
}

/// The keys of a configuration, with the file's name for errors.
struct Keys<'a> {
    config: &'a Value,
    file: &'a str,
}

impl Keys<'_> {
    fn invalid(&self, key: &str, cause: &str) -> ModelError {
        ModelError::Invalid { file: self.file.into(), key: key.into(), cause: cause.into() }
    }

    fn get<T>(&self, key: &str, what: &str, read: impl Fn(&Value) -> Option<T>) -> Result<T> {
        let value = self.config.get(key).ok_or_else(|| self.invalid(key, "it is missing"))?;
        read(value).ok_or_else(|| self.invalid(key, &format!("{value} is not {what}")))
    }

    fn text(&self, key: &str) -> Result<&str> {
        let value = self.config.get(key).ok_or_else(|| self.invalid(key, "it is missing"))?;
        value.as_str().ok_or_else(|| self.invalid(key, &format!("{value} is not a string")))
    }

    fn size(&self, key: &str) -> Result<usize> {
        self.get(key, "a positive integer", |v| v.as_u64().filter(|&n| n > 0).map(|n| n as usize))
    }

    fn share(&self, key: &str) -> Result<f64> {
        self.get(key, "a number from 0 to below 1", |v| v.as_f64().filter(|x| (0.0..1.0).contains(x)))
    }
}
