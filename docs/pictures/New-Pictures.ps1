<#
.SYNOPSIS
    Makes the pictures of the README from a real run: the end of the Demo, and the report of a drill.
.DESCRIPTION
    Needs the built module, PostgreSQL's programs and a Chromium (chromium, google-chrome or msedge) on the PATH. With pngquant on the PATH
    the pictures become a third of the size. Run it where nothing else runs: the pictures show durations.
.EXAMPLE
    ./build.ps1; ./docs/pictures/New-Pictures.ps1
#>
#Requires -Version 7.4
[CmdletBinding()]
param(
    # Where the pictures go.
    [string] $Destination = $PSScriptRoot,

    # A Chromium that is not on the PATH.
    [string] $Browser
)

Set-StrictMode -Version 3
$ErrorActionPreference = 'Stop'
$root = (Resolve-Path (Join-Path $PSScriptRoot '../..')).Path
$largest = 150kB
$name = "pgops-pictures-$([guid]::NewGuid().ToString('N').Substring(0, 8))"
$work = (New-Item -ItemType Directory (Join-Path ([System.IO.Path]::GetTempPath()) $name)).FullName

if (-not $Browser) {
    $found = Get-Command chromium, chromium-browser, google-chrome, msedge -CommandType Application -ErrorAction Ignore |
        Select-Object -First 1
    if (-not $found) { throw 'There is no Chromium on the PATH. Install one (apt-get install chromium), or name it with -Browser.' }
    $Browser = $found.Source
}

# A page as a PNG of the given size, in points of the page.
function Save-Picture([string] $Page, [string] $Picture, [int] $Width, [int] $Height) {
    $arguments = @(
        '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'
        '--disable-component-update', '--disable-sync', '--hide-scrollbars', '--force-device-scale-factor=1'
        "--user-data-dir=$(Join-Path $work 'browser')", "--window-size=$Width,$Height"
        "--screenshot=$Picture", [uri]::new($Page, [UriKind]::Absolute).AbsoluteUri
    )
    Remove-Item $Picture -ErrorAction Ignore
    $said = & $Browser @arguments 2>&1
    if ($LASTEXITCODE -ne 0 -or -not (Test-Path $Picture)) {
        throw "$Browser made no picture (exit code $LASTEXITCODE): $($said | Select-Object -Last 3)"
    }
    if (Get-Command pngquant -CommandType Application -ErrorAction Ignore) {
        & pngquant --force --skip-if-larger --quality 60-95 --output $Picture $Picture
        # 98 and 99: it would not have become smaller, or not good enough; the picture is as it was.
        if ($LASTEXITCODE -notin 0, 98, 99) { throw "pngquant ended with exit code $LASTEXITCODE." }
    }
    $size = (Get-Item $Picture).Length
    if ($size -gt $largest) { throw "$Picture has $size bytes; more than $largest make the README slow." }
    Write-Host ('{0}: {1} x {2}, {3:N0} bytes' -f $Picture, $Width, $Height, $size)
}

# A terminal's text as HTML: colours and bold, as PgOps' scripts use them.
function ConvertTo-TerminalPage([string[]] $Line) {
    $classes = @{ '1' = 'bold'; '92' = 'green'; '93' = 'yellow'; '96' = 'cyan' }
    $html = [System.Net.WebUtility]::HtmlEncode($Line -join "`n") -replace '&#27;', "`e"
    $script:open = 0
    $body = [regex]::Replace($html, "`e\[([0-9;]*)m", {
            param($match)
            $codes = $match.Groups[1].Value
            if ($codes -in '', '0') { $closing = '</span>' * $script:open; $script:open = 0; return $closing }
            $unknown = $codes -split ';' | Where-Object { -not $classes.ContainsKey($_) }
            if ($unknown) { throw "The colour $codes is not known here." }
            $script:open++
            "<span class=""$(($codes -split ';').ForEach({ $classes[$_] }))"">"
        })
    @"
<!doctype html><meta charset="utf-8"><style>
body { margin: 0; background: #0d1117; }
pre { margin: 0; padding: 14px 18px; color: #d5dbe3; font: 14px/20px 'DejaVu Sans Mono', Consolas, Menlo, monospace; }
.bold { font-weight: bold; } .green { color: #4ade80; } .yellow { color: #facc15; } .cyan { color: #67e8f9; }
</style><pre>$body</pre>
"@
}

function Invoke-Pwsh([string] $Script) {
    $pwsh = Join-Path $PSHOME ($IsWindows ? 'pwsh.exe' : 'pwsh')
    [string[]] $start = (Test-Path $pwsh) ? @($pwsh) : @('dotnet', (Join-Path $PSHOME 'pwsh.dll'))
    $file = Join-Path $work 'run.ps1'
    $settings = "`$ErrorActionPreference = 'Stop'; `$PSStyle.OutputRendering = 'Ansi'; `$ProgressPreference = 'SilentlyContinue'"
    Set-Content $file "$settings`nImport-Module '$root/PgOps.psd1'`n$Script"
    & $start[0] @($start | Select-Object -Skip 1) -NoProfile -NonInteractive -File $file
    if ($LASTEXITCODE -ne 0) { throw "The run ended with exit code $LASTEXITCODE." }
}

try {
    $encoding = [Console]::OutputEncoding
    [Console]::OutputEncoding = [System.Text.UTF8Encoding]::new()
    try { $said = @(Invoke-Pwsh "& '$root/examples/quickstart.ps1' | Out-Null") }
    finally { [Console]::OutputEncoding = $encoding }

    # The end: from the sabotage on.
    $plain = $said -replace "`e\[[0-9;]*m"
    $from = [array]::FindIndex([string[]] $plain, [Predicate[string]] { param($line) $line -match '^\d  Sabotage' })
    if ($from -lt 0) { throw 'The Demo shows no sabotage.' }
    $end = @($said[$from..($said.Count - 1)] | ForEach-Object { $_.TrimEnd() })
    while ($end[-1] -eq '') { $end = $end[0..($end.Count - 2)] }
    $columns = ($end -replace "`e\[[0-9;]*m" | Measure-Object Length -Maximum).Maximum
    $page = Join-Path $work 'demo.html'
    Set-Content $page (ConvertTo-TerminalPage $end)
    $width = [int][Math]::Ceiling($columns * 8.43 + 36)
    Save-Picture $page (Join-Path $Destination 'demo.png') -Width $width -Height ($end.Count * 20 + 28)

    Push-Location $work
    try {
        Invoke-Pwsh @"
`$sandbox = Start-PgSandbox shop
`$null = Invoke-PgMigration `$sandbox -Path '$root/examples/shop/migrations' -ToVersion 20260202130000
Backup-PgDatabase `$sandbox -Path ./backups | Test-PgRestore -MaxRecoveryTime 00:15:00 -OutVariable drill |
    Export-PgReport ./report.html -Title 'Nightly drill' | Out-Null
Set-Content checks.txt `$drill.Checks.Name
Stop-PgSandbox `$sandbox
"@
    }
    finally { Pop-Location }
    # The checks that the picture counts: DrillStepTests fails when a drill has others.
    Copy-Item (Join-Path $work 'checks.txt') (Join-Path $Destination 'report.txt')
    Save-Picture (Join-Path $work 'report.html') (Join-Path $Destination 'report.png') -Width 980 -Height 660
}
finally {
    Remove-Item $work -Recurse -Force -ErrorAction Ignore
}
