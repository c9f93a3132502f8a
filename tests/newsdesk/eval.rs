//! `newsdesk eval`: figures that can be recomputed from what `classify` answers.

use crate::support::weights::Weights;
use crate::support::{Answer, Folder, LABELS, MOODS, TINY, column, texts};
use serde_json::{Value, json};

/// Articles with labels that the tiny model gets right now and then.
fn labelled(rows: usize) -> String {
    let row = |(i, text): (usize, String)| format!("{}\n", json!({"text": text, "label": LABELS[i % 4 % 3]}));
    texts(rows).into_iter().enumerate().map(row).collect()
}

/// What `eval --json` reports about one head of one set.
#[track_caller]
fn report(answer: &Answer, set: usize, head: usize) -> Value {
    let reports: Value = serde_json::from_str(&answer.out).unwrap();
    reports[set]["heads"][head]["report"].clone()
}

#[track_caller]
fn assert_near(value: &Value, expected: f64) {
    assert!((value.as_f64().unwrap() - expected).abs() < 1e-9, "{value} is not {expected}");
}

#[test]
fn figures_are_those_of_the_answers() {
    let folder = Folder::new();
    folder.write("set.jsonl", labelled(60));
    let rows = folder.classify(&["set.jsonl", "--prefix", "model_"]).done().rows();
    let (right, given) = (column(&rows, "label"), column(&rows, "model_label"));
    let correct = right.iter().zip(&given).filter(|(right, given)| right == given).count();
    assert!((5..55).contains(&correct), "{correct} right answers of 60 test nothing");

    let answer = folder.newsdesk(&["eval", TINY, "--data", "set.jsonl", "--json"]).done();
    let all: Value = serde_json::from_str(&answer.out).unwrap();
    let set = [&all[0]["set"], &all[0]["articles"], &all[0]["rejected"], &all[0]["heads"][0]["head"]];
    assert_eq!(set, [&json!("set.jsonl"), &json!(60), &json!(0), &json!("label")]);
    let report = report(&answer, 0, 0);
    assert_eq!([&report["cases"], &report["correct"]], [&json!(60), &json!(correct)]);
    assert_near(&report["accuracy"], correct as f64 / 60.0);
    let (mut f1s, mut recalls) = (Vec::new(), Vec::new());
    for (label, figures) in LABELS.iter().zip(report["per_label"].as_array().unwrap()) {
        let count = |labels: &[&str]| labels.iter().filter(|l| *l == label).count() as f64;
        let hits = right.iter().zip(&given).filter(|(right, given)| right == given && *right == label).count() as f64;
        let (support, predicted) = (count(&right), count(&given));
        assert_eq!((figures["label"].as_str(), figures["support"].as_f64()), (Some(*label), Some(support)));
        assert_near(&figures["precision"], if predicted > 0.0 { hits / predicted } else { 0.0 });
        assert_near(&figures["recall"], if support > 0.0 { hits / support } else { 0.0 });
        assert_near(&figures["f1"], if hits > 0.0 { 2.0 * hits / (support + predicted) } else { 0.0 });
        assert_eq!(figures["predicted"].as_f64(), Some(predicted));
        if support + predicted > 0.0 {
            f1s.push(figures["f1"].as_f64().unwrap());
        }
        if support > 0.0 {
            recalls.push(figures["recall"].as_f64().unwrap());
        }
    }
    assert!(recalls.len() == 3 && f1s.len() > 3, "no label is only predicted, which tests nothing");
    assert_near(&report["macro_f1"], f1s.iter().sum::<f64>() / f1s.len() as f64);
    assert_near(&report["macro_recall"], recalls.iter().sum::<f64>() / 3.0);
    assert_eq!((&report["micro_f1"], &report["labels_are_sources"]), (&Value::Null, &json!(false)));
}

#[test]
fn a_table_for_people() {
    let folder = Folder::new();
    folder.write(
        "set.csv",
        "category,text\nArts,Goal!\nSCIENCE,OIL PRICES FALL AGAIN\nsport,Goal!\n,not labelled\n ,nor this\n",
    );
    let answer = folder.newsdesk(&["eval", TINY, "--data", "set.csv"]).done();
    assert_eq!(answer.err, "");
    insta::assert_snapshot!(answer.out, @r"
    set.csv, all: 3 articles, 2 rows without a label left out

    label: accuracy 0.6667 (0.2077 to 0.9385), macro-F1 0.5556 (0.0000 to 1.0000)
      macro recall 0.6667, weighted F1 0.5556, MCC 0.6124, top 3 1.0000
      ECE 0.3109, Brier 0.6236, NLL 2.5045

     label    articles  precision  recall     F1
     arts            1      0.500   1.000  0.667
     science         1      1.000   1.000  1.000
     sport           1      0.000   0.000  0.000
    ");
}

#[test]
fn windows_are_limited_as_in_classify() {
    let folder = Folder::new();
    folder.write("set.jsonl", labelled(100));
    let figures = |flags: &[&str]| {
        let answer = folder.newsdesk(&[&["eval", TINY, "--data", "set.jsonl", "--json"], flags].concat()).done();
        report(&answer, 0, 0)["correct"].as_u64().unwrap() as usize
    };
    let correct = |flags: &[&str]| {
        let rows = folder.classify(&[&["set.jsonl", "--prefix", "m_"], flags].concat()).done().rows();
        rows.iter().filter(|row| row["label"] == row["m_label"]).count()
    };
    assert_eq!(figures(&["--windows", "1"]), correct(&["--windows", "1"]));
    assert_eq!(figures(&[]), correct(&[]));
    assert_eq!(figures(&["--threads", "1"]), correct(&["--threads", "2"]));
}

#[test]
fn bad_rows_are_told_and_counted() {
    let folder = Folder::new();
    folder.write("set.csv", b"text,label\nGoal!,arts\n,arts\n\xff,arts\nOil,sport\n");
    let arguments = ["eval", TINY, "--data", "set.csv", "--json"];
    let answer = folder.newsdesk(&arguments);
    assert_eq!(answer.code, Some(1), "{answer}");
    let answer = answer.says("`set.csv`, row 2 (line 3): the text is blank").says("row 3 (line 4): byte 0 of the row");
    let all: Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!([&all[0]["articles"], &all[0]["rejected"]], [2, 2]);
    let quiet = folder.newsdesk(&[&arguments[..], &["--quiet"]].concat());
    assert_eq!((quiet.code, quiet.err.as_str(), quiet.out.as_str()), (Some(1), "", answer.out.as_str()));
}

#[test]
fn labels_heads_and_columns_that_are_not_there() {
    let folder = Folder::new();
    folder.write("set.csv", "text,label,desk\nGoal!,arts,a\nOil,weather,b\n").write("empty.csv", "text,label\n");
    let refused = |flags: &[&str], error: &str, hint: &str| {
        let answer = folder.newsdesk(&[&["eval", TINY, "--data"], flags].concat()).refused(error).hint(hint);
        assert_eq!(answer.out, "");
    };
    refused(&["set.csv"], "the label `weather` of `set.csv`, row 2 (line 3): it is not in", "`arts`");
    refused(&["set.csv", "--head", "topic"], "Failed to find head `topic` in the model", "its heads are label");
    let column = ["set.csv", "--label-field", "section"];
    refused(
        &column,
        "a labelled article in `set.csv`",
        "the label column `section` is missing; its columns are `text`",
    );
    refused(&["empty.csv"], "Failed to find a labelled article in `empty.csv`", "the file has no rows");
    refused(&["no.csv"], "Failed to find `no.csv`", "give a file");
    refused(&["ag-nws"], "Failed to find the set `ag-nws`: there is no recipe and no file", "recipes are ag-news, bbc");
    let split_file = "/ag-news/test.jsonl.zst`, the split `test` of `ag-news`";
    refused(&["ag-news"], split_file, "--data-root names the folder that holds all sets");
    refused(
        &["ag-news", "--split", "dev"],
        "the split `dev` of `ag-news`",
        "its splits are `test`, `train`, `validation`",
    );
}

/// A model whose only head is `sentiment`, and a set with labels of its own.
fn moods() -> Folder {
    let folder = Folder::new();
    let mut weights = Weights::open(&folder.copy_tiny("m"));
    weights.copy_rows("classifier.weight", "heads.sentiment.weight", 3);
    weights.copy_rows("classifier.bias", "heads.sentiment.bias", 3).save();
    let labels = r#"label = [{ name = "negative" }, { name = "neutral" }, { name = "positive" }]"#;
    let head = format!("[[head]]\nname = \"sentiment\"\nactivation = \"softmax\"\n{labels}\n");
    let window = "[window]\nlength = 64\nstride = 48\n";
    folder.write("m/newsdesk.toml", format!("version = 1\nname = \"moods\"\npooling = \"pooler\"\n{window}{head}"));
    let mood = |i: usize| ["good", "mixed", "other", "mixed"][i % 4];
    let rows =
        texts(40).into_iter().enumerate().map(|(i, text)| format!("{}\n", json!({"text": text, "mood": mood(i)})));
    folder.write("sets/moods-of-may/rows.jsonl", rows.collect::<String>()).write("moods.toml", MOODS);
    folder
}

#[test]
fn a_recipes_labels_stand_for_sets_of_the_models() {
    let folder = moods();
    let rows = folder.newsdesk(&["classify", "--model", "m", "sets/moods-of-may"]).done().rows();
    let answers: Vec<(&str, &str)> = column(&rows, "mood").into_iter().zip(column(&rows, "sentiment")).collect();
    let count = |is: &dyn Fn(&(&str, &str)) -> bool| answers.iter().filter(|answer| is(answer)).count();
    let good = count(&|answer| *answer == ("good", "positive"));
    let mixed = count(&|(mood, given)| *mood == "mixed" && *given != "positive");
    assert!(good < 10 && mixed > 0, "{answers:?}");

    let evaluation = ["eval", "m", "--data", "moods.toml", "--data-root", "sets", "--json"];
    let answer = folder.newsdesk(&evaluation).done();
    let report = report(&answer, 0, 0);
    assert_eq!([&report["cases"], &report["correct"]], [&json!(30), &json!(good + mixed)]);
    assert_eq!(report["labels_are_sources"], true);
    let labels = report["per_label"].as_array().unwrap();
    assert_eq!(column(labels, "label"), ["good", "mixed", "other"]);
    assert_eq!([&labels[0]["support"], &labels[1]["support"], &labels[2]["support"]], [10, 20, 0]);
    assert_near(&labels[1]["recall"], mixed as f64 / 20.0);
    let table = folder.newsdesk(&evaluation[..6]).done().out;
    assert!(table.contains("figures below in the set's labels") && table.contains(" mixed "), "{table}");
}

#[test]
fn recipes_that_cannot_be_used() {
    let folder = moods();
    let eval = |recipe: String| {
        folder.write("moods.toml", recipe);
        folder.newsdesk(&["eval", "m", "--data", "moods.toml", "--data-root", "sets"])
    };
    eval(MOODS.into()).done();
    let unknown = eval(MOODS.replace("licence", "license")).refused("Failed to read `moods.toml`");
    unknown.says("line 4").says("unknown field `license`, expected one of `name`, `title`");
    eval(MOODS.replace("folder = \"moods-of-may\"\n", "")).refused("`moods.toml`").says("missing field `folder`");
    eval(MOODS.replace("test =", "dev =")).refused("the split `test` of `moods`").hint("its splits are `dev`");
    let elsewhere = eval(MOODS.replace("moods-of-may", "june")).refused("`sets/june/rows.jsonl`, the split `test`");
    elsewhere.hint("the set comes from written for this test; --data-root names");
    eval(MOODS.replace("\"sentiment\"", "\"moods\"")).refused("the label set `moods` of the head `sentiment`");
    let label = eval(MOODS.replace("\"neutral\"", "\"netral\"")).refused("no label is called `netral`");
    label.hint("known labels: `neutral`");
    let mapless = eval(MOODS.replace("mixed =", "glad ="));
    mapless
        .refused("the label `mixed` of `sets/moods-of-may/rows.jsonl`, line 2")
        .hint("add `mixed` to [heads.sentiment.map]");
    let head = eval(MOODS.replace("heads.sentiment", "heads.tone")).refused("the model has no head `tone`");
    head.hint("its heads are sentiment");
    let field = eval(MOODS.replace("field = \"mood\"", "field = \"tone\""));
    assert!(field.code != Some(0) && field.err.contains("`tone` is missing"), "{field}");
    folder.newsdesk(&["eval", "m", "--data", "no.toml"]).refused("Failed to read the recipe `no.toml`");
}

#[test]
fn recipe_errors_have_a_hint() {
    let folder = moods();
    folder.newsdesk(&["eval", "m", "--data", "no.toml"]).refused("`no.toml`").hint("");
    folder.write("moods.toml", MOODS.replace("licence", "license"));
    folder.newsdesk(&["eval", "m", "--data", "moods.toml"]).refused("`moods.toml`").hint("");
    folder.write("moods.toml", MOODS.replace("\"sentiment\"", "\"moods\""));
    folder.newsdesk(&["eval", "m", "--data", "moods.toml"]).refused("`moods`").hint("sentiment");
}

#[test]
fn several_sets_one_report_each() {
    let folder = moods();
    folder.write("a.csv", "text,sentiment\nGoal!,negative\n");
    let arguments = ["eval", "m", "--data", "a.csv", "moods.toml", "--data-root", "sets", "--json"];
    let answer = folder.newsdesk(&arguments).done();
    let all: Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!(column(all.as_array().unwrap(), "set"), ["a.csv", "moods"]);
    assert_eq!([&report(&answer, 0, 0)["cases"], &report(&answer, 1, 0)["cases"]], [1, 30]);
}

#[test]
fn several_labels_a_row_are_no_test_of_a_head_that_gives_one() {
    let folder = Folder::new();
    folder.write("rows.csv", "text,label\nGoal!,sport|world\n");
    let arguments = ["eval", crate::support::TINY, "--data", "rows.csv", "--label-separator", "|"];
    let answer = folder.newsdesk(&arguments).refused("several labels a row for head `label`, which gives one label");
    answer.hint("`--label-separator` are for multi-label heads");
}

#[test]
fn figures_come_with_intervals_and_by_column() {
    let folder = Folder::new();
    let row = |(i, text): (usize, String)| {
        let source = ["wire", "desk"][i % 2];
        format!("{}\n", json!({"text": text, "label": LABELS[i % 4 % 3], "source": source}))
    };
    folder.write("set.jsonl", texts(60).into_iter().enumerate().map(row).collect::<String>());
    let eval = ["eval", TINY, "--data", "set.jsonl", "--by", "source", "--by", "length", "--json"];
    let found: Value = serde_json::from_str(&folder.newsdesk(&eval).done().out).unwrap();
    let head = &found[0]["heads"][0];
    let accuracy = head["report"]["accuracy"].as_f64().unwrap();
    let [low, high] = ["low", "high"].map(|end| head["intervals"]["accuracy"][end].as_f64().unwrap());
    assert!(low < accuracy && accuracy < high && high - low < 0.4, "{low} {accuracy} {high}");
    let top = head["top_k"].as_array().unwrap();
    assert_eq!(top.len(), 3);
    assert!(top[0].as_f64() < top[1].as_f64() && top[1].as_f64() < top[2].as_f64(), "{top:?}");
    assert_near(&top[0], accuracy);
    let confusion = head["report"]["confusion"]["counts"].as_array().unwrap();
    let on_diagonal: u64 = confusion.iter().enumerate().map(|(i, row)| row[i].as_u64().unwrap()).sum();
    assert_eq!(json!(on_diagonal), head["report"]["correct"]);

    let slices = head["slices"].as_array().unwrap();
    let of = |column: &str| slices.iter().filter(|slice| slice["column"] == json!(column)).collect::<Vec<_>>();
    for column in ["source", "length"] {
        let articles: u64 = of(column).iter().map(|slice| slice["articles"].as_u64().unwrap()).sum();
        assert_eq!(articles, 60, "{column}");
        let right: f64 = of(column)
            .iter()
            .map(|slice| slice["articles"].as_f64().unwrap() * slice["accuracy"].as_f64().unwrap())
            .sum();
        assert_near(&json!(right / 60.0), accuracy);
    }
    assert_eq!(of("source").len(), 2);
    folder
        .newsdesk(&["eval", TINY, "--data", "set.jsonl", "--by", "language"])
        .refused("Failed to find the column `language` in `set.jsonl`")
        .hint("its columns are `text`, `label`, `source`; `length` is the number of words");
    folder
        .newsdesk_reading(folder.text("set.jsonl"), &["eval", TINY, "--data", "-", "--by", "source"])
        .refused("read twice");
}

#[test]
fn wrong_answers_are_written_the_most_confident_ones_first() {
    let folder = Folder::new();
    folder.write("set.jsonl", labelled(60) + "{\"text\":\"\"}\n");
    let eval = ["eval", TINY, "--data", "set.jsonl", "--errors", "wrong.csv", "--json", "--quiet"];
    let answer = folder.newsdesk(&eval);
    let figures = report(&answer, 0, 0);
    let wrong = 60 - figures["correct"].as_u64().unwrap() as usize;
    let text = folder.text("wrong.csv");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("text,label,eval_set,eval_head,eval_right,eval_answer,eval_score,eval_right_score"));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.rsplitn(7, ',').collect()).collect();
    assert_eq!(rows.len(), wrong);
    let scores: Vec<f64> = rows.iter().map(|row| row[1].parse().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    for row in &rows {
        // From the right: right score, score, answer, right, head, set.
        assert!(row[2] != row[3] && row[4] == "label" && row[5] == "set.jsonl", "{row:?}");
        assert!(row[0].parse::<f64>().unwrap() <= row[1].parse::<f64>().unwrap(), "{row:?}");
    }
    folder.newsdesk(&["eval", TINY, "--data", "set.jsonl", "--errors", "wrong.html"]).refused("wrong.html");
}

#[test]
fn a_page_stands_alone() {
    let folder = Folder::new();
    folder.write("set.jsonl", labelled(60));
    folder.newsdesk(&["eval", TINY, "--data", "set.jsonl", "--by", "length", "--report", "page.html"]).done();
    let page = folder.text("page.html");
    assert!(page.starts_with("<!doctype html>") && !page.contains("<script") && !page.contains("src="));
    let charts = page.matches("<svg role=\"img\"").count();
    assert_eq!((charts, page.matches("<figure>").count()), (5, 5));
    for label in LABELS {
        assert!(page.contains(label), "{label}");
    }
    folder
        .newsdesk(&["eval", TINY, "--data", "set.jsonl", "--report", "no/such/page.html"])
        .refused("Failed to write `no/such/page.html`");
}

/// However a text is escaped, it is one value; what is empty, null or missing is another one.
#[test]
fn values_of_a_column_are_what_they_say() {
    let folder = Folder::new();
    let all = texts(12);
    let row = |(i, text): (usize, &String)| {
        let source =
            [r#","s":"caf\u00e9""#, r#","s":"café""#, r#","s":null"#, r#","s":"""#, "", r#","s":" café ""#][i % 6];
        format!("{{\"text\":{},\"label\":\"arts\"{source}}}\n", json!(text))
    };
    folder.write("set.jsonl", all.iter().enumerate().map(row).collect::<String>());
    let eval = ["eval", TINY, "--data", "set.jsonl", "--by", "s", "--by", "s", "--json"];
    let found: Value = serde_json::from_str(&folder.newsdesk(&eval).done().out).unwrap();
    let slices = found[0]["heads"][0]["slices"].as_array().unwrap();
    let values: Vec<(&str, u64)> =
        slices.iter().map(|of| (of["value"].as_str().unwrap(), of["articles"].as_u64().unwrap())).collect();
    assert_eq!(values, [("", 6), ("café", 6)]);
}
