//! Reads the header of a safetensors file.

use super::part::NamedTensor;
use super::stored::{Bytes, NumberFormat, Region};
use crate::error::{ModelError, Result};
use safetensors::{Dtype, SafeTensors};

/// Maximum length of a header in bytes. A model of 100 layers needs about 200 KB.
const MAX_HEADER: u64 = 16 << 20;

/// Returns the tensors of a file; `file` names it in errors.
///
/// # Errors
/// If the bytes are not safetensors, or a tensor is of a type that is not supported.
pub(super) fn read(bytes: &Bytes, file: &str) -> Result<Vec<NamedTensor>> {
    let invalid = |key: &str, cause: String| ModelError::Invalid { file: file.into(), key: key.into(), cause };
    let contents = (**bytes).as_ref();
    if let Some(length) = contents.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
        && length > MAX_HEADER
    {
        return Err(invalid("header", format!("its length is given as {length} bytes, more than {MAX_HEADER}")));
    }
    let (header, metadata) = SafeTensors::read_metadata(contents).map_err(|e| invalid("header", e.to_string()))?;
    // Offsets count from the end of the header, whose length is stored in the first eight bytes.
    let start = header + size_of::<u64>();
    let mut tensors = vec![];
    for (name, info) in metadata.tensors() {
        let format = match info.dtype {
            Dtype::F64 => Some(NumberFormat::F64),
            Dtype::F32 => Some(NumberFormat::F32),
            Dtype::F16 => Some(NumberFormat::F16),
            Dtype::BF16 => Some(NumberFormat::Bf16),
            // Old checkpoints store position ids and masks, which are not weights.
            Dtype::I64 | Dtype::I32 | Dtype::BOOL => None,
            other => return Err(invalid(&name, format!("tensors of type {other:?} are not supported"))),
        };
        let (from, to) = info.data_offsets;
        let range = start + from..start + to;
        let region = format.map(|format| Region { file: bytes.clone(), range, format, shape: info.shape.clone() });
        tensors.push(NamedTensor { name, region });
    }
    Ok(tensors)
}
