//! A job of many parts on a few threads.

use crate::error::Result;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Results of `work(0)`, .., `work(count - 1)` in that order, computed on up to `threads` threads that each take the
/// next part when they are done with one. The first error ends the job.
pub fn parallel<T: Send, E: Send>(
    count: usize,
    threads: usize,
    work: impl Fn(usize) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    if threads <= 1 || count <= 1 {
        return (0..count).map(work).collect();
    }
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
    let mut done: Vec<(usize, T)> = Vec::with_capacity(count);
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads.min(count)).map(|_| scope.spawn(worker)).collect();
        for handle in handles {
            // A worker that panicked passes its panic on to the caller.
            done.extend(handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(())
    })?;
    done.sort_by_key(|(part, _)| *part);
    Ok(done.into_iter().map(|(_, result)| result).collect())
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
