//! Chooses names for the added columns, so that no input column is lost.
//!
//! The names are chosen once, from the columns that the beginning of the corpus shows.

use crate::column_names::{ColumnNames, RenamedColumns};
use crate::columns::PredictionColumns;
use crate::error::RunError;
use std::collections::HashSet;

/// What the columns of a head get after their usual name, if the input has a column of that name.
const OF_HEAD: &str = "_predicted";
/// What other added columns get.
const OF_OTHER: &str = "_added";

impl PredictionColumns {
    /// Chooses names that the input does not have. If any column of a head has the name of an input column, all columns of
    /// the head get other names. `other` lists the added columns that belong to no head.
    ///
    /// # Errors
    /// [`RunError::TakenNames`] if the input has the other names as well.
    pub(crate) fn choose_names(&self, input: &HashSet<&str>, other: &[&str]) -> Result<ColumnNames, RunError> {
        let mut taken: HashSet<String> = input.iter().map(|name| (*name).to_owned()).collect();
        let mut names = ColumnNames::default();
        for (index, head) in self.heads().iter().enumerate() {
            let usual = self.usual_name(&head.name);
            let columns = |name: &str| self.names_of_head(index, name);
            let name = free_name(&usual, OF_HEAD, columns, &mut taken)
                .map_err(|taken| RunError::TakenNames { head: Some(head.name.clone()), taken })?;
            names.heads.insert(head.name.clone(), name);
        }
        for column in other {
            let name = free_name(&self.usual_name(column), OF_OTHER, |name| vec![name.to_owned()], &mut taken)
                .map_err(|taken| RunError::TakenNames { head: None, taken })?;
            names.other.insert((*column).to_owned(), name);
        }
        Ok(names)
    }

    /// Returns the columns whose names are not the usual ones.
    pub(crate) fn renamed(&self, names: &ColumnNames) -> Vec<RenamedColumns> {
        let of_heads = self.heads().iter().enumerate().filter_map(|(index, head)| {
            let name = names.heads.get(&head.name).filter(|name| **name != self.usual_name(&head.name))?;
            Some(RenamedColumns { head: Some(head.name.clone()), names: self.names_of_head(index, name) })
        });
        let of_others = names.other.iter().filter(|(column, name)| **name != self.usual_name(column));
        let of_others = of_others.map(|(_, name)| RenamedColumns { head: None, names: vec![name.clone()] });
        of_heads.chain(of_others).collect()
    }
}

/// Returns the usual name, or else the longer one, and marks its columns as taken.
///
/// # Errors
/// The taken names, if both names have some.
fn free_name(
    usual: &str,
    suffix: &str,
    columns: impl Fn(&str) -> Vec<String>,
    taken: &mut HashSet<String>,
) -> Result<String, Vec<String>> {
    let mut found = vec![];
    for name in [usual.to_owned(), format!("{usual}{suffix}")] {
        let columns = columns(&name);
        match columns.iter().find(|column| taken.contains(*column)) {
            None => {
                taken.extend(columns);
                return Ok(name);
            }
            Some(column) => found.push(column.clone()),
        }
    }
    Err(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::columns::Scores;
    use newsdesk_model::{Head, HeadActivation, HeadLabel};
    use std::sync::Arc;

    fn columns(heads: &[&str], prefix: &str) -> PredictionColumns {
        let label = |name: &str| HeadLabel { name: name.into(), code: None, threshold: None };
        let head = |name: &&str| {
            let labels = vec![label("a"), label("b")];
            Arc::new(Head { name: (*name).into(), activation: HeadActivation::Softmax, temperature: 1.0, labels })
        };
        PredictionColumns::new(&heads.iter().map(head).collect::<Vec<_>>(), Scores::Best, prefix)
    }

    fn chosen(heads: &[&str], prefix: &str, input: &[&str]) -> Result<Vec<String>, String> {
        let columns = columns(heads, prefix);
        let names = columns.choose_names(&input.iter().copied().collect(), &["duplicate_group"]);
        let names = names.map_err(|error| error.to_string())?;
        let columns = columns.with_names(&names);
        Ok(columns.example().into_iter().map(|(name, _)| name).chain([columns.group(1).0]).collect())
    }

    #[test]
    fn all_columns_of_a_head_are_renamed_together() {
        let usual = ["desk", "desk_score", "tone", "tone_score", "duplicate_group"];
        assert_eq!(chosen(&["desk", "tone"], "", &["id", "text", "Desk"]).unwrap(), usual);
        let renamed = ["desk_predicted", "desk_predicted_score", "tone", "tone_score", "duplicate_group"];
        for taken in ["desk", "desk_score"] {
            assert_eq!(chosen(&["desk", "tone"], "", &["id", taken]).unwrap(), renamed);
        }
        let group = chosen(&["desk"], "", &["duplicate_group"]).unwrap();
        assert_eq!(group, ["desk", "desk_score", "duplicate_group_added"]);
        assert_eq!(chosen(&["desk"], "nd_", &["desk"]).unwrap()[0], "nd_desk");
        assert_eq!(chosen(&["desk"], "nd_", &["nd_desk_score"]).unwrap()[0], "nd_desk_predicted");
    }

    #[test]
    fn heads_do_not_take_the_columns_of_each_other() {
        let names = ["a", "a_score", "a_score_predicted", "a_score_predicted_score", "duplicate_group"];
        assert_eq!(chosen(&["a", "a_score"], "", &[]).unwrap(), names);
    }

    #[test]
    fn names_that_are_all_taken_are_an_error() {
        let error = chosen(&["desk"], "", &["desk", "desk_predicted_score"]).unwrap_err();
        assert_eq!(
            error,
            "cannot name the columns of head `desk`: the input has the columns `desk` and `desk_predicted_score`"
        );
        let error = chosen(&["desk"], "", &["duplicate_group", "duplicate_group_added"]).unwrap_err();
        assert_eq!(
            error,
            "cannot name an added column: the input has the columns `duplicate_group` and `duplicate_group_added`"
        );
    }

    #[test]
    fn only_changed_names_are_reported() {
        let columns = columns(&["desk", "tone"], "");
        let names = columns.choose_names(&HashSet::from(["tone"]), &["duplicate_group"]).unwrap();
        let renamed = columns.renamed(&names);
        assert_eq!(renamed.len(), 1);
        assert_eq!((renamed[0].head.as_deref(), renamed[0].names[1].as_str()), (Some("tone"), "tone_predicted_score"));
    }
}
