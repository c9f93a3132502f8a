//! The arguments of `newsdesk completions`.

use clap::Args;

#[derive(Debug, Args)]
pub struct Completions {
    /// Shell to print the script for
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
