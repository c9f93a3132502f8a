//! Weights that are no finite numbers, and weights that are finite but overflow.

use crate::support::weights::Weights;
use crate::support::{Folder, articles, json_lines};
use serde_json::{Value, json};

const HINT: &str = "fetch the model again, or train it again with a lower `--learning-rate`";
const DTYPES: [&str; 4] = ["f32", "int16", "bf16", "int8"];

/// Returns a folder with a copy of the tiny model in `m`, in which numbers of a tensor were replaced.
fn with_tensor(name: &str, change: impl Fn(usize) -> Option<f32>) -> Folder {
    let folder = Folder::new();
    Weights::open(&folder.copy_tiny("m")).change(name, change).save();
    folder
}

#[test]
fn every_command_refuses_weights_that_are_not_finite() {
    let folder = with_tensor("classifier.weight", |index| (index == 7).then_some(f32::NAN));
    folder.write("a.jsonl", "{\"text\": \"Goal!\", \"label\": \"sport\"}\n");
    let error =
        "cannot use tensor `classifier.weight` in `m/model.safetensors`: it holds NaN, which is not a finite number";
    for line in [
        "classify a.jsonl --model m",
        "classify a.jsonl --model m -o out.jsonl",
        "eval m --data a.jsonl",
        "calibrate m --data a.jsonl",
        "models info m",
        "train --base m --data a.jsonl -o trained",
    ] {
        folder.run(line).refused(error).hint(HINT);
    }
    folder.assert_missing("out.jsonl");
}

#[test]
fn a_single_value_in_any_tensor_is_found() {
    for (name, value, printed) in [
        ("bert.embeddings.word_embeddings.weight", f32::INFINITY, "inf"),
        ("bert.encoder.layer.1.output.LayerNorm.bias", f32::NEG_INFINITY, "-inf"),
        ("bert.pooler.dense.bias", f32::NAN, "NaN"),
    ] {
        let folder = with_tensor(name, |index| (index == 31).then_some(value));
        let error = format!("cannot use tensor `{name}` in `m/model.safetensors`: it holds {printed}");
        folder.newsdesk_reading("Goal!", &["classify", "--model", "m", "-"]).refused(&error);
    }
}

#[test]
fn a_head_that_overflows_is_an_error_in_every_dtype() {
    let folder = with_tensor("classifier.weight", |_| Some(3e38));
    folder.write("a.jsonl", articles(["The mayor said that the plan is open."]));
    for dtype in DTYPES {
        let answer = folder.newsdesk(&["classify", "a.jsonl", "--model", "m", "--dtype", dtype]);
        answer.refused("cannot classify `a.jsonl`, line 1: head `label` returned ").hint(HINT);
    }
}

#[test]
fn a_tiny_temperature_is_not_a_score_of_null() {
    let folder = with_tensor("classifier.bias", |_| None);
    folder.write(
        "m/newsdesk.toml",
        "version = 1\nname = \"m\"\npooling = \"pooler\"\nwindow = { length = 64, overlap = 8 }\n[[head]]\nname = \"label\"\n\
         activation = \"softmax\"\ntemperature = 1e-44\nlabel = [{ name = \"a\" }, { name = \"b\" }, { name = \"c\" }, \
         { name = \"d\" }, { name = \"e\" }]\n",
    );
    let answer = folder.newsdesk_reading("Goal!", &["classify", "--model", "m", "-"]);
    answer.refused("cannot classify `<stdin>`, line 1: head `label` returned ");
}

/// Returns a folder with a model that overflows only on texts with the word `hour`, and articles of which the third has it.
fn with_bad_word() -> Folder {
    let folder = Folder::new();
    folder.copy_tiny("m");
    let id = folder.json("m/tokenizer.json")["model"]["vocab"]["hour"].as_u64().unwrap() as usize;
    let mut weights = Weights::open(&folder.path("m"));
    weights.change("bert.embeddings.word_embeddings.weight", |index| (index / 32 == id).then_some(3e38)).save();
    let texts = ["The coach said.", "A plan.", "The hour is open.", "Open.", "An hour."];
    let labels = ["sport", "world", "arts", "sport", "world"];
    let rows = texts.iter().zip(labels).map(|(text, label)| json!({"text": text, "label": label}));
    folder.write("a.jsonl", json_lines(rows));
    folder
}

#[test]
fn the_row_that_overflows_is_named_and_the_rows_before_it_are_written() {
    let folder = with_bad_word();
    let error = "cannot classify `a.jsonl`, line 3: head `label` returned NaN, which is not a finite number";
    for dtype in DTYPES {
        let classify = ["classify", "a.jsonl", "--model", "m", "--dtype", dtype];
        let printed = folder.newsdesk(&classify).refused(error).hint(HINT).rows();
        let texts: Vec<&Value> = printed.iter().map(|row| &row["text"]).collect();
        assert_eq!(texts, ["The coach said.", "A plan."], "{dtype}");
        let out = format!("{dtype}.jsonl");
        folder.newsdesk(&[&classify[..], &["-o", &out]].concat()).refused(error);
        folder.assert_missing(&out);
        assert_eq!(folder.rows(&format!("{out}.partial")), printed);
        assert!(folder.path(&format!("{out}.journal")).exists());
    }
}

#[test]
fn evaluation_and_calibration_name_the_row_that_overflows() {
    let folder = with_bad_word();
    let error = "cannot classify `a.jsonl`, line 3: head `label` returned NaN";
    folder.run("eval m --data a.jsonl").refused(error).hint(HINT);
    // A temperature needs 50 articles.
    let more = (0..60).map(|i| json!({"text": format!("A plan for day {i}."), "label": (["sport", "world"][i % 2])}));
    folder.write("a.jsonl", folder.text("a.jsonl") + &json_lines(more));
    folder.run("calibrate m --data a.jsonl").refused(error).hint(HINT);
}

#[test]
fn linear_models_are_checked_as_well() {
    let folder = Folder::new();
    let row = |i: usize| {
        let (text, label) = [("goals win the cup", "sport"), ("shares fall", "money")][i % 2];
        json!({"text": format!("{text} on day {i}"), "label": label})
    };
    folder.write("a.jsonl", json_lines((0..120).map(row)));
    folder.run("train --arch linear --data a.jsonl -o m --buckets 4096 --quiet").done();
    let trained = folder.weights("m");
    let change = |name: &str, value: f32| {
        folder.write("m/model.safetensors", &trained);
        Weights::open(&folder.path("m")).change(name, |_| Some(value)).save();
        folder.run("classify a.jsonl --model m")
    };
    change("heads.label.weight", f32::NAN)
        .refused("cannot use tensor `heads.label.weight` in `m/model.safetensors`: it holds NaN")
        .hint(HINT);
    change("heads.label.bias", f32::INFINITY).refused("cannot use tensor `heads.label.bias`");
    change("idf_squared", -1.0).refused("-1 is not the square of an inverse document frequency");
    change("heads.label.weight", 3e38).refused("cannot classify `a.jsonl`, line 1: head `label` returned").hint(HINT);
    folder.run("eval m --data a.jsonl").refused("cannot classify `a.jsonl`, line 1: head `label`");
    folder.run("calibrate m --data a.jsonl").refused("cannot classify `a.jsonl`, line 1: head `label`");
}
