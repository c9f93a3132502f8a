//! Rotary position embedding, with its gradient.
//!
//! Source: Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021, in the form that rotates the
//! first half of a head against the second half (ModernBERT, NomicBERT): `x[k]` and `x[k + d/2]` turn by the angle
//! `position * theta^(-2k/d)`.

use crate::instructions::InstructionSet;

/// The sines and cosines of every position, for heads of one width.
///
/// They take `8 * (head width / 2) * max length` bytes: 2 MiB for 8,192 positions and heads of 64.
#[derive(Debug, Clone)]
pub struct Rotary {
    /// Half of the head's width.
    half: usize,
    max_length: usize,
    /// For each position the cosines, then the sines: `[max length, 2, half]`.
    table: Vec<f32>,
}

impl Rotary {
    /// Computes the tables for positions below `max_length`.
    ///
    /// Frequencies and angles are rounded to f32, as in transformers: at position 8,000, exact angles would differ from
    /// those of training by up to 0.0005. Sines and cosines of these angles are computed in f64.
    ///
    /// # Panics
    /// If `head_width` is zero or odd.
    pub fn new(head_width: usize, theta: f64, max_length: usize) -> Self {
        assert!(head_width > 0 && head_width.is_multiple_of(2), "rotary: head width {head_width} has no two halves");
        let half = head_width / 2;
        let frequency = |k: usize| {
            let exponent = (2 * k) as f32 / head_width as f32;
            1.0 / theta.powf(f64::from(exponent)) as f32
        };
        let frequencies: Vec<f32> = (0..half).map(frequency).collect();
        let mut table = vec![0f32; max_length * head_width];
        for (position, row) in table.chunks_exact_mut(head_width).enumerate() {
            let (cosines, sines) = row.split_at_mut(half);
            for ((cosine, sine), &frequency) in cosines.iter_mut().zip(sines).zip(&frequencies) {
                let angle = position as f32 * frequency;
                let (s, c) = f64::from(angle).sin_cos();
                (*cosine, *sine) = (c as f32, s as f32);
            }
        }
        Self { half, max_length, table }
    }

    /// Returns the number of positions in the tables.
    pub fn max_length(&self) -> usize {
        self.max_length
    }

    /// Rotates the rows of one window in place. Row `i` is position `i`.
    ///
    /// Rows start `stride` values apart. A row begins with its `heads`, one after another; what follows is left alone. So
    /// the keys of rows that hold queries, keys and values are rotated by passing the slice from the first key on. The
    /// last row may end after its heads. Results are bit-identical with every instruction set.
    ///
    /// # Panics
    /// If there are more rows than positions, the heads do not fit into a row, or the machine lacks the instruction set.
    pub fn apply(&self, rows: &mut [f32], stride: usize, heads: usize, set: InstructionSet) {
        self.rotate(rows, stride, heads, set, |sine| sine);
    }

    /// Rotates by the negative angles: the inverse of [`Self::apply`], and its gradient.
    ///
    /// # Panics
    /// As [`Self::apply`].
    pub fn apply_back(&self, rows: &mut [f32], stride: usize, heads: usize, set: InstructionSet) {
        self.rotate(rows, stride, heads, set, |sine| -sine);
    }

    #[inline(always)]
    fn rotate(
        &self,
        rows: &mut [f32],
        stride: usize,
        heads: usize,
        set: InstructionSet,
        direction: impl Fn(f32) -> f32,
    ) {
        let head_width = 2 * self.half;
        let width = heads * head_width;
        if rows.is_empty() || width == 0 {
            return;
        }
        assert!(width <= stride, "rotary: {heads} heads of {head_width} do not fit into rows of {stride}");
        let count = rows.len().div_ceil(stride);
        assert!(count <= self.max_length, "rotary: {count} rows, but {} positions", self.max_length);
        assert!(rows.len() - (count - 1) * stride >= width, "rotary: the last row is too short");
        set.run(
            #[inline(always)]
            || {
                for (row, table) in rows.chunks_mut(stride).zip(self.table.chunks_exact(head_width)) {
                    let (cosines, sines) = table.split_at(self.half);
                    for head in row[..width].chunks_exact_mut(head_width) {
                        let (first, second) = head.split_at_mut(self.half);
                        let values = first.iter_mut().zip(second);
                        for ((x, y), (&cosine, &sine)) in values.zip(cosines.iter().zip(sines)) {
                            let sine = direction(sine);
                            (*x, *y) = (*x * cosine - *y * sine, *y * cosine + *x * sine);
                        }
                    }
                }
            },
        );
    }
}
