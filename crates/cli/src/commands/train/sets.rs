//! The labelled sets of a training run: what is learned from, chosen by, and measured on.

use crate::arguments::Train;
use crate::failure::{Usage, say};
use crate::sets::{SetSource, describe_rejects};
use anyhow::Result;
use newsdesk_data::{LabelSet, LabelledSet, MentionFields, TextHash, hold_out};
use newsdesk_eval::check_labelled;
use newsdesk_model::Head;
use newsdesk_train::union;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// The labelled sets of a run.
pub struct Sets {
    /// What is learned from.
    pub training: Vec<LabelledSet>,
    /// What the best epoch is chosen by.
    pub validation: Vec<LabelledSet>,
    /// What has no part in any choice.
    pub test: Vec<LabelledSet>,
    /// Sentences on articles that stand where they should not: in what is learned from and in what is measured on.
    pub repeats: Vec<String>,
    /// The licences of sets, by their names, where their recipes state them.
    pub licences: BTreeMap<String, String>,
    /// What the model is to be asked about: what the first training set that says so asks about.
    pub mention: Option<MentionFields>,
    /// The labels of files without a recipe, where they are given.
    labels: Option<Arc<LabelSet>>,
}

impl Sets {
    /// Reads all sets and tells what was read. Without `--validation`, recipes bring theirs and plain files give a tenth.
    pub fn load(options: &Train) -> Result<Self> {
        let mut sets = Self {
            training: vec![],
            validation: vec![],
            test: vec![],
            repeats: vec![],
            licences: BTreeMap::new(),
            mention: None,
            labels: options.labels.as_deref().map(label_list).transpose()?,
        };
        let sources = SetSource::find_all(&options.data)?;
        if sets.labels.is_some() && !sources.iter().any(|source| matches!(source, SetSource::Plain(_))) {
            let message = "Failed to use `--labels`: all sets are given by recipes, which say what their labels are";
            return Err(Usage::new(message, "leave it out").into());
        }
        for source in sources {
            let set = sets.read(&source, options, "train")?;
            sets.mention = sets.mention.or_else(|| source.mention(&options.labelled));
            match source {
                _ if !options.validation.is_empty() => sets.training.push(set),
                SetSource::Recipe(_) => {
                    sets.training.push(set);
                    let validation = sets.read(&source, options, "validation")?;
                    sets.validation.push(validation);
                }
                SetSource::Plain(_) => {
                    let (training, held) = hold_out(set);
                    sets.training.push(training);
                    sets.validation.push(held);
                }
            }
        }
        for source in SetSource::find_all(&options.validation)? {
            let set = sets.read(&source, options, "validation")?;
            sets.validation.push(set);
        }
        for source in SetSource::find_all(&options.test)? {
            let set = sets.read(&source, options, "test")?;
            // Files have no splits: all rows of these are for testing.
            sets.test.push(LabelledSet { split: "test".into(), ..set });
        }
        if !sets.test.is_empty() {
            let heads = union(&sets.training)?;
            sets.test.iter().try_for_each(|set| check_labelled(set, &heads))?;
        }
        sets.repeats = sets.find_repeats();
        if !options.quiet {
            sets.all().for_each(describe);
            let warnings = sets.repeats.iter().cloned().chain(sets.unmeasured()?);
            warnings.for_each(|line| say(&format!("warning: {line}")));
        }
        Ok(sets)
    }

    /// What is to be said of articles that are measured on after they were learned from or chosen by.
    fn find_repeats(&self) -> Vec<String> {
        let mut met: HashSet<TextHash> = HashSet::new();
        let mut repeats = vec![];
        for (sets, next, of) in [
            (&self.training, &self.validation, "those that the model learns from"),
            (&self.validation, &self.test, "those that the model learns from or is chosen by"),
        ] {
            met.extend(sets.iter().flat_map(|set| &set.articles).map(|row| TextHash::of_question(&row.article)));
            for LabelledSet { name, split, articles, .. } in next {
                let count = articles.iter().filter(|row| met.contains(&TextHash::of_question(&row.article))).count();
                if count > 0 {
                    let all = articles.len();
                    repeats.push(format!(
                        "{count} of {all} articles of {name}, {split}, are among {of}: figures on it are too kind"
                    ));
                }
            }
        }
        repeats
    }

    /// What is to be said of heads that no validation article is labelled for.
    fn unmeasured(&self) -> Result<Vec<String>> {
        let is_labelled = |set: &LabelledSet, head: &Head| {
            let place = set.heads.iter().position(|taught| taught.name == head.name);
            place.is_some_and(|place| set.articles.iter().any(|row| row.targets[place].is_some()))
        };
        let heads = union(&self.training)?.into_iter();
        let unmeasured = heads.filter(|head| !self.validation.iter().any(|set| is_labelled(set, head)));
        let told = |head: Head| {
            format!(
                "no validation article is labelled for head {}: it has no part in the choice of the epoch, and its scores are not calibrated",
                head.name
            )
        };
        Ok(unmeasured.map(told).collect())
    }

    fn read(&mut self, source: &SetSource, options: &Train, split: &str) -> Result<LabelledSet> {
        let set = source.load_to_train(&options.labelled, split, self.labels.as_ref())?;
        if let SetSource::Recipe(recipe) = source {
            self.licences.insert(set.name.clone(), recipe.licence.clone());
        }
        Ok(set)
    }

    /// Code 1 if a row could not be used.
    pub fn exit_code(&self) -> ExitCode {
        let rejected = self.all().any(|set| !set.rejects.is_empty());
        if rejected { ExitCode::from(1) } else { ExitCode::SUCCESS }
    }

    /// All of them, in the order of their use.
    pub fn all(&self) -> impl Iterator<Item = &LabelledSet> {
        self.training.iter().chain(&self.validation).chain(&self.test)
    }
}

/// The labels that a file lists.
fn label_list(path: &Path) -> Result<Arc<LabelSet>> {
    let origin = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        let message = format!("Failed to read the labels of `{origin}`: {error}");
        Usage::new(message, "`--labels` names a file with a label a line, or a label set in TOML")
    })?;
    let is_toml = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml"));
    Ok(Arc::new(if is_toml {
        LabelSet::parse(&text, &origin)
    } else {
        LabelSet::parse_lines("labels", &text, &origin)
    }?))
}

fn describe(set: &LabelledSet) {
    let skipped = match set.skipped {
        0 => String::new(),
        skipped => format!(", {skipped} rows without a label left out"),
    };
    say(&format!("{} {}: {} articles{skipped}", set.name, set.split, set.articles.len()));
    describe_rejects(&set.rejects).iter().for_each(|line| say(line));
}
