//! `newsdesk calibrate`: temperatures, score thresholds and certificates. Metrics are recomputed from the output of `classify`.

use crate::support::training::train_arguments;
use crate::support::{Answer, Folder, LABELS, MOODS, TINY, articles, column, json_lines, texts};
use serde_json::{Value, json};

/// Returns a folder with a copy of the tiny model in `m`, and a data set in `set.jsonl`: `correct` of every 20 labels are the
/// model's predictions.
pub(crate) fn partly_correct(articles: usize, correct: usize) -> Folder {
    let folder = Folder::new();
    folder.copy_tiny("m");
    let unlabelled =
        texts(articles).into_iter().enumerate().map(|(i, text)| json!({"text": format!("{text} {}", i % 7)}));
    folder.write("set.jsonl", json_lines(unlabelled));
    let predictions = folder.newsdesk(&["classify", "--model", "m", "set.jsonl"]).done().rows();
    let row = |(i, row): (usize, &Value)| {
        let label = if (i * 7 + i / 20) % 20 < correct { row["label"].clone() } else { json!(LABELS[i % 5]) };
        json!({"text": row["text"], "label": label})
    };
    folder.write("set.jsonl", json_lines(predictions.iter().enumerate().map(row)));
    folder
}

pub(crate) fn calibrate(folder: &Folder, flags: &[&str]) -> Answer {
    folder.newsdesk(&[&["calibrate", "m", "--data", "set.jsonl"], flags].concat())
}

/// Returns the metrics of `eval` on the data set, for the only head.
#[track_caller]
pub(crate) fn eval(folder: &Folder, flags: &[&str]) -> Value {
    let answer = folder.newsdesk(&[&["eval", "m", "--data", "set.jsonl", "--json"], flags].concat()).done();
    answer.json()[0]["heads"][0].clone()
}

#[track_caller]
pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

#[test]
fn eval_reports_ece_brier_score_and_nll() {
    let folder = partly_correct(200, 12);
    let measured = eval(&folder, &[])["calibration"].clone();
    // The scores of `classify` have four decimals, so that these metrics are close to those of `eval`.
    let predictions = folder.newsdesk(&["classify", "--model", "m", "set.jsonl", "--prefix", "m_", "--scores"]).done();
    let (mut bins, mut brier, mut nll) = ([(0.0, 0.0); 15], 0.0, 0.0);
    for row in predictions.rows() {
        let gold = row["label"].as_str().unwrap();
        let score = |label: &str| number(&row[format!("m_label_score_{label}")]);
        let confidence = number(&row["m_label_score"]);
        let bin = (1..15).take_while(|&bin| confidence > bin as f64 / 15.0).count();
        bins[bin].0 += confidence;
        bins[bin].1 += if row["m_label"] == gold { 1.0 } else { 0.0 };
        brier += LABELS.map(|label| (score(label) - if label == gold { 1.0 } else { 0.0 }).powi(2)).iter().sum::<f64>();
        nll -= score(gold).max(5e-5).ln();
    }
    let ece = bins.iter().map(|(confidence, correct)| (confidence - correct).abs()).sum::<f64>() / 200.0;
    // A rounded score close to the end of a bin may fall into the next one.
    for (name, expected, tolerance) in [("ece", ece, 0.02), ("brier", brier / 200.0, 1e-3), ("nll", nll / 200.0, 5e-2)]
    {
        let is_close = (number(&measured[name]) - expected).abs() < tolerance;
        assert!(is_close, "{name} is {}, expected {expected}", measured[name]);
    }
    let predictions: f64 = measured["bins"].as_array().unwrap().iter().map(|bin| number(&bin["predictions"])).sum();
    assert_eq!(predictions, 200.0);
}

#[test]
fn calibrate_fits_a_temperature_that_lowers_the_nll_and_stores_it() {
    let folder = partly_correct(400, 14);
    let before = eval(&folder, &[]);
    let answer = calibrate(&folder, &["--json"]).done();
    assert_eq!(answer.err, "");
    let found = answer.json();
    let (head, set) = (&found["heads"][0], &found["sets"][0]);
    assert_eq!([&found["model"], &head["head"], &set["set"], &set["split"]], ["m", "label", "set.jsonl", "all"]);
    assert_eq!([&head["articles"], &set["articles"]], [400, 400]);
    assert_eq!(head["temperature_before"], 1.0);
    let temperature = number(&head["temperature"]);
    assert!((temperature - 1.0).abs() > 0.05, "expected another temperature than 1, found {temperature}");

    // The metrics before and after equal those of `eval`.
    let after = eval(&folder, &[]);
    for (printed, measured) in [(&set["before"], &before), (&set["after"], &after)] {
        for name in ["ece", "brier", "nll"] {
            assert_eq!(printed[name], measured["calibration"][name], "{name}");
        }
        assert_eq!(printed["accuracy"], measured["report"]["accuracy"]);
    }
    assert!(number(&set["after"]["nll"]) < number(&set["before"]["nll"]), "{set}");
    let stored = folder.manifest("m");
    assert_eq!(stored["head"][0]["temperature"], head["temperature"]);
    assert_eq!(stored["calibration"][0], head["calibration"]);

    // Other temperatures have a higher NLL. Starting from them, calibration finds the same temperature.
    let text = folder.text("m/newsdesk.toml");
    for factor in [0.9, 1.1] {
        folder.replace(
            "m/newsdesk.toml",
            &format!("temperature = {temperature}"),
            &format!("temperature = {}", temperature * factor),
        );
        let [other, optimal] = [&eval(&folder, &[]), &after].map(|head| number(&head["calibration"]["nll"]));
        assert!(other > optimal, "the NLL is {optimal} at the fitted temperature and {other} at {factor} times that");
        let again = calibrate(&folder, &["--json", "--threads", "1"]).done().json();
        assert_eq!(
            (&again["heads"][0]["temperature"], &again["sets"][0]["after"]),
            (&head["temperature"], &set["after"])
        );
        assert_eq!(folder.text("m/newsdesk.toml"), text);
    }
}

const MANIFEST: &str = r#"version = 1
name = "two"
pooling = "pooler"
[window]
length = 32
overlap = 12
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

/// Returns a folder with a model in `m`, and a data set for each head: `moods.toml` for `sentiment`, `set.jsonl` for `desk`,
/// which is a multi-label head. Three of four labels are predictions of the model.
fn two_heads() -> Folder {
    let folder = Folder::new();
    folder.copy_tiny_with_heads("sentiment", "desk");
    folder.write("m/newsdesk.toml", MANIFEST).write("moods.toml", MOODS);
    folder.write("news.jsonl", articles(texts(300)));
    let predictions = folder.newsdesk(&["classify", "--model", "m", "news.jsonl"]).done().rows();
    let mood = |i: usize, row: &Value| match (i % 4, row["sentiment"] == "positive") {
        (0, _) => ["good", "mixed"][i / 4 % 2],
        (_, true) => "good",
        (_, false) => "mixed",
    };
    let moods = predictions.iter().enumerate().map(|(i, row)| json!({"text": row["text"], "mood": mood(i, row)}));
    folder.write("sets/moods-of-may/rows.jsonl", json_lines(moods));
    let desks =
        |i: usize, row: &Value| if i.is_multiple_of(4) { json!([LABELS[i % 5]]) } else { json!(labels(&row["desk"])) };
    let desks = predictions.iter().enumerate().map(|(i, row)| json!({"text": row["text"], "desk": desks(i, row)}));
    folder.write("set.jsonl", json_lines(desks));
    folder
}

/// Splits the predictions of a multi-label head.
fn labels(column: &Value) -> Vec<&str> {
    column.as_str().map_or(vec![], |labels| labels.split("; ").collect())
}

const BOTH: [&str; 9] =
    ["--data", "set.jsonl", "moods.toml", "--data-root", "sets", "--head", "desk", "--label-field", "desk"];

#[test]
fn temperatures_and_thresholds_of_a_multi_label_head_are_fitted() {
    let folder = two_heads();
    let classify =
        |flags: &[&str]| folder.newsdesk(&[&["classify", "--model", "m", "news.jsonl"], flags].concat()).done().rows();
    let before = classify(&[]);
    let answer = folder.newsdesk(&[&["calibrate", "m", "--json"][..], &BOTH].concat()).done();
    let found = answer.json();
    assert_eq!(column(found["heads"].as_array().unwrap(), "head"), ["sentiment", "desk"]);
    assert_eq!(column(found["sets"].as_array().unwrap(), "set"), ["set.jsonl", "moods"]);
    for set in found["sets"].as_array().unwrap() {
        assert!(number(&set["after"]["nll"]) <= number(&set["before"]["nll"]), "{set}");
    }
    assert_eq!(found["heads"][1]["temperature_before"], 2.5);
    let stored = folder.manifest("m");
    assert_eq!(stored["calibration"][0]["temperature_sets"], json!(["moods validation: 300 articles"]));
    assert_eq!(stored["calibration"][1]["threshold_sets"], json!(["set.jsonl all: 300 articles"]));
    // Of the 300 texts, 60 are distinct.
    assert_eq!(stored["calibration"][1]["articles"], 60);

    // The labels of the multi-label head have new thresholds, which `classify` uses. They need not be better, because the
    // labels of the data set are predictions with the old ones.
    let decision = &found["heads"][1]["decision"];
    assert_ne!(decision["micro_f1"], decision["micro_f1_before"]);
    assert_eq!(found["heads"][0]["decision"], Value::Null);
    let rows = folder.rows("set.jsonl");
    let micro_f1 = |predictions: &[Value]| {
        let (mut predicted, mut gold, mut both) = (0, 0, 0);
        for (row, prediction) in rows.iter().zip(predictions) {
            let labelled: Vec<&str> =
                row["desk"].as_array().unwrap().iter().map(|desk| desk.as_str().unwrap()).collect();
            let predictions = labels(&prediction["desk"]);
            both += predictions.iter().filter(|label| labelled.contains(label)).count();
            (predicted, gold) = (predicted + predictions.len(), gold + labelled.len());
        }
        2.0 * both as f64 / (predicted + gold) as f64
    };
    let after = classify(&[]);
    for (key, predictions) in [("micro_f1_before", &before), ("micro_f1", &after)] {
        let expected = micro_f1(predictions);
        assert!((number(&decision[key]) - expected).abs() < 0.01, "{key} is {}, expected {expected}", decision[key]);
    }
    let thresholds = stored["head"][1]["label"].as_array().unwrap().iter().map(|label| &label["threshold"]);
    let shared = thresholds.filter(|threshold| **threshold == decision["shared"]).count();
    assert_eq!(json!(5 - shared), decision["own"]);
    // Calibrating again changes nothing, whatever the temperature was before.
    let text = folder.text("m/newsdesk.toml");
    folder.newsdesk(&[&["calibrate", "m"][..], &BOTH].concat()).done();
    assert_eq!(folder.text("m/newsdesk.toml"), text);
    folder.write("m/newsdesk.toml", MANIFEST.replace("temperature = 2.5", "temperature = 0.5"));
    folder.newsdesk(&[&["calibrate", "m"][..], &BOTH].concat()).done();
    assert_eq!(folder.text("m/newsdesk.toml"), text);

    // A minimum score of one head does not affect the other. Labels of a multi-label head are left out one by one.
    let mut fewer = 0;
    for (row, open) in classify(&["--min-score", "desk=0.7", "--scores"]).iter().zip(&after) {
        assert_eq!(row["sentiment"], open["sentiment"]);
        let mut expected = labels(&open["desk"]);
        expected.retain(|label| number(&row[format!("desk_score_{label}")]) >= 0.7);
        assert_eq!(labels(&row["desk"]), expected, "{row}");
        assert!(row["desk"].is_null() || !expected.is_empty(), "the labels of no prediction are not null: {row}");
        fewer += usize::from(expected.len() < labels(&open["desk"]).len());
    }
    assert!(fewer > 0, "no label was left out");
    for (row, open) in classify(&["--min-score", "1", "--min-score", "desk=0"]).iter().zip(&after) {
        assert_eq!([&row["sentiment"], &row["sentiment_code"]], [&json!("unsure"), &Value::Null]);
        assert_eq!([&row["sentiment_score"], &row["desk"]], [&open["sentiment_score"], &open["desk"]]);
    }
    // `eval` counts each predicted label.
    let flags = ["eval", "m", "--json", "--split", "validation", "--min-score", "0.7"];
    let reports = folder.newsdesk(&[&flags[..], &BOTH].concat()).done().json();
    let selective = &reports[0]["heads"][0]["selective"];
    let given = |rows: &[Value]| rows.iter().map(|row| labels(&row["desk"]).len()).sum::<usize>();
    assert_eq!(selective["predictions"], given(&after));
    assert_eq!(selective["accepted"], given(&classify(&["--min-score", "0.7"])));
}

#[test]
fn score_thresholds_are_measured_on_data_sets_with_the_labels_of_the_head() {
    let folder = two_heads();
    let moods = |i: usize| ["negative", "neutral", "positive"][i % 3];
    let exact = texts(60).into_iter().enumerate().map(|(i, text)| json!({"text": text, "sentiment": moods(i)}));
    folder.write("exact.jsonl", json_lines(exact));
    let answer = folder.run("calibrate m --data moods.toml exact.jsonl --data-root sets --head sentiment").done();
    let answer = answer.says("warning: head `desk` is unchanged: no data set has labels for it");
    assert!(
        answer
            .out
            .contains("sentiment: no score reaches a precision of 0.8 with confidence on exact.jsonl all: 60 articles"),
        "{answer}"
    );
    let record = folder.manifest("m")["calibration"][0].clone();
    assert_eq!(record["temperature_sets"], json!(["moods validation: 300 articles", "exact.jsonl all: 60 articles"]));
    assert_eq!((&record["articles"], &record["threshold"]), (&json!(60), &Value::Null));
}

/// A head with too few articles keeps its temperature and thresholds. The other heads are calibrated.
#[test]
fn a_head_with_too_few_articles_is_left_as_it_is() {
    let folder = two_heads();
    folder.newsdesk(&[&["calibrate", "m"][..], &BOTH].concat()).done();
    let before = folder.manifest("m");
    let few: String = folder.text("set.jsonl").lines().take(20).map(|line| format!("{line}\n")).collect();
    folder.write("set.jsonl", few);
    let answer = folder.newsdesk(&[&["calibrate", "m"][..], &BOTH].concat()).done();
    answer.says("warning: head `desk` keeps its temperature").says("that needs 50 distinct labelled articles");
    let after = folder.manifest("m");
    assert_eq!(before["head"], after["head"]);
    let of_desk =
        |manifest: &Value| manifest["calibration"].as_array().unwrap().iter().find(|of| of["head"] == "desk").cloned();
    assert_eq!(of_desk(&before), of_desk(&after));
    // Without another head, nothing is left to do.
    let alone = ["calibrate", "m", "--data", "set.jsonl", "--head", "desk", "--label-field", "desk"];
    folder.newsdesk(&alone).refused("cannot fit the temperature of head `desk`");
    let out = folder.newsdesk(&[&["eval"][..], &alone[1..]].concat()).done().out;
    assert!(out.contains("no confusion matrix: an article can have several labels of this head"), "{out}");
}

#[test]
fn info_shows_temperatures_and_score_thresholds() {
    let folder = partly_correct(400, 19);
    let printed = calibrate(&folder, &["--quiet"]).done();
    let shown = folder.newsdesk(&["models", "info", "m"]).done().out;
    let temperature = folder.manifest("m")["head"][0]["temperature"].clone();
    assert!(shown.contains(&format!("head label (softmax), 5 labels, temperature {temperature}\n")), "{shown}");
    assert!(shown.contains("\nlabel: temperature fitted on set.jsonl all: 400 articles\n"), "{shown}");
    let table = |text: &str| text[text.find("label: score thresholds measured on").unwrap()..].trim_end().to_string();
    assert_eq!(table(&shown), table(&printed.out));
    assert!(table(&shown).contains(" head   min precision  min score  coverage  predictions  precision\n"), "{shown}");
    // A model that is not calibrated has neither.
    let info = folder.newsdesk(&["models", "info", TINY]).done().out;
    assert!(!info.contains("temperature") && !info.contains("precision"), "{info}");
}

#[test]
fn certificates_are_kept_with_a_warning() {
    let folder = partly_correct(200, 12);
    folder.newsdesk(&["models", "certify", "m", "--data", "set.jsonl", "--max-accuracy-drop", "100", "--quiet"]).done();
    let before = folder.manifest("m")["certificate"].clone();
    let answer = calibrate(&folder, &[]).done();
    answer.says("the dtype certificates were measured with the old temperatures or thresholds; renew them with");
    assert_eq!(folder.manifest("m")["certificate"], before);
    assert_eq!(calibrate(&folder, &[]).done().err, "", "the temperature has not changed, but there is a warning");
}

#[test]
fn training_calibrates_the_model_on_the_validation_set() {
    let folder = Folder::new();
    let words = [["match", "coach", "team"], ["plan", "pay", "price"]];
    let row = |i: usize| {
        // Every ninth label is wrong, so that an optimal temperature exists.
        let text: Vec<&str> = (0..6).map(|j| words[(i + usize::from(j == i % 7)) % 2][(i / 2 + j * j) % 3]).collect();
        format!("{} {},{}\n", text.join(" "), i, ["sport", "business"][(i + usize::from(i.is_multiple_of(9))) % 2])
    };
    folder.write("train.csv", format!("text,desk\n{}", (0..120).map(row).collect::<String>()));
    folder.write("held.csv", format!("text,desk\n{}", (200..320).map(row).collect::<String>()));
    let train = |held: &str, output: &str| {
        let options =
            "--data train.csv --label-field desk --learning-rate 1e-3 --batch-size 8 --pooling mean --epochs 3";
        folder.newsdesk(&train_arguments(output, options, &["--validation", held, "--json"])).done()
    };
    let answer = train("held.csv", "m");
    let stored = folder.manifest("m");
    assert_ne!(stored["head"][0]["temperature"], 1.0, "{answer}");
    assert_eq!(stored["calibration"][0]["temperature_sets"], json!(["held.csv all: 120 articles"]));
    let measured = folder.newsdesk(&["eval", "m", "--data", "held.csv", "--label-field", "desk", "--json"]).done();
    let metrics = |answer: &Answer| {
        let head = &answer.json()[0]["heads"][0];
        (head["report"].clone(), head["calibration"].clone())
    };
    assert_eq!(metrics(&measured), metrics(&answer));
    let again = folder.newsdesk(&["calibrate", "m", "--data", "held.csv", "--label-field", "desk", "--json"]).done();
    assert_eq!(folder.manifest("m"), stored, "{again}");

    folder.write("few.csv", format!("text,desk\n{}", (200..220).map(row).collect::<String>()));
    let answer = train("few.csv", "few");
    answer.says("warning: the scores of head `desk` are not calibrated: that needs 50 distinct labelled articles");
}

#[test]
fn unusable_data_sets_and_models_are_refused_before_classifying() {
    let folder = partly_correct(60, 12);
    let refused = |answer: Answer, error: &str, hint: &str| {
        assert_eq!(answer.refused(error).hint(hint).out, "");
    };
    let with = |file: &str| folder.newsdesk(&["calibrate", "m", "--data", file]);
    let labelled = |label: &dyn Fn(usize) -> &'static str, rows: usize| {
        json_lines(texts(rows).into_iter().enumerate().map(|(i, text)| json!({"text": text, "label": label(i)})))
    };
    folder.write("one.jsonl", labelled(&|_| "arts", 80)).write("few.jsonl", labelled(&|i| LABELS[i % 5], 49));
    let two = "give articles of at least two labels with `--data`, 50 or more of them";
    refused(with("one.jsonl"), "cannot fit the temperature of head `label`: all 60 articles have the same", two);
    refused(
        with("few.jsonl"),
        "cannot fit the temperature of head `label`: that needs 50 distinct labelled articles, and there are 49",
        two,
    );
    refused(calibrate(&folder, &["--head", "topic"]), "cannot find head `topic`", "label");
    refused(
        folder.newsdesk(&["calibrate", "no", "--data", "set.jsonl"]),
        "cannot open the model `no`",
        "name a model folder",
    );
    folder.newsdesk(&["calibrate", "--data", "set.jsonl"]).refused("not provided").says("<MODEL>");
    folder.newsdesk(&["calibrate", "m"]).refused("not provided").says("--data <DATASET>");
    folder.write("moods.toml", MOODS).write("sets/moods-of-may/rows.jsonl", "{\"text\":\"Goal!\",\"mood\":\"good\"}\n");
    let recipe = ["calibrate", "m", "--data", "moods.toml", "--data-root", "sets"];
    refused(
        folder.newsdesk(&recipe),
        "cannot evaluate on `moods`: the model has no head `sentiment`",
        "name one of its heads",
    );
    assert!(!folder.path("m/newsdesk.toml").exists(), "a manifest was written");
    // A folder with the name of the partial file prevents even root from writing the manifest.
    folder.write("m/newsdesk.toml.partial/file", "");
    refused(calibrate(&folder, &[]), "cannot write `m/newsdesk.toml`", "choose a folder with write permission");
}

#[test]
fn a_head_without_an_optimal_temperature_is_unchanged() {
    // All labels are the model's predictions, so that a lower temperature is always better.
    let folder = partly_correct(100, 20);
    let answer = calibrate(&folder, &[]).done();
    let answer = answer
        .says("warning: the scores of head `label` are not calibrated: the best temperature is at or beyond an end of the range")
        .says("range 0.05 to 20");
    assert!(answer.out.contains("label: temperature 1 (before: 1)"), "{answer}");
    let calibration = &folder.manifest("m")["calibration"][0];
    assert_eq!(calibration["temperature_sets"], Value::Null);
    // Every prediction is correct, so that a threshold keeps all of them.
    assert_eq!(calibration["threshold"][0]["coverage"], 1.0, "{answer}");
}

#[test]
fn rejected_rows_are_reported_and_counted() {
    let folder = partly_correct(100, 12);
    folder.write("set.jsonl", folder.text("set.jsonl") + "{\"text\":\"\",\"label\":\"arts\"}\n");
    let answer = calibrate(&folder, &["--json"]).says("the text is blank");
    assert_eq!((answer.code, &answer.json()["sets"][0]["articles"]), (Some(1), &json!(100)));
    let quiet = calibrate(&folder, &["--quiet"]);
    assert_eq!((quiet.code, quiet.err.as_str()), (Some(1), ""));
}

#[test]
fn the_table_shows_metrics_before_and_after_and_temperatures() {
    let folder = partly_correct(100, 12);
    let out = calibrate(&folder, &[]).done().out;
    let lines: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0].join(" "), "data set split head articles ECE before ECE after NLL before NLL after");
    assert_eq!(lines[1][..4], ["set.jsonl", "all", "label", "100"]);
    assert_eq!((lines[1].len(), lines[3][..2].join(" ")), (8, "label: temperature".to_string()));
}
