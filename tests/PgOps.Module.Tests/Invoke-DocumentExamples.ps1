<#
.SYNOPSIS
    Runs the PowerShell blocks of the README, the about topics and the guides, as they are written and in their order, and writes the
    results to a JSON file.
.DESCRIPTION
    Each document gets a runspace of its own and the world of ExampleGround.ps1; the README is run once more by somebody who has an empty
    database and no files. Questions are answered with yes. An S3 service of the tests stands where AWS would, and answers the probes.
    What a block needs besides, and what is not run, stands below.
#>
#Requires -Version 7.4
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Module,
    [Parameter(Mandatory)] [string] $Folder,
    [Parameter(Mandatory)] [string] $ResultPath,

    # Only these sessions: README.md, 'README.md, empty', guides, or a topic's name.
    [string] $Only = '*'
)

Set-StrictMode -Version 3
$ErrorActionPreference = 'Stop'
$root = (Resolve-Path (Join-Path $PSScriptRoot '../..')).Path

# Blocks that are not run, by their first line, and why.
$notRun = @{
    './build.ps1*'                            = 'It builds what is tested here; .ci/run and every run of the tests begin with it.'
    'Register-PSResourceRepository*'          = 'Package.Tests.ps1 installs the package as a normal user, from a folder of its own.'
    'Install-PSResource*'                     = 'Package.Tests.ps1 installs the package as a normal user, from a folder of its own.'
    'Backup-PgDatabase shop -Path ./backups*' = @{ 'README.md, empty' = 'The headline is about a database that has migrations.' }
    './examples/cutover-two-servers.ps1*'     = 'Examples.Tests.ps1 runs it between two servers, forward and back.'
    '$transfer =*'                            = 'Examples.Tests.ps1 runs it between two servers, forward and back.'
    'Invoke-PgMigration -Baseline*'           = @{ 'README.md, empty' = 'It is about a database that holds tables.' }
    'Import-PgMigrationHistory*'              = @{ 'README.md, empty' = 'It is about a database that holds tables.' }
}

# Blocks about a database in another state than the rest of their document: the name of that database.
$databases = @{
    'Invoke-PgMigration -Baseline*' = 'old'
    'Import-PgMigrationHistory*'    = 'legacy'
}

# What a document speaks of besides the common world.
$prepare = @{
    'about_PgOps_Backups' = {
        function Test-Orders($Database) { "looked at $Database" }
        $null = New-Item -ItemType Directory checks
        Set-Content checks/orders.sql 'SELECT id FROM orders WHERE total < 0;'
        Set-Content shop.expectations.json '{ "format": "pgops-expectations/1", "tables": { "customers": {}, "orders": {} } }'
    }
    'about_PgOps_Targets' = {
        $target = $server
        $credential = [pscredential]::new($server.Username, (ConvertTo-SecureString $server.GetEnvironment()['PGPASSWORD'] -AsPlainText))
        $null = 'shop_copy', 'crm', 'billing' |
            ForEach-Object { & psql -X -q -v ON_ERROR_STOP=1 -d postgres -c "CREATE DATABASE $_ TEMPLATE shop" }
    }
    'checks.md'           = { $env:SHOP_PROBE = 'the probe''s password' }
    'managed-servers.md'  = {
        $backup = Get-PgBackup -Latest
        $target = (Start-PgSandbox shop).Target
        $null = & psql -X -q -v ON_ERROR_STOP=1 -d $target.GetConnectionUri() -c 'CREATE ROLE shop_admin'
    }
}

# Addresses in the documents, and what stands in their place here.
$addresses = {
    param([string] $Code)
    $Code.Replace("'postgresql://deploy@db.example/shop?sslmode=verify-full'", '$server.GetConnectionUri()').
        Replace('https://shop.example/health', "$($s3.Endpoint)/probes/health").
        Replace('http://127.0.0.1:8080/selftest', "$($s3.Endpoint)/probes/health")
}

# The blocks of a document: what is fenced as powershell in Markdown; in a topic what stands apart, is indented, and begins as a command
# or an assignment does.
function Get-CodeBlock([string] $Path) {
    $text = [System.IO.File]::ReadAllText($Path).Replace("`r", '')
    $pattern = $Path.EndsWith('.md') ? '(?ms)^```powershell\n(?<code>.*?)\n```$' :
        '(?m)(?<=\n\n)(?<code> {8,}(?:\$|\[|try \{|[A-Z]\w+-\w+)[^\n]*(?:\n {8,}[^\n]*)*)'
    foreach ($match in [regex]::Matches($text, $pattern)) {
        $code = $match.Groups['code'].Value
        if ($Path.EndsWith('.txt')) { $code = $code -replace '(?m)^ {8}' }
        [pscustomobject]@{ Line = ($text.Substring(0, $match.Groups['code'].Index) -split "`n").Count; Code = $code }
    }
}

# The S3 service of the xunit tests, compiled as it stands.
function Start-S3 {
    $usings = 'System', 'System.Collections.Generic', 'System.IO', 'System.Linq', 'System.Threading', 'System.Threading.Tasks'
    $source = Get-ChildItem (Join-Path $root 'tests/PgOps.Core.Tests') -Filter FaultyS3.cs -Recurse | Get-Content -Raw
    $code = $source -replace '\binternal ', 'public ' -replace '(?m)^namespace .+;', 'namespace PgOps.Examples;'
    Add-Type -TypeDefinition ("#nullable enable`n" + -join $usings.ForEach({ "using $_;`n" }) + $code) -IgnoreWarnings -WarningAction Ignore
    $service = [PgOps.Examples.FaultyS3]::new()
    $service.Objects['health'] = [ValueTuple[byte[], string, string]]::new([byte[]](111, 107), $null, $null)
    $env:AWS_ENDPOINT_URL = $service.Endpoint
    $service
}

$run = {
    param([string] $Module, [string] $Session, [string] $Folder, [string] $Ground, [object[]] $Blocks, $Tables, $S3)

    $ErrorActionPreference = 'Stop'
    $ProgressPreference = 'SilentlyContinue'
    $ConfirmPreference = 'None'
    Import-Module $Module

    if ($Session -eq 'README.md, empty') {
        Get-ChildItem env:PG?* -Exclude 'PGOPS*' | Remove-Item
        $server = (Start-PgSandbox shop).Target
        $env:DATABASE_URL = $server.GetConnectionUri()
        Set-Location (New-Item -ItemType Directory $Folder)
    }
    else { . $Ground $Folder }

    $PgOpsTables = $Tables
    $PgOpsUri = $env:DATABASE_URL
    $PgOpsPrepared = @()
    $PgOpsFor = { param($Table) $Table.GetEnumerator() | Where-Object { $PgOpsBlock.Code -like $_.Key } | ForEach-Object Value }
    $PgOpsResults = foreach ($PgOpsBlock in $Blocks) {
        $PgOpsReason = & $PgOpsFor $PgOpsTables.NotRun
        if ($PgOpsReason -isnot [string] -and $PgOpsReason) { $PgOpsReason = $PgOpsReason[$PgOpsBlock.Document] }
        $PgOpsResult = [ordered]@{
            Document = $PgOpsBlock.Document; Line = $PgOpsBlock.Line; Code = $PgOpsBlock.Code
            Output = ''; Error = $null; NotRun = $PgOpsReason
        }
        if (-not $PgOpsReason) {
            $PgOpsDatabase = & $PgOpsFor $PgOpsTables.Databases
            try {
                if ($PgOpsBlock.Document -notin $PgOpsPrepared -and $PgOpsTables.Prepare[$PgOpsBlock.Document]) {
                    . ([scriptblock]::Create($PgOpsTables.Prepare[$PgOpsBlock.Document]))
                }
                $PgOpsPrepared += $PgOpsBlock.Document
                if ($PgOpsDatabase) { $env:DATABASE_URL = $server.WithDatabase($PgOpsDatabase).GetConnectionUri() }
                $PgOpsCode = [scriptblock]::Create((& ([scriptblock]::Create($PgOpsTables.Addresses)) $PgOpsBlock.Code))
                $PgOpsResult.Output = . $PgOpsCode | Out-String -Width 120
                # What a block leaves to a job counts, too.
                $PgOpsResult.Output += Get-Job | Receive-Job -Wait -AutoRemoveJob | Out-String -Width 120
            }
            catch {
                $PgOpsResult.Error = "$_"
            }
            if ($PgOpsDatabase) { $env:DATABASE_URL = $PgOpsUri }
        }
        [pscustomobject] $PgOpsResult
    }

    Get-PgSandbox | Where-Object OwnerProcessId -EQ $PID | Stop-PgSandbox
    $PgOpsResults
}

$s3 = Start-S3

# Jobs import the module by its name.
$modules = New-Item -ItemType Directory (Join-Path $Folder 'modules')
$null = New-Item -ItemType ($IsWindows ? 'Junction' : 'SymbolicLink') -Path (Join-Path $modules 'PgOps') -Target (Split-Path $Module)
# Thread jobs share this process, which takes a PgOps from one folder only.
$Module = Join-Path $modules 'PgOps' (Split-Path $Module -Leaf)
$env:PSModulePath = "$modules$([System.IO.Path]::PathSeparator)$env:PSModulePath"

# A script block belongs to the runspace that made it; its text does not.
$prepareTexts = @{}
foreach ($document in $prepare.Keys) { $prepareTexts[$document] = "$($prepare[$document])" }
$tables = @{ NotRun = $notRun; Databases = $databases; Prepare = $prepareTexts; Addresses = "$addresses" }

# The guides share a session, for a world costs seconds; so they must not depend on what another one has done.
$sessions = [ordered]@{ 'README.md' = @('README.md'); 'README.md, empty' = @('README.md'); guides = @() }
$guides = Get-ChildItem (Join-Path $root 'docs') -Recurse -Include 'about_*.help.txt', '*.md' |
    Where-Object Name -NotMatch '^\w+-Pg\w+\.md$' | Sort-Object Name
foreach ($file in $guides) {
    $path = [System.IO.Path]::GetRelativePath($root, $file.FullName)
    if ($file.Name -like 'about_*') { $sessions[$file.Name -replace '\.help\.txt$'] = @($path) } else { $sessions['guides'] += $path }
}
$results = foreach ($session in $sessions.Keys -like $Only) {
    $blocks = foreach ($path in $sessions[$session]) {
        $document = $session -eq 'guides' ? (Split-Path $path -Leaf) : $session
        Get-CodeBlock (Join-Path $root $path) | Select-Object @{ Name = 'Document'; Expression = { $document } }, Line, Code
    }
    if (-not $blocks) { continue }
    $shell = [powershell]::Create()
    try {
        $shell.AddScript($run).AddParameters(@{
                Module = $Module; Session = $session; Folder = Join-Path $Folder ($session -replace '\W+', '_')
                Ground = Join-Path $PSScriptRoot 'ExampleGround.ps1'; Blocks = @($blocks); Tables = $tables; S3 = $s3
            }).Invoke()
    }
    catch {
        $why = "$($_.Exception.InnerException ?? $_)"
        [pscustomobject]@{ Document = $session; Line = 0; Code = 'preparation'; Output = ''; Error = $why; NotRun = $null }
    }
    finally {
        $shell.Dispose()
    }
}
$s3.Dispose()
ConvertTo-Json -InputObject @($results) -Depth 3 | Set-Content $ResultPath
