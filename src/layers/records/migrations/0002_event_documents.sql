-- What is told of a record is passed on as it was written, and nobody looks into it here: as jsonb it cost as much to take in as
-- everything else of an event.

-- migrate:up
alter table record_events alter column record type json using record::json;

-- migrate:down
alter table record_events alter column record type jsonb using record::jsonb;
