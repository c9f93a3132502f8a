//! Tokenizers that are built from vocabularies make the same tokens as transformers, and bad files are refused.
//!
//! `tokenizers/make.py` wrote the vocabularies and the tokens.

use newsdesk_model::ModelError;
use newsdesk_model::tokenize::{TokenId, Tokenizer, TokenizerFiles};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

type Outcome = Result<(), Box<dyn Error>>;

#[derive(Deserialize)]
struct Golden {
    texts: Vec<String>,
    pairs: Vec<(String, String)>,
    cases: Vec<Case>,
}

/// A tokenizer: the folder with its vocabulary, its other files, and the tokens of transformers.
#[derive(Deserialize)]
struct Case {
    folder: String,
    model_type: String,
    files: BTreeMap<String, Value>,
    texts: Vec<Vec<TokenId>>,
    single: Vec<TokenId>,
    pairs: Vec<Pair>,
}

#[derive(Deserialize)]
struct Pair {
    input_ids: Vec<TokenId>,
    token_type_ids: Vec<u32>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tokenizers")
}

fn golden() -> Result<Golden, Box<dyn Error>> {
    Ok(serde_json::from_slice(&std::fs::read(folder().join("golden.json"))?)?)
}

/// Reads the files of a vocabulary, with other files beside them.
fn files(vocabulary: &str, others: &BTreeMap<String, Value>) -> std::io::Result<TokenizerFiles> {
    TokenizerFiles::read(|name| {
        if let Some(json) = others.get(name) {
            return Ok(Some(json.to_string().into_bytes()));
        }
        let path = folder().join(vocabulary).join(name);
        path.exists().then(|| std::fs::read(path)).transpose()
    })
}

fn open(case: &Case) -> Result<Tokenizer, Box<dyn Error>> {
    Ok(Tokenizer::from_files(files(&case.folder, &case.files)?, &case.model_type, "folder")?)
}

/// A case for messages.
fn name(case: &Case) -> String {
    format!("{} with {:?}", case.model_type, case.files)
}

#[test]
fn tokens_of_texts_are_those_of_transformers() -> Outcome {
    let golden = golden()?;
    let mut differences = vec![];
    for case in &golden.cases {
        let tokenizer = open(case)?;
        assert_eq!(tokenizer.with_special_tokens(&tokenizer.encode("a")?), case.single, "{}", name(case));
        assert_eq!(case.texts.len(), golden.texts.len());
        for (text, expected) in golden.texts.iter().zip(&case.texts) {
            let found = tokenizer.encode(text)?;
            if found != *expected {
                differences.push(format!("{}: {text:?}\n  {found:?}\n  {expected:?}", name(case)));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    Ok(())
}

#[test]
fn tokens_and_segments_of_pairs_are_those_of_transformers() -> Outcome {
    let golden = golden()?;
    for case in &golden.cases {
        let tokenizer = open(case)?;
        assert_eq!(case.pairs.len(), golden.pairs.len());
        for ((first, second), expected) in golden.pairs.iter().zip(&case.pairs) {
            let name = format!("{}: {first:?}, {second:?}", name(case));
            let (tokens, frame) = (tokenizer.encode(first)?, tokenizer.pair_frame(second)?);
            let window = frame.around(&tokens);
            assert_eq!(window, expected.input_ids, "{name}");
            let first_segment = frame.first_segment(tokens.len());
            let segments: Vec<u32> = (0..window.len()).map(|index| u32::from(index >= first_segment)).collect();
            assert_eq!(segments, expected.token_type_ids, "{name}");
        }
    }
    Ok(())
}

#[test]
fn the_beginning_of_a_text_has_the_first_tokens_of_the_whole_text() -> Outcome {
    let golden = golden()?;
    for case in &golden.cases {
        let tokenizer = open(case)?;
        for text in &golden.texts {
            let text = format!("{text} The council voted, {text}\u{c}unexpectedly\u{85}{text}");
            let whole = tokenizer.encode(&text)?;
            for count in [0, 1, 2, 3, 5, 8, 13, whole.len(), whole.len() + 1] {
                let expected = &whole[..count.min(whole.len())];
                assert_eq!(tokenizer.encode_beginning(&text, count)?, expected, "{text:?} with {}", name(case));
            }
        }
    }
    Ok(())
}

#[test]
fn a_built_tokenizer_can_be_saved_and_opened() -> Outcome {
    let golden = golden()?;
    for case in &golden.cases {
        let built = open(case)?;
        let saved = TokenizerFiles { tokenizer: Some(built.json().to_vec()), ..TokenizerFiles::default() };
        let opened = Tokenizer::from_files(saved, &case.model_type, "folder")?;
        for text in &golden.texts {
            assert_eq!(built.encode(text)?, opened.encode(text)?);
            assert_eq!(built.pair_frame(text)?, opened.pair_frame(text)?);
        }
        assert_eq!((built.json(), built.max_id()), (opened.json(), opened.max_id()));
        assert!(opened.warnings().is_empty());
        // The tokenizers crate finds the ids that the file states.
        let json: Value = serde_json::from_slice(built.json())?;
        for token in json["added_tokens"].as_array().ok_or("no list")? {
            let content = token["content"].as_str().ok_or("no text")?;
            let id = token["id"].as_u64().ok_or("no id")?;
            assert!(built.encode(content)?.iter().any(|found| u64::from(*found) == id), "{content} in {}", name(case));
        }
    }
    Ok(())
}

#[test]
fn a_tokenizer_json_comes_before_a_vocabulary() -> Outcome {
    let tiny = folder().join("../../../../models/tiny");
    let mut json: Value = serde_json::from_slice(&std::fs::read(tiny.join("tokenizer.json"))?)?;
    // A truncation and a padding in the file are ignored.
    json["truncation"] = json!({"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0});
    json["padding"] = json!({
        "strategy": {"Fixed": 16}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0, "pad_type_id": 0,
        "pad_token": "[PAD]",
    });
    let bytes = json.to_string().into_bytes();
    let config =
        BTreeMap::from([("tokenizer_config.json".into(), json!({"model_max_length": 64, "do_lower_case": false}))]);
    let files = TokenizerFiles { tokenizer: Some(bytes.clone()), ..files("bert", &config)? };
    let opened = Tokenizer::from_files(files, "bert", "folder")?;
    let plain = Tokenizer::open(&tiny.join("tokenizer.json"))?;
    let text = "The council voted, unexpectedly, to repair the bridge.";
    assert_eq!(opened.encode(text)?, plain.encode(text)?);
    assert_eq!(opened.encode("a")?, plain.encode("a")?);
    assert_eq!(opened.single_frame(), plain.single_frame());
    assert_eq!((opened.max_length(), plain.max_length()), (Some(64), None));
    assert_eq!(opened.json(), bytes);
    Ok(())
}

#[test]
fn settings_of_the_configuration_reach_the_tokenizer() -> Outcome {
    let open = |vocabulary: &str, model_type: &str, name: &str, json: Value| -> Result<Tokenizer, Box<dyn Error>> {
        let files = files(vocabulary, &BTreeMap::from([(name.to_string(), json)]))?;
        Ok(Tokenizer::from_files(files, model_type, "folder")?)
    };
    let config = "tokenizer_config.json";
    assert_eq!(open("bert", "bert", config, json!({"model_max_length": 1e30}))?.max_length(), None);
    assert_eq!(open("bert", "bert", config, json!({"model_max_length": 512}))?.max_length(), Some(512));
    // An encoder may have the tokenizer of another architecture.
    let other = open("fairseq", "bert", config, json!({"tokenizer_class": "XLMRobertaTokenizer"}))?;
    assert_eq!(other.encode("a")?, open("fairseq", "xlm-roberta", config, json!({}))?.encode("a")?);
    // `config.json` names the class if `tokenizer_config.json` does not.
    let class = Some("XLMRobertaTokenizer".into());
    let files = TokenizerFiles { class, ..files("fairseq", &BTreeMap::new())? };
    assert_eq!(Tokenizer::from_files(files, "bert", "folder")?.encode("a")?, other.encode("a")?);
    // The tokenizers crate numbers added tokens itself.
    let moved = open("bert", "bert", "added_tokens.json", json!({"[NEWS]": 999, "[CLS]": 7}))?;
    assert_eq!(
        moved.warnings(),
        ["the token `[CLS]` has the id 2, not 7 as in `added_tokens.json`, and another differs too"]
    );
    let deberta = open("deberta", "deberta-v2", config, json!({}))?;
    assert!(deberta.warnings()[0].contains("transformers 4") && deberta.warnings()[0].contains("not bytes"));
    assert!(open("bert", "bert", config, json!({}))?.warnings().is_empty());
    Ok(())
}

#[test]
fn templates_for_pairs_that_cannot_be_used_are_refused() -> Outcome {
    let built = Tokenizer::from_files(files("bert", &BTreeMap::new())?, "bert", "folder")?;
    let with = |change: &dyn Fn(&mut Value)| -> Result<newsdesk_model::Result<Tokenizer>, Box<dyn Error>> {
        let mut json: Value = serde_json::from_slice(built.json())?;
        change(&mut json["post_processor"]);
        Ok(Tokenizer::from_bytes(json.to_string().into_bytes(), "t"))
    };
    let without_second = with(&|template| drop(template["pair"].as_array_mut().expect("a list").remove(3)))??;
    let error = without_second.pair_frame("the").unwrap_err().to_string();
    assert!(error.contains("second text after the first"), "{error}");
    let swapped = with(&|template| template["pair"].as_array_mut().expect("a list").swap(1, 3))??;
    let error = swapped.pair_frame("the").unwrap_err().to_string();
    assert!(error.contains("second text after the first"), "{error}");
    let segments = with(&|template| template["pair"][1]["Sequence"]["type_id"] = json!(1))??;
    assert!(segments.pair_frame("the").unwrap_err().to_string().contains("segments"));
    // Without a post-processor, nothing is added.
    let none = with(&|template| *template = Value::Null)??;
    let frame = none.pair_frame("the")?;
    assert_eq!((frame.before.len(), frame.after, frame.second_segment), (0, none.encode("the")?, 1));
    Ok(())
}

/// Asserts that a tokenizer is refused, and what the error says.
#[track_caller]
fn assert_refused(files: TokenizerFiles, model_type: &str, expected_file: &str, expected: &str) {
    match Tokenizer::from_files(files, model_type, "folder") {
        Err(ModelError::Tokenizer { file, cause }) => {
            assert_eq!(Path::new(&file), Path::new("folder").join(expected_file), "{cause}");
            assert!(cause.contains(expected), "{cause}");
        }
        Err(other) => unreachable!("{other}"),
        Ok(_) => unreachable!("it was accepted"),
    }
}

#[test]
fn bad_files_are_refused_with_their_name() -> Outcome {
    let text = |contents: &str| Some(contents.as_bytes().to_vec());
    let none = TokenizerFiles::default;
    let bert = |vocabulary: &str| TokenizerFiles { vocab_txt: text(vocabulary), ..none() };
    assert_refused(none(), "bert", "vocab.txt", "no such file, and no `tokenizer.json`");
    assert_refused(none(), "modernbert", "tokenizer.json", "the tokenizer of `modernbert`");
    assert_refused(bert(""), "bert", "vocab.txt", "no tokens");
    assert_refused(bert("[UNK]\na\na\n"), "bert", "vocab.txt", "`a` occurs twice");
    assert_refused(bert("[CLS]\n[SEP]\na\n"), "bert", "vocab.txt", "no token `[UNK]`");
    assert_refused(bert("[UNK]\n[CLS]\na\n"), "bert", "vocab.txt", "no token `[SEP]`");
    let config = |json: &str| TokenizerFiles { config: text(json), ..bert("[UNK]\n[CLS]\n[SEP]\n") };
    assert_refused(config("["), "bert", "tokenizer_config.json", "EOF");
    assert_refused(config(r#"{"do_lower_case": 1}"#), "bert", "tokenizer_config.json", "`do_lower_case` is 1");
    assert_refused(config(r#"{"model_max_length": 0}"#), "bert", "tokenizer_config.json", "`model_max_length` is 0");
    let japanese = r#"{"tokenizer_class": "BertJapaneseTokenizer"}"#;
    assert_refused(config(japanese), "bert", "tokenizer.json", "`BertJapaneseTokenizer`");
    // A mask that the vocabulary lacks is not needed.
    assert_eq!(Tokenizer::from_files(config("{}"), "bert", "folder")?.max_id(), 2);

    let vocabulary = r#"{"<s>": 0, "</s>": 1, "a": 2, "b": 3, "ab": 4}"#;
    let roberta = |vocabulary: &str, merges: &str| TokenizerFiles {
        vocab_json: text(vocabulary),
        merges: text(merges),
        ..none()
    };
    assert!(Tokenizer::from_files(roberta(vocabulary, "a b"), "roberta", "folder").is_ok());
    assert_refused(roberta("[]", ""), "roberta", "vocab.json", "an object of tokens");
    assert_refused(roberta(r#"{"a": -1}"#, ""), "roberta", "vocab.json", "without gaps");
    assert_refused(roberta(vocabulary, "a c"), "roberta", "merges.txt", "`c` is not in `vocab.json`");
    assert_refused(TokenizerFiles { vocab_json: text("{}"), ..none() }, "roberta", "merges.txt", "no such file");
    Ok(())
}

#[test]
fn bad_sentence_piece_models_are_refused() -> Outcome {
    let spm = std::fs::read(folder().join("deberta/spm.model"))?;
    let with = |spm: Vec<u8>| TokenizerFiles { spm: Some(spm), ..TokenizerFiles::default() };
    assert!(Tokenizer::from_files(with(spm.clone()), "deberta-v2", "folder").is_ok());
    assert_refused(with(spm[..spm.len() / 2].to_vec()), "deberta-v2", "spm.model", "claims");
    assert_refused(with(vec![]), "deberta-v2", "spm.model", "no pieces");
    assert_refused(with(b"not a model".to_vec()), "deberta-v2", "spm.model", "byte");
    assert_refused(
        with([&spm[..], b"\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x10"].concat()),
        "deberta-v2",
        "spm.model",
        "claims",
    );
    // A trainer specification with another type, and a piece with a score of NaN.
    assert_refused(with([&spm[..], b"\x12\x02\x18\x03"].concat()), "deberta-v2", "spm.model", "`model_type` is word");
    let nan = b"\x0a\x08\x0a\x01z\x15\x00\x00\xc0\x7f";
    assert_refused(with([&spm[..], nan].concat()), "deberta-v2", "spm.model", "`z`, is NaN");
    let again = b"\x0a\x07\x0a\x05[CLS]";
    assert_refused(with([&spm[..], again].concat()), "deberta-v2", "spm.model", "`[CLS]` occurs twice");
    // A charsmap that claims more bytes than it has.
    let charsmap = b"\x1a\x06\x12\x04\xff\xff\xff\xff";
    assert_refused(with([&spm[..], charsmap].concat()), "deberta-v2", "spm.model", "`precompiled_charsmap`");
    // The pieces of another architecture.
    let bpe = TokenizerFiles { sentence_piece_bpe: Some(spm), ..TokenizerFiles::default() };
    assert_refused(bpe, "camembert", "sentencepiece.bpe.model", "no token `<s>`");
    let text_first = TokenizerFiles {
        sentence_piece_bpe: Some(b"\x0a\x05\x0a\x01<\x18\x02\x0a\x03\x0a\x01a".to_vec()),
        ..TokenizerFiles::default()
    };
    assert_refused(text_first, "xlm-roberta", "sentencepiece.bpe.model", "`a` is text");
    Ok(())
}

#[test]
fn damaged_sentence_piece_models_never_panic() -> Outcome {
    for (folder_name, file, model_type) in
        [("deberta", "spm.model", "deberta-v2"), ("fairseq", "sentencepiece.bpe.model", "xlm-roberta")]
    {
        let whole = std::fs::read(folder().join(folder_name).join(file))?;
        for at in (0..whole.len()).step_by(61) {
            for byte in [0, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = byte;
                let files = match file {
                    "spm.model" => TokenizerFiles { spm: Some(damaged), ..TokenizerFiles::default() },
                    _ => TokenizerFiles { sentence_piece_bpe: Some(damaged), ..TokenizerFiles::default() },
                };
                if let Ok(tokenizer) = Tokenizer::from_files(files, model_type, "folder") {
                    let _ = tokenizer.encode("The café: ﬁve 東京 \u{1f3c6}");
                }
            }
        }
    }
    Ok(())
}
