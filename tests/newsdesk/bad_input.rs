//! Articles that cannot be read: what is said about them, and that the good ones still get through.
//!
//! Code 1 is a run that went on past bad rows, code 2 one that could not go on.

use crate::support::compression::{gzip, zstd};
use crate::support::{Folder, articles, column, rows, texts};
use serde_json::json;

#[test]
fn inputs_that_name_nothing() {
    let folder = Folder::new();
    folder.write("images/a.png", "png").write("news.jsonl", articles(["Goal!"]));
    let refused = |input: &str, error: &str, hint: &str| {
        let answer = folder.classify(&["news.jsonl", input]).refused(error).hint(hint);
        assert_eq!(answer.out, "", "it began to work: {answer}");
    };
    refused("missing.jsonl", "Failed to find `missing.jsonl`", "give a file, a folder, a pattern in quotes");
    refused("images", "Failed to find articles in the folder `images`", ".jsonl");
    refused("news/*.csv", "Failed to find a file that matches `news/*.csv`", "put the pattern in quotes");
}

#[test]
fn columns_that_are_not_there() {
    let folder = Folder::new();
    folder.write("a.csv", "id,story\n1,Goal!\n");
    let refused = |flags: &[&str], error: &str, hint: &str| {
        folder.classify(&[&["a.csv"], flags].concat()).refused(error).hint(hint);
    };
    let columns = "its columns are `id`, `story`";
    refused(
        &[],
        "Failed to find the text column of `a.csv`",
        &format!("{columns}; name the right one with --text-field"),
    );
    refused(&["--text-field", "body"], "Failed to find the column `body` in `a.csv`", columns);
    let no_title = ["--text-field", "story", "--title-field", "head"];
    refused(&no_title, "Failed to find the column `head` in `a.csv`", columns);
    // In JSON Lines each row has columns of its own, so each is rejected.
    folder.write("a.jsonl", "{\"text\":\"Goal!\"}\n{\"body\":\"Oil\"}\n");
    let answer = folder.classify(&["a.jsonl", "--text-field", "body"]);
    let answer = answer.rejected(&["`a.jsonl`, line 1: the member `body` is missing"]).hint("its members are `text`");
    assert_eq!(column(&answer.rows(), "body"), ["Oil"]);
}

#[test]
fn headers_that_are_none() {
    let folder = Folder::new();
    let refused = |name: &str, contents: &[u8], error: &str| {
        folder.write(name, contents);
        folder.classify(&[name]).refused(error).hint("the first line must name every column once");
    };
    refused("a.csv", b"", "Failed to read the header of `a.csv`: the file is empty");
    refused("b.tsv", b"text\tid\ttext\n", "`b.tsv`: the column `text` stands there twice");
    refused("c.csv", b"text,caf\xe9\n", "`c.csv`: it is not valid UTF-8");
}

#[test]
fn json_rows_that_are_no_articles() {
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
        "`a.jsonl`, line 6: no member holds the text",
        "`a.jsonl`, line 7: the member `text` is a number, not a string",
        "`a.jsonl`, line 8: the member `text` is null, not a string",
        "`a.jsonl`, line 9: the member `text` stands there twice",
        "`a.jsonl`, line 10: the member `text` is not valid Unicode",
        "`a.jsonl`, line 11: the member `title` is a number, not a string",
        "`a.jsonl`, line 12: the line is not valid JSON: trailing characters at column 14",
    ]);
    assert_eq!(column(&answer.rows(), "text"), ["Goal!", "Oil"]);
    let answer = answer.says("articles labelled: 2, rows rejected: 11");
    let hints = answer.starting("hint: ").join("\n");
    for hint in ["`jq -c .`", "such as {\"text\"", "its members are `story`", "--text-field", "--title-field"] {
        assert!(hints.contains(hint), "no hint speaks of {hint}: {answer}");
    }
}

#[test]
fn an_array_of_articles_from_a_pipe() {
    let answer = Folder::new().classify_reading("[{\"text\":\"Goal!\"}]", &["-"]);
    answer.refused("Failed to read `<stdin>`: it is one JSON array").hint("`jq -c '.[]'`");
}

#[test]
fn table_rows_that_do_not_fit() {
    let folder = Folder::new();
    folder.write("a.csv", "id,text\n1,Goal!\n2,a,b\n3\n4,\"two\nlines\"\n5,  \n6,Oil\n7,\"open\n8,lost\n");
    let answer = folder.classify(&["a.csv"]).rejected(&[
        "`a.csv`, row 2 (line 3): its number of fields is 3, not the header's 2",
        "`a.csv`, row 3 (line 4): its number of fields is 1, not the header's 2",
        "`a.csv`, row 5 (line 7): the text is blank",
        "`a.csv`, row 7 (line 9): a quote that opens in this row is never closed",
    ]);
    assert_eq!(column(&answer.rows(), "id"), ["1", "4", "6"]);
    let hints = answer.starting("hint: ").join("\n");
    assert!(
        hints.contains("must stand in quotes")
            && hints.contains("close the quote; the line that it swallowed stands in the reject"),
        "{answer}"
    );
}

#[test]
fn bytes_that_are_no_utf_8() {
    let folder = Folder::new();
    folder.write("a.jsonl", b"{\"text\":\"Goal!\"}\n{\"text\":\"caf\xe9\"}\n{\"text\":\"Oil\"}\n");
    folder.write("b.csv", b"id,text\n1,caf\xe9\n2,\"x\xff\"\n3,Goal!\n");
    folder.write("c.txt", b"caf\xe9").write("d.txt", b"PK\x03\x04\0\0").write("e.txt", b"\xff\xfea\0");
    let answer = folder.classify(&["a.jsonl", "b.csv", "c.txt", "d.txt", "e.txt"]).rejected(&[
        "`a.jsonl`, line 2: byte 12 of the row is not valid UTF-8",
        "`b.csv`, row 1 (line 2): byte 5 of the row is not valid UTF-8",
        "`b.csv`, row 2 (line 3): byte 4 of the row is not valid UTF-8",
        "`c.txt`, line 1: byte 3 of the row is not valid UTF-8",
        "`d.txt`, line 1: the file is binary",
    ]);
    assert_eq!(column(&answer.rows(), "text"), ["Goal!", "Oil", "Goal!", "a"]);
    let hints = answer.starting("hint: ");
    assert_eq!(hints.iter().filter(|hint| hint.contains("--encoding latin1")).count(), 4, "{answer}");
    assert!(hints[4].contains("text files, HTML, JSON Lines"), "{answer}");
}

#[test]
fn blank_texts() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"text\":\"\"}\n{\"text\":\" \\n\\t\"}\n{\"text\":\"\",\"title\":\"Goal!\"}\n");
    folder.write("b.txt", "").write("c.txt", " \n");
    let errors = ["`a.jsonl`, line 1", "`a.jsonl`, line 2", "`b.txt`, line 1", "`c.txt`, line 1"];
    let errors = errors.map(|place| format!("{place}: the text is blank"));
    let answer = folder.classify(&["a.jsonl", "b.txt", "c.txt"]).rejected(&errors.each_ref().map(String::as_str));
    assert_eq!(column(&answer.rows(), "title"), ["Goal!"]);
}

#[test]
fn compressed_files_that_break() {
    let folder = Folder::new();
    // Of little that repeats, so that a part of the file holds a part of the rows.
    let input = articles((0..4000u64).map(|i| format!("{:x}", i.wrapping_mul(0x9e37_79b9_7f4a_7c15))));
    let (gz, mut zst) = (gzip(&input), zstd(&input));
    folder.write("cut.jsonl.gz", &gz[..gz.len() / 2]);
    let cut = folder.classify(&["cut.jsonl.gz"]).refused("Failed to read `cut.jsonl.gz` beyond row ");
    let cut = cut.hint("the file ends in the middle of its compressed data; fetch it again");
    let ids: Vec<_> = cut.rows().iter().map(|row| row["id"].clone()).collect();
    assert!((500..3500).contains(&ids.len()), "{} rows", ids.len());
    assert_eq!(ids, (0..ids.len()).map(|id| json!(id)).collect::<Vec<_>>());
    assert!(cut.err.contains(&format!("beyond row {}\n", ids.len())), "{}", cut.err);

    let middle = zst.len() / 2;
    zst[middle] ^= 0x55;
    folder.write("bad.jsonl.zst", &zst);
    // Rows that the damage made unreadable may be rejected before the checksum tells.
    let bad = folder.classify(&["bad.jsonl.zst"]).says("error: Failed to read `bad.jsonl.zst` beyond row ");
    assert_eq!(bad.says("hint: the data is damaged or cut off; fetch the file again").code, Some(2));

    folder.write("no.jsonl.gz", "{\"text\":\"Goal!\"}\n").write("no.txt.zst", "Goal!");
    folder.classify(&["no.jsonl.gz"]).refused("`no.jsonl.gz`: its bytes are not gzip data").hint("take the ending off");
    folder.classify(&["no.txt.zst"]).refused("`no.txt.zst`: its bytes are not zstd data").hint("take the ending off");
}

#[test]
fn a_file_that_breaks_later_costs_no_row_before_it() {
    let folder = Folder::new();
    folder.write("a.jsonl", articles(texts(1500))).write("b.csv", "");
    let answer = folder.classify(&["a.jsonl", "b.csv"]).refused("Failed to read the header of `b.csv`");
    assert_eq!(answer.rows().len(), 1500);
}

#[test]
fn rejects_are_kept_with_their_place_and_contents() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"text\":\"Zürich\"}\n{\"text\":5}\n{\"text\":\"Oil\"}\n[1]\r\n");
    folder.write("b.csv", b"id,text\n1,\"two\nlines\"\n2,x,\"y\nz\"\n3,caf\xe9\n");
    let rejected = ["a.jsonl`, line 2", "a.jsonl`, line 4", "b.csv`, row 2 (line 4)", "b.csv`, row 3 (line 6)"];
    let answer = folder.classify(&["a.jsonl", "b.csv", "--rejects", "bad.jsonl"]).rejected(&rejected);
    assert_eq!(answer.rows().len(), 3);
    let rejects = rows(&folder.text("bad.jsonl"));
    let place = |reject: &serde_json::Value| json!([reject["source"], reject["row"], reject["line"], reject["offset"]]);
    let places: Vec<_> = rejects.iter().map(place).collect();
    let expected = [
        json!(["a.jsonl", 2, 2, 19]),
        json!(["a.jsonl", 4, 4, 45]),
        json!(["b.csv", 2, 4, 22]),
        json!(["b.csv", 3, 6, 32]),
    ];
    assert_eq!(places, expected);
    assert_eq!(column(&rejects, "raw"), ["{\"text\":5}", "[1]", "2,x,\"y\nz\"", "3,caf\u{fffd}"]);
    assert_eq!(column(&rejects, "cause")[1], "the line is an array, not an object");
    assert!(column(&rejects, "hint")[3].contains("--encoding latin1"));

    folder.write("good.jsonl", articles(["Goal!"]));
    folder.classify(&["good.jsonl", "--rejects", "none.jsonl.gz"]).done();
    assert_eq!(crate::support::compression::gunzip(&folder.bytes("none.jsonl.gz")), "");
}

#[test]
fn quiet_runs_say_nothing_but_errors_and_hints() {
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
fn a_column_that_the_tables_header_lacks() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"text\":\"Goal!\",\"a\":1}\n{\"text\":\"Oil\"}\n{\"text\":\"Oil\",\"b\":1}\n");
    let answer = folder.classify(&["a.jsonl", "--output-format", "csv"]);
    let answer = answer.rejected(&["`a.jsonl`, line 3: its column `b` is not in the header of the output"]);
    assert_eq!(answer.hint("JSON Lines, where each row has its own columns").out.lines().count(), 3);
}

#[test]
fn a_quotation_does_not_swallow_the_rows_behind_it() {
    let folder = Folder::new();
    // The second row opens with a quotation, and so does the fifth, where the csv reader takes it for the end.
    let rows = "text\tid\nGoal!\t1\n\"Never again, says mayor\t2\nOil\t3\nRain\t4\n\"Fine\", he said\t5\nSnow\t6\n";
    folder.write("a.tsv", rows);
    let answer =
        folder.classify(&["a.tsv"]).rejected(&["`a.tsv`, row 2 (line 3): a quote closes before its field ends"]);
    let answer = answer.hint("quotes within are doubled");
    assert_eq!(column(&answer.rows(), "text"), ["Goal!", "Snow"]);
    folder.write("b.csv", "text\n\"Wheel\" guest wins\n\"\"\"Wheel\"\" guest wins\"\n");
    let answer = folder.classify(&["b.csv", "--rejects", "r.jsonl"]).rejected(&["`b.csv`, row 1"]);
    assert_eq!(column(&answer.rows(), "text"), ["\"Wheel\" guest wins"]);
    assert!(folder.text("r.jsonl").contains(r#""raw":"\"Wheel\" guest wins\n""#), "{}", folder.text("r.jsonl"));
}
