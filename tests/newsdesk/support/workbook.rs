//! Workbooks of Excel, made by hand: a ZIP archive of uncompressed XML parts.

/// Returns a workbook. Each sheet has a name and rows of texts.
pub fn workbook(sheets: &[(&str, &[&[&str]])]) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const DOCUMENT: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
    let relation = |id: usize, kind: &str, target: &str| {
        format!(r#"<Relationship Id="rId{id}" Type="{DOCUMENT}/{kind}" Target="{target}"/>"#)
    };
    let relations = |list: &str| format!(r#"<Relationships xmlns="{PACKAGE}">{list}</Relationships>"#);
    let (mut list, mut targets, mut parts) = (String::new(), String::new(), Vec::new());
    for (id, (name, rows)) in sheets.iter().enumerate() {
        list += &format!(r#"<sheet name="{name}" sheetId="{}" r:id="rId{id}"/>"#, id + 1);
        targets += &relation(id, "worksheet", &format!("worksheets/sheet{id}.xml"));
        let cell = |text: &&str| format!(r#"<c t="inlineStr"><is><t>{text}</t></is></c>"#);
        let row = |cells: &&[&str]| format!("<row>{}</row>", cells.iter().map(cell).collect::<String>());
        let data: String = rows.iter().map(row).collect();
        let sheet = format!(r#"<worksheet xmlns="{MAIN}"><sheetData>{data}</sheetData></worksheet>"#);
        parts.push((format!("xl/worksheets/sheet{id}.xml"), sheet));
    }
    let sheets = format!(r#"<workbook xmlns="{MAIN}" xmlns:r="{DOCUMENT}"><sheets>{list}</sheets></workbook>"#);
    parts.push(("xl/workbook.xml".into(), sheets));
    parts.push(("xl/_rels/workbook.xml.rels".into(), relations(&targets)));
    parts.push(("_rels/.rels".into(), relations(&relation(0, "officeDocument", "xl/workbook.xml"))));
    archive(&parts)
}

/// Returns a ZIP archive of these files.
fn archive(files: &[(String, String)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, contents) in files {
        let mut crc = flate2::Crc::new();
        crc.update(contents.as_bytes());
        // Version, flags, method, time and date; checksum; both sizes; the lengths of the name and of extra fields.
        let mut entry = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        entry.extend(crc.sum().to_le_bytes());
        entry.extend((contents.len() as u32).to_le_bytes().repeat(2));
        entry.extend((name.len() as u16).to_le_bytes());
        entry.extend([0, 0]);
        let offset = bytes.len() as u32;
        bytes.extend([&b"PK\x03\x04"[..], &entry, name.as_bytes(), contents.as_bytes()].concat());
        // The directory repeats the entry between its own fields.
        directory.extend([&b"PK\x01\x02\x14\0"[..], &entry, &[0; 10], &offset.to_le_bytes(), name.as_bytes()].concat());
    }
    let count = (files.len() as u16).to_le_bytes();
    let (length, start) = ((directory.len() as u32).to_le_bytes(), (bytes.len() as u32).to_le_bytes());
    bytes.extend(directory);
    bytes.extend([&b"PK\x05\x06\0\0\0\0"[..], &count, &count, &length, &start, &[0, 0]].concat());
    bytes
}
