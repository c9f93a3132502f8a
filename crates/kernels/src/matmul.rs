//! Matrix products through `gemm`, on matrices that are not packed: for training, and for dense layers over weights in the
//! order of checkpoints (`[out, in]`, row-major).

/// A matrix in a slice. Its element `(row, column)` is at index `row * row_stride + column * column_stride`.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Returns a matrix of rows that start `stride` elements apart.
    pub fn new(values: &'a [f32], rows: usize, columns: usize, stride: usize) -> Self {
        Self { values, rows, columns, row_stride: stride, column_stride: 1 }
    }

    /// Returns the transpose.
    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// Returns whether the last element is within the slice.
    fn fits(&self) -> bool {
        let last = |count: usize, stride: usize| count.saturating_sub(1) * stride;
        let empty = self.rows == 0 || self.columns == 0;
        empty || last(self.rows, self.row_stride) + last(self.columns, self.column_stride) < self.values.len()
    }
}

/// Whether a product replaces the output or is added to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    Replace,
    Add,
}

/// Multiplies two matrices into rows of `out` that start `stride` elements apart. Runs on the calling thread only.
///
/// # Panics
/// If the sizes do not match.
#[expect(unsafe_code, reason = "gemm takes pointers; the sizes are checked first")]
pub(crate) fn product(left: Matrix, right: Matrix, output: Output, out: &mut [f32], stride: usize) {
    let (rows, columns, depth) = (left.rows, right.columns, left.columns);
    assert!(right.rows == depth && left.fits() && right.fits(), "product: sizes do not match");
    if rows == 0 || columns == 0 {
        return;
    }
    if depth == 0 {
        let rows = out.chunks_mut(stride).take(if output == Output::Replace { rows } else { 0 });
        return rows.for_each(|row| row[..columns].fill(0.0));
    }
    assert!(stride >= columns && out.len() >= (rows - 1) * stride + columns, "product: output is too small");
    // SAFETY: the checks above ensure that the three matrices are within their slices, with these strides (in elements).
    // `out` is borrowed mutably, so it overlaps neither input.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            depth,
            out.as_mut_ptr(),
            1,
            stride as isize,
            output == Output::Add,
            left.values.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.values.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// Computes `out = input * weight^T + bias`. Runs on the calling thread only.
///
/// `input` is `[rows, depth]`, `weight` is `[width, depth]`, `bias` is `[width]` and `out` is `[rows, width]`, all row-major.
///
/// # Panics
/// If the sizes do not match.
pub fn dense(input: &[f32], weight: &[f32], bias: &[f32], rows: usize, depth: usize, out: &mut [f32]) {
    let width = bias.len();
    assert!(input.len() == rows * depth, "dense: input is not rows x depth");
    assert!(weight.len() == width * depth, "dense: weight is not width x depth");
    assert!(out.len() == rows * width, "dense: output is not rows x width");
    if width == 0 {
        return;
    }
    // The output starts with the bias, and the product is added to it.
    for row in out.chunks_exact_mut(width) {
        row.copy_from_slice(bias);
    }
    let (input, weight) = (Matrix::new(input, rows, depth, depth), Matrix::new(weight, width, depth, depth));
    product(input, weight.transposed(), Output::Add, out, width);
}

/// Adds the gradients of a dense layer's weight, `gradient^T * input`, and bias, the sum over the rows of `gradient`.
///
/// Covers the outputs `first` up to `first + d_bias.len()` of `width`. `gradient` is `[rows, width]`, `input` is
/// `[rows, depth]` and `d_weight` is `[d_bias.len(), depth]`. Runs on the calling thread only.
///
/// # Panics
/// If the sizes do not match.
pub fn dense_weight_gradient(
    gradient: &[f32],
    width: usize,
    input: &[f32],
    depth: usize,
    first: usize,
    d_weight: &mut [f32],
    d_bias: &mut [f32],
) {
    let count = d_bias.len();
    let rows = gradient.len() / width;
    assert!(gradient.len() == rows * width && first + count <= width, "weight gradient: gradient is not rows x width");
    assert!(input.len() == rows * depth, "weight gradient: input is not rows x depth");
    assert!(d_weight.len() == count * depth, "weight gradient: output is not width x depth");
    if rows == 0 || count == 0 {
        return;
    }
    let gradient = Matrix::new(&gradient[first..], rows, count, width);
    product(gradient.transposed(), Matrix::new(input, rows, depth, depth), Output::Add, d_weight, depth);
    for row in gradient.values.chunks(width) {
        for (sum, &g) in d_bias.iter_mut().zip(row) {
            *sum += g;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(count: usize, seed: f32) -> Vec<f32> {
        (0..count).map(|i| (i as f32 * 0.37 + seed).sin()).collect()
    }

    fn close(a: f32, b: f32) -> bool {
        (a - b).abs() < 1e-5
    }

    #[test]
    fn dense_agrees_with_plain_loops() {
        for (rows, depth, width) in [(1, 1, 1), (3, 5, 7), (17, 48, 33), (64, 384, 96)] {
            let value = |i: usize, seed: usize| (((i * 7919 + seed * 104_729) % 2001) as f32 - 1000.0) / 1000.0;
            let input: Vec<f32> = (0..rows * depth).map(|i| value(i, 1)).collect();
            let weight: Vec<f32> = (0..width * depth).map(|i| value(i, 2)).collect();
            let bias: Vec<f32> = (0..width).map(|i| value(i, 3)).collect();
            let mut out = vec![f32::NAN; rows * width];
            dense(&input, &weight, &bias, rows, depth, &mut out);
            for r in 0..rows {
                for c in 0..width {
                    let dot: f64 = (0..depth).map(|k| input[r * depth + k] as f64 * weight[c * depth + k] as f64).sum();
                    let expected = dot + bias[c] as f64;
                    let off = (out[r * width + c] as f64 - expected).abs();
                    assert!(off < 1e-5 * (1.0 + expected.abs()), "{rows}x{depth}x{width} at {r},{c}: off by {off}");
                }
            }
        }
    }

    #[test]
    fn weight_gradients_agree_with_plain_loops_and_accumulate() {
        let (rows, depth, width) = (6, 5, 8);
        let (gradient, input) = (wave(rows * width, 0.0), wave(rows * depth, 1.0));
        let (first, count) = (2, 4);
        let (mut d_weight, mut d_bias) = (vec![1f32; count * depth], vec![2f32; count]);
        dense_weight_gradient(&gradient, width, &input, depth, first, &mut d_weight, &mut d_bias);
        for w in 0..count {
            let g = |r: usize| gradient[r * width + first + w];
            assert!(close(d_bias[w], 2.0 + (0..rows).map(g).sum::<f32>()));
            for k in 0..depth {
                let sum: f32 = (0..rows).map(|r| g(r) * input[r * depth + k]).sum();
                assert!(close(d_weight[w * depth + k], 1.0 + sum));
            }
        }
    }
}
