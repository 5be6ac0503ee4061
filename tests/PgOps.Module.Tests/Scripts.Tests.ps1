# The scripts of examples/db, called as runbooks call them.

BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    Import-Module $PgOpsModule -Force
    $scripts = Join-Path $PgOpsRoot 'examples/db'
    $sandbox = Start-PgSandbox shop
    $migrations = New-MigrationFolder @{
        '001_orders.sql' = 'CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders SELECT generate_series(1, 500);'
    }
    $null = Invoke-PgMigration $sandbox -Path $migrations
    'restored', 'alone' | ForEach-Object { Invoke-Sql $sandbox.Target "CREATE DATABASE $_" }
    $shop = $sandbox.Target.GetConnectionUri()
    $site = (New-Item -ItemType Directory (Join-Path $TestDrive 'site')).FullName

    # In the site's folder, with these variables; what it said and how it ended.
    function Invoke-Script([string] $Name, [string[]] $Arguments, [hashtable] $Variables) {
        Push-Location $site
        foreach ($variable in 'DATABASE_URL', 'NEW_DATABASE_URL') {
            [Environment]::SetEnvironmentVariable($variable, $Variables[$variable] ?? [NullString]::Value)
        }
        try { $said = Invoke-Pwsh -File "$scripts/$Name.ps1" @Arguments 2>&1 }
        finally {
            Pop-Location
            foreach ($variable in 'DATABASE_URL', 'NEW_DATABASE_URL') {
                [Environment]::SetEnvironmentVariable($variable, [NullString]::Value)
            }
        }
        [pscustomobject]@{ ExitCode = $LASTEXITCODE; Said = $said -join "`n" -replace '\e\[[0-9;]*m' }
    }
}

AfterAll {
    Stop-PgSandbox $sandbox
}

Describe 'examples/db' {
    It 'is readable to Windows PowerShell 5.1: <_>' -TestCases '_start', 'backup', 'restore', 'migrate' {
        $path = "$scripts/$_.ps1"
        $tokens = $null
        $tree = [System.Management.Automation.Language.Parser]::ParseFile($path, [ref]$tokens, [ref]$null)
        # Without a byte order mark 5.1 takes the file for the machine's code page.
        [System.IO.File]::ReadAllBytes($path).Where({ $_ -gt 127 }).Count | Should -Be 0
        $newer = 'QuestionMark', 'QuestionQuestion', 'QuestionQuestionEquals', 'QuestionDot', 'QuestionLBracket', 'AndAnd', 'OrOr'
        $tokens.Kind.Where({ "$_" -in $newer }) | Should -BeNullOrEmpty
        $tree.ScriptRequirements | Should -BeNullOrEmpty
    }

    It 'backup.ps1 writes the named file, proven, with a hash that sha256sum takes, and never over another' {
        $arguments = '-Out', 'backups/pre-migration-20260207-123000Z.sql.gz'
        $run = Invoke-Script backup $arguments @{ DATABASE_URL = $shop }
        $run.ExitCode | Should -Be 0 -Because $run.Said
        $run.Said | Should -BeLike '*Proven: 501 rows in 2 tables*'
        Push-Location $site
        try { sha256sum -c 'backups/pre-migration-20260207-123000Z.sql.gz.sha256' | Should -BeLike '*: OK' }
        finally { Pop-Location }
        (Get-PgBackup "$site/backups" -Database shop).Proven | Should -BeTrue
        $run = Invoke-Script backup $arguments @{ DATABASE_URL = $shop }
        $run.ExitCode | Should -Be 1
        $run.Said | Should -BeLike '*is there already*'
        @(Get-PgBackup "$site/backups" -Database shop).Count | Should -Be 1
        Get-ChildItem "$site/backups" -Filter '*.partial' | Should -BeNullOrEmpty
    }

    It 'backup.ps1 is red without DATABASE_URL, for another ending, and when the server is not there' {
        (Invoke-Script backup @() @{}).ExitCode | Should -Be 1
        (Invoke-Script backup @('-Out', 'x.dump') @{ DATABASE_URL = $shop }).Said | Should -BeLike '*must end in .sql.gz*'
        $nobody = @{ DATABASE_URL = 'postgresql://nobody@localhost:1/x?connect_timeout=2' }
        (Invoke-Script backup @('-Out', 'gone/x.sql.gz') $nobody).ExitCode | Should -Be 1
        Get-ChildItem $site -Recurse -Filter 'x.*' | Should -BeNullOrEmpty
    }

    It 'restore.ps1 does nothing without -Force, restores into an empty database and compares, and refuses one that is not' {
        $arguments = '-File', 'backups/pre-migration-20260207-123000Z.sql.gz'
        $variables = @{ NEW_DATABASE_URL = $sandbox.Target.WithDatabase('restored').GetConnectionUri(); DATABASE_URL = $shop }
        $run = Invoke-Script restore $arguments $variables
        $run.ExitCode | Should -Be 1
        $run.Said | Should -BeLike '*What if: Restore*into the empty restored@*restore.ps1: Nothing was done. Give -Force*'
        $run.Said | Should -Not -BeLike '*Line |*'
        $run = Invoke-Script restore ($arguments + '-Force') $variables
        $run.ExitCode | Should -Be 0 -Because $run.Said
        $run.Said | Should -BeLike '*Restored into restored@*: 501 rows, 2 tables equal*'
        $run = Invoke-Script restore ($arguments + '-Force') $variables
        $run.ExitCode | Should -Be 1
        $run.Said | Should -BeLike '*TargetNotEmpty*'
        # DATABASE_URL is taken where nothing else is set, and protected the same way.
        (Invoke-Script restore ($arguments + '-Force') @{ DATABASE_URL = $shop }).Said | Should -BeLike '*TargetNotEmpty*'
    }

    It 'restore.ps1 takes a file alone, checks its hash, and is red when it is damaged' {
        $null = New-Item -ItemType Directory "$site/alone"
        Copy-Item "$site/backups/*.sql.gz*" "$site/alone"
        $file = (Get-Item "$site/alone/*.sql.gz").FullName
        $variables = @{ DATABASE_URL = $sandbox.Target.WithDatabase('alone').GetConnectionUri() }
        $bytes = [System.IO.File]::ReadAllBytes($file)
        $bytes[100] = $bytes[100] -bxor 1
        [System.IO.File]::WriteAllBytes($file, $bytes)
        $run = Invoke-Script restore ('-File', $file, '-Force') $variables
        $run.ExitCode | Should -Be 1
        $run.Said | Should -BeLike '*CheckFailed*damaged*'
        Copy-Item "$site/backups/*.sql.gz" "$site/alone" -Force
        $run = Invoke-Script restore ('-File', $file, '-Force') $variables
        $run.ExitCode | Should -Be 0 -Because $run.Said
        $run.Said | Should -BeLike '*501 rows, a dump made without PgOps has nothing to compare with*'
    }

    It 'migrate.ps1 shows the plan, applies, and is red when a migration fails' {
        $null = New-Item -ItemType Directory "$site/migrations"
        Copy-Item "$migrations/*" "$site/migrations"
        Set-Content "$site/migrations/002_note.sql" 'CREATE TABLE note (id int);'
        (Invoke-Script migrate @('-Plan') @{ DATABASE_URL = $shop }).Said | Should -BeLike '*What if: Apply 002_note*'
        $run = Invoke-Script migrate @() @{ DATABASE_URL = $shop }
        $run.ExitCode | Should -Be 0 -Because $run.Said
        $run.Said | Should -BeLike '*Applied 002_note*at version 002*'
        Set-Content "$site/migrations/003_typo.sql" 'CREATE TABEL typo (id int);'
        (Invoke-Script migrate @() @{ DATABASE_URL = $shop }).ExitCode | Should -Be 1
        (Invoke-Script migrate @() @{}).ExitCode | Should -Be 1
    }

    It 'Windows PowerShell 5.1 hands over to pwsh with the same parameters, or says how to get it' {
        . "$scripts/_start.ps1"
        Invoke-InNewPowerShell "$scripts/backup.ps1" @{} | Should -BeNullOrEmpty
        $bin = (New-Item -ItemType Directory (Join-Path $TestDrive 'bin')).FullName
        $path = $env:PATH
        try {
            $env:PATH = $bin
            { Invoke-InNewPowerShell "$scripts/backup.ps1" @{} '5.1' } |
                Should -Throw '*PowerShell 7.4 or newer; this is 5.1*winget install Microsoft.PowerShell*'
            Set-Content "$bin/pwsh" "#!/bin/sh`nfor a in `"`$@`"; do echo `"<`$a>`"; done >'$bin/said'`nexit 7"
            /bin/chmod 755 "$bin/pwsh"
            Invoke-InNewPowerShell "$scripts/backup.ps1" ([ordered]@{ Out = 'a b.sql.gz'; NoDrill = [switch]$true }) '5.1' | Should -Be 7
        }
        finally { $env:PATH = $path }
        Get-Content "$bin/said" |
            Should -Be '<-NoProfile>', '<-File>', "<$scripts/backup.ps1>", '<-Out>', '<a b.sql.gz>', '<-NoDrill:$true>'
    }
}
