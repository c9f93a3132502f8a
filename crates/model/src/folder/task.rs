//! The task of a transformers checkpoint, by the class of its network or by its tensors.

use crate::checkpoint::Weights;
use serde_json::Value;

/// Endings of class names in `architectures` of `config.json`, and their tasks. Classes for text classification and for bare
/// encoders are not among them.
const TASKS: [(&str, &str); 8] = [
    ("ForTokenClassification", "token classification, such as named entities"),
    ("ForQuestionAnswering", "question answering"),
    ("ForMaskedLM", "masked language modelling"),
    ("ForPreTraining", "masked language modelling"),
    ("LMHeadModel", "language modelling"),
    ("ForCausalLM", "language modelling"),
    ("ForNextSentencePrediction", "next sentence prediction"),
    ("ForMultipleChoice", "multiple choice"),
];

/// Returns the task of a checkpoint. Returns `None` for text classifiers and bare encoders. The head of another task does not
/// classify whole texts.
///
/// `file` has the names of the checkpoint, `weights` those of Newsdesk.
pub(super) fn other_task(config: &Value, file: &Weights, weights: &Weights) -> Option<&'static str> {
    let class = config.get("architectures").and_then(|classes| classes.get(0)).and_then(Value::as_str);
    if let Some((_, task)) = class.and_then(|class| TASKS.iter().find(|(ending, _)| class.ends_with(ending))) {
        return Some(task);
    }
    if class.is_some() {
        return None;
    }
    // Old checkpoints do not name their class.
    if file.contains("qa_outputs.weight") {
        Some("question answering")
    } else if weights.contains("classifier.weight") && !weights.contains("pooler.dense.weight") {
        // Text classification reads the pooled first token, token classification does not.
        Some(TASKS[0].1)
    } else if file.contains("cls.predictions.transform.dense.weight") {
        Some("masked language modelling")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device, Tensor};
    use serde_json::json;

    #[test]
    fn tasks_are_known_by_class_or_by_tensors() -> crate::error::Result<()> {
        let task = |config: &Value, names: &[&str]| -> crate::error::Result<_> {
            let zeros = Tensor::zeros(1, DType::F32, &Device::Cpu)?;
            let tensors = names.iter().map(|name| (name.to_string(), zeros.clone())).collect();
            let weights = Weights::from_tensors(tensors, "test");
            Ok(other_task(config, &weights, &weights))
        };
        let class = |name: &str| json!({"architectures": [name]});
        let classifier = ["classifier.weight", "pooler.dense.weight"];
        assert_eq!(task(&class("BertForSequenceClassification"), &classifier)?, None);
        assert_eq!(task(&class("BertModel"), &[])?, None);
        assert_eq!(task(&class("BertForMaskedLM"), &[])?, Some("masked language modelling"));
        assert_eq!(task(&class("BertForMultipleChoice"), &classifier)?, Some("multiple choice"));
        let none = json!({});
        assert_eq!(task(&none, &classifier)?, None);
        assert_eq!(task(&none, &["classifier.weight"])?, Some("token classification, such as named entities"));
        assert_eq!(task(&none, &["qa_outputs.weight"])?, Some("question answering"));
        assert_eq!(task(&json!({"architectures": 3}), &[])?, None);
        Ok(())
    }
}
