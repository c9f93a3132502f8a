//! Expansion of files, folders, patterns and standard input into sources.
#![allow(clippy::unwrap_used)]

mod scratch;

use newsdesk_data::{Source, expand};
use scratch::Scratch;

fn names(scratch: &Scratch, inputs: &[&str]) -> Vec<String> {
    let root = format!("{}/", scratch.path("").display().to_string().trim_end_matches('/'));
    let inputs: Vec<String> = inputs.iter().map(|input| format!("{root}{input}")).collect();
    expand(&inputs).unwrap().iter().map(|source| source.name().replace(&root, "")).collect()
}

#[test]
fn folders_are_walked_in_name_order() {
    let scratch = Scratch::new();
    for name in ["b.txt", "a.csv.gz", "deep/z.jsonl", "deep/a.TSV", "c.ndjson.zst", "notes.md", ".hidden.txt", "d.gz"] {
        scratch.file(name, "");
    }
    assert_eq!(names(&scratch, &[""]), ["a.csv.gz", "b.txt", "c.ndjson.zst", "deep/a.TSV", "deep/z.jsonl"]);
    assert_eq!(names(&scratch, &["notes.md"]), ["notes.md"], "a named file is read whatever its suffix");
    assert_eq!(names(&scratch, &["*.txt", "deep/*"]), ["b.txt", "deep/a.TSV", "deep/z.jsonl"]);
    assert_eq!(names(&scratch, &["**/*.jsonl"]), ["deep/z.jsonl"]);
}

#[test]
fn name_of_an_existing_file_is_not_a_pattern() {
    let scratch = Scratch::new();
    scratch.file("a[1].txt", "");
    scratch.file("a1.txt", "");
    assert_eq!(names(&scratch, &["a[1].txt"]), ["a[1].txt"]);
}

#[test]
fn dash_is_standard_input() {
    assert_eq!(expand(&["-".to_owned()]).unwrap(), [Source::Stdin]);
    assert_eq!(&*Source::Stdin.name(), "<stdin>");
}

#[test]
fn missing_input_is_an_error_with_a_remedy() {
    let scratch = Scratch::new();
    scratch.file("empty/notes.md", "");
    let error = |input: String| {
        let error = expand(&[input]).unwrap_err();
        (error.to_string(), error.remedy().is_some())
    };
    assert_eq!(error("gone.txt".into()), ("cannot find `gone.txt`".into(), true));
    let folder = scratch.path("empty").display().to_string();
    assert_eq!(error(folder.clone()), (format!("cannot find articles in the folder `{folder}`"), true));
    assert_eq!(error("gone/*.txt".into()), ("cannot find a file that matches `gone/*.txt`".into(), true));
    assert_eq!(error("gone/***.txt".into()).0, "cannot parse the pattern `gone/***.txt`");
}

#[cfg(unix)]
#[test]
fn patterns_end_within_loops_of_links() {
    let scratch = Scratch::new();
    scratch.file("a/b/x.txt", "");
    scratch.file("a/.hidden/y.txt", "");
    for (link, target) in [("a/b/one", ".."), ("a/b/two", "../.."), ("a/three", ".."), ("a/b/same.txt", "x.txt")] {
        std::os::unix::fs::symlink(target, scratch.path(link)).unwrap();
    }
    // `same.txt` comes first in name order, and is the same file.
    assert_eq!(names(&scratch, &["**/*.txt"]), ["a/b/same.txt"]);
    assert_eq!(names(&scratch, &["a/**/x.txt"]), ["a/b/x.txt"]);
    assert_eq!(names(&scratch, &["a/**"]), ["a/b/same.txt"]);
    assert_eq!(names(&scratch, &["a/*/x.txt"]), ["a/b/x.txt"]);
}
