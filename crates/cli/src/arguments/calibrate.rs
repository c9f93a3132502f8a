//! The arguments of `newsdesk calibrate`.

use super::shared::{ComputeOptions, ModelAndData, help};
use clap::Args;
use newsdesk_model::DtypeChoice;

#[derive(Debug, Args)]
pub struct Calibrate {
    #[command(flatten)]
    pub input: ModelAndData,
    #[arg(long, default_value_t, value_name = "NAME", alias = "precision", help = help::DTYPE)]
    pub dtype: DtypeChoice,
    #[command(flatten)]
    pub compute: ComputeOptions,
    #[arg(long, help = help::JSON)]
    pub json: bool,
    #[arg(short, long, help = help::QUIET)]
    pub quiet: bool,
}
