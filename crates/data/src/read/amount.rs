//! How much there is to read in a source, for the progress of a run.

use std::fs::File;
use std::io::Read;

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};

use super::options::ReadOptions;
use super::{excel, typed};
use crate::compression::Compression;
use crate::format::Format;
use crate::open::Source;
use crate::panics;

/// The size in bytes from which the bytes of a file show how many of its rows are read, if it is read in blocks.
const MANY_BLOCKS: u64 = 64 << 20;

/// How much there is to read in a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// A number of rows.
    Rows(u64),
    /// A number of bytes, as they are on disk.
    Bytes(u64),
    /// It is not known before the rows are read.
    Unknown,
    /// An Excel workbook. It is read as a whole, so neither its bytes nor its rows show the progress.
    Workbook,
}

impl Amount {
    /// Returns how much there is to read in a source. Of a file, only the first bytes are read, or the footer.
    pub fn of(source: &Source, options: &ReadOptions) -> Amount {
        let Source::File(path) = source else { return Amount::Unknown };
        let Some(length) = path.metadata().ok().filter(|file| file.is_file()).map(|file| file.len()) else {
            return Amount::Unknown;
        };
        let mut start = Vec::new();
        if File::open(path)
            .and_then(|file| file.take(Compression::LONGEST_MAGIC as u64).read_to_end(&mut start))
            .is_err()
        {
            return Amount::Unknown;
        }
        let has = |magic: &[u8]| start.starts_with(magic);
        let format = options.format.or_else(|| Format::from_path(path));
        match format {
            Some(Format::Excel) => Amount::Workbook,
            None if has(excel::ZIP) => Amount::Workbook,
            None | Some(Format::Parquet) if has(typed::PARQUET) => rows(path).map_or(Amount::Unknown, Amount::Rows),
            _ if length >= MANY_BLOCKS => Amount::Bytes(length),
            Some(Format::Arrow | Format::Parquet) => Amount::Unknown,
            None if has(typed::ARROW_FILE) || has(typed::ARROW_STREAM) => Amount::Unknown,
            _ if Compression::of_magic(&start).is_some() => Amount::Unknown,
            _ => Amount::Bytes(length),
        }
    }
}

/// Returns the number of rows of a Parquet file, from its footer. An error is reported when the file is read.
fn rows(path: &std::path::Path) -> Option<u64> {
    let file = File::open(path).ok()?;
    let load = || ArrowReaderMetadata::load(&file, ArrowReaderOptions::new());
    let rows = panics::catch(load).ok()?.ok()?.metadata().file_metadata().num_rows();
    u64::try_from(rows).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_amount_depends_on_the_format() {
        let folder = tempfile::tempdir().unwrap();
        let amount = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            Amount::of(&Source::File(path), &ReadOptions::default())
        };
        assert_eq!(amount("a.jsonl", b"{}\n"), Amount::Bytes(3));
        assert_eq!(amount("a.xlsx", b"PK\x03\x04"), Amount::Workbook);
        assert_eq!(amount("workbook", b"PK\x03\x04"), Amount::Workbook);
        assert_eq!(amount("a.jsonl.gz", b"\x1f\x8b\x08\x00"), Amount::Unknown);
        assert_eq!(amount("a.jsonl.bz2", b"BZh91AY&SY"), Amount::Unknown);
        assert_eq!(amount("a.parquet", b"PAR1, damaged"), Amount::Unknown);
        assert_eq!(Amount::of(&Source::Stdin, &ReadOptions::default()), Amount::Unknown);
    }
}
