//! The names of tensors in the files of an architecture.
//!
//! Inside Newsdesk, all architectures use one set of names ([`EncoderSpec::tensors`], `pooler...`, `classifier`). A layout
//! maps them to the names in a file and back.

use super::spec::{EncoderSpec, TensorSpec, WORD_TABLE};
use crate::checkpoint::Weights;
use crate::error::{ModelError, Result};
use std::collections::BTreeMap;

/// The names of tensors in the files of an architecture.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// The name of the architecture.
    name: &'static str,
    /// Prefix of the encoder's tensors. A file may lack it.
    prefix: &'static str,
    /// Whether the tensors of the file have the prefix.
    has_prefix: bool,
    /// The names of the layers with weights of their own, in order.
    layers: Vec<String>,
    /// The names that differ from ours.
    names: Vec<&'static Name>,
    /// The first part of the names of transformers' classes: `Bert` in `BertModel`.
    class: &'static str,
}

/// A name that differs from ours.
#[derive(Debug, PartialEq)]
pub(super) struct Name {
    place: Place,
    ours: &'static str,
    stored: &'static str,
    /// This part of the rows of the stored tensor, and the number of parts.
    part: Option<(usize, usize)>,
}

/// Where a name belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Layer,
    Encoder,
    /// Outside the encoder, so without its prefix.
    Root,
}

impl Name {
    /// A name inside each layer.
    pub(super) const fn layer(ours: &'static str, stored: &'static str) -> Self {
        Self { place: Place::Layer, ours, stored, part: None }
    }

    /// A name inside each layer, whose tensor is one of several equal parts of the rows of a stored tensor.
    pub(super) const fn layer_part(ours: &'static str, stored: &'static str, part: usize, parts: usize) -> Self {
        Self { place: Place::Layer, ours, stored, part: Some((part, parts)) }
    }

    /// A name of the encoder outside its layers.
    pub(super) const fn encoder(ours: &'static str, stored: &'static str) -> Self {
        Self { place: Place::Encoder, ours, stored, part: None }
    }

    /// A name outside the encoder.
    pub(super) const fn root(ours: &'static str, stored: &'static str) -> Self {
        Self { place: Place::Root, ours, stored, part: None }
    }
}

/// The name of a tensor in a file, and which part of its rows.
struct StoredName {
    name: String,
    part: Option<(usize, usize)>,
}

const LAYER: &str = "encoder.layer.";
/// A tensor that every layer has.
const QUERY: &str = "attention.self.query.weight";

impl Layout {
    /// Creates the layout of an architecture with this name, in classes of transformers whose names begin with `class`.
    pub(super) fn new(
        name: &'static str,
        class: &'static str,
        prefix: &'static str,
        layers: Vec<String>,
        names: &[&'static [Name]],
    ) -> Self {
        Self { name, prefix, has_prefix: true, layers, names: names.iter().copied().flatten().collect(), class }
    }

    /// Returns the name in the file for one of our names.
    fn stored(&self, ours: &str) -> StoredName {
        let (stem, kind) = ours.rsplit_once('.').unwrap_or((ours, ""));
        let layer = stem.strip_prefix(LAYER).and_then(|rest| {
            let (number, part) = rest.split_once('.')?;
            Some((self.layers.get(number.parse::<usize>().ok()?)?, part))
        });
        let find = |is_layer: bool, part: &str| {
            self.names.iter().find(|name| (name.place == Place::Layer) == is_layer && name.ours == part)
        };
        let is_head = |stem: &str| stem == "classifier" || stem.starts_with("heads.");
        let (place, stem, part) = match layer {
            Some((layer, part)) => {
                let known = find(true, part);
                let stem = format!("{layer}.{}", known.map_or(part, |name| name.stored));
                (Place::Encoder, stem, known.and_then(|name| name.part))
            }
            None => match find(false, stem) {
                Some(name) => (name.place, name.stored.to_string(), name.part),
                None if is_head(stem) => (Place::Root, stem.to_string(), None),
                None => (Place::Encoder, stem.to_string(), None),
            },
        };
        let name = match place {
            Place::Root => format!("{stem}.{kind}"),
            _ => format!("{}{stem}.{kind}", self.current_prefix()),
        };
        StoredName { name, part }
    }

    fn current_prefix(&self) -> String {
        if self.has_prefix { format!("{}.", self.prefix) } else { String::new() }
    }

    /// Returns this layout with or without the prefix, as the tensors of a file have it.
    ///
    /// # Errors
    /// If the file has the word embeddings under both names.
    pub(crate) fn of_file(&self, file: &Weights) -> Result<Self> {
        let [with, without] = [true, false].map(|has_prefix| Self { has_prefix, ..self.clone() });
        let [prefixed, bare] = [&with, &without].map(|layout| layout.stored(WORD_TABLE).name);
        match (file.contains(&prefixed), file.contains(&bare)) {
            (true, true) if prefixed != bare => Err(ModelError::Invalid {
                file: file.file().into(),
                key: prefixed,
                cause: format!("there is also `{bare}`, so the file holds two encoders"),
            }),
            (true, _) => Ok(with),
            (false, true) => Ok(without),
            // A missing tensor is reported under the name that most files use.
            (false, false) => Ok(with),
        }
    }

    /// Returns the tensors of a file under our names: the encoder, and the pooler, classifier and heads if they are there.
    /// Other tensors are left out. `config` names `config.json` in errors.
    ///
    /// # Errors
    /// If a tensor is missing or has another shape than the configuration says, or there are more layers.
    pub(crate) fn read(&self, file: &Weights, encoder: &EncoderSpec, config: &str) -> Result<Weights> {
        self.check_layers(file, encoder, config)?;
        let mut tensors = BTreeMap::new();
        let mut add = |TensorSpec { name, shape }: TensorSpec| -> Result<()> {
            let stored = self.stored(&name);
            tensors.insert(name, file.part(&shape, &stored.name, stored.part)?);
            Ok(())
        };
        encoder.tensors().into_iter().try_for_each(&mut add)?;
        let pooler = encoder.pooler_tensors();
        if pooler.iter().any(|tensor| file.contains(&self.stored(&tensor.name).name)) {
            pooler.into_iter().try_for_each(&mut add)?;
        }
        for kind in ["weight", "bias"] {
            let ours = format!("classifier.{kind}");
            let stored = self.stored(&ours).name;
            if let Some(shape) = file.shape(&stored).map(<[usize]>::to_vec) {
                tensors.insert(ours, file.part(&shape, &stored, None)?);
            }
        }
        for name in file.names().filter(|name| name.starts_with("heads.")) {
            let shape = file.shape(name).unwrap_or_default().to_vec();
            tensors.insert(name.to_string(), file.part(&shape, name, None)?);
        }
        Ok(file.with_tensors(tensors))
    }

    /// Checks that the file has as many layers as the configuration says.
    fn check_layers(&self, file: &Weights, encoder: &EncoderSpec, config: &str) -> Result<()> {
        let count = encoder.distinct_layers();
        // The name of the layer after the last one. With ALBERT, this finds an inner layer too many, not a group too many.
        let Some((stem, number)) = self.layers.last().and_then(|last| last.rsplit_once('.')) else { return Ok(()) };
        let Ok(last) = number.parse::<usize>() else { return Ok(()) };
        let mut longer = self.clone();
        longer.layers.push(format!("{stem}.{}", last + 1));
        if file.contains(&longer.stored(&format!("{LAYER}{count}.{QUERY}")).name) {
            return Err(ModelError::Mismatch {
                file: config.into(),
                key: "num_hidden_layers".into(),
                cause: format!("the encoder of the weights has more layers than {count}"),
            });
        }
        Ok(())
    }

    /// Returns tensors under our names as a file of this architecture holds them.
    ///
    /// # Errors
    /// If the device fails.
    pub fn stored_weights(&self, weights: &Weights) -> Result<Weights> {
        let mut whole = BTreeMap::new();
        let mut parts: BTreeMap<String, Vec<(usize, String)>> = BTreeMap::new();
        for ours in weights.names() {
            let StoredName { name, part } = self.stored(ours);
            match part {
                None => drop(whole.insert(name, weights.stored(ours)?.clone())),
                Some((part, _)) => parts.entry(name).or_default().push((part, ours.into())),
            }
        }
        for (name, mut parts) in parts {
            parts.sort();
            let parts: Vec<&str> = parts.iter().map(|(_, ours)| ours.as_str()).collect();
            whole.insert(name, weights.joined(&parts)?);
        }
        Ok(weights.with_tensors(whole))
    }

    /// Returns this layout with the prefix, as transformers' class for text classification has it.
    pub(crate) fn of_classifier(&self) -> Self {
        Self { has_prefix: true, ..self.clone() }
    }

    /// Returns the name of the architecture, such as `RoBERTa`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the prefix that the encoder's tensors may have in a file.
    pub fn prefix(&self) -> &'static str {
        self.prefix
    }

    /// Returns the name of transformers' class for the bare encoder.
    pub fn encoder_class(&self) -> String {
        format!("{}Model", self.class)
    }

    /// Returns the name of transformers' class for text classification.
    pub fn classifier_class(&self) -> String {
        format!("{}ForSequenceClassification", self.class)
    }
}
