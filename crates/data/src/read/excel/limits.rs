//! Limits for the parts of a workbook, checked before the workbook is parsed.

use std::io::{self, Cursor, Read};
use std::sync::Arc;

use zip::ZipArchive;

/// The maximum decompressed size of all parts that are held in memory, in bytes.
const MAX_PARTS: u64 = 1024 * 1024 * 1024;

/// Checks the parts of a workbook. The parts that are held in memory must not be too large, and no part may have a
/// text of more than `limit` bytes.
///
/// # Errors
/// If a limit is exceeded, or the archive is damaged.
pub(super) fn check(workbook: &Arc<[u8]>, limit: u64) -> Result<(), String> {
    let damaged = |cause: &dyn std::fmt::Display| format!("the workbook is damaged: {cause}");
    let mut archive = ZipArchive::new(Cursor::new(Arc::clone(workbook))).map_err(|error| damaged(&error))?;
    let mut total = 0;
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).map_err(|error| damaged(&error))?;
        // Sheets are read piece by piece.
        let is_sheet = part.name().map_err(|error| damaged(&error))?.contains("worksheets/");
        let max = if is_sheet { u64::MAX } else { MAX_PARTS - total };
        let mut measure = Measure { bytes: 0, longest: 0, since: 0, limit, max };
        match io::copy(&mut part.by_ref(), &mut measure) {
            Ok(_) => {}
            Err(_) if measure.longest > limit => {
                return Err(format!("the workbook has a text of more than {limit} bytes"));
            }
            Err(_) if measure.bytes > measure.max => {
                return Err("the workbook takes more than 1 GiB of memory".to_owned());
            }
            Err(error) => return Err(damaged(&error)),
        }
        if !is_sheet {
            total += measure.bytes;
        }
    }
    Ok(())
}

/// Measures XML without keeping it: its size, and its longest piece between two tags.
struct Measure {
    bytes: u64,
    longest: u64,
    /// The number of bytes since the last tag.
    since: u64,
    limit: u64,
    max: u64,
}

impl io::Write for Measure {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len() as u64;
        let mut pieces = bytes.split(|byte| *byte == b'<').peekable();
        while let Some(piece) = pieces.next() {
            self.since += piece.len() as u64;
            self.longest = self.longest.max(self.since);
            if pieces.peek().is_some() {
                self.since = 0;
            }
        }
        match self.bytes > self.max || self.longest > self.limit {
            true => Err(io::Error::other("a limit is exceeded")),
            false => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
