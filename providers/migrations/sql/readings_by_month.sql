-- Readings are cut by civil month (Asia/Shanghai): see docs/decisions/0010-readings-by-month.md.
CREATE SEQUENCE providers_meterreading_number_seq;
CREATE TABLE providers_meterreading (
    id bigint NOT NULL DEFAULT nextval('providers_meterreading_number_seq'),
    meter_id bigint NOT NULL,
    source_id bigint NOT NULL,
    event_id text NOT NULL,
    starts_at timestamptz NOT NULL,
    period tstzrange NOT NULL,
    quantity numeric(20, 6) NOT NULL,
    revision smallint NOT NULL DEFAULT 0,
    state text NOT NULL,
    reason text,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT a_reading_has_one_number PRIMARY KEY (id, starts_at),
    CONSTRAINT a_reading_is_of_a_meter FOREIGN KEY (meter_id) REFERENCES providers_meter (id),
    CONSTRAINT a_reading_has_a_source FOREIGN KEY (source_id) REFERENCES providers_metersource (id),
    CONSTRAINT a_reading_is_quarantined_for_a_reason
        CHECK ((state = 'accepted' AND reason IS NULL)
               OR (state = 'quarantined' AND reason IS NOT NULL)),
    CONSTRAINT an_accepted_quantity_is_not_negative
        CHECK (state = 'quarantined' OR quantity >= 0),
    CONSTRAINT a_reading_has_an_interval
        CHECK (NOT isempty(period) AND lower(period) = starts_at AND upper(period) IS NOT NULL),
    CONSTRAINT a_revision_is_not_negative CHECK (revision >= 0)
) PARTITION BY RANGE (starts_at);
ALTER SEQUENCE providers_meterreading_number_seq OWNED BY providers_meterreading.id;
CREATE UNIQUE INDEX an_interval_has_one_reading_of_a_revision
    ON providers_meterreading (meter_id, starts_at, revision) WHERE state = 'accepted';
CREATE INDEX corrections_by_meter
    ON providers_meterreading (meter_id, starts_at) WHERE revision > 0;
