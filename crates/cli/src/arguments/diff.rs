//! The arguments of `newsdesk diff`.

use super::shared::{OverwriteOption, help};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Diff {
    /// Output of one run
    #[arg(value_name = "BEFORE")]
    pub before: PathBuf,
    /// Output of another run on the same articles
    #[arg(value_name = "AFTER")]
    pub after: PathBuf,
    /// Columns to compare, separated by commas [default: each column NAME that comes with a column NAME_score]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Column that identifies a row in both files [default: match rows by their order]
    #[arg(long, value_name = "NAME")]
    pub key: Option<String>,
    /// Column with the text [default: as in the manifest beside the output, else text, body, content or article]
    #[arg(long, value_name = "NAME")]
    pub text_field: Option<String>,
    /// Column with the title [default: as in the manifest, else title or headline]
    #[arg(long, value_name = "NAME")]
    pub title_field: Option<String>,
    /// Write the changed rows here: the rows of AFTER, with the earlier predictions
    #[arg(long, value_name = "FILE", alias = "rows")]
    pub changed_rows: Option<PathBuf>,
    #[command(flatten)]
    pub overwrite: OverwriteOption,
    #[arg(long, help = help::JSON)]
    pub json: bool,
}
