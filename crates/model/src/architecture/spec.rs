//! The structure of an encoder, without its weights. It says nothing about how a checkpoint names its tensors; that is the
//! task of [`super::Layout`].
//!
//! All implementations of the encoder interpret this description. They find weights under the names that
//! [`EncoderSpec::tensors`] lists, which are those of transformers' `BertModel` where it has such a tensor.

pub use newsdesk_kernels::activation::Activation;

/// The structure of an encoder.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderSpec {
    /// Size of the vocabulary.
    pub vocab_size: usize,
    /// Length of a token's vector.
    pub hidden_size: usize,
    /// Number of attention heads; divides `hidden_size`.
    pub num_attention_heads: usize,
    /// Width of the feed-forward blocks.
    pub intermediate_size: usize,
    /// Maximum length of a window in tokens, including special tokens.
    pub max_length: usize,
    /// Id of the padding token.
    pub pad_token_id: u32,
    /// The embeddings.
    pub embeddings: EmbeddingSpec,
    /// The layers, in order.
    pub layers: Vec<LayerSpec>,
    /// The layer norms of layers and embeddings.
    pub norm: NormSpec,
    /// Where the layers normalise.
    pub norm_placement: NormPlacement,
    /// What all attention layers have in common.
    pub attention: AttentionSpec,
    /// The feed-forward blocks.
    pub feed_forward: FeedForwardSpec,
    /// The layers between the encoder and the classifier.
    pub pooler: PoolerSpec,
    /// Dropout rate of hidden states in training.
    pub hidden_dropout_prob: f64,
    /// Dropout rate of attention probabilities in training.
    pub attention_probs_dropout_prob: f64,
}

/// The embeddings: the sum of word, position and segment vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbeddingSpec {
    /// Length of a word's vector.
    pub width: usize,
    /// Learned position vectors, if there are any.
    pub positions: Option<PositionTable>,
    /// Number of segment vectors; 0 if there are none.
    pub segments: usize,
    /// Whether the sum is normalised.
    pub has_norm: bool,
    /// Whether a dense layer turns vectors of `width` into vectors of `hidden_size`.
    pub has_projection: bool,
}

/// A table of learned position vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PositionTable {
    /// Number of rows.
    pub rows: usize,
    /// The row of a window's first token.
    pub first: usize,
}

/// One layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerSpec {
    /// The number of the layer's weights in the names of tensors. Layers with the same number share their weights.
    pub weights: usize,
    /// Tokens that are farther apart do not attend to each other. `None` if all do.
    pub reach: Option<usize>,
    /// The base of rotary position embeddings, if the layer has any.
    pub rotary_base: Option<f64>,
    /// Whether attention has a norm. It has one with [`NormPlacement::After`].
    pub has_attention_norm: bool,
}

/// A layer norm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormSpec {
    /// Added to the variance, for numerical stability.
    pub epsilon: f64,
    /// Whether there is a bias.
    pub has_bias: bool,
}

/// Where layers normalise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormPlacement {
    /// After each residual connection, as in BERT.
    After,
    /// Before attention and before the feed-forward block. The output of the last layer is normalised too.
    Before,
}

/// What all attention layers of an encoder have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct AttentionSpec {
    /// Whether queries, keys and values have a bias.
    pub has_bias: bool,
    /// Whether the output projection has a bias.
    pub has_output_bias: bool,
    /// Terms of the scores that depend on the distance of two tokens.
    pub relative: RelativeSpec,
}

/// Terms of the attention scores that depend on the distance of two tokens.
#[derive(Debug, Clone, PartialEq)]
pub enum RelativeSpec {
    /// None.
    None,
    /// A learned bias per bucket of distances and head, shared by all layers (T5, MPNet).
    Bias {
        /// Number of buckets, half of them for each direction.
        buckets: usize,
    },
    /// Products of queries and keys with vectors of relative positions (DeBERTa).
    Disentangled(DisentangledSpec),
}

/// Disentangled attention. Source: He et al., "DeBERTa", 2021.
#[derive(Debug, Clone, PartialEq)]
pub struct DisentangledSpec {
    /// Half the number of relative positions.
    pub span: usize,
    /// Number of buckets of the logarithmic scale in both directions; `None` if each distance has a vector of its own.
    pub buckets: Option<usize>,
    /// The distance at which the logarithmic scale ends.
    pub max_distance: usize,
    /// Whether scores contain products of queries and position keys.
    pub content_to_position: bool,
    /// Whether scores contain products of keys and position queries.
    pub position_to_content: bool,
    /// Whether positions use the projections of queries and keys rather than their own.
    pub shares_projections: bool,
    /// Whether the vectors of relative positions are normalised.
    pub has_norm: bool,
}

/// The feed-forward blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedForwardSpec {
    /// The activation function.
    pub activation: Activation,
    /// Whether the first product has twice the width. Its first half is activated and multiplied by the second half.
    pub is_gated: bool,
    /// Whether the dense layers have a bias.
    pub has_bias: bool,
}

/// A dense layer with activation and norm between the encoder and the classifier.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PoolerSpec {
    /// The token vectors that it takes.
    pub input: PoolerInput,
    /// Whether the dense layer has a bias.
    pub has_bias: bool,
    /// The activation function.
    pub activation: Activation,
    /// The norm after the activation.
    pub norm: Option<NormSpec>,
}

/// The input of a pooler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolerInput {
    /// The first token's vector.
    First,
    /// The mean of all token vectors.
    Mean,
}

/// A tensor of an encoder.
pub struct TensorSpec {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
}

/// Names of the norms of a layer, by [`NormPlacement`]: that of attention, that of the feed-forward block.
pub(crate) fn norm_names(placement: NormPlacement) -> [&'static str; 2] {
    match placement {
        NormPlacement::After => ["attention.output.LayerNorm", "output.LayerNorm"],
        NormPlacement::Before => ["attention.LayerNorm", "intermediate.LayerNorm"],
    }
}

/// The name of the word table.
pub const WORD_TABLE: &str = "embeddings.word_embeddings.weight";
/// The name of the table of biases by distance.
pub(crate) const BIAS_TABLE: &str = "encoder.relative_attention_bias.weight";

impl EncoderSpec {
    /// Returns the number of values of each attention head.
    pub fn head_width(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }

    /// Returns the number that attention multiplies scores with.
    pub fn attention_scale(&self) -> f64 {
        let terms = match &self.attention.relative {
            RelativeSpec::None | RelativeSpec::Bias { .. } => 1,
            RelativeSpec::Disentangled(spec) => {
                1 + usize::from(spec.content_to_position) + usize::from(spec.position_to_content)
            }
        };
        1.0 / ((self.head_width() * terms) as f64).sqrt()
    }

    /// Returns the width of the first product of the feed-forward blocks.
    pub fn first_product_width(&self) -> usize {
        self.intermediate_size.saturating_mul(if self.feed_forward.is_gated { 2 } else { 1 })
    }

    /// Returns the number of layers with weights of their own.
    pub fn distinct_layers(&self) -> usize {
        self.layers.iter().map(|layer| layer.weights + 1).max().unwrap_or(0)
    }

    /// Returns the tensors of the encoder, without the pooler.
    pub fn tensors(&self) -> Vec<TensorSpec> {
        let mut list = TensorList::default();
        let EmbeddingSpec { width, positions, segments, has_norm, has_projection } = self.embeddings;
        list.add(WORD_TABLE, &[self.vocab_size, width]);
        if let Some(positions) = positions {
            list.add("embeddings.position_embeddings.weight", &[positions.rows, width]);
        }
        if segments > 0 {
            list.add("embeddings.token_type_embeddings.weight", &[segments, width]);
        }
        if has_norm {
            list.norm("embeddings.LayerNorm", width, self.norm.has_bias);
        }
        if has_projection {
            list.dense("embeddings.projection", width, self.hidden_size, true);
        }
        self.relative_tensors(&mut list);
        let mut seen = 0;
        for layer in &self.layers {
            if layer.weights == seen {
                self.layer_tensors(layer, &mut list);
                seen += 1;
            }
        }
        if self.norm_placement == NormPlacement::Before {
            list.norm("encoder.LayerNorm", self.hidden_size, self.norm.has_bias);
        }
        list.tensors
    }

    fn relative_tensors(&self, list: &mut TensorList) {
        match &self.attention.relative {
            RelativeSpec::None => {}
            RelativeSpec::Bias { buckets } => {
                list.add(BIAS_TABLE, &[*buckets, self.num_attention_heads]);
            }
            RelativeSpec::Disentangled(spec) => {
                list.add("encoder.rel_embeddings.weight", &[spec.span.saturating_mul(2), self.hidden_size]);
                if spec.has_norm {
                    list.norm("encoder.rel_embeddings.LayerNorm", self.hidden_size, true);
                }
            }
        }
    }

    fn layer_tensors(&self, layer: &LayerSpec, list: &mut TensorList) {
        let (width, inner) = (self.hidden_size, self.intermediate_size);
        let name = |part: &str| format!("encoder.layer.{}.{part}", layer.weights);
        for part in ["query", "key", "value"] {
            list.dense(&name(&format!("attention.self.{part}")), width, width, self.attention.has_bias);
        }
        if let RelativeSpec::Disentangled(spec) = &self.attention.relative
            && !spec.shares_projections
        {
            if spec.content_to_position {
                list.dense(&name("attention.self.position_key"), width, width, true);
            }
            if spec.position_to_content {
                list.dense(&name("attention.self.position_query"), width, width, true);
            }
        }
        list.dense(&name("attention.output.dense"), width, width, self.attention.has_output_bias);
        let [attention_norm, output_norm] = norm_names(self.norm_placement);
        if layer.has_attention_norm {
            list.norm(&name(attention_norm), width, self.norm.has_bias);
        }
        let has_bias = self.feed_forward.has_bias;
        list.dense(&name("intermediate.dense"), width, self.first_product_width(), has_bias);
        list.dense(&name("output.dense"), inner, width, has_bias);
        list.norm(&name(output_norm), width, self.norm.has_bias);
    }

    /// Returns the tensors of the pooler.
    pub(crate) fn pooler_tensors(&self) -> Vec<TensorSpec> {
        let mut list = TensorList::default();
        list.dense("pooler.dense", self.hidden_size, self.hidden_size, self.pooler.has_bias);
        if let Some(norm) = self.pooler.norm {
            list.norm("pooler.LayerNorm", self.hidden_size, norm.has_bias);
        }
        list.tensors
    }
}

#[derive(Default)]
struct TensorList {
    tensors: Vec<TensorSpec>,
}

impl TensorList {
    fn add(&mut self, name: &str, shape: &[usize]) {
        self.tensors.push(TensorSpec { name: name.into(), shape: shape.to_vec() });
    }

    fn dense(&mut self, name: &str, input: usize, output: usize, has_bias: bool) {
        self.add(&format!("{name}.weight"), &[output, input]);
        if has_bias {
            self.add(&format!("{name}.bias"), &[output]);
        }
    }

    fn norm(&mut self, name: &str, width: usize, has_bias: bool) {
        self.add(&format!("{name}.weight"), &[width]);
        if has_bias {
            self.add(&format!("{name}.bias"), &[width]);
        }
    }
}
