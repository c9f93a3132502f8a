//! Starts threads, and runs a job of many parts on a few of them.

use crate::error::{ModelError, Result};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::thread::{Builder, Scope, available_parallelism};

/// Starts a thread in a scope, which waits for its end.
///
/// # Errors
/// [`ModelError::Thread`] if the system does not provide another thread.
pub fn spawn<'scope>(scope: &'scope Scope<'scope, '_>, work: impl FnOnce() + Send + 'scope) -> Result<()> {
    Builder::new().spawn_scoped(scope, work).map(drop).map_err(|source| ModelError::Thread { source })
}

/// Returns the results of `work(0)`, .., `work(count - 1)` in this order, computed on up to `threads` threads.
///
/// Each thread takes the next part when it finishes one. There are never more threads than CPUs.
///
/// # Errors
/// The first error of a part, which ends the job.
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
        for slot in others {
            scope.spawn(|_| *slot = worker());
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

/// Returns a pool with one thread per CPU, minus one for the calling thread, which works as well. Returns `None`
/// if there is no other CPU or the system provides no threads. The calling thread then does the job alone.
///
/// The threads are reused from job to job, because a new thread starts with memory that the system has to clear. A forked
/// process has none of its parent's threads, so it gets a pool of its own.
fn pool() -> Option<Arc<ThreadPool>> {
    static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);
    let others = available_parallelism().map_or(1, usize::from) - 1;
    // Another thread may have held the lock when the process was forked. In the child, nobody would release it.
    let mut pool = match POOL.try_lock() {
        Ok(pool) => pool,
        Err(TryLockError::Poisoned(pool)) => pool.into_inner(),
        Err(TryLockError::WouldBlock) => return None,
    };
    let process = std::process::id();
    if let Some((owner, pool)) = &*pool
        && *owner == process
    {
        return Some(Arc::clone(pool));
    }
    // For rayon, zero threads mean one per CPU.
    let build = || ThreadPoolBuilder::new().num_threads(others).build().ok().map(Arc::new);
    let new = if others > 0 { build() } else { None }?;
    // The pool of the parent is not dropped: that would wait for its threads.
    std::mem::forget(pool.replace((process, Arc::clone(&new))));
    Some(new)
}

/// Calls `work` with each item on up to `threads` threads, as [`parallel`] does.
///
/// # Errors
/// The first error of an item, which ends the job.
pub(crate) fn parallel_each<T: Send>(
    items: &mut [T],
    threads: usize,
    work: impl Fn(&mut T) -> Result<()> + Sync,
) -> Result<()> {
    let items: Vec<Mutex<&mut T>> = items.iter_mut().map(Mutex::new).collect();
    // There is no contention: each item is locked once, to pass it to its thread.
    parallel(items.len(), threads, |i| work(&mut items[i].lock().unwrap_or_else(PoisonError::into_inner)))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::parallel;

    #[test]
    fn results_are_in_the_order_of_the_parts() {
        let squares: Result<Vec<usize>, ()> = parallel(100, 3, |i| Ok(i * i));
        assert_eq!(squares, Ok((0..100).map(|i| i * i).collect()));
    }

    #[test]
    fn an_error_ends_the_job() {
        let result = parallel(1000, 3, |i| if i == 17 { Err("seventeen") } else { Ok(i) });
        assert_eq!(result, Err("seventeen"));
    }
}
