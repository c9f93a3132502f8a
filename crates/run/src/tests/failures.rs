//! Runs in which a step fails once, or from some point on as on a full disk.

#![allow(clippy::unwrap_used)]

use super::harness::{Ended, FORMATS, RunFixture, failing, step_counts};
use crate::faults::{Step, with_hook};
use crate::{Remedy, RunError};
use std::io::ErrorKind;

const STEPS: [Step; 12] = [
    Step::Row,
    Step::Reject,
    Step::WriteOutput,
    Step::WriteRejects,
    Step::SyncOutput,
    Step::SyncRejects,
    Step::WriteJournal,
    Step::SyncJournal,
    Step::WriteManifest,
    Step::FinishRejects,
    Step::FinishOutput,
    Step::RemoveJournal,
];

#[test]
fn failed_run_resumes_to_identical_files() {
    for (input, output) in FORMATS {
        let fixture = RunFixture::new(input, output);
        let expected = fixture.undisturbed();
        let counts = step_counts(&fixture);
        for step in STEPS {
            let count = counts.get(&step).copied().unwrap_or(0);
            assert!(count > 0 || input != "jsonl", "{output} never takes the step {step:?}");
            // The step fails once, the first time; and the disk becomes full in the middle and at the end.
            let once = (1, ErrorKind::Other, false);
            let full = |nth| (nth, ErrorKind::StorageFull, true);
            for (nth, kind, lasting) in [once, full(count.div_ceil(2)), full(count)] {
                if count == 0 {
                    continue;
                }
                let (hook, failed) = failing(step, nth, kind, lasting);
                let disturbance = format!("{kind:?} at {step:?} number {nth} of {count}, {input} to {output}");
                let error = with_hook(hook, || fixture.run(false)).expect_err(&disturbance);
                assert!(failed.get());
                let is_full = error.remedy() == Some(Remedy::FreeDiskSpace);
                assert_eq!(is_full, kind == ErrorKind::StorageFull, "{disturbance}: {error:?}");
                fixture.resumes_to(&expected, &disturbance);
                fixture.clear();
            }
        }
    }
}

#[test]
fn run_that_fails_twice_resumes_to_identical_files() {
    for output in ["jsonl", "csv.gz", "parquet"] {
        let fixture = RunFixture::new("jsonl", output);
        let expected = fixture.undisturbed();
        for first in STEPS {
            for second in [Step::WriteOutput, Step::SyncOutput, Step::WriteJournal, Step::FinishOutput] {
                let (hook, failed) = failing(first, 2, ErrorKind::StorageFull, true);
                // Some steps are taken only once.
                let ran = with_hook(hook, || fixture.run(false));
                assert_eq!(ran.is_err(), failed.get(), "{first:?}: {ran:?}");
                let (hook, failed) = failing(second, 1, ErrorKind::Other, false);
                let ran = with_hook(hook, || fixture.run(true));
                assert_eq!(ran.is_err(), failed.get(), "{first:?}, then {second:?}: {ran:?}");
                fixture.resumes_to(&expected, &format!("failures of {first:?} and {second:?} of {output}"));
                fixture.clear();
            }
        }
    }
}

#[test]
fn run_that_fails_before_its_first_row_leaves_no_files() {
    for step in [Step::WriteJournal, Step::SyncJournal, Step::Row] {
        let fixture = RunFixture::new("jsonl", "jsonl");
        let (hook, _) = failing(step, 1, ErrorKind::StorageFull, false);
        with_hook(hook, || fixture.run(false)).unwrap_err();
        assert_eq!(fixture.files().into_keys().collect::<Vec<_>>(), Vec::<String>::new(), "{step:?}");
    }
    let mut fixture = RunFixture::new("jsonl", "jsonl");
    fixture.paths.always_write_rejects = true;
    fixture.paths.rejects = fixture.paths.output.join("no/folder");
    assert!(matches!(fixture.run(false), Err(RunError::Data(_))));
    assert_eq!(fixture.files().into_keys().collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn failed_sync_is_not_followed_by_a_checkpoint() {
    let fixture = RunFixture::new("jsonl", "jsonl");
    // The second sync is that of the checkpoint after 1024 rows.
    let (hook, _) = failing(Step::SyncOutput, 2, ErrorKind::Other, false);
    with_hook(hook, || fixture.run(false)).unwrap_err();
    assert_eq!(fixture.saved_rows(), 512);
}

#[test]
fn stopped_run_resumes_to_identical_files() {
    for (input, output) in FORMATS {
        let fixture = RunFixture::new(input, output);
        let expected = fixture.undisturbed();
        let rows = step_counts(&fixture)[&Step::Row];
        for nth in [1, 2, 511, 512, 513, rows - 1, rows] {
            let (stop, mut count) = (fixture.stop.clone(), 0);
            let hook = move |step| {
                count += usize::from(step == Step::Row);
                stop.fetch_or(step == Step::Row && count == nth, std::sync::atomic::Ordering::Relaxed);
                Ok(())
            };
            let ended = with_hook(hook, || fixture.run(false)).unwrap();
            let Ended::Interrupted(saved) = ended else {
                panic!("{output} was not interrupted at row {nth}: {ended:?}")
            };
            assert_eq!(saved, fixture.saved_rows(), "{output} at row {nth}");
            // Other formats are resumed from a checkpoint.
            if ["jsonl", "csv", "tsv"].contains(&output) {
                assert!(saved >= nth as u64, "{output} at row {nth} saved {saved}");
            }
            fixture.resumes_to(&expected, &format!("a stop at row {nth} of {input} to {output}"));
            fixture.clear();
        }
    }
}
