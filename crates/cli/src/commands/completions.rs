//! `newsdesk completions`: prints a completion script for a shell.

use crate::arguments::{Arguments, Completions};
use crate::exit_code::ExitCode;
use anyhow::Result;
use clap::{Command, CommandFactory};
use std::io::Write;

pub fn run(options: Completions) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut without_hidden(&Arguments::command()), "newsdesk", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns a command that has only the options that its help shows. clap_complete would list hidden ones as well.
///
/// No option that is shown may name a hidden one in its conflicts or requirements.
fn without_hidden(command: &Command) -> Command {
    // clap takes only static names. The process ends after the script, so it may leak them.
    let leaked = |text: &str| -> &'static str { text.to_owned().leak() };
    let shown = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let mut copy = Command::new(leaked(command.get_name())).args(shown);
    if let Some(version) = command.get_version() {
        copy = copy.version(leaked(version));
    }
    if let Some(about) = command.get_about() {
        copy = copy.about(about.clone());
    }
    if let Some(about) = command.get_long_about() {
        copy = copy.long_about(about.clone());
    }
    copy.subcommands(command.get_subcommands().map(without_hidden))
}
