# Make the database in a new volume, whole or not at all, then serve it.
set -eu
folder=/var/lib/postgresql/cluster
if [ ! -d "$folder" ]; then
  rm -rf "$folder.new"
  printf '%s' "$LOSSARY_DATABASE_PASSWORD" > /tmp/password
  initdb --pgdata="$folder.new" --username=lossary --encoding=UTF8 --locale=C.UTF-8 \
    --auth-local=scram-sha-256 --auth-host=scram-sha-256 --pwfile=/tmp/password
  rm /tmp/password
  echo "host all all all scram-sha-256" >> "$folder.new/pg_hba.conf"
  echo "CREATE DATABASE lossary;" | postgres --single -D "$folder.new" postgres
  mv "$folder.new" "$folder"
fi
exec postgres -D "$folder" -c listen_addresses='*' -c unix_socket_directories=/tmp
