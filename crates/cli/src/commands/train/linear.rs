//! `newsdesk train --arch linear`: trains a linear model.

use super::card::{CardInput, card};
use super::finish::{evaluate_on_test, next_steps, write_card};
use super::progress::Reporter;
use super::settings::{class_weights, default_options, differing};
use super::training_data::TrainingData;
use super::tune::{self, tune};
use crate::arguments::{CharNgrams, Epochs, OpenArguments, Train};
use crate::commands::INTERRUPTED;
use crate::commands::calibrate::not_fitted;
use crate::commands::model_folder::{check_new_model, is_finished, model_name, remove_old_model};
use crate::commands::open::{open_any, threads};
use crate::console;
use crate::exit_code::ExitCode;
use crate::failure::{Usage, say};
use crate::output::count::counted;
use crate::remedies::train::warning_line;
use crate::target;
use anyhow::Result;
use newsdesk_eval::{SetReport, calibrate, evaluate};
use newsdesk_model::folder::save_linear;
use newsdesk_model::linear::FeatureRecord;
use newsdesk_model::{AnyModel, Classifier, Device, DeviceChoice, Options};
use newsdesk_train::{
    ClassWeights, LinearSettings, Progress, Stop, linear_differences, result_warnings, setting_warnings, train_linear,
};

/// Default learning rate.
const DEFAULT_LEARNING_RATE: f64 = 0.5;

/// Maximum number of epochs with `--epochs auto`.
const AUTO_EPOCHS: usize = 30;

/// Epochs without a better one after which `--epochs auto` stops.
const AUTO_PATIENCE: usize = 5;

pub fn run(options: &Train, stop: &Stop) -> Result<ExitCode> {
    refuse_ignored_options(options)?;
    let folder = &options.output;
    let is_done = options.resume && is_finished(folder);
    if !is_done {
        check_new_model(folder, false, options.overwrite)?;
        if options.resume && !options.quiet {
            say("linear models have no checkpoints: training starts from the beginning");
        }
    }
    tune::refuse_foreign_options(options)?;
    let settings = settings(options)?;
    settings.check()?;
    let data = TrainingData::load(options)?;
    if is_done {
        return already_trained(options, &settings, &data);
    }
    let reporter = Reporter::new(settings.epochs, "whole articles".into(), options.quiet);
    setting_warnings(settings.learning_rate, DEFAULT_LEARNING_RATE)
        .iter()
        .for_each(|warning| reporter.say(&warning_line(warning)));
    reporter.say(&format!("training a linear model with {}", counted(settings.threads, "thread")));
    let (training, validation) = (&data.training, &data.validation);
    let (trained, settings, found) = match options.tune {
        Some(time) => {
            let found = tune(options, time, settings, &data, stop, &reporter)?;
            (found.tuned.trained.model.clone(), found.tuned.settings.clone(), Some(found))
        }
        None => {
            let report = &mut |progress: Progress| reporter.report(progress);
            (train_linear(training, validation, &settings, report)?.model, settings, None)
        }
    };
    let mut model = trained;
    reporter.finish_training();

    model.manifest.name = model_name(options.name.as_deref(), folder);
    model.manifest.target = data.target_fields.as_ref().map(target::record);
    let model_options = Options { threads: Some(settings.threads), ..Options::default() };
    let classifier = Classifier::new(model.clone(), &model_options)?;
    let calibrated =
        calibrate(&mut model.manifest, &classifier, validation, &mut reporter.calibration_progress(validation))?;
    not_fitted(&calibrated).iter().for_each(|line| reporter.say(line));
    let warnings = result_warnings(training, &calibrated.after, settings.class_weights != ClassWeights::Equal);
    warnings.iter().for_each(|warning| reporter.say(&warning_line(warning)));
    let test = evaluate_on_test(&model.clone().into(), &data.test, &model_options, &reporter)?;
    model.manifest.record_scores(calibrated.after.iter().chain(&test).flat_map(SetReport::records));

    let changed = match default_options()? {
        Some(defaults) => differing(&settings, &self::settings(&defaults)?)?,
        None => vec![],
    };
    remove_old_model(folder, options.overwrite)?;
    save_linear(&model, folder)?;
    let input = CardInput {
        options,
        base: None,
        seed: options.seed,
        changed: &changed,
        tries: found.as_ref().map(|found| found.tuned.tries),
        data: &data,
        calibrated: &calibrated,
        test: &test,
        warnings: &warnings,
    };
    let card = card(&AnyModel::from(model), &input);
    write_card(&card, folder, &reporter)?;
    reporter.say(&format!("wrote {}", folder.display()));
    if let Some(found) = &found {
        tune::write(found, options, folder, &reporter)?;
    }
    next_steps(folder, false).iter().for_each(|line| reporter.say(line));
    if options.json {
        let reports: Vec<&SetReport> = calibrated.after.iter().chain(&test).collect();
        console::print_json(&reports)?;
    }
    Ok(if stop.is_requested() { ExitCode::from(INTERRUPTED) } else { data.exit_code() })
}

/// Reports that the folder holds the model that these options train, so that `--resume` can be repeated in a loop.
///
/// # Errors
/// If the folder holds another model.
fn already_trained(options: &Train, settings: &LinearSettings, data: &TrainingData) -> Result<ExitCode> {
    let folder = &options.output;
    let other = |cause: String| {
        let message = format!("cannot resume `{}`: {cause}", folder.display());
        Usage::new(message, "use the options of the first run, or choose another folder for `--output`")
    };
    let model = open_any(Some(folder), &Device::Cpu, OpenArguments::default())?;
    let differences = linear_differences(model.manifest(), &data.training, settings);
    if !differences.is_empty() {
        let cause = format!("it was trained with other options or on other rows ({})", differences.join("; "));
        return Err(other(cause).into());
    }
    if !options.quiet {
        say(&format!("{} is already trained", folder.display()));
    }
    if options.json {
        let model_options = Options { threads: Some(settings.threads), ..Options::default() };
        let classifier = Classifier::new(model, &model_options)?;
        let sets = data.validation.iter().chain(&data.test);
        let reports: Vec<SetReport> =
            sets.map(|set| evaluate(&classifier, set, &mut |_| {})).collect::<Result<_, _>>()?;
        console::print_json(&reports)?;
    }
    Ok(data.exit_code())
}

/// Returns the settings of a linear model for these options.
///
/// # Errors
/// If a value cannot be parsed.
fn settings(options: &Train) -> Result<LinearSettings> {
    let (epochs, patience) =
        options.epochs.unwrap_or(Epochs::Count(5)).resolve(options.patience, AUTO_EPOCHS, AUTO_PATIENCE);
    Ok(LinearSettings {
        features: FeatureRecord {
            buckets: options.buckets.unwrap_or(1 << 18),
            words: options.word_ngrams.unwrap_or(2),
            characters: options.char_ngrams.unwrap_or(CharNgrams(Some([5, 5]))).0,
        },
        epochs,
        learning_rate: options.learning_rate.unwrap_or(DEFAULT_LEARNING_RATE),
        label_smoothing: options.label_smoothing,
        class_weights: class_weights(&options.class_weights)?,
        batch_size: options.batch_size.unwrap_or(128),
        patience,
        seed: options.seed,
        threads: threads(&options.compute),
    })
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
        ("ordinal", !options.ordinal.is_empty()),
        ("drop-title", options.drop_title != defaults.drop_title),
        ("later-window", options.later_window != defaults.later_window),
        ("text-noise", options.text_noise != defaults.text_noise),
        ("teacher", !options.teacher.is_empty()),
        ("unlabelled", !options.unlabelled.is_empty()),
        ("layers", !options.layers.is_empty()),
        ("freeze", options.freeze.is_some()),
        ("quantise", options.quantise.is_some()),
        ("allow-pickle", options.opening.allow_pickle),
        ("activation", options.opening.activation.is_some()),
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
    Ok(())
}
