#!/usr/bin/env pwsh
<#
.SYNOPSIS
    Builds, tests, packages and demonstrates PgOps.
.DESCRIPTION
    Needs the .NET SDK 10, and PostgreSQL's server programs for Demo and Test; -Bootstrap gets those. Without PowerShell on the machine:
    dotnet tool restore, then 'dotnet pwsh build.ps1' in the place of './build.ps1'.
.EXAMPLE
    ./build.ps1            # build, so that Import-Module ./PgOps.psd1 works
.EXAMPLE
    ./build.ps1 Demo       # the whole round on a throwaway server
.EXAMPLE
    ./build.ps1 Test       # xunit and Pester against a sandbox PostgreSQL
.EXAMPLE
    ./build.ps1 Package    # the module in a folder, as a .nupkg for the PowerShell Gallery, as a .zip for Azure Automation
.EXAMPLE
    ./build.ps1 Demo -Bootstrap   # first installs PostgreSQL with apt, winget or brew when it is missing
#>
#Requires -Version 7.4
[CmdletBinding()]
param(
    # What to do. Each task does what it needs first.
    [Parameter(Position = 0)]
    [ValidateSet('Build', 'Test', 'Package', 'Demo', 'Clean')]
    [string] $Task = 'Build',

    # Release is what is packaged; Debug for stepping through.
    [ValidateSet('Release', 'Debug')]
    [string] $Configuration = 'Release',

    # Installs PostgreSQL's programs when they are missing.
    [switch] $Bootstrap,

    # Test: the quick tests, the rest, or all.
    [ValidateSet('All', 'Quick', 'Rest')]
    [string] $Part = 'All',

    # Test: measures how many lines of the core the xunit suite runs.
    [switch] $Coverage,

    # Takes what is built already.
    [switch] $NoBuild
)

Set-StrictMode -Version 3
$ErrorActionPreference = 'Stop'
$root = $PSScriptRoot
$out = Join-Path $root 'out'
$manifest = Import-PowerShellDataFile (Join-Path $root 'PgOps.psd1')

$sdkMajor = 10
$pesterMinimum = '5.5'
$postgresMajor = 17

# What each part of Test runs. The xunit tests carry traits; a Pester suite is named by its file.
$xunitFilter = @{ All = 'Category!=Pester'; Quick = 'Category!=Pester&Category!=Slow'; Rest = 'Category=Slow' }
$quickSuites = 'Loading', 'Package'
# A test that says nothing for so long hangs: it is ended and named.
$hangMinutes = 10

# Runs a program. One that could not be started leaves no exit code, and that is a failure, too: PowerShell "opens" a file that the user
# may read but not execute, does nothing, and goes on.
function Invoke-Program([string] $Program, [string[]] $Arguments, [switch] $PassExitCode) {
    $global:LASTEXITCODE = $null
    & $Program @Arguments
    if ($null -eq $LASTEXITCODE) { throw "$Program did not run: it gave no exit code." }
    if ($LASTEXITCODE -eq 0 -or $PassExitCode) { return }
    throw "$(Split-Path $Program -Leaf) $($Arguments[0]) ended with exit code $LASTEXITCODE."
}

# How to start another PowerShell: as the running one was. A dotnet tool runs as 'dotnet pwsh.dll', and the pwsh beside that DLL cannot be
# executed by everybody where the tool is shared.
function Get-Pwsh {
    $program = [Environment]::ProcessPath
    [string[]] $first = switch ([System.IO.Path]::GetFileNameWithoutExtension($program)) {
        'dotnet' { Join-Path $PSHOME 'pwsh.dll' }
        'pwsh' { }
        default { throw "This PowerShell runs inside $program. Run build.ps1 in pwsh." }
    }
    @($program) + $first + '-NoProfile' + '-NonInteractive'
}

# A fresh process keeps no DLL of ours locked. Its exit code is in $LASTEXITCODE.
function Invoke-FreshPwsh {
    $program, [string[]] $first = Get-Pwsh
    Invoke-Program $program ($first + $args) -PassExitCode
}

function Assert-Sdk {
    $get = if ($IsWindows) { "winget install Microsoft.DotNet.SDK.$sdkMajor" }
    elseif ($IsMacOS) { 'brew install dotnet-sdk' }
    else { "your package manager (dotnet-sdk-$sdkMajor.0)" }
    $get = "Get it with $get, or from https://dotnet.microsoft.com/download."
    if (-not (Get-Command dotnet -CommandType Application -ErrorAction Ignore)) { throw "The .NET SDK $sdkMajor is missing. $get" }
    $found = "$(& dotnet --version 2>&1)"
    if ($LASTEXITCODE -eq 0 -and [int]($found -replace '\..*') -ge $sdkMajor) { return }
    throw "The .NET SDK $sdkMajor or newer is needed; dotnet --version says: $found. $get"
}

function Build-Module {
    if ($NoBuild) { return }
    Write-Host "Building PgOps $($manifest.ModuleVersion) ($Configuration)"
    $bin = Join-Path $root 'module/bin'
    $new = Join-Path $out 'bin'
    Remove-Item $new -Recurse -Force -ErrorAction Ignore
    Invoke-Program dotnet publish, (Join-Path $root 'src/PgOps.Cmdlets'), '-c', $Configuration, '-o', $new, '--nologo', '-v', 'quiet'
    # A build that fails leaves the module that was there. One that succeeds takes its whole place: what an earlier one left there would
    # be packaged.
    Remove-Item $bin -Recurse -Force -ErrorAction Ignore
    if (Test-Path $bin) { throw "$bin is in use and cannot be replaced. End the PowerShell that has loaded PgOps, and build again." }
    Move-Item $new $bin
    Invoke-FreshPwsh -File (Join-Path $root 'docs/help/Convert-HelpToMaml.ps1') -Module (Join-Path $root 'PgOps.psd1') `
        -DocComments $bin -Destination (Join-Path $bin 'en-US')
    if ($LASTEXITCODE -ne 0) { throw 'The help could not be made.' }
    Remove-Item "$bin/*" -Include '*.pdb', 'PgOps.*.xml', '*.deps.json' -ErrorAction Ignore
}

# The module as it is installed: out/PgOps/<version>.
function Publish-Module {
    $stage = Join-Path $out "PgOps/$($manifest.ModuleVersion)"
    Remove-Item $stage -Recurse -Force -ErrorAction Ignore
    $null = New-Item -ItemType Directory $stage, (Join-Path $stage 'docs'), (Join-Path $stage 'examples')
    'PgOps.psd1', 'module', 'LICENSE', 'README.md', 'CHANGELOG.md' | ForEach-Object { Copy-Item (Join-Path $root $_) $stage -Recurse }
    # The README links the help pages; what is for those who change PgOps stays in the clone. ReleaseStep is built from its sources.
    Copy-Item (Join-Path $root 'docs/*') (Join-Path $stage 'docs') -Recurse -Exclude licences, architecture.md
    Remove-Item (Join-Path $stage 'docs/help/*') -Include '*.ps1', '*.txt'
    Copy-Item (Join-Path $root 'examples/*') (Join-Path $stage 'examples') -Recurse -Exclude ReleaseStep
    & (Join-Path $root 'docs/licences/New-ThirdPartyNotices.ps1') -Libraries (Join-Path $stage 'module/bin') `
        -Assets (Join-Path $root 'src/PgOps.Cmdlets/obj/project.assets.json') -Destination (Join-Path $stage 'THIRD-PARTY-NOTICES.txt')
    Write-Host "Staged $stage"
    $stage
}

# What the PowerShell Gallery takes: out/PgOps.<version>.nupkg. Publishing it there is
# Publish-PSResource -NupkgPath <it> -ApiKey <key>.
function Publish-Nupkg([string] $Stage) {
    $file = Join-Path $out "PgOps.$($manifest.ModuleVersion).nupkg"
    Remove-Item $file -ErrorAction Ignore
    $repository = "PgOps-out-$PID"
    Register-PSResourceRepository $repository -Uri $out -Trusted
    # NuGet looks for a configuration in the current folder, and wants to write one there.
    Push-Location $out
    try { Publish-PSResource $Stage -Repository $repository }
    finally {
        Pop-Location
        Unregister-PSResourceRepository $repository
    }
    if (-not (Test-Path $file)) { throw "Publish-PSResource made no $file." }
    Write-Host "Made $file"
}

# What Azure Automation takes: a zip of the module's name with one folder of the module's name, the manifest in it, no folder for the
# version, no path over 140 characters.
function Publish-Zip([string] $Stage) {
    $zip = Join-Path $out 'PgOps.zip'
    Remove-Item $zip -ErrorAction Ignore
    $archive = [System.IO.Compression.ZipFile]::Open($zip, 'Create')
    try {
        foreach ($file in Get-ChildItem $Stage -File -Recurse) {
            $name = 'PgOps/' + [System.IO.Path]::GetRelativePath($Stage, $file.FullName).Replace('\', '/')
            if ($name.Length -gt 140) { throw "Azure Automation takes no path over 140 characters: $name" }
            $null = [System.IO.Compression.ZipFileExtensions]::CreateEntryFromFile($archive, $file.FullName, $name)
        }
    }
    finally { $archive.Dispose() }
    Write-Host "Made $zip"
}

# The folder of PostgreSQL's server programs, by a first look at the usual places: what is missing is said before anything is built.
# The module looks for itself later, and has the last word.
function Find-PostgresFolder {
    $folders = if ($env:PGOPS_PG_BIN) { $env:PGOPS_PG_BIN -split [System.IO.Path]::PathSeparator }
    else {
        $env:PATH -split [System.IO.Path]::PathSeparator
        '/usr/lib/postgresql/*/bin', '/usr/pgsql-*/bin', '/usr/libexec/postgresql*', '/opt/homebrew/opt/postgresql*/bin',
        '/usr/local/opt/postgresql*/bin', '/Library/PostgreSQL/*/bin', '/usr/edb/as*/bin', "$env:ProgramFiles/PostgreSQL/*/bin",
        "$env:ProgramFiles/edb/as*/bin"
    }
    $folders.Where({ $_ }) | ForEach-Object { Get-Item (Join-Path $_ ($IsWindows ? 'postgres.exe' : 'postgres')) -ErrorAction Ignore } |
        Sort-Object { [int]($_.DirectoryName -replace '^.*?(\d+)\D*$', '$1' -replace '\D.*') } -Descending |
        Select-Object -First 1 -ExpandProperty DirectoryName
}

# Says at once how to get PostgreSQL's programs when they are missing; with -Bootstrap gets them.
function Initialize-Postgres {
    if ($Bootstrap -and -not $env:PGOPS_PG_BIN -and -not (Find-PostgresFolder)) { Install-Postgres }
    $folder = Find-PostgresFolder
    if (-not $folder -and $env:PGOPS_PG_BIN) {
        throw "PGOPS_PG_BIN is '$env:PGOPS_PG_BIN', and there is no server program (postgres) in it. Correct it, or unset it: " +
            'Remove-Item Env:PGOPS_PG_BIN'
    }
    if (-not $folder) {
        $get = if ($IsWindows) { "winget install PostgreSQL.PostgreSQL.$postgresMajor" }
        elseif ($IsMacOS) { "brew install postgresql@$postgresMajor" }
        else { 'apt-get install postgresql' }
        throw "PostgreSQL's server programs are missing. Install them ($get, or your package manager), name their folder in " +
            "PGOPS_PG_BIN, or run the same command with -Bootstrap, which installs them."
    }
    # Only Debian's packages put psql on the PATH; the children need it.
    if (-not (Get-Command psql -CommandType Application -ErrorAction Ignore)) { $env:PATH += [System.IO.Path]::PathSeparator + $folder }
}

function Install-Postgres {
    Write-Host 'Installing PostgreSQL'
    if ($IsWindows) {
        $accept = '--accept-source-agreements', '--accept-package-agreements'
        Invoke-Program winget (@('install', '--id', "PostgreSQL.PostgreSQL.$postgresMajor") + $accept)
    }
    elseif ($IsMacOS) { Invoke-Program brew install, "postgresql@$postgresMajor" }
    elseif (Get-Command apt-get -ErrorAction Ignore) { Install-PostgresByApt }
    else { throw '-Bootstrap knows apt, winget and brew only; install PostgreSQL with the package manager of this system.' }
}

function Install-PostgresByApt {
    $root = (& id -u) -eq '0'
    if (-not $root -and -not (Get-Command sudo -ErrorAction Ignore)) {
        throw 'Installing PostgreSQL takes root, and there is no sudo here. As root: apt-get update && apt-get install -y postgresql'
    }
    $program, [string[]] $first = @($root ? @() : 'sudo') + 'env' + 'DEBIAN_FRONTEND=noninteractive'
    # Debian's package makes a server, main, and starts it; nobody asked for that here.
    $clusters = '/etc/postgresql-common/createcluster.conf'
    if (-not (Test-Path $clusters)) {
        Write-Host "Writing $clusters, so that no server of Debian's own is made (create_main_cluster = false)"
        Invoke-Program $program ($first + 'sh' + '-c' + "mkdir -p /etc/postgresql-common && echo create_main_cluster = false > $clusters")
    }
    $apt = @('apt-get', '-q', '-o', 'Acquire::Retries=3')
    Invoke-Program $program ($first + $apt + 'update')
    Invoke-Program $program ($first + $apt + 'install' + '-y' + '--no-install-recommends' + 'postgresql')
}

# The module's own word on whether a server starts here.
function Assert-Sandbox {
    Invoke-FreshPwsh -Command ("Import-Module '$root/PgOps.psd1'; try { Start-PgSandbox -ErrorAction Stop | Stop-PgSandbox } " +
        'catch { Write-Host $_; exit 1 }')
    if ($LASTEXITCODE -ne 0) { throw 'No sandbox server starts here; the message above says why.' }
}

# Pester, for the children: installed, else from the PowerShell Gallery, else from NuGet; the last two under out/modules.
function Initialize-Pester {
    $modules = Join-Path $out 'modules'
    $env:PSModulePath = $modules + [System.IO.Path]::PathSeparator + $env:PSModulePath
    $has = { Get-Module Pester -ListAvailable -ErrorAction Ignore | Where-Object Version -GE $pesterMinimum }
    if (& $has) { return }
    $null = New-Item -ItemType Directory -Force $modules
    Write-Host 'Fetching Pester'
    try { Save-PSResource Pester -Version "[$pesterMinimum,7.0)" -Path $modules -TrustRepository -ErrorAction Stop }
    catch { Write-Host "The Gallery does not give Pester: $(($_.Exception.Message -split 'Request sent')[0].Trim()). NuGet is asked." }
    if (& $has) { return }
    $project = Join-Path $root 'tests/PgOps.Module.Tests/Pester.proj'
    Invoke-Program dotnet build, $project, '-t:Fetch', '--nologo', '-v', 'quiet', "-p:ModulesFolder=$modules"
    if (-not (& $has)) { throw "Pester $pesterMinimum or newer could not be fetched. Install it with: Install-PSResource Pester" }
}

function Test-Xunit([string] $Results) {
    $arguments = @(
        'test', (Join-Path $root 'tests/PgOps.Core.Tests'), '-c', $Configuration, '--nologo', '--filter', $xunitFilter[$Part]
        '--logger', 'console;verbosity=minimal', '--logger', 'trx;LogFileName=xunit.trx', '--results-directory', $Results
        '--blame-hang-timeout', "${hangMinutes}m", '--blame-hang-dump-type', 'none'
        if ($Coverage) { '--collect', 'XPlat Code Coverage' }
        if ($NoBuild) { '--no-build' }
    )
    Invoke-Program dotnet $arguments -PassExitCode | Out-Host
    $code = $LASTEXITCODE
    $trx = Join-Path $Results 'xunit.trx'
    if (-not (Test-Path $trx)) { throw 'The xunit suite did not run.' }
    $run = ([xml](Get-Content $trx -Raw)).TestRun
    $run.Results.UnitTestResult | Where-Object outcome -EQ 'NotExecuted' | Group-Object { $_.Output.ErrorInfo.Message } |
        ForEach-Object { Write-Host "$($_.Count) skipped: $($_.Name)" }
    $counters = $run.ResultSummary.Counters
    $failed = [int]$counters.failed + [int]$counters.error
    if ($code -ne 0 -and -not $failed) {
        Write-Host "dotnet test ended with exit code $code before all tests had run; what it said above names the test that was running."
        $failed = 1
    }
    [pscustomobject]@{
        Suite   = 'xunit'
        Names   = @($run.Results.UnitTestResult | Where-Object outcome -EQ 'Failed' | ForEach-Object testName)
        Passed  = [int]$counters.passed
        Failed  = $failed
        Skipped = [int]$counters.total - [int]$counters.executed
        Seconds = [Math]::Round(([datetime]$run.Times.finish - [datetime]$run.Times.start).TotalSeconds, 1)
    }
}

# The share of each library's lines that ran in this part and in those before it, as coverlet.collector measured them.
function Show-Coverage {
    $files = Get-ChildItem (Join-Path $out 'test-results') -Recurse -Filter coverage.cobertura.xml
    if (-not $files) { throw 'No coverage was collected.' }
    $libraries = [ordered]@{}
    foreach ($file in $files) {
        foreach ($package in ([xml](Get-Content $file -Raw)).coverage.packages.package) {
            if (-not $libraries.Contains($package.name)) { $libraries[$package.name] = @{} }
            $lines = $libraries[$package.name]
            foreach ($class in $package.classes.class) {
                foreach ($line in $class.SelectNodes('lines/line')) {
                    $key = "$($class.filename):$($line.number)"
                    $lines[$key] = $lines[$key] -or $line.hits -ne '0'
                }
            }
        }
    }
    foreach ($name in $libraries.Keys) {
        $all = $libraries[$name].Count
        $run = @($libraries[$name].Values -eq $true).Count
        Write-Host ('Coverage of {0}: {1:P1} of {2:N0} lines' -f $name, ($run / $all), $all)
    }
}

# The Pester suites run beside the xunit suite, for both spend much of their time waiting. Their output follows when they have ended.
function Start-Pester([string] $Results, [string] $Stage) {
    $null = New-Item -ItemType Directory $Results -Force
    $program, [string[]] $first = Get-Pwsh
    $arguments = @(
        $first
        '-File', (Join-Path $root 'tests/PgOps.Module.Tests/Invoke-Suites.ps1'), '-CountsPath', (Join-Path $Results 'pester.json')
        if ($Part -eq 'Quick') { '-Name', ($quickSuites -join ',') }
        if ($Part -eq 'Rest') { '-Except', ($quickSuites -join ',') }
    ) | ForEach-Object { '"{0}"' -f $_ }
    Start-Process $program $arguments -PassThru -NoNewWindow -Environment @{ PGOPS_MODULE = Join-Path $Stage 'PgOps.psd1' } `
        -RedirectStandardOutput (Join-Path $Results 'pester.txt') -RedirectStandardError (Join-Path $Results 'pester-errors.txt')
}

function Wait-Pester([System.Diagnostics.Process] $Process, [string] $Results) {
    $said = Join-Path $Results 'pester.txt'
    $length = 0
    $silence = [System.Diagnostics.Stopwatch]::StartNew()
    while (-not $Process.WaitForExit(1000)) {
        $now = (Get-Item $said).Length
        if ($now -ne $length) { $length = $now; $silence.Restart() }
        if ($silence.Elapsed.TotalMinutes -lt $hangMinutes) { continue }
        $Process.Kill($true)
        Get-Content $said | Out-Host
        throw "The Pester suites said nothing for $hangMinutes minutes and were ended. It hangs after: $(Get-Content $said -Tail 1)"
    }
    Get-Content $said, (Join-Path $Results 'pester-errors.txt') | Out-Host
    $counts = Join-Path $Results 'pester.json'
    if (-not (Test-Path $counts)) { throw 'The Pester suites did not run.' }
    Get-Content $counts -Raw | ConvertFrom-Json
}

function Invoke-Demo {
    Invoke-FreshPwsh -Command "Import-Module '$root/PgOps.psd1'; & '$root/examples/quickstart.ps1' | Out-Null"
    if ($LASTEXITCODE -ne 0) { throw "The demo ended with exit code $LASTEXITCODE." }
}

function Invoke-Test {
    $results = Join-Path $out "test-results/$($Part.ToLowerInvariant())"
    Remove-Item $results -Recurse -Force -ErrorAction Ignore
    $stage = Publish-Module
    Publish-Nupkg $stage
    Publish-Zip $stage
    $clock = [System.Diagnostics.Stopwatch]::StartNew()
    $pester = Start-Pester $results $stage
    try { $suites = @(Test-Xunit $results; Wait-Pester $pester $results) }
    finally { if (-not $pester.HasExited) { $pester.Kill($true) } }
    if ($Coverage) { Show-Coverage }
    $suites | Format-Table Suite, Passed, Failed, Skipped, Seconds | Out-Host
    foreach ($suite in $suites) { foreach ($name in $suite.Names) { Write-Host "Failed: $($suite.Suite): $name" } }
    Write-Host ('Part {0} took {1:m\:ss} minutes' -f $Part, $clock.Elapsed)
    $sum = $suites | Measure-Object Passed, Failed, Skipped -Sum | Group-Object Property -AsHashTable
    Write-Host ('{0} passed, {1} failed, {2} skipped' -f $sum.Passed.Sum, $sum.Failed.Sum, $sum.Skipped.Sum)
    $sum.Failed.Sum -eq 0 -and $sum.Passed.Sum -gt 0
}

$environment = 'PATH', 'PSModulePath', 'DOTNET_NOLOGO', 'DOTNET_CLI_TELEMETRY_OPTOUT', 'DOTNET_CLI_WORKLOAD_UPDATE_NOTIFY_DISABLE'
$saved = $environment | ForEach-Object { [Environment]::GetEnvironmentVariable($_) ?? [NullString]::Value }
try {
    $env:DOTNET_NOLOGO = '1'
    $env:DOTNET_CLI_TELEMETRY_OPTOUT = '1'
    $env:DOTNET_CLI_WORKLOAD_UPDATE_NOTIFY_DISABLE = '1'
    if ($Task -ne 'Clean') { Assert-Sdk }
    if ($Task -in 'Demo', 'Test') { Initialize-Postgres }
    if ($Task -eq 'Test') { Initialize-Pester }
    if ($Task -ne 'Clean') { Build-Module }
    if ($Task -in 'Demo', 'Test') { Assert-Sandbox }
    switch ($Task) {
        'Package' {
            $stage = Publish-Module
            Publish-Nupkg $stage
            Publish-Zip $stage
        }
        'Demo' { Invoke-Demo }
        'Test' { if (-not (Invoke-Test)) { exit 1 } }
        'Clean' {
            Get-ChildItem $root -Include bin, obj, out -Directory -Recurse -ErrorAction Ignore |
                Remove-Item -Recurse -Force -ErrorAction Ignore
        }
    }
}
catch {
    # What this script throws itself is a sentence for people; anything else keeps its position.
    if ($_.CategoryInfo.Category -ne 'OperationStopped') { throw }
    [Console]::Error.WriteLine("build.ps1 ${Task}: $($_.Exception.Message)")
    exit 1
}
finally {
    for ($i = 0; $i -lt $environment.Count; $i++) { [Environment]::SetEnvironmentVariable($environment[$i], $saved[$i]) }
}
