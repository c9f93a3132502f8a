//! What every target does: reads whatever bytes there are, and writes what rows come of it in every format.

use newsdesk_data::{DataError, Format, ReadError, ReadOptions, Source, Value, read, writer};
use std::path::PathBuf;

/// Reads the bytes as a file of this format. Nothing may panic; every row must go out in every format.
pub fn through(bytes: &[u8], format: Option<Format>) {
    // A panic that is caught is an error like others; what comes through ends the process.
    std::panic::set_hook(Box::new(|_| {}));
    let path: PathBuf = std::env::temp_dir().join(format!("newsdesk-fuzz-{}", std::process::id()));
    std::fs::write(&path, bytes).expect("there is room for it");
    let options = ReadOptions { format, ..ReadOptions::default() };
    let Ok(rows) = read(&Source::File(path), &options) else { return };
    let table = rows.table().cloned();
    let added = [("topic".to_owned(), Value::Text("sport".to_owned())), ("topic_score".to_owned(), Value::Number(0.5))];
    let formats = [Format::JsonLines, Format::Csv, Format::Tsv, Format::Arrow, Format::Parquet];
    let writers = formats.map(|format| writer(format, Box::new(std::io::sink())).expect("it has columns"));
    // Parquet has no place for some types, and says so before the first row.
    let takes = |result: &Result<(), DataError>| match result {
        Err(DataError::NoParquetType { .. }) => false,
        result => result.as_ref().map(|()| true).expect("a sink takes everything"),
    };
    let mut writers: Vec<_> = writers
        .into_iter()
        .filter_map(|mut writer| takes(&writer.header(table.as_ref(), &added)).then_some(writer))
        .collect();
    for row in rows {
        match row {
            Ok(row) => {
                assert!(!row.article.is_blank());
                for writer in &mut writers {
                    if let Err(error) = writer.write(&row, &added) {
                        assert!(error.misfit(&row).is_some(), "{error}");
                    }
                }
            }
            Err(ReadError::Reject(reject)) => assert!(!reject.cause.is_empty()),
            Err(ReadError::Fatal(_)) => break,
        }
    }
    for writer in &mut writers {
        writer.end().expect("a sink takes everything");
    }
}
