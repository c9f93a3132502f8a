//! `newsdesk verify` and `newsdesk diff`, as they are typed.

use super::Running;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Verify {
    /// File that `newsdesk classify -o` wrote, with its manifest beside it
    #[arg(value_name = "OUTPUT")]
    pub output: PathBuf,
    /// The model that labelled it: a folder, or ORG/NAME(@REVISION) in the Hugging Face cache [default: the model inside]
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// Rows that are labelled again
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub rows: u64,
    /// Which rows are chosen
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub running: Running,
}

#[derive(Debug, Args)]
pub struct Diff {
    /// Output of one run
    #[arg(value_name = "BEFORE")]
    pub before: PathBuf,
    /// Output of another run over the same articles
    #[arg(value_name = "AFTER")]
    pub after: PathBuf,
    /// Columns to compare [default: those with a column `NAME_score` beside them]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Column that tells which rows belong together [default: rows in their order]
    #[arg(long, value_name = "NAME")]
    pub key: Option<String>,
    /// Column of the text [default: as the manifest beside the output says, else text, body, content or article]
    #[arg(long, value_name = "NAME")]
    pub text_field: Option<String>,
    /// Column of the title [default: as the manifest says, else title or headline]
    #[arg(long, value_name = "NAME")]
    pub title_field: Option<String>,
    /// Write the rows that changed here, as in AFTER, with what their answers were before
    #[arg(long, value_name = "FILE")]
    pub rows: Option<PathBuf>,
    /// Print one JSON object instead of tables
    #[arg(long)]
    pub json: bool,
}
