//! The functions and classes that the program of a checkpoint may name. None of them is ever called.

use crate::checkpoint::stored::NumberFormat;

/// A function or class of Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Global {
    /// `collections.OrderedDict`: the state dict itself.
    OrderedDict,
    /// A function of torch that makes a tensor.
    Rebuild(Rebuild),
    /// The class of a storage, which says what its numbers are.
    Storage(Element),
}

/// The functions of torch that make tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rebuild {
    /// `torch._utils._rebuild_tensor(storage, offset, size, stride)`
    Tensor,
    /// `torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks)`
    TensorV2,
    /// `torch._utils._rebuild_parameter(tensor, requires_grad, hooks)`
    Parameter,
}

/// The numbers of a storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    /// Floating-point numbers, of which weights are made.
    Weight(NumberFormat),
    /// Integers or truth values of this many bytes, which are not weights.
    Other(usize),
}

impl Element {
    /// Returns the bytes of a number.
    pub(super) fn size(self) -> usize {
        match self {
            Self::Weight(format) => format.size(),
            Self::Other(size) => size,
        }
    }
}

/// Returns what a name of Python stands for, if it is on the list.
pub(super) fn find(module: &str, name: &str) -> Option<Global> {
    let weight = |format| Some(Global::Storage(Element::Weight(format)));
    let other = |size| Some(Global::Storage(Element::Other(size)));
    match (module, name) {
        ("collections", "OrderedDict") => Some(Global::OrderedDict),
        ("torch._utils", "_rebuild_tensor") => Some(Global::Rebuild(Rebuild::Tensor)),
        ("torch._utils", "_rebuild_tensor_v2") => Some(Global::Rebuild(Rebuild::TensorV2)),
        ("torch._utils", "_rebuild_parameter") => Some(Global::Rebuild(Rebuild::Parameter)),
        ("torch", "DoubleStorage") => weight(NumberFormat::F64),
        ("torch", "FloatStorage") => weight(NumberFormat::F32),
        ("torch", "HalfStorage") => weight(NumberFormat::F16),
        ("torch", "BFloat16Storage") => weight(NumberFormat::Bf16),
        ("torch", "LongStorage") => other(8),
        ("torch", "IntStorage") => other(4),
        ("torch", "BoolStorage") => other(1),
        _ => None,
    }
}
