//! Where each tensor stands in one flat buffer of weights.
//!
//! q, k, v stand side by side, and gate and up, so that each group is one matrix product, while
//! every tensor keeps its own Hugging Face name and shape. Gradients and optimiser state are
//! buffers of the same layout.

use std::ops::Range;

use super::DecoderConfig;

/// One named tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// Hugging Face name.
    pub name: String,
    /// `[rows, columns]`, or `[n]` for a norm.
    pub shape: Vec<usize>,
    /// First element in the flat buffer.
    pub start: usize,
}

impl Region {
    /// Elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Never true for a checked config.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Place in the flat buffer.
    pub fn range(&self) -> Range<usize> {
        self.start..self.start + self.len()
    }
}

/// Offsets of one layer; matrices are `[out, in]`, row-major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LayerAt {
    pub(crate) input_norm: Range<usize>,
    pub(crate) q: Range<usize>,
    /// k, then v.
    pub(crate) kv: Range<usize>,
    pub(crate) o: Range<usize>,
    /// Biases, where the family has them; `kv_bias` is k, then v.
    pub(crate) q_bias: Option<Range<usize>>,
    pub(crate) kv_bias: Option<Range<usize>>,
    pub(crate) o_bias: Option<Range<usize>>,
    /// Norms of each head's query and key (Qwen3), `[head_dim]`.
    pub(crate) q_norm: Option<Range<usize>>,
    pub(crate) k_norm: Option<Range<usize>>,
    pub(crate) post_norm: Range<usize>,
    /// gate, then up.
    pub(crate) gate_up: Range<usize>,
    pub(crate) down: Range<usize>,
}

/// The tensors of a decoder in the order of the flat buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// All tensors.
    pub regions: Vec<Region>,
    pub(crate) embed: Range<usize>,
    pub(crate) layers: Vec<LayerAt>,
    pub(crate) norm: Range<usize>,
    /// The embedding itself where weights are tied.
    pub(crate) head: Range<usize>,
    len: usize,
}

impl Layout {
    /// Names, shapes and places for a config.
    pub fn new(c: &DecoderConfig) -> Self {
        let mut regions: Vec<Region> = Vec::new();
        let mut at = 0;
        let mut put = |name: String, shape: &[usize]| {
            let start = at;
            at += shape.iter().product::<usize>();
            regions.push(Region { name, shape: shape.to_vec(), start });
            start..at
        };
        let (d, ff) = (c.hidden_size, c.intermediate_size);
        let (qd, kvd) = (c.q_dim(), c.kv_dim());
        let embed = put("model.embed_tokens.weight".into(), &[c.vocab_size, d]);
        let mut layers = Vec::new();
        for i in 0..c.num_hidden_layers {
            let n = |s: &str| format!("model.layers.{i}.{s}.weight");
            let input_norm = put(n("input_layernorm"), &[d]);
            let q = put(n("self_attn.q_proj"), &[qd, d]);
            let k = put(n("self_attn.k_proj"), &[kvd, d]);
            let v = put(n("self_attn.v_proj"), &[kvd, d]);
            let o = put(n("self_attn.o_proj"), &[d, qd]);
            let b = |s: &str| format!("model.layers.{i}.self_attn.{s}.bias");
            let (mut q_bias, mut kv_bias) = (None, None);
            if c.qkv_bias() {
                q_bias = Some(put(b("q_proj"), &[qd]));
                let k = put(b("k_proj"), &[kvd]);
                kv_bias = Some(k.start..put(b("v_proj"), &[kvd]).end);
            }
            let o_bias = c.o_bias().then(|| put(b("o_proj"), &[d]));
            let mut head_norm = |s| c.qk_norm().then(|| put(n(s), &[c.head_dim()]));
            let (q_norm, k_norm) = (head_norm("self_attn.q_norm"), head_norm("self_attn.k_norm"));
            let post_norm = put(n("post_attention_layernorm"), &[d]);
            let gate = put(n("mlp.gate_proj"), &[ff, d]);
            let up = put(n("mlp.up_proj"), &[ff, d]);
            let down = put(n("mlp.down_proj"), &[d, ff]);
            layers.push(LayerAt {
                input_norm,
                q,
                kv: k.start..v.end,
                o,
                q_bias,
                kv_bias,
                o_bias,
                q_norm,
                k_norm,
                post_norm,
                gate_up: gate.start..up.end,
                down,
            });
        }
        let norm = put("model.norm.weight".into(), &[d]);
        let head = if c.tie_word_embeddings {
            embed.clone()
        } else {
            put("lm_head.weight".into(), &[c.vocab_size, d])
        };
        Self { regions, embed, layers, norm, head, len: at }
    }

    /// Elements of the flat buffer = parameters of the model.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Never true.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}
