//! RoBERTa and the models with its layout: XLM-RoBERTa and CamemBERT. Source: Liu et al., "RoBERTa", 2019;
//! `RobertaForSequenceClassification` of transformers.
//!
//! Positions are counted from the id of the padding token plus one. Classification has a dense layer of its own, and the
//! pooler of a checkpoint is not used.

use super::bert;
use super::keys::Keys;
use super::layout::Name;
use super::{Architecture, EncoderSpec, Layout, PositionTable, numbered};
use crate::error::Result;

/// The names of the head of RoBERTa, which its relatives share.
pub(super) const HEAD: &[Name] =
    &[Name::root("pooler.dense", "classifier.dense"), Name::root("classifier", "classifier.out_proj")];

/// Reads the configuration of the architecture `name`, in classes of transformers whose names begin with `class`.
pub(super) fn read(keys: Keys, name: &'static str, class: &'static str) -> Result<Architecture> {
    let encoder = encoder(keys)?;
    let layers = numbered("encoder.layer", encoder.layers.len());
    let layout = Layout::new(name, class, "roberta", layers, &[HEAD]);
    Ok(Architecture { encoder, layout })
}

/// Reads the keys that RoBERTa and XLM-RoBERTa-XL have in common.
pub(super) fn encoder(keys: Keys) -> Result<EncoderSpec> {
    let mut encoder = bert::encoder(keys)?;
    encoder.pad_token_id = keys.padding(encoder.vocab_size, 1)?;
    let first = encoder.pad_token_id as usize + 1;
    shift_positions(keys, &mut encoder, first)?;
    Ok(encoder)
}

/// Lets positions start at this row of the position table.
pub(super) fn shift_positions(keys: Keys, encoder: &mut EncoderSpec, first: usize) -> Result<()> {
    let rows = encoder.max_length;
    if rows <= first {
        let cause = format!("positions start at row {first}, so a table of {rows} rows has none");
        return Err(keys.invalid("max_position_embeddings", &cause));
    }
    encoder.embeddings.positions = Some(PositionTable { rows, first });
    encoder.max_length = rows - first;
    Ok(())
}
