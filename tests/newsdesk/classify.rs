//! Predictions of `newsdesk classify`, and that they depend on nothing but the article.

use crate::support::{CLOSE, Folder, LABELS, TINY, articles, column, difference, scores, texts};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn labels_and_scores_equal_those_of_transformers() {
    let golden = std::fs::read_to_string(format!("{TINY}/golden.json")).unwrap();
    let golden: Vec<Value> = serde_json::from_str(&golden).unwrap();
    let input = articles(golden.iter().map(|case| case["text"].as_str().unwrap()));
    let rows = Folder::new().classify_reading(input, &["-", "--scores"]).done().rows();
    assert_eq!(rows.len(), golden.len());
    for (row, case) in rows.iter().zip(&golden) {
        let powers: Vec<f64> =
            case["logits"].as_array().unwrap().iter().map(|logit| logit.as_f64().unwrap().exp()).collect();
        let expected: Vec<f64> = powers.iter().map(|power| power / powers.iter().sum::<f64>()).collect();
        let best = (0..5).max_by(|&a, &b| expected[a].total_cmp(&expected[b])).unwrap();
        assert_eq!(row["label"], LABELS[best], "{row}");
        assert!((row["label_score"].as_f64().unwrap() - expected[best]).abs() < CLOSE, "{row}");
        assert!(scores(row).iter().zip(&expected).all(|(a, b)| (a - b).abs() < CLOSE), "expected {expected:?}: {row}");
    }
}

#[test]
fn scores_of_all_labels_add_up_to_one() {
    let rows = Folder::new().classify_reading(articles(texts(50)), &["-", "--scores"]).done().rows();
    for row in &rows {
        let scores = scores(row);
        assert!((scores.iter().sum::<f64>() - 1.0).abs() < 5.0 * 0.5e-4 + 1e-6, "{row}");
        assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)), "{row}");
        assert_eq!(row["label_score"].as_f64().unwrap(), scores.iter().copied().fold(0.0, f64::max), "{row}");
    }
}

#[test]
fn top_k_adds_the_most_probable_labels_and_their_scores() {
    let folder = Folder::new();
    folder.write("news.jsonl", articles(texts(20)));
    let all = folder.classify(&["news.jsonl", "--scores"]).done().rows();
    let top = folder.classify(&["news.jsonl", "--top-k", "2"]).done().rows();
    for (all, top) in all.iter().zip(&top) {
        let mut ranked = scores(all);
        ranked.sort_by(|a, b| b.total_cmp(a));
        assert_eq!([&top["label_1"], &top["label_1_score"]], [&top["label"], &top["label_score"]]);
        assert_eq!([&top["label_1_score"], &top["label_2_score"]], [&json!(ranked[0]), &json!(ranked[1])]);
        let second = top["label_2"].as_str().unwrap();
        assert_eq!(all[format!("label_score_{second}")], top["label_2_score"]);
        assert!(second != top["label_1"] && top.get("label_3").is_none(), "{top}");
    }
    let all = &folder.classify(&["news.jsonl", "--top-k", "9"]).done().rows()[0];
    assert!(all.get("label_5").is_some() && all.get("label_6").is_none(), "expected five labels: {all}");
}

#[test]
fn all_windows_of_an_article_count_unless_max_windows_limits_them() {
    let body = "the coach said the team would open the tour against the champion after two weeks ".repeat(10);
    let (one, other) = (format!("{body} quiet rain fell"), format!("{body} the mayor agreed to pay"));
    let folder = Folder::new();
    folder.write("long.jsonl", articles([&one, &other]));
    let all = folder.classify(&["long.jsonl", "--scores"]).done().rows();
    assert!(difference(&all[0], &all[1]) > 2.0 * CLOSE, "the end of the article does not change the scores: {all:?}");
    let first = folder.classify(&["long.jsonl", "--scores", "--max-windows", "1"]).done().rows();
    assert_eq!(scores(&first[0]), scores(&first[1]), "the end of the article changes the scores of its first window");
    assert!(difference(&all[0], &first[0]) > 2.0 * CLOSE, "the first window has the scores of all windows: {all:?}");
}

#[test]
fn the_title_is_read_before_the_text() {
    let rows = [
        r#"{"title":"Coach quits","text":"The team lost."}"#,
        r#"{"text":"Coach quits\nThe team lost."}"#,
        r#"{"text":"The team lost."}"#,
        r#"{"title":"  ","text":"The team lost."}"#,
        r#"{"headline":"Coach quits","body":"The team lost."}"#,
    ];
    let rows = Folder::new().classify_reading(rows.join("\n"), &["-", "--scores"]).done().rows();
    assert_eq!(scores(&rows[0]), scores(&rows[1]));
    assert_eq!(scores(&rows[2]), scores(&rows[3]));
    assert_eq!(scores(&rows[4]), scores(&rows[0]));
    assert!(difference(&rows[0], &rows[2]) > 2.0 * CLOSE, "the title does not change the scores: {rows:?}");
}

#[test]
fn options_name_the_columns_of_text_and_title() {
    let folder = Folder::new();
    folder.write("a.csv", "text,story,line\nnothing,The team lost.,Coach quits\n");
    folder.write("b.csv", "text,title\nThe team lost.,Coach quits\n");
    let named = folder.classify(&["a.csv", "--text-field", "story", "--title-field", "line", "--scores"]).done().rows();
    let usual = folder.classify(&["b.csv", "--scores"]).done().rows();
    assert_eq!(scores(&named[0]), scores(&usual[0]));
    let without = folder.classify(&["a.csv", "--text-field", "story", "--scores"]).done().rows();
    assert!(difference(&without[0], &named[0]) > 2.0 * CLOSE, "the title does not change the scores: {without:?}");
}

#[test]
fn predictions_do_not_depend_on_the_number_of_threads() {
    let folder = Folder::new();
    folder.write("news.jsonl", articles(texts(300)));
    let one = folder.classify(&["news.jsonl", "--scores", "--threads", "1"]).done().rows();
    let two = folder.classify(&["news.jsonl", "--scores", "--threads", "2"]).done().rows();
    assert_eq!((one.len(), column(&one, "label")), (300, column(&two, "label")));
    for (one, two) in one.iter().zip(&two) {
        assert!(difference(one, two) < CLOSE, "{one}\n{two}");
    }
}

#[test]
fn predictions_do_not_depend_on_other_articles() {
    let folder = Folder::new();
    let texts = texts(40);
    let among = folder.classify_reading(articles(&texts), &["-", "--scores"]).done().rows();
    for index in [0, 1, 9, 25] {
        let alone = folder.classify_reading(articles([&texts[index]]), &["-", "--scores"]).done().rows();
        assert!(difference(&alone[0], &among[index]) < CLOSE, "alone: {}\namong others: {}", alone[0], among[index]);
    }
}

#[test]
fn rows_are_written_in_the_order_of_the_input() {
    let folder = Folder::new();
    let kinds = ["quiet rain", "the coach said the team would open the tour", "goal", "two", "mayor agreed to pay"];
    let alone = folder.classify_reading(articles(kinds), &["-", "--scores"]).done().rows();
    let distinct: BTreeSet<String> = alone.iter().map(|row| format!("{:?}", scores(row))).collect();
    assert_eq!(distinct.len(), kinds.len(), "two of the texts have the same scores: {alone:?}");
    let corpus = articles((0..2500).map(|i| kinds[i % kinds.len()]));
    let rows = folder.classify_reading(corpus, &["-", "--scores"]).done().rows();
    assert_eq!(rows.len(), 2500);
    for (i, row) in rows.iter().enumerate() {
        assert_eq!(row["id"], json!(i));
        assert!(
            difference(row, &alone[i % kinds.len()]) < CLOSE,
            "row {i} has other scores than its text alone: {row}"
        );
    }
}

#[test]
fn a_text_without_tokens_is_rejected() {
    let answer = Folder::new().classify_reading("{\"text\":\"\\u0001\"}", &["-", "--scores"]);
    answer.rejected(&["`<stdin>`, line 1: the text is blank"]);
}

#[test]
fn texts_of_the_command_line_are_labelled() {
    let folder = Folder::new();
    let text = "Oil rises 3 %, \"again\"";
    let rows = folder.classify(&["--text", text, "--text", "-1 degree", "--scores"]).done().rows();
    assert_eq!(column(&rows, "text"), [text, "-1 degree"]);
    let from_file = folder.classify_reading(articles([text]), &["-", "--scores"]).done().rows();
    assert_eq!(scores(&rows[0]), scores(&from_file[0]));
    let table = folder.classify(&["--text", "Goal!", "--output-format", "table"]).done();
    table.prints(" Goal!    arts");
    folder.classify(&["--text", "Goal!", "-o", "out.csv"]).done().says("wrote out.csv: 1 article");
    folder.assert_begins("out.csv", "text,label,label_score\nGoal!,arts,");
    folder.newsdesk(&["verify", "out.csv", "--model", TINY]).done();
    folder.classify(&["--text", " "]).refused("cannot label the text: it is blank");
    for other in [&["news.jsonl"][..], &["--text-field", "body"], &["--from", "csv"], &["--target-field", "who"]] {
        folder.classify(&[&["--text", "Goal!"], other].concat()).refused("cannot be used with");
    }
}

#[test]
fn the_output_can_be_a_table_for_the_terminal() {
    let folder = Folder::new();
    folder.write("a.txt", "Goal!").write("b.txt", "OIL PRICES FALL AGAIN");
    folder.write("c.csv", "title,text\n\"Shares rose 4.5% to $38.20; the bank's profits, it warned\",next year\n");
    let answer = folder.classify(&["a.txt", "b.txt", "c.csv", "--output-format", "table"]).done();
    insta::assert_snapshot!(answer.out, @r"
     article                                           label     label_score
     Goal!                                             arts             0.84
     OIL PRICES FALL AGAIN                             science          0.75
     Shares rose 4.5% to $38.20; the bank's profits,…  business         0.52
    ");
}
