//! Property tests: rows that are written are read back unchanged.
#![allow(clippy::unwrap_used, clippy::panic)]

mod scratch;

use newsdesk_data::{Cell, DataError, Format, ReadOptions, Row, Source, create, read, writer};
use proptest::prelude::*;
use scratch::{Scratch, read_all};

/// Strings of arbitrary characters, and of those that have a meaning in CSV or JSON.
fn field() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[a\"\\\\,\t\r\n{}\\[\\]:' é\u{0}\u{feff}]{0,12}"]
}

fn through(scratch: &Scratch, format: Format, rows: &[Row]) -> (Vec<Row>, usize) {
    let path = scratch.path("through");
    let mut writer = writer(format, create(&path).unwrap()).unwrap();
    for row in rows {
        writer.write(row, &[]).unwrap();
    }
    writer.finish().unwrap();
    let options = ReadOptions { format: Some(format), ..ReadOptions::default() };
    let (rows, rejects) = read_all(&Source::File(path), &options);
    (rows, rejects.len())
}

fn cells(row: &Row) -> Vec<(String, String)> {
    row.columns.iter().map(|(name, cell)| (name.to_string(), cell.as_text().unwrap().into_owned())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn csv_tsv_and_json_lines_keep_every_field(fields in prop::collection::vec((field(), field()), 1..8)) {
        let scratch = Scratch::new();
        let lines: String = fields
            .iter()
            .map(|(text, note)| format!("{}\n", serde_json::json!({ "note": note, "text": format!("t{text}") })))
            .collect();
        let (rows, rejects) = scratch.read("a.jsonl", lines);
        prop_assert_eq!(rejects.len(), 0);
        for format in [Format::JsonLines, Format::Csv, Format::Tsv] {
            let (back, rejects) = through(&scratch, format, &rows);
            prop_assert_eq!((back.len(), rejects), (rows.len(), 0));
            for (row, back) in rows.iter().zip(&back) {
                prop_assert_eq!(cells(row), cells(back));
                prop_assert_eq!(&row.article, &back.article);
            }
            let (again, _) = through(&scratch, Format::JsonLines, &back);
            prop_assert!(again.iter().zip(&rows).all(|(again, row)| cells(again) == cells(row)));
        }
    }

    #[test]
    fn json_values_are_kept_byte_by_byte(integer in any::<i128>(), float in any::<f64>(), text in field(), spaces in " {0,3}") {
        let float = serde_json::json!(float);
        let value = format!("{{\"a\":{spaces}[{integer},{spaces}{float}],\"b\":{}}}", serde_json::json!(text));
        let line = format!("{{\"text\":\"t\",\"value\":{spaces}{value}}}\n");
        let scratch = Scratch::new();
        let (rows, _) = scratch.read("a.jsonl", line);
        let (back, _) = through(&scratch, Format::JsonLines, &rows);
        let Some(Cell::Json(raw)) = back[0].column("value") else { panic!("a JSON value") };
        prop_assert_eq!(raw.get(), value);
    }

    #[test]
    fn readers_accept_arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let scratch = Scratch::new();
        for (name, head) in [("a.jsonl", "{\"text\":\"a\"}\n"), ("a.csv", "text,x\n"), ("a.txt", "t")] {
            let source = scratch.file(name, [head.as_bytes(), &bytes].concat());
            match read(&source, &ReadOptions::default()) {
                Ok(rows) => _ = rows.count(),
                Err(DataError::Binary { .. } | DataError::NotUtf8 { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}
