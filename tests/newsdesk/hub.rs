//! Models by their names on the hub, which is a server of the tests on loopback.

#[path = "../fake_hub/mod.rs"]
mod fake_hub;

use crate::architectures::labelled;
use crate::checkpoint_forms::safetensors;
use crate::support::torch_file::{Tensor, from_safetensors, state_dict};
use crate::support::{Answer, Folder, TINY};
use fake_hub::{FakeHub, Raw};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const TEXTS: &str = "{\"text\":\"Goal!\"}\n{\"text\":\"Oil prices fall again\"}\n";

/// A folder with articles, and a hub.
struct Setup {
    folder: Folder,
    hub: FakeHub,
}

fn setup() -> Setup {
    let folder = Folder::new();
    folder.write("a.jsonl", TEXTS);
    Setup { folder, hub: FakeHub::start() }
}

impl Setup {
    /// Returns `newsdesk` with these arguments, which uses the hub.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.folder.command(arguments);
        command.env("HF_HUB_OFFLINE", "0").env("HF_ENDPOINT", self.hub.endpoint()).env("NO_PROXY", "127.0.0.1");
        command
    }

    fn run(&self, arguments: &[&str]) -> Answer {
        Answer::new(arguments, self.command(arguments).output().unwrap())
    }

    /// Labels the articles with a model on the hub.
    fn classify(&self, model: &str) -> Answer {
        self.run(&["classify", "a.jsonl", "--model", model, "--scores", "--to", "jsonl"])
    }

    /// Labels the articles with the model in a folder.
    fn classify_with_folder(&self, folder: &Path) -> String {
        let folder = folder.to_str().unwrap();
        self.folder.newsdesk(&["classify", "a.jsonl", "--model", folder, "--scores", "--to", "jsonl"]).done().out
    }

    /// Returns the folder of a repository in the cache.
    fn cached(&self, name: &str) -> std::path::PathBuf {
        self.folder.path("hf/hub").join(format!("models--{}", name.replace('/', "--")))
    }
}

#[test]
fn a_model_of_every_architecture_labels_by_its_name() {
    let setup = setup();
    let mut folders: Vec<_> =
        fs::read_dir(format!("{TINY}/architectures")).unwrap().map(|e| e.unwrap().path()).collect();
    folders.sort();
    for folder in folders {
        let name = format!("acme/{}", folder.file_name().unwrap().to_str().unwrap());
        setup.hub.add_folder(&name, &folder);
        assert_eq!(setup.classify(&name).done().out, setup.classify_with_folder(&folder), "{name}");
        // And again from the cache.
        let offline = ["classify", "a.jsonl", "--model", &name, "--scores", "--to", "jsonl", "--offline"];
        assert_eq!(setup.run(&offline).done().out, setup.classify_with_folder(&folder), "{name}");
    }
}

/// Changes a key of `config.json`, or removes it.
fn set(folder: &Path, key: &str, value: Value) {
    let path = folder.join("config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    match value {
        Value::Null => drop(config.as_object_mut().unwrap().remove(key)),
        value => config[key] = value,
    }
    fs::write(path, config.to_string()).unwrap();
}

fn rename_labels(folder: &Path, label: &dyn Fn(usize) -> String) {
    let labels: serde_json::Map<_, _> = (0..5).map(|i| (i.to_string(), label(i).into())).collect();
    set(folder, "id2label", labels.into());
    set(folder, "label2id", Value::Null);
}

/// Replaces the weights by a file of torch.
fn as_pickle(folder: &Path) {
    fs::write(folder.join("pytorch_model.bin"), state_dict(&tensors(folder))).unwrap();
    fs::remove_file(folder.join("model.safetensors")).unwrap();
}

/// Divides the weights into two parts with an index.
fn as_parts(folder: &Path) {
    let whole = tensors(folder);
    let mut map = serde_json::Map::new();
    for (number, part) in whole.chunks(whole.len() / 2 + 1).enumerate() {
        let name = format!("model-0000{}-of-00002.safetensors", number + 1);
        fs::write(folder.join(&name), safetensors(part)).unwrap();
        map.extend(part.iter().map(|tensor| (tensor.name.clone(), json!(name))));
    }
    let index = json!({ "metadata": {}, "weight_map": map });
    fs::write(folder.join("model.safetensors.index.json"), index.to_string()).unwrap();
    fs::remove_file(folder.join("model.safetensors")).unwrap();
}

fn tensors(folder: &Path) -> Vec<Tensor> {
    from_safetensors(&fs::read(folder.join("model.safetensors")).unwrap())
}

fn change_tensors(folder: &Path, change: impl FnOnce(&mut Vec<Tensor>)) {
    let mut changed = tensors(folder);
    change(&mut changed);
    fs::write(folder.join("model.safetensors"), safetensors(&changed)).unwrap();
}

/// Stores the numbers in bf16, which is the upper half of f32.
fn as_bf16(tensors: &mut Vec<Tensor>) {
    for tensor in tensors {
        tensor.bytes = tensor.bytes.chunks(4).flat_map(|number| [number[2], number[3]]).collect();
        tensor.class = "BFloat16Storage";
    }
}

/// Leaves one output.
fn one_label(folder: &Path) {
    change_tensors(folder, |tensors| {
        for tensor in tensors.iter_mut().filter(|tensor| tensor.name.starts_with("classifier.")) {
            tensor.bytes.truncate(tensor.bytes.len() / tensor.shape[0]);
            tensor.shape[0] = 1;
        }
    });
    set(folder, "problem_type", Value::Null);
    set(folder, "id2label", json!({ "0": "LABEL_0" }));
    set(folder, "label2id", json!({ "LABEL_0": 0 }));
}

/// Replaces `tokenizer.json` by its vocabulary.
fn with_vocabulary_only(folder: &Path) {
    let path = folder.join("tokenizer.json");
    let tokenizer: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let mut words: Vec<_> = tokenizer["model"]["vocab"].as_object().unwrap().iter().collect();
    words.sort_by_key(|(_, id)| id.as_u64());
    let lines: String = words.iter().map(|(word, _)| format!("{word}\n")).collect();
    fs::write(folder.join("vocab.txt"), lines).unwrap();
    fs::remove_file(path).unwrap();
}

/// Sets a key of `tokenizer.json`.
fn bake(folder: &Path, key: &str, value: Value) {
    let path = folder.join("tokenizer.json");
    let mut tokenizer: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    tokenizer[key] = value;
    fs::write(path, tokenizer.to_string()).unwrap();
}

type Change = fn(&Path);

/// Configurations as people publish them.
const WILD: [(&str, Change); 20] = [
    ("plain", |_| ()),
    ("vocabulary", with_vocabulary_only),
    ("pickle", as_pickle),
    ("parts", as_parts),
    ("bf16", |folder| change_tensors(folder, as_bf16)),
    ("multi-label", |folder| set(folder, "problem_type", json!("multi_label_classification"))),
    ("one-label", one_label),
    ("regression", |folder| {
        one_label(folder);
        set(folder, "problem_type", json!("regression"));
    }),
    ("numbered", |folder| rename_labels(folder, &|i| format!("LABEL_{i}"))),
    ("stars", |folder| rename_labels(folder, &|i| format!("{} stars", i + 1))),
    ("no-labels-to-ids", |folder| set(folder, "label2id", Value::Null)),
    ("endless", |folder| fs::write(folder.join("tokenizer_config.json"), "{\"model_max_length\": 1e30}").unwrap()),
    ("no-tokenizer-config", |folder| fs::remove_file(folder.join("tokenizer_config.json")).unwrap()),
    ("truncated", |folder| {
        bake(
            folder,
            "truncation",
            json!({ "direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0 }),
        );
    }),
    ("padded", |folder| {
        let padding = json!({ "strategy": { "Fixed": 16 }, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0,
                              "pad_type_id": 0, "pad_token": "[PAD]" });
        bake(folder, "padding", padding);
    }),
    ("older-names", |folder| {
        change_tensors(folder, |tensors| {
            for tensor in tensors {
                tensor.name = tensor
                    .name
                    .replace("LayerNorm.weight", "LayerNorm.gamma")
                    .replace("LayerNorm.bias", "LayerNorm.beta");
            }
        });
    }),
    ("more-tensors", |folder| {
        change_tensors(folder, |tensors| {
            let ids = Tensor {
                name: "bert.embeddings.position_ids".into(),
                class: "LongStorage",
                shape: vec![1, 2],
                bytes: vec![0; 16],
            };
            tensors.push(ids);
        });
    }),
    ("half", |folder| set(folder, "torch_dtype", json!("float16"))),
    ("parts-and-pickle", |folder| {
        fs::write(folder.join("pytorch_model.bin"), "not read").unwrap();
        as_parts(folder);
    }),
    ("other-files", |folder| fs::write(folder.join("tf_model.h5"), [0; 1000]).unwrap()),
];

#[test]
fn configurations_as_people_publish_them_label_as_the_folder_does() {
    let setup = setup();
    for (name, change) in WILD {
        let folder = setup.folder.copy_tiny(name);
        fs::copy(Path::new(TINY).join("tokenizer_config.json"), folder.join("tokenizer_config.json")).unwrap();
        change(&folder);
        let model = format!("acme/{name}");
        setup.hub.add_folder(&model, &folder);
        let classify = |model: &str| {
            setup.run(&["classify", "a.jsonl", "--scores", "--to", "jsonl", "--allow-pickle", "--model", model])
        };
        let (by_name, by_folder) = (classify(&model).done(), classify(name).done());
        assert_eq!(by_name.out, by_folder.out, "{name}");
        assert_eq!(by_name.out.lines().count(), 2);
    }
    // Nothing but what was needed was downloaded.
    let asked: Vec<String> = setup.hub.requests().into_iter().map(|request| request.path).collect();
    for unneeded in ["tf_model.h5", "parts-and-pickle/resolve/main/pytorch_model.bin"] {
        assert!(!asked.iter().any(|path| path.ends_with(unneeded)), "{unneeded}");
    }
}

#[test]
fn a_run_records_the_commit_and_can_be_repeated_with_it() {
    let setup = setup();
    let commit = setup.hub.add_folder("acme/news", Path::new(&format!("{TINY}/architectures/roberta")));
    let source = format!("acme/news@{commit}");
    setup.run(&["classify", "a.jsonl", "--model", "acme/news", "-o", "out.jsonl"]).done();
    let record = &setup.folder.json("out.jsonl.manifest.json")["model"];
    assert_eq!((&record["name"], &record["source"]), (&json!("acme/news"), &json!(source)));
    // Later, the name means other weights.
    setup.hub.add_folder("acme/news", Path::new(&format!("{TINY}/architectures/electra")));
    setup.run(&["classify", "a.jsonl", "--model", &source, "-o", "again.jsonl"]).done();
    assert_eq!(setup.folder.text("out.jsonl"), setup.folder.text("again.jsonl"));
    setup.run(&["classify", "a.jsonl", "--model", "acme/news", "-o", "other.jsonl"]).done();
    assert_ne!(setup.folder.text("out.jsonl"), setup.folder.text("other.jsonl"));
    // A trained model records its base.
    setup.folder.write("set.csv", labelled());
    let train = ["train", "--base", &source, "--data", "set.csv", "--epochs", "1", "-o", "trained", "--quiet"];
    setup.run(&train).done();
    assert_eq!(setup.folder.manifest("trained")["training"]["base"], source.as_str());
    setup.folder.assert_contains("trained/README.md", &source);
}

#[test]
fn without_a_network_a_pulled_model_works_and_others_fail_at_once() {
    let setup = setup();
    setup.hub.add_folder("acme/news", Path::new(TINY));
    let offline = |model: &str| setup.run(&["classify", "a.jsonl", "--model", model, "--offline"]);
    offline("acme/news").refused("cannot open the model `acme/news`").hint("`newsdesk models pull acme/news`");
    assert!(setup.hub.requests().is_empty());
    setup
        .run(&["models", "pull", "acme/news", "acme/missing"])
        .refused("cannot download the model `acme/missing`")
        .hint("check the name");
    offline("acme/news").done();
    let unreachable = |model: &str| {
        let arguments = ["classify", "a.jsonl", "--model", model];
        Answer::new(&arguments, setup.command(&arguments).env("HF_ENDPOINT", "http://127.0.0.1:9").output().unwrap())
    };
    unreachable("acme/news").done().says("warning: cannot update `acme/news`, so the cached copy is used: ");
    unreachable("acme/other").refused("`http://127.0.0.1:9` was not reached").hint("newsdesk models pull");
}

#[test]
fn refusals_of_the_hub_have_hints() {
    let setup = setup();
    setup.hub.add_folder("acme/news", Path::new(TINY));
    setup.classify("acme/other").refused("has no model `acme/other`, or it is private").hint("`hf auth login`");
    setup.classify("acme/news@v9").refused("the model `acme/news` has no revision `v9`").hint("leave out the revision");
    setup.hub.misbehave(|request| {
        request.path.contains("/resolve/").then(|| Raw::answer("403 Forbidden", &["X-Error-Code: GatedRepo"], ""))
    });
    let page = format!("{}/acme/news", setup.hub.endpoint());
    setup.classify("acme/news").refused("the model `acme/news` is gated").hint(&format!("ask for access on {page}"));
    setup.hub.behave();
    setup.hub.add(
        "acme/bart",
        vec![("config.json", b"{\"model_type\": \"bart\"}".to_vec()), ("model.safetensors", vec![0; 9])],
    );
    setup.classify("acme/bart").refused("bart");
    let paths: Vec<String> = setup.hub.requests().into_iter().map(|request| request.path).collect();
    assert!(!paths.iter().any(|path| path.starts_with("/blobs/")), "{paths:?}");
    let folder = setup.folder.copy_tiny("pickle");
    as_pickle(&folder);
    setup.hub.add_folder("acme/pickle", &folder);
    setup.classify("acme/pickle").refused("has no safetensors file").hint("add `--allow-pickle`");
    let calibrate = setup.run(&["calibrate", "acme/news", "--data", "a.jsonl"]);
    calibrate.refused("it is a model of the hub").hint("`newsdesk models convert acme/news -o FOLDER`");
}

#[test]
fn weights_of_the_bots_pull_request_are_used_and_named() {
    let setup = setup();
    let folder = setup.folder.copy_tiny("old");
    as_pickle(&folder);
    let main = setup.hub.add_folder("acme/old", &folder);
    let read = |name: &str| fs::read(Path::new(TINY).join(name)).unwrap();
    let files = ["config.json", "tokenizer.json", "model.safetensors"].map(|name| (name, read(name)));
    let commit = setup.hub.add_revision("acme/old", "refs/pr/7", files.to_vec());
    let title = "Adding `safetensors` variant of this model";
    setup.hub.add_pull_request("acme/old", 7, title, "SFconvertbot", &[&commit, &main]);
    let answer =
        setup.classify("acme/old").done().says("the safetensors of its pull request 7, which the hub's own bot opened");
    assert_eq!(answer.out, setup.classify_with_folder(Path::new(TINY)));
}

#[test]
fn a_download_that_was_killed_is_continued() {
    let setup = setup();
    setup.hub.add_folder("acme/news", Path::new(TINY));
    let weights = fs::read(Path::new(TINY).join("model.safetensors")).unwrap();
    let (half, whole) = (weights.len() / 2, weights.clone());
    let size = format!("Content-Length: {}", weights.len());
    let digest = fake_hub::etag("model.safetensors", &weights);
    let of_weights = format!("/blobs/{digest}");
    setup.hub.misbehave(move |request| {
        let is_first = request.path.starts_with(&of_weights) && !request.headers.contains_key("range");
        is_first
            .then(|| Raw { stall: Duration::from_secs(60), ..Raw::with_headers("200 OK", &[&size], &whole[..half]) })
    });
    let arguments = ["models", "pull", "acme/news"];
    let mut child =
        setup.command(&arguments).stderr(Stdio::null()).env("HF_HUB_DOWNLOAD_TIMEOUT", "60").spawn().unwrap();
    let partial = setup.cached("acme/news").join("blobs").join(format!("{digest}.incomplete"));
    while fs::metadata(&partial).map_or(0, |file| file.len()) < half as u64 {
        std::thread::sleep(Duration::from_millis(20));
        assert!(child.try_wait().unwrap().is_none(), "the download ended");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!partial.with_extension("").exists());
    setup.hub.requests();
    setup.run(&arguments).done();
    let ranges = setup
        .hub
        .requests()
        .into_iter()
        .filter(|request| request.path.contains(&digest))
        .map(|request| request.headers.get("range").cloned());
    assert_eq!(ranges.collect::<Vec<_>>(), [Some(format!("bytes={half}-"))]);
    assert_eq!(setup.classify("acme/news").done().out, setup.classify_with_folder(Path::new(TINY)));
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_written_is_named_and_the_next_run_goes_on() {
    let setup = setup();
    setup.hub.add_folder("acme/news", Path::new(TINY));
    let arguments = ["models", "pull", "acme/news"];
    // In blocks of 512 or 1,024 bytes.
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -f 40 && exec \"$@\"", "sh", env!("CARGO_BIN_EXE_newsdesk")]).args(arguments);
    limited
        .env("HF_HOME", setup.folder.path("hf"))
        .env("HF_ENDPOINT", setup.hub.endpoint())
        .env("NO_PROXY", "127.0.0.1");
    let answer = Answer::new(&arguments, limited.output().unwrap()).hint("raise the limit on the size of files");
    assert_eq!(answer.code, Some(2));
    assert!(
        answer.err.contains("cannot download the model `acme/news`") && answer.err.contains(".incomplete`"),
        "{answer}"
    );
    setup.run(&arguments).done();
    assert_eq!(setup.classify("acme/news").done().out, setup.classify_with_folder(Path::new(TINY)));
}

#[test]
fn the_cache_is_listed_and_emptied() {
    let setup = setup();
    setup.run(&["models", "list"]).done().prints("no models in `");
    let commit = setup.hub.add_folder("acme/news", Path::new(&format!("{TINY}/architectures/mpnet")));
    let about = setup.run(&["models", "info", "acme/news"]).done();
    about.prints("encoder   MPNet").prints("It is not in the cache. Nothing was downloaded.").prints(&commit);
    setup.run(&["models", "pull", "acme/news"]).done().says(&format!("acme/news@{commit} is in the cache: "));
    let listed = setup.run(&["models", "list", "--json"]).done().json();
    let model = &listed[0];
    assert_eq!(
        (&model["name"], &model["commit"], &model["architecture"]),
        (&json!("acme/news"), &json!(commit), &json!("MPNet"))
    );
    assert_eq!((&model["revisions"], &model["complete"]), (&json!(["main"]), &json!(true)));
    setup.run(&["models", "list"]).done().prints("acme/news").prints(&commit[..12]);
    setup.run(&["models", "info", "acme/news"]).done().prints("encoder   MPNet, ");
    setup.run(&["models", "rm", "acme/news"]).done().says("removed acme/news: ");
    setup.run(&["models", "list"]).done().prints("no models in `");
    setup.run(&["models", "rm", "acme/news"]).refused("cannot remove the model `acme/news`");
    setup.run(&["models", "pull", "./folder"]).refused("cannot find `./folder` on the hub").hint("ORG/NAME");
}

#[test]
fn information_before_the_download_says_what_stands_in_the_way() {
    let setup = setup();
    let config = json!({ "model_type": "bart", "id2label": { "1": "b", "0": "a" } }).to_string();
    setup.hub.add("acme/bart", vec![("config.json", config.into_bytes()), ("pytorch_model.bin", vec![0; 2_000_000])]);
    setup.hub.describe("acme/bart", json!({ "gated": "manual", "cardData": { "license": "mit" } }));
    let about = setup.run(&["models", "info", "acme/bart", "--json"]).done().json();
    assert_eq!(
        (&about["architecture"], &about["labels"], &about["licence"]),
        (&Value::Null, &json!(["a", "b"]), &json!("mit"))
    );
    assert_eq!((&about["gated"], about["bytes"].as_u64().unwrap() > 2_000_000), (&json!("manual"), true));
    let notes = about["notes"].to_string();
    assert!(notes.contains("not supported") && notes.contains("--allow-pickle"), "{notes}");
}

#[test]
fn models_of_the_hub_are_measured_beside_each_other() {
    let setup = setup();
    let commit = setup.hub.add_folder("acme/news", Path::new(TINY));
    setup.hub.add_folder("acme/copy", Path::new(TINY));
    let labels = setup.folder.info(TINY)["manifest"]["head"][0]["label"].clone();
    let names: Vec<&str> = labels.as_array().unwrap().iter().map(|label| label["name"].as_str().unwrap()).collect();
    setup
        .folder
        .write("set.csv", format!("text,label\n{}", format!("goal,{}\nshares,{}\n", names[0], names[1]).repeat(12)));
    let line =
        ["bench", "acme/news", "acme/copy", "--data", "set.csv", "--rounds", "1", "--dtypes", "f32", "--threads", "1"];
    let answer = setup.run(&[&line[..], &["--json", "--report", "page.html", "--quiet"]].concat()).done();
    let results = answer.json();
    assert_eq!(results["results"][0]["source"], format!("acme/news@{commit}"));
    setup.folder.assert_contains("page.html", &format!("https://huggingface.co/acme/news/tree/{commit}"));
}

#[test]
fn a_head_is_exported_as_a_classifier_with_the_same_scores() {
    let setup = setup();
    for (architecture, pooling) in [("roberta", "cls"), ("electra", "cls"), ("distilbert", "pooler")] {
        setup.folder.write("set.csv", labelled());
        let base = format!("{TINY}/architectures/{architecture}");
        let train = ["train", "--base", &base, "--data", "set.csv", "--epochs", "1", "--pooling", pooling];
        setup
            .run(&[&train[..], &["-o", architecture, "--quiet", "--overwrite", "--learning-rate", "1e-2"]].concat())
            .done();
        let out = format!("{architecture}-classifier");
        setup.run(&["models", "export", architecture, "-o", &out]).done();
        fs::remove_file(setup.folder.path(&out).join("newsdesk.toml")).unwrap();
        let scores = |model: &str| -> Vec<Value> {
            setup
                .run(&["classify", "a.jsonl", "--model", model, "--scores", "--dtype", "f32", "--to", "jsonl"])
                .done()
                .rows()
        };
        for (own, exported) in scores(architecture).iter().zip(scores(&out)) {
            assert_eq!(own["label"], exported["label"]);
            for label in ["sport", "business"] {
                let score = |row: &Value| row[format!("label_score_{label}")].as_f64().unwrap();
                // Scores are written with four decimals.
                assert!((score(own) - score(&exported)).abs() < 1.5e-4, "{architecture}: {own} {exported}");
            }
        }
    }
    setup
        .run(&["models", "export", "roberta", "-o", "x", "--head", "tone"])
        .refused("the model has no such head")
        .hint("`label`");
    setup
        .run(&["models", "export", "default", "-o", "x"])
        .refused("the model has several")
        .hint("`topic`, `sentiment`");
}

/// Prints the scores of transformers' pipeline for two texts, by model.
const PIPELINES: &str = r#"
import json, sys, torch
from transformers import pipeline
found = {}
for name in sys.argv[1:]:
    classify = pipeline("text-classification", model=name, top_k=None, dtype=torch.float32)
    texts = ["Goal!", "Oil prices fall again"]
    found[name] = [{answer["label"]: answer["score"] for answer in classify([text])[0]} for text in texts]
print(json.dumps(found))
"#;

/// Run it with `NEWSDESK_PYTHON=python3 cargo test --release -p newsdesk --test newsdesk hub:: -- --ignored`.
#[test]
#[ignore = "needs Python with transformers and torch"]
fn transformers_gives_the_same_scores_by_name() {
    let setup = setup();
    let mut names = vec![];
    for (name, change) in WILD {
        let folder = setup.folder.copy_tiny(name);
        fs::copy(Path::new(TINY).join("tokenizer_config.json"), folder.join("tokenizer_config.json")).unwrap();
        change(&folder);
        setup.hub.add_folder(&format!("acme/{name}"), &folder);
        names.push(format!("acme/{name}"));
    }
    for folder in fs::read_dir(format!("{TINY}/architectures")).unwrap().map(|entry| entry.unwrap().path()) {
        let name = format!("tiny/{}", folder.file_name().unwrap().to_str().unwrap());
        setup.hub.add_folder(&name, &folder);
        names.push(name);
    }
    let python = std::env::var("NEWSDESK_PYTHON").expect("NEWSDESK_PYTHON names a Python with transformers");
    let mut command = Command::new(python);
    command.args(["-c", PIPELINES]).args(&names).env("HF_ENDPOINT", setup.hub.endpoint()).env("NO_PROXY", "127.0.0.1");
    command.env("HF_HOME", setup.folder.path("python")).env("DISABLE_SAFETENSORS_CONVERSION", "1");
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success());
    let expected: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut compared = 0;
    for name in &names {
        let line =
            ["classify", "a.jsonl", "--scores", "--to", "jsonl", "--dtype", "f32", "--allow-pickle", "--model", name];
        for (row, expected) in setup.run(&line).done().rows().iter().zip(expected[name].as_array().unwrap()) {
            for (label, score) in expected.as_object().unwrap() {
                let column = format!("label_score_{}", label.to_lowercase().replace(' ', "_"));
                let found = row[column].as_f64().unwrap_or_else(|| panic!("{name}: {row} {expected}"));
                // Scores are written with four decimals.
                assert!((found - score.as_f64().unwrap()).abs() < 1.5e-4, "{name}: {row} {expected}");
                compared += 1;
            }
        }
    }
    assert!(compared > 300, "only {compared} scores of {} models", names.len());
}
