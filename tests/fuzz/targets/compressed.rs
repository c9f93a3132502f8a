#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;
use newsdesk_data::Format;

// The first byte chooses a compression, whose magic bytes come before the rest.
fuzz_target!(|bytes: &[u8]| {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let magic: [&[u8]; 4] = [b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"BZh91AY&SY", b"\xfd7zXZ\0"];
    let magic = magic[usize::from(*choice) % magic.len()];
    shared::read_and_write(&[magic, rest].concat(), Some(Format::JsonLines));
});
