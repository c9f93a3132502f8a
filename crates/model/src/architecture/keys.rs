//! Reads the keys of `config.json`, with errors that name the file and the key.

use super::spec::Activation;
use crate::error::{ModelError, Result};
use serde_json::Value;

/// More layers are an error in the file, and would take memory before the weights are looked at.
pub(super) const MAX_LAYERS: usize = 1000;

/// Windows without learned positions may be as long as this. Tables for each position would otherwise fill the memory.
const MAX_LENGTH: usize = 1 << 16;

/// A parsed `config.json`.
#[derive(Clone, Copy)]
pub(super) struct Keys<'a> {
    pub(super) config: &'a Value,
    /// Names the file in errors.
    pub(super) file: &'a str,
}

impl<'a> Keys<'a> {
    pub(super) fn invalid(&self, key: &str, cause: &str) -> ModelError {
        ModelError::Invalid { file: self.file.into(), key: key.into(), cause: cause.into() }
    }

    /// Returns the value of a key, unless it is missing or null.
    pub(super) fn value(&self, key: &str) -> Option<&'a Value> {
        self.config.get(key).filter(|value| !value.is_null())
    }

    fn required<T>(&self, key: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| self.invalid(key, "it is missing"))
    }

    /// Reads a key that may be missing. `what` says what it must be.
    pub(super) fn optional<T>(
        &self,
        key: &str,
        what: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>> {
        let wrong = |value: &Value| self.invalid(key, &format!("{value} is not {what}"));
        self.value(key).map(|value| read(value).ok_or_else(|| wrong(value))).transpose()
    }

    pub(super) fn text(&self, key: &str) -> Result<&'a str> {
        self.required(key, self.text_if_any(key)?)
    }

    pub(super) fn text_if_any(&self, key: &str) -> Result<Option<&'a str>> {
        self.optional(key, "a string", Value::as_str)
    }

    /// Reads a positive integer.
    pub(super) fn size(&self, key: &str) -> Result<usize> {
        self.required(key, self.size_if_any(key)?)
    }

    pub(super) fn size_if_any(&self, key: &str) -> Result<Option<usize>> {
        self.optional(key, "a positive integer", |value| Some(value.as_u64().filter(|&n| n > 0)? as usize))
    }

    /// Reads an integer that may be zero.
    pub(super) fn count(&self, key: &str, default: usize) -> Result<usize> {
        let count = self.optional(key, "an integer of at least 0", Value::as_u64)?;
        Ok(count.map_or(default, |count| count as usize))
    }

    /// Reads a number of layers.
    pub(super) fn layers(&self, key: &str) -> Result<usize> {
        match self.size(key)? {
            count @ ..=MAX_LAYERS => Ok(count),
            count => Err(self.invalid(key, &format!("{count} layers are more than {MAX_LAYERS}"))),
        }
    }

    /// Reads the length of windows whose positions are not learned, so that no tensor limits it.
    pub(super) fn length(&self, key: &str) -> Result<usize> {
        match self.size(key)? {
            length @ ..=MAX_LENGTH => Ok(length),
            length => Err(self.invalid(key, &format!("{length} tokens are more than {MAX_LENGTH}"))),
        }
    }

    /// Reads a number from 0 to below 1, such as a dropout rate. `default` replaces a missing one.
    pub(super) fn share(&self, key: &str, default: f64) -> Result<f64> {
        let share = |value: &Value| value.as_f64().filter(|x| (0.0..1.0).contains(x));
        Ok(self.optional(key, "a number from 0 to below 1", share)?.unwrap_or(default))
    }

    /// Reads a positive number.
    pub(super) fn positive(&self, key: &str) -> Result<Option<f64>> {
        self.optional(key, "a positive number", |value| value.as_f64().filter(|&x| x > 0.0 && x.is_finite()))
    }

    pub(super) fn flag(&self, key: &str, default: bool) -> Result<bool> {
        Ok(self.optional(key, "true or false", Value::as_bool)?.unwrap_or(default))
    }

    /// Reads the name of an activation function. `default` replaces a missing one.
    pub(super) fn activation(&self, key: &str, default: &str) -> Result<Activation> {
        match self.text_if_any(key)?.unwrap_or(default) {
            "gelu" => Ok(Activation::Gelu),
            "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Ok(Activation::GeluTanh),
            "relu" => Ok(Activation::Relu),
            "silu" | "swish" => Ok(Activation::Silu),
            "tanh" => Ok(Activation::Tanh),
            other => Err(self.invalid(key, &format!("`{other}` is none of gelu, gelu_new, relu, silu, tanh"))),
        }
    }

    /// Reads the number of attention heads, which must divide `hidden_size`.
    pub(super) fn heads(&self, key: &str, hidden_size: usize) -> Result<usize> {
        let heads = self.size(key)?;
        match hidden_size.is_multiple_of(heads) {
            true => Ok(heads),
            false => Err(self.invalid(key, &format!("{heads} does not divide the hidden size of {hidden_size}"))),
        }
    }

    /// Reads the id of the padding token, which must be in the vocabulary.
    pub(super) fn padding(&self, vocab_size: usize, default: u32) -> Result<u32> {
        const KEY: &str = "pad_token_id";
        let id = self.optional(KEY, "a token id", |value| value.as_u64()?.try_into().ok())?.unwrap_or(default);
        match (id as usize) < vocab_size {
            true => Ok(id),
            false => Err(self.invalid(KEY, &format!("{id} is not in the vocabulary"))),
        }
    }

    /// Refuses values of a key other than `supported`, which is also the default.
    pub(super) fn only(&self, key: &str, supported: &str) -> Result<()> {
        match self.text_if_any(key)? {
            Some(other) if other != supported => {
                Err(self.invalid(key, &format!("`{other}` is not supported, only `{supported}` is")))
            }
            _ => Ok(()),
        }
    }
}
