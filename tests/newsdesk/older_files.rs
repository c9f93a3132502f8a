//! Files of an earlier version, from before options and keys were renamed, can still be read.
//!
//! They are in `fixtures/before`. The README there describes how they were written.

use crate::support::weights::Weights;
use crate::support::{Answer, Folder, rows, texts};
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Returns the path of a file of the older version.
fn before(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/newsdesk/fixtures/before").join(name)
}

/// Copies a file or a folder of the older version.
fn copy(folder: &Folder, from: &str, to: &str) {
    let source = before(from);
    if source.is_dir() {
        for entry in std::fs::read_dir(&source).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            copy(folder, &format!("{from}/{name}"), &format!("{to}/{name}"));
        }
    } else {
        folder.write(to, std::fs::read(&source).unwrap());
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn an_interrupted_run_is_resumed_from_an_older_journal() {
    let folder = Folder::new();
    folder.copy_tiny("m");
    let article = |i| format!("{{\"id\":{i},\"text\":\"coach {i} after the plan\"}}\n");
    folder.write("news.jsonl", (0..3000).map(article).collect::<String>());
    for name in ["out.jsonl.journal", "out.jsonl.partial"] {
        copy(&folder, &format!("corpus/{name}"), name);
    }
    // The journal compares the time of the input's last change.
    let journal = folder.text("out.jsonl.journal");
    let started = json(journal.lines().next().unwrap());
    let modified = Duration::from_nanos(started["begin"]["inputs"][0]["modified"].as_u64().unwrap());
    let input = File::options().write(true).open(folder.path("news.jsonl")).unwrap();
    input.set_modified(SystemTime::UNIX_EPOCH + modified).unwrap();
    drop(input);
    let done = json(journal.lines().last().unwrap())["checkpoint"]["state"]["rows"].as_u64().unwrap();
    assert!(done > 0 && done < 3000, "{done} rows were done");
    let partial = folder.text("out.jsonl.partial");
    let resume = |windows: &str| {
        let arguments = ["classify", "--model", "m", "news.jsonl", "--threads", "1", "--dtype", "int16"];
        let arguments = [&arguments[..], &["--max-windows", windows, "-o", "out.jsonl", "--resume"]].concat();
        let mut command = folder.command(&arguments);
        command.env("NEWSDESK_INSTRUCTIONS", "portable");
        Answer::new(&arguments, command.output().unwrap())
    };
    resume("3").refused("cannot resume `out.jsonl`: max windows: 2 in the first run, 3 now");
    resume("2").done();
    let output = folder.text("out.jsonl");
    assert!(output.starts_with(&partial), "the rows that were there have changed");
    let ids: Vec<u64> = rows(&output).iter().map(|row| row["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (0..3000).collect::<Vec<u64>>());
    let manifest = folder.json("out.jsonl.manifest.json");
    assert_eq!((&manifest["resumed"], &manifest["counts"]["articles"]), (&1.into(), &3000.into()));
}

#[test]
fn verify_and_diff_read_an_older_manifest() {
    let folder = Folder::new();
    folder.copy_tiny("m");
    for name in ["out.jsonl", "out.jsonl.manifest.json"] {
        copy(&folder, &format!("complete/{name}"), name);
    }
    folder.newsdesk(&["verify", "out.jsonl", "--model", "m"]).done();
    let classify = ["classify", "--model", "m", "few.jsonl", "--dtype", "int16", "-o", "new.jsonl"];
    copy(&folder, "complete/few.jsonl", "few.jsonl");
    folder.newsdesk(&classify).done();
    folder.newsdesk(&["diff", "out.jsonl", "new.jsonl"]).done();
}

#[test]
fn an_older_model_manifest_is_read() {
    let folder = Folder::new();
    folder.copy_tiny_with_heads("unused", "all");
    let older = std::fs::read_to_string(before("model/newsdesk.toml")).unwrap();
    for name in ["stride = 32", "[mention]", "precision = \"int8\"", "answers = 14"] {
        assert!(older.contains(name), "{name}");
    }
    let mut weights = Weights::open(&folder.path("m"));
    for part in ["weight", "bias"] {
        weights.copy_rows(&format!("heads.all.{part}"), &format!("heads.desk.{part}"), 2);
    }
    weights.save();
    folder.write("m/newsdesk.toml", older);
    let info = folder.info("m");
    let text = info.to_string();
    assert!(text.contains("\"overlap\":16") && text.contains("int8") && !text.contains("\"mention\""), "{info:#}");
    folder.write("a.csv", "text,who\nthe coach of the team,coach\n");
    let row = &folder.newsdesk(&["classify", "--model", "m", "a.csv", "--json"]).done().rows()[0];
    assert!(row["desk"].is_string(), "{row}");
}

#[test]
fn training_is_resumed_from_an_older_checkpoint() {
    let folder = Folder::new();
    folder.copy_tiny("m");
    copy(&folder, "training/checkpoint", "t/checkpoint");
    copy(&folder, "training/training.jsonl", "t/training.jsonl");
    copy(&folder, "training/rows.csv", "rows.csv");
    let lines = folder.text("t/training.jsonl");
    let same = "train --data rows.csv --label-field desk --base m -o t --epochs 6 --seed 3 --learning-rate 1e-3 --save-steps 2 \
        --max-length 48 --overlap 16 --max-train-length 24 --max-grad-norm 0.5 --focal-gamma 1 --warmup-ratio 0.1 \
        --lr-scheduler cosine --layer-lr-decay 0.9 --head-lr-multiplier 5 --threads 1 --resume";
    let other = same.replace("--max-grad-norm 0.5", "--max-grad-norm 0.7");
    folder.run(&other).refused("cannot resume from `t/checkpoint`").says("max_grad_norm: 0.5 there, 0.7 here");
    folder.run(same).done();
    let log = rows(&folder.text("t/training.jsonl"));
    let epochs: Vec<u64> = log.iter().filter(|r| r["event"] == "epoch").map(|r| r["epoch"].as_u64().unwrap()).collect();
    assert_eq!(epochs, [1, 2, 3, 4, 5, 6]);
    let kept = lines.lines().find(|line| line.contains("\"epoch\",\"epoch\":1")).unwrap();
    assert!(folder.text("t/training.jsonl").contains(kept), "the first epoch was trained again");
    assert!(folder.path("t/model.safetensors").is_file(), "the model was not written");
}

#[test]
fn an_older_file_of_options_is_read() {
    let folder = Folder::new();
    folder.copy_tiny("m");
    copy(&folder, "training/rows.csv", "rows.csv");
    copy(&folder, "options.toml", "older.toml");
    folder.newsdesk(&["train", "--options", "older.toml"]).done();
    let newer = "train --data rows.csv --label-field desk --base m -o new --epochs 2 --learning-rate 1e-3 --head-lr-multiplier 5 \
        --warmup-ratio 0.1 --lr-scheduler cosine --layer-lr-decay 0.9 --focal-gamma 1 --max-grad-norm 0.5 --class-weights balanced \
        --micro-batch-size 8 --save-steps 4 --max-train-length 24 --max-length 48 --overlap 16 --save-dtype f32";
    folder.run(newer).done();
    assert_eq!(folder.bytes("t/model.safetensors"), folder.bytes("new/model.safetensors"));
    assert_eq!(folder.text("t/newsdesk.toml").replace("\"t\"", "\"new\""), folder.text("new/newsdesk.toml"));
}

#[test]
fn an_older_bench_record_is_a_baseline() {
    let folder = Folder::new();
    folder.copy_tiny("mm");
    copy(&folder, "bench.json", "before.json");
    // The model, the data set and the number of articles of the record.
    let rows: String = texts(40).iter().map(|text| format!("{text},arts\n")).collect();
    folder.write("who.csv", format!("text,label\n{rows}"));
    let bench = ["bench", "mm", "--data", "who.csv", "--rounds", "1", "--latency-articles", "2", "--dtypes", "f32"];
    let answer = folder.newsdesk(&[&bench[..], &["--threads", "1", "--baseline", "before.json", "--json"]].concat());
    assert!(matches!(answer.code, Some(0 | 1)), "{answer}");
    let found = answer.json();
    assert!(found["changes"].is_array() && found["results"][0]["dtype"] == "f32", "{answer}");
}
