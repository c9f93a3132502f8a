//! One encoder layer in the forward and the backward pass.

use super::group::{Group, GroupScratch, LayerMemory, sized, windows};
use super::linear::{GradientTask, Linear, Norm, Operands};
use super::positions::Positions;
use super::rounding::Rounding;
use super::teacher::GroupComparison;
use super::{Dropouts, add};
use crate::architecture::{EncoderSpec, FeedForwardSpec, LayerSpec, NormPlacement, norm_names};
use crate::encoder::OutputRows;
use newsdesk_kernels::attention::{Attention, Window, WindowGradient};
use newsdesk_kernels::instructions::InstructionSet;
use std::ops::Range;

/// The weights of an encoder layer, with their gradients.
pub(super) struct Layer {
    width: usize,
    placement: NormPlacement,
    query: Linear,
    key: Linear,
    value: Linear,
    attention_output: Linear,
    /// Missing only before attention.
    attention_norm: Option<Norm>,
    feed_forward: FeedForwardSpec,
    intermediate: Linear,
    output: Linear,
    output_norm: Norm,
}

/// A layer of the encoder. Several may use the same weights.
pub(super) struct LayerUse {
    /// Its number, from 0.
    pub(super) number: usize,
    /// The index of its weights.
    pub(super) weights: usize,
    pub(super) rows: OutputRows,
    pub(super) attention: Attention,
    pub(super) rotary_base: Option<f64>,
}

/// The inputs of a layer's passes.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) layer: &'a LayerUse,
    pub(super) positions: &'a Positions,
    pub(super) dropout: Option<Dropouts>,
}

impl Context<'_> {
    /// Returns the dropouts of this layer.
    fn dropout(&self) -> Option<Dropouts> {
        let number = self.layer.number;
        self.dropout.map(|all| Dropouts {
            hidden: all.hidden.substream(1 + number),
            attention: all.attention.substream(number),
        })
    }

    /// Returns the index of a group's first row in the pass. Dropout depends on it.
    fn first_row(&self, group: &Group) -> usize {
        match self.layer.rows {
            OutputRows::All => group.first_token,
            OutputRows::First => group.first_window,
        }
    }

    /// Returns the range of the queried rows of a window in the group's values of this width. `index` is the window's index in
    /// the group.
    fn query_range(&self, index: usize, window: Range<usize>, width: usize) -> Range<usize> {
        match self.layer.rows {
            OutputRows::All => window.start * width..window.end * width,
            OutputRows::First => index * width..(index + 1) * width,
        }
    }
}

/// Streams of random numbers for the two dropouts of hidden states within a layer.
const AFTER_ATTENTION: usize = 0;
const AFTER_OUTPUT: usize = 1;

impl Layer {
    pub(super) fn new(spec: &EncoderSpec, layer: &LayerSpec, rounding: Rounding) -> Self {
        let (width, inner, epsilon) = (spec.hidden_size, spec.intermediate_size, spec.norm.epsilon);
        let name = |part: &str| format!("encoder.layer.{}.{part}", layer.weights);
        let linear = |part: &str, input, output, has_bias| Linear::new(&name(part), input, output, has_bias, rounding);
        let norm = |part: &str| Norm::new(&name(part), width, epsilon, spec.norm.has_bias);
        let projection = |part: &str| linear(part, width, width, spec.attention.has_bias);
        let [attention_norm, output_norm] = norm_names(spec.norm_placement);
        let feed_forward = spec.feed_forward;
        Self {
            width,
            placement: spec.norm_placement,
            query: projection("attention.self.query"),
            key: projection("attention.self.key"),
            value: projection("attention.self.value"),
            attention_output: linear("attention.output.dense", width, width, spec.attention.has_output_bias),
            attention_norm: layer.has_attention_norm.then(|| norm(attention_norm)),
            feed_forward,
            intermediate: linear("intermediate.dense", width, spec.first_product_width(), feed_forward.has_bias),
            output: linear("output.dense", inner, width, feed_forward.has_bias),
            output_norm: norm(output_norm),
        }
    }

    pub(super) fn linears_mut(&mut self) -> [&mut Linear; 6] {
        let Self { query, key, value, attention_output, intermediate, output, .. } = self;
        [query, key, value, attention_output, intermediate, output]
    }

    pub(super) fn norms_mut(&mut self) -> impl Iterator<Item = &mut Norm> {
        self.attention_norm.iter_mut().chain([&mut self.output_norm])
    }

    pub(super) fn gradients(&self) -> impl Iterator<Item = (&str, &[f32])> {
        let linears = [&self.query, &self.key, &self.value, &self.attention_output, &self.intermediate, &self.output];
        let norms = self.attention_norm.iter().chain([&self.output_norm]);
        linears.into_iter().flat_map(Linear::gradients).chain(norms.flat_map(Norm::gradients))
    }

    /// Returns the tasks that sum the weight gradients of the dense layers; `uses` are the numbers of the layers that have these
    /// weights.
    pub(super) fn gradient_tasks(&mut self, uses: Vec<usize>) -> impl Iterator<Item = GradientTask<'_>> {
        const OPERANDS: [Operands; 6] = [
            |group, layer| (&group.layers[layer].d_queries, group.layers[layer].query_input()),
            |group, layer| (&group.layers[layer].d_keys, group.layers[layer].attention_input()),
            |group, layer| (&group.layers[layer].d_values, group.layers[layer].attention_input()),
            |group, layer| (&group.layers[layer].d_attention_output, &group.layers[layer].context),
            |group, layer| (&group.layers[layer].d_intermediate_input, &group.layers[layer].attended),
            |group, layer| (&group.layers[layer].d_output, &group.layers[layer].intermediate),
        ];
        let linears = self.linears_mut().into_iter().zip(OPERANDS);
        linears.flat_map(move |(linear, operands)| linear.tasks(uses.clone(), operands))
    }

    /// Adds the gradients of the layer norms of groups that went backward, in their order. `number` is that of a layer with these
    /// weights.
    pub(super) fn add_norm_gradients(&mut self, number: usize, groups: &[Group]) {
        for memory in groups.iter().map(|group| &group.layers[number]) {
            if let Some(norm) = &mut self.attention_norm {
                norm.add(&memory.attention_norm);
            }
            self.output_norm.add(&memory.output_norm);
        }
    }

    /// Replaces `group.hidden` (`[tokens, width]`) with this layer's output (`[rows, width]`).
    pub(super) fn forward(&self, context: Context, group: &mut Group) {
        self.attend(context, group);
        let (width, first_row, dropout) = (self.width, context.first_row(group), context.dropout());
        let Group { ends, first_tokens, hidden, layers, scratch, .. } = group;
        let precise = first_tokens.among(context.layer.rows);
        let product = &mut scratch.product;
        let memory = &mut layers[context.layer.number];
        let rows = memory.context.len();
        let sum = sized(&mut memory.attention_sum, rows);
        self.attention_output.forward(&memory.context, precise, product, sum);
        if let Some(dropout) = dropout {
            dropout.hidden.substream(AFTER_ATTENTION).apply(first_row * width, sum);
        }
        match context.layer.rows {
            OutputRows::All => add(sum, &memory.input),
            OutputRows::First => {
                for (window, row) in windows(ends).zip(sum.chunks_exact_mut(width)) {
                    add(row, &memory.input[window.start * width..][..width]);
                }
            }
        }
        let attended = sized(&mut memory.attended, rows);
        match (self.placement, &self.attention_norm) {
            (NormPlacement::After, Some(norm)) => norm.forward(sum, attended),
            _ => self.output_norm.forward(sum, attended),
        }
        let size = rows / width * self.intermediate.output_width();
        let first = sized(&mut memory.intermediate_input, size);
        self.intermediate.forward(attended, precise, product, first);
        let FeedForwardSpec { activation, is_gated, .. } = self.feed_forward;
        let inner = self.output.input_width();
        let activated = sized(&mut memory.intermediate, rows / width * inner);
        match is_gated {
            false => activation.forward(first, activated),
            true => activation.gated(first, inner, activated, InstructionSet::best()),
        }
        let mut second_product = |out: &mut [f32]| {
            self.output.forward(activated, precise, product, out);
            if let Some(dropout) = dropout {
                dropout.hidden.substream(AFTER_OUTPUT).apply(first_row * width, out);
            }
        };
        match self.placement {
            NormPlacement::After => {
                let sum = sized(&mut memory.output_sum, rows);
                second_product(sum);
                add(sum, attended);
                self.output_norm.forward(sum, sized(hidden, rows));
            }
            NormPlacement::Before => {
                let out = sized(hidden, rows);
                second_product(out);
                add(out, &memory.attention_sum);
            }
        }
    }

    /// Moves `group.hidden` into the layer's memory, and computes the context of the queried rows.
    fn attend(&self, context: Context, group: &mut Group) {
        let (width, dropout) = (self.width, context.dropout());
        let Group { ends, first_tokens, first_window, hidden, layers, scratch, .. } = group;
        let GroupScratch { product, attention: memory_of_attention, .. } = scratch;
        let memory = &mut layers[context.layer.number];
        std::mem::swap(&mut memory.input, hidden);
        match (self.placement, &self.attention_norm) {
            (NormPlacement::Before, Some(norm)) => {
                norm.forward(&memory.input, sized(&mut memory.normed, memory.input.len()))
            }
            _ => memory.normed.clear(),
        }
        memory.query_rows.clear();
        if context.layer.rows == OutputRows::First {
            let input = if memory.normed.is_empty() { &memory.input } else { &memory.normed };
            for window in windows(ends) {
                memory.query_rows.extend_from_slice(&input[window.start * width..][..width]);
            }
        }
        let (tokens, rows) = (memory.input.len(), memory.query_input().len());
        let mut queries = std::mem::take(&mut memory.queries);
        let mut keys = std::mem::take(&mut memory.keys);
        let mut values = std::mem::take(&mut memory.values);
        let (all, queried) = (first_tokens.among(OutputRows::All), first_tokens.among(context.layer.rows));
        self.query.forward(memory.query_input(), queried, product, sized(&mut queries, rows));
        self.key.forward(memory.attention_input(), all, product, sized(&mut keys, tokens));
        self.value.forward(memory.attention_input(), all, product, sized(&mut values, tokens));
        (memory.queries, memory.keys, memory.values) = (queries, keys, values);
        let LayerMemory { queries, keys, values, context: out, .. } = memory;
        sized(out, rows);
        let attention = context.layer.attention;
        for (index, window) in windows(ends).enumerate() {
            let all = window.start * width..window.end * width;
            let own = context.query_range(index, window, width);
            if let Some(rotary) = context.positions.rotary(context.layer.rotary_base) {
                let set = InstructionSet::best();
                rotary.apply(&mut queries[own.clone()], width, attention.heads, set);
                rotary.apply(&mut keys[all.clone()], width, attention.heads, set);
            }
            let parts = Window {
                queries: &queries[own.clone()],
                keys: &keys[all.clone()],
                values: &values[all],
                bias: context.positions.bias.as_ref().map(|bias| bias.values.as_slice()),
            };
            let dropout = dropout.map(|dropout| dropout.attention.substream(*first_window + index));
            attention.forward(parts, dropout, memory_of_attention, &mut out[own]);
        }
    }

    /// Replaces `group.gradient`, that of the output (`[rows, width]`), with that of the input (`[tokens, width]`). With a
    /// comparison of attention relations, adds its loss to `group.loss` and its gradient to those of queries, keys and values.
    pub(super) fn backward(&self, context: Context, relations: Option<GroupComparison>, group: &mut Group) {
        let (width, first_row, dropout) = (self.width, context.first_row(group), context.dropout());
        self.feed_forward_backward(context, group);
        let Group { ends, first_window, gradient, layers, scratch, d_bias, loss, .. } = group;
        let GroupScratch {
            product,
            attention: memory_of_attention,
            relations: memory_of_relations,
            rows: d_sum,
            other_rows,
            intermediate,
        } = scratch;
        let memory = &mut layers[context.layer.number];
        let (tokens, rows) = (memory.input.len(), d_sum.len());
        let d_attention_output = sized(&mut memory.d_attention_output, rows);
        d_attention_output.copy_from_slice(d_sum);
        if let Some(dropout) = dropout {
            dropout.hidden.substream(AFTER_ATTENTION).apply(first_row * width, d_attention_output);
        }
        let d_context = sized(other_rows, rows);
        self.attention_output.backward(d_attention_output, product, d_context);
        let d_queries = sized(&mut memory.d_queries, rows);
        let (d_keys, d_values) = (sized(&mut memory.d_keys, tokens), sized(&mut memory.d_values, tokens));
        let attention = context.layer.attention;
        let bias = context.positions.bias.as_ref().map(|bias| bias.values.as_slice());
        for (index, window) in windows(ends).enumerate() {
            let all = window.start * width..window.end * width;
            let own = context.query_range(index, window, width);
            let parts = Window {
                queries: &memory.queries[own.clone()],
                keys: &memory.keys[all.clone()],
                values: &memory.values[all.clone()],
                bias,
            };
            let out = WindowGradient {
                queries: &mut d_queries[own.clone()],
                keys: &mut d_keys[all.clone()],
                values: &mut d_values[all.clone()],
                bias: bias.map(|_| d_bias.as_mut_slice()),
            };
            let dropout = dropout.map(|dropout| dropout.attention.substream(*first_window + index));
            attention.backward(parts, dropout, &d_context[own], memory_of_attention, out);
        }
        if let Some(relations) = relations {
            *loss += relations.compare_relations(memory, ends, width, attention.heads, memory_of_relations);
        }
        let (d_queries, d_keys, d_values) = (&mut memory.d_queries, &mut memory.d_keys, &memory.d_values);
        if let Some(rotary) = context.positions.rotary(context.layer.rotary_base) {
            let set = InstructionSet::best();
            for (index, window) in windows(ends).enumerate() {
                let all = window.start * width..window.end * width;
                let own = context.query_range(index, window, width);
                rotary.apply_back(&mut d_queries[own], width, attention.heads, set);
                rotary.apply_back(&mut d_keys[all], width, attention.heads, set);
            }
        }
        let from_queries = d_context;
        self.query.backward(d_queries, product, from_queries);
        let d_input = sized(gradient, tokens);
        self.key.backward(d_keys, product, d_input);
        let from_values = sized(intermediate, tokens);
        self.value.backward(d_values, product, from_values);
        add(d_input, from_values);
        let add_rows = |d_input: &mut [f32], from_rows: &[f32]| match context.layer.rows {
            OutputRows::All => add(d_input, from_rows),
            OutputRows::First => {
                for (window, row) in windows(ends).zip(from_rows.chunks_exact(width)) {
                    add(&mut d_input[window.start * width..][..width], row);
                }
            }
        };
        match (self.placement, &self.attention_norm) {
            (NormPlacement::Before, norm) => {
                add_rows(d_input, from_queries);
                if let Some(norm) = norm {
                    norm.backward(&memory.input, d_input, from_values, &mut memory.attention_norm);
                    d_input.copy_from_slice(from_values);
                }
                add_rows(d_input, d_sum);
            }
            (NormPlacement::After, _) => {
                // The queried rows receive the gradients of the residual and of their queries.
                add(d_sum, from_queries);
                add_rows(d_input, d_sum);
            }
        }
    }

    /// Fills `group.scratch.rows` with the gradient of the sum after attention, from `group.gradient`.
    fn feed_forward_backward(&self, context: Context, group: &mut Group) {
        let (width, first_row, dropout) = (self.width, context.first_row(group), context.dropout());
        let Group { gradient, layers, scratch, .. } = group;
        let GroupScratch { product, rows: d_sum, other_rows: update, intermediate, .. } = scratch;
        let memory = &mut layers[context.layer.number];
        let rows = gradient.len();
        // This is also the gradient of the second residual.
        let d_sum = sized(d_sum, rows);
        match self.placement {
            NormPlacement::After => {
                self.output_norm.backward(&memory.output_sum, gradient, d_sum, &mut memory.output_norm)
            }
            NormPlacement::Before => d_sum.copy_from_slice(gradient),
        }
        let d_output = sized(&mut memory.d_output, rows);
        d_output.copy_from_slice(d_sum);
        if let Some(dropout) = dropout {
            dropout.hidden.substream(AFTER_OUTPUT).apply(first_row * width, d_output);
        }
        let d_intermediate = sized(intermediate, memory.intermediate.len());
        self.output.backward(d_output, product, d_intermediate);
        let d_first = sized(&mut memory.d_intermediate_input, memory.intermediate_input.len());
        let FeedForwardSpec { activation, is_gated, .. } = self.feed_forward;
        match is_gated {
            false => activation.backward(&memory.intermediate_input, d_intermediate, d_first),
            true => {
                let inner = self.output.input_width();
                activation.gated_backward(&memory.intermediate_input, inner, d_intermediate, d_first);
            }
        }
        let update = sized(update, rows);
        self.intermediate.backward(d_first, product, update);
        match (self.placement, &self.attention_norm) {
            (NormPlacement::After, Some(norm)) => {
                add(d_sum, update);
                norm.backward(&memory.attention_sum, d_sum, update, &mut memory.attention_norm);
                d_sum.copy_from_slice(update);
            }
            _ => {
                // `gradient` is no longer needed.
                let d_normed = sized(gradient, rows);
                self.output_norm.backward(&memory.attention_sum, update, d_normed, &mut memory.output_norm);
                add(d_sum, d_normed);
            }
        }
    }
}
