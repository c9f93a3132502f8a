//! The weights of a model: from the files of a checkpoint to tensors by name.
//!
//! A checkpoint is one file, or several parts with an index, in one of two formats: safetensors, or the format of
//! `torch.save`, which is read only if the caller allows it. Either way, a tensor stays as bytes of its file until
//! [`Weights`] converts it. Matrices may be stored as integers with scales.

mod bytes;
mod checks;
mod index;
mod part;
mod pickle;
mod quantised;
mod remote_code;
mod safetensors;
mod source;
mod stored;
mod table;
mod values;
mod variables;
mod weights;
mod write;

pub(crate) use index::Index;
pub(crate) use part::Part;
pub(crate) use quantised::{Quantised, SCALES};
pub(crate) use remote_code::refuse_remote_code;
pub(crate) use source::{Checkpoint, FileFormat};
pub use table::RowTable;
pub(crate) use values::{values, with_values};
pub use variables::Variables;
pub use weights::Weights;
pub(crate) use write::write_safetensors;
