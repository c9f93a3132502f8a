//! Interrupted runs whose files were changed before they are resumed.

#![allow(clippy::unwrap_used)]

use super::harness::{Ended, FORMATS, RunFixture, failing};
use crate::faults::{Step, with_hook};
use crate::{OutputRecord, Remedy, RunError, RunManifest};
use std::io::ErrorKind;

/// Returns a run that failed after its second checkpoint, and the lengths of its files at both.
fn interrupted(input: &str, output: &str) -> (RunFixture, Vec<[u64; 2]>) {
    let fixture = RunFixture::new(input, output);
    let (hook, _) = failing(Step::Row, 1060, ErrorKind::Other, false);
    with_hook(hook, || fixture.run(false)).unwrap_err();
    let lengths = fixture.saved_lengths();
    (fixture, lengths)
}

#[test]
fn damaged_run_is_resumed_from_the_last_intact_checkpoint() {
    let mut tried = 0;
    for (input, output) in FORMATS {
        let (fixture, lengths) = interrupted(input, output);
        let (files, expected) = (fixture.files(), fixture.undisturbed());
        // Columns of untyped rows are decided after the first checkpoint.
        let [[first, _], [second, _]] = lengths[..] else { continue };
        tried += 1;
        for cut in [false, true] {
            fixture.restore(&files);
            let partial = fixture.paths.partial_output();
            match cut {
                false => fixture.damage(&partial, first..second),
                true => std::fs::File::options().write(true).open(&partial).unwrap().set_len(second - 1).unwrap(),
            }
            // Killed again before the next checkpoint, the run must not trust the later checkpoint.
            let (hook, _) = failing(Step::Row, 2, ErrorKind::Other, true);
            with_hook(hook, || fixture.run(true)).unwrap_err();
            fixture.resumes_to(&expected, &format!("damage after the first checkpoint of {input} to {output}"));
        }
    }
    assert!(tried >= 11, "{tried} formats have two checkpoints");
}

#[test]
fn run_without_an_intact_checkpoint_is_refused() {
    for output in ["jsonl", "csv.gz", "arrows", "parquet"] {
        let (fixture, lengths) = interrupted("jsonl", output);
        fixture.damage(&fixture.paths.partial_output(), 0..lengths[0][0]);
        let files = fixture.files();
        let error = fixture.run(true).unwrap_err();
        let RunError::Damaged { file, bytes, .. } = &error else { panic!("{output}: {error:?}") };
        assert_eq!((file, error.remedy()), (&fixture.paths.partial_output(), Some(Remedy::StartAgain)), "{output}");
        assert!(*bytes > 0, "{error}");
        assert!(fixture.files() == files, "{output}: the files were changed");
        std::fs::remove_file(fixture.paths.partial_output()).unwrap();
        assert!(fixture.run(true).unwrap_err().to_string().ends_with(".partial` is missing"), "{output}");
    }
}

#[test]
fn damaged_rejects_are_noticed() {
    let (fixture, lengths) = interrupted("jsonl", "csv");
    let (files, expected) = (fixture.files(), fixture.undisturbed());
    fixture.restore(&files);
    fixture.damage(&fixture.paths.partial_rejects(), lengths[0][1]..lengths[1][1]);
    fixture.resumes_to(&expected, "damage of the second rejects");
    fixture.restore(&files);
    fixture.damage(&fixture.paths.partial_rejects(), 0..lengths[0][1]);
    let error = fixture.run(true).unwrap_err();
    assert!(matches!(&error, RunError::Damaged { file, .. } if *file == fixture.paths.partial_rejects()), "{error:?}");
}

#[test]
fn damage_of_a_run_that_only_lacks_its_names_is_noticed() {
    for output in ["jsonl", "csv.zst", "arrows", "parquet"] {
        let fixture = RunFixture::new("jsonl", output);
        let expected = fixture.undisturbed();
        let (hook, _) = failing(Step::FinishRejects, 1, ErrorKind::Other, true);
        with_hook(hook, || fixture.run(false)).unwrap_err();
        let [.., [before, _], [all, _]] = fixture.saved_lengths()[..] else { panic!("no checkpoints") };
        fixture.damage(&fixture.paths.partial_output(), before..all);
        fixture.resumes_to(&expected, &format!("damage of the complete {output}"));
    }
}

#[test]
fn manifest_has_the_hashes_of_the_files() {
    for output in ["jsonl", "csv.gz", "parquet"] {
        let fixture = RunFixture::new("jsonl", output);
        assert_eq!(fixture.run(false).unwrap(), Ended::Finished);
        let manifest = RunManifest::open(&fixture.paths.manifest()).unwrap().unwrap();
        assert_eq!(manifest.output.unwrap(), OutputRecord::of(&fixture.paths.output).unwrap(), "{output}");
        assert_eq!(manifest.rejects.unwrap(), OutputRecord::of(&fixture.paths.rejects).unwrap(), "{output}");
    }
}
