//! The summary of a run: counts of labels, rejected rows and duplicates, and the speed.
//!
//! A terminal shows the frequent labels. `--summary FILE` writes all of them as JSON.

use super::job::Job;
use crate::failure::say;
use crate::output::atomic;
use crate::output::count::counted;
use crate::output::table::table;
use anyhow::Result;
use indicatif::{FormattedDuration, HumanCount};
use newsdesk_files::read::regular;
use newsdesk_run::{Counts, CrossCounts, OutputPaths, RunManifest};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

/// Number of labels that all tables show together.
const MAX_LABELS: usize = 18;
/// Number of labels of the second head that have a column.
const MAX_COLUMNS: usize = 5;
/// Number of characters of a label in the heading of a column.
const MAX_HEADING: usize = 12;
/// Number of causes of rejected rows that are shown.
const MAX_CAUSES: usize = 4;
/// Maximum size of a summary in bytes that is read.
const MAX_SUMMARY: u64 = 256 << 20;
/// Number of articles up to which the table of a terminal shows enough.
const FEW: u64 = 20;

/// The summary of a run. `--summary` writes it as JSON.
#[derive(Debug, Serialize)]
pub struct Summary<'c> {
    /// Labelled articles, those before a resumption included.
    articles: u64,
    /// Rejected rows.
    rejected: u64,
    /// Rejected rows by cause, with `N` instead of each number.
    reject_causes: &'c BTreeMap<String, u64>,
    /// Labelled articles by the code of their language; empty if the run did not detect languages.
    languages: &'c BTreeMap<String, u64>,
    /// Labelled articles whose language is unsure.
    unsure_languages: u64,
    /// Rejected rows that `--only-language` leaves out, by the code of their language.
    other_languages: &'c BTreeMap<String, u64>,
    /// Articles with the same words as an earlier one.
    duplicates: u64,
    /// Articles with nearly the same words as an earlier one; null without `--near-duplicates`.
    near_duplicates: Option<u64>,
    /// Articles whose text is blank, so that the model read only their title.
    title_only: u64,
    /// Articles by head and label. `unsure` counts predictions below the minimum score, `none` articles without a label.
    labels: &'c BTreeMap<String, BTreeMap<String, u64>>,
    /// Articles by the labels of two heads.
    cross: Option<&'c CrossCounts>,
    /// Seconds since the run was last started or resumed, without loading the model.
    seconds: f64,
    /// Articles per second in this time; null if that is not known.
    articles_per_second: Option<f64>,
}

impl<'c> Summary<'c> {
    /// Returns the summary of a run that labelled `articles` articles in this time, after those of earlier starts.
    pub fn new(job: &Job, counts: &'c Counts, articles: Option<u64>, seconds: f64) -> Self {
        let round = |number: f64, factor: f64| (number * factor).round() / factor;
        Self {
            articles: counts.articles,
            rejected: counts.rejected,
            reject_causes: &counts.reject_causes,
            languages: &counts.languages,
            unsure_languages: counts.unsure_languages,
            other_languages: &counts.other_languages,
            duplicates: counts.duplicates,
            near_duplicates: job.options.near_duplicates.then_some(counts.near_duplicates),
            title_only: counts.title_only,
            labels: &counts.labels,
            cross: counts.cross.as_ref(),
            seconds: round(seconds, 1e3),
            articles_per_second: articles
                .filter(|_| seconds > 0.0)
                .map(|articles| round(articles as f64 / seconds, 10.0)),
        }
    }

    /// Returns the summary of a run that was finished earlier.
    pub fn of_finished(job: &Job, manifest: &'c RunManifest) -> Self {
        let of_only_start = (manifest.resumed == 0).then_some(manifest.counts.articles);
        let articles = manifest.articles_since_start.or(of_only_start);
        Self::new(job, &manifest.counts, articles, manifest.seconds.total)
    }

    /// Writes the file of `--summary`, and shows the summary on a terminal. `was_printed` says whether a terminal already
    /// shows all rows.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn report(&self, job: &Job, was_printed: bool) -> Result<()> {
        if let Some(path) = &job.options.summary {
            atomic::write(path, &(serde_json::to_string_pretty(self)? + "\n"))?;
            if !job.options.quiet {
                say(&format!("wrote {}: summary", path.display()));
            }
        }
        let is_enough = was_printed && self.articles <= FEW;
        if !job.options.quiet && !is_enough && self.articles > 0 && std::io::stderr().is_terminal() {
            say(&self.text());
        }
        Ok(())
    }

    /// Returns the summary as a terminal shows it: at most about 25 lines.
    fn text(&self) -> String {
        let mut parts: Vec<String> = vec![];
        let is_crossed = |head: &str| self.cross.is_some_and(|cross| cross.rows == head || cross.columns == head);
        let others: Vec<_> = self.labels.iter().filter(|(head, _)| !is_crossed(head)).collect();
        let max_labels = (MAX_LABELS / (others.len() + usize::from(self.cross.is_some())).max(1)).max(3);
        parts.extend(self.cross.map(|cross| self.cross_table(cross, max_labels)));
        parts.extend(others.into_iter().map(|(head, counts)| {
            let mut rows = table(&[head, "articles", "share"], &[1, 2]);
            for (label, count) in shortened(&ranked(counts), max_labels) {
                rows.add_row([label, HumanCount(count).to_string(), self.share(count)]);
            }
            rows.trim_fmt()
        }));
        parts.extend(self.rejects());
        let near = self.near_duplicates.map(|near| format!(", near-duplicates included: {}", HumanCount(near)));
        if self.duplicates > 0 || self.near_duplicates.is_some_and(|near| near > 0) {
            let (duplicates, near) = (HumanCount(self.duplicates), near.unwrap_or_default());
            parts.push(format!("duplicates of earlier articles: {duplicates}{near}"));
        }
        parts.push(self.speed());
        parts.join("\n")
    }

    /// Returns a table with the labels of one head as rows and those of the other as columns.
    fn cross_table(&self, cross: &CrossCounts, max_labels: usize) -> String {
        let empty = BTreeMap::new();
        let columns = ranked(self.labels.get(&cross.columns).unwrap_or(&empty));
        let shown: Vec<&str> = columns.iter().take(MAX_COLUMNS).map(|(label, _)| *label).collect();
        let headings: Vec<String> = [cross.rows.clone(), "articles".into(), "share".into()]
            .into_iter()
            .chain(shown.iter().map(|l| short(l)))
            .collect();
        let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
        let mut rows = table(&headings, &(1..headings.len()).collect::<Vec<_>>());
        let labels = ranked(self.labels.get(&cross.rows).unwrap_or(&empty));
        let total = |column: &&str| columns.iter().find(|(label, _)| label == column).map_or(0, |(_, count)| *count);
        let mut others: Vec<u64> = shown.iter().map(total).collect();
        for (label, count) in shortened(&labels, max_labels) {
            let of_label = cross.counts.get(&label);
            let of_column = |(column, others): (&&str, &mut u64)| {
                let Some(counts) = of_label else { return *others };
                let count = counts.get(*column).copied().unwrap_or(0);
                *others = others.saturating_sub(count);
                count
            };
            let counts: Vec<u64> = shown.iter().zip(&mut others).map(of_column).collect();
            let first = [label, HumanCount(count).to_string(), self.share(count)];
            rows.add_row(first.into_iter().chain(counts.into_iter().map(|count| HumanCount(count).to_string())));
        }
        if labels.len() > 1 {
            let first = ["all".to_owned(), HumanCount(self.articles).to_string(), String::new()];
            rows.add_row(first.into_iter().chain(shown.iter().map(|label| HumanCount(total(label)).to_string())));
        }
        rows.trim_fmt()
    }

    fn rejects(&self) -> Vec<String> {
        if self.rejected == 0 {
            return vec![];
        }
        let mut lines = vec![format!("rejected: {}", counted(HumanCount(self.rejected), "row"))];
        let causes = ranked(self.reject_causes);
        lines.extend(causes.iter().take(MAX_CAUSES).map(|(cause, rows)| format!("  {}: {cause}", HumanCount(*rows))));
        if causes.len() > MAX_CAUSES {
            lines.push(format!("  and {} more causes", causes.len() - MAX_CAUSES));
        }
        lines
    }

    fn speed(&self) -> String {
        let time = match self.seconds {
            short if short < 120.0 => format!("{short:.1} s"),
            long => FormattedDuration(Duration::from_secs_f64(long)).to_string(),
        };
        let rate = self.articles_per_second.map(|rate| match rate {
            slow if slow < 100.0 => format!(", {slow:.1} articles/s"),
            fast => format!(", {} articles/s", HumanCount(fast as u64)),
        });
        format!("{} in {time}{}", counted(HumanCount(self.articles), "article"), rate.unwrap_or_default())
    }

    fn share(&self, count: u64) -> String {
        format!("{:.1} %", 100.0 * count as f64 / self.articles.max(1) as f64)
    }
}

/// Returns whether a file is the summary of the complete run that wrote this output.
pub fn is_summary_of(summary: &Path, paths: &OutputPaths) -> bool {
    let Ok(Some(manifest)) = RunManifest::open(&paths.manifest()) else { return false };
    let Ok(text) = regular(summary, MAX_SUMMARY) else { return false };
    let Ok(found) = serde_json::from_slice::<Value>(&text) else { return false };
    let counts = &manifest.counts;
    let (articles, rejected) = (counts.articles.into(), counts.rejected.into());
    let labels = serde_json::to_value(&counts.labels).ok();
    found.get("labels").is_some_and(|found| labels.as_ref() == Some(found))
        && found.get("articles") == Some(&articles)
        && found.get("rejected") == Some(&rejected)
}

/// Returns the entries with the largest counts first.
fn ranked(counts: &BTreeMap<String, u64>) -> Vec<(&str, u64)> {
    let mut ranked: Vec<(&str, u64)> = counts.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    ranked.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    ranked
}

/// Returns the first entries. One entry more stands for all others.
fn shortened(labels: &[(&str, u64)], max_labels: usize) -> Vec<(String, u64)> {
    let (shown, others) = labels.split_at(labels.len().min(max_labels));
    let shown = shown.iter().map(|(label, count)| ((*label).to_owned(), *count));
    let rest = others.iter().map(|(_, count)| count).sum();
    let rest = (!others.is_empty()).then(|| (format!("({})", counted(others.len(), "other label")), rest));
    shown.chain(rest).collect()
}

/// Shortens a label for the heading of a column.
fn short(label: &str) -> String {
    match label.chars().count() > MAX_HEADING {
        false => label.to_owned(),
        true => label.chars().take(MAX_HEADING - 1).collect::<String>().trim_end().to_owned() + "…",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static NO_LANGUAGES: BTreeMap<String, u64> = BTreeMap::new();

    fn counts(entries: &[(&str, u64)]) -> BTreeMap<String, u64> {
        entries.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    fn summary<'c>(
        labels: &'c BTreeMap<String, BTreeMap<String, u64>>,
        cross: Option<&'c CrossCounts>,
        reject_causes: &'c BTreeMap<String, u64>,
    ) -> Summary<'c> {
        Summary {
            articles: labels.values().next().map_or(0, |labels| labels.values().sum()),
            rejected: reject_causes.values().sum(),
            reject_causes,
            languages: &NO_LANGUAGES,
            unsure_languages: 0,
            other_languages: &NO_LANGUAGES,
            duplicates: 3,
            near_duplicates: None,
            title_only: 0,
            labels,
            cross,
            seconds: 12.5,
            articles_per_second: Some(1234.5),
        }
    }

    #[test]
    fn labels_of_two_heads_are_crossed() {
        let topic = counts(&[("sport", 1200), ("arts", 3), ("unsure", 7)]);
        let tone = counts(&[("negative", 200), ("neither of the two", 1010)]);
        let labels = BTreeMap::from([("topic".to_owned(), topic), ("tone".to_owned(), tone)]);
        let row = |negative, other| counts(&[("negative", negative), ("neither of the two", other)]);
        let rows = [("sport", row(195, 1005)), ("arts", row(3, 0)), ("unsure", row(2, 5))];
        let cross = CrossCounts {
            rows: "topic".into(),
            columns: "tone".into(),
            counts: rows.into_iter().map(|(label, row)| (label.to_owned(), row)).collect(),
        };
        let causes = counts(&[("the text is blank", 4), ("byte N of the row is not valid UTF-8", 1)]);
        let text = summary(&labels, Some(&cross), &causes).text();
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let expected = [
            "topic articles share neither of… negative",
            "sport 1,200 99.2 % 1,005 195",
            "unsure 7 0.6 % 5 2",
            "arts 3 0.2 % 0 3",
            "all 1,210 1,010 200",
            "rejected: 5 rows",
            "4: the text is blank",
            "1: byte N of the row is not valid UTF-8",
            "duplicates of earlier articles: 3",
            "1,210 articles in 12.5 s, 1,234 articles/s",
        ];
        assert_eq!(text.lines().map(words).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn large_label_sets_and_many_causes_are_shortened() {
        let numbered = |kind: &str, count: usize| -> BTreeMap<String, u64> {
            (0..count).map(|i| (format!("{kind} {i:03}"), 1000 - i as u64)).collect()
        };
        let (topic, tone) = (numbered("topic", 300), numbered("tone", 9));
        let of_topic = |(topic, articles): (&String, &u64)| (topic.clone(), counts(&[("tone 000", *articles)]));
        let cross =
            CrossCounts { rows: "topic".into(), columns: "tone".into(), counts: topic.iter().map(of_topic).collect() };
        let labels = BTreeMap::from([("topic".to_owned(), topic), ("tone".to_owned(), tone)]);
        let causes = numbered("cause", 9);
        let crossed = summary(&labels, Some(&cross), &causes).text();
        let apart = summary(&labels, None, &causes).text();
        for text in [&crossed, &apart] {
            assert!(text.lines().count() <= 30 && text.contains("  and 5 more causes"), "{text}");
            assert!(text.lines().all(|line| line.chars().count() < 120), "{text}");
        }
        assert!(crossed.contains("(282 other labels)") && apart.contains("(291 other labels)"), "{crossed}\n{apart}");
    }
}
