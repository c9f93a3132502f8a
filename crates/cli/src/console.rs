//! Where a command's messages and results go: to the standard streams, or to a caller in the same process.
//!
//! A caller in the same process, such as the Python package, has no use for the streams of the process. It sets a
//! [`Listener`] for the thread that runs a command.

use crate::output::terminal::escaped;
use anyhow::Result;
use newsdesk_train::Stop;
use serde::Serialize;
use serde_json::Value;
use std::cell::RefCell;
use std::io::Write;
use std::sync::Arc;

/// What a command emits while it runs.
#[derive(Debug)]
pub enum Event {
    /// A message for people: one or several lines.
    Message(String),
    /// How far the command is.
    Progress(Value),
    /// The result, as JSON.
    Result(String),
}

/// A caller in the same process.
pub struct Listener {
    /// Receives the events of the command.
    pub on_event: Box<dyn FnMut(Event)>,
    /// Asks the command to stop.
    pub stop: Arc<Stop>,
}

thread_local! {
    static LISTENER: RefCell<Option<Listener>> = const { RefCell::new(None) };
}

/// Runs `work` with a listener for this thread.
pub fn with_listener<T>(listener: Listener, work: impl FnOnce() -> T) -> T {
    LISTENER.set(Some(listener));
    let result = work();
    LISTENER.set(None);
    result
}

/// Passes an event to the listener. Returns it if there is none.
fn emit(event: Event) -> Result<(), Event> {
    LISTENER.with_borrow_mut(|listener| match listener {
        Some(listener) => {
            (listener.on_event)(event);
            Ok(())
        }
        None => Err(event),
    })
}

/// Returns what asks a command of this thread to stop, if that is not a signal.
pub fn stop() -> Option<Arc<Stop>> {
    LISTENER.with_borrow(|listener| listener.as_ref().map(|listener| Arc::clone(&listener.stop)))
}

/// Prints a line to standard error. A failure to print it is ignored, since there is nowhere left to report it.
pub fn say(line: &str) {
    if let Err(Event::Message(line)) = emit(Event::Message(line.to_owned())) {
        let _ = writeln!(std::io::stderr(), "{}", escaped(&line));
    }
}

/// Emits how far the command is. Does nothing without one: the progress is then shown on the terminal.
pub fn progress(describe: impl FnOnce() -> Value) {
    if LISTENER.with_borrow(Option::is_some) {
        let _ = emit(Event::Progress(describe()));
    }
}

/// Prints a result as one line of JSON to standard output.
///
/// # Errors
/// If it cannot be printed.
pub fn print_json(result: &impl Serialize) -> Result<()> {
    print(serde_json::to_string(result)?)
}

/// Prints a result as indented JSON to standard output.
///
/// # Errors
/// If it cannot be printed.
pub fn print_pretty_json(result: &impl Serialize) -> Result<()> {
    print(serde_json::to_string_pretty(result)?)
}

fn print(json: String) -> Result<()> {
    match emit(Event::Result(json)) {
        Err(Event::Result(json)) => Ok(writeln!(std::io::stdout(), "{json}")?),
        _ => Ok(()),
    }
}
