//! Model folders with files that are missing, are no files, are too large, or claim enormous sizes.

use crate::support::{Answer, Folder};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

/// Classifies with a copy of the tiny model after `change` has changed the copy.
fn classify(change: impl Fn(&Folder)) -> Answer {
    let folder = Folder::new();
    folder.copy_tiny("m");
    change(&folder);
    folder.newsdesk_reading("Goal!", &["classify", "--model", "m", "-"])
}

/// Returns a labelled data set as CSV.
fn labelled() -> String {
    let row = |i: usize| format!("{} on day {i},{}\n", ["goals", "shares"][i % 2], ["sport", "money"][i % 2]);
    format!("text,label\n{}", (0..120).map(row).collect::<String>())
}

/// Classifies without a file of the model, and with other files in its place.
fn without(missing: &str, instead: &[&str]) -> Answer {
    classify(|folder| {
        fs::remove_file(folder.path(&format!("m/{missing}"))).unwrap();
        instead.iter().for_each(|file| _ = folder.write(&format!("m/{file}"), "{}"));
    })
}

#[test]
fn what_is_there_instead_of_the_weights_is_named() {
    let weights = |instead: &[&str], error: &str, hint: &str| {
        let error = format!("cannot read `m/model.safetensors`: there is no such file, but {error}");
        without("model.safetensors", instead).refused(&error).hint(hint);
    };
    weights(&["pytorch_model.bin"], "`pytorch_model.bin`, a pickle", "add `--allow-pickle`, or convert it once");
    weights(&["tf_model.h5"], "`tf_model.h5`", "convert the weights to safetensors");
    weights(&["onnx/model.onnx"], "`onnx`, an ONNX export", "fetch the checkpoint that was exported");
    weights(&["adapter_model.safetensors"], "`adapter_model.safetensors`: this is an adapter", "merge_and_unload()");
    let shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    let without_index =
        "2 parts of it, such as `model-00001-of-00002.safetensors`, without `model.safetensors.index.json`";
    weights(&shards, without_index, "fetch `model.safetensors.index.json` as well");
}

#[test]
fn what_is_there_instead_of_other_files_is_named() {
    without("tokenizer.json", &["merges.txt"])
        .refused("cannot read `m/tokenizer.json`: there is no such file, but `merges.txt`")
        .hint("AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)");
    without("tokenizer.json", &["vocab.txt"]).refused("cannot tokenise with `m/vocab.txt`: it has no token `[UNK]`");
    without("config.json", &["checkpoint-500/config.json"])
        .refused("cannot read `m/config.json`: there is no such file, but there is a model in its subfolder `checkpoint-500`")
        .hint("name the subfolder");
    without("config.json", &[]).refused("cannot read `m/config.json`: there is no such file").hint("add the file");
    let folder = Folder::new();
    fs::create_dir(folder.path("m")).unwrap();
    folder.run("models info m").refused("cannot read `m/config.json`: the folder is empty").hint("name a model folder");
}

#[test]
fn an_unsupported_encoder_is_named_before_missing_files() {
    let answer = classify(|folder| {
        folder.replace("m/config.json", "\"bert\"", "\"gpt2\"");
        fs::remove_file(folder.path("m/model.safetensors")).unwrap();
    });
    answer.refused("`gpt2` is not supported, only albert, bert,");
}

#[test]
fn the_task_of_another_checkpoint_is_named() {
    let with_class = |class: &str| {
        let folder = Folder::new();
        folder.copy_tiny("m");
        folder.replace("m/config.json", "BertForSequenceClassification", class);
        folder
    };
    for (class, task) in [
        ("BertForTokenClassification", "token classification, such as named entities"),
        ("BertForQuestionAnswering", "question answering"),
        ("BertForMaskedLM", "masked language modelling"),
        ("BertForMultipleChoice", "multiple choice"),
    ] {
        let folder = with_class(class);
        let answer = folder.newsdesk_reading("Goal!", &["classify", "--model", "m", "-"]);
        let error =
            format!("cannot classify with the model `m`: it is a checkpoint for {task}, not for text classification");
        answer.refused(&error).hint("train a head on it with `newsdesk train --base`");
        folder.run("models info m").done();
    }
}

#[test]
fn the_encoder_of_another_checkpoint_can_be_trained() {
    let folder = Folder::new();
    folder.copy_tiny("m");
    folder.replace("m/config.json", "BertForSequenceClassification", "BertForTokenClassification");
    folder.write("set.csv", labelled());
    folder.run("train --base m --data set.csv -o out --epochs 1 --quiet").done();
    folder.newsdesk_reading("goals", &["classify", "--model", "out", "-"]).done();
}

#[test]
fn enormous_sizes_in_config_json_allocate_nothing() {
    const HUGE: &str = "100000000000";
    let config = |from: &str, to: &str| classify(|folder| folder.replace("m/config.json", from, to));
    config("\"num_hidden_layers\": 2", &format!("\"num_hidden_layers\": {HUGE}"))
        .refused("`num_hidden_layers` in `m/config.json`: 100000000000 layers are more than 1000");
    config("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1")
        .refused("`num_hidden_layers` in `m/config.json`: the encoder of the weights has more layers than 1")
        .hint("do not belong together");
    for (key, value) in [("vocab_size", 600), ("max_position_embeddings", 64), ("type_vocab_size", 2)] {
        let answer = config(&format!("\"{key}\": {value}"), &format!("\"{key}\": {HUGE}"));
        answer.refused(&format!("but `config.json` requires [{HUGE}, 32]")).hint("do not belong together");
    }
    config("\"hidden_size\": 32", &format!("\"hidden_size\": {HUGE}")).refused(&format!("requires [600, {HUGE}]"));
    config("\"intermediate_size\": 64", &format!("\"intermediate_size\": {HUGE}"))
        .refused(&format!("requires [{HUGE}, 32]"));
    config("\"num_attention_heads\": 4", &format!("\"num_attention_heads\": {HUGE}")).refused("does not divide");
    config("1e-12", "1e300").refused("`layer_norm_eps` in `m/config.json`");
    config("\"hidden_dropout_prob\": 0.1", "\"hidden_dropout_prob\": 1.5").refused("`hidden_dropout_prob`");
}

#[test]
fn enormous_shapes_without_values_allocate_nothing() {
    use crate::support::weights::Weights;
    use serde_json::json;
    let classifier = classify(|folder| {
        let mut weights = Weights::open(&folder.path("m"));
        weights.header["classifier.weight"]["shape"] = json!([1_000_000_000_000u64, 0]);
        weights.header["classifier.weight"]["data_offsets"] = json!([0, 0]);
        weights.save();
    });
    assert_eq!(classifier.code, Some(2), "{classifier}");
}

#[test]
fn enormous_sizes_of_linear_models_allocate_nothing() {
    let folder = Folder::new();
    folder.write("set.csv", labelled());
    folder.run("train --arch linear --data set.csv -o m --buckets 4096 --quiet").done();
    folder.replace("m/newsdesk.toml", "buckets = 4096\nwords", "buckets = 67108864\nwords");
    let labels: String = (0..2000).map(|i| format!("[[head.label]]\nname = \"l{i}\"\n")).collect();
    let manifest = folder.text("m/newsdesk.toml");
    let at = manifest.find("[[head.label]]").unwrap_or_else(|| panic!("{manifest}"));
    folder.write("m/newsdesk.toml", format!("{}{labels}{}", &manifest[..at], &manifest[at..]));
    folder.run("models info m").refused("`idf_squared` from `m/model.safetensors`: its shape is [4096]");
}

#[cfg(unix)]
#[test]
fn devices_and_pipes_are_not_read() {
    use std::os::unix::fs::symlink;
    for name in ["config.json", "tokenizer.json", "model.safetensors", "newsdesk.toml", "1_Pooling/config.json"] {
        let error = format!("cannot read `m/{name}`");
        let place = |folder: &Folder| {
            let path = folder.path(&format!("m/{name}"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            _ = fs::remove_file(&path);
            path
        };
        let device = classify(|folder| symlink("/dev/zero", place(folder)).unwrap());
        device.refused(&error).says("it is not a regular file").hint("it must be a regular file");
        let pipe = classify(|folder| {
            assert!(std::process::Command::new("mkfifo").arg(place(folder)).status().unwrap().success());
        });
        pipe.refused(&error).says("it is not a regular file");
        let directory = classify(|folder| fs::create_dir(place(folder)).unwrap());
        directory.refused(&error).says("it is a folder");
        let broken = classify(|folder| symlink("nowhere", place(folder)).unwrap());
        broken.refused(&format!("{error}: it is a link to a file that does not exist"));
    }
}

#[test]
fn files_that_are_too_large_are_not_read() {
    for (name, limit) in [("config.json", "16 MiB"), ("newsdesk.toml", "16 MiB"), ("tokenizer.json", "64 MiB")] {
        // A file with a hole takes no space on the disk.
        let answer =
            classify(|folder| File::create(folder.path(&format!("m/{name}"))).unwrap().set_len(1 << 27).unwrap());
        let error = format!("cannot read `m/{name}`");
        answer.refused(&error).says(&format!("it is larger than {limit}")).hint("of ordinary size");
    }
    let header = classify(|folder| _ = folder.write("m/model.safetensors", [0xff; 64]));
    header.refused("cannot use `header` in `m/model.safetensors`");
}

#[cfg(unix)]
#[test]
fn endless_files_of_options_recipes_and_labels_are_not_read() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new();
    folder.write("set.csv", "text,label\na,b\n");
    symlink("/dev/zero", folder.path("endless.toml")).unwrap();
    for line in [
        "train --options endless.toml",
        "eval TINY --data endless.toml",
        "eval TINY --data set.csv --label-map endless.toml",
        "train --data set.csv --labels endless.toml -o out",
    ] {
        folder.run(line).refused("`endless.toml`").says("larger than 16 MiB");
    }
    folder.run("bench TINY --data set.csv --baseline /dev/zero").refused("`/dev/zero`").says("larger than 256 MiB");
}

/// Classifies with a tokenizer after a change of its JSON.
fn tokenizer(change: impl Fn(&mut serde_json::Value)) -> Answer {
    classify(|folder| {
        let mut json = folder.json("m/tokenizer.json");
        change(&mut json);
        folder.write("m/tokenizer.json", json.to_string());
    })
}

#[test]
fn hostile_tokenizers_are_errors_and_not_panics() {
    use serde_json::json;
    let ids = "but the encoder knows only 600 ids";
    let added = |id: u64| {
        tokenizer(|json| {
            json["added_tokens"].as_array_mut().unwrap().push(json!({"id": id, "content": "zz", "single_word": false,
            "lstrip": false, "rstrip": false, "normalized": false, "special": true}));
        })
    };
    for answer in [added(4_294_967_295), added(600), added(1 << 40)] {
        assert_eq!(answer.code, Some(2), "{answer}");
    }
    tokenizer(|json| json["model"]["vocab"]["the"] = json!(4_294_967_295u32)).refused(ids);
    tokenizer(|json| json["post_processor"]["special_tokens"]["[CLS]"]["ids"] = json!([4_294_967_295u32])).refused(ids);
    let no_unknown = tokenizer(|json| json["model"]["unk_token"] = json!("[NONE]"));
    no_unknown.refused("cannot tokenise with `m/tokenizer.json`");
    let charsmap = |base64: &str| {
        let normalizer = json!({"type": "Precompiled", "precompiled_charsmap": base64});
        let answer = tokenizer(|json| json["normalizer"] = json!({"type": "Sequence", "normalizers": [normalizer]}));
        answer.refused("cannot tokenise with `m/tokenizer.json`")
    };
    // The tokenizers crate panics on the first, and allocates 8 GB for the second.
    assert!(!charsmap("!").err.contains("panicked"));
    charsmap("/////w==").says("4294967295 bytes");
    let double = json!({"type": "Replace", "pattern": {"String": "a"}, "content": "aa"});
    let bomb = json!({"type": "Sequence", "normalizers": vec![double; 60]});
    tokenizer(|json| json["normalizer"] = bomb.clone()).refused("its normalizer makes texts up to");
    let regex = |pattern: &str| {
        tokenizer(|json| {
            json["pre_tokenizer"] =
                json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false});
        })
    };
    regex("((((a{1000}){1000}){1000}){1000})").refused("cannot tokenise");
    regex(&"(".repeat(100_000)).refused("cannot tokenise");
    let deep = "[".repeat(200_000);
    classify(|folder| _ = folder.write("m/tokenizer.json", &deep)).refused("cannot tokenise");
    classify(|folder| _ = folder.write("m/config.json", &deep)).refused("in `m/config.json`: recursion limit");
    classify(|folder| _ = folder.write("m/newsdesk.toml", format!("a = {deep}"))).refused("in `m/newsdesk.toml`");
}

#[cfg(target_os = "linux")]
#[test]
fn weights_that_are_cut_off_while_they_are_used_are_an_error() {
    let folder = Folder::new();
    folder.copy_tiny("m");
    let arguments = ["classify", "-", "--format", "jsonl", "--model", "m"];
    let mut command = folder.command(&arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // The model is open once the first article is labelled.
    input.write_all(b"{\"text\":\"Goal!\"}\n").unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut String::new()).unwrap();
    File::options().write(true).open(folder.path("m/model.safetensors")).unwrap().set_len(9).unwrap();
    input.write_all(b"{\"text\":\"The mayor said that prices rise.\"}\n").unwrap();
    drop(input);
    let answer = Answer::new(&arguments, child.wait_with_output().unwrap());
    answer.refused("their file was changed while it was used").hint("`--resume`");
}
