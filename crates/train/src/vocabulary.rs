//! The part of the vocabulary that occurs in the training articles.
//!
//! Only these rows of the word table are trained, so that gradients and moments need memory for them alone. A multilingual model
//! has 250,000 rows, of which a data set uses a tenth. The other rows keep their values: they have no gradient, and weight decay does
//! not apply to them.

use crate::error::Result;
use crate::examples::Example;
use candle_core::Tensor;
use newsdesk_model::Model;
use newsdesk_model::architecture::{EncoderSpec, WORD_TABLE};
use newsdesk_model::checkpoint::Weights;
use newsdesk_model::tokenize::TokenId;
use std::collections::BTreeSet;

/// The token ids that training uses. Its own ids are their positions in this list.
pub(crate) struct Vocabulary {
    /// In ascending order.
    ids: Vec<TokenId>,
}

impl Vocabulary {
    /// Collects the token ids of all examples and replaces them by positions.
    pub(crate) fn renumber(examples: &mut [Vec<Example>], padding: TokenId) -> Self {
        let tokens = examples.iter_mut().flatten().flat_map(Example::all_tokens).map(|token| *token);
        let ids: BTreeSet<TokenId> = tokens.chain([padding]).collect();
        let vocabulary = Self { ids: ids.into_iter().collect() };
        for token in examples.iter_mut().flatten().flat_map(Example::all_tokens) {
            *token = vocabulary.position(*token);
        }
        vocabulary
    }

    fn position(&self, id: TokenId) -> TokenId {
        self.ids.partition_point(|known| *known < id) as TokenId
    }

    /// Returns the structure of an encoder with this vocabulary.
    pub(crate) fn encoder(&self, encoder: &EncoderSpec) -> EncoderSpec {
        let pad_token_id = self.position(encoder.pad_token_id);
        EncoderSpec { vocab_size: self.ids.len(), pad_token_id, ..encoder.clone() }
    }

    /// Returns the weights of a model with the rows of this vocabulary in place of its word table.
    ///
    /// # Errors
    /// If the word table is missing or has another shape, or the device fails.
    pub(crate) fn reduce(&self, model: &Model) -> Result<Weights> {
        self.reduce_table(&model.weights, WORD_TABLE, &model.encoder)
    }

    fn reduce_table(&self, weights: &Weights, name: &str, encoder: &EncoderSpec) -> Result<Weights> {
        let width = encoder.embeddings.width;
        let table = weights.table([encoder.vocab_size, width], name)?;
        let mut rows = vec![0.0; self.ids.len() * width];
        for (row, &id) in rows.chunks_exact_mut(width).zip(&self.ids) {
            table.row(id as usize, row);
        }
        Ok(weights.with(name, Tensor::from_vec(rows, (self.ids.len(), width), weights.device())?))
    }

    /// Returns weights of a checkpoint, or moments of an optimizer, as this version stores them.
    ///
    /// Older versions kept the prefix of the encoder in names, and all rows of the word table.
    ///
    /// # Errors
    /// If the device fails.
    pub(crate) fn of_older_version(&self, found: &Weights, base: &Model) -> Result<Weights> {
        const MOMENTS: [&str; 3] = ["", "first.", "second."];
        let prefix = format!("{}.", base.layout.prefix());
        let mut weights = found.renamed(|name| {
            let moment = MOMENTS.into_iter().rev().find(|moment| name.starts_with(moment)).unwrap_or_default();
            let rest = &name[moment.len()..];
            format!("{moment}{}", rest.strip_prefix(&prefix).unwrap_or(rest))
        });
        for moment in MOMENTS {
            let name = format!("{moment}{WORD_TABLE}");
            if weights.shape(&name) == Some(&[base.encoder.vocab_size, base.encoder.embeddings.width]) {
                weights = self.reduce_table(&weights, &name, &base.encoder)?;
            }
        }
        Ok(weights)
    }

    /// Returns weights that were reduced and then trained, with the word table of the model whose rows they replace.
    ///
    /// # Errors
    /// If a word table is missing or has another shape, or the device fails.
    pub(crate) fn restore(&self, weights: &Weights, model: &Model) -> Result<Weights> {
        let (words, width) = (model.encoder.vocab_size, model.encoder.embeddings.width);
        let mut table = vec![];
        model.weights.read(&[words, width], WORD_TABLE, &mut table)?;
        let mut rows = vec![];
        weights.read(&[self.ids.len(), width], WORD_TABLE, &mut rows)?;
        for (row, &id) in rows.chunks_exact(width).zip(&self.ids) {
            table[id as usize * width..][..width].copy_from_slice(row);
        }
        Ok(weights.with(WORD_TABLE, Tensor::from_vec(table, (words, width), weights.device())?))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use newsdesk_model::Device;

    #[test]
    fn reduced_weights_come_back_in_their_rows() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny");
        let model = Model::open(folder.as_ref(), &Device::Cpu).unwrap();
        let example = |tokens: &[TokenId]| Example { tokens: tokens.into(), ..Example::default() };
        let mut examples = vec![vec![example(&[2, 599, 40, 3])], vec![example(&[2, 40, 17, 3])]];
        let vocabulary = Vocabulary::renumber(&mut examples, 0);
        let tokens: Vec<_> = examples.iter().flatten().map(|example| example.tokens.clone()).collect();
        assert_eq!(tokens, [[1, 5, 4, 2], [1, 4, 3, 2]]);
        let encoder = vocabulary.encoder(&model.encoder);
        assert_eq!((encoder.vocab_size, encoder.pad_token_id), (6, 0));

        let table = |weights: &Weights, words: usize| {
            let mut values = vec![];
            weights.read(&[words, 32], WORD_TABLE, &mut values).unwrap();
            values
        };
        let (reduced, all) = (vocabulary.reduce(&model).unwrap(), table(&model.weights, 600));
        let rows = table(&reduced, 6);
        assert_eq!(rows[5 * 32..], all[599 * 32..]);
        assert_eq!(table(&vocabulary.restore(&reduced, &model).unwrap(), 600), all);
        let doubled: Vec<f32> = rows.iter().map(|x| 2.0 * x).collect();
        let trained = reduced.with(WORD_TABLE, Tensor::from_vec(doubled, (6, 32), &Device::Cpu).unwrap());
        let restored = table(&vocabulary.restore(&trained, &model).unwrap(), 600);
        for (id, (row, old)) in restored.chunks(32).zip(all.chunks(32)).enumerate() {
            let factor = if [0, 2, 3, 17, 40, 599].contains(&id) { 2.0 } else { 1.0 };
            assert!(row.iter().zip(old).all(|(x, old)| *x == factor * old), "row {id}");
        }
    }
}
