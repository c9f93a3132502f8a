//! Writes checkpoints as `torch.save` does: a pickle and the bytes of tensors in a zip archive. Tests then spoil them.
#![allow(dead_code, reason = "each test program uses a part")]

use serde_json::{Map, Value};

/// A tensor with all its numbers.
#[derive(Clone)]
pub struct Tensor {
    pub name: String,
    /// The class of its storage in the module `torch`.
    pub class: &'static str,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

/// Returns the tensors of a safetensors file.
pub fn from_safetensors(file: &[u8]) -> Vec<Tensor> {
    let start = 8 + u64::from_le_bytes(*file.first_chunk().unwrap()) as usize;
    let header: Map<String, Value> = serde_json::from_slice(&file[8..start]).unwrap();
    let number = |value: &Value| value.as_u64().unwrap() as usize;
    let tensors = header.iter().filter(|(name, _)| *name != "__metadata__").map(|(name, info)| {
        let class = match info["dtype"].as_str().unwrap() {
            "F32" => "FloatStorage",
            "F16" => "HalfStorage",
            "BF16" => "BFloat16Storage",
            other => panic!("{other}"),
        };
        let [from, to] = [0, 1].map(|at| start + number(&info["data_offsets"][at]));
        let shape = info["shape"].as_array().unwrap().iter().map(number).collect();
        Tensor { name: name.clone(), class, shape, bytes: file[from..to].to_vec() }
    });
    tensors.collect()
}

/// Returns the file that `torch.save` writes for a state dict with these tensors.
pub fn state_dict(tensors: &[Tensor]) -> Vec<u8> {
    archive(&entries(tensors))
}

/// Returns the names and contents of the entries of that file, the program first.
pub fn entries(tensors: &[Tensor]) -> Vec<(String, Vec<u8>)> {
    let mut entries = vec![];
    let mut items = vec![];
    for (key, Tensor { name, class, shape, bytes }) in tensors.iter().enumerate() {
        let width = match *class {
            "DoubleStorage" | "LongStorage" => 8,
            "FloatStorage" | "IntStorage" => 4,
            "HalfStorage" | "BFloat16Storage" => 2,
            _ => 1,
        };
        let storage = storage(class, &key.to_string(), (bytes.len() / width) as i64);
        items.push((name.as_str(), tensor(&storage, 0, &sizes(shape), &strides(shape))));
        entries.push((format!("archive/data/{key}"), bytes.clone()));
    }
    let mut all =
        vec![("archive/data.pkl".into(), program(&model_dict(&items))), ("archive/byteorder".into(), b"little".into())];
    all.extend(entries);
    all.push(("archive/version".into(), b"3\n".into()));
    all
}

/// Returns an archive of one program and storages with the keys 0, 1, and so on.
pub fn with_program(program: Vec<u8>, storages: &[Vec<u8>]) -> Vec<u8> {
    let mut entries = vec![("archive/data.pkl".to_owned(), program)];
    entries.extend(storages.iter().enumerate().map(|(key, bytes)| (format!("archive/data/{key}"), bytes.clone())));
    archive(&entries)
}

fn sizes(shape: &[usize]) -> Vec<i64> {
    shape.iter().map(|size| *size as i64).collect()
}

/// Returns the strides of numbers in row-major order.
pub fn strides(shape: &[usize]) -> Vec<i64> {
    (1..=shape.len()).map(|after| shape[after..].iter().product::<usize>() as i64).collect()
}

/// A whole program with the instructions that make its value.
pub fn program(value: &[u8]) -> Vec<u8> {
    [b"\x80\x02", value, b"."].concat()
}

pub fn text(text: &str) -> Vec<u8> {
    [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
}

pub fn int(number: i64) -> Vec<u8> {
    match number {
        0..0x100 => vec![b'K', number as u8],
        0x100..0x1_0000 => [b"M", &(number as u16).to_le_bytes()[..]].concat(),
        _ if i32::try_from(number).is_ok() => [b"J", &(number as i32).to_le_bytes()[..]].concat(),
        _ => [b"\x8a\x08", &number.to_le_bytes()[..]].concat(),
    }
}

pub fn tuple(items: &[Vec<u8>]) -> Vec<u8> {
    match items {
        [] => b")".to_vec(),
        [one] => [one, &b"\x85"[..]].concat(),
        [one, two] => [one, two, &b"\x86"[..]].concat(),
        [one, two, three] => [one, two, three, &b"\x87"[..]].concat(),
        _ => [b"(", items.concat().as_slice(), b"t"].concat(),
    }
}

pub fn global(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n").into_bytes()
}

/// A call of a function with a tuple of arguments.
pub fn call(function: &[u8], arguments: &[Vec<u8>]) -> Vec<u8> {
    [function, &tuple(arguments), b"R"].concat()
}

/// The persistent identifier of a storage.
pub fn storage(class: &str, key: &str, length: i64) -> Vec<u8> {
    let identifier = tuple(&[text("storage"), global("torch", class), text(key), text("cpu"), int(length)]);
    [identifier.as_slice(), b"Q"].concat()
}

/// A tensor as `torch._utils._rebuild_tensor_v2` makes it.
pub fn tensor(storage: &[u8], offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    let numbers = |numbers: &[i64]| tuple(&numbers.iter().map(|number| int(*number)).collect::<Vec<_>>());
    let arguments =
        [storage.to_vec(), int(offset), numbers(shape), numbers(strides), b"\x89".to_vec(), ordered_dict(&[])];
    call(&global("torch._utils", "_rebuild_tensor_v2"), &arguments)
}

pub fn ordered_dict(items: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let items: Vec<u8> = items.iter().flat_map(|(name, value)| [text(name), value.clone()].concat()).collect();
    [call(&global("collections", "OrderedDict"), &[]).as_slice(), b"(", &items, b"u"].concat()
}

/// The state dict of a module, which has the versions of its modules as an attribute.
pub fn model_dict(items: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let version = [b"}".as_slice(), &text("version"), &int(1), b"s"].concat();
    let metadata = [b"}".as_slice(), &text("_metadata"), &ordered_dict(&[("", version)]), b"s"].concat();
    // torch puts every value into the memo.
    [ordered_dict(items).as_slice(), b"q\x00", &metadata, b"b"].concat()
}

/// A zip archive. Sizes are after the entries, entries are aligned by an extra field, and the records of the end are
/// those of zip64.
pub fn archive(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut file, mut directory) = (vec![], vec![]);
    for (name, bytes) in entries {
        let offset = file.len() as u32;
        let crc = crc32(bytes).to_le_bytes();
        let size = (bytes.len() as u32).to_le_bytes();
        let length = (name.len() as u16).to_le_bytes();
        let padding = (64 - (file.len() + 30 + name.len() + 4) % 64) % 64;
        file.extend(b"PK\x03\x04\0\0\x08\x08\0\0\0\0\0\0");
        file.extend([0; 12]);
        file.extend(length);
        file.extend((padding as u16 + 4).to_le_bytes());
        file.extend(name.as_bytes());
        file.extend(b"FB");
        file.extend((padding as u16).to_le_bytes());
        file.extend(vec![b'Z'; padding]);
        file.extend(bytes);
        file.extend([b"PK\x07\x08", &crc[..], &size, &size].concat());
        directory.extend(b"PK\x01\x02\0\0\0\0\x08\x08\0\0\0\0\0\0");
        directory.extend([crc, size, size].concat());
        directory.extend(length);
        directory.extend([0; 12]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = file.len() as u64;
    let count = entries.len() as u64;
    file.extend(&directory);
    let end = file.len() as u64;
    file.extend(b"PK\x06\x06\x2c\0\0\0\0\0\0\0\x1e\x03\x2d\0\0\0\0\0\0\0\0\0");
    file.extend([count, count, end - start, start].map(u64::to_le_bytes).concat());
    file.extend(b"PK\x06\x07\0\0\0\0");
    file.extend(end.to_le_bytes());
    file.extend(b"\x01\0\0\0PK\x05\x06\0\0\0\0");
    file.extend([count.min(0xffff) as u16; 2].map(u16::to_le_bytes).concat());
    file.extend([end as u32 - start as u32, start as u32].map(u32::to_le_bytes).concat());
    file.extend([0, 0]);
    file
}

/// Returns the position of the entry of the directory with this name.
pub fn directory_entry(file: &[u8], name: &str) -> usize {
    header(file, b"PK\x01\x02", 46, name)
}

/// Returns the position of the header in front of the entry with this name.
pub fn local_entry(file: &[u8], name: &str) -> usize {
    header(file, b"PK\x03\x04", 30, name)
}

fn header(file: &[u8], magic: &[u8], length: usize, name: &str) -> usize {
    let is_there = |at: &usize| file[*at..].starts_with(magic) && file[*at + length..].starts_with(name.as_bytes());
    (0..file.len() - length).find(is_there).unwrap_or_else(|| panic!("no entry `{name}`"))
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}
