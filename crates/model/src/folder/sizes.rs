//! Compares the sizes in `config.json` with the tensors of the weights file.
//!
//! This comes before anything is allocated, because a number in a configuration may be anything. The tensors are in the file, so
//! their sizes are bounded by its length.

use crate::encoder::{EncoderConfig, Weights};
use crate::error::{ModelError, Result};

/// Checks that the tensors under `prefix` have the sizes of the configuration; `file` names the configuration in errors.
///
/// # Errors
/// If a tensor is missing or has another shape, or the number of layers differs.
pub(super) fn check_sizes(weights: &Weights, prefix: &str, config: &EncoderConfig, file: &str) -> Result<()> {
    let weights = if prefix.is_empty() { weights.clone() } else { weights.pp(prefix) };
    let width = config.hidden_size;
    let embeddings = weights.pp("embeddings");
    embeddings.check([config.vocab_size, width], "word_embeddings.weight")?;
    embeddings.check([config.max_position_embeddings, width], "position_embeddings.weight")?;
    embeddings.check([config.type_vocab_size, width], "token_type_embeddings.weight")?;
    let layers = weights.pp("encoder.layer");
    let found = (0..config.num_hidden_layers).take_while(|&number| layers.pp(number).contains(QUERY)).count();
    if found < config.num_hidden_layers {
        return layers.pp(found).check([width, width], QUERY);
    }
    if layers.pp(found).contains(QUERY) {
        let cause = format!("the encoder of the weights has more layers than {found}");
        return Err(ModelError::Mismatch { file: file.into(), key: "num_hidden_layers".into(), cause });
    }
    layers.pp(0).check([config.intermediate_size, width], "intermediate.dense.weight")
}

/// A tensor that every layer has.
const QUERY: &str = "attention.self.query.weight";
