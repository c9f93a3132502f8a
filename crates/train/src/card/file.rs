//! The file of a model card. A mark in it tells cards of this program from those written by others.

use crate::error::{Result, TrainError};
use crate::files::write;
use newsdesk_files::read::{MAX_HAND_WRITTEN, regular};
use newsdesk_model::AnyModel;
use std::path::{Path, PathBuf};

/// Marks a card that this program wrote, and may overwrite.
const MARK: &str = "<!-- Written by `newsdesk train`. -->";

/// Returns the beginning of a card: front matter and mark.
pub(super) fn front_matter(model: &AnyModel) -> String {
    // No licence: that of the weights depends on base and data sets, and is not for this program to decide.
    let kind = match model {
        AnyModel::Encoder(model) => &model.layout.name().to_lowercase(),
        AnyModel::Linear(_) => "linear",
    };
    let head = "---\nlibrary_name: newsdesk\npipeline_tag: text-classification\ntags:\n- newsdesk\n";
    format!("{head}- {kind}\n---\n{MARK}\n")
}

/// Writes a card into a folder: as `README.md`, or as `MODEL_CARD.md` if somebody else wrote the `README.md` there. Returns the
/// path; `None` if somebody else wrote both.
///
/// # Errors
/// If it cannot be written.
pub fn write_card(text: &str, folder: &Path) -> Result<Option<PathBuf>> {
    for name in ["README.md", "MODEL_CARD.md"] {
        let path = folder.join(name);
        let may_write = match regular(&path, MAX_HAND_WRITTEN) {
            Ok(found) => String::from_utf8_lossy(&found).contains(MARK),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
            Err(source) => return Err(TrainError::File { verb: "read", path, source }),
        };
        if may_write {
            write(&path, text.as_bytes())?;
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
    fn files_of_others_are_not_overwritten() {
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
