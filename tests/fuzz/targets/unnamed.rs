#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;

// The format, and the compression, are told by the bytes.
fuzz_target!(|bytes: &[u8]| shared::through(bytes, None));
