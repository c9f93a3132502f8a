//! One encoder layer: attention and a feed-forward block, each with residual connection and layer norm.

use super::{EncoderScratch, dense, sized};
use crate::batch::PackedBatch;
use crate::encoder::{Activation, EncoderConfig, OutputRows, Weights};
use crate::error::Result;
use newsdesk_kernels::instructions::InstructionSet;
use newsdesk_kernels::packed::{Attention, Dtype, PackedDense, Scratch, Strided};
use newsdesk_kernels::{activation, layer_norm};

/// Returns the number of rows that go through a layer's products together.
///
/// A block's inputs and outputs stay in the L2 cache, and the weights are loaded from farther away once per block. f32
/// weights have four times the bytes of int8, so more rows share each load.
fn block_rows(dtype: Dtype) -> usize {
    match dtype {
        Dtype::F32 => 96,
        Dtype::Int16 | Dtype::Bf16 | Dtype::Int8 => 48,
    }
}

/// A layer norm.
struct LayerNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f32,
}

impl LayerNorm {
    fn new(weights: &Weights, config: &EncoderConfig) -> Result<Self> {
        let read = |name: &str| {
            let mut values = vec![];
            weights.read(&[config.hidden_size], name, &mut values).map(|()| values)
        };
        Ok(Self { weight: read("weight")?, bias: read("bias")?, epsilon: config.layer_norm_eps as f32 })
    }

    /// Adds `update` to `hidden` and normalises the sum.
    fn residual(&self, hidden: &mut [f32], update: &[f32], set: InstructionSet) {
        layer_norm::residual(hidden, update, &self.weight, &self.bias, self.epsilon, set);
    }
}

/// The projections before attention.
enum Projection {
    /// Query, key and value of every token, side by side in one product.
    All(PackedDense),
    /// The query of each window's first token, and the key and value of every token.
    First { query: PackedDense, key_value: PackedDense },
}

/// An encoder layer.
pub(super) struct Layer {
    projection: Projection,
    attention: Attention,
    attention_output: PackedDense,
    attention_norm: LayerNorm,
    intermediate: PackedDense,
    activation: Activation,
    output: PackedDense,
    output_norm: LayerNorm,
    set: InstructionSet,
    /// Rows of a block.
    block: usize,
}

impl Layer {
    pub(super) fn new(
        weights: &Weights,
        config: &EncoderConfig,
        rows: OutputRows,
        dtype: Dtype,
        set: InstructionSet,
    ) -> Result<Self> {
        let (width, intermediate) = (config.hidden_size, config.intermediate_size);
        let pack = |name: &str, input, output| dense(&[&weights.pp(name)], input, output, dtype, set);
        let inner = weights.pp("attention.self");
        let [query, key, value] = ["query", "key", "value"].map(|name| inner.pp(name));
        let projection = match rows {
            OutputRows::All => Projection::All(dense(&[&query, &key, &value], width, width, dtype, set)?),
            OutputRows::First => Projection::First {
                query: dense(&[&query], width, width, dtype, set)?,
                key_value: dense(&[&key, &value], width, width, dtype, set)?,
            },
        };
        let heads = config.num_attention_heads;
        Ok(Self {
            projection,
            attention: Attention { heads, head_width: width / heads, set },
            attention_output: pack("attention.output.dense", width, width)?,
            attention_norm: LayerNorm::new(&weights.pp("attention.output.LayerNorm"), config)?,
            intermediate: pack("intermediate.dense", width, intermediate)?,
            activation: config.hidden_act,
            output: pack("output.dense", intermediate, width)?,
            output_norm: LayerNorm::new(&weights.pp("output.LayerNorm"), config)?,
            set,
            block: block_rows(dtype),
        })
    }

    /// Replaces `scratch.hidden` (`[tokens, width]`) with this layer's output and returns its number of rows. There is
    /// one row per token, or one per window if the layer computes only first tokens.
    pub(super) fn forward(&self, batch: &PackedBatch, scratch: &mut EncoderScratch) -> usize {
        let EncoderScratch { hidden, projected, context, intermediate, update, first, product, attention } = scratch;
        let (tokens, width) = (batch.ids().len(), self.attention_output.width());
        let hidden = &mut hidden[..tokens * width];
        match &self.projection {
            Projection::All(projection) => {
                let projected = sized(projected, tokens * 3 * width);
                by_block(projection, self.block, hidden, product, projected);
                let context = sized(context, tokens * width);
                for window in batch.windows() {
                    let rows = &projected[window.start * 3 * width..];
                    let part = |number: usize| Strided { values: &rows[number * width..], stride: 3 * width };
                    let out = &mut context[window.start * width..window.end * width];
                    self.attention.forward(part(0), part(1), part(2), window.len(), attention, out);
                }
                self.feed_forward(hidden, context, intermediate, update, product);
                tokens
            }
            Projection::First { query, key_value } => {
                let projected = sized(projected, tokens * 2 * width);
                by_block(key_value, self.block, hidden, product, projected);
                // Move each window's first row to the front. No row is overwritten before it is read.
                for (row, window) in batch.windows().enumerate() {
                    hidden.copy_within(window.start * width..(window.start + 1) * width, row * width);
                }
                let hidden = &mut hidden[..batch.len() * width];
                let queries = sized(first, batch.len() * width);
                by_block(query, self.block, hidden, product, queries);
                let context = sized(context, batch.len() * width);
                for (row, window) in batch.windows().enumerate() {
                    let rows = &projected[window.start * 2 * width..];
                    let part = |number: usize| Strided { values: &rows[number * width..], stride: 2 * width };
                    let range = row * width..(row + 1) * width;
                    let query = Strided { values: &queries[range.clone()], stride: width };
                    self.attention.forward(query, part(0), part(1), window.len(), attention, &mut context[range]);
                }
                self.feed_forward(hidden, context, intermediate, update, product);
                batch.len()
            }
        }
    }

    /// Applies the output projection of attention, the feed-forward block, and both layer norms to `hidden`, block by
    /// block.
    fn feed_forward(
        &self,
        hidden: &mut [f32],
        context: &[f32],
        intermediate: &mut Vec<f32>,
        update: &mut Vec<f32>,
        product: &mut Scratch,
    ) {
        let (width, inner) = (self.output.width(), self.intermediate.width());
        let blocks = hidden.chunks_mut(self.block * width).zip(context.chunks(self.block * width));
        for (hidden, context) in blocks {
            let rows = hidden.len() / width;
            let update = sized(update, rows * width);
            self.attention_output.forward(context, product, update);
            self.attention_norm.residual(hidden, update, self.set);
            let intermediate = sized(intermediate, rows * inner);
            self.intermediate.forward(hidden, product, intermediate);
            match self.activation {
                Activation::Gelu => activation::gelu_in_place(intermediate, self.set),
                Activation::GeluTanh => activation::gelu_tanh_in_place(intermediate, self.set),
                Activation::Relu => activation::relu_in_place(intermediate, self.set),
            }
            self.output.forward(intermediate, product, update);
            self.output_norm.residual(hidden, update, self.set);
        }
    }
}

/// Applies a dense layer to blocks of rows.
fn by_block(dense: &PackedDense, block: usize, input: &[f32], scratch: &mut Scratch, out: &mut [f32]) {
    let blocks = input.chunks(block * dense.depth()).zip(out.chunks_mut(block * dense.width()));
    for (input, out) in blocks {
        dense.forward(input, scratch, out);
    }
}
