#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;

// Format and compression are detected from the bytes.
fuzz_target!(|bytes: &[u8]| shared::read_and_write(bytes, None));
