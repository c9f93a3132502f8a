//! MPNet. Source: Song et al., "MPNet", 2020; `MPNetForSequenceClassification` of transformers.
//!
//! BERT without segments. A bias that depends on the distance of two tokens is added to the scores of all layers.

use super::keys::Keys;
use super::layout::Name;
use super::{Architecture, Layout, RelativeSpec, bert, numbered, roberta};
use crate::error::Result;

const NAMES: &[Name] = &[
    Name::layer("attention.self.query", "attention.attn.q"),
    Name::layer("attention.self.key", "attention.attn.k"),
    Name::layer("attention.self.value", "attention.attn.v"),
    Name::layer("attention.output.dense", "attention.attn.o"),
    Name::layer("attention.output.LayerNorm", "attention.LayerNorm"),
    Name::root("pooler.dense", "classifier.dense"),
    Name::root("classifier", "classifier.out_proj"),
];

/// Transformers counts positions from here, whatever the padding token is.
const FIRST_POSITION: usize = 2;

pub(super) fn read(keys: Keys) -> Result<Architecture> {
    let mut encoder = bert::encoder(keys)?;
    encoder.pad_token_id = keys.padding(encoder.vocab_size, 1)?;
    encoder.embeddings.segments = 0;
    let buckets = keys.size_if_any("relative_attention_num_buckets")?.unwrap_or(32);
    if !buckets.is_multiple_of(4) {
        let cause = format!("{buckets} is no multiple of 4");
        return Err(keys.invalid("relative_attention_num_buckets", &cause));
    }
    encoder.attention.relative = RelativeSpec::Bias { buckets };
    roberta::shift_positions(keys, &mut encoder, FIRST_POSITION)?;
    let layout = Layout {
        name: "MPNet",
        prefix: "mpnet",
        has_prefix: true,
        layers: numbered("encoder.layer", encoder.layers.len()),
        names: NAMES,
        encoder_class: "MPNetModel",
        classifier_class: "MPNetForSequenceClassification",
    };
    Ok(Architecture { encoder, layout })
}
