//! The body of every fuzz target: reads arbitrary bytes, and writes the rows in every format.

use newsdesk_data::{DataError, Format, ReadError, ReadOptions, Source, Value, read, writer};
use std::path::PathBuf;

/// Reads the bytes as a file of this format, and writes each row in every format. Nothing may panic.
pub fn read_and_write(bytes: &[u8], format: Option<Format>) {
    // The readers catch some panics and return them as errors. This hook keeps those silent; any other panic ends the
    // process.
    std::panic::set_hook(Box::new(|_| {}));
    let path: PathBuf = std::env::temp_dir().join(format!("newsdesk-fuzz-{}", std::process::id()));
    std::fs::write(&path, bytes).expect("the temporary folder is writable");
    let options = ReadOptions { format, ..ReadOptions::default() };
    let Ok(rows) = read(&Source::File(path), &options) else { return };
    let table = rows.table().cloned();
    let added = [("topic".to_owned(), Value::Text("sport".to_owned())), ("topic_score".to_owned(), Value::Number(0.5))];
    let formats = [Format::JsonLines, Format::Csv, Format::Tsv, Format::Arrow, Format::Parquet];
    let writers = formats.map(|format| writer(format, Box::new(std::io::sink())).expect("the format has columns"));
    // Parquet does not support some types. That is an error before the first row.
    let accepts = |result: &Result<(), DataError>| match result {
        Err(DataError::NoParquetType { .. }) => false,
        result => result.as_ref().map(|()| true).expect("a sink accepts all bytes"),
    };
    let mut writers: Vec<_> = writers
        .into_iter()
        .filter_map(|mut writer| accepts(&writer.header(table.as_ref(), &added)).then_some(writer))
        .collect();
    for row in rows {
        match row {
            Ok(row) => {
                assert!(!row.article.is_blank());
                for writer in &mut writers {
                    if let Err(error) = writer.write(&row, &added) {
                        assert!(error.as_reject(&row).is_some(), "{error}");
                    }
                }
            }
            Err(ReadError::Reject(reject)) => assert!(!reject.cause.is_empty()),
            Err(ReadError::Fatal(_)) => break,
        }
    }
    for writer in &mut writers {
        writer.end().expect("a sink accepts all bytes");
    }
}
