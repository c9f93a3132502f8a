//! Opening a model fails if a token id has no row in the word embeddings.

use newsdesk_model::{Device, Model, ModelError};
use serde_json::{Value, json};
use std::error::Error;
use std::path::Path;

type Outcome = Result<(), Box<dyn Error>>;

/// Opens `models/tiny`, which has 600 token ids, after a change of its `tokenizer.json`.
fn open_with(change: impl FnOnce(&mut Value)) -> Result<newsdesk_model::Result<Model>, Box<dyn Error>> {
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny");
    let folder = tempfile::tempdir()?;
    for file in ["config.json", "model.safetensors"] {
        std::fs::copy(tiny.join(file), folder.path().join(file))?;
    }
    let mut tokenizer: Value = serde_json::from_slice(&std::fs::read(tiny.join("tokenizer.json"))?)?;
    change(&mut tokenizer);
    std::fs::write(folder.path().join("tokenizer.json"), serde_json::to_vec(&tokenizer)?)?;
    Ok(Model::open(folder.path(), &Device::Cpu))
}

/// Asserts that opening fails because of a token id.
fn assert_refused(result: newsdesk_model::Result<Model>, max_id: u32) {
    match result {
        Err(ModelError::Invalid { file, key, cause }) => {
            assert!(file.ends_with("tokenizer.json") && key == "model.vocab", "{key} in {file}");
            assert_eq!(cause, format!("the largest token id is {max_id}, but the encoder knows only 600 ids"));
        }
        Err(error) => unreachable!("another error: {error}"),
        Ok(_) => unreachable!("id {max_id} was accepted"),
    }
}

#[test]
fn the_unchanged_vocabulary_is_accepted() -> Outcome {
    assert!(open_with(|_| ())?.is_ok());
    Ok(())
}

#[test]
fn a_sparse_vocabulary_with_an_id_beyond_the_embeddings_is_refused() -> Outcome {
    // The number of tokens stays 600.
    assert_refused(open_with(|tokenizer| tokenizer["model"]["vocab"]["the"] = json!(700))?, 700);
    Ok(())
}

#[test]
fn an_added_token_beyond_the_embeddings_is_refused() -> Outcome {
    let added = json!({
        "id": 600, "content": "[NEW]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
        "special": true,
    });
    let push = |tokenizer: &mut Value| tokenizer["added_tokens"].as_array_mut().expect("a list").push(added);
    assert_refused(open_with(push)?, 600);
    Ok(())
}

#[test]
fn a_special_token_beyond_the_embeddings_is_refused() -> Outcome {
    let change = |tokenizer: &mut Value| tokenizer["post_processor"]["special_tokens"]["[CLS]"]["ids"] = json!([800]);
    assert_refused(open_with(change)?, 800);
    Ok(())
}
