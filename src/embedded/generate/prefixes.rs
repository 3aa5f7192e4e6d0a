//! Keys and values of prompts that were computed before, as a tree of shared beginnings: a system
//! message and its instructions are computed once, however many prompts begin with them.

use std::sync::Arc;

use super::forward::{Chunk, Run};

#[derive(Debug)]
struct Node {
    tokens: Vec<u32>,
    run: Run,
    parent: Option<usize>,
    children: Vec<usize>,
    used: u64,
}

/// The tree. Nodes that are forgotten live on in the sequences that still hold their runs.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    nodes: Vec<Option<Node>>,
    free: Vec<usize>,
    roots: Vec<usize>,
    /// Tokens remembered.
    rows: usize,
    clock: u64,
}

impl Prefixes {
    /// The longest remembered beginning of `tokens`: its runs, root first, and its length.
    pub(super) fn find(&mut self, tokens: &[u32]) -> (Vec<Run>, usize) {
        let (path, last) = self.walk(tokens);
        self.clock += 1;
        let mut runs = Vec::with_capacity(path.len());
        let mut length = 0;
        for (i, &n) in path.iter().enumerate() {
            if let Some(node) = self.nodes[n].as_mut() {
                node.used = self.clock;
                let take = if i + 1 == path.len() { last } else { node.tokens.len() };
                let start = node.run.rows.start;
                runs.push(Run { chunk: node.run.chunk.clone(), rows: start..start + take });
                length += take;
            }
        }
        (runs, length)
    }

    /// Nodes along `tokens`, and how many tokens of the last one agree (at least one).
    fn walk(&self, tokens: &[u32]) -> (Vec<usize>, usize) {
        let (mut path, mut last, mut at) = (Vec::new(), 0, 0);
        let mut children = &self.roots;
        loop {
            let next = children
                .iter()
                .copied()
                .find(|&n| self.node(n).is_some_and(|c| tokens.get(at) == c.tokens.first()));
            let Some((n, node)) = next.and_then(|n| self.node(n).map(|c| (n, c))) else { break };
            last = node.tokens.iter().zip(&tokens[at..]).take_while(|(a, b)| a == b).count();
            path.push(n);
            at += last;
            if last < node.tokens.len() {
                break;
            }
            children = &node.children;
        }
        (path, last)
    }

    fn node(&self, n: usize) -> Option<&Node> {
        self.nodes.get(n).and_then(Option::as_ref)
    }

    /// Remembers `tokens`; `copy` gives keys and values of the positions that are not there yet.
    pub(super) fn insert(
        &mut self,
        tokens: &[u32],
        copy: impl FnOnce(std::ops::Range<usize>) -> Chunk,
    ) {
        let (path, last) = self.walk(tokens);
        let mut at = 0;
        for (i, &n) in path.iter().enumerate() {
            let Some(len) = self.node(n).map(|c| c.tokens.len()) else { return };
            let take = if i + 1 == path.len() { last } else { len };
            at += take;
        }
        if at == tokens.len() {
            return;
        }
        let parent = path.last().copied();
        if let Some(n) = parent
            && self.node(n).is_some_and(|c| last < c.tokens.len())
        {
            self.cut(n, last);
        }
        self.clock += 1;
        let run = Run { chunk: Arc::new(copy(at..tokens.len())), rows: 0..tokens.len() - at };
        self.rows += tokens.len() - at;
        let node =
            Node { tokens: tokens[at..].to_vec(), run, parent, children: vec![], used: self.clock };
        let n = self.place(node);
        self.siblings(parent).push(n);
    }

    fn siblings(&mut self, parent: Option<usize>) -> &mut Vec<usize> {
        match parent.and_then(|p| self.nodes.get_mut(p)).and_then(Option::as_mut) {
            Some(p) => &mut p.children,
            None => &mut self.roots,
        }
    }

    fn place(&mut self, node: Node) -> usize {
        if let Some(n) = self.free.pop() {
            self.nodes[n] = Some(node);
            return n;
        }
        self.nodes.push(Some(node));
        self.nodes.len() - 1
    }

    /// Makes two nodes of one: the first `length` tokens stay, the rest becomes its child.
    fn cut(&mut self, n: usize, length: usize) {
        let Some(node) = self.nodes[n].as_mut() else { return };
        let middle = node.run.rows.start + length;
        let rest = Node {
            tokens: node.tokens.split_off(length),
            run: Run { chunk: node.run.chunk.clone(), rows: middle..node.run.rows.end },
            parent: Some(n),
            children: std::mem::take(&mut node.children),
            used: node.used,
        };
        node.run.rows.end = middle;
        let moved = rest.children.clone();
        let child = self.place(rest);
        for m in moved {
            if let Some(c) = self.nodes[m].as_mut() {
                c.parent = Some(child);
            }
        }
        if let Some(node) = self.nodes[n].as_mut() {
            node.children.push(child);
        }
    }

    /// Forgets the ends that were not used for the longest time, until `rows` tokens are left.
    pub(super) fn shrink(&mut self, rows: usize) {
        while self.rows > rows {
            let oldest = self
                .nodes
                .iter()
                .enumerate()
                .filter_map(|(i, n)| n.as_ref().map(|n| (i, n)))
                .filter(|(_, n)| n.children.is_empty())
                .min_by_key(|(_, n)| n.used)
                .map(|(i, _)| i);
            let Some(i) = oldest else { return };
            let Some(node) = self.nodes[i].take() else { return };
            self.free.push(i);
            self.rows -= node.tokens.len();
            self.siblings(node.parent).retain(|c| *c != i);
        }
    }

    /// Tokens remembered.
    #[cfg(test)]
    pub(super) fn rows(&self) -> usize {
        self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A chunk whose one number a row is its token.
    fn chunk(tokens: &[u32]) -> Chunk {
        Chunk { layers: vec![tokens.iter().map(|t| *t as f32).collect()] }
    }

    fn read(runs: &[Run]) -> Vec<u32> {
        runs.iter()
            .flat_map(|r| r.chunk.layers[0][r.rows.clone()].iter().map(|x| *x as u32))
            .collect()
    }

    proptest! {
        #[test]
        fn what_is_found_is_the_longest_beginning_that_was_put_in(
            seqs in prop::collection::vec(prop::collection::vec(0u32..3, 1..12), 1..40),
            ask in prop::collection::vec(0u32..3, 1..12),
        ) {
            let mut p = Prefixes::default();
            for s in &seqs {
                p.insert(s, |r| chunk(&s[r]));
            }
            let all: std::collections::HashSet<&[u32]> =
                seqs.iter().flat_map(|s| (1..=s.len()).map(|n| &s[..n])).collect();
            prop_assert_eq!(p.rows(), all.len());
            for s in seqs.iter().chain([&ask]) {
                let want = (0..=s.len()).rev().find(|&n| n == 0 || all.contains(&s[..n])).unwrap();
                let (runs, n) = p.find(s);
                prop_assert_eq!(n, want);
                prop_assert_eq!(read(&runs), &s[..n]);
            }
            p.shrink(5);
            prop_assert!(p.rows() <= 5);
            let (runs, n) = p.find(&ask);
            prop_assert_eq!(read(&runs), &ask[..n]);
            p.shrink(0);
            prop_assert_eq!(p.find(&ask).1, 0);
        }
    }
}
