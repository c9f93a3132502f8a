//! The built-in model, compiled into the library.

use super::files::Files;
use super::manifest::Manifest;
use crate::checkpoint::Checkpoint;
use crate::error::Result;
use crate::tokenize::TokenizerFiles;
use std::sync::Arc;

/// Includes a file of the built-in model.
macro_rules! built_in {
    ($file:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/default/", $file))
    };
}

/// Returns the files of the built-in model.
///
/// # Errors
/// If the build included a manifest that is invalid.
pub(super) fn files() -> Result<Files<'static>> {
    let manifest = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/default/newsdesk.toml"));
    Ok(Files {
        origin: "the built-in model".into(),
        config: built_in!("config.json"),
        tokenizer: TokenizerFiles { tokenizer: Some(built_in!("tokenizer.json").to_vec()), ..Default::default() },
        weights: Checkpoint::one(
            "the built-in model/model.safetensors",
            Arc::new(built_in!("model.safetensors").as_slice()),
        ),
        // A test checks their numbers. Reading them all at every start would take 5 ms and 23 MB of memory.
        is_trusted: true,
        manifest: Some(Manifest::parse(manifest, "newsdesk.toml")?),
        pooling: None,
    })
}

#[cfg(test)]
mod tests {
    use crate::folder::Model;

    #[test]
    fn the_built_in_weights_are_finite() -> crate::error::Result<()> {
        Model::embedded(&candle_core::Device::Cpu)?.weights.check_finite()
    }
}
