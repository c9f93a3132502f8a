//! Parses the command line. A mistake becomes an error with a hint, as all other errors are.

mod commands;
mod context;
mod options;
mod peers;
mod values;

use crate::arguments::Arguments;
use crate::exit_code::ExitCode;
use crate::failure::{Usage, refuse_closed_output};
use anyhow::Result;
use clap::error::{ContextKind, ErrorKind};
use clap::{CommandFactory, Error, Parser};
use context::{Typed, text};
use std::ffi::OsString;
use std::ops::ControlFlow;

/// Parses the arguments. Where they ask for the help or the version, prints that and returns the exit code.
///
/// # Errors
/// If the arguments are not valid, or the help cannot be printed. The message of the parser is clap's, and the hint is ours.
pub fn parse(arguments: Vec<OsString>) -> Result<ControlFlow<ExitCode, Arguments>> {
    let error = match Arguments::try_parse_from(&arguments) {
        Ok(arguments) => return Ok(ControlFlow::Continue(arguments)),
        Err(error) => error,
    };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            refuse_closed_output()?;
            error.print()?;
            Ok(ControlFlow::Break(ExitCode::SUCCESS))
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            error.print()?;
            Ok(ControlFlow::Break(ExitCode::from(2)))
        }
        _ => {
            let all = Arguments::command();
            Err(Usage::new(message(&error), hint(&error, &Typed::new(&all, &arguments))).into())
        }
    }
}

/// Returns clap's message in one line, without its prefix, its tips, its list of values and the usage.
fn message(error: &Error) -> String {
    let rendered = error.render().to_string();
    let first = rendered.lines().take_while(|line| !line.trim().is_empty()).map(str::trim);
    let lines: Vec<&str> = first.filter(|line| !line.starts_with("[possible values")).collect();
    lines.join(" ").trim_start_matches("error: ").to_owned()
}

/// Returns what to do about an error: an imperative.
fn hint(error: &Error, typed: &Typed) -> String {
    let invalid = text(error, ContextKind::InvalidArg).unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument if invalid.starts_with('-') => options::unknown(&invalid, typed),
        ErrorKind::UnknownArgument => commands::superfluous(&invalid, typed),
        ErrorKind::InvalidSubcommand | ErrorKind::MissingSubcommand => commands::unknown(error, typed),
        ErrorKind::InvalidValue => values::unknown(error, &invalid, typed),
        ErrorKind::ValueValidation => values::invalid(error, &invalid, typed),
        ErrorKind::ArgumentConflict => options::conflict(error, &invalid),
        ErrorKind::InvalidUtf8 => "write names and values in UTF-8".into(),
        _ => commands::incomplete(error, typed),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn refused(line: &str) -> (String, String) {
        let arguments: Vec<OsString> =
            std::iter::once("newsdesk").chain(line.split_whitespace()).map(OsString::from).collect();
        let error = parse(arguments).unwrap_err();
        let usage = error.downcast_ref::<Usage>().unwrap();
        (usage.message.clone(), usage.hint.clone().unwrap())
    }

    #[track_caller]
    fn assert_hint(line: &str, hint: &str) {
        let found = refused(line);
        assert!(found.1.contains(hint), "`{line}`: expected `{hint}`, found {found:?}");
    }

    /// Names of other tools lead to the option of this command.
    #[test]
    fn options_of_other_tools_are_translated() {
        for (line, hint) in [
            ("classify a.csv --gpu", "`--device cuda`"),
            ("classify a.csv --fp16", "`--dtype bf16`"),
            ("classify a.csv --model-name m", "`--model`"),
            ("classify a.csv --model_name_or_path=m", "`--model`"),
            ("classify a.csv --text-column body", "`--text-field`"),
            ("classify a.csv --output_file b.csv", "`--output`"),
            ("classify --input a.csv", "newsdesk classify FILES"),
            ("classify -i a.csv", "newsdesk classify FILES"),
            ("classify a.csv --batch-size 32", "leave it out"),
            ("classify a.csv --num_workers 4", "`--threads`"),
            ("classify a.csv --Threads 4", "`--threads`"),
            ("classify a.csv -model m", "`--model`"),
            ("eval m --data a.csv --label-column desk", "`--label-field`"),
            ("eval --model m --data a.csv", "newsdesk eval MODEL"),
            ("eval m --test_file a.csv", "`--data`"),
            ("train --data a.csv -o m --lr 1e-4", "`--learning-rate`"),
            ("train --data a.csv -o m --num_train_epochs 3", "`--epochs`"),
            ("train --data a.csv -o m --model_name_or_path b", "`--base`"),
            ("train --train_file a.csv -o m", "`--data`"),
            ("train --data a.csv -o m --fp16", "training has no choice of dtype"),
            ("train --data a.csv -o m --test-size 0.2", "`newsdesk data split`"),
            ("train --data a.csv -o m --max-iter 9", "`--epochs`"),
            ("train --data a.csv -o m --trust-remote-code", "leave it out"),
            ("classify a.csv --verbose", "leave it out"),
            ("classify a.csv --revision v1", "`ORG/NAME@REVISION`"),
            ("classify a.csv --tokenizer t", "leave it out"),
            ("classify a.csv --output-encoding latin1", "UTF-8"),
            ("classify a.csv --max-length 512", "`--max-windows`"),
            ("bench m --data a.csv --repeat 3", "`--rounds`"),
            ("eval m --data a.csv --metrics f1", "all metrics"),
            ("eval m --data a.csv -o out.json", "`--json > FILE`"),
            ("agree m n --data a.csv --output out.json", "`--json > FILE`"),
        ] {
            assert_hint(line, hint);
        }
    }

    #[test]
    fn similar_options_and_options_of_other_commands_are_named() {
        assert_hint("classify a.csv --scoers", "use `--scores`, which is similar");
        assert_hint("classify a.csv --label-field desk", "`--label-field` is an option of");
        assert_hint("classify a.csv --encod latin1", "use `--encoding`");
        assert_hint("classify a.csv --precise", "choose from the options");
        assert_hint("--model m a.csv", "after the command");
        assert_hint("classify a.csv --xyzzy", "`newsdesk classify --help`");
        assert_hint("data check a.csv --xyzzy", "`newsdesk data check --help`");
    }

    #[test]
    fn misplaced_arguments_have_a_hint() {
        assert_hint("articles.csv", "`newsdesk classify articles.csv`");
        assert_hint("dl/*.txt", "`newsdesk classify 'dl/*.txt'`");
        assert_hint("clasify a.csv", "use `newsdesk classify`");
        assert_hint("predict a.csv", "use `newsdesk classify`");
        assert_hint("evaluate a.csv", "use `newsdesk eval`");
        assert_hint("stats a.csv", "use `newsdesk data stats`");
        assert_hint("-o a.csv", "write a command first");
        assert_hint("nonsense", "`newsdesk --help`");
        assert_hint("data nonsense", "`newsdesk data --help`");
        assert_hint("eval a b", "newsdesk bench");
        assert_hint("eval a b.csv", "`--data b.csv`");
        assert_hint("eval a.csv", "`--data a.csv`");
        assert_hint("train a.csv", "`--data a.csv`");
        assert_hint("eval m", "newsdesk eval my-model --data test.csv");
        assert_hint("agree m --data a.csv", "newsdesk agree");
        assert_hint("bench --data a.csv default m", "write the models before `--data`");
        assert_hint("agree --data a.csv default m", "write the models before `--data`");
        assert_hint("classify --text Oil rises", "in quotes");
    }

    #[test]
    fn invalid_values_have_a_hint() {
        assert_hint("classify a.csv --threads 0", "give a whole number of at least 1");
        assert_hint("classify a.csv --threads 65536", "give a whole number of at most 65535");
        assert_hint("bench m --data a.csv --limit 0", "give a whole number of at least 1");
        assert_hint("verify a.csv --sample-size -1", "give a number of at least 0");
        assert_hint("classify a.csv --threads x", "give a whole number");
        assert_hint("classify a.csv --limit 99999999999999999999", "give a whole number");
        assert_hint("classify a.csv --limit=", "write a value after `--limit`");
        assert_hint("classify a.csv --format jsno", "use `");
        assert_hint("classify a.csv --format xyzzy", "`parquet`");
        assert_hint("bench m --data a.csv --tolerance x", "give a number");
        assert_hint("classify a.csv --scores --top-k 2", "leave out one of `--scores` and `--top-k`");
        assert_hint("classify a.csv --model a --model b", "give `--model` only once");
        assert_hint("classify a.csv --dtype", "write a value after `--dtype`");
        for (line, hint) in [
            ("--dtype float16", "`bf16`"),
            ("--dtype FP32", "`f32`"),
            ("--dtype i8", "`int8`"),
            ("--device gpu", "`cuda`"),
            ("--device 0", "`cuda:0`"),
            ("--device mps", "`metal`"),
        ] {
            assert_hint(&format!("classify a.csv {line}"), hint);
        }
        assert_hint("bench m --data a.csv --dtypes f32,float16", "`bf16`");
        assert_hint("train --data a.csv -o m --save-dtype fp16", "`f16`");
        assert_hint("classify a.csv --device tpu", "`newsdesk classify --help`");
    }

    #[test]
    fn messages_are_one_line_without_the_usage() {
        for line in ["eval m", "classify a.csv --format xyzzy", "agree m --data a.csv", "classify --scoers", "nonsense"]
        {
            let (message, hint) = refused(line);
            for text in [&message, &hint] {
                assert!(!text.contains(['\n', '[']) && !text.contains("Usage") && !text.starts_with("error"), "{text}");
            }
        }
    }
}
