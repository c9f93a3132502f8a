//! The dense layer `x W^T + b`, with weights as checkpoints store them: `[out, in]`, row-major.

/// `out = input * weight^T + bias`: `input` is `rows` x `depth`, `weight` is `width` x `depth`, `bias` has `width`
/// values, `out` is `rows` x `width`; all row-major. Runs on the calling thread only.
///
/// # Panics
/// If the sizes do not fit.
#[expect(unsafe_code, reason = "gemm takes pointers; the sizes are checked before")]
pub fn dense(input: &[f32], weight: &[f32], bias: &[f32], rows: usize, depth: usize, out: &mut [f32]) {
    let width = bias.len();
    assert!(input.len() == rows * depth, "dense: input is not rows x depth");
    assert!(weight.len() == width * depth, "dense: weight is not width x depth");
    assert!(out.len() == rows * width, "dense: output is not rows x width");
    if rows == 0 || width == 0 {
        return;
    }
    // The product is added to what stands there, so the bias rides along.
    for row in out.chunks_exact_mut(width) {
        row.copy_from_slice(bias);
    }
    if depth == 0 {
        return;
    }
    // SAFETY: the three matrices lie within their slices by the checks above, with these strides (in elements),
    // and `out` is borrowed mutably, so it overlaps neither input.
    unsafe {
        gemm::gemm(
            rows,
            width,
            depth,
            out.as_mut_ptr(),
            1,
            width as isize,
            true,
            input.as_ptr(),
            1,
            depth as isize,
            weight.as_ptr(),
            depth as isize,
            1,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::dense;

    #[test]
    fn agrees_with_three_loops() {
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
}
