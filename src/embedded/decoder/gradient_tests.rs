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

/// A few elements of every tensor: finite differences of all would take minutes.
fn a_few(regions: &[Region]) -> Vec<usize> {
    let of = |r: &Region| {
        let (start, step) = (r.start, (r.len() / 4).max(1));
        r.range().step_by(step).enumerate().map(move |(k, i)| (i + k).max(start)).collect()
    };
    let mut all: Vec<usize> = regions.iter().flat_map(|r| -> Vec<usize> { of(r) }).collect();
    let end = regions.iter().map(|r| r.range().end).max().unwrap_or(0);
    all.retain(|i| *i < end);
    all
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
        for i in a_few(&m.layout().regions) {
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

fn supervision(rows: &[Vec<u32>]) -> Supervision {
    let (_, wanted) = case(9);
    Supervision::new(wanted.iter().map(|&(s, at, t, k)| (rows[s][at], t, k)).collect())
}

/// An adapter whose B is not zero.
fn adapter(c: &DecoderConfig, targets: &[Projection], dropout: f64) -> Adapter {
    let settings =
        LoraSettings { r: 3, alpha: 6.0, dropout, targets: targets.into(), rslora: true };
    let mut a = Adapter::new(c, settings, 1).unwrap();
    for (i, w) in a.weights.iter_mut().enumerate() {
        *w += 0.3 * (i as f32 * 1.3).sin();
    }
    a
}

/// Weights of the model with the adapter's products added, in `f64`.
fn merged(m: &Decoder, a: &Adapter, flat: &[f64]) -> Vec<f64> {
    let mut w: Vec<f64> = m.weights.iter().map(|&x| f64::from(x)).collect();
    for r in m.layout().regions.iter().filter(|r| r.name.ends_with("_proj.weight")) {
        let find = |side: &str| {
            let stem = r.name.strip_suffix(".weight").unwrap();
            let name = format!("base_model.model.{stem}.lora_{side}.weight");
            a.regions().iter().find(|r| r.name == name).map(|r| &flat[r.range()])
        };
        let (Some(low), Some(high)) = (find("A"), find("B")) else { continue };
        let (rank, cols) = (a.settings().r, r.shape[1]);
        for (i, w) in w[r.range()].iter_mut().enumerate() {
            let (row, col) = (i / cols, i % cols);
            let product: f64 = (0..rank).map(|k| high[row * rank + k] * low[k * cols + col]).sum();
            *w += f64::from(a.settings().scale()) * product;
        }
    }
    w
}

#[test]
fn an_adapters_gradients_agree_with_finite_differences_of_the_naive_merged_model() {
    let three = [Projection::V, Projection::Up, Projection::Down];
    for (c, targets) in configs().into_iter().zip([&Projection::ALL[..], &Projection::ALL, &three])
    {
        let m = random(c.clone());
        let a = adapter(&c, targets, 0.0);
        let (seqs, _) = case(9);
        let (pack, rows) = Pack::from_sequences(&seqs);
        let s = supervision(&rows);
        let mut grads = vec![0.0; a.weights.len()];
        let mut ws = Workspace::new();
        let loss = m.adapted_loss(&a, Some(1), &pack, &s, 1.0, &mut ws, Some(&mut grads)).unwrap();
        let flat: Vec<f64> = a.weights.iter().map(|&x| f64::from(x)).collect();
        let at = |flat: &[f64]| naive_loss(&c, m.layout(), &merged(&m, &a, flat));
        let want = at(&flat);
        assert!((loss - want).abs() < 2e-5 * want, "{loss} against {want}");
        let top = grads.iter().fold(0.0f32, |a, g| a.max(g.abs()));
        for i in a_few(a.regions()) {
            let mut near = flat.clone();
            near[i] += 1e-5;
            let up = at(&near);
            near[i] -= 2e-5;
            let numeric = (up - at(&near)) / 2e-5;
            let gap = (f64::from(grads[i]) - numeric).abs();
            assert!(gap < 3e-5 * f64::from(top), "weight {i}: {} against {numeric}", grads[i]);
        }
    }
}

#[test]
fn recomputed_layers_and_threads_give_the_same_gradients() {
    for c in configs() {
        let m = random(c.clone());
        let a = adapter(&c, &Projection::ALL, 0.2);
        let (seqs, _) = case(9);
        let (pack, rows) = Pack::from_sequences(&seqs);
        let s = supervision(&rows);
        let run = |ws: &mut Workspace| {
            let mut adapted = vec![0.0; a.weights.len()];
            let mut whole = vec![0.0; m.weights.len()];
            let one = m.adapted_loss(&a, Some(5), &pack, &s, 1.0, ws, Some(&mut adapted)).unwrap();
            let two = m.loss(&pack, &s, 1.0, ws, Some(&mut whole)).unwrap();
            (one, two, adapted, whole)
        };
        let plain = run(&mut Workspace::new());
        assert_eq!(plain, run(&mut Workspace::new().with_recompute(true)));
        let threaded = run(&mut Workspace::new().with_threads(2));
        assert!((plain.0 - threaded.0).abs() < 1e-4 && (plain.1 - threaded.1).abs() < 1e-4);
        for (x, y) in plain.2.iter().chain(&plain.3).zip(threaded.2.iter().chain(&threaded.3)) {
            assert!((x - y).abs() < 1e-3 * x.abs().max(1.0), "{x} against {y}");
        }
    }
}

#[test]
fn dropout_changes_the_loss_of_a_pass_and_its_gradient_is_that_of_the_same_masks() {
    let c = configs().remove(1);
    let m = random(c.clone());
    let a = adapter(&c, &Projection::ALL, 0.3);
    let (seqs, _) = case(9);
    let (pack, rows) = Pack::from_sequences(&seqs);
    let s = supervision(&rows);
    let loss = |a: &Adapter, seed, grads: Option<&mut [f32]>| {
        m.adapted_loss(a, seed, &pack, &s, 1.0, &mut Workspace::new(), grads).unwrap()
    };
    assert_ne!(loss(&a, Some(1), None), loss(&a, Some(2), None));
    assert_ne!(loss(&a, Some(1), None), loss(&a, None, None));
    let mut grads = vec![0.0; a.weights.len()];
    loss(&a, Some(1), Some(&mut grads));
    let top = grads.iter().fold(0.0f32, |a, g| a.max(g.abs()));
    for i in (0..grads.len()).step_by(29) {
        let mut near = a.clone();
        near.weights[i] += 1e-2;
        let up = loss(&near, Some(1), None);
        near.weights[i] -= 2e-2;
        let numeric = (up - loss(&near, Some(1), None)) / 2e-2;
        let gap = (f64::from(grads[i]) - numeric).abs();
        assert!(gap < 1e-2 * f64::from(top), "weight {i}: {} against {numeric}", grads[i]);
    }
}
