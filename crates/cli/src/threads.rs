//! One thread per worker: Newsdesk shares work out itself, whole batches at a time.

/// Tells candle and rayon to start no threads of their own, unless the user set their variables.
///
/// candle reads its number of threads from the environment only. Several workers with one thread each are faster on
/// a processor than one worker with several, and their elementwise operations would wait for each other's lock.
#[expect(unsafe_code, reason = "the environment is the only way to tell candle, and changing it is unsafe by type")]
pub fn one_per_worker() {
    for name in ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"] {
        if std::env::var_os(name).is_none() {
            // SAFETY: called first thing in `main`, when this process has one thread, so nothing reads the
            // environment at the same time.
            unsafe { std::env::set_var(name, "1") };
        }
    }
}
