//! Compressed input and output, whole and damaged.
#![allow(clippy::unwrap_used)]

mod scratch;

use std::fs;
use std::io::Write;

use newsdesk_data::{ReadOptions, Source, append, create};
use scratch::{Scratch, gzip, read_all, read_until_broken, texts, zstd};

const LINES: &[u8] = b"{\"text\":\"a\"}\n{\"text\":\"b\"}\n";

#[test]
fn compression_is_told_by_the_bytes() {
    let scratch = Scratch::new();
    for (name, bytes) in [
        ("a.jsonl.gz", gzip(LINES)),
        ("a.jsonl.zst", zstd(LINES)),
        ("gzip.jsonl", gzip(LINES)),
        ("zstd.jsonl", zstd(LINES)),
        ("odd.jsonl.gz", zstd(LINES)),
    ] {
        let (rows, rejects) = scratch.read(name, bytes);
        assert_eq!((texts(&rows), rejects.len()), (vec!["a", "b"], 0), "{name}");
        assert_eq!(rows[1].position.offset, 13, "offsets count decompressed bytes");
    }
}

#[test]
fn members_and_frames_read_as_one() {
    let scratch = Scratch::new();
    let (first, second) = LINES.split_at(20);
    let (rows, _) = scratch.read("a.jsonl.gz", [gzip(first), gzip(second)].concat());
    assert_eq!(texts(&rows), ["a", "b"]);
    let skippable = b"\x50\x2a\x4d\x18\x02\0\0\0xx".to_vec();
    let (rows, _) = scratch.read("a.jsonl.zst", [skippable, zstd(first), zstd(second)].concat());
    assert_eq!(texts(&rows), ["a", "b"]);
}

#[test]
fn a_stream_that_ends_too_early_delivers_what_it_has() {
    // Numbers that look random, so that the compressed stream is long.
    let mut lines = String::new();
    let mut state = 1_u64;
    for _ in 0..60_000 {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        lines.push_str(&format!("{{\"text\":\"{state:x}\"}}\n"));
    }
    let scratch = Scratch::new();
    for (name, whole) in [("a.jsonl.gz", gzip(lines.as_bytes())), ("a.jsonl.zst", zstd(lines.as_bytes()))] {
        let source = scratch.file(name, &whole[..whole.len() / 2]);
        let (rows, rejects, fatal) = read_until_broken(&source, &ReadOptions::default());
        assert!(rows.len() > 10_000 && rows.len() < 60_000, "{name}: {} rows", rows.len());
        assert!(rejects.is_empty(), "half a row is no row");
        let fatal = fatal.unwrap();
        assert_eq!(fatal.to_string(), format!("Failed to read `{}` beyond row {}", source.name(), rows.len()));
        assert_eq!(fatal.hint().unwrap(), "the file ends in the middle of its compressed data; fetch it again");

        let mut damaged = whole.clone();
        let middle = damaged.len() / 2;
        damaged[middle..middle + 64].fill(0xff);
        let source = scratch.file(name, damaged);
        let (rows, _, fatal) = read_until_broken(&source, &ReadOptions::default());
        assert!(!rows.is_empty());
        assert!(fatal.unwrap().hint().unwrap().contains("fetch"), "{name}");
    }
    let table = format!("text\n{}", lines.replace(['{', '}', '"'], ""));
    let whole = gzip(table.as_bytes());
    let source = scratch.file("a.csv.gz", &whole[..whole.len() / 2]);
    let (rows, rejects, fatal) = read_until_broken(&source, &ReadOptions::default());
    assert!(rows.len() > 10_000 && rejects.is_empty() && fatal.is_some());
}

#[test]
fn names_that_promise_too_much_are_errors() {
    let scratch = Scratch::new();
    let error = scratch.refused("a.jsonl.gz", LINES, &ReadOptions::default());
    assert!(error.to_string().ends_with("a.jsonl.gz`: its bytes are not gzip data"), "{error}");
    let error = scratch.refused("a.jsonl.zst", "", &ReadOptions::default());
    assert_eq!(error.hint().unwrap(), "the file ends in the middle of its compressed data; fetch it again");
}

#[test]
fn output_is_compressed_by_its_name_and_whole_after_every_flush() {
    let scratch = Scratch::new();
    for name in ["o.jsonl", "o.jsonl.gz", "o.jsonl.zst"] {
        let path = scratch.path(name);
        let source = Source::File(path.clone());
        let mut out = create(&path).unwrap();
        out.write_all(&LINES[..13]).unwrap();
        out.flush().unwrap();
        let (rows, _) = read_all(&source, &ReadOptions::default());
        assert_eq!(texts(&rows), ["a"], "{name}");
        out.write_all(&LINES[13..]).unwrap();
        drop(out);
        let mut out = append(&path).unwrap();
        out.write_all(b"{\"text\":\"c\"}\n").unwrap();
        out.flush().unwrap();
        let size = fs::metadata(&path).unwrap().len();
        out.flush().unwrap();
        drop(out);
        assert_eq!(fs::metadata(&path).unwrap().len(), size, "a second flush writes nothing");
        let (rows, _) = read_all(&source, &ReadOptions::default());
        assert_eq!(texts(&rows), ["a", "b", "c"], "{name}");
        if name != "o.jsonl" {
            assert_ne!(fs::read(&path).unwrap()[0], b'{', "{name}");
        }
    }
}

#[test]
fn an_empty_compressed_output_is_valid() {
    let scratch = Scratch::new();
    for name in ["e.jsonl.gz", "e.jsonl.zst"] {
        let path = scratch.path(name);
        create(&path).unwrap().flush().unwrap();
        let (rows, rejects) = read_all(&Source::File(path), &ReadOptions::default());
        assert!(rows.is_empty() && rejects.is_empty());
    }
}

#[test]
fn an_output_that_cannot_be_made_is_named() {
    let error = create("no/such/folder/o.csv".as_ref()).err().unwrap();
    assert_eq!(error.to_string(), "Failed to write to `no/such/folder/o.csv`");
    assert_eq!(error.hint().unwrap(), "create the folder first");
}
