namespace PgOps.Core.Reports;

/// <summary>
/// The page's style sheet. It holds no character that markup would have to escape; every pair of colours has a contrast of 4.5 or more.
/// </summary>
internal static class HtmlStyle
{
    internal const string Text =
        """

        :root { --page: #f6f7f9; --card: #ffffff; --ink: #1b2430; --soft: #556070; --rule: #d9dee5; --link: #0b57c2;
          --pass: #146c37; --pass-back: #e3f4e9; --fail: #a8151b; --fail-back: #fde8e8; --skip: #7a4b00; --skip-back: #fdf1d8; }
        @media (prefers-color-scheme: dark) { :root { --page: #12161c; --card: #1b2129; --ink: #e7ebf0; --soft: #a3afbd; --rule: #333d49;
          --link: #86b7ff; --pass: #7fdca2; --pass-back: #14331f; --fail: #ff9d9d; --fail-back: #431a1c; --skip: #f3c669; --skip-back: #3a2c0d; } }
        * { box-sizing: border-box; }
        body { margin: 0 auto; padding: 2rem 1.25rem 3rem; max-width: 76rem; background: var(--page); color: var(--ink);
          font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
        h1 { margin: 0 0 1rem; font-size: 1.7rem; line-height: 1.25; }
        h2 { margin: 0 0 .75rem; font-size: 1.25rem; }
        h3 { margin: 1.5rem 0 .5rem; font-size: 1rem; }
        h1, h2, p, li, dd, caption { overflow-wrap: anywhere; }
        a { color: var(--link); }
        section, header { margin-bottom: 1.5rem; padding: 1.25rem 1.5rem; background: var(--card); border: 1px solid var(--rule); border-radius: .6rem; }
        .verdict, .outcome { margin: 0; padding: .6rem .9rem; border-left: .35rem solid; border-radius: .3rem; }
        .words { white-space: pre-line; }
        .verdict { font-size: 1.15rem; padding: .9rem 1.1rem; }
        .verdict .badge { font-size: 1.3rem; }
        .Passed.verdict, .Passed.outcome { border-color: var(--pass); background: var(--pass-back); }
        .Failed.verdict, .Failed.outcome { border-color: var(--fail); background: var(--fail-back); }
        .Incomplete.verdict, .Incomplete.outcome { border-color: var(--skip); background: var(--skip-back); }
        .badge { font-weight: 650; }
        td .badge { white-space: nowrap; }
        .badge.Passed { color: var(--pass); }
        .badge.Failed { color: var(--fail); }
        .badge.Skipped { color: var(--skip); }
        .when { margin: .6rem 0 0; color: var(--soft); }
        .tiles { display: flex; flex-wrap: wrap; gap: .5rem 2.5rem; margin: 1.25rem 0 0; }
        .tiles dt { color: var(--soft); font-size: .875rem; }
        .tiles dd { margin: 0; font-size: 1.5rem; font-weight: 650; line-height: 1.2; }
        .scroll { overflow-x: auto; border: 1px solid var(--rule); border-radius: .4rem; }
        .scroll:focus-visible, a:focus-visible, summary:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
        table { width: 100%; border-collapse: collapse; font-size: .9rem; }
        caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
        th, td { padding: .45rem .75rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--rule); }
        tbody tr:last-child th, tbody tr:last-child td { border-bottom: 0; }
        thead th { color: var(--soft); font-weight: 600; white-space: nowrap; }
        tbody th { font-weight: 600; overflow-wrap: anywhere; min-width: 7rem; }
        .detail { white-space: pre-line; overflow-wrap: anywhere; min-width: 16rem; }
        .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
        .time { white-space: nowrap; font-variant-numeric: tabular-nums; }
        .hash { font: .75rem/1.7 ui-monospace, "Cascadia Mono", Menlo, Consolas, "Liberation Mono", monospace; overflow-wrap: anywhere; min-width: calc(33ch + 1.5rem); }
        .check { min-width: 9.5rem; }
        .line { width: 18%; min-width: 8rem; }
        .bar { display: block; height: .7rem; margin-top: .45rem; border-radius: .2rem; background: var(--soft); }
        .bar.Passed { background: var(--pass); }
        .bar.Failed { background: var(--fail); }
        .bar.Incomplete { background: var(--skip); }
        details { margin-top: 1.5rem; }
        summary { font-weight: 600; cursor: pointer; }
        .facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: .6rem 1.5rem; margin: .75rem 0 0; }
        .facts dt { color: var(--soft); font-size: .875rem; }
        .facts dd { margin: 0; white-space: pre-line; }
        footer { color: var(--soft); font-size: .875rem; }
        @media (max-width: 40rem) { body { padding: 1rem .6rem 2rem; } section, header { padding: 1rem .9rem; } .tiles { gap: .5rem 1.5rem; }
          h1 { font-size: 1.4rem; } th, td { padding: .4rem .5rem; } table { font-size: .85rem; } .detail { min-width: 9rem; } tbody th, .check { min-width: 6.75rem; }
          .line, thead .line { display: none; } }
        @media print { body { max-width: none; padding: 0; background: none; } section, header { border: 0; padding: 0; } .scroll { overflow: visible; border: 0; } tr { break-inside: avoid; } }

        """;
}
