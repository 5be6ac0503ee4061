using System.Globalization;
using PgOps.Core.Backups;
using PgOps.Core.Sql;

namespace PgOps.Core.Tests.Support;

/// <summary>A database with what usually trips a restore: odd names, partitions, RLS, generated columns, sequences, settings.</summary>
internal static class OddDatabase
{
    private static int _last;

    internal const string Table = "public.orders";

    private const string Schema = """"
        CREATE SCHEMA "Odd ""schema""";
        CREATE TYPE public.mood AS ENUM ('glad', 'so so', 'it''s bad');
        CREATE TABLE public.orders (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer text NOT NULL, feeling public.mood,
            total numeric(12,2) CHECK (total >= 0),
            doc jsonb, placed timestamptz NOT NULL DEFAULT '2024-02-29 12:00+00', gross numeric GENERATED ALWAYS AS (total * 1.2) STORED);
        INSERT INTO public.orders (customer, feeling, total, doc)
            SELECT 'customer ' || g, (ARRAY['glad', 'so so', 'it''s bad'])[1 + g % 3]::public.mood, g,
                jsonb_build_object('n', g, 'tab', E'a\tb\\n')
            FROM generate_series(1, 2000) g;
        CREATE UNIQUE INDEX orders_customer ON public.orders (lower(customer));
        CREATE TABLE public.duplicates (x int, note text);
        INSERT INTO public.duplicates SELECT 1, 'same' FROM generate_series(1, 10);
        CREATE TABLE "Odd ""schema"""."Tablé, with = everything; -- 'quoted'" ("Column A" int, "select" text);
        INSERT INTO "Odd ""schema"""."Tablé, with = everything; -- 'quoted'" SELECT g, repeat('ü', g) FROM generate_series(1, 50) g;
        CREATE TABLE public.events (at date NOT NULL, what text) PARTITION BY RANGE (at);
        CREATE TABLE public.events_2024 PARTITION OF public.events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
        CREATE TABLE public.events_rest PARTITION OF public.events DEFAULT;
        CREATE INDEX events_at ON public.events (at);
        INSERT INTO public.events SELECT date '2023-06-01' + g, 'event ' || g FROM generate_series(1, 600) g;
        CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN NEW.note := coalesce(NEW.note, ';--'); RETURN NEW; END $$;
        CREATE TRIGGER touch BEFORE INSERT ON public.duplicates FOR EACH ROW EXECUTE FUNCTION public.touch();
        CREATE VIEW public.totals AS SELECT customer, sum(total) FROM public.orders GROUP BY 1;
        CREATE MATERIALIZED VIEW public.moods AS SELECT feeling, count(*) FROM public.orders GROUP BY 1;
        CREATE SEQUENCE public.descending INCREMENT -5 START 100 MINVALUE -1000 MAXVALUE 100;
        SELECT nextval('public.descending'), nextval('public.descending');
        CREATE SEQUENCE public.untouched;
        ALTER TABLE public.orders ENABLE ROW LEVEL SECURITY;
        CREATE POLICY few ON public.orders USING (total < 10);
        ALTER TABLE public.duplicates ADD CONSTRAINT later CHECK (x <> 999) NOT VALID;
        """";

    /// <summary>Makes one on a server and gives the way to it.</summary>
    internal static async Task<PgTarget> CreateAsync(SandboxServer server, string? extra = null)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"Odd \"shop\" = {Interlocked.Increment(ref _last)} é");
        var target = await server.CreateDatabaseAsync(name);
        await SandboxServer.ExecuteAsync(target, Schema);
        var quoted = Quote.Identifier(name);
        await SandboxServer.ExecuteAsync(target, $"ALTER DATABASE {quoted} SET search_path TO \"$user\", public, \"Odd \"\"schema\"\"\"");
        await SandboxServer.ExecuteAsync(target, $"ALTER DATABASE {quoted} SET myapp.motto = 'it''s, fine'");
        if (extra is not null)
        {
            await SandboxServer.ExecuteAsync(target, extra);
        }

        return target;
    }

    /// <summary>Backs it up.</summary>
    internal static Task<PgBackup> BackUpAsync(
        PgTarget target, TemporaryFolder folder, PgBackupFormat format = PgBackupFormat.Custom,
        PgFingerprintDepth depth = PgFingerprintDepth.Source)
        => new BackupDatabase().RunAsync(
            new BackupDatabaseRequest { Target = target, Path = folder.Path, Format = format, Fingerprint = depth },
            new CollectingSink(),
            CancellationToken.None);
}
