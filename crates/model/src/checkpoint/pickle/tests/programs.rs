//! Programs that are damaged, try to import or call something, or need much memory.

use super::torch_file::*;
use super::{four, program_refused, refused};

#[test]
fn nothing_but_the_listed_names_may_be_imported() {
    for (module, name) in [
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("__builtin__", "set"),
        ("torch", "load"),
        ("torch", "CharStorage"),
        ("torch._utils", "_rebuild_tensor_v3"),
        ("torch.nn.modules.linear", "Linear"),
        ("collections", "OrderedDict.fromkeys"),
    ] {
        program_refused(&call(&global(module, name), &[text("id")]), &format!("`{module}.{name}`"));
    }
    let long = "x".repeat(100_000);
    program_refused(&global("os", &long), "a name without an end");
    program_refused(b"cos", "a name without an end");
}

#[test]
fn nothing_but_tensors_and_dicts_may_be_made() {
    program_refused(&call(&global("torch", "FloatStorage"), &[int(1 << 40)]), "calls a class");
    program_refused(&call(&global("collections", "OrderedDict"), &[int(1)]), "calls a class");
    program_refused(&call(&text("os.system"), &[text("id")]), "calls a text");
    program_refused(&call(&ordered_dict(&[]), &[]), "calls a dict");
    let without_tuple = [global("collections", "OrderedDict").as_slice(), b"]R"].concat();
    program_refused(&without_tuple, "without a tuple");
    let attributes = |target: &[u8], key: &str| [target, b"}", &text(key), b"Nsb"].concat();
    program_refused(&attributes(&ordered_dict(&[]), "__class__"), "gives attributes to a dict");
    program_refused(&attributes(b"}", "_metadata"), "gives attributes to a dict");
    program_refused(&attributes(&tensor(&four(), 0, &[4], &[1]), "_metadata"), "gives attributes to a tensor");
    let others: &[(&[u8], &str)] = &[
        (b"(cos\nsystem\nios\nsystem\n", "os.system"),
        (b"(ios\nsystem\n", "INST"),
        (b"(No", "OBJ"),
        (b"N)\x81", "NEWOBJ"),
        (b"N)}\x92", "NEWOBJ_EX"),
        (b"NN\x93", "STACK_GLOBAL"),
        (b"\x82\x01", "EXT"),
        (b"P0\n", "0x50"),
        (b"\x95\0\0\0\0\0\0\0\0", "0x95"),
    ];
    for (instruction, name) in others {
        program_refused(instruction, name);
    }
    refused(with_program(b"\x80\x04N.".to_vec(), &[]), "protocol 4");
}

#[test]
fn enormous_sizes_allocate_nothing() {
    program_refused(b"X\xff\xff\xff\xffabc", "ends within an instruction");
    program_refused(b"\x8b\0\0\0\x80", "LONG4");
    program_refused(&[&b"\x8a\xff"[..], &[1; 255]].concat(), "an integer of 255 bytes");
    program_refused(&[&b"X\x01\0\0\0"[..], b"\xff"].concat(), "not UTF-8");
    refused(with_program(vec![b'N'; (16 << 20) + 1], &[]), "16777217 bytes");
    program_refused(&b"N".repeat(1_000_001), "more than 1000000 values");
    // The memo gives each of them again without a copy.
    program_refused(&[b"Nq\x00".as_slice(), &b"h\x00".repeat(1_000_001)].concat(), "values on its stack");
    let keys = (0..=1_000_000u32).flat_map(|key| [b"r".as_slice(), &key.to_le_bytes()].concat());
    program_refused(&[b"N".to_vec(), keys.collect()].concat(), "remembers more than");
}

#[test]
fn nesting_is_bounded_and_does_not_overflow_the_stack() {
    program_refused(&b"(".repeat(1_000_000), "marks deeper");
    program_refused(&[b"N".as_slice(), &b"\x85".repeat(900_000)].concat(), "nests values deeper");
    let lists: Vec<u8> = (0..900_000).flat_map(|_| *b"]").chain((0..899_999).flat_map(|_| *b"a")).collect();
    program_refused(&lists, "nests values deeper");
    // Each tuple holds the one before twice: a billion values, if they were copied.
    let doubled = [b"Nq\x00".as_slice(), &b"h\x00h\x00\x86q\x00".repeat(40)].concat();
    program_refused(&doubled, "nests values deeper");
    let own = [b"]q\x00".as_slice(), &b"h\x00a".repeat(100)].concat();
    program_refused(&own, "nests values deeper");
    program_refused(&[b"Nq\x00".as_slice(), &b"Q".repeat(100)].concat(), "nests values deeper");
}

#[test]
fn damaged_programs_are_refused() {
    let cases: &[(&[u8], &str)] = &[
        (b"", "does not end with one value"),
        (b"NN", "does not end with one value"),
        (b"N(", "does not end with one value"),
        (b"N.N", "does not end with one value"),
        (b"t", "lacks a mark"),
        (b"\x86", "more values from its stack"),
        (b"N(\x86", "more values from its stack"),
        (b"}(Nu", "a key without a value"),
        (b"}(]a", "more values from its stack"),
        (b"NNa", "appends to None"),
        (b"]NNs", "inserts into a list"),
        (b"h\x07", "recalls a value"),
        (b"j\x07\0\0\0", "recalls a value"),
        (b"q\x00", "more values from its stack"),
        (b"R", "more values from its stack"),
        (b"Q", "more values from its stack"),
    ];
    for (value, cause) in cases {
        program_refused(value, cause);
    }
    refused(with_program(b"\x80\x02N".to_vec(), &[]), "ends within an instruction");
    refused(with_program(vec![], &[]), "ends within an instruction");
    refused(archive(&[("archive/version".into(), vec![])]), "no entry `data.pkl`");
}
