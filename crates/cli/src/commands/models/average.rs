//! `newsdesk models average`: averages the weights of several models that were trained from one base.

use crate::arguments::{Average, OpenArguments};
use crate::commands::model_folder::{check_new_model, model_name, refuse_own_origin, remove_old_model};
use crate::commands::open::open_any;
use crate::data_sets::load_to_evaluate;
use crate::exit_code::ExitCode;
use crate::failure::{Usage, say};
use crate::output::destination::resolved;
use crate::output::table::table;
use crate::output::terminal;
use crate::threads;
use anyhow::Result;
use newsdesk_data::LabelledSet;
use newsdesk_eval::{HeadReport, SetReport, check_labelled, evaluate};
use newsdesk_model::folder::save;
use newsdesk_model::{AnyModel, Classifier, Device, Model, Options};
use newsdesk_train::{average, head_similarities};
use std::io::Write;
use std::path::Path;

/// Heads with a lower cosine similarity of their weights may not average well. New heads of two seeds had 0.08 after an epoch on
/// 3,000 articles of ag-news.
const UNLIKE: f64 = 0.5;

/// The drop in the score of a head that is reported.
const REPORTED_DROP: f64 = 0.005;

pub fn run(options: &Average) -> Result<ExitCode> {
    refuse_own_origin(&options.output, &options.models)?;
    check_new_model(&options.output, false, options.overwrite)?;
    let models: Vec<Model> =
        options.models.iter().map(|folder| open(folder, options.opening)).collect::<Result<_>>()?;
    for (index, folder) in options.models.iter().enumerate() {
        if options.models[..index].iter().any(|other| resolved(other) == resolved(folder)) {
            let folder = folder.display();
            say(&format!(
                "warning: `{folder}` is given more than once: its weights count as often; `--weights` does the same"
            ));
        }
    }
    let weights = if options.weights.is_empty() { vec![1.0; models.len()] } else { options.weights.clone() };
    let mut model = average(&models, &weights)?;
    model.manifest.name = model_name(options.name.as_deref(), &options.output);
    for (head, similarity) in head_similarities(&models)?.iter().filter(|(_, similarity)| *similarity < UNLIKE) {
        say(&format!(
            "warning: the weights of head `{head}` differ much between the models (cosine similarity {similarity:.2}), as those \
             of new heads do: their average may be worse than each model"
        ));
    }
    let sets = load_to_evaluate(&options.data, &options.data_set, &options.split, &model.manifest, false)?;
    sets.iter().try_for_each(|set| check_labelled(set, &model.manifest.heads))?;
    if !sets.is_empty() {
        compare(&models, &model, &sets, options)?;
    }
    remove_old_model(&options.output, options.overwrite)?;
    save(&model, &options.output, options.storage.dtype())?;
    let folder = options.output.display();
    say(&format!("wrote {folder}"));
    if sets.is_empty() {
        say(&format!(
            "next: check that the average is better than each model: `newsdesk eval {folder} --data DATASET`"
        ));
    }
    say(&format!("next: fit its temperatures: `newsdesk calibrate {folder} --data DATASET`"));
    let rejected = sets.iter().any(|set| !set.rejects.is_empty());
    Ok(if rejected { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Prints the metrics of each model and of their average, and warns if the average is worse than a model.
fn compare(models: &[Model], mean: &Model, sets: &[LabelledSet], options: &Average) -> Result<()> {
    let model_options = Options { threads: Some(threads::count(options.threads)), ..Options::default() };
    let measure = |model: &Model| -> Result<Vec<SetReport>> {
        let classifier = Classifier::new(model.clone(), &model_options)?;
        Ok(sets.iter().map(|set| evaluate(&classifier, set, &mut |_| {})).collect::<Result<_, _>>()?)
    };
    let single = models.iter().map(measure).collect::<Result<Vec<_>>>()?;
    let average = measure(mean)?;
    let mut printed = table(&["model", "data set", "head", "articles", "accuracy", "macro-F1"], &[3, 4, 5]);
    let names = options.models.iter().map(|folder| folder.display().to_string()).chain(["average".into()]);
    for (name, reports) in names.zip(single.iter().chain([&average])) {
        for (set, HeadReport { head, report, .. }) in
            reports.iter().flat_map(|set| set.heads.iter().map(move |head| (&set.set, head)))
        {
            let metrics = [report.accuracy, report.macro_f1].map(|metric| format!("{metric:.4}"));
            printed
                .add_row([&[name.clone(), set.clone(), head.clone(), report.cases.to_string()], &metrics[..]].concat());
        }
    }
    writeln!(terminal::stdout(), "{}", printed.trim_fmt())?;
    let scores = |reports: &[SetReport]| {
        let heads = reports.iter().flat_map(|set| set.heads.iter().map(|head| (set.set.clone(), head)));
        heads.map(|(set, head)| (set, head.head.clone(), head.score())).collect::<Vec<_>>()
    };
    for (index, (set, head, score)) in scores(&average).iter().enumerate() {
        let of_model = |reports: &Vec<SetReport>| scores(reports).get(index).map_or(0.0, |(.., score)| *score);
        let best = single.iter().map(of_model).fold(0.0, f64::max);
        if best - score > REPORTED_DROP {
            say(&format!(
                "warning: on {set}, {head}, the average is worse than the best model: {score:.4} instead of {best:.4}; use that \
                 model, or train each for more epochs"
            ));
        }
    }
    Ok(())
}

/// Opens a model to average.
///
/// # Errors
/// If it cannot be opened, or is linear.
fn open(folder: &Path, opening: OpenArguments) -> Result<Model> {
    match open_any(Some(folder), &Device::Cpu, opening)? {
        AnyModel::Encoder(model) => Ok(*model),
        AnyModel::Linear(_) => {
            let message = format!("cannot average `{}`: linear models cannot be averaged", folder.display());
            Err(Usage::new(message, "name models with an encoder").into())
        }
    }
}
