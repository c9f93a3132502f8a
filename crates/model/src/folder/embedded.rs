//! The built-in model, compiled into the library.

use super::files::{Files, WeightsFile};

/// Includes a file of the built-in model.
macro_rules! built_in {
    ($file:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/default/", $file))
    };
}

/// Returns the files of the built-in model.
pub(super) fn files() -> Files<'static> {
    Files {
        origin: "the built-in model".into(),
        config: built_in!("config.json"),
        tokenizer: built_in!("tokenizer.json").to_vec(),
        weights: WeightsFile::Embedded(built_in!("model.safetensors")),
        manifest: Some(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/default/newsdesk.toml"))),
        pooling: None,
    }
}
