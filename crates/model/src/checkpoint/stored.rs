//! A tensor of a checkpoint as it is stored: bytes of a file, or a tensor in memory.

use super::bytes::Bytes;
use super::quantised::QuantisedMatrix;
use crate::error::Result;
use candle_core::{Device, Tensor};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use std::ops::Range;

/// A tensor of a checkpoint.
#[derive(Clone)]
pub(crate) enum Stored {
    Tensor(Tensor),
    Bytes(Region),
    Quantised(QuantisedMatrix),
}

/// The part of a file that holds one tensor.
#[derive(Clone)]
pub(crate) struct Region {
    pub(super) file: Bytes,
    pub(super) range: Range<usize>,
    pub(super) format: NumberFormat,
    pub(super) shape: Vec<usize>,
}

/// The format of the numbers in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberFormat {
    /// Narrowed to f32 when it is read.
    F64,
    F32,
    F16,
    Bf16,
}

impl NumberFormat {
    /// Returns the bytes of a number.
    pub(super) fn size(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }

    /// Returns the first of the little-endian numbers that is NaN or infinite as f32, if there is one.
    pub(super) fn not_finite(self, bytes: &[u8]) -> Option<f32> {
        /// Numbers that are checked together, so that the loop over them has no branch and uses vector instructions.
        const BLOCK: usize = 4096;
        // In all formats, the exponent of these numbers has only ones.
        let spoilt_half = |exponent: u16| {
            move |block: &[u8]| {
                let halves = block.as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes));
                halves.fold(false, |spoilt, bits| spoilt | (bits & exponent == exponent))
            }
        };
        let spoilt = |block: &[u8]| match self {
            Self::F64 => {
                let numbers = block.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32);
                numbers.fold(false, |spoilt, number| spoilt | !number.is_finite())
            }
            Self::F32 => {
                let numbers = block.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes));
                numbers.fold(false, |spoilt, bits| spoilt | (bits & 0x7f80_0000 == 0x7f80_0000))
            }
            Self::F16 => spoilt_half(0x7c00)(block),
            Self::Bf16 => spoilt_half(0x7f80)(block),
        };
        let block = bytes.chunks(BLOCK * self.size()).find(|block| spoilt(block))?;
        let mut values = vec![0f32; block.len() / self.size()];
        self.widen(block, &mut values);
        values.into_iter().find(|value| !value.is_finite())
    }

    /// Converts little-endian numbers to f32.
    pub(super) fn widen(self, bytes: &[u8], out: &mut [f32]) {
        match self {
            Self::F64 => out
                .iter_mut()
                .zip(bytes.as_chunks::<8>().0)
                .for_each(|(value, bytes)| *value = f64::from_le_bytes(*bytes) as f32),
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
            Self::Quantised(matrix) => matrix.shape(),
        }
    }

    pub(super) fn tensor(&self, device: &Device) -> Result<Tensor> {
        match self {
            Self::Tensor(tensor) => Ok(tensor.clone()),
            Self::Bytes(_) | Self::Quantised(_) => {
                let mut values = vec![];
                self.read(&mut values)?;
                Ok(Tensor::from_vec(values, self.shape(), device)?)
            }
        }
    }

    /// Returns some of the rows.
    pub(super) fn rows(&self, rows: Range<usize>) -> Result<Self> {
        match self {
            Self::Tensor(tensor) => Ok(Self::Tensor(tensor.narrow(0, rows.start, rows.len())?.contiguous()?)),
            Self::Bytes(region) => {
                let size = region.shape[1..].iter().product::<usize>() * region.format.size();
                let start = region.range.start + rows.start * size;
                let range = start..start + rows.len() * size;
                let shape = [&[rows.len()], &region.shape[1..]].concat();
                Ok(Self::Bytes(Region { file: region.file.clone(), range, format: region.format, shape }))
            }
            Self::Quantised(matrix) => Ok(Self::Quantised(matrix.rows(rows))),
        }
    }

    /// Appends room for all values, and returns it.
    fn room<'o>(&self, out: &'o mut Vec<f32>) -> &'o mut [f32] {
        let start = out.len();
        out.resize(start + self.shape().iter().product::<usize>(), 0.0);
        &mut out[start..]
    }

    /// Appends the values in row-major order.
    pub(super) fn read(&self, out: &mut Vec<f32>) -> Result<()> {
        match self {
            Self::Tensor(tensor) => out.extend(tensor.flatten_all()?.to_vec1::<f32>()?),
            Self::Bytes(region) => region.format.widen(region.bytes(), self.room(out)),
            Self::Quantised(matrix) => matrix.widen(0..matrix.shape()[0], self.room(out)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_that_is_not_finite_is_found_in_every_format() {
        let numbers =
            |value: f32, at: usize| (0..10_000).map(move |i| if i == at { value } else { 65504.0 - i as f32 });
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in [0, 1, 4095, 4096, 9999] {
                let f64s: Vec<u8> = numbers(value, at).flat_map(|x| f64::from(x).to_le_bytes()).collect();
                let f32s: Vec<u8> = numbers(value, at).flat_map(f32::to_le_bytes).collect();
                let f16s: Vec<u8> = numbers(value, at).flat_map(|x| f16::from_f32(x).to_le_bytes()).collect();
                let bf16s: Vec<u8> = numbers(value, at).flat_map(|x| bf16::from_f32(x).to_le_bytes()).collect();
                for (format, bytes) in [
                    (NumberFormat::F64, f64s),
                    (NumberFormat::F32, f32s),
                    (NumberFormat::F16, f16s),
                    (NumberFormat::Bf16, bf16s),
                ] {
                    let found = format.not_finite(&bytes).map(f32::to_bits);
                    assert_eq!(found, Some(value.to_bits()), "{format:?}, {value} at {at}");
                    assert_eq!(format.not_finite(&bytes[..at * format.size()]), None, "{format:?}, before {at}");
                }
            }
        }
    }

    #[test]
    fn f64_is_narrowed_and_what_f32_cannot_hold_is_not_finite() {
        let bytes: Vec<u8> = [0.1f64, -3.5, 1e30].into_iter().flat_map(f64::to_le_bytes).collect();
        let mut values = [0.0; 3];
        NumberFormat::F64.widen(&bytes, &mut values);
        assert_eq!(values, [0.1, -3.5, 1e30]);
        assert_eq!(NumberFormat::F64.not_finite(&bytes), None);
        assert_eq!(NumberFormat::F64.not_finite(&1e39f64.to_le_bytes()), Some(f32::INFINITY));
    }
}
