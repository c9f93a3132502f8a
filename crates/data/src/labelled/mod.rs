//! Labelled data sets: label sets, recipes of public data sets, and users' own labelled files.
//!
//! ```text
//! recipe --recipe--> file --rows--> labelled rows --from_recipe--> labelled articles
//! files  ----------- options -----> labelled rows --from_files---> labelled articles
//! files  -----------------------------------------unlabelled---> articles without labels
//! ```

mod error;
mod from_files;
mod from_recipe;
mod labels;
mod options;
mod recipe;
mod rows;
mod set;
mod gold_labels;
mod unlabelled;

pub use error::LabelError;
pub use from_files::load_labelled_files;
pub use from_recipe::{load_recipe, recipe_heads};
pub use gold_labels::GoldLabels;
pub use labels::{Label, LabelId, LabelSet};
pub use options::LabelledFileOptions;
pub use recipe::{Fields, HeadRecipe, Recipe};
pub use rows::{LabelledRow, LabelledRows};
pub use set::{LabelledArticle, LabelledHead, LabelledSet};
pub use unlabelled::load_unlabelled_files;
