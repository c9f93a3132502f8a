//! The features of the training articles of a linear model, computed once.

use newsdesk_data::LabelledSet;
use newsdesk_model::linear::{FeatureReader, FeatureRecord};
use newsdesk_model::workers::parallel;
use std::convert::Infallible;

/// Articles that a thread takes at a time.
const CHUNK: usize = 1024;

/// The features of the articles of all training sets.
pub(super) struct FeatureRows {
    /// By article: its features in ascending order.
    features: Vec<Vec<u32>>,
    /// By article: the factor that scales its feature vector to length 1.
    pub(super) scales: Vec<f32>,
    /// By feature: its inverse document frequency over all articles, `ln((1 + n) / (1 + df)) + 1`.
    pub(super) idf: Vec<f32>,
    /// By data set: the index of its first article.
    pub(super) starts: Vec<usize>,
}

impl FeatureRows {
    /// Computes the features of all articles.
    pub(super) fn read(sets: &[LabelledSet], record: FeatureRecord, threads: usize) -> Self {
        let (mut features, mut starts) = (vec![], vec![]);
        for set in sets {
            starts.push(features.len());
            let chunks: Vec<_> = set.articles.chunks(CHUNK).collect();
            let read: Result<Vec<Vec<Vec<u32>>>, Infallible> = parallel(chunks.len(), threads, |chunk| {
                let mut reader = FeatureReader::new(record);
                let of_article = |text: String| {
                    let mut features = reader.read(&text).0.to_vec();
                    features.sort_unstable();
                    features
                };
                Ok(chunks[chunk].iter().map(|row| row.article.input()).map(of_article).collect())
            });
            let Ok(read) = read;
            features.extend(read.into_iter().flatten());
        }
        let mut document_frequency = vec![0u32; record.buckets as usize];
        features.iter().flatten().for_each(|&feature| document_frequency[feature as usize] += 1);
        let all = 1.0 + features.len() as f32;
        let idf: Vec<f32> = document_frequency.iter().map(|&df| (all / (1.0 + df as f32)).ln() + 1.0).collect();
        let scale = |features: &Vec<u32>| {
            let square: f32 = features.iter().map(|&feature| idf[feature as usize].powi(2)).sum();
            if square > 0.0 { 1.0 / square.sqrt() } else { 0.0 }
        };
        Self { scales: features.iter().map(scale).collect(), features, idf, starts }
    }

    /// Returns the features of an article in ascending order.
    pub(super) fn features(&self, row: usize) -> &[u32] {
        &self.features[row]
    }
}
