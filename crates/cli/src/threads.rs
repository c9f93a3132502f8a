//! Keeps other libraries from starting threads: Newsdesk has its own workers, each of which computes whole batches.

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
