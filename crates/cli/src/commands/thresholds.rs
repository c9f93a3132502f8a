//! `--min-score` and `--min-precision`: the score below which a head abstains.

use crate::arguments::Thresholds;
use crate::failure::Usage;
use crate::output::count::counted;
use anyhow::Result;
use newsdesk_model::folder::Manifest;
use newsdesk_model::{Head, HeadActivation};
use newsdesk_run::UNSURE;

/// A threshold as the command line gives it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Requested {
    Score(f32),
    Precision(f64),
}

/// Returns the minimum score of each of the model's heads; `None` for a head without a threshold.
///
/// A threshold for one head overrides the one for all heads.
///
/// # Errors
/// If an argument is malformed, names an unknown head or repeats a threshold, or if the model is not calibrated for a
/// precision.
pub fn min_scores(given: &Thresholds, manifest: &Manifest) -> Result<Vec<Option<f32>>> {
    let heads = &manifest.heads;
    let names: Vec<&str> = heads.iter().map(|head| head.name.as_str()).collect();
    let (mut for_all, mut by_head) = (None, vec![None; heads.len()]);
    let scores = given.min_score.iter().map(|text| ("--min-score", text));
    for (option, text) in scores.chain(given.min_precision.iter().map(|text| ("--min-precision", text))) {
        let (head, number) = match text.rsplit_once('=') {
            Some((head, number)) => (Some(head), number),
            None => (None, text.as_str()),
        };
        let requested = parse(option, text, number)?;
        let threshold = match head {
            None => &mut for_all,
            Some(head) => {
                let index = names.iter().position(|name| *name == head).ok_or_else(|| {
                    let message = format!("cannot use `{option} {text}`: the model has no head `{head}`");
                    Usage::new(message, format!("name one of its heads: {}", names.join(", ")))
                })?;
                &mut by_head[index]
            }
        };
        if threshold.replace(requested).is_some() {
            let what = head.map_or("all heads".into(), |head| format!("head `{head}`"));
            let message = format!("cannot use `{option} {text}`: {what} would have two thresholds");
            let hint =
                "give one `--min-score` or `--min-precision` for all heads, and at most one HEAD=NUMBER per head";
            return Err(Usage::new(message, hint).into());
        }
    }
    let resolve = |(head, requested): (&Head, Option<Requested>)| match requested.or(for_all) {
        None => Ok(None),
        Some(requested) => {
            refuse_unsure_label(head)?;
            match requested {
                Requested::Score(score) => Ok(Some(score)),
                Requested::Precision(precision) => calibrated_score(manifest, &head.name, precision).map(Some),
            }
        }
    };
    heads.iter().zip(by_head).map(resolve).collect()
}

fn parse(option: &str, text: &str, number: &str) -> Result<Requested> {
    let (is_score, examples) =
        (option == "--min-score", format!("`{option} 0.8`, or `{option} HEAD=0.8` for one head"));
    let refused = |cause: &str| {
        let hint = match is_score {
            true => format!("give a score from 0 to 1, as in {examples}"),
            false => format!("give the share of predictions that must be correct, as in {examples}"),
        };
        Usage::new(format!("cannot use `{option} {text}`: {cause}"), hint)
    };
    let value: f64 = number.trim().parse().map_err(|_| refused(&format!("`{number}` is not a number")))?;
    match is_score {
        true if (0.0..=1.0).contains(&value) => Ok(Requested::Score(value as f32)),
        true => Err(refused(&format!("{value} is not in the range 0 to 1")).into()),
        false if value > 0.0 && value < 1.0 => Ok(Requested::Precision(value)),
        false => Err(refused(&format!("{value} is not between 0 and 1")).into()),
    }
}

/// Refuses a head that has a label with the name that marks an abstention.
fn refuse_unsure_label(head: &Head) -> Result<()> {
    if head.activation == HeadActivation::Softmax && head.labels.iter().any(|label| label.name == UNSURE) {
        let message = format!("cannot abstain: head `{}` has a label called `{UNSURE}`", head.name);
        return Err(Usage::new(message, "write the score of every label with `--scores`, and filter by those").into());
    }
    Ok(())
}

/// Returns the score from which a head reaches a precision, as `newsdesk calibrate` measured it.
fn calibrated_score(manifest: &Manifest, head: &str, precision: f64) -> Result<f32> {
    let failed = |cause: String, hint: String| {
        Usage::new(format!("cannot find the score for a precision of {precision} on head `{head}`: {cause}"), hint)
    };
    let Some(record) = manifest.calibration(head) else {
        let hint = format!(
            "measure it on labelled articles with `newsdesk calibrate MODEL --data SET`, or use `--min-score {head}=SCORE`"
        );
        return Err(failed(format!("the model `{}` is not calibrated for that head", manifest.name), hint).into());
    };
    if let Some(threshold) = record.threshold(precision) {
        return Ok(threshold.min_score);
    }
    let articles = counted(record.articles, "article");
    let (cause, hint) = match record.thresholds.last() {
        None => {
            let cause = format!("calibration reached no precision of 0.8 or more on its {articles}");
            (cause, format!("choose a score with `--min-score {head}=SCORE`"))
        }
        Some(highest) => {
            let highest = highest.min_precision;
            let cause = format!("calibration reached at most {highest} on its {articles}");
            (cause, format!("use `--min-precision {head}={highest}`, or choose a score with `--min-score`"))
        }
    };
    Err(failed(cause, hint).into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn manifest() -> Manifest {
        let text = r#"version = 1
name = "m"
pooling = "cls"
window = { length = 9, overlap = 0 }
[[head]]
name = "desk"
activation = "softmax"
label = [{ name = "a" }, { name = "b" }]
[[head]]
name = "x=y"
activation = "softmax"
label = [{ name = "a" }, { name = "unsure" }]
[[head]]
name = "mood"
activation = "softmax"
label = [{ name = "a" }, { name = "b" }]
[[calibration]]
head = "desk"
articles = 90
threshold = [{ min_precision = 0.9, min_score = 0.625, coverage = 0.5, accepted = 45, precision = 1.0 }]
[[calibration]]
head = "mood"
articles = 9
"#;
        Manifest::parse(text, "m").unwrap()
    }

    fn resolve(scores: &[&str], precisions: &[&str]) -> Result<Vec<Option<f32>>, String> {
        let [min_score, min_precision] =
            [scores, precisions].map(|all| all.iter().map(|s| s.to_string()).collect::<Vec<_>>());
        let given = Thresholds { min_score, min_precision };
        min_scores(&given, &manifest()).map_err(|error| error.to_string())
    }

    #[test]
    fn threshold_of_one_head_overrides_the_common_one() {
        assert_eq!(resolve(&[], &[]), Ok(vec![None; 3]));
        assert_eq!(resolve(&["desk=0.5"], &[]), Ok(vec![Some(0.5), None, None]));
        assert_eq!(resolve(&["mood=1"], &["desk=0.85"]), Ok(vec![Some(0.625), None, Some(1.0)]));
        assert!(resolve(&["0.5"], &[]).unwrap_err().contains("head `x=y` has a label called `unsure`"));
        assert!(resolve(&["x=y=0.5"], &[]).unwrap_err().contains("head `x=y` has a label called `unsure`"));
    }

    #[test]
    fn invalid_thresholds_are_refused() {
        let refused = |scores: &[&str], precisions: &[&str], error: &str| {
            let found = resolve(scores, precisions).unwrap_err();
            assert!(found.contains(error), "{found}");
        };
        for number in ["high", "", "desk=", "desk", "0,5"] {
            refused(&[number], &[], "is not a number");
            refused(&[], &[number], "is not a number");
        }
        for number in ["-0.1", "1.1", "nan", "inf", "desk=2"] {
            refused(&[number], &[], "is not in the range 0 to 1");
        }
        for number in ["0", "1", "-1", "nan", "desk=1.0"] {
            refused(&[], &[number], "is not between 0 and 1");
        }
        refused(&["section=0.5"], &[], "the model has no head `section`");
        refused(&["desk=0.5", "desk=0.6"], &[], "head `desk` would have two thresholds");
        refused(&["0.5"], &["0.9"], "all heads would have two thresholds");
        refused(&[], &["desk=0.95"], "at most 0.9 on its 90 articles");
        refused(&[], &["mood=0.8"], "reached no precision of 0.8 or more on its 9 articles");
        let manifest = Manifest { calibrations: vec![], ..manifest() };
        assert!(
            calibrated_score(&manifest, "desk", 0.8)
                .unwrap_err()
                .to_string()
                .contains("`m` is not calibrated for that head")
        );
    }
}
