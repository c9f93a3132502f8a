//! A teacher whose hidden states and attention relations a student learns to have as well, besides its predictions.
//!
//! Student and teacher read the same windows, which form the same groups. The teacher's activations stay in its groups until the
//! student's backward pass compares them with its own.

use super::TrainingEncoder;
use super::group::{Group, LayerMemory, windows};
use super::rounding::Rounding;
use crate::architecture::EncoderSpec;
use crate::checkpoint::Weights;
use crate::encoder::OutputRows;
use crate::error::Result;
use crate::tokenize::TokenId;
use newsdesk_kernels::attention::relations::{RelationScratch, Vectors, relation_loss};

/// The weights of the losses that compare the encoders of student and teacher.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EncoderLosses {
    /// The weight of the mean squared difference of hidden states: the mean over the student's layers, over the tokens of a
    /// window and over their numbers. Each layer is compared with the teacher's layer at the same share of the depth; the last one
    /// with the last one. Both encoders have the same width.
    pub hidden_states: f32,
    /// The weight of the loss of attention relations in the last layers: the mean over those of queries, keys and values. See
    /// [`newsdesk_kernels::attention::relations`].
    pub relations: f32,
}

impl EncoderLosses {
    /// Returns the rows of the last layer that the losses need, if the pooling needs these.
    pub fn rows(self, pooled: OutputRows) -> OutputRows {
        // Relations compare the queries of all tokens.
        if self.relations > 0.0 { OutputRows::All } else { pooled }
    }

    fn scaled(self, factor: f32) -> Self {
        Self { hidden_states: self.hidden_states * factor, relations: self.relations * factor }
    }
}

/// The encoder of a teacher.
pub struct EncoderTeacher {
    encoder: TrainingEncoder,
    weights: Weights,
    losses: EncoderLosses,
}

impl EncoderTeacher {
    /// Creates the encoder of a teacher with its weights. `rows` are the rows of the student's last layer.
    ///
    /// # Errors
    /// If a tensor is missing, has a different shape or is not on the CPU.
    pub fn new(
        spec: &EncoderSpec,
        weights: Weights,
        rows: OutputRows,
        losses: EncoderLosses,
        threads: usize,
    ) -> Result<Self> {
        let mut encoder = TrainingEncoder::new(spec, rows, 0, Rounding::Nothing);
        encoder.load(&weights, threads)?;
        Ok(Self { encoder, weights, losses })
    }

    /// Reads the windows that the student has read, and returns the comparison with it. `factor` is that of all losses.
    ///
    /// # Errors
    /// The same as [`TrainingEncoder::forward`].
    pub fn compare(&mut self, windows: &[&[TokenId]], factor: f32, threads: usize) -> Result<Comparison<'_>> {
        self.encoder.forward(&self.weights, windows, None, threads)?;
        let TrainingEncoder { spec, groups, used, .. } = &self.encoder;
        let losses = self.losses.scaled(factor);
        Ok(Comparison { groups: &groups[..*used], width: spec.hidden_size, losses })
    }
}

/// The activations of a teacher, with which those of a student are compared.
#[derive(Clone, Copy)]
pub struct Comparison<'a> {
    groups: &'a [Group],
    width: usize,
    losses: EncoderLosses,
}

impl<'a> Comparison<'a> {
    /// Returns the comparison of the student's group of this number.
    pub(super) fn of_group(self, number: usize) -> GroupComparison<'a> {
        GroupComparison { teacher: &self.groups[number], width: self.width, losses: self.losses }
    }
}

/// The activations of a teacher for one group.
#[derive(Clone, Copy)]
pub(super) struct GroupComparison<'a> {
    teacher: &'a Group,
    width: usize,
    losses: EncoderLosses,
}

impl GroupComparison<'_> {
    /// Returns the teacher's layer with whose output that of the student's layer is compared.
    fn teacher_layer(self, layer: usize, layers: usize) -> usize {
        ((layer + 1) * self.teacher.layers.len()).div_ceil(layers) - 1
    }

    /// Compares the output of a layer, and adds the gradient to `student.gradient`, which is that of this output. Returns the loss.
    pub(super) fn compare_output(self, layer: usize, student: &mut Group) -> f64 {
        if self.losses.hidden_states == 0.0 {
            return 0.0;
        }
        let Group { ends, hidden, gradient, layers, .. } = student;
        let of_teacher = self.teacher_layer(layer, layers.len());
        let (own, target) =
            (output(layers, hidden, layer), output(&self.teacher.layers, &self.teacher.hidden, of_teacher));
        let has_all_rows = own.len() == ends.last().copied().unwrap_or_default() * self.width;
        let mut loss = 0.0;
        for (index, window) in windows(ends).enumerate() {
            let rows = if has_all_rows { window } else { index..index + 1 };
            let values = rows.start * self.width..rows.end * self.width;
            let weight = self.losses.hidden_states / (layers.len() * values.len()) as f32;
            let numbers = own[values.clone()].iter().zip(&target[values.clone()]);
            for ((own, target), gradient) in numbers.zip(&mut gradient[values]) {
                let difference = own - target;
                loss += f64::from(weight * difference * difference);
                *gradient += 2.0 * weight * difference;
            }
        }
        loss
    }

    /// Compares the relations of the last layer, whose memory is `student`, and adds the gradients to those of its queries, keys
    /// and values. `ends` are those of the group, `heads` is the student's number of heads. Returns the loss.
    pub(super) fn compare_relations(
        self,
        student: &mut LayerMemory,
        ends: &[usize],
        student_width: usize,
        heads: usize,
        scratch: &mut RelationScratch,
    ) -> f64 {
        let Some(teacher) = self.teacher.layers.last().filter(|_| self.losses.relations > 0.0) else { return 0.0 };
        let weight = self.losses.relations / 3.0;
        let LayerMemory { queries, keys, values, d_queries, d_keys, d_values, .. } = student;
        let kinds = [
            (&*queries, d_queries, &teacher.queries),
            (&*keys, d_keys, &teacher.keys),
            (&*values, d_values, &teacher.values),
        ];
        let mut loss = 0.0;
        for (own, gradient, target) in kinds {
            for window in windows(ends) {
                let range = window.start * student_width..window.end * student_width;
                let of_teacher = window.start * self.width..window.end * self.width;
                let own = Vectors { values: &own[range.clone()], width: student_width };
                let target = Vectors { values: &target[of_teacher], width: self.width };
                loss += f64::from(relation_loss(own, target, heads, weight, scratch, &mut gradient[range]));
            }
        }
        loss
    }
}

/// Returns the output of a layer. `hidden` is that of the last one.
fn output<'a>(layers: &'a [LayerMemory], hidden: &'a [f32], layer: usize) -> &'a [f32] {
    // Each layer keeps its input.
    layers.get(layer + 1).map_or(hidden, |next| &next.input)
}
