//! A tensor of a checkpoint as it is stored: bytes of a file, or a tensor in memory.

use crate::error::Result;
use candle_core::{Device, Tensor};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use std::ops::Range;
use std::sync::Arc;

/// The contents of a weights file: in memory, compiled in, or mapped from disk.
pub(super) type Bytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// A tensor of a checkpoint.
#[derive(Clone)]
pub(super) enum Stored {
    Tensor(Tensor),
    Bytes(Region),
}

/// The part of a file that holds one tensor.
#[derive(Clone)]
pub(super) struct Region {
    pub(super) file: Bytes,
    pub(super) range: Range<usize>,
    pub(super) format: NumberFormat,
    pub(super) shape: Vec<usize>,
}

/// The format of the numbers in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberFormat {
    F32,
    F16,
    Bf16,
}

impl NumberFormat {
    /// Returns the bytes of a number.
    pub(super) fn size(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }

    /// Converts little-endian numbers to f32.
    pub(super) fn widen(self, bytes: &[u8], out: &mut [f32]) {
        match self {
            Self::F32 => out
                .iter_mut()
                .zip(bytes.as_chunks::<4>().0)
                .for_each(|(value, bytes)| *value = f32::from_le_bytes(*bytes)),
            Self::F16 => widen_half(bytes, f16::from_le_bytes, out),
            Self::Bf16 => widen_half(bytes, bf16::from_le_bytes, out),
        }
    }
}

/// Converts little-endian 16-bit numbers to f32. Works block by block, so that the conversion can use vector
/// instructions whatever the alignment of the bytes.
fn widen_half<T: Copy + Default>(bytes: &[u8], read: impl Fn([u8; 2]) -> T, out: &mut [f32])
where
    [T]: HalfFloatSliceExt,
{
    const BLOCK: usize = 512;
    let mut narrow = [T::default(); BLOCK];
    for (out, block) in out.chunks_mut(BLOCK).zip(bytes.chunks(2 * BLOCK)) {
        for (value, pair) in narrow.iter_mut().zip(block.chunks_exact(2)) {
            *value = read([pair[0], pair[1]]);
        }
        narrow[..out.len()].convert_to_f32_slice(out);
    }
}

impl Region {
    pub(super) fn bytes(&self) -> &[u8] {
        &(*self.file).as_ref()[self.range.clone()]
    }
}

impl Stored {
    pub(super) fn shape(&self) -> &[usize] {
        match self {
            Self::Tensor(tensor) => tensor.dims(),
            Self::Bytes(region) => &region.shape,
        }
    }

    pub(super) fn tensor(&self, device: &Device) -> Result<Tensor> {
        match self {
            Self::Tensor(tensor) => Ok(tensor.clone()),
            Self::Bytes(region) => {
                let mut values = vec![0f32; region.shape.iter().product()];
                region.format.widen(region.bytes(), &mut values);
                Ok(Tensor::from_vec(values, region.shape.as_slice(), device)?)
            }
        }
    }

    /// Appends the values in row-major order.
    pub(super) fn read(&self, out: &mut Vec<f32>) -> Result<()> {
        match self {
            Self::Tensor(tensor) => out.extend(tensor.flatten_all()?.to_vec1::<f32>()?),
            Self::Bytes(region) => {
                let start = out.len();
                out.resize(start + region.shape.iter().product::<usize>(), 0.0);
                region.format.widen(region.bytes(), &mut out[start..]);
            }
        }
        Ok(())
    }
}
