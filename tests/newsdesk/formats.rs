//! The formats in which articles come and go: what was there stays as it was, whatever the way through.

use crate::support::{Folder, articles, column, rows, texts};

const ADDED: &str = "label,label_score";

#[test]
fn json_lines_keep_every_byte_and_get_members_behind_their_own() {
    let folder = Folder::new();
    let line = r#"  { "id" : 1.0,  "text":"Goal!", "caf\u00e9": [ 1,2 ] }"#;
    folder.write("a.jsonl", format!("{line}\t\r\n"));
    let out = folder.classify(&["a.jsonl"]).done().out;
    let kept = line.strip_suffix('}').unwrap();
    assert!(out.starts_with(&format!("{kept},\"label\":\"")), "{out}");
    assert_eq!(rows(&out)[0]["café"], serde_json::json!([1, 2]));
    // A column of the same name gives way, and its row is written anew.
    folder.write("b.jsonl", out);
    let again = folder.classify(&["b.jsonl", "--quiet"]).done().out;
    assert_eq!(rows(&again), rows(&folder.text("b.jsonl")));
}

#[test]
fn tables_keep_their_dialect() {
    let folder = Folder::new();
    let table = "\u{feff}id;\"text\";\"note\"\r\n1;\"Goal; and \"\"goal\"\"\";x,y\r\n\"2\";Oil\u{a0}prices;\"\"\r\n";
    folder.write("a.csv", table);
    let out = folder.classify(&["a.csv", "-o", "b.csv"]).done();
    assert_eq!(out.out, "");
    let out = folder.text("b.csv");
    for (line, was) in out.split("\r\n").zip(table.split("\r\n")) {
        assert!(line.starts_with(was), "{line}");
        assert_eq!(line.matches(';').count(), was.matches(';').count() + if was.is_empty() { 0 } else { 2 }, "{line}");
    }
    assert!(out.starts_with(&format!("\u{feff}id;\"text\";\"note\";{}\r\n", ADDED.replace(',', ";"))), "{out}");
    // Another format knows nothing of it.
    assert!(folder.classify(&["a.csv", "--to", "tsv"]).done().out.starts_with("id\ttext\tnote\tlabel\tlabel_score\n"));
    // A second table in another dialect follows the first one's.
    folder.write("c.csv", "id,text,note\n3,\"War, peace\",;\n");
    let both = folder.classify(&["a.csv", "c.csv", "--to", "csv"]).done().out;
    assert!(both.contains("\r\n3;War, peace;\";\";"), "{both}");
}

#[test]
fn a_converted_table_keeps_its_dialect_or_takes_on_the_first_ones() {
    let folder = Folder::new();
    folder
        .write("semi.csv", "id;text;n\r\n1;\"Rovers; win\";2\r\n")
        .write("comma.csv", "id,text,n\n3,\"War, peace\",4\n");
    let convert = |inputs: &[&str], output: &str| {
        folder.newsdesk(&[&["data", "convert"], inputs, &["-o", output]].concat()).done();
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
fn rejects_before_the_first_rows_do_not_decide_on_columns() {
    let folder = Folder::new();
    let blanks = "{\"text\":\" \"}\n".repeat(600);
    let rows_of = "{\"text\":\"a\",\"x\":1}\n{\"text\":\"b\",\"x\":\"s\"}\n{\"text\":\"c\",\"y\":[1]}\n";
    folder
        .write("a.jsonl", blanks.clone() + rows_of)
        .write("b.jsonl", blanks[..blanks.len() / 600 * 511].to_owned() + rows_of);
    for (input, output) in [("a.jsonl", "a.parquet"), ("b.jsonl", "b.parquet"), ("a.jsonl", "a.arrows.gz")] {
        assert_eq!(folder.classify(&[input, "-o", output, "--save-every", "0", "--quiet"]).code, Some(1));
        let back = folder.newsdesk(&["data", "convert", output, "-o", "-", "--to", "jsonl"]).done().rows();
        assert_eq!((back.len(), &back[2]["y"]), (3, &"[1]".into()), "{output}");
    }
}

#[test]
fn what_was_read_before_a_break_is_written_in_every_format() {
    let folder = Folder::new();
    let whole = crate::support::compression::gzip(articles(texts(300)));
    folder.write("cut.jsonl.gz", &whole[..whole.len() - 20]);
    let mut counts = vec![];
    for format in ["jsonl", "csv", "arrow", "parquet"] {
        let output = format!("out.{format}");
        let convert = ["data", "convert", "cut.jsonl.gz", "-o", &output, "--to", format];
        folder.newsdesk(&convert).refused("Failed to read `cut.jsonl.gz` beyond row");
        let back = ["data", "convert", &output, "--from", format, "-o", "-", "--to", "jsonl"];
        counts.push(folder.newsdesk(&back).done().rows().len());
    }
    assert!(counts[0] > 0 && counts.iter().all(|count| *count == counts[0]), "{counts:?}");
}

#[test]
fn names_that_say_two_things() {
    let folder = Folder::new();
    folder.write("a.jsonl", articles(["Goal!"]));
    for command in [&["data", "convert"][..], &["classify", "--model", crate::support::TINY]] {
        let arguments = [command, &["a.jsonl", "-o", "x.parquet.gz", "--to", "parquet"]].concat();
        folder.newsdesk(&arguments).refused("Failed to write Parquet into `x.parquet.gz`").hint(".parquet");
    }
    folder.newsdesk(&["data", "convert", "a.jsonl", "-o", "a.arrows"]).done();
    let piped = folder.classify_reading(folder.bytes("a.arrows"), &["-", "--encoding", "latin1"]);
    assert_eq!(column(&piped.done().rows(), "text"), ["Goal!"]);
}

#[test]
fn other_encodings() {
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
    assert!(wrong.code == Some(2) && wrong.err.contains("`latin-9000` is no encoding"), "{wrong}");
    for name in ["hz-gb-2312", "iso-2022-kr"] {
        // Names that stand for no encoding would turn a text into one sign.
        assert_eq!(folder.classify(&["latin.csv", "--encoding", name]).code, Some(2));
    }
    // What says that it is UTF-8 is taken at its word.
    folder.write("marked.csv", "\u{feff}text\nZürich\n");
    assert_eq!(column(&folder.classify(&["marked.csv", "--encoding", "latin1"]).done().rows(), "text"), ["Zürich"]);
}

#[test]
fn pages_give_their_main_text() {
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
        assert!(row["title"].as_str().unwrap().starts_with("Bridge closes"));
    }
    folder.write("empty.html", "<html><body></body></html>");
    folder.classify(&["empty.html"]).rejected(&["`empty.html`, line 1: "]);
    let deep = "<div>".repeat(50_000) + "Goal!";
    folder.write("deep.html", deep);
    folder.classify(&["deep.html"]).rejected(&["the page has elements within more than 512 others"]);
    let deepish = "<div>".repeat(1000) + &"<p>Goal!<br>".repeat(10_000);
    folder.write("deepish.html", deepish);
    folder.classify(&["deepish.html"]).rejected(&["the page has elements within more than 512 others"]);
}

#[test]
fn typed_tables_from_file_to_file_and_through_pipes() {
    let folder = Folder::new();
    let lines = articles(texts(700));
    folder.write("a.jsonl", &lines);
    folder.newsdesk(&["data", "convert", "a.jsonl", "-o", "a.parquet"]).done();
    folder.newsdesk(&["data", "convert", "a.jsonl", "-o", "a.arrows.zst"]).done();
    let plain = folder.classify(&["a.jsonl"]).done().rows();
    for input in ["a.parquet", "a.arrows.zst"] {
        for output in ["b.parquet", "b.arrows", "b.arrows.gz"] {
            folder.classify(&[input, "-o", output]).done();
            let back = folder.newsdesk(&["data", "convert", output, "-o", "-", "--to", "jsonl"]).done().rows();
            assert_eq!(back, plain, "{input} to {output}");
        }
    }
    // The answer to a stream is a stream, and can be read from a pipe again.
    folder.newsdesk(&["data", "convert", "a.jsonl", "-o", "plain.arrows"]).done();
    let arguments = ["classify", "--model", crate::support::TINY, "-", "--to", "arrow"];
    let mut command = assert_cmd::Command::from_std(folder.command(&arguments));
    let stream = command.write_stdin(folder.bytes("plain.arrows")).output().unwrap().stdout;
    let back = folder.newsdesk_reading(stream, &["data", "convert", "-", "-o", "-", "--to", "jsonl"]).done().rows();
    assert_eq!(back, plain);
    // Parquet goes out through a pipe, and does not come in.
    let mut command =
        assert_cmd::Command::from_std(folder.command(&["data", "convert", "a.jsonl", "-o", "-", "--to", "parquet"]));
    let parquet = command.output().unwrap().stdout;
    assert!(parquet == folder.bytes("a.parquet"));
    folder.classify_reading(parquet, &["-"]).refused("Parquet is read from the end of a file").hint("name the file");
}

#[test]
fn a_typed_output_has_its_columns_without_rows() {
    let folder = Folder::new();
    folder.write("empty.csv", "id,text\n");
    for output in ["b.parquet", "b.arrows"] {
        folder.classify(&["empty.csv", "-o", output]).done();
        let header = folder.newsdesk(&["data", "convert", output, "-o", "-", "--to", "csv"]).done().out;
        assert_eq!(header, "id,text,label,label_score\n", "{output}");
    }
    folder.write("none.jsonl", "");
    folder.classify(&["none.jsonl", "-o", "c.parquet"]).done();
    assert!(folder.bytes("c.parquet").starts_with(b"PAR1"));
}

#[test]
fn broken_typed_tables_are_named() {
    let folder = Folder::new();
    folder.write("a.jsonl", articles(texts(2000)));
    folder.newsdesk(&["data", "convert", "a.jsonl", "-o", "a.parquet"]).done();
    let bytes = folder.bytes("a.parquet");
    folder
        .write("cut.parquet", &bytes[..bytes.len() - 100])
        .write("none.parquet", "PAR1")
        .write("text.parquet", "Goal!");
    for name in ["cut.parquet", "none.parquet", "text.parquet"] {
        let answer = folder.classify(&[name, "-o", "out.jsonl"]).refused(&format!("Failed to read `{name}`"));
        answer.hint("damaged or cut off");
        assert!(!folder.path("out.jsonl").exists());
    }
    // What a table cannot hold is a reject, and told where it stood.
    let mixed = articles(texts(512)) + "{\"id\":\"x\",\"text\":\"Goal!\"}\n{\"id\":7,\"text\":\"Oil\"}\n";
    folder.write("mixed.jsonl", mixed);
    let answer = folder.classify(&["mixed.jsonl", "-o", "m.parquet"]);
    answer
        .rejected(&["`mixed.jsonl`, line 513: its column `id` is `\"x\"`, and Int64 in the output"])
        .hint("JSON Lines");
    let back = folder.newsdesk(&["data", "convert", "m.parquet", "-o", "-", "--to", "jsonl"]).done().rows();
    assert_eq!((back.len(), &back[512]["id"]), (513, &7.into()));
}

#[test]
fn what_is_no_article_in_a_line() {
    let folder = Folder::new();
    folder.write("nul.jsonl", b"{\"text\":\"a\0b\"}\n{\"text\":\"Goal!\"}\n\0\0\n");
    folder
        .classify(&["nul.jsonl"])
        .rejected(&["line 1: the line is not valid JSON", "line 3: the line is not valid JSON"]);
    folder.write("nul.csv", b"id,text\n1,a\0b\n2,Goal!\n");
    let out = folder.classify(&["nul.csv", "--to", "csv"]).done().out;
    assert!(out.contains("\n1,a\0b,"), "{out}");
    // 200 MB without a line break.
    let mut line = br#"{"text":""#.to_vec();
    line.resize(200_000_000, b'x');
    line.extend_from_slice(b"\"}\n{\"text\":\"Goal!\"}\n");
    folder.write("long.jsonl", &line);
    let answer = folder.classify(&["long.jsonl"]).rejected(&["line 1: the line is longer than 67108864 bytes"]);
    assert_eq!(column(&answer.rows(), "text"), ["Goal!"]);
    line[..9].copy_from_slice(b"text\n    ");
    folder.write("long.csv", &line);
    folder.classify(&["long.csv"]).refused("row 1 (line 2): the row is longer than 67108864 bytes");
}

#[test]
fn articles_that_come_again() {
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
    let answer = folder.classify(&["a.jsonl", "-o", "out.jsonl", "--near-duplicates"]);
    answer.done();
    let found = rows(&folder.text("out.jsonl"));
    let groups: Vec<u64> = found.iter().map(|row| row["duplicate_group"].as_u64().unwrap()).collect();
    assert_eq!(groups, [1, 2, 1, 1, 5, 2]);
    // The tiny model does not heed case either, so the answers are the same.
    for (one, other) in [(0, 3), (1, 5)] {
        assert_eq!(found[one]["label_score"], found[other]["label_score"]);
    }
    let manifest: serde_json::Value = serde_json::from_str(&folder.text("out.jsonl.manifest.json")).unwrap();
    let counts = &manifest["counts"];
    assert_eq!((&counts["repeats"], &counts["near_repeats"]), (&2.into(), &3.into()));
    folder.classify(&["a.jsonl", "-o", "plain.jsonl"]).done();
    assert!(!folder.text("plain.jsonl").contains("duplicate_group"));
}
