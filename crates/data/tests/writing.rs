//! Writing rows unchanged, with added columns.
#![allow(clippy::unwrap_used, clippy::panic)]

mod scratch;

use std::fs;

use newsdesk_data::{
    Cell, ColumnSelection, DataError, Format, ReadOptions, Remedy, Row, Source, Value, append, create, read, writer,
    writer_after,
};
use scratch::{Scratch, read_all};

fn added() -> Vec<(String, Value)> {
    vec![("topic".into(), Value::Text("sport".into())), ("topic_score".into(), Value::Number(f64::from(0.9731_f32)))]
}

fn written(scratch: &Scratch, format: Format, rows: &[Row]) -> String {
    let path = scratch.path("out");
    let mut writer = writer(format, create(&path).unwrap()).unwrap();
    for row in rows {
        writer.write(row, &added()).unwrap();
    }
    writer.finish().unwrap();
    fs::read_to_string(path).unwrap()
}

#[test]
fn json_values_are_written_as_they_were_read() {
    let scratch = Scratch::new();
    let line = r#"{"id":1.0,"big":123456789012345678901234567890,"huge":1e400,"text":"caf\u00e9 \/","n":{"b" :[1, 2.50]},"half":"\ud800"}"#;
    let (rows, _) = scratch.read("a.jsonl", line);
    let expected = format!("{},\"topic\":\"sport\",\"topic_score\":0.9731}}\n", &line[..line.len() - 1]);
    assert_eq!(written(&scratch, Format::JsonLines, &rows), expected);
}

#[test]
fn csv_is_written_as_json_lines() {
    let scratch = Scratch::new();
    let (rows, _) = scratch.read("a.csv", "n,text\n1.0,\"say \"\"no\"\"\n\u{1}\"\n");
    let expected = "{\"n\":\"1.0\",\"text\":\"say \\\"no\\\"\\n\\u0001\",\"topic\":\"sport\",\"topic_score\":0.9731}\n";
    assert_eq!(written(&scratch, Format::JsonLines, &rows), expected);
}

#[test]
fn json_lines_are_written_as_csv_and_tsv() {
    let scratch = Scratch::new();
    let lines = concat!(
        r#"{"text":"caf\u00e9, \"no\"","list":[1, 2],"none":null,"n":1e400}"#,
        "\n",
        r#"{"n":2,"text":"two\nlines"}"#,
        "\n"
    );
    let (rows, _) = scratch.read("a.jsonl", lines);
    let expected = concat!(
        "text,list,none,n,topic,topic_score\n",
        "\"café, \"\"no\"\"\",\"[1, 2]\",,1e400,sport,0.9731\n",
        "\"two\nlines\",,,2,sport,0.9731\n"
    );
    assert_eq!(written(&scratch, Format::Csv, &rows), expected);
    let tsv = written(&scratch, Format::Tsv, &rows);
    assert!(
        tsv.starts_with("text\tlist\tnone\tn\ttopic\ttopic_score\n\"café, \"\"no\"\"\"\t[1, 2]\t\t1e400\t"),
        "{tsv}"
    );
}

#[test]
fn added_columns_do_not_replace_those_of_the_input() {
    let scratch = Scratch::new();
    let (rows, _) = scratch.read("a.jsonl", "{\"text\":\"a\"}\n{\"topic\":\"old\",\"text\":\"a\"}\n");
    for format in [Format::JsonLines, Format::Csv, Format::Arrow, Format::Parquet] {
        for before in [&rows[..1], &[]] {
            let mut writer = writer(format, create(&scratch.path("out")).unwrap()).unwrap();
            before.iter().for_each(|row| writer.write(row, &added()).unwrap());
            let error = writer.write(&rows[1], &added()).unwrap_err();
            assert_eq!(error.to_string(), "cannot add the column `topic`: the input has a column of that name");
            let reject = error.as_reject(&rows[1]).unwrap();
            assert_eq!(reject.raw, r#"{"topic":"old","text":"a"}"#);
            assert_eq!(*reject.remedy.unwrap(), Remedy::RenameColumn { column: "topic".into() });
            writer.write(&rows[0], &added()).unwrap();
            writer.end().unwrap();
        }
    }
    // A table declares its columns before the first row.
    let source = scratch.file("a.csv", "id,topic_score,text\n");
    let table = read(&source, &ReadOptions::default()).unwrap().table().cloned();
    for format in [Format::Csv, Format::Parquet] {
        let mut writer = writer(format, create(&scratch.path("out")).unwrap()).unwrap();
        let error = writer.header(table.as_ref(), &added()).unwrap_err();
        assert!(matches!(error, DataError::TakenName { column } if column == "topic_score"));
    }
}

/// Writes the selected columns of a file, as a run does.
fn selected(scratch: &Scratch, source: &Source, format: Format, selection: &ColumnSelection) -> String {
    let rows = read(source, &ReadOptions::default()).unwrap();
    let path = scratch.path("out");
    let mut writer = writer(format, create(&path).unwrap()).unwrap();
    writer.header(rows.table().cloned().map(|table| selection.table(table)).as_ref(), &added()).unwrap();
    for row in rows {
        let mut row = row.unwrap();
        let before = row.columns.len();
        let all = selection.apply(&mut row);
        writer.write(&row, &added()).unwrap();
        all.into_iter().for_each(|all| all.restore(&mut row));
        assert_eq!(row.columns.len(), before);
    }
    writer.end().unwrap();
    if format.is_columnar() {
        let options = ReadOptions { text_field: Some("topic".into()), ..ReadOptions::default() };
        let (rows, _) = read_all(&Source::File(path), &options);
        let types = |row: &Row| {
            let kind = |(name, cell): &(std::sync::Arc<str>, Cell)| match cell {
                Cell::Typed(cell) => format!("{name} {} {}", cell.data_type(), cell.to_json()),
                _ => panic!("an untyped cell"),
            };
            row.columns.iter().map(kind).collect::<Vec<_>>().join(", ")
        };
        return rows.iter().map(|row| types(row) + "\n").collect();
    }
    fs::read_to_string(path).unwrap()
}

#[test]
fn only_selected_columns_are_written() {
    let scratch = Scratch::new();
    let only = |names: &[&str]| ColumnSelection::only(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    let csv = scratch.file("a.csv", "\u{feff}id;day;text\r\n1;\"a;b\";x\r\n2;;\"y\"\r\n");
    let some = selected(&scratch, &csv, Format::Csv, &only(&["day", "id"]));
    assert_eq!(some, "\u{feff}day;id;topic;topic_score\r\n\"a;b\";1;sport;0.9731\r\n;2;sport;0.9731\r\n");
    // With all columns in their order, the lines are unchanged.
    let all = selected(&scratch, &csv, Format::Csv, &only(&["id", "day", "text"]));
    assert!(all.contains("\r\n2;;\"y\";sport;0.9731\r\n"), "{all}");
    assert_eq!(selected(&scratch, &csv, Format::Csv, &only(&[])).lines().last(), Some("sport;0.9731"));
    let without = only(&["id", "text"]).without(["text".to_owned()]);
    assert_eq!(selected(&scratch, &csv, Format::Csv, &without).lines().last(), Some("2;sport;0.9731"));

    let json = scratch.file("a.jsonl", "{\"n\":1,\"text\":\"x\"}\n{\"text\":\"y\",\"tags\":[1, 2]}\n");
    let expected = "{\"tags\":null,\"n\":1,\"topic\":\"sport\",\"topic_score\":0.9731}\n{\"tags\":[1, 2],\"n\":null,\"topic\":\"sport\",\"topic_score\":0.9731}\n";
    let selection = only(&["tags", "n"]);
    assert_eq!(selected(&scratch, &json, Format::JsonLines, &selection), expected);
    assert_eq!(
        selected(&scratch, &json, Format::Csv, &selection),
        "tags,n,topic,topic_score\n,1,sport,0.9731\n\"[1, 2]\",,sport,0.9731\n"
    );
    let typed = selected(&scratch, &json, Format::Parquet, &only(&["n"]));
    assert!(typed.starts_with("n Int64 1, topic Utf8 \"sport\", "), "{typed}");

    // Typed columns keep their types.
    let parquet = scratch.path("a.parquet");
    let mut rows = writer(Format::Parquet, create(&parquet).unwrap()).unwrap();
    scratch.read("b.jsonl", r#"{"n":1,"half":0.5,"text":"x"}"#).0.iter().for_each(|row| rows.write(row, &[]).unwrap());
    rows.end().unwrap();
    for format in [Format::Parquet, Format::Arrow] {
        let typed = selected(&scratch, &Source::File(parquet.clone()), format, &only(&["half", "n", "none"]));
        assert!(typed.starts_with("half Float64 0.5, n Int64 1, topic Utf8 \"sport\""), "{typed}");
    }
}

#[test]
fn null_is_written_as_null_or_an_empty_field() {
    let scratch = Scratch::new();
    let (rows, _) = scratch.read("a.jsonl", r#"{"text":"a"}"#);
    let added = [("topic".to_owned(), Value::Null), ("topic_score".to_owned(), Value::Number(f64::NAN))];
    for (format, expected) in [
        (Format::JsonLines, "{\"text\":\"a\",\"topic\":null,\"topic_score\":null}\n"),
        (Format::Csv, "text,topic,topic_score\na,,\n"),
    ] {
        let path = scratch.path("out");
        let mut writer = writer(format, create(&path).unwrap()).unwrap();
        writer.write(&rows[0], &added).unwrap();
        writer.finish().unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), expected);
    }
}

#[test]
fn new_column_in_csv_is_an_error() {
    let scratch = Scratch::new();
    let (rows, _) = scratch.read("a.jsonl", "{\"text\":\"a\"}\n{\"text\":\"b\",\"id\":1}\n");
    let mut writer = writer(Format::Csv, create(&scratch.path("out")).unwrap()).unwrap();
    writer.write(&rows[0], &added()).unwrap();
    let error = writer.write(&rows[1], &added()).unwrap_err();
    let position = format!("`{}`, line 2", scratch.path("a.jsonl").display());
    assert_eq!(
        error.to_string(),
        format!("cannot write {position}: the column `id` is not in the header of the output")
    );
    assert_eq!(error.remedy(), Some(Remedy::WriteJsonLines));
}

#[test]
fn csv_can_be_continued() {
    let scratch = Scratch::new();
    let (rows, _) = scratch.read("a.jsonl", "{\"text\":\"a\",\"id\":1}\n{\"id\":2,\"text\":\"b\"}\n");
    let path = scratch.path("out.csv.gz");
    let mut first = writer(Format::Csv, create(&path).unwrap()).unwrap();
    first.write(&rows[0], &added()).unwrap();
    first.finish().unwrap();
    drop(first);
    let header = ["text", "id", "topic", "topic_score"].map(str::to_owned).to_vec();
    let mut second = writer_after(Format::Csv, append(&path).unwrap(), Some(header)).unwrap();
    second.write(&rows[1], &added()).unwrap();
    second.finish().unwrap();
    let (rows, rejects) = read_all(&newsdesk_data::Source::File(path), &ReadOptions::default());
    assert_eq!((rows.len(), rejects.len()), (2, 0));
    assert_eq!(rows[1].column("id").unwrap().as_text().unwrap(), "2");
}

#[test]
fn formats_that_can_only_be_read_are_refused() {
    for format in Format::ALL.into_iter().filter(|format| !format.can_be_written()) {
        let error = writer(format, Box::new(Vec::new())).err().unwrap();
        assert_eq!(error.remedy(), Some(Remedy::WriteRows), "{error}");
    }
    let scratch = Scratch::new();
    let error = newsdesk_data::create(&scratch.path("a.jsonl.xz")).err().unwrap();
    assert_eq!(error.remedy(), Some(Remedy::WriteOtherCompression), "{error}");
    assert!(!scratch.path("a.jsonl.xz").exists());
}

#[test]
fn full_disk_is_the_source_of_the_error() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
    }
    let scratch = Scratch::new();
    let (rows, _) = scratch.read("a.jsonl", r#"{"text":"a"}"#);
    for format in [Format::JsonLines, Format::Csv] {
        let mut writer = writer(format, Box::new(Full)).unwrap();
        let error = writer.write(&rows[0], &added()).and_then(|()| writer.finish()).unwrap_err();
        assert_eq!(error.to_string(), "cannot write rows");
        assert!(std::error::Error::source(&error).is_some());
    }
}

#[test]
fn typed_output_with_too_many_columns_is_refused() {
    let fields: Vec<String> = (0..20_000).map(|field| format!("\"f{field}\":1")).collect();
    let (rows, _) = Scratch::new().read("a.jsonl", format!("{{\"text\":\"a\",{}}}\n", fields.join(",")));
    for format in [Format::Arrow, Format::Parquet] {
        let mut writer = writer(format, Box::new(std::io::sink())).unwrap();
        let error = writer.write(&rows[0], &[]).and_then(|()| writer.end()).unwrap_err();
        assert!(error.to_string().starts_with("cannot write 20001 columns"), "{error}");
        assert_eq!(error.remedy(), Some(Remedy::WriteJsonLines));
    }
}
