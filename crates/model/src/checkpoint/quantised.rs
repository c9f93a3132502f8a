//! Matrices stored as 8-bit integers with scales.
//!
//! A safetensors file has such a matrix as two tensors: `NAME` of type I8, and `NAME.scale` of type F32, which has one column for
//! every 128 columns of the matrix. A weight is its integer times the scale of its row and of its group of columns.

use super::bytes::Bytes;
use std::ops::Range;

/// Columns that share a scale. Part of the file format. As many as in int8 products, so that a model that is trained for them is stored
/// without loss.
const GROUP: usize = 128;
/// What follows the name of a matrix in the name of its scales.
pub(crate) const SCALES: &str = ".scale";
/// The largest integers of a group that is trained for int8, and of any other group.
const LIMITS: [f32; 2] = [31.0, 127.0];

/// A matrix in a file, as integers and scales.
#[derive(Clone)]
pub(crate) struct QuantisedMatrix {
    file: Bytes,
    integers: Range<usize>,
    scales: Range<usize>,
    shape: [usize; 2],
}

impl QuantisedMatrix {
    /// Creates the matrix of these integers and scales, given as bytes of the file.
    ///
    /// # Errors
    /// If their shapes do not fit together.
    pub(super) fn new(
        file: &Bytes,
        (integers, shape): (Range<usize>, &[usize]),
        (scales, shape_of_scales): (Range<usize>, &[usize]),
    ) -> Result<Self, String> {
        let &[rows, columns] = shape else {
            return Err(format!("a tensor of type I8 is a matrix, and this one has the shape {shape:?}"));
        };
        let expected = [rows, columns.div_ceil(GROUP)];
        if shape_of_scales != expected {
            return Err(format!("its scales have the shape {shape_of_scales:?} instead of {expected:?}"));
        }
        Ok(Self { file: file.clone(), integers, scales, shape: [rows, columns] })
    }

    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Returns some of the rows.
    pub(super) fn rows(&self, rows: Range<usize>) -> Self {
        let [_, columns] = self.shape;
        let part = |bytes: &Range<usize>, width: usize| {
            let start = bytes.start + rows.start * width;
            start..start + rows.len() * width
        };
        Self {
            file: self.file.clone(),
            integers: part(&self.integers, columns),
            scales: part(&self.scales, columns.div_ceil(GROUP) * size_of::<f32>()),
            shape: [rows.len(), columns],
        }
    }

    /// Returns the bytes of the integers, row-major.
    pub(super) fn integers(&self) -> &[u8] {
        &(*self.file).as_ref()[self.integers.clone()]
    }

    /// Returns the bytes of the scales, row-major.
    pub(super) fn scales(&self) -> &[u8] {
        &(*self.file).as_ref()[self.scales.clone()]
    }

    /// Converts some rows to f32.
    pub(super) fn widen(&self, rows: Range<usize>, out: &mut [f32]) {
        let [_, columns] = self.shape;
        let groups = columns.div_ceil(GROUP);
        let integers = self.integers()[rows.start * columns..rows.end * columns].chunks_exact(columns.max(1));
        let scales =
            self.scales().as_chunks::<4>().0[rows.start * groups..rows.end * groups].chunks_exact(groups.max(1));
        for ((row, scales), out) in integers.zip(scales).zip(out.chunks_exact_mut(columns.max(1))) {
            for ((group, scale), out) in row.chunks(GROUP).zip(scales).zip(out.chunks_mut(GROUP)) {
                let scale = f32::from_le_bytes(*scale);
                out.iter_mut().zip(group).for_each(|(out, &byte)| *out = scale * f32::from(byte.cast_signed()));
            }
        }
    }

    /// Returns the first scale that is NaN or infinite.
    pub(super) fn not_finite(&self) -> Option<f32> {
        let scales = self.scales().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        scales.into_iter().find(|scale| !scale.is_finite())
    }
}

/// Integers and scales of a matrix.
pub(crate) struct Quantised {
    /// `[rows, columns]`, row-major.
    pub(crate) integers: Vec<i8>,
    /// `[rows, groups]`, row-major.
    pub(crate) scales: Vec<f32>,
    /// The number of groups of a row.
    pub(crate) groups: usize,
}

impl Quantised {
    /// Quantises a matrix of finite numbers. The weights of a group that is trained for int8 are kept, up to the rounding of the f16
    /// that they may have been saved in. In any other group, a weight changes by at most 1/254 of the largest.
    pub(crate) fn new(values: &[f32], columns: usize) -> Self {
        let mut quantised =
            Self { integers: Vec::with_capacity(values.len()), scales: vec![], groups: columns.div_ceil(GROUP) };
        for group in values.chunks(columns.max(1)).flat_map(|row| row.chunks(GROUP)) {
            let largest = group.iter().fold(0f32, |largest, x| largest.max(x.abs()));
            let scales = LIMITS.map(|limit| largest / limit);
            let integer = |x: f32, scale: f32| if scale > 0.0 { (x / scale).round_ties_even() } else { 0.0 };
            let [trained, any] = scales;
            let is_kept = |&x: &f32| (integer(x, trained) * trained - x).abs() <= F16_ROUNDING * x.abs() + F16_STEP;
            let scale = if group.iter().all(is_kept) { trained } else { any };
            quantised.integers.extend(group.iter().map(|&x| integer(x, scale) as i8));
            quantised.scales.push(scale);
        }
        quantised
    }
}

/// Twice the largest relative change of a number that is saved in f16: both the weight and the scale were rounded.
const F16_ROUNDING: f32 = 1.0 / 1024.0;
/// The step between the smallest numbers in f16.
const F16_STEP: f32 = 6e-8;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use half::f16;
    use std::sync::Arc;

    const COLUMNS: usize = 300;

    /// The matrix as a file holds it.
    fn stored(Quantised { integers, scales, groups }: &Quantised) -> QuantisedMatrix {
        let rows = integers.len() / COLUMNS;
        let mut bytes: Vec<u8> = integers.iter().map(|x| x.cast_unsigned()).collect();
        let split = bytes.len();
        bytes.extend(scales.iter().flat_map(|x| x.to_le_bytes()));
        let end = bytes.len();
        let file: Bytes = Arc::new(bytes);
        QuantisedMatrix::new(&file, (0..split, &[rows, COLUMNS]), (split..end, &[rows, *groups])).unwrap()
    }

    fn widened(values: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; values.len()];
        stored(&Quantised::new(values, COLUMNS)).widen(0..values.len() / COLUMNS, &mut out);
        out
    }

    /// Pseudo-random numbers from -1 to 1.
    fn numbers(count: usize) -> impl Iterator<Item = f32> {
        let mut state = 1u32;
        (0..count).map(move |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        })
    }

    #[test]
    fn any_matrix_changes_by_at_most_half_a_step() {
        let values: Vec<f32> = numbers(4 * COLUMNS).map(|x| 0.3 * x).collect();
        for (row, found) in values.chunks(COLUMNS).zip(widened(&values).chunks(COLUMNS)) {
            for (group, found) in row.chunks(GROUP).zip(found.chunks(GROUP)) {
                let largest = group.iter().fold(0f32, |largest, x| largest.max(x.abs()));
                let change = group.iter().zip(found).fold(0f32, |change, (x, y)| change.max((x - y).abs()));
                assert!(change > 0.0 && change <= largest / 253.9, "{change} of {largest}");
            }
        }
    }

    #[test]
    fn a_matrix_trained_for_int8_is_kept_in_f32_and_after_f16() {
        let mut values: Vec<f32> = numbers(3 * COLUMNS).map(|x| 0.05 * x).collect();
        newsdesk_kernels::packed::round_weights(&mut values, COLUMNS);
        let change = |values: &[f32]| {
            let pairs = values.iter().zip(widened(values));
            pairs.map(|(x, y)| (x - y).abs() / x.abs().max(1e-6)).fold(0f32, f32::max)
        };
        assert!(change(&values) < 1e-6, "{}", change(&values));
        let saved: Vec<f32> = values.iter().map(|&x| f16::from_f32(x).to_f32()).collect();
        assert!(change(&saved) <= F16_ROUNDING, "{}", change(&saved));
    }

    #[test]
    fn rows_are_those_of_the_whole_matrix() {
        let values: Vec<f32> = numbers(5 * COLUMNS).collect();
        let matrix = stored(&Quantised::new(&values, COLUMNS));
        let all = widened(&values);
        let part = matrix.rows(2..4);
        let mut found = vec![0.0; COLUMNS];
        part.widen(1..2, &mut found);
        assert_eq!(part.shape(), [2, COLUMNS]);
        assert_eq!(found, all[3 * COLUMNS..4 * COLUMNS]);
    }

    #[test]
    fn zeros_stay_zeros() {
        assert_eq!(widened(&[0.0; 2 * COLUMNS]), [0.0; 2 * COLUMNS]);
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        let file: Bytes = Arc::new(vec![0u8; 64]);
        let error =
            |shape: &[usize], scales: &[usize]| QuantisedMatrix::new(&file, (0..4, shape), (4..8, scales)).err();
        assert_eq!(error(&[2, 2], &[2, 1]), None);
        assert!(error(&[4], &[1, 1]).unwrap().contains("[4]"));
        assert!(error(&[2, 2], &[1, 1]).unwrap().contains("[1, 1] instead of [2, 1]"));
    }
}
