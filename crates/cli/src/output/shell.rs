//! Arguments as they are typed in a shell, for commands that messages and cards suggest.

/// Returns an argument in quotes, if it has characters that a shell may read otherwise.
pub fn quoted(argument: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./,:=+@%".contains(c);
    match !argument.is_empty() && argument.chars().all(is_plain) {
        true => argument.to_owned(),
        false => format!("'{}'", argument.replace('\'', r"'\''")),
    }
}
