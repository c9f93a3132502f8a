//! What a model is, and how to use it.

use super::markdown::plain;
use newsdesk_model::linear::FeatureRecord;
use newsdesk_model::{AnyModel, Head, HeadActivation};

/// Returns the title and the section on heads and architecture.
pub(super) fn description(model: &AnyModel) -> String {
    let manifest = model.manifest();
    let heads = if manifest.heads.len() == 1 { "one head" } else { "these heads, in one pass" };
    let mut text =
        format!("# {}\n\n## Model description\n\nA text classifier with {heads}:\n\n", plain(&manifest.name));
    for head in &manifest.heads {
        let labels_per_article = match head.activation {
            HeadActivation::Softmax => "one label per article",
            HeadActivation::Sigmoid => "any number of labels per article",
            HeadActivation::None => "a number per label",
        };
        text += &format!("- **{}** ({labels_per_article}): {}\n", plain(&head.name), labels(head));
    }
    let (window, parameters) = (&manifest.window, model.parameters());
    text += &match model {
        AnyModel::Encoder(model) => format!(
            "\nIt is a {} encoder with {} layers of width {}, and has {parameters} parameters including the heads. Articles of any \
             length are split into windows of {} tokens; neighbouring windows share {} tokens. Token vectors are pooled by \
             `{}`, and the predictions of an article's windows are combined by `{}`.\n",
            model.layout.name(),
            model.encoder.layers.len(),
            model.encoder.hidden_size,
            window.length,
            window.overlap,
            manifest.pooling,
            window.combine
        ),
        AnyModel::Linear(model) => {
            let FeatureRecord { buckets, words, characters } = model.features();
            let ngrams = match characters {
                Some([min, max]) if min == max => format!(" and character {min}-grams within words"),
                Some([min, max]) => format!(" and character n-grams of {min} to {max} within words"),
                None => String::new(),
            };
            format!(
                "\nIt is a linear model without an encoder. Its features are word n-grams of up to {words}{ngrams}, hashed into \
                 {buckets} buckets and weighted by inverse document frequency. It has {parameters} parameters. The order of \
                 the features in an article has no influence.\n"
            )
        }
    };
    text
}

/// Returns the labels of a head, with their codes.
fn labels(head: &Head) -> String {
    let names = head.labels.iter().map(|label| match &label.code {
        Some(code) => format!("{} ({})", plain(&label.name), plain(code)),
        None => plain(&label.name),
    });
    names.collect::<Vec<_>>().join("; ")
}

/// Returns the section with commands.
pub(super) fn usage() -> String {
    "## Usage\n\nWith this folder as `MODEL`:\n\n```\nnewsdesk classify articles.jsonl --model MODEL\n\
     newsdesk eval MODEL --data labelled.csv\nnewsdesk models info MODEL\n```\n"
        .into()
}
