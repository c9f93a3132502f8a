//! `newsdesk models`: what is known about a model.

use super::calibrate::precisions;
use super::{average, certify, open_any};
use crate::arguments::{Models, ModelsCommand};
use crate::output::table::table;
use anyhow::Result;
use comfy_table::Table;
use newsdesk_model::folder::Manifest;
use newsdesk_model::linear::FeatureRecord;
use newsdesk_model::{AnyModel, Certificate, Device};
use serde::ser::Error;
use serde::{Serialize, Serializer};
use std::io::Write;
use std::process::ExitCode;

/// What `models info` tells.
#[derive(Serialize)]
struct Info<'a> {
    #[serde(flatten)]
    encoder: Option<EncoderInfo>,
    parameters: usize,
    /// As its file has it.
    #[serde(serialize_with = "as_in_its_file")]
    manifest: &'a Manifest,
}

/// What a linear model's file leaves out is left out here as well.
fn as_in_its_file<S: Serializer>(manifest: &Manifest, serializer: S) -> Result<S::Ok, S::Error> {
    if manifest.linear.is_none() {
        return manifest.serialize(serializer);
    }
    let text = manifest.text().map_err(S::Error::custom)?;
    toml::from_str::<toml::Table>(&text).map_err(S::Error::custom)?.serialize(serializer)
}

/// What is told of an encoder; linear models have none.
#[derive(Serialize)]
struct EncoderInfo {
    layers: usize,
    width: usize,
    attention_heads: usize,
    vocabulary: usize,
    longest_window: usize,
}

pub fn run(options: Models) -> Result<ExitCode> {
    match options.command {
        ModelsCommand::Info { model, json } => {
            let model = open_any(model.as_deref(), &Device::Cpu)?;
            let info = info(&model);
            let mut out = std::io::stdout();
            match json {
                true => writeln!(out, "{}", serde_json::to_string(&info)?)?,
                false => write!(out, "{}", shown(&info))?,
            }
            Ok(ExitCode::SUCCESS)
        }
        ModelsCommand::Certify(options) => certify::run(*options),
        ModelsCommand::Average(options) => average::run(&options),
    }
}

fn info(model: &AnyModel) -> Info<'_> {
    let encoder = match model {
        AnyModel::Encoder(model) => Some(EncoderInfo {
            layers: model.config.num_hidden_layers,
            width: model.config.hidden_size,
            attention_heads: model.config.num_attention_heads,
            vocabulary: model.config.vocab_size,
            longest_window: model.config.max_position_embeddings,
        }),
        AnyModel::Linear(_) => None,
    };
    Info { encoder, parameters: model.parameters(), manifest: model.manifest() }
}

fn shown(info: &Info) -> String {
    let manifest = info.manifest;
    let mut text = format!("{}\n\n", manifest.name);
    if let Some(encoder) = &info.encoder {
        text += &format!(
            "encoder   BERT, {} layers, width {}, {} attention heads, {} parameters\n",
            encoder.layers, encoder.width, encoder.attention_heads, info.parameters
        );
        text += &format!(
            "windows   {} tokens, one every {}, pooled by {}, combined by {}\n",
            manifest.window.length, manifest.window.stride, manifest.pooling, manifest.window.combine
        );
    }
    if let Some(FeatureRecord { buckets, words, characters }) = manifest.linear {
        text += &format!("linear    {buckets} features of up to {words} words");
        if let Some([fewest, most]) = characters {
            text += &format!(" and of {fewest} to {most} characters");
        }
        text += &format!(", {} parameters\n", info.parameters);
    }
    for head in &manifest.heads {
        let labels: Vec<String> = head
            .labels
            .iter()
            .map(|l| l.code.as_ref().map_or(l.name.clone(), |code| format!("{} ({code})", l.name)))
            .collect();
        text += &format!("\nhead {} ({}), {} labels", head.name, head.activation, head.labels.len());
        if head.temperature != 1.0 {
            text += &format!(", temperature {}", head.temperature);
        }
        text += "\n";
        text += &labels.iter().map(|label| format!("  {label}\n")).collect::<String>();
    }
    if let Some(training) = &manifest.training {
        let from = if info.encoder.is_some() { format!("from {}, ", training.base) } else { String::new() };
        text += &format!("\ntrained   {from}epoch {} kept\n", training.best_epoch);
        // The windows stand above.
        let settings = training.settings.as_object().into_iter().flatten().filter(|(name, _)| *name != "window");
        text += &settings.map(|(name, value)| format!("  {name} {value}\n")).collect::<String>();
        text += &training.sets.iter().map(|set| format!("  {set}\n")).collect::<String>();
        text += &training.teachers.iter().map(|teacher| format!("  taught by {teacher}\n")).collect::<String>();
    }
    if !manifest.averaged.is_empty() {
        text += "\naveraged  from\n";
        for part in &manifest.averaged {
            let base =
                part.training.as_ref().map_or(String::new(), |training| format!(", trained from {}", training.base));
            text += &format!("  {}, share {:.4}, weights {}{base}\n", part.name, part.share, part.weights);
        }
    }
    if !manifest.scores.is_empty() {
        let headings = ["set", "split", "head", "articles", "accuracy", "macro-F1", "macro recall", "micro-F1"];
        let mut scores = table(&headings, &[3, 4, 5, 6, 7]);
        let figure = |x: f64| format!("{x:.4}");
        for score in &manifest.scores {
            // What an older manifest does not say, or a head does not have, stays blank.
            scores.add_row(vec![
                score.set.clone(),
                score.split.clone(),
                score.head.clone(),
                score.articles.to_string(),
                figure(score.accuracy),
                figure(score.macro_f1),
                score.macro_recall.map_or(String::new(), figure),
                score.micro_f1.map_or(String::new(), figure),
            ]);
        }
        text += &format!("\n{}\n", scores.trim_fmt());
    }
    for record in &manifest.calibrations {
        text += "\n";
        if !record.temperature_sets.is_empty() {
            text += &format!("{}: temperature by {}\n", record.head, record.temperature_sets.join(", "));
        }
        text += &precisions(record);
    }
    if !manifest.certificates.is_empty() {
        text += &format!("\n{}\n", certificates(&manifest.certificates).trim_fmt());
    }
    text
}

/// What was measured of the certified precisions; a line for a certificate without figures as well.
fn certificates(certificates: &[Certificate]) -> Table {
    let headings =
        ["certified", "activation bits", "set", "split", "head", "accuracy", "in f32", "agreement", "largest change"];
    let mut table = table(&headings, &[1, 5, 6, 7, 8]);
    for certificate in certificates {
        let precision = || vec![certificate.dtype.to_string(), certificate.activation_bits.to_string()];
        for figure in &certificate.figures {
            let numbers = [figure.accuracy, figure.accuracy_f32, figure.agreement, figure.largest_change];
            let names = [&figure.set, &figure.split, &figure.head].map(String::clone);
            table.add_row([precision(), names.to_vec(), numbers.map(|x| format!("{x:.4}")).to_vec()].concat());
        }
        if certificate.figures.is_empty() {
            table.add_row(precision());
        }
    }
    table
}
