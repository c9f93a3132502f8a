//! `newsdesk train`: labelled sets and a base model to a new model.

use super::calibrate::not_fitted;
use super::{open_model, threads};
use crate::arguments::{PoolingName, ScheduleName, Train};
use crate::failure::{Usage, say};
use crate::sets::{SetSource, describe_rejects};
use anyhow::Result;
use newsdesk_data::{LabelledSet, hold_out};
use newsdesk_model::encoder::Weights;
use newsdesk_model::folder::{ScoreRecord, Storage, WindowRecord, save, weights_bytes};
use newsdesk_model::network::Pooling;
use newsdesk_model::{Combine, Options, device_name};
use newsdesk_train::{
    ClassWeights, Distillation, Freeze, HeadReport, Models, Progress, Schedule, SetReport, Settings, calibrate,
    remove_checkpoint, train,
};
use std::io::Write;
use std::process::ExitCode;

/// Steps between two lines of progress.
const STEPS_PER_LINE: usize = 50;

/// Tokens of a window unless the options say otherwise or the base takes fewer.
const DEFAULT_LENGTH: usize = 256;

pub fn run(options: Train) -> Result<ExitCode> {
    let say = |line: &str| {
        if !options.quiet {
            say(line);
        }
    };
    let begun = options.output.join("checkpoint/state.json").exists();
    // The weights are the last file of a model: with a checkpoint beside them, writing was cut short.
    if options.output.join("model.safetensors").exists() && !(options.resume && begun) {
        let message = format!("Failed to write the model: `{}` holds one already", options.output.display());
        return Err(Usage::new(message, "choose another folder for `--output`").into());
    }
    if options.output.exists() && !options.output.is_dir() {
        let message = format!("Failed to write the model: `{}` is a file", options.output.display());
        return Err(Usage::new(message, "`--output` names a folder").into());
    }
    let checkpoint = options.output.join("checkpoint");
    if begun && !options.resume {
        let message = format!("Failed to begin: `{}` holds the checkpoint of another run", options.output.display());
        return Err(Usage::new(message, "go on with `--resume`, or remove the folder `checkpoint` in it").into());
    }
    let device = options.running.device.open()?;
    let mut base = open_model(options.base.as_deref(), &device)?;
    let teachers =
        options.teacher.iter().map(|folder| open_model(Some(folder), &device)).collect::<Result<Vec<_>>>()?;
    let (sets, validation) = load(&options)?;
    base.manifest.pooling = match options.pooling {
        Some(PoolingName::Cls) => Pooling::Cls,
        Some(PoolingName::Mean) => Pooling::Mean,
        Some(PoolingName::Pooler) => Pooling::Pooler,
        None => base.manifest.pooling,
    };
    for set in sets.iter().chain(&validation) {
        let skipped =
            if set.skipped > 0 { format!(", {} rows without a label left out", set.skipped) } else { String::new() };
        say(&format!("{} {}: {} articles{skipped}", set.name, set.split, set.articles.len()));
        describe_rejects(&set.rejects).iter().for_each(|line| say(line));
    }
    let longest = base.config.max_position_embeddings;
    let window = options.window.unwrap_or(longest.min(DEFAULT_LENGTH));
    let room = window.saturating_sub(base.tokenizer.frame_length()).max(1);
    let settings = Settings {
        epochs: options.epochs,
        learning_rate: options.learning_rate,
        head_rate_factor: options.head_rate_factor,
        warmup: options.warmup,
        schedule: match options.schedule {
            ScheduleName::Linear => Schedule::Linear,
            ScheduleName::Cosine => Schedule::Cosine,
        },
        layer_decay: options.layer_decay,
        label_smoothing: options.label_smoothing,
        focal: options.focal,
        class_weights: class_weights(&options.class_weights)?,
        distillation: (!options.teacher.is_empty()).then(|| Distillation {
            weight: options.teacher_weight.unwrap_or(0.5),
            temperature: options.teacher_temperature.unwrap_or(2.0),
            fills: !options.teacher_labelled_only,
        }),
        freeze: options.freeze.unwrap_or(Freeze::Nothing),
        patience: options.patience,
        weight_decay: options.weight_decay,
        clip: options.clip,
        batch_size: options.batch_size,
        micro_batch: options.micro_batch.min(options.batch_size),
        rows_per_epoch: options.rows_per_epoch,
        length: options.length.unwrap_or(longest.min(DEFAULT_LENGTH)),
        window: WindowRecord {
            length: window,
            stride: options.stride.unwrap_or((window * 3 / 4).clamp(1, room)),
            combine: Combine::Mean,
        },
        seed: options.seed,
        checkpoint_every: options.checkpoint_every,
        threads: threads(&options.running),
    };
    say(&format!("training on {} with {} threads", device_name(&device), settings.threads));
    let models = Models { base: &base, teachers: &teachers };
    let trained = train(&models, &sets, &validation, &settings, &checkpoint, options.resume, &mut |progress| {
        match progress {
            Progress::Teaching { done, articles } => say(&format!("teachers have read {done} of {articles} articles")),
            Progress::Resumed { epochs, steps } => say(&match steps {
                0 => format!("going on after epoch {epochs}"),
                _ => format!("going on after step {steps} of epoch {}", epochs + 1),
            }),
            Progress::Stopped { best_epoch } => say(&format!("no epoch after {best_epoch} was better: done")),
            Progress::Step { epoch, step, steps, loss, rate, tokens_per_second } => {
                if step % STEPS_PER_LINE == 0 || step == steps {
                    say(&format!(
                        "epoch {epoch}, step {step} of {steps}: loss {loss:.3}, rate {rate:.1e}, {tokens_per_second:.0} tokens/s"
                    ));
                }
            }
            Progress::Epoch { epoch, reports, score, best: is_best } => {
                for SetReport { set, heads, .. } in reports {
                    for HeadReport { head, report, .. } in heads {
                        let (accuracy, macro_f1, recall) = (report.accuracy, report.macro_f1, report.macro_recall);
                        let micro_f1 = report.micro_f1.map_or(String::new(), |f1| format!(", micro-F1 {f1:.4}"));
                        say(&format!(
                            "  {set}, {head}: accuracy {accuracy:.4}, macro-F1 {macro_f1:.4}, macro recall {recall:.4}{micro_f1}"
                        ));
                    }
                }
                say(&format!("epoch {epoch}: score {score:.4}{}", if is_best { ", the best so far" } else { "" }));
            }
        }
    })?;
    let mut model = trained.model;
    let folder_name = options.output.file_name().map(|name| name.to_string_lossy().into_owned());
    model.manifest.name = options.name.or(folder_name).unwrap_or_else(|| "model".into());
    let storage = if options.full_precision { Storage::F32 } else { Storage::F16 };
    // Temperatures and figures are those of the weights as they are stored, on whole articles.
    model.weights = Weights::from_bytes(weights_bytes(&model.weights, storage)?, "the trained weights", &device)?;
    let run = Options { threads: Some(settings.threads), ..Options::default() };
    let calibrated = calibrate(&mut model, &validation, &run, &mut |_, _| {})?;
    not_fitted(&calibrated).iter().for_each(|line| say(line));
    for report in &calibrated.after {
        model.manifest.scores.extend(report.heads.iter().map(|head| record(report, head)));
    }
    save(&model, &options.output, storage)?;
    remove_checkpoint(&checkpoint)?;
    say(&format!("wrote {}", options.output.display()));
    if options.json {
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&calibrated.after)?)?;
    }
    let rejected = sets.iter().chain(&validation).any(|set| !set.rejects.is_empty());
    Ok(if rejected { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn record(set: &SetReport, HeadReport { head, report, .. }: &HeadReport) -> ScoreRecord {
    // Four decimals are what a few hundred articles can tell.
    let round = |x: f64| (x * 1e4).round() / 1e4;
    ScoreRecord {
        set: set.set.clone(),
        split: set.split.clone(),
        head: head.clone(),
        articles: report.cases,
        accuracy: round(report.accuracy),
        macro_f1: round(report.macro_f1),
        macro_recall: Some(round(report.macro_recall)),
        micro_f1: report.micro_f1.map(round),
    }
}

/// What `--class-weights` says.
fn class_weights(given: &[String]) -> Result<ClassWeights> {
    match given {
        [] => return Ok(ClassWeights::Equal),
        [auto] if auto == "auto" => return Ok(ClassWeights::Auto),
        _ => {}
    }
    let weight = |text: &String| -> Result<(String, f64)> {
        let (label, weight) = text.rsplit_once('=').unwrap_or((text, ""));
        let weight = weight.parse().map_err(|_| {
            Usage::new(format!("Failed to read the class weight `{text}`"), "weights are `auto`, or LABEL=NUMBER each")
        })?;
        Ok((label.into(), weight))
    };
    Ok(ClassWeights::Given(given.iter().map(weight).collect::<Result<_>>()?))
}

/// Training and validation sets. Without `--validation`, recipes bring theirs and plain files give a tenth.
fn load(options: &Train) -> Result<(Vec<LabelledSet>, Vec<LabelledSet>)> {
    let (mut sets, mut validation) = (Vec::new(), Vec::new());
    for source in SetSource::find_all(&options.data)? {
        let set = source.load(&options.labelled, "train", None)?;
        match source {
            _ if !options.validation.is_empty() => sets.push(set),
            SetSource::Recipe(_) => {
                sets.push(set);
                validation.push(source.load(&options.labelled, "validation", None)?);
            }
            SetSource::Plain(_) => {
                let (training, held) = hold_out(set);
                sets.push(training);
                validation.push(held);
            }
        }
    }
    for source in SetSource::find_all(&options.validation)? {
        validation.push(source.load(&options.labelled, "validation", None)?);
    }
    Ok((sets, validation))
}
