//! `--min-score` and `--min-precision`: from which score on each head gives its answer.

use crate::failure::Usage;
use anyhow::Result;
use newsdesk_model::folder::Manifest;
use newsdesk_model::{Head, HeadActivation};
use newsdesk_run::UNSURE;

/// The arguments of `--min-score` and `--min-precision`, each a number or `HEAD=NUMBER`.
pub struct Minimum<'a> {
    pub scores: &'a [String],
    pub precisions: &'a [String],
}

/// What is asked of a head's answers.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Asked {
    Score(f32),
    Precision(f64),
}

impl Minimum<'_> {
    /// The least score of each of the model's heads; `None` where nothing is asked. What is said of one head counts more
    /// than what is said of all.
    pub fn resolve(&self, manifest: &Manifest) -> Result<Vec<Option<f32>>> {
        let heads = &manifest.heads;
        let names: Vec<&str> = heads.iter().map(|head| head.name.as_str()).collect();
        let (mut of_all, mut of_head) = (None, vec![None; heads.len()]);
        let scores = self.scores.iter().map(|text| ("--min-score", text));
        for (option, text) in scores.chain(self.precisions.iter().map(|text| ("--min-precision", text))) {
            let (head, number) = match text.rsplit_once('=') {
                Some((head, number)) => (Some(head), number),
                None => (None, text.as_str()),
            };
            let asked = asked(option, text, number)?;
            let place = match head {
                None => &mut of_all,
                Some(head) => {
                    let number = names.iter().position(|name| *name == head).ok_or_else(|| {
                        let message = format!("Failed to use `{option} {text}`: the model has no head `{head}`");
                        Usage::new(message, format!("its heads are {}", names.join(", ")))
                    })?;
                    &mut of_head[number]
                }
            };
            if place.replace(asked).is_some() {
                let what = head.map_or("all heads".into(), |head| format!("head `{head}`"));
                let message = format!("Failed to use `{option} {text}`: {what} would have two least scores");
                let hint = "give one `--min-score` or `--min-precision` for all heads, and one as HEAD=NUMBER for each";
                return Err(Usage::new(message, hint).into());
            }
        }
        let least = |(head, asked): (&Head, Option<Asked>)| match asked.or(of_all) {
            None => Ok(None),
            Some(asked) => {
                refuse_label(head)?;
                match asked {
                    Asked::Score(score) => Ok(Some(score)),
                    Asked::Precision(precision) => calibrated(manifest, &head.name, precision).map(Some),
                }
            }
        };
        heads.iter().zip(of_head).map(least).collect()
    }
}

fn asked(option: &str, text: &str, number: &str) -> Result<Asked> {
    let (of_score, range) = (option == "--min-score", "`0.8`, or `HEAD=0.8` for one head");
    let refused = |cause: &str| {
        let hint = match of_score {
            true => format!("a score is from 0 to 1, as in {range}"),
            false => format!("a precision is the share of answers to be right, as in {range}"),
        };
        Usage::new(format!("Failed to use `{option} {text}`: {cause}"), hint)
    };
    let value: f64 = number.trim().parse().map_err(|_| refused(&format!("`{number}` is not a number")))?;
    match of_score {
        true if (0.0..=1.0).contains(&value) => Ok(Asked::Score(value as f32)),
        true => Err(refused(&format!("{value} is not within 0 and 1")).into()),
        false if value > 0.0 && value < 1.0 => Ok(Asked::Precision(value)),
        false => Err(refused(&format!("{value} is not between 0 and 1")).into()),
    }
}

/// A label of this name could not be told from an answer that is held back.
fn refuse_label(head: &Head) -> Result<()> {
    if head.activation == HeadActivation::Softmax && head.labels.iter().any(|label| label.name == UNSURE) {
        let message = format!("Failed to hold answers back: head `{}` has a label called `{UNSURE}`", head.name);
        return Err(Usage::new(message, "`--scores` gives each label's score, to choose by").into());
    }
    Ok(())
}

/// The score from which on a head's answers reach a precision, as `newsdesk calibrate` measured it.
fn calibrated(manifest: &Manifest, head: &str, precision: f64) -> Result<f32> {
    let failed = |cause: String, hint: String| {
        Usage::new(
            format!("Failed to find a least score for a precision of {precision} on head `{head}`: {cause}"),
            hint,
        )
    };
    let Some(record) = manifest.calibration(head) else {
        let hint = format!(
            "`newsdesk calibrate MODEL --data SET` measures it on labelled articles; `--min-score {head}=SCORE` needs none"
        );
        return Err(failed(format!("`{}` is not calibrated for it", manifest.name), hint).into());
    };
    if let Some(threshold) = record.threshold(precision) {
        return Ok(threshold.min_score);
    }
    let articles = record.articles;
    let (cause, hint) = match record.thresholds.last() {
        None => {
            let cause = format!("no precision was reached on the {articles} articles that it was calibrated on");
            (cause, format!("`--min-score {head}=SCORE` chooses a score"))
        }
        Some(highest) => {
            let highest = highest.min_precision;
            let cause = format!("at most {highest} was reached on the {articles} articles that it was calibrated on");
            (
                cause,
                format!("ask for less, as in `--min-precision {head}={highest}`, or choose a score with `--min-score`"),
            )
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
window = { length = 9, stride = 9 }
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
threshold = [{ min_precision = 0.9, min_score = 0.625, coverage = 0.5, answers = 45, precision = 1.0 }]
[[calibration]]
head = "mood"
articles = 9
"#;
        Manifest::parse(text, "m").unwrap()
    }

    fn resolve(scores: &[&str], precisions: &[&str]) -> Result<Vec<Option<f32>>, String> {
        let [scores, precisions] =
            [scores, precisions].map(|all| all.iter().map(|s| s.to_string()).collect::<Vec<_>>());
        let minimum = Minimum { scores: &scores, precisions: &precisions };
        minimum.resolve(&manifest()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_head_of_its_own_counts_more() {
        assert_eq!(resolve(&[], &[]), Ok(vec![None; 3]));
        assert_eq!(resolve(&["desk=0.5"], &[]), Ok(vec![Some(0.5), None, None]));
        assert_eq!(resolve(&["mood=1"], &["desk=0.85"]), Ok(vec![Some(0.625), None, Some(1.0)]));
        assert!(resolve(&["0.5"], &[]).unwrap_err().contains("head `x=y` has a label called `unsure`"));
        assert!(resolve(&["x=y=0.5"], &[]).unwrap_err().contains("head `x=y` has a label called `unsure`"));
    }

    #[test]
    fn what_cannot_be_asked() {
        let refused = |scores: &[&str], precisions: &[&str], error: &str| {
            let found = resolve(scores, precisions).unwrap_err();
            assert!(found.contains(error), "{found}");
        };
        for number in ["high", "", "desk=", "desk", "0,5"] {
            refused(&[number], &[], "is not a number");
            refused(&[], &[number], "is not a number");
        }
        for number in ["-0.1", "1.1", "nan", "inf", "desk=2"] {
            refused(&[number], &[], "is not within 0 and 1");
        }
        for number in ["0", "1", "-1", "nan", "desk=1.0"] {
            refused(&[], &[number], "is not between 0 and 1");
        }
        refused(&["section=0.5"], &[], "the model has no head `section`");
        refused(&["desk=0.5", "desk=0.6"], &[], "head `desk` would have two least scores");
        refused(&["0.5"], &["0.9"], "all heads would have two least scores");
        refused(&[], &["desk=0.95"], "at most 0.9 was reached on the 90 articles");
        refused(&[], &["mood=0.8"], "no precision was reached on the 9 articles");
        let manifest = Manifest { calibrations: vec![], ..manifest() };
        assert!(calibrated(&manifest, "desk", 0.8).unwrap_err().to_string().contains("`m` is not calibrated for it"));
    }
}
