//! Finds the imports of a crate: which file uses which items of which other file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemUse, UseTree};

/// For each file, the files that it imports from, with the imported names. Paths are relative to the folder of the sources.
pub type Imports = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// A path from the root of the crate: names of modules, and perhaps of an item.
type Segments = Vec<String>;

/// The modules of a crate. Each is one file.
pub struct Sources {
    modules: BTreeMap<Segments, Module>,
}

#[derive(Default)]
struct Module {
    file: String,
    /// Names of items that the file defines.
    defined: BTreeSet<String>,
    /// Names that the file imports with `use` from this crate, with their paths.
    used: BTreeMap<String, Segments>,
    /// Names that the file imports with `use` from other crates.
    external: BTreeSet<String>,
    /// Paths of `use path::*`.
    globs: Vec<Segments>,
    /// All paths in the file with two segments or more, from the root of the crate.
    paths: BTreeSet<Segments>,
}

impl Sources {
    /// Parses the files below a folder; `root` is the name of the root module's file.
    pub fn read(folder: &Path, root: &str) -> Self {
        let mut sources = Self { modules: BTreeMap::new() };
        sources.read_folder(folder, root, &[]);
        let names: BTreeSet<Segments> = sources.modules.keys().cloned().collect();
        for (name, module) in &mut sources.modules {
            let text = std::fs::read_to_string(folder.join(&module.file)).unwrap();
            let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", module.file));
            Reader { name, names: &names, module }.visit_file(&parsed);
        }
        sources
    }

    fn read_folder(&mut self, folder: &Path, root: &str, inside: &[String]) {
        for entry in std::fs::read_dir(inside.iter().fold(folder.to_path_buf(), |path, part| path.join(part))).unwrap()
        {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let mut module = inside.to_vec();
            if path.is_dir() {
                module.push(name);
                self.read_folder(folder, root, &module);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let file = path.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/");
                if file != root && name != "mod" {
                    module.push(name);
                }
                self.modules.insert(module, Module { file, ..Module::default() });
            }
        }
    }

    /// Resolves every path of every file to the file that defines the item.
    ///
    /// Imports from a module that contains the file do not count: submodules may use what their parent defines.
    pub fn imports(&self) -> Imports {
        let mut imports = Imports::new();
        for (name, module) in &self.modules {
            let of_file = imports.entry(module.file.clone()).or_default();
            for path in &module.paths {
                if let Some(defining) = self.defining(path, 0).filter(|defining| !name.starts_with(defining)) {
                    let file = self.modules[defining].file.clone();
                    of_file.entry(file).or_default().insert(path.last().unwrap().clone());
                }
            }
        }
        imports
    }

    /// Returns the module that defines the item of a path from the root; `None` for items of other crates. `depth` counts the
    /// re-exports that were followed, and bounds them.
    fn defining<'a>(&'a self, path: &[String], depth: usize) -> Option<&'a Segments> {
        let known = (0..=path.len()).rev().find(|&length| self.modules.contains_key(&path[..length]))?;
        let (name, module) = self.modules.get_key_value(&path[..known])?;
        let Some((item, after)) = path[known..].split_first() else { return Some(name) };
        if module.defined.contains(item) || depth > 16 {
            return Some(name);
        }
        if module.external.contains(item) {
            return None;
        }
        if let Some(used) = module.used.get(item) {
            return self.defining(&[used, after].concat(), depth + 1);
        }
        let through = |glob: &Segments| {
            let target = self.modules.get(glob)?;
            let is_there = target.defined.contains(item) || target.used.contains_key(item);
            is_there.then(|| self.defining(&[glob, &path[known..]].concat(), depth + 1)).flatten()
        };
        module.globs.iter().find_map(through).or(Some(name))
    }
}

/// Collects the definitions and the paths of one file.
struct Reader<'a> {
    name: &'a Segments,
    names: &'a BTreeSet<Segments>,
    module: &'a mut Module,
}

impl Reader<'_> {
    /// Returns a path from the root of the crate; `None` for local names and other crates.
    fn absolute(&self, path: &[String]) -> Option<Segments> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([self.name, rest].concat()),
            "super" => {
                let ups = path.iter().take_while(|segment| *segment == "super").count();
                let parent = self.name.get(..self.name.len().checked_sub(ups)?)?;
                Some([parent, &path[ups..]].concat())
            }
            name => {
                let child = [self.name.as_slice(), &[name.to_owned()]].concat();
                if self.names.contains(&child) {
                    return Some([self.name, path].concat());
                }
                self.module.used.get(name).map(|used| [used, rest].concat())
            }
        }
    }

    fn note(&mut self, path: &[String]) {
        if let Some(path) = self.absolute(path).filter(|path| !path.is_empty()) {
            self.module.paths.insert(path);
        }
    }

    fn note_use(&mut self, tree: &UseTree, before: &[String]) {
        let joined = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.note_use(&path.tree, &joined(&path.ident)),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.note_use(tree, before)),
            UseTree::Glob(_) => {
                if let Some(path) = self.absolute(before) {
                    self.module.globs.push(path);
                }
                self.note(before);
            }
            UseTree::Name(name) if name.ident == "self" => self.note_name(before, before.last().cloned()),
            UseTree::Name(name) => self.note_name(&joined(&name.ident), Some(name.ident.to_string())),
            UseTree::Rename(name) => self.note_name(&joined(&name.ident), Some(name.rename.to_string())),
        }
    }

    fn note_name(&mut self, path: &[String], name: Option<String>) {
        if let Some(name) = name {
            match self.absolute(path) {
                Some(path) => drop(self.module.used.insert(name, path)),
                None => drop(self.module.external.insert(name)),
            }
        }
        self.note(path);
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_file(&mut self, file: &'ast syn::File) {
        // Definitions and imports are collected first, since paths may use items that are defined further down.
        for item in file.items.iter().filter(|item| !is_for_tests(item)) {
            if let Item::Use(found) = item {
                self.note_use(&found.tree, &[]);
            }
            self.module.defined.extend(defined_name(item));
        }
        visit::visit_file(self, file);
    }

    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.note_use(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 {
            self.note(&segments);
        }
        visit::visit_path(self, path);
    }
}

/// Returns the name of a defined item, if it has one. A module with its own file does not count as a definition.
fn defined_name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Mod(item) if item.content.is_some() => &item.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

fn is_for_tests(item: &Item) -> bool {
    let attributes: &[Attribute] = match item {
        Item::Const(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    };
    let is_test = |attribute: &Attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|name| name == "test")
    };
    attributes.iter().any(is_test)
}
