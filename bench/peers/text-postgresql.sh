#!/bin/bash
# PostgreSQL: a generated tsvector column with a GIN index, ranked by ts_rank. The same commands and output as text-peer.mjs. A server of its own on a socket in
# its own folder, without TCP, stopped afterwards; started as root it runs as the user postgres.
#   text-postgresql.sh build --passages FILE --work DIR
#   text-postgresql.sh query --queries FILE --work DIR --seconds 20
set -euo pipefail
command=$1; shift
while [ $# -gt 1 ]; do declare "${1#--}=$2"; shift 2; done
programs=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
sockets=$(mktemp -d /tmp/puff-pg-XXXXXX)
as=""
if [ "$(id -u)" = 0 ]; then as="runuser -u postgres --"; chown -R postgres "$work" "$sockets"; chmod o+x "$(dirname "$work")"; fi
postgres() { $as "$programs/$1" "${@:2}"; }
psql() { $as "$programs/psql" -h "$sockets" -p 5499 -d postgres -U postgres -qAtX -v ON_ERROR_STOP=1 "$@"; }
stop() { postgres pg_ctl -D "$work/data" -m fast -s stop >/dev/null 2>&1 || true; rm -rf "$sockets"; }
trap stop EXIT
[ -d "$work/data" ] || postgres initdb -D "$work/data" -U postgres -A trust -E UTF8 --locale=C >/dev/null
postgres pg_ctl -D "$work/data" -s -w -l "$work/log" -o "-h '' -k $sockets -p 5499 -c shared_buffers=2GB -c work_mem=256MB -c maintenance_work_mem=1GB \
  -c fsync=off -c wal_level=minimal -c max_wal_senders=0 -c max_wal_size=256MB -c jit=off -c max_parallel_workers_per_gather=0" start
if [ "$command" = build ]; then
  start=$(date +%s.%N)
  psql -c "CREATE UNLOGGED TABLE t (id int GENERATED ALWAYS AS IDENTITY, body text, words tsvector GENERATED ALWAYS AS (to_tsvector('simple', body)) STORED)"
  psql -c "COPY t (body) FROM STDIN WITH (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02')" < "$passages"
  psql -c "CREATE INDEX ON t USING gin (words)" -c "VACUUM ANALYZE t"
  echo "built $(awk "BEGIN { printf \"%.2f\", $(date +%s.%N) - $start }") PostgreSQL $(psql -c 'SHOW server_version') GIN," \
    "index $(psql -c "SELECT round(pg_relation_size('t_words_idx') / 1e6)") MB"
else
  for set in $(cut -f1 "$queries" | uniq); do
    # Each query twice: the second time is taken. Statements stop when the set's time is over.
    { echo '\timing on'; awk -F'\t' -v set="$set" '$1 == set { gsub(/[^a-zA-Z0-9 ]/, " ", $2); gsub(/^ +| +$/, "", $2); gsub(/ +/, " | ", $2); if ($2 != "") for (i = 0; i < 2; i++)
        printf "SELECT id FROM t WHERE words @@ to_tsquery(\x27simple\x27, \x27%s\x27) ORDER BY ts_rank(words, to_tsquery(\x27simple\x27, \x27%s\x27)) DESC LIMIT 10;\n", $2, $2 }' \
        "$queries"; } > "$sockets/$set.sql"
    chmod o+r "$sockets/$set.sql"
    timeout "$(awk "BEGIN { print 2 * $seconds }")" $as "$programs/psql" -h "$sockets" -p 5499 -d postgres -U postgres -qAtX -f "$sockets/$set.sql" \
      | awk -v set="$set" '/^Time:/ { if (++n % 2 == 0) printf "query %s %.1f\n", set, $2 * 1000 }' || true
  done
fi
