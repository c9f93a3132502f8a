//! `newsdesk models info`, and what a manifest sets: heads, codes, thresholds, windows. Also names of models.

use crate::support::{CLOSE, Folder, LABELS, TINY, articles, column, scores, texts};
use serde_json::{Value, json};

const MANIFEST: &str = r#"version = 1
name = "two-heads"
pooling = "pooler"

[window]
length = 32
overlap = 12
combine = "max"

[[head]]
name = "desk"
activation = "sigmoid"
label = [
    { name = "arts", code = "d:1", threshold = 0.99 },
    { name = "business" },
    { name = "science", code = "d:3", threshold = 0.97 },
]

[[head]]
name = "section"
activation = "softmax"
temperature = 2.0
label = [{ name = "arts" }, { name = "business" }, { name = "science" }, { name = "sport" }, { name = "World, and more" }]
"#;

/// Returns a folder with a model in `m`: the head `section` has the five outputs of the tiny model, `desk` the first three.
fn two_heads() -> Folder {
    let folder = Folder::new();
    folder.copy_tiny_with_heads("desk", "section");
    folder.write("m/newsdesk.toml", MANIFEST);
    folder
}

/// Returns the logits of a softmax head, up to a constant.
fn logits(scores: &[f64]) -> Vec<f64> {
    scores.iter().map(|score| score.ln()).collect()
}

#[test]
fn heads_have_their_own_activation_temperature_codes_and_thresholds() {
    let folder = two_heads();
    // Short texts have one window, so that the scores can be compared with those of the tiny model.
    let short: Vec<String> = texts(400).into_iter().filter(|text| text.len() < 60).collect();
    folder.write("news.jsonl", articles(&short));
    let plain = folder.classify(&["news.jsonl", "--scores"]).done().rows();
    let rows = folder.newsdesk(&["classify", "--model", "m", "news.jsonl", "--scores"]).done().rows();
    let mut predictions_with_labels = [0; 4];
    for (plain, row) in plain.iter().zip(&rows) {
        assert_eq!(
            row["section"],
            if plain["label"] == "world" { json!("World, and more") } else { plain["label"].clone() }
        );
        // A temperature of 2 halves the differences between logits.
        let names = ["arts", "business", "science", "sport", "world_and_more"];
        let section: Vec<f64> = names.iter().map(|n| row[format!("section_score_{n}")].as_f64().unwrap()).collect();
        let (cool, hot) = (logits(&scores(plain)), logits(&section));
        for (i, j) in [(0, 1), (1, 2), (2, 3), (3, 4)] {
            let exact = section[i].min(section[j]).min(scores(plain)[i]).min(scores(plain)[j]) > 0.02;
            assert!(!exact || ((cool[i] - cool[j]) / 2.0 - (hot[i] - hot[j])).abs() < 0.01, "{plain}\n{row}");
        }
        // The prediction has the labels that reach their thresholds, the most probable first.
        let score = |name: &str| row[format!("desk_score_{name}")].as_f64().unwrap();
        let mut desk = vec![("arts", "d:1", 0.99), ("business", "", 0.5), ("science", "d:3", 0.97)];
        let largest = desk.iter().map(|(name, ..)| score(name)).fold(0.0, f64::max);
        assert_eq!(row["desk_score"], json!(largest));
        desk.retain(|(name, _, threshold)| score(name) >= *threshold);
        desk.sort_by(|a, b| score(b.0).total_cmp(&score(a.0)));
        let join = |texts: Vec<&str>| if texts.is_empty() { Value::Null } else { json!(texts.join("; ")) };
        assert_eq!(row["desk"], join(desk.iter().map(|(name, ..)| *name).collect()), "{row}");
        let codes = desk.iter().map(|(_, code, _)| *code).filter(|code| !code.is_empty());
        assert_eq!(row["desk_code"], join(codes.collect()), "{row}");
        predictions_with_labels[desk.len()] += 1;
    }
    let [none, one, two, three] = predictions_with_labels;
    assert!(none > 0 && one > 0 && two + three > 0, "predictions by number of labels: {predictions_with_labels:?}");
    let names: Vec<&String> = rows[0].as_object().unwrap().keys().filter(|name| !name.contains("_score_")).collect();
    assert_eq!(names, ["id", "text", "desk", "desk_code", "desk_score", "section", "section_score"]);
}

#[test]
fn the_manifest_sets_how_windows_are_cut_and_combined() {
    let folder = two_heads();
    // Each word is one token. A window holds 30 of them, so that the windows are 0..30, 20..50 and 30..60.
    let words: Vec<&str> = texts(1)[0].split(' ').take(60).map(|word| ["the", "two", "day"][word.len() % 3]).collect();
    let piece = |from: usize, to: usize| words[from..to].join(" ");
    let texts = [piece(0, 60), piece(0, 30), piece(20, 50), piece(30, 60)];
    folder.write("news.jsonl", articles(&texts));
    let rows = folder.newsdesk(&["classify", "--model", "m", "news.jsonl", "--scores"]).done().rows();
    for name in ["desk_score_arts", "desk_score_business", "desk_score_science"] {
        let score = |row: usize| rows[row][name].as_f64().unwrap();
        let largest = (1..4).map(score).fold(0.0, f64::max);
        assert!((score(0) - largest).abs() < CLOSE, "{name}: expected {largest}, found {}", score(0));
    }
    folder.replace("m/newsdesk.toml", "combine = \"max\"", "combine = \"mean\"");
    let rows = folder.newsdesk(&["classify", "--model", "m", "news.jsonl", "--scores"]).done().rows();
    for name in ["desk_score_arts", "desk_score_business", "desk_score_science"] {
        let score = |row: usize| rows[row][name].as_f64().unwrap();
        // The weight of a window is the number of tokens that are not in the windows before it.
        let mean = (30.0 * score(1) + 20.0 * score(2) + 10.0 * score(3)) / 60.0;
        assert!((score(0) - mean).abs() < CLOSE, "{name}: expected {mean}, found {}", score(0));
    }
}

#[test]
fn codes_are_left_out_of_tables() {
    let folder = two_heads();
    folder.write("a.txt", "Goal!");
    let table = folder.newsdesk(&["classify", "--model", "m", "a.txt", "--output-format", "table"]).done().out;
    assert!(table.contains(" desk_score") && table.contains(" section ") && !table.contains("code"), "{table}");
}

#[test]
fn a_multi_label_checkpoint_of_transformers_has_a_sigmoid_head() {
    let folder = Folder::new();
    folder.copy_tiny("m");
    folder.write("news.jsonl", articles(texts(20)));
    folder.replace("m/config.json", "single_label", "multi_label");
    let rows = folder.newsdesk(&["classify", "--model", "m", "news.jsonl", "--scores"]).done().rows();
    let several = rows.iter().filter(|row| row["label"].as_str().is_some_and(|label| label.contains("; "))).count();
    assert!(several > 0, "no prediction has several labels: {rows:?}");
    assert!(rows.iter().any(|row| scores(row).iter().sum::<f64>() > 1.1), "the scores add up to one: {rows:?}");
    for row in &rows {
        let over = LABELS.iter().zip(scores(row)).filter(|(_, score)| *score >= 0.5).count();
        assert_eq!(row["label"].as_str().map_or(0, |label| label.split("; ").count()), over, "{row}");
    }
}

#[test]
fn info_as_text() {
    let folder = two_heads();
    insta::assert_snapshot!(folder.newsdesk(&["models", "info", TINY]).done().out, @r"
    tiny

    encoder   BERT, 2 layers, width 32, 4 attention heads, 39685 parameters
    windows   64 tokens, overlap 8, pooling pooler, combined by mean
    files     model.safetensors (164 kB), config.json (1 kB), tokenizer.json (15 kB), tokenizer_config.json (1 kB)
    note      its manifest records no scores; `newsdesk eval MODEL --data FILE` measures it

    head label (softmax), 5 labels
      arts
      business
      science
      sport
      world
    ");
    insta::assert_snapshot!(folder.newsdesk(&["models", "info", "m"]).done().out, @r"
    two-heads

    encoder   BERT, 2 layers, width 32, 4 attention heads, 39784 parameters
    windows   32 tokens, overlap 12, pooling pooler, combined by max
    files     model.safetensors (164 kB), newsdesk.toml (1 kB), config.json (1 kB), tokenizer.json (15 kB)
    note      its manifest records no scores; `newsdesk eval MODEL --data FILE` measures it

    head desk (sigmoid), 3 labels
      arts (d:1)
      business
      science (d:3)

    head section (softmax), 5 labels, temperature 2
      arts
      business
      science
      sport
      World, and more
    ");
}

#[test]
fn info_as_json() {
    let folder = two_heads();
    let tiny = folder.info(TINY);
    let sizes = ["layers", "width", "attention_heads", "vocabulary", "longest_window"].map(|key| tiny[key].clone());
    assert_eq!(sizes, [2, 32, 4, 600, 64]);
    assert_eq!(
        tiny["parameters"],
        (std::fs::metadata(format!("{TINY}/model.safetensors")).unwrap().len() - header()) / 4
    );
    let heads = tiny["manifest"]["head"].as_array().unwrap();
    assert_eq!((column(heads, "name"), column(heads, "activation")), (vec!["label"], vec!["softmax"]));
    assert_eq!(column(heads[0]["label"].as_array().unwrap(), "name"), LABELS);

    let two = folder.info("m");
    assert_eq!(two["manifest"]["window"], json!({"length": 32, "overlap": 12, "combine": "max"}));
    assert_eq!(column(two["manifest"]["head"].as_array().unwrap(), "name"), ["desk", "section"]);
    assert_eq!(two["manifest"]["head"][0]["label"][1], json!({"name": "business"}));
}

/// Returns the number of bytes before the tensors in the weights of the tiny model.
fn header() -> u64 {
    let bytes = std::fs::read(format!("{TINY}/model.safetensors")).unwrap();
    8 + u64::from_le_bytes(bytes[..8].try_into().unwrap())
}

#[cfg(feature = "embedded-model")]
#[test]
fn the_built_in_model_is_called_default() {
    let folder = Folder::new();
    let info = |more: &[&str]| folder.newsdesk(&[&["models", "info"], more].concat()).done().out;
    assert_eq!(info(&["default"]), info(&[]));
    let calibrate = folder.newsdesk(&["calibrate", "default", "--data", "set.csv"]);
    calibrate.refused("cannot write to `default`: it is the built-in model").hint("a model of your own");
    // A folder with this name takes precedence.
    folder.copy_tiny("default");
    assert_ne!(info(&["default"]), info(&[]));
}
