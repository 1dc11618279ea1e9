-- Part of migration 0003: ledger_open reads each stream from a version on, for a writer that remembers the rest.

DROP FUNCTION ledger_open(uuid, text, text, bytea, uuid, text[]);

CREATE FUNCTION ledger_open(
    p_log uuid, p_kind text, p_origin text, p_empty_root bytea, p_command uuid, p_streams text[], p_after bigint[],
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
        FROM unnest(p_streams, p_after) AS named (stream, after)
        CROSS JOIN LATERAL (SELECT index, body FROM ledger_opening
            WHERE log = p_log AND stream = named.stream AND version >= named.after ORDER BY log, stream, version OFFSET 0) AS o
        CROSS JOIN LATERAL (SELECT party, recorded_at FROM ledger_entry WHERE log = p_log AND index = o.index OFFSET 0) AS e;
END $$;

REVOKE EXECUTE ON FUNCTION ledger_open FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_open TO countersign_app;
