//! Reading CSV and TSV: headers, quotes, line breaks and rejects.
#![allow(clippy::unwrap_used)]

mod scratch;

use newsdesk_data::{Cell, ColumnRole, Format, ReadOptions, Remedy, Source, read};
use scratch::{Scratch, read_all, read_until_broken, texts};

#[test]
fn records_keep_quotes_and_line_breaks() {
    let csv = "\u{feff}id,Title,text\r\n1,\"He said \"\"no\"\"\",\"two\r\nlines, one field\"\r\n\r\n2,,plain\r\n";
    let (rows, rejects) = Scratch::new().read("a.csv", csv);
    assert!(rejects.is_empty());
    assert_eq!(texts(&rows), ["two\r\nlines, one field", "plain"]);
    assert_eq!(rows[0].article.title.as_deref(), Some("He said \"no\""));
    assert_eq!(rows[1].article.input(), "plain");
    let positions: Vec<_> = rows.iter().map(|row| (row.position.row, row.position.line, row.position.offset)).collect();
    assert_eq!(positions, [(1, 2, 18), (2, 5, 64)]);
    assert_eq!(&csv.as_bytes()[64..66], b"2,");
    assert!(matches!(rows[0].column("id"), Some(Cell::Text(id)) if id == "1"));
}

#[test]
fn tabs_delimit_tsv() {
    let (rows, _) = Scratch::new().read("a.tsv", "text\tlabel\nCommas, too\tsport\n");
    assert_eq!(texts(&rows), ["Commas, too"]);
    let scratch = Scratch::new();
    let unnamed = scratch.file("a.txt", "text\tlabel\na\tb\n");
    let options = ReadOptions { format: Some(Format::Tsv), ..ReadOptions::default() };
    assert_eq!(read(&unnamed, &options).unwrap().format(), Format::Tsv);
}

#[test]
fn invalid_rows_are_rejected() {
    let scratch = Scratch::new();
    let (rows, rejects) = scratch.read("a.csv", b"id,text\n1\n2,a,b\n3,\" \"\n4,caf\xe9\n5,good\n");
    assert_eq!(texts(&rows), ["good"]);
    assert_eq!(rows[0].position.row, 5);
    let causes: Vec<&str> = rejects.iter().map(|reject| reject.cause.as_str()).collect();
    assert_eq!(
        causes,
        [
            "the number of fields is 1, but the header has 2",
            "the number of fields is 3, but the header has 2",
            "the text is blank",
            "byte 5 of the row is not valid UTF-8"
        ]
    );
    let raws: Vec<&str> = rejects.iter().map(|reject| reject.raw.as_str()).collect();
    assert_eq!(raws, ["1", "2,a,b", "3,\" \"", "4,caf\u{fffd}"]);
    assert_eq!(rejects[1].position.to_string(), format!("`{}`, row 2 (line 3)", scratch.path("a.csv").display()));
}

#[test]
fn reject_of_an_unclosed_quote_contains_all_lines() {
    let (rows, rejects) = Scratch::new().read("a.csv", "id,text\n1,a\n2,\"b\n3,c\n");
    assert_eq!(texts(&rows), ["a"]);
    assert_eq!(rejects[0].cause, "a quote that opens in this row is never closed");
    assert_eq!(rejects[0].raw, "2,\"b\n3,c\n");
    for closed in ["text\n\"a\"", "text\n\"a \"\"b\"\"\"", "text\na \" b", "id,text\n\"\",\"\"\"x\""] {
        let (rows, rejects) = Scratch::new().read("a.csv", closed);
        assert_eq!((rows.len(), rejects.len()), (1, 0), "{closed}");
    }
}

#[test]
fn too_long_row_ends_the_reading() {
    let mut bytes = b"text\na\n\"".to_vec();
    bytes.resize((64 << 20) + (1 << 18), b'x');
    let scratch = Scratch::new();
    let (rows, _, fatal) = read_until_broken(&scratch.file("a.csv", &bytes), &ReadOptions::default());
    assert_eq!(texts(&rows), ["a"]);
    let fatal = fatal.unwrap();
    let position = format!("`{}`, row 2 (line 3)", scratch.path("a.csv").display());
    assert_eq!(fatal.to_string(), format!("cannot read {position}: the row is longer than 67108864 bytes"));
    assert_eq!(fatal.remedy(), Some(Remedy::CloseQuote { lines: 0 }));
}

#[test]
fn invalid_header_is_an_error() {
    let scratch = Scratch::new();
    let name = scratch.path("a.csv").display().to_string();
    let refused = |bytes: &str, options: &ReadOptions| {
        let error = scratch.refused("a.csv", bytes, options);
        (error.to_string().replace(&name, "a.csv"), error.remedy().unwrap())
    };
    let usual = ReadOptions::default();
    let wide: Vec<String> = (0..16_385).map(|column| format!("c{column}")).collect();
    let (error, remedy) = refused(&format!("text,{}\n", wide.join(",")), &usual);
    assert_eq!(error, "cannot read `a.csv`: it has 16386 columns, and at most 16384 can be read");
    assert_eq!(remedy, Remedy::ReduceColumns);
    let (error, _) = refused("text,id,id\n", &usual);
    assert_eq!(error, "cannot read the header of `a.csv`: the column `id` occurs twice");
    let (error, remedy) = refused("id,story\n1,a\n", &usual);
    assert_eq!(error, "cannot find the text column of `a.csv`");
    let columns = vec!["id".to_owned(), "story".to_owned()];
    assert_eq!(remedy, Remedy::NameTextColumn { columns: columns.clone() });
    let named = ReadOptions { text_field: Some("tale".into()), ..ReadOptions::default() };
    let (error, remedy) = refused("id,story\n1,a\n", &named);
    assert_eq!(error, "cannot find the column `tale` in `a.csv`");
    assert_eq!(remedy, Remedy::ChooseColumn { role: ColumnRole::Text, columns });
    let named = ReadOptions { title_field: Some("head".into()), ..ReadOptions::default() };
    assert_eq!(refused("id,text\n1,a\n", &named).0, "cannot find the column `head` in `a.csv`");
}

#[test]
fn rows_across_buffer_boundaries_are_complete() {
    let mut csv = "id,text\n".to_owned();
    for id in 0..20_000 {
        csv.push_str(&format!("{id},\"row \"\"{id}\"\"\nof many\"\n"));
    }
    let source = Scratch::new();
    let (rows, rejects) = read_all(&source.file("a.csv", &csv), &ReadOptions::default());
    assert_eq!((rows.len(), rejects.len()), (20_000, 0));
    for (index, row) in rows.iter().enumerate() {
        assert_eq!(row.article.text, format!("row \"{index}\"\nof many"));
        assert_eq!(row.position.line as usize, 2 + 2 * index);
        assert!(csv[row.position.offset as usize..].starts_with(&format!("{index},")));
    }
}

#[test]
fn missing_file_is_named() {
    let error = read(&Source::File("gone.csv".into()), &ReadOptions::default()).err().unwrap();
    assert_eq!(error.to_string(), "cannot open `gone.csv`");
}
