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
];

/// More buckets would leave no distance for the logarithmic scale, which ends at 128.
const MAX_BUCKETS: usize = 256;

/// Transformers counts positions from here, whatever the padding token is.
const FIRST_POSITION: usize = 2;

pub(super) fn read(keys: Keys) -> Result<Architecture> {
    let mut encoder = bert::encoder(keys)?;
    encoder.pad_token_id = keys.padding(encoder.vocab_size, 1)?;
    encoder.embeddings.segments = 0;
    let buckets = keys.size_if_any("relative_attention_num_buckets")?.unwrap_or(32);
    if !buckets.is_multiple_of(4) || buckets > MAX_BUCKETS {
        let cause = format!("{buckets} is no multiple of 4 up to {MAX_BUCKETS}");
        return Err(keys.invalid("relative_attention_num_buckets", &cause));
    }
    encoder.attention.relative = RelativeSpec::Bias { buckets };
    roberta::shift_positions(keys, &mut encoder, FIRST_POSITION)?;
    let layout = Layout::new(
        "MPNet",
        "MPNet",
        "mpnet",
        numbered("encoder.layer", encoder.layers.len()),
        &[NAMES, roberta::HEAD],
    );
    Ok(Architecture { encoder, layout })
}
