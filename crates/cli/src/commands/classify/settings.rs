//! Settings that determine what a run writes. The journal compares them on `--resume`, and the manifest records them.
//!
//! A key is named after its flag, with underscores. Keys of older versions are converted when a journal or manifest is
//! read.

use super::job::Job;
use anyhow::Result;
use newsdesk_data::{Format, HtmlMode, ReadOptions, StableHash, TargetFields};
use newsdesk_model::{AnyModel, Classifier, Combine, HeadActivation, ZeroShot};
use newsdesk_run::{ModelRecord, PredictionColumns, Scores};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::PathBuf;

/// The settings of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Settings {
    model: String,
    weights: String,
    description_of_the_model: String,
    pub dtype: String,
    pub instructions: String,
    pub max_windows: Option<u32>,
    format: Option<String>,
    pub output_format: String,
    encoding: Option<String>,
    #[serde(default)]
    sheet: Option<String>,
    text_field: Option<String>,
    title_field: Option<String>,
    target_field: Option<String>,
    target_start: Option<String>,
    target_end: Option<String>,
    /// `None` for `auto`. Older versions have no such setting: they read texts as they are.
    #[serde(default = "keep")]
    html: Option<String>,
    scores: bool,
    top_k: Option<u16>,
    min_scores: Vec<Option<f64>>,
    prefix: String,
    rejects: Option<PathBuf>,
    limit: Option<u64>,
    sample: Option<f64>,
    #[serde(default)]
    near_duplicates: bool,
    /// The input columns that are written; `None` means all of them.
    #[serde(default)]
    columns: Option<Vec<String>>,
    // Journals of older versions lack this setting, so it is left out where it is off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    overwrite_columns: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    bom: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delimiter: Option<char>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    language: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    only_language: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<HeadActivation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zero_shot: Option<ZeroShot>,
}

fn keep() -> Option<String> {
    Some(HtmlMode::Keep.name().into())
}

/// The window settings as they enter the hash of a model's description. Their names must not change: journals hold the
/// hash.
#[derive(Serialize)]
struct HashedWindow {
    length: usize,
    stride: usize,
    combine: Combine,
}

impl Settings {
    /// Returns the settings of a job.
    ///
    /// # Errors
    /// If the model's description cannot be serialized.
    pub fn new(job: &Job, model: &ModelRecord, format: Format) -> Result<Self> {
        let (options, read) = (job.options, &job.run_options.read);
        let target = read.target_fields.as_ref();
        Ok(Self {
            model: model.name.clone(),
            weights: model.sha256.clone(),
            description_of_the_model: description_hash(&job.classifier)?,
            dtype: model.dtype.clone(),
            instructions: model.instructions.clone(),
            max_windows: options.max_windows,
            format: read.format.map(|format| format.name().into()),
            output_format: format.name().into(),
            encoding: read.encoding.map(|encoding| encoding.to_string()),
            sheet: read.sheet.clone(),
            text_field: read.text_field.clone(),
            title_field: read.title_field.clone(),
            target_field: target.map(|target| target.field.clone()),
            target_start: target.and_then(|target| target.start.clone()),
            target_end: target.and_then(|target| target.end.clone()),
            html: Some(read.html).filter(|html| *html != HtmlMode::default()).map(|html| html.name().into()),
            scores: options.scores,
            top_k: options.top_k,
            // Converted through text, so that 0.9_f32 is recorded as 0.9 and not as 0.8999999761581421.
            min_scores: job
                .min_scores
                .iter()
                .map(|score| score.and_then(|score| score.to_string().parse().ok()))
                .collect(),
            prefix: options.prefix.clone(),
            rejects: options.rejects.clone(),
            limit: options.limit,
            sample: options.sample,
            near_duplicates: options.near_duplicates,
            columns: job.run_options.columns.clone(),
            overwrite_columns: options.overwrite_columns,
            bom: options.table.bom,
            delimiter: options.table.delimiter,
            language: options.language,
            only_language: options.only_language.iter().map(ToString::to_string).collect(),
            activation: options.opening.activation,
            zero_shot: options.zero_shot.zero_shot(),
        })
    }

    /// Returns the settings as a map from names to values.
    ///
    /// # Errors
    /// If they cannot be serialized.
    pub fn to_map(&self) -> Result<Map<String, Value>> {
        match serde_json::to_value(self)? {
            Value::Object(settings) => Ok(settings),
            _ => Ok(Map::new()),
        }
    }

    /// Returns whether a journal is from a version without the setting `html`.
    pub fn is_without_html(settings: &Map<String, Value>) -> bool {
        !settings.contains_key("html")
    }

    /// Returns the options for reading the run's output as articles.
    pub fn output_read_options(&self) -> ReadOptions {
        let (start, end) = (self.target_start.clone(), self.target_end.clone());
        ReadOptions {
            format: Format::from_name(&self.output_format),
            text_field: self.text_field.clone(),
            title_field: self.title_field.clone(),
            html: self.html.as_deref().and_then(HtmlMode::from_name).unwrap_or_default(),
            target_fields: self.target_field.clone().map(|field| TargetFields { field, start, end }),
            ..ReadOptions::default()
        }
    }

    /// Returns the columns that the run added, under their usual names.
    pub fn columns(&self, heads: &[std::sync::Arc<newsdesk_model::Head>]) -> PredictionColumns {
        let min_scores = self.min_scores.iter().map(|score| score.map(|score| score as f32)).collect();
        PredictionColumns::new(heads, scores(self.scores, self.top_k), &self.prefix).with_min_scores(min_scores)
    }
}

/// Returns a hash of everything but the weights that determines the predictions: heads, windows, pooling, configuration
/// and tokenizer.
fn description_hash(classifier: &Classifier) -> Result<String> {
    let manifest = classifier.manifest();
    let hash = match classifier.model() {
        AnyModel::Encoder(model) => {
            let window = HashedWindow {
                length: manifest.window.length,
                stride: manifest.window.stride(),
                combine: manifest.window.combine,
            };
            let description = (&manifest.heads, &window, manifest.pooling, &model.config_json);
            StableHash::new().with(serde_json::to_string(&description)?.as_bytes()).with(model.tokenizer.json())
        }
        AnyModel::Linear(_) => {
            StableHash::new().with(serde_json::to_string(&(&manifest.heads, &manifest.linear))?.as_bytes())
        }
    };
    Ok(format!("{:016x}", hash.value()))
}

/// Returns which scores are written for each head.
pub fn scores(all: bool, top_k: Option<u16>) -> Scores {
    match (all, top_k) {
        (true, _) => Scores::All,
        (false, Some(count)) => Scores::Top(count.into()),
        (false, None) => Scores::Best,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use newsdesk_model::{Device, Options};

    /// An interrupted run can only be resumed while the hash stays the same.
    #[test]
    fn description_hash_equals_that_of_earlier_versions() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny");
        let model = AnyModel::open(folder.as_ref(), &Device::Cpu).unwrap();
        let classifier = Classifier::new(model, &Options::default()).unwrap();
        assert_eq!(description_hash(&classifier).unwrap(), "82c8b54655b09d40");
    }
}
