//! gzip and zstd, as other programs write and read them.

use std::io::{Read, Write};

pub fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

/// All members of a gzip file, one after the other.
pub fn gunzip(bytes: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

/// With the checksum that `zstd` writes.
pub fn zstd(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = ::zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

pub fn unzstd(bytes: &[u8]) -> String {
    String::from_utf8(::zstd::decode_all(bytes).unwrap()).unwrap()
}
