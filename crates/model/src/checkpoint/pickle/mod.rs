//! Reads checkpoints that `torch.save` wrote, such as `pytorch_model.bin`.
//!
//! Such a file is a zip archive ([`archive`]) with a program in Python's pickle format and the bytes of each storage.
//! Python runs the program, and the program may call anything. This reader runs nothing. The [`machine`] knows the
//! instructions that the state dict of a model needs, and turns them into [`values`]. [`globals`] lists the few
//! functions and classes that they may name, and none of them is called: [`tensors`] takes names, shapes and positions
//! from the values. Everything else is an error.
//!
//! Memory and time are bounded by the limits of the machine and the size of the file. The bytes of tensors stay in the
//! file, as entries of the archive are not compressed.

mod archive;
mod fault;
mod globals;
mod layout;
mod machine;
mod tensors;
#[cfg(test)]
mod tests;
mod values;

use super::bytes::Bytes;
use super::part::NamedTensor;
use crate::error::{ModelError, Result};
use archive::Archive;
use fault::Fault;

/// The program, in the archive.
const PROGRAM: &str = "data.pkl";
/// The entry that says in which order the bytes of a number are.
const BYTE_ORDER: &str = "byteorder";

/// Returns the tensors of a file; `file` names it in errors.
///
/// # Errors
/// [`ModelError::Weights`] if it is no state dict of `torch.save` in the zip layout, is damaged, or needs more than
/// this reader does.
pub(super) fn read(bytes: &Bytes, file: &str) -> Result<Vec<NamedTensor>> {
    tensors_of(bytes).map_err(|Fault { cause, remedy }| ModelError::Weights { file: file.into(), cause, remedy })
}

fn tensors_of(bytes: &Bytes) -> Result<Vec<NamedTensor>, Fault> {
    let contents = (**bytes).as_ref();
    layout::check(contents)?;
    let archive = Archive::open(contents)?;
    if archive.entry("constants.pkl").is_some() {
        return Err(Fault::unsupported("it is a TorchScript program, not a state dict"));
    }
    // Files of older versions of torch do not have it.
    if let Some(order) = archive.entry(BYTE_ORDER)
        && contents[order.clone()] != *b"little"
    {
        return Err(Fault::unsupported("the bytes of its numbers are not in little-endian order"));
    }
    let program = archive.entry(PROGRAM).ok_or_else(|| Fault::damaged(format!("it has no entry `{PROGRAM}`")))?;
    let program = &contents[program.clone()];
    let (values, root) = machine::run(program)?;
    tensors::read(&values, root, program, &archive, bytes)
}
