//! Opens the models and reads the data sets of a benchmark, so that mistakes show before the first measurement.

use super::job::{Job, Rounds};
use super::measure::{Candidate, Config, Corpus};
use super::record::{Measured, Results, Setting};
use crate::arguments::{Bench, DataSetOptions};
use crate::commands::named_models::{NamedModel, open_all};
use crate::commands::open::instructions;
use crate::data_sets::{DataSetSource, describe_rejects, html_note};
use crate::failure::{Usage, say};
use crate::output::atomic;
use crate::output::destination::refuse_overwriting;
use anyhow::Result;
use newsdesk_data::{HtmlMode, LabelledSet, Source};
use newsdesk_eval::check_labelled;
use newsdesk_model::{AnyModel, Classifier, Dtype, DtypeChoice, Options, available_cpus};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

impl<'a> Job<'a> {
    /// Prepares a benchmark.
    ///
    /// # Errors
    /// If a model or a data set cannot be used, or an output cannot be written.
    pub fn new(options: &'a Bench) -> Result<Self> {
        let model_options = Options {
            device: options.device,
            max_windows: options.max_windows.map(|n| n as usize),
            instructions: instructions()?,
            ..Options::default()
        };
        let sources = options.data.iter().map(|argument| DataSetSource::find(argument)).collect::<Result<Vec<_>>>()?;
        if sources.iter().any(DataSetSource::is_standard_input) {
            let message = "cannot benchmark on standard input: the articles are read several times";
            return Err(Usage::new(message, "write the articles to a file first").into());
        }
        check_outputs(options, &sources)?;
        let threads: Vec<usize> = match options.threads.as_slice() {
            [] => vec![available_cpus()],
            given => given.iter().copied().map(usize::from).collect(),
        };
        let (mut candidates, mut sets, mut configs) = (vec![], vec![], vec![]);
        for (index, NamedModel { name, folder, model }) in
            open_all(&options.models, &options.device.open()?)?.into_iter().enumerate()
        {
            let manifest = model.manifest();
            let data_set = data_set_options(&options.data_set, manifest.heads.len());
            let load = |source: &DataSetSource| -> Result<LabelledSet> {
                let mut set = source.load(&data_set, &options.split, manifest)?;
                if let Some(limit) = options.limit {
                    set.articles.truncate(limit as usize);
                }
                if index == 0 && !options.quiet {
                    describe_rejects(&set.rejects).iter().for_each(|line| say(line));
                    html_note(set.html).into_iter().for_each(|line| say(&line));
                }
                check_labelled(&set, &manifest.heads)?;
                Ok(set)
            };
            sets.push(sources.iter().map(load).collect::<Result<Vec<_>>>()?);
            for &threads in &threads {
                for dtype in dtypes(&options.dtypes, &model) {
                    let choice = Options { dtype, threads: Some(threads), ..model_options.clone() };
                    let dtype_name = Classifier::new(model.clone(), &choice)?.dtype().to_string();
                    let setting = Setting { model: name.clone(), dtype: dtype_name, threads };
                    if !configs.iter().any(|known: &Config| known.setting == setting) {
                        configs.push(Config { model: index, dtype, setting });
                    }
                }
            }
            candidates.push(Candidate { folder, sha256: model.sha256()?, parameters: model.parameters() });
        }
        let corpora = sources.iter().map(|source| corpus(source, options)).collect::<Result<Vec<_>>>()?;
        let rounds = configs.iter().map(|_| corpora.iter().map(|_| Rounds::default()).collect()).collect();
        let started = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let (notes, stop) = (BTreeSet::new(), Arc::default());
        Ok(Self { options, model_options, candidates, configs, corpora, sets, rounds, started, notes, stop })
    }

    /// Checks that the baseline has at least one model, setting and data set of this benchmark.
    ///
    /// # Errors
    /// If it has none.
    pub fn check_in_common(&self, baseline: &Results) -> Result<()> {
        let is_measured = |old: &Measured| {
            let is_same = |set: &LabelledSet| set.name == old.set && set.split == old.split;
            let same_setting = self.configs.iter().filter(|config| config.setting == old.setting);
            same_setting.into_iter().any(|config| self.sets[config.model].iter().any(is_same))
        };
        if baseline.results.iter().any(is_measured) {
            return Ok(());
        }
        let message = "cannot compare with the baseline: it has no model, setting and data set in common with this run";
        Err(Usage::new(message, "measure with the same models, `--dtypes`, `--threads` and `--data`").into())
    }
}

/// Checks that the outputs can be written and replace no input.
fn check_outputs(options: &Bench, sources: &[DataSetSource]) -> Result<()> {
    let inputs = sources.iter().map(|source| source.files(&options.data_set, &options.split));
    let inputs: Vec<Source> = inputs.collect::<Result<Vec<_>>>()?.concat();
    // New results may replace the baseline, but a page may not.
    if let (Some(page), Some(baseline)) = (&options.report, &options.baseline) {
        refuse_overwriting(Some(page), None, &[Source::File(baseline.clone())])?;
    }
    for path in options.output.iter().chain(&options.report) {
        refuse_overwriting(Some(path), None, &inputs)?;
        atomic::check_writable(path)?;
    }
    Ok(())
}

/// Returns the data set options for a model: `--head` only applies to models with several heads.
fn data_set_options(options: &DataSetOptions, heads: usize) -> DataSetOptions {
    let head = options.head.clone().filter(|_| heads > 1);
    DataSetOptions { head, ..options.clone() }
}

/// Returns the dtypes to measure; linear models only support f32.
fn dtypes(requested: &[DtypeChoice], model: &AnyModel) -> Vec<DtypeChoice> {
    match model {
        AnyModel::Encoder(_) => requested.to_vec(),
        AnyModel::Linear(_) => vec![DtypeChoice::Exactly(Dtype::F32)],
    }
}

/// Returns the files of a data set and the options with which `newsdesk classify` reads them.
fn corpus(source: &DataSetSource, options: &Bench) -> Result<Corpus> {
    let mut column_options = vec![];
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            column_options.extend([name.into(), value.into()]);
        }
    };
    let files = match source {
        DataSetSource::Recipe(recipe) => {
            add("--text-field", recipe.fields.text.clone());
            add("--title-field", recipe.fields.title.clone());
            add("--html", Some(HtmlMode::Keep.name().into()));
            vec![recipe.split_file(&options.data_set.data_root, &options.split)?.into()]
        }
        DataSetSource::Plain(arguments) => {
            let columns = &options.data_set.columns;
            add("--text-field", columns.text_field.clone());
            add("--title-field", columns.title_field.clone());
            add("--html", columns.html_value());
            add("--encoding", columns.encoding.map(|encoding| encoding.to_string()));
            arguments.iter().map(Into::into).collect()
        }
    };
    Ok(Corpus { files, column_options })
}
