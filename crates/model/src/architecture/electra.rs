//! ELECTRA. Source: Clark et al., "ELECTRA", 2020; `ElectraForSequenceClassification` of transformers.
//!
//! The embeddings may be narrower than the hidden states. A dense layer then widens them.

use super::keys::Keys;
use super::layout::Name;
use super::{Activation, Architecture, Layout, bert, numbered, roberta};
use crate::error::Result;

const NAMES: &[Name] = &[Name::encoder("embeddings.projection", "embeddings_project")];

pub(super) fn read(keys: Keys) -> Result<Architecture> {
    let mut encoder = bert::encoder(keys)?;
    encoder.embeddings.width = keys.size("embedding_size")?;
    encoder.embeddings.has_projection = encoder.embeddings.width != encoder.hidden_size;
    encoder.pooler.activation = Activation::Gelu;
    let layout = Layout::new(
        "ELECTRA",
        "Electra",
        "electra",
        numbered("encoder.layer", encoder.layers.len()),
        &[NAMES, roberta::HEAD],
    );
    Ok(Architecture { encoder, layout })
}
