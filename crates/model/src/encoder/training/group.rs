//! A few windows on their way forward and back, with all that is kept in between.

use crate::tokenize::TokenId;
use newsdesk_kernels::attention;
use newsdesk_kernels::packed::Scratch;
use std::ops::Range;

/// Windows end to end, and the memory of their passes. It grows to the largest group and stays.
pub(super) struct Group {
    pub(super) ids: Vec<TokenId>,
    pub(super) ends: Vec<usize>,
    /// Number of the first window and the first token among all, by which dropout is drawn.
    pub(super) first_window: usize,
    pub(super) first_token: usize,
    /// The embeddings' sum before layer norm, `[tokens, width]`.
    pub(super) embedded: Vec<f32>,
    /// What a layer gets, then what it gives: `[tokens, width]`, in the end `[rows, width]`.
    pub(super) hidden: Vec<f32>,
    /// The gradient of the same on the way back.
    pub(super) gradient: Vec<f32>,
    /// Gradients of the embeddings' layer norm: weight and bias.
    pub(super) norm: [Vec<f32>; 2],
    pub(super) layers: Vec<LayerMemory>,
    pub(super) scratch: GroupScratch,
}

/// What a layer keeps for its backward pass, and what that leaves for the gradients of its weights.
#[derive(Default)]
pub(super) struct LayerMemory {
    /// `[tokens, width]`
    pub(super) input: Vec<f32>,
    /// The rows that ask, where these are not all: `[rows, width]`.
    pub(super) asking: Vec<f32>,
    pub(super) queries: Vec<f32>,
    pub(super) keys: Vec<f32>,
    pub(super) values: Vec<f32>,
    /// What attention gathered, `[rows, width]`, as all that follows.
    pub(super) gathered: Vec<f32>,
    /// Before the first layer norm, and after it.
    pub(super) attention_sum: Vec<f32>,
    pub(super) attended: Vec<f32>,
    /// Before GELU and after it, `[rows, wide]`.
    pub(super) wide_input: Vec<f32>,
    pub(super) wide: Vec<f32>,
    /// Before the second layer norm.
    pub(super) output_sum: Vec<f32>,
    /// Gradients of what the dense layers gave.
    pub(super) d_queries: Vec<f32>,
    pub(super) d_keys: Vec<f32>,
    pub(super) d_values: Vec<f32>,
    pub(super) d_attention_output: Vec<f32>,
    pub(super) d_wide_input: Vec<f32>,
    pub(super) d_output: Vec<f32>,
    /// Gradients of the two layer norms: weight and bias each.
    pub(super) attention_norm: [Vec<f32>; 2],
    pub(super) output_norm: [Vec<f32>; 2],
}

/// Memory that no pass needs later.
#[derive(Default)]
pub(super) struct GroupScratch {
    pub(super) product: Scratch,
    pub(super) attention: attention::Scratch,
    pub(super) rows: Vec<f32>,
    pub(super) other_rows: Vec<f32>,
    pub(super) wide: Vec<f32>,
}

impl Group {
    pub(super) fn new(layers: usize) -> Self {
        Self {
            ids: vec![],
            ends: vec![],
            first_window: 0,
            first_token: 0,
            embedded: vec![],
            hidden: vec![],
            gradient: vec![],
            norm: Default::default(),
            layers: (0..layers).map(|_| LayerMemory::default()).collect(),
            scratch: GroupScratch::default(),
        }
    }

    /// Empties the group for windows from this number on.
    pub(super) fn begin(&mut self, window: usize, token: usize) {
        self.ids.clear();
        self.ends.clear();
        (self.first_window, self.first_token) = (window, token);
    }

    pub(super) fn push(&mut self, window: &[TokenId]) {
        self.ids.extend_from_slice(window);
        self.ends.push(self.ids.len());
    }

    pub(super) fn tokens(&self) -> usize {
        self.ids.len()
    }
}

/// Where each window stands among the tokens.
pub(super) fn windows(ends: &[usize]) -> impl Iterator<Item = Range<usize>> {
    ends.iter().scan(0, |start, &end| Some(std::mem::replace(start, end)..end))
}

/// Makes a slice of exactly `length`; what stands in it is to be overwritten.
pub(super) fn sized(memory: &mut Vec<f32>, length: usize) -> &mut [f32] {
    // No more than is needed: there are hundreds of these.
    memory.reserve_exact(length.saturating_sub(memory.len()));
    memory.resize(length, 0.0);
    memory
}
