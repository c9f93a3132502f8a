//! Reads the fields of a message in the wire format of Protocol Buffers. Borrows from the file and allocates nothing.

/// The value of a field.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wire<'a> {
    /// An integer, an enum or a bool.
    Varint(u64),
    /// The bits of a `float`.
    Fixed32(u32),
    /// A `double`, which no field that is read here has.
    Fixed64,
    /// A string, bytes or a message.
    Bytes(Message<'a>),
}

/// A message, or any other field of several bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) bytes: &'a [u8],
    /// Position of the first byte in the file, for errors.
    offset: usize,
}

impl<'a> Message<'a> {
    /// The message that a whole file holds.
    pub(super) fn file(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// Returns the text of a string field.
    ///
    /// # Errors
    /// If it is not UTF-8.
    pub(super) fn text(self) -> Result<&'a str, String> {
        std::str::from_utf8(self.bytes).map_err(|_| format!("the text at byte {} is not UTF-8", self.offset))
    }

    /// Calls `read` with the number and value of each field in order.
    ///
    /// # Errors
    /// If the message is damaged or `read` fails.
    pub(super) fn each_field(self, mut read: impl FnMut(u64, Wire<'a>) -> Result<(), String>) -> Result<(), String> {
        let mut rest = self;
        while !rest.bytes.is_empty() {
            let start = rest.offset;
            let key = rest.varint()?;
            let value = match key & 7 {
                0 => Wire::Varint(rest.varint()?),
                1 => rest.take(8).map(|_| Wire::Fixed64)?,
                2 => {
                    let length = rest.varint()?;
                    Wire::Bytes(rest.take(length)?)
                }
                5 => {
                    let bits = rest.take(4)?.bytes.iter().rev().fold(0, |bits, &byte| bits << 8 | u32::from(byte));
                    Wire::Fixed32(bits)
                }
                kind => return Err(format!("the field at byte {start} has the unknown wire type {kind}")),
            };
            read(key >> 3, value)?;
        }
        Ok(())
    }

    /// Removes an integer from the front: seven bits in each byte, the lowest first.
    fn varint(&mut self) -> Result<u64, String> {
        let start = self.offset;
        let mut value = 0u64;
        for place in 0..10 {
            let byte = self.take(1)?.bytes[0];
            value |= u64::from(byte & 127) << (7 * place);
            if byte < 128 {
                return Ok(value);
            }
        }
        Err(format!("the integer at byte {start} has more than ten bytes"))
    }

    /// Removes `length` bytes from the front.
    fn take(&mut self, length: u64) -> Result<Self, String> {
        let (start, left) = (self.offset, self.bytes.len());
        let taken = usize::try_from(length).ok().and_then(|length| self.bytes.split_at_checked(length));
        let (taken, rest) =
            taken.ok_or_else(|| format!("the field at byte {start} claims {length} bytes, but only {left} follow"))?;
        *self = Self { bytes: rest, offset: start + taken.len() };
        Ok(Self { bytes: taken, offset: start })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fields(bytes: &[u8]) -> Result<Vec<(u64, Wire<'_>)>, String> {
        let mut fields = vec![];
        Message::file(bytes).each_field(|number, value| {
            fields.push((number, value));
            Ok(())
        })?;
        Ok(fields)
    }

    #[test]
    fn fields_of_all_kinds_are_read() {
        let bytes = b"\x08\xac\x02\x11eightby.\x1a\x02hi\x25\x00\x00\x80\x3f\xc2\x02\x00";
        let text = |bytes, offset| Wire::Bytes(Message { bytes, offset });
        let expected = vec![
            (1, Wire::Varint(300)),
            (2, Wire::Fixed64),
            (3, text(b"hi".as_slice(), 14)),
            (4, Wire::Fixed32(1f32.to_bits())),
            (40, text(b"".as_slice(), 24)),
        ];
        assert_eq!(fields(bytes), Ok(expected));
    }

    #[test]
    fn damage_is_named() {
        let error = |bytes: &[u8]| fields(bytes).unwrap_err();
        assert_eq!(error(b"\x0a\x05abc"), "the field at byte 2 claims 5 bytes, but only 3 follow");
        // A length of 2^60.
        let huge = b"\x08\x01\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x10abc";
        assert_eq!(error(huge), "the field at byte 12 claims 1152921504606846976 bytes, but only 3 follow");
        assert_eq!(error(b"\x08\xff"), "the field at byte 2 claims 1 bytes, but only 0 follow");
        assert_eq!(error(&[8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]), {
            "the integer at byte 1 has more than ten bytes"
        });
        assert_eq!(error(b"\x0b"), "the field at byte 0 has the unknown wire type 3");
        assert!(Message::file(b"\xff").text().is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = fields(&bytes);
        }
    }
}
