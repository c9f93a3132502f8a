//! Everything that decides what a run writes, as its journal compares it and its manifest tells it.

use super::Job;
use anyhow::Result;
use newsdesk_data::{Format, MentionFields, ReadOptions, StableHash};
use newsdesk_model::AnyModel;
use newsdesk_run::{Columns, ModelRecord, Scores};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::PathBuf;

/// The settings of a run, by name.
#[derive(Debug, Serialize, Deserialize)]
pub struct Settings {
    model: String,
    weights: String,
    description_of_the_model: String,
    pub precision: String,
    pub instructions: String,
    pub windows: Option<u32>,
    format: Option<String>,
    pub output_format: String,
    encoding: Option<String>,
    text_field: Option<String>,
    title_field: Option<String>,
    mention_field: Option<String>,
    mention_start: Option<String>,
    mention_end: Option<String>,
    scores: bool,
    top_k: Option<u16>,
    min_scores: Vec<Option<f64>>,
    prefix: String,
    rejects: Option<PathBuf>,
    limit: Option<u64>,
    sample: Option<f64>,
    #[serde(default)]
    near_duplicates: bool,
}

impl Settings {
    /// The settings of a job.
    pub(super) fn of(job: &Job, model: &ModelRecord, format: Format) -> Result<Self> {
        let (options, read) = (job.options, &job.running.read);
        let mention = read.mention.as_ref();
        // Temperatures, thresholds, labels, windows, and what stands in the model's other files.
        let manifest = job.classifier.manifest();
        let described = match job.classifier.model() {
            AnyModel::Encoder(whole) => {
                let heads = (&manifest.heads, &manifest.window, manifest.pooling, &whole.config_json);
                StableHash::new().with(serde_json::to_string(&heads)?.as_bytes()).with(whole.tokenizer.json())
            }
            AnyModel::Linear(_) => {
                StableHash::new().with(serde_json::to_string(&(&manifest.heads, &manifest.linear))?.as_bytes())
            }
        };
        Ok(Self {
            model: model.name.clone(),
            weights: model.sha256.clone(),
            description_of_the_model: format!("{:016x}", described.value()),
            precision: model.precision.clone(),
            instructions: model.instructions.clone(),
            windows: options.windows,
            format: read.format.map(|format| format.name().into()),
            output_format: format.name().into(),
            encoding: read.encoding.map(|encoding| encoding.to_string()),
            text_field: read.text_field.clone(),
            title_field: read.title_field.clone(),
            mention_field: mention.map(|mention| mention.field.clone()),
            mention_start: mention.and_then(|mention| mention.start.clone()),
            mention_end: mention.and_then(|mention| mention.end.clone()),
            scores: options.scores,
            top_k: options.top_k,
            // As they are written, not as the nearest number of 32 bits is in 64.
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
        })
    }

    pub(super) fn by_name(&self) -> Result<Map<String, Value>> {
        match serde_json::to_value(self)? {
            Value::Object(settings) => Ok(settings),
            _ => Ok(Map::new()),
        }
    }

    /// How the rows that the run wrote are read as articles.
    pub fn reading_output(&self) -> ReadOptions {
        let (start, end) = (self.mention_start.clone(), self.mention_end.clone());
        ReadOptions {
            format: Format::from_name(&self.output_format),
            encoding: None,
            text_field: self.text_field.clone(),
            title_field: self.title_field.clone(),
            mention: self.mention_field.clone().map(|field| MentionFields { field, start, end }),
        }
    }

    /// The columns that the run added.
    pub fn columns(&self, heads: &[std::sync::Arc<newsdesk_model::Head>]) -> Columns {
        let min_scores = self.min_scores.iter().map(|score| score.map(|score| score as f32)).collect();
        Columns::new(heads, scores(self.scores, self.top_k), &self.prefix).with_min_scores(min_scores)
    }
}

/// How much is said about each head.
pub(super) fn scores(all: bool, top_k: Option<u16>) -> Scores {
    match (all, top_k) {
        (true, _) => Scores::All,
        (false, Some(count)) => Scores::Top(count.into()),
        (false, None) => Scores::Best,
    }
}
