//! Linear models: the same for any number of threads, and the same from disk as in memory.
#![allow(clippy::unwrap_used, clippy::panic)]

use newsdesk_data::{GoldLabels, LabelledFileOptions, LabelledSet, expand, hold_out, load_labelled_files};
use newsdesk_eval::evaluate;
use newsdesk_model::folder::save_linear;
use newsdesk_model::linear::FeatureRecord;
use newsdesk_model::{AnyModel, Classifier, Device, Dtype, DtypeChoice, LinearModel, Model, Options};
use newsdesk_train::{ClassWeights, LinearSettings, LinearTrained, TrainError, train_linear};

/// Rows of three desks, each with some words of its own. `labels` returns the label column.
fn rows(count: usize, labels: impl Fn(usize) -> String) -> String {
    let own = [["goal", "cup", "coach"], ["shares", "bank", "profit"], ["vote", "council", "bill"]];
    let common = ["the", "on", "Monday", "said", "two", "new", "after", "city"];
    let row = |i: usize| {
        let word = |j: usize| match (i * 7 + j * 3) % 4 {
            0 => own[i % 3][(i + j) % 3],
            _ => common[(i * 5 + j * j) % 8],
        };
        let text: Vec<&str> = (0..6 + i % 9).map(word).collect();
        format!("{{\"text\":\"{} {i}\",\"label\":{}}}\n", text.join(" "), labels(i))
    };
    (0..count).map(row).collect()
}

fn set(rows: &str) -> LabelledSet {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.jsonl");
    std::fs::write(&path, rows).unwrap();
    let options = LabelledFileOptions {
        head: "desk".into(),
        label_field: Some("label".into()),
        ..LabelledFileOptions::default()
    };
    load_labelled_files(&expand(&[path.display().to_string()]).unwrap(), &options).unwrap()
}

fn one_label(i: usize) -> String {
    format!("\"{}\"", ["sport", "business", "politics"][i % 3])
}

fn settings(threads: usize) -> LinearSettings {
    LinearSettings {
        features: FeatureRecord { buckets: 1 << 12, words: 2, characters: Some([3, 4]) },
        epochs: 4,
        learning_rate: 0.5,
        label_smoothing: 0.0,
        class_weights: ClassWeights::Equal,
        batch_size: 32,
        patience: 0,
        seed: 5,
        threads,
    }
}

fn trained(set: &LabelledSet, settings: &LinearSettings) -> Result<LinearTrained, TrainError> {
    let (training, validation) = hold_out(set.clone());
    train_linear(&[training], &[validation], settings, &mut |_| {})
}

fn accuracy(model: impl Into<AnyModel>, set: &LabelledSet) -> f64 {
    let classifier = Classifier::new(model, &Options::default()).unwrap();
    evaluate(&classifier, set, &mut |_| {}).unwrap().heads[0].report.accuracy
}

fn hash(model: &LinearModel) -> String {
    AnyModel::from(model.clone()).sha256().unwrap()
}

#[test]
fn weights_depend_on_the_seed_but_not_on_the_number_of_threads() {
    let set = set(&rows(700, one_label));
    let hashes: Vec<String> =
        [1, 2, 3, 8].iter().map(|&threads| hash(&trained(&set, &settings(threads)).unwrap().model)).collect();
    assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{hashes:?}");
    let other = trained(&set, &LinearSettings { seed: 6, ..settings(2) }).unwrap();
    assert_ne!(hash(&other.model), hashes[0]);
}

#[test]
fn a_model_learns_and_is_unchanged_after_saving_and_loading() {
    let set = set(&rows(900, one_label));
    let model = trained(&set, &settings(2)).unwrap().model;
    let reached = accuracy(model.clone(), &set);
    assert!(reached > 0.95, "{reached}");
    let folder = tempfile::tempdir().unwrap();
    save_linear(&model, folder.path()).unwrap();
    let opened = AnyModel::open(folder.path(), &Device::Cpu).unwrap();
    let texts: Vec<String> = set.articles.iter().map(|row| row.article.input()).collect();
    let predictions = |model: AnyModel, threads| {
        let options = Options { threads: Some(threads), ..Options::default() };
        Classifier::new(model, &options).unwrap().classify(&texts).unwrap()
    };
    assert_eq!(predictions(opened.clone(), 1), predictions(model.clone().into(), 3));
    // The hash survives as well.
    let AnyModel::Linear(opened) = opened else { panic!("not a linear model") };
    assert_eq!(hash(&opened), hash(&model));
    assert_eq!(opened.manifest, model.manifest);
}

#[test]
fn lists_of_labels_and_texts_without_words_can_be_used() {
    let lists = |i: usize| match i % 4 {
        0 => "[]".into(),
        1 => format!("[{}]", one_label(i)),
        _ => format!("[{}, {}]", one_label(i), one_label(i + 1)),
    };
    let set = set(&(rows(600, lists) + "{\"text\":\"?\",\"label\":[]}\n{\"text\":\"…\",\"label\":[\"sport\"]}\n"));
    assert!(set.heads[0].multi);
    let model = trained(&set, &settings(2)).unwrap().model;
    let classifier = Classifier::new(model, &Options::default()).unwrap();
    let predictions = classifier.classify(&["", " \n", "?!", "goal cup coach goal"]).unwrap();
    let scores = predictions.iter().flat_map(|of| &of.heads[0].probabilities.0);
    assert!(scores.clone().count() == 12 && scores.copied().all(|score| (0.0..=1.0).contains(&score)));
    assert_eq!(predictions.iter().map(|of| of.tokens).collect::<Vec<_>>(), [0, 0, 2, 4]);
}

#[test]
fn invalid_settings_are_refused() {
    let set = set(&rows(60, one_label));
    let refused = |settings: LinearSettings, cause: &str| {
        let error = trained(&set, &settings).err().unwrap().to_string();
        assert!(error.contains(cause), "{error}");
    };
    let features = FeatureRecord { buckets: 1000, ..settings(1).features };
    refused(LinearSettings { features, ..settings(1) }, "`features.buckets`: 1000 is not a power of two");
    refused(LinearSettings { learning_rate: 0.0, ..settings(1) }, "`learning_rate`: 0 is not above zero");
    refused(LinearSettings { epochs: 0, ..settings(1) }, "`epochs`: 0 is not above zero");
    refused(LinearSettings { label_smoothing: 1.0, ..settings(1) }, "`label_smoothing`");
    refused(LinearSettings { learning_rate: 1e38, ..settings(1) }, "is more than 100");
    refused(LinearSettings { learning_rate: f64::NAN, ..settings(1) }, "`learning_rate`: NaN is not above zero");
    let weights = |weight| ClassWeights::Given([("sport".to_string(), weight)].into());
    refused(LinearSettings { class_weights: weights(-1.0), ..settings(1) }, "`class_weights`: -1 is not zero or above");
    refused(LinearSettings { class_weights: weights(1e7), ..settings(1) }, "`class_weights`: 1e7 is more than");
}

#[test]
fn a_linear_model_is_no_encoder_and_computes_in_f32_only() {
    let set = set(&rows(200, one_label));
    let model = trained(&set, &settings(1)).unwrap().model;
    let folder = tempfile::tempdir().unwrap();
    save_linear(&model, folder.path()).unwrap();
    let error = Model::open(folder.path(), &Device::Cpu).err().unwrap();
    assert!(error.to_string().contains("it is a linear model"), "{error}");
    let options = Options { dtype: DtypeChoice::Exactly(Dtype::Int8), ..Options::default() };
    let error = Classifier::new(model, &options).err().unwrap();
    assert!(error.to_string().contains("cannot compute in int8: "), "{error}");
    // A truncated file, and one whose sizes do not match the manifest.
    let path = folder.path().join("model.safetensors");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(AnyModel::open(folder.path(), &Device::Cpu).is_err());
    std::fs::write(&path, &whole).unwrap();
    let manifest = std::fs::read_to_string(folder.path().join("newsdesk.toml")).unwrap();
    std::fs::write(folder.path().join("newsdesk.toml"), manifest.replacen("buckets = 4096", "buckets = 8192", 1))
        .unwrap();
    let error = AnyModel::open(folder.path(), &Device::Cpu).err().unwrap();
    assert!(error.to_string().contains("idf_squared"), "{error}");
}

/// The same articles with labels of another data set, each of which allows several labels of the head.
fn mapped(set: &LabelledSet) -> LabelledSet {
    let mut mapped = set.clone();
    mapped.name = "mapped".into();
    let ids = |names: &[&str]| names.iter().map(|name| set.heads[0].labels.find(name).unwrap()).collect::<Vec<_>>();
    let map = vec![("games".to_string(), ids(&["sport"])), ("affairs".to_string(), ids(&["business", "politics"]))];
    for row in &mut mapped.articles {
        let games = row.data_set_labels[0].as_deref() == Some("sport");
        row.data_set_labels[0] = Some(map[usize::from(!games)].0.clone());
        row.gold_labels[0] = Some(match games {
            true => GoldLabels::One(map[0].1[0]),
            false => {
                let mut any = map[1].1.clone();
                any.sort_unstable();
                GoldLabels::AnyOf(any)
            }
        });
    }
    mapped.heads[0].map = Some(map);
    mapped
}

#[test]
fn labels_that_allow_several_train_together_with_exact_ones() {
    let all = set(&rows(900, one_label));
    let mapped = mapped(&all);
    // A few rows have exact labels. The others only say whether they are about games.
    let mut exact = all.clone();
    exact.articles.truncate(60);
    let model =
        train_linear(&[exact, mapped.clone()], std::slice::from_ref(&all), &settings(2), &mut |_| {}).unwrap().model;
    let accuracy_on_all = accuracy(model.clone(), &all);
    assert!(accuracy_on_all > 0.8, "{accuracy_on_all}");
    assert!(accuracy(model, &mapped) > 0.95);
}

#[test]
fn two_heads_are_trained_independently_on_their_own_rows() {
    let first = set(&rows(400, one_label));
    let mut second = set(&rows(500, |i| format!("\"{}\"", ["late", "early"][i % 2])));
    second.heads[0].name = "time".into();
    second.name = "times".into();
    let settings = LinearSettings { label_smoothing: 0.1, patience: 1, epochs: 6, ..settings(2) };
    let sets = [first.clone(), second.clone()];
    let found = train_linear(&sets, &sets, &settings, &mut |_| {}).unwrap();
    let names: Vec<&str> = found.model.manifest.heads.iter().map(|head| head.name.as_str()).collect();
    assert_eq!(names, ["desk", "time"]);
    assert!(accuracy(found.model.clone(), &first) > 0.95 && (1..=6).contains(&found.best_epoch));
    let alone = train_linear(&sets[..1], &sets[..1], &settings, &mut |_| {}).unwrap().model;
    // The rows of the second head change the features' document frequencies, so weights differ slightly.
    assert!((accuracy(alone, &first) - accuracy(found.model, &first)).abs() < 0.05);
}
