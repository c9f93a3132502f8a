//! Cycles in a graph of imports.

use crate::sources::Imports;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Returns the groups of files that import each other, directly or through other files. The files of a group are sorted.
pub fn find(imports: &Imports) -> Vec<Vec<String>> {
    let reachable: BTreeMap<&str, BTreeSet<&str>> =
        imports.keys().map(|file| (file.as_str(), reachable_from(file, imports))).collect();
    let both_ways =
        |a: &str, b: &str| reachable[a].contains(b) && reachable.get(b).is_some_and(|from| from.contains(a));
    let mut groups: Vec<Vec<String>> = vec![];
    for &file in reachable.keys() {
        let is_known = groups.iter().flatten().any(|known| known == file);
        if !is_known && both_ways(file, file) {
            groups.push(reachable[file].iter().filter(|other| both_ways(file, other)).map(|f| f.to_string()).collect());
        }
    }
    groups
}

fn reachable_from<'a>(file: &str, imports: &'a Imports) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open = vec![file];
    while let Some(next) = open.pop() {
        for imported in imports.get(next).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(imported.as_str()) {
                open.push(imported);
            }
        }
    }
    found
}

/// Lists the imports within a cycle: a line for each pair of files, with the imported names.
pub fn describe(folder: &Path, cycle: &[String], imports: &Imports) -> String {
    let mut lines = vec![format!("{}:", folder.display())];
    for file in cycle {
        for (imported, names) in imports[file].iter().filter(|(imported, _)| cycle.contains(imported)) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            lines.push(format!("  {file} -> {imported}: {}", names.join(", ")));
        }
    }
    lines.join("\n")
}
