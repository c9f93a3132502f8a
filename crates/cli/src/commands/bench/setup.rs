//! Opens the models and reads the data sets of a benchmark, so that mistakes show before the first measurement.

use super::job::{Job, Rounds};
use super::measure::{Candidate, Config, Corpus};
use super::record::{Measured, Results, Setting};
use crate::arguments::{Bench, DataSetOptions};
use crate::commands::named_models::{NamedModel, open_all};
use crate::commands::open::instructions;
use crate::commands::per_model::{PerModel, names, no_head, per_model};
use crate::data_sets::{DataSetSource, describe_rejects, html_note, plain_options};
use crate::failure::{Usage, say};
use crate::output::atomic;
use crate::output::destination::{refuse_existing, refuse_overwriting};
use crate::threads;
use anyhow::{Context, Result};
use newsdesk_data::{HtmlMode, LabelledSet, Source};
use newsdesk_eval::check_labelled;
use newsdesk_model::folder::Manifest;
use newsdesk_model::{AnyModel, Classifier, Dtype, DtypeChoice, Options};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
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
            open: options.opening.options(),
            instructions: instructions()?,
            ..Options::default()
        };
        let sources = options.data.iter().map(|argument| DataSetSource::find(argument)).collect::<Result<Vec<_>>>()?;
        if sources.iter().any(DataSetSource::is_standard_input) {
            let message = "cannot benchmark on standard input: the articles are read several times";
            return Err(Usage::new(message, "write the articles to a file first").into());
        }
        check_outputs(options, &sources)?;
        let mut threads: Vec<usize> = match options.threads.as_slice() {
            [] => vec![threads::count(None)],
            given => given.iter().map(|&requested| threads::count(Some(requested))).collect(),
        };
        // Numbers beyond the maximum are all reduced to it.
        threads.dedup();
        let models = open_all(&options.models, &options.device.open()?, options.opening)?;
        let data_sets = data_set_options(options, &models, sources.iter().any(|source| !source.is_recipe()))?;
        let (mut candidates, mut sets, mut configs, mut corpora) = (vec![], vec![], vec![], vec![]);
        for (index, (NamedModel { argument, name, folder, source, model }, data_set)) in
            models.into_iter().zip(data_sets).enumerate()
        {
            let manifest = model.manifest();
            let load = |source: &DataSetSource| -> Result<LabelledSet> {
                let loaded = source.load(&data_set, &options.split, manifest);
                let mut set = match options.models.len() {
                    1 => loaded?,
                    // The same file may fit one model and not another.
                    _ => loaded.with_context(|| format!("cannot measure the model `{argument}`"))?,
                };
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
            corpora.push(sources.iter().map(|source| corpus(source, options, manifest)).collect::<Result<Vec<_>>>()?);
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
            candidates.push(Candidate {
                folder,
                source,
                sha256: model.sha256()?,
                parameters: model.parameters(),
                opening: options.opening,
            });
        }
        let rounds = configs.iter().map(|_| sources.iter().map(|_| Rounds::default()).collect()).collect();
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
    let inputs = sources.iter().map(|source| source.files(&options.files, &options.split));
    let inputs: Vec<Source> = inputs.collect::<Result<Vec<_>>>()?.concat();
    // New results may replace the baseline, but a page may not.
    if let (Some(page), Some(baseline)) = (&options.report, &options.baseline) {
        refuse_overwriting(Some(page), None, &[Source::File(baseline.clone())])?;
    }
    for path in options.output.iter().chain(&options.report) {
        refuse_overwriting(Some(path), None, &inputs)?;
        refuse_existing([path], options.overwrite)?;
        atomic::check_writable(path)?;
    }
    Ok(())
}

/// Returns the data set options of each model. `needs_head` says whether a data set has no recipe, which would name the heads.
///
/// # Errors
/// If `--head` or `--label-map` names an unknown model, or a model does not have the head.
fn data_set_options(options: &Bench, models: &[NamedModel], needs_head: bool) -> Result<Vec<DataSetOptions>> {
    let names = names(models);
    let is_head =
        |text: &str| models.iter().any(|model| model.model.manifest().heads.iter().any(|head| head.name == text));
    let heads = per_model("--head", &options.head, &names, is_head)?;
    let maps = per_model("--label-map", &options.label_map, &names, |text| Path::new(text).exists())?;
    let of_model = |(model, (head, map)): (&NamedModel, (PerModel, PerModel))| {
        let known: Vec<String> = model.model.manifest().heads.iter().map(|head| head.name.clone()).collect();
        // A common head only applies to models with several heads.
        let head = head.own.or(head.common.filter(|_| known.len() > 1));
        let is_chosen = head.is_some() || known.len() > 1;
        let data_set = DataSetOptions { head, label_map: map.value().map(PathBuf::from), files: options.files.clone() };
        let wanted = plain_options(&data_set).head;
        if needs_head && is_chosen && !known.contains(&wanted) {
            return Err(no_head(&wanted, &model.argument, &known).into());
        }
        Ok(data_set)
    };
    models.iter().zip(heads.into_iter().zip(maps)).map(of_model).collect()
}

/// Returns the dtypes to measure; linear models only support f32.
fn dtypes(requested: &[DtypeChoice], model: &AnyModel) -> Vec<DtypeChoice> {
    match model {
        AnyModel::Encoder(_) => requested.to_vec(),
        AnyModel::Linear(_) => vec![DtypeChoice::Exactly(Dtype::F32)],
    }
}

/// Returns the files of a data set and the options with which `newsdesk classify` reads them with a model.
fn corpus(source: &DataSetSource, options: &Bench, model: &Manifest) -> Result<Corpus> {
    let mut column_options = vec![];
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            // In one argument, since the name of a column may begin with a dash.
            column_options.push(format!("{name}={value}").into());
        }
    };
    let files = match source {
        DataSetSource::Recipe(recipe) => {
            add("--text-field", recipe.fields.text.clone());
            add("--title-field", recipe.fields.title.clone());
            add("--html", Some(HtmlMode::Keep.name().into()));
            vec![recipe.split_file(&options.files.data_root, &options.split)?.into()]
        }
        DataSetSource::Plain(arguments) => {
            let columns = &options.files.columns;
            add("--text-field", columns.text_field.clone());
            add("--title-field", columns.title_field.clone());
            add("--html", columns.html_value());
            add("--encoding", columns.encoding.map(|encoding| encoding.to_string()));
            arguments.iter().map(Into::into).collect()
        }
    };
    // A model that was trained without targets reads whole articles, and `classify` refuses target columns for it.
    if let Some(target) = source.target_fields(&options.files).filter(|_| model.target.is_some()) {
        add("--target-field", Some(target.field));
        add("--target-start", target.start);
        add("--target-end", target.end);
    }
    Ok(Corpus { files, column_options })
}
