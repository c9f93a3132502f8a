//! The library's face: articles in, predictions out.

use crate::batch::{Batch, plan};
use crate::decide::{HeadPrediction, Prediction, combine};
use crate::device::{Device, DeviceChoice};
use crate::error::{ModelError, Result};
use crate::folder::Model;
use crate::head::{Head, Logits, Probabilities};
use crate::network::Network;
use crate::tokenize::TokenId;
use crate::window::Windowing;
use crate::workers::parallel;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// Tokens that go through the encoder together, padding counted. On a processor a batch should stay in its caches;
/// a GPU wants more to do at once.
const CPU_BATCH_TOKENS: usize = 2048;
const GPU_BATCH_TOKENS: usize = 32_768;
/// Small jobs are cut into about this many batches, if they stay above the least.
const CPU_PARTS: usize = 16;
const CPU_LEAST_TOKENS: usize = 256;

/// How a classifier runs.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where it runs.
    pub device: DeviceChoice,
    /// Threads; `None` for one per processor.
    pub threads: Option<usize>,
    /// Most windows read of an article; `None` for all.
    pub windows: Option<usize>,
}

/// A loaded model, ready to label articles. It can be shared between threads.
///
/// ```
/// use newsdesk_model::Classifier;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let classifier = Classifier::embedded()?;
/// let article = "Rovers lift the cup\nTwo late goals gave Rovers a famous win in the final on Saturday night.";
/// for prediction in classifier.classify(&[article])? {
///     let topic = prediction.head("topic").and_then(|head| head.best()).expect("the default model has topics");
///     assert_eq!(topic.name, "sport");
///     println!("{} ({}), {:.2}", topic.name, topic.code.unwrap_or("no code"), topic.score);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Classifier {
    model: Model,
    network: Network,
    heads: Vec<Arc<Head>>,
    windowing: Windowing,
    device: Device,
    threads: usize,
}

/// One window of one text: which text, which of its tokens, and how many of them no earlier window holds.
struct Window {
    text: usize,
    tokens: Range<usize>,
    adds: usize,
}

impl Classifier {
    /// The model that is compiled in, on the best device, with a thread per processor.
    ///
    /// # Errors
    /// If the device fails.
    #[cfg(feature = "embedded-model")]
    pub fn embedded() -> Result<Self> {
        Self::embedded_with(&Options::default())
    }

    /// The model that is compiled in, with options.
    ///
    /// # Errors
    /// If the device is not there or fails.
    #[cfg(feature = "embedded-model")]
    pub fn embedded_with(options: &Options) -> Result<Self> {
        Self::new(Model::embedded(&options.device.open()?)?, options)
    }

    /// A model folder, on the best device, with a thread per processor.
    ///
    /// # Errors
    /// If the folder is not a model with a head; the error names the file and the key or tensor.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(folder, &Options::default())
    }

    /// A model folder, with options.
    ///
    /// # Errors
    /// As [`Classifier::open`], and if the device is not there.
    pub fn open_with(folder: impl AsRef<Path>, options: &Options) -> Result<Self> {
        Self::new(Model::open(folder.as_ref(), &options.device.open()?)?, options)
    }

    /// A model that is in memory already; it stays on its device, whatever the options say.
    ///
    /// # Errors
    /// If the model has no head, or a tensor is missing or of another shape.
    pub fn new(model: Model, options: &Options) -> Result<Self> {
        if model.manifest.heads.is_empty() {
            return Err(ModelError::NotAModel {
                path: model.manifest.name.clone().into(),
                cause: "it is an encoder without a head; `newsdesk train --base` makes a classifier of it".into(),
            });
        }
        let network = Network::new(&model.weights, &model.config, &model.parts)?;
        model.manifest.check(&model.manifest.name, model.config.max_position_embeddings, &model.tokenizer)?;
        let length = model.manifest.window.length - model.tokenizer.frame_length();
        let stride = model.manifest.window.stride.min(length);
        let device = model.weights.tensors().values().next().map_or(Device::Cpu, |tensor| tensor.device().clone());
        Ok(Self {
            heads: model.manifest.heads.iter().cloned().map(Arc::new).collect(),
            network,
            windowing: Windowing { length, stride, limit: options.windows },
            threads: options.threads.unwrap_or_else(processors).max(1),
            device,
            model,
        })
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The model's heads, in the order of each prediction's answers.
    pub fn heads(&self) -> &[Arc<Head>] {
        &self.heads
    }

    /// The device that it runs on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Labels texts; predictions come in the order of the texts.
    ///
    /// A text is read to its end, in windows (see [`Options::windows`]). Give many texts at once rather than one after
    /// the other: they are batched by length.
    ///
    /// # Errors
    /// If the tokenizer or the device fails; never for what a text says.
    pub fn classify<T: AsRef<str> + Sync>(&self, texts: &[T]) -> Result<Vec<Prediction>> {
        let needed = self.windowing.limit.map(|limit| {
            self.windowing.length.saturating_add(limit.saturating_sub(1).saturating_mul(self.windowing.stride))
        });
        let tokens = parallel(texts.len(), self.threads, |i| match needed {
            None => self.model.tokenizer.encode(texts[i].as_ref()),
            Some(count) => self.model.tokenizer.encode_beginning(texts[i].as_ref(), count),
        })?;
        let windows: Vec<Window> = tokens.iter().enumerate().flat_map(|(text, t)| self.cut(text, t.len())).collect();
        let answers = self.run(&tokens, &windows)?;
        let mut predictions = Vec::with_capacity(texts.len());
        let mut done = 0;
        for (text, tokens) in tokens.iter().enumerate() {
            let count = windows[done..].iter().take_while(|w| w.text == text).count();
            let range = done..done + count;
            let adds: Vec<usize> = windows[range.clone()].iter().map(|w| w.adds).collect();
            let answer = |(h, head): (usize, &Arc<Head>)| {
                let of_head: Vec<Probabilities> = answers[range.clone()].iter().map(|a| a[h].clone()).collect();
                let probabilities = combine(head, &of_head, &adds, self.model.manifest.window.combine);
                HeadPrediction { head: head.clone(), probabilities }
            };
            let heads = self.heads.iter().enumerate().map(answer).collect();
            predictions.push(Prediction { heads, windows: count, tokens: tokens.len() });
            done += count;
        }
        Ok(predictions)
    }

    fn cut(&self, text: usize, tokens: usize) -> Vec<Window> {
        let mut covered = 0;
        let window = |range: Range<usize>| {
            let adds = range.end - covered.max(range.start).min(range.end);
            covered = range.end;
            Window { text, tokens: range, adds }
        };
        self.windowing.cut(tokens).into_iter().map(window).collect()
    }

    /// Probabilities of each window and head.
    fn run(&self, tokens: &[Vec<TokenId>], windows: &[Window]) -> Result<Vec<Vec<Probabilities>>> {
        let frame = self.model.tokenizer.frame_length();
        let lengths: Vec<usize> = windows.iter().map(|w| w.tokens.len() + frame).collect();
        let (budget, threads) = match self.device.is_cpu() {
            // A small job is cut finer, so that every thread has a part; not by their number, on which no score may
            // depend.
            true => {
                let part = lengths.iter().sum::<usize>() / CPU_PARTS;
                (part.clamp(CPU_LEAST_TOKENS, CPU_BATCH_TOKENS), self.threads)
            }
            false => (GPU_BATCH_TOKENS, 1),
        };
        let batches = plan(&lengths, budget);
        let results = parallel(batches.len(), threads, |number| {
            let framed: Vec<Vec<TokenId>> = batches[number]
                .iter()
                .map(|&i| self.model.tokenizer.frame(&tokens[windows[i].text][windows[i].tokens.clone()]))
                .collect();
            let framed: Vec<&[TokenId]> = framed.iter().map(Vec::as_slice).collect();
            let batch = Batch::new(&framed, self.model.config.pad_token_id, &self.device)?;
            let logits = self.network.forward(&batch, None)?;
            logits.iter().map(|head| Ok(head.to_vec2::<f32>()?)).collect::<Result<Vec<_>>>()
        })?;
        let mut answers: Vec<Vec<Probabilities>> = vec![vec![]; windows.len()];
        for (batch, logits) in batches.iter().zip(results) {
            for (head, rows) in self.heads.iter().zip(logits) {
                for (&window, row) in batch.iter().zip(rows) {
                    answers[window].push(head.probabilities(&Logits(row)));
                }
            }
        }
        Ok(answers)
    }
}

/// Processors that this process may use.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get())
}
