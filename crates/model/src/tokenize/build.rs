//! Builds a `tokenizer.json` from the vocabulary of a checkpoint that has none.

use super::TokenId;
use super::files::{
    Failure, MERGES, SENTENCE_PIECE_BPE, SPIECE, SPM, TOKENIZER, TokenizerFiles, VOCAB_JSON, VOCAB_TXT, failed,
};
use super::parts::{Parts, template};
use super::recipe::Recipe;
use super::settings::{AddedToken, NAMES, Settings};
use super::vocabulary::Vocabulary;
use super::{byte_level, unigram, word_piece};
use std::collections::HashMap;

/// A tokenizer that was built.
pub(super) struct Built {
    pub(super) json: Vec<u8>,
    /// The file that holds its vocabulary.
    pub(super) file: &'static str,
    pub(super) warnings: Vec<String>,
}

/// Builds the tokenizer of an encoder with this `model_type`.
///
/// # Errors
/// If files are missing, damaged or do not fit together.
pub(super) fn build(files: &TokenizerFiles, settings: &Settings, model_type: &str) -> Result<Built, Failure> {
    let class = settings.class().or(files.class.as_deref());
    let recipe = Recipe::choose(class, model_type).map_err(failed(TOKENIZER))?;
    let mut named = vec![];
    for name in NAMES {
        let given = settings.named(name)?.map(|token| recipe.with_class_switches(name, token));
        named.extend(given.or_else(|| recipe.default_token(name)).map(|token| (name, token)));
    }
    let content = |name: &str| {
        let token = named.iter().find(|(other, _)| *other == name);
        token.map(|(_, token)| token.content.clone()).unwrap_or_default()
    };
    let parts = match recipe {
        Recipe::Bert | Recipe::Mpnet => {
            word_piece::parts(needed(&files.vocab_txt, VOCAB_TXT)?, settings, &content("unk_token"))?
        }
        Recipe::Roberta => {
            let merges = needed(&files.merges, MERGES);
            byte_level::parts(needed(&files.vocab_json, VOCAB_JSON)?, merges?, settings)?
        }
        Recipe::XlmRoberta | Recipe::Camembert => {
            let file = needed(&files.sentence_piece_bpe, SENTENCE_PIECE_BPE)?;
            unigram::parts(file, recipe, settings, &content)?
        }
        Recipe::Albert => unigram::parts(needed(&files.spiece, SPIECE)?, recipe, settings, &content)?,
        Recipe::Deberta => unigram::parts(needed(&files.spm, SPM)?, recipe, settings, &content)?,
    };
    let mut added = Added::new(&parts.vocabulary);
    let mut warnings: Vec<String> = parts.warning.iter().cloned().collect();
    warnings.extend(added.declare(settings));
    for (name, token) in &named {
        // A checkpoint may have been trained without some tokens, such as a mask. A new id would lie beyond its
        // embeddings. That of DeBERTa's mask is the exception: it follows those of the vocabulary.
        let is_known = parts.vocabulary.id(&token.content).is_some() || settings.named(name)?.is_some();
        if is_known || (recipe == Recipe::Deberta && *name == "mask_token") {
            added.push(token.clone());
        }
    }
    settings.extra()?.into_iter().for_each(|token| added.push(token));
    parts.special.iter().cloned().for_each(|token| added.push(token));
    let [first, last] = recipe.ends().map(content);
    let (first, last) = (added.end(&first, &parts)?, added.end(&last, &parts)?);
    let post_processor = template(&first, &last, recipe.has_segments());
    let mut tokens = added.tokens;
    tokens.sort_by_key(|token| token.id);
    let json = parts.to_json(&tokens, post_processor).map_err(failed(parts.file))?;
    Ok(Built { json, file: parts.file, warnings })
}

/// Returns the contents of a file that the tokenizer is built from.
fn needed<'a>(file: &'a Option<Vec<u8>>, name: &'static str) -> Result<&'a [u8], Failure> {
    let cause = || format!("there is no such file, and no `{TOKENIZER}` in its place");
    file.as_deref().ok_or_else(|| failed(name)(cause()))
}

/// The added tokens with their ids, found as the tokenizers crate finds them when it reads a `tokenizer.json`.
struct Added<'a> {
    vocabulary: &'a Vocabulary<'a>,
    tokens: Vec<AddedToken>,
    /// Index of each content in `tokens`.
    indices: HashMap<String, usize>,
    next_id: TokenId,
}

impl<'a> Added<'a> {
    fn new(vocabulary: &'a Vocabulary<'a>) -> Self {
        Self { vocabulary, tokens: vec![], indices: HashMap::new(), next_id: vocabulary.len() as TokenId }
    }

    /// Adds a token, unless it is there already. It has the id of the vocabulary, or a new one.
    fn push(&mut self, token: AddedToken) {
        if self.find(&token.content).is_some() {
            return;
        }
        let id = self.vocabulary.id(&token.content).unwrap_or_else(|| {
            self.next_id += 1;
            self.next_id - 1
        });
        self.indices.insert(token.content.clone(), self.tokens.len());
        self.tokens.push(AddedToken { id, ..token });
    }

    fn find(&self, content: &str) -> Option<&AddedToken> {
        self.indices.get(content).map(|&index| &self.tokens[index])
    }

    /// Adds the tokens that a file declares. Returns a warning if one gets another id than the file says, as in
    /// transformers.
    fn declare(&mut self, settings: &Settings) -> Option<String> {
        let mut others = vec![];
        for token in &settings.declared {
            self.push(token.clone());
            let found = self.find(&token.content);
            others.extend(found.filter(|found| found.id != token.id).map(|found| (token, found.id)));
        }
        let (token, id) = others.first()?;
        let more = match others.len() {
            1 => String::new(),
            2 => ", and another differs too".into(),
            count => format!(", and {} others differ too", count - 1),
        };
        let (file, content) = (settings.declared_in, &token.content);
        Some(format!("the token `{content}` has the id {id}, not {} as in `{file}`{more}", token.id))
    }

    /// Returns a token that stands before or after each text.
    fn end(&self, content: &str, parts: &Parts) -> Result<AddedToken, Failure> {
        let token = self.find(content).cloned();
        token.ok_or_else(|| failed(parts.file)(format!("it has no token `{content}`, which each text needs around it")))
    }
}
