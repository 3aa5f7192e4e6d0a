//! The encoder on a tiny random model that the test writes itself.

use std::collections::BTreeMap;
use std::path::Path;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::json;
use tempfile::TempDir;

use super::Encoder;
use crate::embedded::EmbeddedError;

const WORDS: [&str; 14] = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "work", "is", "a", "duty", "family", "comes", "first",
    "##s", "trust", "people",
];
const H: usize = 24;
const FF: usize = 40;
const HEADS: usize = 3;
const LAYERS: usize = 2;
const POSITIONS: usize = 40;

type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// A model folder in the making.
struct Folder {
    dir: TempDir,
    config: serde_json::Value,
    tensors: Tensors,
}

impl Folder {
    fn new() -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(4);
        let mut tensors = Tensors::new();
        let mut add = |name: String, shape: &[usize], centre: f32| {
            let values = (0..shape.iter().product())
                .map(|_| centre + ((rng.next_u64() >> 40) as f32 / (1u64 << 24) as f32 - 0.5) * 0.6)
                .collect();
            tensors.insert(name, (shape.to_vec(), values));
        };
        add("embeddings.word_embeddings.weight".into(), &[WORDS.len(), H], 0.0);
        add("embeddings.position_embeddings.weight".into(), &[POSITIONS, H], 0.0);
        add("embeddings.token_type_embeddings.weight".into(), &[2, H], 0.0);
        let mut norms = vec!["embeddings.LayerNorm".to_owned()];
        for i in 0..LAYERS {
            let at = format!("encoder.layer.{i}");
            for (name, out, inn) in [
                ("attention.self.query", H, H),
                ("attention.self.key", H, H),
                ("attention.self.value", H, H),
                ("attention.output.dense", H, H),
                ("intermediate.dense", FF, H),
                ("output.dense", H, FF),
            ] {
                add(format!("{at}.{name}.weight"), &[out, inn], 0.0);
                add(format!("{at}.{name}.bias"), &[out], 0.0);
            }
            norms.push(format!("{at}.attention.output.LayerNorm"));
            norms.push(format!("{at}.output.LayerNorm"));
        }
        for name in norms {
            add(format!("{name}.weight"), &[H], 1.0);
            add(format!("{name}.bias"), &[H], 0.0);
        }
        let config = json!({
            "model_type": "bert", "vocab_size": WORDS.len(), "hidden_size": H,
            "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "intermediate_size": FF,
            "hidden_act": "gelu", "max_position_embeddings": POSITIONS, "type_vocab_size": 2,
            "layer_norm_eps": 1e-12, "pad_token_id": 0
        });
        let folder = Self { dir: tempfile::tempdir().unwrap(), config, tensors };
        folder.write("tokenizer.json", &tokenizer().to_string());
        folder
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn set(mut self, key: &str, value: serde_json::Value) -> Self {
        self.config[key] = value;
        self
    }

    fn load(&self) -> Result<Encoder, EmbeddedError> {
        self.write("config.json", &self.config.to_string());
        save(&self.tensors, &self.path().join("model.safetensors"));
        Encoder::load(self.path())
    }

    fn refusal(&self) -> String {
        self.load().map(|_| ()).unwrap_err().to_string()
    }
}

fn save(tensors: &Tensors, path: &Path) {
    let bytes: Vec<(&str, &[usize], Vec<u8>)> = tensors
        .iter()
        .map(|(n, (s, v))| (n.as_str(), &s[..], v.iter().flat_map(|x| x.to_le_bytes()).collect()))
        .collect();
    let views = bytes.iter().map(|(name, shape, data)| {
        (*name, TensorView::new(Dtype::F32, shape.to_vec(), data).unwrap())
    });
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// As it is published: padding to 128 and cutting at 128.
fn tokenizer() -> serde_json::Value {
    let vocabulary: serde_json::Map<String, serde_json::Value> =
        WORDS.iter().zip(0..).map(|(w, i)| ((*w).to_owned(), json!(i))).collect();
    let special = |id: usize| {
        json!({"id": id, "content": WORDS[id], "single_word": false, "lstrip": false,
               "rstrip": false, "normalized": false, "special": true})
    };
    let piece = |token: &str| json!({"SpecialToken": {"id": token, "type_id": 0}});
    let text = json!({"Sequence": {"id": "A", "type_id": 0}});
    json!({
        "version": "1.0",
        "truncation": {"max_length": 128, "strategy": "LongestFirst", "stride": 0,
                       "direction": "Right"},
        "padding": {"strategy": {"Fixed": 128}, "direction": "Right", "pad_to_multiple_of": null,
                    "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"},
        "added_tokens": [special(0), special(1), special(2), special(3)],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                       "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing",
            "single": [piece("[CLS]"), text, piece("[SEP]")],
            "pair": [piece("[CLS]"), text, piece("[SEP]")],
            "special_tokens": {
                "[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}},
        "decoder": null,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": vocabulary}
    })
}

/// The same model by plain loops in f64, one sentence at a time: what the fast one must compute.
struct Reference<'a> {
    tensors: &'a Tensors,
    first_position: usize,
}

impl Reference<'_> {
    fn get(&self, name: &str) -> &[f32] {
        &self.tensors[name].1
    }

    fn linear(&self, name: &str, x: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let w = self.get(&format!("{name}.weight"));
        let b = self.get(&format!("{name}.bias"));
        let dot = |row: &[f64], o: usize| -> f64 {
            row.iter().enumerate().map(|(i, v)| v * f64::from(w[o * row.len() + i])).sum()
        };
        x.iter().map(|row| (0..b.len()).map(|o| dot(row, o) + f64::from(b[o])).collect()).collect()
    }

    fn norm(&self, name: &str, x: &mut [Vec<f64>]) {
        let w = self.get(&format!("{name}.weight"));
        let b = self.get(&format!("{name}.bias"));
        for row in x {
            let n = row.len() as f64;
            let mean = row.iter().sum::<f64>() / n;
            let variance = row.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
            for (i, v) in row.iter_mut().enumerate() {
                *v = (*v - mean) / (variance + 1e-12).sqrt() * f64::from(w[i]) + f64::from(b[i]);
            }
        }
    }

    fn hidden(&self, ids: &[u32]) -> Vec<Vec<f64>> {
        let row = |name: &str, at: usize| {
            self.get(&format!("embeddings.{name}.weight"))[at * H..(at + 1) * H].to_vec()
        };
        let mut x: Vec<Vec<f64>> = ids
            .iter()
            .enumerate()
            .map(|(i, id)| {
                let word = row("word_embeddings", *id as usize);
                let position = row("position_embeddings", self.first_position + i);
                let kind = row("token_type_embeddings", 0);
                (0..H)
                    .map(|j| f64::from(word[j]) + f64::from(position[j]) + f64::from(kind[j]))
                    .collect()
            })
            .collect();
        self.norm("embeddings.LayerNorm", &mut x);
        for layer in 0..LAYERS {
            let at = format!("encoder.layer.{layer}");
            let [q, k, v] = ["query", "key", "value"]
                .map(|part| self.linear(&format!("{at}.attention.self.{part}"), &x));
            let d = H / HEADS;
            let mut context = vec![vec![0.0; H]; x.len()];
            for head in 0..HEADS {
                let at = head * d..(head + 1) * d;
                for i in 0..x.len() {
                    let e: Vec<f64> = (0..x.len())
                        .map(|j| {
                            let s: f64 = at.clone().map(|c| q[i][c] * k[j][c]).sum();
                            (s / (d as f64).sqrt()).exp()
                        })
                        .collect();
                    let all: f64 = e.iter().sum();
                    for c in at.clone() {
                        context[i][c] = (0..x.len()).map(|j| e[j] / all * v[j][c]).sum();
                    }
                }
            }
            let attended = self.linear(&format!("{at}.attention.output.dense"), &context);
            add(&mut x, &attended);
            self.norm(&format!("{at}.attention.output.LayerNorm"), &mut x);
            let mut wide = self.linear(&format!("{at}.intermediate.dense"), &x);
            for v in wide.iter_mut().flatten() {
                *v = 0.5 * *v * (1.0 + erf(*v / 2f64.sqrt()));
            }
            let narrow = self.linear(&format!("{at}.output.dense"), &wide);
            add(&mut x, &narrow);
            self.norm(&format!("{at}.output.LayerNorm"), &mut x);
        }
        x
    }

    fn embed(&self, ids: &[u32], mean: bool) -> Vec<f64> {
        let x = self.hidden(ids);
        let rows = if mean { &x[..] } else { &x[..1] };
        let v: Vec<f64> = (0..H).map(|j| rows.iter().map(|r| r[j]).sum::<f64>()).collect();
        let length = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        v.iter().map(|x| x / length).collect()
    }
}

fn add(x: &mut [Vec<f64>], y: &[Vec<f64>]) {
    for (x, y) in x.iter_mut().flatten().zip(y.iter().flatten()) {
        *x += y;
    }
}

/// Maclaurin series; activations of the tiny model stay well inside its range.
fn erf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        let n = f64::from(n);
        term *= -x * x / n;
        sum += term / (2.0 * n + 1.0);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

fn far(a: &[f32], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (f64::from(*x) - y).abs()).fold(0.0, f64::max)
}

const TEXTS: [&str; 5] = [
    "Work is a duty.",
    "family comes first",
    "",
    "trust people works family is a duty people trust work is a duty family comes first",
    "xylophone",
];

#[test]
fn vectors_are_those_of_plain_loops_in_double_precision() {
    let folder = Folder::new();
    let encoder = folder.load().unwrap();
    let reference = Reference { tensors: &folder.tensors, first_position: 0 };
    let vectors = encoder.embed(&TEXTS).unwrap();
    for (text, v) in TEXTS.iter().zip(&vectors) {
        let ids = encoder.tokens(text).unwrap();
        assert!(far(v, &reference.embed(&ids, true)) < 2e-6, "{text}");
        let length: f32 = v.iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-5 && v.len() == encoder.dimension());
    }
    // Texts that differ have vectors that differ: the model is not a constant.
    assert!(far(&vectors[0], &vectors[1].iter().map(|x| f64::from(*x)).collect::<Vec<_>>()) > 0.01);
}

#[test]
fn a_vector_does_not_depend_on_its_neighbours_and_repeats_itself() {
    let encoder = Folder::new().load().unwrap();
    let many: Vec<&str> = (0..200).map(|i| TEXTS[i * 7 % 5]).collect();
    let together = encoder.embed(&many).unwrap();
    assert_eq!(together, encoder.embed(&many).unwrap());
    for (text, v) in many.iter().zip(&together) {
        let alone: Vec<f64> =
            encoder.embed(&[text]).unwrap()[0].iter().map(|x| f64::from(*x)).collect();
        assert!(far(v, &alone) < 1e-6, "{text}");
    }
    assert_eq!(encoder.embed::<&str>(&[]).unwrap(), Vec::<Vec<f32>>::new());
}

#[test]
fn published_padding_and_cutting_are_overridden() {
    let encoder = Folder::new().load().unwrap();
    assert_eq!(encoder.tokens("work").unwrap(), [2, 4, 3]);
    let long = "work ".repeat(300);
    // Cut at the model's 40 positions, special tokens included.
    assert_eq!(encoder.tokens(&long).unwrap().len(), POSITIONS);
    assert_eq!(encoder.embed(&[long]).unwrap().len(), 1);
    let mut folder = Folder::new().set("max_position_embeddings", json!(600));
    let wide = vec![0.1; 600 * H];
    folder.tensors.insert("embeddings.position_embeddings.weight".into(), (vec![600, H], wide));
    assert_eq!(folder.load().unwrap().tokens(&"work ".repeat(300)).unwrap().len(), 256);
}

#[test]
fn the_xlm_r_family_numbers_positions_from_above_the_padding_id() {
    for family in ["xlm-roberta", "roberta"] {
        let mut folder = Folder::new()
            .set("model_type", json!(family))
            .set("pad_token_id", json!(1))
            .set("hidden_act", json!("gelu"));
        folder.tensors =
            folder.tensors.into_iter().map(|(name, t)| (format!("roberta.{name}"), t)).collect();
        let encoder = folder.load().unwrap();
        let plain: Tensors = folder
            .tensors
            .iter()
            .map(|(n, t)| (n.trim_start_matches("roberta.").to_owned(), t.clone()))
            .collect();
        let reference = Reference { tensors: &plain, first_position: 2 };
        let ids = encoder.tokens(TEXTS[3]).unwrap();
        assert!(far(&encoder.embed(&[TEXTS[3]]).unwrap()[0], &reference.embed(&ids, true)) < 2e-6);
        assert_eq!(encoder.config().longest(), POSITIONS - 2);
        assert_eq!(encoder.tokens(&"work ".repeat(99)).unwrap().len(), POSITIONS - 2);
    }
}

#[test]
fn tensors_under_a_prefix_and_heads_beside_the_encoder_are_understood() {
    let mut folder = Folder::new();
    let want = folder.load().unwrap().embed(&TEXTS).unwrap();
    folder.tensors =
        folder.tensors.into_iter().map(|(name, t)| (format!("bert.{name}"), t)).collect();
    for head in ["bert.pooler.dense.weight", "cls.predictions.bias", "bert.embeddings.position_ids"]
    {
        folder.tensors.insert(head.into(), (vec![2], vec![0.0; 2]));
    }
    assert_eq!(folder.load().unwrap().embed(&TEXTS).unwrap(), want);
}

#[test]
fn pooling_follows_the_folder() {
    let folder = Folder::new();
    folder.write(
        "1_Pooling/config.json",
        r#"{"word_embedding_dimension": 24, "pooling_mode_cls_token": true,
            "pooling_mode_mean_tokens": false}"#,
    );
    let encoder = folder.load().unwrap();
    let reference = Reference { tensors: &folder.tensors, first_position: 0 };
    let ids = encoder.tokens(TEXTS[0]).unwrap();
    assert!(far(&encoder.embed(&[TEXTS[0]]).unwrap()[0], &reference.embed(&ids, false)) < 2e-6);
    folder.write("1_Pooling/config.json", r#"{"pooling_mode": "mean"}"#);
    let encoder = folder.load().unwrap();
    assert!(far(&encoder.embed(&[TEXTS[0]]).unwrap()[0], &reference.embed(&ids, true)) < 2e-6);
    folder.write("1_Pooling/config.json", r#"{"pooling_mode_max_tokens": true}"#);
    assert!(folder.refusal().contains("max_tokens"));
    folder.write(
        "modules.json",
        r#"[{"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "path": "2_Dense", "type": "sentence_transformers.models.Dense"}]"#,
    );
    assert!(folder.refusal().contains("`Dense`"));
}

#[test]
fn broken_weights_are_refused_by_the_tensors_name() {
    let name = "encoder.layer.1.attention.self.key.weight";
    let mut folder = Folder::new();
    folder.tensors.remove(name);
    let e = folder.refusal();
    assert!(e.contains(name) && e.contains("missing"), "{e}");

    let mut folder = Folder::new();
    folder.tensors.insert(name.into(), (vec![H, H + 1], vec![0.0; H * (H + 1)]));
    let e = folder.refusal();
    assert!(e.contains(name) && e.contains("[24, 25]: expected [24, 24]"), "{e}");

    let mut folder = Folder::new();
    folder.tensors.get_mut(name).unwrap().1[5] = f32::NAN;
    let e = folder.refusal();
    assert!(e.contains(name) && e.contains("element 5 is NaN"), "{e}");

    let mut folder = Folder::new();
    folder.tensors.insert("encoder.layer.2.output.dense.bias".into(), (vec![H], vec![0.0; H]));
    let e = folder.refusal();
    assert!(e.contains("encoder.layer.2.output.dense.bias"), "{e}");
}

#[test]
fn pickles_are_refused_whatever_they_are_called() {
    let folder = Folder::new();
    folder.load().unwrap();
    let weights = folder.path().join("model.safetensors");
    for bytes in [&b"\x80\x02}q\x00."[..], b"PK\x03\x04 zipped pickle", b"", b"version https://"] {
        std::fs::write(&weights, bytes).unwrap();
        let e = Encoder::load(folder.path()).unwrap_err().to_string();
        assert!(e.contains("model.safetensors") && e.contains("not a safetensors file"), "{e}");
    }
    std::fs::remove_file(&weights).unwrap();
    let e = Encoder::load(folder.path()).unwrap_err().to_string();
    assert!(e.contains("no such file"), "{e}");
    folder.write("pytorch_model.bin", "\u{80}");
    let e = Encoder::load(folder.path()).unwrap_err().to_string();
    assert!(e.contains("pytorch_model.bin") && e.contains("pickle"), "{e}");
}

#[test]
fn a_tokenizer_of_another_model_is_refused() {
    let folder = Folder::new();
    let mut other = tokenizer();
    other["model"]["vocab"]["stranger"] = json!(WORDS.len());
    folder.write("tokenizer.json", &other.to_string());
    let e = folder.refusal();
    assert!(e.contains("`stranger` has id 14") && e.contains("ends at 13"), "{e}");
    folder.write("tokenizer.json", "{\"torn\": ");
    assert!(folder.refusal().contains("not a tokenizer"));
    std::fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
    assert!(folder.refusal().contains("tokenizer.json"));
}

#[test]
fn configs_that_make_no_encoder_are_refused_by_name() {
    for (key, value, says) in [
        ("model_type", json!("mpnet"), "`mpnet` is not computed here"),
        ("model_type", json!(null), "`(none)`"),
        ("hidden_act", json!("silu"), "`silu`"),
        ("num_attention_heads", json!(5), "num_attention_heads 5"),
        ("num_hidden_layers", json!(0), "num_hidden_layers is 0"),
        ("hidden_size", json!("wide"), "config.json"),
        ("position_embedding_type", json!("relative_key"), "`relative_key`"),
        ("max_position_embeddings", json!(1), "max_position_embeddings is 1"),
        ("layer_norm_eps", json!(-1.0), "layer_norm_eps"),
    ] {
        let e = Folder::new().set(key, value).refusal();
        assert!(e.contains(says), "{key}: {e}");
    }
    let folder = Folder::new();
    let e = Encoder::load(folder.path()).unwrap_err().to_string();
    assert!(e.contains("config.json"), "{e}");
}
