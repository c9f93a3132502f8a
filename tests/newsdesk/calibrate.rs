//! `newsdesk calibrate`, and the answers that are held back: figures that can be recomputed from what `classify` answers.

use crate::support::{Answer, Folder, LABELS, MOODS, TINY, column, rows, texts};
use serde_json::{Value, json};

/// A folder with a copy of the tiny model, and a set of which `right` of every 20 labels are the model's answers.
fn partly_right(articles: usize, right: usize) -> Folder {
    let folder = Folder::new();
    folder.copy_tiny("m");
    let line = |(i, text): (usize, String)| format!("{}\n", json!({"text": format!("{text} {}", i % 7)}));
    folder.write("set.jsonl", texts(articles).into_iter().enumerate().map(line).collect::<String>());
    let answers = folder.newsdesk(&["classify", "--model", "m", "set.jsonl"]).done().rows();
    let line = |(i, row): (usize, &Value)| {
        let label = if (i * 7 + i / 20) % 20 < right { row["label"].clone() } else { json!(LABELS[i % 5]) };
        format!("{}\n", json!({"text": row["text"], "label": label}))
    };
    folder.write("set.jsonl", answers.iter().enumerate().map(line).collect::<String>());
    folder
}

fn calibrate(folder: &Folder, flags: &[&str]) -> Answer {
    folder.newsdesk(&[&["calibrate", "m", "--data", "set.jsonl"], flags].concat())
}

#[track_caller]
fn parsed(answer: &Answer) -> Value {
    serde_json::from_str(&answer.out).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// The manifest, as `models info` understands it.
#[track_caller]
fn manifest(folder: &Folder) -> Value {
    let info = folder.newsdesk(&["models", "info", "m", "--json"]).done();
    parsed(&info)["manifest"].clone()
}

/// What `eval` measures on the set.
#[track_caller]
fn eval(folder: &Folder, flags: &[&str]) -> Value {
    let answer = folder.newsdesk(&[&["eval", "m", "--data", "set.jsonl", "--json"], flags].concat()).done();
    parsed(&answer)[0]["heads"][0].clone()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

#[test]
fn eval_says_how_far_scores_can_be_believed() {
    let folder = partly_right(200, 12);
    let measured = eval(&folder, &[])["calibration"].clone();
    // The same from what `classify` writes, four decimals a score.
    let answers = folder.newsdesk(&["classify", "--model", "m", "set.jsonl", "--prefix", "m_", "--scores"]).done();
    let right = column(&rows(&folder.text("set.jsonl")), "label").iter().map(|l| l.to_string()).collect::<Vec<_>>();
    let (mut bins, mut brier, mut nll) = ([(0.0, 0.0); 15], 0.0, 0.0);
    for (row, right) in answers.rows().iter().zip(&right) {
        let score = |label: &str| number(&row[format!("m_label_score_{label}")]);
        let confidence = number(&row["m_label_score"]);
        let bin = (1..15).take_while(|&bin| confidence > bin as f64 / 15.0).count();
        bins[bin].0 += confidence;
        bins[bin].1 += if row["m_label"] == right.as_str() { 1.0 } else { 0.0 };
        brier +=
            LABELS.map(|label| (score(label) - if label == right { 1.0 } else { 0.0 }).powi(2)).iter().sum::<f64>();
        nll -= score(right).max(5e-5).ln();
    }
    let ece = bins.iter().map(|(confidence, right)| (confidence - right).abs()).sum::<f64>() / 200.0;
    // An answer near a bin's end may be in the next one by its rounded score.
    assert!((number(&measured["ece"]) - ece).abs() < 0.02, "{measured} is not {ece}");
    assert!((number(&measured["brier"]) - brier / 200.0).abs() < 1e-3, "{measured} is not {}", brier / 200.0);
    assert!((number(&measured["nll"]) - nll / 200.0).abs() < 5e-2, "{measured} is not {}", nll / 200.0);
    let answers: f64 = measured["bins"].as_array().unwrap().iter().map(|bin| number(&bin["answers"])).sum();
    assert_eq!(answers, 200.0);
}

#[test]
fn a_temperature_is_fitted_stored_and_used() {
    let folder = partly_right(400, 14);
    let before = eval(&folder, &[]);
    let answer = calibrate(&folder, &["--json"]).done();
    assert_eq!(answer.err, "");
    let found = parsed(&answer);
    let (head, set) = (&found["heads"][0], &found["sets"][0]);
    assert_eq!([&found["model"], &head["head"], &set["set"], &set["split"]], ["m", "label", "set.jsonl", "all"]);
    assert_eq!([&head["articles"], &set["articles"]], [400, 400]);
    assert_eq!(head["temperature_before"], 1.0);
    let temperature = number(&head["temperature"]);
    assert!((temperature - 1.0).abs() > 0.05, "{temperature} tests nothing");

    // What was measured is what `eval` measures, before and now.
    let after = eval(&folder, &[]);
    for (told, measured) in [(&set["before"], &before), (&set["after"], &after)] {
        assert_eq!(
            ["ece", "brier", "nll"].map(|key| &told[key]),
            ["ece", "brier", "nll"].map(|k| &measured["calibration"][k])
        );
        assert_eq!(told["accuracy"], measured["report"]["accuracy"]);
    }
    assert!(number(&set["after"]["nll"]) < number(&set["before"]["nll"]), "{set}");
    let stored = manifest(&folder);
    assert_eq!(stored["head"][0]["temperature"], head["temperature"]);
    assert_eq!(stored["calibration"][0], head["calibration"]);

    // No temperature is better, and again the same one is found, whatever was there.
    let text = folder.text("m/newsdesk.toml");
    for factor in [0.9, 1.1] {
        folder.replace(
            "m/newsdesk.toml",
            &format!("temperature = {temperature}"),
            &format!("temperature = {}", temperature * factor),
        );
        assert!(number(&eval(&folder, &[])["calibration"]["nll"]) > number(&after["calibration"]["nll"]));
        let again = parsed(&calibrate(&folder, &["--json", "--threads", "1"]).done());
        assert_eq!(
            (&again["heads"][0]["temperature"], &again["sets"][0]["after"]),
            (&head["temperature"], &set["after"])
        );
        assert_eq!(folder.text("m/newsdesk.toml"), text);
    }
}

#[test]
fn answers_that_are_not_sure_enough_are_held_back() {
    let folder = partly_right(400, 19);
    let found = parsed(&calibrate(&folder, &["--json"]).done());
    let thresholds = found["heads"][0]["calibration"]["threshold"].as_array().unwrap().clone();
    assert!(!thresholds.is_empty(), "{found}");
    let classify = |flags: &[&str]| {
        folder.newsdesk(&[&["classify", "--model", "m", "set.jsonl", "--prefix", "m_"], flags].concat()).done().rows()
    };
    let all = classify(&[]);
    for row in &thresholds {
        let [precision, score] = ["min_precision", "min_score"].map(|key| row[key].to_string());
        let (by_precision, by_score) = (classify(&["--min-precision", &precision]), classify(&["--min-score", &score]));
        assert_eq!((&by_precision, &by_precision), (&by_score, &classify(&["--min-score", &format!("label={score}")])));
        let (mut given, mut right) = (0, 0);
        for (row, open) in by_precision.iter().zip(&all) {
            assert_eq!(row["m_label_score"], open["m_label_score"]);
            if row["m_label"] != "unsure" {
                assert_eq!(row, open);
                given += 1;
                right += usize::from(row["m_label"] == row["label"]);
            }
        }
        let precision_reached = f64::from(right as u32) / f64::from(given as u32);
        assert_eq!((given, number(&row["coverage"])), (number(&row["answers"]) as usize, given as f64 / 400.0));
        assert!(precision_reached >= number(&row["min_precision"]), "{row}");
        assert!((precision_reached - number(&row["precision"])).abs() < 1e-4, "{row}");
        // `eval` finds the same.
        let answered = eval(&folder, &["--min-precision", &precision])["answered"].clone();
        assert_eq!([&answered["answers"], &answered["given"], &answered["correct"]], [400, given, right]);
        assert_eq!(answered, eval(&folder, &["--min-score", &format!("label={score}")])["answered"]);
    }
    assert_eq!(eval(&folder, &[])["answered"], Value::Null);
    let table = folder.newsdesk(&["eval", "m", "--data", "set.jsonl", "--min-score", "0.5"]).done().out;
    assert!(
        table.contains("\nlabel from a score of 0.5000 on: ") && table.contains(" of 400 answers given (coverage 0.")
    );

    // The most probable labels and all scores are there all the same.
    let top = classify(&["--min-score", "1", "--top-k", "2"]);
    assert!(top.iter().zip(&all).all(|(row, all)| row["m_label"] == "unsure" && row["m_label_1"] == all["m_label"]));
    let scored = classify(&["--min-score", "1", "--scores"]);
    assert!(scored.iter().all(|row| LABELS.iter().all(|label| row[format!("m_label_score_{label}")].is_number())));
    let shown =
        folder.newsdesk(&["classify", "--model", "m", "set.jsonl", "--min-score", "1", "--output-format", "table"]);
    assert!(shown.done().out.contains(" unsure "));
}

const MANIFEST: &str = r#"version = 1
name = "two"
pooling = "pooler"
[window]
length = 32
stride = 20
[[head]]
name = "sentiment"
activation = "softmax"
label = [{ name = "negative", code = "s:1" }, { name = "neutral", code = "s:2" }, { name = "positive", code = "s:3" }]
[[head]]
name = "desk"
activation = "sigmoid"
temperature = 2.5
label = [{ name = "arts", threshold = 0.8 }, { name = "business" }, { name = "science" }, { name = "sport" }, { name = "world" }]
"#;

/// A model with the heads `sentiment` and `desk`, which gives several labels, and a set for each.
fn two_heads() -> Folder {
    let folder = Folder::new();
    folder.copy_tiny_with_heads("sentiment", "desk");
    folder.write("m/newsdesk.toml", MANIFEST).write("moods.toml", MOODS);
    folder.write("news.jsonl", crate::support::articles(texts(300)));
    let answers = folder.newsdesk(&["classify", "--model", "m", "news.jsonl"]).done().rows();
    let mood = |i: usize, row: &Value| match (i % 4, row["sentiment"] == "positive") {
        (0, _) => ["good", "mixed"][i / 4 % 2],
        (_, true) => "good",
        (_, false) => "mixed",
    };
    let moods =
        answers.iter().enumerate().map(|(i, row)| format!("{}\n", json!({"text": row["text"], "mood": mood(i, row)})));
    folder.write("sets/moods-of-may/rows.jsonl", moods.collect::<String>());
    let desks = |i: usize, row: &Value| match (i % 4, row["desk"].as_str()) {
        (0, _) => json!([LABELS[i % 5]]),
        (_, given) => json!(given.map_or(vec![], |given| given.split("; ").collect())),
    };
    let desks =
        answers.iter().enumerate().map(|(i, row)| format!("{}\n", json!({"text": row["text"], "desk": desks(i, row)})));
    folder.write("set.jsonl", desks.collect::<String>());
    folder
}

const BOTH: [&str; 9] =
    ["--data", "set.jsonl", "moods.toml", "--data-root", "sets", "--head", "desk", "--label-field", "desk"];

#[test]
fn heads_of_every_kind() {
    let folder = two_heads();
    let classify =
        |flags: &[&str]| folder.newsdesk(&[&["classify", "--model", "m", "news.jsonl"], flags].concat()).done().rows();
    let before = classify(&[]);
    let answer = folder.newsdesk(&[&["calibrate", "m", "--json"][..], &BOTH].concat()).done();
    let found = parsed(&answer);
    assert_eq!(column(found["heads"].as_array().unwrap(), "head"), ["sentiment", "desk"]);
    assert_eq!(column(found["sets"].as_array().unwrap(), "set"), ["set.jsonl", "moods"]);
    for set in found["sets"].as_array().unwrap() {
        assert!(number(&set["after"]["nll"]) <= number(&set["before"]["nll"]), "{set}");
    }
    assert_eq!(found["heads"][1]["temperature_before"], 2.5);
    let stored = manifest(&folder);
    assert_eq!(stored["calibration"][0]["temperature_sets"], json!(["moods validation: 300 articles"]));
    assert_eq!(stored["calibration"][1]["threshold_sets"], json!(["set.jsonl all: 300 articles"]));
    // Of these texts, 60 differ.
    assert_eq!(stored["calibration"][1]["articles"], 60);

    // Labels of the head that gives several have new thresholds, by which `classify` goes. (These need not be better: the
    // set was made of answers at the old ones.)
    let decision = &found["heads"][1]["decision"];
    assert_ne!(decision["micro_f1"], decision["micro_f1_before"]);
    assert_eq!(found["heads"][0]["decision"], Value::Null);
    let rows = rows(&folder.text("set.jsonl"));
    let micro_f1 = |answers: &[Value]| {
        let (mut given, mut right, mut both) = (0, 0, 0);
        for (row, answer) in rows.iter().zip(answers) {
            let labels: Vec<&str> =
                row["desk"].as_array().unwrap().iter().map(|label| label.as_str().unwrap()).collect();
            let answers: Vec<&str> = answer["desk"].as_str().map_or(vec![], |desks| desks.split("; ").collect());
            both += answers.iter().filter(|answer| labels.contains(answer)).count();
            (given, right) = (given + answers.len(), right + labels.len());
        }
        2.0 * both as f64 / (given + right) as f64
    };
    let after = classify(&[]);
    for (key, answers) in [("micro_f1_before", &before), ("micro_f1", &after)] {
        assert!((number(&decision[key]) - micro_f1(answers)).abs() < 0.01, "{decision} {}", micro_f1(answers));
    }
    let thresholds = stored["head"][1]["label"].as_array().unwrap().iter().map(|label| &label["threshold"]);
    let shared = thresholds.filter(|threshold| **threshold == decision["shared"]).count();
    assert_eq!(json!(5 - shared), decision["own"]);
    // Doing it again changes nothing, wherever it starts from.
    let text = folder.text("m/newsdesk.toml");
    folder.newsdesk(&[&["calibrate", "m"][..], &BOTH].concat()).done();
    assert_eq!(folder.text("m/newsdesk.toml"), text);
    folder.write("m/newsdesk.toml", MANIFEST.replace("temperature = 2.5", "temperature = 0.5"));
    folder.newsdesk(&[&["calibrate", "m"][..], &BOTH].concat()).done();
    assert_eq!(folder.text("m/newsdesk.toml"), text);

    // One head at a time: the other answers as before. Labels of a head that gives several are left out one by one.
    let mut fewer = 0;
    for (row, open) in classify(&["--min-score", "desk=0.7", "--scores"]).iter().zip(&after) {
        assert_eq!(row["sentiment"], open["sentiment"]);
        let split = |row: &Value| row["desk"].as_str().map_or(vec![], |d| d.split("; ").map(str::to_string).collect());
        let sure = |label: &String| number(&row[format!("desk_score_{label}")]) >= 0.7;
        let expected: Vec<String> = split(open).into_iter().filter(sure).collect();
        assert_eq!(split(row), expected, "{row}");
        assert!(row["desk"].is_null() || !expected.is_empty());
        fewer += usize::from(expected.len() < split(open).len());
    }
    assert!(fewer > 0, "nothing was left out");
    for (row, open) in classify(&["--min-score", "1", "--min-score", "desk=0"]).iter().zip(&after) {
        assert_eq!([&row["sentiment"], &row["sentiment_code"]], [&json!("unsure"), &Value::Null]);
        assert_eq!([&row["sentiment_score"], &row["desk"]], [&open["sentiment_score"], &open["desk"]]);
    }
    // `eval` counts each label that is given.
    let flags = ["eval", "m", "--json", "--split", "validation", "--min-score", "0.7"];
    let reports = parsed(&folder.newsdesk(&[&flags[..], &BOTH].concat()).done());
    let answered = &reports[0]["heads"][0]["answered"];
    let given = |rows: &[Value]| rows.iter().flat_map(|row| row["desk"].as_str()).flat_map(|d| d.split("; ")).count();
    assert_eq!(answered["answers"], given(&after));
    assert_eq!(answered["given"], given(&classify(&["--min-score", "0.7"])));
}

#[test]
fn thresholds_are_measured_where_labels_are_exact() {
    let folder = two_heads();
    let moods = |i: usize| ["negative", "neutral", "positive"][i % 3];
    let exact = texts(60)
        .into_iter()
        .enumerate()
        .map(|(i, text)| format!("{}\n", json!({"text": text, "sentiment": moods(i)})));
    folder.write("exact.jsonl", exact.collect::<String>());
    let arguments =
        ["calibrate", "m", "--data", "moods.toml", "exact.jsonl", "--data-root", "sets", "--head", "sentiment"];
    let answer = folder.newsdesk(&arguments).done();
    let answer = answer.says("warning: no set has labels for head desk: it stays as it was");
    assert!(
        answer.out.contains("sentiment: no precision of 0.8 or more is sure on exact.jsonl all: 60 articles"),
        "{answer}"
    );
    let record = manifest(&folder)["calibration"][0].clone();
    assert_eq!(record["temperature_sets"], json!(["moods validation: 300 articles", "exact.jsonl all: 60 articles"]));
    assert_eq!((&record["articles"], &record["threshold"]), (&json!(60), &Value::Null));
}

#[test]
fn info_shows_temperatures_and_precisions() {
    let folder = partly_right(400, 19);
    let told = calibrate(&folder, &["--quiet"]).done();
    let shown = folder.newsdesk(&["models", "info", "m"]).done().out;
    let temperature = manifest(&folder)["head"][0]["temperature"].clone();
    assert!(shown.contains(&format!("head label (softmax), 5 labels, temperature {temperature}\n")), "{shown}");
    assert!(shown.contains("\nlabel: temperature by set.jsonl all: 400 articles\n"), "{shown}");
    let table = |text: &str| text[text.find("label: precisions on").unwrap()..].trim_end().to_string();
    assert_eq!(table(&shown), table(&told.out));
    assert!(table(&shown).contains(" head   min precision  from score  coverage  answers  precision\n"), "{shown}");
    // A manifest that says nothing of all this is as good as ever.
    let info = folder.newsdesk(&["models", "info", TINY]).done().out;
    assert!(!info.contains("temperature") && !info.contains("precision"), "{info}");
}

#[test]
fn certificates_stay_and_are_told_of() {
    let folder = partly_right(200, 12);
    folder.newsdesk(&["models", "certify", "m", "--data", "set.jsonl", "--max-loss", "100", "--quiet"]).done();
    let before = manifest(&folder)["certificate"].clone();
    let answer = calibrate(&folder, &[]).done();
    answer.says(
        "the certificates of precisions were made at other temperatures or thresholds; `newsdesk models certify`",
    );
    assert_eq!(manifest(&folder)["certificate"], before);
    assert_eq!(calibrate(&folder, &[]).done().err, "", "the temperature is the same now");
}

#[test]
fn training_ends_with_a_calibration() {
    let folder = Folder::new();
    let words = [["match", "coach", "team"], ["plan", "pay", "price"]];
    let row = |i: usize| {
        // Every ninth article has the other label, so that nobody can be sure.
        let text: Vec<&str> = (0..6).map(|j| words[(i + usize::from(j == i % 7)) % 2][(i / 2 + j * j) % 3]).collect();
        format!("{} {},{}\n", text.join(" "), i, ["sport", "business"][(i + usize::from(i.is_multiple_of(9))) % 2])
    };
    folder.write("train.csv", format!("text,desk\n{}", (0..120).map(row).collect::<String>()));
    folder.write("held.csv", format!("text,desk\n{}", (200..320).map(row).collect::<String>()));
    let usual = "--learning-rate 1e-3 --batch-size 8 --pooling mean --window 64 --stride 48 --length 64 --epochs 3";
    let usual: Vec<&str> = usual.split(' ').collect();
    let train = |held: &str, output: &str| {
        let sets = ["--data", "train.csv", "--validation", held, "--label-field", "desk", "-o", output, "--json"];
        folder.newsdesk(&[&["train", "--base", TINY], &sets[..], &usual].concat()).done()
    };
    let answer = train("held.csv", "m");
    let stored = manifest(&folder);
    assert_ne!(stored["head"][0]["temperature"], 1.0, "{answer}");
    assert_eq!(stored["calibration"][0]["temperature_sets"], json!(["held.csv all: 120 articles"]));
    let measured = folder.newsdesk(&["eval", "m", "--data", "held.csv", "--label-field", "desk", "--json"]).done();
    let figures = |answer: &Answer| {
        let found: Value = serde_json::from_str(&answer.out).unwrap();
        let head = &found[0]["heads"][0];
        (head["report"].clone(), head["calibration"].clone())
    };
    assert_eq!(figures(&measured), figures(&answer));
    let again = folder.newsdesk(&["calibrate", "m", "--data", "held.csv", "--label-field", "desk", "--json"]).done();
    assert_eq!(manifest(&folder), stored, "{again}");

    folder.write("few.csv", format!("text,desk\n{}", (200..220).map(row).collect::<String>()));
    let answer = train("few.csv", "few");
    answer.says("warning: the temperature of head desk stays 1: 20 articles are labelled for it, which is too few");
}

#[test]
fn what_cannot_be_calibrated_is_known_before_the_work() {
    let folder = partly_right(60, 12);
    let refused = |answer: Answer, error: &str, hint: &str| {
        assert_eq!(answer.refused(error).hint(hint).out, "");
    };
    let with = |file: &str| folder.newsdesk(&["calibrate", "m", "--data", file]);
    let lines = |labels: &dyn Fn(usize) -> &'static str, rows: usize| {
        let line = |(i, text): (usize, String)| format!("{}\n", json!({"text": text, "label": labels(i)}));
        texts(rows).into_iter().enumerate().map(line).collect::<String>()
    };
    folder.write("one.jsonl", lines(&|_| "arts", 80)).write("few.jsonl", lines(&|i| LABELS[i % 5], 49));
    let two = "give articles of at least two labels with `--data`, 50 or more of them";
    refused(with("one.jsonl"), "the temperature of head `label` cannot be fitted: all 60 articles have the same", two);
    refused(with("few.jsonl"), "head `label` cannot be fitted: 49 articles are labelled for it, which is too few", two);
    refused(
        calibrate(&folder, &["--head", "topic"]),
        "Failed to find head `topic` in the model",
        "its heads are label",
    );
    refused(folder.newsdesk(&["calibrate", "no", "--data", "set.jsonl"]), "Failed to open the model `no`", "a folder");
    folder.newsdesk(&["calibrate", "--data", "set.jsonl"]).refused("not provided").says("<MODEL>");
    folder.newsdesk(&["calibrate", "m"]).refused("not provided").says("--data <SET>");
    folder.write("moods.toml", MOODS).write("sets/moods-of-may/rows.jsonl", "{\"text\":\"Goal!\",\"mood\":\"good\"}\n");
    let recipe = ["calibrate", "m", "--data", "moods.toml", "--data-root", "sets"];
    refused(folder.newsdesk(&recipe), "Failed to measure `moods`: the model has no head `sentiment`", "its heads are");
    assert!(!folder.path("m/newsdesk.toml").exists(), "something was written");
    folder.write("m/newsdesk.toml.partial/file", "");
    refused(
        calibrate(&folder, &[]),
        "Failed to write `m/newsdesk.toml`",
        "the folder must be one that you may write to",
    );
}

#[test]
fn what_has_no_best_temperature_keeps_its_own() {
    // The model's own answers: the surer, the better, without end.
    let folder = partly_right(100, 20);
    let answer = calibrate(&folder, &[]).done();
    let answer =
        answer.says("warning: the temperature of head label stays 1: no temperature from 0.05 to 20 is the best");
    assert!(answer.out.contains("label: temperature 1, was 1"), "{answer}");
    assert_eq!(manifest(&folder)["calibration"][0]["temperature_sets"], Value::Null);
    // All the same it is known that every answer is right.
    assert!(manifest(&folder)["calibration"][0]["threshold"][0]["coverage"] == 1.0, "{answer}");
}

#[test]
fn least_scores_that_cannot_be() {
    let folder = partly_right(120, 12);
    let refused = |flags: &[&str], error: &str, hint: &str| {
        for command in [&["classify", "--model", "m", "set.jsonl"][..], &["eval", "m", "--data", "set.jsonl"]] {
            let answer = folder.newsdesk(&[command, flags].concat()).refused(error).hint(hint);
            assert_eq!(answer.out, "");
        }
    };
    refused(
        &["--min-score", "high"],
        "Failed to use `--min-score high`: `high` is not a number",
        "a score is from 0 to 1",
    );
    refused(&["--min-score", "-0.5"], "Failed to use `--min-score -0.5`: -0.5 is not within 0 and 1", "`HEAD=0.8`");
    refused(&["--min-score", "label=2"], "Failed to use `--min-score label=2`", "a score is from 0 to 1");
    refused(&["--min-score", "topic=0.5"], "the model has no head `topic`", "its heads are label");
    refused(&["--min-score", "0.5", "--min-score", "0.6"], "all heads would have two least scores", "HEAD=NUMBER");
    for precision in ["0", "1", "1.5", "nan"] {
        refused(&["--min-precision", precision], "is not between 0 and 1", "the share of answers to be right");
    }
    let none = "for a precision of 0.9 on head `label`: `m` is not calibrated for it";
    refused(&["--min-precision", "0.9"], none, "`newsdesk calibrate MODEL --data SET` measures it");
    calibrate(&folder, &[]).done();
    let beyond = "for a precision of 0.99 on head `label`: no precision was reached on the 120 articles";
    refused(&["--min-precision", "0.99"], beyond, "`--min-score label=SCORE` chooses a score");
}

#[test]
fn rejected_rows_are_told_and_counted() {
    let folder = partly_right(100, 12);
    folder.write("set.jsonl", folder.text("set.jsonl") + "{\"text\":\"\",\"label\":\"arts\"}\n");
    let answer = calibrate(&folder, &["--json"]).says("the text is blank");
    assert_eq!((answer.code, &parsed(&answer)["sets"][0]["articles"]), (Some(1), &json!(100)));
    let quiet = calibrate(&folder, &["--quiet"]);
    assert_eq!((quiet.code, quiet.err.as_str()), (Some(1), ""));
}

#[test]
fn a_table_for_people() {
    let folder = partly_right(100, 12);
    let out = calibrate(&folder, &[]).done().out;
    let lines: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0].join(" "), "set split head articles ECE before ECE NLL before NLL");
    assert_eq!(lines[1][..4], ["set.jsonl", "all", "label", "100"]);
    assert_eq!((lines[1].len(), lines[3][..2].join(" ")), (8, "label: temperature".to_string()));
}
