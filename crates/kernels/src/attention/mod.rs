//! Multi-head attention of one window with its gradient, for training.
//!
//! The forward pass keeps no attention weights: the backward pass computes them again.
//!
//! If queries see only near keys, a long window is computed in blocks of rows, each against its band of keys.

mod block;
pub mod relations;

use crate::dropout::Dropout;
use crate::matmul::{Matrix, Output, product};
use crate::softmax;
use block::Block;
use std::ops::Range;

/// The sizes of a layer's attention.
#[derive(Debug, Clone, Copy)]
pub struct Attention {
    /// The number of attention heads.
    pub heads: usize,
    /// The number of values of each head in a row.
    pub head_width: usize,
    /// The factor of the products of queries and keys, usually `1 / sqrt(head width)`.
    pub scale: f32,
    /// The largest distance of a key that a query sees; without it all keys. A reach of 64 is a band of 129 keys.
    pub reach: Option<usize>,
}

/// The queries, keys and values of a window. In each row the heads follow one another.
///
/// Row `i` of the queries is at position `i` of the window. There may be fewer queries than keys, for example only row 0.
#[derive(Clone, Copy)]
pub struct Window<'a> {
    /// The queries, `[rows, width]`.
    pub queries: &'a [f32],
    /// The keys, `[length, width]`.
    pub keys: &'a [f32],
    /// The values, `[length, width]`.
    pub values: &'a [f32],
    /// What is added to the scaled scores, by head and distance: `[heads, 2 * max length - 1]`. The bias of a key at
    /// position `k` for the query at `q` is at index `k - q + max length - 1`.
    pub bias: Option<&'a [f32]>,
}

/// The gradients of a [`Window`], in the same sizes. Earlier contents are overwritten, except those of `bias`.
pub struct WindowGradient<'a> {
    /// The gradient of the queries.
    pub queries: &'a mut [f32],
    /// The gradient of the keys.
    pub keys: &'a mut [f32],
    /// The gradient of the values.
    pub values: &'a mut [f32],
    /// The gradient of the bias, which is added to, in a fixed order. `None` if it is not needed.
    pub bias: Option<&'a mut [f32]>,
}

/// Working memory for one block of one head. Reuse it across windows to avoid allocations.
#[derive(Default)]
pub struct Scratch {
    /// Attention weights, `[rows, keys]`.
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
        assert!(rows <= length, "attention: more queries than keys");
        if let Some(bias) = window.bias {
            let distances = bias.len() / self.heads;
            assert!(
                bias.len() == self.heads * distances && distances % 2 == 1,
                "attention: bias is not [heads, 2 * max length - 1]"
            );
            assert!(length <= distances / 2 + 1, "attention: the window is longer than the bias allows");
        }
        (rows, length)
    }

    /// Returns a head's part of neighbouring rows.
    fn head(self, values: &[f32], rows: Range<usize>, head: usize) -> Matrix<'_> {
        let start = rows.start * self.width() + head * self.head_width;
        Matrix::new(&values[start..], rows.len(), self.head_width, self.width())
    }

    /// Returns the range of a head's biases.
    fn distances(self, bias: &[f32], head: usize) -> Range<usize> {
        let distances = bias.len() / self.heads;
        head * distances..(head + 1) * distances
    }

    /// Computes the attention weights of a block and head, before dropout. Keys beyond the reach have zeros.
    fn attention_weights(self, window: Window, block: &Block, head: usize, out: &mut Vec<f32>) {
        let keys = block.keys.len();
        out.resize(block.rows.len() * keys, 0.0);
        let queries = self.head(window.queries, block.rows.clone(), head);
        let transposed = self.head(window.keys, block.keys.clone(), head).transposed();
        product(queries, transposed, Output::Replace, out, keys);
        let mut scale = self.scale;
        if let Some(bias) = window.bias {
            block.scale_and_bias(out, scale, &bias[self.distances(bias, head)]);
            scale = 1.0;
        }
        softmax::forward_within(out, keys, |row| block.seen(row), scale);
    }

    /// Computes `dropout(softmax(scale * queries keys^T + bias)) values` for each head, over the keys within reach. `out`
    /// is `[rows, width]`.
    ///
    /// # Panics
    /// If the sizes do not match.
    pub fn forward(self, window: Window, dropout: Option<Dropout>, scratch: &mut Scratch, out: &mut [f32]) {
        let (rows, length) = self.sizes(window);
        let width = self.width();
        assert_eq!(out.len(), window.queries.len(), "attention: output is not as large as the queries");
        for head in 0..self.heads {
            for block in Block::all(rows, length, self.reach) {
                self.attention_weights(window, &block, head, &mut scratch.attention_weights);
                if let Some(dropout) = dropout {
                    block.drop(dropout.substream(head), &mut scratch.attention_weights);
                }
                let keys = block.keys.len();
                let weights = Matrix::new(&scratch.attention_weights, block.rows.len(), keys, keys);
                let out = &mut out[block.rows.start * width + head * self.head_width..];
                product(weights, self.head(window.values, block.keys, head), Output::Replace, out, width);
            }
        }
    }

    /// Computes the gradients of [`Self::forward`] from the `gradient` of its result. `dropout` must be the same.
    ///
    /// # Panics
    /// If the sizes do not match, or there is a gradient of a bias but no bias.
    pub fn backward(
        self,
        window: Window,
        dropout: Option<Dropout>,
        gradient: &[f32],
        scratch: &mut Scratch,
        mut out: WindowGradient,
    ) {
        let (rows, length) = self.sizes(window);
        let biases = window.bias.map_or(0, <[f32]>::len);
        assert_eq!(gradient.len(), window.queries.len(), "attention: gradient is not as large as the queries");
        assert!(out.bias.as_ref().is_none_or(|d_bias| d_bias.len() == biases), "attention: sizes of biases differ");
        // Blocks share keys, so they are added up.
        let whole = Block::all(rows, length, self.reach).all(|block| block.is_whole(rows)) && rows > 0;
        let output = if whole { Output::Replace } else { Output::Add };
        if output == Output::Add {
            out.keys.fill(0.0);
            out.values.fill(0.0);
        }
        for head in 0..self.heads {
            let dropout = dropout.map(|dropout| dropout.substream(head));
            for block in Block::all(rows, length, self.reach) {
                self.block_backward(window, dropout, gradient, (&block, head, output), scratch, &mut out);
            }
        }
    }

    /// Computes the gradients of one block and head. `output` applies to those of the keys and values.
    fn block_backward(
        self,
        window: Window,
        dropout: Option<Dropout>,
        gradient: &[f32],
        (block, head, output): (&Block, usize, Output),
        scratch: &mut Scratch,
        out: &mut WindowGradient,
    ) {
        let (rows, keys, width) = (block.rows.len(), block.keys.len(), self.width());
        let at = |row: usize| row * width + head * self.head_width;
        self.attention_weights(window, block, head, &mut scratch.attention_weights);
        let context_gradient = self.head(gradient, block.rows.clone(), head);
        scratch.gradient.resize(rows * keys, 0.0);
        let values = self.head(window.values, block.keys.clone(), head).transposed();
        product(context_gradient, values, Output::Replace, &mut scratch.gradient, keys);
        let used = match dropout {
            None => &scratch.attention_weights,
            Some(dropout) => {
                scratch.dropped.clone_from(&scratch.attention_weights);
                block.drop(dropout, &mut scratch.dropped);
                block.drop(dropout, &mut scratch.gradient);
                &scratch.dropped
            }
        };
        let used = Matrix::new(used, rows, keys, keys).transposed();
        product(used, context_gradient, output, &mut out.values[at(block.keys.start)..], width);
        match &mut out.bias {
            None => softmax::backward(&scratch.attention_weights, &mut scratch.gradient, keys, self.scale),
            Some(d_bias) => {
                softmax::backward(&scratch.attention_weights, &mut scratch.gradient, keys, 1.0);
                let distances = self.distances(d_bias, head);
                block.add_bias_gradient(&scratch.gradient, &mut d_bias[distances]);
                scratch.gradient.iter_mut().for_each(|g| *g *= self.scale);
            }
        }
        let scores = Matrix::new(&scratch.gradient, rows, keys, keys);
        let queries = self.head(window.queries, block.rows.clone(), head);
        let of_keys = self.head(window.keys, block.keys.clone(), head);
        product(scores, of_keys, Output::Replace, &mut out.queries[at(block.rows.start)..], width);
        product(scores.transposed(), queries, output, &mut out.keys[at(block.keys.start)..], width);
    }
}
