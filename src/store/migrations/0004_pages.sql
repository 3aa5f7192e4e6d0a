-- Pages and counts of a million samples: each order of the list, alone and within a fate or a seed.
-- `row` is the second key of all pages; fate and reason are there so that counts are read from the index alone.

CREATE INDEX sample_by_fate ON sample (decision, row);
CREATE INDEX sample_by_fate_and_similarity ON sample (decision, similarity, row, reason);
CREATE INDEX sample_by_seed_and_similarity ON sample (seed, similarity, row, decision, reason);

-- why a rater skipped or flagged: broken-text, cannot-judge, comment, other
ALTER TABLE rating_event ADD COLUMN reason TEXT CHECK (reason IS NULL OR kind IN ('skip', 'flag'));
CREATE INDEX rating_event_by_rater ON rating_event (rater, id);
