namespace PgOps.Core.Sql;

/// <summary>The inline data of a <c>COPY ... FROM STDIN</c>: the lines up to <c>\.</c>, without it.</summary>
/// <param name="Offset">Where the data begins: UTF-16 index into the script.</param>
/// <param name="Length">Its length in UTF-16 units, the last line's end included.</param>
internal readonly record struct SqlCopyData(int Offset, int Length);
