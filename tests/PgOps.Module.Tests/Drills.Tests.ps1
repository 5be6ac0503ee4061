# Drills as a nightly job runs them: many backups, goals to meet, migrations to rehearse, and nothing called passed that was not made.

BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    Import-Module $PgOpsModule -Force
    $sandbox = Start-PgSandbox
    $backups = Join-Path $TestDrive 'backups'
    foreach ($name in 'one', 'two', 'three') {
        $null = Invoke-Sql $sandbox.Target "CREATE DATABASE $name"
        $null = Invoke-Sql $sandbox.Target.WithDatabase($name) 'CREATE TABLE items AS SELECT n AS id FROM generate_series(1, 100) n'
        $null = Invoke-Sql $sandbox.Target.WithDatabase($name) 'CREATE INDEX ON items (id)'
        $null = Backup-PgDatabase $sandbox.Target.WithDatabase($name) -Path $backups
    }
    $damaged = Get-PgBackup $backups -Database two
    Get-ChildItem $damaged.Path -Recurse -File -Filter '*.dat.gz' | Select-Object -First 1 | Remove-Item
}

AfterAll {
    Stop-PgSandbox $sandbox
}

Describe 'Several backups at once' {
    It 'gives one object for each as soon as it is known (-ThrottleLimit <_>)' -ForEach 1, 3 {
        $script:came = [System.Collections.Generic.List[datetime]]::new()
        $drills = Get-PgBackup $backups | Test-PgRestore -ThrottleLimit $_ | ForEach-Object { $script:came.Add([datetime]::UtcNow); $_ }
        $drills.Count | Should -Be 3
        ($drills | Where-Object -Not Passed).Database | Should -Be 'two'
        ($drills | Where-Object Proven).Database | Sort-Object | Should -Be 'one', 'three'
        ($came[-1] - $came[0]).TotalMilliseconds | Should -BeGreaterThan 50
        (Get-PgBackup $backups | Where-Object Proven).Database | Sort-Object | Should -Be 'one', 'three'
    }

    It 'takes an array, and one that cannot be drilled stops no other' {
        $gone = Get-PgBackup $backups -Database one
        $copy = Join-Path $TestDrive 'gone_20240101-000000Z'
        Copy-Item $gone.Path $copy -Recurse
        $gone = Get-PgBackup $TestDrive | Where-Object Path -Like '*gone*'
        Remove-Item $copy -Recurse
        $drills = Test-PgRestore $gone, (Get-PgBackup $backups -Database three) -ErrorAction SilentlyContinue -ErrorVariable failure
        $drills.Where({ $_.Passed }).Database | Should -Be 'three'
        @($drills).Count + $failure.Count | Should -Be 2
    }

    It 'makes each failed drill an error behind its result with -Strict' {
        $drills = Get-PgBackup $backups | Test-PgRestore -Strict -ErrorAction SilentlyContinue -ErrorVariable failure
        $drills.Count | Should -Be 3
        $failure.FullyQualifiedErrorId | Should -BeLike 'CheckFailed,*'
        $failure[0].TargetObject.Database | Should -Be 'two'
    }
}

Describe 'A server that lacks something' {
    It 'leaves the drill incomplete, and is an error with -Strict' {
        $copy = Join-Path $TestDrive 'lacking'
        Copy-Item $backups $copy -Recurse
        $folder = (Get-PgBackup $copy -Database one).Path
        $manifest = Join-Path $folder 'manifest.json'
        $text = [System.IO.File]::ReadAllText($manifest) -replace '"extensions": \{', '"extensions": { "nowhere": "1.0",'
        [System.IO.File]::WriteAllText($manifest, $text)
        $hash = (Get-FileHash $manifest -Algorithm SHA256).Hash.ToLowerInvariant()
        $list = Join-Path $folder 'SHA256SUMS'
        $lines = [System.IO.File]::ReadAllText($list) -replace '(?m)^[0-9a-f]{64}(?=  manifest\.json$)', $hash
        [System.IO.File]::WriteAllText($list, $lines)

        $drill = Test-PgRestore $folder -Strict -ErrorAction SilentlyContinue -ErrorVariable failure
        $drill.Result | Should -Be 'Incomplete'
        $drill.Proven | Should -BeFalse
        $failure.Count | Should -Be 1
        "$failure" |
            Should -BeLike '*what had to be checked could not be.*restore: not made: extensions that the server does not have: nowhere 1.0*'
    }
}

Describe 'Goals' {
    It 'fails the drill at a step of its own, and keeps the backup proven' {
        $drill = Get-PgBackup $backups -Database one | Test-PgRestore -MaxRecoveryTime 00:00:00.001 -MaxDataLoss 01:00:00
        $drill.Passed | Should -BeFalse
        $drill.Failure | Should -BeLike 'recovery-time: recovery took * s, longer than the 0.001 s allowed*'
        $drill.Checks.Where({ $_.Name -eq 'data-age' }).Status | Should -Be 'Passed'
        (Get-PgBackup $backups -Database one).Proven | Should -BeTrue
        Invoke-PgMigration $sandbox.Target.WithDatabase('one') -ProvenBy $drill -Path (New-MigrationFolder @{}) `
            -ErrorAction SilentlyContinue -ErrorVariable failure
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'BackupNotProven,*'
        $report = Join-Path $TestDrive 'breach.md'
        $null = Export-PgReport $report -InputObject $drill
        Get-Content $report -Raw | Should -BeLike '*Yet the drill failed, at recovery*time*'
    }

    It 'refuses a bare number, which would count ticks' {
        { Get-PgBackup $backups -Database one | Test-PgRestore -MaxDataLoss 30 -ErrorAction Stop } |
            Should -Throw '*30 is not a time span: write 30h or 1.06:00:00.*'
    }
}

Describe 'A rehearsal' {
    It 'applies the pending migrations to the copy and nowhere else' {
        $folder = New-MigrationFolder @{ '001_note.sql' = 'CREATE TABLE ${name} (note text);' }
        $target = $sandbox.Target.WithDatabase('one')
        $null = Invoke-PgMigration $target -Path (New-MigrationFolder @{}) -Baseline
        $backup = Backup-PgDatabase $target -Path (Join-Path $TestDrive 'baselined')
        $drill = $backup | Test-PgRestore -Rehearse $folder -Variable @{ name = 'notes' }
        $drill.Checks[-1].Name | Should -Be 'rehearsal'
        $drill.Checks[-1].Detail | Should -BeLike 'applied 1 in * s: 001_note*'
        Invoke-Sql $target "SELECT to_regclass('notes') IS NULL" | Should -Be 't'
    }
}

Describe 'A step that was not made' {
    It 'is Incomplete in the table and in the report, never passed' {
        $drill = Get-PgBackup $backups -Database three | Test-PgRestore -IndexCheck None
        $drill.NotMade | Should -Be 'amcheck'
        $table = $drill | Format-Table | Out-String -Width 160
        $table | Should -BeLike '*three*Incomplete*not made: amcheck*'
        $table | Should -Not -BeLike '*Passed*'
        $null = Export-PgReport (Join-Path $TestDrive 'incomplete.json') -InputObject $drill
        (Get-Content (Join-Path $TestDrive 'incomplete.json') -Raw | ConvertFrom-Json).outcome | Should -Be 'incomplete'
    }

    It 'and a drill with every step made is Proven there' {
        Get-PgBackup $backups -Database three | Test-PgRestore | Format-Table | Out-String -Width 160 | Should -BeLike '*three*Proven*'
    }
}
