//! Zstandard decompression that reports a window that is too large as a typed error.
//!
//! `zstd::Decoder` turns error codes into messages. This decoder looks at the code first.

use std::io::{self, BufRead, Read};

use zstd::stream::raw::{InBuffer, Operation, OutBuffer, WriteBuf};
use zstd::stream::zio;
use zstd::zstd_safe::zstd_sys::ZSTD_ErrorCode;
use zstd::zstd_safe::{DCtx, ResetDirective, get_error_name};

/// The error code of a frame whose window is larger than the limit of the library.
const WINDOW_TOO_LARGE: usize = (ZSTD_ErrorCode::ZSTD_error_frameParameter_windowTooLarge as usize).wrapping_neg();

/// A frame needs a window that is larger than the limit of the library, 128 MiB.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WindowTooLarge(&'static str);

impl WindowTooLarge {
    /// Returns whether an I/O error has this cause.
    pub fn is_cause_of(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|cause| cause.is::<WindowTooLarge>())
    }
}

/// Returns a reader of the decompressed bytes. Several frames are read as one stream.
pub(super) fn decoder(reader: impl BufRead) -> io::Result<impl Read> {
    let mut context = DCtx::create();
    context.init().map_err(io_error)?;
    Ok(zio::Reader::new(reader, Frames { context }))
}

struct Frames {
    context: DCtx<'static>,
}

impl Operation for Frames {
    fn run<C: WriteBuf + ?Sized>(
        &mut self,
        input: &mut InBuffer<'_>,
        output: &mut OutBuffer<'_, C>,
    ) -> io::Result<usize> {
        self.context.decompress_stream(output, input).map_err(io_error)
    }

    fn reinit(&mut self) -> io::Result<()> {
        self.context.reset(ResetDirective::SessionOnly).map(|_| ()).map_err(io_error)
    }

    fn finish<C: WriteBuf + ?Sized>(&mut self, _: &mut OutBuffer<'_, C>, finished_frame: bool) -> io::Result<usize> {
        match finished_frame {
            true => Ok(0),
            false => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "incomplete frame")),
        }
    }
}

fn io_error(code: usize) -> io::Error {
    let message = get_error_name(code);
    match code {
        WINDOW_TOO_LARGE => io::Error::other(WindowTooLarge(message)),
        _ => io::Error::other(message),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn too_large_window_is_a_typed_error() {
        // A frame header with a window of 2 GiB, followed by an empty last block.
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x01, 0x00, 0x00];
        let error = decoder(&frame[..]).unwrap().read_to_end(&mut Vec::new()).unwrap_err();
        assert!(WindowTooLarge::is_cause_of(&error), "{error:?}");
        let small = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x00, 0x01, 0x00, 0x00];
        assert_eq!(decoder(&small[..]).unwrap().read_to_end(&mut Vec::new()).unwrap(), 0);
        let cut = decoder(&small[..7]).unwrap().read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(cut.kind(), io::ErrorKind::UnexpectedEof);
    }
}
