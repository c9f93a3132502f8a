//! Teachers: models whose probabilities for the training articles are soft targets, besides the labels.
//!
//! Models and articles go in, soft targets come out: once, before the first step.

use crate::error::{Remedy, Result, TrainError};
use crate::examples::{Example, SoftTargets};
use crate::fingerprint::{heads_text, weights_hash};
use crate::progress::Progress;
use crate::settings::{Distillation, Settings};
use newsdesk_data::LabelledSet;
use newsdesk_model::folder::WindowRecord;
use newsdesk_model::{Classifier, Dtype, DtypeChoice, Head, Model, Options};
use std::collections::BTreeSet;

/// Articles per call of a teacher: enough to keep all threads busy, few enough to report progress.
const CHUNK: usize = 512;

/// Models that have at least one of the heads that are trained.
pub(crate) struct Teachers<'a> {
    models: &'a [Model],
    /// By model, then by trained head: the matching head of the model, if there is one.
    matches: Vec<Vec<Option<TeacherHead>>>,
}

/// A teacher's head that matches a trained head.
struct TeacherHead {
    /// Index among the teacher's heads.
    index: usize,
    /// For each label of the trained head, its index among the teacher's labels.
    labels: Vec<usize>,
}

impl<'a> Teachers<'a> {
    /// Matches the heads of teachers with those that are trained, by the names of heads and labels.
    ///
    /// # Errors
    /// [`TrainError::Teacher`] if a teacher has none of the heads, or other labels in one of them.
    pub(crate) fn new(models: &'a [Model], heads: &[Head]) -> Result<Self> {
        let matches = |model: &Model| -> Result<Vec<Option<TeacherHead>>> {
            let matches: Vec<_> = heads.iter().map(|head| matching_head(model, head)).collect::<Result<_>>()?;
            if matches.iter().any(Option::is_some) {
                return Ok(matches);
            }
            let known = model.manifest.heads.iter().map(|head| head.name.clone()).collect();
            let trained: Vec<&str> = heads.iter().map(|head| head.name.as_str()).collect();
            Err(TrainError::Teacher {
                teacher: model.manifest.name.clone(),
                cause: format!("it has no head `{}`", trained.join("`, `")),
                remedy: Remedy::TrainHeadOfTeacher { known },
            })
        };
        Ok(Self { models, matches: models.iter().map(matches).collect::<Result<_>>()? })
    }

    /// Returns for each trained head whether a teacher has it.
    pub(crate) fn heads(&self) -> Vec<bool> {
        let heads = self.matches.first().map_or(0, Vec::len);
        (0..heads).map(|head| self.matches.iter().any(|matches| matches[head].is_some())).collect()
    }

    /// Computes the soft targets of the examples that the run uses, given as (data set, row).
    ///
    /// # Errors
    /// If a teacher cannot read windows of the training length, or the device fails.
    pub(crate) fn add_soft_targets(
        &self,
        examples: &mut [Vec<Example>],
        sets: &[LabelledSet],
        used: &BTreeSet<(usize, usize)>,
        distillation: &Distillation,
        settings: &Settings,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<()> {
        let texts: Vec<String> = used.iter().map(|&(set, row)| sets[set].articles[row].article.input()).collect();
        let articles = texts.len() * self.models.len();
        let mut report = |done| progress(Progress::SoftTargets { done, articles });
        let Settings { max_train_length, threads, .. } = *settings;
        let computed = self.soft_targets(&texts, max_train_length, distillation.temperature, threads, &mut report)?;
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

    /// Returns the mean probabilities at `temperature` over the teachers that have a head, for each text. Of each text only the
    /// first window of `max_length` tokens, special ones included, is read. The teachers' own temperatures, by which they
    /// were calibrated, apply as well. `progress` receives the number of texts done so far, counted once per teacher.
    fn soft_targets(
        &self,
        texts: &[String],
        max_length: usize,
        temperature: f64,
        threads: usize,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Vec<SoftTargets>> {
        let heads = self.matches.first().map_or(0, Vec::len);
        let teachers_of: Vec<usize> =
            (0..heads).map(|head| self.matches.iter().filter(|matches| matches[head].is_some()).count()).collect();
        let mut targets: Vec<SoftTargets> = vec![vec![None; heads]; texts.len()];
        let mut done = 0;
        for (model, matches) in self.models.iter().zip(&self.matches) {
            let classifier = first_window_classifier(model, max_length, threads)?;
            let softened = |head: &Head| Head { temperature: head.temperature * temperature as f32, ..head.clone() };
            let heads: Vec<Head> = model.manifest.heads.iter().map(softened).collect();
            for (texts, targets) in texts.chunks(CHUNK).zip(targets.chunks_mut(CHUNK)) {
                for (text, targets) in classifier.logits(texts)?.iter().zip(targets) {
                    for ((matching, target), teachers) in matches.iter().zip(targets).zip(&teachers_of) {
                        let (Some(matching), Some(window)) = (matching, text.windows.first()) else { continue };
                        let probabilities = heads[matching.index].probabilities(&window[matching.index]);
                        let mean = target.get_or_insert_with(|| vec![0.0; matching.labels.len()]);
                        mean.iter_mut()
                            .zip(&matching.labels)
                            .for_each(|(p, &label)| *p += probabilities.0[label] / *teachers as f32);
                    }
                }
                done += texts.len();
                progress(done);
            }
        }
        Ok(targets)
    }

    /// Returns a line for each teacher: its name, and a hash of its weights and heads.
    pub(crate) fn descriptions(&self) -> Result<Vec<String>> {
        let description = |model: &Model| {
            let heads = format!("{} {}", heads_text(&model.manifest.heads), model.manifest.pooling);
            let hash = weights_hash(model)?.with(heads.as_bytes()).value();
            Ok(format!("{} ({hash:016x})", model.manifest.name))
        };
        self.models.iter().map(description).collect()
    }
}

/// Returns the teacher's head with the name and the labels of a trained head; `None` if it has no head of this name.
fn matching_head(model: &Model, head: &Head) -> Result<Option<TeacherHead>> {
    let Some(index) = model.manifest.heads.iter().position(|own| own.name == head.name) else { return Ok(None) };
    let own = &model.manifest.heads[index];
    let fail = |cause: String, remedy: Remedy| {
        Err(TrainError::Teacher { teacher: model.manifest.name.clone(), cause, remedy })
    };
    if own.activation != head.activation {
        let (name, of_teacher, of_student) = (&own.name, own.activation, head.activation);
        let cause = format!("its head `{name}` is a {of_teacher} head, the trained one is a {of_student} head");
        return fail(cause, Remedy::UseLabelKindOfTeacher);
    }
    let find = |name: &String| own.labels.iter().position(|label| label.name == *name);
    let names = head.names();
    if let Some(unknown) = names.iter().find(|name| find(name).is_none()) {
        let cause = format!("its head `{}` has no label `{unknown}`", head.name);
        return fail(cause, Remedy::UseLabelsOfTeacher { known: own.names() });
    }
    if let Some(other) = own.names().iter().find(|name| !names.contains(name)) {
        let cause = format!("its head `{}` has a label `{other}`, which no row has", head.name);
        return fail(cause, Remedy::UseTeacherWithLabels { trained: names });
    }
    Ok(Some(TeacherHead { index, labels: names.iter().filter_map(find).collect() }))
}

/// Returns a classifier that reads the first window of `max_length` tokens, as training does.
fn first_window_classifier(model: &Model, max_length: usize, threads: usize) -> Result<Classifier> {
    let mut model = model.clone();
    let length = max_length.min(model.encoder.max_length);
    model.manifest.window = WindowRecord { length, overlap: 0, combine: model.manifest.window.combine };
    let dtype = DtypeChoice::Exactly(Dtype::F32);
    let options = Options { threads: Some(threads), max_windows: Some(1), dtype, ..Options::default() };
    Ok(Classifier::new(model, &options)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use newsdesk_model::{Device, HeadActivation, HeadLabel};
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

    #[test]
    fn soft_targets_are_the_teachers_probabilities_in_the_heads_label_order() {
        let mut model = tiny();
        model.manifest.heads[0].temperature = 1.5;
        let heads = [unrelated_head(), reversed(&model)];
        let models = [model];
        let teachers = Teachers::new(&models, &heads).unwrap();
        assert_eq!(teachers.heads(), [false, true]);
        let mut reported = vec![];
        let found = teachers.soft_targets(&texts(), 512, 1.0, 1, &mut |done| reported.push(done)).unwrap();
        assert_eq!((found.len(), reported), (9, vec![9]));
        let expected = Classifier::new(models[0].clone(), &Options::default()).unwrap().classify(&texts()).unwrap();
        for (target, prediction) in found.iter().zip(expected) {
            let mut probabilities = prediction.heads[0].probabilities.0.clone();
            probabilities.reverse();
            assert_eq!(target, &[None, Some(probabilities)]);
        }
        // The temperature multiplies the teacher's own, and flattens the distribution.
        let softened = teachers.soft_targets(&texts(), 512, 3.0, 1, &mut |_| {}).unwrap();
        let largest = |targets: &SoftTargets| targets[1].as_ref().unwrap().iter().copied().fold(0.0, f32::max);
        assert!(softened.iter().zip(&found).all(|(softened, found)| largest(softened) < largest(found)));
    }

    #[test]
    fn several_teachers_are_averaged_over_the_first_window() {
        let (one, mut two) = (tiny(), tiny());
        two.manifest.heads[0].temperature = 4.0;
        let heads = [one.manifest.heads[0].clone()];
        let of = |models: &[Model]| {
            let read = Teachers::new(models, &heads).unwrap().soft_targets(&texts(), 8, 2.0, 2, &mut |_| {});
            read.unwrap().into_iter().map(|targets| targets[0].clone().unwrap()).collect::<Vec<_>>()
        };
        let [first, second] = [&one, &two].map(|model| of(std::slice::from_ref(model)));
        for ((mean, a), b) in of(&[one.clone(), two]).iter().zip(&first).zip(&second) {
            assert!(mean.iter().zip(a.iter().zip(b)).all(|(mean, (a, b))| (mean - (a + b) / 2.0).abs() < 1e-6));
        }
        // Only six tokens are read, so what follows in longer texts does not matter.
        let longer: Vec<String> = texts().iter().map(|text| format!("{text} open the rule")).collect();
        let models = [one];
        let read = Teachers::new(&models, &heads).unwrap().soft_targets(&longer, 8, 2.0, 2, &mut |_| {}).unwrap();
        assert_eq!(read[3][0].as_ref(), Some(&first[3]));
        assert_ne!(read[1][0].as_ref(), Some(&first[1]));
    }

    #[test]
    fn heads_that_do_not_match_are_refused() {
        let model = tiny();
        let cause = |change: &dyn Fn(&mut Head)| {
            let mut head = model.manifest.heads[0].clone();
            change(&mut head);
            let error = Teachers::new(std::slice::from_ref(&model), &[head]).err().unwrap();
            assert!(error.remedy().is_some());
            error.to_string()
        };
        assert!(cause(&|head| head.name = "desk".into()).ends_with("it has no head `desk`"));
        assert!(cause(&|head| head.labels[1].name = "money".into()).ends_with("its head `label` has no label `money`"));
        assert!(cause(&|head| drop(head.labels.pop())).contains("has a label `world`, which no row has"));
        assert!(cause(&|head| head.activation = HeadActivation::Sigmoid).contains("is a softmax head"));
    }

    #[test]
    fn descriptions_of_different_teachers_differ() {
        let (one, mut other) = (tiny(), tiny());
        let heads = [one.manifest.heads[0].clone()];
        other.manifest.heads[0].temperature = 2.0;
        let models = [one, other];
        let descriptions = Teachers::new(&models, &heads).unwrap().descriptions().unwrap();
        assert!(descriptions[0].starts_with("tiny (") && descriptions[0] != descriptions[1], "{descriptions:?}");
    }
}
