//! Label sets: the names that a head can give, in the order of its outputs.

use serde::{Deserialize, Serialize};

use crate::error::DataError;

/// A label of one label set, by its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LabelId(pub u32);

impl LabelId {
    /// The place of the label in its set.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// What people read.
    pub name: String,
    /// What machines exchange, such as `medtop:15000000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// Labels of one kind, such as the topics of the IPTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelSet {
    /// The name by which recipes and models refer to it.
    pub name: String,
    /// Where the labels come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The labels, in the order of a head's outputs.
    #[serde(rename = "label")]
    pub labels: Vec<Label>,
}

impl LabelSet {
    /// A set of labels without codes.
    pub fn new<N: Into<String>>(name: impl Into<String>, names: impl IntoIterator<Item = N>) -> LabelSet {
        let labels = names.into_iter().map(|name| Label { name: name.into(), code: None }).collect();
        LabelSet { name: name.into(), source: None, labels }
    }

    /// Reads a set from TOML: `name`, `source`, and one `[[label]]` with `name` and `code` for each label. The origin
    /// is the file that messages name.
    pub fn parse(toml: &str, origin: &str) -> Result<LabelSet, DataError> {
        let set: LabelSet = toml::from_str(toml)
            .map_err(|source| DataError::Toml { name: origin.to_owned(), source: Box::new(source) })?;
        set.checked(origin)
    }

    /// Reads the names of labels, one a line; blank lines count for nothing. The origin is the file that messages name.
    pub fn parse_lines(name: &str, lines: &str, origin: &str) -> Result<LabelSet, DataError> {
        let names = lines.trim_start_matches('\u{feff}').lines().map(str::trim).filter(|line| !line.is_empty());
        LabelSet::new(name, names).checked(origin)
    }

    /// The set, if each of its labels can be told from the others.
    fn checked(self, origin: &str) -> Result<LabelSet, DataError> {
        let invalid = |cause: String| Err(DataError::Invalid { name: origin.to_owned(), cause });
        if self.is_empty() {
            return invalid("it has no label".to_owned());
        }
        for (at, label) in self.labels.iter().enumerate() {
            if label.name.trim().is_empty() {
                return invalid(format!("label {} has no name", at + 1));
            }
            let before = &self.labels[..at];
            if before.iter().any(|other| same(&other.name, &label.name)) {
                return invalid(format!("the label `{}` stands there twice", label.name));
            }
            if label.code.is_some() && before.iter().any(|other| other.code == label.code) {
                return invalid(format!("`{}` has the code of another label", label.name));
            }
        }
        Ok(self)
    }

    /// How many labels there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The label of this set, if the id is one of it.
    pub fn get(&self, id: LabelId) -> Option<&Label> {
        self.labels.get(id.index())
    }

    /// The names of the labels, in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.labels.iter().map(|label| label.name.as_str())
    }

    /// The ids of the labels, in order.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = LabelId> + use<> {
        (0..self.labels.len()).map(|at| LabelId(at as u32))
    }

    /// The label that is called so: exactly, or else in any case of letters, or else by its code.
    pub fn find(&self, wanted: &str) -> Option<LabelId> {
        let place = |is: &dyn Fn(&Label) -> bool| self.labels.iter().position(is);
        place(&|label| label.name == wanted)
            .or_else(|| place(&|label| same(&label.name, wanted)))
            .or_else(|| place(&|label| label.code.as_deref() == Some(wanted)))
            .map(|at| LabelId(at as u32))
    }

    /// The labels to show to somebody who asked for one that does not exist: all of a short set, the nearest of a
    /// long one.
    pub(crate) fn suggestions(&self, wanted: &str) -> Vec<String> {
        const SHORT: usize = 20;
        const NEAREST: usize = 5;
        let mut names: Vec<&str> = self.names().collect();
        names.sort_by_cached_key(|name| distance(&name.to_lowercase(), &wanted.to_lowercase()));
        names.truncate(if names.len() > SHORT { NEAREST } else { SHORT });
        names.into_iter().map(str::to_owned).collect()
    }
}

fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// How many letters must be put in, taken out or changed to make one word of the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut costs: Vec<usize> = (0..=to.len()).collect();
    for (row, letter) in from.chars().enumerate() {
        let mut diagonal = costs[0];
        costs[0] = row + 1;
        for (column, other) in to.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = costs[column + 1];
            costs[column + 1] = changed.min(diagonal + 1).min(costs[column] + 1);
        }
    }
    costs[to.len()]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const TOPICS: &str = r#"
        name = "topics"
        source = "somewhere"
        [[label]]
        name = "politics"
        code = "medtop:11000000"
        [[label]]
        name = "conflict, war and peace"
    "#;

    #[test]
    fn labels_are_found_by_name_and_code() {
        let set = LabelSet::parse(TOPICS, "topics.toml").unwrap();
        assert_eq!(set.len(), 2);
        assert_eq!(set.find("politics"), Some(LabelId(0)));
        assert_eq!(set.find("Conflict, War and Peace"), Some(LabelId(1)));
        assert_eq!(set.find("medtop:11000000"), Some(LabelId(0)));
        assert_eq!(set.find("sport"), None);
        assert_eq!(set.ids().last(), Some(LabelId(1)));
        assert_eq!(toml::from_str::<LabelSet>(&toml::to_string(&set).unwrap()).unwrap(), set);
    }

    #[test]
    fn contradictions_are_named() {
        let cause = |toml: &str| LabelSet::parse(toml, "topics.toml").unwrap_err().to_string();
        assert_eq!(cause("name = 't'\nlabel = []"), "Failed to use `topics.toml`: it has no label");
        let twice = "name = 't'\n[[label]]\nname = 'a'\n[[label]]\nname = 'A'";
        assert_eq!(cause(twice), "Failed to use `topics.toml`: the label `A` stands there twice");
        let code = "name = 't'\n[[label]]\nname = 'a'\ncode = 'x'\n[[label]]\nname = 'b'\ncode = 'x'";
        assert_eq!(cause(code), "Failed to use `topics.toml`: `b` has the code of another label");
        assert_eq!(cause("name = 't'\nlabels = []"), "Failed to read `topics.toml`");
    }

    #[test]
    fn suggestions_stand_nearest_first() {
        let set = LabelSet::new("topics", ["politics", "sport", "science"]);
        assert_eq!(set.suggestions("Sports")[0], "sport");
        assert_eq!(distance("kitten", "sitting"), 3);
        let long = LabelSet::new("numbers", (0..50).map(|at| at.to_string()));
        assert_eq!(long.suggestions("7").len(), 5);
    }
}
