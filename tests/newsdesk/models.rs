//! `newsdesk models`, and what a manifest makes of a folder: heads, codes, thresholds, windows.

use crate::support::{Answer, CLOSE, Folder, LABELS, TINY, articles, column, scores, texts};
use serde_json::{Value, json};

const MANIFEST: &str = r#"version = 1
name = "two-heads"
pooling = "pooler"

[window]
length = 32
stride = 20
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

/// The tiny model with a manifest: its five outputs as one head, the first three as another.
fn two_heads() -> Folder {
    let folder = Folder::new();
    folder.copy_tiny_with_heads("desk", "section");
    folder.write("m/newsdesk.toml", MANIFEST);
    folder
}

/// Log-odds: what a softmax head's logits are, up to a number that they share.
fn logits(scores: &[f64]) -> Vec<f64> {
    scores.iter().map(|score| score.ln()).collect()
}

#[test]
fn several_heads_answer_in_one_pass() {
    let folder = two_heads();
    // Short texts: one window, so that the answers can be compared with those of the plain folder.
    let short: Vec<String> = texts(400).into_iter().filter(|text| text.len() < 60).collect();
    folder.write("news.jsonl", articles(&short));
    let plain = folder.classify(&["news.jsonl", "--scores"]).done().rows();
    let rows = folder.newsdesk(&["classify", "--model", "m", "news.jsonl", "--scores"]).done().rows();
    let mut given = [0, 0, 0, 0];
    for (plain, row) in plain.iter().zip(&rows) {
        assert_eq!(
            row["section"],
            if plain["label"] == "world" { json!("World, and more") } else { plain["label"].clone() }
        );
        // With a temperature of 2, differences between logits are half of what they were.
        let names = ["arts", "business", "science", "sport", "world_and_more"];
        let section: Vec<f64> = names.iter().map(|n| row[format!("section_score_{n}")].as_f64().unwrap()).collect();
        let (cool, hot) = (logits(&scores(plain)), logits(&section));
        for (i, j) in [(0, 1), (1, 2), (2, 3), (3, 4)] {
            let exact = section[i].min(section[j]).min(scores(plain)[i]).min(scores(plain)[j]) > 0.02;
            assert!(!exact || ((cool[i] - cool[j]) / 2.0 - (hot[i] - hot[j])).abs() < 0.01, "{plain}\n{row}");
        }
        // Each label by its own threshold, the most probable first.
        let desk: Vec<(&str, &str, f64, f64)> =
            [("arts", "d:1", 0.99), ("business", "", 0.5), ("science", "d:3", 0.97)]
                .map(|(name, code, from)| (name, code, from, row[format!("desk_score_{name}")].as_f64().unwrap()))
                .to_vec();
        let mut answer: Vec<_> = desk.iter().filter(|(_, _, from, score)| score >= from).collect();
        answer.sort_by(|a, b| b.3.total_cmp(&a.3));
        let join = |texts: Vec<&str>| if texts.is_empty() { Value::Null } else { json!(texts.join("; ")) };
        assert_eq!(row["desk"], join(answer.iter().map(|a| a.0).collect()), "{row}");
        assert_eq!(row["desk_code"], join(answer.iter().map(|a| a.1).filter(|c| !c.is_empty()).collect()), "{row}");
        let largest = desk.iter().map(|label| label.3).fold(0.0, f64::max);
        assert_eq!(row["desk_score"], json!(largest));
        given[answer.len()] += 1;
    }
    assert!(given[0] > 0 && given[1] > 0 && given[2] + given[3] > 0, "not all kinds of answers occur: {given:?}");
    let names: Vec<&String> = rows[0].as_object().unwrap().keys().filter(|name| !name.contains("_score_")).collect();
    assert_eq!(names, ["id", "text", "desk", "desk_code", "desk_score", "section", "section_score"]);
}

#[test]
fn windows_are_cut_and_combined_as_the_manifest_says() {
    let folder = two_heads();
    // Each word is one token, and a window has room for 30: the windows are 0..30, 20..50 and 30..60.
    let words: Vec<&str> = texts(1)[0].split(' ').take(60).map(|word| ["the", "two", "day"][word.len() % 3]).collect();
    let piece = |from: usize, to: usize| words[from..to].join(" ");
    let texts = [piece(0, 60), piece(0, 30), piece(20, 50), piece(30, 60)];
    folder.write("news.jsonl", articles(&texts));
    let rows = folder.newsdesk(&["classify", "--model", "m", "news.jsonl", "--scores"]).done().rows();
    for name in ["desk_score_arts", "desk_score_business", "desk_score_science"] {
        let score = |row: usize| rows[row][name].as_f64().unwrap();
        let largest = (1..4).map(score).fold(0.0, f64::max);
        assert!((score(0) - largest).abs() < CLOSE, "{name}: {} is not {largest}", score(0));
    }
    folder.replace("m/newsdesk.toml", "combine = \"max\"", "combine = \"mean\"");
    let rows = folder.newsdesk(&["classify", "--model", "m", "news.jsonl", "--scores"]).done().rows();
    for name in ["desk_score_arts", "desk_score_business", "desk_score_science"] {
        let score = |row: usize| rows[row][name].as_f64().unwrap();
        // Each window weighs as many tokens as it adds.
        let mean = (30.0 * score(1) + 20.0 * score(2) + 10.0 * score(3)) / 60.0;
        assert!((score(0) - mean).abs() < CLOSE, "{name}: {} is not {mean}", score(0));
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
fn a_checkpoint_of_many_labels_has_a_sigmoid_head() {
    let folder = Folder::new();
    folder.copy_tiny("m");
    folder.write("news.jsonl", articles(texts(20)));
    folder.replace("m/config.json", "single_label", "multi_label");
    let rows = folder.newsdesk(&["classify", "--model", "m", "news.jsonl", "--scores"]).done().rows();
    let several = rows.iter().filter(|row| row["label"].as_str().is_some_and(|label| label.contains("; "))).count();
    assert!(several > 0 && rows.iter().any(|row| scores(row).iter().sum::<f64>() > 1.1));
    for row in &rows {
        let over = LABELS.iter().zip(scores(row)).filter(|(_, score)| *score >= 0.5).count();
        assert_eq!(row["label"].as_str().map_or(0, |label| label.split("; ").count()), over, "{row}");
    }
}

#[test]
fn info_for_people() {
    let folder = two_heads();
    insta::assert_snapshot!(folder.newsdesk(&["models", "info", TINY]).done().out, @r"
    tiny

    encoder   BERT, 2 layers, width 32, 4 attention heads, 39685 parameters
    windows   64 tokens, one every 56, pooled by pooler, combined by mean

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
    windows   32 tokens, one every 20, pooled by pooler, combined by max

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
fn info_for_programs() {
    let folder = two_heads();
    let info = |model: &str| -> Value {
        serde_json::from_str(&folder.newsdesk(&["models", "info", model, "--json"]).done().out).unwrap()
    };
    let tiny = info(TINY);
    let sizes = ["layers", "width", "attention_heads", "vocabulary", "longest_window"].map(|key| tiny[key].clone());
    assert_eq!(sizes, [2, 32, 4, 600, 64]);
    assert_eq!(
        tiny["parameters"],
        (std::fs::metadata(format!("{TINY}/model.safetensors")).unwrap().len() - header()) / 4
    );
    let heads = tiny["manifest"]["head"].as_array().unwrap();
    assert_eq!((column(heads, "name"), column(heads, "activation")), (vec!["label"], vec!["softmax"]));
    assert_eq!(column(heads[0]["label"].as_array().unwrap(), "name"), LABELS);

    let two = info("m");
    assert_eq!(two["manifest"]["window"], json!({"length": 32, "stride": 20, "combine": "max"}));
    assert_eq!(column(two["manifest"]["head"].as_array().unwrap(), "name"), ["desk", "section"]);
    assert_eq!(two["manifest"]["head"][0]["label"][1], json!({"name": "business"}));
}

/// Bytes of the tiny model's weights that are no weights.
fn header() -> u64 {
    let bytes = std::fs::read(format!("{TINY}/model.safetensors")).unwrap();
    8 + u64::from_le_bytes(bytes[..8].try_into().unwrap())
}

#[cfg(feature = "embedded-model")]
#[test]
fn the_model_inside_has_a_name() {
    let folder = Folder::new();
    let info = |more: &[&str]| folder.newsdesk(&[&["models", "info"], more].concat()).done().out;
    assert_eq!(info(&["default"]), info(&[]));
    let calibrate = folder.newsdesk(&["calibrate", "default", "--data", "set.csv"]);
    calibrate.refused("Failed to write into `default`: it is the model inside").hint("a model of your own");
    // A folder of this name is meant before it.
    folder.copy_tiny("default");
    assert_ne!(info(&["default"]), info(&[]));
}

#[test]
fn names_of_the_hub_are_found_in_its_cache() {
    let folder = Folder::new();
    folder.write("a.txt", "Goal!");
    std::fs::create_dir_all(folder.path("cache/models--acme--tiny/refs")).unwrap();
    folder.write("cache/models--acme--tiny/refs/main", "0123abc");
    std::fs::create_dir_all(folder.path("cache/models--acme--tiny/snapshots")).unwrap();
    folder.copy_tiny("cache/models--acme--tiny/snapshots/0123abc");
    let classify = |model: &str| {
        let arguments = ["classify", "a.txt", "--model", model];
        Answer::new(&arguments, folder.command(&arguments).env("HF_HUB_CACHE", folder.path("cache")).output().unwrap())
    };
    let expected = folder.newsdesk(&["classify", "a.txt", "--model", TINY]).done().out;
    for name in ["acme/tiny", "acme/tiny@main", "acme/tiny@0123abc"] {
        assert_eq!(classify(name).done().out, expected, "{name}");
    }
    classify("acme/large")
        .refused("Failed to open the model `acme/large`: there is no such folder, and `")
        .hint("`hf download acme/large` fetches it; Newsdesk downloads nothing");
    classify("acme/tiny@v2").refused("does not have revision `v2`").hint("`hf download acme/tiny --revision v2`");
    classify("./acme/large").refused("Failed to open the model `./acme/large`: there is no such folder");
}
