//! Training that cannot begin or go on: what is said about it, and that nothing is lost.

use crate::support::{Answer, Folder, TINY};
use serde_json::json;

/// Rows of two labels.
fn rows(count: usize) -> String {
    let row = |i: usize| format!("{} {} said {i},{}\n", i * 7 % 100, i * i % 60, ["a", "b"][i * i % 3 % 2]);
    format!("text,label\n{}", (0..count).map(row).collect::<String>())
}

fn arguments<'a>(output: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let usual = ["--data rows.csv", "--epochs 2", "--batch-size 8", "--window 64", "--stride 48", "--length 64"];
    // What is given comes first.
    let usual = usual.iter().filter(|pair| !pair.split(' ').take(1).any(|option| more.contains(&option)));
    [&["train", "--base", TINY, "-o", output], &usual.flat_map(|pair| pair.split(' ')).collect::<Vec<_>>()[..], more]
        .concat()
}

#[test]
fn label_columns_and_labels_that_are_not_there() {
    let folder = Folder::new();
    folder.write("rows.csv", rows(200));
    let missing = folder.newsdesk(&arguments("m", &["--label-field", "desk"]));
    let missing = missing.refused("Failed to find a labelled article in `rows.csv`");
    missing.hint("the label column `desk` is missing; its columns are `text`, `label`");
    folder.write("rows.jsonl", "{\"text\":\"Goal!\",\"label\":\"a\"}\n");
    let jsonl = ["train", "--base", TINY, "--data", "rows.jsonl", "--label-field", "desk", "-o", "m"];
    folder.newsdesk(&jsonl).refused("in `rows.jsonl`").hint("the label column `desk` is missing");

    let refused = |contents: &str, error: &str, hint: &str| {
        folder.write("v.csv", contents);
        folder.newsdesk(&arguments("m", &["--validation", "v.csv"])).refused(error).hint(hint);
        assert!(!folder.path("m").exists(), "it began to work");
    };
    let error = "its label `c` is not in head `label` of the model: `v.csv`, row 2 (line 3)";
    refused("text,label\nGoal!,a\nOil,c\n", error, "its labels are a; b");
    // Unless all labels are given.
    folder.write("labels.txt", "\nc\na\n b\n");
    let given = ["--validation", "v.csv", "--labels", "labels.txt", "--epochs", "1"];
    folder.newsdesk(&arguments("given", &given)).done();
    let answers = folder.newsdesk(&["classify", "--model", "given", "rows.csv", "--scores", "--limit", "1"]).done();
    let names: Vec<String> = answers.rows()[0].as_object().unwrap().keys().cloned().collect();
    assert_eq!(names[names.len() - 3..], ["label_score_c", "label_score_a", "label_score_b"]);
    let card = folder.text("given/README.md");
    assert!(card.contains("  --labels labels.txt \\\n") && card.contains("| c | 1 |"), "{card}");
    for (list, error) in
        [("a\nc\n", "`b`"), ("a\nb\nA\n", "the label `A` stands there twice"), ("\n", "it has no label")]
    {
        folder.write("labels.txt", list);
        folder.newsdesk(&arguments("m", &["--labels", "labels.txt"])).refused(error);
    }
    folder.newsdesk(&arguments("m", &["--labels", "no.txt"])).refused("Failed to read the labels of `no.txt`");
    let error = "Failed to find a labelled article in `v.csv`";
    refused("text,label\nGoal!,\nOil,\n", error, "no row has a label; its columns are `text`, `label`");
    refused("text,label\n", error, "the file has no rows");
    // Where no row could be read, no column is to blame.
    folder.write("latin.csv", b"text,label\nZ\xfcrich,a\n");
    let latin = folder.newsdesk(&["train", "--base", TINY, "--data", "latin.csv", "-o", "m"]);
    let latin = latin.refused("a labelled article in `latin.csv`").hint("`latin.csv`, row 1 (line 2): byte ");
    assert!(latin.err.contains("--encoding") && !latin.err.contains("its columns"), "{latin}");
}

#[test]
fn rows_without_labels_are_counted_and_bad_ones_named() {
    let folder = Folder::new();
    folder.write("rows.csv", rows(200) + "Goal!,\nOil\n");
    let answer = folder.newsdesk(&arguments("m", &[]));
    let answer = answer.says("rows.csv train: 180 articles, 1 rows without a label left out\n");
    let answer = answer.says("`rows.csv`, row 202 (line 203): its number of fields is 1, not the header's 2");
    assert_eq!(answer.code, Some(1), "{answer}");
}

#[test]
fn splits_without_labels_and_heads_of_one_label() {
    let folder = Folder::new();
    let recipe = crate::support::MOODS
        .replace("validation = \"rows.jsonl\"", "train = \"train.jsonl\"\nvalidation = \"rows.jsonl\"");
    folder.write("moods.toml", recipe);
    let write = |file: &str, moods: &[&str]| {
        let line = |mood: &&str| format!("{}\n", json!({"text": "Goal!", "mood": mood}));
        folder.write(&format!("moods-of-may/{file}"), moods.iter().map(line).collect::<String>());
    };
    let refused = |error: &str, hint: &str| {
        let train = ["train", "--base", TINY, "--data", "moods.toml", "-o", "m"];
        folder.newsdesk(&train).refused(error).hint(hint);
        assert!(!folder.path("m").exists(), "it began to work");
    };
    write("train.jsonl", &["good", "mixed"]);
    write("rows.jsonl", &["other", "other"]);
    refused("there is no labelled article in `moods`, validation", "`newsdesk data stats` counts them");
    write("rows.jsonl", &["good", "mixed"]);
    write("train.jsonl", &["other"]);
    refused("there is no labelled article in `moods`, train", "`newsdesk data stats` counts them");
    write("train.jsonl", &["good", "good", "other"]);
    refused("all 2 articles of head `sentiment` have the same label, `positive`", "two labels at least");
}

#[test]
fn files_of_others_are_not_written_over() {
    let folder = Folder::new();
    folder.write("rows.csv", rows(40));
    for name in ["config.json", "tokenizer.json", "newsdesk.toml", "training.svg", "training.jsonl"] {
        folder.write(&format!("{name}-folder/{name}"), "mine");
        let output = format!("{name}-folder");
        let refused = folder.newsdesk(&arguments(&output, &[]));
        refused.refused(&format!("`{output}/{name}` is there already")).hint("move that file away");
        assert_eq!(folder.text(&format!("{output}/{name}")), "mine");
    }
    // Training data under the name of the log.
    let label = |i: usize| ["a", "b"][i % 2];
    let line = |i: usize| format!("{}\n", json!({"text": format!("said {i}"), "label": label(i)}));
    folder.write("set/training.jsonl", (0..40).map(line).collect::<String>());
    let own = ["train", "--base", TINY, "--data", "set/training.jsonl", "-o", "set"];
    folder.newsdesk(&own).refused("`set/training.jsonl` is there already");
    // What a run leaves that was cut off early is ours.
    folder.newsdesk(&arguments("m", &["--epochs", "1"])).done();
    for file in ["model.safetensors", "newsdesk.toml", "config.json", "tokenizer.json"] {
        std::fs::remove_file(folder.path("m").join(file)).unwrap();
    }
    folder.newsdesk(&arguments("m", &["--epochs", "1"])).done().says("wrote m\n");
}

#[test]
fn articles_that_were_met_before_are_told_of() {
    let folder = Folder::new();
    folder.write("rows.csv", rows(40)).write("other.csv", rows(50));
    let answer = folder.newsdesk(&arguments("m", &["--validation", "rows.csv", "--test", "other.csv"])).done();
    let learned = "40 of 40 articles of rows.csv, all, are among those that the model learns from";
    let chosen = "40 of 50 articles of other.csv, test, are among those that the model learns from or is chosen by";
    let answer = answer.says(&format!("warning: {learned}")).says(&format!("warning: {chosen}"));
    assert_eq!(answer.starting("warning: 4").len(), 2);
    let card = folder.text("m/README.md");
    assert!(card.contains(learned) && card.contains(chosen), "{card}");
    folder.write("new.csv", rows(40).replace("said", "asked"));
    let answer = folder.newsdesk(&arguments("n", &["--validation", "new.csv"])).done();
    assert!(!answer.err.contains("are among"), "{answer}");
}

#[test]
fn settings_beyond_all_measure() {
    let folder = Folder::new();
    folder.write("rows.csv", rows(40));
    let refused = |flags: &[&str], error: &str| {
        folder.newsdesk(&arguments("m", flags)).refused(error).hint("`newsdesk train --help`");
        assert!(!folder.path("m").exists(), "it began to work");
    };
    refused(&["--batch-size", "9223372036854775808"], "`batch-size`: 9223372036854775808 is not within 1..=");
    refused(&["--epochs", "18446744073709551615"], "`epochs`: 18446744073709551615 is not within 1..=1000000");
    refused(&["--patience", "18446744073709551615"], "`patience`: 18446744073709551615 is not within 0..=");
    refused(&["--set-weights", "rows.csv=1e12"], "`set-weights`: an epoch would take 36000000000000 rows");
    refused(&["--epochs", "1000000", "--set-weights", "rows.csv=1e6"], "`epochs`: these are 4500000000000 steps");
}

#[test]
fn a_loss_that_is_no_number_stops_the_run_and_keeps_the_checkpoint() {
    let folder = Folder::new();
    folder.write("rows.csv", rows(400));
    // The rate rises slowly, so it takes some steps.
    let wild = ["--learning-rate", "1e15", "--clip", "0", "--warmup", "0.99", "--checkpoint-every", "1"];
    let answer = folder.newsdesk(&arguments("m", &wild)).refused("Failed to train: the ");
    let answer = answer
        .hint("a smaller `--learning-rate` usually helps: begin anew with it in another folder; a checkpoint that was");
    let error = answer.starting("error: ")[0].to_string();
    assert!(error.contains(" became NaN at step ") || error.contains(" became inf at step "), "{error}");
    assert!(error.ends_with(" of epoch 1"), "{error}");
    // The checkpoint is one of before, and can be read: the run comes to the same step again.
    let again = folder.newsdesk(&arguments("m", &[&wild[..], &["--resume"]].concat()));
    assert!(again.refused(&error["error: ".len()..]).says("going on after step ").err.contains("of epoch 1\n"));
}

/// A run whose files may not grow beyond so many blocks of 512 bytes: writing more fails as on a full disk.
#[cfg(unix)]
fn with_little_room(folder: &Folder, blocks: usize, arguments: &[&str]) -> Answer {
    // The signal that such a write raises is ignored, so that the write fails instead.
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_newsdesk")]).args(arguments).current_dir(folder.path(""));
    Answer::new(arguments, command.output().unwrap())
}

#[cfg(unix)]
#[test]
fn a_checkpoint_that_finds_no_room_leaves_the_last_one() {
    let folder = Folder::new();
    folder.write("rows.csv", rows(400));
    folder.newsdesk(&arguments("whole", &[])).done();
    // A run that ends in its second epoch, since its model cannot be written.
    std::fs::create_dir_all(folder.path("m/model.safetensors.partial")).unwrap();
    let often = ["--checkpoint-every", "30"];
    let answer = folder.newsdesk(&arguments("m", &often)).refused("Failed to write `m/model.safetensors`");
    let answer = answer.says("the trained weights are in the checkpoint");
    assert_eq!(answer.starting("epoch 2, step 45 of 45").len(), 1, "{answer}");
    std::fs::remove_dir(folder.path("m/model.safetensors.partial")).unwrap();
    assert!(!folder.path("m/model.safetensors").exists());

    // Weights of 77 kB do not fit into 60.
    let full = with_little_room(&folder, 120, &arguments("m", &[&often[..], &["--resume"]].concat()));
    let full = full.refused("Failed to write `m/model.safetensors`").says("caused by: File too large");
    full.hint("on a disk with room");
    assert!(!folder.path("m/model.safetensors.partial").exists() && !folder.path("m/model.safetensors").exists());
    let resumed = folder.newsdesk(&arguments("m", &[&often[..], &["--resume"]].concat())).done();
    assert_eq!(resumed.starting("epoch"), [""; 0], "it was trained again");
    assert!(folder.bytes("m/model.safetensors") == folder.bytes("whole/model.safetensors"), "the models differ");
    assert!(!folder.path("m/checkpoint").exists());
}

#[cfg(unix)]
#[test]
fn a_run_that_finds_no_room_goes_on_when_there_is_some() {
    let folder = Folder::new();
    folder.write("rows.csv", rows(1200));
    folder.newsdesk(&arguments("whole", &[])).done();
    let mut child = folder.command(&arguments("m", &[])).stderr(std::process::Stdio::null()).spawn().unwrap();
    while !folder.path("m/checkpoint/state.json").exists() {
        assert!(child.try_wait().unwrap().is_none(), "the run ended without a checkpoint");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let state = folder.text("m/checkpoint/state.json");
    // Variables of 154 kB fit, the moments, twice as large, do not.
    let often = ["--resume", "--checkpoint-every", "7"];
    let full = with_little_room(&folder, 400, &arguments("m", &often));
    let full = full.refused("Failed to write the checkpoint `m/checkpoint/moments-").says("caused by: File too large");
    full.hint("a checkpoint that was there is whole, so `--resume` goes on from it");
    assert_eq!(folder.text("m/checkpoint/state.json"), state);
    let files = std::fs::read_dir(folder.path("m/checkpoint")).unwrap();
    let names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert!(!names.iter().any(|name| name.ends_with(".partial")), "{names:?}");
    folder.newsdesk(&arguments("m", &often)).done().says("going on after epoch 1");
    assert!(folder.bytes("m/model.safetensors") == folder.bytes("whole/model.safetensors"), "the models differ");
}

#[cfg(target_os = "linux")]
#[test]
fn a_log_that_finds_no_room_stops_the_run() {
    let folder = Folder::new();
    folder.write("rows.csv", rows(200)).write("m/notes.txt", "mine");
    std::os::unix::fs::symlink("/dev/full", folder.path("m/training.jsonl")).unwrap();
    let full = folder.newsdesk(&arguments("m", &[])).refused("Failed to write `m/training.jsonl`");
    full.says("No space left on device").hint("on a disk with room");
    std::fs::remove_file(folder.path("m/training.jsonl")).unwrap();
    folder.newsdesk(&arguments("m", &["--resume"])).done();
    assert_eq!(folder.text("m/notes.txt"), "mine");
}
