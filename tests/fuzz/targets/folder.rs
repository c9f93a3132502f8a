//! The body of the fuzz targets for model folders: opens the tiny model with one file replaced, and classifies with it.

use newsdesk_model::{Classifier, DeviceChoice, OpenOptions, Options};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A copy of the tiny model. Each process has its own.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("newsdesk-fuzz-model-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the temporary folder is writable");
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        std::fs::write(folder.join(name), tiny(name)).expect("the temporary folder is writable");
    }
    folder
});

/// Returns the contents of a file of the tiny model.
pub fn tiny(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny");
    std::fs::read(folder.join(name)).expect("models/tiny is part of the repository")
}

/// Changes one byte for each three of `changes`: two are its position, one is the new byte. From a valid file, a few
/// changes lead deeper than bytes that nothing has made valid.
#[allow(dead_code)]
pub fn change(bytes: &mut [u8], changes: &[u8]) {
    for [low, high, byte] in changes.as_chunks::<3>().0 {
        if let Some(changed) = bytes.get_mut(usize::from(u16::from_le_bytes([*low, *high]))) {
            *changed = *byte;
        }
    }
}

/// Opens the model with these bytes as the file `name`, and classifies a few texts if that succeeds. Nothing may panic,
/// and a prediction must be made of probabilities.
pub fn open_and_classify(name: &str, bytes: &[u8]) {
    std::fs::write(FOLDER.join(name), bytes).expect("the temporary folder is writable");
    if name == "pytorch_model.bin" {
        // It is only read without a safetensors file. The first call removes that.
        let _ = std::fs::remove_file(FOLDER.join("model.safetensors"));
    }
    let open = OpenOptions { allow_pickle: true, ..OpenOptions::default() };
    let options =
        Options { device: DeviceChoice::Cpu, threads: Some(1), max_windows: Some(4), open, ..Options::default() };
    let Ok(classifier) = Classifier::open_with(&*FOLDER, &options) else { return };
    let Ok(predictions) = classifier.classify(&["", "The mayor said: goals \u{e9}\u{4e2d}\u{10fffe} win 3 %!"]) else {
        return;
    };
    for head in predictions.iter().flat_map(|prediction| &prediction.heads) {
        assert!(head.probabilities.0.iter().all(|p| (0.0..=1.0001).contains(p)), "{:?}", head.probabilities);
    }
}
