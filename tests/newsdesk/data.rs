//! `newsdesk data`: checks, statistics, splits and conversions of data sets.

use crate::support::compression::{gunzip, gzip, unzstd, zstd};
use crate::support::{DATASETS, Folder, TINY, articles, column, rows, words};
use serde_json::json;
use std::collections::HashMap;

/// Returns a CSV table with three labels in the column `desk`; `weather` is rare. Each record has two lines.
fn desks(count: usize) -> String {
    let desk = |i: usize| if i.is_multiple_of(20) { "weather" } else { ["sport", "city"][i % 2] };
    let row = |i: usize| format!("{i},\"story {i}, told\nin two lines\",{},{}\n", desk(i), i * 7);
    format!("id,text,desk,words\n{}", (0..count).map(row).collect::<String>())
}

/// Writes a data set with one fault of each kind, and returns the arguments that check it.
fn faulty(folder: &Folder) -> Vec<&'static str> {
    let good = |from: usize| {
        let row = |i: usize| format!("a story about matter {},{}\n", from + i, ["sport", "city"][i % 2]);
        (0..24).map(row).collect::<String>()
    };
    let train = "told twice and more,sport\nTold  TWICE and more,city\n ,sport\nhm,city\nleaked from the test,city\n";
    folder.write("train.csv", format!("text,desk\n{}{train}", good(0)));
    folder.write("test.csv", format!("text,desk\n{}leaked from the test,city\nnews of arts,arts\n", good(100)));
    words("data check train.csv --test test.csv --label-field desk")
}

#[test]
fn check_lists_every_kind_of_fault() {
    let folder = Folder::new();
    let answer = folder.newsdesk(&faulty(&folder));
    assert_eq!((answer.code, answer.err.as_str()), (Some(1), ""), "{answer}");
    let expected = "\
train.csv: rows: train 28 and 1 rejected, test 26

error: 1 text of train is in test as well (1 row of test)
  `train.csv`, row 29 (line 30); `test.csv`, row 25 (line 26)

error: 1 text has different labels for the head desk
  `train.csv`, row 25 (line 26): sport; `train.csv`, row 26 (line 27): city

error: 1 row of train has neither text nor title
  `train.csv`, row 27 (line 28)

error: 1 label of test missing from train: `arts` (1)

warning: 1 row of train repeats the text of an earlier one
  `train.csv`, row 25 (line 26); `train.csv`, row 26 (line 27)

warning: 1 text of train has fewer than 3 words
  `train.csv`, row 28 (line 29)

errors: 4, warnings: 2
";
    assert_eq!(answer.out, expected);

    let found = folder.newsdesk(&[&faulty(&folder)[..], &["--json", "--examples", "0"]].concat()).json();
    assert_eq!([&found["errors"], &found["warnings"]], [4, 2]);
    let findings = found["sets"][0]["findings"].as_array().unwrap();
    let kinds = ["leakage", "conflicting-labels", "empty-text", "unseen-label", "duplicate", "short"];
    assert_eq!(column(findings, "kind"), kinds);
    assert_eq!(findings[0]["splits"], json!(["train", "test"]));
    assert_eq!(findings[3]["labels"], json!([{"label": "arts", "rows": 1}]));
    assert!(findings.iter().all(|finding| finding.get("examples").is_none()), "{found}");
}

#[test]
fn check_ends_with_code_1_if_it_finds_something() {
    let folder = Folder::new();
    folder.write("good.csv", desks(400)).write("short.csv", desks(400) + "400,hm,city,1\n");
    let good = folder.newsdesk(&["data", "check", "good.csv", "--label-field", "desk"]).done();
    assert_eq!(
        good.out,
        "good.csv: rows: 400\nno problems found\n\
        one split: leaks between splits were not checked; name the other files with `--validation` and `--test`\n"
    );
    let short = ["data", "check", "short.csv", "--label-field", "desk"];
    assert_eq!(folder.newsdesk(&short).code, Some(1));
    folder.newsdesk(&[&short[..], &["--allow-warnings"]].concat()).done();
    // Long texts need no action.
    folder.write("long.csv", format!("{}400,{},city,1\n", desks(400), "a long story ".repeat(400)));
    let long = folder.newsdesk(&["data", "check", "long.csv", "--label-field", "desk"]).done();
    assert!(
        long.out.contains("note: 1 of 401 texts is longer than ") && long.out.contains("no problems found"),
        "{long}"
    );
    let errors = folder.newsdesk(&[&faulty(&folder)[..], &["--allow-warnings"]].concat());
    assert_eq!(errors.code, Some(1), "`--allow-warnings` must not allow errors: {errors}");
}

#[test]
fn check_counts_texts_that_are_longer_than_a_window() {
    let folder = Folder::new();
    folder.write(
        "a.jsonl",
        articles([&"the ".repeat(61), &"the ".repeat(63), &"m".repeat(50)]).replace('}', ",\"label\":1}"),
    );
    let check = ["data", "check", "a.jsonl", "--model", TINY, "--min-words", "0", "--min-rows", "0", "--json"];
    let overlong = |more: &[&str]| {
        let found = folder.newsdesk(&[&check[..], more].concat()).json();
        let findings = found["sets"][0]["findings"].as_array().unwrap().clone();
        findings.into_iter().find(|finding| finding["kind"] == "overlong")
    };
    let found = overlong(&[]).unwrap();
    assert_eq!((&found["count"], &found["examples"][0]["rows"][0]["row"]), (&json!(1), &json!(2)));
    assert!(found["message"].as_str().unwrap().contains("longer than 64 tokens"), "{found}");
    assert_eq!(overlong(&["--max-length", "63"]).unwrap()["count"], 1);
    assert_eq!(overlong(&["--max-length", "62"]).unwrap()["count"], 2);
    assert_eq!(overlong(&["--max-length", "65"]), None);
    // Long texts need no action.
    assert_eq!(overlong(&[]).unwrap()["severity"], "note");
    let noted = folder.run("data check a.jsonl --model TINY --min-words 0 --min-rows 0 --max-length 62");
    assert!(noted.out.contains("note: 2 of 3 texts are longer than 62 tokens"), "{noted}");
    let without_tokens = folder.run("data check a.jsonl --no-tokens --min-words 0 --min-rows 0");
    assert!(!without_tokens.out.contains("tokens"), "{without_tokens}");
}

#[test]
fn check_and_stats_read_every_split_of_a_recipe() {
    let folder = Folder::new();
    let root = ["--data-root", DATASETS];
    let found = folder.newsdesk(&[&["data", "check", "sample", "--json"], &root[..]].concat()).json();
    assert_eq!(found["sets"][0]["splits"], json!([{"split": "test", "rows": 72, "rejected": 0}]));
    let kinds = column(found["sets"][0]["findings"].as_array().unwrap(), "kind");
    assert_eq!(kinds, ["few-rows"], "the sample has faults: {found}");

    let stats = folder.newsdesk(&[&["data", "stats", "sample", "--json"], &root[..]].concat()).done();
    let split = &stats.json()["sets"][0]["splits"][0];
    assert_eq!([&split["rows"], &split["with_title"], &split["rejected"]], [72, 72, 0]);
    assert_eq!(split["heads"][1]["head"], "sentiment");
    let labels = split["heads"][1]["labels"].as_array().unwrap();
    assert_eq!(labels.iter().map(|label| label["rows"].as_u64().unwrap()).sum::<u64>(), 72);
    let [tokens, words] = ["tokens", "words"].map(|unit| split["lengths"][unit]["median"].as_u64().unwrap());
    assert!(tokens > words, "the median length is {tokens} tokens and {words} words");
    let shown = folder.newsdesk(&[&["data", "stats", "sample", "--no-tokens"], &root[..]].concat()).done().out;
    assert!(shown.contains("length in") && shown.contains(" test     72") && !shown.contains("tokens"), "{shown}");

    // The file of one split is missing.
    let recipe = std::fs::read_to_string(format!("{DATASETS}/sample.toml")).unwrap();
    folder.write("half.toml", recipe.replace("test = ", "train = \"train.jsonl\"\ntest = "));
    let half = folder.newsdesk(&[&["data", "check", "half.toml"], &root[..]].concat());
    half.says("warning: cannot find `").says("the split `train` of `sample`; this split is skipped");
}

#[test]
fn unusable_data_sets_are_refused_by_check_and_stats() {
    let folder = Folder::new();
    folder.write("a.csv", "text,mark\na,1\n").write("b.csv", "text,label\na,x\nb,y\n");
    let refused = |arguments: &[&str], error: &str, hint: &str| {
        for command in ["check", "stats"] {
            let answer = folder.newsdesk(&[&["data", command], arguments].concat());
            answer.refused(error).hint(hint);
        }
    };
    refused(&["missing.csv"], "cannot find `missing.csv`", "give a file");
    refused(&["news"], "cannot find the data set `news`", "ag-news");
    refused(&["sample"], "cannot find `./sample/articles.jsonl`, the split `test`", "--data-root");
    refused(&["sample", "--data-root", DATASETS, "--test", "b.csv"], "cannot use `--test`", "name files for training");
    refused(&["b.csv", "--test", "c.csv"], "cannot find `c.csv`", "give a file");
    let unlabelled = folder.newsdesk(&["data", "check", "a.csv"]).refused("cannot find a labelled article in `a.csv`");
    unlabelled.says("the label column `label` is missing").hint("the columns are `text`, `mark`");
    let nothing = folder.newsdesk(&["data"]);
    assert!(nothing.code == Some(2) && nothing.err.contains("Usage: newsdesk data"), "{nothing}");
}

#[test]
fn stats_report_rejected_rows() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"text\":\"a b\",\"label\":\"x\"}\n{\"text\":5}\n");
    let answer = folder.newsdesk(&["data", "stats", "a.jsonl"]).says("warning: `a.jsonl`, line 2: the field `text` is");
    assert_eq!(answer.code, Some(1), "{answer}");
}

/// Returns the split of each row, by the row's `id`.
fn splits(folder: &Folder, output: &str, ending: &str) -> HashMap<String, &'static str> {
    let mut splits = HashMap::new();
    for split in ["train", "validation", "test"] {
        let file = format!("{output}/{split}{ending}");
        let lines = folder.newsdesk(&["data", "convert", &file, "-o", "-", "--output-format", "jsonl"]);
        for row in lines.done().rows() {
            let other = splits.insert(row["id"].as_str().unwrap().to_owned(), split);
            assert!(other.is_none(), "{row} is in {split} and in {other:?}");
        }
    }
    splits
}

#[test]
fn split_keeps_every_record_of_a_table() {
    let folder = Folder::new();
    let table = desks(1000);
    folder.write("desks.csv", &table);
    let answer = folder.newsdesk(&["data", "split", "desks.csv", "-o", "out/desk", "--label-field", "desk"]).done();
    let shown = " label     train  validation  test
 city        400          50    50
 sport       360          45    45
 weather      40           5     5
 all rows    800         100   100
";
    assert_eq!(answer.out, shown);
    let answer = answer.says("wrote out/desk/train.csv").says("wrote out/desk/test.csv");
    assert_eq!(answer.starting("warning"), Vec::<&str>::new());
    let header = table.lines().next().unwrap();
    let mut records = Vec::new();
    for split in ["train", "validation", "test"] {
        let text = folder.text(&format!("out/desk/{split}.csv"));
        let body = text.strip_prefix(&format!("{header}\n")).unwrap_or_else(|| panic!("{text}"));
        // Each record takes two lines.
        let lines: Vec<&str> = body.lines().collect();
        records.extend(lines.chunks(2).map(|record| record.join("\n")));
    }
    let lines: Vec<&str> = table.lines().skip(1).collect();
    let mut expected: Vec<String> = lines.chunks(2).map(|record| record.join("\n")).collect();
    records.sort();
    expected.sort();
    assert_eq!(records, expected, "the records of the splits are not those of the table");

    let again = folder.newsdesk(&["data", "split", "desks.csv", "-o", "out/desk", "--label-field", "desk"]);
    again.refused("cannot write `out/desk/train.csv`: it already exists").hint("replace it with `--overwrite`");
    let check = "data check out/desk/train.csv --validation out/desk/validation.csv --test out/desk/test.csv --label-field desk";
    folder.run(check).done();
}

#[test]
fn the_split_of_a_text_depends_on_text_and_seed_only() {
    let folder = Folder::new();
    let row = |i: usize| {
        let label = ["a", "b"][i % 2];
        json!({"id": i.to_string(), "text": format!("Story {}", i % 180), "label": label, "n": 1.0})
    };
    let lines: Vec<String> = (0..200).map(|i| format!("{}\n", row(i))).collect();
    folder.write("all.jsonl", lines.concat());
    let backwards: Vec<String> = lines.iter().rev().cloned().collect();
    folder
        .write("b/1.jsonl.zst", zstd(backwards[..70].concat()))
        .write("b/2.jsonl.zst", zstd(backwards[70..].concat()));
    folder.run("data split all.jsonl -o one").done();
    folder.run("data split b -o two").done();
    let one = splits(&folder, "one", ".jsonl");
    assert_eq!(one, splits(&folder, "two", ".jsonl.zst"));
    for i in 180..200 {
        assert_eq!(one[&i.to_string()], one[&(i - 180).to_string()], "rows {i} and {} have the same text", i - 180);
    }
    assert!(folder.text("one/train.jsonl").contains("\"n\":1.0}"), "the number 1.0 was written in another way");
    let counts = folder.run("data split all.jsonl -o three --seed 1 --test 0 --validation 0.3 --json").done().json();
    assert_eq!(counts["files"], json!(["three/train.jsonl", "three/validation.jsonl"]));
    assert_eq!(counts["rows"], json!({"train": 140, "validation": 60}));
    assert_eq!(counts["labels"][0], json!({"label": "a", "rows": {"train": 70, "validation": 30}}));
    folder.assert_missing("three/test.jsonl");
    folder.newsdesk(&["data", "split", "all.jsonl", "-o", "four", "--seed", "2"]).done();
    assert_ne!(one, splits(&folder, "four", ".jsonl"));
}

#[test]
fn split_writes_rejects() {
    let folder = Folder::new();
    folder.write(
        "a.tsv",
        format!("id\ttext\tlabel\n{}9\t \tx\n", (0..9).map(|i| format!("{i}\tt{i}\tx\n")).collect::<String>()),
    );
    let split = ["data", "split", "a.tsv", "-o", "out", "--rejects", "bad.jsonl"];
    folder
        .newsdesk(&split)
        .rejected(&["`a.tsv`, row 10 (line 11): the text is blank"])
        .hint("add a text or a title to the row");
    assert_eq!(folder.rows("bad.jsonl")[0]["raw"], "9\t \tx");
    assert_eq!(splits(&folder, "out", ".tsv").len(), 9);
}

#[test]
fn invalid_splits_are_refused() {
    let folder = Folder::new();
    folder
        .write("a.csv", desks(20))
        .write("b.jsonl", articles(["x"]))
        .write("c.txt", "Goal!")
        .write("d.csv", "text\nx\n");
    let refused = |arguments: &[&str], error: &str, hint: &str| {
        folder.newsdesk(&[&["data", "split", "-o", "out"], arguments].concat()).refused(error).hint(hint);
        assert!(!folder.path("out").exists(), "{arguments:?} wrote something");
    };
    refused(&["a.csv", "--test", "1"], "cannot split with the shares 0.1 and 1", "fractions of 1");
    refused(&["a.csv", "--test", "-0.1"], "cannot split with the shares 0.1 and -0.1", "fractions of 1");
    refused(&["a.csv", "--test", "0", "--validation", "0"], "cannot split with the shares 0 and 0", "fractions of 1");
    refused(&["a.csv", "--test", "nan"], "cannot split with the shares 0.1 and NaN", "fractions of 1");
    refused(&["-"], "cannot split standard input", "write the rows to a file first");
    refused(&["c.txt"], "cannot split `c.txt`: a plain text file is one article", "JSON Lines, CSV, TSV");
    refused(
        &["a.csv", "b.jsonl"],
        "cannot split `a.csv` and `b.jsonl` together: one is CSV, the other JSON Lines",
        "data convert",
    );
    refused(&["d.csv"], "cannot find a labelled article in `d.csv`", "the columns are `text`");
    refused(&["missing.csv"], "cannot find `missing.csv`", "give a file");
    let cut = gzip(desks(4000));
    folder.write("cut.csv.gz", &cut[..cut.len() / 2]);
    refused(&["cut.csv.gz", "--label-field", "desk"], "cannot read `cut.csv.gz` after row", "download the file again");
    let rejects = ["a.csv", "--label-field", "desk", "--rejects", "out/train.csv"];
    refused(&rejects, "cannot write `out/train.csv`: rejects and a split would go to the same file", "--rejects");
    let into_file = folder.newsdesk(&["data", "split", "a.csv", "-o", "c.txt"]);
    into_file.refused("cannot write the splits: `c.txt` is a file").hint("give a folder");
}

#[test]
fn split_warns_of_empty_splits() {
    let folder = Folder::new();
    folder.write("a.csv", "text,label\none,x\nTWO,x\ntwo,x\n");
    let answer = folder.newsdesk(&["data", "split", "a.csv", "-o", "out"]).done();
    assert_eq!(folder.text("out/validation.csv"), "text,label\n");
    assert_eq!(folder.entries("out"), ["test.csv", "train.csv", "validation.csv"]);
    assert_eq!(
        answer.starting("warning"),
        ["warning: the split validation has no rows: there are too few texts for each label"],
        "{answer}"
    );
}

#[test]
fn identifiers_as_labels_are_reported() {
    let folder = Folder::new();
    folder.write("a.csv", desks(60));
    let split = folder.run("data split a.csv --label-field id -o out");
    split.refused("each of the 60 rows has a label of its own").hint("`--label-field`");
    folder.assert_missing("out");
    let check = folder.run("data check a.csv --label-field id");
    assert_eq!(check.code, Some(1));
    assert!(check.out.contains("warning: 60 labels on 60 labelled rows: the label column may hold"), "{check}");
}

#[test]
fn long_texts_under_several_titles_stay_together_and_are_found_in_two_splits() {
    let folder = Folder::new();
    let row = |i: usize| {
        format!("{{\"title\":\"t {i}\",\"text\":\"{}\",\"label\":\"x\"}}\n", format!("w{} ", i / 3).repeat(99))
    };
    folder.write("a.jsonl", (0..300).map(row).collect::<String>());
    folder.run("data split a.jsonl -o out").done();
    let check = |one: &str| folder.newsdesk(&["data", "check", one, "--test", "out/test.jsonl"]);
    let clean = check("out/train.jsonl");
    assert!(!clean.out.contains("under another title"), "{clean}");
    folder.write("b.jsonl", folder.text("out/test.jsonl").replace("\"t ", "\"other "));
    let leaked = check("b.jsonl");
    assert!(leaked.out.contains("of test have the text of a row of train under another title"), "{leaked}");
}

#[test]
fn convert_keeps_columns_and_values() {
    let folder = Folder::new();
    folder.write("a.csv", "id,text,note\n1,\"Goal, \"\"late\"\"\",\n2,\"two\nlines\",Zürich\n");
    let convert = |from: &str, to: &str| folder.newsdesk(&["data", "convert", from, "-o", to]).done();
    assert_eq!(convert("a.csv", "a.jsonl.zst").out, "");
    let lines = unzstd(&folder.bytes("a.jsonl.zst"));
    assert_eq!(rows(&lines)[0], json!({"id": "1", "text": "Goal, \"late\"", "note": ""}));
    convert("a.jsonl.zst", "b.tsv.gz");
    let tsv = gunzip(&folder.bytes("b.tsv.gz"));
    assert!(tsv.starts_with("id\ttext\tnote\n1\t\"Goal, \"\"late\"\"\"\t\n"), "{tsv}");
    convert("b.tsv.gz", "b.csv");
    assert_eq!(folder.text("b.csv"), folder.text("a.csv"));
    folder.write("texts/a.txt", "Goal!\n").write("texts/b.txt", "Rain.");
    convert("texts", "texts.csv");
    assert_eq!(folder.text("texts.csv"), "file,text\ntexts/a.txt,\"Goal!\n\"\ntexts/b.txt,Rain.\n");
    let piped = ["data", "convert", "-", "-o", "-", "--output-format", "jsonl"];
    let piped = folder.newsdesk_reading("{\"text\":\"Goal!\",\"n\":1.50}\n", &piped).done();
    assert_eq!(piped.out, "{\"text\":\"Goal!\",\"n\":1.50}\n");
}

#[test]
fn a_converted_table_has_the_columns_of_all_inputs() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"text\":\"a\",\"x\":1}\n{\"y\":[1, 2],\"text\":\"b\"}\n{\"text\":\"c\",\"x\":null}\n");
    folder.write("b.csv", "z,text\n5,d\n");
    folder.newsdesk(&["data", "convert", "a.jsonl", "b.csv", "-o", "c.csv"]).done();
    assert_eq!(folder.text("c.csv"), "text,x,y,z\na,1,,\nb,,\"[1, 2]\",\nc,,,\nd,,,5\n");
    // Standard input can be read only once, so that the first row determines the columns.
    let piped = ["data", "convert", "-", "-o", "d.csv"];
    let answer = folder.newsdesk_reading(folder.bytes("a.jsonl"), &piped);
    answer.rejected(&["line 2: the column `y` is not in the header"]).says("rows converted: 2, rows rejected: 1");
}

#[test]
fn rows_without_a_text_are_converted() {
    let folder = Folder::new();
    folder
        .write("a.csv", "Nr;Überschrift;text\n1;;\n2;Goal;\n")
        .write("b.csv", "Nr;Überschrift\n1;Goal, late\n2;\n")
        .write("c.jsonl", "{\"id\":1}\n{\"id\":2,\"text\":7,\"title\":[]}\n{\"id\":3,\"text\":\"\"}\n");
    let convert = |from: &str, to: &str| folder.newsdesk(&["data", "convert", from, "-o", to]).done();
    convert("a.csv", "a.jsonl").says("wrote a.jsonl: 2 rows");
    assert_eq!(folder.rows("a.jsonl")[0], json!({"Nr": "1", "Überschrift": "", "text": ""}));
    for back in ["b.tsv", "b.jsonl", "b.parquet"] {
        convert("b.csv", back);
        let lines = folder.newsdesk(&["data", "convert", back, "-o", "-", "--to", "jsonl"]).done().rows();
        assert_eq!(column(&lines, "Überschrift"), ["Goal, late", ""], "{back}");
    }
    convert("c.jsonl", "d.jsonl");
    assert_eq!(folder.text("d.jsonl"), folder.text("c.jsonl"));
    convert("c.jsonl", "d.csv");
    assert_eq!(folder.text("d.csv"), "id,text,title\n1,,\n2,7,[]\n3,,\n");
    // A named column must exist.
    let named = ["data", "convert", "a.csv", "-o", "e.csv", "--text-field", "body"];
    folder.newsdesk(&named).refused("cannot find the column `body`").hint("`Nr`, `Überschrift`, `text`");
}

#[test]
fn tables_are_written_with_a_byte_order_mark_and_another_delimiter_if_asked() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"text\":\"Tor; spät\",\"n\":1}\n").write("a.csv", "text,n\r\nTor,1\r\n");
    let convert = |more: &[&str]| folder.newsdesk(&[&["data", "convert"], more].concat());
    convert(&["a.jsonl", "-o", "b.csv", "--bom", "--delimiter", ";"]).done();
    assert_eq!(folder.text("b.csv"), "\u{feff}text;n\n\"Tor; spät\";1\n");
    convert(&["a.csv", "-o", "c.csv", "--bom"]).done();
    assert_eq!(folder.text("c.csv"), "\u{feff}text,n\r\nTor,1\r\n");
    convert(&["a.csv", "-o", "d.csv", "--delimiter", ";"]).done();
    assert_eq!(folder.text("d.csv"), "text;n\nTor;1\n");
    // A mark of the input is not doubled.
    convert(&["b.csv", "-o", "e.tsv", "--bom"]).done();
    assert_eq!(folder.text("e.tsv"), "\u{feff}text\tn\nTor; spät\t1\n");
    convert(&["a.csv", "-o", "f.jsonl", "--bom"]).refused("cannot apply `--bom`").hint("write CSV or TSV");
    convert(&["a.csv", "-o", "f.tsv", "--delimiter", ";"]).refused("cannot apply `--delimiter`").hint("write CSV");
    convert(&["a.csv", "-o", "f.csv", "--delimiter", "x"]).refused("use `,`, `;` or `|`");
}

#[test]
fn invalid_conversions_are_refused_and_rejects_are_written() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"text\":\"a\"}\n[5]\n{\"text\":\n");
    let answer = folder.newsdesk(&["data", "convert", "a.jsonl", "-o", "b.csv", "--rejects", "bad.jsonl"]);
    let answer = answer.rejected(&["`a.jsonl`, line 2", "`a.jsonl`, line 3: the line is not valid JSON"]);
    answer.says("wrote b.csv: 1 row\nwrote bad.jsonl: 2 rejected rows\n");
    assert_eq!(column(&folder.rows("bad.jsonl"), "raw"), ["[5]", "{\"text\":"]);
    assert_eq!(folder.text("b.csv"), "text\na\n");

    let refused = |arguments: &[&str], error: &str, hint: &str| {
        folder.newsdesk(&[&["data", "convert"], arguments].concat()).refused(error).hint(hint);
    };
    refused(&["a.jsonl", "-o", "a.jsonl"], "cannot write `a.jsonl`: it is one of the inputs", "another file");
    refused(&["a.jsonl", "-o", "a.txt"], "cannot write rows to `a.txt`: plain text has no columns", ".jsonl, .csv");
    refused(&["a.jsonl", "-o", "a.html"], "cannot write rows to `a.html`: HTML has no columns", ".jsonl, .csv");
    refused(&["a.jsonl", "-o", "a.xlsx"], "cannot write `a.xlsx`: Excel can only be read", "--output-format");
    refused(&["a.jsonl", "-o", "-"], "cannot choose a format for `-`", "--output-format");
    refused(&["b.csv", "-o", "c.jsonl", "--text-field", "body"], "cannot find the column `body`", "`text`");
    folder.assert_missing("c.jsonl");
    refused(&["missing.csv", "-o", "c.jsonl"], "cannot find `missing.csv`", "give a file");
}

#[test]
fn split_ends_with_the_command_that_checks_the_splits() {
    let folder = Folder::new();
    folder.write("a.csv", desks(400));
    let answer = folder.newsdesk(&["data", "split", "a.csv", "--label-field", "desk", "-o", "my parts"]).done();
    let next = "next: newsdesk data check 'my parts/train.csv' --validation 'my parts/validation.csv' \
                --test 'my parts/test.csv' --label-field desk";
    assert_eq!(answer.starting("next:"), [next]);
    assert_eq!(answer.starting("wrote my parts/train.csv: "), ["wrote my parts/train.csv: 320 rows"]);
}
