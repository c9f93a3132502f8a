//! Runs that are killed, or lose power, at every step at which the files differ.

#![allow(clippy::unwrap_used)]

use super::harness::{FORMATS, Files, RunFixture};
use crate::faults::{Step, with_hook};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;

/// The files that a run leaves if it is killed before a step.
struct Snapshot {
    step: Step,
    /// What a killed process leaves.
    killed: Files,
    /// What a power failure leaves, if everything that was not synced is lost.
    power_lost: Files,
}

/// Runs once, and returns a snapshot for each step at which the files differ from those of the step before.
fn snapshots(fixture: &Rc<RunFixture>) -> Vec<Snapshot> {
    let snapshots = Rc::new(RefCell::new(Vec::<Snapshot>::new()));
    let (kept, watched) = (Rc::clone(&snapshots), Rc::clone(fixture));
    let file_name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let paths = &fixture.paths;
    let synced_by = [
        (Step::SyncOutput, file_name(paths.partial_output())),
        (Step::SyncRejects, file_name(paths.partial_rejects())),
        (Step::SyncJournal, file_name(paths.journal())),
    ];
    let mut synced = HashMap::<String, usize>::new();
    let mut syncing = None;
    let hook = move |step| {
        // The sync before this step has succeeded.
        synced.extend(syncing.take());
        let killed = watched.files();
        let mut power_lost = killed.clone();
        for (_, name) in &synced_by {
            if let Some(bytes) = power_lost.get_mut(name) {
                bytes.truncate(synced.get(name).copied().unwrap_or(0));
            }
        }
        if let Some((_, name)) = synced_by.iter().find(|(sync, _)| *sync == step) {
            syncing = Some((name.clone(), killed[name].len()));
        }
        let mut kept = kept.borrow_mut();
        if kept.last().is_none_or(|last| last.killed != killed || last.power_lost != power_lost) {
            kept.push(Snapshot { step, killed, power_lost });
        }
        Ok(())
    };
    with_hook(hook, || fixture.run(false)).unwrap();
    fixture.clear();
    snapshots.take()
}

/// Resumes a run after a kill and after a power failure at every step.
fn check_every_step(fixture: &Rc<RunFixture>, name: &str) {
    let expected = fixture.undisturbed();
    let snapshots = snapshots(fixture);
    assert!(snapshots.len() > 10, "{name}: {} snapshots", snapshots.len());
    for (number, Snapshot { step, killed, power_lost }) in snapshots.iter().enumerate() {
        fixture.restore(killed);
        fixture.resumes_to(&expected, &format!("a kill before {step:?} (snapshot {number}) of {name}"));
        if power_lost != killed {
            fixture.restore(power_lost);
            fixture.resumes_to(&expected, &format!("a power failure before {step:?} (snapshot {number}) of {name}"));
        }
    }
}

#[test]
fn killed_run_resumes_to_identical_files() {
    for (input, output) in FORMATS {
        check_every_step(&Rc::new(RunFixture::new(input, output)), &format!("{input} to {output}"));
    }
}

#[test]
fn killed_run_with_compressed_rejects_resumes_to_identical_files() {
    for compression in ["gz", "zst"] {
        let mut fixture = RunFixture::new("jsonl", "csv");
        fixture.paths.rejects = fixture.paths.output.with_extension(format!("rejects.{compression}"));
        fixture.paths.always_write_rejects = true;
        check_every_step(&Rc::new(fixture), &format!("rejects in {compression}"));
    }
}

#[test]
fn run_killed_twice_resumes_to_identical_files() {
    for output in ["jsonl", "csv.gz", "tsv.zst", "arrows", "parquet"] {
        let fixture = Rc::new(RunFixture::new("jsonl", output));
        let expected = fixture.undisturbed();
        // Killed after the first checkpoint, and then at every step of the resumed run.
        let first = snapshots(&fixture).into_iter().find(|snapshot| {
            fixture.restore(&snapshot.killed);
            fixture.paths.journal().exists() && fixture.saved_rows() >= 512
        });
        let Some(first) = first else { panic!("{output} has no checkpoint") };
        let second = Rc::new(RefCell::new(Vec::<Files>::new()));
        let (kept, watched) = (Rc::clone(&second), Rc::clone(&fixture));
        let hook = move |_| {
            let files = watched.files();
            let mut kept = kept.borrow_mut();
            if kept.last() != Some(&files) {
                kept.push(files);
            }
            Ok(())
        };
        fixture.restore(&first.killed);
        with_hook(hook, || fixture.run(true)).unwrap();
        for (number, files) in second.take().iter().enumerate() {
            fixture.restore(files);
            fixture.resumes_to(&expected, &format!("two kills (snapshot {number}) of {output}"));
        }
    }
}

#[test]
fn output_of_an_earlier_run_stays_until_it_is_replaced() {
    for output in ["jsonl", "csv.zst", "parquet"] {
        let fixture = Rc::new(RunFixture::new("jsonl", output));
        fixture.run(false).unwrap();
        let complete = std::fs::read(&fixture.paths.output).unwrap();
        fixture.clear();
        std::fs::write(&fixture.paths.output, "earlier").unwrap();
        let watched = Rc::clone(&fixture);
        let hook = move |step| {
            let found = std::fs::read(&watched.paths.output).unwrap();
            // The manifest is written again after a Parquet file has its name.
            let is_replaced = step == Step::RemoveJournal || step == Step::WriteManifest && found == complete;
            let expected = if is_replaced { &complete[..] } else { b"earlier" };
            assert!(found == expected, "before {step:?}");
            Ok(())
        };
        with_hook(hook, || fixture.run(false)).unwrap();
    }
}

#[test]
fn parquet_file_that_was_being_made_is_made_again() {
    let fixture = Rc::new(RunFixture::new("jsonl", "parquet"));
    let expected = fixture.undisturbed();
    let before = snapshots(&fixture).into_iter().find(|snapshot| snapshot.step == Step::FinishOutput).unwrap();
    // Killed while the rows are copied into the Parquet file.
    fixture.restore(&before.killed);
    let incomplete = newsdesk_files::with_suffix(&fixture.paths.output, ".whole");
    std::fs::write(&incomplete, "PAR1 incomplete").unwrap();
    fixture.resumes_to(&expected, "a kill while the Parquet file is made");
    // Killed between the rename of the Parquet file and the removal of the rows.
    let complete = std::fs::read(&fixture.paths.output).unwrap();
    fixture.restore(&before.killed);
    std::fs::write(&fixture.paths.output, complete).unwrap();
    fixture.resumes_to(&expected, "a kill before the rows are removed");
}
