//! The training loop: epochs of steps, a checkpoint after each epoch, and the best epoch kept.

use crate::checkpoint::{self, State};
use crate::distillation::Teaching;
use crate::epoch::steps;
use crate::error::{Result, TrainError};
use crate::examples::{Example, prepare};
use crate::heads::{first_biases, union};
use crate::loss::{self, LossOptions};
use crate::measure::{SetReport, check};
use crate::run::Run;
use crate::schedule::rate;
use crate::settings::{ClassWeights, Distillation, Settings};
use crate::teacher::{Teachers, weights_hash};
use newsdesk_data::{LabelledSet, StableHash};
use newsdesk_model::folder::TrainingRecord;
use newsdesk_model::{Head, Model};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

/// What a run tells while it goes.
pub enum Progress<'a> {
    /// Teachers read the articles, before the first step.
    Teaching {
        /// Articles that are read, those of each teacher counted for itself.
        done: usize,
        /// Articles that are to be read.
        articles: usize,
    },
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
        /// Learning rate of the step.
        rate: f64,
        /// Tokens per second since the epoch began or the run went on.
        tokens_per_second: f64,
    },
    /// An epoch is done and measured.
    Epoch {
        /// Epoch, from 1.
        epoch: usize,
        /// What it reached on each validation set.
        reports: &'a [SetReport],
        /// The one number by which epochs are compared.
        score: f64,
        /// Whether it is the best so far.
        best: bool,
    },
    /// The run goes on from a checkpoint.
    Resumed {
        /// Epochs that are done.
        epochs: usize,
        /// Steps that are done of the next one.
        steps: usize,
    },
    /// The run ends, since no epoch was better for as long as it was to wait.
    Stopped {
        /// The best epoch, from 1.
        best_epoch: usize,
    },
}

/// The result of a run.
pub struct Trained {
    /// The best epoch's model.
    pub model: Model,
    /// Its score on the validation data.
    pub score: f64,
}

/// The models that a run begins with.
#[derive(Clone, Copy)]
pub struct Models<'a> {
    /// The one whose encoder is trained on.
    pub base: &'a Model,
    /// Those that are learned from besides the labels; none for labels only.
    pub teachers: &'a [Model],
}

/// Fine-tunes all of the base together with new heads for what `sets` teach.
///
/// Teachers are models that have some of the heads, with the same labels; what they say of the articles that the run draws is
/// computed once, before the first step, and learned from as [`Settings::distillation`] says.
///
/// The model of the best epoch is kept: the one with the highest mean over `validation`'s sets and heads of macro-F1
/// (accuracy for heads that are measured as sets). After each epoch, and in between as the settings say, a checkpoint is written
/// into `checkpoint`; with `resume` a run goes on from there and ends as if it had never stopped, to the bit. The checkpoint stays until the caller, who
/// writes the model, calls [`crate::remove_checkpoint`].
///
/// # Errors
/// If the settings or the data cannot be used, or the device fails.
pub fn train(
    models: &Models,
    sets: &[LabelledSet],
    validation: &[LabelledSet],
    settings: &Settings,
    checkpoint: &Path,
    resume: bool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Trained> {
    let Models { base, teachers } = *models;
    let config = &base.config;
    settings.check(config.num_hidden_layers, config.max_position_embeddings, base.tokenizer.frame_length())?;
    let heads = union(sets)?;
    if settings.distillation.is_some() == teachers.is_empty() {
        let cause = "teachers, and how much is learned from them, come together".into();
        return Err(TrainError::Setting { setting: "teacher", cause });
    }
    let teachers = Teachers::new(teachers, &heads)?;
    let mut examples: Vec<Vec<Example>> = sets
        .iter()
        .map(|set| prepare(set, &heads, &base.tokenizer, base.config.pad_token_id, settings.length, settings.threads))
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

    validation.iter().try_for_each(|set| check(set, &heads))?;
    let class_weights = class_weights(&heads, settings, &examples)?;
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
    let taken = |count: usize| if settings.rows_per_epoch == 0 { count } else { count.min(settings.rows_per_epoch) };
    let described: Vec<String> =
        sets.iter().zip(&rows).map(|(s, &n)| format!("{} {}: {} of {n} rows", s.name, s.split, taken(n))).collect();
    let taught_by = teachers.described()?;
    let fingerprint = fingerprint(base, settings, sets, validation, &taught_by)?;
    let steps_per_epoch = rows.iter().map(|&n| taken(n)).sum::<usize>().div_ceil(settings.batch_size);
    let all_steps = steps_per_epoch * settings.epochs;

    let mut state =
        State { fingerprint, epochs_done: 0, steps_of_epoch: 0, steps: 0, best_epoch: 0, best_score: f64::MIN };
    let mut best = None;
    if resume && let Some(found) = checkpoint::read(checkpoint, &state.fingerprint, &run.device)? {
        run.restore(&found.variables, &found.moments, found.state.steps)?;
        state = found.state;
        best = found.best;
        progress(Progress::Resumed { epochs: state.epochs_done, steps: state.steps_of_epoch });
    }
    // A run that was cut off after its last epoch has nothing left to do.
    let epochs = if stops(&state, settings) { 0..0 } else { state.epochs_done..settings.epochs };
    if let Some(distillation) = &settings.distillation {
        let drawn = |epoch| {
            steps(&rows, settings.rows_per_epoch, settings.batch_size, settings.seed, epoch, |_, _| 1)
                .into_iter()
                .flatten()
        };
        let drawn: BTreeSet<(usize, usize)> = epochs.clone().flat_map(drawn).collect();
        teach(&mut examples, sets, &teachers, &drawn, distillation, settings, progress)?;
    }
    for epoch in epochs {
        let plan = steps(&rows, settings.rows_per_epoch, settings.batch_size, settings.seed, epoch, |set, row| {
            examples[set][row].tokens.len()
        });
        let (start, mut tokens, mut loss) = (Instant::now(), 0, None);
        for (number, step) in plan.iter().enumerate().skip(state.steps_of_epoch) {
            let batch: Vec<&Example> = step.iter().map(|&(set, row)| &examples[set][row]).collect();
            let place = epoch * steps_per_epoch + number;
            let rate = settings.learning_rate * rate(settings.schedule, place, all_steps, settings.warmup);
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
                rate,
                tokens_per_second: tokens as f64 / start.elapsed().as_secs_f64().max(1e-9),
            });
            let done = number + 1;
            if settings.checkpoint_every > 0 && done % settings.checkpoint_every == 0 && done < plan.len() {
                (state.steps_of_epoch, state.steps) = (done, run.optimizer.count());
                checkpoint::write(checkpoint, &state, &run.variables.snapshot()?, &run.optimizer.moments()?)?;
            }
        }
        let snapshot = run.variables.snapshot()?;
        let (reports, score) = run.validate(&snapshot, validation)?;
        let is_best = score > state.best_score;
        if is_best {
            (state.best_epoch, state.best_score) = (epoch + 1, score);
        }
        (state.epochs_done, state.steps_of_epoch, state.steps) = (epoch + 1, 0, run.optimizer.count());
        checkpoint::write(checkpoint, &state, &snapshot, &run.optimizer.moments()?)?;
        if is_best {
            best = Some(snapshot);
        }
        progress(Progress::Epoch { epoch: epoch + 1, reports: &reports, score, best: is_best });
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
    Ok(Trained { model, score: state.best_score })
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
fn class_weights(heads: &[Head], settings: &Settings, examples: &[Vec<Example>]) -> Result<Vec<Vec<f32>>> {
    match &settings.class_weights {
        ClassWeights::Equal => Ok(vec![]),
        ClassWeights::Auto => Ok(loss::balanced(heads, examples.iter().flatten())),
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

/// What decides the result of a run, in one line: base, settings, teachers, and every labelled article.
fn fingerprint(
    base: &Model,
    settings: &Settings,
    sets: &[LabelledSet],
    validation: &[LabelledSet],
    teachers: &[String],
) -> Result<String> {
    let articles = |sets: &[LabelledSet]| {
        let articles = sets.iter().flat_map(|set| &set.articles);
        let hash = articles.fold(StableHash::new(), |hash, row| {
            hash.with(row.article.input().as_bytes()).with(format!("{:?}", row.targets).as_bytes())
        });
        let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
        format!("{} ({:016x})", names.join(", "), hash.value())
    };
    let (name, pooling, weights) = (&base.manifest.name, base.manifest.pooling, weights_hash(base)?.value());
    let (train, validation) = (articles(sets), articles(validation));
    let settings = serde_json::to_string(settings).unwrap_or_default();
    let taught = if teachers.is_empty() { String::new() } else { format!(", taught by {}", teachers.join(", ")) };
    Ok(format!("base {name} ({weights:016x}) by {pooling}, {train}, validated by {validation}{taught}, {settings}"))
}
