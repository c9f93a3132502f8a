//! The heads that a group of labelled sets teaches together, and where their biases begin.

use crate::error::{Result, TrainError};
use crate::examples::Example;
use newsdesk_data::LabelledSet;
use newsdesk_model::{Head, HeadActivation, HeadLabel};

/// One head for each name that occurs, in order of first appearance. Sets that teach the same head must agree on its
/// labels and their order.
pub(crate) fn union(sets: &[LabelledSet]) -> Result<Vec<Head>> {
    let mut heads: Vec<Head> = Vec::new();
    for set in sets {
        for taught in &set.heads {
            let labels = taught.labels.labels.iter();
            let labels =
                labels.map(|l| HeadLabel { name: l.name.clone(), code: l.code.clone(), threshold: None }).collect();
            let activation = if taught.multi { HeadActivation::Sigmoid } else { HeadActivation::Softmax };
            let head = Head { name: taught.name.clone(), activation, temperature: 1.0, labels };
            match heads.iter().find(|h| h.name == head.name) {
                None => heads.push(head),
                Some(known) if *known == head => {}
                Some(_) => {
                    return Err(TrainError::Data {
                        cause: format!(
                            "`{}` teaches head `{}` with other labels than a set before it",
                            set.name, head.name
                        ),
                        hint: "sets that teach one head use one label list; give theirs another `--head`".into(),
                    });
                }
            }
        }
    }
    match heads.iter().find(|head| head.labels.len() < 2 && head.activation == HeadActivation::Softmax) {
        None => Ok(heads),
        Some(head) => Err(TrainError::Data {
            cause: format!("head `{}` has {} label, which leaves nothing to tell apart", head.name, head.labels.len()),
            hint: "is the label column the right one? name it with `--label-field`".into(),
        }),
    }
}

/// The biases that new heads begin with, by head and label. In a head that gives several labels most are wrong for most
/// articles: a label begins with the log-odds of the share of the examples that it is right for, counted with one more
/// of either kind (Lin et al., "Focal Loss", 2017, section 4.1, on what goes wrong otherwise). All others begin at zero.
pub(crate) fn first_biases<'a>(heads: &[Head], examples: impl Iterator<Item = &'a Example>) -> Vec<Vec<f32>> {
    let mut counts: Vec<(f64, Vec<f64>)> = heads.iter().map(|head| (0.0, vec![0.0; head.labels.len()])).collect();
    for example in examples {
        for ((rows, right), target) in counts.iter_mut().zip(&example.targets) {
            let Some(target) = target else { continue };
            *rows += 1.0;
            target.labels().iter().for_each(|label| right[label.index()] += 1.0);
        }
    }
    let log_odds = |rows: f64, right: f64| ((right + 1.0) / (rows - right + 1.0)).ln() as f32;
    let biases = |(head, (rows, right)): (&Head, (f64, Vec<f64>))| match head.activation {
        HeadActivation::Sigmoid => right.into_iter().map(|right| log_odds(rows, right)).collect(),
        HeadActivation::Softmax => vec![0.0; head.labels.len()],
    };
    heads.iter().zip(counts).map(biases).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use newsdesk_data::{LabelId, Target};

    #[test]
    fn labels_begin_as_frequent_as_they_are() {
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
            let many = labels.map(|labels| Target::All(labels.iter().map(|&label| LabelId(label)).collect()));
            Example { tokens: vec![], targets: vec![Some(Target::One(LabelId(2))), many], soft: vec![] }
        };
        let examples: Vec<Example> = rows.iter().map(example).collect();
        let odds = [4.0f64 / 2.0, 2.0 / 4.0, 1.0 / 5.0].map(|odds| odds.ln() as f32);
        assert_eq!(first_biases(&heads, examples.iter()), [vec![0.0; 3], odds.to_vec()]);
    }
}
