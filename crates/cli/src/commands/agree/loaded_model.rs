//! The models that `newsdesk agree` compares, and how they read articles.

use crate::arguments::Agree;
use crate::commands::named_models::{NamedModel, open_all};
use crate::commands::open::{instructions, threads};
use crate::failure::Usage;
use crate::target;
use anyhow::Result;
use newsdesk_data::{ReadOptions, TargetFields};
use newsdesk_model::{Classifier, Options};

/// A model with its name, ready to classify.
pub struct LoadedModel {
    pub name: String,
    pub classifier: Classifier,
}

/// Opens the models that the command line names.
///
/// # Errors
/// If a model cannot be opened.
pub fn open(options: &Agree) -> Result<Vec<LoadedModel>> {
    let model_options = Options {
        device: options.compute.device,
        threads: Some(threads(&options.compute)),
        instructions: instructions()?,
        ..Options::default()
    };
    let models = open_all(&options.models, &model_options.device.open()?)?.into_iter();
    models
        .map(|NamedModel { name, model, .. }| {
            Ok(LoadedModel { name, classifier: Classifier::new(model, &model_options)? })
        })
        .collect()
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
