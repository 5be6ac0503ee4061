namespace PgOps.Core.Postgres.Catalog;

/// <summary>Kind and name of an object, for example index and public.orders_pkey.</summary>
internal readonly record struct ObjectName(string Kind, string Name);
