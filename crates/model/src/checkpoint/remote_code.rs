//! Checkpoints whose model is Python code of their own repository.

use crate::error::{ModelError, Result};
use serde_json::Value;

/// Refuses a `config.json` with the key `auto_map`; `file` names it in errors.
///
/// The key maps classes of transformers to Python files beside the weights. Their code may compute another model than
/// `model_type` says.
///
/// # Errors
/// [`ModelError::RemoteCode`] if the key maps anything.
pub(crate) fn refuse_remote_code(config: &Value, file: &str) -> Result<()> {
    let is_remote = match config.get("auto_map") {
        None | Some(Value::Null) => false,
        Some(Value::Object(map)) => !map.is_empty(),
        Some(_) => true,
    };
    if is_remote { Err(ModelError::RemoteCode { file: file.into() }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_configurations_that_name_code_are_refused() {
        for config in [json!({}), json!({"auto_map": null}), json!({"auto_map": {}})] {
            assert!(refuse_remote_code(&config, "config.json").is_ok(), "{config}");
        }
        for map in [json!({"AutoModel": "modeling_x.X"}), json!(["modeling_x.X"]), json!("x")] {
            let refused = refuse_remote_code(&json!({"model_type": "bert", "auto_map": map}), "config.json");
            assert!(matches!(refused, Err(ModelError::RemoteCode { .. })), "{map}");
        }
    }
}
