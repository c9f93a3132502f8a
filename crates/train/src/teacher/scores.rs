//! Scores of a teacher in a file: the teacher reads each text once, and any number of students learn from its scores.
//!
//! The file is a safetensors file. It has the hashes of the texts, so it contains none of the texts.

use super::first_window::first_window_logits;
use crate::error::{Result, TrainError};
use half::f16;
use newsdesk_data::{LabelledSet, StableHash, TextHash};
use newsdesk_files::read::regular;
use newsdesk_model::{DtypeChoice, Head, Logits, Model};
use safetensors::tensor::TensorView;
use safetensors::{Dtype as TensorDtype, SafeTensors};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The key of the file's metadata. Its value is a [`Description`] in JSON.
const METADATA: &str = "newsdesk_teacher_scores";

/// The tensor with the hashes of the texts, u64, `[texts]`, ascending.
const HASHES: &str = "text_hashes";

/// The tensor with the logits, f16, `[texts, labels of all heads]`.
const LOGITS: &str = "logits";

/// Maximum size of a file in bytes.
const MAX_FILE: u64 = 16 << 30;

/// The logits of a teacher for texts.
#[derive(Debug, Clone, PartialEq)]
pub struct TeacherScores {
    description: Description,
    /// Hashes of the texts, ascending.
    hashes: Vec<u64>,
    /// `[texts, labels of all heads]`
    logits: Vec<f16>,
}

/// What a file of scores says about the teacher.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    /// The name of the teacher.
    teacher: String,
    /// The number of tokens of each text that the teacher read, special ones included.
    max_length: usize,
    /// The heads of the teacher, in the order of the logits. Their temperatures are not yet applied to the logits.
    heads: Vec<Head>,
}

impl TeacherScores {
    /// Computes the scores of `teacher` for all articles. Equal texts are scored once. Of each text only the first window of
    /// `max_length` tokens is read, special ones included, or fewer if the teacher takes fewer. `progress` receives the numbers of texts done and of all texts.
    ///
    /// # Errors
    /// If the teacher cannot read windows of this length, or the device fails.
    pub fn compute(
        teacher: &Model,
        sets: &[LabelledSet],
        max_length: usize,
        dtype: DtypeChoice,
        threads: usize,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Self> {
        let articles = || sets.iter().flat_map(|set| &set.articles);
        let texts: BTreeMap<u64, String> =
            articles().map(|row| (TextHash::with_target(&row.article).value(), row.article.input())).collect();
        let (hashes, texts): (Vec<u64>, Vec<String>) = texts.into_iter().unzip();
        let max_length = max_length.min(teacher.encoder.max_length);
        let (mut done, mut logits) = (0, Vec::new());
        first_window_logits(teacher, &texts, max_length, dtype, threads, &mut |chunk| {
            done += chunk.len();
            logits.extend(chunk.iter().flatten().flat_map(|head| &head.0).map(|&logit| f16::from_f32(logit)));
            progress(done, texts.len());
        })?;
        let heads = teacher.manifest.heads.clone();
        let description = Description { teacher: teacher.manifest.name.clone(), max_length, heads };
        Ok(Self { description, hashes, logits })
    }

    /// Returns the name of the teacher.
    pub fn teacher(&self) -> &str {
        &self.description.teacher
    }

    /// Returns the heads of the teacher.
    pub fn heads(&self) -> &[Head] {
        &self.description.heads
    }

    /// Returns the number of texts.
    pub fn texts(&self) -> usize {
        self.hashes.len()
    }

    /// Returns the logits of each head for a text; `None` if the teacher has not read it.
    pub(crate) fn logits(&self, text: TextHash) -> Option<Vec<Logits>> {
        let row = self.hashes.binary_search(&text.value()).ok()?;
        let width = self.width();
        let mut rest = &self.logits[row * width..(row + 1) * width];
        let logits = self.heads().iter().map(|head| {
            let (of_head, others) = rest.split_at(head.labels.len());
            rest = others;
            Logits(of_head.iter().map(|logit| logit.to_f32()).collect())
        });
        Some(logits.collect())
    }

    /// Returns the number of logits of a text.
    fn width(&self) -> usize {
        self.heads().iter().map(|head| head.labels.len()).sum()
    }

    /// Returns the name of the teacher with a hash of all scores.
    pub(crate) fn identity(&self) -> String {
        let hash = StableHash::new().with(self.description_text().as_bytes());
        let hash = self.hashes.iter().fold(hash, |hash, text| hash.with(&text.to_le_bytes()));
        let hash = self.logits.iter().fold(hash, |hash, logit| hash.with(&logit.to_le_bytes()));
        format!("{} ({:016x})", self.teacher(), hash.value())
    }

    fn description_text(&self) -> String {
        serde_json::to_string(&self.description).unwrap_or_default()
    }

    /// Returns the bytes of a file with these scores. The same scores give the same bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Other`](std::io::ErrorKind::Other) if the scores are too many for the format.
    pub fn to_bytes(&self) -> std::io::Result<Vec<u8>> {
        let hashes: Vec<u8> = self.hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect();
        let logits: Vec<u8> = self.logits.iter().flat_map(|logit| logit.to_le_bytes()).collect();
        let (texts, width) = (self.texts(), self.width());
        let metadata = [(METADATA.to_string(), self.description_text())].into_iter().collect();
        let bytes = TensorView::new(TensorDtype::U64, vec![texts], &hashes).and_then(|hashes| {
            let logits = TensorView::new(TensorDtype::F16, vec![texts, width], &logits)?;
            safetensors::serialize([(HASHES, hashes), (LOGITS, logits)], Some(metadata))
        });
        bytes.map_err(std::io::Error::other)
    }

    /// Reads a file of scores.
    ///
    /// # Errors
    /// [`TrainError::TeacherScores`] if it cannot be read, or is not such a file.
    pub fn read(path: &Path) -> Result<Self> {
        let fail = |cause: String| TrainError::TeacherScores { path: path.into(), cause };
        let bytes = regular(path, MAX_FILE).map_err(|error| fail(error.to_string()))?;
        Self::from_bytes(&bytes).map_err(fail)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let other = |error: &dyn std::fmt::Display| format!("it is not a file of teacher scores: {error}");
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| other(&error))?;
        let text = metadata.metadata().as_ref().and_then(|entries| entries.get(METADATA));
        let text = text.ok_or_else(|| other(&format!("its metadata has no `{METADATA}`")))?;
        let description: Description = serde_json::from_str(text).map_err(|error| other(&error))?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| other(&error))?;
        let tensor = |name: &str, dtype: TensorDtype| {
            let tensor = tensors.tensor(name).map_err(|error| other(&error))?;
            match tensor.dtype() == dtype {
                true => Ok(tensor),
                false => Err(other(&format!("`{name}` is not {dtype:?}"))),
            }
        };
        let hashes = tensor(HASHES, TensorDtype::U64)?;
        let hashes: Vec<u64> = hashes.data().as_chunks().0.iter().map(|&hash| u64::from_le_bytes(hash)).collect();
        let logits = tensor(LOGITS, TensorDtype::F16)?;
        let shape = logits.shape().to_vec();
        let logits: Vec<f16> = logits.data().as_chunks().0.iter().map(|&logit| f16::from_le_bytes(logit)).collect();
        let scores = Self { description, hashes, logits };
        let expected = [scores.texts(), scores.width()];
        if shape != expected {
            return Err(other(&format!("`{LOGITS}` has the shape {shape:?} instead of {expected:?}")));
        }
        if !scores.hashes.is_sorted_by(|one, next| one < next) {
            return Err(other(&format!("`{HASHES}` are not in ascending order")));
        }
        match scores.logits.iter().position(|logit| !logit.is_finite()) {
            Some(index) => Err(format!("the score at position {index} is not a finite number")),
            None => Ok(scores),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use newsdesk_model::{HeadActivation, HeadLabel};

    /// Scores of two texts for a head with two labels and one with one.
    fn scores() -> TeacherScores {
        let head = |name: &str, labels: &[&str]| Head {
            name: name.into(),
            activation: HeadActivation::Softmax,
            temperature: 1.5,
            labels: labels.iter().map(|&name| HeadLabel { name: name.into(), code: None, threshold: None }).collect(),
        };
        TeacherScores {
            description: Description {
                teacher: "large".into(),
                max_length: 128,
                heads: vec![head("desk", &["a", "b"]), head("tone", &["c"])],
            },
            hashes: vec![3, u64::MAX],
            logits: [1.0, -2.0, 0.5, 0.0, 4.0, -0.25].map(f16::from_f32).to_vec(),
        }
    }

    #[test]
    fn scores_are_read_as_they_were_written() {
        let bytes = scores().to_bytes().unwrap();
        assert_eq!(bytes, scores().to_bytes().unwrap(), "the same scores give the same bytes");
        assert_eq!(TeacherScores::from_bytes(&bytes).unwrap(), scores());
    }

    #[test]
    fn damaged_and_foreign_files_are_refused() {
        let bytes = scores().to_bytes().unwrap();
        let cause = |bytes: &[u8]| TeacherScores::from_bytes(bytes).unwrap_err();
        assert!(cause(b"").starts_with("it is not a file of teacher scores"));
        assert!(cause(&bytes[..bytes.len() - 1]).starts_with("it is not a file of teacher scores"));
        let other = safetensors::serialize(Vec::<(&str, TensorView)>::new(), None).unwrap();
        assert!(cause(&other).ends_with("its metadata has no `newsdesk_teacher_scores`"));
        let changed = |change: &dyn Fn(&mut TeacherScores)| {
            let mut scores = scores();
            change(&mut scores);
            cause(&scores.to_bytes().unwrap())
        };
        assert!(changed(&|scores| scores.hashes.reverse()).ends_with("`text_hashes` are not in ascending order"));
        assert_eq!(changed(&|scores| scores.logits[4] = f16::NAN), "the score at position 4 is not a finite number");
        let missing = TeacherScores::read(Path::new("no/such/file")).unwrap_err();
        assert!(missing.to_string().starts_with("cannot use the teacher scores `no/such/file`: "), "{missing}");
    }
}
