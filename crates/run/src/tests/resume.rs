//! What a run can be resumed with, and what is refused.

#![allow(clippy::unwrap_used)]

use super::harness::{Ended, ROWS, RunFixture, classifier, corpus, failing};
use crate::faults::{Step, with_hook};
use crate::{
    Done, OnInterrupted, Output, PredictionColumns, Remedy, RunError, RunOptions, RunState, Scores, run_corpus,
};
use newsdesk_data::{Reject, Row, Source, Table};
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Starts a run that fails after its second checkpoint. The first one decides the columns of a Parquet file.
fn interrupted(corpus: &str, output: &str) -> RunFixture {
    let fixture = RunFixture::with_corpus(corpus, "jsonl", output);
    let (hook, _) = failing(Step::Row, 1060, ErrorKind::Other, false);
    with_hook(hook, || fixture.run(false)).unwrap_err();
    assert!(fixture.saved_rows() >= 512);
    fixture
}

#[test]
fn interrupted_run_is_not_started_again_without_resume() {
    let fixture = interrupted(&corpus(true), "csv");
    let before = fixture.files();
    let error = fixture.run(false).unwrap_err();
    assert!(matches!(&error, RunError::Interrupted { journal } if *journal == fixture.paths.journal()));
    assert_eq!(error.remedy(), Some(Remedy::ResumeOrStartAgain));
    assert!(fixture.files() == before);
    let expected = RunFixture::new("jsonl", "csv").undisturbed();
    assert_eq!(fixture.run_or(OnInterrupted::StartAgain).unwrap(), Ended::Finished);
    assert!(fixture.results().output() == expected.output());
}

#[test]
fn changed_settings_and_inputs_are_refused() {
    let mut fixture = interrupted(&corpus(true), "jsonl");
    let expected = interrupted(&corpus(true), "jsonl").undisturbed();
    let changes = |fixture: &RunFixture| match fixture.run(true) {
        Err(error @ RunError::Changed { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let settings = fixture.settings.clone();
    fixture.settings.insert("dtype".into(), "int8".into());
    assert!(changes(&fixture).ends_with(": dtype: `f32` in the first run, `int8` now"));
    fixture.settings = settings;

    let modified = std::fs::metadata(&fixture.input).unwrap().modified().unwrap();
    let write = |text: &str, time| {
        std::fs::write(&fixture.input, text).unwrap();
        std::fs::File::options().write(true).open(&fixture.input).unwrap().set_modified(time).unwrap();
    };
    let text = corpus(true);
    write(&(text.clone() + "{}\n"), modified);
    assert!(changes(&fixture).contains(&format!("had {} bytes and has {}", text.len(), text.len() + 3)));
    write(&text, modified + Duration::from_secs(5));
    assert!(changes(&fixture).contains("was modified after the run started"));
    // Different contents of the same size and time are noticed when the rows are read again.
    write(&text.replacen("Rovers", "rovers", 1), modified);
    let error = fixture.run(true).unwrap_err();
    assert!(matches!(error, RunError::RowsChanged { .. }), "{error:?}");
    assert_eq!(error.remedy(), Some(Remedy::RestoreSettingsAndInputs));
    write(&text, modified);
    let results = |fixture: &RunFixture| {
        fixture.run(true).unwrap();
        std::fs::read(&fixture.paths.output).unwrap()
    };
    let resumed = results(&fixture);
    assert!(fixture.undisturbed().output() == resumed && expected.output() == resumed);
}

#[test]
fn corpus_that_has_become_shorter_is_refused() {
    let text = corpus(false);
    let fixture = interrupted(&text, "jsonl");
    let mut lines: Vec<&str> = text.lines().collect();
    lines.truncate(100);
    // The same size and time, with fewer rows.
    let shorter = lines.join("\n") + &" ".repeat(text.len() - lines.join("\n").len() - 1) + "\n";
    let modified = std::fs::metadata(&fixture.input).unwrap().modified().unwrap();
    std::fs::write(&fixture.input, shorter).unwrap();
    std::fs::File::options().write(true).open(&fixture.input).unwrap().set_modified(modified).unwrap();
    let error = fixture.run(true).unwrap_err();
    assert!(
        matches!(&error, RunError::RowsChanged { cause } if cause.starts_with("the corpus has 100 rows")),
        "{error:?}"
    );
}

#[test]
fn reject_limit_stops_a_run_that_a_higher_limit_resumes() {
    let mut fixture = RunFixture::new("jsonl", "csv");
    let expected = fixture.undisturbed();
    fixture.reject_limit = Some("2".parse().unwrap());
    let error = fixture.run(false).unwrap_err();
    assert!(matches!(error, RunError::TooManyRejects { rejected: 3, .. }), "{error:?}");
    assert!(fixture.run(true).is_err(), "the limit still holds");
    fixture.reject_limit = Some("1%".parse().unwrap());
    fixture.resumes_to(&expected, "too many rejects");
}

#[test]
fn checkpoint_interval_does_not_change_the_files() {
    for output in ["jsonl.gz", "csv.zst", "arrows"] {
        let mut fixture = RunFixture::new("jsonl", output);
        let expected = fixture.undisturbed();
        fixture.checkpoint_interval = Duration::from_secs(3600);
        assert!(fixture.undisturbed() == expected, "{output}");
        // Without a checkpoint in the journal, the run starts again from its first row or from one that a failure saved.
        let (hook, _) = failing(Step::Row, 600, ErrorKind::Other, false);
        with_hook(hook, || fixture.run(false)).unwrap_err();
        fixture.resumes_to(&expected, "a failure with rare checkpoints");
    }
}

#[test]
fn complete_run_has_nothing_to_resume() {
    let fixture = RunFixture::new("jsonl", "jsonl");
    fixture.run(false).unwrap();
    let before = fixture.files();
    assert_eq!(fixture.run(true).unwrap(), Ended::AlreadyComplete);
    assert!(fixture.files() == before);
}

/// Rewrites a journal as the version before wrote it.
fn as_older_version(journal: &str) -> String {
    let rename = |object: &mut Value, old: &str, new: &str| {
        let object = object.as_object_mut().unwrap();
        let value = object.remove(old).unwrap();
        object.insert(new.into(), value);
    };
    let line = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        if line.get("start").is_some() {
            rename(&mut line, "start", "begin");
            let settings = &mut line["begin"]["settings"];
            rename(settings, "dtype", "precision");
            rename(settings, "max_windows", "windows");
            settings["mention_field"] = json!(null);
        }
        if let Some(checkpoint) = line.get_mut("checkpoint") {
            for hash in ["output_hash", "rejects_hash"] {
                checkpoint.as_object_mut().unwrap().remove(hash).unwrap();
            }
            let state = &mut checkpoint["state"];
            rename(state, "content_hash", "hash");
            if state["counts"]["rejected"] != 0 {
                // The older hash depends on the causes of rejects, so it cannot be computed again.
                state["hash"] = json!(12345);
            }
            rename(&mut state["counts"], "duplicates", "repeats");
            rename(&mut state["counts"], "near_duplicates", "near_repeats");
        }
        line.to_string() + "\n"
    };
    journal.lines().map(line).collect()
}

#[test]
fn run_of_an_older_version_resumes_to_identical_files() {
    for with_rejects in [true, false] {
        for output in ["jsonl", "csv.gz", "parquet"] {
            let fixture = interrupted(&corpus(with_rejects), output);
            let journal = std::fs::read_to_string(fixture.paths.journal()).unwrap();
            let older = as_older_version(&journal);
            assert!(older.contains("precision") && older.contains("\"begin\"") && !older.contains("dtype"), "{older}");
            let files = fixture.files();
            let expected = fixture.undisturbed();
            assert_eq!(expected.rows(), ROWS as u64);
            fixture.restore(&files);
            std::fs::write(fixture.paths.journal(), older).unwrap();
            fixture.resumes_to(&expected, &format!("a run of an older version, {output}"));
        }
    }
}

/// An output that keeps the number of bytes that are done after each row.
struct Watched {
    done: Arc<Done>,
    after_rows: Vec<u64>,
}

impl Output for Watched {
    fn header(&mut self, _: Option<&Table>, _: &[(String, newsdesk_data::Value)]) -> Result<(), RunError> {
        Ok(())
    }

    fn row(&mut self, _: &Row, _: &[(String, newsdesk_data::Value)]) -> Result<(), RunError> {
        Ok(())
    }

    fn reject(&mut self, _: &Reject) -> Result<(), RunError> {
        Ok(())
    }

    fn done(&mut self, _: &RunState) {
        self.after_rows.push(self.done.bytes.load(Ordering::Relaxed));
    }

    fn is_checkpoint_due(&self) -> bool {
        false
    }

    fn checkpoint(&mut self, _: &RunState) -> Result<(), RunError> {
        Ok(())
    }

    fn idle(&mut self, _: &RunState) -> Result<(), RunError> {
        Ok(())
    }
}

#[test]
fn progress_counts_bytes_of_rows_that_are_done() {
    // Larger than the block that is read at once.
    let text = corpus(false).repeat(10);
    let fixture = RunFixture::with_corpus(&text, "jsonl", "jsonl");
    let options = RunOptions::default();
    let columns = PredictionColumns::new(classifier().heads(), Scores::Best, "");
    let mut output = Watched { done: Arc::clone(&options.done), after_rows: vec![] };
    let sources = [Source::File(fixture.input.clone())];
    run_corpus(classifier(), &sources, &options, &columns, &mut RunState::start(), &mut output).unwrap();
    let (after_rows, total) = (output.after_rows, text.len() as u64);
    assert_eq!((after_rows.len(), options.done.bytes.load(Ordering::Relaxed)), (10 * ROWS, total));
    assert!(after_rows.is_sorted(), "{after_rows:?}");
    // The bytes follow the rows, although up to 1 MiB is read at once.
    let length = text.lines().next().unwrap().len() as u64 + 1;
    assert_eq!(after_rows[..2], [0, length]);
    assert_eq!(options.done.rows.load(Ordering::Relaxed), 10 * ROWS as u64);
}
