//! Finds the tensors of a state dict in the values of its program, and checks each against its storage.

use super::archive::Archive;
use super::fault::Fault;
use super::globals::{Element, Global, Rebuild};
use super::values::{Id, Value, Values};
use crate::checkpoint::bytes::Bytes;
use crate::checkpoint::part::NamedTensor;
use crate::checkpoint::stored::{Region, Stored};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// The longest name of a tensor, in bytes.
const MAX_NAME: usize = 500;
/// The largest number of dimensions.
const MAX_DIMENSIONS: usize = 8;
/// Tensors may share a storage. Together they may have this many times the bytes of the file, so that a small file
/// cannot describe any amount of work.
const MAX_SHARING: usize = 8;

/// Returns the tensors of a state dict.
///
/// # Errors
/// If the value is not a flat mapping of names to tensors, or a tensor does not fit its storage.
pub(super) fn read(
    values: &Values,
    root: Id,
    program: &[u8],
    archive: &Archive,
    file: &Bytes,
) -> Result<Vec<NamedTensor>, Fault> {
    let Value::Dict { items, .. } = values.get(root) else {
        let kind = values.get(root).kind();
        return Err(Fault::other_contents(format!("it holds {kind}, not a mapping of names to tensors")));
    };
    let reader = Reader { values, program, archive, file };
    let (mut tensors, mut names, mut budget) = (vec![], BTreeSet::new(), Budget::new((**file).as_ref().len()));
    for (key, value) in items {
        let name = reader.text(*key).ok_or_else(|| {
            Fault::other_contents("it is a mapping with keys that are not texts, not one of names to tensors")
        })?;
        if name.len() > MAX_NAME {
            return Err(Fault::damaged(format!("one of its tensors has a name of {} bytes", name.len())));
        }
        if !names.insert(name) {
            return Err(Fault::damaged(format!("it has two tensors with the name `{name}`")));
        }
        let Value::Rebuilt(rebuild, arguments) = values.get(*value) else {
            let kind = values.get(*value).kind();
            let cause =
                format!("its entry `{name}` is {kind}, not a tensor: it is not a flat mapping of names to tensors");
            return Err(Fault::other_contents(cause));
        };
        let region = reader
            .rebuilt(*rebuild, *arguments, &mut budget)
            .map_err(|cause| Fault::damaged(format!("its tensor `{name}` is invalid: {cause}")))?;
        tensors.push(NamedTensor { name: name.to_owned(), values: region.map(Stored::Bytes) });
    }
    Ok(tensors)
}

/// The bytes that tensors may still have.
struct Budget {
    /// All tensors together.
    all: usize,
    /// Tensors that are copied.
    copied: usize,
}

impl Budget {
    fn new(length: usize) -> Self {
        Self { all: length.saturating_mul(MAX_SHARING), copied: length }
    }
}

/// A storage: the bytes of an entry.
struct Storage {
    bytes: Range<usize>,
    element: Element,
    /// The numbers in it.
    length: usize,
}

struct Reader<'a> {
    values: &'a Values,
    program: &'a [u8],
    archive: &'a Archive<'a>,
    file: &'a Bytes,
}

impl<'a> Reader<'a> {
    fn text(&self, id: Id) -> Option<&'a str> {
        match self.values.get(id) {
            Value::Text(range) => std::str::from_utf8(&self.program[range.clone()]).ok(),
            _ => None,
        }
    }

    fn tuple(&self, id: Id, what: &str) -> Result<&'a [Id], String> {
        match self.values.get(id) {
            Value::Tuple(items) => Ok(items),
            other => Err(format!("its {what} is {}, not a tuple", other.kind())),
        }
    }

    /// Returns a number that must not be negative.
    fn number(&self, id: Id, what: &str) -> Result<usize, String> {
        match self.values.get(id) {
            Value::Int(number) => usize::try_from(*number).map_err(|_| format!("{number} is not a possible {what}")),
            other => Err(format!("its {what} is {}, not a number", other.kind())),
        }
    }

    /// Returns what a function of torch makes of its arguments. Returns `None` for a tensor that holds no weights.
    fn rebuilt(&self, rebuild: Rebuild, arguments: Id, budget: &mut Budget) -> Result<Option<Region>, String> {
        let arguments = self.tuple(arguments, "description")?;
        match (rebuild, arguments) {
            (Rebuild::Tensor, [storage, offset, size, stride])
            | (Rebuild::TensorV2, [storage, offset, size, stride, _, _] | [storage, offset, size, stride, _, _, _]) => {
                self.tensor([*storage, *offset, *size, *stride], budget)
            }
            (Rebuild::Parameter, [tensor, _, _]) => match self.values.get(*tensor) {
                Value::Rebuilt(inner, arguments) if *inner != Rebuild::Parameter => {
                    self.rebuilt(*inner, *arguments, budget)
                }
                other => Err(format!("it is a parameter made of {}", other.kind())),
            },
            _ => Err(format!("its description has {} parts", arguments.len())),
        }
    }

    fn tensor(&self, [storage, offset, size, stride]: [Id; 4], budget: &mut Budget) -> Result<Option<Region>, String> {
        let storage = self.storage(storage)?;
        let offset = self.number(offset, "offset")?;
        let numbers = |id: Id, what: &str| -> Result<Vec<usize>, String> {
            self.tuple(id, what)?.iter().map(|number| self.number(*number, what)).collect()
        };
        let (shape, strides) = (numbers(size, "size")?, numbers(stride, "stride")?);
        if shape.len() != strides.len() || shape.len() > MAX_DIMENSIONS {
            return Err(format!("it has {} dimensions and {} strides", shape.len(), strides.len()));
        }
        let count = shape.iter().try_fold(1usize, |count, size| count.checked_mul(*size));
        let count = count.filter(|count| *count <= storage.length).ok_or_else(|| {
            format!("its shape {shape:?} needs more numbers than the {} of its storage", storage.length)
        })?;
        let last = match count {
            // Without numbers, nothing is read.
            0 => Some(offset),
            _ => shape
                .iter()
                .zip(&strides)
                .try_fold(offset, |last, (size, stride)| last.checked_add((size - 1).checked_mul(*stride)?)),
        };
        if last.is_none_or(|last| last >= storage.length.max(1)) {
            let length = storage.length;
            return Err(format!(
                "offset {offset} and strides {strides:?} lead beyond the {length} numbers of its storage"
            ));
        }
        let Element::Weight(format) = storage.element else { return Ok(None) };
        let bytes = count * format.size();
        budget.all = budget.all.checked_sub(bytes).ok_or("too many tensors share a storage")?;
        if is_contiguous(&shape, &strides) {
            let start = storage.bytes.start + if count == 0 { 0 } else { offset * format.size() };
            return Ok(Some(Region { file: self.file.clone(), range: start..start + bytes, format, shape }));
        }
        budget.copied = budget.copied.checked_sub(bytes).ok_or("too many tensors are views with other strides")?;
        let source = &(**self.file).as_ref()[storage.bytes];
        let copy = gathered(source, offset, &shape, &strides, format.size());
        Ok(Some(Region { file: Arc::new(copy), range: 0..bytes, format, shape }))
    }

    fn storage(&self, id: Id) -> Result<Storage, String> {
        let Value::Persistent(identifier) = self.values.get(id) else {
            return Err(format!("its storage is {}", self.values.get(id).kind()));
        };
        let [kind, class, key, location, length] = *self.tuple(*identifier, "storage")? else {
            return Err("its storage has no type, key and size".into());
        };
        let Value::Global(Global::Storage(element)) = *self.values.get(class) else {
            return Err("its storage has no type".into());
        };
        let (Some("storage"), Some(key), Some(_)) = (self.text(kind), self.text(key), self.text(location)) else {
            return Err("its storage has no key".into());
        };
        let length = self.number(length, "size of a storage")?;
        let bytes = match self.archive.entry(&format!("data/{key}")) {
            Some(bytes) => bytes,
            None if key.len() > MAX_NAME => return Err("its storage has an overlong key".into()),
            None => return Err(format!("there is no entry `data/{key}`")),
        };
        if length.checked_mul(element.size()) != Some(bytes.len()) {
            let size = element.size();
            return Err(format!("`data/{key}` has {} bytes, but should have {length} times {size}", bytes.len()));
        }
        Ok(Storage { bytes: bytes.clone(), element, length })
    }
}

/// Returns whether numbers are in row-major order without gaps.
fn is_contiguous(shape: &[usize], strides: &[usize]) -> bool {
    let mut expected = 1;
    shape.contains(&0)
        || shape.iter().zip(strides).rev().all(|(&size, &stride)| {
            let fits = size == 1 || stride == expected;
            expected *= size;
            fits
        })
}

/// Copies the numbers of a view into row-major order. The caller has checked that all of them are in the storage.
fn gathered(source: &[u8], offset: usize, shape: &[usize], strides: &[usize], size: usize) -> Vec<u8> {
    let mut copy = Vec::with_capacity(shape.iter().product::<usize>() * size);
    let mut index = vec![0; shape.len()];
    loop {
        let position: usize = offset + index.iter().zip(strides).map(|(index, stride)| index * stride).sum::<usize>();
        copy.extend_from_slice(&source[position * size..(position + 1) * size]);
        // The last index that can still grow, while those after it begin again.
        let Some(next) = (0..shape.len()).rev().find(|&at| index[at] + 1 < shape[at]) else { return copy };
        index[next] += 1;
        index[next + 1..].fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Views of a transposed array have the numbers that the definition of strides gives.
        #[test]
        fn views_are_read_in_row_major_order(shape in prop::collection::vec(1usize..5, 1..4), offset in 0usize..5) {
            let mut strides = vec![1; shape.len()];
            // Column-major order.
            (1..shape.len()).for_each(|at| strides[at] = strides[at - 1] * shape[at - 1]);
            let count: usize = shape.iter().product();
            let source: Vec<u8> = (0..count + offset).flat_map(|number| (number as u16).to_le_bytes()).collect();
            let copy = gathered(&source, offset, &shape, &strides, 2);
            let mut expected = vec![];
            for row_major in 0..count {
                let mut rest = row_major;
                let position: usize = (0..shape.len()).rev().map(|at| {
                    let index = rest % shape[at];
                    rest /= shape[at];
                    index * strides[at]
                }).sum();
                expected.extend(((position + offset) as u16).to_le_bytes());
            }
            prop_assert_eq!(copy, expected);
            let has_one_long_side = shape.iter().filter(|size| **size > 1).count() <= 1;
            prop_assert_eq!(is_contiguous(&shape, &strides), has_one_long_side);
        }
    }
}
