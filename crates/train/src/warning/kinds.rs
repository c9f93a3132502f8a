//! The kinds of warnings, and their texts.

use crate::error::Remedy;
use crate::heads::counted;
use std::fmt::{self, Display, Formatter};

/// The names that a warning lists; the others are counted.
const NAMED: usize = 5;

/// Something that makes it unlikely that a model is good. It is displayed as a clause, without a period.
#[derive(Debug, Clone, PartialEq)]
pub enum Warning {
    /// Labels have few or no training rows.
    FewTrainingRows {
        /// The head.
        head: String,
        /// The labels, each with its rows.
        labels: Vec<(String, usize)>,
    },
    /// Labels have training rows but no validation row.
    NotValidated {
        /// The head.
        head: String,
        /// The labels.
        labels: Vec<String>,
    },
    /// A head has few validation rows.
    FewValidationRows {
        /// The head.
        head: String,
        /// Its validation rows.
        rows: usize,
        /// Half the width of the 95 % confidence interval of an accuracy of one half, in percentage points.
        margin: f64,
    },
    /// A head has so many labels that they may be identifiers or texts.
    ManyLabels {
        /// The head.
        head: String,
        /// Its labels with training rows.
        labels: usize,
        /// Its training rows.
        rows: usize,
    },
    /// Most training rows repeat the text of another one.
    RepeatedTexts {
        /// Different texts.
        texts: usize,
        /// Training rows.
        rows: usize,
    },
    /// The learning rate is far above the usual ones.
    HighLearningRate {
        /// The learning rate.
        rate: f64,
        /// The default.
        usual: f64,
    },
    /// The finished model is no better than one that always predicts the most frequent label.
    NoBetterThanGuessing {
        /// The head.
        head: String,
        /// Its accuracy on the validation rows.
        accuracy: f64,
        /// The share of the most frequent label.
        share: f64,
    },
    /// The finished model predicts no validation row as one of these labels, though some have it.
    NeverPredicted {
        /// The head.
        head: String,
        /// The labels.
        labels: Vec<String>,
        /// Whether class weights could help.
        unweighted: bool,
    },
    /// Rare labels are found far less often than others, and class weights could help.
    RareLabelsMissed {
        /// The head.
        head: String,
        /// The labels, each with its recall.
        labels: Vec<(String, f64)>,
        /// The recall over all validation rows.
        accuracy: f64,
    },
}

impl Warning {
    /// Returns what the user can do, where something can be done.
    pub fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::FewTrainingRows { .. } => Some(Remedy::AddOrMergeRareLabels),
            Self::NotValidated { .. } | Self::FewValidationRows { .. } => Some(Remedy::AddValidationArticles),
            Self::ManyLabels { .. } => Some(Remedy::NameLabelColumn),
            Self::RepeatedTexts { .. } => Some(Remedy::NameTextColumn),
            Self::HighLearningRate { .. } => Some(Remedy::CheckSetting { setting: "learning_rate" }),
            Self::NoBetterThanGuessing { .. } => Some(Remedy::CheckLabelsAndLearningRate),
            Self::NeverPredicted { unweighted: true, .. } | Self::RareLabelsMissed { .. } => {
                Some(Remedy::BalanceLabels)
            }
            Self::NeverPredicted { .. } => Some(Remedy::AddOrMergeRareLabels),
        }
    }

    /// Returns whether the warning concerns people who use the model, and not only the one who trains it.
    pub fn limits_use(&self) -> bool {
        // The model card lists labels without validation rows by itself.
        !matches!(self, Self::NotValidated { .. } | Self::HighLearningRate { .. } | Self::RepeatedTexts { .. })
    }
}

impl Display for Warning {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self {
            Self::FewTrainingRows { head, labels } => {
                let named = list(labels.iter().map(|(label, rows)| format!("{} ({rows})", shortened(label))));
                write!(f, "labels of head `{head}` with too few training rows to learn from: {named}")
            }
            Self::NotValidated { head, labels } => {
                let named = list(labels.iter().map(|label| shortened(label)));
                write!(
                    f,
                    "labels of head `{head}` without a validation row, so that nothing shows how well they are learned: {named}"
                )
            }
            Self::FewValidationRows { head, rows, margin } => write!(
                f,
                "head `{head}` has only {}: an accuracy measured on so few is rough: one around 0.5 can be {margin:.0} percentage points off",
                counted(*rows, "validation row")
            ),
            Self::ManyLabels { head, labels, rows } => write!(
                f,
                "head `{head}` has {labels} labels on {}: its label column may hold identifiers or texts",
                counted(*rows, "training row")
            ),
            Self::RepeatedTexts { texts, rows } => {
                write!(f, "the {} have only {}", counted(*rows, "training row"), counted(*texts, "different text"))
            }
            Self::HighLearningRate { rate, usual } => {
                write!(
                    f,
                    "the learning rate {rate} is far above the usual {usual}, so that the model may learn nothing"
                )
            }
            Self::NoBetterThanGuessing { head, accuracy, share } => write!(
                f,
                "head `{head}` has learned nothing that helps: its accuracy is {accuracy:.4}, and always predicting the most \
                 frequent label reaches {share:.4}"
            ),
            Self::NeverPredicted { head, labels, .. } => {
                write!(
                    f,
                    "labels of head `{head}` that no validation row was predicted as: {}",
                    list(labels.iter().map(|label| shortened(label)))
                )
            }
            Self::RareLabelsMissed { head, labels, accuracy } => {
                let named =
                    list(labels.iter().map(|(label, recall)| format!("{} (recall {recall:.2})", shortened(label))));
                write!(f, "rare labels of head `{head}` are often missed, at an accuracy of {accuracy:.2}: {named}")
            }
        }
    }
}

/// Joins names; those beyond [`NAMED`] are counted.
fn list(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Returns a label in at most 40 characters, without control characters.
fn shortened(name: &str) -> String {
    const LENGTH: usize = 40;
    let mut short: String = name.chars().take(LENGTH).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if name.chars().nth(LENGTH).is_some() {
        short.push('…');
    }
    short
}

/// The factor above the default from which a learning rate is unusual. Factors up to 20 are useful for very small encoders.
const UNUSUAL: f64 = 50.0;

/// Returns a warning if a learning rate is far above the default of its kind of model.
pub fn setting_warnings(learning_rate: f64, usual: f64) -> Option<Warning> {
    (learning_rate > usual * UNUSUAL).then_some(Warning::HighLearningRate { rate: learning_rate, usual })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_and_labels_are_shortened() {
        let labels = (0..8).map(|i| (format!("{i}\n{}", "x".repeat(i * 20)), i)).collect();
        let text = Warning::FewTrainingRows { head: "h".into(), labels }.to_string();
        assert!(text.contains("0  (0), 1 xxx") && text.contains("… (4) and 3 more") && text.len() < 400, "{text}");
    }

    #[test]
    fn only_unusual_learning_rates_are_reported() {
        assert_eq!((setting_warnings(1e-3, 5e-5), setting_warnings(10.0, 0.5)), (None, None));
        assert!(setting_warnings(0.5, 5e-5).is_some());
    }
}
