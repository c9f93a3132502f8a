//! File formats of articles: dialects, encodings, HTML, Arrow and Parquet, and duplicate articles.

use crate::support::compression::gzip;
use crate::support::workbook::workbook;
use crate::support::{Folder, TINY, articles, column, rows, texts};
use serde_json::json;

#[test]
fn added_members_follow_those_of_a_json_line_unchanged() {
    let folder = Folder::new();
    let line = r#"  { "id" : 1.0,  "text":"Goal!", "caf\u00e9": [ 1,2 ] }"#;
    folder.write("a.jsonl", format!("{line}\t\r\n"));
    let out = folder.classify(&["a.jsonl"]).done().out;
    let kept = line.strip_suffix('}').unwrap();
    assert!(out.starts_with(&format!("{kept},\"label\":\"")), "{out}");
    assert_eq!(rows(&out)[0]["café"], json!([1, 2]));
    // Members with the names of added ones are replaced on request.
    folder.write("b.jsonl", out);
    let again = folder.classify(&["b.jsonl", "--overwrite-columns", "--quiet"]).done().out;
    assert_eq!(rows(&again), folder.rows("b.jsonl"));
}

#[test]
fn the_dialect_of_a_table_is_kept() {
    let folder = Folder::new();
    let table = "\u{feff}id;\"text\";\"note\"\r\n1;\"Goal; and \"\"goal\"\"\";x,y\r\n\"2\";Oil\u{a0}prices;\"\"\r\n";
    folder.write("a.csv", table);
    let out = folder.classify(&["a.csv", "-o", "b.csv"]).done();
    assert_eq!(out.out, "");
    let out = folder.text("b.csv");
    for (after, before) in out.split("\r\n").zip(table.split("\r\n")) {
        assert!(after.starts_with(before), "before: {before}\nafter: {after}");
        let added = if before.is_empty() { 0 } else { 2 };
        assert_eq!(after.matches(';').count(), before.matches(';').count() + added, "before: {before}\nafter: {after}");
    }
    assert!(out.starts_with("\u{feff}id;\"text\";\"note\";label;label_score\r\n"), "{out}");
    // Another format has its usual dialect.
    let tsv = folder.classify(&["a.csv", "--to", "tsv"]).done().out;
    assert!(tsv.starts_with("id\ttext\tnote\tlabel\tlabel_score\n"), "{tsv}");
    // Rows of a table in another dialect are written in that of the first table.
    folder.write("c.csv", "id,text,note\n3,\"War, peace\",;\n");
    let both = folder.classify(&["a.csv", "c.csv", "--to", "csv"]).done().out;
    assert!(both.contains("\r\n3;War, peace;\";\";"), "{both}");
}

#[test]
fn a_converted_table_has_the_dialect_of_the_first_input() {
    let folder = Folder::new();
    folder
        .write("semi.csv", "id;text;n\r\n1;\"Rovers; win\";2\r\n")
        .write("comma.csv", "id,text,n\n3,\"War, peace\",4\n");
    let convert = |inputs: &[&str], output: &str| {
        folder.newsdesk(&[&["data", "convert", "--overwrite"], inputs, &["-o", output]].concat()).done();
        folder.text(output)
    };
    assert_eq!(convert(&["semi.csv"], "a.csv"), folder.text("semi.csv"));
    assert_eq!(convert(&["semi.csv"], "a.tsv"), "id\ttext\tn\n1\tRovers; win\t2\n");
    for inputs in [["semi.csv", "comma.csv"], ["comma.csv", "semi.csv"]] {
        let both = convert(&inputs, "b.csv");
        folder.write("c.csv", &both);
        assert_eq!(column(&folder.classify(&["c.csv"]).done().rows(), "text").len(), 2, "{both}");
    }
    folder.write("blank.csv", "\r\n\r\nid;text\r\n1;Goal!\r\n");
    assert_eq!(column(&folder.classify(&["blank.csv"]).done().rows(), "text"), ["Goal!"]);
    folder.write("sentence", "article | Reuters\nThe bank said.\n");
    assert_eq!(folder.classify(&["sentence"]).done().rows().len(), 1);
}

#[test]
fn columns_of_typed_outputs_come_from_rows_after_any_number_of_rejects() {
    let folder = Folder::new();
    let blanks = "{\"text\":\" \"}\n".repeat(600);
    let rows_of = "{\"text\":\"a\",\"x\":1}\n{\"text\":\"b\",\"x\":\"s\"}\n{\"text\":\"c\",\"y\":[1]}\n";
    folder
        .write("a.jsonl", blanks.clone() + rows_of)
        .write("b.jsonl", blanks[..blanks.len() / 600 * 511].to_owned() + rows_of);
    for (input, output) in [("a.jsonl", "a.parquet"), ("b.jsonl", "b.parquet"), ("a.jsonl", "a.arrows.gz")] {
        assert_eq!(folder.classify(&[input, "-o", output, "--checkpoint-interval", "0", "--quiet"]).code, Some(1));
        let back = folder.newsdesk(&["data", "convert", output, "-o", "-", "--to", "jsonl"]).done().rows();
        assert_eq!((back.len(), &back[2]["y"]), (3, &"[1]".into()), "{output}");
    }
}

#[test]
fn rows_before_a_read_error_are_written_in_every_format() {
    let folder = Folder::new();
    let whole = gzip(articles(texts(300)));
    folder.write("cut.jsonl.gz", &whole[..whole.len() - 20]);
    let mut counts = vec![];
    for format in ["jsonl", "csv", "arrow", "parquet"] {
        let output = format!("out.{format}");
        let convert = ["data", "convert", "cut.jsonl.gz", "-o", &output, "--to", format];
        folder.newsdesk(&convert).refused("cannot read `cut.jsonl.gz` after row");
        let back = ["data", "convert", &output, "--from", format, "-o", "-", "--to", "jsonl"];
        counts.push(folder.newsdesk(&back).done().rows().len());
    }
    assert!(counts[0] > 0 && counts.iter().all(|count| *count == counts[0]), "rows in each format: {counts:?}");
}

#[test]
fn a_compressed_parquet_output_is_refused() {
    let folder = Folder::new();
    folder.write("a.jsonl", articles(["Goal!"]));
    for command in [&["data", "convert"][..], &["classify", "--model", TINY]] {
        let arguments = [command, &["a.jsonl", "-o", "x.parquet.gz", "--to", "parquet"]].concat();
        folder.newsdesk(&arguments).refused("cannot write Parquet to `x.parquet.gz`").hint(".parquet");
    }
}

#[test]
fn an_encoding_has_no_effect_on_arrow() {
    let folder = Folder::new();
    folder.write("a.jsonl", articles(["Goal!"]));
    folder.newsdesk(&["data", "convert", "a.jsonl", "-o", "a.arrows"]).done();
    let piped = folder.classify_reading(folder.bytes("a.arrows"), &["-", "--encoding", "latin1"]);
    assert_eq!(column(&piped.done().rows(), "text"), ["Goal!"]);
}

#[test]
fn encodings_are_detected_or_given() {
    let folder = Folder::new();
    let utf16 = |text: &str, big: bool| -> Vec<u8> {
        let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(bytes).collect()
    };
    let table = "id\ttext\n1\tZürich 🏆\n";
    folder.write("little.tsv", utf16(table, false)).write("big.tsv", utf16(table, true));
    folder.write("text.txt", utf16("Zürich", false)).write("noname", utf16("{\"text\":\"Zürich\"}\n", true));
    for (file, text) in
        [("little.tsv", "Zürich 🏆"), ("big.tsv", "Zürich 🏆"), ("text.txt", "Zürich"), ("noname", "Zürich")]
    {
        assert_eq!(column(&folder.classify(&[file]).done().rows(), "text"), [text]);
    }
    folder.write("latin.csv", b"id,text\n1,Z\xfcrich \x96 caf\xe9\n");
    assert_eq!(
        column(&folder.classify(&["latin.csv", "--encoding", "latin1"]).done().rows(), "text"),
        ["Zürich – café"]
    );
    folder.classify(&["latin.csv"]).rejected(&["byte 3 of the row is not valid UTF-8"]).hint("`--encoding latin1`");
    let wrong = folder.classify(&["latin.csv", "--encoding", "latin-9000"]);
    assert!(wrong.code == Some(2) && wrong.err.contains("unknown encoding `latin-9000`"), "{wrong}");
    for name in ["hz-gb-2312", "iso-2022-kr"] {
        // The Encoding Standard replaces these encodings: a whole text would become one replacement character.
        assert_eq!(folder.classify(&["latin.csv", "--encoding", name]).code, Some(2));
    }
    // A byte order mark of UTF-8 overrides the option.
    folder.write("marked.csv", "\u{feff}text\nZürich\n");
    assert_eq!(column(&folder.classify(&["marked.csv", "--encoding", "latin1"]).done().rows(), "text"), ["Zürich"]);
}

#[test]
fn html_is_reduced_to_title_and_main_text() {
    let folder = Folder::new();
    let paragraph =
        "The council voted on Monday to close the old bridge for repairs that will take at least two years. ".repeat(4);
    let page = |head: &str| {
        format!(
            "<!DOCTYPE html><html><head>{head}<title>Bridge closes - The Daily</title></head><body>\
             <nav><a href=/>Home</a> <a href=/s>Sport</a></nav><script>var x = 1;</script>\
             <article><h1>Bridge closes</h1><p>{paragraph}</p><p>Zürich: {paragraph}</p></article>\
             <footer>All rights reserved</footer></body></html>"
        )
    };
    folder.write("news/a.html", page("<meta charset=utf-8>"));
    let latin: Vec<u8> = page("<meta charset='iso-8859-1'>").chars().map(|letter| letter as u32 as u8).collect();
    folder.write("news/b.htm", latin);
    folder.write("piped", page(""));
    let found = folder.classify(&["news", "piped"]).done().rows();
    assert_eq!(column(&found, "file"), ["news/a.html", "news/b.htm", "piped"]);
    for row in &found {
        let text = row["text"].as_str().unwrap();
        assert!(text.starts_with("The council") && text.contains("Zürich: The council"), "{text}");
        assert!(!text.contains("Sport") && !text.contains("var x") && !text.contains("rights"), "{text}");
        assert!(row["title"].as_str().unwrap().starts_with("Bridge closes"), "{row}");
    }
    folder.write("empty.html", "<html><body></body></html>");
    folder.classify(&["empty.html"]).rejected(&["`empty.html`, line 1: "]);
    for page in ["<div>".repeat(50_000) + "Goal!", "<div>".repeat(1000) + &"<p>Goal!<br>".repeat(10_000)] {
        folder.write("deep.html", page);
        folder.classify(&["deep.html"]).rejected(&["the elements of the page are nested more than 512 levels deep"]);
    }
}

#[test]
fn arrow_and_parquet_can_be_read_and_written() {
    let folder = Folder::new();
    let lines = articles(texts(700));
    folder.write("a.jsonl", &lines);
    folder.newsdesk(&["data", "convert", "a.jsonl", "-o", "a.parquet"]).done();
    folder.newsdesk(&["data", "convert", "a.jsonl", "-o", "a.arrows.zst"]).done();
    let plain = folder.classify(&["a.jsonl"]).done().rows();
    for input in ["a.parquet", "a.arrows.zst"] {
        for output in ["b.parquet", "b.arrows", "b.arrows.gz"] {
            folder.classify(&[input, "--overwrite", "-o", output]).done();
            let back = folder.newsdesk(&["data", "convert", output, "-o", "-", "--to", "jsonl"]).done().rows();
            assert_eq!(back, plain, "{input} to {output}");
        }
    }
    // An Arrow stream can be read from a pipe and written to a pipe.
    folder.newsdesk(&["data", "convert", "a.jsonl", "-o", "plain.arrows"]).done();
    let arguments = ["classify", "--model", TINY, "-", "--to", "arrow"];
    let mut command = assert_cmd::Command::from_std(folder.command(&arguments));
    let stream = command.write_stdin(folder.bytes("plain.arrows")).output().unwrap().stdout;
    let back = folder.newsdesk_reading(stream, &["data", "convert", "-", "-o", "-", "--to", "jsonl"]).done().rows();
    assert_eq!(back, plain);
    // Parquet can be written to a pipe, but not read from one.
    let parquet =
        folder.command(&["data", "convert", "a.jsonl", "-o", "-", "--to", "parquet"]).output().unwrap().stdout;
    assert!(parquet == folder.bytes("a.parquet"), "Parquet in a pipe differs from Parquet in a file");
    folder
        .classify_reading(parquet, &["-"])
        .refused("Parquet can only be read from an uncompressed file")
        .hint("give the decompressed file itself");
}

#[test]
fn a_typed_output_without_rows_has_columns() {
    let folder = Folder::new();
    folder.write("empty.csv", "id,text\n");
    for output in ["b.parquet", "b.arrows"] {
        folder.classify(&["empty.csv", "-o", output]).done();
        let header = folder.newsdesk(&["data", "convert", output, "-o", "-", "--to", "csv"]).done().out;
        assert_eq!(header, "id,text,label,label_score\n", "{output}");
    }
    folder.write("none.jsonl", "");
    folder.classify(&["none.jsonl", "-o", "c.parquet"]).done();
    assert!(folder.bytes("c.parquet").starts_with(b"PAR1"), "an output without columns is not Parquet");
}

#[test]
fn damaged_parquet_is_refused() {
    let folder = Folder::new();
    folder.write("a.jsonl", articles(texts(2000)));
    folder.newsdesk(&["data", "convert", "a.jsonl", "-o", "a.parquet"]).done();
    let bytes = folder.bytes("a.parquet");
    folder
        .write("cut.parquet", &bytes[..bytes.len() - 100])
        .write("none.parquet", "PAR1")
        .write("text.parquet", "Goal!");
    for name in ["cut.parquet", "none.parquet", "text.parquet"] {
        let answer = folder.classify(&[name, "-o", "out.jsonl"]).refused(&format!("cannot read `{name}`"));
        answer.hint("its data is damaged");
        folder.assert_missing("out.jsonl");
    }
}

#[test]
fn a_row_with_a_value_of_another_type_than_its_column_is_rejected() {
    let folder = Folder::new();
    let mixed = articles(texts(512)) + "{\"id\":\"x\",\"text\":\"Goal!\"}\n{\"id\":7,\"text\":\"Oil\"}\n";
    folder.write("mixed.jsonl", mixed);
    let answer = folder.classify(&["mixed.jsonl", "-o", "m.parquet"]);
    answer
        .rejected(&["`mixed.jsonl`, line 513: the column `id` contains `\"x\"`, but its type in the output is Int64"])
        .hint("JSON Lines");
    let back = folder.newsdesk(&["data", "convert", "m.parquet", "-o", "-", "--to", "jsonl"]).done().rows();
    assert_eq!((back.len(), &back[512]["id"]), (513, &7.into()));
}

#[test]
fn lines_with_nul_bytes_and_overlong_lines_are_handled() {
    let folder = Folder::new();
    folder.write("nul.jsonl", b"{\"text\":\"a\0b\"}\n{\"text\":\"Goal!\"}\n\0\0\n");
    folder
        .classify(&["nul.jsonl"])
        .rejected(&["line 1: the line is not valid JSON", "line 3: the line is not valid JSON"]);
    folder.write("nul.csv", b"id,text\n1,a\0b\n2,Goal!\n");
    let out = folder.classify(&["nul.csv", "--to", "csv"]).done().out;
    assert!(out.contains("\n1,a\0b,"), "{out}");
    // A line may have up to 64 MiB.
    let mut line = br#"{"text":""#.to_vec();
    line.resize(70_000_000, b'x');
    line.extend_from_slice(b"\"}\n{\"text\":\"Goal!\"}\n");
    folder.write("long.jsonl", &line);
    let answer = folder.classify(&["long.jsonl"]).rejected(&["line 1: the line is longer than 67108864 bytes"]);
    assert_eq!(column(&answer.rows(), "text"), ["Goal!"]);
    line[..9].copy_from_slice(b"text\n    ");
    folder.write("long.csv", &line);
    folder.classify(&["long.csv"]).refused("row 1 (line 2): the row is longer than 67108864 bytes");
}

#[test]
fn near_duplicates_are_grouped() {
    let folder = Folder::new();
    let long = |number: usize| -> String {
        let words =
            (0..120).map(|at| if at == 50 { format!("edition{number}") } else { format!("word{}", at * 7919 % 1000) });
        words.collect::<Vec<_>>().join(" ")
    };
    let upper = long(1).to_uppercase();
    let given =
        [long(1), "Goal!".into(), long(2), format!(" {}", upper.replace(' ', "\t")), "Oil".into(), "goal!".into()];
    folder.write("a.jsonl", articles(&given));
    folder.classify(&["a.jsonl", "-o", "out.jsonl", "--near-duplicates"]).done();
    let found = folder.rows("out.jsonl");
    let groups: Vec<u64> = found.iter().map(|row| row["duplicate_group"].as_u64().unwrap()).collect();
    assert_eq!(groups, [1, 2, 1, 1, 5, 2]);
    // The tiny model ignores letter case, so that such articles have the same score.
    for (one, other) in [(0, 3), (1, 5)] {
        assert_eq!(found[one]["label_score"], found[other]["label_score"]);
    }
    let manifest = folder.json("out.jsonl.manifest.json");
    let counts = &manifest["counts"];
    assert_eq!((&counts["duplicates"], &counts["near_duplicates"]), (&2.into(), &3.into()));
    folder.classify(&["a.jsonl", "-o", "plain.jsonl"]).done();
    assert_eq!(folder.rows("plain.jsonl")[0].get("duplicate_group"), None);
}

#[test]
fn a_sheet_of_a_workbook_is_read() {
    let folder = Folder::new();
    let one: &[&[&str]] =
        &[&["id", "text", "desk"], &["1", "Goal!", "sport"], &["2", "Oil &amp; gas", "city"], &["3", ""]];
    let two: &[&[&str]] = &[&["headline", "body"], &["Rain", "It rained."]];
    folder.write("news.xlsx", workbook(&[("One", one), ("Two", two)]));
    let answer = folder.classify(&["news.xlsx"]).rejected(&["`news.xlsx`, row 4: the text is blank"]);
    assert_eq!(column(&answer.rows(), "text"), ["Goal!", "Oil & gas"]);
    let note = "warning: only the sheet `One` of `news.xlsx` is read, not `Two`; name another one with `--sheet`";
    assert_eq!(answer.starting("warning: "), [note]);
    let two = folder.classify(&["news.xlsx", "--sheet", "Two", "-o", "two.csv"]).done();
    assert!(two.starting("warning").is_empty(), "{two}");
    folder.assert_begins("two.csv", "headline,body,label,label_score\nRain,It rained.,");
    assert_eq!(folder.json("two.csv.manifest.json")["settings"]["sheet"], "Two");
    folder.classify(&["news.xlsx", "--sheet", "Three"]).refused("sheet `Three` in `news.xlsx`").hint("`One`, `Two`");
    let piped = folder.classify_reading(folder.bytes("news.xlsx"), &["-", "--quiet"]);
    assert_eq!((piped.rows().len(), piped.starting("warning").len()), (2, 0), "{piped}");

    let good: Vec<&[&str]> = one[..3].to_vec();
    folder.write("good.xlsx", workbook(&[("One", &good)]));
    folder.newsdesk(&["data", "convert", "good.xlsx", "-o", "a.parquet"]).done();
    folder.newsdesk(&["data", "convert", "good.xlsx", "-o", "a.csv"]).done();
    assert_eq!(folder.text("a.csv"), "id,text,desk\n1,Goal!,sport\n2,Oil & gas,city\n");
    folder.newsdesk(&["data", "stats", "good.xlsx", "--label-field", "desk"]).done().prints("sport");
    folder.newsdesk(&["data", "split", "good.xlsx", "-o", "parts", "--label-field", "desk", "--test", "0"]).done();
    folder.assert_begins("parts/train.csv", "id,text,desk\n");
}

#[test]
fn a_json_array_is_read_element_by_element() {
    let folder = Folder::new();
    let array = "[\n  {\n    \"id\": 1,\n    \"text\": \"Goal!\"\n  },\n  {\"text\": 5},\n  {\"text\": \"Oil\"}\n]\n";
    folder.write("news.json", array).write("news.jsonl", array).write("news.json.gz", gzip(array));
    for input in ["news.json", "news.jsonl", "news.json.gz"] {
        let position = format!("`{input}`, row 2 (line 6): the field `text` is a number");
        let answer = folder.classify(&[input]).rejected(&[&position]);
        assert_eq!(column(&answer.rows(), "text"), ["Goal!", "Oil"]);
        assert!(answer.out.starts_with("{\"id\": 1,\"text\": \"Goal!\",\"label\":"), "{answer}");
    }
    assert_eq!(folder.classify_reading(array, &["-"]).rows().len(), 2);
    let cut = folder.classify_reading(&array[..array.len() - 3], &["-"]);
    cut.says("error: cannot read `<stdin>` after row 3").says("ends after element 3, without `]`");
    let damaged = folder.classify_reading("[{\"text\":\"Goal!\"} {\"text\":\"Oil\"}]", &["-"]);
    damaged.says("a comma is missing after element 1").hint("names the position of the first mistake");
    let labelled: Vec<_> =
        (0..20).map(|i| json!({"text": format!("Story {i}"), "label": (i % 2).to_string()})).collect();
    folder.write("set.json", json!(labelled).to_string());
    folder.newsdesk(&["data", "split", "set.json", "-o", "parts"]).done();
    assert_eq!(folder.rows("parts/test.jsonl").len(), 2);
}
