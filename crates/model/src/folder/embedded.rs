//! The default model, compiled in.

use super::files::{Files, WeightsFile};

macro_rules! default_model {
    ($file:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/default/", $file))
    };
}

pub(super) fn files() -> Files<'static> {
    Files {
        origin: "the embedded model".into(),
        config: default_model!("config.json"),
        tokenizer: default_model!("tokenizer.json").to_vec(),
        weights: WeightsFile::Embedded(default_model!("model.safetensors")),
        manifest: Some(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/default/newsdesk.toml"))),
        pooling: None,
    }
}
