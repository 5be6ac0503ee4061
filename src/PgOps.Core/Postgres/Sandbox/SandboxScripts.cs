namespace PgOps.Core.Postgres.Sandbox;

/// <summary>The shell scripts that run as the sandbox's user. Secrets reach them on standard input, never as arguments.</summary>
internal static class SandboxScripts
{
    /// <summary>
    /// Makes a template. Arguments: its folder, the bin folder, further initdb options. Standard input: the superuser's password.
    /// Complete under its final name or not there at all.
    /// </summary>
    /// <remarks>
    /// The first WAL segment is 16 MB of mostly zeros, nearly half of what each start would copy; holes are not copied.
    /// </remarks>
    internal const string MakeTemplate = """
        set -eu
        umask 077
        final=$1 bin=$2
        shift 2
        rm -rf -- "$final" "$final".partial.*
        partial=$final.partial.$$
        trap 'rm -rf -- "$partial"' EXIT
        trap 'exit 143' TERM INT HUP
        mkdir "$partial"
        cat > "$partial/password"
        for locale in C.UTF-8 C; do
            rm -rf -- "$partial/data"
            if "$bin/initdb" -D "$partial/data" -U postgres --encoding=UTF8 --locale="$locale" \
                --auth=scram-sha-256 --pwfile="$partial/password" --no-sync "$@" > "$partial/log" 2>&1
            then
                rm -f -- "$partial/log"
                fallocate --dig-holes "$partial"/data/pg_wal/0* 2>/dev/null || :
                mv -- "$partial" "$final"
                exit 0
            fi
        done
        cat "$partial/log" >&2
        exit 1
        """;

    /// <summary>
    /// Runs one sandbox and ends it. Arguments: its folder, the template, the bin folder, the socket directory, and the words
    /// that make a child die with this process, if there are any. Standard input is a pipe that only the owner holds: the record,
    /// the password, lines for postgresql.conf up to a dot, later newer records; its end is the owner's end. Standard output
    /// tells why the server did not start.
    /// </summary>
    /// <remarks>
    /// SIGQUIT is repeated because a shell without job control starts background children with it ignored, until postgres has
    /// set its own handler. The data goes first and the record last, so that a removal cut short is still known as a sandbox;
    /// it is tried again because the children of a killed postmaster write for a moment longer. Such a postmaster also leaves its
    /// pid file, whose seventh line names the System V segment to remove: key and id.
    /// </remarks>
    internal const string Supervise = """
        umask 077
        exec 3<&0 </dev/null 2>&1
        folder=$1 template=$2 bin=$3 sockets=$4 guard=$5
        server= reader=
        remove() {
            set -- $(sed -n 7p "$folder/data/postmaster.pid" 2>/dev/null)
            [ -z "$2" ] || ipcrm -m "$2" 2>/dev/null
            tries=0
            until rm -rf -- "$folder/data" 2>/dev/null || [ $((tries += 1)) -gt 50 ]; do sleep 0.1; done
            rm -rf -- "$folder"
            [ "$sockets" = "$folder" ] || rm -rf -- "$sockets"
        }
        fail() {
            trap '' TERM INT HUP
            [ -z "$reader" ] || { kill "$reader"; wait "$reader"; } 2>/dev/null
            [ ! -f "$folder/server.log" ] || tail -n 40 "$folder/server.log"
            remove
            exit 1
        }
        stop() {
            trap '' TERM INT HUP
            server=${server:-$!}
            [ -z "$reader" ] || { kill "$reader"; wait "$reader"; } 2>/dev/null
            if [ -n "$server" ]; then
                while kill -QUIT "$server" 2>/dev/null; do sleep 0.02; done
            fi
            remove
            exit 0
        }
        trap '' PIPE
        mkdir "$folder" || exit 1
        trap stop TERM INT HUP
        IFS= read -r record <&3 || fail
        printf '%s\n' "$record" > "$folder/sandbox.json" || fail
        IFS= read -r password <&3 || fail
        printf '%s\n' "$password" > "$folder/password" || fail
        cp -R --reflink=auto "$template/data" "$folder/data" 2>/dev/null || {
            rm -rf -- "$folder/data"
            cp -R "$template/data" "$folder/data" || fail
        }
        line=
        while [ "$line" != . ]; do
            IFS= read -r line <&3 || fail
            [ "$line" = . ] || printf '%s\n' "$line" || fail
        done >> "$folder/data/postgresql.conf"
        [ "$sockets" = "$folder" ] || mkdir "$sockets" || { sockets=$folder; fail; }
        ${guard:+$guard QUIT} "$bin/postgres" -D "$folder/data" 3<&- > "$folder/server.log" 2>&1 &
        server=$!
        ${guard:+$guard TERM} sh -c '
            while IFS= read -r record; do
                printf "%s\n" "$record" > "$2/sandbox.json.new" && mv -f "$2/sandbox.json.new" "$2/sandbox.json"
            done
            kill -TERM "$1"' pgops-sandbox-owner "$$" "$folder" <&3 >/dev/null 2>&1 &
        reader=$!
        exec 3<&-
        wait "$server"
        fail
        """;

    /// <summary>
    /// Names the first folder that this user may not enter, or the last if it may not be written to; nothing when all is open.
    /// Arguments: the folders, each below the one before.
    /// </summary>
    internal const string FindClosed = """
        for folder; do
            [ ! -d "$folder" ] || [ -x "$folder" ] || { printf '%s\n' "$folder"; exit 0; }
        done
        [ ! -d "$folder" ] || [ -w "$folder" ] || printf '%s\n' "$folder"
        """;

    /// <summary>
    /// Removes what a killed supervisor left. Arguments: the sandbox's folder, its socket directory. The server is ended only if
    /// the process of that id is indeed this sandbox's.
    /// </summary>
    internal const string Remove = """
        server=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
        ours() { tr '\0' ' ' < "/proc/$server/cmdline" 2>/dev/null | grep -qF -- "-D $1/data"; }
        tries=0
        while [ -n "$server" ] && ours "$1"; do
            tries=$((tries + 1))
            if [ "$tries" -gt 100 ]; then kill -KILL "$server"; else kill -QUIT "$server"; fi
            sleep 0.05
        done
        rm -rf -- "$1/data"
        rm -rf -- "$1" "$2"
        [ ! -e "$1" ]
        """;
}
