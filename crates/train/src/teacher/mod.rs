//! Teachers: models, or files with their scores, whose probabilities for the training articles are soft targets besides the
//! labels.
//!
//! Teachers and articles go in, soft targets come out: once, before the first step.

mod first_window;
mod matching;
mod scores;

pub use scores::TeacherScores;

use crate::error::{Remedy, Result, TrainError};
use crate::examples::{Example, SoftTargets};
use crate::fingerprint::{heads_text, weights_hash};
use crate::progress::Progress;
use crate::settings::{Distillation, Settings};
use first_window::first_window_logits;
use matching::{MatchingHead, matching_head};
use newsdesk_data::{LabelledArticle, LabelledSet, TextHash};
use newsdesk_model::{Dtype, DtypeChoice, Head, Logits, Model};
use std::cell::LazyCell;
use std::collections::BTreeSet;

/// Teachers that have at least one of the heads that are trained.
pub(crate) struct Teachers<'a> {
    teachers: Vec<Teacher<'a>>,
    /// The number of trained heads.
    heads: usize,
}

/// A teacher, and its heads that match trained heads.
struct Teacher<'a> {
    source: Source<'a>,
    /// By trained head: the matching head of the teacher, if there is one.
    matches: Vec<Option<MatchingHead>>,
}

/// Where the logits of a teacher come from.
#[derive(Clone, Copy)]
enum Source<'a> {
    /// The model computes them.
    Model(&'a Model),
    /// The model has computed them before.
    Scores(&'a TeacherScores),
}

/// The sum of the teachers' probabilities for a text, by trained head, and the number of teachers in it.
struct Sum {
    probabilities: SoftTargets,
    teachers: Vec<u16>,
}

impl<'a> Source<'a> {
    fn name(self) -> &'a str {
        match self {
            Self::Model(model) => &model.manifest.name,
            Self::Scores(scores) => scores.teacher(),
        }
    }

    fn heads(self) -> &'a [Head] {
        match self {
            Self::Model(model) => &model.manifest.heads,
            Self::Scores(scores) => scores.heads(),
        }
    }

    /// Returns the name of the teacher, and a hash of what decides its probabilities.
    fn identity(self) -> Result<String> {
        match self {
            Self::Model(model) => {
                let heads = format!("{} {}", heads_text(&model.manifest.heads), model.manifest.pooling);
                let hash = weights_hash(model)?.with(heads.as_bytes()).value();
                Ok(format!("{} ({hash:016x})", model.manifest.name))
            }
            Self::Scores(scores) => Ok(scores.identity()),
        }
    }
}

impl Sum {
    fn new(heads: usize) -> Self {
        Self { probabilities: vec![None; heads], teachers: vec![0; heads] }
    }

    /// Adds the probabilities of a teacher. `heads` are its heads with the temperatures to use.
    fn add(&mut self, matches: &[Option<MatchingHead>], heads: &[Head], logits: &[Logits]) {
        for ((matching, sum), teachers) in matches.iter().zip(&mut self.probabilities).zip(&mut self.teachers) {
            let Some(MatchingHead { index, labels }) = matching else { continue };
            let probabilities = heads[*index].probabilities(&logits[*index]);
            let sum = sum.get_or_insert_with(|| vec![0.0; labels.len()]);
            sum.iter_mut().zip(labels).for_each(|(sum, &label)| *sum += probabilities.0[label]);
            *teachers += 1;
        }
    }

    fn mean(mut self) -> SoftTargets {
        for (sum, teachers) in self.probabilities.iter_mut().zip(self.teachers) {
            sum.iter_mut().flatten().for_each(|p| *p /= f32::from(teachers));
        }
        self.probabilities
    }
}

impl<'a> Teachers<'a> {
    /// Matches the heads of teachers with those that are trained, by the names of heads and labels.
    ///
    /// # Errors
    /// [`TrainError::Teacher`] if a teacher has none of the heads, or other labels in one of them.
    pub(crate) fn new(models: &'a [Model], scores: &'a [TeacherScores], heads: &[Head]) -> Result<Self> {
        let teacher = |source: Source<'a>| -> Result<Teacher<'a>> {
            let matches: Vec<_> =
                heads.iter().map(|head| matching_head(source.name(), source.heads(), head)).collect::<Result<_>>()?;
            if matches.iter().any(Option::is_some) {
                return Ok(Teacher { source, matches });
            }
            let known = source.heads().iter().map(|head| head.name.clone()).collect();
            let trained: Vec<&str> = heads.iter().map(|head| head.name.as_str()).collect();
            Err(TrainError::Teacher {
                teacher: source.name().into(),
                cause: format!("it has no head `{}`", trained.join("`, `")),
                remedy: Remedy::TrainHeadOfTeacher { known },
            })
        };
        let sources = models.iter().map(Source::Model).chain(scores.iter().map(Source::Scores));
        Ok(Self { teachers: sources.map(teacher).collect::<Result<_>>()?, heads: heads.len() })
    }

    /// Returns for each trained head whether a teacher has it.
    pub(crate) fn heads(&self) -> Vec<bool> {
        (0..self.heads).map(|head| self.teachers.iter().any(|teacher| teacher.matches[head].is_some())).collect()
    }

    /// Computes the soft targets of the examples that the run uses, given as (data set, row).
    ///
    /// # Errors
    /// If a teacher cannot read windows of the training length, the device fails, or no teacher knows an article.
    pub(crate) fn add_soft_targets(
        &self,
        examples: &mut [Vec<Example>],
        sets: &[LabelledSet],
        used: &BTreeSet<(usize, usize)>,
        distillation: &Distillation,
        settings: &Settings,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<()> {
        let rows: Vec<&LabelledArticle> = used.iter().map(|&(set, row)| &sets[set].articles[row]).collect();
        let models = self.teachers.iter().filter(|teacher| matches!(teacher.source, Source::Model(_))).count();
        let articles = rows.len() * models;
        let mut report = |done| progress(Progress::SoftTargets { done, articles });
        let Settings { max_train_length, threads, .. } = *settings;
        let computed = self.soft_targets(&rows, max_train_length, distillation.temperature, threads, &mut report)?;
        self.check_known(&computed, sets, used)?;
        for (&(set, row), mut soft_targets) in used.iter().zip(computed) {
            let example = &mut examples[set][row];
            if !distillation.include_unlabelled {
                soft_targets
                    .iter_mut()
                    .zip(&example.gold_labels)
                    .filter(|(_, gold_labels)| gold_labels.is_none())
                    .for_each(|(soft_target, _)| *soft_target = None);
            }
            example.soft_targets = soft_targets;
        }
        Ok(())
    }

    /// Returns the mean probabilities at `temperature` over the teachers that have a head and know the text, for each row. Of
    /// each text a model reads only the first window of `max_length` tokens, special ones included. The teachers' own
    /// temperatures, by which they were calibrated, apply as well. `progress` receives the number of texts done so far, counted
    /// once per model.
    fn soft_targets(
        &self,
        rows: &[&LabelledArticle],
        max_length: usize,
        temperature: f64,
        threads: usize,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Vec<SoftTargets>> {
        let mut sums: Vec<Sum> = rows.iter().map(|_| Sum::new(self.heads)).collect();
        let texts = LazyCell::new(|| rows.iter().map(|row| row.article.input()).collect::<Vec<_>>());
        let hashes = LazyCell::new(|| rows.iter().map(|row| TextHash::with_target(&row.article)).collect::<Vec<_>>());
        let mut done = 0;
        for Teacher { source, matches } in &self.teachers {
            let softened = |head: &Head| Head { temperature: head.temperature * temperature as f32, ..head.clone() };
            let heads: Vec<Head> = source.heads().iter().map(softened).collect();
            match source {
                Source::Model(model) => {
                    let dtype = DtypeChoice::Exactly(Dtype::F32);
                    let mut sums = sums.iter_mut();
                    first_window_logits(model, &texts, max_length, dtype, threads, &mut |chunk| {
                        done += chunk.len();
                        sums.by_ref().zip(chunk).for_each(|(sum, logits)| sum.add(matches, &heads, &logits));
                        progress(done);
                    })?;
                }
                Source::Scores(scores) => {
                    for (&hash, sum) in hashes.iter().zip(&mut sums) {
                        if let Some(logits) = scores.logits(hash) {
                            sum.add(matches, &heads, &logits);
                        }
                    }
                }
            }
        }
        Ok(sums.into_iter().map(Sum::mean).collect())
    }

    /// Checks that files of scores know the articles.
    ///
    /// # Errors
    /// [`TrainError::Teacher`] if no teacher has scores for an article.
    fn check_known(
        &self,
        computed: &[SoftTargets],
        sets: &[LabelledSet],
        used: &BTreeSet<(usize, usize)>,
    ) -> Result<()> {
        let unknown: Vec<(usize, usize)> = used
            .iter()
            .zip(computed)
            .filter(|(_, targets)| targets.iter().all(Option::is_none))
            .map(|(&row, _)| row)
            .collect();
        let Some(&(set, row)) = unknown.first() else { return Ok(()) };
        let scores = self.teachers.iter().find(|teacher| matches!(teacher.source, Source::Scores(_)));
        let Some(Teacher { source, .. }) = scores else { return Ok(()) };
        let LabelledSet { name, articles, .. } = &sets[set];
        let (position, count, all) = (&articles[row].position, unknown.len(), used.len());
        Err(TrainError::Teacher {
            teacher: source.name().into(),
            cause: format!("its scores lack {count} of {all} articles, such as one of `{name}` ({position})"),
            remedy: Remedy::ComputeTeacherScores,
        })
    }

    /// Returns the names of the teachers.
    pub(crate) fn names(&self) -> Vec<String> {
        self.teachers.iter().map(|teacher| teacher.source.name().into()).collect()
    }

    /// Returns a line for each teacher: its name, and a hash of what decides its probabilities.
    pub(crate) fn descriptions(&self) -> Result<Vec<String>> {
        self.teachers.iter().map(|teacher| teacher.source.identity()).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use newsdesk_data::{Article, Position};
    use newsdesk_model::{Classifier, Device, HeadActivation, HeadLabel, Options};
    use std::path::Path;

    fn tiny() -> Model {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny");
        Model::open(&folder, &Device::Cpu).unwrap()
    }

    /// The head of the tiny model with its labels in reverse order.
    fn reversed(model: &Model) -> Head {
        let mut head = model.manifest.heads[0].clone();
        head.labels.reverse();
        head
    }

    fn unrelated_head() -> Head {
        let label = |name: &str| HeadLabel { name: name.into(), code: None, threshold: None };
        let (name, activation) = ("mood".to_string(), HeadActivation::Softmax);
        Head { name, activation, temperature: 1.0, labels: vec![label("good"), label("bad")] }
    }

    fn texts() -> Vec<String> {
        let text =
            |i: usize| ["coach after mayor", "two", "", "open tour against plan said rule last the coach"][i % 4];
        (0..9).map(|i| text(i).repeat(1 + i / 4)).collect()
    }

    fn rows(texts: &[String]) -> Vec<LabelledArticle> {
        let row = |(row, text): (usize, &String)| LabelledArticle {
            position: Position { source: "texts.jsonl".into(), row: row as u64 + 1, line: row as u64 + 1, offset: 0 },
            article: Article { title: None, text: text.clone(), target_entity: None },
            gold_labels: vec![],
            also_correct: vec![],
            data_set_labels: vec![],
        };
        texts.iter().enumerate().map(row).collect()
    }

    /// The soft targets of texts.
    fn soft_targets(
        teachers: &Teachers,
        texts: &[String],
        max_length: usize,
        temperature: f64,
        progress: &mut dyn FnMut(usize),
    ) -> Vec<SoftTargets> {
        let rows = rows(texts);
        let rows: Vec<&LabelledArticle> = rows.iter().collect();
        teachers.soft_targets(&rows, max_length, temperature, 2, progress).unwrap()
    }

    #[test]
    fn soft_targets_are_the_teachers_probabilities_in_the_heads_label_order() {
        let mut model = tiny();
        model.manifest.heads[0].temperature = 1.5;
        let heads = [unrelated_head(), reversed(&model)];
        let models = [model];
        let teachers = Teachers::new(&models, &[], &heads).unwrap();
        assert_eq!(teachers.heads(), [false, true]);
        let mut reported = vec![];
        let found = soft_targets(&teachers, &texts(), 512, 1.0, &mut |done| reported.push(done));
        assert_eq!((found.len(), reported), (9, vec![9]));
        let expected = Classifier::new(models[0].clone(), &Options::default()).unwrap().classify(&texts()).unwrap();
        for (target, prediction) in found.iter().zip(expected) {
            let mut probabilities = prediction.heads[0].probabilities.0.clone();
            probabilities.reverse();
            assert_eq!(target, &[None, Some(probabilities)]);
        }
        // The temperature multiplies the teacher's own, and flattens the distribution.
        let softened = soft_targets(&teachers, &texts(), 512, 3.0, &mut |_| {});
        let largest = |targets: &SoftTargets| targets[1].as_ref().unwrap().iter().copied().fold(0.0, f32::max);
        assert!(softened.iter().zip(&found).all(|(softened, found)| largest(softened) < largest(found)));
    }

    #[test]
    fn several_teachers_are_averaged_over_the_first_window() {
        let (one, mut two) = (tiny(), tiny());
        two.manifest.heads[0].temperature = 4.0;
        let heads = [one.manifest.heads[0].clone()];
        let of = |models: &[Model]| {
            let teachers = Teachers::new(models, &[], &heads).unwrap();
            let read = soft_targets(&teachers, &texts(), 8, 2.0, &mut |_| {});
            read.into_iter().map(|targets| targets[0].clone().unwrap()).collect::<Vec<_>>()
        };
        let [first, second] = [&one, &two].map(|model| of(std::slice::from_ref(model)));
        for ((mean, a), b) in of(&[one.clone(), two]).iter().zip(&first).zip(&second) {
            assert!(mean.iter().zip(a.iter().zip(b)).all(|(mean, (a, b))| (mean - (a + b) / 2.0).abs() < 1e-6));
        }
        // Only six tokens are read, so what follows in longer texts does not matter.
        let longer: Vec<String> = texts().iter().map(|text| format!("{text} open the rule")).collect();
        let models = [one];
        let read = soft_targets(&Teachers::new(&models, &[], &heads).unwrap(), &longer, 8, 2.0, &mut |_| {});
        assert_eq!(read[3][0].as_ref(), Some(&first[3]));
        assert_ne!(read[1][0].as_ref(), Some(&first[1]));
    }

    fn set(texts: &[String]) -> LabelledSet {
        LabelledSet {
            name: "texts".into(),
            split: "train".into(),
            heads: vec![],
            articles: rows(texts),
            rejects: vec![],
            skipped: 0,
            html: 0,
        }
    }

    #[test]
    fn scores_in_a_file_stand_for_their_teacher() {
        let model = tiny();
        let heads = [model.manifest.heads[0].clone()];
        let dtype = DtypeChoice::Exactly(Dtype::F32);
        let (known, others) = (texts(), vec!["open tour".to_string()]);
        let compute = |texts| TeacherScores::compute(&model, &[set(texts)], 8, dtype, 2, &mut |_, _| {}).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scores.safetensors");
        std::fs::write(&path, compute(&known).to_bytes().unwrap()).unwrap();
        let scores = [TeacherScores::read(&path).unwrap(), compute(&others)];
        assert_eq!((scores[0].teacher(), scores[0].texts()), ("tiny", 8), "equal texts are scored once");
        let models = [model.clone()];
        let of_model = soft_targets(&Teachers::new(&models, &[], &heads).unwrap(), &known, 8, 2.0, &mut |_| {});
        let from_files = Teachers::new(&[], &scores, &heads).unwrap();
        let read = soft_targets(&from_files, &known, 8, 2.0, &mut |_| panic!("no model reads a text"));
        for (read, computed) in read.iter().zip(&of_model) {
            let pairs = read[0].iter().flatten().zip(computed[0].iter().flatten());
            assert!(
                pairs.clone().count() == heads[0].labels.len() && pairs.clone().all(|(a, b)| (a - b).abs() < 1e-3),
                "{read:?}"
            );
        }
        let [one, other] = [&scores[..1], &scores[1..]]
            .map(|scores| Teachers::new(&[], scores, &heads).unwrap().descriptions().unwrap());
        assert_ne!(one, other);
    }

    #[test]
    fn a_run_names_an_article_without_scores() {
        let model = tiny();
        let heads = [model.manifest.heads[0].clone()];
        let dtype = DtypeChoice::Exactly(Dtype::F32);
        let known = TeacherScores::compute(&model, &[set(&texts()[..2])], 8, dtype, 1, &mut |_, _| {}).unwrap();
        let sets = [set(&texts()[..4])];
        let used: BTreeSet<(usize, usize)> = (0..4).map(|row| (0, row)).collect();
        let scores = [known];
        let teachers = Teachers::new(&[], &scores, &heads).unwrap();
        let computed: Vec<SoftTargets> = soft_targets(&teachers, &texts()[..4], 8, 1.0, &mut |_| {});
        let error = teachers.check_known(&computed, &sets, &used).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot distil from the teacher `tiny`: its scores lack 2 of 4 articles, such as one of `texts` (`texts.jsonl`, line 3)"
        );
        assert_eq!(error.remedy(), Some(Remedy::ComputeTeacherScores));
    }

    #[test]
    fn a_teacher_without_any_of_the_heads_is_refused() {
        let models = [tiny()];
        let error = Teachers::new(&models, &[], &[unrelated_head()]).err().unwrap();
        assert!(error.to_string().ends_with("it has no head `mood`") && error.remedy().is_some(), "{error}");
    }

    #[test]
    fn descriptions_of_different_teachers_differ() {
        let (one, mut other) = (tiny(), tiny());
        let heads = [one.manifest.heads[0].clone()];
        other.manifest.heads[0].temperature = 2.0;
        let models = [one, other];
        let descriptions = Teachers::new(&models, &[], &heads).unwrap().descriptions().unwrap();
        assert!(descriptions[0].starts_with("tiny (") && descriptions[0] != descriptions[1], "{descriptions:?}");
    }
}
