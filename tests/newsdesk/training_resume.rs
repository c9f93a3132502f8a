//! `newsdesk train --resume`: a run that was killed and resumed gives the same model as an uninterrupted run.

use crate::support::training::{train_arguments, unrelated_labels};
use crate::support::{Folder, Random};
use serde_json::Value;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

fn arguments<'a>(output: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    train_arguments(output, "--data rows.csv --epochs 3 --seed 4 --batch-size 8", more)
}

/// Starts a run and kills it when it has written the checkpoint of the first epoch.
fn kill_after_an_epoch(folder: &Folder, output: &str) {
    folder.kill_when_exists(&format!("{output}/checkpoint/state.json"), &arguments(output, &[]));
    assert!(!folder.path(output).join("model.safetensors").exists(), "the model was written before the run was killed");
}

/// Returns the lines of a run's log without times and speeds.
fn log(folder: &Folder, name: &str) -> Vec<Value> {
    let mut lines = folder.rows(&format!("{name}/training.jsonl"));
    for line in &mut lines {
        let line = line.as_object_mut().unwrap();
        line.remove("elapsed");
        line.remove("tokens_per_second");
    }
    lines
}

#[test]
fn resume_after_kill_gives_identical_weights_and_log() {
    let folder = Folder::new();
    folder.write("rows.csv", unrelated_labels(1200));
    folder.newsdesk(&arguments("whole", &["--quiet"])).done();

    kill_after_an_epoch(&folder, "killed");

    // The settings must be those of the first run.
    let other = folder.newsdesk(&arguments("killed", &["--resume", "--learning-rate", "1e-4"]));
    let other = other.refused("cannot resume from `killed/checkpoint`").hint("give the options of the first run again");
    other.says("learning_rate: 0.00005 there, 0.0001 here");

    // A kill may leave lines of steps after the checkpoint, and an incomplete line. They are dropped.
    let beyond = r#"{"event":"step","epoch":3,"step":60,"loss":9.0,"rate":9.0,"tokens_per_second":9.0,"elapsed":9.0}"#;
    folder
        .write("killed/training.jsonl", format!("{}{beyond}\n{}", folder.text("killed/training.jsonl"), &beyond[..40]));
    // The number of threads does not matter.
    let resumed = folder.newsdesk(&arguments("killed", &["--resume", "--threads", "1"])).done();
    let resumed = resumed.says("resuming after epoch ");
    assert!(!resumed.err.contains("epoch 1,"), "the first epoch was repeated: {resumed}");
    assert!(folder.weights("killed") == folder.weights("whole"), "the models differ");
    folder.assert_missing("killed/checkpoint");
    assert_eq!(log(&folder, "killed"), log(&folder, "whole"));
    let manifest = |name: &str| folder.text(&format!("{name}/newsdesk.toml")).replace(name, "");
    assert_eq!(manifest("killed"), manifest("whole"));
}

/// Returns the number of steps of the last checkpoint, 0 if there is none.
fn steps_done(folder: &Folder, name: &str) -> u64 {
    let state = format!("{name}/checkpoint/state.json");
    if folder.path(&state).exists() { folder.json(&state)["steps"].as_u64().unwrap() } else { 0 }
}

#[test]
fn resume_after_five_kills_at_random_moments_gives_identical_weights() {
    let folder = Folder::new();
    // Three epochs of 45 steps.
    folder.write("rows.csv", unrelated_labels(400));
    // Each epoch reads other articles with noise, also if it is resumed.
    let arguments = |output| arguments(output, &["--save-steps", "2", "--resume", "--text-noise", "0.4"]);
    folder.newsdesk(&arguments("whole")).done();
    let mut random = Random::new();
    let mut kills = vec![];
    for kill in 1..=5 {
        let mut child = folder.command(&arguments("killed")).stderr(Stdio::null()).spawn().unwrap();
        while steps_done(&folder, "killed") < 20 * kill {
            assert!(child.try_wait().unwrap().is_none(), "the run ended without a checkpoint of {} steps", 20 * kill);
            sleep(Duration::from_millis(1));
        }
        // A random moment of the next steps, or of their checkpoints.
        sleep(Duration::from_millis(random.below(40)));
        child.kill().unwrap();
        child.wait().unwrap();
        kills.push(steps_done(&folder, "killed"));
    }
    folder.newsdesk(&arguments("killed")).done();
    assert!(folder.weights("killed") == folder.weights("whole"), "the models differ after kills at steps {kills:?}");
    assert_eq!(log(&folder, "killed"), log(&folder, "whole"), "after kills at steps {kills:?}");
    folder.assert_missing("killed/checkpoint");
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_says_how_to_resume() {
    let folder = Folder::new();
    folder.write("rows.csv", unrelated_labels(1200));
    let interrupted = folder.interrupt_when_exists("m/checkpoint/state.json", &arguments("m", &[]));
    assert_eq!(interrupted.code, Some(130), "{interrupted}");
    interrupted.says("interrupted; resume from the last checkpoint with the same command and `--resume`\n");
    folder.newsdesk(&arguments("m", &["--resume"])).done().says("resuming after ");
}

#[cfg(unix)]
#[test]
fn a_run_interrupted_before_its_first_checkpoint_writes_one() {
    let folder = Folder::new();
    folder.write("rows.csv", unrelated_labels(4000));
    let more = ["--save-steps", "0", "--epochs", "1"];
    let interrupted = folder.interrupt_when_exists("m/training.jsonl", &arguments("m", &more));
    assert_eq!(interrupted.code, Some(130), "{interrupted}");
    // A signal before the first step ends the run at once.
    let has_step = folder.path("m/checkpoint/state.json").exists();
    let interrupted = interrupted.says(if has_step { "the current step ends first" } else { "before the first step" });
    let eval = folder.newsdesk(&["eval", "m", "--data", "rows.csv"]);
    eval.refused("cannot open the model `m`: its training is not finished")
        .hint("`newsdesk train` command with `--resume`");
    let resumed = folder.newsdesk(&arguments("m", &[&more[..], &["--resume"]].concat())).done();
    if has_step {
        interrupted.says("resume from the last checkpoint with the same command and `--resume`\n");
        resumed.says("resuming after step ");
    }
    folder.newsdesk(&arguments("whole", &[&more[..], &["--quiet"]].concat())).done();
    assert!(folder.weights("m") == folder.weights("whole"), "the models differ");
}

#[test]
fn a_run_without_a_checkpoint_is_only_resumed_with_the_same_options_and_rows() {
    let folder = Folder::new();
    folder.write("rows.csv", unrelated_labels(40));
    folder.newsdesk(&arguments("whole", &[])).done();
    // What a run that was killed before its first checkpoint leaves.
    let log = folder.text("whole/training.jsonl");
    folder.write("m/training.jsonl", format!("{}\n", log.lines().next().unwrap()));
    let refused = |more: &[&str], error: &str| {
        let all = [&["--resume"], more].concat();
        folder.newsdesk(&arguments("m", &all)).refused(error).hint("the options of the first run");
    };
    let other = "cannot resume from `m/training.jsonl`: it belongs to another run";
    refused(&["--max-grad-norm", "2"], &format!("{other} (max_grad_norm: 1.0 there, 2.0 here)"));
    folder.write("rows.csv", unrelated_labels(40).replace("said", "asked"));
    refused(&[], &format!("{other} (texts, labels or weights of the base differ)"));
    folder.write("rows.csv", unrelated_labels(40));
    let resumed = folder.newsdesk(&arguments("m", &["--resume"])).done();
    resumed.says("no checkpoint was found in `m`: training starts from the beginning");
    assert!(folder.weights("m") == folder.weights("whole"), "the models differ");
}

#[test]
fn a_damaged_checkpoint_is_refused() {
    let folder = Folder::new();
    folder.write("rows.csv", unrelated_labels(1200));
    kill_after_an_epoch(&folder, "m");
    let names = folder.entries("m/checkpoint");
    for start in ["best-", "moments-", "variables-", "state.json"] {
        let name = format!("m/checkpoint/{}", names.iter().find(|name| name.starts_with(start)).unwrap());
        let intact = folder.bytes(&name);
        let mut damaged = intact.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0xff;
        folder.write(&name, damaged);
        let refused = folder.newsdesk(&arguments("m", &["--resume"])).refused("cannot read the checkpoint");
        refused.hint("remove `m/checkpoint`, and start again");
        std::fs::remove_file(folder.path(&name)).unwrap();
        if start != "state.json" {
            folder.newsdesk(&arguments("m", &["--resume"])).refused("cannot read the checkpoint");
        }
        folder.write(&name, intact);
    }
    folder.newsdesk(&arguments("m", &["--resume"])).done().says("resuming after epoch ");
}

#[test]
fn a_finished_run_is_not_resumed() {
    let folder = Folder::new();
    folder.write("rows.csv", unrelated_labels(40));
    folder.newsdesk(&arguments("m", &["--json"])).done();
    let before = folder.modified("m/model.safetensors");
    folder.newsdesk(&arguments("m", &["--resume"])).done().says("m is already trained\n");
    let printed = folder.newsdesk(&arguments("m", &["--resume", "--json"])).done().json();
    assert_eq!(printed[0]["articles"], 4);
    assert_eq!(folder.modified("m/model.safetensors"), before);
    let other = folder.newsdesk(&arguments("m", &["--resume", "--max-grad-norm", "2"]));
    let other = other.refused("cannot resume `m`: it was trained with other options or on other rows");
    other.says("max_grad_norm: 1.0 there, 2.0 here");
    folder.newsdesk(&arguments("m", &[])).refused("`m` already holds one");
}

#[test]
fn resume_without_a_checkpoint_starts_a_new_run() {
    let folder = Folder::new();
    folder.write("rows.csv", unrelated_labels(40));
    folder.newsdesk(&arguments("one", &[])).done();
    let two = folder.newsdesk(&arguments("two", &["--resume"])).done();
    assert!(!two.err.contains("resuming"), "{two}");
    assert!(folder.weights("one") == folder.weights("two"), "the models differ");
}

#[test]
fn a_checkpoint_with_other_training_rows_is_refused() {
    let folder = Folder::new();
    folder.write("rows.csv", unrelated_labels(1200));
    kill_after_an_epoch(&folder, "m");
    folder.write("rows.csv", unrelated_labels(1200).replace("said", "asked"));
    folder.newsdesk(&arguments("m", &["--resume"])).refused("cannot resume from `m/checkpoint`");
}

#[test]
fn a_run_that_was_killed_while_it_wrote_the_model_can_be_resumed() {
    let folder = Folder::new();
    folder.write("rows.csv", unrelated_labels(1200));
    kill_after_an_epoch(&folder, "m");
    // Such a run leaves the first file of the model without the others.
    folder.write("m/model.safetensors", "weights");
    folder.newsdesk(&arguments("m", &["--resume"])).done().says("resuming after epoch ");
}
