//! Texts to what the heads say before temperature and activation: window by window, so that any temperature can be tried
//! on them without another pass through the encoder.

use crate::batch::{Batch, PackedBatch, plan};
use crate::classifier::Classifier;
use crate::decide::{Combine, HeadPrediction, Prediction, combine};
use crate::error::Result;
use crate::head::{Head, Logits, Probabilities};
use crate::network::{Network, PackedNetwork, Scratch};
use crate::tokenize::TokenId;
use crate::window::Windowing;
use crate::workers::parallel;
use std::sync::Arc;

/// Texts that a thread takes at once.
const TEXTS: usize = 8;

/// Tokens that a thread takes at once.
const WORKER_TOKENS: usize = 1024;

/// Tokens, padding included, of a batch on a GPU.
const GPU_TOKENS: usize = 32_768;

/// What a model says about one text before any temperature.
#[derive(Debug, Clone, PartialEq)]
pub struct TextLogits {
    /// Logits by window, then by head.
    pub windows: Vec<Vec<Logits>>,
    /// Tokens that each window adds to those before it: its weight in a mean.
    pub adds: Vec<usize>,
    /// Tokens of the text.
    pub tokens: usize,
}

impl TextLogits {
    /// The prediction at these heads' temperatures.
    pub fn prediction(&self, heads: &[Arc<Head>], rule: Combine) -> Prediction {
        let answer = |(number, head): (usize, &Arc<Head>)| {
            let windows: Vec<Probabilities> =
                self.windows.iter().map(|window| head.probabilities(&window[number])).collect();
            HeadPrediction { head: head.clone(), probabilities: combine(head, &windows, &self.adds, rule) }
        };
        let heads = heads.iter().enumerate().map(answer).collect();
        Prediction { heads, windows: self.windows.len(), tokens: self.tokens }
    }
}

/// Reads whole texts as a classifier does, and stops before the temperature.
pub struct LogitReader<'c> {
    classifier: &'c Classifier,
    network: Either,
    windowing: Windowing,
    threads: usize,
}

enum Either {
    Packed(PackedNetwork),
    Graph(Network),
}

impl<'c> LogitReader<'c> {
    /// A reader that computes as the classifier does, on up to `threads` threads. It reads all windows of a text, even if
    /// the classifier has a limit.
    ///
    /// # Errors
    /// If the device fails.
    pub fn new(classifier: &'c Classifier, threads: usize) -> Result<Self> {
        let model = classifier.model();
        let (weights, config, parts) = (&model.weights, &model.config, &model.parts);
        let network = match classifier.device().is_cpu() {
            true => {
                let (precision, instructions) = (classifier.precision(), classifier.instructions());
                Either::Packed(PackedNetwork::new(weights, config, parts, precision, instructions, threads)?)
            }
            false => Either::Graph(Network::new(weights, config, parts)?),
        };
        let length = model.manifest.window.length - model.tokenizer.frame_length();
        let stride = model.manifest.window.stride.min(length);
        Ok(Self { classifier, network, windowing: Windowing { length, stride, limit: None }, threads })
    }

    /// The logits of each text, in their order.
    ///
    /// # Errors
    /// If the tokenizer or the device fails.
    pub fn read<T: AsRef<str> + Sync>(&self, texts: &[T]) -> Result<Vec<TextLogits>> {
        let parts = texts.len().div_ceil(TEXTS);
        let part = |number: usize| &texts[number * TEXTS..texts.len().min((number + 1) * TEXTS)];
        let read = match &self.network {
            Either::Packed(network) => parallel(parts, self.threads, |number| self.packed(network, part(number)))?,
            Either::Graph(network) => vec![self.graph(network, texts)?],
        };
        Ok(read.into_iter().flatten().collect())
    }

    fn packed<T: AsRef<str>>(&self, network: &PackedNetwork, texts: &[T]) -> Result<Vec<TextLogits>> {
        let mut scratch = Scratch::default();
        let read = |text: &T| {
            let (mut text, windows) = self.cut(text.as_ref())?;
            // A long article has more windows than memory should be taken for at once.
            let at_once = (WORKER_TOKENS / self.windowing.length).max(1);
            for (windows, read) in windows.chunks(at_once).zip(text.windows.chunks_mut(at_once)) {
                let mut batch = PackedBatch::default();
                windows.iter().for_each(|window| batch.push(window.iter().copied()));
                for head in network.forward(&batch, &mut scratch) {
                    read.iter_mut().zip(head).for_each(|(window, logits)| window.push(logits));
                }
            }
            Ok(text)
        };
        texts.iter().map(read).collect()
    }

    fn graph<T: AsRef<str>>(&self, network: &Network, texts: &[T]) -> Result<Vec<TextLogits>> {
        let (mut read, mut windows, mut places) = (vec![], vec![], vec![]);
        for (number, text) in texts.iter().enumerate() {
            let (text, cut) = self.cut(text.as_ref())?;
            places.extend((0..cut.len()).map(|window| (number, window)));
            windows.extend(cut);
            read.push(text);
        }
        let padding = self.classifier.model().config.pad_token_id;
        let lengths: Vec<usize> = windows.iter().map(Vec::len).collect();
        for part in plan(&lengths, GPU_TOKENS) {
            let chosen: Vec<&[TokenId]> = part.iter().map(|&window| windows[window].as_slice()).collect();
            for head in network.forward(&Batch::new(&chosen, padding, self.classifier.device())?, None)? {
                for (&window, row) in part.iter().zip(head.to_vec2::<f32>()?) {
                    let (text, window) = places[window];
                    read[text].windows[window].push(Logits(row));
                }
            }
        }
        Ok(read)
    }

    /// A text without its logits, and its windows as the network reads them.
    fn cut(&self, text: &str) -> Result<(TextLogits, Vec<Vec<TokenId>>)> {
        let model = self.classifier.model();
        let tokens = model.tokenizer.encode(text)?;
        let (mut windows, mut adds, mut covered) = (vec![], vec![], 0);
        for range in self.windowing.cut(tokens.len()) {
            adds.push(range.end - covered.max(range.start).min(range.end));
            covered = range.end;
            let mut ids = model.tokenizer.frame(&tokens[range]);
            if ids.is_empty() {
                // Nothing at all has no vector.
                ids.push(model.config.pad_token_id);
            }
            windows.push(ids);
        }
        Ok((TextLogits { windows: vec![vec![]; windows.len()], adds, tokens: tokens.len() }, windows))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{Device, Model, Options, Precision, PrecisionChoice};
    use std::path::Path;

    fn texts() -> Vec<String> {
        let words = ["council", "voted", "", "bridge;", "rain", "closed", "two", "the"];
        let text = |i: usize| (0..i * i % 200).map(|j| words[(i + j * j) % words.len()]).collect::<Vec<_>>().join(" ");
        (0..30).map(text).collect()
    }

    #[test]
    fn predictions_are_the_classifiers_to_the_bit() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny");
        let mut model = Model::open(&folder, &Device::Cpu).unwrap();
        model.manifest.heads[0].temperature = 1.7;
        for (rule, precision) in [(Combine::Mean, Precision::F32), (Combine::Max, Precision::Int8)] {
            model.manifest.window.combine = rule;
            let options = Options { precision: PrecisionChoice::Exactly(precision), ..Options::default() };
            let classifier = Classifier::new(model.clone(), &options).unwrap();
            let read = LogitReader::new(&classifier, 2).unwrap().read(&texts()).unwrap();
            assert!(read.iter().any(|text| text.windows.len() > 2) && read[0].windows.len() == 1);
            let found: Vec<Prediction> = read.iter().map(|text| text.prediction(classifier.heads(), rule)).collect();
            assert_eq!(found, classifier.classify(&texts()).unwrap());
        }
    }

    #[test]
    fn the_graph_reads_the_same() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny");
        let classifier = Classifier::open(folder).unwrap();
        let packed = LogitReader::new(&classifier, 1).unwrap();
        let model = classifier.model();
        let network = Network::new(&model.weights, &model.config, &model.parts).unwrap();
        let found = packed.graph(&network, &texts()).unwrap();
        for (one, other) in packed.read(&texts()).unwrap().iter().zip(&found) {
            assert_eq!((&one.adds, one.tokens, one.windows.len()), (&other.adds, other.tokens, other.windows.len()));
            let numbers = |text: &TextLogits| -> Vec<f32> {
                text.windows.iter().flatten().flat_map(|logits| logits.0.clone()).collect()
            };
            assert!(numbers(one).iter().zip(numbers(other)).all(|(a, b)| (a - b).abs() < 1e-4));
        }
    }
}
