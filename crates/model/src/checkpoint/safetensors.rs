//! Reads the header of a safetensors file.

use super::bytes::Bytes;
use super::part::NamedTensor;
use super::quantised::{QuantisedMatrix, SCALES};
use super::stored::{NumberFormat, Region, Stored};
use crate::error::{ModelError, Result};
use safetensors::tensor::TensorInfo;
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;

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
    let range = |info: &TensorInfo| start + info.data_offsets.0..start + info.data_offsets.1;
    let infos: BTreeMap<String, &TensorInfo> = metadata.tensors().into_iter().collect();
    // A matrix of 8-bit integers, whose name this is without the ending, has scales.
    let is_of_integers = |name: &str| infos.get(name).is_some_and(|info| info.dtype == Dtype::I8);
    let mut tensors = vec![];
    for (name, info) in &infos {
        if name.strip_suffix(SCALES).is_some_and(is_of_integers) {
            continue;
        }
        let format = match info.dtype {
            Dtype::F64 => Some(NumberFormat::F64),
            Dtype::F32 => Some(NumberFormat::F32),
            Dtype::F16 => Some(NumberFormat::F16),
            Dtype::BF16 => Some(NumberFormat::Bf16),
            // Old checkpoints store position ids and masks, which are not weights.
            Dtype::I64 | Dtype::I32 | Dtype::BOOL => None,
            Dtype::I8 => {
                let scales = infos.get(&format!("{name}{SCALES}")).filter(|scales| scales.dtype == Dtype::F32);
                let scales = scales.ok_or_else(|| {
                    invalid(name, format!("a tensor of type I8 needs scales of type F32, named `{name}{SCALES}`"))
                })?;
                let (integers, scales) =
                    ((range(info), info.shape.as_slice()), (range(scales), scales.shape.as_slice()));
                let matrix = QuantisedMatrix::new(bytes, integers, scales).map_err(|cause| invalid(name, cause))?;
                tensors.push(NamedTensor { name: name.clone(), values: Some(Stored::Quantised(matrix)) });
                continue;
            }
            other => return Err(invalid(name, format!("tensors of type {other:?} are not supported"))),
        };
        let region = |format| Region { file: bytes.clone(), range: range(info), format, shape: info.shape.clone() };
        tensors.push(NamedTensor { name: name.clone(), values: format.map(region).map(Stored::Bytes) });
    }
    Ok(tensors)
}
