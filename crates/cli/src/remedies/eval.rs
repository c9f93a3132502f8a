//! Hints for errors of `newsdesk-eval`.

use newsdesk_eval::{EvalError, Remedy};

/// Returns the hint for an error, if there is one.
pub fn hint(error: &EvalError) -> Option<String> {
    error.remedy().as_ref().map(hint_text)
}

/// Returns the hint for a remedy: an instruction to the user of the command line.
pub fn hint_text(remedy: &Remedy) -> String {
    match remedy {
        Remedy::UseLabelKindOfHead => {
            "use multi-label rows (lists, or `--label-separator`) for multi-label heads, and single-label rows for the others".into()
        }
        Remedy::NameActivation => "name its activation with `--activation softmax` or `sigmoid`".into(),
        Remedy::LabelForHead { known } => format!("label articles for one of the model's heads: {}", known.join(", ")),
        Remedy::MoreArticles { min } => {
            format!("give articles of at least two labels with `--data`, {min} or more of them")
        }
        Remedy::KnownLabels { known } => format!(
            "use the labels {}; `newsdesk eval --label-map FILE` maps other labels to them, and `newsdesk train --labels FILE` trains \
             a model with more labels",
            known.join("; ")
        ),
        Remedy::NameHead { known } => format!("name one of its heads with `--head`: {}", known.join(", ")),
        Remedy::Model(remedy) => super::model::hint_text(remedy),
    }
}
