//! What changed between two texts, word by word (Myers, "An O(ND) difference algorithm", 1986).

use super::token::{Token, tokens};

/// What became of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// In both.
    Same,
    /// Only in the old one.
    Removed,
    /// Only in the new one.
    Added,
}

/// One element of a difference, by its index on the side (or sides) where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Piece {
    /// What became of it.
    pub change: Change,
    /// Index in the old sequence; for an addition, where it would have stood.
    pub old: usize,
    /// Index in the new sequence; for a removal, where it would have stood.
    pub new: usize,
}

/// Beyond this many differences the middle is given as "all removed, all added": still a correct
/// difference, no longer the shortest. Keeps time and memory (D²) bounded on any input.
const MAX_DIFFERENCES: usize = 2_000;

/// The shortest difference of two sequences, in reading order.
pub fn diff<T: PartialEq>(old: &[T], new: &[T]) -> Vec<Piece> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let tail =
        old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let mut out: Vec<Piece> = (0..head).map(|i| same(i, i)).collect();
    out.extend(middle(a, b).into_iter().map(|p| Piece {
        old: p.old + head,
        new: p.new + head,
        ..p
    }));
    out.extend((0..tail).map(|i| same(old.len() - tail + i, new.len() - tail + i)));
    out
}

fn same(old: usize, new: usize) -> Piece {
    Piece { change: Change::Same, old, new }
}

fn replaced(a: usize, b: usize) -> Vec<Piece> {
    (0..a)
        .map(|i| Piece { change: Change::Removed, old: i, new: 0 })
        .chain((0..b).map(|i| Piece { change: Change::Added, old: a, new: i }))
        .collect()
}

/// Greedy search for the furthest point on each diagonal, then the way back.
fn middle<T: PartialEq>(a: &[T], b: &[T]) -> Vec<Piece> {
    if a.is_empty() || b.is_empty() {
        return replaced(a.len(), b.len());
    }
    let (n, m) = (a.len() as isize, b.len() as isize);
    let most = (a.len() + b.len()).min(MAX_DIFFERENCES) as isize;
    let offset = most + 1;
    let mut furthest = vec![0isize; (2 * most + 3) as usize];
    let mut trace: Vec<Vec<isize>> = Vec::new();
    for d in 0..=most {
        trace.push(furthest[(offset - d - 1) as usize..=(offset + d + 1) as usize].to_vec());
        let mut k = -d;
        while k <= d {
            let at = (offset + k) as usize;
            let down = k == -d || (k != d && furthest[at - 1] < furthest[at + 1]);
            let mut x = if down { furthest[at + 1] } else { furthest[at - 1] + 1 };
            let mut y = x - k;
            while x < n && y < m && a[x as usize] == b[y as usize] {
                x += 1;
                y += 1;
            }
            furthest[at] = x;
            if x >= n && y >= m {
                return walk_back(&trace, d, n, m);
            }
            k += 2;
        }
    }
    replaced(a.len(), b.len())
}

/// `trace[d]` holds the furthest points before round `d`, for diagonals `-d-1..=d+1`.
fn walk_back(trace: &[Vec<isize>], last: isize, n: isize, m: isize) -> Vec<Piece> {
    let (mut x, mut y) = (n, m);
    let mut out = Vec::new();
    for d in (0..=last).rev() {
        let before = &trace[d as usize];
        let at = |k: isize| before[(k + d + 1) as usize];
        let k = x - y;
        let down = k == -d || (k != d && at(k - 1) < at(k + 1));
        let from_k = if down { k + 1 } else { k - 1 };
        let (from_x, from_y) = if d == 0 { (0, 0) } else { (at(from_k), at(from_k) - from_k) };
        while x > from_x && y > from_y && x > 0 && y > 0 {
            x -= 1;
            y -= 1;
            out.push(same(x as usize, y as usize));
        }
        if d > 0 {
            let change = if down { Change::Added } else { Change::Removed };
            (x, y) = (from_x, from_y);
            out.push(Piece { change, old: x as usize, new: y as usize });
        }
    }
    out.reverse();
    out
}

/// The difference of two texts by tokens (marks included, case and all): the pieces, and the
/// tokens of both sides that they point into.
pub fn diff_words<'a>(old: &'a str, new: &'a str) -> (Vec<Piece>, Vec<Token<'a>>, Vec<Token<'a>>) {
    let (a, b) = (tokens(old), tokens(new));
    let pieces = diff(
        &a.iter().map(|t| t.text).collect::<Vec<_>>(),
        &b.iter().map(|t| t.text).collect::<Vec<_>>(),
    );
    (pieces, a, b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn drawn(old: &str, new: &str) -> String {
        let (pieces, a, b) = diff_words(old, new);
        let words: Vec<String> = pieces
            .iter()
            .map(|p| match p.change {
                Change::Same => a[p.old].text.to_owned(),
                Change::Removed => format!("-{}", a[p.old].text),
                Change::Added => format!("+{}", b[p.new].text),
            })
            .collect();
        words.join(" ")
    }

    #[test]
    fn words_that_changed_are_named_and_nothing_else() {
        let cases = [
            ("", "", ""),
            ("", "a", "+a"),
            ("a b", "", "-a -b"),
            ("old dogs sleep", "old cats sleep", "old -dogs +cats sleep"),
            ("it rains", "it never rains", "it +never rains"),
            ("a b c d", "b c d e", "-a b c d +e"),
            ("狗在睡", "猫在睡", "-狗 +猫 在 睡"),
        ];
        for (old, new, expected) in cases {
            assert_eq!(drawn(old, new), expected, "{old} / {new}");
        }
    }

    #[test]
    fn two_long_strangers_are_still_compared_in_bounded_memory() {
        let a: Vec<u32> = (0..5_000).collect();
        let b: Vec<u32> = (10_000..15_000).collect();
        assert_eq!(diff(&a, &b).len(), 10_000);
    }

    proptest! {
        #[test]
        fn a_difference_rebuilds_both_sides_and_is_the_shortest(
            a in prop::collection::vec(0u8..4, 0..14), b in prop::collection::vec(0u8..4, 0..14)
        ) {
            let pieces = diff(&a, &b);
            let old: Vec<u8> = pieces.iter().filter(|p| p.change != Change::Added).map(|p| a[p.old]).collect();
            let new: Vec<u8> = pieces.iter().filter(|p| p.change != Change::Removed).map(|p| b[p.new]).collect();
            prop_assert_eq!(&old, &a);
            prop_assert_eq!(&new, &b);
            let kept = pieces.iter().filter(|p| p.change == Change::Same).count();
            prop_assert_eq!(kept, longest_common(&a, &b));
        }
    }

    /// The textbook table, to hold the fast way against.
    fn longest_common(a: &[u8], b: &[u8]) -> usize {
        let mut best = vec![vec![0; b.len() + 1]; a.len() + 1];
        for i in 0..a.len() {
            for j in 0..b.len() {
                best[i + 1][j + 1] =
                    if a[i] == b[j] { best[i][j] + 1 } else { best[i][j + 1].max(best[i + 1][j]) };
            }
        }
        best[a.len()][b.len()]
    }
}
