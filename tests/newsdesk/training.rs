//! `newsdesk train`: what a model learns, what its folder holds, and that runs are reproducible.

use crate::support::training::{BUSINESS, SPORT, desks, text_of, train_arguments};
use crate::support::weights::Weights;
use crate::support::{Answer, Folder, TINY, articles, column, json_lines, recipe};
use serde_json::{Value, json};

/// Trains with settings that suffice for the small data sets of these tests.
fn train(folder: &Folder, output: &str, more: &[&str]) -> Answer {
    let options = "--learning-rate 1e-3 --batch-size 4 --pooling mean --epochs 1";
    folder.newsdesk(&train_arguments(output, options, more))
}

/// Trains on [`desks`].
fn train_desks(folder: &Folder, output: &str, more: &[&str]) -> Answer {
    folder.write("desks.csv", desks());
    train(folder, output, &[&["--data", "desks.csv", "--label-field", "desk"], more].concat())
}

fn eval(folder: &Folder, arguments: &[&str]) -> Value {
    folder.newsdesk(&[&["eval"], arguments, &["--json"]].concat()).done().json()
}

#[test]
fn a_trained_model_is_accurate_and_its_folder_is_complete() {
    let folder = Folder::new();
    let answer = train_desks(&folder, "models/desk", &["--epochs", "3", "--seed", "1"]).done();
    assert_eq!(answer.out, "");
    let answer = answer.says("desks.csv train: 108 articles\n").says("desks.csv held out: 12 articles\n");
    answer.says("epoch 3").says("wrote models/desk");
    assert_eq!(
        folder.entries("models/desk"),
        [
            "README.md",
            "config.json",
            "model.safetensors",
            "newsdesk.toml",
            "tokenizer.json",
            "training.jsonl",
            "training.svg"
        ]
    );

    let metrics = eval(&folder, &["models/desk", "--data", "desks.csv", "--label-field", "desk"]);
    let accuracy = metrics[0]["heads"][0]["report"]["accuracy"].as_f64().unwrap();
    assert!(accuracy >= 0.9, "expected an accuracy of at least 0.9: {metrics}");
    let rows = folder.run("classify --model models/desk desks.csv --prefix m_").done().rows();
    let correct = rows.iter().filter(|row| row["desk"] == row["m_desk"]).count();
    assert_eq!(correct as f64 / 120.0, accuracy);

    let manifest = &folder.manifest("models/desk");
    assert_eq!([&manifest["name"], &manifest["pooling"]], ["desk", "mean"]);
    assert_eq!(manifest["window"], json!({"length": 64, "overlap": 16, "combine": "mean"}));
    assert_eq!(manifest["head"][0]["label"], json!([{"name": "business"}, {"name": "sport"}]));
    let training = &manifest["training"];
    let settings = &training["settings"];
    assert_eq!([&training["base"], &settings["seed"], &settings["epochs"]], [&json!("tiny"), &json!(1), &json!(3)]);
    assert_eq!(training["sets"], json!(["desks.csv train: 108 of 108 rows"]));
    let score = &manifest["score"][0];
    assert_eq!([&score["set"], &score["head"], &score["articles"]], [&json!("desks.csv"), &json!("desk"), &json!(12)]);
    let shown = folder.newsdesk(&["models", "info", "models/desk"]).done();
    shown.prints("head desk (softmax), 2 labels").prints("trained   from tiny").prints("seed 1");

    // The weights are stored in f16, without unused tensors.
    let weights = Weights::open(&folder.path("models/desk"));
    assert!(weights.names().contains(&"heads.desk.weight"), "{:?}", weights.names());
    let unused = weights.names().into_iter().filter(|name| name.contains("classifier") || name.contains("pooler"));
    assert_eq!(unused.collect::<Vec<_>>(), Vec::<&str>::new());
    assert_eq!(weights.header["heads.desk.weight"]["dtype"], "F16");

    // An existing model is not overwritten.
    let again = train_desks(&folder, "models/desk", &[]);
    again.refused("cannot write the model: `models/desk` already holds one").hint("another folder");
    // The model can be the base of another run.
    train_desks(&folder, "next", &["--base", "models/desk", "--head", "office"]).done();
    let weights = Weights::open(&folder.path("next"));
    let heads = weights.names().into_iter().filter(|name| name.starts_with("heads.")).collect::<Vec<_>>();
    assert_eq!(heads, ["heads.office.bias", "heads.office.weight"]);
}

#[test]
fn weights_depend_on_the_seed_but_not_on_threads() {
    let folder = Folder::new();
    let run = |name: &str, flags: &[&str]| {
        train_desks(&folder, name, &[&["--epochs", "3", "--quiet"], flags].concat()).done();
        folder.weights(name)
    };
    // With several micro-batches and threads, gradients could be added in different orders.
    let one = run("one", &["--seed", "1", "--threads", "1", "--micro-batch-size", "1"]);
    assert!(
        one == run("two", &["--seed", "1", "--threads", "2", "--micro-batch-size", "1"]),
        "threads change the model"
    );
    assert!(one == run("again", &["--seed", "1", "--threads", "2", "--micro-batch-size", "1"]), "two runs differ");
    assert!(
        one != run("other", &["--seed", "2", "--threads", "2", "--micro-batch-size", "1"]),
        "the seed changes nothing"
    );
}

#[test]
fn save_dtype_f32_stores_weights_in_f32_and_json_prints_the_metrics() {
    let folder = Folder::new();
    let answer = train_desks(&folder, "m", &["--save-dtype", "f32", "--name", "exact", "--json"]).done();
    let metrics = answer.json();
    assert_eq!([&metrics[0]["set"], &metrics[0]["heads"][0]["report"]["cases"]], [&json!("desks.csv"), &json!(12)]);
    assert_eq!(Weights::open(&folder.path("m")).header["heads.desk.weight"]["dtype"], "F32");
    folder.assert_contains("m/newsdesk.toml", "name = \"exact\"\n");
}

#[test]
fn rejected_rows_are_reported_and_change_the_exit_code() {
    let folder = Folder::new();
    folder.write("desks.csv", desks() + "120,,sport\n");
    let answer = train(&folder, "m", &["--data", "desks.csv", "--label-field", "desk"]);
    assert_eq!(answer.says("row 121 (line 122): the text is blank").code, Some(1));
}

#[test]
fn rows_with_several_labels_train_a_sigmoid_head() {
    let folder = Folder::new();
    let both: Vec<&str> = SPORT.iter().zip(BUSINESS).flat_map(|(sport, business)| [*sport, business]).collect();
    let row = |i: usize| match i % 3 {
        0 => format!("{},sport\n", text_of(&SPORT, i)),
        1 => format!("{},business\n", text_of(&BUSINESS, i)),
        _ => format!("{},sport | business\n", text_of(&both, i)),
    };
    folder.write("desks.csv", format!("text,desk\n{}", (0..150).map(row).collect::<String>()));
    let data = ["--data", "desks.csv", "--label-field", "desk", "--label-separator", "|"];
    train(&folder, "m", &[&data[..], &["--epochs", "12", "--seed", "1"]].concat()).done();
    folder.assert_contains("m/newsdesk.toml", "activation = \"sigmoid\"");
    let report = &eval(&folder, &[&["m"], &data[..]].concat())[0]["heads"][0]["report"];
    assert!(report["accuracy"].as_f64().unwrap() >= 0.8 && report["micro_f1"].as_f64().unwrap() >= 0.85, "{report}");
    let texts = [text_of(&SPORT, 3), text_of(&BUSINESS, 4), text_of(&both, 5)];
    let rows = folder.newsdesk_reading(articles(texts), &["classify", "--model", "m", "--scores"]).done().rows();
    let mut both: Vec<&str> = rows[2]["desk"].as_str().unwrap().split("; ").collect();
    both.sort();
    assert_eq!(
        (&rows[0]["desk"], &rows[1]["desk"], both),
        (&json!("sport"), &json!("business"), vec!["business", "sport"])
    );
}

const TOPIC: &str = r#"[heads.topic]
field = "desk"
labels = "iptc-topics"
[heads.topic.map]
Games = ["sport", "lifestyle and leisure"]
Money = ["economy, business and finance"]
"#;

const SENTIMENT: &str = r#"[heads.sentiment]
field = "mood"
labels = "sentiment"
"#;

#[test]
fn two_recipes_train_two_heads() {
    let folder = Folder::new();
    let desk = |i: usize| match i % 2 {
        0 => json!({"text": text_of(&SPORT, i), "desk": "Games"}),
        _ => json!({"text": text_of(&BUSINESS, i), "desk": "Money"}),
    };
    let rows = |range: std::ops::Range<usize>| json_lines(range.map(desk));
    folder.write("sets/desks/train.jsonl", rows(0..80)).write("sets/desks/validation.jsonl", rows(80..100));
    folder.write("sets/desks/test.jsonl", rows(100..140));
    let splits = "train = \"train.jsonl\"\nvalidation = \"validation.jsonl\"\ntest = \"test.jsonl\"";
    folder.write("desks.toml", recipe("desks", splits, TOPIC));
    let mood = |i: usize| {
        let (mood, word) = [("negative", "less"), ("neutral", "week"), ("positive", "agreed")][i % 3];
        json!({"story": format!("{word} {word} {} {word}", i % 10), "mood": mood})
    };
    folder.write("sets/moods/train.jsonl", json_lines((0..90).map(mood)));
    let one_file = "train = \"train.jsonl\"\nvalidation = \"train.jsonl\"\ntest = \"train.jsonl\"";
    folder.write("moods.toml", recipe("moods", one_file, &format!("[fields]\ntext = \"story\"\n{SENTIMENT}")));
    let data = ["--data", "desks.toml", "moods.toml", "--data-root", "sets"];
    let answer = train(&folder, "m", &[&data[..], &["--epochs", "5", "--seed", "1"]].concat()).done();
    answer.says("desks train: 80 articles").says("desks validation: 20 articles").says("moods, sentiment: accuracy");

    let rows = folder.newsdesk(&["classify", "--model", "m", "sets/desks/test.jsonl"]).done().rows();
    let names: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
    assert_eq!(names, ["text", "desk", "topic", "topic_code", "topic_score", "sentiment", "sentiment_score"]);
    let business = rows.iter().find(|row| row["topic"] == "economy, business and finance");
    let business = business.unwrap_or_else(|| panic!("no row has the label `economy, business and finance`: {rows:?}"));
    assert_eq!([&business["topic_code"], &business["desk"]], ["medtop:04000000", "Money"]);

    let metrics = eval(&folder, &[&["m"], &data[..]].concat());
    let head = |set: usize| &metrics[set]["heads"][0];
    let heads = [0, 1].map(|set| [&metrics[set]["set"], &metrics[set]["split"], &head(set)["head"]]);
    assert_eq!(heads, [["desks", "test", "topic"], ["moods", "test", "sentiment"]]);
    let (topic, sentiment) = (&head(0)["report"], &head(1)["report"]);
    assert_eq!((&topic["uses_data_set_labels"], &sentiment["uses_data_set_labels"]), (&json!(true), &json!(false)));
    assert_eq!(column(topic["per_label"].as_array().unwrap(), "label"), ["Games", "Money"]);
    assert_eq!(column(sentiment["per_label"].as_array().unwrap(), "label"), ["negative", "neutral", "positive"]);
    assert!(topic["accuracy"].as_f64().unwrap() >= 0.9, "{topic}");
    assert!(sentiment["accuracy"].as_f64().unwrap() >= 0.9, "{sentiment}");

    // A data set with labels for both heads is evaluated on both.
    let heads = format!("{SENTIMENT}[heads.topic]\nfield = \"topic\"\nlabels = \"iptc-topics\"\n");
    folder.write("both.toml", recipe("both", one_file, &heads));
    folder.write(
        "sets/both/train.jsonl",
        "{\"text\":\"team goal\",\"mood\":\"neutral\",\"topic\":\"medtop:15000000\"}\n",
    );
    let metrics = eval(&folder, &["m", "--data", "both.toml", "--data-root", "sets"]);
    assert_eq!(column(metrics[0]["heads"].as_array().unwrap(), "head"), ["sentiment", "topic"]);

    // A head without validation data.
    let answer = train(&folder, "half", &[&data[..], &["--validation", "desks.toml"]].concat()).done();
    answer.says(
        "warning: no validation article is labelled for head `sentiment`: the choice of the best epoch ignores it",
    );
    let card = folder.text("half/README.md");
    assert!(card.contains("- **sentiment**: the scores are not calibrated: no validation article is"), "{card}");
    // Heads of the base that no data set has, or that cannot be taken over.
    let from_base = |output: &str, more: &[&str]| {
        train(&folder, output, &[&["--base", "m", "--data-root", "sets"], more].concat()).done()
    };
    from_base("one", &["--data", "desks.toml"])
        .says("the new model predicts only `topic`; these heads of its base are not kept: `sentiment`");
    let anew = from_base("two", &["--data", "moods.toml", "desks.toml", "--pooling", "cls"]);
    let anew = anew.says("these heads start from random weights, since the base has them with other labels or another pooling: `topic`, `sentiment`");
    assert!(!anew.err.contains("are not kept"), "{anew}");
}

#[test]
fn a_model_is_trained_for_int8() {
    let folder = Folder::new();
    train_desks(&folder, "f32", &["--epochs", "2"]).done();
    train_desks(&folder, "int8", &["--epochs", "2", "--quantise", "int8"]).done();
    assert_eq!(folder.manifest("int8")["training"]["settings"]["quantise"], json!("int8"));
    assert_eq!(folder.manifest("f32")["training"]["settings"].get("quantise"), None);
    let weights = |model: &str| std::fs::read(folder.path(&format!("{model}/model.safetensors"))).unwrap();
    assert!(weights("f32") != weights("int8"));
    let correct = eval(&folder, &["int8", "--data", "desks.csv", "--label-field", "desk", "--dtype", "int8"]);
    assert!(correct[0]["heads"][0]["report"]["accuracy"].as_f64().unwrap() > 0.95, "{correct}");

    let linear = ["train", "--arch", "linear", "--quantise", "int8", "--data", "desks.csv", "-o", "other"];
    folder.newsdesk(&linear).refused("cannot use `--quantise`: it is not supported for linear models");
    let deberta = format!("{TINY}/architectures/deberta-v3");
    train_desks(&folder, "other", &["--base", &deberta, "--quantise", "int8"]).refused("disentangled attention");
}
