//! The settings that a search tries: a list of values for each, in an order in which neighbours are alike.

use super::settings::LinearSettings;
use crate::settings::ClassWeights;
use rand::RngExt;

/// A setting that a search may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// [`LinearSettings::learning_rate`].
    LearningRate,
    /// [`LinearSettings::epochs`].
    Epochs,
    /// Maximum length of word n-grams.
    Words,
    /// Lengths of character n-grams.
    Characters,
    /// Number of buckets for features.
    Buckets,
    /// [`LinearSettings::batch_size`].
    BatchSize,
    /// [`LinearSettings::label_smoothing`].
    LabelSmoothing,
    /// [`LinearSettings::class_weights`].
    ClassWeights,
}

const LEARNING_RATES: [f64; 10] = [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0];
const EPOCHS: [usize; 8] = [2, 3, 5, 8, 12, 20, 30, 50];
const WORDS: [u8; 4] = [1, 2, 3, 4];
const CHARACTERS: [Option<[u8; 2]>; 8] =
    [None, Some([5, 5]), Some([4, 4]), Some([4, 6]), Some([3, 6]), Some([3, 5]), Some([3, 3]), Some([2, 4])];
const BUCKETS: [u32; 5] = [1 << 17, 1 << 18, 1 << 19, 1 << 20, 1 << 21];
const BATCH_SIZES: [usize; 5] = [16, 32, 64, 128, 256];
const LABEL_SMOOTHINGS: [f64; 4] = [0.0, 0.05, 0.1, 0.2];
const CLASS_WEIGHTS: [ClassWeights; 2] = [ClassWeights::Equal, ClassWeights::Balanced];

/// The largest number of weights that the search gives a model: about 768 MiB in training.
const MAX_WEIGHTS: usize = 1 << 26;

/// The settings to try after the first ones, as changes to them. They are far apart, so that the search begins at a good place.
pub(super) fn presets(first: &LinearSettings) -> Vec<LinearSettings> {
    let with = |words, characters, learning_rate, epochs, batch_size, class_weights| {
        let mut settings = LinearSettings { learning_rate, epochs, batch_size, class_weights, ..first.clone() };
        (settings.features.words, settings.features.characters) = (words, characters);
        settings
    };
    vec![
        with(2, Some([3, 5]), 0.5, 8, 64, ClassWeights::Equal),
        with(2, Some([4, 6]), 0.5, 8, 64, ClassWeights::Balanced),
        with(2, Some([5, 5]), 0.3, 12, 32, ClassWeights::Equal),
        with(1, Some([3, 6]), 0.5, 12, 64, ClassWeights::Balanced),
        with(2, None, 0.5, 12, 64, ClassWeights::Equal),
        with(3, Some([4, 6]), 0.3, 20, 128, ClassWeights::Equal),
    ]
}

impl Dimension {
    /// All dimensions.
    pub const ALL: [Self; 8] = [
        Self::LearningRate,
        Self::Epochs,
        Self::Words,
        Self::Characters,
        Self::Buckets,
        Self::BatchSize,
        Self::LabelSmoothing,
        Self::ClassWeights,
    ];

    /// Sets this dimension of `settings` to its value in `other`.
    pub(super) fn copy(self, settings: &mut LinearSettings, other: &LinearSettings) {
        match self {
            Self::LearningRate => settings.learning_rate = other.learning_rate,
            Self::Epochs => settings.epochs = other.epochs,
            Self::Words => settings.features.words = other.features.words,
            Self::Characters => settings.features.characters = other.features.characters,
            Self::Buckets => settings.features.buckets = other.features.buckets,
            Self::BatchSize => settings.batch_size = other.batch_size,
            Self::LabelSmoothing => settings.label_smoothing = other.label_smoothing,
            Self::ClassWeights => settings.class_weights = other.class_weights.clone(),
        }
    }

    /// Moves this dimension of `settings` to a value near its present one. `labels` are those of all heads.
    pub(super) fn vary(self, settings: &mut LinearSettings, labels: usize, random: &mut impl RngExt) {
        let features = &mut settings.features;
        match self {
            Self::LearningRate => vary(&mut settings.learning_rate, &LEARNING_RATES, random),
            Self::Epochs => vary(&mut settings.epochs, &EPOCHS, random),
            Self::Words => vary(&mut features.words, &WORDS, random),
            Self::Characters => vary(&mut features.characters, &CHARACTERS, random),
            Self::Buckets => {
                let fits = BUCKETS.iter().take_while(|&&buckets| buckets as usize * labels <= MAX_WEIGHTS).count();
                vary(&mut features.buckets, &BUCKETS[..fits], random);
            }
            Self::BatchSize => vary(&mut settings.batch_size, &BATCH_SIZES, random),
            Self::LabelSmoothing => vary(&mut settings.label_smoothing, &LABEL_SMOOTHINGS, random),
            Self::ClassWeights => vary(&mut settings.class_weights, &CLASS_WEIGHTS, random),
        }
    }
}

/// Moves a value by one or two places in a list. A value that is not in the list stays.
fn vary<T: Clone + PartialEq>(value: &mut T, values: &[T], random: &mut impl RngExt) {
    let Some(place) = values.iter().position(|known| known == value) else { return };
    let near: Vec<usize> = (0..values.len()).filter(|&other| other != place && other.abs_diff(place) <= 2).collect();
    if !near.is_empty() {
        *value = values[near[random.random_range(0..near.len())]].clone();
    }
}
