//! Runs the program of a checkpoint: the instructions of pickle's protocol 2 that make state dicts, and no others.
//!
//! An instruction that would import, call or build anything leads to an error, unless [`globals`] lists what it names.

use super::fault::Fault;
use super::globals::{self, Global};
use super::values::{Id, Value, Values};
use std::collections::HashMap;
use std::ops::Range;

/// The longest program. That of a large model has about 200 KB.
const MAX_PROGRAM: usize = 16 << 20;
/// The longest stack and the largest memo.
const MAX_STACK: usize = 1_000_000;
/// The deepest nesting of marks, which begin the items of a tuple, a list or a dict.
const MAX_MARKS: usize = 32;
/// The longest name of a module, a function or a class.
const MAX_NAME: usize = 256;

/// Runs a program. Returns all values and the one that it ends with.
///
/// # Errors
/// If it is damaged, or does what a state dict does not need.
pub(super) fn run(program: &[u8]) -> Result<(Values, Id), Fault> {
    if program.len() > MAX_PROGRAM {
        let length = program.len();
        return Err(Fault::unsupported(format!("its pickle has {length} bytes, more than {MAX_PROGRAM}")));
    }
    let mut machine = Machine { program, ..Machine::default() };
    while !machine.step()? {}
    match machine.stack.as_slice() {
        [root] if machine.marks.is_empty() && machine.at == program.len() => Ok((machine.values, *root)),
        _ => Err(Fault::damaged("its pickle does not end with one value")),
    }
}

#[derive(Default)]
struct Machine<'a> {
    program: &'a [u8],
    /// The position of the next byte.
    at: usize,
    values: Values,
    stack: Vec<Id>,
    /// The lengths that the stack had at the marks.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl Machine<'_> {
    /// Runs the next instruction. Returns whether it was the last one.
    fn step(&mut self) -> Result<bool, Fault> {
        let position = self.at;
        let [instruction] = self.number()?;
        // The comments are the names of the instructions in Python's `pickletools`.
        match instruction {
            // PROTO
            0x80 => {
                let [version] = self.number()?;
                if version != 2 {
                    return Err(Fault::unsupported(format!("its pickle has protocol {version}, not 2")));
                }
            }
            // STOP
            b'.' => return Ok(true),
            // MARK
            b'(' => {
                if self.marks.len() >= MAX_MARKS {
                    return Err(Fault::unsupported(format!("its pickle nests marks deeper than {MAX_MARKS} levels")));
                }
                self.marks.push(self.stack.len());
            }
            // NONE
            b'N' => self.push(Value::None)?,
            // NEWTRUE, NEWFALSE
            0x88 | 0x89 => self.push(Value::Bool)?,
            // BININT1
            b'K' => {
                let [number] = self.number()?;
                self.push(Value::Int(number.into()))?;
            }
            // BININT2
            b'M' => {
                let number = u16::from_le_bytes(self.number()?);
                self.push(Value::Int(number.into()))?;
            }
            // BININT
            b'J' => {
                let number = i32::from_le_bytes(self.number()?);
                self.push(Value::Int(number.into()))?;
            }
            // LONG1
            0x8a => self.long()?,
            // BINFLOAT
            b'G' => {
                let _: [u8; 8] = self.number()?;
                self.push(Value::Float)?;
            }
            // BINUNICODE
            b'X' => {
                let length = u32::from_le_bytes(self.number()?);
                let range = self.take(length as usize)?;
                if std::str::from_utf8(&self.program[range.clone()]).is_err() {
                    return Err(Fault::damaged("its pickle has a text that is not UTF-8"));
                }
                self.push(Value::Text(range))?;
            }
            // EMPTY_TUPLE
            b')' => self.push(Value::Tuple(vec![]))?,
            // TUPLE1 to TUPLE3
            0x85..=0x87 => {
                let items = self.pop_many(usize::from(instruction - 0x84))?;
                self.push(Value::Tuple(items))?;
            }
            // TUPLE
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Value::Tuple(items))?;
            }
            // EMPTY_LIST
            b']' => self.push(Value::List(vec![]))?,
            // EMPTY_DICT
            b'}' => self.push(Value::Dict { items: vec![], is_ordered: false })?,
            // APPEND
            b'a' => {
                let items = self.pop_many(1)?;
                let list = self.top()?;
                self.values.append(list, &items)?;
            }
            // APPENDS
            b'e' => {
                let items = self.pop_to_mark()?;
                let list = self.top()?;
                self.values.append(list, &items)?;
            }
            // SETITEM
            b's' => {
                let items = self.pop_many(2)?;
                let dict = self.top()?;
                self.values.insert(dict, &items)?;
            }
            // SETITEMS
            b'u' => {
                let items = self.pop_to_mark()?;
                let dict = self.top()?;
                self.values.insert(dict, &items)?;
            }
            // BINPUT
            b'q' => {
                let [key] = self.number()?;
                self.remember(key.into())?;
            }
            // LONG_BINPUT
            b'r' => {
                let key = u32::from_le_bytes(self.number()?);
                self.remember(key)?;
            }
            // BINGET
            b'h' => {
                let [key] = self.number()?;
                self.recall(key.into())?;
            }
            // LONG_BINGET
            b'j' => {
                let key = u32::from_le_bytes(self.number()?);
                self.recall(key)?;
            }
            // GLOBAL
            b'c' => self.global()?,
            // BINPERSID
            b'Q' => {
                let identifier = self.pop()?;
                self.push(Value::Persistent(identifier))?;
            }
            // REDUCE
            b'R' => self.reduce()?,
            // BUILD
            b'b' => self.build()?,
            other => {
                let name = name(other);
                let cause =
                    format!("its pickle has the instruction {name} at byte {position}, which no state dict needs");
                return Err(Fault::unsupported(cause));
            }
        }
        Ok(false)
    }

    /// Pushes an integer of any length, of which eight bytes are read.
    fn long(&mut self) -> Result<(), Fault> {
        let [length] = self.number()?;
        if length > 8 {
            return Err(Fault::unsupported(format!("its pickle has an integer of {length} bytes")));
        }
        let range = self.take(length.into())?;
        let bytes = &self.program[range];
        // The sign is in the highest bit of the last byte.
        let filling = if bytes.last().is_some_and(|last| *last >= 0x80) { 0xff } else { 0 };
        let mut number = [filling; 8];
        number[..bytes.len()].copy_from_slice(bytes);
        self.push(Value::Int(i64::from_le_bytes(number)))
    }

    /// Pushes the function or class that a module and a name identify.
    fn global(&mut self) -> Result<(), Fault> {
        let (module, name) = (self.line()?, self.line()?);
        let global = globals::find(&module, &name).ok_or_else(|| {
            let cause =
                format!("its pickle names `{module}.{name}`, which is none of the few names that a state dict needs");
            Fault::unsupported(cause)
        })?;
        self.push(Value::Global(global))
    }

    /// Records the call of a function without making the call.
    fn reduce(&mut self) -> Result<(), Fault> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let Value::Tuple(items) = self.values.get(arguments) else {
            return Err(Fault::damaged("its pickle calls a function without a tuple of arguments"));
        };
        match self.values.get(function) {
            Value::Global(Global::OrderedDict) if items.is_empty() => {
                self.push(Value::Dict { items: vec![], is_ordered: true })
            }
            Value::Global(Global::Rebuild(rebuild)) => {
                let value = Value::Rebuilt(*rebuild, arguments);
                self.push(value)
            }
            Value::Global(_) => Err(Fault::unsupported("its pickle calls a class, which no state dict needs")),
            other => Err(Fault::unsupported(format!("its pickle calls {}", other.kind()))),
        }
    }

    /// Drops the attribute `_metadata` of the state dict: the version of each module. Nothing else may get attributes.
    fn build(&mut self) -> Result<(), Fault> {
        let state = self.pop()?;
        let target = self.values.get(self.top()?);
        let is_metadata = |key: Id| match self.values.get(key) {
            Value::Text(range) => &self.program[range.clone()] == b"_metadata",
            _ => false,
        };
        match (target, self.values.get(state)) {
            (Value::Dict { is_ordered: true, .. }, Value::Dict { items, .. })
                if items.iter().all(|(key, _)| is_metadata(*key)) =>
            {
                Ok(())
            }
            (other, _) => Err(Fault::unsupported(format!("its pickle gives attributes to {}", other.kind()))),
        }
    }

    /// Stores the top of the stack in the memo.
    fn remember(&mut self, key: u32) -> Result<(), Fault> {
        let top = self.top()?;
        self.memo.insert(key, top);
        if self.memo.len() > MAX_STACK {
            return Err(Fault::unsupported(format!("its pickle remembers more than {MAX_STACK} values")));
        }
        Ok(())
    }

    /// Pushes a value of the memo. The value is not copied.
    fn recall(&mut self, key: u32) -> Result<(), Fault> {
        let id =
            *self.memo.get(&key).ok_or_else(|| Fault::damaged("its pickle recalls a value that it does not have"))?;
        self.push_id(id)
    }

    fn push(&mut self, value: Value) -> Result<(), Fault> {
        let id = self.values.add(value)?;
        self.push_id(id)
    }

    fn push_id(&mut self, id: Id) -> Result<(), Fault> {
        if self.stack.len() >= MAX_STACK {
            return Err(Fault::unsupported(format!("its pickle puts more than {MAX_STACK} values on its stack")));
        }
        self.stack.push(id);
        Ok(())
    }

    /// Returns the top of the stack. Values below the last mark do not count.
    fn top(&self) -> Result<Id, Fault> {
        let floor = self.marks.last().copied().unwrap_or(0);
        self.stack.get(floor..).and_then(<[Id]>::last).copied().ok_or_else(too_few)
    }

    fn pop(&mut self) -> Result<Id, Fault> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Id>, Fault> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let start = self.stack.len().checked_sub(count).filter(|start| *start >= floor).ok_or_else(too_few)?;
        Ok(self.stack.split_off(start))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, Fault> {
        let start = self.marks.pop().ok_or_else(|| Fault::damaged("its pickle lacks a mark"))?;
        Ok(self.stack.split_off(start))
    }

    /// Returns the range of the next bytes.
    fn take(&mut self, count: usize) -> Result<Range<usize>, Fault> {
        let start = self.at;
        let end = start.checked_add(count).filter(|end| *end <= self.program.len());
        self.at = end.ok_or_else(|| Fault::damaged("its pickle ends within an instruction"))?;
        Ok(start..self.at)
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let range = self.take(N)?;
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.program[range]);
        Ok(bytes)
    }

    /// Returns a name that ends with a line break.
    fn line(&mut self) -> Result<String, Fault> {
        let rest = &self.program[self.at..];
        let rest = &rest[..rest.len().min(MAX_NAME + 1)];
        let length = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .ok_or_else(|| Fault::damaged("its pickle has a name without an end"))?;
        let name = String::from_utf8_lossy(&rest[..length]).into_owned();
        self.at += length + 1;
        Ok(name)
    }
}

fn too_few() -> Fault {
    Fault::damaged("its pickle takes more values from its stack than there are")
}

/// Returns the name of an instruction that calls or builds something, or its number.
fn name(instruction: u8) -> String {
    match instruction {
        b'i' => "INST".into(),
        b'o' => "OBJ".into(),
        0x81 => "NEWOBJ".into(),
        0x82..=0x84 => "EXT".into(),
        0x8b => "LONG4".into(),
        0x92 => "NEWOBJ_EX".into(),
        0x93 => "STACK_GLOBAL".into(),
        other => format!("{other:#04x}"),
    }
}
