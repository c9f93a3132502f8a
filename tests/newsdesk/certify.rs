//! `newsdesk models certify`: its metrics are recomputed from the output of `classify` and `eval` in each dtype.

use crate::support::weights::Weights;
use crate::support::{Answer, CLOSE, Folder, LABELS, MOODS, TINY, column, difference, json_lines, scores, texts};
use serde_json::{Value, json};

/// Returns a folder with a copy of the tiny model in `m`, and a data set in `set.jsonl` whose labels are its predictions in f32.
/// Every other prediction lowers the accuracy.
fn own_predictions(rows: usize) -> Folder {
    let folder = Folder::new();
    folder.copy_tiny("m");
    folder.write("set.jsonl", json_lines(texts(rows).into_iter().map(|text| json!({"text": text}))));
    let predictions = folder.newsdesk(&["classify", "--model", "m", "set.jsonl", "--dtype", "f32"]).done().out;
    folder.write("set.jsonl", predictions);
    folder
}

fn certify(folder: &Folder, flags: &[&str]) -> Answer {
    folder.newsdesk(&[&["models", "certify", "m", "--data", "set.jsonl"], flags].concat())
}

/// Returns the result of `--json` for each dtype.
#[track_caller]
fn dtypes(answer: &Answer) -> Vec<Value> {
    answer.json()["dtypes"].as_array().unwrap().clone()
}

/// Returns the certified dtypes of a model.
#[track_caller]
fn certified(folder: &Folder) -> Vec<String> {
    let manifest = folder.manifest("m");
    let certificates = manifest["certificate"].as_array().cloned().unwrap_or_default();
    column(&certificates, "dtype").into_iter().map(str::to_string).collect()
}

/// Returns the predictions for the data set, with all scores.
fn predictions(folder: &Folder, dtype: &str) -> Vec<Value> {
    let flags = ["set.jsonl", "--prefix", "m_", "--scores", "--dtype", dtype];
    let rows = folder.newsdesk(&[&["classify", "--model", "m"][..], &flags].concat()).done().rows();
    let unprefixed = |row: Value| -> Value {
        let columns =
            row.as_object().unwrap().iter().filter_map(|(k, v)| Some((k.strip_prefix("m_")?.into(), v.clone())));
        Value::Object(columns.collect())
    };
    rows.into_iter().map(unprefixed).collect()
}

/// Returns whether int8 is faster than f32 with the instruction set of the tests.
fn has_fast_int8() -> bool {
    let portable = std::env::var("NEWSDESK_INSTRUCTIONS").is_ok_and(|name| name == "portable");
    #[cfg(target_arch = "x86_64")]
    return !portable && is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

#[test]
fn certificates_match_the_predictions_and_are_used_by_dtype_auto() {
    let folder = own_predictions(300);
    let [exact, before] = ["f32", "auto"].map(|dtype| predictions(&folder, dtype));
    assert_eq!(exact, before, "`auto` is not f32, but no dtype is certified");

    let answer = certify(&folder, &["--max-accuracy-drop", "100", "--json"]).done();
    assert_eq!(answer.err.replace('\\', "/"), "wrote m/newsdesk.toml\n");
    let found = dtypes(&answer);
    assert_eq!(column(&found, "dtype"), ["int16", "bf16", "int8"]);
    for finding in &found {
        let (dtype, figure) = (finding["dtype"].as_str().unwrap(), &finding["figure"][0]);
        let number = |key: &str| figure[key].as_f64().unwrap_or_else(|| panic!("no {key} in {figure}"));
        let rows = predictions(&folder, dtype);
        let same = rows.iter().zip(&exact).filter(|(row, exact)| row["label"] == exact["label"]).count();
        let change = rows.iter().zip(&exact).map(|(row, exact)| difference(row, exact)).fold(0.0, f64::max);
        assert_eq!([&figure["set"], &figure["split"], &figure["head"]], ["set.jsonl", "all", "label"]);
        assert_eq!((&figure["articles"], &finding["certified"]), (&json!(300), &json!(true)));
        assert_eq!(number("accuracy_f32"), 1.0);
        assert_eq!([number("accuracy"), number("agreement")], [same as f64 / 300.0; 2], "{dtype}");
        let is_close = (number("largest_change") - change).abs() < CLOSE;
        assert!(change > 0.0 && is_close, "{dtype}: expected a largest change of {change}, above 0: {figure}");
    }

    let stored = folder.manifest("m")["certificate"].clone();
    for (stored, found) in stored.as_array().unwrap().iter().zip(&found) {
        for key in ["dtype", "activation_bits", "max_accuracy_drop"] {
            assert_eq!(stored[key], found[key], "{key}");
        }
        for key in ["accuracy", "accuracy_f32", "agreement", "largest_change"] {
            let [stored, found] = [stored, found].map(|all| all["figure"][0][key].as_f64().unwrap());
            assert!((stored - found).abs() <= 5e-7, "{key}: {stored} is not {found}");
        }
    }
    // Certificates change the choice of `auto` only.
    assert_eq!(predictions(&folder, "f32"), exact);
    let fastest = if has_fast_int8() { "int8" } else { "f32" };
    assert_eq!(predictions(&folder, "auto"), predictions(&folder, fastest));
}

/// Returns [`own_predictions`] for a multi-label head. One threshold lies between the scores of a text in f32 and in int8, so
/// that their predictions differ on every machine.
fn lossy_int8() -> Folder {
    let folder = own_predictions(200);
    let manifest = |edge: Option<(usize, f64)>| {
        let label = |(i, name): (usize, &&str)| match edge {
            Some((label, threshold)) if label == i => format!("{{ name = \"{name}\", threshold = {threshold} }}"),
            _ => format!("{{ name = \"{name}\" }}"),
        };
        let labels: Vec<String> = LABELS.iter().enumerate().map(label).collect();
        let head = format!("[[head]]\nname = \"label\"\nactivation = \"sigmoid\"\nlabel = [{}]\n", labels.join(", "));
        let window = "[window]\nlength = 64\noverlap = 8\n";
        folder.write("m/newsdesk.toml", format!("version = 1\nname = \"m\"\npooling = \"pooler\"\n{window}{head}"));
    };
    manifest(None);
    let [exact, int8] = ["f32", "int8"].map(|dtype| predictions(&folder, dtype));
    let pairs = exact.iter().zip(&int8).flat_map(|(row, other)| scores(row).into_iter().zip(scores(other)).enumerate());
    let (edge, (high, low)) = pairs.max_by(|a, b| (a.1.0 - a.1.1).abs().total_cmp(&(b.1.0 - b.1.1).abs())).unwrap();
    assert!((high - low).abs() > 2.0 * CLOSE, "the scores in f32 and int8 are too close: {high}, {low}");
    manifest(Some((edge, (high + low) / 2.0)));
    let row = |(row, prediction): (Value, Value)| {
        let labels: Vec<&str> =
            prediction["label"].as_str().into_iter().flat_map(|labels| labels.split("; ")).collect();
        json!({"text": row["text"], "label": labels})
    };
    let rows = folder.rows("set.jsonl").into_iter().zip(predictions(&folder, "f32"));
    folder.write("set.jsonl", json_lines(rows.map(row)));
    folder
}

#[test]
fn dtypes_that_lose_too_much_accuracy_are_refused() {
    let folder = lossy_int8();
    certify(&folder, &["--max-accuracy-drop", "100", "--quiet"]).done();
    assert_eq!(certified(&folder), ["int16", "bf16", "int8"]);

    let answer = certify(&folder, &["--max-accuracy-drop", "0", "--json"]).done();
    let found = dtypes(&answer);
    let lost = |finding: &Value| 100.0 * (1.0 - finding["figure"][0]["accuracy"].as_f64().unwrap());
    assert!(lost(&found[2]) > 0.0, "int8 gives the same predictions as f32: {answer}");
    let kept: Vec<&str> =
        column(&found, "dtype").into_iter().zip(&found).filter(|(_, f)| lost(f) == 0.0).map(|(p, _)| p).collect();
    assert_eq!(certified(&folder), kept);
    let warning = |finding: &Value| {
        let dtype = finding["dtype"].as_str().unwrap();
        let loss = lost(finding);
        format!("warning: {dtype} is not certified: it loses {loss:.2} points of accuracy on head label of set.jsonl")
    };
    let warnings: Vec<String> = found.iter().filter(|finding| lost(finding) > 0.0).map(warning).collect();
    let lines: Vec<&str> = answer.err.lines().collect();
    assert_eq!(
        lines,
        [&warnings.iter().map(String::as_str).collect::<Vec<_>>()[..], &["wrote m/newsdesk.toml"]].concat()
    );
    for finding in &found {
        assert_eq!(finding["certified"], lost(finding) == 0.0);
    }

    // The table of a quiet run has the same numbers.
    let table = certify(&folder, &["--max-accuracy-drop", "0", "--quiet"]).done();
    assert_eq!(table.err, "");
    let lines: Vec<Vec<&str>> = table.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        lines[0].join(" "),
        "dtype data set head articles f32 accuracy accuracy points lost agreement largest change certified"
    );
    let loss = format!("{:.2}", lost(&found[2]));
    assert_eq!(lines[3][..5], ["int8", "set.jsonl", "label", "200", "1.0000"]);
    assert_eq!((lines[3][6], lines[3][9], lines.len()), (loss.as_str(), "no", 4));
}

/// Returns a folder with a model in `m`, and a data set for each head: `moods.toml` for `sentiment`, `set.jsonl` for `desk`,
/// which is a multi-label head. The manifest has records of training, scores and certificates.
fn two_heads() -> Folder {
    let folder = Folder::new();
    folder.copy_tiny_with_heads("sentiment", "desk");
    folder.write(
        "m/newsdesk.toml",
        r#"version = 1
name = "two"
pooling = "pooler"
[window]
length = 32
overlap = 12
combine = "max"
[[head]]
name = "sentiment"
activation = "softmax"
temperature = 0.7
label = [{ name = "negative" }, { name = "neutral", code = "s:0" }, { name = "positive" }]
[[head]]
name = "desk"
activation = "sigmoid"
label = [{ name = "arts", threshold = 0.97 }, { name = "business" }, { name = "science" }, { name = "sport" }, { name = "world" }]
[training]
base = "nothing"
sets = ["a train: 1 of 2 rows", "b"]
best_epoch = 2
newsdesk = "0.0.9"
settings = { epochs = 3, rate = 1e-5, window = { length = 32 } }
[[score]]
set = "a"
split = "validation"
head = "desk"
articles = 7
accuracy = 0.5
macro_f1 = 0.25
[[certificate]]
precision = "int8"
activation_bits = 1
max_loss = 0.2
"#,
    );
    let mood = |i: usize| ["good", "mixed"][i % 2];
    let moods = texts(200).into_iter().enumerate().map(|(i, text)| json!({"text": text, "mood": mood(i)}));
    folder.write("sets/moods-of-may/rows.jsonl", json_lines(moods)).write("moods.toml", MOODS);
    let desks = |i: usize| [json!(["arts", "sport"]), json!(["world"]), json!([])][i % 3].clone();
    let desks = texts(100).into_iter().enumerate().map(|(i, text)| json!({"text": text, "desk": desks(i)}));
    folder.write("set.jsonl", json_lines(desks));
    folder
}

#[test]
fn accuracies_equal_those_of_eval_for_softmax_and_sigmoid_heads() {
    let folder = two_heads();
    let sets: [&[&str]; 2] = [
        &["--data", "moods.toml", "--data-root", "sets"],
        &["--data", "set.jsonl", "--head", "desk", "--label-field", "desk"],
    ];
    for (set, articles) in sets.into_iter().zip([200, 100]) {
        let arguments = [&["models", "certify", "m", "--max-accuracy-drop", "100", "--json"], set].concat();
        for finding in dtypes(&folder.newsdesk(&arguments).done()) {
            let figure = &finding["figure"][0];
            for (key, dtype) in [("accuracy_f32", "f32"), ("accuracy", finding["dtype"].as_str().unwrap())] {
                let eval = ["eval", "m", "--json", "--split", "validation", "--dtype", dtype];
                let report = &folder.newsdesk(&[&eval, set].concat()).done().json()[0]["heads"][0]["report"];
                assert_eq!((&figure[key], &figure["articles"]), (&report["accuracy"], &json!(articles)), "{dtype}");
            }
        }
    }
}

#[test]
fn a_certificate_lists_all_data_sets_and_other_records_are_kept() {
    let folder = two_heads();
    let before = folder.manifest("m");
    let sets = ["--data", "moods.toml", "set.jsonl", "--head", "desk", "--label-field", "desk", "--data-root", "sets"];
    let answer =
        folder.newsdesk(&[&["models", "certify", "m", "--max-accuracy-drop", "100", "--json"][..], &sets].concat());
    for finding in dtypes(&answer.done()) {
        let figures = finding["figure"].as_array().unwrap();
        assert_eq!([column(figures, "set"), column(figures, "split")], [["moods", "set.jsonl"], ["validation", "all"]]);
        assert_eq!(column(figures, "head"), ["sentiment", "desk"]);
    }
    let mut after = folder.manifest("m");
    let all = after["certificate"].as_array().unwrap();
    // The old certificate is for fewer activation bits than this machine uses, so the new one for int8 does not replace it.
    let kinds: Vec<&str> = all.iter().map(|c| c["dtype"].as_str().unwrap()).collect();
    assert_eq!((kinds, &all[2]), (vec!["int16", "bf16", "int8", "int8"], &before["certificate"][0]));
    let table = folder.newsdesk(&["models", "info", "m"]).done().out;
    let lines = |start: &str| table.lines().filter(|line| line.trim_start().starts_with(start)).count();
    assert_eq!(["certified ", "int16 ", "bf16 ", "int8 "].map(lines), [1, 2, 2, 3], "{table}");
    after["certificate"] = before["certificate"].clone();
    assert_eq!(after, before);
}

#[test]
fn newsdesk_instructions_selects_the_instruction_set() {
    let folder = own_predictions(20);
    let arguments = ["models", "certify", "m", "--data", "set.jsonl", "--max-accuracy-drop", "100", "--json"];
    let run = |name: &str| {
        let output = folder.command(&arguments).env("NEWSDESK_INSTRUCTIONS", name).output().unwrap();
        Answer::new(&arguments, output)
    };
    let answer = run("portable").done();
    let all = answer.json();
    assert_eq!((&all["instructions"], &all["model"]), (&json!("portable"), &json!("m")));
    let bits: Vec<u64> = dtypes(&answer).iter().map(|finding| finding["activation_bits"].as_u64().unwrap()).collect();
    assert_eq!(bits, [12, 32, 8]);
    run("sse9").refused("NEWSDESK_INSTRUCTIONS");
}

#[test]
fn rejected_rows_are_reported_and_counted() {
    let folder = Folder::new();
    folder.copy_tiny("m");
    folder.write("set.csv", "text,label\nGoal!,arts\n,arts\nOil,sport\n");
    let run = |flags: &[&str]| {
        folder
            .newsdesk(&[&["models", "certify", "m", "--data", "set.csv", "--max-accuracy-drop", "100"], flags].concat())
    };
    let answer = run(&["--json"]).says("`set.csv`, row 2 (line 3): the text is blank");
    assert_eq!((answer.code, &dtypes(&answer)[0]["figure"][0]["articles"]), (Some(1), &json!(2)));
    let quiet = run(&["--quiet"]);
    assert_eq!((quiet.code, quiet.err.as_str()), (Some(1), ""));
}

#[test]
fn unusable_arguments_are_refused_before_classifying() {
    let folder = own_predictions(4);
    let refused = |answer: Answer, error: &str, hint: &str| {
        let answer = answer.refused(error).hint(hint);
        assert_eq!(answer.out, "");
    };
    for loss in ["-0.1", "nan", "inf"] {
        let error = format!("cannot use `--max-accuracy-drop {}`", if loss == "nan" { "NaN" } else { loss });
        refused(certify(&folder, &["--max-accuracy-drop", loss]), &error, "give percentage points");
    }
    certify(&folder, &["--max-accuracy-drop", "little"]).refused("invalid value 'little'");
    refused(certify(&folder, &["--head", "topic"]), "cannot find head `topic`", "label");
    folder.newsdesk(&["models", "certify", "--data", "set.jsonl"]).refused("not provided").says("<MODEL>");
    folder.newsdesk(&["models", "certify", "m"]).refused("not provided").says("--data <DATASET>");
    let missing = folder.newsdesk(&["models", "certify", "no", "--data", "set.jsonl"]);
    refused(missing, "cannot open the model `no`", "name a model folder");
    let recipe = |flags: &[&str]| {
        folder.newsdesk(&[&["models", "certify", "m", "--data", "moods.toml", "--data-root", "sets"], flags].concat())
    };
    folder.write("moods.toml", MOODS).write("sets/moods-of-may/rows.jsonl", "{\"text\":\"Goal!\",\"mood\":\"good\"}\n");
    refused(
        recipe(&["--split", "train"]),
        "the split `train` of `moods`",
        "choose one of its splits: `test`, `validation`",
    );
    refused(
        recipe(&[]),
        "cannot evaluate on `moods`: the model has no head `sentiment`",
        "name one of its heads with `--head`: label",
    );
    assert!(!folder.path("m/newsdesk.toml").exists(), "a manifest was written");

    // A folder with the name of the partial file prevents even root from writing the manifest.
    folder.write("m/newsdesk.toml.partial/file", "");
    refused(certify(&folder, &[]), "cannot write `m/newsdesk.toml`", "choose a folder with write permission");
    folder.assert_missing("m/newsdesk.toml");
}

#[test]
fn a_data_set_without_labelled_articles_for_the_heads_is_refused() {
    let folder = two_heads();
    let before = folder.text("m/newsdesk.toml");
    folder.write("moods.toml", format!("{MOODS}[heads.colour]\nfield = \"colour\"\nlabels = \"sentiment\"\n"));
    folder.write("sets/moods-of-may/rows.jsonl", "{\"text\":\"Goal!\",\"mood\":\"\",\"colour\":\"positive\"}\n");
    let answer = folder.newsdesk(&["models", "certify", "m", "--data", "moods.toml", "--data-root", "sets"]);
    let answer = answer.refused("no article of `moods`, validation, has a label for a head of the model");
    answer.hint("label articles for one of the model's heads: sentiment, desk");
    assert_eq!(folder.text("m/newsdesk.toml"), before);
}

#[test]
fn encoders_without_a_head_and_the_option_model_are_refused() {
    let folder = own_predictions(4);
    let mut weights = Weights::open(&folder.path("m"));
    weights.rename("classifier.weight", "other.weight").rename("classifier.bias", "other.bias").save();
    certify(&folder, &[]).refused("it is an encoder without a classification head").hint("train a head");
    // The folder is a positional argument.
    folder.newsdesk(&["models", "certify", "--model", TINY, "--data", "set.jsonl"]).refused("unexpected argument");
}

#[test]
fn certificates_of_a_model_that_only_guesses_have_a_warning() {
    let folder = own_predictions(60);
    let mut rows = folder.rows("set.jsonl");
    let labels: Vec<String> = rows.iter().map(|row| row["label"].as_str().unwrap().to_owned()).collect();
    // A label that is never the predicted one, and the same one for most rows.
    for (index, row) in rows.iter_mut().enumerate() {
        row["label"] = json!(LABELS.into_iter().find(|label| *label != labels[index]).unwrap());
    }
    folder.write("wrong.jsonl", json_lines(rows));
    let answer = folder.newsdesk(&["models", "certify", "m", "--data", "wrong.jsonl"]);
    answer.says("warning: certificates for head label say little: its accuracy on wrong.jsonl is 0.0000");
    assert!(!certify(&folder, &[]).err.contains("say little"));
}
