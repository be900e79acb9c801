-- When an activity was durable in the log, when policies had decided, and its journey's name.
ALTER TABLE activities ADD COLUMN appended_at BIGINT;
ALTER TABLE activities ADD COLUMN evaluated_at BIGINT;
ALTER TABLE activities ADD COLUMN traceparent TEXT;
