//! Writes weights as a safetensors file, each tensor in the number format that it is stored in.

use super::quantised::SCALES;
use super::stored::{NumberFormat, Stored};
use super::weights::Weights;
use crate::error::{ModelError, Result};
use candle_core::Device;
use serde_json::{Map, json};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Bytes that are converted at a time.
const BLOCK: usize = 1 << 20;

/// Writes weights to a file. Readers never see a partial file. Needs no memory for the values of tensors that are in a
/// file.
///
/// f64 becomes f32. Other numbers are written as they are stored, so nothing is lost.
///
/// # Errors
/// If the file cannot be written, or the device fails.
pub(crate) fn write_safetensors(weights: &Weights, path: &Path) -> Result<()> {
    let failed = |source: io::Error| ModelError::Write { path: path.into(), source };
    let partial = newsdesk_files::PartialFile::new(newsdesk_files::partial_path(path), path);
    let file = File::create(partial.partial_path()).map_err(failed)?;
    let mut out = BufWriter::with_capacity(BLOCK, file);
    out.write_all(&header(weights)).map_err(failed)?;
    for (_, stored) in weights.iter_stored() {
        write_values(stored, &mut out)?.map_err(failed)?;
    }
    out.into_inner().map_err(|error| failed(error.into_error()))?;
    partial.finish().map_err(failed)
}

/// Returns the length of the header and the header: the type, the shape and the position of each tensor.
fn header(weights: &Weights) -> Vec<u8> {
    let mut entries = Map::new();
    entries.insert("__metadata__".into(), json!({"format": "pt"}));
    let mut end = 0;
    for (name, stored) in weights.iter_stored() {
        let mut enter = |name: &str, dtype: &str, shape: &[usize], bytes: usize| {
            let start = end;
            end += bytes;
            entries.insert(name.into(), json!({"dtype": dtype, "shape": shape, "data_offsets": [start, end]}));
        };
        let (shape, count) = (stored.shape(), stored.shape().iter().product::<usize>());
        match stored {
            Stored::Quantised(matrix) => {
                let bytes = matrix.scales().len();
                let groups = bytes / size_of::<f32>() / shape[0].max(1);
                enter(name, "I8", shape, count);
                enter(&format!("{name}{SCALES}"), "F32", &[shape[0], groups], bytes);
            }
            Stored::Bytes(region) if region.format == NumberFormat::F16 => enter(name, "F16", shape, 2 * count),
            Stored::Bytes(region) if region.format == NumberFormat::Bf16 => enter(name, "BF16", shape, 2 * count),
            Stored::Bytes(_) | Stored::Tensor(_) => enter(name, "F32", shape, 4 * count),
        }
    }
    let mut json = serde_json::Value::Object(entries).to_string().into_bytes();
    // Spaces align the tensors.
    json.resize(json.len().next_multiple_of(size_of::<u64>()), b' ');
    [&(json.len() as u64).to_le_bytes(), json.as_slice()].concat()
}

/// Writes the values of a tensor. The outer result is that of the device.
fn write_values(stored: &Stored, out: &mut impl Write) -> Result<io::Result<()>> {
    match stored {
        Stored::Bytes(region) if region.format == NumberFormat::F64 => {
            let mut values = vec![0f32; BLOCK / size_of::<f64>()];
            Ok(region.bytes().chunks(BLOCK).try_for_each(|block| {
                let values = &mut values[..block.len() / size_of::<f64>()];
                region.format.widen(block, values);
                write_f32(values, out)
            }))
        }
        Stored::Bytes(region) => Ok(out.write_all(region.bytes())),
        Stored::Quantised(matrix) => Ok(out.write_all(matrix.integers()).and_then(|()| out.write_all(matrix.scales()))),
        Stored::Tensor(tensor) => {
            let values = tensor.to_device(&Device::Cpu)?.flatten_all()?.to_vec1::<f32>()?;
            Ok(write_f32(&values, out))
        }
    }
}

fn write_f32(values: &[f32], out: &mut impl Write) -> io::Result<()> {
    values.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))
}
