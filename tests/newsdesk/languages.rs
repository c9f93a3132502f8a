//! Languages: the column, the choice of languages, and the warning for models that were trained on others.

use crate::support::{Folder, TINY, articles, column};
use serde_json::{Value, json};

const TEXTS: [&str; 5] = [
    "The minister said on Monday that the rate of tax will fall, and the party agreed with that.",
    "Die Regierung hat am Montag beschlossen, die Steuern für kleine Betriebe im Land zu senken.",
    "Goal!",
    "Le gouvernement a décidé lundi de baisser les impôts pour les petites entreprises du pays.",
    "Правительство решило в понедельник снизить налоги для малых предприятий страны.",
];
const CODES: [Option<&str>; 5] = [Some("en"), Some("de"), None, Some("fr"), Some("ru")];

/// A manifest of the tiny model.
const MANIFEST: &str = r#"version = 1
name = "tiny"
languages = ["en"]
pooling = "pooler"

[window]
length = 64
overlap = 16

[[head]]
name = "label"
activation = "softmax"
label = [{ name = "arts" }, { name = "business" }, { name = "science" }, { name = "sport" }, { name = "world" }]
"#;

fn languages(rows: &[Value]) -> Vec<Option<&str>> {
    rows.iter().map(|row| row["language"].as_str()).collect()
}

#[test]
fn the_column_is_written_in_every_format() {
    let folder = Folder::new();
    folder.write("a.jsonl", articles(TEXTS));
    for format in ["jsonl", "csv", "parquet", "arrows"] {
        let output = format!("out.{format}");
        folder.classify(&["a.jsonl", "-o", &output, "--language"]).done();
        let back = folder.newsdesk(&["data", "convert", &output, "-o", "-", "--to", "jsonl"]).done().rows();
        let expected = CODES.map(|code| if format == "csv" { code.or(Some("")) } else { code });
        assert_eq!(languages(&back), expected, "{format}");
        let counts = folder.json(&format!("{output}.manifest.json"))["counts"]["languages"].clone();
        assert_eq!(counts, json!({"de": 1, "en": 1, "fr": 1, "ru": 1}), "{format}");
        folder.newsdesk(&["verify", &output, "--model", TINY]).done().prints("no differences");
    }
    assert!(!folder.classify(&["a.jsonl"]).done().out.contains("language"));
    let prefixed = folder.classify(&["a.jsonl", "--language", "--prefix", "nd_"]).done().rows();
    assert_eq!(prefixed[0]["nd_language"], "en");
}

#[test]
fn other_languages_are_set_aside() {
    let folder = Folder::new();
    folder.write("a.jsonl", articles(TEXTS));
    let answer = folder.classify(&["a.jsonl", "--only-language", "en,RUS", "-o", "out.jsonl"]);
    // The user asked for it, so it is neither an error nor reported row by row.
    let answer = answer.done().says("2 articles set aside because of the language: 1 de, 1 fr\n");
    let answer = answer.says("1 article whose language is unsure was labelled\n");
    assert!(!answer.err.contains("error:"), "{answer}");
    assert_eq!(column(&folder.rows("out.jsonl"), "text"), [TEXTS[0], TEXTS[2], TEXTS[4]]);
    assert_eq!(folder.rows("out.jsonl.rejects.jsonl")[0]["cause"], "the language is `de`");
    let hint = &folder.rows("out.jsonl.rejects.jsonl")[0]["hint"];
    assert!(hint.as_str().is_some_and(|hint| hint.starts_with("add `--only-language de`")), "{hint}");
    // They do not count towards a limit of rejects, but rows that cannot be used do.
    folder.write("b.jsonl", articles(TEXTS) + "{}\n");
    let only = ["b.jsonl", "--only-language", "en", "--max-rejects", "1", "--summary", "summary.json"];
    folder.classify(&only).rejected(&["line 6: no field contains the text"]);
    let summary = folder.json("summary.json");
    assert_eq!(summary["other_languages"], json!({"de": 1, "fr": 1, "ru": 1}));
    assert_eq!((&summary["languages"], &summary["unsure_languages"]), (&json!({"en": 1}), &json!(1)));
    let manifest = folder.json("out.jsonl.manifest.json");
    assert_eq!(manifest["settings"]["only_language"], json!(["en", "ru"]));
    let repeated = folder.classify(&["a.jsonl", "--only-language", "en", "--only-language", "ru"]);
    assert_eq!(repeated.rows(), folder.rows("out.jsonl"));
    let more = folder.classify(&["a.jsonl", "--only-language", "en", "-o", "out.jsonl", "--resume"]);
    more.refused("only language: [\"en\",\"ru\"] in the first run, [\"en\"] now");
    let unknown = folder.classify(&["a.jsonl", "--only-language", "xx"]);
    assert!(unknown.code == Some(2) && unknown.err.contains("`xx` is not one of the languages"), "{unknown}");
}

#[test]
fn a_model_that_names_its_languages_warns_of_others() {
    let folder = Folder::new();
    folder.copy_tiny("m");
    folder.write("a.jsonl", articles(TEXTS));
    let run = |more: &[&str]| folder.newsdesk(&[&["classify", "--model", "m", "a.jsonl"], more].concat()).done();
    assert!(!run(&[]).err.contains("warning"));
    folder.write("m/newsdesk.toml", MANIFEST);
    let warning = "warning: 3 of 5 articles are not in English (1 de, 1 fr, 1 ru): the model was trained on English";
    assert!(!run(&[]).says(warning).out.contains("language"));
    assert_eq!(run(&["--quiet"]).err, "");
    run(&["-o", "out.csv"]).says(warning);
    assert_eq!(folder.json("out.csv.manifest.json")["counts"]["languages"]["de"], 1);
    folder.newsdesk(&["models", "info", "m"]).done().prints("languages en");
    assert_eq!(folder.info("m")["manifest"]["languages"], json!(["en"]));
    // A model that is trained from it has the same languages.
    folder.newsdesk(&["models", "average", "m", "m", "-o", "n"]).done();
    assert_eq!(folder.info("n")["manifest"]["languages"], json!(["en"]));
}

#[test]
fn statistics_count_languages() {
    let folder = Folder::new();
    let rows = TEXTS.map(|text| json!({"text": text, "label": "a"}));
    folder.write("a.jsonl", crate::support::json_lines(rows));
    let stats = folder.newsdesk(&["data", "stats", "a.jsonl", "--no-tokens", "--json"]).done().json();
    let languages = stats["sets"][0]["splits"][0]["languages"].as_array().unwrap();
    assert_eq!(languages.len(), 4);
    assert_eq!(languages[0], json!({"language": "de", "rows": 1}));
    folder.newsdesk(&["data", "stats", "a.jsonl", "--no-tokens"]).done().prints("language");
}
