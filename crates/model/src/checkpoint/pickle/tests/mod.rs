//! Files that torch wrote, and files that try to do something else.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../../../tests/support/torch_file.rs"]
mod torch_file;

mod archives;
mod programs;

use super::read;
use crate::checkpoint::bytes::Bytes;
use crate::checkpoint::part::NamedTensor;
use crate::checkpoint::stored::Stored;
use crate::error::{ModelError, Remedy};
use std::collections::BTreeMap;
use std::sync::Arc;
use torch_file::*;

/// `torch.save` of version 2.15 wrote this file.
const REAL: &[u8] = include_bytes!("../../../../tests/data/torch-2.15.bin");

fn open(file: Vec<u8>) -> Result<Vec<NamedTensor>, ModelError> {
    let bytes: Bytes = Arc::new(file);
    read(&bytes, "m.bin")
}

/// Shape and values of a tensor.
type Values = (Vec<usize>, Vec<f32>);

/// Returns the shape and the values of each tensor with weights, and the names of the others.
fn weights(file: Vec<u8>) -> (BTreeMap<String, Values>, Vec<String>) {
    let (mut weights, mut others) = (BTreeMap::new(), vec![]);
    for NamedTensor { name, values } in open(file).unwrap_or_else(|error| panic!("{error}")) {
        match values {
            None => others.push(name),
            Some(stored) => {
                let mut values = vec![];
                stored.read(&mut values).unwrap_or_else(|error| panic!("{error}"));
                weights.insert(name, (stored.shape().to_vec(), values));
            }
        }
    }
    (weights, others)
}

/// Asserts that a file is refused, and what the error says.
#[track_caller]
fn refused(file: Vec<u8>, cause: &str) -> Remedy {
    match open(file) {
        Err(ModelError::Weights { cause: found, remedy, .. }) => {
            assert!(found.contains(cause), "expected `{cause}` in `{found}`");
            assert!(found.len() < 1000, "the message has {} bytes", found.len());
            remedy
        }
        Err(other) => panic!("{other}"),
        Ok(tensors) => panic!("expected `{cause}`, but {} tensors were read", tensors.len()),
    }
}

/// Asserts that a file with this program is refused. It has one storage, of four f32.
#[track_caller]
fn program_refused(value: &[u8], cause: &str) {
    refused(with_program(program(value), &[vec![0; 16]]), cause);
}

/// Asserts that a state dict with this tensor is refused.
#[track_caller]
fn tensor_refused(tensor: &[u8], cause: &str) {
    program_refused(&ordered_dict(&[("a", tensor.to_vec())]), cause);
}

fn four() -> Vec<u8> {
    storage("FloatStorage", "0", 4)
}

fn valid() -> Vec<u8> {
    let value = [1.0f32, 2.0, 3.0, 4.0].map(f32::to_le_bytes).concat();
    with_program(program(&model_dict(&[("a", tensor(&four(), 0, &[2, 2], &[2, 1]))])), &[value])
}

#[test]
fn a_file_of_torch_is_read() {
    let (weights, others) = weights(REAL.to_vec());
    let expect = |name: &str, shape: &[usize], values: &[f32]| {
        assert_eq!(weights[name], (shape.to_vec(), values.to_vec()), "{name}");
    };
    expect("1.weight", &[3], &[1.0; 3]);
    expect("1.bias", &[3], &[0.0; 3]);
    expect("half", &[2], &[1.5, -2.25]);
    expect("bfloat", &[2], &[1.5, -2.25]);
    expect("double", &[2], &[0.1, -3.5]);
    expect("transposed", &[3, 2], &[0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    expect("slice", &[4], &[3.0, 4.0, 5.0, 6.0]);
    expect("parameter", &[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    expect("scalar", &[], &[7.5]);
    expect("empty", &[0, 3], &[]);
    assert_eq!(weights["tied"], weights["0.weight"]);
    assert_eq!(others, ["position_ids", "mask", "int"]);
}

#[test]
fn bytes_of_contiguous_tensors_are_not_copied() {
    let bytes: Bytes = Arc::new(REAL.to_vec());
    for NamedTensor { name, values } in read(&bytes, "m.bin").unwrap() {
        if let Some(Stored::Bytes(region)) = values {
            assert_eq!(Arc::ptr_eq(&region.file, &bytes), name != "transposed", "{name}");
        }
    }
}

#[test]
fn the_writer_of_these_tests_writes_what_torch_writes() {
    let (weights, others) = weights(valid());
    assert_eq!(weights["a"], (vec![2, 2], vec![1.0, 2.0, 3.0, 4.0]));
    assert!(others.is_empty());
}

#[test]
fn anything_but_a_flat_mapping_of_names_to_tensors_is_named() {
    let flat = |value: Vec<u8>, cause: &str| {
        let file = with_program(program(&value), &[vec![0; 16]]);
        assert_eq!(refused(file, cause), Remedy::SaveStateDict);
    };
    let inner = ordered_dict(&[("a", tensor(&four(), 0, &[4], &[1]))]);
    flat(ordered_dict(&[("state_dict", inner.clone())]), "`state_dict` is a dict, not a tensor");
    flat(ordered_dict(&[("epoch", int(3))]), "`epoch` is a number, not a tensor");
    flat(tuple(&[inner]), "it holds a tuple");
    flat([b"}".as_slice(), &int(1), &int(2), b"s"].concat(), "keys that are not texts");
}

#[test]
fn tensors_that_do_not_fit_their_storage_are_refused() {
    let of = |offset, shape: &[i64], strides: &[i64]| tensor(&four(), offset, shape, strides);
    for (tensor, cause) in [
        (of(0, &[-1], &[1]), "-1 is not a possible size"),
        (of(0, &[4], &[-1]), "-1 is not a possible stride"),
        (of(-1, &[4], &[1]), "-1 is not a possible offset"),
        (of(1, &[4], &[1]), "lead beyond the 4 numbers"),
        (of(0, &[2, 2], &[3, 1]), "lead beyond the 4 numbers"),
        (of(0, &[5], &[1]), "needs more numbers than the 4"),
        // An expanded view, of one number.
        (of(0, &[1 << 40], &[0]), "needs more numbers than the 4"),
        (of(0, &[1 << 40, 1 << 40], &[1, 1]), "needs more numbers than the 4"),
        (of(i64::MAX, &[2], &[i64::MAX]), "lead beyond the 4 numbers"),
        (of(0, &[2], &[1, 1]), "1 dimensions and 2 strides"),
        (of(0, &[1; 9], &[1; 9]), "9 dimensions"),
        (of(9, &[0], &[1]), "lead beyond the 4 numbers"),
        (tensor(&int(3), 0, &[4], &[1]), "its storage is a number"),
        (tensor(&[int(3), b"Q".to_vec()].concat(), 0, &[4], &[1]), "its storage is a number, not a tuple"),
        (tensor(&[tuple(&[text("storage")]), b"Q".to_vec()].concat(), 0, &[4], &[1]), "no type, key and size"),
        (tensor(&storage("FloatStorage", "0", 5), 0, &[4], &[1]), "`data/0` has 16 bytes, but should have 5 times 4"),
        (tensor(&storage("HalfStorage", "0", 4), 0, &[4], &[1]), "but should have 4 times 2"),
        (tensor(&storage("FloatStorage", "0", i64::MAX), 0, &[4], &[1]), "but should have"),
        (tensor(&storage("FloatStorage", "1", 4), 0, &[4], &[1]), "no entry `data/1`"),
        (tensor(&storage("FloatStorage", "../data.pkl", 4), 0, &[4], &[1]), "no entry `data/../data.pkl`"),
        (call(&global("torch._utils", "_rebuild_tensor_v2"), &[four()]), "its description has 1 parts"),
        (
            call(&global("torch._utils", "_rebuild_parameter"), &[int(1), int(1), int(1)]),
            "a parameter made of a number",
        ),
    ] {
        tensor_refused(&tensor, cause);
    }
    let twice = ordered_dict(&[("a", of(0, &[4], &[1])), ("a", of(0, &[4], &[1]))]);
    program_refused(&twice, "two tensors with the name `a`");
    let name = "n".repeat(100_000);
    program_refused(&ordered_dict(&[(&name, of(0, &[4], &[1]))]), "a name of 100000 bytes");
}

#[test]
fn many_tensors_of_one_storage_are_no_way_to_make_work() {
    let zeros = vec![0; 1 << 20];
    let all = storage("FloatStorage", "0", 1 << 18);
    let names: Vec<String> = (0..20).map(|name| name.to_string()).collect();
    let items = |tensor: Vec<u8>| names.iter().map(|name| (name.as_str(), tensor.clone())).collect::<Vec<_>>();
    let shared = ordered_dict(&items(tensor(&all, 0, &[1 << 18], &[1])));
    refused(with_program(program(&shared), std::slice::from_ref(&zeros)), "too many tensors share a storage");
    let views = ordered_dict(&items(tensor(&all, 0, &[512, 512], &[1, 512]))[..3]);
    refused(with_program(program(&views), &[zeros]), "too many tensors are views");
}
