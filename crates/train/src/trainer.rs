//! The training loop: epochs of steps, a checkpoint after each epoch, and the best epoch kept.

use crate::checkpoint::{self, CHECKPOINT, State};
use crate::curve::draw;
use crate::distillation::Teaching;
use crate::epoch::{Share, steps};
use crate::error::{Result, TrainError};
use crate::examples::{Example, prepare};
use crate::fingerprint::Fingerprint;
use crate::heads::{check_taught, first_biases, union};
use crate::lock::Lock;
use crate::log::{EpochRecord, Log, Record, STEPS_PER_LINE, SetRows, StartRecord, StepRecord};
use crate::loss::{self, LossOptions};
use crate::meter::{Measured, Meter};
use crate::progress::Progress;
use crate::run::Run;
use crate::schedule::rate;
use crate::settings::{ClassWeights, Distillation, MOST_ROWS, Settings};
use crate::teacher::Teachers;
use newsdesk_data::LabelledSet;
use newsdesk_eval::{check_heads, figures};
use newsdesk_model::encoder::Weights;
use newsdesk_model::folder::TrainingRecord;
use newsdesk_model::{Head, Model};
use std::collections::BTreeSet;
use std::path::Path;

/// The result of a run.
pub struct Trained {
    /// The best epoch's model.
    pub model: Model,
    /// The epoch that it comes from, from 1.
    pub best_epoch: usize,
    /// Its score on the validation data.
    pub score: f64,
    /// Seconds that the run took, without its interruptions.
    pub elapsed: f64,
    /// The run's log, for the line that ends it.
    pub log: Log,
    /// Keeps other runs out of the folder until this one is through with it.
    _lock: Lock,
}

/// The models that a run begins with.
#[derive(Clone, Copy)]
pub struct Models<'a> {
    /// The one whose encoder is trained on.
    pub base: &'a Model,
    /// Those that are learned from besides the labels; none for labels only.
    pub teachers: &'a [Model],
}

/// Fine-tunes all of the base together with the heads that `sets` teach: those that it has, and new ones.
///
/// Teachers are models that have some of the heads, with the same labels; what they say of the articles that the run draws is
/// computed once, before the first step, and learned from as [`Settings::distillation`] says.
///
/// The model of the best epoch is kept: the one with the highest mean over `validation`'s sets and heads of macro-F1
/// (accuracy for heads that are measured as sets).
///
/// What the run writes goes into `folder`: its log, its curve, and after each epoch, and in between as the settings say, a
/// checkpoint. With `resume` a run goes on from there and ends as if it had never stopped, to the bit. The checkpoint stays
/// until the caller, who writes the model, calls [`crate::remove_checkpoint`].
///
/// # Errors
/// If the settings or the data cannot be used, the loss or a weight is no longer a number, a file cannot be written, or the
/// device fails. The last checkpoint is then still there.
pub fn train(
    models: &Models,
    sets: &[LabelledSet],
    validation: &[LabelledSet],
    settings: &Settings,
    folder: &Path,
    resume: bool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Trained> {
    let base = models.base;
    let (heads, teachers) = checked(models, sets, settings)?;
    let mut examples: Vec<Vec<Example>> = sets
        .iter()
        .map(|set| prepare(set, &heads, &base.tokenizer, base.config.pad_token_id, settings.length, settings.threads))
        .collect::<Result<_>>()?;
    let fitting = |e: &Example| e.targets.iter().zip(&heads).all(|(t, h)| t.as_ref().is_none_or(|t| loss::fits(t, h)));
    check_taught(sets, validation, &heads)?;
    if !examples.iter().flatten().all(fitting) {
        return Err(TrainError::Data {
            cause: "a target does not fit its head".into(),
            hint: "rows of one head have either one label or a list of labels, not both".into(),
        });
    }

    validation.iter().try_for_each(|set| check_heads(set, &heads))?;
    let shares = shares(sets, settings);
    let class_weights = class_weights(&heads, settings, &examples, &shares)?;
    let teaching = settings.distillation.map(|Distillation { weight, temperature, .. }| Teaching {
        weight,
        temperature,
        heads: teachers.heads(),
    });
    let teaching = teaching.unwrap_or_default();
    let loss_options =
        LossOptions { smoothing: settings.label_smoothing, focal: settings.focal, class_weights, teaching };
    let biases = first_biases(&heads, examples.iter().flatten());
    let mut run = Run::new(base, heads, &biases, loss_options, settings)?;
    let describe = |(set, share): (&LabelledSet, &Share)| {
        format!("{} {}: {} of {} rows", set.name, set.split, share.taken, share.rows)
    };
    let described: Vec<String> = sets.iter().zip(&shares).map(describe).collect();
    let taught_by = teachers.described()?;
    let fingerprint = Fingerprint::new(base, &run.heads, sets, validation, &taught_by, settings)?;
    let steps_per_epoch = steps_per_epoch(sets, settings);
    let all_steps = steps_per_epoch * settings.epochs;

    let measured = Measured::default();
    let (epochs_done, steps_of_epoch, best_score) = (0, 0, f64::MIN);
    let mut state = State { fingerprint, epochs_done, steps_of_epoch, steps: 0, best_epoch: 0, best_score, measured };
    let mut best = None;
    let lock = Lock::take(folder)?;
    let checkpoint = &folder.join(CHECKPOINT);
    let start = record(models, sets, validation, settings, &state.fingerprint);
    let found = if resume { checkpoint::read(checkpoint, &state.fingerprint, &run.device)? } else { None };
    let mut log = match found {
        Some(found) => {
            run.restore(&found.variables, &found.moments, found.state.steps)?;
            state = found.state;
            best = found.best;
            progress(Progress::Resumed { epochs: state.epochs_done, steps: state.steps_of_epoch });
            Log::go_on(folder, start, state.epochs_done, state.steps_of_epoch)?
        }
        None => Log::begin(folder, start)?,
    };
    let mut meter = Meter::new(state.measured);
    let articles: usize = validation.iter().map(|set| set.articles.len()).sum();
    let steps_of_validation = articles as f64 / settings.batch_size as f64;
    // A run that was cut off after its last epoch has nothing left to do.
    let epochs = if stops(&state, settings) { 0..0 } else { state.epochs_done..settings.epochs };
    if let Some(distillation) = &settings.distillation {
        let drawn = |epoch| steps(&shares, settings.batch_size, settings.seed, epoch, |_, _| 1).into_iter().flatten();
        let rows: usize = examples.iter().map(Vec::len).sum();
        let mut all = BTreeSet::new();
        // Once all rows are drawn, no epoch adds one.
        for epoch in epochs.clone() {
            if all.len() == rows {
                break;
            }
            all.extend(drawn(epoch));
        }
        teach(&mut examples, sets, &teachers, &all, distillation, settings, progress)?;
        meter.next_step();
    }
    for epoch in epochs {
        let length = |set: usize, row: usize| examples[set][row].tokens.len();
        let plan = steps(&shares, settings.batch_size, settings.seed, epoch, length);
        for (number, step) in plan.iter().enumerate().skip(state.steps_of_epoch) {
            let batch: Vec<&Example> = step.iter().map(|&(set, row)| &examples[set][row]).collect();
            let place = epoch * steps_per_epoch + number;
            let rate = settings.learning_rate * rate(settings.schedule, place, all_steps, settings.warmup);
            let now = run.step(&batch, epoch, number, rate)?;
            if !now.is_finite() {
                return Err(TrainError::Diverged { what: "loss", value: now, step: number + 1, epoch: epoch + 1 });
            }
            meter.step(now, batch.iter().map(|e| e.tokens.len()).sum());
            let done = number + 1;
            let (loss, tokens_per_second, elapsed) = (meter.loss(), meter.tokens_per_second(), meter.elapsed());
            let line = StepRecord { epoch: epoch + 1, step: done, loss, rate, tokens_per_second, elapsed };
            // The calibration at the end is about one validation more.
            let time_left = meter.time_left(all_steps - place - 1, settings.epochs - epoch + 1, steps_of_validation);
            let logged = done % STEPS_PER_LINE == 0 || done == plan.len();
            progress(Progress::Step { figures: &line, steps: plan.len(), time_left, logged });
            if logged {
                meter.next_line();
                log.write(Record::Step(line))?;
            }
            if settings.checkpoint_every > 0 && done % settings.checkpoint_every == 0 && done < plan.len() {
                (state.steps_of_epoch, state.steps) = (done, run.optimizer.count());
                state.measured = meter.measured();
                let snapshot = run.variables.snapshot()?;
                check_numbers(&snapshot, epoch, done)?;
                checkpoint::write(checkpoint, &state, &snapshot, &run.optimizer.moments()?)?;
            }
        }
        let snapshot = run.variables.snapshot()?;
        check_numbers(&snapshot, epoch, plan.len())?;
        let mut validating = |done| progress(Progress::Validating { epoch: epoch + 1, done, articles });
        let (reports, score) = run.validate(&snapshot, validation, &mut validating)?;
        meter.validation();
        let is_best = score > state.best_score;
        if is_best {
            (state.best_epoch, state.best_score) = (epoch + 1, score);
        }
        let (elapsed, sets) = (meter.elapsed(), figures(&reports));
        log.write(Record::Epoch(EpochRecord { epoch: epoch + 1, score, best: is_best, elapsed, sets }))?;
        (state.epochs_done, state.steps_of_epoch, state.steps) = (epoch + 1, 0, run.optimizer.count());
        state.measured = meter.measured();
        checkpoint::write(checkpoint, &state, &snapshot, &run.optimizer.moments()?)?;
        if is_best {
            best = Some(snapshot);
        }
        progress(Progress::Epoch { epoch: epoch + 1, reports: &reports, score, best: is_best });
        draw(&log, folder)?;
        if stops(&state, settings) {
            progress(Progress::Stopped { best_epoch: state.best_epoch });
            break;
        }
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
        teachers: taught_by,
        best_epoch: state.best_epoch,
        newsdesk: env!("CARGO_PKG_VERSION").into(),
        settings: serde_json::to_value(settings).unwrap_or_default(),
    });
    // Again, for a run that was cut off after its last epoch.
    draw(&log, folder)?;
    let State { best_epoch, best_score: score, .. } = state;
    Ok(Trained { model, best_epoch, score, elapsed: meter.elapsed(), log, _lock: lock })
}

/// The first line of the log of such a run: two runs with the same one give the same model.
///
/// # Errors
/// If settings, sets and models do not fit each other.
pub fn start_record(
    models: &Models,
    sets: &[LabelledSet],
    validation: &[LabelledSet],
    settings: &Settings,
) -> Result<StartRecord> {
    let (heads, teachers) = checked(models, sets, settings)?;
    let fingerprint = Fingerprint::new(models.base, &heads, sets, validation, &teachers.described()?, settings)?;
    Ok(record(models, sets, validation, settings, &fingerprint))
}

/// The heads that the sets teach and the teachers of a run whose settings can be used.
fn checked<'a>(models: &Models<'a>, sets: &[LabelledSet], settings: &Settings) -> Result<(Vec<Head>, Teachers<'a>)> {
    let Models { base, teachers } = *models;
    let config = &base.config;
    settings.check(config.num_hidden_layers, config.max_position_embeddings, base.tokenizer.frame_length())?;
    let heads = union(sets)?;
    if settings.distillation.is_some() == teachers.is_empty() {
        let cause = "teachers, and how much is learned from them, come together".into();
        return Err(TrainError::Setting { setting: "teacher", cause });
    }
    check_set_weights(sets, settings)?;
    let rows = shares(sets, settings).iter().fold(0, |sum: usize, share| sum.saturating_add(share.taken));
    if rows > MOST_ROWS {
        let cause = format!("an epoch would take {rows} rows, more than {MOST_ROWS}");
        return Err(TrainError::Setting { setting: "set-weights", cause });
    }
    let steps = rows.div_ceil(settings.batch_size).saturating_mul(settings.epochs);
    if i32::try_from(steps).is_err() {
        let cause = format!("these are {steps} steps, more than {}", i32::MAX);
        return Err(TrainError::Setting { setting: "epochs", cause });
    }
    let teachers = Teachers::new(teachers, &heads)?;
    Ok((heads, teachers))
}

fn record(
    models: &Models,
    sets: &[LabelledSet],
    validation: &[LabelledSet],
    settings: &Settings,
    fingerprint: &Fingerprint,
) -> StartRecord {
    let rows =
        |set: &LabelledSet| SetRows { set: set.name.clone(), split: set.split.clone(), rows: set.articles.len() };
    StartRecord {
        newsdesk: env!("CARGO_PKG_VERSION").into(),
        base: models.base.manifest.name.clone(),
        teachers: models.teachers.iter().map(|teacher| teacher.manifest.name.clone()).collect(),
        sets: sets.iter().map(rows).collect(),
        validation: validation.iter().map(rows).collect(),
        steps_per_epoch: steps_per_epoch(sets, settings),
        settings: serde_json::to_value(settings).unwrap_or_default(),
        pooling: models.base.manifest.pooling.to_string(),
        fingerprint: fingerprint.hash(),
    }
}

fn steps_per_epoch(sets: &[LabelledSet], settings: &Settings) -> usize {
    shares(sets, settings).iter().map(|share| share.taken).sum::<usize>().div_ceil(settings.batch_size)
}

/// Checks that what a checkpoint is to keep can be used: a step may spoil the weights after its loss was still a number.
fn check_numbers(weights: &Weights, epoch: usize, step: usize) -> Result<()> {
    for tensor in weights.tensors() {
        let value = tensor?.1.sum_all()?.to_scalar::<f32>()?;
        if !value.is_finite() {
            return Err(TrainError::Diverged { what: "sum of the weights of a layer", value, step, epoch: epoch + 1 });
        }
    }
    Ok(())
}

/// What an epoch takes of each set.
fn shares(sets: &[LabelledSet], settings: &Settings) -> Vec<Share> {
    let share = |set: &LabelledSet| {
        let weight = settings.set_weights.get(&set.name).copied().unwrap_or(1.0);
        Share::new(set.articles.len(), settings.rows_per_epoch, weight)
    };
    sets.iter().map(share).collect()
}

/// Checks that each weight is that of a set.
fn check_set_weights(sets: &[LabelledSet], settings: &Settings) -> Result<()> {
    let Some(name) = settings.set_weights.keys().find(|&name| sets.iter().all(|set| set.name != *name)) else {
        return Ok(());
    };
    let known: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
    let cause = format!("no training set is called `{name}`, but `{}`", known.join("`, `"));
    Err(TrainError::Setting { setting: "set-weights", cause })
}

/// Gives the examples that the run draws, each by set and row, what the teachers say of them.
fn teach(
    examples: &mut [Vec<Example>],
    sets: &[LabelledSet],
    teachers: &Teachers,
    drawn: &BTreeSet<(usize, usize)>,
    distillation: &Distillation,
    settings: &Settings,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    let texts: Vec<String> = drawn.iter().map(|&(set, row)| sets[set].articles[row].article.input()).collect();
    let articles = texts.len() * teachers.number();
    let mut told = |done| progress(Progress::Teaching { done, articles });
    let Settings { length, threads, .. } = *settings;
    let said = teachers.soft_targets(&texts, length, distillation.temperature, threads, &mut told)?;
    for (&(set, row), mut said) in drawn.iter().zip(said) {
        let example = &mut examples[set][row];
        if !distillation.fills {
            said.iter_mut()
                .zip(&example.targets)
                .filter(|(_, target)| target.is_none())
                .for_each(|(said, _)| *said = None);
        }
        example.soft = said;
    }
    Ok(())
}

/// Whether as many epochs as the run waits for have passed without a better one.
fn stops(state: &State, settings: &Settings) -> bool {
    settings.patience > 0
        && state.epochs_done < settings.epochs
        && state.epochs_done >= state.best_epoch + settings.patience
}

/// For each head the weight of each label; nothing where all count the same.
fn class_weights(
    heads: &[Head],
    settings: &Settings,
    examples: &[Vec<Example>],
    shares: &[Share],
) -> Result<Vec<Vec<f32>>> {
    match &settings.class_weights {
        ClassWeights::Equal => Ok(vec![]),
        ClassWeights::Auto => {
            // A row counts as often as an epoch takes it.
            let taken = |share: &Share| share.taken as f64 / share.rows.max(1) as f64;
            let weighted = examples.iter().zip(shares).map(|(rows, share)| (rows, taken(share)));
            Ok(loss::balanced(heads, weighted.flat_map(|(rows, taken)| rows.iter().map(move |row| (row, taken)))))
        }
        ClassWeights::Given(given) => {
            let mut weights: Vec<Vec<f32>> = heads.iter().map(|head| vec![1.0; head.labels.len()]).collect();
            for (name, &weight) in given {
                let mut known = false;
                for (head, weights) in heads.iter().zip(&mut weights) {
                    if let Some(label) = head.find(name) {
                        weights[label] = weight as f32;
                        known = true;
                    }
                }
                if !known {
                    let cause = format!("no head has a label `{name}`");
                    return Err(TrainError::Setting { setting: "class-weights", cause });
                }
            }
            Ok(weights)
        }
    }
}
