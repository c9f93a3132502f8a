//! Inputs and outputs of `newsdesk classify`: formats, compression, folders, pipes.

use crate::support::compression::{gunzip, gzip, unzstd, zstd};
use crate::support::workbook::workbook;
use crate::support::{Answer, Folder, LABELS, TINY, articles, column, texts};
use serde_json::Value;

/// Asserts that each output line is the input line with the columns `label` and `label_score` added.
#[track_caller]
fn assert_only_added(input: &str, output: &str) {
    assert_eq!(input.lines().count(), output.lines().count(), "{output}");
    for (before, after) in input.lines().zip(output.lines()) {
        let added = after
            .strip_prefix(before.strip_suffix('}').unwrap())
            .unwrap_or_else(|| panic!("before: {before}\nafter: {after}"));
        let added: Value = serde_json::from_str(&format!("{{{}", &added[1..])).unwrap();
        let names: Vec<&String> = added.as_object().unwrap().keys().collect();
        assert_eq!(names, ["label", "label_score"]);
        assert!(added["label"].is_string() && added["label_score"].is_f64(), "{added}");
    }
}

#[test]
fn json_lines_keep_every_byte_of_the_input() {
    let input = concat!(
        r#"{"id":1.0,"big":1e400,"exact":0.10000000000000000000001,"long":123456789012345678901234567890,"text":"Goal!"}"#,
        "\n",
        r#"{"text":"Oil prices fall","nested":{"b":[1,{"a":null}, true],"a":{}},"empty":"","none":null}"#,
        "\n",
        r#"{"Zürich 東京":"🏆 \u00e9 \/ \ud83c\udfc6 \t","text":"caf\u00e9","z":1,"a":-0.0,"E":1E+2}"#,
        "\n",
    );
    let folder = Folder::new();
    folder.write("news.jsonl", input);
    let answer = folder.classify(&["news.jsonl"]).done();
    assert_only_added(input, &answer.out);
    assert_eq!(answer.err, "");
    // The same from a pipe.
    assert_eq!(folder.classify_reading(input, &["-"]).done().out, answer.out);
    assert_eq!(folder.classify_reading(input, &[]).done().out, answer.out);
    assert_eq!(folder.classify(&["news.jsonl", "--json"]).done().out, answer.out);
}

#[test]
fn csv_records_are_written_as_they_were_read() {
    let folder = Folder::new();
    let header = "id,text,\"a, b\",note";
    let records =
        ["007,Goal!,\"x, y\",\"said \"\"no\"\"\"", "2,\"Oil prices\nfall\",,1.50", "3,Zürich 東京,🏆, spaced "];
    folder.write("news.csv", format!("{header}\n{}\n", records.join("\n")));
    folder.classify(&["news.csv", "-o", "out.csv"]).done();
    let out = folder.text("out.csv");
    let mut rest = out.strip_prefix(&format!("{header},label,label_score\n")).unwrap_or_else(|| panic!("{out}"));
    for record in records {
        rest =
            rest.strip_prefix(record).and_then(|r| r.strip_prefix(',')).unwrap_or_else(|| panic!("{record}\n{rest}"));
        let (added, next) = rest.split_once('\n').unwrap();
        let (label, score) = added.split_once(',').unwrap();
        assert!(LABELS.contains(&label) && score.parse::<f64>().unwrap() > 0.2, "{added}");
        rest = next;
    }
    assert_eq!(rest, "");
}

#[test]
fn tsv_can_be_read_and_written() {
    let folder = Folder::new();
    folder.write("news.tsv", "id\ttext\n1\tGoal, he said\n2\tOil\n");
    let out = folder.classify(&["news.tsv", "--output-format", "tsv"]).done().out;
    let lines: Vec<Vec<&str>> = out.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(lines[0], ["id", "text", "label", "label_score"]);
    assert_eq!(lines[1][..2], ["1", "Goal, he said"]);
    assert!(lines.len() == 3 && lines.iter().all(|line| line.len() == 4), "{out}");
}

#[test]
fn json_lines_can_become_csv_and_json_lines_again() {
    let folder = Folder::new();
    folder.write("news.jsonl", "{\"n\":1.0,\"list\":[1, 2],\"none\":null,\"text\":\"Goal \\\"x\\\"\"}\n");
    folder.classify(&["news.jsonl", "-o", "news.csv"]).done();
    let csv = folder.text("news.csv");
    assert!(csv.starts_with("n,list,none,text,label,label_score\n1.0,\"[1, 2]\",,\"Goal \"\"x\"\"\","), "{csv}");
    let answer = folder.classify(&["news.csv", "--prefix", "again_"]).done();
    let row = &answer.rows()[0];
    assert_eq!([&row["n"], &row["list"], &row["none"], &row["text"]], ["1.0", "[1, 2]", "", "Goal \"x\""]);
    assert_eq!(row["label"], row["again_label"]);
}

#[test]
fn labelling_an_output_again_gives_the_same_output() {
    let folder = Folder::new();
    folder.write("news.jsonl", articles(texts(5)));
    folder.classify(&["news.jsonl", "-o", "once.jsonl"]).done();
    let again = folder.classify(&["once.jsonl", "--overwrite-columns", "--quiet"]).done();
    assert_eq!(again.out, folder.text("once.jsonl"));
}

#[test]
fn compressed_files_can_be_read_and_written() {
    let folder = Folder::new();
    let input = articles(texts(2100));
    let plain = folder.classify_reading(input.as_str(), &["-"]).done().out;
    assert_only_added(&input, &plain);
    folder.write("news.jsonl.gz", gzip(&input)).write("news.jsonl.zst", zstd(&input));
    folder.classify(&["news.jsonl.gz", "-o", "out.jsonl.zst"]).done();
    folder.classify(&["news.jsonl.zst", "-o", "out.jsonl.gz"]).done();
    assert_eq!(unzstd(&folder.bytes("out.jsonl.zst")), plain);
    assert_eq!(gunzip(&folder.bytes("out.jsonl.gz")), plain);
    // In a pipe, compression is detected from the magic bytes.
    assert_eq!(folder.classify_reading(gzip(&input), &["-"]).done().out, plain);
    assert_eq!(folder.classify_reading(zstd(&input), &["-"]).done().out, plain);
    folder.write("a.txt.gz", gzip("Goal!")).write("b.csv.zst", zstd("text\nGoal!\n"));
    let rows = folder.classify(&["a.txt.gz", "b.csv.zst"]).done().rows();
    assert_eq!(column(&rows, "text"), ["Goal!", "Goal!"]);
}

#[test]
fn the_format_of_standard_input_is_detected_or_given() {
    let folder = Folder::new();
    let row = &folder.classify_reading("Oil prices fall again.\nThe mayor agreed.\n", &["-"]).done().rows()[0];
    assert_eq!([&row["file"], &row["text"]], ["<stdin>", "Oil prices fall again.\nThe mayor agreed.\n"]);
    let csv = folder.classify_reading("id,text\n1,Goal!\n2,Oil\n", &["-", "--format", "csv"]).done().rows();
    assert_eq!(column(&csv, "text"), ["Goal!", "Oil"]);
    let text = folder.classify_reading("{\"text\":\"Goal!\"}", &["-", "--format", "text"]).done().rows();
    assert_eq!(column(&text, "text"), ["{\"text\":\"Goal!\"}"]);
    let to_file = folder.classify_reading("Goal!", &["-", "-o", "out.csv"]).done();
    assert_eq!(to_file.out, "");
    folder.assert_begins("out.csv", "file,text,label,label_score\n<stdin>,Goal!,");
}

#[test]
fn byte_order_marks_line_ends_and_blank_lines_are_not_part_of_the_text() {
    let folder = Folder::new();
    folder.write("a.csv", "\u{feff}text,id\r\nGoal!,1\r\n\r\nOil,2\r\n");
    let rows = folder.classify(&["a.csv"]).done().rows();
    assert_eq!((column(&rows, "text"), column(&rows, "id")), (vec!["Goal!", "Oil"], vec!["1", "2"]));
    folder.write("b.jsonl", "\u{feff}{\"text\":\"Goal!\"}\r\n\r\n  \n{\"text\":\"Oil\"}");
    assert_eq!(column(&folder.classify(&["b.jsonl"]).done().rows(), "text"), ["Goal!", "Oil"]);
    folder.write("c.txt", "\u{feff}Goal!");
    assert_eq!(column(&folder.classify(&["c.txt"]).done().rows(), "text"), ["Goal!"]);
}

#[test]
fn inputs_can_be_folders_patterns_and_several_files() {
    let folder = Folder::new();
    folder.write("news/b.txt", "b").write("news/a.txt", "a").write("news/sub/c.jsonl", "{\"text\":\"c\"}\n");
    folder.write("news/z.csv", "text\nz\n").write("news/.hidden.txt", "hidden").write("news/image.png", "png");
    let texts = |arguments: &[&str]| {
        let rows = folder.classify(arguments).done().rows();
        column(&rows, "text").join(" ")
    };
    assert_eq!(texts(&["news"]), "a b c z");
    assert_eq!(texts(&["news/*.txt"]), "a b");
    assert_eq!(texts(&["news/**/*.jsonl"]), "c");
    assert_eq!(texts(&["news/z.csv", "news/a.txt", "news/sub"]), "z a c");
    let rows = folder.classify(&["news/[ab].txt"]).done().rows();
    assert_eq!(column(&rows, "file"), ["news/a.txt", "news/b.txt"]);
}

#[cfg(unix)]
#[test]
fn folders_and_patterns_give_each_regular_file_once() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new();
    folder.write("dl/a.txt", "a").write("dl/sub/b.txt", "b").write("other/c.txt", "c");
    symlink("..", folder.path("dl/sub/loop")).unwrap();
    symlink("a.txt", folder.path("dl/z.txt")).unwrap();
    symlink("../other/c.txt", folder.path("dl/c.txt")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(folder.path("dl/pipe.txt")).status().unwrap();
    assert!(made.success(), "`mkfifo` failed: {made}");
    for input in ["dl", "dl/**/*.txt"] {
        let rows = folder.classify(&[input]).done().rows();
        assert_eq!(column(&rows, "file"), ["dl/a.txt", "dl/c.txt", "dl/sub/b.txt"], "{input}");
    }
    // A pipe that is named itself is read.
    folder.classify_reading("Goal!", &["/dev/stdin"]).done().prints("Goal!");
}

#[test]
fn inputs_without_articles_are_no_error() {
    let folder = Folder::new();
    folder.write("a.csv", "").write("b.csv", "id,text\n").write("c.jsonl", "\n").write("d.json", "[ ]");
    folder.write("e.csv.gz", gzip("")).write("f.tsv", " \r\n").write("g.xlsx", workbook(&[("Empty", &[])]));
    folder
        .newsdesk(&["data", "convert", "b.csv", "-o", "h.parquet"])
        .done()
        .says("no articles: the inputs have no rows");
    folder.newsdesk(&["data", "convert", "b.csv", "-o", "i.arrows"]).done();
    for input in ["a.csv", "b.csv", "c.jsonl", "d.json", "e.csv.gz", "f.tsv", "g.xlsx", "h.parquet", "i.arrows"] {
        let answer = folder.classify(&[input]).done().says("no articles: the inputs have no rows");
        assert_eq!(answer.out, "", "{input}");
        for output in ["out.csv", "out.jsonl", "out.parquet", "out.arrows.zst"] {
            folder.classify(&[input, "-o", output, "--quiet"]).done();
            let back = folder.newsdesk(&["data", "convert", output, "-o", "-", "--to", "jsonl"]);
            let is_valid = back.code == Some(0) || back.err.contains("cannot find the text column");
            assert!(is_valid && back.out.is_empty(), "{input} to {output}: {back}");
            std::fs::remove_file(folder.path(output)).unwrap();
            std::fs::remove_file(folder.path(&format!("{output}.manifest.json"))).unwrap();
        }
    }
    folder.classify_reading("", &["-"]).done().says("no articles");
    folder.classify_reading("\n \n", &[]).done().says("no articles");
    assert_eq!(folder.classify_reading("", &["--quiet"]).done().err, "");
    // The other inputs are read.
    folder.write("z.csv", "id,text\n1,Goal!\n");
    let both = folder.classify(&["a.csv", "z.csv", "--to", "csv"]).done();
    assert!(both.out.starts_with("id,text,label,label_score\n1,Goal!,") && both.err.is_empty(), "{both}");
    // A folder or a pattern without files is a mistake.
    std::fs::create_dir(folder.path("none")).unwrap();
    folder.classify(&["none"]).refused("cannot find articles in the folder `none`");
    folder.classify(&["none/*"]).refused("cannot find a file that matches `none/*`");
}

#[test]
fn invalid_outputs_are_refused_before_labelling() {
    let folder = Folder::new();
    let input = articles(["Goal!"]);
    folder.write("news.jsonl", &input).write("sub/other.jsonl", &input);
    let refused = |arguments: &[&str], error: &str, hint: &str| {
        let answer = folder.classify(arguments).refused(error).hint(hint);
        assert_eq!(answer.out, "");
    };
    let input_itself = "`sub/../news.jsonl`: it is one of the inputs";
    refused(&["news.jsonl", "-o", "sub/../news.jsonl"], input_itself, "another file");
    refused(&["sub", "news.jsonl", "--rejects", "sub/other.jsonl"], "it is one of the inputs", "another file");
    refused(&["*.jsonl", "-o", "news.jsonl"], "it is one of the inputs", "another file");
    let same_file = "rows and rejects would go to the same file";
    refused(&["news.jsonl", "-o", "x.jsonl", "--rejects", "x.jsonl"], same_file, "two files");
    refused(&["news.jsonl", "-o", "x.jsonl", "--rejects", "./x.jsonl"], same_file, "two files");
    refused(&["news.jsonl", "--rejects", "-"], same_file, "two files");
    refused(&["news.jsonl", "-o", "x.docx"], "choose a format for `x.docx`", ".jsonl, .csv, .tsv");
    refused(&["news.jsonl", "-o", "x.xlsx"], "cannot write `x.xlsx`: Excel can only be read", ".jsonl, .csv, .tsv");
    refused(&["news.jsonl", "-o", "x.json"], "cannot write `x.json`: JSON can only be read", ".jsonl, .csv, .tsv");
    refused(&["news.jsonl", "-o", "x.csv.bz2"], "cannot write `x.csv.bz2`: bzip2 can only be read", ".gz or .zst");
    let named = ["news.jsonl", "-o", "x.xz", "--to", "jsonl"];
    refused(&named, "files can be compressed with gzip and zstd, not with xz", ".gz or .zst");
    folder.assert_missing("x.xz");
    refused(&["news.jsonl", "-o", "x.txt"], "rows to `x.txt`: plain text has no columns", "--output-format");
    refused(&["news.jsonl", "-o", "x.feather"], "its name is that of an Arrow file", "end its name in .arrows");
    refused(&["news.jsonl", "-o", "x.jsonl", "--output-format", "table"], "a table to a file", "--output-format");
    refused(&["news.jsonl", "-o", "missing/x.jsonl"], "write to `missing/x.jsonl`", "create the folder");
    assert_eq!((folder.text("news.jsonl"), folder.text("sub/other.jsonl")), (input.clone(), input));
    folder.assert_missing("x.jsonl");
    folder.assert_missing("x.txt");
}

#[test]
fn a_table_without_rows_has_a_header() {
    let answer = Folder::new().classify_reading("id,text\n", &["-", "--format", "csv", "--output-format", "csv"]);
    assert_eq!(answer.done().out, "id,text,label,label_score\n");
}

#[test]
fn an_unknown_file_ending_is_accepted_with_output_format() {
    let folder = Folder::new();
    folder.classify_reading("Goal!", &["-", "-o", "out.data", "--output-format", "csv"]).done();
    folder.assert_begins("out.data", "file,text,label,label_score\n");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let folder = Folder::new();
    folder.write("news.jsonl", articles(texts(100)));
    std::os::unix::fs::symlink("/dev/full", folder.path("full.csv")).unwrap();
    let answer = folder.classify(&["news.jsonl", "-o", "full.csv"]).refused("cannot write rows");
    let answer = answer.says("`full.csv`: No space left on device");
    assert!(!answer.err.contains("panicked"), "{answer}");
    folder.write("bad.jsonl", "5\n");
    let answer = folder.classify(&["bad.jsonl", "--rejects", "full.csv"]);
    assert_eq!(answer.says("`full.csv`: No space left on device").code, Some(2));
}

#[test]
fn a_table_in_a_pipe_is_detected_by_its_header() {
    let folder = Folder::new();
    let csv = folder.classify_reading("id,text\n1,Goal!\n2,Oil\n", &["-"]).done().rows();
    assert_eq!(column(&csv, "id"), ["1", "2"]);
    let tsv = folder.classify_reading("Headline\tbody\nGoal!\tLate win\n", &[]).done().rows();
    assert_eq!((column(&tsv, "Headline"), column(&tsv, "body")), (vec!["Goal!"], vec!["Late win"]));
    let text = folder.classify_reading("Shares, text and more\nOil fell.\n", &["-"]).done().rows();
    assert_eq!(column(&text, "text"), ["Shares, text and more\nOil fell.\n"], "the sentence was taken for a header");
}

#[test]
fn an_existing_output_is_kept_if_the_input_cannot_be_read() {
    let folder = Folder::new();
    folder.write("a.csv", "id,text\n1,Goal!\n").write("out.csv", "what was there\n");
    folder.classify(&["a.csv", "-o", "out.csv", "--overwrite", "--text-field", "txet"]).refused("`txet`");
    assert_eq!(folder.text("out.csv"), "what was there\n");
}

#[cfg(unix)]
#[test]
fn standard_output_into_an_input_is_refused() {
    let folder = Folder::new();
    folder.write("news/a.jsonl", articles(texts(3)));
    let out = std::fs::File::create(folder.path("news/out.jsonl")).unwrap();
    let arguments = ["classify", "--model", TINY, "news"];
    let answer = Answer::new(&arguments, folder.command(&arguments).stdout(out).output().unwrap());
    answer.refused("it goes to `news/out.jsonl`, one of the inputs");
    assert_eq!(folder.text("news/out.jsonl"), "");
}

#[test]
fn a_complete_run_names_the_files_that_it_wrote() {
    let folder = Folder::new();
    folder.write("news.jsonl", "{\"text\":\"Goal!\"}\n5\n");
    let answer = folder.classify(&["news.jsonl", "-o", "out.jsonl"]).rejected(&["line 2"]);
    assert_eq!(answer.out, "");
    assert_eq!(
        answer.starting("wrote "),
        ["wrote out.jsonl: 1 article", "wrote out.jsonl.rejects.jsonl: 1 rejected row"]
    );
    let again = ["news.jsonl", "-o", "out.jsonl", "--overwrite", "--limit", "1", "--quiet"];
    assert_eq!(folder.classify(&again).done().err, "");
}

#[test]
fn a_number_as_dtype_gets_a_hint_to_min_precision() {
    let answer = Folder::new().newsdesk(&["classify", "news.jsonl", "--precision", "0.9"]);
    assert_eq!(answer.code, Some(2), "{answer}");
    answer.says("use `--min-precision 0.9`");
}
