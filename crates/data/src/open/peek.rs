//! A stream whose next bytes can be looked at before they are read.

use std::io::{self, BufRead, Read};

/// A stream whose next bytes can be looked at before they are read.
pub(crate) struct Peekable {
    /// Bytes that were looked at. They come before those of `rest`.
    front: Vec<u8>,
    /// The number of bytes of `front` that were read.
    read: usize,
    rest: Box<dyn BufRead + Send>,
    /// An error that occurred while bytes were looked at. It is returned after these bytes.
    error: Option<io::Error>,
}

impl Peekable {
    pub fn new(rest: Box<dyn BufRead + Send>) -> Peekable {
        Peekable { front: Vec::new(), read: 0, rest, error: None }
    }

    /// Returns the next bytes without consuming them: as many as `enough` asks for, or all that are left.
    ///
    /// # Errors
    /// If the stream cannot be read.
    pub fn peek(&mut self, enough: impl Fn(&[u8]) -> bool) -> io::Result<Vec<u8>> {
        let mut length = 0;
        while !enough(&self.ahead()[..length]) {
            if length == self.ahead().len() && !self.grow() {
                match self.error.take() {
                    Some(error) => return Err(error),
                    None => break,
                }
            }
            length += 1;
        }
        Ok(self.ahead()[..length].to_vec())
    }

    /// Returns the next bytes without consuming them: about `length`, or all that are left, or all before the stream
    /// breaks. If `may_wait` is false, it does not wait for more than the next bytes of a pipe.
    ///
    /// The second value says whether the stream ends after these bytes.
    pub fn sample(&mut self, length: usize, may_wait: bool) -> (&[u8], bool) {
        let mut is_whole = false;
        while self.ahead().len() < length && (may_wait || self.ahead().is_empty()) {
            if !self.grow() {
                is_whole = self.error.is_none();
                break;
            }
        }
        (self.ahead(), is_whole)
    }

    fn ahead(&self) -> &[u8] {
        &self.front[self.read..]
    }

    /// Moves bytes to the front. Returns false at the end of the stream and if it cannot be read.
    fn grow(&mut self) -> bool {
        if self.error.is_some() {
            return false;
        }
        loop {
            match self.rest.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.error = Some(error);
                    return false;
                }
                Ok([]) => return false,
                Ok(bytes) => {
                    let length = bytes.len();
                    self.front.extend_from_slice(bytes);
                    self.rest.consume(length);
                    return true;
                }
            }
        }
    }
}

impl Read for Peekable {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let count = available.read(out)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Peekable {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.read < self.front.len() {
            return Ok(&self.front[self.read..]);
        }
        match self.error.take() {
            Some(error) => Err(error),
            None => self.rest.fill_buf(),
        }
    }

    fn consume(&mut self, count: usize) {
        if self.read == self.front.len() {
            return self.rest.consume(count);
        }
        self.read += count;
        if self.read == self.front.len() {
            (self.front, self.read) = (Vec::new(), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn peeked_bytes_are_read_before_an_error() {
        let broken = (&b"abcdef"[..]).chain(Broken);
        let mut stream = Peekable::new(Box::new(io::BufReader::with_capacity(4, broken)));
        assert_eq!(stream.peek(|seen| seen.len() == 2).unwrap(), b"ab");
        assert_eq!(stream.sample(1, false), (&b"abcd"[..], false));
        let mut one = [0];
        stream.read_exact(&mut one).unwrap();
        assert_eq!(stream.sample(100, true), (&b"bcdef"[..], false));
        let mut rest = Vec::new();
        assert!(stream.read_to_end(&mut rest).is_err());
        assert_eq!((one, rest.as_slice()), ([b'a'], &b"bcdef"[..]));
        let mut whole = Peekable::new(Box::new(&b"abc"[..]));
        assert_eq!(whole.sample(100, true), (&b"abc"[..], true));
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }
}
