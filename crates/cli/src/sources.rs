//! The inputs that arguments name.

use crate::failure::Usage;
use crate::process;
use anyhow::Result;
use newsdesk_data::{DataError, Format, Source};
use newsdesk_model::folder::WEIGHT_FILES;
use std::path::Path;

/// Returns the sources that arguments name, as [`newsdesk_data::expand`] does.
///
/// # Errors
/// If there is none, one of them is the folder of a model, or one of them is standard input and that is closed.
pub fn expand(arguments: &[String]) -> Result<Vec<Source>> {
    arguments.iter().try_for_each(|argument| refuse_model_folder(argument))?;
    let sources = newsdesk_data::expand(arguments).map_err(|error| match &error {
        DataError::NotFound { path } if is_sentence(path) => {
            let hint = format!("check the name; to label a single text, use `newsdesk classify --text \"{path}\"`");
            Usage::new(error.to_string(), hint).into()
        }
        _ => anyhow::Error::from(error),
    })?;
    if sources.contains(&Source::Stdin) && process::input_was_closed() {
        let message = "cannot open `standard input`: it is closed";
        return Err(Usage::new(message, "pipe articles to standard input, or name files").into());
    }
    Ok(sources)
}

/// Refuses the folder of a model in the place of articles.
///
/// # Errors
/// If the argument is such a folder.
pub fn refuse_model_folder(argument: &str) -> Result<()> {
    let has = |name: &str| Path::new(argument).join(name).is_file();
    let has_weights = || WEIGHT_FILES.into_iter().any(has);
    let is_model = has("newsdesk.toml") || (has("config.json") && has_weights());
    if !is_model {
        return Ok(());
    }
    let message = format!("cannot read articles from `{argument}`: it is the folder of a model");
    let hint = format!(
        "name the model with `newsdesk classify --model {argument}`, or before `--data`, as in `newsdesk eval {argument} --data FILES`"
    );
    Err(Usage::new(message, hint).into())
}

/// Returns whether an argument looks like a text rather than a file: it has spaces, but no folder and no ending of a format.
fn is_sentence(argument: &str) -> bool {
    argument.contains(char::is_whitespace)
        && !argument.contains(['/', '\\', '"'])
        && Format::from_path(Path::new(argument)).is_none()
}
