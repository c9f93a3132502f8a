//! Invalid model folders: every error names the file, the key or tensor, and the cause.

use crate::support::weights::Weights;
use crate::support::{Answer, Folder};
use serde_json::json;
use std::fs;

/// Classifies with a copy of the tiny model after `change` has changed the copy.
fn changed<T>(change: impl Fn(&Folder) -> T) -> Answer {
    let folder = Folder::new();
    folder.copy_tiny("m");
    folder.write("a.txt", "Goal!");
    let good = folder.newsdesk(&["classify", "--model", "m", "a.txt"]).done();
    change(&folder);
    let answer = folder.newsdesk(&["classify", "--model", "m", "a.txt", "-o", "out.jsonl"]);
    assert!(!good.out.is_empty(), "the unchanged model printed nothing: {good}");
    assert!(!folder.path("out.jsonl").exists(), "an output was written: {answer}");
    answer
}

/// Classifies after a replacement in `config.json`.
fn config(from: &str, to: &str) -> Answer {
    changed(|folder| folder.replace("m/config.json", from, to))
}

#[test]
fn paths_that_are_not_model_folders_are_refused() {
    let folder = Folder::new();
    folder.write("a.txt", "Goal!");
    let hint = "name a model folder with `config.json`, `tokenizer.json` and `model.safetensors`";
    for (model, cause) in [("missing", "there is no such folder"), ("a.txt", "it is not a folder")] {
        let error = format!("cannot open the model `{model}`: {cause}");
        folder.newsdesk(&["classify", "--model", model, "a.txt"]).refused(&error).hint(hint);
        folder.newsdesk(&["models", "info", model]).refused(&error).hint(hint);
        folder.newsdesk(&["eval", model, "--data", "a.txt"]).refused(&error).hint(hint);
        folder.newsdesk(&["train", "--base", model, "--data", "a.txt", "-o", "out"]).refused(&error).hint(hint);
    }
}

#[test]
fn a_missing_file_is_named() {
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        let answer = changed(|folder| fs::remove_file(folder.path(&format!("m/{file}"))).unwrap());
        answer.refused(&format!("cannot read `m/{file}`")).hint("add the file: a model folder holds `config.json`");
    }
}

#[test]
fn invalid_values_in_config_json_are_named() {
    changed(|folder| _ = folder.write("m/config.json", "{\n\"a\": 1,\n")).refused("`line 3` in `m/config.json`: EOF");
    config("\"bert\"", "\"gpt2\"")
        .refused("`model_type` in `m/config.json`: `gpt2` is not supported, only albert, bert,");
    config("\"bert\"", "\"deberta\"").refused("`deberta` (version 1) is not supported, only `deberta-v2` is");
    let problem = config("single_label_classification", "ranking");
    problem
        .refused("`problem_type` in `m/config.json`: \"ranking\" is none of regression, single_label_classification");
    config("\"hidden_size\"", "\"size\"").refused("`hidden_size` in `m/config.json`: it is missing");
    let size = config("\"hidden_size\": 32", "\"hidden_size\": \"32\"");
    size.refused("`hidden_size` in `m/config.json`: \"32\" is not a positive integer");
    let heads = config("\"num_attention_heads\": 4", "\"num_attention_heads\": 5");
    heads.refused("`num_attention_heads` in `m/config.json`: 5 does not divide the hidden size of 32");
    config("\"gelu\"", "\"mish\"").refused("`hidden_act` in `m/config.json`: `mish` is none of");
    config("\"4\": \"world\"", "\"5\": \"world\"")
        .refused("`id2label` in `m/config.json`: there is no name for label 4");
    let position = config("\"model_type\"", "\"position_embedding_type\": \"relative_key\", \"model_type\"");
    position.refused("`position_embedding_type` in `m/config.json`: `relative_key` is not supported");
}

#[test]
fn a_problem_type_must_be_a_string() {
    config("\"single_label_classification\"", "3").refused("`problem_type` in `m/config.json`");
}

#[test]
fn the_padding_token_must_be_a_token_id() {
    config("\"pad_token_id\": 0", "\"pad_token_id\": \"0\"").refused("`pad_token_id` in `m/config.json`");
    config("\"pad_token_id\": 0", "\"pad_token_id\": 600").refused("`pad_token_id` in `m/config.json`");
}

#[test]
fn labels_without_an_output_are_refused() {
    let answer = config("\"4\": \"world\"", "\"4\": \"world\", \"5\": \"weather\"");
    answer.refused("`id2label` in `m/config.json`");
}

#[test]
fn weights_that_do_not_match_config_json_are_refused() {
    let hint = "do not belong together";
    let wide = config("\"intermediate_size\": 64", "\"intermediate_size\": 65");
    let tensor = "`bert.encoder.layer.0.intermediate.dense.weight` from `m/model.safetensors`";
    wide.refused(&format!("{tensor}: its shape is [64, 32], but `config.json` requires [65, 32]")).hint(hint);
    let deep = config("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3");
    deep.refused("cannot find tensor `bert.encoder.layer.2").hint(hint);
    let words = config("\"vocab_size\": 600", "\"vocab_size\": 599");
    words.refused(
        "`model.vocab` in `m/tokenizer.json`: the largest token id is 599, but the encoder knows only 599 ids",
    );
}

#[test]
fn weights_with_missing_or_invalid_tensors_are_refused() {
    let edit = |change: &dyn Fn(&mut Weights)| {
        changed(|folder| {
            let mut weights = Weights::open(&folder.path("m"));
            change(&mut weights);
            weights.save();
        })
    };
    for name in ["bert.encoder.layer.1.attention.output.LayerNorm.bias", "bert.pooler.dense.weight", "classifier.bias"]
    {
        let answer = edit(&|weights| _ = weights.rename(name, "other"));
        answer
            .refused(&format!("cannot find tensor `{name}` in `m/model.safetensors`"))
            .hint("a download is incomplete");
    }
    let flat = edit(&|weights| weights.header["bert.pooler.dense.weight"]["shape"] = json!([64, 16]));
    let error = "tensor `bert.pooler.dense.weight` from `m/model.safetensors`: its shape is [64, 16]";
    flat.refused(error).hint("do not belong together");
    let integers = edit(&|weights| weights.header["classifier.bias"]["dtype"] = json!("U32"));
    integers.refused("`classifier.bias` in `m/model.safetensors`: tensors of type U32 are not supported");
}

#[test]
fn damaged_weights_are_refused() {
    let damaged = |change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let answer = changed(|folder| _ = folder.write("m/model.safetensors", change(folder.weights("m"))));
        answer.refused("cannot use `header` in `m/model.safetensors`")
    };
    damaged(&|_| vec![]);
    damaged(&|_| b"version https://git-lfs.github.com/spec/v1".to_vec());
    damaged(&|bytes| bytes[..bytes.len() - 1].to_vec());
    damaged(&|bytes| bytes[..100].to_vec());
    damaged(&|bytes| [bytes, vec![0; 4]].concat());
}

#[test]
fn an_invalid_tokenizer_is_refused() {
    for contents in ["", "{}", "{\"model\":{\"type\":\"Nonsense\"}}"] {
        let answer = changed(|folder| _ = folder.write("m/tokenizer.json", contents));
        answer.refused("cannot tokenise with `m/tokenizer.json`");
    }
}

const MANIFEST: &str = r#"version = 1
name = "desk"
pooling = "pooler"
[window]
length = 64
overlap = 16
[[head]]
name = "desk"
activation = "softmax"
label = [{ name = "arts" }, { name = "business" }, { name = "science" }, { name = "sport" }, { name = "world" }]
"#;

/// Classifies with a manifest after a replacement in its text.
fn manifest(from: &str, to: &str) -> Answer {
    assert!(MANIFEST.contains(from), "`{from}` is not in the manifest");
    changed(|folder| {
        let mut weights = Weights::open(&folder.path("m"));
        weights.rename("classifier.weight", "heads.desk.weight").rename("classifier.bias", "heads.desk.bias").save();
        folder.write("m/newsdesk.toml", MANIFEST);
        folder.newsdesk(&["classify", "--model", "m", "a.txt"]).done();
        folder.write("m/newsdesk.toml", MANIFEST.replace(from, to));
    })
}

#[test]
fn invalid_values_in_a_manifest_are_named() {
    let refused = |from: &str, to: &str, error: &str| {
        manifest(from, to).says("cannot use `").refused(error);
    };
    refused("version = 1", "version = 2", "`version` in `m/newsdesk.toml`: this Newsdesk reads version 1, not 2");
    refused(
        "pooling",
        "colour = 1\npooling",
        "in `m/newsdesk.toml`: unknown field `colour`, expected one of `version`",
    );
    refused("overlap", "hop = 1\noverlap", "in `m/newsdesk.toml`: unknown field `hop`, expected one of `length`");
    refused("\"pooler\"", "\"sum\"", "`line 3` in `m/newsdesk.toml`: unknown variant `sum`");
    refused("pooling = \"pooler\"\n", "", "`line 1` in `m/newsdesk.toml`: missing field `pooling`");
    refused("version = 1", "version", "`line 1` in `m/newsdesk.toml`");
    refused(
        "length = 64",
        "length = 65",
        "`window.length` in `m/newsdesk.toml`: 65 tokens are more than the encoder's maximum of 64",
    );
    refused(
        "length = 64\noverlap = 16",
        "length = 2\noverlap = 1",
        "`window.length` in `m/newsdesk.toml`: 2 tokens leave",
    );
    let too_large = "`window.overlap` in `m/newsdesk.toml`: 64 is not less than the window length of 64";
    refused("overlap = 16", "overlap = 64", too_large);
    // Older manifests have the key `stride` instead.
    refused("overlap = 16", "stride = 0", too_large);
    let longer = "`line 4` in `m/newsdesk.toml`: `stride` is 65, more than the window length of 64";
    refused("overlap = 16", "stride = 65", longer);
    refused("overlap = 16", "overlap = 16\nstride = 48", "`overlap` and `stride` exclude each other");
    refused("label =", "temperature = -1.0\nlabel =", "`head.temperature` in `m/newsdesk.toml`: -1 is not positive");
    refused("label =", "temperature = nan\nlabel =", "`head.temperature` in `m/newsdesk.toml`: NaN is not positive");
}

#[test]
fn errors_in_a_manifest_name_the_line() {
    manifest("pooling", "colour = 1\npooling").refused("`line 3` in `m/newsdesk.toml`: unknown field `colour`");
    manifest("overlap", "hop = 1\noverlap").refused("`line 6` in `m/newsdesk.toml`: unknown field `hop`");
}

#[test]
fn a_manifest_that_does_not_match_the_weights_is_refused() {
    let other = manifest("name = \"desk\"\nactivation", "name = \"topic\"\nactivation");
    other.refused("cannot find tensor `heads.topic.weight` in `m/model.safetensors`").hint("do not belong together");
    let fewer = manifest(", { name = \"world\" }", "");
    fewer
        .refused("`heads.desk.weight` from `m/model.safetensors`: its shape is [5, 32]")
        .hint("do not belong together");
}

#[test]
fn a_manifest_that_does_not_match_a_transformers_checkpoint_is_refused() {
    let checkpoint = |manifest: String| changed(|folder| _ = folder.write("m/newsdesk.toml", &manifest));
    let fewer = checkpoint(MANIFEST.replace(", { name = \"world\" }", ""));
    fewer.refused("`head.label` in `m/newsdesk.toml`: head `desk` has 4 labels, but the classifier has 5 outputs");
    // With two heads, the classifier of the checkpoint could belong to either.
    let labels = "label = [{ name = \"a\" }, { name = \"b\" }]";
    let two = format!("{MANIFEST}[[head]]\nname = \"topic\"\nactivation = \"softmax\"\n{labels}\n");
    checkpoint(two).refused("cannot find tensor `heads.desk.weight` in `m/model.safetensors`");
}

#[test]
fn a_manifest_with_too_few_labels_is_named_in_the_error() {
    manifest(", { name = \"world\" }", "").refused("`newsdesk.toml` requires [4, 32]");
}

/// Each of these errors has exactly one hint.
#[test]
fn every_invalid_file_has_a_hint() {
    let answers = [
        changed(|folder| _ = folder.write("m/config.json", "{")),
        config("\"bert\"", "\"gpt2\""),
        config("single_label_classification", "ranking"),
        changed(|folder| _ = folder.write("m/model.safetensors", "version https://git-lfs.github.com/spec/v1")),
        changed(|folder| _ = folder.write("m/tokenizer.json", "{}")),
        manifest("version = 1", "version = 2"),
        manifest("pooling", "colour = 1\npooling"),
        manifest("length = 64", "length = 65"),
    ];
    let without: Vec<_> = answers.iter().filter(|answer| answer.starting("hint: ").len() != 1).collect();
    assert!(without.is_empty(), "{without:#?}");
}
