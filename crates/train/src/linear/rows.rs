//! Articles as a linear model meets them: the features of each, and how rare each feature is.

use newsdesk_data::LabelledSet;
use newsdesk_model::linear::{FeatureReader, FeatureRecord};
use newsdesk_model::workers::parallel;
use std::convert::Infallible;

/// Articles that a thread takes at a time.
const PART: usize = 1024;

/// The articles of all training sets.
pub(super) struct Rows {
    /// By article: its features in order.
    features: Vec<Vec<u32>>,
    /// By article: what its features are multiplied by for their vector to have the length 1.
    pub(super) scales: Vec<f32>,
    /// By feature: its inverse document frequency over all articles, `ln((1 + n) / (1 + df)) + 1`.
    pub(super) rarity: Vec<f32>,
    /// By set: where its articles begin.
    pub(super) starts: Vec<usize>,
}

impl Rows {
    pub(super) fn read(sets: &[LabelledSet], record: FeatureRecord, threads: usize) -> Self {
        let (mut features, mut starts) = (vec![], vec![]);
        for set in sets {
            starts.push(features.len());
            let parts: Vec<_> = set.articles.chunks(PART).collect();
            let read: Result<Vec<Vec<Vec<u32>>>, Infallible> = parallel(parts.len(), threads, |part| {
                let mut reader = FeatureReader::new(record);
                let of_article = |text: String| {
                    let mut features = reader.read(&text).0.to_vec();
                    features.sort_unstable();
                    features
                };
                Ok(parts[part].iter().map(|row| row.article.input()).map(of_article).collect())
            });
            let Ok(read) = read;
            features.extend(read.into_iter().flatten());
        }
        let mut articles = vec![0u32; record.buckets as usize];
        features.iter().flatten().for_each(|&feature| articles[feature as usize] += 1);
        let all = 1.0 + features.len() as f32;
        let rarity: Vec<f32> = articles.iter().map(|&with| (all / (1.0 + with as f32)).ln() + 1.0).collect();
        let scale = |features: &Vec<u32>| {
            let square: f32 = features.iter().map(|&feature| rarity[feature as usize].powi(2)).sum();
            if square > 0.0 { 1.0 / square.sqrt() } else { 0.0 }
        };
        Self { scales: features.iter().map(scale).collect(), features, rarity, starts }
    }

    /// The features of an article, in order.
    pub(super) fn features(&self, row: usize) -> &[u32] {
        &self.features[row]
    }
}
