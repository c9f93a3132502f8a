//! Training runs of a transformer: what all seeds share is loaded once, then each run writes a model folder.

use super::card::{CardInput, card};
use super::finish::{evaluate_on_test, write_card};
use super::progress::Reporter;
use super::settings::{DEFAULT_LEARNING_RATE, changed, settings};
use super::training_data::TrainingData;
use crate::arguments::{OpenArguments, PoolingName, Train};
use crate::commands::calibrate::not_fitted;
use crate::commands::open::{hub_source, open_encoder};
use crate::exit_code::ExitCode;
use crate::failure::{Usage, say};
use crate::output::count::counted;
use crate::remedies::train::warning_line;
use crate::target;
use anyhow::Result;
use newsdesk_data::LabelledSet;
use newsdesk_eval::{SetReport, SetSummary, calibrate, evaluate, summaries};
use newsdesk_model::checkpoint::Weights;
use newsdesk_model::folder::{save, weights_bytes};
use newsdesk_model::network::Pooling;
use newsdesk_model::{Classifier, Device, Head, Model, Options, device_name};
use newsdesk_train::{
    ClassWeights, EndRecord, Models, Progress, Record, RunFolder, Settings, StartRecord, Stop, TeacherScores,
    Temperature, TrainError, Warning, has_checkpoint, merge_heads, read_log, remove_checkpoint, result_warnings,
    reuses_head, setting_warnings, start_record, train,
};
use std::path::{Path, PathBuf};

/// What the runs of all seeds share.
pub struct Job<'a> {
    options: &'a Train,
    device: Device,
    base: Model,
    teachers: Vec<Model>,
    teacher_scores: Vec<TeacherScores>,
    data: TrainingData,
    settings: Settings,
    stop: &'a Stop,
}

/// The result of a run, besides the model folder.
pub struct FinishedRun {
    /// The last line of the log.
    pub end: EndRecord,
    /// The model's metrics on the validation sets, then on the test sets.
    pub reports: Vec<SetReport>,
}

impl<'a> Job<'a> {
    /// Opens the base and the teachers, reads all data sets and checks the options.
    ///
    /// # Errors
    /// If a model, a data set or an option cannot be used.
    pub fn load(options: &'a Train, stop: &'a Stop) -> Result<Self> {
        let device = options.compute.device.open()?;
        let mut base = open_encoder(options.base.as_deref(), &device, options.opening)?;
        if let Some(source) = hub_source(options.base.as_deref(), options.opening)? {
            // In the records of the new model, the commit says which base it was.
            base.manifest.name = source;
        }
        let open_teacher = |folder: &PathBuf| open_encoder(Some(folder), &device, options.opening);
        let teachers = options.teacher.iter().map(open_teacher).collect::<Result<_>>()?;
        let teacher_scores = options.teacher_scores.iter().map(|path| TeacherScores::read(path));
        let teacher_scores = teacher_scores.collect::<Result<_, _>>()?;
        let settings = settings(options, &base)?;
        // Before the data is read, which takes long.
        settings.starting_model(&base)?;
        let data = TrainingData::load(options)?;
        base.manifest.target = data.target_fields.as_ref().map(target::record);
        base.manifest.pooling = match options.pooling {
            Some(PoolingName::Cls) => Pooling::Cls,
            Some(PoolingName::Mean) => Pooling::Mean,
            Some(PoolingName::Pooler) => Pooling::Pooler,
            None => base.manifest.pooling,
        };
        if !options.quiet {
            setting_warnings(settings.learning_rate, DEFAULT_LEARNING_RATE)
                .iter()
                .for_each(|warning| say(&warning_line(warning)));
            changed_heads(&base, &merge_heads(&data.training)?).iter().for_each(|line| say(line));
            say(&format!("training on {} with {}", device_name(&device), counted(settings.threads, "thread")));
        }
        Ok(Self { options, device, base, teachers, teacher_scores, data, settings, stop })
    }

    /// Returns the first line of the log of a run with this seed.
    ///
    /// # Errors
    /// If the models or data sets cannot be used together.
    pub fn start(&self, seed: u64) -> Result<StartRecord> {
        Ok(start_record(&self.models(), &self.data.training, &self.data.validation, &self.with_seed(seed))?)
    }

    /// Returns the last line of the log of a finished run in this folder.
    ///
    /// # Errors
    /// If the run had another seed, other options or other data.
    pub fn finished(&self, seed: u64, folder: &Path) -> Result<EndRecord> {
        let other = |cause: &str| {
            let message = format!("cannot resume `{}`: {cause}", folder.display());
            Usage::new(message, "use the options of the first run, or choose another folder for `--output`")
        };
        let mut records = read_log(folder)?;
        let (Some(Record::End(end)), Some(Record::Start(start))) = (records.pop(), records.first()) else {
            return Err(other("its `training.jsonl` has no record of the end").into());
        };
        let now = StartRecord { newsdesk: start.newsdesk.clone(), ..self.start(seed)? };
        let differences = start.differences(&now);
        if !differences.is_empty() {
            let cause = format!("it was trained with other options or on other rows ({})", differences.join("; "));
            return Err(other(&cause).into());
        }
        let is_same = |(found, set): (&SetSummary, &LabelledSet)| found.set == set.name && found.split == set.split;
        let test = &self.data.test;
        if end.test.len() != test.len() || !end.test.iter().zip(test).all(is_same) {
            return Err(other("it was evaluated on other test sets").into());
        }
        Ok(end)
    }

    /// Evaluates the finished model in a folder on the validation and the test sets.
    ///
    /// # Errors
    /// If the model cannot be opened.
    pub fn evaluate(&self, folder: &Path) -> Result<Vec<SetReport>> {
        let model_options = Options { threads: Some(self.settings.threads), ..Options::default() };
        let classifier =
            Classifier::new(open_encoder(Some(folder), &self.device, OpenArguments::default())?, &model_options)?;
        let sets = self.data.validation.iter().chain(&self.data.test);
        Ok(sets.map(|set| evaluate(&classifier, set, &mut |_| {})).collect::<Result<_, _>>()?)
    }

    fn models(&self) -> Models<'_> {
        Models { base: &self.base, teachers: &self.teachers, teacher_scores: &self.teacher_scores }
    }

    fn with_seed(&self, seed: u64) -> Settings {
        Settings { seed, ..self.settings.clone() }
    }

    /// Returns exit code 1 if rows were rejected.
    pub fn exit_code(&self) -> ExitCode {
        self.data.exit_code()
    }

    /// Trains with a seed, calibrates and evaluates the model, and writes it to a folder. With `--resume`, training
    /// continues from the checkpoint in the folder.
    ///
    /// # Errors
    /// If training fails or is interrupted, or the model cannot be written.
    pub fn train(&self, seed: u64, folder: &Path, name: &str) -> Result<FinishedRun> {
        let Self { options, base, data, .. } = self;
        let settings = self.with_seed(seed);
        let validated = format!("the first {} of each article", counted(settings.window().length, "token"));
        let reporter = Reporter::new(settings.epochs, validated, options.quiet);
        if options.resume && !has_checkpoint(folder) {
            reporter
                .say(&format!("no checkpoint was found in `{}`: training starts from the beginning", folder.display()));
        }
        let (training, validation) = (&data.training, &data.validation);
        let report = &mut |progress: Progress| reporter.report(progress);
        let run = RunFolder { folder, resume: options.resume, stop: self.stop };
        let trained = train(&self.models(), training, validation, &settings, &run, report);
        reporter.finish_training();
        let mut trained = trained?;
        if self.stop.is_requested() {
            // The last epoch had just ended. Its checkpoint holds the best weights.
            return Err(TrainError::Interrupted.into());
        }

        let mut model = trained.model;
        model.manifest.name = name.into();
        let storage = options.storage.dtype();
        // Calibration and evaluation use the weights as they are stored, which may be rounded to 16 bits.
        let stored = weights_bytes(&model.weights, storage)?;
        model.weights = Weights::from_bytes(stored, "the trained weights", &self.device)?;
        let model_options = Options { threads: Some(settings.threads), ..Options::default() };
        let classifier = Classifier::new(model.clone(), &model_options)?;
        let calibrated =
            calibrate(&mut model.manifest, &classifier, validation, &mut reporter.calibration_progress(validation))?;
        drop(classifier);
        not_fitted(&calibrated).iter().for_each(|line| reporter.say(line));
        let warnings = result_warnings(training, &calibrated.after, settings.class_weights != ClassWeights::Equal);
        warnings.iter().for_each(|warning| reporter.say(&warning_line(warning)));
        let test = evaluate_on_test(&model.clone().into(), &data.test, &model_options, &reporter)?;
        model.manifest.record_scores(calibrated.after.iter().chain(&test).flat_map(SetReport::records));

        let end = EndRecord {
            best_epoch: trained.best_epoch,
            score: trained.score,
            elapsed: trained.elapsed,
            temperatures: calibrated.heads.iter().map(Temperature::from).collect(),
            sets: summaries(&calibrated.after),
            test: summaries(&test),
            warnings: data.warnings.iter().chain(&warnings).map(Warning::to_string).collect(),
        };
        trained.log.write(Record::End(end.clone()))?;
        let whole = model.clone().into();
        let input = CardInput {
            options,
            base: Some(&base.manifest.name),
            seed,
            changed: &changed(&settings, base)?,
            tries: None,
            data,
            calibrated: &calibrated,
            test: &test,
            warnings: &warnings,
        };
        let card = card(&whole, &input);
        write_card(&card, folder, &reporter)?;
        let written = save(&model, folder, storage).map_err(anyhow::Error::from);
        written.and_then(|()| Ok(remove_checkpoint(folder)?)).inspect_err(|_| {
            say("the trained weights are kept in the checkpoint; write the model without training again with `--resume`");
        })?;
        reporter.say(&format!("wrote {}", folder.display()));
        Ok(FinishedRun { end, reports: calibrated.after.into_iter().chain(test).collect() })
    }
}

/// Returns a line for the heads of the base that the new model lacks, and one for those that start from random weights.
fn changed_heads(base: &Model, heads: &[Head]) -> Vec<String> {
    let names = |heads: &[&Head]| heads.iter().map(|head| format!("`{}`", head.name)).collect::<Vec<_>>().join(", ");
    let is_trained = |known: &&Head| heads.iter().any(|head| head.name == known.name);
    let (trained, dropped): (Vec<&Head>, Vec<&Head>) = base.manifest.heads.iter().partition(is_trained);
    let is_new = |known: &&&Head| heads.iter().any(|head| head.name == known.name && !reuses_head(base, head));
    let restarted: Vec<&Head> = trained.iter().filter(is_new).copied().collect();
    let mut lines = vec![];
    if !dropped.is_empty() {
        let predicted: Vec<&Head> = heads.iter().collect();
        lines.push(format!(
            "the new model predicts only {}; these heads of its base are not kept: {}",
            names(&predicted),
            names(&dropped)
        ));
    }
    if !restarted.is_empty() {
        lines.push(format!(
            "these heads start from random weights, since the base has them with other labels or another pooling: {}",
            names(&restarted)
        ));
    }
    lines
}
