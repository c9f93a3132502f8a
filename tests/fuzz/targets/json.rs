#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;
use newsdesk_data::Format;

fuzz_target!(|bytes: &[u8]| shared::read_and_write(bytes, Some(Format::Json)));
