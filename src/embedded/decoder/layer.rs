//! One layer, forward and backward, by hand.
//!
//! The last layer works out queries, attention output and MLP only at the rows that are wanted;
//! its keys and values are those of all rows. With one supervised position a prompt, that halves
//! the cost of a two-layer model.

use std::ops::Range;

use super::attention::{Scratch, attend, attend_backward, weights_len};
use super::linear::{Delta, DeltaScratch, On, Weight, gather_rows, scatter_add};
use super::lora::{GroupAt, LayerGroups};
use super::model::Sink;
use super::workspace::{LayerKept, Workspace, fit, zeroed};
use super::{Decoder, Pack};
use crate::embedded::device::Fault;
use crate::embedded::kernels::{
    RopeTable, Turn, add_bias, add_bias_backward, rms_norm, rms_norm_backward, rms_norm_heads,
    rms_norm_heads_backward, rope, swiglu, swiglu_backward,
};
use crate::embedded::matmul::Into;

/// An adapter in use with the groups of one layer.
#[derive(Clone, Copy)]
struct LayerDelta<'a> {
    delta: Delta<'a>,
    groups: &'a LayerGroups,
}

impl<'a> LayerDelta<'a> {
    fn of(delta: Option<Delta<'a>>, layer: usize) -> Option<Self> {
        delta.map(|delta| Self { delta, groups: &delta.adapter.layers[layer] })
    }
}

/// The adapter of one group, where there is one.
fn group(
    delta: Option<LayerDelta<'_>>,
    which: fn(&LayerGroups) -> &Option<GroupAt>,
) -> Option<(Delta<'_>, &GroupAt)> {
    let d = delta?;
    which(d.groups).as_ref().map(|at| (d.delta, at))
}

/// What a layer works with beside its own buffers.
struct Around<'a> {
    on: On<'a>,
    table: &'a RopeTable,
    scratch: &'a mut Scratch,
    delta: &'a mut DeltaScratch,
    act: &'a mut Vec<f32>,
}

impl Decoder {
    fn w(&self, at: &Range<usize>) -> &[f32] {
        &self.weights[at.clone()]
    }

    /// A weight that products are worked out with.
    pub(crate) fn weight<'a>(&'a self, at: &'a Range<usize>) -> Weight<'a> {
        Weight { at, values: self.w(at) }
    }

    /// Layer `i` from its input, `ws.layers[i].x`, to the next one's, or to `ws.out`. Only a device
    /// fails; what the buffers hold then is not said.
    pub(crate) fn layer_forward(
        &self,
        i: usize,
        delta: Option<Delta<'_>>,
        pack: &Pack,
        wanted: &[u32],
        ws: &mut Workspace,
    ) -> Result<(), Fault> {
        let last = i + 1 == self.config().num_hidden_layers;
        let queries = if last { wanted } else { &ws.all_rows };
        let (before, after) = ws.layers.split_at_mut(i + 1);
        let out = if last { &mut ws.out } else { &mut after[0].x };
        let own = &mut before[i];
        if ws.recompute {
            std::mem::swap(&mut own.x, &mut ws.shared.x);
        }
        let kept = if ws.recompute { &mut ws.shared } else { &mut *own };
        let mut around = Around {
            on: On { threads: ws.threads, device: ws.device.as_deref() },
            table: &ws.rope,
            scratch: &mut ws.scratch,
            delta: &mut ws.delta,
            act: &mut ws.act,
        };
        let delta = LayerDelta::of(delta, i);
        let done = self
            .attention_forward(i, delta, pack, queries, kept, &mut around)
            .and_then(|()| self.mlp_forward(i, delta, kept, out, &mut around));
        if ws.recompute {
            std::mem::swap(&mut own.x, &mut ws.shared.x);
        }
        done
    }

    /// From `kept.x` to `kept.h`, the residual stream after attention at the query rows.
    fn attention_forward(
        &self,
        i: usize,
        delta: Option<LayerDelta<'_>>,
        pack: &Pack,
        queries: &[u32],
        kept: &mut LayerKept,
        a: &mut Around<'_>,
    ) -> Result<(), Fault> {
        let c = self.config();
        let at = &self.layout().layers[i];
        let (d, qd, kvd, hd) = (c.hidden_size, c.q_dim(), c.kv_dim(), c.head_dim());
        let (n, nq) = (pack.len(), queries.len());
        let eps = c.rms_norm_eps as f32;
        let xn = fit(&mut kept.xn, n * d);
        rms_norm(&kept.x, self.w(&at.input_norm), eps, xn, fit(&mut kept.x_inv, n));

        let kv = fit(&mut kept.kv, n * 2 * kvd);
        a.on.linear(kv, Into::Replace, &kept.xn, self.weight(&at.kv), n, d)?;
        if let Some((delta, at)) = group(delta, |g| &g.kv) {
            delta.forward(a.on.threads, at, kv, &kept.xn, &mut kept.t.kv, a.delta);
        }
        if let Some(b) = &at.kv_bias {
            add_bias(kv, self.w(b));
        }
        if let Some(norm) = &at.k_norm {
            let pre = fit(&mut kept.k_pre, n * kvd);
            let inv = fit(&mut kept.k_inv, n * c.kv_heads());
            rms_norm_heads(kv, 2 * kvd, self.w(norm), eps, pre, inv);
        }
        let positions = pack.positions.iter().copied();
        rope(kv, 2 * kvd, c.kv_heads(), hd, positions, a.table, Turn::Forward);

        let xq = if nq == n {
            &kept.xn
        } else {
            gather_rows(&kept.xn, queries, d, &mut kept.xq);
            &kept.xq
        };
        let q = fit(&mut kept.q, nq * qd);
        a.on.linear(q, Into::Replace, xq, self.weight(&at.q), nq, d)?;
        if let Some((delta, at)) = group(delta, |g| &g.q) {
            delta.forward(a.on.threads, at, q, xq, &mut kept.t.q, a.delta);
        }
        if let Some(b) = &at.q_bias {
            add_bias(q, self.w(b));
        }
        if let Some(norm) = &at.q_norm {
            let pre = fit(&mut kept.q_pre, nq * qd);
            let inv = fit(&mut kept.q_inv, nq * c.num_attention_heads);
            rms_norm_heads(q, qd, self.w(norm), eps, pre, inv);
        }
        let positions = queries.iter().map(|&r| pack.positions[r as usize]);
        rope(q, qd, c.num_attention_heads, hd, positions, a.table, Turn::Forward);

        let h = self.heads();
        let weights = fit(&mut kept.weights, weights_len(pack, queries, h));
        let heads = fit(&mut kept.heads, nq * qd);
        attend(pack, queries, h, &kept.q, &kept.kv, heads, weights, a.scratch);

        gather_rows(&kept.x, queries, d, &mut kept.h);
        a.on.linear(&mut kept.h, Into::Add, &kept.heads, self.weight(&at.o), nq, qd)?;
        if let Some((delta, at)) = group(delta, |g| &g.o) {
            delta.forward(a.on.threads, at, &mut kept.h, &kept.heads, &mut kept.t.o, a.delta);
        }
        if let Some(b) = &at.o_bias {
            add_bias(&mut kept.h, self.w(b));
        }
        Ok(())
    }

    /// From `kept.h` to the layer's output.
    fn mlp_forward(
        &self,
        i: usize,
        delta: Option<LayerDelta<'_>>,
        kept: &mut LayerKept,
        out: &mut Vec<f32>,
        a: &mut Around<'_>,
    ) -> Result<(), Fault> {
        let c = self.config();
        let at = &self.layout().layers[i];
        let (d, ff) = (c.hidden_size, c.intermediate_size);
        let nq = kept.h.len() / d;
        let hn = fit(&mut kept.hn, nq * d);
        let inv = fit(&mut kept.h_inv, nq);
        rms_norm(&kept.h, self.w(&at.post_norm), c.rms_norm_eps as f32, hn, inv);
        let gate_up = fit(&mut kept.gate_up, nq * 2 * ff);
        a.on.linear(gate_up, Into::Replace, &kept.hn, self.weight(&at.gate_up), nq, d)?;
        if let Some((delta, at)) = group(delta, |g| &g.gate_up) {
            delta.forward(a.on.threads, at, gate_up, &kept.hn, &mut kept.t.gate_up, a.delta);
        }
        let act = fit(a.act, nq * ff);
        a.on.threads.rows1(gate_up, 2 * ff, act, ff, |gu, act| swiglu(gu, ff, act));
        out.clear();
        out.extend_from_slice(&kept.h);
        a.on.linear(out, Into::Add, act, self.weight(&at.down), nq, ff)?;
        if let Some((delta, at)) = group(delta, |g| &g.down) {
            delta.forward(a.on.threads, at, out, act, &mut kept.t.down, a.delta);
        }
        Ok(())
    }

    /// Backward of layer `i`: `ws.dx` comes as the gradient of its output at the query rows and
    /// goes as the gradient of its input at all rows. Nothing below the first layer is wanted where
    /// the model itself is frozen: `ws.dx` is then left undefined by that layer.
    pub(crate) fn layer_backward(
        &self,
        i: usize,
        delta: Option<Delta<'_>>,
        pack: &Pack,
        wanted: &[u32],
        ws: &mut Workspace,
        sink: &mut Sink<'_>,
    ) -> Result<(), Fault> {
        if ws.recompute {
            std::mem::swap(&mut ws.layers[i].x, &mut ws.shared.x);
            std::mem::swap(&mut ws.layers[i], &mut ws.shared);
        }
        let delta = LayerDelta::of(delta, i);
        let last = i + 1 == self.config().num_hidden_layers;
        let wanted = last.then_some(wanted);
        let done = self
            .mlp_backward(i, delta, ws, sink)
            .and_then(|()| self.attention_backward(i, delta, pack, wanted, ws, sink));
        if ws.recompute {
            std::mem::swap(&mut ws.layers[i], &mut ws.shared);
            std::mem::swap(&mut ws.layers[i].x, &mut ws.shared.x);
        }
        done
    }

    /// From the gradient of the layer's output, `ws.dx`, to that of `kept.h`, `ws.dh`.
    fn mlp_backward(
        &self,
        i: usize,
        delta: Option<LayerDelta<'_>>,
        ws: &mut Workspace,
        sink: &mut Sink<'_>,
    ) -> Result<(), Fault> {
        let c = self.config();
        let at = &self.layout().layers[i];
        let (d, ff) = (c.hidden_size, c.intermediate_size);
        let kept = &ws.layers[i];
        let nq = kept.h.len() / d;
        let (threads, device) = (ws.threads, ws.device.clone());
        let on = On { threads, device: device.as_deref() };

        let dact = fit(&mut ws.dact, nq * ff);
        on.linear_dx(dact, Into::Replace, &ws.dx, self.weight(&at.down), nq, ff)?;
        let down = group(delta, |g| &g.down).zip(sink.adapter());
        if let Some(((delta, at), g)) = down {
            delta.backward(threads, at, &ws.dx, &kept.t.down, Some(dact), g, &mut ws.delta);
        }
        let dgu = fit(&mut ws.dgate_up, nq * 2 * ff);
        let act = fit(&mut ws.act, nq * ff);
        threads.rows2(
            (&kept.gate_up, 2 * ff),
            (dact, ff),
            (dgu, 2 * ff),
            (act, ff),
            |gu, dact, dgu, act| swiglu_backward(gu, ff, dact, dgu, act),
        );
        if let Some(((delta, at), g)) = group(delta, |g| &g.down).zip(sink.adapter()) {
            delta.backward_a(threads, at, act, g, &mut ws.delta);
        }
        if let Some(g) = sink.base(&at.down) {
            on.linear_dw(g, &ws.dx, act, nq, ff)?;
        }
        if let Some(g) = sink.base(&at.gate_up) {
            on.linear_dw(g, dgu, &kept.hn, nq, d)?;
        }
        let dn = fit(&mut ws.dn, nq * d);
        on.linear_dx(dn, Into::Replace, dgu, self.weight(&at.gate_up), nq, d)?;
        if let Some(((delta, at), g)) = group(delta, |g| &g.gate_up).zip(sink.adapter()) {
            delta.backward(threads, at, dgu, &kept.t.gate_up, Some(dn), g, &mut ws.delta);
            delta.backward_a(threads, at, &kept.hn, g, &mut ws.delta);
        }
        ws.dh.clear();
        ws.dh.extend_from_slice(&ws.dx);
        let norm = sink.base(&at.post_norm);
        rms_norm_backward(&kept.h, self.w(&at.post_norm), &kept.h_inv, dn, &mut ws.dh, norm);
        Ok(())
    }

    /// From the gradient of `kept.h`, `ws.dh`, to that of the layer's input, `ws.dx`.
    fn attention_backward(
        &self,
        i: usize,
        delta: Option<LayerDelta<'_>>,
        pack: &Pack,
        wanted: Option<&[u32]>,
        ws: &mut Workspace,
        sink: &mut Sink<'_>,
    ) -> Result<(), Fault> {
        let c = self.config();
        let at = &self.layout().layers[i];
        let (d, qd, kvd, hd) = (c.hidden_size, c.q_dim(), c.kv_dim(), c.head_dim());
        let queries = wanted.unwrap_or(&ws.all_rows);
        let (n, nq) = (pack.len(), queries.len());
        let kept = &ws.layers[i];
        let (threads, device) = (ws.threads, ws.device.clone());
        let on = On { threads, device: device.as_deref() };

        if let Some(g) = at.o_bias.as_ref().and_then(|b| sink.base(b)) {
            add_bias_backward(&ws.dh, g);
        }
        if let Some(g) = sink.base(&at.o) {
            on.linear_dw(g, &ws.dh, &kept.heads, nq, qd)?;
        }
        let dheads = fit(&mut ws.dheads, nq * qd);
        on.linear_dx(dheads, Into::Replace, &ws.dh, self.weight(&at.o), nq, qd)?;
        if let Some(((delta, at), g)) = group(delta, |g| &g.o).zip(sink.adapter()) {
            delta.backward(threads, at, &ws.dh, &kept.t.o, Some(dheads), g, &mut ws.delta);
            delta.backward_a(threads, at, &kept.heads, g, &mut ws.delta);
        }
        let dq = fit(&mut ws.dq, nq * qd);
        let dkv = zeroed(&mut ws.dkv, n * 2 * kvd);
        attend_backward(
            pack,
            queries,
            self.heads(),
            &kept.q,
            &kept.kv,
            &kept.weights,
            dheads,
            dq,
            dkv,
            &mut ws.scratch,
        );
        let positions = queries.iter().map(|&r| pack.positions[r as usize]);
        rope(dq, qd, c.num_attention_heads, hd, positions, &ws.rope, Turn::Back);
        let positions = pack.positions.iter().copied();
        rope(dkv, 2 * kvd, c.kv_heads(), hd, positions, &ws.rope, Turn::Back);
        if let Some(norm) = &at.q_norm {
            let (w, dw) = (self.w(norm), sink.base(norm));
            rms_norm_heads_backward(&kept.q_pre, w, &kept.q_inv, dq, qd, dw);
        }
        if let Some(norm) = &at.k_norm {
            let (w, dw) = (self.w(norm), sink.base(norm));
            rms_norm_heads_backward(&kept.k_pre, w, &kept.k_inv, dkv, 2 * kvd, dw);
        }
        if let Some(g) = at.q_bias.as_ref().and_then(|b| sink.base(b)) {
            add_bias_backward(dq, g);
        }
        if let Some(g) = at.kv_bias.as_ref().and_then(|b| sink.base(b)) {
            add_bias_backward(dkv, g);
        }
        let xq = if nq == n { &kept.xn } else { &kept.xq };
        if let Some(g) = sink.base(&at.q) {
            on.linear_dw(g, dq, xq, nq, d)?;
        }
        if let Some(g) = sink.base(&at.kv) {
            on.linear_dw(g, dkv, &kept.xn, n, d)?;
        }
        // Below the first layer of a frozen model there is nothing that learns.
        let through = i > 0 || sink.is_base();
        let dn = fit(&mut ws.dn, n * d);
        if through {
            on.linear_dx(dn, Into::Replace, dkv, self.weight(&at.kv), n, d)?;
        }
        if let Some(((delta, at), g)) = group(delta, |g| &g.kv).zip(sink.adapter()) {
            let dx = through.then_some(&mut *dn);
            delta.backward(threads, at, dkv, &kept.t.kv, dx, g, &mut ws.delta);
            delta.backward_a(threads, at, &kept.xn, g, &mut ws.delta);
        }
        // Where queries are not all rows, their gradient is spread over the rows afterwards.
        let few = nq != n;
        let (dq_n, how) =
            if few { (fit(&mut ws.dq_n, nq * d), Into::Replace) } else { (&mut *dn, Into::Add) };
        if through {
            on.linear_dx(dq_n, how, dq, self.weight(&at.q), nq, d)?;
        }
        if let Some(((delta, at), g)) = group(delta, |g| &g.q).zip(sink.adapter()) {
            let dx = through.then_some(&mut *dq_n);
            delta.backward(threads, at, dq, &kept.t.q, dx, g, &mut ws.delta);
            delta.backward_a(threads, at, xq, g, &mut ws.delta);
        }
        if !through {
            return Ok(());
        }
        if few {
            scatter_add(&ws.dq_n, queries, d, dn);
            scatter_add(&ws.dh, queries, d, zeroed(&mut ws.dx, n * d));
        } else {
            std::mem::swap(&mut ws.dx, &mut ws.dh);
        }
        let norm = sink.base(&at.input_norm);
        rms_norm_backward(&kept.x, self.w(&at.input_norm), &kept.x_inv, dn, &mut ws.dx, norm);
        Ok(())
    }
}
