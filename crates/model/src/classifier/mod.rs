//! The library's face: articles in, predictions out.

mod engine;
mod logits;
mod queue;
mod repeats;

use crate::decide::Prediction;
use crate::device::{Device, DeviceChoice, device_name};
use crate::dtype::{Dtype, DtypeChoice, fastest_certified};
use crate::error::{ModelError, Result};
use crate::folder::{AnyModel, Manifest, Model};
use crate::head::Head;
use crate::linear::LinearModel;
use crate::network::{Network, PackedNetwork};
use crate::tokenize::{TokenId, Tokenizer};
use crate::window::Windowing;
use engine::Engine;
pub use logits::TextLogits;
use newsdesk_kernels::instructions::InstructionSet;
pub use queue::Answer;
use queue::{Queue, StopOnPanic};
use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Bytes of text that are worth another thread.
const BYTES_PER_THREAD: usize = 1024;

/// How a classifier runs.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where it runs.
    pub device: DeviceChoice,
    /// Threads; `None` for one per processor.
    pub threads: Option<usize>,
    /// Most windows read of an article; `None` for all.
    pub windows: Option<usize>,
    /// Numbers in which a processor computes.
    pub dtype: DtypeChoice,
    /// Vector instructions that a processor uses; `None` for its best ones.
    pub instructions: Option<InstructionSet>,
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
    model: AnyModel,
    way: Way,
    heads: Vec<Arc<Head>>,
    dtype: Dtype,
    instructions: InstructionSet,
    device: Device,
    threads: usize,
    /// Texts of each stream whose answers are kept.
    remembered: usize,
    tokenising: AtomicU64,
    encoding: AtomicU64,
}

/// How long the threads of a [`Classifier`] were at work so far, added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Making tokens of texts, and windows of these.
    pub tokenising: Duration,
    /// Computing windows' answers.
    pub encoding: Duration,
}

/// From a text to its answer.
enum Way {
    /// By windows of tokens.
    Encoder(Box<EncoderWay>),
    /// By features, in one step.
    Linear(Box<LinearModel>),
}

struct EncoderWay {
    engine: Engine,
    tokenizer: Arc<Tokenizer>,
    windowing: Windowing,
    /// Stands for a text without tokens, and pads batches on a GPU.
    padding: TokenId,
}

/// One window of one text, as the encoder reads it.
struct Window {
    /// Number of the text.
    text: usize,
    /// Number of the window among the text's.
    number: usize,
    /// Special tokens included.
    ids: Vec<TokenId>,
}

/// A text that was cut.
struct Text {
    /// Tokens that were read.
    tokens: usize,
    /// For each window, how many tokens it holds that no earlier one does.
    adds: Vec<usize>,
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
        Self::new(AnyModel::open(folder.as_ref(), &options.device.open()?)?, options)
    }

    /// A model that is in memory already; it stays on its device, whatever the options say. A linear one computes on a processor
    /// and in f32.
    ///
    /// # Errors
    /// If the model has no head, a tensor is missing or of another shape, or the dtype is not there.
    pub fn new(model: impl Into<AnyModel>, options: &Options) -> Result<Self> {
        match model.into() {
            AnyModel::Encoder(model) => Self::of_encoder(*model, options),
            AnyModel::Linear(model) => Self::of_linear(*model, options),
        }
    }

    fn of_linear(model: LinearModel, options: &Options) -> Result<Self> {
        model.manifest.check_heads(&model.manifest.name)?;
        let instructions = options.instructions.unwrap_or_else(InstructionSet::best);
        if !instructions.is_available() {
            let cause = "this machine has no such instructions".into();
            return Err(ModelError::Device { device: format!("cpu with {instructions}"), cause });
        }
        if let DtypeChoice::Exactly(dtype) = options.dtype
            && dtype != Dtype::F32
        {
            return Err(ModelError::Dtype { dtype, cause: "a linear model computes in f32".into() });
        }
        Ok(Self {
            heads: model.manifest.heads.iter().cloned().map(Arc::new).collect(),
            way: Way::Linear(Box::new(model.clone())),
            dtype: Dtype::F32,
            instructions,
            threads: options.threads.unwrap_or_else(processors).max(1),
            remembered: 0,
            device: Device::Cpu,
            model: model.into(),
            tokenising: AtomicU64::new(0),
            encoding: AtomicU64::new(0),
        })
    }

    fn of_encoder(model: Model, options: &Options) -> Result<Self> {
        if model.manifest.heads.is_empty() {
            return Err(ModelError::NotAModel {
                path: model.manifest.name.clone().into(),
                cause: "it is an encoder without a head; `newsdesk train --base` makes a classifier of it".into(),
            });
        }
        model.manifest.check(&model.manifest.name, model.config.max_position_embeddings, &model.tokenizer)?;
        let length = model.manifest.window.length - model.tokenizer.frame_length();
        let stride = model.manifest.window.stride.min(length);
        let device = model.weights.device().clone();
        let instructions = options.instructions.unwrap_or_else(InstructionSet::best);
        let threads = options.threads.unwrap_or_else(processors).max(1);
        let unavailable = |device: String, cause: String| Err(ModelError::Device { device, cause });
        if device.is_cpu() && !instructions.is_available() {
            return unavailable(format!("cpu with {instructions}"), "this machine has no such instructions".into());
        }
        let dtype = match options.dtype {
            DtypeChoice::Auto if !device.is_cpu() => Dtype::F32,
            DtypeChoice::Exactly(dtype) if !device.is_cpu() && dtype != Dtype::F32 => {
                let cause = format!("{} computes in f32", device_name(&device));
                return Err(ModelError::Dtype { dtype, cause });
            }
            DtypeChoice::Exactly(dtype) => dtype,
            DtypeChoice::Auto => fastest_certified(&model.manifest.certificates, instructions),
        };
        let (weights, config, parts) = (&model.weights, &model.config, &model.parts);
        let engine = match device.is_cpu() {
            true => {
                let network = PackedNetwork::new(weights, config, parts, dtype, instructions, threads)?;
                Engine::Packed { network, dtype }
            }
            false => Engine::Graph { network: Network::new(weights, config, parts)?, device: device.clone() },
        };
        Ok(Self {
            heads: model.manifest.heads.iter().cloned().map(Arc::new).collect(),
            way: Way::Encoder(Box::new(EncoderWay {
                engine,
                tokenizer: Arc::clone(&model.tokenizer),
                windowing: Windowing { length, stride, limit: options.windows },
                padding: model.config.pad_token_id,
            })),
            dtype,
            instructions,
            threads,
            remembered: 0,
            device,
            model: model.into(),
            tokenising: AtomicU64::new(0),
            encoding: AtomicU64::new(0),
        })
    }

    /// Has [`Classifier::classify`] and [`Classifier::stream`] keep their answers to so many texts, and give them again to texts of
    /// the same tokens. Where articles come twice, they are computed once. On a processor no answer is another one for it. A
    /// linear model is as quick to compute again.
    pub fn remembering(self, texts: usize) -> Self {
        Self { remembered: texts, ..self }
    }

    /// Answers without looking at the texts: every score of a head is the same. For benches, to measure everything but the encoder.
    #[doc(hidden)]
    pub fn without_encoder(mut self) -> Self {
        let labels = self.heads.iter().map(|head| head.labels.len()).collect();
        if let Way::Encoder(way) = &mut self.way {
            way.engine = Engine::Idle { labels };
        }
        self
    }

    /// The model.
    pub fn model(&self) -> &AnyModel {
        &self.model
    }

    /// What the model's numbers mean.
    pub fn manifest(&self) -> &Manifest {
        self.model.manifest()
    }

    /// The model's heads, in the order of each prediction's answers.
    pub fn heads(&self) -> &[Arc<Head>] {
        &self.heads
    }

    /// The device that it runs on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The dtype that it runs in; f32 on a GPU.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// The threads that it uses.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// How long its threads were at work so far.
    pub fn times(&self) -> Times {
        let time = |nanoseconds: &AtomicU64| Duration::from_nanos(nanoseconds.load(Ordering::Relaxed));
        Times { tokenising: time(&self.tokenising), encoding: time(&self.encoding) }
    }

    /// The vector instructions that it uses on a processor.
    pub fn instructions(&self) -> InstructionSet {
        self.instructions
    }

    /// Labels texts; predictions come in the order of the texts.
    ///
    /// A text is read to its end, in windows (see [`Options::windows`]). On a processor a text's prediction is the same to
    /// the bit whatever the other texts, their order and the number of threads. Many texts at once are faster than one
    /// after the other: they share the threads.
    ///
    /// # Errors
    /// If the tokenizer or the device fails; never for what a text says.
    pub fn classify<T: AsRef<str> + Sync>(&self, texts: &[T]) -> Result<Vec<Prediction>> {
        let queue = Queue::new(self);
        for text in texts {
            queue.push((), Some(Cow::Borrowed(text.as_ref())), false);
        }
        queue.close();
        // A short text alone is done before a second thread has started.
        let bytes: usize = texts.iter().map(|text| text.as_ref().len()).sum();
        let others = (bytes / BYTES_PER_THREAD).min(self.threads - 1);
        std::thread::scope(|scope| {
            for _ in 0..others {
                scope.spawn(|| queue.work());
            }
            queue.work();
        });
        let mut predictions = Vec::with_capacity(texts.len());
        while let Some(answer) = queue.next()? {
            if let Answer::Item((), Some(prediction)) = answer {
                predictions.push(prediction);
            }
        }
        Ok(predictions)
    }

    /// Labels texts while they are read: `source` runs on a thread of its own and gives items to [`Intake::push`], and
    /// `sink` gets them back in the same order, with predictions. So much is under way at a
    /// time that every thread has work, and no more; a slow `sink` slows `source` down.
    ///
    /// # Errors
    /// The first error of `sink`, or of the tokenizer or the device. `source` is then told to stop, and is waited for.
    pub fn stream<T: Send, E: From<ModelError>>(
        &self,
        source: impl FnOnce(&Intake<T>) + Send,
        mut sink: impl FnMut(Answer<T>) -> Result<(), E>,
    ) -> Result<(), E> {
        let queue = Queue::new(self);
        std::thread::scope(|scope| {
            for _ in 0..self.threads {
                scope.spawn(|| queue.work());
            }
            scope.spawn(|| {
                let intake = Intake { queue: &queue };
                source(&intake);
            });
            let _guard = StopOnPanic(&queue);
            let mut receive = || {
                while let Some(answer) = queue.next()? {
                    sink(answer)?;
                }
                Ok(())
            };
            let outcome = receive();
            queue.stop();
            outcome
        })
    }
}

impl EncoderWay {
    /// Tokenises a text and cuts it.
    fn windows(&self, number: usize, text: &str) -> Result<(Text, Vec<Window>)> {
        let Windowing { length, stride, limit } = self.windowing;
        let tokens = match limit {
            None => self.tokenizer.encode(text)?,
            Some(limit) => {
                let needed = length.saturating_add(limit.saturating_sub(1).saturating_mul(stride));
                self.tokenizer.encode_beginning(text, needed)?
            }
        };
        let (mut windows, mut adds, mut covered) = (vec![], vec![], 0);
        for range in self.windowing.cut(tokens.len()) {
            adds.push(range.end - covered.max(range.start).min(range.end));
            covered = range.end;
            let mut ids = self.tokenizer.frame(&tokens[range]);
            if ids.is_empty() {
                // Nothing at all has no vector.
                ids.push(self.padding);
            }
            windows.push(Window { text: number, number: windows.len(), ids });
        }
        Ok((Text { tokens: tokens.len(), adds }, windows))
    }
}

/// Where the source of [`Classifier::stream`] puts what it reads.
pub struct Intake<'q, 'c, T: Send> {
    queue: &'q Queue<'c, 'static, T>,
}

impl<T: Send> Intake<'_, '_, T> {
    /// Passes on an item, with a text to classify or none; waits while enough is under way. `false` if nothing more is
    /// wanted.
    pub fn push(&self, item: T, text: Option<String>) -> bool {
        self.queue.push(item, text.map(Cow::Owned), true)
    }
}

impl<T: Send> Drop for Intake<'_, '_, T> {
    /// However the source ends, the others must not wait for it.
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Processors that this process may use.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get())
}
