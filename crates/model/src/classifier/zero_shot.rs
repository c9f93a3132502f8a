//! Zero-shot classification: labels that no head was trained for, by a checkpoint for natural language inference (NLI).
//!
//! Each label becomes a hypothesis, such as "This example is sport.". The checkpoint tells how far the article entails it.
//! Source: Yin et al., "Benchmarking Zero-shot Text Classification", 2019; the pipeline of the same name in transformers.

use crate::error::{ModelError, Result};
use crate::folder::Model;
use crate::head::{Head, HeadActivation, HeadLabel, Logits};
use crate::tokenize::{Frame, TokenId};
use serde::{Deserialize, Serialize};

/// The labels of zero-shot classification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZeroShot {
    /// The labels.
    pub labels: Vec<String>,
    /// The hypothesis, with `{}` where the label goes.
    pub hypothesis: String,
    /// Whether any number of labels can be correct.
    pub multi_label: bool,
}

impl ZeroShot {
    /// The hypothesis that transformers uses.
    pub const HYPOTHESIS: &str = "This example is {}.";

    /// Returns the head that the labels make.
    pub(super) fn head(&self) -> Head {
        let label = |name: &String| HeadLabel { name: name.clone(), code: None, threshold: None };
        Head {
            name: "label".into(),
            activation: if self.multi_label { HeadActivation::Sigmoid } else { HeadActivation::Softmax },
            temperature: 1.0,
            labels: self.labels.iter().map(label).collect(),
        }
    }
}

/// The pairs of a window with each hypothesis.
pub(super) struct Pairs {
    /// The tokens around a window, by label.
    frames: Vec<Frame>,
    /// The longest pair, in tokens.
    max_length: usize,
    /// The output of the checkpoint's head that means entailment.
    entailment: usize,
    /// With several labels, the output that means contradiction.
    contradiction: Option<usize>,
}

/// A window of text and a hypothesis.
pub(super) struct Pair {
    pub(super) ids: Vec<TokenId>,
    /// The index of the first token of segment 1.
    pub(super) second_segment: usize,
}

impl Pairs {
    /// Prepares the hypotheses of a checkpoint whose windows have at most `max_length` tokens.
    ///
    /// # Errors
    /// If the labels cannot be used, the checkpoint has no label for entailment, or a hypothesis is too long.
    pub(super) fn new(model: &Model, zero_shot: &ZeroShot, max_length: usize) -> Result<Self> {
        let invalid = |cause: String| ModelError::ZeroShot { cause };
        let ZeroShot { labels, hypothesis, multi_label } = zero_shot;
        if labels.is_empty() || labels.iter().any(|label| label.trim().is_empty()) {
            return Err(invalid("a label is empty".into()));
        }
        if let Some(label) =
            labels.iter().enumerate().find_map(|(i, label)| labels[..i].contains(label).then_some(label))
        {
            return Err(invalid(format!("the label `{label}` is named twice")));
        }
        if labels.len() < 2 && !multi_label {
            return Err(invalid("there is only one label, and exactly one label of several is correct".into()));
        }
        if !hypothesis.contains("{}") {
            return Err(invalid(format!("the hypothesis `{hypothesis}` has no {{}} for the label")));
        }
        let [head] = model.manifest.heads.as_slice() else {
            return Err(invalid(format!("the model has {} heads instead of one", model.manifest.heads.len())));
        };
        let entailment = head.labels.iter().position(|label| label.name.to_lowercase().starts_with("entail"));
        let Some(entailment) = entailment else {
            let names = head.names().join("`, `");
            return Err(invalid(format!("none of the model's labels `{names}` means entailment")));
        };
        // The rule of transformers.
        let contradiction = if entailment == 0 { head.labels.len() - 1 } else { 0 };
        let frame = |label: &String| model.tokenizer.pair_frame(&hypothesis.replace("{}", label));
        let frames: Vec<Frame> = labels.iter().map(frame).collect::<Result<_>>()?;
        if let Some((label, frame)) = labels.iter().zip(&frames).find(|(_, frame)| frame.tokens() >= max_length) {
            let tokens = frame.tokens();
            return Err(invalid(format!(
                "the hypothesis for `{label}` has {tokens} tokens, which leaves no room for the article in {max_length}"
            )));
        }
        let contradiction = multi_label.then_some(contradiction);
        Ok(Self { frames, max_length, entailment, contradiction })
    }

    /// Returns the maximum number of text tokens in a window.
    pub(super) fn window_length(&self) -> usize {
        self.max_length - self.frames.iter().map(Frame::tokens).min().unwrap_or(0)
    }

    /// Returns the pairs of a window. The window has no special tokens.
    ///
    /// A window is shortened for a longer hypothesis: the first window of a text at its end, as in transformers, and others at
    /// their start. Windows usually overlap by more tokens than that.
    pub(super) fn of<'a>(&'a self, window: &'a [TokenId], is_first: bool) -> impl Iterator<Item = Pair> + 'a {
        self.frames.iter().map(move |frame| {
            let count = window.len().min(self.max_length - frame.tokens());
            let text = if is_first { &window[..count] } else { &window[window.len() - count..] };
            Pair { ids: frame.around(text), second_segment: frame.first_segment(count) }
        })
    }

    /// Returns the logits of the labels, from those of the checkpoint's head for each pair of a window.
    pub(super) fn logits(&self, pairs: &[Logits]) -> Logits {
        let label = |Logits(pair): &Logits| match self.contradiction {
            None => pair[self.entailment],
            // The softmax over both is the sigmoid of their difference.
            Some(contradiction) => pair[self.entailment] - pair[contradiction],
        };
        Logits(pairs.iter().map(label).collect())
    }

    /// Returns the number of labels.
    pub(super) fn labels(&self) -> usize {
        self.frames.len()
    }
}
