//! Loads a user's own labelled files: tables or JSON Lines with a label column, without a recipe.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::error::LabelError;
use super::gold_labels::{GoldLabels, find_label};
use super::labels::{LabelId, LabelSet};
use super::options::LabelledFileOptions;
use super::rows::{LabelledRow, LabelledRows};
use super::set::{LabelledArticle, LabelledHead, LabelledSet};
use crate::error::DataError;
use crate::open::Source;
use crate::read::ReadError;
use crate::reject::Reject;
use crate::row::{Article, Position};

/// The maximum number of unknown labels that an error names.
const MAX_NAMED: usize = 10;

/// Reads labelled files into one data set. Rows whose label is blank or `null` are not labelled, and are skipped.
///
/// # Errors
/// If a file cannot be read, no row has a label, or a label is neither known nor mapped to a known one.
pub fn load_labelled_files(sources: &[Source], options: &LabelledFileOptions) -> Result<LabelledSet, DataError> {
    let names: Vec<String> = sources.iter().map(|source| source.name().to_string()).collect();
    let mut rows = FileRows { multi: options.separator.is_some(), ..FileRows::default() };
    for source in sources {
        rows.add(source, options)?;
    }
    if rows.labelled.is_empty() {
        let columns = rows.first_columns;
        return Err(LabelError::no_labelled_article(&names, columns, rows.rejects.first(), rows.skipped > 0).into());
    }
    let labels = match &options.labels {
        Some(labels) => Arc::clone(labels),
        None => {
            let occurring: BTreeSet<&String> = rows.labelled.iter().flat_map(|row| &row.labels).collect();
            Arc::new(LabelSet::new(options.head.clone(), occurring.into_iter().cloned()))
        }
    };
    let map = match (unknown_labels(&rows.labelled, &labels), &options.map) {
        (None, _) => None,
        (Some(_), Some(map)) => Some(resolve_map(map, &labels)?),
        (Some(error), None) => return Err(error.into()),
    };
    let mut articles = Vec::with_capacity(rows.labelled.len());
    for row in rows.labelled {
        let mut ids = vec![];
        for label in &row.labels {
            match &map {
                None => ids.push(find_label(&labels, label, &row.position)?),
                Some(map) => match map.iter().find(|(from, _)| from == label) {
                    Some((_, to)) => ids.extend_from_slice(to),
                    None => {
                        return Err(LabelError::NotInMap { position: row.position, label: label.clone() }.into());
                    }
                },
            }
        }
        if ids.is_empty() && !row.labels.is_empty() {
            // The map excludes the labels of the row.
            rows.skipped += 1;
            continue;
        }
        articles.push(LabelledArticle {
            gold_labels: vec![GoldLabels::from_labels(ids, rows.multi)],
            also_correct: vec![vec![]],
            data_set_labels: vec![Some(row.labels.join("; "))],
            position: row.position,
            article: row.article,
        });
    }
    Ok(LabelledSet {
        name: names.join(", "),
        split: "all".to_owned(),
        heads: vec![LabelledHead { name: options.head.clone(), labels, multi: rows.multi, map }],
        articles,
        rejects: rows.rejects,
        skipped: rows.skipped,
        html: rows.html,
    })
}

/// Looks up the labels that a label map maps to.
fn resolve_map(map: &[(String, Vec<String>)], labels: &LabelSet) -> Result<Vec<(String, Vec<LabelId>)>, LabelError> {
    let find = |from: &str, label: &String| {
        labels.find(label).ok_or_else(|| LabelError::WrongMap {
            from: from.to_owned(),
            label: label.clone(),
            known: labels.suggestions(label),
        })
    };
    let entry = |(from, to): &(String, Vec<String>)| {
        let to = to.iter().map(|label| find(from, label)).collect::<Result<Vec<_>, _>>()?;
        Ok((from.clone(), to))
    };
    map.iter().map(entry).collect()
}

/// Returns an error that names the unknown labels of the rows, or `None` if all are known. A user who writes a label
/// map needs all of them at once.
fn unknown_labels(rows: &[FileRow], labels: &LabelSet) -> Option<LabelError> {
    let (mut seen, mut unknown): (BTreeSet<&String>, Vec<(&String, &Position)>) = Default::default();
    for row in rows {
        for label in row.labels.iter().filter(|label| labels.find(label).is_none()) {
            if seen.insert(label) {
                unknown.push((label, &row.position));
            }
        }
    }
    match unknown.as_slice() {
        [] => None,
        [(label, position)] => find_label(labels, label, position).err(),
        [(_, position), ..] => Some(LabelError::UnknownLabels {
            position: (*position).clone(),
            unknown: unknown.iter().take(MAX_NAMED).map(|(label, _)| (*label).clone()).collect(),
            more: unknown.len().saturating_sub(MAX_NAMED),
            labels: labels.name.clone(),
            known: labels.labels.iter().map(|label| label.name.clone()).collect(),
        }),
    }
}

struct FileRow {
    position: Position,
    article: Article,
    labels: Vec<String>,
}

/// The rows of all files. They are collected before the set of labels is known.
#[derive(Default)]
struct FileRows {
    labelled: Vec<FileRow>,
    rejects: Vec<Reject>,
    skipped: u64,
    html: u64,
    multi: bool,
    first_columns: Vec<String>,
}

impl FileRows {
    fn add(&mut self, source: &Source, options: &LabelledFileOptions) -> Result<(), DataError> {
        let mut rows = LabelledRows::of_file(source, options)?;
        for row in rows.by_ref() {
            let LabelledRow { row, labels, has_list, .. } = match row {
                Ok(row) => row,
                Err(ReadError::Reject(reject)) => {
                    self.rejects.push(reject);
                    continue;
                }
                Err(ReadError::Fatal(error)) => return Err(error),
            };
            self.multi |= has_list;
            match labels.into_iter().next().flatten() {
                Some(labels) => {
                    self.html += u64::from(row.was_html);
                    self.labelled.push(FileRow { position: row.position, article: row.article, labels });
                }
                None => self.skipped += 1,
            }
        }
        if self.first_columns.is_empty() {
            self.first_columns = rows.columns().to_vec();
        }
        Ok(())
    }
}
