//! `newsdesk models certify`: figures that can be recomputed from what `classify` and `eval` answer in each precision.

use crate::support::weights::Weights;
use crate::support::{Answer, CLOSE, Folder, LABELS, MOODS, TINY, column, difference, rows, scores, texts};
use serde_json::{Value, json};

/// A folder with a copy of the tiny model, and a set whose labels are its answers in f32: every other answer is a loss.
fn own_answers(rows: usize) -> Folder {
    let folder = Folder::new();
    folder.copy_tiny("m");
    let line = |text: String| format!("{}\n", json!({"text": text}));
    folder.write("set.jsonl", texts(rows).into_iter().map(line).collect::<String>());
    let answers = folder.newsdesk(&["classify", "--model", "m", "set.jsonl", "--precision", "f32"]).done().out;
    folder.write("set.jsonl", answers);
    folder
}

fn certify(folder: &Folder, flags: &[&str]) -> Answer {
    folder.newsdesk(&[&["models", "certify", "m", "--data", "set.jsonl"], flags].concat())
}

/// What `--json` says of each precision.
#[track_caller]
fn precisions(answer: &Answer) -> Vec<Value> {
    let findings: Value = serde_json::from_str(&answer.out).unwrap_or_else(|error| panic!("{error}: {answer}"));
    findings["precisions"].as_array().unwrap().clone()
}

/// The manifest, as `models info` understands it.
#[track_caller]
fn manifest(folder: &Folder) -> Value {
    let info: Value = serde_json::from_str(&folder.newsdesk(&["models", "info", "m", "--json"]).done().out).unwrap();
    info["manifest"].clone()
}

#[track_caller]
fn certified(folder: &Folder) -> Vec<String> {
    let manifest = manifest(folder);
    let certificates = manifest["certificate"].as_array().cloned().unwrap_or_default();
    column(&certificates, "precision").into_iter().map(str::to_string).collect()
}

/// Answers with all scores.
fn scored(folder: &Folder, precision: &str) -> Vec<Value> {
    let flags = ["set.jsonl", "--prefix", "m_", "--scores", "--precision", precision];
    let rows = folder.newsdesk(&[&["classify", "--model", "m"][..], &flags].concat()).done().rows();
    let unprefixed = |row: Value| -> Value {
        let columns =
            row.as_object().unwrap().iter().filter_map(|(k, v)| Some((k.strip_prefix("m_")?.into(), v.clone())));
        Value::Object(columns.collect())
    };
    rows.into_iter().map(unprefixed).collect()
}

/// Whether int8 is faster than f32 in the instructions that tests run with.
fn has_fast_int8() -> bool {
    let portable = std::env::var("NEWSDESK_INSTRUCTIONS").is_ok_and(|name| name == "portable");
    #[cfg(target_arch = "x86_64")]
    return !portable && is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

#[test]
fn what_is_certified_is_measured_stored_and_used() {
    let folder = own_answers(300);
    let [exact, before] = ["f32", "auto"].map(|precision| scored(&folder, precision));
    assert_eq!(exact, before, "nothing is certified yet");

    let answer = certify(&folder, &["--max-loss", "100", "--json"]).done();
    assert_eq!(answer.err, "");
    let found = precisions(&answer);
    assert_eq!(column(&found, "precision"), ["int16", "bf16", "int8"]);
    for finding in &found {
        let (precision, figure) = (finding["precision"].as_str().unwrap(), &finding["figure"][0]);
        let number = |key: &str| figure[key].as_f64().unwrap_or_else(|| panic!("no {key} in {figure}"));
        let rows = scored(&folder, precision);
        let same = rows.iter().zip(&exact).filter(|(row, exact)| row["label"] == exact["label"]).count();
        let change = rows.iter().zip(&exact).map(|(row, exact)| difference(row, exact)).fold(0.0, f64::max);
        assert_eq!([&figure["set"], &figure["split"], &figure["head"]], ["set.jsonl", "all", "label"]);
        assert_eq!((&figure["articles"], &finding["certified"]), (&json!(300), &json!(true)));
        assert_eq!(number("accuracy_f32"), 1.0);
        assert_eq!([number("accuracy"), number("agreement")], [same as f64 / 300.0; 2], "{precision}");
        assert!(change > 0.0 && (number("largest_change") - change).abs() < CLOSE, "{precision}: {change}, {figure}");
    }

    let stored = manifest(&folder)["certificate"].clone();
    for (stored, found) in stored.as_array().unwrap().iter().zip(&found) {
        assert_eq!(["precision", "activation_bits", "max_loss"].map(|key| stored[key] == found[key]), [true; 3]);
        for key in ["accuracy", "accuracy_f32", "agreement", "largest_change"] {
            let [stored, found] = [stored, found].map(|all| all["figure"][0][key].as_f64().unwrap());
            assert!((stored - found).abs() <= 5e-7, "{key}: {stored} is not {found}");
        }
    }
    // A manifest beside a checkpoint changes no answer but that of `auto`.
    assert_eq!(scored(&folder, "f32"), exact);
    let fastest = if has_fast_int8() { "int8" } else { "f32" };
    assert_eq!(scored(&folder, "auto"), scored(&folder, fastest));
}

/// As [`own_answers`], for a head that gives several labels. A threshold stands between a text's scores in f32 and in
/// int8, so that their answers differ however little int8 changes on this machine.
fn knife_edge() -> Folder {
    let folder = own_answers(200);
    let manifest = |edge: Option<(usize, f64)>| {
        let label = |(i, name): (usize, &&str)| match edge {
            Some((label, threshold)) if label == i => format!("{{ name = \"{name}\", threshold = {threshold} }}"),
            _ => format!("{{ name = \"{name}\" }}"),
        };
        let labels: Vec<String> = LABELS.iter().enumerate().map(label).collect();
        let head = format!("[[head]]\nname = \"label\"\nactivation = \"sigmoid\"\nlabel = [{}]\n", labels.join(", "));
        let window = "[window]\nlength = 64\nstride = 56\n";
        folder.write("m/newsdesk.toml", format!("version = 1\nname = \"m\"\npooling = \"pooler\"\n{window}{head}"));
    };
    manifest(None);
    let [exact, int8] = ["f32", "int8"].map(|precision| scored(&folder, precision));
    let pairs = exact.iter().zip(&int8).flat_map(|(row, other)| scores(row).into_iter().zip(scores(other)).enumerate());
    let (edge, (high, low)) = pairs.max_by(|a, b| (a.1.0 - a.1.1).abs().total_cmp(&(b.1.0 - b.1.1).abs())).unwrap();
    assert!((high - low).abs() > 2.0 * CLOSE, "int8 changes next to nothing: {high}, {low}");
    manifest(Some((edge, (high + low) / 2.0)));
    let line = |(row, answer): (Value, Value)| {
        let labels: Vec<&str> = answer["label"].as_str().into_iter().flat_map(|labels| labels.split("; ")).collect();
        format!("{}\n", json!({"text": row["text"], "label": labels}))
    };
    let rows = rows(&folder.text("set.jsonl")).into_iter().zip(scored(&folder, "f32"));
    folder.write("set.jsonl", rows.map(line).collect::<String>());
    folder
}

#[test]
fn what_loses_too_much_is_refused_and_said() {
    let folder = knife_edge();
    certify(&folder, &["--max-loss", "100", "--quiet"]).done();
    assert_eq!(certified(&folder), ["int16", "bf16", "int8"]);

    let answer = certify(&folder, &["--max-loss", "0", "--json"]).done();
    let found = precisions(&answer);
    let lost = |finding: &Value| 100.0 * (1.0 - finding["figure"][0]["accuracy"].as_f64().unwrap());
    assert!(lost(&found[2]) > 0.0, "int8 gives the same answers as f32: {answer}");
    let kept: Vec<&str> =
        column(&found, "precision").into_iter().zip(&found).filter(|(_, f)| lost(f) == 0.0).map(|(p, _)| p).collect();
    assert_eq!(certified(&folder), kept);
    let warning = |finding: &Value| {
        let precision = finding["precision"].as_str().unwrap();
        format!("warning: {precision} loses {:.2} points on head label of set.jsonl: not certified", lost(finding))
    };
    let warnings: Vec<String> = found.iter().filter(|finding| lost(finding) > 0.0).map(warning).collect();
    assert_eq!(answer.err.lines().collect::<Vec<_>>(), warnings);
    for finding in &found {
        assert_eq!(finding["certified"], lost(finding) == 0.0);
    }

    // The same for people, who may want no warnings.
    let table = certify(&folder, &["--max-loss", "0", "--quiet"]).done();
    assert_eq!(table.err, "");
    let lines: Vec<Vec<&str>> = table.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        lines[0].join(" "),
        "precision set head articles accuracy in f32 accuracy points lost agreement largest change certified"
    );
    let loss = format!("{:.2}", lost(&found[2]));
    assert_eq!(lines[3][..5], ["int8", "set.jsonl", "label", "200", "1.0000"]);
    assert_eq!((lines[3][6], lines[3][9], lines.len()), (loss.as_str(), "no", 4));
}

/// A model with the heads `sentiment` and `desk` (which gives several labels), a set for each and a manifest full of
/// other things.
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
stride = 20
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
    let moods =
        texts(200).into_iter().enumerate().map(|(i, text)| format!("{}\n", json!({"text": text, "mood": mood(i)})));
    folder.write("sets/moods-of-may/rows.jsonl", moods.collect::<String>()).write("moods.toml", MOODS);
    let desks = |i: usize| [json!(["arts", "sport"]), json!(["world"]), json!([])][i % 3].clone();
    let desks =
        texts(100).into_iter().enumerate().map(|(i, text)| format!("{}\n", json!({"text": text, "desk": desks(i)})));
    folder.write("set.jsonl", desks.collect::<String>());
    folder
}

#[test]
fn accuracy_is_that_of_eval_on_every_kind_of_head() {
    let folder = two_heads();
    let sets: [&[&str]; 2] = [
        &["--data", "moods.toml", "--data-root", "sets"],
        &["--data", "set.jsonl", "--head", "desk", "--label-field", "desk"],
    ];
    for (set, articles) in sets.into_iter().zip([200, 100]) {
        let arguments = [&["models", "certify", "m", "--max-loss", "100", "--json"], set].concat();
        for finding in precisions(&folder.newsdesk(&arguments).done()) {
            let figure = &finding["figure"][0];
            for (key, precision) in [("accuracy_f32", "f32"), ("accuracy", finding["precision"].as_str().unwrap())] {
                let eval = ["eval", "m", "--json", "--split", "validation", "--precision", precision];
                let reports: Value = serde_json::from_str(&folder.newsdesk(&[&eval, set].concat()).done().out).unwrap();
                let report = &reports[0]["heads"][0]["report"];
                assert_eq!((&figure[key], &figure["articles"]), (&report["accuracy"], &json!(articles)), "{precision}");
            }
        }
    }
}

#[test]
fn a_certificate_needs_all_sets_and_changes_nothing_else() {
    let folder = two_heads();
    let before = manifest(&folder);
    let sets = ["--data", "moods.toml", "set.jsonl", "--head", "desk", "--label-field", "desk", "--data-root", "sets"];
    let answer = folder.newsdesk(&[&["models", "certify", "m", "--max-loss", "100", "--json"][..], &sets].concat());
    for finding in precisions(&answer.done()) {
        let figures = finding["figure"].as_array().unwrap();
        assert_eq!([column(figures, "set"), column(figures, "split")], [["moods", "set.jsonl"], ["validation", "all"]]);
        assert_eq!(column(figures, "head"), ["sentiment", "desk"]);
    }
    let mut after = manifest(&folder);
    let all = after["certificate"].as_array().unwrap();
    // A certificate for fewer bits than this machine has is not what was measured.
    let kinds: Vec<&str> = all.iter().map(|c| c["precision"].as_str().unwrap()).collect();
    assert_eq!((kinds, &all[2]), (vec!["int16", "bf16", "int8", "int8"], &before["certificate"][0]));
    let table = folder.newsdesk(&["models", "info", "m"]).done().out;
    let shown = |start: &str| table.lines().filter(|line| line.trim_start().starts_with(start)).count();
    assert_eq!(["certified ", "int16 ", "bf16 ", "int8 "].map(shown), [1, 2, 2, 3], "{table}");
    after["certificate"] = before["certificate"].clone();
    assert_eq!(after, before);
}

#[test]
fn instructions_are_those_that_the_environment_asks_for() {
    let folder = own_answers(20);
    let arguments = ["models", "certify", "m", "--data", "set.jsonl", "--max-loss", "100", "--json"];
    let run = |name: &str| {
        let output = folder.command(&arguments).env("NEWSDESK_INSTRUCTIONS", name).output().unwrap();
        Answer::new(&arguments, output)
    };
    let answer = run("portable").done();
    let all: Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!((&all["instructions"], &all["model"]), (&json!("portable"), &json!("m")));
    let bits: Vec<u64> =
        precisions(&answer).iter().map(|finding| finding["activation_bits"].as_u64().unwrap()).collect();
    assert_eq!(bits, [12, 32, 8]);
    run("sse9").refused("NEWSDESK_INSTRUCTIONS");
}

#[test]
fn rejected_rows_are_told_and_counted() {
    let folder = Folder::new();
    folder.copy_tiny("m");
    folder.write("set.csv", "text,label\nGoal!,arts\n,arts\nOil,sport\n");
    let run = |flags: &[&str]| {
        folder.newsdesk(&[&["models", "certify", "m", "--data", "set.csv", "--max-loss", "100"], flags].concat())
    };
    let answer = run(&["--json"]).says("`set.csv`, row 2 (line 3): the text is blank");
    assert_eq!((answer.code, &precisions(&answer)[0]["figure"][0]["articles"]), (Some(1), &json!(2)));
    let quiet = run(&["--quiet"]);
    assert_eq!((quiet.code, quiet.err.as_str()), (Some(1), ""));
}

#[test]
fn what_cannot_be_done_is_known_before_the_work() {
    let folder = own_answers(4);
    let refused = |answer: Answer, error: &str, hint: &str| {
        let answer = answer.refused(error).hint(hint);
        assert_eq!(answer.out, "");
    };
    for loss in ["-0.1", "nan", "inf"] {
        let error = format!("Failed to use `--max-loss {}`", if loss == "nan" { "NaN" } else { loss });
        refused(certify(&folder, &["--max-loss", loss]), &error, "points of a hundred");
    }
    certify(&folder, &["--max-loss", "little"]).refused("invalid value 'little'");
    refused(certify(&folder, &["--head", "topic"]), "Failed to find head `topic` in the model", "its heads are label");
    folder.newsdesk(&["models", "certify", "--data", "set.jsonl"]).refused("not provided").says("<MODEL>");
    folder.newsdesk(&["models", "certify", "m"]).refused("not provided").says("--data <SET>");
    let missing = folder.newsdesk(&["models", "certify", "no", "--data", "set.jsonl"]);
    refused(missing, "Failed to open the model `no`", "a model is a folder");
    let recipe = |flags: &[&str]| {
        folder.newsdesk(&[&["models", "certify", "m", "--data", "moods.toml", "--data-root", "sets"], flags].concat())
    };
    folder.write("moods.toml", MOODS).write("sets/moods-of-may/rows.jsonl", "{\"text\":\"Goal!\",\"mood\":\"good\"}\n");
    refused(recipe(&["--split", "train"]), "the split `train` of `moods`", "its splits are `test`, `validation`");
    refused(recipe(&[]), "Failed to measure `moods`: the model has no head `sentiment`", "its heads are label");
    assert!(!folder.path("m/newsdesk.toml").exists(), "something was written");

    // A folder where the new manifest is written first keeps even root from writing it.
    folder.write("m/newsdesk.toml.partial/file", "");
    refused(certify(&folder, &[]), "Failed to write `m/newsdesk.toml`", "the folder must be one that you may write to");
    assert!(!folder.path("m/newsdesk.toml").exists());
}

#[test]
fn a_set_without_an_article_for_the_model_certifies_nothing() {
    let folder = two_heads();
    let before = folder.text("m/newsdesk.toml");
    folder.write("moods.toml", format!("{MOODS}[heads.colour]\nfield = \"colour\"\nlabels = \"sentiment\"\n"));
    folder.write("sets/moods-of-may/rows.jsonl", "{\"text\":\"Goal!\",\"mood\":\"\",\"colour\":\"positive\"}\n");
    let answer = folder.newsdesk(&["models", "certify", "m", "--data", "moods.toml", "--data-root", "sets"]);
    let answer = answer.refused("no article of `moods`, validation, is labelled for a head of the model");
    answer.hint("the model's heads are sentiment, desk");
    assert_eq!(folder.text("m/newsdesk.toml"), before);
}

#[test]
fn the_model_inside_and_encoders_without_a_head_are_none_to_certify() {
    let folder = own_answers(4);
    let mut weights = Weights::open(&folder.path("m"));
    weights.rename("classifier.weight", "other.weight").rename("classifier.bias", "other.bias").save();
    certify(&folder, &[]).refused("it is an encoder without a head").hint("a model is a folder");
    // The option by which other commands take a model is no way around the folder.
    folder.newsdesk(&["models", "certify", "--model", TINY, "--data", "set.jsonl"]).refused("unexpected argument");
}
