//! The training loop: epochs of steps, each step in parts on several threads, and the best epoch kept.

use crate::checkpoint::{self, State};
use crate::epoch::{dropout_seed, random, steps};
use crate::error::{Result, TrainError};
use crate::examples::{Example, prepare};
use crate::heads::union;
use crate::loss;
use crate::measure::{HeadReport, measure};
use crate::optimizer::{AdamW, Gradients};
use crate::schedule::linear;
use crate::settings::Settings;
use candle_core::{Tensor, Var};
use newsdesk_data::LabelledSet;
use newsdesk_model::batch::Batch;
use newsdesk_model::encoder::graph::Dropout;
use newsdesk_model::encoder::{EncoderConfig, Variables, Weights};
use newsdesk_model::folder::{Manifest, TrainingRecord};
use newsdesk_model::network::{Network, Parts, Pooling};
use newsdesk_model::tokenize::TokenId;
use newsdesk_model::workers::parallel;
use newsdesk_model::{Classifier, Device, Head, Model, Options};
use rand::RngExt;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

/// What a run tells while it goes.
pub enum Progress<'a> {
    /// A step is done.
    Step {
        /// Epoch, from 1.
        epoch: usize,
        /// Step within the epoch, from 1.
        step: usize,
        /// Steps of the epoch.
        steps: usize,
        /// Mean loss per article, averaged over the last steps.
        loss: f32,
        /// Tokens per second since the epoch began.
        tokens_per_second: f64,
    },
    /// An epoch is done and measured.
    Epoch {
        /// Epoch, from 1.
        epoch: usize,
        /// What it reached: set, figures per head.
        reports: &'a [(String, Vec<HeadReport>)],
        /// The one number by which epochs are compared.
        score: f64,
        /// Whether it is the best so far.
        best: bool,
    },
    /// The run goes on after this many epochs, from a checkpoint.
    Resumed {
        /// Epochs that are done.
        epochs: usize,
    },
}

/// The result of a run.
pub struct Trained {
    /// The best epoch's model.
    pub model: Model,
    /// Its score on the validation data.
    pub score: f64,
}

/// Fine-tunes all of `base` together with new heads for what `sets` teach.
///
/// The model of the best epoch is kept: the one with the highest mean over `validation`'s sets and heads of macro-F1
/// (accuracy for heads that are measured as sets). After each epoch a checkpoint is written into `checkpoint`; with
/// `resume` a run goes on from there and ends as if it had never stopped.
///
/// # Errors
/// If the settings or the data cannot be used, or the device fails.
pub fn train(
    base: &Model,
    sets: &[LabelledSet],
    validation: &[LabelledSet],
    settings: &Settings,
    checkpoint: &Path,
    resume: bool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Trained> {
    settings.check(base.config.max_position_embeddings)?;
    let heads = union(sets)?;
    let examples: Vec<Vec<Example>> = sets
        .iter()
        .map(|set| prepare(set, &heads, &base.tokenizer, settings.length, settings.threads))
        .collect::<Result<_>>()?;
    let rows: Vec<usize> = examples.iter().map(Vec::len).collect();
    let fitting = |e: &Example| e.targets.iter().zip(&heads).all(|(t, h)| t.as_ref().is_none_or(|t| loss::fits(t, h)));
    if rows.iter().sum::<usize>() == 0 || validation.iter().all(|set| set.articles.is_empty()) {
        return Err(TrainError::Data {
            cause: "there are no labelled articles to train on or none to validate with".into(),
            hint: "training needs at least a few articles of each label".into(),
        });
    }
    if !examples.iter().flatten().all(fitting) {
        return Err(TrainError::Data {
            cause: "a target does not fit its head".into(),
            hint: "rows of one head have either one label or a list of labels, not both".into(),
        });
    }

    let mut run = Run::new(base, heads, settings)?;
    let taken = |count: usize| if settings.rows_per_epoch == 0 { count } else { count.min(settings.rows_per_epoch) };
    let described: Vec<String> =
        sets.iter().zip(&rows).map(|(s, &n)| format!("{} {}: {} of {n} rows", s.name, s.split, taken(n))).collect();
    let fingerprint = fingerprint(base, settings, &described);
    let steps_per_epoch = rows.iter().map(|&n| taken(n)).sum::<usize>().div_ceil(settings.batch_size);
    let all_steps = steps_per_epoch * settings.epochs;

    let mut state = State { fingerprint, epochs_done: 0, steps: 0, best_epoch: 0, best_score: f64::NEG_INFINITY };
    let mut best = None;
    if resume && let Some(found) = checkpoint::read(checkpoint, &state.fingerprint, &run.device)? {
        run.restore(&found.variables, &found.moments, found.state.steps)?;
        state = found.state;
        best = Some(found.best);
        progress(Progress::Resumed { epochs: state.epochs_done });
    }
    for epoch in state.epochs_done..settings.epochs {
        let plan = steps(&rows, settings.rows_per_epoch, settings.batch_size, settings.seed, epoch, |set, row| {
            examples[set][row].tokens.len()
        });
        let (start, mut tokens, mut loss) = (Instant::now(), 0, None);
        for (number, step) in plan.iter().enumerate() {
            let batch: Vec<&Example> = step.iter().map(|&(set, row)| &examples[set][row]).collect();
            let rate = settings.learning_rate * linear(epoch * steps_per_epoch + number, all_steps, settings.warmup);
            let now = run.step(&batch, epoch, number, rate)?;
            if !now.is_finite() {
                return Err(TrainError::Diverged { loss: now, step: number + 1, epoch: epoch + 1 });
            }
            loss = Some(loss.map_or(now, |before: f32| before + 0.02 * (now - before)));
            tokens += batch.iter().map(|e| e.tokens.len()).sum::<usize>();
            progress(Progress::Step {
                epoch: epoch + 1,
                step: number + 1,
                steps: plan.len(),
                loss: loss.unwrap_or(now),
                tokens_per_second: tokens as f64 / start.elapsed().as_secs_f64().max(1e-9),
            });
        }
        let snapshot = run.variables.snapshot()?;
        let (reports, score) = run.validate(&snapshot, validation)?;
        let is_best = score > state.best_score;
        if is_best {
            (state.best_epoch, state.best_score) = (epoch + 1, score);
        }
        (state.epochs_done, state.steps) = (epoch + 1, run.optimizer.count());
        checkpoint::write(checkpoint, &state, &snapshot, &run.optimizer.moments()?, is_best)?;
        if is_best {
            best = Some(snapshot);
        }
        progress(Progress::Epoch { epoch: epoch + 1, reports: &reports, score, best: is_best });
    }
    let Some(best) = best else {
        return Err(TrainError::Data {
            cause: "no epoch reached a score that is a number".into(),
            hint: "is there validation data for each head?".into(),
        });
    };
    let mut model = run.model(best);
    model.manifest.training = Some(TrainingRecord {
        base: base.manifest.name.clone(),
        sets: described,
        seed: settings.seed,
        epochs: settings.epochs,
        best_epoch: state.best_epoch,
        learning_rate: settings.learning_rate,
        batch_size: settings.batch_size,
        newsdesk: env!("CARGO_PKG_VERSION").into(),
    });
    checkpoint::remove(checkpoint)?;
    Ok(Trained { model, score: state.best_score })
}

/// What decides the result of a run, in one line.
fn fingerprint(base: &Model, settings: &Settings, sets: &[String]) -> String {
    // The number of threads changes nothing.
    let settings = Settings { threads: 0, ..settings.clone() };
    let settings = serde_json::to_string(&settings).unwrap_or_default();
    format!("base {}, {}, settings {settings}", base.manifest.name, sets.join(", "))
}

/// What one part of a step gives.
struct Part {
    loss: f32,
    /// Gradients of all variables but the word table.
    gradients: Gradients,
    /// Rows of the word table that occur, and their gradients `[words, width]`.
    words: Vec<TokenId>,
    word_rows: Tensor,
}

struct Run<'a> {
    base: &'a Model,
    heads: Vec<Head>,
    parts: Parts,
    settings: &'a Settings,
    variables: Variables,
    /// Name of the word table among the variables.
    word_table: String,
    optimizer: AdamW,
    device: Device,
}

impl<'a> Run<'a> {
    fn new(base: &'a Model, heads: Vec<Head>, settings: &'a Settings) -> Result<Self> {
        let pooling = base.manifest.pooling;
        let parts = Parts {
            encoder: base.parts.encoder.clone(),
            heads: heads.iter().map(|h| (format!("heads.{}", h.name), h.labels.len())).collect(),
            pooling,
        };
        let device = base.weights.tensors().values().next().map_or(Device::Cpu, |t| t.device().clone());
        let mut variables = Variables::copy_of(&base.weights)?;
        // Old heads and, where it is not used, the pooler would be carried along untrained.
        let pooler =
            if parts.encoder.is_empty() { "pooler.".to_string() } else { format!("{}.pooler.", parts.encoder) };
        let is_encoder = |name: &str| name.starts_with(&parts.encoder) && !name.starts_with("heads.");
        variables.retain(|name| {
            is_encoder(name)
                && !name.starts_with("classifier.")
                && (pooling == Pooling::Pooler || !name.starts_with(&pooler))
        });
        let mut random = random(settings.seed, 254, 0, 0);
        for (prefix, labels) in &parts.heads {
            let width = base.config.hidden_size;
            // Normal with deviation 0.02, as BERT's own weights begin; the sum of 12 uniform numbers is near enough.
            let mut normal = || (0..12).map(|_| random.random::<f32>()).sum::<f32>() - 6.0;
            let values: Vec<f32> = (0..labels * width).map(|_| 0.02 * normal()).collect();
            variables.insert(&format!("{prefix}.weight"), &Tensor::from_vec(values, (*labels, width), &device)?)?;
            variables.insert(&format!("{prefix}.bias"), &Tensor::zeros(*labels, candle_core::DType::F32, &device)?)?;
        }
        // Fails here rather than in the first step if a tensor is missing.
        Network::new(&variables.weights(), &base.config, &parts)?;
        let dot = if parts.encoder.is_empty() { "" } else { "." };
        let word_table = format!("{}{dot}embeddings.word_embeddings.weight", parts.encoder);
        let optimizer = AdamW::new(&variables, settings, |name| name.starts_with("heads."))?;
        Ok(Self { base, heads, parts, settings, variables, word_table, optimizer, device })
    }

    fn restore(&mut self, variables: &Weights, moments: &Weights, steps: i32) -> Result<()> {
        for (name, variable) in self.variables.iter() {
            variable.set(&variables.get_shaped(variable.dims(), name)?)?;
        }
        self.optimizer.restore(moments, steps)
    }

    /// One step of the optimiser; returns the mean loss per article.
    fn step(&mut self, batch: &[&Example], epoch: usize, number: usize, rate: f64) -> Result<f32> {
        let parts: Vec<&[&Example]> = batch.chunks(self.settings.micro_batch).collect();
        let seed = |part| dropout_seed(self.settings.seed, epoch, number, part);
        let results =
            parallel(parts.len(), self.settings.threads, |part| self.gradients(parts[part], batch.len(), seed(part)))?;
        let mut total = 0.0;
        let mut gradients = Gradients::new();
        let (mut words, mut word_rows) = (Vec::new(), Vec::new());
        for part in results.into_iter().flatten() {
            total += part.loss;
            words.extend(part.words);
            word_rows.push(part.word_rows);
            for (name, gradient) in part.gradients {
                match gradients.get_mut(&name) {
                    None => {
                        gradients.insert(name, gradient);
                    }
                    Some(sum) => *sum = (&*sum + gradient)?,
                }
            }
        }
        if !word_rows.is_empty() {
            let table = self.variables.get(&self.word_table)?;
            let words = Tensor::from_vec(words, word_rows.iter().map(|w| w.dims()[0]).sum::<usize>(), &self.device)?;
            let gradient = table.zeros_like()?.index_add(&words, &Tensor::cat(&word_rows, 0)?, 0)?;
            gradients.insert(self.word_table.clone(), gradient);
        }
        self.optimizer.step(&gradients, rate)?;
        Ok(total)
    }

    /// Loss and gradients of one part of a step, as shares of the whole step's; `None` if nothing in it has a target.
    ///
    /// The word table is most of the weights, and a batch touches a few hundred of its rows. So the network is built on
    /// just those rows: the same numbers, without a gradient as large as the table for each part.
    fn gradients(&self, examples: &[&Example], step_rows: usize, seed: u64) -> Result<Option<Part>> {
        let config = &self.base.config;
        let words: Vec<TokenId> =
            examples.iter().flat_map(|e| &e.tokens).copied().chain([config.pad_token_id]).collect();
        let words: Vec<TokenId> = words.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let place = |token: &TokenId| words.binary_search(token).map_or(0, |i| i as TokenId);
        let windows: Vec<Vec<TokenId>> = examples.iter().map(|e| e.tokens.iter().map(place).collect()).collect();
        let windows: Vec<&[TokenId]> = windows.iter().map(Vec::as_slice).collect();
        let batch = Batch::new(&windows, place(&config.pad_token_id), &self.device)?;

        let table = self.variables.get(&self.word_table)?;
        let rows = table.index_select(&Tensor::from_slice(&words, words.len(), &self.device)?, 0)?;
        let rows = Var::from_tensor(&rows.detach())?; // [words, width]
        let weights = self.variables.weights().with(&self.word_table, rows.as_tensor().clone());
        let config = EncoderConfig { vocab_size: words.len(), ..config.clone() };
        let network = Network::new(&weights, &config, &self.parts)?;

        let mut dropout = Dropout::new(config.hidden_dropout_prob, config.attention_probs_dropout_prob, seed);
        let logits = network.forward(&batch, Some(&mut dropout))?;
        let Some(loss) = loss::sum(&self.heads, &logits, examples)? else { return Ok(None) };
        let loss = (loss / step_rows as f64)?;
        let mut store = loss.backward()?;
        let gradient = |(name, var): (&str, &Var)| store.remove(var).map(|g| (name.to_string(), g));
        let gradients = self.variables.iter().filter_map(gradient).collect();
        let word_rows = store.remove(&rows).map_or_else(|| rows.zeros_like(), Ok)?;
        Ok(Some(Part { loss: loss.to_scalar::<f32>()?, gradients, words, word_rows }))
    }

    /// The model with these weights.
    fn model(&self, weights: Weights) -> Model {
        Model {
            weights,
            parts: self.parts.clone(),
            manifest: Manifest {
                heads: self.heads.clone(),
                window: self.settings.window.clone(),
                training: None,
                scores: vec![],
                ..self.base.manifest.clone()
            },
            ..self.base.clone()
        }
    }

    /// Figures per validation set and head, and their mean.
    fn validate(&self, weights: &Weights, sets: &[LabelledSet]) -> Result<(Vec<(String, Vec<HeadReport>)>, f64)> {
        // Whole windows as in use, but of each article only the first, which tells epochs apart as well.
        let options = Options { threads: Some(self.settings.threads), windows: Some(1), ..Options::default() };
        let classifier = Classifier::new(self.model(weights.clone()), &options)?;
        let mut reports = Vec::new();
        for set in sets.iter().filter(|set| !set.articles.is_empty()) {
            reports.push((set.name.clone(), measure(&classifier, set, &mut |_| {})?));
        }
        let figure = |r: &HeadReport| if r.report.labels_are_sources { r.report.accuracy } else { r.report.macro_f1 };
        let figures: Vec<f64> = reports.iter().flat_map(|(_, heads)| heads.iter().map(figure)).collect();
        let score = figures.iter().sum::<f64>() / figures.len() as f64;
        Ok((reports, score))
    }
}
