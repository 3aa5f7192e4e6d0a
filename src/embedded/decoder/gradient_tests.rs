//! The decoder against a second, naive implementation in `f64`: one sequence at a time, no packing,
//! no blocks, three loops a product. Its finite differences are the gradients that ours must be.

use super::*;

/// Log-probabilities of every next token of one sequence, by the definition.
fn naive(c: &DecoderConfig, layout: &Layout, w: &[f64], tokens: &[u32]) -> Vec<Vec<f64>> {
    let d = c.hidden_size;
    let get = |name: &str| {
        let r = layout.regions.iter().find(|r| r.name == name).unwrap();
        &w[r.range()]
    };
    let mul = |w: &[f64], x: &[f64]| -> Vec<f64> {
        w.chunks(x.len()).map(|row| row.iter().zip(x).map(|(a, b)| a * b).sum()).collect()
    };
    let norm = |w: &[f64], x: &[f64]| -> Vec<f64> {
        let ms = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
        x.iter().zip(w).map(|(x, w)| x / (ms + c.rms_norm_eps).sqrt() * w).collect()
    };
    let (hd, half) = (c.head_dim(), c.head_dim() / 2);
    let find = |name: String| {
        layout.regions.iter().find(|r| r.name == name).map(|r| w[r.range()].to_vec())
    };
    let frequencies = c.inv_freq();
    let turn = |x: &mut [f64], p: usize| {
        for head in x.chunks_mut(hd) {
            for i in 0..half {
                let f = frequencies[i] * p as f64;
                let (a, b) = (head[i], head[i + half]);
                head[i] = a * f.cos() - b * f.sin();
                head[i + half] = b * f.cos() + a * f.sin();
            }
        }
    };
    let embed = get("model.embed_tokens.weight");
    let mut x: Vec<Vec<f64>> =
        tokens.iter().map(|&t| embed[t as usize * d..(t as usize + 1) * d].to_vec()).collect();
    for l in 0..c.num_hidden_layers {
        let p = |s: &str| get(&format!("model.layers.{l}.{s}.weight"));
        let (mut qs, mut ks, mut vs) = (vec![], vec![], vec![]);
        for (pos, x) in x.iter().enumerate() {
            let n = norm(p("input_layernorm"), x);
            let project = |s: &str, x: &[f64]| {
                let mut y = mul(p(&format!("self_attn.{s}_proj")), x);
                if let Some(b) = find(format!("model.layers.{l}.self_attn.{s}_proj.bias")) {
                    y.iter_mut().zip(b).for_each(|(y, b)| *y += b);
                }
                if let Some(w) = find(format!("model.layers.{l}.self_attn.{s}_norm.weight")) {
                    y = y.chunks(hd).flat_map(|head| norm(&w, head)).collect();
                }
                y
            };
            let (mut q, mut k) = (project("q", &n), project("k", &n));
            turn(&mut q, pos);
            turn(&mut k, pos);
            qs.push(q);
            ks.push(k);
            vs.push(project("v", &n));
        }
        for i in 0..x.len() {
            let mut heads = vec![];
            for h in 0..c.num_attention_heads {
                let kv = h / (c.num_attention_heads / c.kv_heads());
                let q = &qs[i][h * hd..(h + 1) * hd];
                let e: Vec<f64> = (0..=i)
                    .map(|j| {
                        let k = &ks[j][kv * hd..(kv + 1) * hd];
                        let s: f64 = q.iter().zip(k).map(|(a, b)| a * b).sum();
                        (s / (hd as f64).sqrt()).exp()
                    })
                    .collect();
                let total: f64 = e.iter().sum();
                for j in 0..hd {
                    heads.push((0..=i).map(|t| e[t] / total * vs[t][kv * hd + j]).sum());
                }
            }
            let mut o = mul(p("self_attn.o_proj"), &heads);
            if let Some(b) = find(format!("model.layers.{l}.self_attn.o_proj.bias")) {
                o.iter_mut().zip(b).for_each(|(o, b)| *o += b);
            }
            let h: Vec<f64> = x[i].iter().zip(&o).map(|(a, b)| a + b).collect();
            let n = norm(p("post_attention_layernorm"), &h);
            let (g, u) = (mul(p("mlp.gate_proj"), &n), mul(p("mlp.up_proj"), &n));
            let act: Vec<f64> = g.iter().zip(&u).map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect();
            let down = mul(p("mlp.down_proj"), &act);
            x[i] = h.iter().zip(&down).map(|(a, b)| a + b).collect();
        }
    }
    let head = if c.tie_word_embeddings { embed } else { get("lm_head.weight") };
    x.iter()
        .map(|x| {
            let logits = mul(head, &norm(get("model.norm.weight"), x));
            let total: f64 = logits.iter().map(|l| l.exp()).sum();
            logits.iter().map(|l| l - total.ln()).collect()
        })
        .collect()
}

/// Sequence, place, token, weight.
type Wanted = (usize, usize, u32, f32);

/// Sequences with shared beginnings, one past a block's length, and what should follow at some rows.
fn case(vocab: u32) -> (Vec<Vec<u32>>, Vec<Wanted>) {
    let t = |n: usize, k: u32| -> Vec<u32> { (0..n as u32).map(|i| (i * 7 + k) % vocab).collect() };
    let base = t(9, 1);
    let seqs = vec![
        [&base[..], &[3, 4]].concat(),
        [&base[..], &[3, 5, 6]].concat(),
        [&base[..4], &[0, 1, 2]].concat(),
        t(5, 3),
        t(140, 2),
        [&t(140, 2)[..], &[1]].concat(),
    ];
    // (sequence, place, token, weight); the first two share a row and a token.
    let wanted = vec![
        (0, 8, 3, 0.25),
        (1, 8, 3, 0.25),
        (0, 10, 2, 0.7),
        (1, 11, 1, 1.5),
        (2, 3, 5, 0.5),
        (2, 6, 4, 1.0),
        (3, 4, 0, 1.0),
        (4, 139, 6, 0.3),
        (5, 140, 1, 1.0),
    ];
    (seqs, wanted)
}

fn configs() -> Vec<DecoderConfig> {
    let mut untied = DecoderConfig::llama(9, 8, 10, 2, 4, 2).unwrap();
    untied.tie_word_embeddings = false;
    let mut qwen2 = DecoderConfig::llama(9, 8, 10, 2, 4, 2).unwrap();
    qwen2.model_type = Family::Qwen2;
    let mut qwen3 = DecoderConfig::llama(9, 8, 10, 2, 4, 2).unwrap();
    (qwen3.model_type, qwen3.head_dim, qwen3.attention_bias) = (Family::Qwen3, Some(6), true);
    qwen3.rope_scaling = Some(RopeScaling::Llama3 {
        factor: 4.0,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_max_position_embeddings: 64,
    });
    vec![
        qwen2,
        qwen3,
        DecoderConfig::llama(9, 8, 10, 2, 2, 2).unwrap(),
        DecoderConfig::llama(9, 12, 6, 1, 2, 1).unwrap(),
        untied,
    ]
}

fn naive_loss(c: &DecoderConfig, l: &Layout, w: &[f64]) -> f64 {
    let (seqs, wanted) = case(c.vocab_size as u32);
    let lp: Vec<_> = seqs.iter().map(|s| naive(c, l, w, s)).collect();
    wanted.iter().map(|&(s, at, t, k)| -f64::from(k) * lp[s][at][t as usize]).sum()
}

fn random(c: DecoderConfig) -> Decoder {
    // Larger than usual, so that no gradient is lost in noise.
    let mut m = Decoder::random(c, 0.5, 3).unwrap();
    for (i, w) in m.weights.iter_mut().enumerate() {
        *w += 0.1 * (i as f32).sin();
    }
    m
}

#[test]
fn loss_and_every_gradient_agree_with_finite_differences_of_the_naive_model() {
    for c in configs() {
        let m = random(c.clone());
        let (seqs, wanted) = case(9);
        let (pack, rows) = Pack::from_sequences(&seqs);
        let s = Supervision::new(wanted.iter().map(|&(s, at, t, k)| (rows[s][at], t, k)).collect());
        let mut grads = vec![0.0; m.weights.len()];
        let mut ws = Workspace::new();
        let loss = m.loss(&pack, &s, 1.0, &mut ws, Some(&mut grads)).unwrap();
        let w: Vec<f64> = m.weights.iter().map(|&x| f64::from(x)).collect();
        let want = naive_loss(&c, m.layout(), &w);
        assert!((loss - want).abs() < 1e-5 * want, "{loss} against {want}");
        let top = grads.iter().fold(0.0f32, |a, g| a.max(g.abs()));
        for i in (0..w.len()).step_by(3) {
            let mut near = w.clone();
            near[i] += 1e-5;
            let up = naive_loss(&c, m.layout(), &near);
            near[i] -= 2e-5;
            let numeric = (up - naive_loss(&c, m.layout(), &near)) / 2e-5;
            let gap = (f64::from(grads[i]) - numeric).abs();
            assert!(gap < 2e-5 * f64::from(top), "weight {i}: {} against {numeric}", grads[i]);
        }
    }
}

#[test]
fn a_second_pass_through_the_same_buffers_changes_nothing_and_gradients_add_up() {
    let m = random(configs().remove(4));
    let (seqs, wanted) = case(9);
    let (pack, rows) = Pack::from_sequences(&seqs);
    let s = Supervision::new(wanted.iter().map(|&(s, at, t, k)| (rows[s][at], t, k)).collect());
    let mut ws = Workspace::new();
    let mut once = vec![0.0; m.weights.len()];
    let a = m.loss(&pack, &s, 2.0, &mut ws, Some(&mut once)).unwrap();
    let (small, small_rows) = Pack::from_sequences(&seqs[..3]);
    m.loss(&small, &Supervision::new(vec![(small_rows[0][2], 1, 1.0)]), 1.0, &mut ws, None)
        .unwrap();
    let mut again = once.clone();
    let b = m.loss(&pack, &s, 2.0, &mut ws, Some(&mut again)).unwrap();
    assert_eq!(a, b);
    for (once, twice) in once.iter().zip(&again) {
        assert!((2.0 * once - twice).abs() <= 1e-4 * once.abs().max(1e-3));
    }
}

#[test]
fn log_probabilities_are_those_of_single_sequences() {
    for c in configs() {
        let m = random(c.clone());
        let w: Vec<f64> = m.weights.iter().map(|&x| f64::from(x)).collect();
        let (seqs, _) = case(9);
        let (pack, rows) = Pack::from_sequences(&seqs);
        let mut asked = vec![];
        for (s, seq) in seqs.iter().enumerate() {
            let lp = naive(&c, m.layout(), &w, seq);
            for at in [0, seq.len() / 2, seq.len() - 1] {
                for t in [0, 3, 8] {
                    asked.push((rows[s][at], t, lp[at][t as usize]));
                }
            }
        }
        asked.sort_by_key(|a| a.0);
        let pairs: Vec<(u32, u32)> = asked.iter().map(|a| (a.0, a.1)).collect();
        let got = log_probs(&m, &pack, &pairs, &mut Workspace::new()).unwrap();
        for (g, a) in got.iter().zip(&asked) {
            assert!((g - a.2).abs() < 2e-4, "{g} against {}", a.2);
        }
    }
}

#[test]
fn unknown_tokens_and_too_long_sequences_are_refused() {
    let mut c = configs().remove(0);
    c.max_position_embeddings = 4;
    let m = random(c);
    let mut ws = Workspace::new();
    for (seq, word) in [(vec![9u32], "token 9"), (vec![1; 5], "5 tokens")] {
        let (p, rows) = Pack::from_sequences(&[seq]);
        let s = Supervision::new(vec![(rows[0][0], 1, 1.0)]);
        let e = m.loss(&p, &s, 1.0, &mut ws, None).unwrap_err().to_string();
        assert!(e.contains(word), "{e}");
    }
    let (p, _) = Pack::from_sequences(&[vec![1u32]]);
    assert!(m.loss(&p, &Supervision::new(vec![(0, 99, 1.0)]), 1.0, &mut ws, None).is_err());
    assert!(log_probs(&m, &p, &[(0, 99)], &mut ws).is_err());
}

#[test]
fn a_nan_weight_shows_in_the_loss() {
    let mut m = random(configs().remove(0));
    let at = m.layout().regions[4].start;
    m.weights[at] = f32::NAN;
    let (p, _) = Pack::from_sequences(&[vec![1u32, 2, 3]]);
    let s = Supervision::new(vec![(2, 1, 1.0)]);
    assert!(m.loss(&p, &s, 1.0, &mut Workspace::new(), None).unwrap().is_nan());
}
