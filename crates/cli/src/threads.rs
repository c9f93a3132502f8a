//! The number of threads.

use crate::failure::say;
use crate::output::count::counted;
use newsdesk_model::available_cpus;
use std::sync::Once;

/// Threads per CPU at most. More than one per CPU is useful only for measurements.
const MAX_PER_CPU: usize = 4;
/// Threads at most. Each of them needs memory.
const MAX: usize = 1024;

/// Returns the requested number of threads, one per CPU by default. A larger number than [`MAX_PER_CPU`] and [`MAX`] allow is
/// reduced, with one warning.
pub fn count(requested: Option<u16>) -> usize {
    static WARNED: Once = Once::new();
    let cpus = available_cpus();
    let Some(requested) = requested.map(usize::from) else { return cpus.min(MAX) };
    let most = (MAX_PER_CPU * cpus).min(MAX);
    if requested > most {
        WARNED.call_once(|| {
            say(&format!(
                "warning: `--threads {requested}` is reduced to {most}, the maximum for {}",
                counted(cpus, "CPU")
            ));
        });
    }
    requested.min(most)
}
