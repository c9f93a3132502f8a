//! The first byte says what the others are: a whole file, a program before the tensors of the tiny model, changes of
//! its program, or changes of the zip archive around them.

#![no_main]

mod folder;
#[path = "../../../crates/model/tests/support/torch_file.rs"]
mod torch_file;

use folder::tiny;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use torch_file::{archive, entries, from_safetensors};

/// The entries of the tiny model as torch saves it. The first one is the program.
static TINY: LazyLock<Vec<(String, Vec<u8>)>> =
    LazyLock::new(|| entries(&from_safetensors(&tiny("model.safetensors"))));

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let with_program = |program: Vec<u8>| {
        let mut entries = TINY.clone();
        entries[0].1 = program;
        archive(&entries)
    };
    let file = match kind % 4 {
        0 => bytes.to_vec(),
        1 => with_program(bytes.to_vec()),
        2 => {
            let mut program = TINY[0].1.clone();
            folder::change(&mut program, bytes);
            with_program(program)
        }
        _ => {
            let mut file = archive(&TINY);
            // The directory and the records of the end are the last part. The first byte says which end to change.
            let Some((end, changes)) = bytes.split_first() else { return };
            let start = if end % 2 == 0 { 0 } else { file.len().saturating_sub(usize::from(u16::MAX)) };
            folder::change(&mut file[start..], changes);
            file
        }
    };
    folder::open_and_classify("pytorch_model.bin", &file);
});
