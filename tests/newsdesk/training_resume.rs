//! `newsdesk train --resume`: a run that was killed ends as if it had not been, and runs that cannot begin.

use crate::support::{Folder, TINY};
use serde_json::Value;
use std::hash::{BuildHasher, RandomState};
use std::process::Stdio;
use std::time::{Duration, Instant};

fn rows(count: usize) -> String {
    let row = |i: usize| format!("{} {} said {i},{}\n", i * 7 % 100, i * i % 60, ["a", "b"][i * i % 3 % 2]);
    format!("text,label\n{}", (0..count).map(row).collect::<String>())
}

fn arguments<'a>(output: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let usual = "--data rows.csv --epochs 3 --seed 4 --batch-size 8 --window 64 --stride 48 --length 64";
    [&["train", "--base", TINY, "-o", output], &usual.split(' ').collect::<Vec<_>>()[..], more].concat()
}

/// Begins a run and kills it between its first epoch and its end.
fn kill_after_an_epoch(folder: &Folder, output: &str) {
    let mut child = folder.command(&arguments(output, &[])).stderr(Stdio::null()).spawn().unwrap();
    while !folder.path(output).join("checkpoint/state.json").exists() {
        assert!(child.try_wait().unwrap().is_none(), "the run ended without a checkpoint");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!folder.path(output).join("model.safetensors").exists(), "the run ended before it was killed");
}

/// The lines of a run's log without what the clock decides.
fn log(folder: &Folder, name: &str) -> Vec<Value> {
    let mut lines = crate::support::rows(&folder.text(&format!("{name}/training.jsonl")));
    for line in &mut lines {
        let line = line.as_object_mut().unwrap();
        line.remove("elapsed");
        line.remove("tokens_per_second");
    }
    lines
}

#[test]
fn a_killed_run_ends_as_if_it_had_not_been() {
    let folder = Folder::new();
    folder.write("rows.csv", rows(1200));
    folder.newsdesk(&arguments("whole", &["--quiet"])).done();

    kill_after_an_epoch(&folder, "killed");

    // The checkpoint is of no use to another run.
    let other = folder.newsdesk(&arguments("killed", &["--resume", "--learning-rate", "1e-4"]));
    let other =
        other.refused("Failed to continue from `killed/checkpoint`").hint("give the options of the first run again");
    other.says("learning-rate: 0.00005 there, 0.0001 here");

    // What a kill may leave of the log changes nothing either: lines beyond the checkpoint, and half of one.
    let beyond = r#"{"event":"step","epoch":3,"step":60,"loss":9.0,"rate":9.0,"tokens_per_second":9.0,"elapsed":9.0}"#;
    folder
        .write("killed/training.jsonl", format!("{}{beyond}\n{}", folder.text("killed/training.jsonl"), &beyond[..40]));
    // The number of threads changes nothing.
    let resumed = folder.newsdesk(&arguments("killed", &["--resume", "--threads", "1"])).done();
    let resumed = resumed.says("going on after epoch ");
    assert!(!resumed.err.contains("epoch 1,"), "the first epoch was run again: {}", resumed.err);
    assert!(folder.bytes("killed/model.safetensors") == folder.bytes("whole/model.safetensors"), "the models differ");
    assert!(!folder.path("killed/checkpoint").exists());
    assert_eq!(log(&folder, "killed"), log(&folder, "whole"));
    let manifest = |name: &str| folder.text(&format!("{name}/newsdesk.toml")).replace(name, "");
    assert_eq!(manifest("killed"), manifest("whole"));
}

#[test]
fn a_run_that_is_killed_five_times_at_any_moment_ends_with_the_same_weights() {
    let folder = Folder::new();
    folder.write("rows.csv", rows(600));
    let often = ["--checkpoint-every", "2", "--resume"];
    let start = Instant::now();
    folder.newsdesk(&arguments("whole", &often)).done();
    let whole = start.elapsed();
    let (mut kills, mut ended) = (vec![], 0);
    while kills.len() < 5 {
        let mut child = folder.command(&arguments("killed", &often)).stderr(Stdio::null()).spawn().unwrap();
        // At any moment; five of these are about half of what a run takes.
        let share = (RandomState::new().hash_one(kills.len()) % 1000) as f64 / 1000.0;
        let after = whole.mul_f64(share * 0.2);
        std::thread::sleep(after);
        if child.try_wait().unwrap().is_some() {
            // It was done before the fifth kill: once more, from the beginning.
            ended += 1;
            assert!(ended < 20, "the run ended {ended} times before it was killed five times");
            std::fs::remove_dir_all(folder.path("killed")).unwrap();
            kills.clear();
            continue;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills.push(after);
    }
    // A kill may have come when all was done, and a whole model is not written again.
    if !folder.path("killed/model.safetensors").exists() || folder.path("killed/checkpoint").exists() {
        folder.newsdesk(&arguments("killed", &often)).done();
    }
    let same = folder.bytes("killed/model.safetensors") == folder.bytes("whole/model.safetensors");
    assert!(same, "the models differ after kills at {kills:?} of {whole:?}");
    assert_eq!(log(&folder, "killed"), log(&folder, "whole"), "after kills at {kills:?} of {whole:?}");
    assert!(!folder.path("killed/checkpoint").exists());
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_says_how_it_goes_on() {
    let folder = Folder::new();
    folder.write("rows.csv", rows(1200));
    let child = folder.command(&arguments("m", &[])).stderr(Stdio::piped()).spawn().unwrap();
    while !folder.path("m/checkpoint/state.json").exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let told = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(told.success());
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(130), "{said}");
    assert!(
        said.ends_with("interrupted: the same command with `--resume` goes on from the last checkpoint\n"),
        "{said}"
    );
    folder.newsdesk(&arguments("m", &["--resume"])).done().says("going on after ");
}

#[test]
fn a_run_that_is_over_is_over() {
    let folder = Folder::new();
    folder.write("rows.csv", rows(40));
    folder.newsdesk(&arguments("m", &["--json"])).done();
    let before = std::fs::metadata(folder.path("m/model.safetensors")).unwrap().modified().unwrap();
    folder.newsdesk(&arguments("m", &["--resume"])).done().says("m was trained before\n");
    let json =
        |more: &[&str]| -> Value { serde_json::from_str(&folder.newsdesk(&arguments("m", more)).done().out).unwrap() };
    assert_eq!(json(&["--resume", "--json"])[0]["articles"], 4);
    assert_eq!(std::fs::metadata(folder.path("m/model.safetensors")).unwrap().modified().unwrap(), before);
    let other = folder.newsdesk(&arguments("m", &["--resume", "--clip", "2"]));
    other.refused("Failed to go on with `m`: it was trained with other options or on other rows");
    folder.newsdesk(&arguments("m", &[])).refused("`m` holds one already");
}

#[test]
fn resuming_nothing_begins_anew() {
    let folder = Folder::new();
    folder.write("rows.csv", rows(40));
    folder.newsdesk(&arguments("one", &[])).done();
    let two = folder.newsdesk(&arguments("two", &["--resume"])).done();
    assert!(!two.err.contains("going on"), "{two}");
    assert!(folder.bytes("one/model.safetensors") == folder.bytes("two/model.safetensors"));
}

#[test]
fn a_checkpoint_of_other_rows_is_refused() {
    let folder = Folder::new();
    folder.write("rows.csv", rows(1200));
    kill_after_an_epoch(&folder, "m");
    folder.write("rows.csv", rows(1200).replace("said", "asked"));
    folder.newsdesk(&arguments("m", &["--resume"])).refused("Failed to continue from `m/checkpoint`");
}

#[test]
fn a_run_that_was_killed_while_it_wrote_the_model_can_go_on() {
    let folder = Folder::new();
    folder.write("rows.csv", rows(1200));
    kill_after_an_epoch(&folder, "m");
    // What is there when the run ends between the first file of the model and the second.
    folder.write("m/model.safetensors", "weights");
    folder.newsdesk(&arguments("m", &["--resume"])).done().says("going on after epoch ");
}

#[test]
fn sets_that_teach_nothing() {
    let folder = Folder::new();
    let refused = |contents: &str, error: &str, hint: &str| {
        folder.write("rows.csv", contents);
        folder.newsdesk(&arguments("m", &[])).refused(error).hint(hint);
        assert!(!folder.path("m").exists());
    };
    let one = "text,label\nGoal!,sport\nMatch,sport\n";
    refused(one, "head `label` has 1 label, which leaves nothing to tell apart", "name it with `--label-field`");
    refused("", "Failed to read the header of `rows.csv`: the file is empty", "the first line must name every column");
    refused("text,label\n", "Failed to find a labelled article in `rows.csv`", "the file has no rows");
    refused("text,desk\nGoal!,a\nOil,b\n", "a labelled article in `rows.csv`", "--label-field names the one to use");
    refused("text,label\nGoal!,\nOil, \n", "Failed to find a labelled article in `rows.csv`", "");
    refused("id,label\n1,a\n", "Failed to find the text column of `rows.csv`", "--text-field");
    let train = |set: &str| folder.newsdesk(&["train", "--base", TINY, "--data", set, "-o", "m"]);
    train("ag-nws").refused("Failed to find the set `ag-nws`").hint("recipes are ag-news");
    train("ag-news").refused("the split `train` of `ag-news`").hint("--data-root");
}

#[test]
fn settings_that_cannot_be() {
    let folder = Folder::new();
    folder.write("rows.csv", rows(40));
    let refused = |flags: &str, error: &str| {
        let flags: Vec<&str> = flags.split(' ').collect();
        let all = [&["train", "--base", TINY, "--data", "rows.csv", "-o", "m", "--stride", "40"], &flags[..]].concat();
        let answer = folder.newsdesk(&all).refused(error);
        assert!(!folder.path("m/model.safetensors").exists());
        answer
    };
    refused("--epochs 0", "Failed to use the setting `epochs`: 0 is not above zero");
    refused("--learning-rate nan", "`learning-rate`: NaN is not above zero");
    refused("--learning-rate=-1", "`learning-rate`: -1 is not above zero");
    refused("--batch-size 0", "`batch-size`: 0 is not above zero");
    refused("--micro-batch 0", "`micro-batch`: 0 is not within 1..=32");
    refused("--warmup 1", "`warmup`: 1 is not within 0..1");
    refused("--label-smoothing 1", "`label-smoothing`: 1 is not within 0..1");
    refused("--focal=-1", "`focal`: -1 is not zero or above");
    refused("--layer-decay 0", "`layer-decay`: 0 is not above zero");
    refused("--class-weights a", "the class weight `a`").hint("LABEL=NUMBER");
    refused("--class-weights z=2", "`class-weights`: no head has a label `z`");
    refused("--class-weights a=-2", "`class-weights`: -2 is not zero or above");
    refused("--freeze 3", "`freeze`: the base has 2 layers, not 3");
    refused("--freeze half", "it is neither embeddings nor encoder nor a number");
    refused("--length 0", "`length`: 0 is not within");
    refused("--window 39", "`stride`: 40 is not within 1..=");
    refused("--learning-rate 1e30", "the loss became NaN at step").hint("a smaller `--learning-rate` usually helps");
}

#[test]
fn more_settings_that_cannot_be() {
    let folder = Folder::new();
    folder.write("rows.csv", rows(40));
    folder.newsdesk(&arguments("a", &["--weight-decay", "nan"])).refused("Failed to use the setting `weight-decay`");
    folder.newsdesk(&arguments("b", &["--weight-decay=-1"])).refused("Failed to use the setting `weight-decay`");
    folder.newsdesk(&arguments("c", &["--clip", "nan"])).refused("Failed to use the setting `clip`");
    folder.newsdesk(&["train", "--base", TINY, "--data", "rows.csv", "--window", "32", "-o", "d"]).done();
}

#[test]
fn an_output_that_cannot_be_is_refused_before_the_work() {
    let folder = Folder::new();
    folder.write("rows.csv", rows(40)).write("m", "a file");
    let answer = folder.newsdesk(&arguments("m", &[])).refused("`m");
    assert!(!answer.err.contains("epoch 1"), "{answer}");
}

#[test]
fn settings_have_a_hint() {
    let folder = Folder::new();
    folder.write("rows.csv", rows(40));
    folder.newsdesk(&arguments("a", &["--warmup", "1"])).refused("`warmup`").hint("");
}
