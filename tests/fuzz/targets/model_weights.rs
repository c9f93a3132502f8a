//! The first byte says what the others are: a whole file, a header before the tensors of the tiny model, changes of its
//! header, or changes of its tensors.

#![no_main]

mod folder;

use folder::tiny;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

const NAME: &str = "model.safetensors";
/// The header of the tiny model, with its length in front, and the tensors.
static TINY: LazyLock<(Vec<u8>, Vec<u8>)> = LazyLock::new(|| {
    let mut header = tiny(NAME);
    let length = u64::from_le_bytes(*header.first_chunk().expect("a length comes first"));
    let tensors = header.split_off(size_of::<u64>() + length as usize);
    (header, tensors)
});

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let (header, tensors) = &*TINY;
    let file = match kind % 4 {
        0 => bytes.to_vec(),
        1 => [&(bytes.len() as u64).to_le_bytes(), bytes, tensors].concat(),
        2 => {
            let mut file = header.clone();
            folder::change(&mut file[size_of::<u64>()..], bytes);
            [file, tensors.clone()].concat()
        }
        _ => {
            let mut tensors = tensors.clone();
            // Each change is a position and a number.
            for change in bytes.as_chunks::<8>().0 {
                let (position, number) = change.split_at(4);
                let position = u32::from_le_bytes([position[0], position[1], position[2], position[3]]) as usize;
                let start = position % (tensors.len() / 4) * 4;
                tensors[start..start + 4].copy_from_slice(number);
            }
            [header.as_slice(), &tensors].concat()
        }
    };
    folder::open_and_classify(NAME, &file);
});
