//! Zip archives that are cut off, lie about their entries, or are none.

use super::torch_file::{archive, directory_entry, local_entry, program};
use super::{REAL, open, refused, valid, weights};
use crate::error::Remedy;

#[test]
fn no_beginning_of_a_file_is_taken_for_the_whole() {
    for length in 0..REAL.len() {
        assert!(open(REAL[..length].to_vec()).is_err(), "{length} bytes");
    }
    refused([REAL, b"x"].concat(), "cut off, or something was added");
}

#[test]
fn other_layouts_are_named() {
    let save = Remedy::SaveStateDict;
    let before = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e\x80\x02M\xe9\x03.";
    assert_eq!(refused(before.to_vec(), "torch before version 1.6"), save);
    let tar = [vec![b'a'; 257], b"ustar\0".to_vec(), vec![0; 300]].concat();
    assert_eq!(refused(tar, "tar archive"), save);
    assert_eq!(refused(program(b"N"), "without the zip archive"), save);
    assert_eq!(refused(vec![], "it is empty"), Remedy::DownloadWeights);
    assert_eq!(refused(b"version https://git-lfs.github.com/spec/v1".to_vec(), "LFS"), Remedy::DownloadWeights);
    assert_eq!(refused(b"<html>".to_vec(), "not a zip archive"), Remedy::DownloadWeights);
    let script = [("archive/constants.pkl".into(), vec![]), ("archive/data.pkl".into(), vec![])];
    refused(archive(&script), "TorchScript");
}

#[test]
fn archives_that_lie_are_refused() {
    const DATA: &str = "archive/data/0";
    let changed = |change: &dyn Fn(&mut Vec<u8>, usize, usize)| {
        let mut file = valid();
        let (local, directory) = (local_entry(&file, DATA), directory_entry(&file, DATA));
        change(&mut file, local, directory);
        file
    };
    // Set in both headers.
    let both = |at: [usize; 2], value: u8| {
        changed(&|file, local, directory| {
            file[local + at[0]] = value;
            file[directory + at[1]] = value;
        })
    };
    refused(both([8, 10], 8), "is compressed");
    refused(both([6, 8], 9), "is encrypted");
    refused(both([6, 8], 0x48), "is encrypted");
    refused(both([6, 8], 0x28), "flags");
    refused(both([33, 49], b'\\'), "is no plain path");
    refused(changed(&|file, local, _| file[local + 8] = 8), "disagrees with the directory");
    refused(changed(&|file, local, _| file[local + 6] = 0), "disagrees with the directory");
    refused(changed(&|file, local, _| file[local + 30] = b'x'), "disagrees with the directory");
    refused(changed(&|file, local, _| file[local + 22] = 3), "disagrees with the directory");
    refused(changed(&|file, local, _| file[local] = 0), "is not where the directory says");
    refused(changed(&|file, _, directory| file[directory + 42] ^= 1), "is not where the directory says");
    refused(changed(&|file, _, directory| file[directory + 45] = 0x7f), "is outside the file");
    refused(changed(&|file, _, directory| file[directory + 24] = 17), "has two sizes");
    refused(changed(&|file, _, directory| file[directory] = 0), "directory is damaged");
    refused(changed(&|file, _, directory| file[directory + 30] = 0xff), "directory is damaged");
    refused(
        changed(&|file, _, directory| {
            file[directory + 20..directory + 28].fill(0xff);
        }),
        "directory is damaged",
    );
    refused(
        changed(&|file, _, directory| {
            file[directory + 23] = 0x7f;
            file[directory + 27] = 0x7f;
        }),
        "is outside the file",
    );
    // The entry with the program claims the bytes of the next one as well.
    refused(
        {
            let mut file = valid();
            let at = directory_entry(&file, "archive/data.pkl");
            let size = u32::from_le_bytes(file[at + 20..at + 24].try_into().unwrap()) + 64;
            file[at + 20..at + 28].copy_from_slice(&[size.to_le_bytes(), size.to_le_bytes()].concat());
            file
        },
        "its entries overlap",
    );
    let end = |from_end: usize, value: u8| {
        let mut file = valid();
        let at = file.len() - from_end;
        file[at] = value;
        file
    };
    refused(end(2, 1), "does not end as a zip archive does");
    refused(end(22 - 10, 7), "records of the end disagree");
    refused(end(22 + 20 - 8, 7), "records of the end disagree");
    refused(end(22 + 20 + 56 - 24, 7), "records of the end disagree");
    refused(end(22 + 20 + 56 - 16, 1), "records of the end disagree");
}

#[test]
fn names_in_archives_are_unique_and_in_one_folder() {
    let of = |names: &[&str]| archive(&names.iter().map(|name| (name.to_string(), vec![1; 4])).collect::<Vec<_>>());
    refused(of(&["a/data.pkl", "a/data.pkl"]), "two entries with the name `a/data.pkl`");
    refused(of(&["a/data.pkl", "b/data/0"]), "in several folders");
    refused(of(&["data.pkl"]), "not in the folder of the archive");
    for name in ["../data.pkl", "/data.pkl", "a/../data.pkl", "a//data.pkl", "a/./data.pkl", "a/b/", "a\\data.pkl"] {
        refused(of(&[name]), "is no plain path");
    }
    let many: Vec<_> = (0..100_001).map(|name| (format!("a/{name}"), vec![])).collect();
    refused(archive(&many), "100001 entries");
}

#[test]
fn numbers_of_64_bits_are_read_where_the_directory_has_them() {
    let file = valid();
    let at = directory_entry(&file, "archive/data/0");
    let name_end = at + 46 + "archive/data/0".len();
    let [size, offset] =
        [24, 42].map(|field| u64::from(u32::from_le_bytes(file[at + field..at + field + 4].try_into().unwrap())));
    let extra = [&[1, 0, 24, 0][..], &[size, size, offset].map(u64::to_le_bytes).concat()].concat();
    let mut long = [&file[..name_end], &extra, &file[name_end..]].concat();
    long[at + 20..at + 28].fill(0xff);
    long[at + 42..at + 46].fill(0xff);
    long[at + 30] = extra.len() as u8;
    // The directory is longer now: in both records of the end.
    let grown = extra.len() as u64;
    let end = long.len();
    let mut grow = |at: usize, width: usize| {
        let mut number = [0; 8];
        number[..width].copy_from_slice(&long[at..at + width]);
        long[at..at + width].copy_from_slice(&(u64::from_le_bytes(number) + grown).to_le_bytes()[..width]);
    };
    grow(end - 22 + 12, 4);
    grow(end - 42 + 8, 8);
    grow(end - 98 + 40, 8);
    assert_eq!(weights(long).0, weights(file).0);
}

#[test]
fn big_endian_numbers_are_refused() {
    let entries = [("archive/data.pkl", program(b"}")), ("archive/byteorder", b"big".to_vec())];
    refused(archive(&entries.map(|(name, bytes)| (name.to_owned(), bytes))), "little-endian");
}
