//! What a training run needs, read once; and a run: from there to a folder with a whole model in it.

use super::card::{Made, card};
use super::progress::Told;
use super::sets::Sets;
use super::settings::{changed, settings};
use crate::arguments::{PoolingName, Train};
use crate::commands::calibrate::not_fitted;
use crate::commands::open_model;
use crate::failure::say;
use crate::mention;
use crate::output::progress::progress_bar;
use anyhow::Result;
use newsdesk_data::LabelledSet;
use newsdesk_model::encoder::Weights;
use newsdesk_model::folder::{Storage, save, weights_bytes};
use newsdesk_model::network::Pooling;
use newsdesk_model::{AnyModel, Classifier, Device, Model, Options, device_name};
use newsdesk_train::{
    EndRecord, Models, Progress, Record, SetReport, Settings, StartRecord, Temperature, calibrate, figures, measure,
    remove_checkpoint, start_record, train, write_card,
};
use std::path::Path;
use std::process::ExitCode;

/// What runs with any seed have in common.
pub struct Job<'a> {
    options: &'a Train,
    device: Device,
    base: Model,
    teachers: Vec<Model>,
    pub sets: Sets,
    settings: Settings,
}

/// What a run gave out besides its folder.
pub struct Finished {
    /// The last line of its log.
    pub end: EndRecord,
    /// The finished model's figures on the validation sets, then on the test sets.
    pub reports: Vec<SetReport>,
}

impl<'a> Job<'a> {
    /// Opens the base, reads all sets and checks the options.
    pub fn load(options: &'a Train) -> Result<Self> {
        let device = options.running.device.open()?;
        let mut base = open_model(options.base.as_deref(), &device)?;
        let teachers = options.teacher.iter().map(|folder| open_model(Some(folder), &device)).collect::<Result<_>>()?;
        let sets = Sets::load(options)?;
        base.manifest.mention = sets.mention.as_ref().map(mention::record);
        base.manifest.pooling = match options.pooling {
            Some(PoolingName::Cls) => Pooling::Cls,
            Some(PoolingName::Mean) => Pooling::Mean,
            Some(PoolingName::Pooler) => Pooling::Pooler,
            None => base.manifest.pooling,
        };
        let settings = settings(options, &base)?;
        if !options.quiet {
            say(&format!("training on {} with {} threads", device_name(&device), settings.threads));
        }
        Ok(Self { options, device, base, teachers, sets, settings })
    }

    /// The first line of the log of a run with this seed.
    pub fn start(&self, seed: u64) -> StartRecord {
        start_record(&self.models(), &self.sets.training, &self.sets.validation, &self.with(seed))
    }

    fn models(&self) -> Models<'_> {
        Models { base: &self.base, teachers: &self.teachers }
    }

    fn with(&self, seed: u64) -> Settings {
        Settings { seed, ..self.settings.clone() }
    }

    /// Code 1 if a row of a set could not be used.
    pub fn exit_code(&self) -> ExitCode {
        self.sets.exit_code()
    }

    /// Trains with a seed, calibrates and measures what came out, and writes it into a folder. With `--resume` it goes on
    /// from the checkpoint that is there.
    pub fn train(&self, seed: u64, folder: &Path, name: &str) -> Result<Finished> {
        let Self { options, base, sets, .. } = self;
        let settings = self.with(seed);
        let told = Told::new(settings.epochs, options.quiet);
        let (training, validation) = (&sets.training, &sets.validation);
        let tell = &mut |progress: Progress| told.tell(progress);
        let mut trained = train(&self.models(), training, validation, &settings, folder, options.resume, tell)?;
        told.trained();

        let mut model = trained.model;
        model.manifest.name = name.into();
        let storage = if options.full_precision { Storage::F32 } else { Storage::F16 };
        // Temperatures and figures are those of the weights as they are stored, on whole articles.
        let stored = weights_bytes(&model.weights, storage)?;
        model.weights = Weights::from_bytes(stored, "the trained weights", &self.device)?;
        let running = Options { threads: Some(settings.threads), ..Options::default() };
        let classifier = Classifier::new(model.clone(), &running)?;
        let calibrated = calibrate(&mut model.manifest, &classifier, validation, &mut told.calibrating(validation))?;
        drop(classifier);
        not_fitted(&calibrated).iter().for_each(|line| told.say(line));
        let test = measure_on_test(&model.clone().into(), sets, &running, &told)?;
        model.manifest.note_scores(calibrated.after.iter().chain(&test).flat_map(SetReport::records));

        let end = EndRecord {
            best_epoch: trained.best_epoch,
            score: trained.score,
            elapsed: trained.elapsed,
            temperatures: calibrated.heads.iter().map(Temperature::from).collect(),
            sets: figures(&calibrated.after),
            test: figures(&test),
        };
        trained.log.write(Record::End(end.clone()))?;
        let whole = model.clone().into();
        let made = Made {
            options,
            base: Some(&base.manifest.name),
            seed,
            changed: &changed(&settings, base)?,
            sets,
            calibrated: &calibrated,
            test: &test,
        };
        let card = card(&whole, &made);
        leave_card(&card, folder, &told)?;
        let written = save(&model, folder, storage).map_err(anyhow::Error::from);
        written.and_then(|()| Ok(remove_checkpoint(folder)?)).inspect_err(|_| {
            say("the trained weights are in the checkpoint: `--resume` writes the model without training again");
        })?;
        told.say(&format!("wrote {}", folder.display()));
        Ok(Finished { end, reports: calibrated.after.into_iter().chain(test).collect() })
    }
}

/// Writes a model's card beside it, and says where it is if not where it belongs.
pub fn leave_card(card: &str, folder: &Path, told: &Told) -> Result<()> {
    match write_card(card, folder)? {
        Some(path) if path.ends_with("README.md") => {}
        Some(path) => told.say(&format!("`README.md` is not ours and stays: the model card is `{}`", path.display())),
        None => told.say("warning: no model card was written: `README.md` and `MODEL_CARD.md` are not ours and stay"),
    }
    Ok(())
}

/// A finished model's figures on the test sets.
pub fn measure_on_test(model: &AnyModel, sets: &Sets, running: &Options, told: &Told) -> Result<Vec<SetReport>> {
    if sets.test.is_empty() {
        return Ok(vec![]);
    }
    let classifier = Classifier::new(model.clone(), running)?;
    told.say("on the test sets:");
    let of_set = |set: &LabelledSet| {
        let bar = progress_bar(set.name.clone(), set.articles.len(), told.is_quiet());
        let report = measure(&classifier, set, &mut |done| bar.set_position(done as u64))?;
        bar.finish_and_clear();
        told.report(&report);
        Ok(report)
    };
    sets.test.iter().map(of_set).collect()
}
