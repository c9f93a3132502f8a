//! A data set's heads and labels, matched with those of a model by name.

use crate::error::{EvalError, Result};
use newsdesk_data::{LabelId, LabelledArticle, LabelledHead, LabelledSet, Target};
use newsdesk_metrics::Truth;
use newsdesk_model::{Head, HeadActivation};

/// Which of a model's labels a set's labels are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchedHead {
    /// Place among the model's heads.
    pub head: usize,
    labels: Vec<usize>,
}

impl MatchedHead {
    /// Matches a set's head with the model's head of the same name, label by label.
    fn new(set: &LabelledSet, taught: &LabelledHead, heads: &[Head]) -> Result<Option<Self>> {
        let Some(number) = heads.iter().position(|head| head.name == taught.name) else { return Ok(None) };
        let head = &heads[number];
        if taught.multi != (head.activation == HeadActivation::Sigmoid) {
            let several = |yes| if yes { "several labels" } else { "one label" };
            return Err(EvalError::Data {
                cause: format!(
                    "`{}` has {} a row for head `{}`, which gives {}",
                    set.name,
                    several(taught.multi),
                    head.name,
                    several(!taught.multi)
                ),
                hint: "lists of labels and `--label-separator` are for multi-label heads".into(),
            });
        }
        let find = |name: &str| {
            head.find(name).ok_or_else(|| EvalError::UnknownLabel {
                set: set.name.as_str().into(),
                label: name.into(),
                head: head.name.as_str().into(),
                place: first_row(set, taught, name).into(),
                known: head.names(),
            })
        };
        Ok(Some(Self { head: number, labels: taught.labels.names().map(find).collect::<Result<_>>()? }))
    }

    /// The model's label for one of the set's head.
    pub fn label(&self, label: LabelId) -> usize {
        self.labels[label.index()]
    }

    /// What is right, in the model's labels.
    pub fn truth(&self, target: &Target) -> Truth {
        let all = || target.labels().iter().map(|label| self.labels[label.index()]).collect();
        match target {
            Target::One(label) => Truth::One(self.labels[label.index()]),
            Target::AnyOf(_) => Truth::AnyOf(all()),
            Target::All(_) => Truth::All(all()),
        }
    }
}

/// Where the first row of a set stands that has a label of one of its heads, after a colon; nothing if none has it.
fn first_row(set: &LabelledSet, taught: &LabelledHead, label: &str) -> String {
    let place = set.heads.iter().position(|head| head.name == taught.name);
    let of_row = |row: &LabelledArticle| {
        let target = row.targets[place?].as_ref()?;
        let is_it = |id: &LabelId| taught.labels.get(*id).is_some_and(|known| known.name == label);
        target.labels().iter().any(is_it).then(|| format!(": {}", row.position))
    };
    set.articles.iter().find_map(of_row).unwrap_or_default()
}

/// The model's head for each of the set's, where there is one; for one of them at least.
pub(crate) fn matched(set: &LabelledSet, heads: &[Head]) -> Result<Vec<Option<MatchedHead>>> {
    let matched: Vec<Option<MatchedHead>> =
        set.heads.iter().map(|taught| MatchedHead::new(set, taught, heads)).collect::<Result<_>>()?;
    if matched.iter().any(Option::is_some) {
        return Ok(matched);
    }
    let names: Vec<&str> = set.heads.iter().map(|head| head.name.as_str()).collect();
    Err(EvalError::UnknownHead {
        set: set.name.clone(),
        head: names.join("`, `"),
        known: heads.iter().map(|head| head.name.clone()).collect(),
    })
}

/// Checks that a set can be measured with a model of these heads.
///
/// # Errors
/// If no head is shared, or a label of the set is not one of the model's.
pub fn check_heads(set: &LabelledSet, heads: &[Head]) -> Result<()> {
    matched(set, heads).map(|_| ())
}

/// Checks that a set can be measured with a model of these heads and has an article to do it with.
///
/// # Errors
/// If no head is shared, a label of the set is not one of the model's, or no article is labelled for a shared head.
pub fn check_labelled(set: &LabelledSet, heads: &[Head]) -> Result<()> {
    let matched = matched(set, heads)?;
    let labelled = |row: &LabelledArticle| row.targets.iter().zip(&matched).any(|(t, m)| t.is_some() && m.is_some());
    if set.articles.iter().any(labelled) {
        return Ok(());
    }
    let names: Vec<&str> = heads.iter().map(|head| head.name.as_str()).collect();
    Err(EvalError::Data {
        cause: format!("no article of `{}`, {}, is labelled for a head of the model", set.name, set.split),
        hint: format!("the model's heads are {}", names.join(", ")),
    })
}
