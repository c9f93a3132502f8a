//! Attention relations of a window, and the loss that compares those of two encoders, for training.
//!
//! The relations of a head are the softmax, row by row, of the scaled products of all pairs of its vectors: those of queries with
//! queries, keys with keys, or values with values (Wang et al., "MiniLMv2", 2021). The loss is the Kullback-Leibler divergence of
//! a student's relations from those of its teacher.

use crate::matmul::{Matrix, Output, product};
use crate::softmax;

/// The queries, keys or values of a window: `[length, width]`. In each row the heads follow one another.
#[derive(Clone, Copy)]
pub struct Vectors<'a> {
    /// The numbers, row-major.
    pub values: &'a [f32],
    /// The length of a row.
    pub width: usize,
}

impl<'a> Vectors<'a> {
    fn rows(self) -> usize {
        self.values.len() / self.width
    }

    /// Returns one of this number of heads.
    fn head(self, head: usize, heads: usize) -> Matrix<'a> {
        let head_width = self.width / heads;
        Matrix::new(&self.values[head * head_width..], self.rows(), head_width, self.width)
    }

    /// Returns the factor of the products.
    fn scale(self, heads: usize) -> f32 {
        1.0 / ((self.width / heads) as f32).sqrt()
    }

    /// Computes the relations of a head, `[length, length]`.
    fn relations(self, head: usize, heads: usize, out: &mut Vec<f32>) {
        let rows = self.rows();
        out.resize(rows * rows, 0.0);
        let vectors = self.head(head, heads);
        product(vectors, vectors.transposed(), Output::Replace, out, rows);
        softmax::forward(out, rows, rows, self.scale(heads));
    }
}

/// Working memory for one head. Reuse it across windows to avoid allocations.
#[derive(Default)]
pub struct RelationScratch {
    student: Vec<f32>,
    teacher: Vec<f32>,
    /// The gradient of the student's scores plus its transpose.
    gradient: Vec<f32>,
}

/// Returns `weight` times the loss of a window, the mean over heads and rows, and adds its gradient to `gradient`, which is as
/// large as the student's vectors. Both encoders have the same tokens; their widths may differ.
///
/// # Panics
/// If the sizes do not match, or a width is not a multiple of `heads`.
pub fn relation_loss(
    student: Vectors,
    teacher: Vectors,
    heads: usize,
    weight: f32,
    scratch: &mut RelationScratch,
    gradient: &mut [f32],
) -> f32 {
    let rows = student.rows();
    assert!(rows == teacher.rows() && gradient.len() == student.values.len(), "relations: lengths differ");
    let widths = [student.width, teacher.width];
    assert!(widths.iter().all(|width| width.is_multiple_of(heads)), "relations: a width is no multiple of the heads");
    let weight = weight / (heads * rows) as f32;
    let scale = student.scale(heads);
    let mut loss = 0.0;
    for head in 0..heads {
        student.relations(head, heads, &mut scratch.student);
        teacher.relations(head, heads, &mut scratch.teacher);
        let (own, target) = (&mut scratch.student, &scratch.teacher);
        // A probability may underflow to zero. Its logarithm is then that of the smallest normal number.
        let log = |p: f32| p.max(f32::MIN_POSITIVE).ln();
        loss += own.iter().zip(target).map(|(q, p)| p * (log(*p) - log(*q))).sum::<f32>();
        // The gradient of the scaled products.
        own.iter_mut().zip(target).for_each(|(q, p)| *q = weight * scale * (*q - p));
        scratch.gradient.resize(rows * rows, 0.0);
        for (row, sums) in scratch.gradient.chunks_exact_mut(rows).enumerate() {
            for (column, sum) in sums.iter_mut().enumerate() {
                *sum = own[row * rows + column] + own[column * rows + row];
            }
        }
        let both = Matrix::new(&scratch.gradient, rows, rows, rows);
        let start = head * (student.width / heads);
        product(both, student.head(head, heads), Output::Add, &mut gradient[start..], student.width);
    }
    weight * loss
}
