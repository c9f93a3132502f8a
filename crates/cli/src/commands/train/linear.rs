//! `newsdesk train --arch linear`: labelled sets to a linear model.

use super::card::{Made, card};
use super::job::{leave_card, measure_on_test};
use super::progress::Told;
use super::sets::Sets;
use super::settings::{default_options, differing};
use crate::arguments::{Lengths, Train};
use crate::commands::calibrate::not_fitted;
use crate::commands::new_model::{check_output, model_name};
use crate::commands::threads;
use crate::failure::{Usage, say};
use crate::mention;
use anyhow::Result;
use newsdesk_eval::{SetReport, calibrate};
use newsdesk_model::folder::save_linear;
use newsdesk_model::linear::FeatureRecord;
use newsdesk_model::{AnyModel, Classifier, DeviceChoice, Options};
use newsdesk_train::{LinearSettings, Progress, train_linear};
use std::io::Write;
use std::process::ExitCode;

pub fn run(options: &Train) -> Result<ExitCode> {
    refuse(options)?;
    check_output(&options.output, false)?;
    let settings = settings(options);
    let changed = match default_options()? {
        Some(plain) => differing(&settings, &self::settings(&plain))?,
        None => vec![],
    };
    let sets = Sets::load(options)?;
    let told = Told::new(settings.epochs, options.quiet);
    told.say(&format!("training a linear model with {} threads", settings.threads));
    let (training, validation) = (&sets.training, &sets.validation);
    let mut model = train_linear(training, validation, &settings, &mut |progress: Progress| told.tell(progress))?.model;
    told.trained();

    model.manifest.name = model_name(options.name.as_deref(), &options.output);
    model.manifest.mention = sets.mention.as_ref().map(mention::record);
    let running = Options { threads: Some(settings.threads), ..Options::default() };
    let classifier = Classifier::new(model.clone(), &running)?;
    let calibrated = calibrate(&mut model.manifest, &classifier, validation, &mut told.calibrating(validation))?;
    not_fitted(&calibrated).iter().for_each(|line| told.say(line));
    let test = measure_on_test(&model.clone().into(), &sets, &running, &told)?;
    model.manifest.note_scores(calibrated.after.iter().chain(&test).flat_map(SetReport::records));

    let folder = &options.output;
    save_linear(&model, folder)?;
    let made = Made {
        options,
        base: None,
        seed: options.seed,
        changed: &changed,
        sets: &sets,
        calibrated: &calibrated,
        test: &test,
    };
    let card = card(&AnyModel::from(model), &made);
    leave_card(&card, folder, &told)?;
    told.say(&format!("wrote {}", folder.display()));
    if options.json {
        let reports: Vec<&SetReport> = calibrated.after.iter().chain(&test).collect();
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&reports)?)?;
    }
    Ok(sets.exit_code())
}

fn settings(options: &Train) -> LinearSettings {
    LinearSettings {
        features: FeatureRecord {
            buckets: options.buckets.unwrap_or(1 << 18),
            words: options.word_ngrams.unwrap_or(2),
            characters: options.char_ngrams.unwrap_or(Lengths(Some([5, 5]))).0,
        },
        epochs: options.epochs.unwrap_or(5),
        learning_rate: options.learning_rate.unwrap_or(0.5),
        label_smoothing: options.label_smoothing,
        batch_size: options.batch_size.unwrap_or(128),
        patience: options.patience,
        seed: options.seed,
        threads: threads(&options.running),
    }
}

/// Options that would change nothing are errors: whoever gives them expects something else.
fn refuse(options: &Train) -> Result<()> {
    let Some(plain) = default_options()? else { return Ok(()) };
    let given = [
        ("base", options.base.is_some()),
        ("pooling", options.pooling.is_some()),
        ("head-rate-factor", options.head_rate_factor != plain.head_rate_factor),
        ("warmup", options.warmup != plain.warmup),
        ("schedule", options.schedule != plain.schedule),
        ("layer-decay", options.layer_decay != plain.layer_decay),
        ("focal", options.focal != plain.focal),
        ("class-weights", !options.class_weights.is_empty()),
        ("teacher", !options.teacher.is_empty()),
        ("freeze", options.freeze.is_some()),
        ("weight-decay", options.weight_decay != plain.weight_decay),
        ("clip", options.clip != plain.clip),
        ("micro-batch", options.micro_batch.is_some()),
        ("rows-per-epoch", options.rows_per_epoch != plain.rows_per_epoch),
        ("set-weights", !options.set_weights.is_empty()),
        ("length", options.length.is_some()),
        ("window", options.window.is_some()),
        ("stride", options.stride.is_some()),
        ("seeds", !options.seeds.is_empty()),
        ("checkpoint-every", options.checkpoint_every != plain.checkpoint_every),
        ("full-precision", options.full_precision),
    ];
    if let Some((option, _)) = given.iter().find(|(_, given)| *given) {
        let message = format!("Failed to use `--{option}`: a linear model has no use for it");
        return Err(Usage::new(message, "leave it out, or train a transformer with `--arch transformer`").into());
    }
    if !matches!(options.running.device, DeviceChoice::Auto | DeviceChoice::Cpu) {
        let message =
            format!("Failed to use `--device {}`: linear models are trained on the processor", options.running.device);
        return Err(Usage::new(message, "leave it out").into());
    }
    if options.resume && !options.quiet {
        say("a linear model is trained in one go: there is nothing to go on with, so it begins anew");
    }
    Ok(())
}
