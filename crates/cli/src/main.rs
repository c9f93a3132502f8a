//! The binary `newsdesk`: what only a program of its own may decide, and the commands of the library.

use std::process::ExitCode;

/// candle allocates and frees a block for every tensor. The system's allocator returns large blocks to the kernel, which
/// clears every page again at the next use. That took a third of the time of a training step.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    use_one_thread_per_worker();
    ExitCode::from(newsdesk_cli::main(std::env::args_os().collect()))
}

/// Makes candle and rayon use one thread per worker, unless the user has set their environment variables.
///
/// candle reads its number of threads only from the environment. On a CPU, several workers with one thread each are
/// faster than one worker with several threads. With more threads, elementwise operations of the workers would wait for one lock.
#[expect(
    unsafe_code,
    reason = "candle reads its number of threads only from the environment, and setting a variable is unsafe"
)]
fn use_one_thread_per_worker() {
    for name in ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"] {
        if std::env::var_os(name).is_none() {
            // SAFETY: `main` calls this first, while the process has one thread, so no other thread reads the
            // environment at the same time.
            unsafe { std::env::set_var(name, "1") };
        }
    }
}
