//! Copies a checkpoint into a folder with one safetensors file.

use super::files::read_file;
use super::names::{WEIGHTS, files_beside_weights};
use super::open::Model;
use super::save::write;
use crate::checkpoint::write_safetensors;
use crate::error::Result;
use std::path::Path;

/// Copies the checkpoint in `from`, which was opened as `model`, into the folder `to`, which is created if it does not
/// exist. Readers never see a partial file.
///
/// The weights become one `model.safetensors`. Their numbers do not change, except that f64 becomes f32. Weights under
/// the old names `LayerNorm.gamma` and `LayerNorm.beta` get the present names. Other files are copied as they are.
///
/// # Errors
/// If a file cannot be read or written.
pub fn convert(from: &Path, model: &Model, to: &Path) -> Result<()> {
    for name in files_beside_weights().filter(|name| from.join(name).is_file()) {
        write(to, name, &read_file(from, name)?)?;
    }
    // Written last, so that a folder with weights is complete.
    write_safetensors(&model.file, &to.join(WEIGHTS))
}
