#!/usr/bin/env bash
# An S3 service with KMS keys and object lock for the tests: Ceph's monitor, one object store in memory and radosgw, all on 127.0.0.1.
# radosgw.sh FOLDER ACCESS-KEY SECRET-KEY PORT MONITOR-PORT; says "ready", and ends with its standard input.
set -euo pipefail
folder=$1 access=$2 secret=$3 port=$4 monitor=$5
mkdir -p "$folder"/{mon,osd,run}
conf=$folder/ceph.conf
started=()
finish() {
    [ ${#started[@]} = 0 ] || kill -KILL "${started[@]}" 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT

fsid=$(cat /proc/sys/kernel/random/uuid)
cat >"$conf" <<CONF
[global]
fsid = $fsid
mon initial members = a
mon host = [v2:127.0.0.1:$monitor/0]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
keyring = $folder/keyring
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail warn = 0
mon data avail crit = 0
osd objectstore = memstore
memstore device bytes = 2147483648
mon data = $folder/mon
osd data = $folder/osd
run dir = $folder/run
admin socket = $folder/run/\$name.asok
pid file = $folder/run/\$name.pid
log file = $folder/\$name.log
rgw frontends = beast endpoint=127.0.0.1:$port
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = testkey=$(head -c 32 /dev/urandom | base64 -w0)
CONF
for entity in mon. client.admin osd.0; do
    ceph-authtool "$folder/keyring" $([ -e "$folder/keyring" ] || echo --create-keyring) \
        --gen-key -n $entity --cap mon 'allow *' --cap osd 'allow *' >/dev/null
done
monmaptool --create --addv a "[v2:127.0.0.1:$monitor]" --fsid "$fsid" "$folder/monmap" >/dev/null
ceph-mon -c "$conf" -i a --mkfs --monmap "$folder/monmap" --keyring "$folder/keyring"
ceph-mon -c "$conf" -i a -f </dev/null >"$folder/mon.out" 2>&1 &
started+=($!)
store=$(cat /proc/sys/kernel/random/uuid)
timeout 60 ceph -c "$conf" osd new "$store" >/dev/null
ceph-osd -c "$conf" -i 0 --mkfs --osd-uuid "$store" 2>/dev/null
ceph-osd -c "$conf" -i 0 -f </dev/null >"$folder/osd.out" 2>&1 &
started+=($!)
timeout 60 radosgw-admin -c "$conf" user create --uid=tests --display-name=tests --access-key="$access" --secret-key="$secret" >/dev/null
radosgw -c "$conf" -n client.admin -f </dev/null >"$folder/rgw.out" 2>&1 &
started+=($!)
for _ in $(seq 300); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
        echo ready
        break
    fi
    sleep 0.1
done
cat >/dev/null
