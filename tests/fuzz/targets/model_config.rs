#![no_main]

mod folder;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| folder::open_and_classify("config.json", bytes));
