//! Compares the index of a checkpoint in several parts with the parts.

use super::index::Index;
use super::part::Part;
use crate::error::{ModelError, Remedy, Result};
use std::collections::BTreeMap;

/// Checks that each tensor of an index is in the part that the index names; `file` names the index in errors.
///
/// # Errors
/// If a tensor is missing or is in another part.
pub(super) fn check_index(index: &Index, places: &BTreeMap<String, &Part>, file: &str) -> Result<()> {
    for (tensor, part) in &index.tensors {
        let found = places.get(tensor).map(|found| found.name.as_str());
        if found != Some(part) {
            let where_else = found.map_or("which lacks it".into(), |other| format!("but `{other}` holds it"));
            let cause = format!("it says that tensor `{tensor}` is in `{part}`, {where_else}");
            return Err(ModelError::Weights { file: file.into(), cause, remedy: Remedy::ReplaceMismatchedFiles });
        }
    }
    Ok(())
}
