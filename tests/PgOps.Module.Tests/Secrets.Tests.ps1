# FIELD: a password in `ps`, in a log or in an error report is a password given away.

BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    Import-Module $PgOpsModule -Force
    $sandbox = Start-PgSandbox
    $secret = "p'w d%$([guid]::NewGuid().ToString('N'))"
    $null = Invoke-Sql $sandbox.Target "CREATE ROLE deploy SUPERUSER LOGIN PASSWORD '$($secret -replace "'", "''")'"
    $null = Invoke-Sql $sandbox.Target 'CREATE DATABASE vault'
    $credential = [pscredential]::new('deploy', (ConvertTo-SecureString $secret -AsPlainText -Force))
    $target = New-PgTarget -ComputerName $sandbox.Target.Host -Port $sandbox.Target.Port -Database vault -Credential $credential

    function Should-HideSecret([object[]] $Things) {
        foreach ($thing in $Things) {
            $text = "$thing" + ($thing | Out-String -Width 400) + ($thing | Format-List * -Force | Out-String -Width 400) +
                ($thing | ConvertTo-Json -Depth 4 -WarningAction Ignore)
            $text | Should -Not -BeNullOrEmpty
            foreach ($form in $secret, [uri]::EscapeDataString($secret), ($secret -replace "'", "''")) {
                $text.Contains($form) |
                    Should -BeFalse -Because "the secret shows in: $($text.Substring(0, [Math]::Min(300, $text.Length)))"
            }
        }
    }
}

AfterAll {
    Stop-PgSandbox $sandbox
}

Describe 'A password' {
    It 'is not shown by a target, nor by its test' {
        $target.HasPassword | Should -BeTrue
        $tested = Test-PgTarget $target
        $tested.Passed | Should -BeTrue
        Should-HideSecret @($target, $tested)
    }

    It 'is not in the error of a target that cannot be read' {
        $texts = "postgresql://u:$secret@h:port/db", "host=h sslmodus=x password='$($secret -replace "'", "\'")'",
            "Host=h;Nonsense=1;Password=`"$secret`""
        foreach ($text in $texts) {
            $message = try { Test-PgTarget $text -ErrorAction Stop; 'no error' } catch { $_ }
            $message.Exception | Should -Not -BeNullOrEmpty
            $message.ToString().Contains($secret) | Should -BeFalse
        }
    }

    It 'is not in the error of a login that fails' {
        $credential = [pscredential]::new('nobody', (ConvertTo-SecureString $secret -AsPlainText -Force))
        $wrong = New-PgTarget -ComputerName $sandbox.Target.Host -Database vault -Credential $credential
        Backup-PgDatabase $wrong -Path (Join-Path $TestDrive b) -ErrorAction SilentlyContinue -ErrorVariable failure
        $failure.Count | Should -Be 1
        Should-HideSecret @($failure[0].Exception.Message, $failure[0].ToString())
    }

    It 'is nowhere when it is the value of a placeholder (<_>)' -ForEach 'SecureString', 'SecretVariable' {
        $folder = New-MigrationFolder @{
            '001_pw.sql'  = "CREATE TABLE pw_$_ AS SELECT `$v`$`${pw}`$v`$::text AS v;"
            '002_bad.sql' = "CREATE TABEL x AS SELECT '`${pw}';"
        }
        $log = Join-Path $TestDrive "variable-$_.jsonl"
        Invoke-Sql $sandbox.Target "CREATE DATABASE placeholder_$_"
        $target = $sandbox.Target.WithDatabase("placeholder_$_".ToLowerInvariant())
        $given = @{ VariableInDollarQuotes = $true }
        if ($_ -eq 'SecureString') { $given.Variable = @{ pw = ConvertTo-SecureString 'placeholder-s3cret' -AsPlainText -Force } }
        else { $given.Variable = @{ pw = 'placeholder-s3cret' }; $given.SecretVariable = 'pw' }
        $plan = Invoke-PgMigration $target -Path $folder @given -WhatIf 6>&1 | Out-String
        $said = Invoke-PgMigration $target -Path $folder @given -Verbose -Debug -LogPath $log `
            -ErrorAction SilentlyContinue -ErrorVariable failure 4>&1 5>&1
        $failure[0].Exception.Message | Should -BeLike '*TABEL*'
        $status = Get-PgMigration $target -Path $folder @given -Detailed
        Invoke-Sql $target "SELECT v FROM pw_$_" | Should -Be 'placeholder-s3cret'
        $text = @($plan, $failure[0].Exception.Message, ($failure[0] | Format-List * -Force | Out-String), ($said | Out-String),
            ($status | Format-List * | Out-String), (Get-Content $log -Raw),
            (Invoke-Sql $target "SELECT h::text FROM pgops.migration_history h" | Out-String))
        $text | Where-Object { $_ -like '*placeholder-s3cret*' } | Should -BeNullOrEmpty
    }

    It 'is named with a name that has a value, and -NoVariables stands alone' {
        { Invoke-PgMigration $target -Path $TestDrive -Variable @{ a = 1 } -SecretVariable b } | Should -Throw "*-SecretVariable names 'b'*"
        { Invoke-PgMigration $target -Path $TestDrive -Variable @{ a = 1 } -NoVariables } | Should -Throw '*-NoVariables says*'
        { Invoke-PgMigration $target -Path $TestDrive -VariableInDollarQuotes } | Should -Throw '*does nothing without -Variable*'
    }

    It 'is in no command line while the whole round runs, and in no file, object or log line it leaves' -Skip:(-not $IsLinux) {
        $log = Join-Path $TestDrive 'round.jsonl'
        $folder = New-MigrationFolder @{ '001_t.sql' = 'CREATE TABLE t (id int); INSERT INTO t SELECT generate_series(1, 300000);' }
        $watch = Start-ThreadJob {
            param($stop)
            $seen = [System.Collections.Generic.HashSet[string]]::new()
            while (-not (Test-Path $stop)) {
                foreach ($process in Get-ChildItem /proc -Directory | Where-Object Name -Match '^\d+$') {
                    try { $null = $seen.Add([System.IO.File]::ReadAllText("$($process.FullName)/cmdline")) } catch { }
                }
            }
            $seen
        } -ArgumentList (Join-Path $TestDrive 'stop')
        $run = Invoke-PgMigration $target -Path $folder -Verbose -Debug -LogPath $log 4>&1 5>&1
        $backup = Backup-PgDatabase $target -Path (Join-Path $TestDrive backups) -Verbose -Debug -LogPath $log 4>&1 5>&1
        $made = Get-PgBackup (Join-Path $TestDrive backups)
        $drill = $made | Test-PgRestore -Target $target -Verbose -LogPath $log 4>&1
        $restore = $made | Restore-PgDatabase -Target $target -Database copy -Confirm:$false -Verbose -LogPath $log 4>&1
        $null = New-Item (Join-Path $TestDrive 'stop')
        # Not -AutoRemoveJob: a thread job that ends at that moment may be gone before it is removed.
        $seen = $watch | Wait-Job | Receive-Job
        Remove-Job $watch
        ($seen -match 'pg_dump').Count | Should -BeGreaterThan 0 -Because 'the watcher must have seen the children'
        ($seen -match 'pg_restore').Count | Should -BeGreaterThan 0
        foreach ($line in $seen) { $line.Contains($secret) | Should -BeFalse }
        @($drill)[-1].Passed | Should -BeTrue
        foreach ($file in Get-ChildItem $TestDrive -Recurse -File | Where-Object FullName -NotLike '*.ps1') {
            $bytes = [System.Text.Encoding]::UTF8.GetString([System.IO.File]::ReadAllBytes($file.FullName))
            $bytes.Contains($secret) | Should -BeFalse -Because $file.FullName
        }
        Should-HideSecret @($run, $backup, $drill, $restore)
    }

    It 'is handed to another program only when it is asked for' {
        $uri = $target.GetConnectionUri()
        $uri | Should -BeLike "*$([uri]::EscapeDataString($secret))*"
        psql $uri -X -A -t -c 'SELECT current_user' | Should -Be 'deploy'
    }
}
