//! Hints for errors of `newsdesk-run`.

use newsdesk_run::{Remedy, RunError};

/// Returns the hint for an error, if there is one.
pub fn hint(error: &RunError) -> Option<String> {
    error.remedy().as_ref().map(hint_text)
}

/// Returns the hint for a remedy: an instruction to the user of the command line.
pub fn hint_text(remedy: &Remedy) -> String {
    match remedy {
        Remedy::FreeDiskSpace => {
            "free space on the disk, then run the command again, with `--resume` if it has that option".into()
        }
        Remedy::RaiseFileSizeLimit => {
            "raise the limit on the size of files (`ulimit -f`), then run the command again, with `--resume` if it has that option".into()
        }
        Remedy::ShortenName => "choose a shorter name for the output: names of its other files are up to 22 characters longer".into(),
        Remedy::ResumeOrStartAgain => "continue the run with `--resume`, or start again with `--overwrite`".into(),
        Remedy::StartAgain => "start again with `--overwrite` in place of `--resume`, and check the disk".into(),
        Remedy::WaitOrChooseOutput => "wait until it ends, or choose another output".into(),
        Remedy::RestoreSettingsAndInputs => {
            "use the settings and inputs of the first run, or start again with `--overwrite` in place of `--resume`".into()
        }
        Remedy::ChoosePrefix => {
            "choose another prefix with `--prefix TEXT`, or replace the input columns with `--overwrite-columns`".into()
        }
        Remedy::SelectKnownColumns { known } => {
            let known = super::data::listed(known);
            format!("name columns of the input, as in `--columns A,B`, and in the same letter case; it has {known}")
        }
        Remedy::CheckRejects => {
            "check the rejected rows; then raise `--max-rejects`, with `--resume` if the output is a file".into()
        }
        Remedy::Data(remedy) => super::data::hint_text(remedy),
        Remedy::Model(remedy) => super::model::hint_text(remedy),
    }
}
