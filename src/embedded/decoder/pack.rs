//! Packing without padding: token sequences as one forest of shared prefixes.
//!
//! A pack's rows are grouped into segments; a segment may have a parent. A token attends to all
//! tokens of its ancestor segments and causally within its own; its rotary position is its depth
//! along that path. So one question's cultures share the question's rows, and one prompt's options
//! share the prompt's, with the results of separate sequences.

use std::ops::Range;

/// A run of tokens with one history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its rows.
    pub rows: Range<usize>,
    /// Index of the segment it continues.
    pub parent: Option<usize>,
}

/// Rows of tokens with their tree. Segments stand in depth-first order, so the rows of a subtree
/// are consecutive and ancestors come first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pack {
    /// Token of each row.
    pub tokens: Vec<u32>,
    /// Depth of each row along its path, from 0.
    pub positions: Vec<u32>,
    /// The tree.
    pub segments: Vec<Segment>,
    pub(crate) blocks: Vec<Block>,
}

/// Rows that attention computes together: a part of the tree and the path that leads to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// Consecutive rows.
    pub(crate) rows: Range<usize>,
    /// Rows before the block that all of its rows see, root first.
    pub(crate) path: Vec<Range<usize>>,
    /// Sum of the path's lengths.
    pub(crate) path_len: usize,
    /// The block's segments (or the part of one).
    pub(crate) spans: Vec<Span>,
}

/// The rows of one segment inside a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) rows: Range<usize>,
    /// Ancestor rows inside the block, all visible to the span.
    pub(crate) inside: Vec<Range<usize>>,
}

/// Most rows of one attention block: beyond it, the masked part of a square costs more than
/// calling the product again.
const BLOCK_ROWS: usize = 128;
/// Sibling subtrees share a block up to this many rows.
const SIBLING_ROWS: usize = 64;

impl Pack {
    /// Packs whole sequences; equal beginnings become shared segments. Also gives, for each
    /// sequence, the row of each of its tokens. Empty sequences have no rows.
    pub fn from_sequences<S: AsRef<[u32]>>(sequences: &[S]) -> (Self, Vec<Vec<u32>>) {
        let mut order: Vec<usize> = (0..sequences.len()).collect();
        order.sort_by(|&a, &b| sequences[a].as_ref().cmp(sequences[b].as_ref()));
        let mut build = Build {
            sequences: sequences.iter().map(AsRef::as_ref).collect(),
            pack: Self::default(),
            rows: sequences.iter().map(|s| Vec::with_capacity(s.as_ref().len())).collect(),
        };
        build.grow(&order, 0, None);
        let Build { mut pack, rows, .. } = build;
        pack.plan_blocks();
        (pack, rows)
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// No rows.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Longest path, in tokens.
    pub fn depth(&self) -> usize {
        self.positions.iter().max().map_or(0, |p| *p as usize + 1)
    }

    /// Groups segments into blocks.
    fn plan_blocks(&mut self) {
        let n = self.segments.len();
        // end[i]: first row after the subtree of segment i; children follow their parents.
        let mut end: Vec<usize> = self.segments.iter().map(|s| s.rows.end).collect();
        for i in (0..n).rev() {
            if let Some(p) = self.segments[i].parent {
                end[p] = end[p].max(end[i]);
            }
        }
        let mut i = 0;
        while i < n {
            let start = self.segments[i].rows.start;
            if end[i] - start > BLOCK_ROWS {
                // The segment alone, cut where it is long; then its children come by themselves.
                let whole = self.segments[i].rows.clone();
                let above = self.path_of(i);
                let mut at = whole.start;
                while at < whole.end {
                    let rows = at..(at + BLOCK_ROWS).min(whole.end);
                    let mut path = above.clone();
                    if at > whole.start {
                        path.push(whole.start..at);
                    }
                    at = rows.end;
                    let spans = vec![Span { rows: rows.clone(), inside: Vec::new() }];
                    self.blocks.push(Block::new(rows, path, spans));
                }
                i += 1;
                continue;
            }
            // The whole subtree, then following siblings' subtrees while they fit.
            let parent = self.segments[i].parent;
            let first = i;
            let mut stop = end[i];
            while i < n && self.segments[i].rows.start < stop {
                i += 1;
                if i < n
                    && self.segments[i].rows.start == stop
                    && self.segments[i].parent == parent
                    && end[i] - start <= SIBLING_ROWS
                {
                    stop = end[i];
                }
            }
            let spans = (first..i).map(|s| self.span(s, start)).collect();
            let path = self.path_of(first);
            self.blocks.push(Block::new(start..stop, path, spans));
        }
    }

    /// Rows of the ancestors of a segment, root first.
    fn path_of(&self, segment: usize) -> Vec<Range<usize>> {
        let mut path = Vec::new();
        let mut at = self.segments[segment].parent;
        while let Some(p) = at {
            path.push(self.segments[p].rows.clone());
            at = self.segments[p].parent;
        }
        path.reverse();
        path
    }

    fn span(&self, segment: usize, block_start: usize) -> Span {
        let inside = self.path_of(segment).into_iter().filter(|r| r.start >= block_start).collect();
        Span { rows: self.segments[segment].rows.clone(), inside }
    }
}

impl Block {
    fn new(rows: Range<usize>, path: Vec<Range<usize>>, spans: Vec<Span>) -> Self {
        let path_len = path.iter().map(ExactSizeIterator::len).sum();
        Self { rows, path, path_len, spans }
    }

    /// Keys that the block's rows are multiplied with: the path's, then its own.
    pub(crate) fn keys(&self) -> usize {
        self.path_len + self.rows.len()
    }
}

struct Build<'a> {
    sequences: Vec<&'a [u32]>,
    pack: Pack,
    rows: Vec<Vec<u32>>,
}

impl Build<'_> {
    /// Adds the subtrees of `group` (sorted, equal up to `depth`) below `parent`.
    fn grow(&mut self, group: &[usize], depth: usize, parent: Option<usize>) {
        // Sequences that end here sort first.
        let ended = group.iter().take_while(|&&s| self.sequences[s].len() <= depth).count();
        let mut rest = &group[ended..];
        while let Some(&first) = rest.first() {
            let token = self.sequences[first][depth];
            let n = rest.iter().take_while(|&&s| self.sequences[s][depth] == token).count();
            let (same, others) = rest.split_at(n);
            rest = others;
            let (a, b) = (self.sequences[first], self.sequences[same[n - 1]]);
            // Sorted: what the first and the last share, all share.
            let shared = a[depth..].iter().zip(&b[depth..]).take_while(|(x, y)| x == y).count();
            let start = self.pack.tokens.len();
            for (i, &t) in a[depth..depth + shared].iter().enumerate() {
                self.pack.tokens.push(t);
                self.pack.positions.push((depth + i) as u32);
            }
            let rows = start..self.pack.tokens.len();
            for &s in same {
                self.rows[s].extend(rows.clone().map(|r| r as u32));
            }
            self.pack.segments.push(Segment { rows, parent });
            let here = self.pack.segments.len() - 1;
            self.grow(same, depth + shared, Some(here));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The tokens that a row sees, by the definition.
    fn seen(pack: &Pack, row: usize) -> Vec<usize> {
        let s = pack.segments.iter().position(|s| s.rows.contains(&row)).unwrap();
        let mut v: Vec<usize> = pack.path_of(s).into_iter().flatten().collect();
        v.extend(pack.segments[s].rows.start..=row);
        v
    }

    fn seen_by_blocks(pack: &Pack, row: usize) -> Vec<usize> {
        let b = pack.blocks.iter().find(|b| b.rows.contains(&row)).unwrap();
        let span = b.spans.iter().find(|s| s.rows.contains(&row)).unwrap();
        let mut v: Vec<usize> = b.path.iter().cloned().flatten().collect();
        v.extend(span.inside.iter().cloned().flatten());
        v.extend(span.rows.start..=row);
        v
    }

    #[test]
    fn variants_of_one_question_share_its_rows() {
        let (p, rows) = Pack::from_sequences(&[
            vec![1, 2, 3, 9],
            vec![1, 2, 3, 8, 7],
            vec![1, 2, 3, 9],
            vec![1, 2],
            vec![],
        ]);
        assert_eq!(p.tokens, [1, 2, 3, 8, 7, 9]);
        assert_eq!(p.positions, [0, 1, 2, 3, 4, 3]);
        assert_eq!(rows[0], rows[2]);
        assert_eq!(rows[3], [0, 1]);
        assert!(rows[4].is_empty());
    }

    proptest! {
        #[test]
        fn every_sequence_finds_its_tokens_and_sees_its_own_past_only(
            seqs in prop::collection::vec(prop::collection::vec(0u32..3, 0..40), 1..30),
            long in prop::collection::vec(0u32..2, 0..300),
        ) {
            let mut seqs = seqs;
            seqs.push(long.clone());
            seqs.push([&long[..long.len() / 2], &[7, 8]].concat());
            let (p, rows) = Pack::from_sequences(&seqs);
            let covered: usize = p.blocks.iter().map(|b| b.rows.len()).sum();
            prop_assert_eq!(covered, p.len());
            for (s, r) in seqs.iter().zip(&rows) {
                let back: Vec<u32> = r.iter().map(|&i| p.tokens[i as usize]).collect();
                prop_assert_eq!(&back, s);
                for (depth, &row) in r.iter().enumerate() {
                    prop_assert_eq!(p.positions[row as usize] as usize, depth);
                    let want: Vec<usize> = r[..=depth].iter().map(|&i| i as usize).collect();
                    prop_assert_eq!(&seen(&p, row as usize), &want);
                    prop_assert_eq!(&seen_by_blocks(&p, row as usize), &want);
                }
            }
        }
    }
}
