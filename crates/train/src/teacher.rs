//! Teachers: models whose probabilities for the training articles are learned from beside the labels. Models and articles
//! go in, soft targets come out, once and before the first step.

use crate::error::{Result, TrainError};
use newsdesk_data::StableHash;
use newsdesk_model::folder::WindowRecord;
use newsdesk_model::{Classifier, Dtype, DtypeChoice, Head, Model, Options};

/// Articles that a teacher reads in one call: enough to share the threads out, few enough to report progress.
const CHUNK: usize = 512;

/// For each head the probabilities of its labels, in the head's order; nothing where no teacher has the head.
pub(crate) type SoftTargets = Vec<Option<Vec<f32>>>;

/// Models that have one head or more of those that are trained.
pub(crate) struct Teachers<'a> {
    models: &'a [Model],
    /// By model and head that is trained: where the model has it.
    places: Vec<Vec<Option<Place>>>,
}

/// Where a teacher has a head.
struct Place {
    head: usize,
    /// For each label its place among the teacher's.
    labels: Vec<usize>,
}

impl<'a> Teachers<'a> {
    /// Matches teachers with the heads that are trained, by the names of heads and labels.
    ///
    /// # Errors
    /// If a teacher has none of the heads, or other labels in one of them.
    pub(crate) fn new(models: &'a [Model], heads: &[Head]) -> Result<Self> {
        let places = |model: &Model| -> Result<Vec<Option<Place>>> {
            let places: Vec<_> = heads.iter().map(|head| place(model, head)).collect::<Result<_>>()?;
            if places.iter().any(Option::is_some) {
                return Ok(places);
            }
            let known: Vec<&str> = model.manifest.heads.iter().map(|head| head.name.as_str()).collect();
            let wanted: Vec<&str> = heads.iter().map(|head| head.name.as_str()).collect();
            Err(TrainError::Teacher {
                teacher: model.manifest.name.clone(),
                cause: format!("it has no head `{}`", wanted.join("`, `")),
                hint: format!("its heads are {}; name the one that is trained with `--head`", known.join(", ")),
            })
        };
        Ok(Self { models, places: models.iter().map(places).collect::<Result<_>>()? })
    }

    /// Number of teachers.
    pub(crate) fn number(&self) -> usize {
        self.models.len()
    }

    /// For each head that is trained whether a teacher has it.
    pub(crate) fn heads(&self) -> Vec<bool> {
        let heads = self.places.first().map_or(0, Vec::len);
        (0..heads).map(|head| self.places.iter().any(|places| places[head].is_some())).collect()
    }

    /// What the teachers say about texts, of each the first window of `length` tokens, special ones included: the mean
    /// over the teachers that have a head of their probabilities at `temperature`. (Their own temperatures, by which their
    /// probabilities were calibrated, come on top.) `progress` is told how many texts are read, those that each teacher reads
    /// counted for itself.
    ///
    /// # Errors
    /// If a teacher cannot read windows of this length, or the device fails.
    pub(crate) fn soft_targets(
        &self,
        texts: &[String],
        length: usize,
        temperature: f64,
        threads: usize,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Vec<SoftTargets>> {
        let taught: Vec<usize> =
            (0..self.heads().len()).map(|h| self.places.iter().filter(|places| places[h].is_some()).count()).collect();
        let mut targets: Vec<SoftTargets> = vec![vec![None; taught.len()]; texts.len()];
        let mut done = 0;
        for (model, places) in self.models.iter().zip(&self.places) {
            let classifier = reader(model, length, threads)?;
            let hot = |head: &Head| Head { temperature: head.temperature * temperature as f32, ..head.clone() };
            let heads: Vec<Head> = model.manifest.heads.iter().map(hot).collect();
            for (texts, targets) in texts.chunks(CHUNK).zip(targets.chunks_mut(CHUNK)) {
                for (text, targets) in classifier.logits(texts)?.iter().zip(targets) {
                    for ((place, target), teachers) in places.iter().zip(targets).zip(&taught) {
                        let (Some(place), Some(window)) = (place, text.windows.first()) else { continue };
                        let said = heads[place.head].probabilities(&window[place.head]);
                        let mean = target.get_or_insert_with(|| vec![0.0; place.labels.len()]);
                        mean.iter_mut()
                            .zip(&place.labels)
                            .for_each(|(p, &label)| *p += said.0[label] / *teachers as f32);
                    }
                }
                done += texts.len();
                progress(done);
            }
        }
        Ok(targets)
    }

    /// What tells these teachers from others, one line for each: name, and a hash of weights and heads.
    pub(crate) fn described(&self) -> Result<Vec<String>> {
        let described = |model: &Model| {
            let heads = format!("{:?} {}", model.manifest.heads, model.manifest.pooling);
            let hash = weights_hash(model)?.with(heads.as_bytes()).value();
            Ok(format!("{} ({hash:016x})", model.manifest.name))
        };
        self.models.iter().map(described).collect()
    }
}

/// Where a teacher has a head with the same labels.
fn place(model: &Model, head: &Head) -> Result<Option<Place>> {
    let Some(number) = model.manifest.heads.iter().position(|own| own.name == head.name) else { return Ok(None) };
    let own = &model.manifest.heads[number];
    let fail =
        |cause: String, hint: String| Err(TrainError::Teacher { teacher: model.manifest.name.clone(), cause, hint });
    if own.activation != head.activation {
        let (name, of_teacher, of_student) = (&own.name, own.activation, head.activation);
        return fail(
            format!("its head `{name}` is a {of_teacher} head, the one that is trained a {of_student} head"),
            "a softmax head gives one label, a sigmoid head several; rows of one head have either".into(),
        );
    }
    let find = |name: &String| own.labels.iter().position(|label| label.name == *name);
    let names = head.names();
    if let Some(unknown) = names.iter().find(|name| find(name).is_none()) {
        return fail(
            format!("its head `{}` has no label `{unknown}`", head.name),
            format!("its labels are {}", own.names().join("; ")),
        );
    }
    if let Some(other) = own.names().iter().find(|name| !names.contains(name)) {
        return fail(
            format!("its head `{}` has a label `{other}`, which no row has", head.name),
            format!("the labels that are trained are {}", names.join("; ")),
        );
    }
    Ok(Some(Place { head: number, labels: names.iter().filter_map(find).collect() }))
}

/// A classifier that reads the first window of so many tokens, as training does.
fn reader(model: &Model, length: usize, threads: usize) -> Result<Classifier> {
    let mut model = model.clone();
    let length = length.min(model.config.max_position_embeddings);
    model.manifest.window = WindowRecord { length, stride: length, combine: model.manifest.window.combine };
    let dtype = DtypeChoice::Exactly(Dtype::F32);
    let options = Options { threads: Some(threads), windows: Some(1), dtype, ..Options::default() };
    Ok(Classifier::new(model, &options)?)
}

/// A hash of a model's weights.
pub(crate) fn weights_hash(model: &Model) -> Result<StableHash> {
    let mut hash = StableHash::new();
    for tensor in model.weights.tensors() {
        let (name, tensor) = tensor?;
        hash = hash.with(name.as_bytes());
        // The sum of each tensor tells models apart well enough, and is there at once.
        hash = hash.with(&tensor.sum_all()?.to_scalar::<f32>()?.to_le_bytes());
    }
    Ok(hash)
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

    /// A head of the tiny model's name, and its labels in another order.
    fn reversed(model: &Model) -> Head {
        let mut head = model.manifest.heads[0].clone();
        head.labels.reverse();
        head
    }

    fn other() -> Head {
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
    fn soft_targets_are_the_teachers_probabilities_by_name() {
        let mut model = tiny();
        model.manifest.heads[0].temperature = 1.5;
        let heads = [other(), reversed(&model)];
        let models = [model];
        let teachers = Teachers::new(&models, &heads).unwrap();
        assert_eq!(teachers.heads(), [false, true]);
        let mut told = vec![];
        let found = teachers.soft_targets(&texts(), 512, 1.0, 1, &mut |done| told.push(done)).unwrap();
        assert_eq!((found.len(), told), (9, vec![9]));
        let expected = Classifier::new(models[0].clone(), &Options::default()).unwrap().classify(&texts()).unwrap();
        for (target, prediction) in found.iter().zip(expected) {
            let mut probabilities = prediction.heads[0].probabilities.0.clone();
            probabilities.reverse();
            assert_eq!(target, &[None, Some(probabilities)]);
        }
        // A temperature comes on top of the teacher's own, and flattens.
        let hot = teachers.soft_targets(&texts(), 512, 3.0, 1, &mut |_| {}).unwrap();
        let largest = |targets: &SoftTargets| targets[1].as_ref().unwrap().iter().copied().fold(0.0, f32::max);
        assert!(hot.iter().zip(&found).all(|(hot, cold)| largest(hot) < largest(cold)));
    }

    #[test]
    fn several_teachers_are_averaged_and_read_the_beginning() {
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
        // Of the longer texts only six tokens are read, so what follows does not matter.
        let longer: Vec<String> = texts().iter().map(|text| format!("{text} open the rule")).collect();
        let models = [one];
        let read = Teachers::new(&models, &heads).unwrap().soft_targets(&longer, 8, 2.0, 2, &mut |_| {}).unwrap();
        assert_eq!(read[3][0].as_ref(), Some(&first[3]));
        assert_ne!(read[1][0].as_ref(), Some(&first[1]));
    }

    #[test]
    fn heads_that_do_not_match_are_told() {
        let model = tiny();
        let cause = |change: &dyn Fn(&mut Head)| {
            let mut head = model.manifest.heads[0].clone();
            change(&mut head);
            let error = Teachers::new(std::slice::from_ref(&model), &[head]).err().unwrap();
            assert!(error.hint().is_some());
            error.to_string()
        };
        assert!(cause(&|head| head.name = "desk".into()).ends_with("it has no head `desk`"));
        assert!(cause(&|head| head.labels[1].name = "money".into()).ends_with("its head `label` has no label `money`"));
        assert!(cause(&|head| drop(head.labels.pop())).contains("has a label `world`, which no row has"));
        assert!(cause(&|head| head.activation = HeadActivation::Sigmoid).contains("is a softmax head"));
    }

    #[test]
    fn teachers_are_told_apart() {
        let (one, mut other) = (tiny(), tiny());
        let heads = [one.manifest.heads[0].clone()];
        other.manifest.heads[0].temperature = 2.0;
        let models = [one, other];
        let described = Teachers::new(&models, &heads).unwrap().described().unwrap();
        assert!(described[0].starts_with("tiny (") && described[0] != described[1], "{described:?}");
    }
}
