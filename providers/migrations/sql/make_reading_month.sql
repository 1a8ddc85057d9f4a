-- The part for one civil month, made as the owner of the table: the application's role owns nothing.
-- Before PostgreSQL 17 an exclusion constraint cannot span parts: each part has its own, and a check
-- keeps every interval inside its month, so no overlap can hide between two parts.
CREATE FUNCTION providers_make_reading_month(first_day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    part text := 'providers_meterreading_' || to_char(first_day, 'YYYY_MM');
    begins timestamptz := date_trunc('month', first_day::timestamp) AT TIME ZONE 'Asia/Shanghai';
    ends timestamptz := (date_trunc('month', first_day::timestamp) + interval '1 month')
                        AT TIME ZONE 'Asia/Shanghai';
BEGIN
    IF to_regclass(part) IS NOT NULL THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('providers_make_reading_month'));
    IF to_regclass(part) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format(
        'CREATE TABLE %I (LIKE providers_meterreading INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
        part);
    EXECUTE format(
        'ALTER TABLE %I
             ADD CONSTRAINT a_reading_lies_in_its_month
                 CHECK (starts_at >= %L AND starts_at < %L AND period <@ tstzrange(%L, %L)),
             ADD CONSTRAINT %I EXCLUDE USING gist (meter_id WITH =, period WITH &&)
                 WHERE (state = ''accepted'' AND revision = 0)',
        part, begins, ends, begins, ends,
        'accepted_intervals_of_a_meter_do_not_overlap_' || to_char(first_day, 'YYYY_MM'));
    EXECUTE format(
        'CREATE TRIGGER meter_reading_is_never_emptied BEFORE TRUNCATE ON %I
             FOR EACH STATEMENT EXECUTE FUNCTION %I()',
        part, 'pgtrigger_meter_reading_is_never_emptied_5c02a');
    EXECUTE format(
        'ALTER TABLE providers_meterreading ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        part, begins, ends);
    RETURN true;
END $$;

SELECT providers_make_reading_month(month::date) FROM generate_series(
    date_trunc('month', now() AT TIME ZONE 'Asia/Shanghai') - interval '1 month',
    date_trunc('month', now() AT TIME ZONE 'Asia/Shanghai') + interval '3 months',
    interval '1 month') AS month;
