//! The gradients of a step through candle's autograd: on GPUs, and for encoders that [`TrainingNetwork`] does not support.
//!
//! A step is split into micro-batches, whose gradients are added.
//!
//! [`TrainingNetwork`]: newsdesk_model::network::TrainingNetwork

use crate::error::Result;
use crate::examples::Example;
use crate::loss::{LossOptions, total_loss};
use crate::random::dropout_seed;
use crate::settings::Settings;
use candle_core::{Tensor, Var};
use newsdesk_model::architecture::{EncoderSpec, WORD_TABLE};
use newsdesk_model::batch::Batch;
use newsdesk_model::checkpoint::Variables;
use newsdesk_model::encoder::graph::Dropout;
use newsdesk_model::network::{Network, NetworkSpec};
use newsdesk_model::tokenize::TokenId;
use newsdesk_model::workers::parallel;
use newsdesk_model::{Device, Head};
use std::collections::{BTreeMap, BTreeSet};

/// What the gradients of a step depend on, besides its examples.
pub(crate) struct GraphGradients<'a> {
    pub(crate) encoder: &'a EncoderSpec,
    pub(crate) spec: &'a NetworkSpec,
    pub(crate) heads: &'a [Head],
    pub(crate) variables: &'a Variables,
    pub(crate) loss: &'a LossOptions,
    pub(crate) settings: &'a Settings,
    pub(crate) device: &'a Device,
}

/// Loss and gradients of one micro-batch.
struct MicroBatch {
    loss: f32,
    /// Gradients of all variables except the word table.
    gradients: BTreeMap<String, Tensor>,
    /// The rows of the word table that occur.
    words: Vec<TokenId>,
    /// Their gradients, `[words, width]`.
    word_gradients: Tensor,
}

impl GraphGradients<'_> {
    /// Returns the mean loss per article of a step, and the gradient of each variable by name.
    pub(crate) fn of_step(
        &self,
        batch: &[&Example],
        epoch: usize,
        step: usize,
    ) -> Result<(f32, BTreeMap<String, Tensor>)> {
        let micro_batches: Vec<&[&Example]> = batch.chunks(self.settings.micro_batch_size).collect();
        let seed = |index| dropout_seed(self.settings.seed, epoch, step, index);
        let results = parallel(micro_batches.len(), self.settings.threads, |index| {
            self.of_micro_batch(micro_batches[index], batch.len(), seed(index))
        })?;
        let mut total = 0.0;
        let mut sums: BTreeMap<String, Tensor> = BTreeMap::new();
        let (mut words, mut word_gradients) = (Vec::new(), Vec::new());
        for micro_batch in results.into_iter().flatten() {
            total += micro_batch.loss;
            words.extend(micro_batch.words);
            word_gradients.push(micro_batch.word_gradients);
            for (name, gradient) in micro_batch.gradients {
                match sums.get_mut(&name) {
                    None => {
                        sums.insert(name, gradient);
                    }
                    Some(sum) => *sum = (&*sum + gradient)?,
                }
            }
        }
        if !word_gradients.is_empty() {
            let table = self.variables.get(WORD_TABLE)?;
            let count = word_gradients.iter().map(|rows| rows.dims()[0]).sum::<usize>();
            let words = Tensor::from_vec(words, count, self.device)?;
            let gradient = table.zeros_like()?.index_add(&words, &Tensor::cat(&word_gradients, 0)?, 0)?;
            sums.insert(WORD_TABLE.into(), gradient);
        }
        Ok((total, sums))
    }

    /// Returns loss and gradients of one micro-batch, as parts of the whole step's; `None` if none of its examples is labelled.
    ///
    /// The word table holds most of the weights, and a batch uses a few hundred of its rows. So the network is built on just
    /// these rows. The result is the same, without a gradient of the size of the table for each micro-batch.
    fn of_micro_batch(&self, examples: &[&Example], step_rows: usize, seed: u64) -> Result<Option<MicroBatch>> {
        let encoder = self.encoder;
        let words: Vec<TokenId> =
            examples.iter().flat_map(|e| &e.tokens).copied().chain([encoder.pad_token_id]).collect();
        let words: Vec<TokenId> = words.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let row = |token: &TokenId| words.binary_search(token).map_or(0, |i| i as TokenId);
        let windows: Vec<Vec<TokenId>> = examples.iter().map(|e| e.tokens.iter().map(row).collect()).collect();
        let windows: Vec<&[TokenId]> = windows.iter().map(Vec::as_slice).collect();
        let batch = Batch::new(&windows, row(&encoder.pad_token_id), self.device)?;

        let table = self.variables.get(WORD_TABLE)?;
        let rows = table.index_select(&Tensor::from_slice(&words, words.len(), self.device)?, 0)?;
        let rows = Var::from_tensor(&rows.detach())?; // [words, width]
        let weights = self.variables.weights().with(WORD_TABLE, rows.as_tensor().clone());
        let encoder = EncoderSpec { vocab_size: words.len(), ..encoder.clone() };
        let network = Network::new(&weights, &encoder, self.spec)?;

        let mut dropout = Dropout::new(encoder.hidden_dropout_prob, encoder.attention_probs_dropout_prob, seed);
        let logits = network.forward(&batch, Some(&mut dropout))?;
        let Some(loss) = total_loss(self.heads, &logits, examples, self.loss)? else { return Ok(None) };
        let loss = (loss / step_rows as f64)?;
        let mut store = loss.backward()?;
        let gradient = |(name, var): (&str, &Var)| store.remove(var).map(|g| (name.to_string(), g));
        let gradients = self.variables.iter().filter_map(gradient).collect();
        let word_gradients = store.remove(&rows).map_or_else(|| rows.zeros_like(), Ok)?;
        Ok(Some(MicroBatch { loss: loss.to_scalar::<f32>()?, gradients, words, word_gradients }))
    }
}
