#!/usr/bin/env pwsh
<#
.SYNOPSIS
    Builds, tests, packages and demonstrates PgOps.
.EXAMPLE
    ./build.ps1            # build, so that Import-Module ./PgOps.psd1 works
.EXAMPLE
    ./build.ps1 Demo       # the whole round on a throwaway server
.EXAMPLE
    ./build.ps1 Test       # xunit and Pester against a sandbox PostgreSQL
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
    [switch] $Bootstrap
)

Set-StrictMode -Version 3
$ErrorActionPreference = 'Stop'
$env:DOTNET_NOLOGO = '1'
$root = $PSScriptRoot
$manifest = Import-PowerShellDataFile (Join-Path $root 'PgOps.psd1')

function Invoke-Dotnet {
    & dotnet @args
    if ($LASTEXITCODE -ne 0) { throw "dotnet $($args[0]) ended with exit code $LASTEXITCODE." }
}

# The PowerShell that runs this script, also when it came as a dotnet tool: program and first arguments.
function Get-Pwsh {
    $pwsh = Join-Path $PSHOME ($IsWindows ? 'pwsh.exe' : 'pwsh')
    [string[]] $start = if (Test-Path $pwsh) { @($pwsh) } else { @('dotnet', (Join-Path $PSHOME 'pwsh.dll')) }
    $start + '-NoProfile' + '-NonInteractive'
}

# A fresh process keeps no DLL of ours locked.
function Invoke-FreshPwsh {
    $program, $first = Get-Pwsh
    & $program @first @args
}

function Build-Module {
    Write-Host "Building PgOps $($manifest.ModuleVersion) ($Configuration)"
    Invoke-Dotnet publish (Join-Path $root 'src/PgOps.Cmdlets') -c $Configuration -o (Join-Path $root 'module/bin') --nologo -v quiet
    Invoke-FreshPwsh -File (Join-Path $root 'docs/help/Convert-HelpToMaml.ps1') -Module (Join-Path $root 'PgOps.psd1') `
        -DocComments (Join-Path $root 'module/bin') -Destination (Join-Path $root 'module/bin/en-US')
    if ($LASTEXITCODE -ne 0) { throw 'The help could not be made.' }
    Remove-Item (Join-Path $root 'module/bin/*') -Include '*.pdb', 'PgOps.*.xml', '*.deps.json' -ErrorAction Ignore
}

function Publish-Module {
    $stage = Join-Path $root "out/PgOps/$($manifest.ModuleVersion)"
    Remove-Item $stage -Recurse -Force -ErrorAction Ignore
    $null = New-Item -ItemType Directory $stage
    Copy-Item (Join-Path $root 'PgOps.psd1'), (Join-Path $root 'module'), (Join-Path $root 'LICENSE'), (Join-Path $root 'README.md'), (Join-Path $root 'CHANGELOG.md') $stage -Recurse
    Write-Host "Staged $stage"
    $stage
}

# Says how to get PostgreSQL's programs when they are missing, and with -Bootstrap gets them.
function Assert-Postgres {
    $probe = "Import-Module '$root/PgOps.psd1'; try { Start-PgSandbox -ErrorAction Stop | Stop-PgSandbox } catch { Write-Host `$_; exit `$(if (`$_.FullyQualifiedErrorId -like 'ToolMissing*') { 42 } else { 1 }) }"
    Invoke-FreshPwsh -Command $probe
    if ($LASTEXITCODE -eq 42 -and $Bootstrap) {
        Install-Postgres
        Invoke-FreshPwsh -Command $probe
    }
    if ($LASTEXITCODE -eq 42) { throw "PostgreSQL's programs are missing. Install them as said above, or run ./build.ps1 $Task -Bootstrap." }
    if ($LASTEXITCODE -ne 0) { throw 'No sandbox server starts here; the message above says why.' }
}

function Install-Postgres {
    if ($IsWindows) {
        & winget install --id PostgreSQL.PostgreSQL.17 --accept-source-agreements --accept-package-agreements
    }
    elseif ($IsMacOS) {
        & brew install postgresql@17
    }
    elseif (Get-Command apt-get -ErrorAction Ignore) {
        $sudo = if ((& id -u) -eq '0') { @() } else { @('sudo') }
        $update = $sudo + @('apt-get', 'update', '-q')
        $install = $sudo + @('apt-get', 'install', '-y', '-q', 'postgresql')
        & $update[0] $update[1..9]
        & $install[0] $install[1..9]
    }
    else {
        throw '-Bootstrap knows apt, winget and brew only; install PostgreSQL with the package manager of this system.'
    }
    if ($LASTEXITCODE -ne 0) { throw "The installation ended with exit code $LASTEXITCODE." }
}

function Assert-Pester {
    if (Get-Module Pester -ListAvailable | Where-Object Version -ge '5.5') { return }
    Write-Host 'Installing Pester from the PowerShell Gallery'
    try { Install-PSResource Pester -Version '[5.5,7.0)' -Scope CurrentUser -TrustRepository -ErrorAction Stop }
    catch { throw "Pester 5.5 or newer is missing and could not be installed: $_ Install it with: Install-PSResource Pester" }
}

function Test-Xunit([string] $Results) {
    $null = & dotnet test (Join-Path $root 'tests/PgOps.Core.Tests') -c $Configuration --nologo --filter 'Category!=Pester' `
        --logger 'console;verbosity=minimal' --logger 'trx;LogFileName=xunit.trx' --results-directory $Results | Out-Host
    $trx = Join-Path $Results 'xunit.trx'
    if (-not (Test-Path $trx)) { throw 'The xunit suite did not run.' }
    $run = ([xml](Get-Content $trx -Raw)).TestRun
    $run.Results.UnitTestResult | Where-Object outcome -EQ 'NotExecuted' | Group-Object { $_.Output.ErrorInfo.Message } |
        ForEach-Object { Write-Host "$($_.Count) skipped: $($_.Name)" }
    $counters = $run.ResultSummary.Counters
    [pscustomobject]@{ Passed = [int]$counters.passed; Failed = [int]$counters.failed + [int]$counters.error; Skipped = [int]$counters.total - [int]$counters.executed }
}

# The Pester suites run beside the xunit suite, for both spend much of their time waiting. Their output follows when they have ended.
function Start-Pester([string] $Results, [string] $Stage) {
    $null = New-Item -ItemType Directory $Results -Force
    $program, $first = Get-Pwsh
    $suites = Join-Path $root 'tests/PgOps.Module.Tests/Invoke-Suites.ps1'
    $arguments = $first + '-File' + $suites + '-CountsPath' + (Join-Path $Results 'pester.json') | ForEach-Object { '"{0}"' -f $_ }
    $env:PGOPS_MODULE = Join-Path $Stage 'PgOps.psd1'
    try {
        Start-Process $program $arguments -PassThru -NoNewWindow `
            -RedirectStandardOutput (Join-Path $Results 'pester.txt') -RedirectStandardError (Join-Path $Results 'pester-errors.txt')
    }
    finally { $env:PGOPS_MODULE = $null }
}

function Wait-Pester([System.Diagnostics.Process] $Process, [string] $Results) {
    $Process.WaitForExit()
    Get-Content (Join-Path $Results 'pester.txt'), (Join-Path $Results 'pester-errors.txt') | Out-Host
    $counts = Join-Path $Results 'pester.json'
    if (-not (Test-Path $counts)) { throw 'The Pester suites did not run.' }
    Get-Content $counts -Raw | ConvertFrom-Json
}

switch ($Task) {
    'Build' { Build-Module }
    'Package' {
        Build-Module
        $null = Publish-Module
    }
    'Demo' {
        Build-Module
        Assert-Postgres
        Invoke-FreshPwsh -Command "Import-Module '$root/PgOps.psd1'; & '$root/examples/quickstart.ps1' | Out-Null"
        if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
    }
    'Test' {
        $results = Join-Path $root 'out/test-results'
        Remove-Item $results -Recurse -Force -ErrorAction Ignore
        Build-Module
        $stage = Publish-Module
        Assert-Postgres
        Assert-Pester
        $pester = Start-Pester $results $stage
        $suites = @(Test-Xunit $results; Wait-Pester $pester $results)
        $sum = $suites | Measure-Object Passed, Failed, Skipped -Sum | Group-Object Property -AsHashTable
        Write-Host ('{0} passed, {1} failed, {2} skipped' -f $sum.Passed.Sum, $sum.Failed.Sum, $sum.Skipped.Sum)
        if ($sum.Failed.Sum -gt 0) { exit 1 }
    }
    'Clean' {
        Get-ChildItem $root -Include bin, obj, out -Directory -Recurse -ErrorAction Ignore | Remove-Item -Recurse -Force -ErrorAction Ignore
    }
}
