//! Recognises what is not the zip layout of `torch.save`, so that the error can name it.

use super::fault::Fault;

/// The first instructions of the layout that torch had before version 1.6: a pickled number that identifies it.
const BEFORE_1_6: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e";
/// The first instruction of a pickle of protocol 2 or later.
const PROTOCOL: u8 = 0x80;
/// The beginning of a zip archive.
const ZIP: &[u8] = b"PK\x03\x04";
/// The position of the magic bytes of a tar archive.
const TAR_MAGIC: std::ops::Range<usize> = 257..262;

/// Checks that a file begins as a zip archive does.
///
/// # Errors
/// If it does not; the error names the layout that it has instead.
pub(super) fn check(contents: &[u8]) -> Result<(), Fault> {
    if contents.starts_with(ZIP) {
        return Ok(());
    }
    Err(if contents.starts_with(BEFORE_1_6) {
        Fault::other_contents("it has the layout of torch before version 1.6")
    } else if contents.get(TAR_MAGIC) == Some(b"ustar") {
        Fault::other_contents("it is a tar archive, the first layout of torch")
    } else if contents.first() == Some(&PROTOCOL) {
        Fault::other_contents("it is a pickle without the zip archive of `torch.save`")
    } else if contents.is_empty() {
        Fault::damaged("it is empty")
    } else if contents.starts_with(b"version https://git-lfs") {
        Fault::damaged("it is a Git LFS pointer, not the file itself")
    } else {
        Fault::damaged("it is not a zip archive, as `torch.save` writes it")
    })
}
