//! What a training run needs, read once; and a run: from there to a folder with a whole model in it.

use super::card::{Made, card};
use super::progress::Told;
use super::sets::Sets;
use super::settings::{changed, settings};
use crate::arguments::{PoolingName, Train};
use crate::commands::calibrate::not_fitted;
use crate::commands::open_model;
use crate::failure::{Usage, say};
use crate::mention;
use crate::output::progress::progress_bar;
use anyhow::Result;
use newsdesk_data::LabelledSet;
use newsdesk_eval::{SetFigures, SetReport, calibrate, figures, measure};
use newsdesk_model::encoder::Weights;
use newsdesk_model::folder::{Storage, save, weights_bytes};
use newsdesk_model::network::Pooling;
use newsdesk_model::{AnyModel, Classifier, Device, Head, Model, Options, device_name};
use newsdesk_train::{
    EndRecord, Models, Progress, Record, Settings, StartRecord, Temperature, keeps_head, read_log, remove_checkpoint,
    start_record, train, union, write_card,
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
            lost_heads(&base, &union(&sets.training)?).iter().for_each(|line| say(line));
            say(&format!("training on {} with {} threads", device_name(&device), settings.threads));
        }
        Ok(Self { options, device, base, teachers, sets, settings })
    }

    /// The first line of the log of a run with this seed.
    pub fn start(&self, seed: u64) -> Result<StartRecord> {
        Ok(start_record(&self.models(), &self.sets.training, &self.sets.validation, &self.with(seed))?)
    }

    /// How a run ended that was trained in this folder before, if it is the run with this seed.
    pub fn finished(&self, seed: u64, folder: &Path) -> Result<EndRecord> {
        let other = |cause: &str| {
            let message = format!("Failed to go on with `{}`: {cause}", folder.display());
            Usage::new(message, "give the options of the first run again, or choose another folder for `--output`")
        };
        let mut records = read_log(folder)?;
        let (Some(Record::End(end)), Some(Record::Start(start))) = (records.pop(), records.first()) else {
            return Err(other("its `training.jsonl` does not tell how it ended").into());
        };
        if *start != (StartRecord { newsdesk: start.newsdesk.clone(), ..self.start(seed)? }) {
            return Err(other("it was trained with other options or on other rows").into());
        }
        let is_same = |(found, set): (&SetFigures, &LabelledSet)| found.set == set.name && found.split == set.split;
        let test = &self.sets.test;
        if end.test.len() != test.len() || !end.test.iter().zip(test).all(is_same) {
            return Err(other("it was measured on other test sets").into());
        }
        Ok(end)
    }

    /// What the finished model in a folder reaches on the validation and the test sets.
    pub fn measure(&self, folder: &Path) -> Result<Vec<SetReport>> {
        let running = Options { threads: Some(self.settings.threads), ..Options::default() };
        let classifier = Classifier::new(open_model(Some(folder), &self.device)?, &running)?;
        let measured = self.sets.validation.iter().chain(&self.sets.test);
        Ok(measured.map(|set| measure(&classifier, set, &mut |_| {})).collect::<Result<_, _>>()?)
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

/// What the new model does not have of the base's heads.
fn lost_heads(base: &Model, heads: &[Head]) -> Vec<String> {
    let names = |heads: Vec<&Head>| heads.iter().map(|head| head.name.as_str()).collect::<Vec<_>>().join(", ");
    let is_taught = |known: &&Head| heads.iter().any(|head| head.name == known.name);
    let (taught, lost): (Vec<&Head>, Vec<&Head>) = base.manifest.heads.iter().partition(is_taught);
    let is_new = |known: &&&Head| heads.iter().any(|head| head.name == known.name && !keeps_head(base, head));
    let anew: Vec<&Head> = taught.iter().filter(is_new).copied().collect();
    let mut lines = vec![];
    if !lost.is_empty() {
        lines.push(format!("no set teaches what the base knows as {}: the new model goes without", names(lost)));
    }
    if !anew.is_empty() {
        lines.push(format!("{} begins anew: the base has it with other labels or another pooling", names(anew)));
    }
    lines
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
