//! Fails if source files of a crate import each other in a circle.
//!
//! The test parses the sources of every crate, resolves each path to the file that defines the item, and looks for cycles.
//! Re-exports are followed to the definition. Code under `#[cfg(test)]` and paths in macros do not count.
#![allow(clippy::unwrap_used, clippy::panic)]

mod cycles;
mod sources;

use sources::Sources;
use std::path::Path;

#[test]
fn no_crate_has_a_circle_of_imports() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut checked = 0;
    let mut found = vec![];
    for entry in std::fs::read_dir(crates).unwrap() {
        let folder = entry.unwrap().path().join("src");
        let Some(root) = ["lib.rs", "main.rs"].into_iter().find(|name| folder.join(name).is_file()) else { continue };
        let imports = Sources::read(&folder, root).imports();
        assert!(imports.len() > 1 || root == "lib.rs", "no imports were found in {}", folder.display());
        found.extend(cycles::find(&imports).iter().map(|cycle| cycles::describe(&folder, cycle, &imports)));
        checked += 1;
    }
    assert!(checked >= 10, "expected at least 10 crates, found {checked}");
    assert!(found.is_empty(), "files import each other in a circle:\n\n{}", found.join("\n\n"));
}

/// Returns the cycles among files with these names and contents. The first file is the root of the crate.
fn cycles_of(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    cycles::find(&Sources::read(folder.path(), files[0].0).imports())
}

#[test]
fn two_files_that_use_each_other_are_a_circle() {
    let root = ("lib.rs", "mod a; mod b;");
    let b = ("b.rs", "use crate::a::A; pub struct B(A);");
    assert!(cycles_of(&[root, ("a.rs", "pub struct A;"), b]).is_empty());
    assert_eq!(cycles_of(&[root, ("a.rs", "use crate::b::B; pub struct A(B);"), b]), [["a.rs", "b.rs"]]);
    // A path in an expression is an import as well.
    assert_eq!(cycles_of(&[root, ("a.rs", "pub struct A; fn f() { crate::b::g() }"), b]), [["a.rs", "b.rs"]]);
    let in_tests = "pub struct A; #[cfg(test)] mod tests { use crate::b::B; }";
    assert!(cycles_of(&[root, ("a.rs", in_tests), b]).is_empty());
}

#[test]
fn a_module_and_its_submodules_are_not_a_circle() {
    let root = ("lib.rs", "mod error; mod read; pub use read::Reject;");
    let error = ("error.rs", "pub struct E;");
    let child = ("read/csv.rs", "use super::Reject; use crate::error::E; pub fn rows() -> Reject { Reject }");
    let parent = ("read/mod.rs", "mod csv; pub struct Reject; pub fn read() { csv::rows(); }");
    assert!(cycles_of(&[root, error, child, parent]).is_empty());
    // If another file needs a definition of the module, it depends on everything that the module uses.
    let error = ("error.rs", "pub struct E(crate::Reject);");
    assert_eq!(cycles_of(&[root, error, child, parent]), [["error.rs", "read/csv.rs", "read/mod.rs"]]);
    // A re-export leads to the file that defines the item.
    let parent = ("read/mod.rs", "mod csv; mod reject; pub use reject::Reject; pub fn read() { csv::rows(); }");
    assert!(cycles_of(&[root, error, child, parent, ("read/reject.rs", "pub struct Reject;")]).is_empty());
}

#[test]
fn a_circle_may_lead_through_many_files() {
    let root = ("lib.rs", "mod a; mod b; mod c; mod d;");
    let a = ("a.rs", "use crate::b::{self, B}; pub struct A(B);");
    let b = ("b.rs", "pub use super::c::*; pub struct B;");
    let c = ("c.rs", "pub struct C(crate::a::A);");
    let d = ("d.rs", "use crate::a::A; use crate::b::C;");
    assert_eq!(cycles_of(&[root, a, b, c, d]), [["a.rs", "b.rs", "c.rs"]]);
}
