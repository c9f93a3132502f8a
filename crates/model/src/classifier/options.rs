//! How a classifier runs.

use crate::device::DeviceChoice;
use crate::dtype::DtypeChoice;
use crate::folder::OpenOptions;
use newsdesk_kernels::instructions::InstructionSet;

/// The options of a classifier.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The device.
    pub device: DeviceChoice,
    /// Number of threads; `None` for one per CPU.
    pub threads: Option<usize>,
    /// Maximum number of windows read of an article, from its beginning; `None` for all.
    pub max_windows: Option<usize>,
    /// The dtype in which a CPU computes.
    pub dtype: DtypeChoice,
    /// What a model folder may be read from.
    pub open: OpenOptions,
    /// The vector instructions that a CPU uses; `None` for the best available ones.
    pub instructions: Option<InstructionSet>,
}

/// Returns the number of CPUs that this process may use.
pub fn available_cpus() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get())
}
