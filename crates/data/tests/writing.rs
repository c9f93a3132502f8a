//! Writing rows unchanged, with added columns.
#![allow(clippy::unwrap_used)]

mod scratch;

use std::fs;

use newsdesk_data::{Format, ReadOptions, Remedy, Row, Value, append, create, writer, writer_after};
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
fn added_columns_replace_those_of_the_input() {
    let scratch = Scratch::new();
    let (rows, _) = scratch.read("a.jsonl", r#"{"topic":"old","text":"a"}"#);
    let expected = "{\"text\":\"a\",\"topic\":\"sport\",\"topic_score\":0.9731}\n";
    assert_eq!(written(&scratch, Format::JsonLines, &rows), expected);
    assert_eq!(written(&scratch, Format::Csv, &rows), "text,topic,topic_score\na,sport,0.9731\n");
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
fn plain_text_cannot_be_written() {
    let error = writer(Format::Text, Box::new(Vec::new())).err().unwrap();
    assert_eq!(error.remedy(), Some(Remedy::WriteRows));
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
