//! Fine-tunes a model: prepares a run, starts or resumes it, trains its epochs, and returns the model of the best one.

use crate::checkpoint::{self, CHECKPOINT, State};
use crate::class_weights::class_weights;
use crate::curve::draw;
use crate::distillation::LossShares;
use crate::error::{Remedy, Result, TrainError};
use crate::examples::{Example, prepare};
use crate::fingerprint::Fingerprint;
use crate::heads::{check_data, fits};
use crate::initial_weights::initial_biases;
use crate::lock::FolderLock;
use crate::log::{LOG, Log, Record, StartRecord, read_log};
use crate::loss::LossOptions;
use crate::meter::{Meter, MeterState};
use crate::plan::{Models, Plan};
use crate::progress::Progress;
use crate::session::Session;
use crate::settings::{Distillation, Settings};
use crate::stop::Stop;
use crate::trainer::Trainer;
use crate::vocabulary::Vocabulary;
use newsdesk_data::LabelledSet;
use newsdesk_eval::check_heads;
use newsdesk_model::checkpoint::Weights;
use newsdesk_model::folder::TrainingRecord;
use newsdesk_model::{Head, Model};
use std::collections::BTreeMap;
use std::path::Path;

/// The result of a run.
pub struct Trained {
    /// The model of the best epoch.
    pub model: Model,
    /// The best epoch, from 1.
    pub best_epoch: usize,
    /// Its score on the validation sets.
    pub score: f64,
    /// Seconds of the run, without interruptions.
    pub elapsed: f64,
    /// The log of the run, to which the caller adds the last line.
    pub log: Log,
    /// Keeps other runs out of the folder until this result is dropped.
    _lock: FolderLock,
}

/// Where a run writes, and what may end it early.
pub struct RunFolder<'a> {
    /// The folder of log, training curve and checkpoint.
    pub folder: &'a Path,
    /// Whether to continue from the checkpoint in the folder, if there is one.
    pub resume: bool,
    /// Ends the run after its current step, with a checkpoint and [`TrainError::Interrupted`].
    pub stop: &'a Stop,
}

/// Fine-tunes the base together with the heads of the training sets: those that the base has, and new ones.
///
/// Teachers are models with some of the heads, with the same labels. Their probabilities for the articles that the run uses
/// are computed once, before the first step. [`Settings::distillation`] sets the distillation.
///
/// The model of the best epoch is kept: the one with the highest mean of macro-F1 over the heads of the validation sets
/// (accuracy for data sets with labels of their own).
///
/// The run writes into the folder of `run`: its log, its training curve, and a checkpoint after each epoch, as often as the
/// settings say, and when it is stopped. If it continues from the checkpoint, the resulting weights are bit-identical to those of an
/// uninterrupted run. The checkpoint stays until the caller has written the model and calls [`crate::remove_checkpoint`].
///
/// # Errors
/// If the settings or the data cannot be used, the loss or a weight is no longer finite, a file cannot be written, or the
/// device fails. The last checkpoint is then still there.
pub fn train(
    models: &Models,
    training: &[LabelledSet],
    validation: &[LabelledSet],
    settings: &Settings,
    run: &RunFolder,
    progress: &mut dyn FnMut(Progress),
) -> Result<Trained> {
    let folder = run.folder;
    let plan = Plan::new(models, training, settings)?;
    let base = &*plan.starting_model;
    let mut examples = prepare_examples(base, training, validation, &plan.heads, settings)?;
    let loss = loss_options(&plan, &examples, settings)?;
    let biases = initial_biases(&plan.heads, examples.iter().flatten());
    let vocabulary = Vocabulary::renumber(&mut examples, base.encoder.pad_token_id);
    let session = Session::new(base, models.teachers, vocabulary, plan.heads.clone(), &biases, loss, settings)?;
    let fingerprint = plan.fingerprint(training, validation, settings)?;
    let start = plan.start_record(models, training, validation, settings, &fingerprint);

    let lock = FolderLock::acquire(folder)?;
    let (session, state, best, log) = start_or_resume(session, fingerprint, start, run, progress)?;
    let articles: usize = validation.iter().map(|set| set.articles.len()).sum();
    let mut trainer = Trainer {
        session,
        meter: Meter::new(state.meter),
        state,
        best,
        log,
        settings,
        samples: &plan.samples,
        steps_per_epoch: plan.steps_per_epoch,
        examples,
        validation,
        articles,
        folder,
        checkpoint: folder.join(CHECKPOINT),
        stop: run.stop,
        progress,
    };
    // A run that was interrupted after its last epoch has no epoch left.
    let epochs = if trainer.stops() { 0..0 } else { trainer.state.epochs_done..settings.epochs };
    if let Some(distillation) = &settings.distillation {
        let used = trainer.used_rows(epochs.clone());
        let examples = &mut trainer.examples;
        plan.teachers.add_soft_targets(examples, training, &used, distillation, settings, trainer.progress)?;
        trainer.meter.skip();
    }
    run.stop.follow(true);
    for epoch in epochs {
        trainer.run_epoch(epoch)?;
        if trainer.stops() {
            (trainer.progress)(Progress::StoppedEarly { best_epoch: trainer.state.best_epoch });
            break;
        }
    }
    run.stop.follow(false);

    let Trainer { session, state: State { best_epoch, best_score: score, .. }, best, log, meter, .. } = trainer;
    let Some(best) = best else {
        let cause = "no epoch reached a finite score".into();
        return Err(TrainError::Data { cause, remedy: Remedy::AddValidationData });
    };
    let mut model = session.model(&best)?;
    model.manifest.training = Some(TrainingRecord {
        base: base.manifest.name.clone(),
        sets: training.iter().zip(&plan.samples).map(|(set, sample)| sample.description(set)).collect(),
        teachers: plan.teachers.descriptions()?,
        best_epoch,
        newsdesk: env!("CARGO_PKG_VERSION").into(),
        settings: serde_json::to_value(settings).unwrap_or_default(),
    });
    // Again, for a run that was interrupted after its last epoch.
    draw(&log, folder)?;
    Ok(Trained { model, best_epoch, score, elapsed: meter.elapsed(), log, _lock: lock })
}

/// Tokenises the training articles, and checks that training and validation data match the heads.
fn prepare_examples(
    base: &Model,
    training: &[LabelledSet],
    validation: &[LabelledSet],
    heads: &[Head],
    settings: &Settings,
) -> Result<Vec<Vec<Example>>> {
    let sets = training.iter().enumerate();
    let examples: Vec<Vec<Example>> =
        sets.map(|(index, set)| prepare(set, index, heads, base, settings)).collect::<Result<_>>()?;
    check_data(training, validation, heads)?;
    let matches = |e: &Example| {
        e.gold_labels.iter().zip(heads).all(|(gold, head)| gold.as_ref().is_none_or(|gold| fits(gold, head)))
    };
    if !examples.iter().flatten().all(matches) {
        let cause = "a row is multi-label and its head single-label, or the other way round".into();
        return Err(TrainError::Data { cause, remedy: Remedy::UseOneLabelKind });
    }
    validation.iter().try_for_each(|set| check_heads(set, heads))?;
    Ok(examples)
}

fn loss_options(plan: &Plan, examples: &[Vec<Example>], settings: &Settings) -> Result<LossOptions> {
    let shares = settings.distillation.map(|Distillation { weight, temperature, .. }| LossShares {
        weight,
        temperature,
        heads: plan.teachers.heads(),
    });
    Ok(LossOptions {
        label_smoothing: settings.label_smoothing,
        focal_gamma: settings.focal_gamma,
        class_weights: class_weights(&settings.class_weights, &plan.heads, examples, &plan.samples)?,
        ordinal: plan.heads.iter().map(|head| settings.ordinal.get(&head.name).copied().unwrap_or(0.0)).collect(),
        shares: shares.unwrap_or_default(),
    })
}

/// Starts the log of a new run, or restores a run from its checkpoint if it resumes and there is one. Returns session,
/// progress, the weights of the best epoch so far, and the log.
///
/// # Errors
/// [`TrainError::OtherRun`] if the checkpoint, or without one the log, belongs to another run that should be resumed.
fn start_or_resume<'a>(
    mut session: Session<'a>,
    fingerprint: Fingerprint,
    start: StartRecord,
    run: &RunFolder,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Session<'a>, State, Option<Weights>, Log)> {
    let RunFolder { folder, resume, .. } = *run;
    let found = if resume { checkpoint::read(&folder.join(CHECKPOINT), &fingerprint, &session.device)? } else { None };
    let Some(found) = found else {
        if resume {
            check_log(folder, &start)?;
        }
        let state = State {
            fingerprint,
            epochs_done: 0,
            steps_of_epoch: 0,
            steps: 0,
            best_epoch: 0,
            best_score: f64::MIN,
            meter: MeterState::default(),
            sha256: BTreeMap::new(),
        };
        return Ok((session, state, None, Log::start(folder, start)?));
    };
    let state = found.state;
    let [variables, moments] = [&found.variables, &found.moments].map(|weights| session.of_older_version(weights));
    let best = found.best.as_ref().map(|weights| session.of_older_version(weights)).transpose()?;
    session.restore(&variables?, &moments?, state.steps)?;
    progress(Progress::Resumed { epochs: state.epochs_done, steps: state.steps_of_epoch });
    let log = Log::resume(folder, start, state.epochs_done, state.steps_of_epoch)?;
    Ok((session, state, best, log))
}

/// Checks that a log without a checkpoint, if there is one, belongs to this run.
fn check_log(folder: &Path, start: &StartRecord) -> Result<()> {
    let records = read_log(folder)?;
    let Some(Record::Start(logged)) = records.first() else { return Ok(()) };
    let differences = logged.differences(start);
    if differences.is_empty() {
        return Ok(());
    }
    let cause = format!("it belongs to another run ({})", differences.join("; "));
    Err(TrainError::OtherRun { path: folder.join(LOG), cause })
}
