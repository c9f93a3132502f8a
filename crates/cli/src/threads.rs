//! The number of threads. Other libraries are kept from starting threads of their own: Newsdesk has its own workers, each of which
//! computes whole batches.

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

/// Makes candle and rayon use one thread per worker, unless the user has set their environment variables.
///
/// candle reads its number of threads only from the environment. On a CPU, several workers with one thread each are
/// faster than one worker with several threads. With more threads, elementwise operations of the workers would wait for one lock.
#[expect(
    unsafe_code,
    reason = "candle reads its number of threads only from the environment, and setting a variable is unsafe"
)]
pub fn one_per_worker() {
    for name in ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"] {
        if std::env::var_os(name).is_none() {
            // SAFETY: `main` calls this first, while the process has one thread, so no other thread reads the
            // environment at the same time.
            unsafe { std::env::set_var(name, "1") };
        }
    }
}
