//! Label sets: the labels that a head can predict, in the order of its outputs.

use serde::{Deserialize, Serialize};

use super::error::LabelError;
use crate::error::DataError;

/// The index of a label in its label set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LabelId(pub u32);

impl LabelId {
    /// Returns the index as `usize`.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// The name for people.
    pub name: String,
    /// The code for data exchange, such as `medtop:15000000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// A set of labels, such as the IPTC topics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelSet {
    /// The name that recipes and models refer to.
    pub name: String,
    /// Where the labels come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The labels, in the order of a head's outputs.
    #[serde(rename = "label")]
    pub labels: Vec<Label>,
}

impl LabelSet {
    /// Returns a set of labels without codes.
    pub fn new<N: Into<String>>(name: impl Into<String>, names: impl IntoIterator<Item = N>) -> LabelSet {
        let labels = names.into_iter().map(|name| Label { name: name.into(), code: None }).collect();
        LabelSet { name: name.into(), source: None, labels }
    }

    /// Parses a label set from TOML: `name`, `source`, and one `[[label]]` table with `name` and `code` per label.
    ///
    /// # Errors
    /// If the TOML is not valid, or two labels cannot be distinguished. Messages name the file `origin`.
    pub fn parse(toml: &str, origin: &str) -> Result<LabelSet, DataError> {
        let set: LabelSet = toml::from_str(toml)
            .map_err(|source| LabelError::Toml { name: origin.to_owned(), source: Box::new(source) })?;
        set.checked(origin)
    }

    /// Parses a label set from lines with one name each. Blank lines are ignored.
    ///
    /// # Errors
    /// If there is no name, or one occurs twice. Messages name the file `origin`.
    pub fn parse_lines(name: &str, lines: &str, origin: &str) -> Result<LabelSet, DataError> {
        let names = lines.trim_start_matches('\u{feff}').lines().map(str::trim).filter(|line| !line.is_empty());
        LabelSet::new(name, names).checked(origin)
    }

    /// Returns the set if its labels can be distinguished.
    fn checked(self, origin: &str) -> Result<LabelSet, DataError> {
        let invalid = |cause: String| Err(LabelError::Invalid { name: origin.to_owned(), cause }.into());
        if self.is_empty() {
            return invalid("it has no label".to_owned());
        }
        for (index, label) in self.labels.iter().enumerate() {
            if label.name.trim().is_empty() {
                return invalid(format!("label {} has no name", index + 1));
            }
            let before = &self.labels[..index];
            if before.iter().any(|other| is_same(&other.name, &label.name)) {
                return invalid(format!("the label `{}` occurs twice", label.name));
            }
            if label.code.is_some() && before.iter().any(|other| other.code == label.code) {
                return invalid(format!("`{}` has the code of another label", label.name));
            }
        }
        Ok(self)
    }

    /// Returns the number of labels.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Returns whether there are no labels.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Returns the label with this index, or `None` if there is none.
    pub fn get(&self, id: LabelId) -> Option<&Label> {
        self.labels.get(id.index())
    }

    /// Returns the names of the labels, in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.labels.iter().map(|label| label.name.as_str())
    }

    /// Returns the indices of the labels, in order.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = LabelId> + use<> {
        (0..self.labels.len()).map(|index| LabelId(index as u32))
    }

    /// Finds a label by its exact name, or else by its name in another letter case, or else by its code.
    pub fn find(&self, name: &str) -> Option<LabelId> {
        let position = |matches: &dyn Fn(&Label) -> bool| self.labels.iter().position(matches);
        position(&|label| label.name == name)
            .or_else(|| position(&|label| is_same(&label.name, name)))
            .or_else(|| position(&|label| label.code.as_deref() == Some(name)))
            .map(|index| LabelId(index as u32))
    }

    /// Returns the labels to suggest for an unknown name, the most similar first: all of a short set, five of a long
    /// one.
    pub(super) fn suggestions(&self, name: &str) -> Vec<String> {
        const SHORT: usize = 20;
        const NEAREST: usize = 5;
        let mut names: Vec<&str> = self.names().collect();
        names.sort_by_cached_key(|known| distance(&known.to_lowercase(), &name.to_lowercase()));
        names.truncate(if names.len() > SHORT { NEAREST } else { SHORT });
        names.into_iter().map(str::to_owned).collect()
    }
}

fn is_same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Returns the Levenshtein distance of two words: the number of insertions, deletions and substitutions between them.
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
    fn inconsistent_label_set_is_an_error() {
        let cause = |toml: &str| LabelSet::parse(toml, "topics.toml").unwrap_err().to_string();
        assert_eq!(cause("name = 't'\nlabel = []"), "cannot use `topics.toml`: it has no label");
        let twice = "name = 't'\n[[label]]\nname = 'a'\n[[label]]\nname = 'A'";
        assert_eq!(cause(twice), "cannot use `topics.toml`: the label `A` occurs twice");
        let code = "name = 't'\n[[label]]\nname = 'a'\ncode = 'x'\n[[label]]\nname = 'b'\ncode = 'x'";
        assert_eq!(cause(code), "cannot use `topics.toml`: `b` has the code of another label");
        assert_eq!(cause("name = 't'\nlabels = []"), "cannot read `topics.toml`");
    }

    #[test]
    fn suggestions_are_sorted_by_similarity() {
        let set = LabelSet::new("topics", ["politics", "sport", "science"]);
        assert_eq!(set.suggestions("Sports")[0], "sport");
        assert_eq!(distance("kitten", "sitting"), 3);
        let long = LabelSet::new("numbers", (0..50).map(|index| index.to_string()));
        assert_eq!(long.suggestions("7").len(), 5);
    }
}
