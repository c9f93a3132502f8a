//! Waits for work on other threads, without the interpreter lock, and checks for signals such as Ctrl-C.

use crate::errors;
use newsdesk_cli::embedded::{Event, Failure, Listener, Stop};
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
enum Sent<T> {
    Event(Event),
    Done(Result<T, Failure>),
}

/// Runs `work` on another thread, and passes its events to `on_event`, as two strings: the kind, and the message or the JSON.
///
/// On Ctrl-C, and if `on_event` fails, the work is asked to stop. If it has something to keep, it is waited for; otherwise, and at
/// the second Ctrl-C, it is left behind.
///
/// # Errors
/// `NewsdeskError` if the work fails, the exception of a signal, or that of `on_event`.
pub fn run<T: Send + 'static>(
    py: Python<'_>,
    on_event: &Bound<'_, PyAny>,
    work: impl FnOnce(Listener) -> Result<T, Failure> + Send + 'static,
) -> PyResult<T> {
    let (events, mut received) = channel();
    let stop = Arc::new(Stop::default());
    let work_stop = Arc::clone(&stop);
    let start = move || {
        let sender: Sender<Sent<T>> = events.clone();
        let listener = Listener {
            // Nobody listens any more to work that was left behind.
            on_event: Box::new(move |event| _ = sender.send(Sent::Event(event))),
            stop: work_stop,
        };
        let done = work(listener);
        let _ = events.send(Sent::Done(done));
    };
    Builder::new().spawn(start)?;
    let mut interrupt = None;
    loop {
        let sent = py.detach(|| {
            // Only one thread may use a receiver, as a unique reference shows.
            let received = &mut received;
            received.recv_timeout(INTERVAL)
        });
        match sent {
            Ok(Sent::Event(event)) => {
                let (kind, text) = match event {
                    Event::Message(text) => ("message", text),
                    Event::Progress(value) => ("progress", value.to_string()),
                    Event::Result(json) => ("result", json),
                };
                // Ctrl-C may have been pressed while Python handled the event.
                if interrupt.is_none()
                    && let Err(error) = on_event.call1((kind, text))
                {
                    if !stop.request() {
                        return Err(error);
                    }
                    interrupt = Some(error);
                }
            }
            Ok(Sent::Done(done)) => {
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
