//! What the tests share: a temporary folder in which the built binary runs, checks of its output, and made-up articles.

mod answer;
pub mod compression;
mod folder;
pub mod processes;
mod random;
mod rows;
#[path = "../../../crates/model/tests/support/torch_file.rs"]
pub mod torch_file;
pub mod training;
pub mod weights;
pub mod workbook;

pub use answer::Answer;
pub use folder::Folder;
pub use random::Random;
pub use rows::{CLOSE, LABELS, articles, column, difference, json_lines, rows, scores, texts};

/// A model with random weights: the head `label` with the labels of [`LABELS`], windows of up to 64 tokens.
pub const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny");

/// The folder with the recipes and the sample articles of the repository.
pub const DATASETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../datasets");

/// A recipe whose labels are mapped to sets of labels of the head `sentiment`. Its rows are in `moods-of-may/rows.jsonl`.
pub const MOODS: &str = r#"name = "moods"
title = "Moods"
origin = "written for this test"
licence = "free"
folder = "moods-of-may"
[files]
validation = "rows.jsonl"
test = "rows.jsonl"
[heads.sentiment]
field = "mood"
labels = "sentiment"
[heads.sentiment.map]
good = ["positive"]
mixed = ["neutral", "negative"]
other = []
"#;

/// Returns a recipe for a data set in the folder `name`. `files` and `heads` are TOML.
pub fn recipe(name: &str, files: &str, heads: &str) -> String {
    let about =
        format!("name = \"{name}\"\ntitle = \"{name}\"\norigin = \"written for this test\"\nlicence = \"free\"");
    format!("{about}\nfolder = \"{name}\"\n[files]\n{files}\n{heads}")
}

/// Splits a command line at white space. The word `TINY` stands for the path of the tiny model.
pub fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().map(|word| if word == "TINY" { TINY } else { word }).collect()
}
