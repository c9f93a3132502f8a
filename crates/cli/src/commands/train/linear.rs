//! `newsdesk train --arch linear`: trains a linear model.

use super::card::{CardInput, card};
use super::finish::{evaluate_on_test, next_steps, write_card};
use super::progress::Reporter;
use super::settings::{default_options, differing};
use super::training_data::TrainingData;
use crate::arguments::{CharNgrams, Train};
use crate::commands::calibrate::not_fitted;
use crate::commands::model_folder::{check_new_model, model_name};
use crate::commands::open::threads;
use crate::failure::{Usage, say};
use crate::output::count::counted;
use crate::target;
use anyhow::Result;
use newsdesk_eval::{SetReport, calibrate};
use newsdesk_model::folder::save_linear;
use newsdesk_model::linear::FeatureRecord;
use newsdesk_model::{AnyModel, Classifier, DeviceChoice, Options};
use newsdesk_train::{LinearSettings, Progress, train_linear};
use std::io::Write;
use std::process::ExitCode;

pub fn run(options: &Train) -> Result<ExitCode> {
    refuse_ignored_options(options)?;
    check_new_model(&options.output, false)?;
    let settings = settings(options);
    let changed = match default_options()? {
        Some(defaults) => differing(&settings, &self::settings(&defaults))?,
        None => vec![],
    };
    let data = TrainingData::load(options)?;
    let reporter = Reporter::new(settings.epochs, "whole articles".into(), options.quiet);
    reporter.say(&format!("training a linear model with {}", counted(settings.threads, "thread")));
    let (training, validation) = (&data.training, &data.validation);
    let mut model =
        train_linear(training, validation, &settings, &mut |progress: Progress| reporter.report(progress))?.model;
    reporter.finish_training();

    model.manifest.name = model_name(options.name.as_deref(), &options.output);
    model.manifest.target = data.target_fields.as_ref().map(target::record);
    let model_options = Options { threads: Some(settings.threads), ..Options::default() };
    let classifier = Classifier::new(model.clone(), &model_options)?;
    let calibrated =
        calibrate(&mut model.manifest, &classifier, validation, &mut reporter.calibration_progress(validation))?;
    not_fitted(&calibrated).iter().for_each(|line| reporter.say(line));
    let test = evaluate_on_test(&model.clone().into(), &data.test, &model_options, &reporter)?;
    model.manifest.record_scores(calibrated.after.iter().chain(&test).flat_map(SetReport::records));

    let folder = &options.output;
    save_linear(&model, folder)?;
    let input = CardInput {
        options,
        base: None,
        seed: options.seed,
        changed: &changed,
        data: &data,
        calibrated: &calibrated,
        test: &test,
    };
    let card = card(&AnyModel::from(model), &input);
    write_card(&card, folder, &reporter)?;
    reporter.say(&format!("wrote {}", folder.display()));
    next_steps(folder, false).iter().for_each(|line| reporter.say(line));
    if options.json {
        let reports: Vec<&SetReport> = calibrated.after.iter().chain(&test).collect();
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&reports)?)?;
    }
    Ok(data.exit_code())
}

fn settings(options: &Train) -> LinearSettings {
    LinearSettings {
        features: FeatureRecord {
            buckets: options.buckets.unwrap_or(1 << 18),
            words: options.word_ngrams.unwrap_or(2),
            characters: options.char_ngrams.unwrap_or(CharNgrams(Some([5, 5]))).0,
        },
        epochs: options.epochs.unwrap_or(5),
        learning_rate: options.learning_rate.unwrap_or(0.5),
        label_smoothing: options.label_smoothing,
        batch_size: options.batch_size.unwrap_or(128),
        patience: options.patience,
        seed: options.seed,
        threads: threads(&options.compute),
    }
}

/// Refuses options that a linear model ignores.
fn refuse_ignored_options(options: &Train) -> Result<()> {
    let Some(defaults) = default_options()? else { return Ok(()) };
    let given = [
        ("base", options.base.is_some()),
        ("pooling", options.pooling.is_some()),
        ("head-lr-multiplier", options.head_lr_multiplier != defaults.head_lr_multiplier),
        ("warmup-ratio", options.warmup_ratio != defaults.warmup_ratio),
        ("lr-scheduler", options.lr_scheduler != defaults.lr_scheduler),
        ("layer-lr-decay", options.layer_lr_decay != defaults.layer_lr_decay),
        ("focal-gamma", options.focal_gamma != defaults.focal_gamma),
        ("class-weights", !options.class_weights.is_empty()),
        ("teacher", !options.teacher.is_empty()),
        ("freeze", options.freeze.is_some()),
        ("weight-decay", options.weight_decay != defaults.weight_decay),
        ("max-grad-norm", options.max_grad_norm != defaults.max_grad_norm),
        ("micro-batch-size", options.micro_batch_size.is_some()),
        ("rows-per-epoch", options.rows_per_epoch != defaults.rows_per_epoch),
        ("set-weights", !options.set_weights.is_empty()),
        ("max-train-length", options.max_train_length.is_some()),
        ("max-length", options.max_length.is_some()),
        ("overlap", options.overlap.is_some() || options.old_stride.is_some()),
        ("seeds", !options.seeds.is_empty()),
        ("save-steps", options.save_steps != defaults.save_steps),
        ("save-dtype", options.storage.dtype() != defaults.storage.dtype()),
    ];
    if let Some((option, _)) = given.iter().find(|(_, given)| *given) {
        let message = format!("cannot use `--{option}`: it is not supported for linear models");
        return Err(
            Usage::new(message, "leave the option out, or train a transformer with `--arch transformer`").into()
        );
    }
    if !matches!(options.compute.device, DeviceChoice::Auto | DeviceChoice::Cpu) {
        let message = format!("cannot use `--device {}`: linear models are trained on the CPU", options.compute.device);
        return Err(Usage::new(message, "leave the option out").into());
    }
    if options.resume && !options.quiet {
        say("linear models have no checkpoints: training starts from the beginning");
    }
    Ok(())
}
