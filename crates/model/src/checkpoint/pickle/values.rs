//! The values that a program makes. They refer to each other by index, so that none is ever copied and dropping them
//! needs no recursion.

use super::fault::Fault;
use super::globals::{Global, Rebuild};
use std::ops::Range;

/// The largest number of values. The state dict of a large model has about ten for each of a thousand tensors.
const MAX_VALUES: usize = 1_000_000;
/// The deepest nesting of tuples, lists and dicts. A state dict needs four levels.
const MAX_DEPTH: u8 = 32;

/// The index of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id(u32);

/// A value.
#[derive(Debug)]
pub(super) enum Value {
    None,
    Bool,
    Int(i64),
    Float,
    /// A text, as a range of the program.
    Text(Range<usize>),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict {
        items: Vec<(Id, Id)>,
        /// Whether it is an `OrderedDict`.
        is_ordered: bool,
    },
    Global(Global),
    /// What a function of torch makes of the arguments in a tuple.
    Rebuilt(Rebuild, Id),
    /// What a persistent identifier stands for: a storage.
    Persistent(Id),
}

impl Value {
    /// Returns what a value is, for errors.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool => "a truth value",
            Self::Int(_) | Self::Float => "a number",
            Self::Text(_) => "a text",
            Self::Tuple(_) => "a tuple",
            Self::List(_) => "a list",
            Self::Dict { .. } => "a dict",
            Self::Global(_) => "a class or a function",
            Self::Rebuilt(..) => "a tensor",
            Self::Persistent(_) => "a storage",
        }
    }
}

/// All values of a program.
#[derive(Default)]
pub(super) struct Values {
    values: Vec<Value>,
    /// The levels of values below each value, itself included.
    depths: Vec<u8>,
}

impl Values {
    /// Adds a value.
    ///
    /// # Errors
    /// If there are too many, or they are nested too deeply.
    pub(super) fn add(&mut self, value: Value) -> Result<Id, Fault> {
        if self.values.len() >= MAX_VALUES {
            return Err(Fault::unsupported(format!("its pickle makes more than {MAX_VALUES} values")));
        }
        let below = match &value {
            Value::Tuple(items) => items.iter().map(|item| self.depth(*item)).max(),
            Value::Rebuilt(_, inner) | Value::Persistent(inner) => Some(self.depth(*inner)),
            _ => None,
        };
        let depth = deeper(below.unwrap_or(0))?;
        self.values.push(value);
        self.depths.push(depth);
        // There are at most MAX_VALUES.
        Ok(Id(self.values.len() as u32 - 1))
    }

    /// Returns a value.
    pub(super) fn get(&self, id: Id) -> &Value {
        &self.values[id.0 as usize]
    }

    /// Appends items to a list.
    ///
    /// # Errors
    /// If it is no list, or is nested too deeply.
    pub(super) fn append(&mut self, list: Id, new: &[Id]) -> Result<(), Fault> {
        new.iter().try_for_each(|item| self.deepen(list, *item))?;
        match &mut self.values[list.0 as usize] {
            Value::List(items) => items.extend_from_slice(new),
            other => return Err(Fault::unsupported(format!("its pickle appends to {}", other.kind()))),
        }
        Ok(())
    }

    /// Inserts keys and values, which alternate, into a dict.
    ///
    /// # Errors
    /// If it is no dict, a value is missing, or it is nested too deeply.
    pub(super) fn insert(&mut self, dict: Id, new: &[Id]) -> Result<(), Fault> {
        new.iter().try_for_each(|item| self.deepen(dict, *item))?;
        let (pairs, rest) = new.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(Fault::damaged("its pickle has a key without a value"));
        }
        match &mut self.values[dict.0 as usize] {
            Value::Dict { items, .. } => items.extend(pairs.iter().map(|[key, value]| (*key, *value))),
            other => return Err(Fault::unsupported(format!("its pickle inserts into {}", other.kind()))),
        }
        Ok(())
    }

    fn depth(&self, id: Id) -> u8 {
        self.depths[id.0 as usize]
    }

    fn deepen(&mut self, outer: Id, inner: Id) -> Result<(), Fault> {
        let depth = deeper(self.depth(inner))?;
        let known = &mut self.depths[outer.0 as usize];
        *known = depth.max(*known);
        Ok(())
    }
}

fn deeper(depth: u8) -> Result<u8, Fault> {
    if depth >= MAX_DEPTH {
        return Err(Fault::unsupported(format!("its pickle nests values deeper than {MAX_DEPTH} levels")));
    }
    Ok(depth + 1)
}
