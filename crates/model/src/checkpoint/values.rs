//! Access to the values of candle tensors on the CPU.

use candle_core::{CpuStorage, Layout, Tensor};

/// Calls `f` with the values of a tensor on the CPU, in row-major order.
///
/// # Errors
/// If the tensor is on another device or is not f32.
pub(crate) fn with_values<T>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> T) -> candle_core::Result<T> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        candle_core::Storage::Cpu(storage) => Ok(f(values(storage, layout)?)),
        _ => candle_core::bail!("expected a tensor on the CPU"),
    }
}

/// Returns the values of a contiguous f32 tensor.
///
/// # Errors
/// If the tensor is not contiguous or not f32.
pub(crate) fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> candle_core::Result<&'a [f32]> {
    let (start, end) = layout.contiguous_offsets().ok_or(candle_core::Error::RequiresContiguous { op: "newsdesk" })?;
    Ok(&storage.as_slice::<f32>()?[start..end])
}
