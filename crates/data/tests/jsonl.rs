//! Reading JSON Lines: rows, positions and rejects.
#![allow(clippy::unwrap_used, clippy::panic)]

mod scratch;

use newsdesk_data::{Cell, FileFault, HtmlMode, ReadOptions, Remedy, TargetFields};
use scratch::{Scratch, read_all, read_until_broken, texts};

fn raw<'a>(row: &'a newsdesk_data::Row, name: &str) -> &'a str {
    match row.column(name).unwrap() {
        Cell::Json(raw) => raw.get(),
        cell => panic!("{cell:?}"),
    }
}

#[test]
fn values_are_kept_byte_by_byte() {
    let line = r#"{"id": 1.0, "big":123456789012345678901234567890,"huge":1e400, "text" : "caf\u00e9 \/ \ud83d\ude00","nest":{"b" :[1, 2.50],"a":null}}"#;
    let (rows, rejects) = Scratch::new().read("a.jsonl", line);
    assert!(rejects.is_empty());
    let row = &rows[0];
    let names: Vec<&str> = row.columns.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["id", "big", "huge", "text", "nest"]);
    assert_eq!(raw(row, "id"), "1.0");
    assert_eq!(raw(row, "big"), "123456789012345678901234567890");
    assert_eq!(raw(row, "huge"), "1e400");
    assert_eq!(raw(row, "text"), r#""caf\u00e9 \/ \ud83d\ude00""#);
    assert_eq!(raw(row, "nest"), r#"{"b" :[1, 2.50],"a":null}"#);
    assert_eq!(row.article.text, "café / 😀");
}

#[test]
fn positions_count_lines_and_bytes() {
    let bytes = "\u{feff}{\"text\":\"a\"}\r\n\r\n  \n{\"text\":\"b\"}\nnonsense\n{\"Body\":\"c\",\"Headline\":\"C\"}";
    let scratch = Scratch::new();
    let (rows, rejects) = scratch.read("a.jsonl", bytes);
    assert_eq!(texts(&rows), ["a", "b", "c"]);
    assert_eq!(rows[2].article.title.as_deref(), Some("C"));
    let positions: Vec<_> = rows.iter().map(|row| (row.position.row, row.position.line, row.position.offset)).collect();
    assert_eq!(positions, [(1, 1, 3), (4, 4, 22), (6, 6, 44)]);
    assert_eq!((rejects[0].position.row, rejects[0].position.offset), (5, 35));
    assert_eq!(rejects[0].raw, "nonsense");
    assert_eq!(rejects[0].position.to_string(), format!("`{}`, line 5", scratch.path("a.jsonl").display()));
    assert_eq!(&bytes.as_bytes()[44..46], b"{\"");
}

#[test]
fn rejects_have_a_cause_and_a_remedy() {
    let scratch = Scratch::new();
    let cause = |line: &[u8]| {
        let mut bytes = line.to_vec();
        bytes.extend_from_slice(b"\n{\"text\":\"good\"}\n");
        let (rows, rejects) = scratch.read("a.jsonl", bytes);
        assert_eq!((rows.len(), rejects.len()), (1, 1), "reading continues after a reject");
        assert_eq!(rejects[0].raw, String::from_utf8_lossy(line));
        (rejects[0].cause.clone(), *rejects[0].remedy.clone().unwrap())
    };
    assert_eq!(cause(b"{\"text\":").0, "the line is not valid JSON: EOF while parsing a value at column 8");
    assert_eq!(cause(b"{\"text\":\"a\"} x").0, "the line is not valid JSON: trailing characters at column 14");
    assert_eq!(cause(b"[{\"text\":\"a\"}]").0, "the line is an array, not an object");
    assert_eq!(cause(b"17").0, "the line is a number, not an object");
    assert_eq!(cause(b"[1").0, "the line is not valid JSON: invalid type: sequence, expected an object at column 0");
    assert_eq!(cause(b"{\"text\":\"a\",\"id\":1,\"id\":2}").0, "the field `id` occurs twice");
    assert_eq!(cause(b"{\"text\":null}").0, "the field `text` is null, not a string");
    assert_eq!(cause(b"{\"text\":3}").0, "the field `text` is a number, not a string");
    assert_eq!(cause(b"{\"text\":\"a\",\"title\":{}}").0, "the field `title` is an object, not a string");
    assert_eq!(cause(b"{\"text\":[\"a\",1]}").0, "the field `text` is a list of values that are not strings");
    assert_eq!(cause(b"{\"text\":\"\\ud800\"}").0, "the field `text` is not valid Unicode");
    assert_eq!(cause(b"{\"text\":\" \\n\"}").0, "the text is blank");
    assert_eq!(cause(b"{\"text\":\"\",\"title\":null}").0, "the text is blank");
    assert_eq!(cause(b"{\"text\":\"caf\xe9\"}").0, "byte 12 of the row is not valid UTF-8");
    let (cause, remedy) = cause(b"{\"id\":1,\"story\":\"a\"}");
    assert_eq!(cause, "no field contains the text");
    assert_eq!(remedy, Remedy::NameTextColumn { columns: vec!["id".into(), "story".into()] });
}

#[test]
fn title_without_text_is_an_article() {
    let (rows, rejects) = Scratch::new().read("a.jsonl", r#"{"text":"","title":"COBANCO INC YEAR NET"}"#);
    assert!(rejects.is_empty());
    assert_eq!(rows[0].article.input(), "COBANCO INC YEAR NET");
}

#[test]
fn text_and_title_fields_can_be_named() {
    let scratch = Scratch::new();
    let lines = "{\"story\":\"a\",\"text\":\"x\",\"name\":\"A\"}\n{\"STORY\":\"b\"}\n{\"text\":\"x\"}\n";
    let options =
        ReadOptions { text_field: Some("story".into()), title_field: Some("name".into()), ..ReadOptions::default() };
    let (rows, rejects) = read_all(&scratch.file("a.jsonl", lines), &options);
    assert_eq!(texts(&rows), ["a", "b"]);
    assert_eq!(rows[0].article.title.as_deref(), Some("A"));
    assert_eq!(rejects[0].cause, "the field `story` is missing");

    let title_as_text = ReadOptions { text_field: Some("title".into()), ..ReadOptions::default() };
    let (rows, _) = read_all(&scratch.file("b.jsonl", r#"{"title":"only once"}"#), &title_as_text);
    assert_eq!(rows[0].article.input(), "only once");
}

#[test]
fn nested_fields_and_lists_of_texts_are_read() {
    let scratch = Scratch::new();
    let options = |text: &str, title: Option<&str>| ReadOptions {
        text_field: Some(text.into()),
        title_field: title.map(str::to_owned),
        ..ReadOptions::default()
    };
    let line =
        r#"{"article":{"body":"Text","head":{"main":"Title"},"parts":["One","Two"],"blocks":[{"t":"A"},{"t":"B"}]}}"#;
    let read_one = |line: &str, options: &ReadOptions| {
        let (rows, rejects) = read_all(&scratch.file("a.jsonl", line), options);
        rows.into_iter()
            .map(|row| row.article.input())
            .chain(rejects.into_iter().map(|reject| reject.cause))
            .next()
            .unwrap()
    };
    assert_eq!(read_one(line, &options("article.body", Some("article.head.main"))), "Title\nText");
    assert_eq!(read_one(line, &options("article.parts", None)), "One\nTwo");
    assert_eq!(read_one(line, &options("article.blocks.t", None)), "A\nB");
    assert_eq!(read_one(line, &options("article.head", None)), "the field `article.head` is an object, not a string");
    assert_eq!(read_one(line, &options("article.none", None)), "the field `article.none` is missing");
    // A title is optional in each row.
    assert_eq!(read_one(line, &options("article.body", Some("article.none"))), "Text");
    // A column with this very name comes first.
    let literal = r#"{"article.body":"Column","article":{"body":"Nested"}}"#;
    assert_eq!(read_one(literal, &options("article.body", None)), "Column");
    assert_eq!(read_one(r#"{"text":["One",null,"Two"]}"#, &ReadOptions::default()), "One\nTwo");

    let (_, rejects) = read_all(&scratch.file("b.jsonl", line), &options("article.none", None));
    let Some(Remedy::NameTextColumn { columns }) = rejects[0].remedy.as_deref() else { panic!("{:?}", rejects[0]) };
    let names = ["article", "article.body", "article.head", "article.head.main", "article.parts", "article.blocks"];
    assert_eq!(columns[..6], names);
    assert_eq!(columns[6], "article.blocks.t");
}

#[test]
fn html_is_removed_from_the_article_and_kept_in_the_columns() {
    let scratch = Scratch::new();
    let lines = r#"{"title":"Oil &amp; gas","text":"<p>Oil rises.</p>"}
{"text":"a < b"}
{"text":"&nbsp;"}
{"text":"<p> </p><br>."}
{"text":"<img src=\"x.png\">"}
"#;
    let (rows, rejects) = scratch.read("a.jsonl", lines);
    let inputs: Vec<String> = rows.iter().map(|row| row.article.input()).collect();
    assert_eq!(inputs, ["Oil & gas\nOil rises.", "a < b"]);
    assert_eq!((rows[0].was_html, rows[1].was_html), (true, false));
    assert_eq!(rows[0].column("text").unwrap().as_text().unwrap(), "<p>Oil rises.</p>");
    let causes: Vec<&str> = rejects.iter().map(|reject| reject.cause.as_str()).collect();
    let wordless = "the text is blank: it has only punctuation or invisible characters";
    assert_eq!(causes, ["the text is blank", wordless, "the text is blank"]);
    assert!(rejects.iter().all(|reject| reject.is_blank()) && rejects[0].raw == r#"{"text":"&nbsp;"}"#);
    let keep = ReadOptions { html: HtmlMode::Keep, ..ReadOptions::default() };
    let (rows, rejects) = read_all(&scratch.file("a.jsonl", lines), &keep);
    assert_eq!((rows[0].article.text.as_str(), rejects.len()), ("<p>Oil rises.</p>", 0));
}

#[test]
fn offsets_of_a_target_count_the_characters_before_html_is_removed() {
    let scratch = Scratch::new();
    let text = "<p>Ann &amp; Ann met.</p>";
    let at = |start: usize| format!(r#"{{"text":"{text}","who":"Ann","from":{start},"to":{}}}"#, start + 3);
    let fields = TargetFields { field: "who".into(), start: Some("from".into()), end: Some("to".into()) };
    let options = ReadOptions { target_fields: Some(fields), ..ReadOptions::default() };
    let read_one = |line: &str| {
        let (rows, rejects) = read_all(&scratch.file("a.jsonl", line), &options);
        (rows.first().map(|row| row.article.input()), rejects.into_iter().next())
    };
    assert_eq!(read_one(&at(3)).0.unwrap(), "[ Ann ] & Ann met.");
    assert_eq!(read_one(&at(13)).0.unwrap(), "Ann & [ Ann ] met.");
    let both = format!(r#"{{"text":"{text}","who":"Ann &amp; Ann","from":3,"to":16}}"#);
    assert_eq!(read_one(&both).0.unwrap(), "[ Ann & Ann ] met.");
    let decoded = both.replace(r#""who":"Ann &amp; Ann""#, r#""who":"Ann & Ann""#);
    assert_eq!(read_one(&decoded).0.unwrap(), "[ Ann & Ann ] met.");
    let searched = r#"{"text":"<p>Bob</p> and A&amp;B","who":"A&amp;B","from":null,"to":null}"#;
    assert_eq!(read_one(searched).0.unwrap(), "Bob\nand [ A&B ]");
    // The position is inside a tag: the name is searched instead.
    let inside = r#"{"text":"<p title=\"Ann\">So Ann met.</p>","who":"Ann","from":10,"to":13}"#;
    assert_eq!(read_one(inside).0.unwrap(), "So [ Ann ] met.");

    let remedy = |line: &str| *read_one(line).1.unwrap().remedy.unwrap();
    assert_eq!(remedy(&at(4)), Remedy::CorrectOffsets);
    assert_eq!(remedy(&at(900)), Remedy::CorrectOffsets);
    assert!(matches!(remedy(&at(3).replace("\"from\":3", "\"from\":1.5")), Remedy::NameOffsetColumns { .. }));
    assert!(matches!(remedy(&at(3).replace("\"from\"", "\"start\"")), Remedy::NameOffsetColumns { .. }));
    assert!(matches!(remedy(&at(3).replace("\"who\"", "\"name\"")), Remedy::NameTargetColumn { .. }));
    assert!(matches!(remedy(&at(3).replace("\"Ann\"", "7")), Remedy::NameTargetColumn { .. }));
}

#[test]
fn too_long_line_is_rejected_and_skipped() {
    let mut bytes = b"{\"text\":\"a\"}\n{\"text\":\"".to_vec();
    bytes.resize(bytes.len() + (64 << 20) + 5, b'x');
    bytes.extend_from_slice(b"\"}\n{\"text\":\"b\"}\n");
    let (rows, rejects) = Scratch::new().read("a.jsonl", &bytes);
    assert_eq!(texts(&rows), ["a", "b"]);
    assert_eq!(rejects[0].cause, "the line is longer than 67108864 bytes");
    assert_eq!(rejects[0].raw.len(), 1024);
    assert_eq!(rows[1].position.row, 3);
    assert_eq!(rows[1].position.offset as usize, bytes.len() - 13);
}

#[test]
fn elements_of_a_json_array_are_rows() {
    let scratch = Scratch::new();
    let array = "[\n  {\"text\": \"a\",\n   \"n\": [1,\n 2]},\n 5,\n {\"text\" \"b\"},\n {\"text\": \"c\"}\n]\n";
    for name in ["a.json", "a.jsonl", "noname"] {
        let (rows, rejects) = scratch.read(name, array);
        assert_eq!(texts(&rows), ["a", "c"], "{name}");
        assert_eq!(rows[0].column("n").unwrap().raw_text(), "[1,2]");
        let causes: Vec<&str> = rejects.iter().map(|reject| reject.cause.as_str()).collect();
        assert_eq!(causes[0], "the element is a number, not an object");
        assert!(causes[1].starts_with("the element is not valid JSON: expected `:` at column"), "{causes:?}");
        let at = |row: u64, line: u64, offset: usize| (row, line, offset as u64);
        let position = &rows[1].position;
        assert_eq!((position.row, position.line, position.offset), at(4, 7, array.find("{\"text\": \"c").unwrap()));
    }
    // Lines in a file with this suffix, and objects that span several lines.
    assert_eq!(texts(&scratch.read("a.json", "{\"text\":\"a\"}\nbad\n{\"text\":\"b\"}\n").0), ["a", "b"]);
    assert_eq!(texts(&scratch.read("a.json", "{\n\"text\":\"a\"\n}\n{\n\"text\":\"b\"\n}\n").0), ["a", "b"]);
    let (rows, _, fatal) =
        read_until_broken(&scratch.file("cut.json", "[{\"text\":\"a\"},{\"te"), &ReadOptions::default());
    assert_eq!(texts(&rows), ["a"]);
    assert_eq!(fatal.unwrap().remedy(), Some(Remedy::DownloadAgain { fault: FileFault::Truncated }));
}

#[test]
fn json_object_with_the_articles_in_a_field_is_rejected() {
    let scratch = Scratch::new();
    for object in
        ["{\"total\": 1,\n \"articles\": [ {\"text\": \"a\"}]}", "{\"total\":1,\"articles\":[{\"text\":\"a\"}]}\n"]
    {
        let (_, rejects) = scratch.read("a.json", object);
        assert_eq!(rejects[0].remedy.as_deref(), Some(&Remedy::ExtractArray { field: "articles".into() }));
    }
    // In JSON Lines, a list of objects may be anything.
    let (rows, rejects) = scratch.read("a.jsonl", "{\"names\":[{\"text\":\"a\"}]}\n{\"text\":\"b\"}\n");
    assert_eq!((texts(&rows), rejects.len()), (vec!["b"], 1));
}

#[test]
fn object_with_very_many_fields_is_read_in_time() {
    let fields: Vec<String> = (0..200_000).map(|field| format!("\"f{field}\":{field}")).collect();
    let line = format!("{{{},\"text\":\"a\"}}\n", fields.join(","));
    let (rows, rejects) = Scratch::new().read("a.jsonl", line.repeat(3));
    assert_eq!((rows.len(), rejects.len()), (3, 0));
}
