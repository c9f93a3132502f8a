//! The heads that a group of labelled sets teaches together.

use crate::error::{Result, TrainError};
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
