//! `newsdesk agree`: how often models give the same answers on articles without labels, and where they do not.

use super::classify::refuse_overwriting;
use super::named::{Named, open_all};
use super::{instructions, threads};
use crate::arguments::Agree;
use crate::failure::{Usage, say};
use crate::mention;
use crate::output::format::by_name;
use crate::output::table::table;
use crate::output::whole::RowFile;
use crate::sets::describe_rejects;
use anyhow::Result;
use newsdesk_data::{MentionFields, ReadError, ReadOptions, Reject, Row, RowWriter, Source, Value, expand, read};
use newsdesk_metrics::Confusion;
use newsdesk_model::{Classifier, Options, Prediction};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::ExitCode;

/// Rows that all models label before the next are read: enough to keep the threads busy, few enough for memory to stay flat.
const CHUNK: usize = 1024;

/// Pairs of answers that are shown of two models.
const SHOWN: usize = 5;

/// What was found.
#[derive(Serialize)]
struct Findings {
    models: Vec<String>,
    articles: u64,
    rejected: usize,
    pairs: Vec<Pair>,
}

/// Two models on one head.
#[derive(Serialize)]
struct Pair {
    head: String,
    first: String,
    second: String,
    articles: u64,
    /// Articles with the same answer.
    agreeing: u64,
    agreement: f64,
    /// Cohen's kappa: how much more often they agree than by chance, at most 1.
    kappa: f64,
    /// Answers that differ: of the first, of the second, and how often; the most frequent first.
    differing: Vec<(String, String, u64)>,
}

/// A model with its name, ready to label.
struct Labeller {
    name: String,
    classifier: Classifier,
}

/// Two models' heads that answer the same question, and how often they gave which answers.
struct Counted {
    head: String,
    models: [usize; 2],
    heads: [usize; 2],
    counts: BTreeMap<(String, String), u64>,
}

pub fn run(options: &Agree) -> Result<ExitCode> {
    let sources = expand(&options.data)?;
    refuse_overwriting(options.rows.as_deref(), None, &sources)?;
    let format = options.rows.as_deref().map(by_name).transpose()?;
    let models = open(options)?;
    let mut counted = pairs(&models)?;
    let reading = reading(options, &models)?;
    let (mut differing, file) = match (&options.rows, format) {
        (Some(path), Some(format)) => RowFile::create(path, format).map(|(rows, file)| (Some(rows), Some(file)))?,
        _ => (None, None),
    };
    let compared = compare_all(&models, &mut counted, &sources, &reading, options.limit, &mut differing);
    let (articles, rejects) = compared?;
    file.map_or(Ok(()), RowFile::keep)?;
    if !options.quiet {
        describe_rejects(&rejects).iter().for_each(|line| say(line));
    }
    if articles == 0 {
        let message = "Failed to compare: there is no article in the input";
        return Err(Usage::new(message, "name files with articles with `--data`").into());
    }
    let findings = Findings {
        models: models.iter().map(|model| model.name.clone()).collect(),
        articles,
        rejected: rejects.len(),
        pairs: counted.iter().map(|counted| counted.found(&models)).collect(),
    };
    let text = if options.json { serde_json::to_string_pretty(&findings)? + "\n" } else { shown(&findings) };
    write!(std::io::stdout(), "{text}")?;
    Ok(if rejects.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn open(options: &Agree) -> Result<Vec<Labeller>> {
    let running = Options {
        device: options.running.device,
        threads: Some(threads(&options.running)),
        instructions: instructions()?,
        ..Options::default()
    };
    let models = open_all(&options.models, &running.device.open()?)?.into_iter();
    models
        .map(|Named { name, model, .. }| Ok(Labeller { name, classifier: Classifier::new(model, &running)? }))
        .collect()
}

/// How all of the models read articles.
fn reading(options: &Agree, models: &[Labeller]) -> Result<ReadOptions> {
    let of = |model: &Labeller| mention::for_model(&options.mention, model.classifier.manifest());
    let mentions = models.iter().map(of).collect::<Result<Vec<Option<MentionFields>>>>()?;
    if let Some(other) = mentions.iter().position(|mention| *mention != mentions[0]) {
        let [first, other] = [0, other].map(|number| &models[number].name);
        let message =
            format!("Failed to compare `{first}` and `{other}`: they are not asked about the same in an article");
        return Err(Usage::new(message, "`newsdesk models info` says which column a model is asked about").into());
    }
    Ok(ReadOptions { mention: mentions.into_iter().next().flatten(), ..options.columns.reading(None) })
}

/// The heads of each two models that answer the same question: those of one name, or the only ones they have.
fn pairs(models: &[Labeller]) -> Result<Vec<Counted>> {
    let mut found = vec![];
    for first in 0..models.len() {
        for second in first + 1..models.len() {
            let [one, two] = [first, second].map(|model| models[model].classifier.heads());
            let before = found.len();
            for (place, head) in one.iter().enumerate() {
                let same = two.iter().position(|other| other.name == head.name);
                let only = || (one.len() == 1 && two.len() == 1).then_some(0);
                if let Some(other) = same.or_else(only) {
                    found.push(Counted {
                        head: head.name.clone(),
                        models: [first, second],
                        heads: [place, other],
                        counts: BTreeMap::new(),
                    });
                }
            }
            for of in &found[before..] {
                let labels = |side: usize| models[of.models[side]].classifier.heads()[of.heads[side]].names();
                let other: BTreeSet<String> = labels(1).into_iter().collect();
                if !labels(0).iter().any(|label| other.contains(label)) {
                    let [first, second] = of.models.map(|model| &models[model].name);
                    say(&format!("warning: `{first}` and `{second}` have no label in common on head `{}`", of.head));
                }
            }
            if found.len() == before {
                let names = |model: usize| {
                    let heads = models[model].classifier.heads().iter();
                    heads.map(|head| head.name.as_str()).collect::<Vec<_>>().join(", ")
                };
                let [first_name, second_name] = [first, second].map(|model| &models[model].name);
                let message =
                    format!("Failed to compare `{first_name}` and `{second_name}`: they have no head in common");
                let hint = format!("the first one's heads are {}, the second one's {}", names(first), names(second));
                return Err(Usage::new(message, hint).into());
            }
        }
    }
    Ok(found)
}

/// Has all models label the articles, some at a time, so that memory stays flat; gives the number of articles and what was rejected.
fn compare_all(
    models: &[Labeller],
    counted: &mut [Counted],
    sources: &[Source],
    reading: &ReadOptions,
    limit: Option<u64>,
    differing: &mut Option<Box<dyn RowWriter + Send>>,
) -> Result<(u64, Vec<Reject>)> {
    let (mut rejects, mut articles, mut rows): (Vec<Reject>, u64, Vec<Row>) = (vec![], 0, vec![]);
    let most = limit.unwrap_or(u64::MAX);
    for (number, source) in sources.iter().enumerate() {
        let reader = read(source, reading)?;
        if let Some(differing) = differing.as_mut().filter(|_| number == 0) {
            differing.header(reader.table(), &columns(models, &vec![None; models.len()]))?;
        }
        for row in reader {
            match row {
                Ok(row) => rows.push(row),
                Err(ReadError::Reject(reject)) => rejects.push(reject),
                Err(ReadError::Fatal(error)) => return Err(error.into()),
            }
            if rows.len() == CHUNK || articles + rows.len() as u64 >= most {
                articles += rows.len() as u64;
                compare(models, counted, std::mem::take(&mut rows), differing)?;
            }
            if articles >= most {
                break;
            }
        }
        if articles >= most {
            break;
        }
    }
    articles += rows.len() as u64;
    compare(models, counted, rows, differing)?;
    differing.as_mut().map_or(Ok(()), |differing| differing.end())?;
    Ok((articles, rejects))
}

/// Has all models label some rows, counts their answers, and writes the rows on which they differ.
fn compare(
    models: &[Labeller],
    counted: &mut [Counted],
    rows: Vec<Row>,
    differing: &mut Option<Box<dyn RowWriter + Send>>,
) -> Result<()> {
    let texts: Vec<String> = rows.iter().map(|row| row.article.input()).collect();
    let answers =
        models.iter().map(|model| Ok(model.classifier.classify(&texts)?)).collect::<Result<Vec<Vec<Prediction>>>>()?;
    for (number, row) in rows.iter().enumerate() {
        let mut differ = false;
        for of in counted.iter_mut() {
            let [one, two] = [0, 1].map(|side| answer(&answers[of.models[side]][number], of.heads[side]));
            differ |= one != two;
            *of.counts.entry((one, two)).or_default() += 1;
        }
        if let Some(differing) = differing.as_mut().filter(|_| differ) {
            let of_row: Vec<Option<&Prediction>> = answers.iter().map(|answers| Some(&answers[number])).collect();
            differing.write(row, &columns(models, &of_row))?;
        }
    }
    Ok(())
}

/// A head's answer as one text.
fn answer(prediction: &Prediction, head: usize) -> String {
    let given = prediction.heads[head].given();
    let mut names: Vec<&str> = given.iter().map(|label| label.name).collect();
    // Several labels are a set.
    names.sort_unstable();
    names.join("; ")
}

/// What each model answers, as columns; an example where there is no prediction.
fn columns(models: &[Labeller], answers: &[Option<&Prediction>]) -> Vec<(String, Value)> {
    let mut columns = vec![];
    for (model, prediction) in models.iter().zip(answers) {
        for (place, head) in model.classifier.heads().iter().enumerate() {
            let (label, score) = match prediction {
                None => (String::new(), 0.0),
                Some(prediction) => {
                    let best = prediction.heads[place].best().map_or(0.0, |best| f64::from(best.score));
                    (answer(prediction, place), (best * 1e4).round() / 1e4)
                }
            };
            columns.push((format!("{}_{}", model.name, head.name), Value::Text(label)));
            columns.push((format!("{}_{}_score", model.name, head.name), Value::Number(score)));
        }
    }
    columns
}

impl Counted {
    fn found(&self, models: &[Labeller]) -> Pair {
        let labels: BTreeSet<&String> = self.counts.keys().flat_map(|(one, two)| [one, two]).collect();
        let labels: Vec<String> = labels.into_iter().cloned().collect();
        let place = |label: &String| labels.iter().position(|known| known == label).unwrap_or(0);
        let mut grid = vec![vec![0; labels.len()]; labels.len()];
        for ((one, two), count) in &self.counts {
            grid[place(one)][place(two)] += count;
        }
        let articles: u64 = self.counts.values().sum();
        let agreeing = self.counts.iter().filter(|((one, two), _)| one == two).map(|(_, count)| count).sum::<u64>();
        let mut differing: Vec<(String, String, u64)> = self
            .counts
            .iter()
            .filter(|((one, two), _)| one != two)
            .map(|((one, two), &count)| (one.clone(), two.clone(), count))
            .collect();
        differing.sort_by_key(|(.., count)| std::cmp::Reverse(*count));
        let confusion = Confusion { right: labels.clone(), predicted: labels, counts: grid };
        Pair {
            head: self.head.clone(),
            first: models[self.models[0]].name.clone(),
            second: models[self.models[1]].name.clone(),
            articles,
            agreeing,
            agreement: if articles == 0 { 0.0 } else { agreeing as f64 / articles as f64 },
            kappa: confusion.kappa().unwrap_or(0.0),
            differing,
        }
    }
}

fn shown(findings: &Findings) -> String {
    let mut pairs = table(&["head", "model", "model", "articles", "same answer", "share", "kappa"], &[3, 4, 5, 6]);
    let mut answers = table(&["head", "model: answer", "model: answer", "articles"], &[3]);
    for Pair { head, first, second, articles, agreeing, agreement, kappa, differing } in &findings.pairs {
        let names = [head, first, second].map(String::clone);
        let numbers = [articles.to_string(), agreeing.to_string(), format!("{agreement:.4}"), format!("{kappa:.4}")];
        pairs.add_row([&names[..], &numbers].concat());
        for (one, two, count) in differing.iter().take(SHOWN) {
            answers.add_row([head.clone(), format!("{first}: {one}"), format!("{second}: {two}"), count.to_string()]);
        }
    }
    let mut text = format!("{}\n", pairs.trim_fmt());
    if findings.pairs.iter().any(|pair| !pair.differing.is_empty()) {
        text += &format!("\nMost frequent differences:\n\n{}\n", answers.trim_fmt());
    }
    text
}
