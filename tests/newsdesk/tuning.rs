//! `newsdesk train --arch linear` with `--tune` and `--epochs auto`.

use crate::support::{Answer, Folder, json_lines};
use serde_json::json;

/// Returns articles with three labels and some noise, from the number `first`.
fn labelled(first: usize, count: usize) -> String {
    let words = ["late goals win the cup", "shares fall as banks warn", "rain and wind in the north"];
    json_lines((first..first + count).map(|i| {
        let label = ["sport", "business", "weather"][i % 3];
        let words = if i % 11 == 0 { words[(i + 1) % 3] } else { words[i % 3] };
        json!({"story": format!("{words} on day {}", i * i % 97 + i), "desk": label})
    }))
}

fn with_data() -> Folder {
    let folder = Folder::new();
    folder
        .write("set.jsonl", labelled(0, 240))
        .write("v.jsonl", labelled(500, 90))
        .write("test.jsonl", labelled(700, 60));
    folder
}

const DATA: [&str; 11] = [
    "train",
    "--arch",
    "linear",
    "--data",
    "set.jsonl",
    "--validation",
    "v.jsonl",
    "--label-field",
    "desk",
    "--text-field",
    "story",
];

fn train(folder: &Folder, more: &[&str]) -> Answer {
    folder.newsdesk(&[&DATA[..], more].concat())
}

#[test]
fn the_options_file_of_a_search_trains_the_same_model_again() {
    let folder = with_data();
    let tune = ["--tune", "0.05", "--test", "test.jsonl", "--buckets", "4096", "--seed", "3", "-o", "tuned"];
    let answer = train(&folder, &tune).done();
    let answer = answer.says("searching for settings for 0.05 minutes").says(" try   score  seconds   rate  epochs");
    let answer = answer.says("the best of ").says("`newsdesk train --options tuned/options.toml -o NEW`");
    assert!(answer.starting("   1  0.").len() == 1, "{answer}");
    let again = folder.run("train --options tuned/options.toml -o again --name tuned --threads 1").done();
    assert!(again.err.contains("test.jsonl"), "{again}");
    assert!(folder.weights("again") == folder.weights("tuned"), "the models differ");
    assert_eq!(folder.text("again/newsdesk.toml"), folder.text("tuned/newsdesk.toml"));

    let tries = folder.rows("tuned/tuning.jsonl");
    assert!(tries.len() > 1, "{tries:?}");
    let score = |of: &serde_json::Value| of["score"].as_f64().unwrap();
    let best = tries.iter().rfind(|tried| tried["best"] == true).unwrap();
    assert!(tries.iter().all(|tried| score(tried) <= score(best)), "{tries:?}");
    assert_eq!(folder.manifest("tuned")["training"]["settings"], best["settings"]);
    // The first try has the defaults, and what was given is kept.
    assert_eq!((&tries[0]["settings"]["epochs"], &tries[0]["settings"]["learning_rate"]), (&json!(5), &json!(0.5)));
    assert!(tries.iter().all(|tried| tried["settings"]["features"]["buckets"] == 4096), "{tries:?}");
    folder.assert_contains("tuned/README.md", "--arch linear");
    folder.assert_contains("tuned/README.md", &format!("(chosen from {} tries on these sets)", tries.len()));
    folder.assert_contains("tuned/options.toml", "#   newsdesk train --options tuned/options.toml --output NEW\n");
}

#[test]
fn a_search_that_has_tried_everything_says_so() {
    let folder = with_data();
    let pinned = "--learning-rate 0.5 --epochs 1 --word-ngrams 1 --char-ngrams none --buckets 4096 --batch-size 64";
    let tune = ["--tune", "5", "--label-smoothing", "0.1", "-o", "m"];
    let answer = train(&folder, &[&crate::support::words(pinned)[..], &tune].concat()).done();
    answer.says("the search ended early: your options leave only 2 combinations of settings to try");
}

#[cfg(unix)]
#[test]
fn an_interrupted_search_keeps_the_best_model() {
    let folder = with_data();
    let mut command = folder.signalled_command(&[&DATA[..], &["--tune", "5", "-o", "m"]].concat());
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    // A line of the table means that there is a model to keep.
    let mut err = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("   1  ") {
        line.clear();
        assert!(std::io::BufRead::read_line(&mut err, &mut line).unwrap() > 0, "the search ended");
    }
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut err, &mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest}");
    assert!(rest.contains("interrupted: the best model so far is kept") && rest.contains("wrote m"), "{rest}");
    folder.run("train --options m/options.toml -o again").done();
    assert!(folder.weights("again") == folder.weights("m"), "the models differ");
}

#[test]
fn automatic_epochs_end_early_and_do_not_depend_on_threads() {
    let folder = with_data();
    let one = train(&folder, &["--epochs", "auto", "--threads", "1", "-o", "one"]).done();
    one.says("stopped early: no epoch after ");
    for threads in ["2", "3", "8"] {
        train(&folder, &["--epochs", "auto", "--threads", threads, "-o", threads]).done();
        assert!(folder.weights("one") == folder.weights(threads), "{threads} threads change the model");
    }
    let settings = &folder.manifest("one")["training"]["settings"];
    assert_eq!((&settings["epochs"], &settings["patience"]), (&json!(30), &json!(5)));
    // They are those of the two options that they stand for.
    train(&folder, &["--epochs", "30", "--patience", "5", "-o", "typed"]).done();
    assert!(folder.weights("one") == folder.weights("typed"), "the models differ");
}

#[test]
fn invalid_searches_are_refused() {
    let folder = with_data();
    for minutes in ["0", "-1", "nan", "1e9", "soon"] {
        let tune = format!("--tune={minutes}");
        let answer = train(&folder, &[&tune, "-o", "m"]);
        assert_eq!(answer.says("use a number of minutes above 0, such as 5 or 0.5").code, Some(2));
    }
    train(&folder, &["--tune", "1", "--resume", "-o", "m"]).refused("cannot be used with");
    train(&folder, &["--tune", "1", "--epochs", "0", "-o", "m"]).refused("cannot use `--epochs`: 0 is not above zero");
    train(&folder, &["--tune", "1", "--arch", "transformer", "-o", "m"]).refused("cannot be used multiple times");
    let transformer = folder.newsdesk(&["train", "--data", "set.jsonl", "--tune", "1", "-o", "m"]);
    transformer.refused("cannot use `--tune`: it only applies to linear models").hint("`--arch linear`");
    folder.assert_missing("m");
}

#[test]
fn a_finished_linear_model_is_not_trained_again() {
    let folder = with_data();
    train(&folder, &["-o", "m"]).done();
    let before = folder.modified("m/model.safetensors");
    let resumed = train(&folder, &["-o", "m", "--resume"]).done();
    resumed.says("m is already trained\n");
    let printed = train(&folder, &["-o", "m", "--resume", "--json", "--quiet"]).done().json();
    assert_eq!(printed[0]["articles"], 90);
    let other = train(&folder, &["-o", "m", "--resume", "--epochs", "6"]);
    let other = other
        .refused("cannot resume `m`: it was trained with other options or on other rows (epochs: 5 there, 6 here)");
    other.hint("the options of the first run");
    assert_eq!(folder.modified("m/model.safetensors"), before);
    train(&folder, &["-o", "m"]).refused("`m` already holds one");
}

#[test]
fn a_search_keeps_an_options_file_of_the_user() {
    let folder = with_data();
    folder.write("m/options.toml", "epochs = 3\n");
    train(&folder, &["--tune", "0.05", "-o", "m"]).refused("cannot write `m/options.toml`: it already exists");
    assert_eq!(folder.text("m/options.toml"), "epochs = 3\n");
    // A model without a search leaves no files that claim to describe it.
    train(&folder, &["--tune", "0.03", "--buckets", "4096", "-o", "n"]).done();
    train(&folder, &["--epochs", "2", "--buckets", "4096", "-o", "n", "--overwrite"]).done();
    folder.assert_missing("n/options.toml");
    folder.assert_missing("n/tuning.jsonl");
}
