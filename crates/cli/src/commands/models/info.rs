//! `newsdesk models info`: the heads, architecture, training and measured scores of a model.

use super::checkpoint::{self, ModelFile};
use crate::arguments::OpenArguments;
use crate::commands::calibrate::thresholds_table;
use crate::commands::open::{model_path, open_without_warnings};
use crate::console;
use crate::exit_code::ExitCode;
use crate::hub;
use crate::output::count::counted;
use crate::output::table::table;
use crate::output::terminal;
use anyhow::Result;
use comfy_table::Table;
use newsdesk_model::folder::Manifest;
use newsdesk_model::linear::FeatureRecord;
use newsdesk_model::{AnyModel, Certificate, Device};
use serde::ser::Error;
use serde::{Serialize, Serializer};
use std::io::Write;
use std::path::Path;

/// The JSON that `models info --json` prints.
#[derive(Serialize)]
struct Info<'a> {
    #[serde(flatten)]
    encoder: Option<EncoderInfo>,
    parameters: usize,
    /// The licence that the model card states.
    #[serde(skip_serializing_if = "Option::is_none")]
    licence: Option<String>,
    /// The files of the folder; none for the built-in model.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<ModelFile>,
    /// What is unusual.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    /// With the same fields as `newsdesk.toml`.
    #[serde(serialize_with = "same_fields_as_file")]
    manifest: &'a Manifest,
}

/// Serializes a manifest without the fields that `newsdesk.toml` of a linear model leaves out.
fn same_fields_as_file<S: Serializer>(manifest: &Manifest, serializer: S) -> Result<S::Ok, S::Error> {
    if manifest.linear.is_none() {
        return manifest.serialize(serializer);
    }
    let text = manifest.text().map_err(S::Error::custom)?;
    toml::from_str::<toml::Table>(&text).map_err(S::Error::custom)?.serialize(serializer)
}

/// The architecture of an encoder; linear models have none.
#[derive(Serialize)]
struct EncoderInfo {
    architecture: &'static str,
    layers: usize,
    width: usize,
    attention_heads: usize,
    vocabulary: usize,
    longest_window: usize,
}

pub fn run(model: Option<&Path>, files: OpenArguments, json: bool) -> Result<ExitCode> {
    #[cfg(feature = "hub")]
    if let Some(name) = model_path(model).and_then(hub::name)
        && hub::cache()?.fetched(&name, &hub::wanted(files.allow_pickle)).is_none()
        && !hub::settings(files.offline).offline
    {
        return super::on_hub::run(&name, json);
    }
    let folder = model_path(model).map(|given| hub::find(given, files)).transpose()?.map(|found| found.folder);
    let model = open_without_warnings(model, &Device::Cpu, files)?;
    let info = info(&model, folder.as_deref());
    match json {
        true => console::print_json(&info)?,
        false => write!(terminal::stdout(), "{}", describe(&info))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn info<'a>(model: &'a AnyModel, folder: Option<&Path>) -> Info<'a> {
    let encoder = match model {
        AnyModel::Encoder(model) => Some(EncoderInfo {
            architecture: model.layout.name(),
            layers: model.encoder.layers.len(),
            width: model.encoder.hidden_size,
            attention_heads: model.encoder.num_attention_heads,
            vocabulary: model.encoder.vocab_size,
            longest_window: model.encoder.max_length,
        }),
        AnyModel::Linear(_) => None,
    };
    Info {
        encoder,
        parameters: model.parameters(),
        licence: folder.and_then(checkpoint::licence),
        files: folder.map(checkpoint::files).unwrap_or_default(),
        notes: checkpoint::notes(model),
        manifest: model.manifest(),
    }
}

/// Describes a model for a terminal.
fn describe(info: &Info) -> String {
    let manifest = info.manifest;
    let mut text = format!("{}\n\n", manifest.name);
    if let Some(encoder) = &info.encoder {
        text += &format!(
            "encoder   {}, {} layers, width {}, {} attention heads, {} parameters\n",
            encoder.architecture, encoder.layers, encoder.width, encoder.attention_heads, info.parameters
        );
        text += &format!(
            "windows   {} tokens, overlap {}, pooling {}, combined by {}\n",
            manifest.window.length, manifest.window.overlap, manifest.pooling, manifest.window.combine
        );
    }
    if let Some(FeatureRecord { buckets, words, characters }) = manifest.linear {
        text += &format!("linear    {buckets} features of up to {}", counted(words, "word"));
        text += &match characters {
            Some([min, max]) if min == max => format!(" and of {}", counted(min, "character")),
            Some([min, max]) => format!(" and of {min} to {max} characters"),
            None => String::new(),
        };
        text += &format!(", {} parameters\n", info.parameters);
    }
    if let Some(licence) = &info.licence {
        text += &format!("licence   {licence}\n");
    }
    if !info.files.is_empty() {
        let files: Vec<String> = info.files.iter().map(ToString::to_string).collect();
        text += &format!("files     {}\n", files.join(", "));
    }
    for note in &info.notes {
        text += &format!("note      {note}\n");
    }
    if !manifest.languages.is_empty() {
        text += &format!("languages {}\n", manifest.languages.join(", "));
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
        // The line `windows` above already shows these.
        let settings = training.settings.as_object().into_iter().flatten().filter(|(name, _)| *name != "window");
        text += &settings.map(|(name, value)| format!("  {name} {value}\n")).collect::<String>();
        text += &training.sets.iter().map(|set| format!("  {set}\n")).collect::<String>();
        text += &training.teachers.iter().map(|teacher| format!("  distilled from {teacher}\n")).collect::<String>();
    }
    if !manifest.averaged.is_empty() {
        text += "\naveraged  from\n";
        for part in &manifest.averaged {
            let base =
                part.training.as_ref().map_or(String::new(), |training| format!(", trained from {}", training.base));
            text += &format!("  {}, weight {:.4}, SHA-256 {}{base}\n", part.name, part.share, part.weights);
        }
    }
    if !manifest.scores.is_empty() {
        let headings = ["data set", "split", "head", "articles", "accuracy", "macro-F1", "macro recall", "micro-F1"];
        let mut scores = table(&headings, &[3, 4, 5, 6, 7]);
        let rounded = |x: f64| format!("{x:.4}");
        for score in &manifest.scores {
            // Blank where an older manifest or the head has no such score.
            scores.add_row(vec![
                score.set.clone(),
                score.split.clone(),
                score.head.clone(),
                score.articles.to_string(),
                rounded(score.accuracy),
                rounded(score.macro_f1),
                score.macro_recall.map_or(String::new(), rounded),
                score.micro_f1.map_or(String::new(), rounded),
            ]);
        }
        text += &format!("\n{}\n", scores.trim_fmt());
    }
    for record in &manifest.calibrations {
        text += "\n";
        if !record.temperature_sets.is_empty() {
            text += &format!("{}: temperature fitted on {}\n", record.head, record.temperature_sets.join(", "));
        }
        text += &thresholds_table(record);
    }
    if !manifest.certificates.is_empty() {
        text += &format!("\n{}\n", certificates(&manifest.certificates).trim_fmt());
    }
    text
}

/// Lists the certified dtypes and their measurements; a certificate without measurements has a line as well.
fn certificates(certificates: &[Certificate]) -> Table {
    let headings = [
        "certified",
        "activation bits",
        "data set",
        "split",
        "head",
        "accuracy",
        "in f32",
        "agreement",
        "largest change",
    ];
    let mut table = table(&headings, &[1, 5, 6, 7, 8]);
    for certificate in certificates {
        let dtype = || vec![certificate.dtype.to_string(), certificate.activation_bits.to_string()];
        for figure in &certificate.figures {
            let numbers = [figure.accuracy, figure.accuracy_f32, figure.agreement, figure.largest_change];
            let names = [&figure.set, &figure.split, &figure.head].map(String::clone);
            table.add_row([dtype(), names.to_vec(), numbers.map(|x| format!("{x:.4}")).to_vec()].concat());
        }
        if certificate.figures.is_empty() {
            table.add_row(dtype());
        }
    }
    table
}
