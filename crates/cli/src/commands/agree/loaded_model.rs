//! The models that `newsdesk agree` compares, and how they read articles.

use crate::arguments::Agree;
use crate::commands::named_models::{NamedModel, open_all};
use crate::commands::open::{instructions, threads};
use crate::commands::per_model::{PerModel, names, no_head, per_model};
use crate::failure::Usage;
use crate::target;
use anyhow::Result;
use newsdesk_data::{ReadOptions, TargetFields};
use newsdesk_model::{Classifier, Options};

/// A model with its name, ready to classify.
pub struct LoadedModel {
    pub name: String,
    pub classifier: Classifier,
    /// Index of the head to compare; `None` for all heads.
    pub head: Option<usize>,
}

/// Opens the models that the command line names.
///
/// # Errors
/// If a model cannot be opened, or does not have the head that `--head` names.
pub fn open(options: &Agree) -> Result<Vec<LoadedModel>> {
    let model_options = Options {
        device: options.compute.device,
        threads: Some(threads(&options.compute)),
        open: options.opening.options(),
        instructions: instructions()?,
        ..Options::default()
    };
    let models = open_all(&options.models, &model_options.device.open()?, options.opening)?;
    let heads = heads(options, &models)?;
    let load = |(NamedModel { name, model, .. }, head)| {
        Ok(LoadedModel { name, classifier: Classifier::new(model, &model_options)?, head })
    };
    models.into_iter().zip(heads).map(load).collect()
}

/// Returns the index of the head of each model that `--head` names.
fn heads(options: &Agree, models: &[NamedModel]) -> Result<Vec<Option<usize>>> {
    let known = |model: &NamedModel| -> Vec<String> {
        model.model.manifest().heads.iter().map(|head| head.name.clone()).collect()
    };
    let is_head = |text: &str| models.iter().any(|model| known(model).iter().any(|head| head == text));
    let requested = per_model("--head", &options.head, &names(models), is_head)?;
    let find = |(model, values): (&NamedModel, PerModel)| {
        let known = known(model);
        // A common head only applies to models with several heads.
        let Some(name) = values.own.or(values.common.filter(|_| known.len() > 1)) else { return Ok(None) };
        match known.iter().position(|head| *head == name) {
            Some(head) => Ok(Some(head)),
            None => Err(no_head(&name, &model.argument, &known).into()),
        }
    };
    models.iter().zip(requested).map(find).collect()
}

/// Returns the options for reading articles, which all models must share.
///
/// # Errors
/// If the models read the target from different columns.
pub fn read_options(options: &Agree, models: &[LoadedModel]) -> Result<ReadOptions> {
    let of_model = |model: &LoadedModel| target::for_model(&options.target, model.classifier.manifest());
    let fields = models.iter().map(of_model).collect::<Result<Vec<Option<TargetFields>>>>()?;
    if let Some(other) = fields.iter().position(|other| *other != fields[0]) {
        let [first, other] = [0, other].map(|index| &models[index].name);
        let message = format!("cannot compare `{first}` and `{other}`: they read the target from different columns");
        return Err(Usage::new(message, "see the target columns of each model with `newsdesk models info`").into());
    }
    Ok(ReadOptions { target_fields: fields.into_iter().next().flatten(), ..options.columns.reading(None) })
}
