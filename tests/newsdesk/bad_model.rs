//! Model folders that cannot be used: each says which file, which key or tensor, and what is wrong with it.

use crate::support::weights::Weights;
use crate::support::{Answer, Folder};
use std::fs;

/// What is said about a copy of the tiny model after `spoil` had its way with it.
fn spoiled<T>(spoil: impl Fn(&Folder) -> T) -> Answer {
    let folder = Folder::new();
    folder.copy_tiny("m");
    folder.write("a.txt", "Goal!");
    let good = folder.newsdesk(&["classify", "--model", "m", "a.txt"]).done();
    spoil(&folder);
    let answer = folder.newsdesk(&["classify", "--model", "m", "a.txt", "-o", "out.jsonl"]);
    assert!(!good.out.is_empty() && !folder.path("out.jsonl").exists(), "an output was made: {answer}");
    answer
}

/// With this text of `config.json` replaced.
fn config(from: &str, to: &str) -> Answer {
    spoiled(|folder| folder.replace("m/config.json", from, to))
}

#[test]
fn folders_that_are_no_models() {
    let folder = Folder::new();
    folder.write("a.txt", "Goal!");
    let hint = "a model is a folder with `config.json`, `tokenizer.json` and `model.safetensors`";
    for (model, cause) in [("missing", "there is no such folder"), ("a.txt", "it is not a folder")] {
        let error = format!("Failed to open the model `{model}`: {cause}");
        folder.newsdesk(&["classify", "--model", model, "a.txt"]).refused(&error).hint(hint);
        folder.newsdesk(&["models", "info", model]).refused(&error).hint(hint);
        folder.newsdesk(&["eval", model, "--data", "a.txt"]).refused(&error).hint(hint);
        folder.newsdesk(&["train", "--base", model, "--data", "a.txt", "-o", "out"]).refused(&error).hint(hint);
    }
}

#[test]
fn missing_files() {
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        let answer = spoiled(|folder| fs::remove_file(folder.path(&format!("m/{file}"))).unwrap());
        answer.refused(&format!("Failed to read `m/{file}`")).hint("a model folder holds `config.json`");
    }
}

#[test]
fn config_that_is_not_understood() {
    spoiled(|folder| _ = folder.write("m/config.json", "{\n\"a\": 1,\n")).refused("`line 3` in `m/config.json`: EOF");
    config("\"bert\"", "\"roberta\"").refused("`model_type` in `m/config.json`: `roberta` is not supported; `bert` is");
    let problem = config("single_label_classification", "regression");
    problem.refused("`problem_type` in `m/config.json`: \"regression\" is no classification");
    config("\"hidden_size\"", "\"size\"").refused("`hidden_size` in `m/config.json`: it is missing");
    let size = config("\"hidden_size\": 32", "\"hidden_size\": \"32\"");
    size.refused("`hidden_size` in `m/config.json`: \"32\" is not a positive whole number");
    let heads = config("\"num_attention_heads\": 4", "\"num_attention_heads\": 5");
    heads.refused("`num_attention_heads` in `m/config.json`: 5 heads do not divide a hidden size of 32");
    config("\"gelu\"", "\"swish\"").refused("`hidden_act` in `m/config.json`: `swish` is none of");
    config("\"4\": \"world\"", "\"5\": \"world\"")
        .refused("`id2label` in `m/config.json`: there is no name for label 4");
    let position = config("\"model_type\"", "\"position_embedding_type\": \"relative_key\", \"model_type\"");
    position.refused("`position_embedding_type` in `m/config.json`: `relative_key` is not supported");
}

#[test]
fn a_problem_type_that_is_no_string_is_no_guess() {
    config("\"single_label_classification\"", "3").refused("`problem_type` in `m/config.json`");
}

#[test]
fn a_padding_token_that_is_none_is_no_guess() {
    config("\"pad_token_id\": 0", "\"pad_token_id\": \"0\"").refused("`pad_token_id` in `m/config.json`");
    config("\"pad_token_id\": 0", "\"pad_token_id\": 600").refused("`pad_token_id` in `m/config.json`");
}

#[test]
fn labels_without_an_output_are_no_guess() {
    let answer = config("\"4\": \"world\"", "\"4\": \"world\", \"5\": \"weather\"");
    answer.refused("`id2label` in `m/config.json`");
}

#[test]
fn weights_and_config_that_do_not_belong_together() {
    let hint = "do not belong together";
    let wide = config("\"intermediate_size\": 64", "\"intermediate_size\": 65");
    let tensor = "`bert.encoder.layer.0.intermediate.dense.weight` from `m/model.safetensors`";
    wide.refused(&format!("{tensor}: its shape is [64, 32], `config.json` asks for [65, 32]")).hint(hint);
    let deep = config("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3");
    deep.refused("Failed to find tensor `bert.encoder.layer.2").hint(hint);
    let words = config("\"vocab_size\": 600", "\"vocab_size\": 599");
    words.refused("`model.vocab` in `m/tokenizer.json`: 600 tokens, the encoder knows 599");
}

#[test]
fn weights_with_missing_or_misshapen_tensors() {
    let edit = |change: &dyn Fn(&mut Weights)| {
        spoiled(|folder| {
            let mut weights = Weights::open(&folder.path("m"));
            change(&mut weights);
            weights.save();
        })
    };
    for name in ["bert.encoder.layer.1.attention.output.LayerNorm.bias", "bert.pooler.dense.weight", "classifier.bias"]
    {
        let answer = edit(&|weights| _ = weights.rename(name, "other"));
        answer
            .refused(&format!("Failed to find tensor `{name}` in `m/model.safetensors`"))
            .hint("a download was cut short");
    }
    let flat = edit(&|weights| weights.header["bert.pooler.dense.weight"]["shape"] = serde_json::json!([64, 16]));
    let error = "tensor `bert.pooler.dense.weight` from `m/model.safetensors`: its shape is [64, 16]";
    flat.refused(error).hint("do not belong together");
    let whole = edit(&|weights| weights.header["classifier.bias"]["dtype"] = serde_json::json!("U32"));
    whole.refused("`classifier.bias` in `m/model.safetensors`: tensors of type U32 are not supported");
}

#[test]
fn weights_that_are_damaged() {
    let damaged = |change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let answer =
            spoiled(|folder| _ = folder.write("m/model.safetensors", change(folder.bytes("m/model.safetensors"))));
        answer.refused("Failed to understand `header` in `m/model.safetensors`")
    };
    damaged(&|_| vec![]);
    damaged(&|_| b"version https://git-lfs.github.com/spec/v1".to_vec());
    damaged(&|bytes| bytes[..bytes.len() - 1].to_vec());
    damaged(&|bytes| bytes[..100].to_vec());
    damaged(&|bytes| [bytes, vec![0; 4]].concat());
}

#[test]
fn a_tokenizer_that_is_none() {
    for contents in ["", "{}", "{\"model\":{\"type\":\"Nonsense\"}}"] {
        let answer = spoiled(|folder| _ = folder.write("m/tokenizer.json", contents));
        answer.refused("Failed to tokenize with `m/tokenizer.json`");
    }
}

const MANIFEST: &str = r#"version = 1
name = "desk"
pooling = "pooler"
[window]
length = 64
stride = 48
[[head]]
name = "desk"
activation = "softmax"
label = [{ name = "arts" }, { name = "business" }, { name = "science" }, { name = "sport" }, { name = "world" }]
"#;

/// With a manifest of which this text is replaced.
fn manifest(from: &str, to: &str) -> Answer {
    assert!(MANIFEST.contains(from), "`{from}` is not in the manifest");
    spoiled(|folder| {
        let mut weights = Weights::open(&folder.path("m"));
        weights.rename("classifier.weight", "heads.desk.weight").rename("classifier.bias", "heads.desk.bias").save();
        folder.write("m/newsdesk.toml", MANIFEST);
        folder.newsdesk(&["classify", "--model", "m", "a.txt"]).done();
        folder.write("m/newsdesk.toml", MANIFEST.replace(from, to));
    })
}

#[test]
fn a_manifest_that_is_not_understood() {
    let refused = |from: &str, to: &str, error: &str| {
        manifest(from, to).says("Failed to understand `").refused(error);
    };
    refused(
        "version = 1",
        "version = 2",
        "`version` in `m/newsdesk.toml`: 2 is not a version this Newsdesk reads; 1 is",
    );
    refused(
        "pooling",
        "colour = 1\npooling",
        "in `m/newsdesk.toml`: unknown field `colour`, expected one of `version`",
    );
    refused("stride", "hop = 1\nstride", "in `m/newsdesk.toml`: unknown field `hop`, expected one of `length`");
    refused("\"pooler\"", "\"sum\"", "`line 3` in `m/newsdesk.toml`: unknown variant `sum`");
    refused("pooling = \"pooler\"\n", "", "`line 1` in `m/newsdesk.toml`: missing field `pooling`");
    refused("version = 1", "version", "`line 1` in `m/newsdesk.toml`");
    refused("length = 64", "length = 65", "`window.length` in `m/newsdesk.toml`: 65 tokens, the encoder takes 64");
    refused(
        "length = 64\nstride = 48",
        "length = 2\nstride = 1",
        "`window.length` in `m/newsdesk.toml`: 2 tokens leave",
    );
    refused("stride = 48", "stride = 0", "`window.stride` in `m/newsdesk.toml`: 0 is not within 1..=64");
    refused("stride = 48", "stride = 65", "`window.stride` in `m/newsdesk.toml`: 65 is not within 1..=64");
    refused("label =", "temperature = -1.0\nlabel =", "`head.temperature` in `m/newsdesk.toml`: -1 is not positive");
    refused("label =", "temperature = nan\nlabel =", "`head.temperature` in `m/newsdesk.toml`: NaN is not positive");
}

#[test]
fn a_manifests_error_names_its_line() {
    manifest("pooling", "colour = 1\npooling").refused("`line 3` in `m/newsdesk.toml`: unknown field `colour`");
    manifest("stride", "hop = 1\nstride").refused("`line 6` in `m/newsdesk.toml`: unknown field `hop`");
}

#[test]
fn a_manifest_and_weights_that_do_not_belong_together() {
    let other = manifest("name = \"desk\"\nactivation", "name = \"topic\"\nactivation");
    other.refused("Failed to find tensor `heads.topic.weight` in `m/model.safetensors`").hint("do not belong together");
    let fewer = manifest(", { name = \"world\" }", "");
    fewer
        .refused("`heads.desk.weight` from `m/model.safetensors`: its shape is [5, 32]")
        .hint("do not belong together");
}

#[test]
fn a_manifest_that_does_not_fit_its_checkpoint() {
    let checkpoint = |manifest: String| spoiled(|folder| _ = folder.write("m/newsdesk.toml", &manifest));
    let fewer = checkpoint(MANIFEST.replace(", { name = \"world\" }", ""));
    fewer.refused("`head.label` in `m/newsdesk.toml`: head `desk` has 4 labels, the classifier has 5 outputs");
    // Which of two heads it is would be a guess.
    let labels = "label = [{ name = \"a\" }, { name = \"b\" }]";
    let two = format!("{MANIFEST}[[head]]\nname = \"topic\"\nactivation = \"softmax\"\n{labels}\n");
    checkpoint(two).refused("Failed to find tensor `heads.desk.weight` in `m/model.safetensors`");
}

#[test]
fn a_manifest_with_too_few_labels_is_named() {
    manifest(", { name = \"world\" }", "").refused("`newsdesk.toml` asks for [4, 32]");
}

/// `error:` lines carry one `hint:`; these do not.
#[test]
fn whatever_is_not_understood_has_a_hint() {
    let answers = [
        spoiled(|folder| _ = folder.write("m/config.json", "{")),
        config("\"bert\"", "\"roberta\""),
        config("single_label_classification", "regression"),
        spoiled(|folder| _ = folder.write("m/model.safetensors", "version https://git-lfs.github.com/spec/v1")),
        spoiled(|folder| _ = folder.write("m/tokenizer.json", "{}")),
        manifest("version = 1", "version = 2"),
        manifest("pooling", "colour = 1\npooling"),
        manifest("length = 64", "length = 65"),
    ];
    let without: Vec<_> = answers.iter().filter(|answer| answer.starting("hint: ").len() != 1).collect();
    assert!(without.is_empty(), "{without:#?}");
}
