-- Remedies of a kind: what wrote labels is one of many kinds, and was looked for among all.
CREATE INDEX remedies_of_kind ON remedies (kind, created_at, id, state);
