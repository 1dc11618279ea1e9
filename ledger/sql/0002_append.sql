-- Part of migration 0002; once released it never changes, a later migration replaces what it must.
-- An append is two round trips: ledger_open, the caller's rules, ledger_append. Both are VOLATILE so that each statement in
-- them sees what was committed before it began: the stream is read after the head's lock is held, never before.
-- Their plans are made once a session, perhaps while the tables are empty. The settings and the ORDER BY see to it that
-- even then every lookup walks the key that names it, so that an append costs the same in a log of any length.

CREATE FUNCTION ledger_open(
    p_log uuid, p_kind text, p_origin text, p_empty_root bytea, p_command uuid, p_streams text[],
    OUT head_kind text, OUT head_origin text, OUT head_size bigint, OUT head_root bytea, OUT head_peaks bytea,
    OUT head_at timestamptz, OUT known_size bigint, OUT known_digest text, OUT stream_events text
) LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    SELECT h.kind, h.origin, h.size, h.root, h.peaks, h.recorded_at
        INTO head_kind, head_origin, head_size, head_root, head_peaks, head_at
        FROM ledger_head h WHERE h.log = p_log FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO ledger_head (log, kind, origin, size, root, peaks)
            VALUES (p_log, p_kind, p_origin, 0, p_empty_root, '') ON CONFLICT (log) DO NOTHING;
        SELECT h.kind, h.origin, h.size, h.root, h.peaks, h.recorded_at
            INTO head_kind, head_origin, head_size, head_root, head_peaks, head_at
            FROM ledger_head h WHERE h.log = p_log FOR UPDATE;
    END IF;
    IF head_size = 0 THEN
        RETURN;
    END IF;
    SELECT c.size, c.command_digest INTO known_size, known_digest
        FROM (SELECT size, command, command_digest FROM ledger_checkpoint
            WHERE log = p_log AND command >= p_command ORDER BY log, command LIMIT 1) AS c
        WHERE c.command = p_command;
    IF FOUND OR p_streams = '{}' THEN
        RETURN;
    END IF;
    SELECT jsonb_agg(jsonb_build_array(o.index, o.body, e.party, (extract(epoch FROM e.recorded_at) * 1000000)::bigint)
            ORDER BY o.index)::text
        INTO stream_events
        FROM unnest(p_streams) AS named (stream)
        CROSS JOIN LATERAL (SELECT index, body FROM ledger_opening
            WHERE log = p_log AND stream = named.stream AND version >= 1 ORDER BY log, stream, version OFFSET 0) AS o
        CROSS JOIN LATERAL (SELECT party, recorded_at FROM ledger_entry WHERE log = p_log AND index = o.index OFFSET 0) AS e;
END $$;

CREATE FUNCTION ledger_append(
    p_log uuid, p_size bigint, p_root bytea, p_peaks bytea, p_at timestamptz, p_skew bigint, p_note text,
    p_command uuid, p_digest text, p_party uuid,
    p_leaves bytea[], p_hashes bytea[], p_streams text[], p_versions bigint[], p_types text[], p_schemas int[],
    p_bodies text[], p_salts bytea[], p_node_leaves bigint[], p_node_levels smallint[], p_node_hashes bytea[]
) RETURNS boolean LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    new_size bigint := p_size + cardinality(p_leaves);
BEGIN
    UPDATE ledger_head SET size = new_size, root = p_root, peaks = p_peaks, recorded_at = p_at
        WHERE log = p_log AND size = p_size;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO ledger_entry (log, index, leaf, leaf_hash, recorded_at, party)
        SELECT p_log, p_size + n - 1, leaf, hash, p_at, p_party
        FROM unnest(p_leaves, p_hashes) WITH ORDINALITY AS e (leaf, hash, n);
    INSERT INTO ledger_opening (log, index, stream, version, type, schema, command, body, salts)
        SELECT p_log, p_size + n - 1, stream, version, type, schema, p_command, body::jsonb, salts
        FROM unnest(p_streams, p_versions, p_types, p_schemas, p_bodies, p_salts)
            WITH ORDINALITY AS o (stream, version, type, schema, body, salts, n);
    IF p_node_leaves <> '{}' THEN
        INSERT INTO ledger_node (log, last_leaf, level, hash)
            SELECT p_log, leaf, level, hash FROM unnest(p_node_leaves, p_node_levels, p_node_hashes) AS t (leaf, level, hash);
    END IF;
    INSERT INTO ledger_checkpoint (log, size, first, root, note, command, command_digest, recorded_at, skew_us)
        VALUES (p_log, new_size, p_size, p_root, p_note, p_command, p_digest, p_at, p_skew);
    RETURN true;
END $$;

REVOKE EXECUTE ON FUNCTION ledger_open, ledger_append FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_open, ledger_append TO countersign_app;
