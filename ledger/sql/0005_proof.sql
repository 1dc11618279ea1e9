-- Part of migration 0005; once released it never changes, a later migration replaces what it must.
-- Cosignatures, time stamps and the marks of a re-feed are added to and never changed; an opening may lose the salts and
-- values of named fields, and nothing else in it ever changes.

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_cosignature
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_timestamp
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_refeed
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
ALTER TABLE ledger_cosignature ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE ledger_timestamp ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE ledger_refeed ENABLE ALWAYS TRIGGER append_only;

GRANT SELECT, INSERT ON ledger_cosignature, ledger_timestamp, ledger_refeed TO countersign_app;

-- An opening without some of its fields: its body and its salts, which lie in the order of the fields' names.
CREATE FUNCTION ledger_without(p_body jsonb, p_salts bytea, p_names text[], OUT body jsonb, OUT salts bytea)
    LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT p_body - p_names, coalesce(string_agg(substr(p_salts, (place * 32 - 31)::int, 32), '' ORDER BY place)
            FILTER (WHERE name <> ALL (p_names)), '')
        FROM (SELECT name, row_number() OVER (ORDER BY name COLLATE "C") AS place FROM jsonb_object_keys(p_body) AS k (name)) AS n;
$$;

-- What every UPDATE of an opening must be, whoever makes it, the owner included: named fields, none of the six that every
-- event has, give way to their digests.
CREATE FUNCTION ledger_only_erases() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    named text[] := ARRAY(SELECT jsonb_object_keys(coalesce(NEW.erased, '{}')) EXCEPT SELECT jsonb_object_keys(coalesce(OLD.erased, '{}')));
    kept record;
BEGIN
    SELECT * INTO kept FROM ledger_without(OLD.body, OLD.salts, named);
    IF named = '{}' OR NOT OLD.body ?& named OR named && '{type,schema,actor,stream,version,command}'
        OR NOT coalesce(NEW.erased, '{}') @> coalesce(OLD.erased, '{}') OR NEW.body <> kept.body OR NEW.salts <> kept.salts
        OR EXISTS (SELECT FROM jsonb_each_text(NEW.erased) WHERE value !~ '^[0-9a-f]{64}$')
        OR (NEW.log, NEW.index, NEW.stream, NEW.version, NEW.type, NEW.schema, NEW.command)
            IS DISTINCT FROM (OLD.log, OLD.index, OLD.stream, OLD.version, OLD.type, OLD.schema, OLD.command) THEN
        RAISE EXCEPTION 'The ledger is append-only: an opening may lose fields, nothing else in it changes.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

DROP TRIGGER append_only ON ledger_opening;
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON ledger_opening
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER only_erases BEFORE UPDATE ON ledger_opening FOR EACH ROW EXECUTE FUNCTION ledger_only_erases();
ALTER TABLE ledger_opening ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE ledger_opening ENABLE ALWAYS TRIGGER only_erases;

-- The one change that the app may make to a recorded thing, with its owner's rights and in this form only. `p_digests` are the
-- digests of all the fields of the entry, erased ones too: they must give its commitment, or the log would no longer verify.
CREATE FUNCTION ledger_erase(p_log uuid, p_index bigint, p_erased jsonb, p_digests bytea[]) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    sealed bytea;
    named text[] := ARRAY(SELECT jsonb_object_keys(p_erased));
BEGIN
    SELECT decode(convert_from(e.leaf, 'UTF8')::jsonb ->> 'commit', 'hex') INTO sealed
        FROM ledger_entry e WHERE e.log = p_log AND e.index = p_index;
    IF sealed IS DISTINCT FROM sha256('countersign/body/v1\012'::bytea
            || (SELECT string_agg(digest, '' ORDER BY digest) FROM unnest(p_digests) AS d (digest)))
        OR EXISTS (SELECT FROM jsonb_each_text(p_erased) WHERE decode(value, 'hex') <> ALL (p_digests)) THEN
        RAISE EXCEPTION 'These digests are not those of the entry.' USING ERRCODE = 'restrict_violation';
    END IF;
    UPDATE ledger_opening o SET erased = coalesce(o.erased, '{}') || p_erased, body = kept.body, salts = kept.salts
        FROM ledger_opening was CROSS JOIN LATERAL ledger_without(was.body, was.salts, named) AS kept
        WHERE was.log = p_log AND was.index = p_index AND o.log = was.log AND o.index = was.index AND was.body ?& named;
    RETURN FOUND;
END $$;

REVOKE EXECUTE ON FUNCTION ledger_erase, ledger_without FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_erase TO countersign_app;

-- As in migration 0002, but entries that a mirror gave back may come without openings where the re-feed is marked.
CREATE OR REPLACE FUNCTION ledger_head_backed() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    added bigint := NEW.size - OLD.size;
    counted bigint;
    opened bigint;
    found_root bytea;
    found_first bigint;
BEGIN
    SELECT size INTO counted FROM ledger_head WHERE log = NEW.log;
    SELECT root, first INTO found_root, found_first FROM ledger_checkpoint
        WHERE log = NEW.log AND size >= NEW.size ORDER BY log, size LIMIT 1;
    SELECT count(*) INTO opened FROM (SELECT FROM ledger_opening
        WHERE log = NEW.log AND index >= OLD.size AND index < NEW.size ORDER BY log, index LIMIT added + 1) AS o;
    IF opened = 0 AND EXISTS (SELECT FROM ledger_refeed WHERE log = NEW.log AND first = OLD.size AND size = NEW.size) THEN
        opened := added;
    END IF;
    IF found_root IS DISTINCT FROM NEW.root OR found_first <> OLD.size OR opened <> added
        OR added <> (SELECT count(*) FROM (SELECT FROM ledger_entry
            WHERE log = NEW.log AND index >= OLD.size AND index < NEW.size ORDER BY log, index LIMIT added + 1) AS e)
        OR EXISTS (SELECT FROM ledger_entry WHERE log = NEW.log AND index >= counted ORDER BY log, index LIMIT 1) THEN
        RAISE EXCEPTION 'The head of a log moves exactly as far as its entries reach.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
