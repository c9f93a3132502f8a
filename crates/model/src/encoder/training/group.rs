//! A group of windows in the forward and backward pass, with the memory that both passes share.

use crate::encoder::OutputRows;
use crate::encoder::first_tokens::FirstTokens;
use crate::tokenize::TokenId;
use newsdesk_kernels::attention;
use newsdesk_kernels::attention::relations::RelationScratch;
use newsdesk_kernels::packed::Scratch;
use std::ops::Range;

/// Windows stored end to end, and the memory of their passes. The memory grows to the largest group and is reused.
pub(super) struct Group {
    pub(super) ids: Vec<TokenId>,
    /// For each window, the index after its last token.
    pub(super) ends: Vec<usize>,
    pub(super) first_tokens: FirstTokens,
    /// Index of the first window and the first token of this group in the pass. Dropout depends on these.
    pub(super) first_window: usize,
    pub(super) first_token: usize,
    /// The embeddings' sum before layer norm, `[tokens, embedding width]`.
    pub(super) embedded: Vec<f32>,
    /// The input of the embeddings' projection, if there is one, and the gradient of its output.
    pub(super) projection_input: Vec<f32>,
    pub(super) d_projection: Vec<f32>,
    /// Input of the current layer, then its output: `[tokens, width]`, after the last layer `[rows, width]`.
    pub(super) hidden: Vec<f32>,
    /// Gradient of `hidden` in the backward pass.
    pub(super) gradient: Vec<f32>,
    /// The loss of the comparison with a teacher.
    pub(super) loss: f64,
    /// The output of the last layer before the final norm, if there is one.
    pub(super) last_output: Vec<f32>,
    /// Gradients of the layer norms of embeddings and last output: weight, then bias.
    pub(super) embedding_norm: [Vec<f32>; 2],
    pub(super) final_norm: [Vec<f32>; 2],
    /// Gradient of the bias by head and distance, summed over all layers.
    pub(super) d_bias: Vec<f32>,
    pub(super) layers: Vec<LayerMemory>,
    pub(super) scratch: GroupScratch,
}

/// The activations that a layer keeps for its backward pass, and the gradients that it leaves for its weights.
///
/// `rows` is the number of tokens, or of windows if the layer computes only first tokens.
#[derive(Default)]
pub(super) struct LayerMemory {
    /// `[tokens, width]`
    pub(super) input: Vec<f32>,
    /// The input after its layer norm, if it has one.
    pub(super) normed: Vec<f32>,
    /// The first token of each window in the input of attention, if only these are queried: `[rows, width]`.
    pub(super) query_rows: Vec<f32>,
    pub(super) queries: Vec<f32>,
    pub(super) keys: Vec<f32>,
    pub(super) values: Vec<f32>,
    /// Result of attention, `[rows, width]`. The following fields have as many rows.
    pub(super) context: Vec<f32>,
    /// After the first residual connection, before and after the norm that follows.
    pub(super) attention_sum: Vec<f32>,
    pub(super) attended: Vec<f32>,
    /// Before and after the activation, `[rows, intermediate]`. Twice as wide before it with gates.
    pub(super) intermediate_input: Vec<f32>,
    pub(super) intermediate: Vec<f32>,
    /// After the second residual connection, if a norm follows.
    pub(super) output_sum: Vec<f32>,
    /// Gradients of the outputs of the dense layers.
    pub(super) d_queries: Vec<f32>,
    pub(super) d_keys: Vec<f32>,
    pub(super) d_values: Vec<f32>,
    pub(super) d_attention_output: Vec<f32>,
    pub(super) d_intermediate_input: Vec<f32>,
    pub(super) d_output: Vec<f32>,
    /// Gradients of the two layer norms: weight, then bias.
    pub(super) attention_norm: [Vec<f32>; 2],
    pub(super) output_norm: [Vec<f32>; 2],
}

impl LayerMemory {
    /// Returns the input of keys and values, `[tokens, width]`.
    pub(super) fn attention_input(&self) -> &[f32] {
        if self.normed.is_empty() { &self.input } else { &self.normed }
    }

    /// Returns the input of the queries, `[rows, width]`.
    pub(super) fn query_input(&self) -> &[f32] {
        if self.query_rows.is_empty() { self.attention_input() } else { &self.query_rows }
    }
}

/// Temporary memory of a pass.
#[derive(Default)]
pub(super) struct GroupScratch {
    pub(super) product: ProductScratch,
    pub(super) attention: attention::Scratch,
    pub(super) relations: RelationScratch,
    pub(super) rows: Vec<f32>,
    pub(super) other_rows: Vec<f32>,
    pub(super) intermediate: Vec<f32>,
}

/// Temporary memory of the products.
#[derive(Default)]
pub(super) struct ProductScratch {
    pub(super) product: Scratch,
    /// The rounded input.
    pub(super) rounded: Vec<f32>,
}

impl Group {
    pub(super) fn new(layers: usize) -> Self {
        Self {
            ids: vec![],
            ends: vec![],
            first_tokens: FirstTokens::default(),
            first_window: 0,
            first_token: 0,
            embedded: vec![],
            projection_input: vec![],
            d_projection: vec![],
            hidden: vec![],
            gradient: vec![],
            loss: 0.0,
            last_output: vec![],
            embedding_norm: Default::default(),
            final_norm: Default::default(),
            d_bias: vec![],
            layers: (0..layers).map(|_| LayerMemory::default()).collect(),
            scratch: GroupScratch::default(),
        }
    }

    /// Empties the group. Its next window has this index, and its next token that one.
    pub(super) fn reset(&mut self, window: usize, token: usize) {
        self.ids.clear();
        self.ends.clear();
        self.first_tokens.clear();
        (self.first_window, self.first_token) = (window, token);
    }

    /// Adds a window. `read` are the rows of the last layer that the network reads.
    pub(super) fn push(&mut self, window: &[TokenId], read: OutputRows) {
        self.first_tokens.push(self.ids.len(), read);
        self.ids.extend_from_slice(window);
        self.ends.push(self.ids.len());
    }

    /// Returns the number of tokens.
    pub(super) fn tokens(&self) -> usize {
        self.ids.len()
    }
}

/// Returns the range of each window's tokens.
pub(super) fn windows(ends: &[usize]) -> impl Iterator<Item = Range<usize>> {
    ends.iter().scan(0, |start, &end| Some(std::mem::replace(start, end)..end))
}

/// Resizes memory to exactly `length` and returns it. The contents are unspecified.
pub(super) fn sized(memory: &mut Vec<f32>, length: usize) -> &mut [f32] {
    // Exact, because there are hundreds of these buffers.
    memory.reserve_exact(length.saturating_sub(memory.len()));
    memory.resize(length, 0.0);
    memory
}
