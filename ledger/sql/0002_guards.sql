-- Part of migration 0002; once released it never changes, a later migration replaces what it must.
-- What the database itself refuses. ENABLE ALWAYS: no session setting switches a guard off, only its owner's ALTER TABLE.
-- search_path is fixed on every guard, or a temporary table of the same name could stand in for the real one.

CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'The ledger is append-only: % on % is refused.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_node
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_opening
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON ledger_head
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

CREATE FUNCTION ledger_head_forward() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.size <> 0 THEN
            RAISE EXCEPTION 'A log starts at size 0.' USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF NEW.log <> OLD.log OR NEW.kind <> OLD.kind OR NEW.origin <> OLD.origin
        OR NEW.size <= OLD.size OR NEW.recorded_at IS NULL OR NEW.recorded_at < OLD.recorded_at THEN
        RAISE EXCEPTION 'The head of a log only moves forward.' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER head_forward BEFORE INSERT OR UPDATE ON ledger_head
    FOR EACH ROW EXECUTE FUNCTION ledger_head_forward();

-- At commit the entries that the head now counts, and the checkpoint over them, must be there, and nothing beyond.
-- Plans are kept for a session and may have been made while the tables were empty. The settings and the ORDER BY see
-- to it that even then they walk the primary key, so that an append costs the same in a log of any length.
CREATE FUNCTION ledger_head_backed() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    added bigint := NEW.size - OLD.size;
    counted bigint;
    found_root bytea;
    found_first bigint;
BEGIN
    SELECT size INTO counted FROM ledger_head WHERE log = NEW.log;
    SELECT root, first INTO found_root, found_first FROM ledger_checkpoint
        WHERE log = NEW.log AND size >= NEW.size ORDER BY log, size LIMIT 1;
    IF found_root IS DISTINCT FROM NEW.root OR found_first <> OLD.size
        OR added <> (SELECT count(*) FROM (SELECT FROM ledger_entry
            WHERE log = NEW.log AND index >= OLD.size AND index < NEW.size ORDER BY log, index LIMIT added + 1) AS e)
        OR added <> (SELECT count(*) FROM (SELECT FROM ledger_opening
            WHERE log = NEW.log AND index >= OLD.size AND index < NEW.size ORDER BY log, index LIMIT added + 1) AS o)
        OR EXISTS (SELECT FROM ledger_entry WHERE log = NEW.log AND index >= counted ORDER BY log, index LIMIT 1) THEN
        RAISE EXCEPTION 'The head of a log moves exactly as far as its entries reach.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER head_backed AFTER UPDATE ON ledger_head
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_head_backed();

ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE ledger_node ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE ledger_checkpoint ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE ledger_opening ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE ledger_head ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE ledger_head ENABLE ALWAYS TRIGGER head_forward;
ALTER TABLE ledger_head ENABLE ALWAYS TRIGGER head_backed;

-- The app owns nothing: it reads, it adds, and it may move a head. FOR UPDATE needs the UPDATE right on the head.
GRANT SELECT, INSERT ON ledger_entry, ledger_node, ledger_checkpoint, ledger_opening, ledger_head TO countersign_app;
GRANT UPDATE (size, root, peaks, recorded_at) ON ledger_head TO countersign_app;

-- The head's row is rewritten by every append: room in its page keeps that from touching an index.
ALTER TABLE ledger_head SET (fillfactor = 40);
