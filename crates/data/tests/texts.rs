//! Text files, and streams whose format is detected.
#![allow(clippy::unwrap_used)]

mod scratch;

use newsdesk_data::{Cell, Format, ReadOptions, Remedy, read};
use scratch::{Scratch, gzip, read_all, texts};

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
    assert_eq!(cause(b"PK\x03\x04\0\0"), "the file is a ZIP archive");
    assert_eq!(cause(b"a\0b"), "the file is binary");
    assert_eq!(cause(b"caf\xe9"), "byte 3 of the file is not valid UTF-8");
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
    assert_eq!(format(b"[\n {\"text\":\"a\"}]"), Format::Json);
    let empty = |bytes: &[u8]| read(&scratch.file("noname", bytes), &ReadOptions::default()).unwrap().count();
    assert_eq!([empty(b""), empty(b" \r\n\n"), empty(b"[]"), empty(&gzip(b""))], [0; 4]);
}

#[test]
fn encoding_of_a_text_is_named_in_its_reject() {
    let (_, rejects) = Scratch::new().read("a.txt", encode("Le café de la gare fut rénové à l’été"));
    assert_eq!(rejects[0].remedy.as_deref(), Some(&Remedy::UseEncoding { likely: "windows-1252".into() }));
}

/// Encodes a text in Windows-1252.
fn encode(text: &str) -> Vec<u8> {
    encoding_rs::WINDOWS_1252.encode(text).0.into_owned()
}

#[test]
fn file_in_another_encoding_is_refused_before_its_first_row() {
    let scratch = Scratch::new();
    let texts: Vec<String> = (0..40).map(|i| format!("{i},Le café de la gare fut rénové à l’été")).collect();
    let table = encode(&format!("id,text\n{}\n", texts.join("\n")));
    let lines = encode(&texts.iter().map(|text| format!("{{\"text\":\"{text}\"}}\n")).collect::<String>());
    for (name, bytes) in [("a.csv", &table), ("a.jsonl", &lines), ("a.csv.gz", &gzip(&table)), ("noname", &table)] {
        let error = scratch.refused(name, bytes, &ReadOptions::default());
        assert_eq!(error.remedy(), Some(Remedy::UseEncoding { likely: "windows-1252".into() }), "{name}: {error}");
        assert!(error.to_string().contains("40 of its first 4"), "{error}");
        // Named, it is read.
        let options = ReadOptions { encoding: Some("latin1".parse().unwrap()), ..ReadOptions::default() };
        let (rows, rejects) = read_all(&scratch.file(name, bytes), &options);
        assert_eq!((rows.len(), rejects.len()), (40, 0));
        assert!(rows[0].article.text.contains("l’été"));
        // A user who insists on UTF-8 gets the rows that are valid.
        let options = ReadOptions { encoding: Some("utf-8".parse().unwrap()), ..ReadOptions::default() };
        assert_eq!(read_all(&scratch.file(name, bytes), &options).1.len(), 40);
    }
    let header = scratch.refused("b.csv", encode("id,text,catégorie\n1,a,b\n"), &ReadOptions::default());
    assert!(matches!(header.remedy(), Some(Remedy::UseEncoding { .. })), "{header}");
}

#[test]
fn utf_16_without_a_byte_order_mark_is_read() {
    let utf_16: Vec<u8> = "id,text\n1,Zürich wählt\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (rows, _) = Scratch::new().read("a.csv", utf_16);
    assert_eq!(texts(&rows), ["Zürich wählt"]);
}

#[test]
fn binary_file_is_refused_in_every_text_format() {
    let scratch = Scratch::new();
    for name in ["a.csv", "a.tsv", "a.jsonl", "a.json"] {
        let error = scratch.refused(name, [0; 9000], &ReadOptions::default());
        assert_eq!(error.remedy(), Some(Remedy::UseReadableFormat), "{name}: {error}");
        let error = scratch.refused(name, "%PDF-1.7 ...", &ReadOptions::default());
        assert!(error.to_string().ends_with("it is a PDF file"), "{name}: {error}");
    }
}
