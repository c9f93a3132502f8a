//! A job of many parts on a few threads.

use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::available_parallelism;

/// Results of `work(0)`, .., `work(count - 1)` in that order, computed on up to `threads` threads that each take the
/// next part when they are done with one; no more than there are processors. The first error ends the job.
pub fn parallel<T: Send, E: Send>(
    count: usize,
    threads: usize,
    work: impl Fn(usize) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let pool = if threads > 1 && count > 1 { pool() } else { None };
    let Some(pool) = pool else { return (0..count).map(work).collect() };
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let part = next.fetch_add(1, Ordering::Relaxed);
            if part >= count {
                return Ok(done);
            }
            match work(part) {
                Ok(result) => done.push((part, result)),
                Err(error) => {
                    next.store(count, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
    };
    let mut all: Vec<Result<Vec<(usize, T)>, E>> = vec![];
    all.resize_with(threads.min(count), || Ok(vec![]));
    pool.in_place_scope(|scope| {
        let (first, others) = all.split_at_mut(1);
        for place in others {
            scope.spawn(|_| *place = worker());
        }
        first[0] = worker();
    });
    let mut done: Vec<(usize, T)> = Vec::with_capacity(count);
    for results in all {
        done.extend(results?);
    }
    done.sort_by_key(|(part, _)| *part);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

/// Threads that stay from job to job, since a new one begins with memory that the system has to clear; one for each processor
/// but that of the caller, who works as well. `None` where the system gives no threads.
fn pool() -> Option<&'static ThreadPool> {
    static POOL: OnceLock<Option<ThreadPool>> = OnceLock::new();
    let others = available_parallelism().map_or(1, usize::from) - 1;
    POOL.get_or_init(|| {
        // Zero would mean as many as there are processors.
        let build = || ThreadPoolBuilder::new().num_threads(others).build().ok();
        if others > 0 { build() } else { None }
    })
    .as_ref()
}

/// Calls `work` with each item, on up to `threads` threads that each take the next item when they are done with one. The
/// first error ends the job.
pub(crate) fn parallel_each<T: Send>(
    items: &mut [T],
    threads: usize,
    work: impl Fn(&mut T) -> crate::error::Result<()> + Sync,
) -> crate::error::Result<()> {
    let items: Vec<Mutex<&mut T>> = items.iter_mut().map(Mutex::new).collect();
    // Nobody else asks for this lock; it only hands the item over.
    parallel(items.len(), threads, |i| work(&mut items[i].lock().unwrap_or_else(PoisonError::into_inner)))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::parallel;

    #[test]
    fn results_come_in_order() {
        let squares: Result<Vec<usize>, ()> = parallel(100, 3, |i| Ok(i * i));
        assert_eq!(squares, Ok((0..100).map(|i| i * i).collect()));
    }

    #[test]
    fn an_error_ends_the_job() {
        let result = parallel(1000, 3, |i| if i == 17 { Err("seventeen") } else { Ok(i) });
        assert_eq!(result, Err("seventeen"));
    }
}
