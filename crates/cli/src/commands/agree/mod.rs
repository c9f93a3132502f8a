//! `newsdesk agree`: measures how often models give the same predictions on unlabelled articles.

mod agreeing_labels;
mod head_pairs;
mod loaded_model;

use crate::arguments::Agree;
use crate::console;
use crate::data_sets::describe_rejects;
use crate::exit_code::ExitCode;
use crate::failure::{Usage, say};
use crate::output::atomic::RowFile;
use crate::output::destination::{refuse_existing, refuse_overwriting};
use crate::output::format::by_name;
use crate::output::table::table;
use crate::output::terminal;
use crate::sources::expand;
use agreeing_labels::AgreeingLabels;
use anyhow::Result;
use head_pairs::{Agreement, HeadPair, head_pairs, predicted};
use loaded_model::{LoadedModel, open, read_options};
use newsdesk_data::{ReadError, ReadOptions, Reject, Row, RowWriter, Source, Value, read};
use newsdesk_model::Prediction;
use serde::Serialize;
use std::io::Write;

/// Number of rows that all models label before the next rows are read. Large enough for all threads, small enough for
/// memory.
const CHUNK: usize = 1024;

/// Number of differing predictions that are printed for a pair of heads.
const MAX_DIFFERENCES_SHOWN: usize = 5;

/// The JSON that `agree --json` prints.
#[derive(Serialize)]
struct Findings {
    models: Vec<String>,
    articles: u64,
    rejected: usize,
    pairs: Vec<Agreement>,
}

pub fn run(options: &Agree) -> Result<ExitCode> {
    let sources = expand(&options.data)?;
    refuse_overwriting(options.disagreements.as_deref(), None, &sources)?;
    refuse_existing(&options.disagreements, options.overwrite)?;
    let format = options.disagreements.as_deref().map(by_name).transpose()?;
    let models = open(options)?;
    let agreeing = AgreeingLabels::open(options.label_map.as_deref(), &models)?;
    let mut pairs = head_pairs(&models, &agreeing)?;
    let read_options = read_options(options, &models)?;
    let (mut disagreements, file) = match (&options.disagreements, format) {
        (Some(path), Some(format)) => RowFile::create(path, format).map(|(rows, file)| (Some(rows), Some(file)))?,
        _ => (None, None),
    };
    let (articles, rejects) =
        compare_all(&models, &mut pairs, &sources, &read_options, options.limit, &mut disagreements)?;
    file.map_or(Ok(()), RowFile::finish)?;
    if !options.quiet {
        describe_rejects(&rejects).iter().for_each(|line| say(line));
        pairs.iter().filter_map(|pair| pair.unmapped(&models)).for_each(|line| say(&line));
    }
    if articles == 0 {
        let message = "cannot compare: the input has no articles";
        return Err(Usage::new(message, "give files with articles to `--data`").into());
    }
    let findings = Findings {
        models: models.iter().map(|model| model.name.clone()).collect(),
        articles,
        rejected: rejects.len(),
        pairs: pairs.iter().map(|pair| pair.agreement(&models)).collect(),
    };
    match options.json {
        true => console::print_pretty_json(&findings)?,
        false => write!(terminal::stdout(), "{}", tables(&findings))?,
    }
    Ok(if rejects.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Labels the articles with all models, one chunk at a time. Returns the number of articles and the rejected rows.
fn compare_all(
    models: &[LoadedModel],
    pairs: &mut [HeadPair],
    sources: &[Source],
    read_options: &ReadOptions,
    limit: Option<u64>,
    disagreements: &mut Option<Box<dyn RowWriter + Send>>,
) -> Result<(u64, Vec<Reject>)> {
    let (mut rejects, mut articles, mut rows): (Vec<Reject>, u64, Vec<Row>) = (vec![], 0, vec![]);
    let limit = limit.unwrap_or(u64::MAX);
    for (index, source) in sources.iter().enumerate() {
        let reader = read(source, read_options)?;
        if let Some(disagreements) = disagreements.as_mut().filter(|_| index == 0) {
            disagreements.header(reader.table(), &columns(models, &vec![None; models.len()]))?;
        }
        for row in reader {
            match row {
                Ok(row) => rows.push(row),
                Err(ReadError::Reject(reject)) => rejects.push(reject),
                Err(ReadError::Fatal(error)) => return Err(error.into()),
            }
            if rows.len() == CHUNK || articles + rows.len() as u64 >= limit {
                articles += rows.len() as u64;
                compare(models, pairs, std::mem::take(&mut rows), disagreements)?;
            }
            if articles >= limit {
                break;
            }
        }
        if articles >= limit {
            break;
        }
    }
    articles += rows.len() as u64;
    compare(models, pairs, rows, disagreements)?;
    disagreements.as_mut().map_or(Ok(()), |rows| rows.end())?;
    Ok((articles, rejects))
}

/// Labels rows with all models, counts the predictions, and writes the rows on which models disagree.
fn compare(
    models: &[LoadedModel],
    pairs: &mut [HeadPair],
    rows: Vec<Row>,
    disagreements: &mut Option<Box<dyn RowWriter + Send>>,
) -> Result<()> {
    let texts: Vec<String> = rows.iter().map(|row| row.article.input()).collect();
    let predictions =
        models.iter().map(|model| Ok(model.classifier.classify(&texts)?)).collect::<Result<Vec<Vec<Prediction>>>>()?;
    for (index, row) in rows.iter().enumerate() {
        let mut differ = false;
        for pair in pairs.iter_mut() {
            differ |= pair.add(pair.models().map(|model| &predictions[model][index]));
        }
        if let Some(disagreements) = disagreements.as_mut().filter(|_| differ) {
            let of_row: Vec<Option<&Prediction>> = predictions.iter().map(|of_model| Some(&of_model[index])).collect();
            disagreements.write(row, &columns(models, &of_row))?;
        }
    }
    Ok(())
}

/// Returns the columns with each model's predictions; placeholders of the right types where there is no prediction.
fn columns(models: &[LoadedModel], predictions: &[Option<&Prediction>]) -> Vec<(String, Value)> {
    let mut columns = vec![];
    for (model, prediction) in models.iter().zip(predictions) {
        for (index, head) in model.classifier.heads().iter().enumerate() {
            let (label, score) = match prediction {
                None => (String::new(), 0.0),
                Some(prediction) => {
                    let best = prediction.heads[index].best().map_or(0.0, |best| f64::from(best.score));
                    (predicted(prediction, index), (best * 1e4).round() / 1e4)
                }
            };
            columns.push((format!("{}_{}", model.name, head.name), Value::Text(label)));
            columns.push((format!("{}_{}_score", model.name, head.name), Value::Number(score)));
        }
    }
    columns
}

fn tables(findings: &Findings) -> String {
    let headings = ["head", "first model", "second model", "articles", "same prediction", "agreement", "kappa"];
    let mut pairs = table(&headings, &[3, 4, 5, 6]);
    let mut differences = table(&["head", "first prediction", "second prediction", "articles"], &[3]);
    for Agreement { head, first, second, articles, agreeing, agreement, kappa, differing } in &findings.pairs {
        let names = [head, first, second].map(String::clone);
        let numbers = [articles.to_string(), agreeing.to_string(), format!("{agreement:.4}"), format!("{kappa:.4}")];
        pairs.add_row([&names[..], &numbers].concat());
        for (one, two, count) in differing.iter().take(MAX_DIFFERENCES_SHOWN) {
            let predictions = [format!("{first}: {one}"), format!("{second}: {two}")];
            let [first, second] = predictions;
            differences.add_row([head.clone(), first, second, count.to_string()]);
        }
    }
    let mut text = format!("{}\n", pairs.trim_fmt());
    if findings.pairs.iter().any(|pair| !pair.differing.is_empty()) {
        text += &format!("\nMost frequent differences:\n\n{}\n", differences.trim_fmt());
    }
    text
}
