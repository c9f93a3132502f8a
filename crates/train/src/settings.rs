//! The settings of a training run.

use crate::augmentation::{Augmentation, is_zero};
use crate::error::{Result, TrainError};
use newsdesk_model::folder::WindowRecord;
use newsdesk_model::network::EncoderLosses;
use newsdesk_model::{Combine, Model, ModelError};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The largest number of epochs of a run.
const MAX_EPOCHS: usize = 1_000_000;

/// The largest number of rows per epoch: 4 GiB of indices.
pub(crate) const MAX_ROWS: usize = 1 << 28;

/// The largest learning rate of an encoder. Useful ones are a thousand times lower.
const MAX_LEARNING_RATE: f64 = 1.0;

/// The largest factor, weight, exponent or temperature among the settings.
const MAX_FACTOR: f64 = 1e6;

/// How the learning rate falls after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LrScheduler {
    /// Linearly to zero.
    #[default]
    Linear,
    /// Along half a cosine to zero.
    Cosine,
}

/// The weights that are not trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Freeze {
    /// All weights are trained.
    #[default]
    Nothing,
    /// The embeddings are frozen.
    Embeddings,
    /// The embeddings and this number of layers, from the first, are frozen.
    Layers(usize),
    /// Only the heads are trained, and the pooler if there is one.
    Encoder,
}

impl Freeze {
    /// Returns the number of frozen levels of an encoder. The embeddings are the first level, the layers follow.
    pub(crate) fn levels(self, layers: usize) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Embeddings => 1,
            Self::Layers(count) => count + 1,
            Self::Encoder => layers + 1,
        }
    }
}

/// The dtype that a model is trained for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quantise {
    /// The products of the encoder see weights and activations as int8 products see them, and the finished model has the rounded
    /// weights (Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018).
    Int8,
}

/// How the label of a row weights its loss.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassWeights {
    /// All rows have the same weight.
    #[default]
    Equal,
    /// All labels have the same total weight: a row weighs the number of rows, divided by the number of rows with its label
    /// and by the number of labels. Rows are counted as often as an epoch samples them.
    #[serde(alias = "auto")]
    Balanced,
    /// The weight of each label by name; 1 for labels that are not listed.
    Given(BTreeMap<String, f64>),
}

impl ClassWeights {
    /// Checks that the weights can be used.
    ///
    /// # Errors
    /// [`TrainError::Setting`] if one is not within 0..=1,000,000.
    pub(crate) fn check(&self) -> Result<()> {
        let Self::Given(weights) = self else { return Ok(()) };
        weights.values().try_for_each(|&weight| not_negative("class_weights", weight))
    }
}

/// How the model learns from teachers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Distillation {
    /// Share of a head's loss that comes from the teachers, from 0 to 1; the rest comes from the labels. Heads that no teacher
    /// has learn from labels only.
    pub weight: f64,
    /// Divides the logits of teachers and student, so that labels that a teacher finds unlikely contribute as well.
    pub temperature: f64,
    /// Whether distillation also uses rows without a label for a head.
    pub include_unlabelled: bool,
    /// Weight of the difference of hidden states in the loss; see [`EncoderLosses::hidden_states`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hidden_state_weight: f64,
    /// Weight of the difference of attention relations in the loss; see [`EncoderLosses::relations`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub relation_weight: f64,
}

impl Distillation {
    /// Returns the weights of the losses that compare the encoders of student and teacher; `None` if none does.
    pub(crate) fn encoder_losses(&self) -> Option<EncoderLosses> {
        let (hidden_states, relations) = (self.hidden_state_weight as f32, self.relation_weight as f32);
        (hidden_states > 0.0 || relations > 0.0).then_some(EncoderLosses { hidden_states, relations })
    }
}

/// Everything besides the data and the base model that decides the result of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Number of passes over the training rows.
    pub epochs: usize,
    /// The largest learning rate, reached after the warm-up.
    pub learning_rate: f64,
    /// Factor of the learning rate for the heads, which usually start from random weights.
    pub head_lr_multiplier: f64,
    /// Share of all steps in which the learning rate rises from zero. It falls to zero over the rest.
    pub warmup_ratio: f64,
    /// How the learning rate falls.
    pub lr_scheduler: LrScheduler,
    /// Factor of the learning rate from each layer to the one below it, down to the embeddings; 1 for no difference.
    pub layer_lr_decay: f64,
    /// Label smoothing: probability mass spread evenly over all labels of a head.
    pub label_smoothing: f64,
    /// The loss of a row is multiplied by (1 - probability of the gold label) to this power (Lin et al., "Focal Loss", 2017);
    /// 0 for no such factor.
    pub focal_gamma: f64,
    /// How the label of a row weights its loss.
    pub class_weights: ClassWeights,
    /// By the name of a head whose labels are in an order: weight of the squared distance between the cumulated probabilities of
    /// prediction and gold label, added to the loss (Hou et al., "Squared Earth Mover's Distance-based Loss", 2016).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ordinal: BTreeMap<String, f64>,
    /// How often an article is read in another form.
    #[serde(flatten)]
    pub augmentation: Augmentation,
    /// How the model learns from teachers; `None` without teachers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distillation: Option<Distillation>,
    /// The dtype that the model is trained for; `None` for f32. Only on a CPU, and not with disentangled attention (DeBERTa).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantise: Option<Quantise>,
    /// The layers of the base that training starts with, by their numbers from 0; `None` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<usize>>,
    /// The weights that are not trained.
    pub freeze: Freeze,
    /// The run ends after this number of epochs without a better one; 0 for never.
    pub patience: usize,
    /// Weight decay of matrices. Biases and layer norms have none.
    pub weight_decay: f64,
    /// The norm over all gradients is clipped to this; 0 for no clipping.
    pub max_grad_norm: f64,
    /// Articles per step.
    pub batch_size: usize,
    /// Articles per forward and backward pass where candle computes the gradients: on GPUs, and for encoders with another
    /// activation than GELU. The gradients of a step's micro-batches are added.
    pub micro_batch_size: usize,
    /// The largest number of rows that an epoch takes from one data set; a larger set is spread over several epochs. 0 for all.
    pub rows_per_epoch: usize,
    /// Factor of the number of rows that an epoch takes from a data set, by its name; 1 for sets that are not listed.
    pub set_weights: BTreeMap<String, f64>,
    /// Longest window in training, in tokens with special ones. Of longer articles only the beginning is used.
    pub max_train_length: usize,
    /// Window length of the finished model, in tokens with special ones.
    pub max_length: usize,
    /// Tokens that neighbouring windows of the finished model share: the window length minus the step from one window to
    /// the next.
    pub overlap: usize,
    /// How the finished model combines the windows of an article.
    pub combine: Combine,
    /// Seed of every random choice.
    pub seed: u64,
    /// Steps between checkpoints within an epoch, besides the one after each epoch; 0 for none. Does not change the result.
    #[serde(skip)]
    pub save_steps: usize,
    /// Number of threads. Does not change the result.
    #[serde(skip)]
    pub threads: usize,
}

impl Settings {
    /// Returns how the finished model cuts articles into windows.
    pub fn window(&self) -> WindowRecord {
        WindowRecord { length: self.max_length, overlap: self.overlap, combine: self.combine }
    }

    /// Returns the model that training starts with: the base, or some of its layers.
    ///
    /// # Errors
    /// [`TrainError::Setting`] with the first setting that cannot be used with this base.
    pub fn starting_model<'a>(&self, base: &'a Model) -> Result<Cow<'a, Model>> {
        let model = match &self.layers {
            None => Cow::Borrowed(base),
            Some(kept) => match base.with_layers(kept) {
                Err(ModelError::Layers { cause }) => return Err(TrainError::Setting { setting: "layers", cause }),
                model => Cow::Owned(model?),
            },
        };
        let encoder = &model.encoder;
        self.check(encoder.distinct_layers(), encoder.max_length, base.tokenizer.special_tokens())?;
        Ok(model)
    }

    /// Checks that the settings can be used with an encoder of `layers` layers and `max_length` positions, and a tokenizer
    /// that adds `special_tokens` tokens to a window.
    fn check(&self, layers: usize, max_length: usize, special_tokens: usize) -> Result<()> {
        not_negative("weight_decay", self.weight_decay)?;
        not_negative("max_grad_norm", self.max_grad_norm)?;
        not_zero("epochs", self.epochs)?;
        within("epochs", self.epochs, 1, MAX_EPOCHS)?;
        if self.learning_rate.is_finite() && self.learning_rate > MAX_LEARNING_RATE {
            return fail("learning_rate", format!("{} is more than {MAX_LEARNING_RATE}", shown(self.learning_rate)));
        }
        positive("learning_rate", self.learning_rate)?;
        positive("head_lr_multiplier", self.head_lr_multiplier)?;
        not_zero("batch_size", self.batch_size)?;
        within("batch_size", self.batch_size, 1, MAX_ROWS)?;
        within("patience", self.patience, 0, MAX_EPOCHS)?;
        within("micro_batch_size", self.micro_batch_size, 1, self.batch_size)?;
        within("max_train_length", self.max_train_length, special_tokens + 1, max_length)?;
        within("max_length", self.max_length, special_tokens + 1, max_length)?;
        within("overlap", self.overlap, special_tokens, self.max_length - 1)?;
        below_one("warmup_ratio", self.warmup_ratio)?;
        below_one("label_smoothing", self.label_smoothing)?;
        not_negative("focal_gamma", self.focal_gamma)?;
        positive("layer_lr_decay", self.layer_lr_decay)?;
        self.ordinal.values().try_for_each(|&weight| not_negative("ordinal", weight))?;
        self.check_augmentation()?;
        if let Freeze::Layers(count) = self.freeze
            && count > layers
        {
            return fail("freeze", format!("there are {layers} layers, not {count}"));
        }
        // The rows that they give are limited by [`MAX_ROWS`].
        let is_weight = |weight: &&f64| **weight > 0.0 && weight.is_finite();
        if let Some(weight) = self.set_weights.values().find(|weight| !is_weight(weight)) {
            return fail("set_weights", format!("{weight} is not above zero"));
        }
        if let Some(Distillation { weight, temperature, hidden_state_weight, relation_weight, .. }) = self.distillation
        {
            not_negative("distillation.hidden_state_weight", hidden_state_weight)?;
            not_negative("distillation.relation_weight", relation_weight)?;
            if !(0.0..=1.0).contains(&weight) {
                return fail("distillation.weight", format!("{weight} is not within 0..=1"));
            }
            positive("distillation.temperature", temperature)?;
        }
        self.class_weights.check()
    }

    fn check_augmentation(&self) -> Result<()> {
        let Augmentation { drop_title, later_window, text_noise } = self.augmentation;
        let shares = [("drop_title", drop_title), ("later_window", later_window), ("text_noise", text_noise)];
        for (setting, share) in shares {
            if !(0.0..=1.0).contains(&share) {
                return fail(setting, format!("{share} is not within 0..=1"));
            }
        }
        // An article has at most one other form, so that shares add up.
        match shares.iter().rev().find(|(_, share)| *share > 0.0) {
            Some(&(setting, _)) if self.augmentation.total() > 1.0 => {
                fail(setting, format!("the shares of all forms add up to {}, more than 1", self.augmentation.total()))
            }
            _ => Ok(()),
        }
    }
}

fn fail(setting: &'static str, cause: String) -> Result<()> {
    Err(TrainError::Setting { setting, cause })
}

/// Returns a number with few characters: a large one as `1e30`.
pub(crate) fn shown(value: f64) -> String {
    if value.is_finite() && value.abs() >= 1e7 { format!("{value:e}") } else { value.to_string() }
}

fn not_zero(setting: &'static str, value: usize) -> Result<()> {
    if value > 0 { Ok(()) } else { fail(setting, "0 is not above zero".into()) }
}

fn positive(setting: &'static str, value: f64) -> Result<()> {
    if value > 0.0 && value.is_finite() {
        up_to_max(setting, value)
    } else {
        fail(setting, format!("{value} is not above zero"))
    }
}

fn not_negative(setting: &'static str, value: f64) -> Result<()> {
    if value >= 0.0 && value.is_finite() {
        up_to_max(setting, value)
    } else {
        fail(setting, format!("{value} is not zero or above"))
    }
}

fn up_to_max(setting: &'static str, value: f64) -> Result<()> {
    if value <= MAX_FACTOR { Ok(()) } else { fail(setting, format!("{} is more than {MAX_FACTOR}", shown(value))) }
}

fn below_one(setting: &'static str, value: f64) -> Result<()> {
    if (0.0..1.0).contains(&value) { Ok(()) } else { fail(setting, format!("{value} is not within 0..1")) }
}

fn within(setting: &'static str, value: usize, min: usize, max: usize) -> Result<()> {
    if (min..=max).contains(&value) { Ok(()) } else { fail(setting, format!("{value} is not within {min}..={max}")) }
}
