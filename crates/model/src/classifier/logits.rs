//! Texts to what the heads say before temperature and activation: window by window, so that any temperature can be tried
//! on them without another pass through the encoder.

use super::engine::WorkerMemory;
use super::{Classifier, EncoderWay, Text, Way, Window};
use crate::decide::{Combine, Prediction, combined};
use crate::error::Result;
use crate::head::{Head, Logits, Probabilities};
use crate::tokenize::TokenId;
use crate::workers::parallel;
use std::sync::Arc;

/// Texts that a thread takes at once on a processor.
const TEXTS: usize = 32;

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
    /// What the head of this number says alone.
    pub fn of_head(&self, head: usize) -> Self {
        let windows = self.windows.iter().map(|heads| vec![heads[head].clone()]).collect();
        Self { windows, adds: self.adds.clone(), tokens: self.tokens }
    }

    /// The prediction at these heads' temperatures.
    pub fn prediction(&self, heads: &[Arc<Head>], rule: Combine) -> Prediction {
        let probabilities = |window: &Vec<Logits>| -> Vec<Probabilities> {
            heads.iter().zip(window).map(|(head, logits)| head.probabilities(logits)).collect()
        };
        let windows: Vec<_> = self.windows.iter().map(probabilities).collect();
        combined(heads, &windows, &self.adds, self.tokens, rule)
    }
}

impl Classifier {
    /// The logits of each text, in their order: as [`Classifier::classify`], but for what follows the network.
    ///
    /// # Errors
    /// If the tokenizer or the device fails.
    pub fn logits<T: AsRef<str> + Sync>(&self, texts: &[T]) -> Result<Vec<TextLogits>> {
        let at_once = match &self.way {
            // A GPU takes all it can get at once, by one thread.
            Way::Encoder(way) if way.engine.encoders() == 1 => texts.len().max(1),
            Way::Encoder(_) => TEXTS,
            // Each part has a reader of its own, with memory for all features.
            Way::Linear(_) => texts.len().div_ceil(self.threads).max(TEXTS),
        };
        let parts: Vec<&[T]> = texts.chunks(at_once).collect();
        let read = parallel(parts.len(), self.threads, |number| match &self.way {
            Way::Encoder(way) => way.logits(parts[number]),
            Way::Linear(model) => {
                let mut reader = model.reader();
                let of_text = |text: &T| {
                    let (logits, words) = model.logits(text.as_ref(), &mut reader, self.instructions);
                    TextLogits { windows: vec![logits], adds: vec![words], tokens: words }
                };
                Ok(parts[number].iter().map(of_text).collect::<Vec<_>>())
            }
        })?;
        Ok(read.into_iter().flatten().collect())
    }
}

impl EncoderWay {
    /// The logits of each text, on the calling thread.
    fn logits<T: AsRef<str>>(&self, texts: &[T]) -> Result<Vec<TextLogits>> {
        let (mut read, mut windows) = (vec![], vec![]);
        for (number, text) in texts.iter().enumerate() {
            let (Text { tokens, adds }, cut) = self.windows(number, text.as_ref())?;
            read.push(TextLogits { windows: vec![vec![]; cut.len()], adds, tokens });
            windows.extend(cut);
        }
        let mut memory = WorkerMemory::default();
        let (_, most) = self.engine.batch_tokens();
        let longest = windows.iter().map(|window| window.ids.len()).max().unwrap_or(1);
        for batch in windows.chunks((most / longest).max(1)) {
            let ids: Vec<&[TokenId]> = batch.iter().map(|window| window.ids.as_slice()).collect();
            let answers = self.engine.run(&ids, self.padding, &mut memory)?;
            for (Window { text, number, .. }, logits) in batch.iter().zip(answers) {
                read[*text].windows[*number] = logits;
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::classifier::engine::Engine;
    use crate::network::Network;
    use crate::{Device, Dtype, DtypeChoice, Model, Options};
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
        for (rule, dtype) in [(Combine::Mean, Dtype::F32), (Combine::Max, Dtype::Int8)] {
            model.manifest.window.combine = rule;
            let options = Options { dtype: DtypeChoice::Exactly(dtype), ..Options::default() };
            let classifier = Classifier::new(model.clone(), &options).unwrap();
            let read = classifier.logits(&texts()).unwrap();
            assert!(read.iter().any(|text| text.windows.len() > 2) && read[0].windows.len() == 1);
            let found: Vec<Prediction> = read.iter().map(|text| text.prediction(classifier.heads(), rule)).collect();
            assert_eq!(found, classifier.classify(&texts()).unwrap());
        }
    }

    #[test]
    fn the_graph_reads_the_same() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny");
        let mut classifier = Classifier::open(&folder).unwrap();
        let packed = classifier.logits(&texts()).unwrap();
        let model = Model::open(&folder, &Device::Cpu).unwrap();
        let network = Network::new(&model.weights, &model.config, &model.parts).unwrap();
        let Way::Encoder(way) = &mut classifier.way else { panic!("models/tiny has an encoder") };
        way.engine = Engine::Graph { network, device: Device::Cpu };
        for (one, other) in packed.iter().zip(&classifier.logits(&texts()).unwrap()) {
            assert_eq!((&one.adds, one.tokens, one.windows.len()), (&other.adds, other.tokens, other.windows.len()));
            let numbers = |text: &TextLogits| -> Vec<f32> {
                text.windows.iter().flatten().flat_map(|logits| logits.0.clone()).collect()
            };
            assert!(numbers(one).iter().zip(numbers(other)).all(|(a, b)| (a - b).abs() < 1e-4));
        }
    }
}
