//! Waits for work on other threads, without the interpreter lock and with an open ear for Ctrl-C.

use crate::errors;
use newsdesk_cli::embedded::{Failure, Listener, Stop, Told};
use pyo3::prelude::*;
use pyo3::types::PyAny;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::Builder;
use std::time::Duration;

/// The time after which a waiting thread looks whether Ctrl-C was pressed.
pub const INTERVAL: Duration = Duration::from_millis(100);

/// Calls `poll` with [`INTERVAL`] until it returns something. In between, Python handles its signals.
///
/// # Errors
/// The exception of a signal, such as `KeyboardInterrupt`.
pub fn until<T: Send>(py: Python<'_>, mut poll: impl FnMut(Duration) -> Option<T> + Send) -> PyResult<T> {
    loop {
        // Also where results come all the time, and no wait is as long as the interval.
        py.check_signals()?;
        if let Some(done) = py.detach(|| poll(INTERVAL)) {
            return Ok(done);
        }
    }
}

/// What a thread with a command sends.
enum Event<T> {
    Told(Told),
    Done(Result<T, Failure>),
}

/// Runs `work` on another thread, and passes what it tells to `tell`, as two strings: the kind, and the message or the JSON.
///
/// On Ctrl-C the work is asked to stop. If it has something to keep, it is waited for; otherwise, and at the second Ctrl-C, it is
/// left behind.
///
/// # Errors
/// `NewsdeskError` if the work fails, the exception of a signal, or that of `tell`.
pub fn run<T: Send + 'static>(
    py: Python<'_>,
    tell: &Bound<'_, PyAny>,
    work: impl FnOnce(Listener) -> Result<T, Failure> + Send + 'static,
) -> PyResult<T> {
    let (events, mut received) = channel();
    let stop = Arc::new(Stop::default());
    let work_stop = Arc::clone(&stop);
    let start = move || {
        let told: Sender<Event<T>> = events.clone();
        let listener = Listener {
            // Nobody listens any more to work that was left behind.
            tell: Box::new(move |what| _ = told.send(Event::Told(what))),
            stop: work_stop,
        };
        let done = work(listener);
        let _ = events.send(Event::Done(done));
    };
    Builder::new().spawn(start)?;
    let mut interrupt = None;
    loop {
        let event = py.detach(|| {
            // Only one thread may use a receiver, as a unique reference shows.
            let received = &mut received;
            received.recv_timeout(INTERVAL)
        });
        match event {
            Ok(Event::Told(told)) => {
                let (kind, text) = match told {
                    Told::Message(text) => ("message", text),
                    Told::Progress(value) => ("progress", value.to_string()),
                    Told::Result(json) => ("result", json),
                };
                if let Err(error) = tell.call1((kind, text)) {
                    stop.request();
                    return Err(error);
                }
            }
            Ok(Event::Done(done)) => {
                return match interrupt {
                    Some(interrupt) => Err(interrupt),
                    None => done.map_err(|failure| errors::exception(py, failure)),
                };
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                let message = "cannot finish: a thread ended with a panic".to_owned();
                return Err(errors::of_setting(py, message, "please report it as a bug"));
            }
        }
        if let Err(signal) = py.check_signals() {
            if !stop.request() {
                return Err(signal);
            }
            interrupt = Some(signal);
        }
    }
}
