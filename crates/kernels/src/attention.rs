//! Multi-head attention of one window with its gradient, for training.
//!
//! The forward pass keeps no attention weights: the backward pass computes them again.

use crate::dropout::Dropout;
use crate::matmul::{Matrix, Output, product};
use crate::softmax;

/// The sizes of a layer's attention.
#[derive(Debug, Clone, Copy)]
pub struct Attention {
    /// The number of attention heads.
    pub heads: usize,
    /// The number of values of each head in a row.
    pub head_width: usize,
}

/// The queries, keys and values of a window. In each row the heads follow one another.
#[derive(Clone, Copy)]
pub struct Window<'a> {
    /// The queries, `[rows, width]`.
    pub queries: &'a [f32],
    /// The keys, `[length, width]`.
    pub keys: &'a [f32],
    /// The values, `[length, width]`.
    pub values: &'a [f32],
}

/// The gradients of a [`Window`], in the same sizes. Earlier contents are overwritten.
pub struct WindowGradient<'a> {
    /// The gradient of the queries.
    pub queries: &'a mut [f32],
    /// The gradient of the keys.
    pub keys: &'a mut [f32],
    /// The gradient of the values.
    pub values: &'a mut [f32],
}

/// Working memory for one head. Reuse it across windows to avoid allocations.
#[derive(Default)]
pub struct Scratch {
    /// Attention weights, `[rows, length]`.
    attention_weights: Vec<f32>,
    /// Attention weights after dropout.
    dropped: Vec<f32>,
    /// Gradients of the attention weights, then of the scores.
    gradient: Vec<f32>,
}

impl Attention {
    fn width(self) -> usize {
        self.heads * self.head_width
    }

    /// Returns the number of rows of the queries and of the keys.
    fn sizes(self, window: Window) -> (usize, usize) {
        let width = self.width();
        let (rows, length) = (window.queries.len() / width, window.keys.len() / width);
        assert!(window.queries.len() == rows * width && length > 0, "attention: input is not made of whole rows");
        assert!(
            window.keys.len() == length * width && window.values.len() == length * width,
            "attention: lengths differ"
        );
        (rows, length)
    }

    /// Returns a head's part of each row.
    fn head(self, values: &[f32], rows: usize, head: usize) -> Matrix<'_> {
        Matrix::new(&values[head * self.head_width..], rows, self.head_width, self.width())
    }

    fn scale(self) -> f32 {
        1.0 / (self.head_width as f32).sqrt()
    }

    /// Computes the attention weights of a head, before dropout.
    fn attention_weights(self, window: Window, (rows, length): (usize, usize), head: usize, out: &mut Vec<f32>) {
        out.resize(rows * length, 0.0);
        let keys = self.head(window.keys, length, head).transposed();
        product(self.head(window.queries, rows, head), keys, Output::Replace, out, length);
        softmax::forward(out, length, length, self.scale());
    }

    /// Computes `dropout(softmax(queries keys^T / sqrt(head width))) values` for each head. `out` is `[rows, width]`.
    ///
    /// # Panics
    /// If the sizes do not match.
    pub fn forward(self, window: Window, dropout: Option<Dropout>, scratch: &mut Scratch, out: &mut [f32]) {
        let sizes @ (rows, length) = self.sizes(window);
        assert_eq!(out.len(), window.queries.len(), "attention: output is not as large as the queries");
        for head in 0..self.heads {
            self.attention_weights(window, sizes, head, &mut scratch.attention_weights);
            if let Some(dropout) = dropout {
                dropout.substream(head).apply(0, &mut scratch.attention_weights);
            }
            let weights = Matrix::new(&scratch.attention_weights, rows, length, length);
            let out = &mut out[head * self.head_width..];
            product(weights, self.head(window.values, length, head), Output::Replace, out, self.width());
        }
    }

    /// Computes the gradients of [`Self::forward`] from the `gradient` of its result. `dropout` must be the same.
    ///
    /// # Panics
    /// If the sizes do not match.
    pub fn backward(
        self,
        window: Window,
        dropout: Option<Dropout>,
        gradient: &[f32],
        scratch: &mut Scratch,
        out: WindowGradient,
    ) {
        let sizes @ (rows, length) = self.sizes(window);
        assert_eq!(gradient.len(), window.queries.len(), "attention: gradient is not as large as the queries");
        let width = self.width();
        for head in 0..self.heads {
            let start = head * self.head_width;
            self.attention_weights(window, sizes, head, &mut scratch.attention_weights);
            let context_gradient = self.head(gradient, rows, head);
            scratch.gradient.resize(rows * length, 0.0);
            let values = self.head(window.values, length, head).transposed();
            product(context_gradient, values, Output::Replace, &mut scratch.gradient, length);
            let used = match dropout.map(|dropout| dropout.substream(head)) {
                None => &scratch.attention_weights,
                Some(dropout) => {
                    scratch.dropped.clone_from(&scratch.attention_weights);
                    dropout.apply(0, &mut scratch.dropped);
                    dropout.apply(0, &mut scratch.gradient);
                    &scratch.dropped
                }
            };
            let used = Matrix::new(used, rows, length, length);
            product(used.transposed(), context_gradient, Output::Replace, &mut out.values[start..], width);
            softmax::backward(&scratch.attention_weights, &mut scratch.gradient, length, self.scale());
            let scores = Matrix::new(&scratch.gradient, rows, length, length);
            let (keys, queries) = (self.head(window.keys, length, head), self.head(window.queries, rows, head));
            product(scores, keys, Output::Replace, &mut out.queries[start..], width);
            product(scores.transposed(), queries, Output::Replace, &mut out.keys[start..], width);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ATTENTION: Attention = Attention { heads: 2, head_width: 3 };
    const WIDTH: usize = 6;

    fn wave(count: usize, seed: f32) -> Vec<f32> {
        (0..count).map(|i| (i as f32 * 0.83 + seed).sin() * 1.5).collect()
    }

    /// Returns a loss that depends on all of the output.
    fn loss(parts: &[Vec<f32>; 3], dropout: Option<Dropout>, weight: &[f32]) -> f64 {
        let [queries, keys, values] = parts;
        let mut out = vec![f32::NAN; queries.len()];
        ATTENTION.forward(Window { queries, keys, values }, dropout, &mut Scratch::default(), &mut out);
        out.iter().zip(weight).map(|(&y, &w)| f64::from(y) * f64::from(w)).sum()
    }

    #[test]
    fn gradients_agree_with_finite_differences_with_and_without_dropout() {
        for (rows, dropout) in [(4, None), (1, None), (4, Some(Dropout::new(0.3, 5)))] {
            let parts = [wave(rows * WIDTH, 0.0), wave(4 * WIDTH, 1.0), wave(4 * WIDTH, 2.0)];
            let weight = wave(rows * WIDTH, 3.0);
            let [queries, keys, values] = &parts;
            let mut found = parts.clone().map(|part| vec![f32::NAN; part.len()]);
            let [d_queries, d_keys, d_values] = &mut found;
            let out = WindowGradient { queries: d_queries, keys: d_keys, values: d_values };
            let window = Window { queries, keys, values };
            ATTENTION.backward(window, dropout, &weight, &mut Scratch::default(), out);
            for part in 0..3 {
                for i in 0..parts[part].len() {
                    let at = |step: f32| {
                        let mut moved = parts.clone();
                        moved[part][i] += step;
                        loss(&moved, dropout, &weight)
                    };
                    let slope = (at(1e-2) - at(-1e-2)) / 2e-2;
                    let gradient = f64::from(found[part][i]);
                    assert!((slope - gradient).abs() < 2e-3, "part {part}, {i}: {gradient} is not {slope}");
                }
            }
        }
    }

    #[test]
    fn forward_agrees_with_plain_loops() {
        let (queries, keys, values) = (wave(3 * WIDTH, 0.0), wave(5 * WIDTH, 1.0), wave(5 * WIDTH, 2.0));
        let mut out = vec![f32::NAN; 3 * WIDTH];
        let window = Window { queries: &queries, keys: &keys, values: &values };
        ATTENTION.forward(window, None, &mut Scratch::default(), &mut out);
        for row in 0..3 {
            for head in 0..2 {
                let at = |m: &[f32], row: usize, k: usize| f64::from(m[row * WIDTH + 3 * head + k]);
                let score = |key| (0..3).map(|k| at(&queries, row, k) * at(&keys, key, k)).sum::<f64>() / 3f64.sqrt();
                let exponentials: Vec<f64> = (0..5).map(|key| score(key).exp()).collect();
                let total: f64 = exponentials.iter().sum();
                for k in 0..3 {
                    let expected: f64 = (0..5).map(|key| exponentials[key] / total * at(&values, key, k)).sum();
                    assert!((f64::from(out[row * WIDTH + 3 * head + k]) - expected).abs() < 1e-5);
                }
            }
        }
    }
}
