//! One encoder layer forward and back.

use super::group::{Group, GroupScratch, LayerMemory, sized, windows};
use super::linear::{GradientTask, Linear, Norm, Of};
use super::{Dropouts, add};
use crate::encoder::{EncoderConfig, Rows};
use newsdesk_kernels::activation;
use newsdesk_kernels::attention::{Attention, Window, WindowGradient};

pub(super) struct Layer {
    rows: Rows,
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

/// Kinds of dropout within a layer.
const AFTER_ATTENTION: usize = 0;
const AFTER_OUTPUT: usize = 1;

impl Layer {
    pub(super) fn new(name: &str, config: &EncoderConfig, rows: Rows) -> Self {
        let (width, wide, epsilon) = (config.hidden_size, config.intermediate_size, config.layer_norm_eps);
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
            intermediate: linear("intermediate.dense", width, wide),
            output: linear("output.dense", wide, width),
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

    /// The work of summing the gradients of this layer's dense layers.
    pub(super) fn gradient_tasks(&mut self, number: usize) -> impl Iterator<Item = GradientTask<'_>> {
        let of: [Of; 6] = [
            match self.rows {
                Rows::All => |memory| (&memory.d_queries, &memory.input),
                Rows::First => |memory| (&memory.d_queries, &memory.asking),
            },
            |memory| (&memory.d_keys, &memory.input),
            |memory| (&memory.d_values, &memory.input),
            |memory| (&memory.d_attention_output, &memory.gathered),
            |memory| (&memory.d_wide_input, &memory.attended),
            |memory| (&memory.d_output, &memory.wide),
        ];
        self.linears_mut().into_iter().zip(of).flat_map(move |(linear, of)| linear.tasks(number, of))
    }

    pub(super) fn add_norm_gradients(&mut self, number: usize, groups: &[Group]) {
        for memory in groups.iter().map(|group| &group.layers[number]) {
            self.attention_norm.add(&memory.attention_norm);
            self.output_norm.add(&memory.output_norm);
        }
    }

    /// The number of a group's first row, by which dropout is drawn.
    fn first_row(&self, group: &Group) -> usize {
        match self.rows {
            Rows::All => group.first_token,
            Rows::First => group.first_window,
        }
    }

    /// `group.hidden`, `[tokens, width]`, to `[rows, width]`.
    pub(super) fn forward(&self, number: usize, drop: Option<Dropouts>, group: &mut Group) {
        let width = self.width;
        let first_row = self.first_row(group);
        let drop =
            drop.map(|drop| Dropouts { hidden: drop.hidden.of(1 + number), attention: drop.attention.of(number) });
        let Group { ends, first_window, hidden, layers, scratch, .. } = group;
        let GroupScratch { product, attention, .. } = scratch;
        let memory = &mut layers[number];
        std::mem::swap(&mut memory.input, hidden);
        let LayerMemory { input, asking, queries, keys, values, gathered, attention_sum, attended, .. } = memory;
        let asking: &[f32] = match self.rows {
            Rows::All => input,
            Rows::First => {
                asking.clear();
                for window in windows(ends) {
                    asking.extend_from_slice(&input[window.start * width..][..width]);
                }
                asking
            }
        };
        let (tokens, rows) = (input.len(), asking.len());
        self.query.forward.forward(asking, product, sized(queries, rows));
        self.key.forward.forward(input, product, sized(keys, tokens));
        self.value.forward.forward(input, product, sized(values, tokens));
        sized(gathered, rows);
        for (place, window) in windows(ends).enumerate() {
            let own = self.own_rows(place, window.start, window.end);
            let all = window.start * width..window.end * width;
            let parts = Window { queries: &queries[own.clone()], keys: &keys[all.clone()], values: &values[all] };
            let drop = drop.map(|drop| drop.attention.of(*first_window + place));
            self.attention.forward(parts, drop, attention, &mut gathered[own]);
        }
        let after_attention = sized(attention_sum, rows);
        self.attention_output.forward.forward(gathered, product, after_attention);
        if let Some(drop) = drop {
            drop.hidden.of(AFTER_ATTENTION).apply(first_row * width, after_attention);
        }
        add(after_attention, asking);
        self.attention_norm.forward(after_attention, sized(attended, rows));
        let wide_size = rows / width * self.intermediate.forward.width();
        self.intermediate.forward.forward(attended, product, sized(&mut memory.wide_input, wide_size));
        activation::gelu(&memory.wide_input, sized(&mut memory.wide, wide_size));
        let sum = sized(&mut memory.output_sum, rows);
        self.output.forward.forward(&memory.wide, product, sum);
        if let Some(drop) = drop {
            drop.hidden.of(AFTER_OUTPUT).apply(first_row * width, sum);
        }
        add(sum, attended);
        self.output_norm.forward(sum, sized(hidden, rows));
    }

    /// `group.gradient`, `[rows, width]`, to that of the layer's input, `[tokens, width]`.
    pub(super) fn backward(&self, number: usize, drop: Option<Dropouts>, group: &mut Group) {
        let width = self.width;
        let first_row = self.first_row(group);
        let drop =
            drop.map(|drop| Dropouts { hidden: drop.hidden.of(1 + number), attention: drop.attention.of(number) });
        let Group { ends, first_window, gradient, layers, scratch, .. } = group;
        let GroupScratch { product, attention, rows: d_sum, other_rows: update, wide } = scratch;
        let memory = &mut layers[number];
        let (tokens, rows) = (memory.input.len(), gradient.len());
        // Through the second layer norm and the wide products; `d_sum` goes on past them.
        let d_sum = sized(d_sum, rows);
        self.output_norm.backward(&memory.output_sum, gradient, d_sum, &mut memory.output_norm);
        let d_output = sized(&mut memory.d_output, rows);
        d_output.copy_from_slice(d_sum);
        if let Some(drop) = drop {
            drop.hidden.of(AFTER_OUTPUT).apply(first_row * width, d_output);
        }
        let d_wide = sized(wide, memory.wide.len());
        self.output.backward.forward(d_output, product, d_wide);
        let d_wide_input = sized(&mut memory.d_wide_input, d_wide.len());
        activation::gelu_backward(&memory.wide_input, d_wide, d_wide_input);
        let update = sized(update, rows);
        self.intermediate.backward.forward(d_wide_input, product, update);
        add(d_sum, update);
        // Through the first layer norm and attention.
        let d_attended = &*d_sum;
        self.attention_norm.backward(&memory.attention_sum, d_attended, update, &mut memory.attention_norm);
        let d_attention_output = sized(&mut memory.d_attention_output, rows);
        d_attention_output.copy_from_slice(update);
        if let Some(drop) = drop {
            drop.hidden.of(AFTER_ATTENTION).apply(first_row * width, d_attention_output);
        }
        let d_gathered = d_sum;
        self.attention_output.backward.forward(d_attention_output, product, d_gathered);
        let d_queries = sized(&mut memory.d_queries, rows);
        let (d_keys, d_values) = (sized(&mut memory.d_keys, tokens), sized(&mut memory.d_values, tokens));
        for (place, window) in windows(ends).enumerate() {
            let own = self.own_rows(place, window.start, window.end);
            let all = window.start * width..window.end * width;
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
            let drop = drop.map(|drop| drop.attention.of(*first_window + place));
            self.attention.backward(parts, drop, &d_gathered[own], attention, out);
        }
        // What the rows that ask hand on: the residual and their queries.
        self.query.backward.forward(d_queries, product, d_gathered);
        add(update, d_gathered);
        let d_input = sized(gradient, tokens);
        self.key.backward.forward(d_keys, product, d_input);
        let from_values = sized(wide, tokens);
        self.value.backward.forward(d_values, product, from_values);
        add(d_input, from_values);
        match self.rows {
            Rows::All => add(d_input, update),
            Rows::First => {
                for (window, row) in windows(ends).zip(update.chunks_exact(width)) {
                    add(&mut d_input[window.start * width..][..width], row);
                }
            }
        }
    }

    /// Where a window's rows that ask stand among all of the group.
    fn own_rows(&self, place: usize, start: usize, end: usize) -> std::ops::Range<usize> {
        match self.rows {
            Rows::All => start * self.width..end * self.width,
            Rows::First => place * self.width..(place + 1) * self.width,
        }
    }
}
