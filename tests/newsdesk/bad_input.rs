//! Unusable inputs of `newsdesk classify`: the messages, and that all other rows are still labelled.
//!
//! Exit code 1 means that rows were rejected, 2 that the run failed.

use crate::support::compression::{gunzip, gzip, zstd};
use crate::support::{Folder, articles, column, texts};
use serde_json::{Value, json};

#[test]
fn inputs_without_matching_files_are_refused() {
    let folder = Folder::new();
    folder.write("images/a.png", "png").write("news.jsonl", articles(["Goal!"]));
    let refused = |input: &str, error: &str, hint: &str| {
        let answer = folder.classify(&["news.jsonl", input]).refused(error).hint(hint);
        assert_eq!(answer.out, "", "rows were written: {answer}");
    };
    refused("missing.jsonl", "cannot find `missing.jsonl`", "give a file, a folder, a pattern in quotes");
    refused("images", "cannot find articles in the folder `images`", ".jsonl");
    refused("news/*.csv", "cannot find a file that matches `news/*.csv`", "check the pattern: no file matches");
}

#[test]
fn missing_columns_are_reported_with_the_existing_ones() {
    let folder = Folder::new();
    folder.write("a.csv", "id,story\n1,Goal!\n");
    let refused = |flags: &[&str], error: &str, hint: &str| {
        folder.classify(&[&["a.csv"], flags].concat()).refused(error).hint(hint);
    };
    let columns = "the columns are `id`, `story`";
    refused(
        &[],
        "cannot find the text column of `a.csv`",
        &format!("name the text column with `--text-field NAME`; {columns}"),
    );
    refused(&["--text-field", "body"], "cannot find the column `body` in `a.csv`", columns);
    let no_title = ["--text-field", "story", "--title-field", "head"];
    refused(&no_title, "cannot find the column `head` in `a.csv`", columns);
    // Rows of JSON Lines need not have the same columns, so only the rows without the column are rejected.
    folder.write("a.jsonl", "{\"text\":\"Goal!\"}\n{\"body\":\"Oil\"}\n");
    let answer = folder.classify(&["a.jsonl", "--text-field", "body"]);
    let answer = answer.rejected(&["`a.jsonl`, line 1: the field `body` is missing"]).hint("the columns are `text`");
    assert_eq!(column(&answer.rows(), "body"), ["Oil"]);
}

#[test]
fn tables_with_an_invalid_header_are_refused() {
    let folder = Folder::new();
    let refused = |name: &str, contents: &[u8], error: &str, hint: &str| {
        folder.write(name, contents);
        folder.classify(&[name]).refused(error).hint(hint);
    };
    let hint = "it must name every column once";
    refused("b.tsv", b"text\tid\ttext\n", "`b.tsv`: the column `text` occurs twice", hint);
    let encoding = "it looks like windows-1252, so try `--encoding windows-1252`";
    refused("c.csv", b"text,caf\xe9\n", "`c.csv`: it is not valid UTF-8", encoding);
    let wide = vec!["c"; 20_000].join(",");
    refused("d.csv", format!("text,{wide}\n").as_bytes(), "`d.csv`: it has 20001 columns", "check the delimiter");
}

#[test]
fn invalid_json_rows_are_rejected_with_a_cause_each() {
    let folder = Folder::new();
    let input = [
        r#"{"text":"Goal!"}"#,
        r#"{"text":"Goal!""#,
        r#"not json"#,
        r#"["text"]"#,
        r#""text""#,
        r#"{"story":"Goal!"}"#,
        r#"{"text":5}"#,
        r#"{"text":null}"#,
        r#"{"text":"a","text":"b"}"#,
        r#"{"text":"\ud800"}"#,
        r#"{"title":7,"text":"a"}"#,
        r#"{"text":"a"} {"text":"b"}"#,
        r#"{"text":"Oil"}"#,
    ];
    folder.write("a.jsonl", input.join("\n"));
    let answer = folder.classify(&["a.jsonl"]).rejected(&[
        "`a.jsonl`, line 2: the line is not valid JSON: EOF while parsing an object at column 15",
        "`a.jsonl`, line 3: the line is not valid JSON: expected ident at column 2",
        "`a.jsonl`, line 4: the line is an array, not an object",
        "`a.jsonl`, line 5: the line is a string, not an object",
        "`a.jsonl`, line 6: no field contains the text",
        "`a.jsonl`, line 7: the field `text` is a number, not a string",
        "`a.jsonl`, line 8: the field `text` is null, not a string",
        "`a.jsonl`, line 9: the field `text` occurs twice",
        "`a.jsonl`, line 10: the field `text` is not valid Unicode",
        "`a.jsonl`, line 11: the field `title` is a number, not a string",
        "`a.jsonl`, line 12: the line is not valid JSON: trailing characters at column 14",
    ]);
    assert_eq!(column(&answer.rows(), "text"), ["Goal!", "Oil"]);
    let answer = answer.says("articles labelled: 2, rows rejected: 11");
    let hints = answer.starting("hint: ").join("\n");
    for hint in ["`jq -c .`", "such as {\"text\"", "the columns are `story`", "--text-field", "--title-field"] {
        assert!(hints.contains(hint), "expected a hint with `{hint}`: {answer}");
    }
}

#[test]
fn articles_within_a_json_object_are_rejected_with_a_command_that_extracts_them() {
    let folder = Folder::new();
    folder.write("a.json", "{\"count\": 1,\n\"articles\": [{\"text\": \"Goal!\"}]}");
    let answer = folder.classify(&["a.json"]).rejected(&["`a.json`, line 1: the articles are in the field `articles`"]);
    answer.hint("`jq '.[\"articles\"]' FILE`");
}

#[test]
fn invalid_table_rows_are_rejected() {
    let folder = Folder::new();
    folder.write("a.csv", "id,text\n1,Goal!\n2,a,b\n3\n4,\"two\nlines\"\n5,  \n6,Oil\n7,\"open\n8,lost\n");
    let answer = folder.classify(&["a.csv"]).rejected(&[
        "`a.csv`, row 2 (line 3): the number of fields is 3, but the header has 2",
        "`a.csv`, row 3 (line 4): the number of fields is 1, but the header has 2",
        "`a.csv`, row 5 (line 7): the text is blank",
        "`a.csv`, row 7 (line 9): a quote that opens in this row is never closed",
    ]);
    assert_eq!(column(&answer.rows(), "id"), ["1", "4", "6"]);
    let hints = answer.starting("hint: ").join("\n");
    assert!(
        hints.contains("a line break in quotes")
            && hints.contains("close the quote; the reject includes the line after it"),
        "{answer}"
    );
}

#[test]
fn rows_with_invalid_utf_8_are_rejected() {
    let folder = Folder::new();
    folder.write("a.jsonl", b"{\"text\":\"Goal!\"}\n{\"text\":\"caf\xe9\"}\n{\"text\":\"Oil\"}\n");
    folder.write("b.csv", b"id,text\n1,caf\xe9\n2,\"x\xff\"\n3,Goal!\n");
    folder.write("c.txt", b"caf\xe9").write("d.txt", b"PK\x03\x04\0\0").write("e.txt", b"\xff\xfea\0");
    let answer = folder.classify(&["a.jsonl", "b.csv", "c.txt", "d.txt", "e.txt"]).rejected(&[
        "`a.jsonl`, line 2: byte 12 of the row is not valid UTF-8",
        "`b.csv`, row 1 (line 2): byte 5 of the row is not valid UTF-8",
        "`b.csv`, row 2 (line 3): byte 4 of the row is not valid UTF-8",
        "`c.txt`, line 1: byte 3 of the file is not valid UTF-8",
        "`d.txt`, line 1: the file is a ZIP archive",
    ]);
    assert_eq!(column(&answer.rows(), "text"), ["Goal!", "Oil", "Goal!", "a"]);
    let hints = answer.starting("hint: ");
    assert_eq!(hints.len(), 3, "each hint is printed once: {answer}");
    assert!(hints[0].contains("--encoding latin1") && hints[1].contains("--encoding windows-1252"), "{answer}");
    assert!(hints[2].contains("plain text, HTML, JSON Lines"), "{answer}");
}

#[test]
fn blank_texts_are_rejected_unless_there_is_a_title() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"text\":\"\"}\n{\"text\":\" \\n\\t\"}\n{\"text\":\"\",\"title\":\"Goal!\"}\n");
    folder.write("b.txt", "").write("c.txt", " \n");
    let errors = ["`a.jsonl`, line 1", "`a.jsonl`, line 2", "`b.txt`, line 1", "`c.txt`, line 1"];
    let errors = errors.map(|position| format!("{position}: the text is blank"));
    let answer = folder.classify(&["a.jsonl", "b.txt", "c.txt"]).rejected(&errors.each_ref().map(String::as_str));
    assert_eq!(column(&answer.rows(), "title"), ["Goal!"]);
}

#[test]
fn rows_before_damage_in_a_compressed_file_are_labelled() {
    let folder = Folder::new();
    // Random digits compress badly, so that half of the file holds about half of the rows.
    let input = articles((0..4000u64).map(|i| format!("{:x}", i.wrapping_mul(0x9e37_79b9_7f4a_7c15))));
    let (gz, mut zst) = (gzip(&input), zstd(&input));
    folder.write("cut.jsonl.gz", &gz[..gz.len() / 2]);
    let cut = folder.classify(&["cut.jsonl.gz"]).refused("cannot read `cut.jsonl.gz` after row ");
    let cut = cut.hint("download the file again: it ends in the middle of its compressed data");
    let ids: Vec<_> = cut.rows().iter().map(|row| row["id"].clone()).collect();
    assert!((500..3500).contains(&ids.len()), "expected 500 to 3499 rows, found {}", ids.len());
    assert_eq!(ids, (0..ids.len()).map(|id| json!(id)).collect::<Vec<_>>());
    cut.says(&format!("after row {}\n", ids.len()));

    let middle = zst.len() / 2;
    zst[middle] ^= 0x55;
    folder.write("bad.jsonl.zst", &zst);
    // Damaged rows may be rejected before the checksum shows that the file is damaged.
    let bad = folder.classify(&["bad.jsonl.zst"]).says("error: cannot read `bad.jsonl.zst` after row ");
    assert_eq!(bad.says("hint: download the file again: its data is damaged").code, Some(2));

    folder.write("no.jsonl.gz", "{\"text\":\"Goal!\"}\n").write("no.txt.zst", "Goal!");
    folder.classify(&["no.jsonl.gz"]).refused("`no.jsonl.gz`: its bytes are not gzip data").hint("remove the suffix");
    folder.classify(&["no.txt.zst"]).refused("`no.txt.zst`: its bytes are not zstd data").hint("remove the suffix");
}

#[test]
fn rows_before_an_invalid_file_are_labelled() {
    let folder = Folder::new();
    folder.write("a.jsonl", articles(texts(1500))).write("b.csv", "id,text,id\n");
    let answer = folder.classify(&["a.jsonl", "b.csv"]).refused("cannot read the header of `b.csv`");
    assert_eq!(answer.rows().len(), 1500);
}

#[test]
fn the_rejects_file_has_position_contents_cause_and_hint() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"text\":\"Zürich\"}\n{\"text\":5}\n{\"text\":\"Oil\"}\n[1]\r\n");
    folder.write("b.csv", b"id,text\n1,\"two\nlines\"\n2,x,\"y\nz\"\n3,caf\xe9\n");
    let rejected = ["a.jsonl`, line 2", "a.jsonl`, line 4", "b.csv`, row 2 (line 4)", "b.csv`, row 3 (line 6)"];
    let answer = folder.classify(&["a.jsonl", "b.csv", "--rejects", "bad.jsonl"]).rejected(&rejected);
    assert_eq!(answer.rows().len(), 3);
    let rejects = folder.rows("bad.jsonl");
    let position = |reject: &Value| json!([reject["source"], reject["row"], reject["line"], reject["offset"]]);
    let positions: Vec<_> = rejects.iter().map(position).collect();
    let expected = [
        json!(["a.jsonl", 2, 2, 19]),
        json!(["a.jsonl", 4, 4, 45]),
        json!(["b.csv", 2, 4, 22]),
        json!(["b.csv", 3, 6, 32]),
    ];
    assert_eq!(positions, expected);
    assert_eq!(column(&rejects, "raw"), ["{\"text\":5}", "[1]", "2,x,\"y\nz\"", "3,caf\u{fffd}"]);
    assert_eq!(column(&rejects, "cause")[1], "the line is an array, not an object");
    assert!(column(&rejects, "hint")[3].contains("--encoding latin1"), "{}", rejects[3]);

    folder.write("good.jsonl", articles(["Goal!"]));
    folder.classify(&["good.jsonl", "--rejects", "none.jsonl.gz"]).done();
    assert_eq!(gunzip(&folder.bytes("none.jsonl.gz")), "");
}

#[test]
fn quiet_runs_print_errors_and_hints_only() {
    let answer = Folder::new().classify_reading("{\"text\":5}\n", &["-", "--quiet"]).rejected(&["`<stdin>`, line 1"]);
    assert!(answer.err.lines().all(|line| line.starts_with("error: ") || line.starts_with("hint: ")), "{answer}");
}

#[test]
fn every_reject_has_a_hint() {
    let input = "{\"text\":\" \"}\n{\"text\":\"a\",\"text\":\"b\"}\n";
    let answer = Folder::new().classify_reading(input, &["-"]).rejected(&["line 1", "line 2"]);
    assert_eq!(answer.starting("hint: ").len(), 2, "{answer}");
}

#[test]
fn rows_with_a_column_that_is_not_in_the_header_of_the_output_are_rejected() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"text\":\"Goal!\",\"a\":1}\n{\"text\":\"Oil\"}\n{\"text\":\"Oil\",\"b\":1}\n");
    let answer = folder.classify(&["a.jsonl", "--output-format", "csv"]);
    let answer = answer.rejected(&["`a.jsonl`, line 3: the column `b` is not in the header of the output"]);
    assert_eq!(answer.hint("JSON Lines, where each row has its own columns").out.lines().count(), 3);
}

#[test]
fn a_row_that_begins_with_a_quotation_is_rejected() {
    let folder = Folder::new();
    // The second row begins with a quotation mark. The csv reader takes the one in the fifth row for its end.
    let rows = "text\tid\nGoal!\t1\n\"Never again, says mayor\t2\nOil\t3\nRain\t4\n\"Fine\", he said\t5\nSnow\t6\n";
    folder.write("a.tsv", rows);
    let answer =
        folder.classify(&["a.tsv"]).rejected(&["`a.tsv`, row 2 (line 3): a quote closes before its field ends"]);
    let answer = answer.hint("double the quotes inside it");
    assert_eq!(column(&answer.rows(), "text"), ["Goal!", "Snow"]);
    folder.write("b.csv", "text\n\"Wheel\" guest wins\n\"\"\"Wheel\"\" guest wins\"\n");
    let answer = folder.classify(&["b.csv", "--rejects", "r.jsonl"]).rejected(&["`b.csv`, row 1"]);
    assert_eq!(column(&answer.rows(), "text"), ["\"Wheel\" guest wins"]);
    assert!(folder.text("r.jsonl").contains(r#""raw":"\"Wheel\" guest wins\n""#), "{}", folder.text("r.jsonl"));
}

#[test]
fn rows_with_the_same_cause_are_counted() {
    let folder = Folder::new();
    let bad: String = (0..300).map(|i| format!("{{\"text\":{i}}}\n")).collect();
    folder.write("a.jsonl", bad + "{\"text\":\"Goal!\"}\n{\"story\":1}\n");
    let answer = folder.classify(&["a.jsonl", "--rejects", "r.jsonl"]);
    assert_eq!((answer.code, folder.rows("r.jsonl").len()), (Some(1), 301), "{answer}");
    let errors = answer.starting("error: ");
    assert_eq!(errors.len(), 6, "four rows, the one with another cause, and the number of the others: {answer}");
    assert!(errors[5].starts_with("error: 300 rows are rejected: the field `text` is a number"), "{answer}");
    assert_eq!(answer.starting("hint: ").len(), 2, "{answer}");
}

#[test]
fn hints_name_the_columns_and_the_option_that_is_meant() {
    let folder = Folder::new();
    folder.write("a.csv", "Nr;Überschrift;Meldung\n1;Goal;\n2;;Oil rises\n");
    let names = "the columns are `Nr`, `Überschrift`, `Meldung`";
    folder.classify(&["a.csv"]).refused("cannot find the text column").hint(names);
    for (option, other) in [("--text-field", "--title-field"), ("--title-field", "--text-field")] {
        let given = [&["a.csv", option, "meldungen"][..], &["--text-field", "Meldung"]].concat();
        let given = if option == "--text-field" { &given[..3] } else { &given[..] };
        let answer = folder.classify(given).refused("cannot find the column `meldungen`").hint(names);
        let hint = answer.starting("hint:")[0];
        assert!(hint.contains(option) && !hint.contains(other) && !hint.contains("--label-field"), "{hint}");
    }
    // A blank text, and a title that is not read.
    let untitled = folder.classify(&["a.csv", "--text-field", "Meldung"]).rejected(&["the text is blank"]);
    untitled.hint("no title column is read: name one with `--title-field NAME`; the columns are `Nr`, `Überschrift`");
    let titled = folder.classify(&["a.csv", "--text-field", "Meldung", "--title-field", "Überschrift"]).done();
    titled.says("note: title only: 1 article with a blank text");
    let usual = ["a.csv", "--text-field", "Meldung", "--title-field", "Überschrift", "-o", "out.csv"];
    folder.classify(&[&usual[..], &["--columns", "Nr, Überschrift", "--bom", "--delimiter", ","]].concat()).done();
    folder.assert_begins("out.csv", "\u{feff}Nr,Überschrift,label");
    let manifest = folder.json("out.csv.manifest.json");
    assert_eq!((&manifest["counts"]["title_only"], &manifest["settings"]["bom"]), (&1.into(), &true.into()));
    let wrong = folder.classify(&["a.csv", "--text-field", "Meldung", "--columns", "nr;Meldung"]);
    wrong.refused("nr;Meldung").hint("as in `--columns A,B`, and in the same letter case");
}

#[test]
fn a_file_in_another_encoding_stops_the_run_before_anything_is_written() {
    let folder = Folder::new();
    let latin = |text: String| text.chars().map(|letter| letter as u32 as u8).collect::<Vec<u8>>();
    let rows: String = (0..60).map(|i| format!("{i},Un café près de la gare a été rénové\n{i},No accents\n")).collect();
    let table = latin(format!("id,text\n{rows}"));
    folder.write("export.csv", &table).write("export.csv.gz", gzip(&table));
    let hint = "it looks like windows-1252, so try `--encoding windows-1252`";
    for input in ["export.csv", "export.csv.gz"] {
        let answer = folder.classify(&[input, "-o", "out.csv"]).refused("60 of its first 122 lines are not UTF-8");
        answer.hint(hint);
        folder.assert_missing("out.csv");
    }
    let piped = folder.classify_reading(table, &["-"]).refused("cannot read `<stdin>`: 60 of its first").hint(hint);
    assert_eq!(piped.out, "");
    let named = folder.classify(&["export.csv", "--encoding", "windows-1252"]).done();
    assert!(named.out.contains("près"), "{named}");
    folder.newsdesk(&["data", "convert", "export.csv", "-o", "out.jsonl"]).refused("are not UTF-8").hint(hint);
    folder.newsdesk(&["data", "check", "export.csv", "--label-field", "id"]).refused("are not UTF-8").hint(hint);
}

#[cfg(unix)]
#[test]
fn endless_binary_input_is_refused_at_once() {
    let folder = Folder::new();
    for format in ["csv", "jsonl", "json"] {
        let answer = folder.classify(&["/dev/zero", "--format", format]).refused("`/dev/zero`: it is binary");
        answer.hint("use a file of plain text, HTML, JSON Lines");
    }
    folder.classify(&["/dev/zero"]).rejected(&["`/dev/zero`, line 1: the file is binary"]);
    folder.classify(&["/dev/zero", "--format", "text"]).rejected(&["`/dev/zero`, line 1: the file is binary"]);
}

#[test]
fn a_damaged_arrow_stream_prints_its_error_only() {
    let folder = Folder::new();
    folder.write("a.jsonl", articles(texts(600)));
    folder.newsdesk(&["data", "convert", "a.jsonl", "-o", "a.arrows"]).done();
    let bytes = folder.bytes("a.arrows");
    for at in (8..bytes.len()).step_by(bytes.len() / 40) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x7f;
        folder.write("damaged.arrows", &damaged);
        let answer = folder.newsdesk(&["data", "convert", "damaged.arrows", "-o", "-", "--to", "jsonl"]);
        assert!(!answer.err.contains("panicked") && !answer.err.contains("RUST_BACKTRACE"), "byte {at}: {answer}");
    }
    folder.write("cut.arrows", &bytes[..bytes.len() - 40]);
    let cut = folder.newsdesk(&["data", "convert", "cut.arrows", "-o", "-", "--to", "jsonl"]);
    cut.refused("cannot read `cut.arrows` after row").hint("it ends too early");
}

#[test]
fn rejects_files_are_no_articles() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{}\n[]\n");
    folder.classify(&["a.jsonl", "--rejects", "r.jsonl"]);
    let answer = folder.classify(&["r.jsonl"]).refused("cannot read `r.jsonl` as articles: it holds the rejected rows");
    answer.says("`jq -r .raw r.jsonl > again.jsonl`");
}
