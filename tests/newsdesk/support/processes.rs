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
        let mut command = with_default_signals(self.command(arguments));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        self.wait_for(file, bytes, &mut child);
        let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(sent.success(), "`kill -INT` failed: {sent}");
        Answer::new(arguments, child.wait_with_output().unwrap())
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

/// Restores the default handling of signals. Background jobs of a shell ignore SIGINT, and so would their children.
#[cfg(unix)]
fn with_default_signals(command: Command) -> Command {
    if !cfg!(target_os = "linux") {
        return command;
    }
    let mut wrapped = Command::new("env");
    wrapped.arg("--default-signal").arg(command.get_program()).args(command.get_args());
    wrapped.current_dir(command.get_current_dir().unwrap()).env("NO_COLOR", "1");
    wrapped
}
