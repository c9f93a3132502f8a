//! Fits temperatures and thresholds of a model on labelled data sets.
//!
//! The articles are classified once, to raw logits. Everything else is computed from these: the metrics with the old
//! temperatures, the fitted values, and the metrics with the new ones.

mod check;
mod label_thresholds;
mod precision_thresholds;
mod temperature;

pub use check::check_calibration;
pub use label_thresholds::DecisionThresholds;

use crate::error::Result;
use crate::evaluate::in_chunks;
use crate::head_data::{HeadData, descriptions, head_data};
use crate::matching::check_heads;
use crate::report::{SetReport, report};
use check::obstacle;
use label_thresholds::{ScoredArticle, fit_label_thresholds};
use newsdesk_data::LabelledSet;
use newsdesk_model::folder::Manifest;
use newsdesk_model::{CalibrationRecord, Classifier, Combine, Head, HeadActivation, Prediction, TextLogits};
use precision_thresholds::find_precision_thresholds;
use std::sync::Arc;
use temperature::{RANGE, Sample, fit_temperature, set_temperature};

/// The fitted values of one head.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct HeadCalibration {
    /// The name of the head.
    pub head: String,
    /// Articles that are labelled for it.
    pub articles: u64,
    /// The temperature before.
    pub temperature_before: f32,
    /// The temperature now.
    pub temperature: f32,
    /// Why the temperature was not fitted, if it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_fitted: Option<String>,
    /// The thresholds of the labels; only for multi-label heads whose thresholds could be fitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionThresholds>,
    /// The minimum score for each precision, and the data sets behind it.
    pub calibration: CalibrationRecord,
}

/// The result of [`calibrate`].
pub struct CalibrationReport {
    /// One entry for each head that a data set has labels for.
    pub heads: Vec<HeadCalibration>,
    /// The metrics on each data set with the old temperatures and thresholds.
    pub before: Vec<SetReport>,
    /// The metrics on each data set with the new ones.
    pub after: Vec<SetReport>,
}

/// Calibrates each head that the data sets have labels for, and writes the result into `manifest`.
///
/// `classifier` is the model with this manifest. Data sets without articles are skipped. Articles are classified whole, and
/// their windows combined as the manifest says.
///
/// - **Temperature**: the one with the largest likelihood of the gold labels, each article counting the same. Where any of
///   several labels is correct, that is the likelihood of the whole set of labels; in a multi-label head, of each label.
/// - **Label thresholds** of multi-label heads: those with the largest F1 at the new temperature. A label with at least 20
///   articles gets a threshold of its own if cross-validation over the articles shows that own thresholds are better. The
///   other labels share one.
/// - **Minimum scores**: for several precisions, the score above which the predictions reach it. They are measured on data
///   sets with the head's own labels; on others only if there are none, since their labels are more lenient. Articles with
///   the same text count once.
///
/// The old temperature and thresholds have no influence, so calibrating again changes nothing.
///
/// If there are too few labelled articles, a head keeps its temperature, and minimum scores that were measured on more
/// articles; [`HeadCalibration::not_fitted`] says why. When a
/// temperature changes, the old label thresholds are converted. If no new ones can be fitted, articles with one window then
/// get the same labels as before.
///
/// `progress` receives the index of the data set, among those with articles, and the number of its articles done so far.
///
/// # Errors
/// If data set and model have no head in common, a label of a common head is not one of the model's, or classifying fails.
pub fn calibrate(
    manifest: &mut Manifest,
    classifier: &Classifier,
    sets: &[LabelledSet],
    progress: &mut dyn FnMut(usize, usize),
) -> Result<CalibrationReport> {
    let sets: Vec<&LabelledSet> = sets.iter().filter(|set| !set.articles.is_empty()).collect();
    sets.iter().try_for_each(|set| check_heads(set, &manifest.heads))?;
    let read = |(index, set): (usize, &&LabelledSet)| {
        in_chunks(set, &mut |done| progress(index, done), |texts| classifier.logits(texts))
    };
    let logits = sets.iter().enumerate().map(read).collect::<Result<Vec<_>>>()?;
    let combine = manifest.window.combine;
    let before = reports(&sets, &manifest.heads, combine, &logits)?.0;

    let mut heads = vec![];
    for index in 0..manifest.heads.len() {
        let data = head_data(&sets, &manifest.heads, index)?;
        if !data.is_empty() {
            heads.push(calibrate_head(&mut manifest.heads[index], index, &data, combine, &logits));
        }
    }

    let (after, predictions) = reports(&sets, &manifest.heads, combine, &logits)?;
    for HeadCalibration { head, calibration, .. } in &mut heads {
        let Some(index) = manifest.heads.iter().position(|known| known.name == *head) else { continue };
        let data = head_data(&sets, &manifest.heads, index)?;
        if let Some(earlier) = manifest.calibration(head)
            && obstacle(&data).is_some()
            && (data.iter().map(HeadData::labelled).sum::<usize>() as u64) < earlier.articles
        {
            // Fewer articles than in an earlier calibration, and too few to fit a temperature.
            calibration.clone_from(earlier);
            continue;
        }
        find_precision_thresholds(calibration, data, &predictions);
        let records = &mut manifest.calibrations;
        records.retain(|known| known.head != *head);
        records.push(calibration.clone());
    }
    Ok(CalibrationReport { heads, before, after })
}

/// Fits temperature and label thresholds of one head; `index` is its index among the model's heads.
fn calibrate_head(
    head: &mut Head,
    index: usize,
    data: &[HeadData],
    combine: Combine,
    logits: &[Vec<TextLogits>],
) -> HeadCalibration {
    let samples = samples(data, index, logits);
    let temperature_before = head.temperature;
    let obstacle = obstacle(data);
    let mut not_fitted = obstacle.clone();
    if not_fitted.is_none() {
        match fit_temperature(head.activation, combine, &samples) {
            // A few hundred articles justify no more than four decimals.
            Some(temperature) => set_temperature(head, ((temperature * 1e4).round() / 1e4) as f32),
            None => {
                let [low, high] = RANGE;
                not_fitted = Some(format!("the best temperature is at or beyond an end of the range {low} to {high}"));
            }
        }
    }
    let decision = match (head.activation, obstacle) {
        (HeadActivation::Sigmoid, None) => {
            fit_label_thresholds(head, &scored_articles(data, index, head, combine, logits))
        }
        _ => None,
    };
    let temperature_sets = if not_fitted.is_none() { descriptions(data) } else { vec![] };
    HeadCalibration {
        head: head.name.clone(),
        articles: samples.len() as u64,
        temperature_before,
        temperature: head.temperature,
        not_fitted,
        decision,
        calibration: CalibrationRecord { head: head.name.clone(), temperature_sets, ..CalibrationRecord::default() },
    }
}

/// Computes the metrics on each data set at the heads' temperatures, and the predictions behind them.
fn reports(
    sets: &[&LabelledSet],
    heads: &[Head],
    combine: Combine,
    logits: &[Vec<TextLogits>],
) -> Result<(Vec<SetReport>, Vec<Vec<Prediction>>)> {
    let shared: Vec<Arc<Head>> = heads.iter().cloned().map(Arc::new).collect();
    let predict = |texts: &Vec<TextLogits>| texts.iter().map(|text| text.prediction(&shared, combine)).collect();
    let predictions: Vec<Vec<Prediction>> = logits.iter().map(predict).collect();
    let reports = sets.iter().zip(&predictions).map(|(set, predictions)| report(set, heads, predictions));
    Ok((reports.collect::<Result<_>>()?, predictions))
}

/// Returns the logits and gold labels of each article that is labelled for a head.
fn samples(data: &[HeadData], head: usize, logits: &[Vec<TextLogits>]) -> Vec<Sample> {
    let of_set = |data: &HeadData| -> Vec<Sample> {
        let rows = data.set.articles.iter().zip(&logits[data.set_index]);
        rows.filter_map(|(row, text)| {
            let gold = data.matched.gold(row.gold_labels[data.head_index].as_ref()?);
            let windows = text.windows.iter().map(|window| window[head].0.iter().map(|&x| f64::from(x)).collect());
            Some(Sample { windows: windows.collect(), new_tokens: text.new_tokens.clone(), gold })
        })
        .collect()
    };
    data.iter().flat_map(of_set).collect()
}

/// Returns the probabilities at the head's temperature and the gold labels of each article that is labelled for it.
fn scored_articles(
    data: &[HeadData],
    index: usize,
    head: &Head,
    combine: Combine,
    logits: &[Vec<TextLogits>],
) -> Vec<ScoredArticle> {
    let head = [Arc::new(head.clone())];
    let of_set = |data: &HeadData| -> Vec<ScoredArticle> {
        let rows = data.set.articles.iter().zip(&logits[data.set_index]);
        rows.filter_map(|(row, text)| {
            let gold = data.matched.gold(row.gold_labels[data.head_index].as_ref()?);
            let gold = (0..head[0].labels.len()).map(|label| gold.contains(label)).collect();
            let prediction = text.for_head(index).prediction(&head, combine).heads.pop()?;
            Some(ScoredArticle::new(&row.article.input(), prediction.probabilities.0, gold))
        })
        .collect()
    };
    data.iter().flat_map(of_set).collect()
}
