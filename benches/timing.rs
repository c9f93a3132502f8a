//! Timing with criterion that also returns the fastest call, which criterion does not expose.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Throughput};
use std::time::{Duration, Instant};

/// Benches `call`, which returns its own duration. Returns the fastest call, or `None` if the command line selects other
/// benches.
pub fn fastest(
    group: &mut BenchmarkGroup<WallTime>,
    name: &str,
    elements: u64,
    mut call: impl FnMut() -> Duration,
) -> Option<Duration> {
    let mut fastest: Option<Duration> = None;
    group.throughput(Throughput::Elements(elements));
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|times| {
            let mut total = Duration::ZERO;
            for _ in 0..times {
                let took = call();
                fastest = Some(fastest.map_or(took, |fastest| fastest.min(took)));
                total += took;
            }
            total
        });
    });
    fastest
}

/// Returns the duration of `work`.
pub fn timed<R>(work: impl FnOnce() -> R) -> Duration {
    let start = Instant::now();
    std::hint::black_box(work());
    start.elapsed()
}
