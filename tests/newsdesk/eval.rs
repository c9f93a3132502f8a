//! `newsdesk eval`: its metrics are recomputed from the output of `classify`.

use crate::support::weights::Weights;
use crate::support::{Answer, Folder, LABELS, MOODS, TINY, column, json_lines, texts};
use serde_json::{Value, json};

/// Returns articles with labels, some of which the tiny model predicts.
fn labelled(rows: usize) -> String {
    let rows = texts(rows).into_iter().enumerate();
    json_lines(rows.map(|(i, text)| json!({"text": text, "label": LABELS[i % 4 % 3]})))
}

/// Returns the report of `eval --json` on the first head of a data set.
#[track_caller]
fn report(answer: &Answer, data_set: usize) -> Value {
    answer.json()[data_set]["heads"][0]["report"].clone()
}

#[track_caller]
fn assert_near(value: &Value, expected: f64) {
    assert!((value.as_f64().unwrap() - expected).abs() < 1e-9, "expected {expected}, found {value}");
}

#[test]
fn metrics_equal_those_of_the_predictions() {
    let folder = Folder::new();
    folder.write("set.jsonl", labelled(60));
    let rows = folder.classify(&["set.jsonl", "--prefix", "model_"]).done().rows();
    let (gold, predictions) = (column(&rows, "label"), column(&rows, "model_label"));
    let correct = gold.iter().zip(&predictions).filter(|(gold, prediction)| gold == prediction).count();
    assert!((5..55).contains(&correct), "expected 5 to 54 correct predictions of 60, found {correct}");

    let answer = folder.newsdesk(&["eval", TINY, "--data", "set.jsonl", "--json"]).done();
    let all = answer.json();
    let set = [&all[0]["set"], &all[0]["articles"], &all[0]["rejected"], &all[0]["heads"][0]["head"]];
    assert_eq!(set, [&json!("set.jsonl"), &json!(60), &json!(0), &json!("label")]);
    let report = report(&answer, 0);
    assert_eq!([&report["cases"], &report["correct"]], [&json!(60), &json!(correct)]);
    assert_near(&report["accuracy"], correct as f64 / 60.0);
    let (mut f1s, mut recalls) = (Vec::new(), Vec::new());
    for (label, metrics) in LABELS.iter().zip(report["per_label"].as_array().unwrap()) {
        let count = |labels: &[&str]| labels.iter().filter(|l| *l == label).count() as f64;
        let hits = gold.iter().zip(&predictions).filter(|(gold, prediction)| gold == prediction && *gold == label);
        let (hits, support, predicted) = (hits.count() as f64, count(&gold), count(&predictions));
        assert_eq!((metrics["label"].as_str(), metrics["support"].as_f64()), (Some(*label), Some(support)));
        assert_near(&metrics["precision"], if predicted > 0.0 { hits / predicted } else { 0.0 });
        assert_near(&metrics["recall"], if support > 0.0 { hits / support } else { 0.0 });
        assert_near(&metrics["f1"], if hits > 0.0 { 2.0 * hits / (support + predicted) } else { 0.0 });
        assert_eq!(metrics["predicted"].as_f64(), Some(predicted));
        if support + predicted > 0.0 {
            f1s.push(metrics["f1"].as_f64().unwrap());
        }
        if support > 0.0 {
            recalls.push(metrics["recall"].as_f64().unwrap());
        }
    }
    assert!(recalls.len() == 3 && f1s.len() > 3, "expected 3 gold labels and more that are predicted: {report}");
    assert_near(&report["macro_f1"], f1s.iter().sum::<f64>() / f1s.len() as f64);
    assert_near(&report["macro_recall"], recalls.iter().sum::<f64>() / 3.0);
    assert_eq!((&report["micro_f1"], &report["uses_data_set_labels"]), (&Value::Null, &json!(false)));
}

#[test]
fn the_table_shows_the_metrics() {
    let folder = Folder::new();
    folder.write(
        "set.csv",
        "category,text\nArts,Goal!\nSCIENCE,OIL PRICES FALL AGAIN\nsport,Goal!\n,not labelled\n ,nor this\n",
    );
    let answer = folder.newsdesk(&["eval", TINY, "--data", "set.csv"]).done();
    assert_eq!(answer.err, "");
    insta::assert_snapshot!(answer.out, @r"
    set.csv, all: 3 articles, 2 unlabelled rows skipped

    label: accuracy 0.6667 (95 % CI 0.2077 to 0.9385), macro-F1 0.5556 (95 % CI 0.0000 to 1.0000)
      macro recall 0.6667, weighted F1 0.5556, MCC 0.6124, top-3 accuracy 1.0000
      ECE 0.3109, Brier 0.6236, NLL 2.5045 (lower is better)

     label    articles  precision  recall     F1
     arts            1      0.500   1.000  0.667
     science         1      1.000   1.000  1.000
     sport           1      0.000   0.000  0.000

    no articles with the gold label: business; world

    confusion matrix, in articles: gold labels in rows, predictions in columns

              arts  science  sport
     arts        1        ·      ·
     science     ·        1      ·
     sport       1        ·      ·
    ");
}

#[test]
fn articles_of_one_label_are_reported() {
    let folder = Folder::new();
    folder.write("one.csv", "text,label\nGoal!,arts\nOil,arts\n");
    folder
        .run("eval TINY --data one.csv")
        .done()
        .says("warning: all articles of one.csv have the label `arts` for head `label`: the metrics say nothing about");
    assert_eq!(folder.run("eval TINY --data one.csv --quiet").done().err, "");
}

#[test]
fn correct_predictions_equal_those_of_classify_with_the_same_options() {
    let folder = Folder::new();
    folder.write("set.jsonl", labelled(100));
    let eval = |flags: &[&str]| {
        let answer = folder.newsdesk(&[&["eval", TINY, "--data", "set.jsonl", "--json"], flags].concat()).done();
        report(&answer, 0)["correct"].as_u64().unwrap() as usize
    };
    let classify = |flags: &[&str]| {
        let rows = folder.classify(&[&["set.jsonl", "--prefix", "m_"], flags].concat()).done().rows();
        rows.iter().filter(|row| row["label"] == row["m_label"]).count()
    };
    assert_eq!(eval(&["--max-windows", "1"]), classify(&["--max-windows", "1"]));
    assert_eq!(eval(&[]), classify(&[]));
    assert_eq!(eval(&["--threads", "1"]), classify(&["--threads", "2"]));
}

#[test]
fn invalid_rows_are_reported_and_counted() {
    let folder = Folder::new();
    folder.write("set.csv", b"text,label\nGoal!,arts\n,arts\n\xff,arts\nOil,sport\n");
    let arguments = ["eval", TINY, "--data", "set.csv", "--json"];
    let answer = folder.newsdesk(&arguments);
    assert_eq!(answer.code, Some(1), "{answer}");
    let answer = answer.says("`set.csv`, row 2 (line 3): the text is blank").says("row 3 (line 4): byte 0 of the row");
    let all = answer.json();
    assert_eq!([&all[0]["articles"], &all[0]["rejected"]], [2, 2]);
    let quiet = folder.newsdesk(&[&arguments[..], &["--quiet"]].concat());
    assert_eq!((quiet.code, quiet.err.as_str(), quiet.out.as_str()), (Some(1), "", answer.out.as_str()));
}

#[test]
fn missing_labels_heads_and_columns_are_reported() {
    let folder = Folder::new();
    folder.write("set.csv", "text,label,desk\nGoal!,arts,a\nOil,weather,b\n").write("empty.csv", "text,label\n");
    let refused = |flags: &[&str], error: &str, hint: &str| {
        let answer = folder.newsdesk(&[&["eval", TINY, "--data"], flags].concat()).refused(error).hint(hint);
        assert_eq!(answer.out, "");
    };
    refused(&["set.csv"], "the label `weather` of `set.csv`, row 2 (line 3): it is not in", "`arts`");
    refused(&["set.csv", "--head", "topic"], "cannot find head `topic`", "label");
    let column = ["set.csv", "--label-field", "section"];
    refused(
        &column,
        "a labelled article in `set.csv`: the label column `section` is missing",
        "the columns are `text`",
    );
    refused(&["empty.csv"], "cannot find a labelled article in `empty.csv`: the file has no rows", "labelled rows");
    refused(&["no.csv"], "cannot find `no.csv`", "give a file");
    refused(&["ag-nws"], "cannot find the data set `ag-nws`: no recipe and no file", "ag-news, bbc");
    let split_file = "/ag-news/test.jsonl.zst`, the split `test` of `ag-news`";
    refused(&["ag-news"], split_file, "name the folder that contains all data sets with `--data-root DIR`");
    refused(
        &["ag-news", "--split", "dev"],
        "the split `dev` of `ag-news`",
        "choose one of its splits: `test`, `train`, `validation`",
    );
}

/// Returns a folder with a model with the head `sentiment` in `m`, and the data set `moods.toml` whose labels are mapped.
fn moods() -> Folder {
    let folder = Folder::new();
    let mut weights = Weights::open(&folder.copy_tiny("m"));
    weights.copy_rows("classifier.weight", "heads.sentiment.weight", 3);
    weights.copy_rows("classifier.bias", "heads.sentiment.bias", 3).save();
    let labels = r#"label = [{ name = "negative" }, { name = "neutral" }, { name = "positive" }]"#;
    let head = format!("[[head]]\nname = \"sentiment\"\nactivation = \"softmax\"\n{labels}\n");
    let window = "[window]\nlength = 64\noverlap = 16\n";
    folder.write("m/newsdesk.toml", format!("version = 1\nname = \"moods\"\npooling = \"pooler\"\n{window}{head}"));
    let mood = |i: usize| ["good", "mixed", "other", "mixed"][i % 4];
    let rows = texts(40).into_iter().enumerate().map(|(i, text)| json!({"text": text, "mood": mood(i)}));
    folder.write("sets/moods-of-may/rows.jsonl", json_lines(rows)).write("moods.toml", MOODS);
    folder
}

#[test]
fn a_recipe_maps_labels_to_sets_of_the_models_labels() {
    let folder = moods();
    let rows = folder.newsdesk(&["classify", "--model", "m", "sets/moods-of-may"]).done().rows();
    let pairs: Vec<(&str, &str)> = column(&rows, "mood").into_iter().zip(column(&rows, "sentiment")).collect();
    let good = pairs.iter().filter(|pair| **pair == ("good", "positive")).count();
    let mixed = pairs.iter().filter(|(mood, sentiment)| *mood == "mixed" && *sentiment != "positive").count();
    assert!(good < 10 && mixed > 0, "expected wrong and correct predictions: {pairs:?}");

    let evaluation = ["eval", "m", "--data", "moods.toml", "--data-root", "sets", "--json"];
    let answer = folder.newsdesk(&evaluation).done();
    let report = report(&answer, 0);
    assert_eq!([&report["cases"], &report["correct"]], [&json!(30), &json!(good + mixed)]);
    assert_eq!(report["uses_data_set_labels"], true);
    let labels = report["per_label"].as_array().unwrap();
    assert_eq!(column(labels, "label"), ["good", "mixed", "other"]);
    assert_eq!([&labels[0]["support"], &labels[1]["support"], &labels[2]["support"]], [10, 20, 0]);
    assert_near(&labels[1]["recall"], mixed as f64 / 20.0);
    let table = folder.newsdesk(&evaluation[..6]).done().out;
    assert!(table.contains("metrics below are per label of the data set") && table.contains(" mixed "), "{table}");
    let (_, matrix) = table.split_once("rows are labels of the data set, columns are labels of the model").unwrap();
    let mixed = matrix.lines().find(|line| line.starts_with(" mixed")).unwrap();
    let counts: u64 = mixed.split_whitespace().filter_map(|cell| cell.trim_matches('*').parse::<u64>().ok()).sum();
    assert_eq!(counts, 20, "{table}");
}

#[test]
fn invalid_recipes_are_refused() {
    let folder = moods();
    let eval = |recipe: String| {
        folder.write("moods.toml", recipe);
        folder.newsdesk(&["eval", "m", "--data", "moods.toml", "--data-root", "sets"])
    };
    eval(MOODS.into()).done();
    let unknown = eval(MOODS.replace("licence", "license")).refused("cannot read `moods.toml`");
    unknown.says("line 4").says("unknown field `license`, expected one of `name`, `title`").hint("");
    eval(MOODS.replace("folder = \"moods-of-may\"\n", "")).refused("`moods.toml`").says("missing field `folder`");
    eval(MOODS.replace("test =", "dev ="))
        .refused("the split `test` of `moods`")
        .hint("choose one of its splits: `dev`");
    let elsewhere = eval(MOODS.replace("moods-of-may", "june")).refused("`sets/june/rows.jsonl`, the split `test`");
    elsewhere.hint("download the data set from written for this test, or name the folder");
    eval(MOODS.replace("\"sentiment\"", "\"moods\""))
        .refused("the label set `moods` of the head `sentiment`")
        .hint("sentiment");
    let label = eval(MOODS.replace("\"neutral\"", "\"netral\"")).refused("there is no label `netral`");
    label.hint("use one of the known labels: `neutral`");
    let mapless = eval(MOODS.replace("mixed =", "glad ="));
    mapless
        .refused("the label `mixed` of `sets/moods-of-may/rows.jsonl`, line 2")
        .hint("add `mixed` to [heads.sentiment.map]");
    let head = eval(MOODS.replace("heads.sentiment", "heads.tone")).refused("the model has no head `tone`");
    head.hint("name one of its heads with `--head`: sentiment");
    let field = eval(MOODS.replace("field = \"mood\"", "field = \"tone\""));
    assert!(field.code != Some(0) && field.err.contains("`tone` is missing"), "{field}");
    folder.newsdesk(&["eval", "m", "--data", "no.toml"]).refused("cannot read the recipe `no.toml`").hint("");
}

#[test]
fn each_data_set_has_its_own_report() {
    let folder = moods();
    folder.write("a.csv", "text,sentiment\nGoal!,negative\n");
    let arguments = ["eval", "m", "--data", "a.csv", "moods.toml", "--data-root", "sets", "--json"];
    let answer = folder.newsdesk(&arguments).done();
    assert_eq!(column(answer.json().as_array().unwrap(), "set"), ["a.csv", "moods"]);
    assert_eq!([&report(&answer, 0)["cases"], &report(&answer, 1)["cases"]], [1, 30]);
}

#[test]
fn multi_label_rows_are_refused_for_a_single_label_head() {
    let folder = Folder::new();
    folder.write("rows.csv", "text,label\nGoal!,sport|world\n");
    let arguments = ["eval", TINY, "--data", "rows.csv", "--label-separator", "|"];
    let answer =
        folder.newsdesk(&arguments).refused("several labels per row for head `label`, which predicts one label");
    answer.hint("`--label-separator`) for multi-label heads");
}

#[test]
fn metrics_have_intervals_and_slices_by_column() {
    let folder = Folder::new();
    let row = |(i, text): (usize, String)| {
        let source = ["wire", "desk"][i % 2];
        json!({"text": text, "label": LABELS[i % 4 % 3], "source": source})
    };
    folder.write("set.jsonl", json_lines(texts(60).into_iter().enumerate().map(row)));
    let found = folder.run("eval TINY --data set.jsonl --by source --by length --json").done().json();
    let head = &found[0]["heads"][0];
    let accuracy = head["report"]["accuracy"].as_f64().unwrap();
    let [low, high] = ["low", "high"].map(|end| head["intervals"]["accuracy"][end].as_f64().unwrap());
    assert!(low < accuracy && accuracy < high && high - low < 0.4, "accuracy {accuracy}, interval {low} to {high}");
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
        let correct: f64 = of(column)
            .iter()
            .map(|slice| slice["articles"].as_f64().unwrap() * slice["accuracy"].as_f64().unwrap())
            .sum();
        assert_near(&json!(correct / 60.0), accuracy);
    }
    assert_eq!(of("source").len(), 2);
    folder
        .newsdesk(&["eval", TINY, "--data", "set.jsonl", "--by", "language"])
        .refused("cannot find the column `language` in `set.jsonl`")
        .hint("`text`, `label`, `source`; `length` stands for the number of words");
    folder
        .newsdesk_reading(folder.text("set.jsonl"), &["eval", TINY, "--data", "-", "--by", "source"])
        .refused("read twice");
}

#[test]
fn wrong_predictions_are_written_by_descending_confidence() {
    let folder = Folder::new();
    folder.write("set.jsonl", labelled(60) + "{\"text\":\"\"}\n");
    let eval = ["eval", TINY, "--data", "set.jsonl", "--errors", "wrong.csv", "--json", "--quiet"];
    let answer = folder.newsdesk(&eval);
    let wrong = 60 - report(&answer, 0)["correct"].as_u64().unwrap() as usize;
    let text = folder.text("wrong.csv");
    let mut lines = text.lines();
    assert_eq!(
        lines.next(),
        Some("text,label,eval_set,eval_head,eval_gold,eval_prediction,eval_score,eval_gold_score")
    );
    let rows: Vec<Vec<&str>> = lines.map(|line| line.rsplitn(7, ',').collect()).collect();
    assert_eq!(rows.len(), wrong);
    let scores: Vec<f64> = rows.iter().map(|row| row[1].parse().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    for row in &rows {
        let [gold_score, score, prediction, gold, head, set] = row[..6].try_into().unwrap();
        assert!(prediction != gold && head == "label" && set == "set.jsonl", "{row:?}");
        assert!(gold_score.parse::<f64>().unwrap() <= score.parse::<f64>().unwrap(), "{row:?}");
    }
    folder.newsdesk(&["eval", TINY, "--data", "set.jsonl", "--errors", "wrong.html"]).refused("wrong.html");
    let unknown = folder.newsdesk(&["eval", TINY, "--data", "set.jsonl", "--errors", "wrong"]).refused("`wrong`");
    assert!(!unknown.hint(".parquet").err.contains("--output-format"), "`eval` has no `--output-format`");
    folder
        .run("eval TINY --data set.jsonl --errors x.csv --report ./x.csv")
        .refused("cannot write `x.csv`: `--errors` and `--report` name the same file");
}

#[test]
fn a_report_page_needs_no_other_files() {
    let folder = Folder::new();
    folder.write("set.jsonl", labelled(60));
    folder.newsdesk(&["eval", TINY, "--data", "set.jsonl", "--by", "length", "--report", "page.html"]).done();
    let page = folder.text("page.html");
    folder.assert_begins("page.html", "<!doctype html>");
    assert!(!page.contains("<script") && !page.contains("src="), "the page has scripts or needs other files");
    let charts = page.matches("<svg role=\"img\"").count();
    assert_eq!((charts, page.matches("<figure>").count()), (5, 5));
    for label in LABELS {
        assert!(page.contains(label), "{label}");
    }
    folder
        .newsdesk(&["eval", TINY, "--data", "set.jsonl", "--report", "no/such/page.html"])
        .refused("cannot write `no/such/page.html`");
}

/// Texts with different escapes are the same value. So are empty, null and missing cells.
#[test]
fn slices_do_not_depend_on_how_values_are_written() {
    let folder = Folder::new();
    let all = texts(12);
    let row = |(i, text): (usize, &String)| {
        let source =
            [r#","s":"caf\u00e9""#, r#","s":"café""#, r#","s":null"#, r#","s":"""#, "", r#","s":" café ""#][i % 6];
        format!("{{\"text\":{},\"label\":\"arts\"{source}}}\n", json!(text))
    };
    folder.write("set.jsonl", all.iter().enumerate().map(row).collect::<String>());
    let found = folder.run("eval TINY --data set.jsonl --by s --by s --json").done().json();
    let slices = found[0]["heads"][0]["slices"].as_array().unwrap();
    let values: Vec<(&str, u64)> =
        slices.iter().map(|of| (of["value"].as_str().unwrap(), of["articles"].as_u64().unwrap())).collect();
    assert_eq!(values, [("", 6), ("café", 6)]);
}
