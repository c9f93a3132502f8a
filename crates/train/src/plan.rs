//! Checks the inputs of a run, and derives what they determine: heads, teachers, rows per epoch and steps.

use crate::error::{Result, TrainError};
use crate::fingerprint::Fingerprint;
use crate::heads::merge_heads;
use crate::log::{SetRows, StartRecord};
use crate::sampling::SetSample;
use crate::settings::{Freeze, MAX_ROWS, Settings};
use crate::teacher::{TeacherScores, Teachers};
use newsdesk_data::LabelledSet;
use newsdesk_model::network::{EncoderLosses, TrainingNetwork};
use newsdesk_model::{Head, HeadActivation, Model};
use std::borrow::Cow;

/// The models that a run starts with.
#[derive(Clone, Copy)]
pub struct Models<'a> {
    /// The model that is fine-tuned.
    pub base: &'a Model,
    /// The models to distil from; empty to learn from labels only.
    pub teachers: &'a [Model],
    /// Scores of further teachers, from files.
    pub teacher_scores: &'a [TeacherScores],
}

/// What the inputs of a run determine.
pub(crate) struct Plan<'a> {
    /// The model that training starts with.
    pub(crate) starting_model: Cow<'a, Model>,
    /// The heads of the training sets.
    pub(crate) heads: Vec<Head>,
    pub(crate) teachers: Teachers<'a>,
    /// The rows that an epoch takes from each training set.
    pub(crate) samples: Vec<SetSample>,
    pub(crate) steps_per_epoch: usize,
}

impl<'a> Plan<'a> {
    /// Checks settings, training sets and models.
    ///
    /// # Errors
    /// If they cannot be used together.
    pub(crate) fn new(models: &Models<'a>, training: &[LabelledSet], settings: &Settings) -> Result<Self> {
        let Models { base, teachers, teacher_scores } = *models;
        let starting_model = settings.starting_model(base)?;
        let heads = merge_heads(training)?;
        let fail = |setting, cause: String| Err(TrainError::Setting { setting, cause });
        if settings.quantise.is_some() && !(base.weights.device().is_cpu() && TrainingNetwork::supports(&base.encoder))
        {
            return fail("quantise", "it needs a CPU, and an encoder without disentangled attention (DeBERTa)".into());
        }
        check_ordinal(&heads, settings)?;
        if settings.distillation.is_some() == (teachers.is_empty() && teacher_scores.is_empty()) {
            return fail("distillation", "it needs teachers, and teachers need it".into());
        }
        if let Some(losses) = settings.distillation.and_then(|distillation| distillation.encoder_losses()) {
            check_encoders(&starting_model, teachers, losses, settings)?;
        }
        if let Some(name) = settings.set_weights.keys().find(|&name| training.iter().all(|set| set.name != *name)) {
            let known: Vec<&str> = training.iter().map(|set| set.name.as_str()).collect();
            return fail("set_weights", format!("no training set is called `{name}`, but `{}`", known.join("`, `")));
        }
        let samples = samples(training, settings);
        let rows = samples.iter().fold(0, |sum: usize, sample| sum.saturating_add(sample.taken));
        if rows > MAX_ROWS {
            return fail("set_weights", format!("an epoch would take {rows} rows, more than {MAX_ROWS}"));
        }
        let steps_per_epoch = rows.div_ceil(settings.batch_size);
        let steps = steps_per_epoch.saturating_mul(settings.epochs);
        if i32::try_from(steps).is_err() {
            return fail("epochs", format!("the run would take {steps} steps, more than {}", i32::MAX));
        }
        let teachers = Teachers::new(teachers, teacher_scores, &heads)?;
        Ok(Self { starting_model, heads, teachers, samples, steps_per_epoch })
    }

    /// Returns the fingerprint of the run.
    ///
    /// # Errors
    /// If the device fails.
    pub(crate) fn fingerprint(
        &self,
        training: &[LabelledSet],
        validation: &[LabelledSet],
        settings: &Settings,
    ) -> Result<Fingerprint> {
        Fingerprint::new(
            &self.starting_model,
            &self.heads,
            training,
            validation,
            &self.teachers.descriptions()?,
            settings,
        )
    }

    /// Returns the first line of the run's log.
    pub(crate) fn start_record(
        &self,
        models: &Models,
        training: &[LabelledSet],
        validation: &[LabelledSet],
        settings: &Settings,
        fingerprint: &Fingerprint,
    ) -> StartRecord {
        let rows =
            |set: &LabelledSet| SetRows { set: set.name.clone(), split: set.split.clone(), rows: set.articles.len() };
        StartRecord {
            newsdesk: env!("CARGO_PKG_VERSION").into(),
            base: models.base.manifest.name.clone(),
            teachers: self.teachers.names(),
            sets: training.iter().map(rows).collect(),
            validation: validation.iter().map(rows).collect(),
            steps_per_epoch: self.steps_per_epoch,
            settings: serde_json::to_value(settings).unwrap_or_default(),
            pooling: models.base.manifest.pooling.to_string(),
            fingerprint: fingerprint.hash(),
        }
    }
}

/// Checks that the heads with ordered labels can have a loss for their order.
fn check_ordinal(heads: &[Head], settings: &Settings) -> Result<()> {
    let fail = |cause| Err(TrainError::Setting { setting: "ordinal", cause });
    for name in settings.ordinal.keys() {
        match heads.iter().find(|head| head.name == *name) {
            Some(head) if head.activation == HeadActivation::Softmax && head.labels.len() > 2 => {}
            Some(_) => return fail(format!("the head `{name}` needs more than two labels, of which a text has one")),
            None => {
                let known: Vec<&str> = heads.iter().map(|head| head.name.as_str()).collect();
                return fail(format!("no head is called `{name}`, but `{}`", known.join("`, `")));
            }
        }
    }
    Ok(())
}

/// Checks that the encoder of a student can be compared with that of its teacher.
fn check_encoders(student: &Model, teachers: &[Model], losses: EncoderLosses, settings: &Settings) -> Result<()> {
    let is_of_states = losses.hidden_states > 0.0;
    let setting = if is_of_states { "distillation.hidden_state_weight" } else { "distillation.relation_weight" };
    let fail = |cause: String| Err(TrainError::Setting { setting, cause });
    let [teacher] = teachers else { return fail("it needs exactly one teacher".into()) };
    if settings.freeze == Freeze::Encoder {
        return fail("the encoder is frozen, so it cannot learn from that of a teacher".into());
    }
    let models = [student, teacher];
    let is_supported = |model: &&Model| model.weights.device().is_cpu() && TrainingNetwork::supports(&model.encoder);
    if !models.iter().all(is_supported) {
        return fail("it needs a CPU, and encoders without disentangled attention (DeBERTa)".into());
    }
    if student.tokenizer.json() != teacher.tokenizer.json() {
        return fail("student and teacher have different tokenizers".into());
    }
    let [own, other] = models.map(|model| &model.encoder);
    if own.layers.len() > other.layers.len() {
        let (layers, of_teacher) = (own.layers.len(), other.layers.len());
        return fail(format!("the student has {layers} layers, more than the {of_teacher} of its teacher"));
    }
    if is_of_states && own.hidden_size != other.hidden_size {
        let (width, of_teacher) = (own.hidden_size, other.hidden_size);
        return fail(format!("the hidden states have {width} numbers, but those of the teacher {of_teacher}"));
    }
    if losses.relations > 0.0 && !other.hidden_size.is_multiple_of(own.num_attention_heads) {
        let (heads, width) = (own.num_attention_heads, other.hidden_size);
        return fail(format!("the {width} numbers of the teacher's vectors cannot be divided among {heads} heads"));
    }
    Ok(())
}

/// Returns the rows that an epoch takes from each data set.
fn samples(sets: &[LabelledSet], settings: &Settings) -> Vec<SetSample> {
    let sample = |set: &LabelledSet| {
        let weight = settings.set_weights.get(&set.name).copied().unwrap_or(1.0);
        SetSample::new(set.articles.len(), settings.rows_per_epoch, weight)
    };
    sets.iter().map(sample).collect()
}

/// Returns the first line of the log that [`train`](crate::train) writes. Two runs with the same line give the same model.
///
/// # Errors
/// If settings, data sets and models cannot be used together.
pub fn start_record(
    models: &Models,
    training: &[LabelledSet],
    validation: &[LabelledSet],
    settings: &Settings,
) -> Result<StartRecord> {
    let plan = Plan::new(models, training, settings)?;
    let fingerprint = plan.fingerprint(training, validation, settings)?;
    Ok(plan.start_record(models, training, validation, settings, &fingerprint))
}
