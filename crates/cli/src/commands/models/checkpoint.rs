//! What `newsdesk models info` says about the folder of a model: its licence, its files, and what is unusual.

use newsdesk_files::read::{MAX_HAND_WRITTEN, regular};
use newsdesk_model::folder::{Manifest, files_of};
use newsdesk_model::{AnyModel, Head};
use serde::Serialize;
use std::path::Path;

/// A file of a model folder.
#[derive(Serialize)]
pub(super) struct ModelFile {
    name: String,
    bytes: u64,
}

impl std::fmt::Display for ModelFile {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{} ({})", self.name, in_units(self.bytes))
    }
}

/// Returns a number of bytes in kB, MB or GB.
pub(super) fn in_units(bytes: u64) -> String {
    match bytes {
        ..1_000_000 => format!("{:.0} kB", (bytes as f64 / 1e3).ceil()),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

/// Returns the files of a model folder.
pub(super) fn files(folder: &Path) -> Vec<ModelFile> {
    let file = |name: String| Some(ModelFile { bytes: folder.join(&name).metadata().ok()?.len(), name });
    files_of(folder).into_iter().filter_map(file).collect()
}

/// Returns the licence that the model card states in its front matter.
pub(super) fn licence(folder: &Path) -> Option<String> {
    let card = String::from_utf8(regular(&folder.join("README.md"), MAX_HAND_WRITTEN).ok()?).ok()?;
    let front_matter = card.strip_prefix("---")?.split_once("\n---")?.0.to_string();
    let value = front_matter.lines().find_map(|line| line.strip_prefix("license:"))?.trim().trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_string())
}

/// Returns what is unusual about a model.
pub(super) fn notes(model: &AnyModel) -> Vec<String> {
    let AnyModel::Encoder(encoder) = model else { return vec![] };
    let Manifest { heads, scores, .. } = &encoder.manifest;
    let mut notes = encoder.warnings.clone();
    for head in heads.iter().filter(|head| has_numbered_labels(head)) {
        notes.push(format!(
            "the labels of head `{}` begin with numbers; if they are steps of a scale, they are predicted as separate labels",
            head.name
        ));
    }
    if let Some(task) = encoder.other_task {
        notes.push(format!("it was made for {task}, so it can only be a base for training"));
    }
    if !heads.is_empty() && scores.is_empty() {
        notes.push("its manifest records no scores; `newsdesk eval MODEL --data FILE` measures it".into());
    }
    notes
}

/// Returns whether all labels begin with a number, such as `1 star`.
fn has_numbered_labels(head: &Head) -> bool {
    head.labels.len() > 2 && head.labels.iter().all(|label| label.name.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_licence_is_read_from_the_front_matter() {
        let folder = tempfile::tempdir().unwrap();
        let check = |card: &str, expected: Option<&str>| {
            std::fs::write(folder.path().join("README.md"), card).unwrap();
            assert_eq!(licence(folder.path()).as_deref(), expected, "{card:?}");
        };
        check("---\ntags:\n- news\nlicense: apache-2.0\n---\n# A model\n", Some("apache-2.0"));
        check("---\nlicense: \"mit\"\n---\n", Some("mit"));
        check("# A model\nlicense: mit\n", None);
        check("---\ntags: []\n---\nlicense: mit\n", None);
        check("---\nlicense:\n---\n", None);
        std::fs::remove_file(folder.path().join("README.md")).unwrap();
        assert_eq!(licence(folder.path()), None);
    }
}
