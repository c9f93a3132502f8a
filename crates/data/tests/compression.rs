//! Compressed input and output, valid and damaged.
#![allow(clippy::unwrap_used)]

mod scratch;

use std::fs;
use std::io::Write;

use newsdesk_data::{Compression, FileFault, ReadOptions, Remedy, Source, append, create};
use scratch::{Scratch, gzip, read_all, read_until_broken, texts, zstd};

const LINES: &[u8] = b"{\"text\":\"a\"}\n{\"text\":\"b\"}\n";

/// The lines, compressed with `xz`.
#[rustfmt::skip]
const XZ: &[u8] = &[
    0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4, 0x46, 0x02, 0x00,
    0x21, 0x01, 0x16, 0x00, 0x00, 0x00, 0x74, 0x2f, 0xe5, 0xa3, 0xe0, 0x00, 0x19, 0x00,
    0x16, 0x5d, 0x00, 0x3d, 0x88, 0x8a, 0x86, 0x94, 0x88, 0x13, 0xe0, 0xf3, 0x89, 0x42,
    0xa0, 0xef, 0x3a, 0xaa, 0xb1, 0xba, 0x99, 0x7f, 0xde, 0x00, 0x00, 0x00, 0x00, 0x00,
    0xac, 0x72, 0xa4, 0x6c, 0x5e, 0xf5, 0x63, 0xb4, 0x00, 0x01, 0x32, 0x1a, 0x20, 0x18,
    0x94, 0x30, 0x1f, 0xb6, 0xf3, 0x7d, 0x01, 0x00, 0x00, 0x00, 0x00, 0x04, 0x59, 0x5a,
];

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compression_is_detected_from_magic_bytes() {
    let scratch = Scratch::new();
    for (name, bytes) in [
        ("a.jsonl.gz", gzip(LINES)),
        ("a.jsonl.zst", zstd(LINES)),
        ("gzip.jsonl", gzip(LINES)),
        ("zstd.jsonl", zstd(LINES)),
        ("odd.jsonl.gz", zstd(LINES)),
        ("a.jsonl.bz2", bzip2(LINES)),
        ("a.jsonl.xz", XZ.to_vec()),
        ("xz.jsonl", XZ.to_vec()),
    ] {
        let (rows, rejects) = scratch.read(name, bytes);
        assert_eq!((texts(&rows), rejects.len()), (vec!["a", "b"], 0), "{name}");
        assert_eq!(rows[1].position.offset, 13, "offsets count decompressed bytes");
    }
}

#[test]
fn members_and_frames_are_read_as_one_stream() {
    let scratch = Scratch::new();
    let (first, second) = LINES.split_at(20);
    let (rows, _) = scratch.read("a.jsonl.gz", [gzip(first), gzip(second)].concat());
    assert_eq!(texts(&rows), ["a", "b"]);
    let skippable = b"\x50\x2a\x4d\x18\x02\0\0\0xx".to_vec();
    let (rows, _) = scratch.read("a.jsonl.zst", [skippable, zstd(first), zstd(second)].concat());
    assert_eq!(texts(&rows), ["a", "b"]);
}

#[test]
fn streams_of_bzip2_and_xz_are_read_as_one() {
    let scratch = Scratch::new();
    let (first, second) = LINES.split_at(20);
    let (rows, _) = scratch.read("a.jsonl.bz2", [bzip2(first), bzip2(second)].concat());
    assert_eq!(texts(&rows), ["a", "b"]);
    let (rows, _) = scratch.read("a.jsonl.xz", [XZ, &[0; 8], XZ].concat());
    assert_eq!(texts(&rows), ["a", "b", "a", "b"]);
    let (rows, _) = scratch.read("empty.jsonl.bz2", bzip2(b""));
    assert!(rows.is_empty());
}

#[test]
fn bytes_after_compressed_data_are_an_error_after_its_rows() {
    let scratch = Scratch::new();
    for (name, bytes, compression) in [
        ("a.jsonl.gz", gzip(LINES), Compression::Gzip),
        ("a.jsonl.bz2", bzip2(LINES), Compression::Bzip2),
        ("a.jsonl.xz", XZ.to_vec(), Compression::Xz),
    ] {
        let source = scratch.file(name, [bytes.as_slice(), b"junk"].concat());
        let (rows, _, fatal) = read_until_broken(&source, &ReadOptions::default());
        assert_eq!(texts(&rows), ["a", "b"], "{name}");
        assert_eq!(fatal.unwrap().remedy(), Some(Remedy::RemoveTrailingBytes { compression }), "{name}");
        // Tapes pad files with zeros.
        let (rows, _) = scratch.read(name, [bytes.as_slice(), &[0; 512]].concat());
        assert_eq!(texts(&rows), ["a", "b"], "{name}");
    }
    let source = scratch.file("cut.jsonl.xz", &XZ[..60]);
    let (_, _, fatal) = read_until_broken(&source, &ReadOptions::default());
    assert_eq!(fatal.unwrap().remedy(), Some(Remedy::DownloadAgain { fault: FileFault::CompressedTruncated }));
}

#[test]
fn truncated_stream_returns_its_rows_before_the_error() {
    // Pseudo-random numbers, so that the compressed stream is long.
    let mut lines = String::new();
    let mut state = 1_u64;
    for _ in 0..60_000 {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        lines.push_str(&format!("{{\"text\":\"{state:x}\"}}\n"));
    }
    let scratch = Scratch::new();
    for (name, whole) in [
        ("a.jsonl.gz", gzip(lines.as_bytes())),
        ("a.jsonl.zst", zstd(lines.as_bytes())),
        ("a.jsonl.bz2", bzip2(lines.as_bytes())),
    ] {
        let source = scratch.file(name, &whole[..whole.len() / 2]);
        let (rows, rejects, fatal) = read_until_broken(&source, &ReadOptions::default());
        assert!(rows.len() > 10_000 && rows.len() < 60_000, "{name}: {} rows", rows.len());
        assert!(rejects.is_empty(), "an incomplete row must not be returned");
        let fatal = fatal.unwrap();
        assert_eq!(fatal.to_string(), format!("cannot read `{}` after row {}", source.name(), rows.len()));
        assert_eq!(fatal.remedy(), Some(Remedy::DownloadAgain { fault: FileFault::CompressedTruncated }));

        let mut damaged = whole.clone();
        let middle = damaged.len() / 2;
        damaged[middle..middle + 64].fill(0xff);
        let source = scratch.file(name, damaged);
        let (rows, _, fatal) = read_until_broken(&source, &ReadOptions::default());
        assert!(!rows.is_empty());
        assert!(matches!(fatal.unwrap().remedy(), Some(Remedy::DownloadAgain { .. })), "{name}");
    }
    let table = format!("text\n{}", lines.replace(['{', '}', '"'], ""));
    let whole = gzip(table.as_bytes());
    let source = scratch.file("a.csv.gz", &whole[..whole.len() / 2]);
    let (rows, rejects, fatal) = read_until_broken(&source, &ReadOptions::default());
    assert!(rows.len() > 10_000 && rejects.is_empty() && fatal.is_some());
}

#[test]
fn frame_with_a_too_large_window_must_be_decompressed_first() {
    // A frame header with a window of 2 GiB, followed by an empty last block.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x01, 0x00, 0x00];
    let error = Scratch::new().refused("a.jsonl.zst", frame, &ReadOptions::default());
    assert_eq!(error.remedy(), Some(Remedy::Decompress { compression: Compression::Zstd }), "{error}");
}

#[test]
fn wrong_compression_suffix_is_an_error() {
    let scratch = Scratch::new();
    let error = scratch.refused("a.jsonl.gz", LINES, &ReadOptions::default());
    assert!(error.to_string().ends_with("a.jsonl.gz`: its bytes are not gzip data"), "{error}");
    let error = scratch.refused("a.jsonl.zst", "", &ReadOptions::default());
    assert_eq!(error.remedy(), Some(Remedy::DownloadAgain { fault: FileFault::CompressedTruncated }));
}

#[test]
fn output_is_compressed_by_suffix_and_complete_after_every_flush() {
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
fn empty_compressed_output_is_valid() {
    let scratch = Scratch::new();
    for name in ["e.jsonl.gz", "e.jsonl.zst"] {
        let path = scratch.path(name);
        create(&path).unwrap().flush().unwrap();
        let (rows, rejects) = read_all(&Source::File(path), &ReadOptions::default());
        assert!(rows.is_empty() && rejects.is_empty());
    }
}

#[test]
fn output_that_cannot_be_created_is_an_error() {
    let error = create("no/such/folder/o.csv".as_ref()).err().unwrap();
    assert_eq!(error.to_string(), "cannot write to `no/such/folder/o.csv`");
    assert_eq!(error.remedy(), Some(Remedy::CreateFolder));
}
