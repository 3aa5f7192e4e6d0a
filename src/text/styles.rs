//! Which style each byte of a text has, as runs.

/// Runs of one style: first byte and style, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Styles(Vec<(usize, usize)>);

impl Styles {
    /// From this byte on the text has this style. Bytes only ascend; the last word wins.
    pub fn start(&mut self, byte: usize, style: usize) {
        while self.0.last().is_some_and(|last| last.0 >= byte) {
            self.0.pop();
        }
        if self.0.last().is_none_or(|last| last.1 != style) {
            self.0.push((byte, style));
        }
    }

    /// Reads the styles of ascending bytes.
    pub fn reader(&self) -> Reader<'_> {
        self.reader_from(0)
    }

    /// The same, for bytes from this one on.
    pub fn reader_from(&self, byte: usize) -> Reader<'_> {
        Reader { runs: &self.0, next: self.0.partition_point(|run| run.0 <= byte) }
    }
}

/// See [`Styles::reader`].
pub(super) struct Reader<'a> {
    runs: &'a [(usize, usize)],
    next: usize,
}

impl Reader<'_> {
    /// The style of this byte; 0 before the first run.
    pub fn at(&mut self, byte: usize) -> usize {
        while self.runs.get(self.next).is_some_and(|run| run.0 <= byte) {
            self.next += 1;
        }
        self.next.checked_sub(1).map_or(0, |i| self.runs[i].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_one_style_are_one_and_the_last_word_wins() {
        let mut s = Styles::default();
        assert_eq!(s.reader().at(5), 0);
        for (byte, style) in [(0, 1), (2, 1), (4, 2), (4, 1), (6, 3)] {
            s.start(byte, style);
        }
        assert_eq!(s.0, [(0, 1), (6, 3)]);
        let mut r = s.reader();
        assert_eq!(s.reader_from(7).at(7), 3);
        assert_eq!([r.at(0), r.at(5), r.at(6), r.at(90)], [1, 1, 3, 3]);
    }
}
