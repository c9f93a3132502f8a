//! The classifier: texts in, predictions out.

mod cache;
mod engine;
mod failure;
mod logits;
mod options;
mod pipeline;
mod queue;
mod stream;
#[cfg(test)]
mod tests;
mod windows;
mod worker;
mod zero_shot;

use crate::certificate::fastest_certified;
use crate::decide::Prediction;
use crate::device::{Device, device_name};
use crate::dtype::{Dtype, DtypeChoice};
use crate::error::{ModelError, Result};
use crate::folder::{AnyModel, Manifest, Model};
use crate::head::Head;
use crate::linear::LinearModel;
use crate::network::{Network, PackedNetwork};
use crate::window::Windowing;
use crate::workers::spawn;
use engine::{DeviceNetwork, Engine};
pub use logits::TextLogits;
use newsdesk_kernels::instructions::InstructionSet;
pub use options::{Options, available_cpus};
pub use pipeline::Times;
use pipeline::{Backend, Clock, EncoderBackend, Pipeline};
pub use queue::StreamOutput;
use queue::{Queue, StopOnPanic};
use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
pub use stream::StreamInput;
use windows::WindowReader;
use worker::work;
use zero_shot::Pairs;
pub use zero_shot::ZeroShot;

/// Bytes of text per additional thread. A thread costs more time to start than fewer bytes cost to classify.
const BYTES_PER_THREAD: usize = 1024;

/// A loaded model, ready to classify articles. Threads can share it.
///
/// ```
/// use newsdesk_model::Classifier;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let classifier = Classifier::embedded()?;
/// let article = "Rovers lift the cup\nTwo late goals gave Rovers a famous win in the final on Saturday night.";
/// for prediction in classifier.classify(&[article])? {
///     let topic = prediction.head("topic").and_then(|head| head.best()).expect("the built-in model has topics");
///     assert_eq!(topic.name, "sport");
///     println!("{} ({}), {:.2}", topic.name, topic.code.unwrap_or("no code"), topic.score);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Classifier {
    model: AnyModel,
    pipeline: Pipeline,
    dtype: Dtype,
    device: Device,
}

impl Classifier {
    /// Opens the built-in model on the best device, with one thread per CPU.
    ///
    /// # Errors
    /// If the device fails.
    #[cfg(feature = "embedded-model")]
    pub fn embedded() -> Result<Self> {
        Self::embedded_with(&Options::default())
    }

    /// Opens the built-in model with options.
    ///
    /// # Errors
    /// If the device is not available or fails.
    #[cfg(feature = "embedded-model")]
    pub fn embedded_with(options: &Options) -> Result<Self> {
        Self::new(Model::embedded(&options.device.open()?)?, options)
    }

    /// Opens a model folder on the best device, with one thread per CPU.
    ///
    /// # Errors
    /// If the folder is not a model with a head. The error names the file and the key or tensor.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(folder, &Options::default())
    }

    /// Opens a model folder with options.
    ///
    /// # Errors
    /// The same as [`Classifier::open`], or if the device is not available.
    pub fn open_with(folder: impl AsRef<Path>, options: &Options) -> Result<Self> {
        Self::new(AnyModel::open_with(folder.as_ref(), &options.device.open()?, options.open)?, options)
    }

    /// Creates a classifier from a model in memory. The model stays on its device, and `options.device` is ignored. A
    /// linear model computes on the CPU in f32.
    ///
    /// # Errors
    /// If the model has no head, a tensor is missing or has the wrong shape, or the dtype or the instructions are not
    /// supported.
    pub fn new(model: impl Into<AnyModel>, options: &Options) -> Result<Self> {
        match model.into() {
            AnyModel::Encoder(model) => Self::with_encoder(*model, None, options),
            AnyModel::Linear(model) => Self::with_linear(*model, options),
        }
    }

    fn with_linear(model: LinearModel, options: &Options) -> Result<Self> {
        model.manifest.check_heads(&model.manifest.name)?;
        let instructions = available(options.instructions)?;
        if let DtypeChoice::Exactly(dtype) = options.dtype
            && dtype != Dtype::F32
        {
            return Err(ModelError::Dtype { dtype, cause: "linear models compute in f32".into() });
        }
        let pipeline = Pipeline {
            backend: Backend::Linear(Box::new(model.clone())),
            heads: model.manifest.heads.iter().cloned().map(Arc::new).collect(),
            combine: model.manifest.window.combine,
            instructions,
            threads: options.threads.unwrap_or_else(available_cpus).max(1),
            cache_capacity: 0,
            clock: Clock::default(),
        };
        Ok(Self { model: model.into(), pipeline, dtype: Dtype::F32, device: Device::Cpu })
    }

    /// Creates a classifier for labels that the model was not trained for. The model is a checkpoint for natural language
    /// inference.
    ///
    /// # Errors
    /// The same as [`Classifier::new`], or [`ModelError::ZeroShot`].
    pub fn zero_shot(model: Model, labels: &ZeroShot, options: &Options) -> Result<Self> {
        Self::with_encoder(model, Some(labels), options)
    }

    fn with_encoder(mut model: Model, zero_shot: Option<&ZeroShot>, options: &Options) -> Result<Self> {
        if model.manifest.heads.is_empty() {
            let task = model.other_task.map(str::to_owned);
            return Err(ModelError::NoHead { name: model.manifest.name, task });
        }
        model.manifest.check(&model.manifest.name, model.encoder.max_length, &model.tokenizer)?;
        let pairs = zero_shot.map(|labels| Pairs::new(&model, labels, model.manifest.window.length)).transpose()?;
        if let Some(labels) = zero_shot {
            // Certificates, calibrations and scores were measured with the model's own labels.
            model.manifest = Manifest {
                heads: vec![labels.head()],
                certificates: vec![],
                calibrations: vec![],
                scores: vec![],
                ..model.manifest
            };
        }
        let length = match &pairs {
            None => model.manifest.window.length - model.tokenizer.special_tokens(),
            Some(pairs) => pairs.window_length(),
        };
        let stride = model.manifest.window.stride().min(length);
        let device = model.weights.device().clone();
        let threads = options.threads.unwrap_or_else(available_cpus).max(1);
        let instructions = match device.is_cpu() {
            true => available(options.instructions)?,
            false => options.instructions.unwrap_or_else(InstructionSet::best),
        };
        let dtype = match options.dtype {
            DtypeChoice::Auto if !device.is_cpu() => Dtype::F32,
            DtypeChoice::Exactly(dtype) if !device.is_cpu() && dtype != Dtype::F32 => {
                let cause = format!("device `{}` computes in f32", device_name(&device));
                return Err(ModelError::Dtype { dtype, cause });
            }
            DtypeChoice::Exactly(dtype) => dtype,
            DtypeChoice::Auto => fastest_certified(&model.manifest.certificates, instructions),
        };
        let (weights, encoder, network) = (&model.weights, &model.encoder, &model.network);
        let network = match device.is_cpu() {
            true => {
                let network = PackedNetwork::new(weights, encoder, network, dtype, instructions, threads)?;
                DeviceNetwork::Packed { network: Box::new(network), dtype }
            }
            false => {
                let network = Box::new(Network::new(weights, encoder, network)?);
                DeviceNetwork::Graph { network, device: device.clone() }
            }
        };
        let reader_is_bare = pairs.is_some();
        let engine = Engine { network, pairs, padding: encoder.pad_token_id };
        let reader = WindowReader {
            tokenizer: Arc::clone(&model.tokenizer),
            windowing: Windowing { length, stride, max_windows: options.max_windows },
            padding: encoder.pad_token_id,
            is_bare: reader_is_bare,
        };
        let pipeline = Pipeline {
            backend: Backend::Encoder(Box::new(EncoderBackend { engine, reader })),
            heads: model.manifest.heads.iter().cloned().map(Arc::new).collect(),
            combine: model.manifest.window.combine,
            instructions,
            threads,
            cache_capacity: 0,
            clock: Clock::default(),
        };
        Ok(Self { model: model.into(), pipeline, dtype, device })
    }

    /// Caches the predictions for this many recent texts in each call of [`Classifier::classify`] and
    /// [`Classifier::stream`].
    ///
    /// Texts with the same tokens are then computed once. On a CPU, cached and computed predictions are
    /// bit-identical. Linear models have no cache, because they compute a prediction as quickly as a lookup.
    pub fn with_prediction_cache(mut self, texts: usize) -> Self {
        if let Backend::Encoder(_) = self.pipeline.backend {
            self.pipeline.cache_capacity = texts;
        }
        self
    }

    /// Returns the model.
    pub fn model(&self) -> &AnyModel {
        &self.model
    }

    /// Returns the manifest of the model.
    pub fn manifest(&self) -> &Manifest {
        self.model.manifest()
    }

    /// Returns the heads, in the order of each prediction's heads.
    pub fn heads(&self) -> &[Arc<Head>] {
        &self.pipeline.heads
    }

    /// Returns the device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Returns the dtype, which is f32 on a GPU.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Returns the number of threads.
    pub fn threads(&self) -> usize {
        self.pipeline.threads
    }

    /// Returns the busy time of all threads so far.
    pub fn times(&self) -> Times {
        self.pipeline.clock.times()
    }

    /// Returns the vector instructions that the classifier uses on a CPU.
    pub fn instructions(&self) -> InstructionSet {
        self.pipeline.instructions
    }

    /// Classifies texts. Predictions are in the order of the texts.
    ///
    /// A text is read to its end in windows, unless [`Options::max_windows`] limits them. On a CPU, a prediction
    /// is bit-identical regardless of the other texts, their order and the number of threads. One call with many texts
    /// is faster than many calls, because the texts share the threads.
    ///
    /// # Errors
    /// If the tokenizer or the device fails, a thread cannot be started, or the model returns a value that is no finite
    /// number ([`ModelError::NotFinite`]). With a valid model, the contents of a text never cause an error.
    pub fn classify<T: AsRef<str> + Sync>(&self, texts: &[T]) -> Result<Vec<Prediction>> {
        let queue = Queue::new(&self.pipeline);
        for text in texts {
            queue.push((), Some(Cow::Borrowed(text.as_ref())), false);
        }
        queue.close();
        // A single short text is done before a second thread has started.
        let bytes: usize = texts.iter().map(|text| text.as_ref().len()).sum();
        let additional_threads = (bytes / BYTES_PER_THREAD).min(self.threads() - 1);
        std::thread::scope(|scope| {
            for _ in 0..additional_threads {
                spawn(scope, || work(&queue)).inspect_err(|_| queue.stop())?;
            }
            work(&queue);
            Ok::<_, ModelError>(())
        })?;
        let mut predictions = Vec::with_capacity(texts.len());
        while let Some(output) = queue.next()? {
            match output {
                StreamOutput::Item((), prediction) => predictions.extend(prediction),
                StreamOutput::Failed((), error) => return Err(error),
                StreamOutput::Idle => {}
            }
        }
        Ok(predictions)
    }

    /// Returns the logits of each text, in the order of the texts. [`TextLogits::prediction`] turns them into the
    /// predictions of [`Classifier::classify`].
    ///
    /// # Errors
    /// If the tokenizer or the device fails, or a logit is not finite ([`ModelError::NotFinite`]).
    pub fn logits<T: AsRef<str> + Sync>(&self, texts: &[T]) -> Result<Vec<TextLogits>> {
        self.pipeline.logits(texts)
    }

    /// Classifies texts while they are read. `source` runs on its own thread and passes items to [`StreamInput::push`].
    /// `sink` receives them in the same order, with predictions.
    ///
    /// The number of items in progress is limited, so a slow `sink` slows down `source`.
    ///
    /// # Errors
    /// The first error of `sink`, the tokenizer or the device, or a thread that cannot be started. [`StreamInput::push`]
    /// then returns false, and this function returns when `source` does.
    pub fn stream<T: Send, E: From<ModelError>>(
        &self,
        source: impl FnOnce(&StreamInput<T>) + Send,
        mut sink: impl FnMut(StreamOutput<T>) -> Result<(), E>,
    ) -> Result<(), E> {
        let queue = Queue::new(&self.pipeline);
        std::thread::scope(|scope| {
            let start = || {
                for _ in 0..self.threads() {
                    spawn(scope, || work(&queue))?;
                }
                spawn(scope, || {
                    let input = StreamInput { queue: &queue };
                    source(&input);
                })
            };
            start().inspect_err(|_| queue.stop())?;
            let _guard = StopOnPanic(&queue);
            let mut receive = || {
                while let Some(output) = queue.next()? {
                    sink(output)?;
                }
                Ok(())
            };
            let outcome = receive();
            queue.stop();
            outcome
        })
    }
}

/// Returns the requested vector instructions, or the best ones.
///
/// # Errors
/// [`ModelError::Device`] if this machine does not have them.
fn available(requested: Option<InstructionSet>) -> Result<InstructionSet> {
    let instructions = requested.unwrap_or_else(InstructionSet::best);
    if instructions.is_available() {
        return Ok(instructions);
    }
    let cause = "this machine does not have these instructions".into();
    Err(ModelError::Device { device: format!("cpu with {instructions}"), cause })
}
