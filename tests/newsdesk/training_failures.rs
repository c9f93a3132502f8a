//! `newsdesk train` with unusable data sets, settings or outputs: its messages, and that existing files are kept.

use crate::support::training::{train_arguments, unrelated_labels};
use crate::support::{Answer, Folder, MOODS, TINY, json_lines, words};
use serde_json::json;

fn arguments<'a>(output: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    train_arguments(output, "--data rows.csv --epochs 2 --batch-size 8", more)
}

#[test]
fn data_sets_without_usable_labels_are_refused() {
    let folder = Folder::new();
    let refused = |contents: &str, error: &str, hint: &str| {
        folder.write("rows.csv", contents);
        folder.newsdesk(&arguments("m", &[])).refused(error).hint(hint);
        assert!(!folder.path("m").exists(), "training has started");
    };
    let one = "text,label\nGoal!,sport\nMatch,sport\n";
    refused(
        one,
        "head `label` has only one label, `sport`, so there is nothing to predict (1 training article in `rows.csv`)",
        "with `--label-field`",
    );
    refused("", "cannot find a labelled article in `rows.csv`: the file has no rows", "labelled rows");
    refused("text,label\n", "cannot find a labelled article in `rows.csv`: the file has no rows", "labelled rows");
    refused("text,desk\nGoal!,a\nOil,b\n", "a labelled article in `rows.csv`", "`--label-field NAME`");
    refused("text,label\nGoal!,\nOil, \n", "cannot find a labelled article in `rows.csv`", "");
    refused("id,label\n1,a\n", "cannot find the text column of `rows.csv`", "--text-field");
    let train = |set: &str| folder.newsdesk(&arguments("m", &["--data", set]));
    train("ag-nws").refused("cannot find the data set `ag-nws`").hint("ag-news");
    train("ag-news").refused("the split `train` of `ag-news`").hint("--data-root");
}

#[test]
fn missing_label_columns_and_labels_are_reported() {
    let folder = Folder::new();
    folder.write("rows.csv", unrelated_labels(200));
    let missing = folder.newsdesk(&arguments("m", &["--label-field", "desk"]));
    let missing = missing.refused("cannot find a labelled article in `rows.csv`");
    missing.says("the label column `desk` is missing").hint("the columns are `text`, `label`");
    folder.write("rows.jsonl", "{\"text\":\"Goal!\",\"label\":\"a\"}\n");
    let jsonl = folder.newsdesk(&arguments("m", &["--data", "rows.jsonl", "--label-field", "desk"]));
    jsonl.refused("in `rows.jsonl`").says("the label column `desk` is missing").hint("the columns are `text`, `label`");

    let refused = |contents: &str, error: &str, hint: &str| {
        folder.write("v.csv", contents);
        folder.newsdesk(&arguments("m", &["--validation", "v.csv"])).refused(error).hint(hint);
        assert!(!folder.path("m").exists(), "training has started");
    };
    let error = "the label `c` of `v.csv` is not in head `label` of the training data: row 2 (line 3)";
    refused("text,label\nGoal!,a\nOil,c\n", error, "no training row has the label `c`: add such rows");
    // A list of labels may have more labels than the training rows.
    folder.write("labels.txt", "\nc\na\n b\n");
    let given = ["--validation", "v.csv", "--labels", "labels.txt", "--epochs", "1"];
    folder.newsdesk(&arguments("given", &given)).done();
    let labelled = folder.newsdesk(&["classify", "--model", "given", "rows.csv", "--scores", "--limit", "1"]).done();
    let names: Vec<String> = labelled.rows()[0].as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        names[names.len() - 3..],
        ["label_predicted_score_c", "label_predicted_score_a", "label_predicted_score_b"]
    );
    let card = folder.text("given/README.md");
    assert!(card.contains("  --labels labels.txt \\\n") && card.contains("| c | 1 |"), "{card}");
    for (list, error) in [("a\nc\n", "`b`"), ("a\nb\nA\n", "the label `A` occurs twice"), ("\n", "it has no label")] {
        folder.write("labels.txt", list);
        folder.newsdesk(&arguments("m", &["--labels", "labels.txt"])).refused(error);
    }
    folder.newsdesk(&arguments("m", &["--labels", "no.txt"])).refused("cannot read the labels of `no.txt`");
    let error = "cannot find a labelled article in `v.csv`: no row has a label";
    refused("text,label\nGoal!,\nOil,\n", error, "the columns are `text`, `label`");
    refused(
        "text,label\n",
        "cannot find a labelled article in `v.csv`: the file has no rows",
        "use a file with labelled rows",
    );
    // If no row could be read, the hint is about the rows and not about columns.
    folder.write("latin.csv", b"text,label\nZ\xfcrich,a\n");
    let latin = folder.newsdesk(&arguments("m", &["--data", "latin.csv"]));
    let latin = latin.refused("a labelled article in `latin.csv`: `latin.csv`, row 1 (line 2): byte ");
    assert!(latin.err.contains("--encoding") && !latin.err.contains("the columns are"), "{latin}");
}

#[test]
fn rows_without_labels_are_counted_and_invalid_rows_named() {
    let folder = Folder::new();
    folder.write("rows.csv", unrelated_labels(200) + "Goal!,\nOil\n");
    let answer = folder.newsdesk(&arguments("m", &[]));
    let answer = answer.says("rows.csv train: 180 articles, 1 unlabelled row skipped\n");
    let answer = answer.says("`rows.csv`, row 202 (line 203): the number of fields is 1, but the header has 2");
    assert_eq!(answer.code, Some(1), "{answer}");
}

#[test]
fn splits_without_labels_and_heads_with_one_label_are_refused() {
    let folder = Folder::new();
    let recipe = MOODS.replace("validation = \"rows.jsonl\"", "train = \"train.jsonl\"\nvalidation = \"rows.jsonl\"");
    folder.write("moods.toml", recipe);
    let write = |file: &str, moods: &[&str]| {
        let rows = moods.iter().map(|mood| json!({"text": "Goal!", "mood": mood}));
        folder.write(&format!("moods-of-may/{file}"), json_lines(rows));
    };
    let refused = |error: &str, hint: &str| {
        folder.newsdesk(&arguments("m", &["--data", "moods.toml"])).refused(error).hint(hint);
        assert!(!folder.path("m").exists(), "training has started");
    };
    write("train.jsonl", &["good", "mixed"]);
    write("rows.jsonl", &["other", "other"]);
    refused("`moods` (validation) has no labelled articles", "`newsdesk data stats` counts them");
    write("rows.jsonl", &["good", "mixed"]);
    write("train.jsonl", &["other"]);
    refused("`moods` (train) has no labelled articles", "`newsdesk data stats` counts them");
    write("train.jsonl", &["good", "good", "other"]);
    refused("all 2 articles of head `sentiment` have the same label, `positive`", "at least two labels");
}

#[test]
fn other_files_are_not_overwritten() {
    let folder = Folder::new();
    folder.write("rows.csv", unrelated_labels(40));
    for name in ["config.json", "tokenizer.json", "newsdesk.toml", "training.svg", "training.jsonl"] {
        folder.write(&format!("{name}-folder/{name}"), "mine");
        let output = format!("{name}-folder");
        let refused = folder.newsdesk(&arguments(&output, &[]));
        refused.refused(&format!("`{output}/{name}` already exists")).hint("move that file away");
        assert_eq!(folder.text(&format!("{output}/{name}")), "mine");
    }
    // A data set has the name of the log.
    let label = |i: usize| ["a", "b"][i % 2];
    let rows = (0..40).map(|i| json!({"text": format!("said {i}"), "label": label(i)}));
    folder.write("set/training.jsonl", json_lines(rows));
    let own = folder.newsdesk(&arguments("set", &["--data", "set/training.jsonl"]));
    own.refused("`set/training.jsonl` already exists");
    // Not even `--overwrite` removes it.
    folder.copy_tiny("set");
    let own = folder.newsdesk(&arguments("set", &["--data", "set/training.jsonl", "--overwrite"]));
    own.refused("`set/training.jsonl` already exists").hint("move that file away");
    // Nor the model that the new one is made from.
    let own = folder.newsdesk(&["train", "--base", "set", "--data", "rows.csv", "-o", "./set", "--overwrite"]);
    own.refused("cannot write `set`: the new model is made from it");
    // Files of an interrupted run may be overwritten.
    folder.newsdesk(&arguments("m", &["--epochs", "1"])).done();
    for file in ["model.safetensors", "newsdesk.toml", "config.json", "tokenizer.json"] {
        std::fs::remove_file(folder.path("m").join(file)).unwrap();
    }
    folder.newsdesk(&arguments("m", &["--epochs", "1"])).done().says("wrote m\n");
    // A complete model may be, if the user asks for it.
    let refused = folder.newsdesk(&arguments("m", &["--epochs", "1"])).refused("`m` already holds one");
    refused.hint("replace it with `--overwrite`");
    folder.newsdesk(&arguments("m", &["--epochs", "1", "--overwrite"])).done().says("wrote m\n");
}

#[test]
fn texts_that_occur_in_several_data_sets_are_reported() {
    let folder = Folder::new();
    folder.write("rows.csv", unrelated_labels(40)).write("other.csv", unrelated_labels(50));
    let answer = folder.newsdesk(&arguments("m", &["--validation", "rows.csv", "--test", "other.csv"])).done();
    let learned = "40 of 40 articles of rows.csv, all, also occur in the training data";
    let chosen = "40 of 50 articles of other.csv, test, also occur in the training or validation data";
    let answer = answer.says(&format!("warning: {learned}")).says(&format!("warning: {chosen}"));
    assert_eq!(answer.starting("warning: 4").len(), 2);
    let card = folder.text("m/README.md");
    assert!(card.contains(learned) && card.contains(chosen), "{card}");
    folder.write("new.csv", unrelated_labels(40).replace("said", "asked"));
    let answer = folder.newsdesk(&arguments("n", &["--validation", "new.csv"])).done();
    assert!(!answer.err.contains("also occur"), "{answer}");
    // Long texts are compared without their titles.
    let titled = |title: &str| {
        let row = |i: usize| format!("{title} {i},{},{}\n", format!("word{i} ").repeat(50), ["a", "b"][i % 2]);
        format!("title,text,label\n{}", (0..40).map(row).collect::<String>())
    };
    folder.write("one.csv", titled("one")).write("two.csv", titled("two"));
    let answer = folder.newsdesk(&arguments("t", &["--data", "one.csv", "--validation", "two.csv"])).done();
    answer.says(
        "warning: 40 of 40 articles of two.csv, all, have the text of an article in the training data under another",
    );
}

#[test]
fn invalid_settings_are_refused() {
    let folder = Folder::new();
    folder.write("rows.csv", unrelated_labels(40));
    let refused = |flags: &str, error: &str| {
        let arguments = [&["train", "--base", TINY, "--data", "rows.csv", "-o", "m"], &words(flags)[..]].concat();
        let answer = folder.newsdesk(&arguments).refused(error);
        assert!(!folder.path("m/model.safetensors").exists(), "a model was written: {answer}");
        answer
    };
    refused("--epochs 0", "cannot use `--epochs`: 0 is not above zero");
    refused("--learning-rate nan", "cannot use `--learning-rate`: NaN is not above zero");
    refused("--learning-rate=-1", "cannot use `--learning-rate`: -1 is not above zero");
    refused("--batch-size 0", "cannot use `--batch-size`: 0 is not above zero");
    refused("--micro-batch-size 0", "cannot use `--micro-batch-size`: 0 is not within 1..=32");
    refused("--warmup-ratio 1", "cannot use `--warmup-ratio`: 1 is not within 0..1")
        .hint("see `--warmup-ratio` in `newsdesk train --help`");
    refused("--label-smoothing 1", "cannot use `--label-smoothing`: 1 is not within 0..1");
    refused("--focal-gamma=-1", "cannot use `--focal-gamma`: -1 is not zero or above");
    refused("--layer-lr-decay 0", "cannot use `--layer-lr-decay`: 0 is not above zero");
    refused("--class-weights a", "the class weight `a`").hint("LABEL=NUMBER");
    refused("--class-weights z=2", "cannot use `--class-weights`: no head has a label `z`");
    refused("--class-weights a=-2", "cannot use `--class-weights`: -2 is not zero or above");
    refused("--freeze 3", "cannot use `--freeze`: there are 2 layers, not 3");
    refused("--freeze half", "use embeddings, encoder, or a number of layers");
    refused("--max-train-length 0", "cannot use `--max-train-length`: 0 is not within");
    refused("--max-length 2", "cannot use `--max-length`: 2 is not within 3..=");
    refused("--max-length 39 --overlap 39", "cannot use `--overlap`: 39 is not within 2..=38");
    refused("--max-length 39 --overlap 1", "cannot use `--overlap`: 1 is not within 2..=38");
    refused("--weight-decay nan", "cannot use `--weight-decay`");
    refused("--weight-decay=-1", "cannot use `--weight-decay`");
    refused("--max-grad-norm nan", "cannot use `--max-grad-norm`");
    refused("--learning-rate 1e30", "cannot use `--learning-rate`: 1e30 is more than 1").hint("see `--learning-rate`");
    refused("--learning-rate inf", "cannot use `--learning-rate`: inf is not above zero");
    refused("--head-lr-multiplier 1e7", "cannot use `--head-lr-multiplier`: 1e7 is more than 1000000");
    refused("--text-noise 1.5", "cannot use `--text-noise`: 1.5 is not within 0..=1");
    refused(
        "--drop-title 0.75 --later-window 0.5",
        "cannot use `--later-window`: the shares of all forms add up to 1.25",
    );
    refused("--ordinal label=1", "cannot use `--ordinal`: the head `label` needs more than two labels");
    refused("--ordinal tone=1", "cannot use `--ordinal`: no head is called `tone`, but `label`");
    refused("--ordinal label", "cannot read the weight `label`: it is not HEAD=NUMBER").hint("HEAD=NUMBER");
    refused("--class-weights a=1e9", "cannot use `--class-weights`: 1e9 is more than 1000000");
}

#[test]
fn the_default_overlap_fits_into_short_windows() {
    let folder = Folder::new();
    folder.write("rows.csv", unrelated_labels(40));
    folder.run("train --base TINY --data rows.csv --max-length 32 -o m").done();
}

#[test]
fn an_unusable_output_is_refused_before_training() {
    let folder = Folder::new();
    folder.write("rows.csv", unrelated_labels(40)).write("m", "a file");
    let answer = folder.newsdesk(&arguments("m", &[])).refused("`m");
    assert!(!answer.err.contains("epoch 1"), "training has started: {answer}");
}

#[test]
fn excessive_settings_are_refused() {
    let folder = Folder::new();
    folder.write("rows.csv", unrelated_labels(40));
    let refused = |flags: &[&str], error: &str| {
        folder.newsdesk(&arguments("m", flags)).refused(error).hint("`newsdesk train --help`");
        assert!(!folder.path("m").exists(), "training has started");
    };
    refused(
        &["--batch-size", "9223372036854775808"],
        "cannot use `--batch-size`: 9223372036854775808 is not within 1..=",
    );
    refused(
        &["--epochs", "18446744073709551615"],
        "cannot use `--epochs`: 18446744073709551615 is not within 1..=1000000",
    );
    refused(
        &["--patience", "18446744073709551615"],
        "cannot use `--patience`: 18446744073709551615 is not within 0..=",
    );
    refused(&["--set-weights", "rows.csv=1e12"], "cannot use `--set-weights`: an epoch would take 36000000000000 rows");
    refused(
        &["--epochs", "1000000", "--set-weights", "rows.csv=1e6"],
        "cannot use `--epochs`: the run would take 4500000000000 steps",
    );
}

#[test]
fn a_loss_that_is_not_finite_stops_the_run_and_keeps_the_checkpoint() {
    let folder = Folder::new();
    folder.write("rows.csv", unrelated_labels(400));
    // The learning rate rises slowly, so the weights grow without limit after some steps.
    let wild = ["--learning-rate", "1", "--weight-decay", "1e4", "--warmup-ratio", "0.99", "--save-steps", "1"];
    let answer = folder.newsdesk(&arguments("m", &wild)).refused("cannot continue training: the ");
    let answer = answer
        .hint("start a new run in another folder with a lower `--learning-rate`; an earlier checkpoint is unchanged");
    let error = answer.starting("error: ")[0].to_string();
    assert!(error.contains(" became NaN at step ") || error.contains(" became inf at step "), "{error}");
    assert!(error.ends_with(" of epoch 1"), "{error}");
    // The checkpoint from before that step can be read. The resumed run reaches the same step again.
    let again = folder.newsdesk(&arguments("m", &[&wild[..], &["--resume"]].concat()));
    again.refused(&error["error: ".len()..]).says("resuming after step ").says("of epoch 1\n");
}

/// Runs a command that cannot write more than this number of blocks of 512 bytes into a file. Writing more fails as on a
/// full disk.
#[cfg(unix)]
fn with_file_limit(folder: &Folder, blocks: usize, arguments: &[&str]) -> Answer {
    // If the signal XFSZ is ignored, the write fails instead.
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_newsdesk")]).args(arguments).current_dir(folder.path(""));
    Answer::new(arguments, command.output().unwrap())
}

#[cfg(unix)]
#[test]
fn a_model_that_cannot_be_written_can_be_resumed_from_the_checkpoint() {
    let folder = Folder::new();
    folder.write("rows.csv", unrelated_labels(400));
    folder.newsdesk(&arguments("whole", &[])).done();
    // A folder with the name of the partial file prevents that the model is written.
    std::fs::create_dir_all(folder.path("m/model.safetensors.partial")).unwrap();
    let often = ["--save-steps", "30"];
    let answer = folder.newsdesk(&arguments("m", &often)).refused("cannot write `m/model.safetensors`");
    let answer = answer.says("the trained weights are kept in the checkpoint");
    assert_eq!(answer.starting("epoch 2, step 45 of 45").len(), 1, "{answer}");
    std::fs::remove_dir(folder.path("m/model.safetensors.partial")).unwrap();
    folder.assert_missing("m/model.safetensors");

    // Weights of 77 kB exceed the limit of 60 kB.
    let full = with_file_limit(&folder, 120, &arguments("m", &[&often[..], &["--resume"]].concat()));
    let full = full.refused("cannot write `m/model.safetensors`").says("caused by: File too large");
    full.hint("on a disk with free space");
    folder.assert_missing("m/model.safetensors.partial");
    folder.assert_missing("m/model.safetensors");
    let resumed = folder.newsdesk(&arguments("m", &[&often[..], &["--resume"]].concat())).done();
    assert_eq!(resumed.starting("epoch"), [""; 0], "epochs were repeated");
    assert!(folder.weights("m") == folder.weights("whole"), "the models differ");
    folder.assert_missing("m/checkpoint");
}

#[cfg(unix)]
#[test]
fn a_checkpoint_that_cannot_be_written_leaves_the_previous_one() {
    let folder = Folder::new();
    folder.write("rows.csv", unrelated_labels(1200));
    folder.newsdesk(&arguments("whole", &[])).done();
    folder.kill_when_exists("m/checkpoint/state.json", &arguments("m", &[]));
    let state = folder.text("m/checkpoint/state.json");
    // The variables of 90 kB fit. The moments, twice as large, do not.
    let often = ["--resume", "--save-steps", "7"];
    let full = with_file_limit(&folder, 240, &arguments("m", &often));
    let full = full.refused("cannot write the checkpoint `m/checkpoint/moments-").says("caused by: File too large");
    full.hint("then resume with `--resume`; an earlier checkpoint is complete");
    assert_eq!(folder.text("m/checkpoint/state.json"), state);
    let names = folder.entries("m/checkpoint");
    assert!(!names.iter().any(|name| name.ends_with(".partial")), "{names:?}");
    folder.newsdesk(&arguments("m", &often)).done().says("resuming after epoch 1");
    assert!(folder.weights("m") == folder.weights("whole"), "the models differ");
}

#[cfg(target_os = "linux")]
#[test]
fn a_log_that_cannot_be_written_stops_the_run() {
    let folder = Folder::new();
    folder.write("rows.csv", unrelated_labels(200)).write("m/notes.txt", "mine");
    std::os::unix::fs::symlink("/dev/full", folder.path("m/training.jsonl")).unwrap();
    let full = folder.newsdesk(&arguments("m", &[])).refused("cannot write `m/training.jsonl`");
    full.says("No space left on device").hint("free disk space");
    std::fs::remove_file(folder.path("m/training.jsonl")).unwrap();
    folder.newsdesk(&arguments("m", &["--resume"])).done();
    assert_eq!(folder.text("m/notes.txt"), "mine");
}
