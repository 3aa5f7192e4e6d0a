-- Model judges: what every asked order of an item came to, kept beside the ratings. Judges stand
-- apart from people: they take none of an item's k places.

CREATE TABLE judge (
    study         TEXT NOT NULL,
    rater         TEXT NOT NULL,
    model         TEXT NOT NULL,             -- as it was asked for
    prompt        TEXT NOT NULL,             -- name@version
    prompt_sha256 TEXT NOT NULL,
    guideline     TEXT NOT NULL,             -- name@version
    created       TEXT NOT NULL,
    PRIMARY KEY (study, rater),
    FOREIGN KEY (study, rater) REFERENCES rater (study, id)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER judge_is_what_it_was BEFORE UPDATE ON judge
BEGIN SELECT raise(ABORT, 'a judge keeps its model and prompt; take another rater name'); END;

CREATE TABLE judge_verdict (
    study     TEXT NOT NULL,
    rater     TEXT NOT NULL,
    item      TEXT NOT NULL,
    shown     TEXT NOT NULL CHECK (shown IN ('seed-first', 'sample-first')),
    outcome   TEXT NOT NULL
              CHECK (outcome IN ('score', 'refused', 'cut-off', 'unparsable', 'failed')),
    score     INTEGER CHECK (score BETWEEN 1 AND 5),
    detail    TEXT NOT NULL,                 -- why there is no score; '' where there is one
    reply     TEXT NOT NULL,                 -- key in the reply store; '' where nothing came back
    model     TEXT NOT NULL,                 -- as the service names itself
    run       TEXT NOT NULL,
    at        TEXT NOT NULL,
    PRIMARY KEY (study, rater, item, shown),
    FOREIGN KEY (study, item) REFERENCES item (study, id),
    FOREIGN KEY (study, rater) REFERENCES judge (study, rater),
    CHECK ((outcome = 'score') = (score IS NOT NULL))
) STRICT, WITHOUT ROWID;
-- a call that failed may be made again; what a model said stays
CREATE TRIGGER judge_verdict_stays BEFORE UPDATE ON judge_verdict WHEN OLD.outcome <> 'failed'
BEGIN SELECT raise(ABORT, 'a verdict stands as it was given'); END;
CREATE TRIGGER judge_verdict_keeps_all BEFORE DELETE ON judge_verdict
BEGIN SELECT raise(ABORT, 'verdicts are never deleted'); END;

-- k people an item and no more; judges have places of their own, from 1000000 on
DROP TRIGGER assignment_within_k;
CREATE TRIGGER assignment_within_k BEFORE INSERT ON assignment
WHEN NEW.slot >= (SELECT k FROM item WHERE study = NEW.study AND id = NEW.item)
 AND (SELECT kind FROM rater WHERE study = NEW.study AND id = NEW.rater) IS NOT 'judge'
BEGIN SELECT raise(ABORT, 'over-assigned: the item has all its raters'); END;
CREATE TRIGGER assignment_apart_from_judges BEFORE INSERT ON assignment
WHEN (NEW.slot >= 1000000)
  IS NOT ((SELECT kind FROM rater WHERE study = NEW.study AND id = NEW.rater) IS 'judge')
BEGIN SELECT raise(ABORT, 'judges have places of their own and take none of people''s'); END;
