//! `--min-score` and `--min-precision`: predictions with low scores become `unsure`.

use crate::calibrate::{calibrate, eval, number, partly_correct};
use crate::support::LABELS;
use serde_json::{Value, json};

#[test]
fn predictions_below_a_minimum_score_become_unsure() {
    let folder = partly_correct(400, 19);
    let found = calibrate(&folder, &["--json"]).done().json();
    let thresholds = found["heads"][0]["calibration"]["threshold"].as_array().unwrap().clone();
    assert!(!thresholds.is_empty(), "{found}");
    let classify = |flags: &[&str]| {
        folder.newsdesk(&[&["classify", "--model", "m", "set.jsonl", "--prefix", "m_"], flags].concat()).done().rows()
    };
    let all = classify(&[]);
    for row in &thresholds {
        let [precision, score] = ["min_precision", "min_score"].map(|key| row[key].to_string());
        let (by_precision, by_score) = (classify(&["--min-precision", &precision]), classify(&["--min-score", &score]));
        assert_eq!((&by_precision, &by_precision), (&by_score, &classify(&["--min-score", &format!("label={score}")])));
        let (mut given, mut correct) = (0, 0);
        for (row, open) in by_precision.iter().zip(&all) {
            assert_eq!(row["m_label_score"], open["m_label_score"]);
            if row["m_label"] != "unsure" {
                assert_eq!(row, open);
                given += 1;
                correct += usize::from(row["m_label"] == row["label"]);
            }
        }
        let precision_reached = correct as f64 / given as f64;
        assert_eq!((given, number(&row["coverage"])), (number(&row["accepted"]) as usize, given as f64 / 400.0));
        assert!(precision_reached >= number(&row["min_precision"]), "{row}");
        assert!((precision_reached - number(&row["precision"])).abs() < 1e-4, "{row}");
        // `eval` reports the same.
        let selective = eval(&folder, &["--min-precision", &precision])["selective"].clone();
        assert_eq!([&selective["predictions"], &selective["accepted"], &selective["correct"]], [400, given, correct]);
        assert_eq!(selective, eval(&folder, &["--min-score", &format!("label={score}")])["selective"]);
    }
    assert_eq!(eval(&folder, &[])["selective"], Value::Null);
    let table = folder.newsdesk(&["eval", "m", "--data", "set.jsonl", "--min-score", "0.5"]).done();
    table.prints("\nlabel with a score of at least 0.5000: ").prints(" of 400 predictions (coverage 0.");

    // The columns of `--top-k` and `--scores` do not change.
    let top = classify(&["--min-score", "1", "--top-k", "2"]);
    for (row, open) in top.iter().zip(&all) {
        assert_eq!([&row["m_label"], &row["m_label_1"]], [&json!("unsure"), &open["m_label"]]);
    }
    for row in classify(&["--min-score", "1", "--scores"]) {
        assert!(LABELS.iter().all(|label| row[format!("m_label_score_{label}")].is_number()), "{row}");
    }
    folder.run("classify --model m set.jsonl --min-score 1 --output-format table").done().prints(" unsure ");
}

#[test]
fn invalid_thresholds_are_refused() {
    let folder = partly_correct(120, 12);
    let refused = |flags: &[&str], error: &str, hint: &str| {
        for command in [&["classify", "--model", "m", "set.jsonl"][..], &["eval", "m", "--data", "set.jsonl"]] {
            let answer = folder.newsdesk(&[command, flags].concat()).refused(error).hint(hint);
            assert_eq!(answer.out, "");
        }
    };
    refused(&["--min-score", "high"], "cannot use `--min-score high`: `high` is not a number", "a score from 0 to 1");
    refused(
        &["--min-score", "-0.5"],
        "cannot use `--min-score -0.5`: -0.5 is not in the range 0 to 1",
        "`--min-score HEAD=0.8`",
    );
    refused(&["--min-score", "label=2"], "cannot use `--min-score label=2`", "a score from 0 to 1");
    refused(&["--min-score", "topic=0.5"], "the model has no head `topic`", "one of its heads: label");
    refused(&["--min-score", "0.5", "--min-score", "0.6"], "all heads would have two thresholds", "HEAD=NUMBER");
    for precision in ["0", "1", "1.5", "nan"] {
        refused(
            &["--min-precision", precision],
            "is not between 0 and 1",
            "the share of predictions that must be correct",
        );
    }
    let none = "for a precision of 0.9 on head `label`: the model `m` is not calibrated for that head";
    refused(&["--min-precision", "0.9"], none, "`newsdesk calibrate MODEL --data SET`");
    calibrate(&folder, &[]).done();
    let beyond =
        "for a precision of 0.99 on head `label`: calibration reached no precision of 0.8 or more on its 120 articles";
    refused(&["--min-precision", "0.99"], beyond, "choose a score with `--min-score label=SCORE`");
}
