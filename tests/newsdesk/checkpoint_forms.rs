//! The forms in which checkpoints come: one safetensors file, several parts, and pickles of torch.

use crate::support::torch_file::{Tensor, from_safetensors, state_dict};
use crate::support::{Answer, Folder, TINY, scores};
use serde_json::{Map, Value, json};
use std::fs;

const TEXTS: &str = "Goal! Rovers win the final.\nShares of the bank fall.\nThe mayor said: rain.\n";

/// A folder with the tiny model in `m`, without its weights.
fn without_weights() -> (Folder, Vec<Tensor>) {
    let folder = Folder::new();
    folder.copy_tiny("m");
    let tensors = from_safetensors(&folder.weights("m"));
    fs::remove_file(folder.path("m/model.safetensors")).unwrap();
    (folder, tensors)
}

/// A folder with the tiny model in `m`, whose weights are in `pytorch_model.bin`.
fn pickled() -> Folder {
    let (folder, tensors) = without_weights();
    folder.write("m/pytorch_model.bin", state_dict(&tensors));
    folder
}

/// Writes tensors as a safetensors file.
pub fn safetensors(tensors: &[Tensor]) -> Vec<u8> {
    let (mut header, mut data) = (Map::new(), vec![]);
    for tensor in tensors {
        let dtype = match tensor.class {
            "DoubleStorage" => "F64",
            "LongStorage" => "I64",
            "BFloat16Storage" => "BF16",
            _ => "F32",
        };
        let end = data.len() + tensor.bytes.len();
        header.insert(
            tensor.name.clone(),
            json!({"dtype": dtype, "shape": tensor.shape, "data_offsets": [data.len(), end]}),
        );
        data.extend(&tensor.bytes);
    }
    let header = Value::from(header).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()
}

/// Writes tensors in two parts with an index, and returns the index.
fn write_parts(folder: &Folder, tensors: &[Tensor], ending: &str, write: impl Fn(&[Tensor]) -> Vec<u8>) -> Value {
    let (first, second) = tensors.split_at(tensors.len() / 2);
    let mut map = Map::new();
    for (number, part) in [(1, first), (2, second)] {
        let stem = if ending == "bin" { "pytorch_model" } else { "model" };
        let name = format!("{stem}-0000{number}-of-00002.{ending}");
        folder.write(&format!("m/{name}"), write(part));
        map.extend(part.iter().map(|tensor| (tensor.name.clone(), json!(name))));
    }
    json!({"metadata": {"total_size": 1}, "weight_map": map})
}

/// A folder with the tiny model in `m`, whose weights are in two safetensors files. `change` may change the index.
fn sharded(change: impl Fn(&Folder, &mut Value)) -> Folder {
    let (folder, tensors) = without_weights();
    let mut index = write_parts(&folder, &tensors, "safetensors", safetensors);
    change(&folder, &mut index);
    folder.write("m/model.safetensors.index.json", index.to_string());
    folder
}

/// Labels the texts with the model in `m`.
fn classify(folder: &Folder, options: &[&str]) -> Answer {
    folder.newsdesk_reading(
        TEXTS,
        &[&["classify", "--model", "m", "-", "--scores", "--format", "text"], options].concat(),
    )
}

/// Asserts that the model in `m` gives exactly the scores of the tiny model.
#[track_caller]
fn assert_same_scores(folder: &Folder, options: &[&str]) {
    let expected = folder.newsdesk_reading(TEXTS, &["classify", "--model", TINY, "-", "--scores", "--format", "text"]);
    let found = classify(folder, options).done();
    assert!(found.out.len() > 100, "{found}");
    assert_eq!(found.out, expected.done().out);
}

#[test]
fn a_pickle_has_the_scores_of_its_safetensors_file() {
    assert_same_scores(&pickled(), &["--allow-pickle"]);
}

#[test]
fn a_pickle_is_read_only_on_request() {
    let folder = pickled();
    let error = "cannot read `m/model.safetensors`: there is no such file, but `pytorch_model.bin`, a pickle";
    let refused = classify(&folder, &[]).refused(error);
    refused.hint(
        "add `--allow-pickle`, or convert it once: `newsdesk models convert FOLDER --allow-pickle -o NEW_FOLDER`",
    );
    folder.run("models convert m -o out").refused(error);
    folder.assert_missing("out");
    // A safetensors file takes precedence, so the pickle is not even opened.
    folder.write("m/pytorch_model.bin", "not a pickle");
    folder.write("m/model.safetensors", fs::read(format!("{TINY}/model.safetensors")).unwrap());
    assert_same_scores(&folder, &["--allow-pickle"]);
}

#[test]
fn a_converted_model_replaces_another_one_completely() {
    let folder = pickled();
    folder.write("m/tokenizer_config.json", "{\"model_max_length\": 16}");
    folder.run("models convert m --allow-pickle -o out").done();
    folder.assert_contains("out/tokenizer_config.json", "16");
    fs::remove_file(folder.path("m/tokenizer_config.json")).unwrap();
    folder.run("models convert m --allow-pickle -o out").refused("already");
    folder.run("models convert m --allow-pickle -o out --overwrite").done();
    folder.assert_missing("out/tokenizer_config.json");
}

#[test]
fn info_lists_the_parts_of_weights() {
    let folder = sharded(|_, _| {});
    let files = folder.info("m")["files"].to_string();
    assert!(files.contains("model-00001-of-00002.safetensors") && files.contains("model-00002-of-00002"), "{files}");
}

#[test]
fn every_command_with_a_model_accepts_a_pickle() {
    let folder = pickled();
    let row = |i: usize| format!("{} on day {i},{}\n", ["goals", "shares"][i % 2], ["sport", "business"][i % 2]);
    folder.write("set.csv", format!("text,label\n{}", (0..60).map(row).collect::<String>()));
    for line in [
        "classify set.csv --model m -o labelled.csv --allow-pickle",
        "verify labelled.csv --model m --allow-pickle",
        "eval m --data set.csv --allow-pickle",
        "bench m --data set.csv --rounds 1 --latency-articles 20 --limit 8 --allow-pickle",
        "agree m TINY --data set.csv --allow-pickle",
        "train --base m --data set.csv -o trained --epochs 1 --quiet --allow-pickle",
        "data stats set.csv --model m --allow-pickle",
        "models info m --allow-pickle",
        "models average m TINY -o mean --allow-pickle",
    ] {
        let answer = folder.run(line);
        // `agree` and `bench` may find something.
        assert!(matches!(answer.code, Some(0 | 1)) && answer.starting("error:").is_empty(), "{answer}");
        let without = ["-o trained", "-o mean", "-o labelled.csv"]
            .iter()
            .fold(line.replace(" --allow-pickle", ""), |line, output| line.replace(output, "-o other.csv"));
        folder.run(&without).refused("a pickle");
    }
    folder.run("calibrate m --data set.csv --allow-pickle").done();
    folder.run("models certify m --data set.csv --allow-pickle").done();
    folder.run("train --arch linear --data set.csv -o linear --allow-pickle").refused("cannot use `--allow-pickle`");
}

#[test]
fn several_parts_have_the_scores_of_one_file() {
    assert_same_scores(&sharded(|_, _| {}), &[]);
    let (folder, tensors) = without_weights();
    let index = write_parts(&folder, &tensors, "bin", state_dict);
    folder.write("m/pytorch_model.bin.index.json", index.to_string());
    classify(&folder, &[]).refused("but `pytorch_model.bin.index.json`, a pickle").hint("`--allow-pickle`");
    assert_same_scores(&folder, &["--allow-pickle"]);
}

#[test]
fn the_hash_of_several_parts_is_that_of_the_output_of_sha256sum() {
    let hash = |folder: &Folder| {
        classify(folder, &["-o", "out.jsonl"]).done();
        folder.json("out.jsonl.manifest.json")["model"]["sha256"].as_str().unwrap().to_owned()
    };
    let folder = sharded(|_, _| {});
    let first = hash(&folder);
    let script = "cd m && sha256sum model-*.safetensors | sha256sum";
    if let Ok(output) = std::process::Command::new("sh").args(["-c", script]).current_dir(folder.path("")).output()
        && output.status.success()
    {
        assert!(String::from_utf8(output.stdout).unwrap().starts_with(&first), "{first}");
    }
    let changed = sharded(|folder, _| {
        let name = "m/model-00002-of-00002.safetensors";
        let mut bytes = folder.bytes(name);
        *bytes.last_mut().unwrap() ^= 1;
        folder.write(name, bytes);
    });
    assert_ne!(hash(&changed), first);
}

#[test]
fn parts_that_are_missing_or_do_not_fit_the_index_are_named() {
    let remove = |folder: &Folder, number: u32| {
        fs::remove_file(folder.path(&format!("m/model-0000{number}-of-00002.safetensors"))).unwrap();
    };
    let second = sharded(|folder, _| remove(folder, 2));
    let error = "cannot read `m/model-00002-of-00002.safetensors`: there is no such file, but `model.safetensors.index.json` names it";
    classify(&second, &[]).refused(error).hint("fetch the missing parts");
    let none = sharded(|folder, _| [1, 2].into_iter().for_each(|number| remove(folder, number)));
    classify(&none, &[]).refused("`model-00002-of-00002.safetensors` is missing as well");
    let place = |tensor: &str, part: &str| {
        let folder = sharded(|_, index| index["weight_map"][tensor] = json!(part));
        classify(&folder, &[])
    };
    let first = "model-00001-of-00002.safetensors";
    let lacks = format!("it says that tensor `extra` is in `{first}`, which lacks it");
    place("extra", first).refused(&lacks).hint("do not belong together");
    let tensor = "classifier.weight";
    let (found, other) = match sharded(|_, _| {}).json("m/model.safetensors.index.json")["weight_map"][tensor] == first
    {
        true => (first, "model-00002-of-00002.safetensors"),
        false => ("model-00002-of-00002.safetensors", first),
    };
    place(tensor, other).refused(&format!("`{tensor}` is in `{other}`, but `{found}` holds it"));
    for path in ["../m.safetensors", "/etc/m.safetensors", "a/b.safetensors", "passwd"] {
        place("extra", path).refused("cannot use `weight_map` in `m/model.safetensors.index.json`");
    }
    let twice = sharded(|folder, _| {
        let tensors = from_safetensors(&folder.bytes(&format!("m/{first}")));
        let name = "m/model-00002-of-00002.safetensors";
        let all = [from_safetensors(&folder.bytes(name)), tensors].concat();
        folder.write(name, safetensors(&all));
    });
    classify(&twice, &[]).refused("`m/model-00001-of-00002.safetensors` holds a tensor of this name as well");
    let damaged = sharded(|folder, _| _ = folder.write(&format!("m/{first}"), [0xff; 64]));
    classify(&damaged, &[]).refused(&format!("cannot use `header` in `m/{first}`")).hint("fetch the file again");
    for index in ["{", "{}", "[]", "{\"weight_map\": {}}"] {
        let folder = sharded(|_, _| {});
        folder.write("m/model.safetensors.index.json", index);
        classify(&folder, &[]).refused("in `m/model.safetensors.index.json`").hint("fetch the file again");
    }
}

#[cfg(unix)]
#[test]
fn parts_must_be_regular_files() {
    let folder = sharded(|folder, _| {
        let path = folder.path("m/model-00001-of-00002.safetensors");
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", path).unwrap();
    });
    classify(&folder, &[]).refused("`m/model-00001-of-00002.safetensors`").says("not a regular file");
}

#[test]
fn f64_is_narrowed_and_position_ids_are_skipped() {
    let (folder, mut tensors) = without_weights();
    for tensor in &mut tensors {
        let numbers = tensor.bytes.as_chunks::<4>().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes)));
        tensor.bytes = numbers.flat_map(f64::to_le_bytes).collect();
        tensor.class = "DoubleStorage";
    }
    let name = "bert.embeddings.position_ids".into();
    tensors.push(Tensor { name, class: "LongStorage", shape: vec![1, 2], bytes: vec![0; 16] });
    folder.write("m/model.safetensors", safetensors(&tensors));
    assert_same_scores(&folder, &[]);
    fs::remove_file(folder.path("m/model.safetensors")).unwrap();
    folder.write("m/pytorch_model.bin", state_dict(&tensors));
    assert_same_scores(&folder, &["--allow-pickle"]);
    folder.run("models convert m --allow-pickle -o out").done();
    let converted = from_safetensors(&folder.weights("out"));
    assert_eq!(converted.len(), tensors.len() - 1);
    assert!(converted.iter().all(|tensor| tensor.class == "FloatStorage"));
}

#[test]
fn weights_of_a_pickle_must_be_finite_and_fit_the_configuration() {
    let spoilt = |change: &dyn Fn(&mut Vec<Tensor>)| {
        let (folder, mut tensors) = without_weights();
        change(&mut tensors);
        folder.write("m/pytorch_model.bin", state_dict(&tensors));
        classify(&folder, &["--allow-pickle"])
    };
    let nan = spoilt(&|tensors| tensors[3].bytes[..4].copy_from_slice(&f32::NAN.to_le_bytes()));
    nan.refused("in `m/pytorch_model.bin`: it holds NaN");
    spoilt(&|tensors| tensors[3].name = "other".into()).refused("cannot find tensor").says("m/pytorch_model.bin");
    spoilt(&|tensors| tensors.truncate(3)).refused("cannot find tensor");
}

#[test]
fn what_else_a_bin_file_may_be_is_named() {
    let other = |bytes: &[u8], error: &str, hint: &str| {
        let folder = pickled();
        folder.write("m/pytorch_model.bin", bytes);
        classify(&folder, &["--allow-pickle"])
            .refused(&format!("cannot use the weights in `m/pytorch_model.bin`: {error}"))
            .hint(hint);
    };
    let old = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e.";
    other(old, "it has the layout of torch before version 1.6", "torch.save(model.state_dict()");
    other(b"version https://git-lfs.github.com/spec/v1", "it is a Git LFS pointer", "git lfs pull");
    other(b"", "it is empty", "fetch the file again");
}

#[test]
fn a_checkpoint_is_converted_to_one_safetensors_file() {
    let folder = pickled();
    folder.write("m/vocab.txt", "the");
    folder.write("m/pytorch_model.py", "raise");
    folder.run("models convert m --allow-pickle -o out").done().says("wrote out");
    assert_eq!(folder.entries("out"), ["config.json", "model.safetensors", "tokenizer.json", "vocab.txt"]);
    assert_eq!(folder.text("out/config.json"), folder.text("m/config.json"));
    let sorted = |mut tensors: Vec<Tensor>| {
        tensors.sort_by(|one, other| one.name.cmp(&other.name));
        tensors.into_iter().map(|tensor| (tensor.name, tensor.class, tensor.shape, tensor.bytes)).collect::<Vec<_>>()
    };
    let original = from_safetensors(&fs::read(format!("{TINY}/model.safetensors")).unwrap());
    assert_eq!(sorted(from_safetensors(&folder.weights("out"))), sorted(original));
    fs::rename(folder.path("m"), folder.path("before")).unwrap();
    fs::rename(folder.path("out"), folder.path("m")).unwrap();
    assert_same_scores(&folder, &[]);

    folder.run("models convert before --allow-pickle -o m").refused("cannot write the model: `m` already holds one");
    folder.run("models convert before --allow-pickle -o m --overwrite").done();
    assert_same_scores(&folder, &[]);
    folder.run("models convert m -o m").refused("the new model is made from it");
    folder.write("near/vocab.txt", "mine");
    folder.run("models convert before --allow-pickle -o near").refused("`near/vocab.txt` already exists");
    assert_eq!(folder.text("near/vocab.txt"), "mine");
    folder.run("models convert default -o near").refused("it is the built-in model");
}

#[test]
fn a_model_in_int8_is_smaller_and_keeps_its_answers() {
    let folder = Folder::new();
    folder.copy_tiny("m");
    folder.run("models convert m -o out --save-dtype int8").done().says("wrote out");
    let [before, after] = ["m", "out"].map(|name| folder.weights(name).len());
    assert!(2 * after < before, "{after} of {before} bytes");
    let scores = |name: &str| -> Vec<f64> {
        let answer =
            folder.newsdesk_reading(TEXTS, &["classify", "--model", name, "-", "--scores", "--format", "text"]);
        answer.done().rows().iter().flat_map(scores).collect()
    };
    let (expected, found) = (scores("m"), scores("out"));
    let change = expected.iter().zip(&found).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
    assert!(expected.len() == found.len() && change > 0.0 && change < 0.1, "{change}");

    // Once more in int8 or as it is: the same numbers. In f32: the same scores.
    folder.run("models convert out -o again").done();
    assert!(2 * folder.weights("again").len() < before, "the integers were widened");
    assert_eq!(scores("again"), found);
    folder.run("models convert out -o wide --save-dtype f32").done();
    assert_eq!(scores("wide"), found);
    folder.run("models convert wide -o narrow --save-dtype int8").done();
    assert_eq!(scores("narrow"), found);
}

#[test]
fn integers_need_scales_that_fit() {
    let folder = Folder::new();
    folder.copy_tiny("m");
    folder.run("models convert m -o out --save-dtype int8").done();
    let weights = folder.weights("out");
    let name = b"embeddings.word_embeddings.weight.scale";
    let at = weights.windows(name.len()).position(|part| part == name).unwrap();
    let mut renamed = weights.clone();
    renamed[at + name.len() - 1] = b'X';
    folder.write("out/model.safetensors", renamed);
    folder.run("models info out").refused("a tensor of type I8 needs scales of type F32, named");
}

#[test]
fn several_parts_are_converted_to_one_file() {
    let folder = sharded(|_, _| {});
    folder.run("models convert m -o out").done();
    fs::remove_dir_all(folder.path("m")).unwrap();
    fs::rename(folder.path("out"), folder.path("m")).unwrap();
    assert_eq!(folder.entries("m"), ["config.json", "model.safetensors", "tokenizer.json"]);
    assert_same_scores(&folder, &[]);
}

#[test]
fn checkpoints_with_code_of_their_own_are_refused() {
    let folder = Folder::new();
    folder.copy_tiny("m");
    folder.replace(
        "m/config.json",
        "\"model_type\"",
        "\"auto_map\": {\"AutoModel\": \"modeling_x.X\"}, \"model_type\"",
    );
    let answer = classify(&folder, &[]).refused("cannot use `auto_map` in `m/config.json`: it names Python code");
    answer.hint("a class that is part of transformers");
}
