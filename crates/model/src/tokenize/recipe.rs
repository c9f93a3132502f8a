//! Which tokenizer a checkpoint without `tokenizer.json` has, and its special tokens.

use super::settings::AddedToken;

/// The ways to build a tokenizer. Each is named after the architecture that introduced it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recipe {
    /// WordPiece, `[CLS] A [SEP] B [SEP]`; also of DistilBERT and ELECTRA.
    Bert,
    /// WordPiece, `<s> A </s></s> B </s>`.
    Mpnet,
    /// Byte-level BPE, `<s> A </s></s> B </s>`.
    Roberta,
    /// Unigram with the first ids of fairseq, `<s> A </s></s> B </s>`.
    XlmRoberta,
    /// As XLM-RoBERTa with other first ids.
    Camembert,
    /// Unigram, lower case without accents, `[CLS] A [SEP] B [SEP]`.
    Albert,
    /// Unigram, `[CLS] A [SEP] B [SEP]`; versions 2 and 3.
    Deberta,
}

impl Recipe {
    /// Chooses by the name of the tokenizer's class in transformers, or by the encoder's `model_type` if the class is
    /// not given or says nothing about the tokenizer.
    ///
    /// The class comes first because some encoders have the tokenizer of another architecture.
    ///
    /// # Errors
    /// If no recipe is known.
    pub(super) fn choose(class: Option<&str>, model_type: &str) -> Result<Self, String> {
        const GENERAL: [&str; 3] = ["PreTrainedTokenizer", "TokenizersBackend", "AutoTokenizer"];
        let class = class.map(|class| class.strip_suffix("Fast").unwrap_or(class));
        if let Some(class) = class.filter(|class| !GENERAL.contains(class)) {
            return match class {
                "BertTokenizer" | "DistilBertTokenizer" | "ElectraTokenizer" => Ok(Self::Bert),
                "MPNetTokenizer" => Ok(Self::Mpnet),
                "RobertaTokenizer" => Ok(Self::Roberta),
                "XLMRobertaTokenizer" => Ok(Self::XlmRoberta),
                "CamembertTokenizer" => Ok(Self::Camembert),
                "AlbertTokenizer" => Ok(Self::Albert),
                "DebertaV2Tokenizer" => Ok(Self::Deberta),
                _ => Err(format!("there is no such file, and Newsdesk cannot build the tokenizer `{class}`")),
            };
        }
        match model_type {
            "bert" | "distilbert" | "electra" => Ok(Self::Bert),
            "mpnet" => Ok(Self::Mpnet),
            "roberta" => Ok(Self::Roberta),
            "xlm-roberta" => Ok(Self::XlmRoberta),
            "camembert" => Ok(Self::Camembert),
            "albert" => Ok(Self::Albert),
            "deberta-v2" => Ok(Self::Deberta),
            _ => Err(format!("there is no such file, and Newsdesk cannot build the tokenizer of `{model_type}`")),
        }
    }

    /// Returns the special token that a member such as `cls_token` has unless the files give another.
    pub(super) fn default_token(self, name: &str) -> Option<AddedToken> {
        let content = match (self, name) {
            (Self::Bert, "bos_token" | "eos_token") => return None,
            (Self::Bert | Self::Albert | Self::Deberta, "bos_token" | "cls_token") => "[CLS]",
            (Self::Bert | Self::Albert | Self::Deberta, "eos_token" | "sep_token") => "[SEP]",
            (_, "bos_token" | "cls_token") => "<s>",
            (_, "eos_token" | "sep_token") => "</s>",
            (Self::Bert | Self::Mpnet | Self::Deberta, "unk_token") => "[UNK]",
            (_, "unk_token") => "<unk>",
            (Self::Bert | Self::Deberta, "pad_token") => "[PAD]",
            (_, "pad_token") => "<pad>",
            (Self::Bert | Self::Albert | Self::Deberta, "mask_token") => "[MASK]",
            (_, "mask_token") => "<mask>",
            _ => return None,
        };
        Some(self.with_class_switches(name, AddedToken::special(content)))
    }

    /// Returns a special token with the switches that its class in transformers sets if the files give only its
    /// content.
    pub(super) fn with_class_switches(self, name: &str, token: AddedToken) -> AddedToken {
        if token != AddedToken::special(&token.content) {
            return token;
        }
        // The mask is a word: it includes the space before it.
        let lstrip = matches!(self, Self::Mpnet | Self::Camembert) && name == "mask_token";
        let normalized = self == Self::Mpnet || (self == Self::Deberta && name == "unk_token");
        AddedToken { lstrip, normalized, ..token }
    }

    /// Returns the keys of the special tokens that begin and end a text.
    pub(super) fn ends(self) -> [&'static str; 2] {
        match self {
            Self::XlmRoberta | Self::Camembert => ["bos_token", "eos_token"],
            _ => ["cls_token", "sep_token"],
        }
    }

    /// Returns whether a second text has segment 1 and one separator before it. Otherwise all tokens have segment 0,
    /// and there are two separators.
    pub(super) fn has_segments(self) -> bool {
        matches!(self, Self::Bert | Self::Albert | Self::Deberta)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_comes_before_the_model_type() {
        assert_eq!(Recipe::choose(None, "distilbert"), Ok(Recipe::Bert));
        assert_eq!(Recipe::choose(Some("XLMRobertaTokenizer"), "bert"), Ok(Recipe::XlmRoberta));
        assert_eq!(Recipe::choose(Some("ElectraTokenizerFast"), "albert"), Ok(Recipe::Bert));
        assert_eq!(Recipe::choose(Some("PreTrainedTokenizerFast"), "albert"), Ok(Recipe::Albert));
        let error = Recipe::choose(Some("BertJapaneseTokenizer"), "bert").unwrap_err();
        assert!(error.ends_with("cannot build the tokenizer `BertJapaneseTokenizer`"), "{error}");
        assert!(Recipe::choose(None, "modernbert").is_err_and(|e| e.ends_with("the tokenizer of `modernbert`")));
    }

    #[test]
    fn classes_set_switches_only_if_the_files_do_not() {
        let mask = Recipe::Mpnet.default_token("mask_token").expect("a default");
        assert!(mask.lstrip && mask.normalized);
        let given = AddedToken { rstrip: true, ..AddedToken::special("<mask>") };
        assert_eq!(Recipe::Mpnet.with_class_switches("mask_token", given.clone()), given);
        let plain = AddedToken::special("<mask>");
        assert_eq!(Recipe::Roberta.default_token("mask_token"), Some(plain));
    }
}
