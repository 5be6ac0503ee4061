# The job of an ordinary day: adopt a database that exists, migrate it, back it up, prove the backup, restore beside it, compare.

BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    Import-Module $PgOpsModule -Force
    $sandbox = Start-PgSandbox -Database legacy
    $target = $sandbox.Target
    $null = Invoke-Sql $target @'
CREATE TABLE categories (category_id smallint PRIMARY KEY, category_name varchar(15) NOT NULL, picture bytea);
CREATE TABLE "Order Details" (order_id int, product text, unit_price real, discount double precision, at timestamptz DEFAULT now());
INSERT INTO categories SELECT n, 'category ' || n, decode(md5(n::text), 'hex') FROM generate_series(1, 8) n;
INSERT INTO "Order Details" SELECT n, 'p' || n, n * 1.1, 1.0 / n FROM generate_series(1, 2155) n;
'@
    # Pester empties $TestDrive after each Describe; this day goes on over several.
    $day = Join-Path ([System.IO.Path]::GetTempPath()) "pgops-day-$([guid]::NewGuid().ToString('N'))"
    $day = (New-Item -ItemType Directory $day).FullName
    $folder = (New-Item -ItemType Directory (Join-Path $day 'migrations')).FullName
    $backups = Join-Path $day 'backups'
}

AfterAll {
    Stop-PgSandbox $sandbox
    Remove-Item $day -Recurse -Force
}

Describe 'A database that exists' {
    It 'is not migrated without a history, and the error says how to adopt it' {
        Set-Content (Join-Path $folder '001_first.sql') 'SELECT 1;'
        Invoke-PgMigration $target -Path $folder -ErrorAction SilentlyContinue -ErrorVariable failure
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'BaselineRequired,*'
        $failure[0].Exception.NextStep | Should -BeLike '*-Baseline*'
        Remove-Item (Join-Path $folder '001_first.sql')
    }

    It 'is adopted as a baseline' {
        $run = Invoke-PgMigration $target -Path $folder -Baseline
        $run.Baselined.Count | Should -Be 1
        (Get-PgMigration $target -Path $folder).State | Should -Be 'Baselined'
    }

    It 'takes new migrations' {
        $one = New-PgMigration 'add note to Order Details' -Path $folder
        Set-Content $one.Path 'ALTER TABLE "Order Details" ADD COLUMN note text;'
        $two = New-PgMigration add_index_product_order_details -Path $folder
        Set-Content $two.Path 'CREATE INDEX CONCURRENTLY order_details_product_idx ON "Order Details" (product);'
        $two.Version | Should -BeGreaterThan $one.Version
        $run = Invoke-PgMigration $target -Path $folder
        $run.Applied.Name | Should -Be 'add_note_to_order_details', 'add_index_product_order_details'
        (Invoke-PgMigration $target -Path $folder).Applied.Count | Should -Be 0
    }
}

Describe 'Backup, proof, restore, comparison (<_>)' -ForEach 'Directory', 'Custom' {
    BeforeAll {
        $format = $_
        $backup = Backup-PgDatabase $target -Path $backups -Format $format
        $copyName = "legacy_$($format.ToLowerInvariant())"
    }

    It 'the backup is complete, and sha256sum agrees' -Skip:(-not $IsLinux) {
        $backup.Complete | Should -BeTrue
        (Test-PgBackup $backup).Passed | Should -BeTrue
        Push-Location $backup.Path
        try { $null = sha256sum -c --strict --quiet SHA256SUMS; $LASTEXITCODE | Should -Be 0 } finally { Pop-Location }
    }

    It 'the drill compares every table and makes it proven' {
        $drill = $backup | Test-PgRestore
        $drill.Checks.Where({ $_.Status -ne 'Passed' }) | Should -BeNullOrEmpty
        $drill.Tables.Name | Sort-Object | Should -Be 'categories', 'migration_history', 'Order Details'
        $drill.Tables.Verdict | Sort-Object -Unique | Should -Be 'Equal'
        (Get-PgBackup $backups).Where({ $_.Id -eq $backup.Id }).Proven | Should -BeTrue
    }

    It 'restores beside the source, and both are equal' {
        $restored = $backup | Restore-PgDatabase -Target $sandbox -Database $copyName -Confirm:$false
        $restored.TablesVerified | Should -Be 3
        (Compare-PgDatabase $target $restored.Target).Passed | Should -BeTrue
    }

    It 'refuses the source and a target that is not empty' {
        Restore-PgDatabase $backup -Target $target -Confirm:$false -ErrorAction SilentlyContinue -ErrorVariable source
        $source[0].FullyQualifiedErrorId | Should -BeLike 'TargetIsSource,*'
        Restore-PgDatabase $backup -Target $sandbox -Database $copyName -Confirm:$false -ErrorAction SilentlyContinue -ErrorVariable full
        $full[0].FullyQualifiedErrorId | Should -BeLike 'TargetNotEmpty,*'
    }

    It 'one changed row in the copy: the comparison names the table' {
        $null = Invoke-Sql $target.WithDatabase($copyName) 'UPDATE "Order Details" SET discount = 0.25 WHERE order_id = 77'
        $comparison = $backup | Compare-PgDatabase -Difference $target.WithDatabase($copyName)
        $comparison.Passed | Should -BeFalse
        @($comparison.Differences).Name | Should -Be 'Order Details'
        $comparison.Differences.Verdict | Should -Be 'ContentDiffers'
        { $backup | Compare-PgDatabase -Difference $target.WithDatabase($copyName) -Strict -ErrorAction Stop } |
            Should -Throw -ErrorId 'CheckFailed,*'
    }

    It 'one flipped bit: found before anything is restored' {
        $damaged = Join-Path $TestDrive "damaged-$format"
        Copy-Item $backup.Path $damaged -Recurse
        $file = Get-ChildItem $damaged -Recurse -File | Sort-Object Length | Select-Object -Last 1
        $bytes = [System.IO.File]::ReadAllBytes($file.FullName)
        $bytes[[int]($bytes.Length / 3)] = $bytes[[int]($bytes.Length / 3)] -bxor 16
        [System.IO.File]::WriteAllBytes($file.FullName, $bytes)
        (Test-PgBackup $damaged).Passed | Should -BeFalse
        $drill = Test-PgRestore $damaged
        $drill.Passed | Should -BeFalse
        $drill.Checks[0].Status | Should -Be 'Failed'
        $drill.Checks.Where({ $_.Name -eq 'restore' }).Status | Should -Be 'Skipped'
        Restore-PgDatabase $damaged -Target $sandbox -Database never -Confirm:$false -ErrorAction SilentlyContinue -ErrorVariable failure
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'BackupDamaged,*'
        Invoke-Sql $target "SELECT count(*) FROM pg_database WHERE datname LIKE 'never%'" | Should -Be 0
    }
}

Describe 'The gate' {
    BeforeAll {
        $backup = Backup-PgDatabase $target -Path $backups
        Set-Content (New-PgMigration create_gated -Path $folder).Path 'CREATE TABLE gated (id int);'
    }

    It 'a failed drill refuses the migration' {
        $damaged = Join-Path $TestDrive 'gate'
        Copy-Item $backup.Path $damaged -Recurse
        Remove-Item (Join-Path $damaged 'globals.sql')
        Test-PgRestore $damaged | Invoke-PgMigration -Target $target -Path $folder -ErrorAction SilentlyContinue -ErrorVariable failure
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'BackupNotProven,*'
    }

    It 'a drill of another database refuses the migration' {
        $null = Invoke-Sql $target 'CREATE DATABASE another'
        $drill = $backup | Test-PgRestore
        Invoke-PgMigration -Target $target.WithDatabase('another') -ProvenBy $drill -Path $folder `
            -ErrorAction SilentlyContinue -ErrorVariable failure
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'BackupNotProven,*'
    }

    It 'the whole pipeline migrates behind the proof and records it' {
        $run = Backup-PgDatabase $target -Path $backups | Test-PgRestore | Invoke-PgMigration -Path $folder
        $run.Applied.Name | Should -Be 'create_gated'
        $run.BackupId | Should -Not -BeNullOrEmpty
        (Get-PgMigration $target -Path $folder)[-1].BackupId | Should -Be $run.BackupId
    }
}

Describe 'A script that was made for psql' {
    It 'is refused at every place at once, each with its way out' {
        $file = "DROP DATABASE IF EXISTS chinook;`nCREATE DATABASE chinook;`n\c chinook;`nCREATE TABLE album (id int);`n"
        $scripts = New-MigrationFolder @{ '001_chinook.sql' = $file }
        Invoke-PgMigration $target -Path $scripts -HistorySchema chinook -AllowNotEmpty -ErrorAction SilentlyContinue -ErrorVariable failure
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'MigrationScriptInvalid,*'
        $message = $failure[0].Exception.Message
        foreach ($place in '001_chinook.sql:1:1', '001_chinook.sql:2:1', '001_chinook.sql:3:1', '-Target', 'to do: ') {
            $message | Should -BeLike "*$place*"
        }
        Invoke-Sql $target "SELECT to_regclass('album') IS NULL" | Should -Be 't'
    }
}
