//! `newsdesk models certify`: measures which dtypes are as accurate as f32, and records that in the model's manifest.

use crate::arguments::Certify;
use crate::commands::model_folder::check_existing_model;
use crate::commands::open::{instructions, open_encoder};
use crate::console;
use crate::data_sets::load_to_evaluate;
use crate::exit_code::ExitCode;
use crate::failure::{Usage, say};
use crate::output::progress::progress_bar;
use crate::output::table::table;
use crate::output::terminal;
use crate::threads;
use anyhow::Result;
use comfy_table::Table;
use newsdesk_data::LabelledSet;
use newsdesk_eval::{HeadCases, check_labelled, compare_dtypes, head_cases, predict};
use newsdesk_model::folder::save_manifest;
use newsdesk_model::{
    Certificate, CertificateFigure, Classifier, Device, DeviceChoice, Dtype, DtypeChoice, Options, Prediction, Refusal,
};
use serde::Serialize;
use std::io::Write;

/// The JSON that `models certify --json` prints.
#[derive(Serialize)]
struct Findings {
    model: String,
    instructions: String,
    dtypes: Vec<Finding>,
}

/// The measurements of a dtype, and whether they suffice for a certificate.
#[derive(Serialize)]
struct Finding {
    certified: bool,
    #[serde(flatten)]
    measured: Certificate,
}

pub fn run(options: Certify) -> Result<ExitCode> {
    let max_accuracy_drop = options.max_accuracy_drop;
    if !max_accuracy_drop.is_finite() || max_accuracy_drop < 0.0 {
        let message = format!("cannot use `--max-accuracy-drop {max_accuracy_drop}`: it is not a number of at least 0");
        return Err(Usage::new(message, "give percentage points; 0 allows no loss, the default is 0.1").into());
    }
    let model = open_encoder(Some(&options.input.model), &Device::Cpu, options.input.opening)?;
    check_existing_model(&options.input.model)?;
    let model_options = Options {
        device: DeviceChoice::Cpu,
        threads: Some(threads::count(options.threads)),
        instructions: instructions()?,
        ..Options::default()
    };
    let classifier = |dtype| {
        Classifier::new(model.clone(), &Options { dtype: DtypeChoice::Exactly(dtype), ..model_options.clone() })
    };
    let reference = classifier(Dtype::F32)?;
    let heads = &model.manifest.heads;
    let (input, manifest) = (&options.input, &model.manifest);
    let sets = load_to_evaluate(&input.data, &input.data_set, &input.split, manifest, options.quiet)?;
    sets.iter().try_for_each(|set| check_labelled(set, heads))?;
    let predict_all = |classifier: &Classifier| -> Result<Vec<Vec<Prediction>>> {
        sets.iter().map(|set| predict_set(classifier, set, options.quiet)).collect()
    };
    let instructions = reference.instructions();
    let expected = predict_all(&reference)?;
    drop(reference);

    let mut manifest = model.manifest.clone();
    let mut dtypes = vec![];
    for dtype in Dtype::ALL.into_iter().filter(|&dtype| dtype != Dtype::F32) {
        let mut figures = vec![];
        for ((set, predictions), expected) in sets.iter().zip(predict_all(&classifier(dtype)?)?).zip(&expected) {
            figures.extend(compare_dtypes(set, heads, &predictions, expected)?);
        }
        let activation_bits = dtype.activation_bits(instructions);
        let measured = Certificate { dtype, activation_bits, max_accuracy_drop, figures };
        dtypes.push(Finding { certified: manifest.certify(&measured), measured });
    }
    save_manifest(&manifest, &options.input.model)?;
    if !options.quiet {
        for (set, expected) in sets.iter().zip(&expected) {
            head_cases(set, heads, expected)?
                .iter()
                .filter_map(|cases| useless(set, cases))
                .for_each(|line| say(&line));
        }
        dtypes.iter().flat_map(|finding| refusals(&finding.measured)).for_each(|line| say(&line));
        say(&format!("wrote {}", options.input.model.join("newsdesk.toml").display()));
    }
    match options.json {
        true => {
            let model = options.input.model.display().to_string();
            let findings = Findings { model, instructions: instructions.to_string(), dtypes };
            console::print_json(&findings)?;
        }
        false => writeln!(terminal::stdout(), "{}", findings_table(&dtypes).trim_fmt())?,
    }
    let rejected = sets.iter().any(|set| !set.rejects.is_empty());
    Ok(if rejected { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn predict_set(classifier: &Classifier, set: &LabelledSet, quiet: bool) -> Result<Vec<Prediction>> {
    let bar = progress_bar(format!("{}, {}", classifier.dtype(), set.name), set.articles.len(), quiet);
    let predictions = predict(classifier, set, &mut |done| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    Ok(predictions)
}

/// Returns a warning if a model with f32 is not better than one that always predicts the same: its certificates say little.
fn useless(set: &LabelledSet, cases: &HeadCases) -> Option<String> {
    let correct = cases.correct().into_iter().filter(|is_correct| *is_correct).count();
    let (accuracy, constant) = (correct as f64 / cases.cases.len() as f64, cases.constant_accuracy());
    (constant < 1.0 && accuracy <= constant).then(|| {
        format!(
            "warning: certificates for head {} say little: its accuracy on {} is {accuracy:.4}, and always predicting the most frequent \
             label gives {constant:.4}; use articles with the labels that the model was trained on",
            cases.head, set.name
        )
    })
}

/// Returns a warning for each head of each set on which the dtype loses too much accuracy, or one for all together.
fn refusals(measured: &Certificate) -> Vec<String> {
    let line = |refusal: &Refusal| {
        let (loss, place) = match refusal {
            Refusal::Figure(figure) => (figure.accuracy_drop(), format!("on head {} of {}", figure.head, figure.set)),
            Refusal::Significant(figure) => {
                let CertificateFigure { head, set, p, .. } = figure;
                (figure.accuracy_drop(), format!("on head {head} of {set}, which is significant (p = {p:.3})"))
            }
            Refusal::All(drop) => (*drop, "on all data sets together".into()),
        };
        format!("warning: {} is not certified: it loses {loss:.2} points of accuracy {place}", measured.dtype)
    };
    measured.refusals().iter().map(line).collect()
}

fn findings_table(dtypes: &[Finding]) -> Table {
    let headings = [
        "dtype",
        "data set",
        "head",
        "articles",
        "f32 accuracy",
        "accuracy",
        "points lost",
        "agreement",
        "largest change",
        "certified",
    ];
    let mut table = table(&headings, &[3, 4, 5, 6, 7, 8]);
    for Finding { certified, measured } in dtypes {
        for figure in &measured.figures {
            let share = |x: f64| format!("{x:.4}");
            table.add_row(vec![
                measured.dtype.to_string(),
                figure.set.clone(),
                figure.head.clone(),
                figure.articles.to_string(),
                share(figure.accuracy_f32),
                share(figure.accuracy),
                format!("{:.2}", figure.accuracy_drop()),
                share(figure.agreement),
                share(figure.largest_change),
                if *certified { "yes" } else { "no" }.into(),
            ]);
        }
    }
    table
}
