//! The entries of a zip archive as `torch.save` writes it: one folder, nothing compressed, nothing encrypted.
//!
//! The archive is read strictly. Each entry of the central directory must agree with its local file header, entries must
//! not overlap, and no name may occur twice. Other programs then cannot see other contents in it. The format is described in PKWARE's `APPNOTE.TXT`.

use super::fault::Fault;
use std::collections::BTreeMap;
use std::ops::Range;

/// The largest number of entries: one for each tensor and a few more.
const MAX_ENTRIES: u64 = 100_000;

/// The longest name of an entry, in bytes.
const MAX_NAME: usize = 500;

const END: u64 = 0x0605_4b50;
const END_LENGTH: usize = 22;
const LOCATOR_64: u64 = 0x0706_4b50;
const LOCATOR_64_LENGTH: usize = 20;
const END_64: u64 = 0x0606_4b50;
const END_64_LENGTH: usize = 56;
const DIRECTORY_ENTRY: u64 = 0x0201_4b50;
const LOCAL_ENTRY: u64 = 0x0403_4b50;
/// The kind of an extra field with numbers of 64 bits.
const EXTRA_64: u64 = 1;
/// A number of 32 bits that stands for one of 64 bits elsewhere.
const ELSEWHERE: u64 = 0xffff_ffff;

/// Flags: encryption in three forms.
const ENCRYPTED: u64 = 1 | 1 << 6 | 1 << 13;
/// Flag: the sizes are after the entry, so that they may be missing before it.
const SIZES_AFTER: u64 = 1 << 3;
/// Flags that do not matter: the options of compression, and UTF-8.
const HARMLESS: u64 = 1 << 1 | 1 << 2 | SIZES_AFTER | 1 << 11;

/// An archive.
pub(super) struct Archive<'a> {
    /// The bytes of each entry in the file, by the name within the folder of the archive.
    entries: BTreeMap<&'a str, Range<usize>>,
}

/// The directory of an archive.
struct Directory {
    range: Range<usize>,
    entries: u64,
}

impl<'a> Archive<'a> {
    /// Reads the directory of an archive.
    ///
    /// # Errors
    /// If it is damaged, or has what `torch.save` does not write.
    pub(super) fn open(file: &'a [u8]) -> Result<Self, Fault> {
        let directory = directory(file)?;
        let mut rest = &file[directory.range.clone()];
        let (mut entries, mut occupied) = (BTreeMap::new(), vec![]);
        let mut folder = None;
        for _ in 0..directory.entries {
            let (entry, length) = Entry::read(rest)?;
            rest = &rest[length..];
            let content = entry.locate(file, directory.range.start)?;
            let (own, name) = entry.name.split_once('/').ok_or_else(|| {
                Fault::damaged(format!("its entry `{}` is not in the folder of the archive", entry.name))
            })?;
            if *folder.get_or_insert(own) != own {
                return Err(Fault::damaged("its entries are in several folders"));
            }
            if entries.insert(name, content.clone()).is_some() {
                return Err(Fault::damaged(format!("it has two entries with the name `{}`", entry.name)));
            }
            occupied.push(entry.offset as usize..content.end);
        }
        if !rest.is_empty() {
            return Err(Fault::damaged("its directory has more entries than it says"));
        }
        occupied.sort_by_key(|range| range.start);
        if occupied.windows(2).any(|pair| pair[0].end > pair[1].start) {
            return Err(Fault::damaged("its entries overlap"));
        }
        Ok(Self { entries })
    }

    /// Returns the bytes of an entry, by its name within the folder of the archive.
    pub(super) fn entry(&self, name: &str) -> Option<&Range<usize>> {
        self.entries.get(name)
    }
}

/// Finds the directory through the records at the end of the file. `torch.save` writes no comment after them.
fn directory(file: &[u8]) -> Result<Directory, Fault> {
    let cut = || Fault::damaged("it does not end as a zip archive does: it is cut off, or something was added");
    let at = file.len().checked_sub(END_LENGTH).ok_or_else(cut)?;
    let field = |offset: usize, width: usize| number(file, at + offset, width).unwrap_or(0);
    if field(0, 4) != END || field(20, 2) != 0 {
        return Err(cut());
    }
    let (mut disks, mut entries) = ([field(4, 2), field(6, 2)], [field(8, 2), field(10, 2)]);
    let (mut length, mut start, mut end) = (field(12, 4), field(16, 4), at);
    if let Some(locator) = at.checked_sub(LOCATOR_64_LENGTH)
        && number(file, locator, 4) == Some(LOCATOR_64)
    {
        let at = locator.checked_sub(END_64_LENGTH).ok_or_else(cut)?;
        let field = |offset: usize, width: usize| number(file, at + offset, width).unwrap_or(0);
        let is_there = field(0, 4) == END_64 && number(file, locator + 8, 8) == Some(at as u64);
        let long = ([field(16, 4), field(20, 4)], [field(24, 8), field(32, 8)], field(40, 8), field(48, 8));
        // The short record has the same numbers, or says that they do not fit.
        let agrees = |short: u64, long: u64, limit: u64| short == long || short == limit;
        let do_agree = entries.iter().zip(long.1).all(|(short, long)| agrees(*short, long, 0xffff))
            && agrees(length, long.2, ELSEWHERE)
            && agrees(start, long.3, ELSEWHERE)
            && disks.iter().zip(long.0).all(|(short, long)| agrees(*short, long, 0xffff));
        if !is_there || !do_agree {
            return Err(Fault::damaged("its two records of the end disagree"));
        }
        (disks, entries, length, start) = long;
        end = at;
    }
    if disks != [0, 0] || entries[0] != entries[1] {
        return Err(Fault::damaged("it is a part of a zip archive in several files"));
    }
    if entries[0] > MAX_ENTRIES {
        return Err(Fault::unsupported(format!("it has {} entries, more than {MAX_ENTRIES}", entries[0])));
    }
    if start.checked_add(length) != Some(end as u64) {
        return Err(Fault::damaged("its directory is not where it should be"));
    }
    Ok(Directory { range: start as usize..end, entries: entries[0] })
}

/// An entry of the directory.
struct Entry<'a> {
    name: &'a str,
    flags: u64,
    method: u64,
    size: u64,
    /// The position of the local entry.
    offset: u64,
}

impl<'a> Entry<'a> {
    /// Reads the first entry of the directory. Returns its length there.
    fn read(directory: &'a [u8]) -> Result<(Self, usize), Fault> {
        let cut = || Fault::damaged("its directory is damaged");
        let field = |offset, width| number(directory, offset, width).ok_or_else(cut);
        if field(0, 4)? != DIRECTORY_ENTRY {
            return Err(cut());
        }
        let (flags, method) = (field(8, 2)?, field(10, 2)?);
        let lengths = [field(28, 2)?, field(30, 2)?, field(32, 2)?].map(|length| length as usize);
        let name_end = 46 + lengths[0];
        let extra_end = name_end + lengths[1];
        let (name, extra) = (directory.get(46..name_end), directory.get(name_end..extra_end));
        let (Some(name), Some(extra)) = (name, extra) else { return Err(cut()) };
        let [size, compressed, offset] = wide([field(24, 4)?, field(20, 4)?, field(42, 4)?], extra).ok_or_else(cut)?;
        if name.len() > MAX_NAME {
            return Err(Fault::damaged(format!("one of its entries has a name of {} bytes", name.len())));
        }
        let name = std::str::from_utf8(name).ok().filter(|name| is_plain(name)).ok_or_else(|| {
            let name = String::from_utf8_lossy(name);
            Fault::damaged(format!("the name of its entry `{name}` is no plain path"))
        })?;
        if flags & ENCRYPTED != 0 {
            return Err(Fault::unsupported(format!("its entry `{name}` is encrypted")));
        }
        if flags & !HARMLESS != 0 {
            return Err(Fault::unsupported(format!("its entry `{name}` has the flags {flags:#06x}")));
        }
        if method != 0 {
            return Err(Fault::unsupported(format!("its entry `{name}` is compressed, as `torch.save` never does")));
        }
        if size != compressed || field(34, 2)? != 0 {
            return Err(Fault::damaged(format!("its entry `{name}` has two sizes")));
        }
        let length = extra_end + lengths[2];
        if length > directory.len() {
            return Err(cut());
        }
        Ok((Self { name, flags, method, size, offset }, length))
    }

    /// Returns where the bytes of the entry are, which end before `limit`. The record in front of them must agree.
    fn locate(&self, file: &[u8], limit: usize) -> Result<Range<usize>, Fault> {
        let wrong = |what: &str| Fault::damaged(format!("its entry `{}` {what}", self.name));
        let outside = || wrong("is outside the file");
        let at = usize::try_from(self.offset).map_err(|_| outside())?;
        let local = file.get(at..limit).ok_or_else(outside)?;
        let field = |offset, width| number(local, offset, width).ok_or_else(outside);
        if field(0, 4)? != LOCAL_ENTRY {
            return Err(wrong("is not where the directory says"));
        }
        let name_end = 30 + field(26, 2)? as usize;
        let start = name_end + field(28, 2)? as usize;
        let (name, extra) = (local.get(30..name_end), local.get(name_end..start));
        let (Some(name), Some(extra)) = (name, extra) else { return Err(outside()) };
        let sizes = wide([field(22, 4)?, field(18, 4)?], extra).ok_or_else(|| wrong("has a damaged extra field"))?;
        let is_missing = |size: u64| size == 0 && self.flags & SIZES_AFTER != 0;
        let agrees = name == self.name.as_bytes()
            && field(6, 2)? == self.flags
            && field(8, 2)? == self.method
            && sizes.iter().all(|&size| size == self.size || is_missing(size));
        if !agrees {
            return Err(wrong("disagrees with the directory"));
        }
        let size = usize::try_from(self.size).map_err(|_| outside())?;
        let end = start.checked_add(size).filter(|end| *end <= local.len()).ok_or_else(outside)?;
        Ok(at + start..at + end)
    }
}

/// Replaces the numbers that say so by those of 64 bits in the extra field. Returns `None` if they are missing there.
fn wide<const N: usize>(mut numbers: [u64; N], mut extra: &[u8]) -> Option<[u64; N]> {
    let mut long: Option<&[u8]> = None;
    // torch also pads entries with an extra field, so that their bytes are aligned.
    while let (Some(kind), Some(length)) = (number(extra, 0, 2), number(extra, 2, 2)) {
        let field = extra.get(4..4 + length as usize)?;
        if kind == EXTRA_64 {
            long = Some(field);
        }
        extra = &extra[4 + field.len()..];
    }
    for narrow in numbers.iter_mut().filter(|narrow| **narrow == ELSEWHERE) {
        *narrow = number(long?, 0, 8)?;
        long = long.map(|long| &long[8..]);
    }
    Some(numbers)
}

/// Returns whether a name is a relative path that does not lead out of its folder.
fn is_plain(name: &str) -> bool {
    !name.contains(['\\', '\0']) && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Returns the little-endian number of `width` bytes at a position, if it is there.
fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(width)?)?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}
