//! `newsdesk train`: from labelled rows to a model that knows them, the same on every run.

use crate::support::desks::{BUSINESS, SPORT, desks, text};
use crate::support::weights::Weights;
use crate::support::{Answer, Folder, TINY, articles, column};
use serde_json::{Value, json};

/// A run that learns such sets within seconds.
fn train(folder: &Folder, data: &[&str], epochs: &str, more: &[&str]) -> Answer {
    let usual = "--learning-rate 1e-3 --batch-size 4 --pooling mean --window 64 --stride 48 --length 64 --epochs";
    let usual: Vec<&str> = usual.split(' ').collect();
    folder.newsdesk(&[&["train", "--base", TINY, "--data"], data, &usual, &[epochs], more].concat())
}

fn report(folder: &Folder, arguments: &[&str]) -> Value {
    let answer = folder.newsdesk(&[&["eval"], arguments, &["--json"]].concat()).done();
    serde_json::from_str(&answer.out).unwrap()
}

fn entries(folder: &Folder, name: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path(name)).unwrap();
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn two_desks_are_learned_and_the_model_is_whole() {
    let folder = Folder::new();
    folder.write("desks.csv", desks());
    let desk = ["--data", "desks.csv", "--label-field", "desk"];
    let answer =
        train(&folder, &["desks.csv"], "3", &["--label-field", "desk", "--seed", "1", "-o", "models/desk"]).done();
    assert_eq!(answer.out, "");
    let answer = answer.says("desks.csv train: 108 articles\n").says("desks.csv held out: 12 articles\n");
    answer.says("epoch 3").says("wrote models/desk");
    assert_eq!(
        entries(&folder, "models/desk"),
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

    let figures = report(&folder, &[&["models/desk"], &desk[..]].concat());
    let accuracy = figures[0]["heads"][0]["report"]["accuracy"].as_f64().unwrap();
    assert!(accuracy >= 0.9, "it learned nothing: {figures}");
    let rows = folder.newsdesk(&["classify", "--model", "models/desk", "desks.csv", "--prefix", "m_"]).done().rows();
    let right = rows.iter().filter(|row| row["desk"] == row["m_desk"]).count();
    assert_eq!(right as f64 / 120.0, accuracy);

    let info = folder.newsdesk(&["models", "info", "models/desk", "--json"]).done().out;
    let info: Value = serde_json::from_str(&info).unwrap();
    let manifest = &info["manifest"];
    assert_eq!([&manifest["name"], &manifest["pooling"]], ["desk", "mean"]);
    assert_eq!(manifest["window"], json!({"length": 64, "stride": 48, "combine": "mean"}));
    assert_eq!(manifest["head"][0]["label"], json!([{"name": "business"}, {"name": "sport"}]));
    let training = &manifest["training"];
    let settings = &training["settings"];
    assert_eq!([&training["base"], &settings["seed"], &settings["epochs"]], [&json!("tiny"), &json!(1), &json!(3)]);
    assert_eq!(training["sets"], json!(["desks.csv train: 108 of 108 rows"]));
    let score = &manifest["score"][0];
    assert_eq!([&score["set"], &score["head"], &score["articles"]], [&json!("desks.csv"), &json!("desk"), &json!(12)]);
    let shown = folder.newsdesk(&["models", "info", "models/desk"]).done().out;
    assert!(
        shown.contains("head desk (softmax), 2 labels")
            && shown.contains("trained   from tiny")
            && shown.contains("seed 1"),
        "{shown}"
    );

    // The weights: no part that is not used, two bytes a number.
    let weights = Weights::open(&folder.path("models/desk"));
    assert!(weights.names().contains(&"heads.desk.weight"), "{:?}", weights.names());
    assert!(weights.names().iter().all(|name| !name.contains("classifier") && !name.contains("pooler")));
    assert_eq!(weights.header["heads.desk.weight"]["dtype"], "F16");

    // A model that is there is not lost.
    let again = train(&folder, &["desks.csv"], "3", &["--label-field", "desk", "-o", "models/desk"]);
    again.refused("Failed to write the model: `models/desk` holds one already").hint("another folder");
    // And it is a base like any other.
    let base = ["--label-field", "desk", "--head", "office", "--base", "models/desk", "-o", "next", "--epochs", "1"];
    let next =
        folder.newsdesk(&[&["train", "--data", "desks.csv", "--window", "64", "--stride", "48"], &base[..]].concat());
    next.done();
    let weights = Weights::open(&folder.path("next"));
    assert!(weights.names().contains(&"heads.office.bias") && !weights.names().contains(&"heads.desk.bias"));
}

#[test]
fn the_seed_decides_and_nothing_else() {
    let folder = Folder::new();
    folder.write("desks.csv", desks());
    let run = |name: &str, flags: &[&str]| {
        train(&folder, &["desks.csv"], "3", &[&["--label-field", "desk", "-o", name, "--quiet"], flags].concat())
            .done();
        folder.bytes(&format!("{name}/model.safetensors"))
    };
    // Each step in parts on several threads, so that the order of their sums could matter.
    let one = run("one", &["--seed", "1", "--threads", "1", "--micro-batch", "1"]);
    assert!(one == run("two", &["--seed", "1", "--threads", "2", "--micro-batch", "1"]), "threads change the model");
    assert!(one == run("again", &["--seed", "1", "--threads", "2", "--micro-batch", "1"]), "two runs differ");
    assert!(one != run("other", &["--seed", "2", "--threads", "2", "--micro-batch", "1"]), "the seed changes nothing");
}

#[test]
fn full_precision_keeps_four_bytes_and_json_gives_the_figures() {
    let folder = Folder::new();
    folder.write("desks.csv", desks());
    let more = ["--label-field", "desk", "-o", "m", "--full-precision", "--name", "exact", "--json"];
    let answer = train(&folder, &["desks.csv"], "1", &more).done();
    let figures: Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!([&figures[0]["set"], &figures[0]["heads"][0]["report"]["cases"]], [&json!("desks.csv"), &json!(12)]);
    assert_eq!(Weights::open(&folder.path("m")).header["heads.desk.weight"]["dtype"], "F32");
    assert!(folder.text("m/newsdesk.toml").contains("name = \"exact\"\n"));
}

#[test]
fn rejected_rows_show_in_the_exit_code() {
    let folder = Folder::new();
    folder.write("desks.csv", desks() + "120,,sport\n");
    let answer = train(&folder, &["desks.csv"], "1", &["--label-field", "desk", "-o", "m"]);
    assert_eq!(answer.says("row 121 (line 122): the text is blank").code, Some(1));
}

#[test]
fn rows_with_several_labels_make_a_sigmoid_head() {
    let folder = Folder::new();
    let both: Vec<&str> = SPORT.iter().zip(BUSINESS).flat_map(|(sport, business)| [*sport, business]).collect();
    let row = |i: usize| match i % 3 {
        0 => format!("{},sport\n", text(&SPORT, i)),
        1 => format!("{},business\n", text(&BUSINESS, i)),
        _ => format!("{},sport | business\n", text(&both, i)),
    };
    folder.write("desks.csv", format!("text,desk\n{}", (0..150).map(row).collect::<String>()));
    let labels = ["--label-field", "desk", "--label-separator", "|"];
    train(&folder, &["desks.csv"], "12", &[&labels[..], &["--seed", "1", "-o", "m"]].concat()).done();
    assert!(folder.text("m/newsdesk.toml").contains("activation = \"sigmoid\""));
    let report = &report(&folder, &[&["m", "--data", "desks.csv"], &labels[..]].concat())[0]["heads"][0]["report"];
    assert!(report["accuracy"].as_f64().unwrap() >= 0.8 && report["micro_f1"].as_f64().unwrap() >= 0.85, "{report}");
    let texts = [text(&SPORT, 3), text(&BUSINESS, 4), text(&both, 5)];
    let rows = folder.newsdesk_reading(articles(texts), &["classify", "--model", "m", "--scores"]).done().rows();
    let mut both: Vec<&str> = rows[2]["desk"].as_str().unwrap().split("; ").collect();
    both.sort();
    assert_eq!(
        (&rows[0]["desk"], &rows[1]["desk"], both),
        (&json!("sport"), &json!("business"), vec!["business", "sport"])
    );
}

const DESKS: &str = r#"name = "desks"
title = "Desks"
origin = "written for this test"
licence = "free"
folder = "desks"
[files]
train = "train.jsonl"
validation = "validation.jsonl"
test = "test.jsonl"
[heads.topic]
field = "desk"
labels = "iptc-topics"
[heads.topic.map]
Games = ["sport", "lifestyle and leisure"]
Money = ["economy, business and finance"]
"#;

const MOODS: &str = r#"name = "moods"
title = "Moods"
origin = "written for this test"
licence = "free"
folder = "moods"
[files]
train = "train.jsonl"
validation = "train.jsonl"
test = "train.jsonl"
[fields]
text = "story"
[heads.sentiment]
field = "mood"
labels = "sentiment"
"#;

#[test]
fn two_recipes_teach_two_heads() {
    let folder = Folder::new();
    let desk = |i: usize| match i % 2 {
        0 => format!("{}\n", json!({"text": text(&SPORT, i), "desk": "Games"})),
        _ => format!("{}\n", json!({"text": text(&BUSINESS, i), "desk": "Money"})),
    };
    let rows = |range: std::ops::Range<usize>| range.map(desk).collect::<String>();
    folder.write("sets/desks/train.jsonl", rows(0..80)).write("sets/desks/validation.jsonl", rows(80..100));
    folder.write("sets/desks/test.jsonl", rows(100..140)).write("desks.toml", DESKS);
    let mood = |i: usize| {
        let (mood, word) = [("negative", "less"), ("neutral", "week"), ("positive", "agreed")][i % 3];
        format!("{}\n", json!({"story": format!("{word} {word} {} {word}", i % 10), "mood": mood}))
    };
    folder.write("sets/moods/train.jsonl", (0..90).map(mood).collect::<String>()).write("moods.toml", MOODS);
    let recipes = ["desks.toml", "moods.toml"];
    let root = ["--data-root", "sets"];
    let answer = train(&folder, &recipes, "5", &[&root[..], &["-o", "m", "--seed", "1"]].concat()).done();
    answer.says("desks train: 80 articles").says("desks validation: 20 articles").says("moods, sentiment: accuracy");

    let rows = folder.newsdesk(&["classify", "--model", "m", "sets/desks/test.jsonl"]).done().rows();
    let names: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
    assert_eq!(names, ["text", "desk", "topic", "topic_code", "topic_score", "sentiment", "sentiment_score"]);
    let business = rows.iter().find(|row| row["topic"] == "economy, business and finance").expect("some business");
    assert_eq!([&business["topic_code"], &business["desk"]], ["medtop:04000000", "Money"]);
    assert!(["negative", "neutral", "positive"].contains(&column(&rows, "sentiment")[0]));

    let figures = report(&folder, &[&["m", "--data"], &recipes[..], &root].concat());
    let head = |set: usize| &figures[set]["heads"][0];
    let heads: Vec<_> = [0, 1].map(|set| [&figures[set]["set"], &figures[set]["split"], &head(set)["head"]]).to_vec();
    assert_eq!(heads, [["desks", "test", "topic"], ["moods", "test", "sentiment"]]);
    let (topic, sentiment) = (&head(0)["report"], &head(1)["report"]);
    assert_eq!((&topic["labels_are_sources"], &sentiment["labels_are_sources"]), (&json!(true), &json!(false)));
    assert_eq!(column(topic["per_label"].as_array().unwrap(), "label"), ["Games", "Money"]);
    assert_eq!(column(sentiment["per_label"].as_array().unwrap(), "label"), ["negative", "neutral", "positive"]);
    assert!(topic["accuracy"].as_f64().unwrap() >= 0.9, "{topic}");
    assert!(sentiment["accuracy"].as_f64().unwrap() >= 0.9, "{sentiment}");

    // A set that has labels for both is measured on both.
    let both = MOODS.replace("\"moods\"", "\"both\"").replace("[fields]\ntext = \"story\"\n", "")
        + "[heads.topic]\nfield = \"topic\"\nlabels = \"iptc-topics\"\n";
    folder.write("both.toml", both);
    folder.write(
        "sets/both/train.jsonl",
        "{\"text\":\"team goal\",\"mood\":\"neutral\",\"topic\":\"medtop:15000000\"}\n",
    );
    let figures = report(&folder, &["m", "--data", "both.toml", "--data-root", "sets"]);
    assert_eq!(column(figures[0]["heads"].as_array().unwrap(), "head"), ["sentiment", "topic"]);

    // A head by which no epoch is chosen, and one that the base has and no set teaches.
    let half = [&root[..], &["--validation", "desks.toml", "-o", "half"]].concat();
    let answer = train(&folder, &recipes, "1", &half).done();
    answer.says("warning: no validation article is labelled for head sentiment: it has no part in the choice");
    let card = folder.text("half/README.md");
    assert!(card.contains("- **sentiment**: the scores are not calibrated: no validation article is"), "{card}");
    let from = |more: &[&str]| {
        let usual = ["train", "--base", "m", "--epochs", "1", "--window", "64", "--stride", "48", "--length", "64"];
        folder.newsdesk(&[&usual, &root[..], more].concat()).done()
    };
    from(&["--data", "desks.toml", "-o", "one"]).says("no set teaches what the base knows as sentiment: the new");
    let anew = from(&["--data", "moods.toml", "desks.toml", "-o", "two", "--pooling", "cls"]);
    let anew = anew.says("topic, sentiment begins anew: the base has it with other labels or another pooling");
    assert!(!anew.err.contains("no set teaches"), "{anew}");
}
