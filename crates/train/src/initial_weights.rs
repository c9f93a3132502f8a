//! The variables that a run starts with: the encoder of the base, the heads that it has already, and new heads.

use crate::error::Result;
use crate::examples::Example;
use crate::random::random;
use crate::vocabulary::Vocabulary;
use candle_core::Tensor;
use newsdesk_model::checkpoint::Variables;
use newsdesk_model::network::{NetworkSpec, Pooling};
use newsdesk_model::{Head, HeadActivation, Model};
use rand::RngExt;

/// The purpose of the random numbers for new heads.
const PURPOSE: u64 = 254;

/// Returns where the network of a run finds encoder and heads among its variables.
pub(crate) fn network_spec(base: &Model, heads: &[Head]) -> NetworkSpec {
    NetworkSpec {
        heads: heads.iter().map(|head| (format!("heads.{}", head.name), head.labels.len())).collect(),
        pooling: base.manifest.pooling,
    }
}

/// Returns the variables that a run starts with. The word table has only the rows of the vocabulary. `biases` are those of new
/// heads, by head and label.
///
/// # Errors
/// If a tensor of the base is missing or has another shape, or the device fails.
pub(crate) fn initial_variables(
    base: &Model,
    vocabulary: &Vocabulary,
    heads: &[Head],
    spec: &NetworkSpec,
    biases: &[Vec<f32>],
    seed: u64,
) -> Result<Variables> {
    let device = base.weights.device().clone();
    let mut variables = Variables::copy_of(&vocabulary.reduce(base)?)?;
    // Old heads and an unused pooler would be stored untrained.
    let is_head = |name: &str| name.starts_with("heads.") || name.starts_with("classifier.");
    let has_pooler = spec.pooling == Pooling::Pooler;
    variables.retain(|name| !is_head(name) && (has_pooler || !name.starts_with("pooler.")));
    let mut random = random(seed, PURPOSE, 0, 0);
    for ((head, (prefix, labels)), biases) in heads.iter().zip(&spec.heads).zip(biases) {
        let width = base.encoder.hidden_size;
        let (weight, bias) = match reused_prefix(base, head) {
            Some(known) => (
                base.weights.get_shaped(&[*labels, width], &format!("{known}.weight"))?,
                base.weights.get_shaped(&[*labels], &format!("{known}.bias"))?,
            ),
            None => {
                // Normal with standard deviation 0.02, as BERT initializes its weights. The sum of 12 uniform numbers
                // approximates a normal distribution well enough.
                let mut normal = || (0..12).map(|_| random.random::<f32>()).sum::<f32>() - 6.0;
                let values: Vec<f32> = (0..labels * width).map(|_| 0.02 * normal()).collect();
                (Tensor::from_vec(values, (*labels, width), &device)?, Tensor::from_slice(biases, *labels, &device)?)
            }
        };
        variables.insert(&format!("{prefix}.weight"), &weight)?;
        variables.insert(&format!("{prefix}.bias"), &bias)?;
    }
    Ok(variables)
}

/// Returns whether training on this base starts from the base's weights of a head; otherwise the head starts from random weights.
pub fn reuses_head(base: &Model, head: &Head) -> bool {
    reused_prefix(base, head).is_some()
}

/// Returns the prefix of the base's weights for a head with the same name, activation and labels; `None` if it has none.
fn reused_prefix<'a>(base: &'a Model, head: &Head) -> Option<&'a str> {
    let same = |known: &Head| {
        let labels = || known.labels.iter().zip(&head.labels);
        known.name == head.name
            && known.activation == head.activation
            && known.labels.len() == head.labels.len()
            && labels().all(|(known, label)| known.name == label.name && known.code == label.code)
    };
    // With another pooling the head would get vectors that it was not trained on.
    let index = base.manifest.heads.iter().position(same).filter(|_| base.network.pooling == base.manifest.pooling)?;
    base.network.heads.get(index).map(|(prefix, _)| prefix.as_str())
}

/// Returns the biases of new heads, by head and label.
///
/// In a multi-label head most labels are wrong for most articles. So a label starts with the log-odds of its share of the
/// examples, with one added to both counts (Lin et al., "Focal Loss", 2017, section 4.1, explains what happens otherwise).
/// The biases of single-label heads start at zero.
pub(crate) fn initial_biases<'a>(heads: &[Head], examples: impl Iterator<Item = &'a Example>) -> Vec<Vec<f32>> {
    let mut counts: Vec<(f64, Vec<f64>)> = heads.iter().map(|head| (0.0, vec![0.0; head.labels.len()])).collect();
    for example in examples {
        for ((rows, positives), gold_labels) in counts.iter_mut().zip(&example.gold_labels) {
            let Some(gold_labels) = gold_labels else { continue };
            *rows += 1.0;
            gold_labels.labels().iter().for_each(|label| positives[label.index()] += 1.0);
        }
    }
    let log_odds = |rows: f64, positives: f64| ((positives + 1.0) / (rows - positives + 1.0)).ln() as f32;
    let biases = |(head, (rows, positives)): (&Head, (f64, Vec<f64>))| match head.activation {
        HeadActivation::Sigmoid => positives.into_iter().map(|positives| log_odds(rows, positives)).collect(),
        HeadActivation::Softmax | HeadActivation::None => vec![0.0; head.labels.len()],
    };
    heads.iter().zip(counts).map(biases).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use newsdesk_data::{GoldLabels, LabelId};
    use newsdesk_model::HeadLabel;

    #[test]
    fn biases_of_multi_label_heads_start_at_the_log_odds_of_their_labels() {
        let label = |name: &str| HeadLabel { name: name.into(), code: None, threshold: None };
        let head = |name: &str, activation| Head {
            name: name.into(),
            activation,
            temperature: 1.0,
            labels: vec![label("a"), label("b"), label("c")],
        };
        let heads = [head("one", HeadActivation::Softmax), head("many", HeadActivation::Sigmoid)];
        let rows: [Option<&[u32]>; 5] = [Some(&[0]), Some(&[0, 1]), Some(&[0]), None, Some(&[])];
        let example = |labels: &Option<&[u32]>| {
            let many = labels.map(|labels| GoldLabels::All(labels.iter().map(|&label| LabelId(label)).collect()));
            Example { gold_labels: vec![Some(GoldLabels::One(LabelId(2))), many], ..Example::default() }
        };
        let examples: Vec<Example> = rows.iter().map(example).collect();
        let odds = [4.0f64 / 2.0, 2.0 / 4.0, 1.0 / 5.0].map(|odds| odds.ln() as f32);
        assert_eq!(initial_biases(&heads, examples.iter()), [vec![0.0; 3], odds.to_vec()]);
    }
}
