//! `newsdesk models certify`: which precisions are as good as f32, measured and written into the model's manifest.

use super::{check_own_folder, instructions, open_model};
use crate::arguments::Certify;
use crate::failure::{Usage, say};
use crate::output::progress::progress_bar;
use crate::output::table::table;
use crate::sets::load_to_measure;
use anyhow::Result;
use comfy_table::Table;
use newsdesk_data::LabelledSet;
use newsdesk_eval::{check_labelled, compare, predict};
use newsdesk_model::folder::save_manifest;
use newsdesk_model::{
    Certificate, CertificateFigure, Classifier, Device, DeviceChoice, Dtype, DtypeChoice, Options, Prediction,
};
use serde::Serialize;
use std::io::Write;
use std::process::ExitCode;

/// What a run found out.
#[derive(Serialize)]
struct Findings {
    model: String,
    instructions: String,
    precisions: Vec<Finding>,
}

/// What was measured of a precision, and whether that is enough.
#[derive(Serialize)]
struct Finding {
    certified: bool,
    #[serde(flatten)]
    measured: Certificate,
}

pub fn run(options: Certify) -> Result<ExitCode> {
    let max_loss = options.max_loss;
    if !max_loss.is_finite() || max_loss < 0.0 {
        let message = format!("Failed to use `--max-loss {max_loss}`: it is not a number from 0 on");
        return Err(Usage::new(message, "it is in points of a hundred; 0 allows no loss, the default is 0.2").into());
    }
    let model = open_model(Some(&options.on.model), &Device::Cpu)?;
    check_own_folder(&options.on.model)?;
    let running = Options {
        device: DeviceChoice::Cpu,
        threads: options.threads.map(usize::from),
        windows: None,
        dtype: DtypeChoice::Auto,
        instructions: instructions()?,
    };
    let classifier = |precision| {
        Classifier::new(model.clone(), &Options { dtype: DtypeChoice::Exactly(precision), ..running.clone() })
    };
    let first = classifier(Dtype::F32)?;
    let heads = &model.manifest.heads;
    let (on, manifest) = (&options.on, &model.manifest);
    let sets = load_to_measure(&on.data, &on.labelled, &on.split, manifest, options.quiet)?;
    sets.iter().try_for_each(|set| check_labelled(set, heads))?;
    let answers = |classifier: &Classifier| -> Result<Vec<Vec<Prediction>>> {
        sets.iter().map(|set| answers(classifier, set, options.quiet)).collect()
    };
    let instructions = first.instructions();
    let exact = answers(&first)?;
    drop(first);

    let mut manifest = model.manifest.clone();
    let mut precisions = vec![];
    for precision in Dtype::ALL.into_iter().filter(|&precision| precision != Dtype::F32) {
        let mut figures = vec![];
        for ((set, predictions), exact) in sets.iter().zip(answers(&classifier(precision)?)?).zip(&exact) {
            figures.extend(compare(set, heads, &predictions, exact)?);
        }
        let activation_bits = precision.activation_bits(instructions);
        let measured = Certificate { dtype: precision, activation_bits, max_loss, figures };
        precisions.push(Finding { certified: manifest.certify(&measured), measured });
    }
    save_manifest(&manifest, &options.on.model)?;
    if !options.quiet {
        precisions.iter().flat_map(|finding| refusals(&finding.measured)).for_each(|line| say(&line));
    }
    let mut out = std::io::stdout();
    match options.json {
        true => {
            let model = options.on.model.display().to_string();
            let findings = Findings { model, instructions: instructions.to_string(), precisions };
            writeln!(out, "{}", serde_json::to_string(&findings)?)?;
        }
        false => writeln!(out, "{}", shown(&precisions).trim_fmt())?,
    }
    let rejected = sets.iter().any(|set| !set.rejects.is_empty());
    Ok(if rejected { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn answers(classifier: &Classifier, set: &LabelledSet, quiet: bool) -> Result<Vec<Prediction>> {
    let bar = progress_bar(format!("{}, {}", classifier.dtype(), set.name), set.articles.len(), quiet);
    let predictions = predict(classifier, set, &mut |done| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    Ok(predictions)
}

/// Why a precision is not certified: a line for each head of each set on which it loses too much.
fn refusals(measured: &Certificate) -> Vec<String> {
    let line = |figure: &CertificateFigure| {
        let (precision, loss, head, set) = (measured.dtype, figure.loss(), &figure.head, &figure.set);
        format!("warning: {precision} loses {loss:.2} points on head {head} of {set}: not certified")
    };
    measured.beyond().map(line).collect()
}

fn shown(precisions: &[Finding]) -> Table {
    let headings = [
        "precision",
        "set",
        "head",
        "articles",
        "accuracy in f32",
        "accuracy",
        "points lost",
        "agreement",
        "largest change",
        "certified",
    ];
    let mut table = table(&headings, &[3, 4, 5, 6, 7, 8]);
    for Finding { certified, measured } in precisions {
        for figure in &measured.figures {
            let share = |x: f64| format!("{x:.4}");
            table.add_row(vec![
                measured.dtype.to_string(),
                figure.set.clone(),
                figure.head.clone(),
                figure.articles.to_string(),
                share(figure.accuracy_f32),
                share(figure.accuracy),
                format!("{:.2}", figure.loss()),
                share(figure.agreement),
                share(figure.largest_change),
                if *certified { "yes" } else { "no" }.into(),
            ]);
        }
    }
    table
}
