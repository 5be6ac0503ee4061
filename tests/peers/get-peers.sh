#!/usr/bin/env bash
# Gets what the tests talk to and a Debian machine with the .NET SDK can have: poolers, encryption, stores, other migration tools,
# PostgreSQL's own parser, its servers 13 to 18 and newer client tools. Versions are pinned in package.json beside this file (npm) or
# are the newest that Debian serves, which keeps one version of each package. Run again, it gets only what is missing.
#
#   tests/peers/get-peers.sh           everything
#   tests/peers/get-peers.sh postgres  only PostgreSQL itself, by apt, where no server is installed
#
# PGOPS_PEERS names the folder for what apt does not install (default: out/peers). A server drops root's privileges, so the folder
# must be one that other users can read. The tests find it by the same variable.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
peers=${PGOPS_PEERS:-$(cd "$here/../.." && pwd)/out/peers}
# Debian's releases whose PostgreSQL is newer than the machine's: suite and major version.
newer=(trixie:17 sid:18)
packages=(pgbouncer age rclone sqitch libdbd-pg-perl pgbackrest gnupg libzstd1 ceph-mon ceph-osd radosgw)

export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
sudo=()
[ "$(id -u)" = 0 ] || sudo=(sudo)

# Three times, for a registry may be busy for a moment; then its name, and the end.
attempt() {
    local registry=$1 what=$2 try
    shift 2
    for try in 1 2 3; do
        if "$@"; then return 0; fi
        echo "$what: try $try of 3 failed ($registry)" >&2
        [ "$try" = 3 ] || sleep $((try * 10))
    done
    echo "PEERS MISSING: $what could not be had from $registry; the messages above say why." >&2
    return 1
}

apt_update() {
    if [ -z "${updated:-}" ]; then
        attempt "Debian's packages (apt)" "the package lists" "${sudo[@]}" apt-get update -q -o APT::Update::Error-Mode=any
        updated=yes
    fi
}

# Without fsync and manual pages: a test machine that falls is made again.
apt_install() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    apt_update
    # The tests start servers of their own; Debian's default cluster is not wanted.
    "${sudo[@]}" mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] ||
        echo "create_main_cluster = false" | "${sudo[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
    attempt "Debian's packages (apt)" "${missing[*]}" "${sudo[@]}" env DEBIAN_FRONTEND="$DEBIAN_FRONTEND" RUNLEVEL="$RUNLEVEL" \
        apt-get install -y -q -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-unsafe-io -o Dpkg::Options::=--path-exclude='/usr/share/man/*' \
        --no-install-recommends "${missing[@]}"
}

# Where this machine gets Debian from.
mirror() { apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Label: Debian' | sed -n 1p; }

installed_server() { ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; }

# npm's packages by the lock file, and the links that npm cannot carry and their install script would make.
get_npm() {
    local folder=$peers/npm lock
    lock=$(sha256sum "$here/package-lock.json" | cut -d' ' -f1)
    [ "$(cat "$folder/lock" 2>/dev/null)" != "$lock" ] || return 0
    rm -rf "$folder"
    mkdir -p "$folder"
    cp "$here/package.json" "$here/package-lock.json" "$folder"
    attempt "npm's registry" "npm's packages" npm ci --prefix "$folder" --ignore-scripts --omit=dev --no-audit --no-fund --loglevel=error
    local package
    for package in "$folder"/node_modules/pg[0-9][0-9]; do
        grep -oE '"(source|target)": *"[^"]*"' "$package/native/pg-symlinks.json" | cut -d'"' -f4 |
            while read -r source && read -r target; do
                ln -sfr "$package/$source" "$package/$target"
            done
        chmod -R a+rX "$package"
    done
    echo "$lock" >"$folder/lock"
}

# A release's PostgreSQL with every library it needs, unpacked in a folder of its own; each program is started by that release's own
# loader, so that it runs on an older system.
get_newer() {
    local suite=${1%:*} major=${1#*:}
    local folder=$peers/$suite root
    [ ! -e "$folder/done" ] || return 0
    rm -rf "$folder"
    mkdir -p "$folder"/{lists/partial,cache/archives/partial,root}
    : >"$folder/status"
    local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    echo "deb [signed-by=$keyring] $(mirror) $suite main" >"$folder/sources.list"
    local apt=(apt-get -q -o Dir::State="$folder" -o Dir::State::lists="$folder/lists" -o Dir::State::status="$folder/status"
        -o Dir::Cache="$folder/cache" -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o Dir::Etc::preferencesparts=/dev/null -o APT::Install-Recommends=false -o APT::Sandbox::User=root -o Acquire::Languages=none
        -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false -o APT::Update::Error-Mode=any)
    attempt "Debian's packages (apt, $suite)" "the package lists of $suite" "${apt[@]}" update
    attempt "Debian's packages (apt, $suite)" "PostgreSQL $major" "${apt[@]}" install -y --download-only "postgresql-$major"
    root=$folder/root
    local package
    for package in "$folder"/cache/archives/*.deb; do dpkg -x "$package" "$root"; done
    local bin=$root/usr/lib/postgresql/$major/bin loader program name
    loader=$(find "$root" -name 'ld-linux-*.so.*' -print -quit)
    local libraries
    libraries=$(dirname "$(find "$root" -name libpq.so.5 -print -quit)"):$(dirname "$(find "$root" -name libc.so.6 -print -quit)")
    mkdir "$bin/.real"
    for program in "$bin"/*; do
        name=$(basename "$program")
        # A script stays what it is.
        [ "$(head -c 4 "$program" | tail -c 3)" = ELF ] || continue
        mv "$program" "$bin/.real/$name"
        printf '#!/bin/sh\nexec %s --argv0 "$0" --library-path %s %s "$@"\n' "$loader" "$libraries" "$bin/.real/$name" >"$program"
        chmod 755 "$program"
    done
    chmod -R a+rX "$root"
    rm -rf "$folder/cache" "$folder/lists"
    "$bin/pg_dump" --version
    touch "$folder/done"
}

# The newest minor release that apt has of the installed server's major version, beside an older installed one.
get_minor() {
    local installed major candidate have
    installed=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
    major=$(basename "$(dirname "$installed")")
    apt_update
    have=$(dpkg-query -W -f '${Version}' "postgresql-$major")
    candidate=$(apt-cache policy "postgresql-$major" | sed -n 's/ *Candidate: //p')
    dpkg --compare-versions "$candidate" gt "$have" || return 0
    [ "$(cat "$peers/minor/version" 2>/dev/null)" != "$candidate" ] || return 0
    rm -rf "$peers/minor"
    mkdir -p "$peers/minor"
    (
        cd "$peers/minor"
        attempt "Debian's packages (apt)" "PostgreSQL $candidate" \
            apt-get download -q -o APT::Sandbox::User=root "postgresql-$major" "postgresql-client-$major"
        for package in *.deb; do dpkg -x "$package" .; done
        rm ./*.deb
        chmod -R a+rX .
        "usr/lib/postgresql/$major/bin/postgres" --version
        echo "$candidate" >version
    )
}

# PostgreSQL's own regression scripts, from its source package.
get_source() {
    local folder=$peers/source
    [ ! -e "$folder/done" ] || return 0
    rm -rf "$folder"
    mkdir -p "$folder"/{lists/partial,cache}
    local suite major
    suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(mirror) $suite main" >"$folder/sources.list"
    major=$(ls /usr/lib/postgresql | sort -V | tail -1)
    local apt=(apt-get -q -o Dir::State::lists="$folder/lists" -o Dir::Etc::sourcelist="$folder/sources.list"
        -o Dir::Etc::sourceparts=/dev/null -o Dir::Cache="$folder/cache" -o APT::Sandbox::User=root -o APT::Update::Error-Mode=any)
    attempt "Debian's packages (apt)" "the source lists of $suite" "${apt[@]}" update
    (
        cd "$folder"
        attempt "Debian's packages (apt)" "the source of PostgreSQL $major" "${apt[@]}" source --download-only "postgresql-$major"
        tar -xf postgresql-*.orig.tar.* --wildcards --strip-components=1 '*/src/test/regress/sql/*.sql'
        rm -rf ./postgresql-* lists cache
    )
    touch "$folder/done"
}

if [ "${1:-all}" = postgres ]; then
    installed_server || apt_install postgresql postgresql-client
    exit 0
fi

mkdir -p "$peers"
installed_server || packages+=(postgresql postgresql-client)
command -v npm >/dev/null || packages+=(npm)
command -v git >/dev/null || packages+=(git)
apt_update
# Extensions that a restore needs more for than CREATE EXTENSION, for the installed server's major version.
major=$({ ls /usr/lib/postgresql 2>/dev/null || true; } | sort -V | tail -1)
[ -n "$major" ] || major=$(apt-cache show postgresql | sed -n 's/^Depends:.*postgresql-\([0-9]*\).*/\1/p' | sed -n 1p)
for extension in cron partman postgis-3; do packages+=("postgresql-$major-$extension"); done
# Unpacking needs no lock of dpkg's, so it goes on beside the installation, each part with a log of its own.
declare -A parts
part() {
    "$@" >"$peers/$2.log" 2>&1 &
    parts[$2]=$!
}
named() { shift; "$@"; }
for release in "${newer[@]}"; do part named "${release%:*}" get_newer "$release"; done
command -v npm >/dev/null && part named npm get_npm
apt_install "${packages[@]}"
[ -n "${parts[npm]:-}" ] || part named npm get_npm
part named minor get_minor
part named source get_source
failed=0
for name in "${!parts[@]}"; do
    if ! wait "${parts[$name]}"; then
        failed=1
        echo "--- $name" >&2
        tail -n 20 "$peers/$name.log" >&2
    fi
done
exit $failed
