//! A temporary folder for one test, with functions to read its files.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::PathBuf;

use newsdesk_data::{DataError, ReadError, ReadOptions, Reject, Row, Source, read};

pub struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    pub fn new() -> Scratch {
        Scratch { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> Source {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        Source::File(path)
    }

    /// Writes a file and returns its rows and rejects.
    pub fn read(&self, name: &str, bytes: impl AsRef<[u8]>) -> (Vec<Row>, Vec<Reject>) {
        read_all(&self.file(name, bytes), &ReadOptions::default())
    }

    /// Writes a file and returns the error of opening it.
    pub fn refused(&self, name: &str, bytes: impl AsRef<[u8]>, options: &ReadOptions) -> DataError {
        match read(&self.file(name, bytes), options) {
            Ok(_) => panic!("`{name}` could be opened"),
            Err(error) => error,
        }
    }
}

pub fn read_all(source: &Source, options: &ReadOptions) -> (Vec<Row>, Vec<Reject>) {
    let (rows, rejects, fatal) = read_until_broken(source, options);
    assert!(fatal.is_none(), "{fatal:?}");
    (rows, rejects)
}

pub fn read_until_broken(source: &Source, options: &ReadOptions) -> (Vec<Row>, Vec<Reject>, Option<DataError>) {
    let (mut rows, mut rejects, mut fatal) = (Vec::new(), Vec::new(), None);
    for row in read(source, options).unwrap() {
        assert!(fatal.is_none(), "a row after the stream broke");
        match row {
            Ok(row) => rows.push(row),
            Err(ReadError::Reject(reject)) => rejects.push(reject),
            Err(ReadError::Fatal(error)) => fatal = Some(error),
        }
    }
    (rows, rejects, fatal)
}

pub fn texts(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row.article.text.as_str()).collect()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
