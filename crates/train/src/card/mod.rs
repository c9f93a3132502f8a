//! A model card: what a finished model is, what it was made of, what it reached, and what is not known about it. Hubs
//! show it as the page of the model, by the front matter of Hugging Face.

mod figures;
mod markdown;

use crate::error::{Result, TrainError};
use crate::log::replace;
use figures::HardlyTested;
use markdown::{code, plain, table};
use newsdesk_eval::HeadCalibration;
use newsdesk_eval::SetReport;
use newsdesk_model::folder::TrainingRecord;
use newsdesk_model::linear::FeatureRecord;
use newsdesk_model::{AnyModel, Head, HeadActivation};
use std::path::{Path, PathBuf};

/// How a card of ours is told from one that somebody wrote.
const MARK: &str = "<!-- Written by `newsdesk train`. -->";

/// Labels with fewer articles are hardly tested.
const FEW_ARTICLES: u64 = 20;

/// What a card tells.
pub struct Card<'a> {
    /// The finished model, with the record of its training.
    pub model: &'a AnyModel,
    /// The sets that it learned from, and those by which it was measured.
    pub sources: &'a [Source],
    /// The settings that are not at their default: name, value, default.
    pub changed: &'a [[String; 3]],
    /// A command that trains such a model.
    pub command: &'a str,
    /// What was found out about each head's scores.
    pub calibrated: &'a [HeadCalibration],
    /// Figures on the validation sets, at the fitted temperatures.
    pub validation: &'a [SetReport],
    /// Figures on sets that had no part in any choice.
    pub test: &'a [SetReport],
    /// What the figures may be too kind by: sentences, such as that articles are in two sets.
    pub caveats: &'a [String],
}

/// A split of a set that had a part in the training.
pub struct Source {
    /// What it was for.
    pub purpose: &'static str,
    /// Name of the set.
    pub set: String,
    /// Its split.
    pub split: String,
    /// Its labelled rows.
    pub rows: usize,
    /// Its licence as its source states it, where that is known.
    pub licence: Option<String>,
}

impl Card<'_> {
    /// The card in Markdown.
    pub fn text(&self) -> String {
        let sections = [
            self.front_matter(),
            self.what_it_is(),
            self.how_to_use(),
            self.how_it_was_trained(),
            self.how_good_it_is(),
            self.what_its_scores_mean(),
            self.what_it_is_not_good_at(),
        ];
        sections.join("\n")
    }

    fn front_matter(&self) -> String {
        // No licence: that of the weights follows from those of base and sets, which is not ours to decide.
        let kind = match self.model {
            AnyModel::Encoder(_) => "bert",
            AnyModel::Linear(_) => "linear",
        };
        let head = "---\nlibrary_name: newsdesk\npipeline_tag: text-classification\ntags:\n- newsdesk\n";
        format!("{head}- {kind}\n---\n{MARK}\n")
    }

    fn what_it_is(&self) -> String {
        let manifest = self.model.manifest();
        let mut text = format!("# {}\n\nLabels articles, in one pass:\n\n", plain(&manifest.name));
        for head in &manifest.heads {
            let gives = match head.activation {
                HeadActivation::Softmax => "one of",
                HeadActivation::Sigmoid => "any number of",
            };
            text += &format!("- **{}**: {gives} {}\n", plain(&head.name), labels(head));
        }
        let (window, parameters) = (&manifest.window, self.model.parameters());
        text += &match self.model {
            AnyModel::Encoder(model) => format!(
                "\nA BERT encoder of {} layers, {} wide, {parameters} parameters with its heads. Articles of any length are read in \
                 windows of {} tokens, one every {}. A window's tokens are pooled by `{}`, the windows' answers combined by `{}`.\n",
                model.config.num_hidden_layers,
                model.config.hidden_size,
                window.length,
                window.stride,
                manifest.pooling,
                window.combine
            ),
            AnyModel::Linear(model) => {
                let FeatureRecord { buckets, words, characters } = model.features();
                let runs = match characters {
                    Some([fewest, most]) if fewest == most => format!(" and runs of {fewest} characters within words"),
                    Some([fewest, most]) => format!(" and runs of {fewest} to {most} characters within words"),
                    None => String::new(),
                };
                format!(
                    "\nA linear model without an encoder: runs of up to {words} words{runs}, hashed to {buckets} numbers and weighted \
                     by how rare they are; {parameters} parameters. Which of them occur in an article decides, wherever they stand.\n"
                )
            }
        };
        text
    }

    fn how_to_use(&self) -> String {
        "## How to use it\n\nWith this folder as `MODEL`:\n\n```\nnewsdesk classify articles.jsonl --model MODEL\n\
         newsdesk eval MODEL --data labelled.csv\nnewsdesk models info MODEL\n```\n"
            .into()
    }

    fn how_it_was_trained(&self) -> String {
        let mut text = String::from("## How it was trained\n\n");
        if let Some(training) = &self.model.manifest().training {
            let TrainingRecord { base, teachers, best_epoch, newsdesk, settings, .. } = training;
            let (from, log) = match self.model {
                AnyModel::Encoder(_) => (
                    format!(" from the base `{}`", code(base)),
                    " `training.jsonl` is the log of the run, `training.svg` its curve.",
                ),
                AnyModel::Linear(_) => (String::new(), ""),
            };
            text += &format!(
                "By Newsdesk {newsdesk}{from}, with seed {}. Of {}{} epochs the model of epoch {best_epoch} is kept, the best one on \
                 the validation sets.{log}\n\n",
                settings["seed"],
                if settings["patience"].as_u64().is_some_and(|patience| patience > 0) { "up to " } else { "" },
                settings["epochs"],
            );
            if !teachers.is_empty() {
                // Name and hash of each.
                text += &format!(
                    "Besides the labels it learned from what other models say: {}.\n\n",
                    plain(&teachers.join(", "))
                );
            }
        }
        let rows = self.sources.iter().map(|source| {
            let licence = source.licence.as_deref().map_or_else(|| "not stated".into(), plain);
            vec![plain(&source.set), plain(&source.split), source.purpose.into(), source.rows.to_string(), licence]
        });
        text += &table(&["set", "split", "for", "rows", "licence as its source states it"], &[3], rows);
        let mut seen = vec![];
        for record in self.model.manifest().training.iter().flat_map(|training| &training.sets) {
            if !seen.contains(&record) {
                seen.push(record);
            }
        }
        text += "\nIn an epoch:\n\n";
        text += &seen.iter().map(|record| format!("- {}\n", plain(record))).collect::<String>();
        text += &match self.changed {
            [] => "\nAll settings are at their defaults.\n".to_string(),
            changed => {
                let rows = changed.iter().map(|[name, value, default]| vec![plain(name), plain(value), plain(default)]);
                format!(
                    "\nSettings that are not at their defaults:\n\n{}",
                    table(&["setting", "value", "default"], &[], rows)
                )
            }
        };
        text += &format!("\nThe command, but for places of files:\n\n```\n{}\n```\n", self.command);
        text
    }

    fn how_good_it_is(&self) -> String {
        let mut text = format!(
            "## How good it is\n\nOn the validation sets, whole articles. These sets also chose the epoch and fitted the \
             temperatures and what follows from them, so the figures are a little kind.\n\n{}",
            figures::overview(self.validation)
        );
        if !self.test.is_empty() {
            text +=
                &format!("\nOn the test sets, which had no part in any choice:\n\n{}", figures::overview(self.test));
        }
        self.caveats.iter().for_each(|caveat| text += &format!("\n{}\n", plain(caveat)));
        let all = || self.validation.iter().chain(self.test).flat_map(|set| &set.heads);
        if all().any(|head| head.any_of && !head.report.labels_are_sources) {
            text +=
                "\nWhere any right label counts, articles have several, and an answer is right if it is one of them.\n";
        }
        if all().any(|head| head.report.labels_are_sources) {
            text += "\nMeasured as sets, an answer is right if it is one of the labels that the set's own label may mean. That is \
                     kinder than exact labels.\n";
        }
        if all().any(|head| head.report.micro_f1.is_some()) {
            text += "\nWhere a head gives any number of labels, an article counts for the accuracy if all of them are right.\n";
        }
        for head in &self.model.manifest().heads {
            text += &figures::per_label(&head.name, self.validation, self.test);
        }
        text
    }

    fn what_its_scores_mean(&self) -> String {
        let mut text = String::from("## What its scores mean\n\n");
        for head in self.calibrated {
            let name = plain(&head.head);
            text += &match &head.not_fitted {
                None => format!(
                    "- **{name}**: the temperature is {}, fitted on {} validation articles, so a score is about the share of \
                     such answers that are right\n",
                    head.temperature, head.articles
                ),
                Some(cause) => format!(
                    "- **{name}**: the scores are not calibrated, the temperature is {}: {}\n",
                    head.temperature,
                    plain(cause)
                ),
            };
        }
        let heads = self.model.manifest().heads.iter();
        for head in heads.filter(|head| self.calibrated.iter().all(|known| known.head != head.name)) {
            text += &format!(
                "- **{}**: the scores are not calibrated: no validation article is labelled for it\n",
                plain(&head.name)
            );
        }
        let rows = self.calibrated.iter().flat_map(|head| {
            head.calibration.thresholds.iter().map(|row| {
                let shares = [row.min_precision, f64::from(row.min_score), row.coverage].map(|x| format!("{x:.4}"));
                [&[plain(&head.head)], &shares[..], &[row.answers.to_string()]].concat()
            })
        });
        let rows: Vec<Vec<String>> = rows.collect();
        text += &match rows.is_empty() {
            true => "\nNo precision of 0.8 or more is sure, so `--min-precision` cannot be used.\n".to_string(),
            false => format!(
                "\n`newsdesk classify --min-precision` holds back answers with a lower score:\n\n{}",
                table(&["head", "precision", "from score", "share of answers", "answers"], &[1, 2, 3, 4], rows)
            ),
        };
        text
    }

    fn what_it_is_not_good_at(&self) -> String {
        let mut text = String::from(
            "## What it is not good at\n\n\
             - It was trained and measured on the sets above alone. On articles of other sources, times or languages it is \
             likely to be worse; `newsdesk eval` measures it on yours.\n\
             - It always gives the labels that it knows, also to articles that none of them fits; its scores do not tell.\n",
        );
        if let Some(length) = self.model.manifest().training.as_ref().and_then(|t| t.settings["length"].as_u64()) {
            text += &format!("- In training it saw the first {length} tokens of an article.\n");
        }
        for head in &self.model.manifest().heads {
            let HardlyTested { split, few, none } = figures::hardly_tested(head, self.validation, self.test);
            let fewer = format!("hardly tested, with fewer than {FEW_ARTICLES} {split} articles each");
            for (names, what) in [(few, fewer), (none, "untested".into())] {
                if !names.is_empty() {
                    let names: Vec<String> = names.iter().map(|name| plain(name)).collect();
                    text += &format!("- Labels of {} that are {what}: {}.\n", plain(&head.name), names.join("; "));
                }
            }
        }
        if self.sources.iter().any(|source| source.licence.is_none()) {
            text += "- The licences of some sets are not known here. Whether the model may be passed on or sold is for you to \
                     find out.\n";
        }
        text
    }
}

/// The labels of a head in a line, with their codes.
fn labels(head: &Head) -> String {
    let names = head.labels.iter().map(|label| match &label.code {
        Some(code) => format!("{} ({})", plain(&label.name), plain(code)),
        None => plain(&label.name),
    });
    names.collect::<Vec<_>>().join("; ")
}

/// Writes a card into a folder: as `README.md`, or as `MODEL_CARD.md` where a `README.md` is there that somebody else wrote.
/// Returns the place; nothing if both are there and neither is ours.
///
/// # Errors
/// If it cannot be written.
pub fn write_card(text: &str, folder: &Path) -> Result<Option<PathBuf>> {
    for name in ["README.md", "MODEL_CARD.md"] {
        let path = folder.join(name);
        let is_free = match std::fs::read(&path) {
            Ok(found) => String::from_utf8_lossy(&found).contains(MARK),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
            Err(source) => return Err(TrainError::File { verb: "read", path, source }),
        };
        if is_free {
            replace(&path, text.as_bytes())?;
            return Ok(Some(path));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn cards_of_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text: &str| write_card(&format!("{MARK}\n{text}"), folder.path()).unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(write("one"), Some(folder.path().join("README.md")));
        assert_eq!(write("two"), Some(folder.path().join("README.md")));
        assert!(read("README.md").ends_with("two"));
        std::fs::write(folder.path().join("README.md"), "mine").unwrap();
        assert_eq!(write("three"), Some(folder.path().join("MODEL_CARD.md")));
        assert_eq!(read("README.md"), "mine");
        std::fs::write(folder.path().join("MODEL_CARD.md"), "mine, too").unwrap();
        assert_eq!(write("four"), None);
        assert_eq!([read("README.md"), read("MODEL_CARD.md")], ["mine", "mine, too"]);
    }
}
