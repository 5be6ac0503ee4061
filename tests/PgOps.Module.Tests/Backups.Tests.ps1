BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    Import-Module $PgOpsModule
    $sandbox = Start-PgSandbox kept
    $target = $sandbox.Target
    $null = Invoke-Sql $target 'CREATE TABLE t AS SELECT generate_series(1, 10) AS a'
}

AfterAll {
    $sandbox | Stop-PgSandbox
}

Describe 'Retention' {
    BeforeAll {
        $backups = Join-Path $TestDrive 'retention'
        $made = 1..4 | ForEach-Object { Backup-PgDatabase $target -Path $backups -Format Custom -NoGlobals }
        $null = $made[1] | Test-PgRestore -Strict
    }

    It 'shows under -WhatIf what it will do, and touches nothing' {
        $before = Get-ChildItem $backups -Recurse -Force | ForEach-Object FullName
        $plan = Remove-PgBackup $backups -KeepLast 1 -WhatIf
        Get-ChildItem $backups -Recurse -Force | ForEach-Object FullName | Should -Be $before
        $plan.Count | Should -Be 4
        ($plan | Where-Object Action -EQ Keep).Reason | Should -Be 'last, last complete', 'last proven'
        $plan.Removed | Should -Not -Contain $true
        "$($plan | Format-Table | Out-String -Width 250)" | Should -Match 'last proven'
    }

    It 'refuses a folder without a rule' {
        { Remove-PgBackup $backups -Confirm:$false -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidArgument*'
        { Remove-PgBackup (Join-Path $TestDrive 'none') -KeepLast 1 -Confirm:$false -ErrorAction Stop } |
            Should -Throw -ErrorId 'PathNotFound*'
    }

    It 'removes a given backup, but not the last proven one' {
        ($made[1] | Remove-PgBackup -Confirm:$false).Reason | Should -Be 'last proven; -Force removes it by name'
        ($made[1] | Remove-PgBackup -Force -WhatIf).Reason | Should -Be 'named with -Force (last proven)'
        (Remove-PgBackup $made[0].Path -Confirm:$false).Removed | Should -BeTrue
        Test-Path $made[0].Path | Should -BeFalse
    }

    It 'applies rules to what comes through the pipeline' {
        $result = Get-PgBackup $backups | Remove-PgBackup -KeepDaily 7 -Confirm:$false
        ($result | Where-Object Removed).Backup.Path | Should -Be $made[2].Path
        (Get-PgBackup $backups).Path | Should -Be $made[3].Path, $made[1].Path
    }
}

Describe 'Whole backups and parts' {
    BeforeAll {
        $parts = Join-Path $TestDrive 'parts'
        $null = Invoke-Sql $target 'CREATE TABLE log AS SELECT generate_series(1, 10) AS a'
        $null = Invoke-Sql $target 'CREATE SCHEMA audit; CREATE TABLE audit.t (a int)'
        $whole = Backup-PgDatabase $target -Path $parts -Format Custom -NoGlobals
        ($whole | Test-PgRestore -Target $sandbox).Proven | Should -BeTrue
        $log = 1..2 | ForEach-Object { Backup-PgDatabase $target -Path $parts -Format Custom -NoGlobals -Table log }
        ($log[1] | Test-PgRestore -Target $sandbox).Proven | Should -BeTrue
        $selections = @{ SchemaOnly = $true }, @{ DataOnly = $true }, @{ ExcludeTableData = 'log' }, @{ ExcludeTable = 'log' },
            @{ ExcludeSchema = 'audit' }, @{ Schema = 'audit' }, @{ NoLargeObjects = $true }
        $others = foreach ($selection in $selections) { Backup-PgDatabase $target -Path $parts -Format Custom -NoGlobals @selection }
    }

    AfterAll {
        $null = Invoke-Sql $target 'DROP TABLE log; DROP SCHEMA audit CASCADE'
    }

    It 'gives the whole one as the newest, and with -Part the newest of each kind' {
        (Get-PgBackup $parts -Latest).Path | Should -Be $whole.Path
        (Get-PgBackup $parts -Latest -Proven).Path | Should -Be $whole.Path
        (Get-PgBackup $parts -Part -Latest).Path | Sort-Object | Should -Be ((@($log[1]) + $others).ForEach('Path') | Sort-Object)
        (Get-PgBackup $parts -Part | Where-Object Part -EQ '--table=log').Path | Should -Be $log[1].Path, $log[0].Path
        (Get-PgBackup $parts -Part).State | Sort-Object -Unique | Should -Be part
    }

    It 'lets no part push the whole one out' {
        $result = Remove-PgBackup $parts -KeepLast 1 -Confirm:$false
        ($result | Where-Object Removed).Path | Should -Be $log[0].Path
        ($result | Where-Object Path -EQ $whole.Path).Reason | Should -Be 'last, last complete, last proven'
        ($result | Where-Object Path -EQ $log[1].Path).Reason | Should -Be 'last, last complete, last proven (part --table=log)'
        (Remove-PgBackup $whole -Confirm:$false).Reason | Should -Be 'last complete, last proven; -Force removes it by name'
        (Remove-PgBackup $whole -Force -WhatIf).Reason | Should -Be 'named with -Force (last complete, last proven)'
    }
}

Describe 'A backup dated after now' {
    BeforeAll {
        $clock = Join-Path $TestDrive 'clock'
        $real = Backup-PgDatabase $target -Path $clock -Format Custom -NoGlobals
        $null = $real | Test-PgRestore -Target $sandbox -Strict

        # What a server whose clock is ten years fast would have made.
        $ahead = (Backup-PgDatabase $target -Path $clock -Format Custom -NoGlobals).Path
        $manifest = Join-Path $ahead manifest.json
        $late = [datetime]::UtcNow.AddYears(10).ToString('yyyy-MM-ddTHH:mm:ssZ')
        [System.IO.File]::WriteAllText($manifest, ([System.IO.File]::ReadAllText($manifest) -replace '(?<="snapshotAt": ")[^"]+', $late))
        $hash = (Get-FileHash $manifest).Hash.ToLowerInvariant()
        $list = Join-Path $ahead SHA256SUMS
        [System.IO.File]::WriteAllText($list, ([System.IO.File]::ReadAllText($list) -replace '[0-9a-f]{64}(?=  manifest\.json)', $hash))
        $drill = Get-PgBackup $ahead | Test-PgRestore -Target $sandbox
        $drill.Proven | Should -BeTrue
    }

    It 'is not the newest, and is named' {
        (Get-PgBackup $clock -Latest -WarningVariable said -WarningAction SilentlyContinue).Path | Should -Be $real.Path
        "$said" | Should -BeLike "*$ahead is dated * after now*passed over*"
        (Get-PgBackup $clock).Path | Should -Be $ahead, $real.Path
    }

    It 'makes no rule remove what is real' {
        $result = Remove-PgBackup $clock -KeepLast 1 -KeepWithin 1d -Confirm:$false -WarningVariable said -WarningAction SilentlyContinue
        $result.Removed | Should -Not -Contain $true
        "$said" | Should -BeLike "*$ahead is dated * after now*kept*"
        @($said).Count | Should -Be 1
    }

    It 'is no proof for a migration' {
        $folder = New-Item -ItemType Directory (Join-Path $TestDrive 'none')
        Set-Content (Join-Path $folder '001_x.sql') 'CREATE TABLE x (a int);'
        $drill | Invoke-PgMigration -Target $target -Path $folder -AllowNotEmpty -ErrorVariable failure -ErrorAction SilentlyContinue
        "$($failure[0])" | Should -BeLike '*is not migrated: the drilled backup is dated * after now*'
    }

    It 'goes by its name, with -Force' {
        (Remove-PgBackup $ahead -Confirm:$false).Reason | Should -BeLike 'dated * after now*-Force removes it by name'
        (Remove-PgBackup $ahead -Force -Confirm:$false).Removed | Should -BeTrue
    }
}

Describe 'Labels and holds' {
    BeforeAll {
        $marked = Join-Path $TestDrive 'marked'
        $labelled = Backup-PgDatabase $target -Path $marked -Format Custom -NoGlobals -Label pre-migration
        $held = Backup-PgDatabase $target -Path $marked -Format Custom -NoGlobals -KeepUntil (Get-Date).AddDays(3)
        $plain = Backup-PgDatabase $target -Path $marked -Format Custom -NoGlobals
        $last = Backup-PgDatabase $target -Path $marked -Format Custom -NoGlobals
    }

    It 'are in the manifest, and found' {
        $labelled.Label | Should -Be pre-migration
        (Get-PgBackup $marked -Label 'PRE-*').Path | Should -Be $labelled.Path
        $read = Get-PgBackup $marked | Where-Object KeepUntil
        $read.Path | Should -Be $held.Path
        $read.KeepUntil | Should -Be $held.KeepUntil
        ($held.KeepUntil - [datetime]::UtcNow).TotalDays | Should -BeGreaterThan 2.9
        ($labelled, $held | Test-PgBackup).Passed | Should -Be $true, $true
        $line = "Get-PgBackup '$marked' -Label p"
        (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText | Should -Be pre-migration
    }

    It 'are refused where they are none' {
        foreach ($label in 'a b', '../x', '-Force', "x`n") {
            { Backup-PgDatabase $target -Path $marked -Label $label -ErrorAction Stop } | Should -Throw '*plain name*'
        }
        { Backup-PgDatabase $target -Path $marked -KeepUntil 2020-01-01 -ErrorAction Stop } | Should -Throw '*has passed*'
        { Remove-PgBackup $labelled -IncludeLabelled -Confirm:$false -ErrorAction Stop } | Should -Throw '*no rule*'
        Get-PgBackup $marked | Should -HaveCount 4
    }

    It 'keep a backup from the rules, and the result says so' {
        $result = Remove-PgBackup $marked -KeepLast 1 -Confirm:$false -InformationVariable said
        ($result | Where-Object Removed).Path | Should -Be $plain.Path
        ($result | Where-Object Held).Reason |
            Should -Be "held until $($held.KeepUntil.ToString('yyyy-MM-dd HH:mm'))Z", 'label pre-migration'
        "$said" | Should -BeLike '*2 backups, * are kept by a label or a hold alone.*'
    }

    It 'give way to -IncludeLabelled, and to a name' {
        (Remove-PgBackup $held -Confirm:$false).Reason | Should -BeLike 'held until *; -Force removes it by name'
        (Remove-PgBackup $marked -KeepLast 1 -IncludeLabelled -WhatIf | Where-Object Action -EQ Remove).Path | Should -Be $labelled.Path
        (Remove-PgBackup $held -Force -Confirm:$false).Removed | Should -BeTrue
        (Remove-PgBackup $labelled -Confirm:$false).Removed | Should -BeTrue
        (Get-PgBackup $marked).Path | Should -Be $last.Path
    }
}

Describe 'The undo of a migration' {
    BeforeAll {
        $database = $sandbox.Target.WithDatabase('undo')
        $null = Invoke-Sql $target 'CREATE DATABASE undo'
        $null = Invoke-Sql $database 'CREATE TABLE t AS SELECT generate_series(1, 10) AS a'
        $undo = Join-Path $TestDrive 'undo'
        $migrations = (New-Item -ItemType Directory (Join-Path $TestDrive 'undo-migrations')).FullName
        Set-Content (Join-Path $migrations '001_x.sql') 'CREATE TABLE x (a int);'
        $drill = Backup-PgDatabase $database -Path $undo -Format Custom -NoGlobals | Test-PgRestore -Target $sandbox
    }

    It 'is held for 30 days from before the first migration on, and not by a plan' {
        $null = $drill | Invoke-PgMigration -Target $database -Path $migrations -AllowNotEmpty -WhatIf
        Join-Path $undo holds.jsonl | Should -Not -Exist
        ($drill | Invoke-PgMigration -Target $database -Path $migrations -AllowNotEmpty -ErrorAction Stop).Applied | Should -HaveCount 1
        ((Get-PgBackup $undo).KeepUntil - [datetime]::UtcNow).TotalDays | Should -BeGreaterThan 29.9
        $newer = 1..2 | ForEach-Object { Backup-PgDatabase $database -Path $undo -Format Custom -NoGlobals }
        $null = $newer[1] | Test-PgRestore -Target $sandbox -Strict
        $result = Remove-PgBackup $undo -KeepLast 1 -Confirm:$false
        ($result | Where-Object Removed).Path | Should -Be $newer[0].Path
        ($result | Where-Object Held).Path | Should -Be $drill.Backup.Path
    }

    It 'is not held where nothing is pending, nor with -HoldBackup 0s' {
        $fresh = Backup-PgDatabase $database -Path $undo -Format Custom -NoGlobals | Test-PgRestore -Target $sandbox
        ($fresh | Invoke-PgMigration -Target $database -Path $migrations -ErrorAction Stop).Done | Should -Be nothing
        Set-Content (Join-Path $migrations '002_y.sql') 'CREATE TABLE y (a int);'
        ($fresh | Invoke-PgMigration -Target $database -Path $migrations -HoldBackup 0s -ErrorAction Stop).Applied | Should -HaveCount 1
        Get-Content (Join-Path $undo holds.jsonl) | Should -HaveCount 1
    }

    It 'lets nothing run when it cannot be held' {
        $fresh = Backup-PgDatabase $database -Path $undo -Format Custom -NoGlobals | Test-PgRestore -Target $sandbox
        Set-Content (Join-Path $migrations '003_z.sql') 'CREATE TABLE z (a int);'
        Remove-Item (Join-Path $undo holds.jsonl)
        $null = New-Item -ItemType Directory (Join-Path $undo holds.jsonl)
        $fresh | Invoke-PgMigration -Target $database -Path $migrations -ErrorVariable failure -ErrorAction SilentlyContinue
        "$($failure[0])" | Should -BeLike "*cannot be held*Nothing was migrated.*-HoldBackup 0s*"
        (Get-PgMigration $database -Path $migrations | Where-Object Name -EQ z).State | Should -Be Pending
    }
}

Describe 'Retention in a store' -Skip:(-not $env:CI -and -not (Get-Command rclone -ErrorAction Ignore)) {
    BeforeAll {
        $store = "rclone::local:$(Join-Path $TestDrive 'remote')"
        $made = 1..4 | ForEach-Object {
            Backup-PgDatabase $target -Path (Join-Path $TestDrive 'sent') -Format Custom -NoGlobals -CopyTo $store
        }
        $null = Get-PgBackup $store | Where-Object Id -EQ $made[1].Id | Test-PgRestore -Target $sandbox -Strict
        function Get-Name($Backups) { $Backups | ForEach-Object { $_.Path -replace '^.*[\\/]' } }
    }

    It 'shows under -WhatIf what it will do, and touches nothing' {
        $before = Get-ChildItem $TestDrive -Recurse -Force | ForEach-Object FullName
        $plan = Remove-PgBackup $store -KeepLast 1 -WhatIf
        Get-ChildItem $TestDrive -Recurse -Force | ForEach-Object FullName | Should -Be $before
        ($plan | Where-Object Action -EQ Keep).Reason | Should -Be 'last, last complete', 'last proven'
        $plan.Removed | Should -Not -Contain $true
    }

    It 'refuses the last proven one by name, and keeps it by rule' {
        ($made[1].Path -replace '^.*[\\/]', "$store/" | Remove-PgBackup -Confirm:$false).Reason |
            Should -Be 'last proven; -Force removes it by name'
        $result = Remove-PgBackup $store -KeepLast 1 -Confirm:$false -ErrorAction Stop
        Get-Name ($result | Where-Object Removed).Backup | Sort-Object | Should -Be (Get-Name $made[0, 2] | Sort-Object)
        Get-Name (Get-PgBackup $store) | Should -Be (Get-Name $made[3, 1])
        (Get-PgBackup $store | Test-PgBackup).Passed | Should -Be $true, $true
        Get-ChildItem (Join-Path $TestDrive 'remote') -Directory | ForEach-Object Name | Should -Be (Get-Name $made[1, 3])
    }

    It 'leaves the local backups alone, and needs a rule' {
        Get-PgBackup (Join-Path $TestDrive 'sent') | Should -HaveCount 4
        { Remove-PgBackup $store -Confirm:$false -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidArgument*'
    }
}

Describe 'A copy that cannot be made' {
    BeforeAll {
        $before = $env:AWS_MAX_ATTEMPTS, $env:AWS_ACCESS_KEY_ID, $env:AWS_SECRET_ACCESS_KEY
        $env:AWS_MAX_ATTEMPTS, $env:AWS_ACCESS_KEY_ID, $env:AWS_SECRET_ACCESS_KEY = '1', 'somekey', 'NOBODYMAYREADTHIS'
        $port = 20000..40000 | Get-Random
        $refusing = Start-ThreadJob {
            $listener = [System.Net.HttpListener]::new()
            $listener.Prefixes.Add("http://127.0.0.1:$using:port/")
            $listener.Start()
            'listening'
            while ($true) {
                # In short waits, which a job that is stopped gives up.
                $next = $listener.GetContextAsync()
                while (-not $next.Wait(100)) { }
                $answer = $next.Result.Response
                $answer.StatusCode = 403
                $body = [Text.Encoding]::UTF8.GetBytes('<Error><Code>SignatureDoesNotMatch</Code><Message>Not yours</Message></Error>')
                $answer.Close($body, $true)
            }
        }
        while (-not $refusing.HasMoreData -and $refusing.State -in 'NotStarted', 'Running') { Start-Sleep -Milliseconds 50 }
        $occupied = Join-Path $TestDrive 'a file'
        Set-Content $occupied 'in the way'
    }

    AfterAll {
        $refusing | Remove-Job -Force
        $env:AWS_MAX_ATTEMPTS, $env:AWS_ACCESS_KEY_ID, $env:AWS_SECRET_ACCESS_KEY = $before
    }

    It 'leaves the backup complete and named, and the other copies made (<Name>)' -TestCases @(
        @{ Name = 'no answer'; Id = 'StoreFailed' }
        @{ Name = 'refused'; Id = 'PermissionDenied' }
        @{ Name = 'no folder'; Id = 'PathInaccessible' }
    ) {
        $store = @{
            'no answer' = 's3://backups/x?endpoint=http://127.0.0.1:1'
            refused     = "s3://backups/x?endpoint=http://127.0.0.1:$port"
            'no folder' = $occupied
        }[$Name]
        $good = Join-Path $TestDrive "good $Name"
        $backup = Backup-PgDatabase $target -Path (Join-Path $TestDrive 'here') -Format Custom -NoGlobals -CopyTo $store, $good `
            -ErrorAction SilentlyContinue -ErrorVariable failures
        $backup.Complete | Should -BeTrue
        ($backup | Test-PgBackup).Passed | Should -BeTrue
        (Get-PgBackup $good).Complete | Should -BeTrue
        $failures.Count | Should -Be 1
        $failures[0].FullyQualifiedErrorId | Should -BeLike "$Id,*"
        $failures[0].TargetObject.Path | Should -Be $backup.Path
        "$($failures[0])" | Should -BeLike ("The backup was not copied to ${store}: " +
            "*State: The backup itself is complete: $($backup.Path)*Next: *Copy-PgBackup '$($backup.Path)' -Destination '$store'*")
        "$($failures[0])" | Should -Not -Match 'NOBODYMAYREADTHIS'
    }

    It 'keeps a backup from being made when the place can never be used' {
        { Backup-PgDatabase $target -Path (Join-Path $TestDrive 'never') -CopyTo 's3://backups/x?token=abc' -ErrorAction Stop } |
            Should -Throw -ErrorId 'StoreInvalid,*'
        Test-Path (Join-Path $TestDrive 'never') | Should -BeFalse
    }
}

Describe 'Listing' {
    BeforeAll {
        $backups = Join-Path $TestDrive 'listing'
        $old = Backup-PgDatabase $target -Path $backups -Format Custom -NoGlobals
        $null = $old | Test-PgRestore -Strict
        $new = Backup-PgDatabase $target -Path $backups -Format Custom -NoGlobals
        Set-Content (Join-Path $backups 'other.dump') '' -NoNewline
    }

    It 'filters by database, time, and proof' {
        (Get-PgBackup $backups).Count | Should -Be 3
        (Get-PgBackup $backups -Database 'k*', 'none').Count | Should -Be 2
        Get-PgBackup $backups -Database 'K*' | Should -BeNullOrEmpty
        (Get-PgBackup $backups -Latest -ErrorAction SilentlyContinue -ErrorVariable damaged).Path | Should -Be $new.Path
        # The dump of a database of its own, of which nothing usable is there.
        $damaged | Should -HaveCount 1
        $damaged[0].FullyQualifiedErrorId | Should -Match '^BackupDamaged,'
        "$($damaged[0])" | Should -BeLike '*other.dump*'
        (Get-PgBackup $backups -Latest -Proven).Path | Should -Be $old.Path
        (Get-PgBackup $backups -Before $new.SnapshotAt -Database kept).Path | Should -Be $old.Path
        (Get-PgBackup $backups -After $new.SnapshotAt -Database kept).Path | Should -Be $new.Path
        (Get-PgBackup $backups -Proven).ProvenBy | Should -Match 'restored to PostgreSQL'
    }

    It 'completes the names of databases and never throws' {
        $line = "Get-PgBackup $backups -Database k"
        (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText | Should -Be 'kept'
        $line = "Get-PgBackup $backups/nowhere -Database k"
        (TabExpansion2 $line $line.Length).CompletionMatches.ListItemText | Should -Not -Contain 'kept'
        $Error[0] | Should -Not -Match 'nowhere'
    }

    It 'tests several, and makes failures errors with -Strict' {
        $tests = Get-PgBackup $backups | Test-PgBackup -Deep -Strict -ErrorAction SilentlyContinue -ErrorVariable failed
        $tests.Passed | Should -Be $false, $true, $true
        $failed.FullyQualifiedErrorId | Should -Match '^CheckFailed'
    }

    It 'compares two backups by their manifests' {
        $one = Backup-PgDatabase $target (Join-Path $backups 'pairs')
        Invoke-Sql $target 'CREATE TABLE between_two_backups (id int PRIMARY KEY)'
        $two = Backup-PgDatabase $target (Join-Path $backups 'pairs')
        Invoke-Sql $target 'DROP TABLE between_two_backups'
        $comparison = Compare-PgDatabase $one $two
        $comparison.Passed | Should -BeFalse
        $comparison.Objects.Name | Should -Contain 'public.between_two_backups'
        (Compare-PgDatabase $one $target).Passed | Should -BeTrue
    }

    It 'takes a dump that it did not make' {
        $dump = Join-Path $backups 'foreign.sql'
        Use-PgEnvironment $target { pg_dump -f $dump }
        $drill = Test-PgRestore $dump -Target $target
        $drill.Passed, $drill.Proven, $drill.Rows | Should -Be $true, $false, 10
        (Restore-PgDatabase $dump -Target $target -Database copied -Confirm:$false).TablesVerified | Should -Be 0
        (Compare-PgDatabase $target $target.WithDatabase('copied')).Passed | Should -BeTrue
    }
}
