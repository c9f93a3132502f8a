//! Text files, and streams whose format is detected.
#![allow(clippy::unwrap_used)]

mod scratch;

use newsdesk_data::{Cell, Format, ReadOptions, Remedy, read};
use scratch::{Scratch, gzip, texts};

#[test]
fn text_file_is_one_article() {
    let scratch = Scratch::new();
    let (rows, _) = scratch.read("a.txt", "\u{feff}Rates rose.\r\nAgain.\n");
    assert_eq!(texts(&rows), ["Rates rose.\r\nAgain.\n"]);
    assert!(rows[0].article.title.is_none());
    let names: Vec<&str> = rows[0].columns.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["file", "text"]);
    let path = scratch.path("a.txt").display().to_string();
    assert!(matches!(rows[0].column("file"), Some(Cell::Text(file)) if *file == path));
}

#[test]
fn blank_binary_and_too_long_files_are_rejected() {
    let scratch = Scratch::new();
    let cause = |bytes: &[u8]| {
        let (rows, rejects) = scratch.read("a.txt", bytes);
        assert!(rows.is_empty());
        rejects[0].cause.clone()
    };
    assert_eq!(cause(b""), "the text is blank");
    assert_eq!(cause(b" \r\n"), "the text is blank");
    assert_eq!(cause(b"PK\x03\x04\0\0"), "the file is binary");
    assert_eq!(cause(b"caf\xe9"), "byte 3 of the row is not valid UTF-8");
    assert_eq!(cause(&vec![b'x'; (64 << 20) + 1]), "the text is longer than 67108864 bytes");
}

#[test]
fn format_is_detected_from_the_first_bytes() {
    let scratch = Scratch::new();
    let format = |bytes: &[u8]| {
        let source = scratch.file("noname", bytes);
        let rows = read(&source, &ReadOptions::default()).unwrap();
        let format = rows.format();
        assert_eq!(rows.filter(Result::is_ok).count(), 1);
        format
    };
    assert_eq!(format(b"\xef\xbb\xbf \n {\"text\":\"a\"}"), Format::JsonLines);
    assert_eq!(format(b"Rates rose."), Format::Text);
    assert_eq!(format(b"[Reuters] Rates rose."), Format::Text);
    assert_eq!(format(b"x"), Format::Text);
    assert_eq!(format(&gzip(b"{\"text\":\"a\"}")), Format::JsonLines);
    let error = scratch.refused("a.json", "[\n {\"text\":\"a\"}]", &ReadOptions::default());
    assert!(error.to_string().ends_with("it is one JSON array, not one JSON object per line"), "{error}");
    assert_eq!(error.remedy(), Some(Remedy::ConvertJsonArray));
}
