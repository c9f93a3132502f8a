//! Reading worksheets of Excel workbooks.
#![allow(clippy::unwrap_used)]

mod scratch;

use std::io::{Cursor, Write};
use std::sync::{Arc, Mutex};

use newsdesk_data::{Format, Note, Notes, ReadOptions, Remedy, read};
use scratch::{Scratch, read_all, read_until_broken, texts};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Returns a workbook whose sheets have these names and rows of cells, as XML. Shared strings are `a`, `b`; style 1 is a
/// date.
fn workbook(sheets: &[(&str, &str)]) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const DOCUMENT: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
    let (mut list, mut relations, mut parts) = (String::new(), String::new(), Vec::new());
    for (index, (name, rows)) in sheets.iter().enumerate() {
        let id = index + 1;
        list += &format!(r#"<sheet name="{name}" sheetId="{id}" r:id="rId{id}"/>"#);
        relations +=
            &format!(r#"<Relationship Id="rId{id}" Type="{DOCUMENT}/worksheet" Target="worksheets/sheet{id}.xml"/>"#);
        parts.push((
            format!("xl/worksheets/sheet{id}.xml"),
            format!(r#"<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>"#),
        ));
    }
    relations += &format!(r#"<Relationship Id="rIdS" Type="{DOCUMENT}/sharedStrings" Target="sharedStrings.xml"/>"#);
    relations += &format!(r#"<Relationship Id="rIdT" Type="{DOCUMENT}/styles" Target="styles.xml"/>"#);
    let whole =
        format!(r#"<workbook xmlns="{MAIN}" xmlns:r="{DOCUMENT}"><workbookPr/><sheets>{list}</sheets></workbook>"#);
    let styles = r#"<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs>"#;
    parts.extend([
        ("[Content_Types].xml".to_owned(), r#"<Types xmlns="x"/>"#.to_owned()),
        (
            "_rels/.rels".to_owned(),
            format!(
                r#"<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" Type="{DOCUMENT}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
            ),
        ),
        ("xl/workbook.xml".to_owned(), whole),
        (
            "xl/_rels/workbook.xml.rels".to_owned(),
            format!(r#"<Relationships xmlns="{PACKAGE}">{relations}</Relationships>"#),
        ),
        ("xl/styles.xml".to_owned(), format!(r#"<styleSheet xmlns="{MAIN}">{styles}</styleSheet>"#)),
        (
            "xl/sharedStrings.xml".to_owned(),
            format!(r#"<sst xmlns="{MAIN}"><si><t>a</t></si><si><t xml:space="preserve">b &amp; c</t></si></sst>"#),
        ),
    ]);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, contents) in parts {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(format!(r#"<?xml version="1.0" encoding="UTF-8"?>{contents}"#).as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Returns a row of inline strings.
fn row(number: usize, cells: &[&str]) -> String {
    let cell = |(index, text): (usize, &&str)| {
        let letter = char::from(b'A' + index as u8);
        match *text {
            "" => String::new(),
            text => format!(r#"<c r="{letter}{number}" t="inlineStr"><is><t>{text}</t></is></c>"#),
        }
    };
    format!(r#"<row r="{number}">{}</row>"#, cells.iter().enumerate().map(cell).collect::<String>())
}

#[test]
fn cells_are_read_with_their_types() {
    let cells = concat!(
        r#"<row r="5"><c r="A5" t="s"><v>0</v></c><c r="B5"><v>3</v></c><c r="C5" s="1"><v>45943</v></c>"#,
        r#"<c r="D5" t="b"><v>1</v></c><c r="E5"><v>0.5</v></c></row>"#,
        r#"<row r="7"><c r="A7" t="s"><v>1</v></c><c r="F7" t="e"><v>#N/A</v></c></row>"#,
    );
    let sheet = row(3, &["text", "n", "date", "flag", "", "G"]) + cells;
    let scratch = Scratch::new();
    let (rows, rejects) = scratch.read("a.xlsx", workbook(&[("News", &sheet)]));
    assert_eq!((texts(&rows), rejects.len()), (vec!["a", "b & c"], 0));
    let shown = |row: usize| {
        let cells = rows[row].columns.iter().map(|(name, cell)| format!("{name}={}", cell.raw_text()));
        cells.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shown(0), "text=\"a\" n=3 date=\"2025-10-13\" flag=true E=0.5 G=null");
    assert_eq!(shown(1), "text=\"b & c\" n=null date=null flag=null E=null G=\"#N/A\"");
    assert!(rows[1].position.to_string().ends_with("a.xlsx`, row 7"), "{}", rows[1].position);
}

#[test]
fn unusable_rows_of_a_sheet_are_rejected() {
    let sheet = row(1, &["id", "text"]) + &row(2, &["1", "", ""]) + &row(3, &["2", "t", "x"]) + &row(4, &["3", "t"]);
    let (rows, rejects) = Scratch::new().read("a.xlsx", workbook(&[("News", &sheet)]));
    assert_eq!(texts(&rows), ["t"]);
    let causes: Vec<&str> = rejects.iter().map(|reject| reject.cause.as_str()).collect();
    assert_eq!(causes, ["the text is blank", "the column C has a value, but no header"]);
    assert_eq!(rejects[0].raw, r#"{"id":"1","text":null}"#);
}

#[test]
fn first_sheet_is_read_unless_another_one_is_named() {
    let sheet = |text: &str| row(1, &["text"]) + &row(2, &[text]);
    let bytes = workbook(&[("One", &sheet("first")), ("Empty", ""), ("Two", &sheet("second"))]);
    let (scratch, notes) = (Scratch::new(), Arc::new(Mutex::new(Vec::new())));
    let received = Arc::clone(&notes);
    let options =
        ReadOptions { notes: Notes::new(move |note| received.lock().unwrap().push(note)), ..Default::default() };
    let source = scratch.file("noname", &bytes);
    assert_eq!(read(&source, &options).unwrap().format(), Format::Excel);
    notes.lock().unwrap().clear();
    assert_eq!(texts(&read_all(&source, &options).0), ["first"]);
    let Note::OneSheetOfSeveral { sheet, others, .. } = notes.lock().unwrap().remove(0);
    assert_eq!((sheet.as_str(), others), ("One", vec!["Two".to_owned()]));
    let named = |sheet: &str| ReadOptions { sheet: Some(sheet.to_owned()), ..options.clone() };
    assert_eq!(texts(&read_all(&source, &named("two")).0), ["second"]);
    assert_eq!(read_all(&source, &named("Empty")).0.len(), 0);
    let error = read(&source, &named("Three")).err().unwrap();
    assert_eq!(
        error.remedy(),
        Some(Remedy::ChooseSheet { sheets: ["One", "Empty", "Two"].map(str::to_owned).to_vec() })
    );
    assert!(notes.lock().unwrap().is_empty(), "a note although the sheet is named");
}

#[test]
fn file_that_is_no_workbook_is_refused() {
    let scratch = Scratch::new();
    let error = |bytes: &[u8]| {
        let error = scratch.refused("a.xlsx", bytes, &ReadOptions::default());
        assert_eq!(error.remedy(), Some(Remedy::SaveWorkbook), "{error}");
        error.to_string().split_once("`: ").unwrap().1.to_owned()
    };
    let whole = workbook(&[("News", &row(1, &["text"]))]);
    assert_eq!(error(b"id,text\n"), "it is not an .xlsx workbook, or it has a password");
    assert_eq!(error(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "it is not an .xlsx workbook, or it has a password");
    assert!(error(&whole[..whole.len() / 2]).starts_with("the workbook is damaged: "));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("word/document.xml", SimpleFileOptions::default()).unwrap();
    error(&zip.finish().unwrap().into_inner());
}

#[test]
fn damaged_sheet_is_an_error_after_its_rows() {
    // The row right before the damage may be incomplete.
    let good = row(1, &["text"]) + &row(2, &["a"]) + &row(3, &["b"]);
    let sheet = good + "<row r=\"4\"><c r=\"A4\" t=\"inlineStr\"><is></row>";
    let source = Scratch::new();
    let (rows, _, fatal) =
        read_until_broken(&source.file("a.xlsx", workbook(&[("News", &sheet)])), &ReadOptions::default());
    assert_eq!(texts(&rows), ["a"]);
    assert!(fatal.is_some());
}

#[test]
fn bomb_is_refused() {
    // 100 MB of one letter compress to 100 kB.
    let text = "x".repeat(100_000_000);
    let bytes = workbook(&[("News", &(row(1, &["text"]) + &row(2, &[&text])))]);
    let error = Scratch::new().refused("a.xlsx", bytes, &ReadOptions::default());
    assert!(error.to_string().contains("a text of more than 67108864 bytes"), "{error}");
}
