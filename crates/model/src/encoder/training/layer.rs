//! One encoder layer in the forward and the backward pass.

use super::group::{Group, GroupScratch, LayerMemory, sized, windows};
use super::linear::{GradientTask, Linear, Norm, Operands};
use super::{Dropouts, add};
use crate::encoder::{EncoderConfig, OutputRows};
use newsdesk_kernels::activation;
use newsdesk_kernels::attention::{Attention, Window, WindowGradient};
use std::ops::Range;

/// An encoder layer with its gradients.
pub(super) struct Layer {
    rows: OutputRows,
    width: usize,
    attention: Attention,
    query: Linear,
    key: Linear,
    value: Linear,
    attention_output: Linear,
    attention_norm: Norm,
    intermediate: Linear,
    output: Linear,
    output_norm: Norm,
}

/// Streams of random numbers for the two dropouts of hidden states within a layer.
const AFTER_ATTENTION: usize = 0;
const AFTER_OUTPUT: usize = 1;

impl Layer {
    pub(super) fn new(name: &str, config: &EncoderConfig, rows: OutputRows) -> Self {
        let (width, intermediate, epsilon) = (config.hidden_size, config.intermediate_size, config.layer_norm_eps);
        let linear = |part: &str, input, output| Linear::new(&format!("{name}.{part}"), input, output);
        let norm = |part: &str| Norm::new(&format!("{name}.{part}.LayerNorm"), width, epsilon);
        let heads = config.num_attention_heads;
        Self {
            rows,
            width,
            attention: Attention { heads, head_width: width / heads },
            query: linear("attention.self.query", width, width),
            key: linear("attention.self.key", width, width),
            value: linear("attention.self.value", width, width),
            attention_output: linear("attention.output.dense", width, width),
            attention_norm: norm("attention.output"),
            intermediate: linear("intermediate.dense", width, intermediate),
            output: linear("output.dense", intermediate, width),
            output_norm: norm("output"),
        }
    }

    pub(super) fn linears_mut(&mut self) -> [&mut Linear; 6] {
        let Self { query, key, value, attention_output, intermediate, output, .. } = self;
        [query, key, value, attention_output, intermediate, output]
    }

    pub(super) fn norms_mut(&mut self) -> [&mut Norm; 2] {
        [&mut self.attention_norm, &mut self.output_norm]
    }

    pub(super) fn gradients(&self) -> impl Iterator<Item = (&str, &[f32])> {
        let linears = [&self.query, &self.key, &self.value, &self.attention_output, &self.intermediate, &self.output];
        let norms = [&self.attention_norm, &self.output_norm];
        linears.into_iter().flat_map(Linear::gradients).chain(norms.into_iter().flat_map(Norm::gradients))
    }

    /// Returns the tasks that sum the weight gradients of the dense layers; `number` is the index of this layer.
    pub(super) fn gradient_tasks(&mut self, number: usize) -> impl Iterator<Item = GradientTask<'_>> {
        let operands: [Operands; 6] = [
            match self.rows {
                OutputRows::All => |memory| (&memory.d_queries, &memory.input),
                OutputRows::First => |memory| (&memory.d_queries, &memory.query_rows),
            },
            |memory| (&memory.d_keys, &memory.input),
            |memory| (&memory.d_values, &memory.input),
            |memory| (&memory.d_attention_output, &memory.context),
            |memory| (&memory.d_intermediate_input, &memory.attended),
            |memory| (&memory.d_output, &memory.intermediate),
        ];
        self.linears_mut().into_iter().zip(operands).flat_map(move |(linear, operands)| linear.tasks(number, operands))
    }

    /// Adds the gradients of the layer norms of groups that went backward, in their order.
    pub(super) fn add_norm_gradients(&mut self, number: usize, groups: &[Group]) {
        for memory in groups.iter().map(|group| &group.layers[number]) {
            self.attention_norm.add(&memory.attention_norm);
            self.output_norm.add(&memory.output_norm);
        }
    }

    /// Returns the index of a group's first row in the pass. Dropout depends on it.
    fn first_row(&self, group: &Group) -> usize {
        match self.rows {
            OutputRows::All => group.first_token,
            OutputRows::First => group.first_window,
        }
    }

    /// Replaces `group.hidden` (`[tokens, width]`) with this layer's output (`[rows, width]`).
    pub(super) fn forward(&self, number: usize, dropout: Option<Dropouts>, group: &mut Group) {
        let width = self.width;
        let first_row = self.first_row(group);
        let dropout = dropout.map(|all| Dropouts {
            hidden: all.hidden.substream(1 + number),
            attention: all.attention.substream(number),
        });
        let Group { ends, first_window, hidden, layers, scratch, .. } = group;
        let GroupScratch { product, attention, .. } = scratch;
        let memory = &mut layers[number];
        std::mem::swap(&mut memory.input, hidden);
        let LayerMemory { input, query_rows, queries, keys, values, context, attention_sum, attended, .. } = memory;
        let query_rows: &[f32] = match self.rows {
            OutputRows::All => input,
            OutputRows::First => {
                query_rows.clear();
                for window in windows(ends) {
                    query_rows.extend_from_slice(&input[window.start * width..][..width]);
                }
                query_rows
            }
        };
        let (tokens, rows) = (input.len(), query_rows.len());
        self.query.forward.forward(query_rows, product, sized(queries, rows));
        self.key.forward.forward(input, product, sized(keys, tokens));
        self.value.forward.forward(input, product, sized(values, tokens));
        sized(context, rows);
        for (index, window) in windows(ends).enumerate() {
            let all = window.start * width..window.end * width;
            let own = self.query_range(index, window);
            let parts = Window { queries: &queries[own.clone()], keys: &keys[all.clone()], values: &values[all] };
            let dropout = dropout.map(|dropout| dropout.attention.substream(*first_window + index));
            self.attention.forward(parts, dropout, attention, &mut context[own]);
        }
        let after_attention = sized(attention_sum, rows);
        self.attention_output.forward.forward(context, product, after_attention);
        if let Some(dropout) = dropout {
            dropout.hidden.substream(AFTER_ATTENTION).apply(first_row * width, after_attention);
        }
        add(after_attention, query_rows);
        self.attention_norm.forward(after_attention, sized(attended, rows));
        let size = rows / width * self.intermediate.forward.width();
        self.intermediate.forward.forward(attended, product, sized(&mut memory.intermediate_input, size));
        activation::gelu(&memory.intermediate_input, sized(&mut memory.intermediate, size));
        let sum = sized(&mut memory.output_sum, rows);
        self.output.forward.forward(&memory.intermediate, product, sum);
        if let Some(dropout) = dropout {
            dropout.hidden.substream(AFTER_OUTPUT).apply(first_row * width, sum);
        }
        add(sum, attended);
        self.output_norm.forward(sum, sized(hidden, rows));
    }

    /// Replaces `group.gradient`, that of the output (`[rows, width]`), with that of the input (`[tokens, width]`).
    pub(super) fn backward(&self, number: usize, dropout: Option<Dropouts>, group: &mut Group) {
        let width = self.width;
        let first_row = self.first_row(group);
        let dropout = dropout.map(|all| Dropouts {
            hidden: all.hidden.substream(1 + number),
            attention: all.attention.substream(number),
        });
        let Group { ends, first_window, gradient, layers, scratch, .. } = group;
        let GroupScratch { product, attention, rows: d_sum, other_rows: update, intermediate } = scratch;
        let memory = &mut layers[number];
        let (tokens, rows) = (memory.input.len(), gradient.len());
        // Backward through the second layer norm and the feed-forward block. `d_sum` is also the residual's gradient.
        let d_sum = sized(d_sum, rows);
        self.output_norm.backward(&memory.output_sum, gradient, d_sum, &mut memory.output_norm);
        let d_output = sized(&mut memory.d_output, rows);
        d_output.copy_from_slice(d_sum);
        if let Some(dropout) = dropout {
            dropout.hidden.substream(AFTER_OUTPUT).apply(first_row * width, d_output);
        }
        let d_intermediate = sized(intermediate, memory.intermediate.len());
        self.output.backward.forward(d_output, product, d_intermediate);
        let d_intermediate_input = sized(&mut memory.d_intermediate_input, d_intermediate.len());
        activation::gelu_backward(&memory.intermediate_input, d_intermediate, d_intermediate_input);
        let update = sized(update, rows);
        self.intermediate.backward.forward(d_intermediate_input, product, update);
        add(d_sum, update);
        // Backward through the first layer norm and attention.
        let d_attended = &*d_sum;
        self.attention_norm.backward(&memory.attention_sum, d_attended, update, &mut memory.attention_norm);
        let d_attention_output = sized(&mut memory.d_attention_output, rows);
        d_attention_output.copy_from_slice(update);
        if let Some(dropout) = dropout {
            dropout.hidden.substream(AFTER_ATTENTION).apply(first_row * width, d_attention_output);
        }
        let d_context = d_sum;
        self.attention_output.backward.forward(d_attention_output, product, d_context);
        let d_queries = sized(&mut memory.d_queries, rows);
        let (d_keys, d_values) = (sized(&mut memory.d_keys, tokens), sized(&mut memory.d_values, tokens));
        for (index, window) in windows(ends).enumerate() {
            let all = window.start * width..window.end * width;
            let own = self.query_range(index, window);
            let parts = Window {
                queries: &memory.queries[own.clone()],
                keys: &memory.keys[all.clone()],
                values: &memory.values[all.clone()],
            };
            let out = WindowGradient {
                queries: &mut d_queries[own.clone()],
                keys: &mut d_keys[all.clone()],
                values: &mut d_values[all],
            };
            let dropout = dropout.map(|dropout| dropout.attention.substream(*first_window + index));
            self.attention.backward(parts, dropout, &d_context[own], attention, out);
        }
        // The queried rows receive the gradients of the residual and of their queries.
        self.query.backward.forward(d_queries, product, d_context);
        add(update, d_context);
        let d_input = sized(gradient, tokens);
        self.key.backward.forward(d_keys, product, d_input);
        let from_values = sized(intermediate, tokens);
        self.value.backward.forward(d_values, product, from_values);
        add(d_input, from_values);
        match self.rows {
            OutputRows::All => add(d_input, update),
            OutputRows::First => {
                for (window, row) in windows(ends).zip(update.chunks_exact(width)) {
                    add(&mut d_input[window.start * width..][..width], row);
                }
            }
        }
    }

    /// Returns the range of the queried rows of a window in the group's values. `index` is the window's index in the
    /// group.
    fn query_range(&self, index: usize, window: Range<usize>) -> Range<usize> {
        match self.rows {
            OutputRows::All => window.start * self.width..window.end * self.width,
            OutputRows::First => index * self.width..(index + 1) * self.width,
        }
    }
}
