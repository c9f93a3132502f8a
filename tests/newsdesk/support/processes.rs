//! Runs that are killed or interrupted.

use super::{Answer, Folder};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

impl Folder {
    /// Starts a command and kills it (SIGKILL) when the file exists.
    #[track_caller]
    pub fn kill_when_exists(&self, file: &str, arguments: &[&str]) {
        self.kill_when_written(file, 0, arguments);
    }

    /// Starts a command and kills it (SIGKILL) when the file has at least this many bytes.
    #[track_caller]
    pub fn kill_when_written(&self, file: &str, bytes: u64, arguments: &[&str]) {
        let mut command = self.command(arguments);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        self.wait_for(file, bytes, &mut child);
        child.kill().unwrap();
        let ended = Answer::new(arguments, child.wait_with_output().unwrap());
        assert!(ended.code.is_none(), "the run ended before it was killed: {ended}");
    }

    /// Starts a command and interrupts it (SIGINT, as Ctrl-C does) when the file exists.
    #[cfg(unix)]
    #[track_caller]
    pub fn interrupt_when_exists(&self, file: &str, arguments: &[&str]) -> Answer {
        self.interrupt_when_written(file, 0, arguments)
    }

    /// Starts a command and interrupts it (SIGINT, as Ctrl-C does) when the file has at least this many bytes.
    #[cfg(unix)]
    #[track_caller]
    pub fn interrupt_when_written(&self, file: &str, bytes: u64, arguments: &[&str]) -> Answer {
        self.signal_when_written(file, bytes, with_default_signals(self.command(arguments)), &["-INT"])
    }

    /// Starts a command and sends it signals when the file has at least this many bytes.
    #[cfg(unix)]
    #[track_caller]
    pub fn signal_when_written(&self, file: &str, bytes: u64, mut command: Command, signals: &[&str]) -> Answer {
        let arguments: Vec<String> = command.get_args().map(|text| text.to_string_lossy().into_owned()).collect();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        self.wait_for(file, bytes, &mut child);
        for signal in signals {
            let sent = Command::new("kill").args([signal, child.id().to_string().as_str()]).status().unwrap();
            assert!(sent.success(), "`kill {signal}` failed: {sent}");
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Answer::new(&arguments, child.wait_with_output().unwrap())
    }

    /// Returns a command on which signals have their default effect.
    #[cfg(unix)]
    pub fn signalled_command(&self, arguments: &[&str]) -> Command {
        with_default_signals(self.command(arguments))
    }

    #[track_caller]
    fn wait_for(&self, file: &str, bytes: u64, child: &mut Child) {
        let start = Instant::now();
        while !self.path(file).metadata().is_ok_and(|metadata| metadata.len() >= bytes) {
            assert!(child.try_wait().unwrap().is_none(), "the run ended before `{file}` had {bytes} bytes");
            assert!(start.elapsed() < Duration::from_secs(120), "`{file}` has no {bytes} bytes after two minutes");
            sleep(Duration::from_millis(1));
        }
    }
}

/// Restores the default handling of signals. Background jobs of a shell ignore SIGINT, `nohup` ignores SIGHUP, and so would their
/// children.
#[cfg(unix)]
fn with_default_signals(command: Command) -> Command {
    with_signals(command, &[libc::SIGINT, libc::SIGTERM, libc::SIGHUP], libc::SIG_DFL)
}

/// Ignores signals in a command, as `nohup` and shells do.
#[cfg(unix)]
pub fn ignoring(command: Command, signals: &'static [i32]) -> Command {
    with_signals(command, signals, libc::SIG_IGN)
}

#[cfg(unix)]
#[allow(unsafe_code)]
fn with_signals(mut command: Command, signals: &[i32], handler: libc::sighandler_t) -> Command {
    let signals = signals.to_vec();
    let set = move || {
        for &signal in &signals {
            // Safety: neither handler calls code.
            unsafe { libc::signal(signal, handler) };
        }
        Ok(())
    };
    // Safety: between fork and exec, the closure only calls `signal`, which is allowed there.
    unsafe { std::os::unix::process::CommandExt::pre_exec(&mut command, set) };
    command
}
