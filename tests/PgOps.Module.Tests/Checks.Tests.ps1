BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    Import-Module $PgOpsModule -Force
    $sandbox = Start-PgSandbox shop
    $target = $sandbox.Target
    $null = Invoke-Sql $target 'CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 1); CREATE TABLE keyless (a int)'
    $null = Invoke-Sql $target 'CREATE DATABASE eu'
    $backups = Join-Path $TestDrive 'backups'
    $backup = Backup-PgDatabase $target -Path $backups
    Push-Location $TestDrive
    $null = New-Item -ItemType Directory checks
    Set-Content checks/a_bad.sql 'SELECT id FROM t'
    Set-Content checks/b_good.sql 'SELECT id FROM t WHERE id < 0'
}

AfterAll {
    Pop-Location
    if ($sandbox) { Stop-PgSandbox $sandbox }
}

Describe 'Test-PgDatabase' {
    It 'gives one result for each database, and shows it as a table' {
        $tests = $target, $target.WithDatabase('eu') | Test-PgDatabase -Skip UnusedIndexes
        $tests.Passed | Should -Be $true, $true
        $tests.Warnings | Should -Be 1, 0
        ($tests | Out-String -Width 100) | Should -Match 'shop@\S+\s+True\s+0\s+1'
        ($tests[0].Findings | Out-String -Width 200) | Should -Match 'Warning\s+PrimaryKeys\s+public.keyless\s+has no primary key'
    }

    It 'reports a database that is not reached, and goes on' {
        $tests = $target.WithDatabase('nowhere'), $target | Test-PgDatabase -ErrorVariable failures -ErrorAction SilentlyContinue
        @($tests).Count | Should -Be 1
        $failures[0].FullyQualifiedErrorId | Should -BeLike 'ConnectionFailed,*'
        $failures[0].TargetObject.Database | Should -Be 'nowhere'
    }

    It 'makes a failed check an error with -Strict, after the result' {
        $test = Test-PgDatabase $target -AsError PrimaryKeys -Strict -ErrorVariable failures -ErrorAction SilentlyContinue
        $test.Passed | Should -BeFalse
        $failures[0].FullyQualifiedErrorId | Should -BeLike 'CheckFailed,*'
        "$($failures[0])" | Should -BeLike '*primary-keys: 1 error: public.keyless has no primary key*'
    }

    It 'takes the manifest from a backup that comes down the pipeline, and by its path' {
        $null = Invoke-Sql $target 'ALTER TABLE keyless RENAME TO renamed'
        try {
            foreach ($test in ($backup | Test-PgDatabase -Only ExpectedTables),
                (Test-PgDatabase $target -Manifest $backup.Path -Only ExpectedTables),
                (Use-PgEnvironment $target { Get-PgBackup $backups | Test-PgDatabase -Only ExpectedTables })) {
                "$($test.Findings)" | Should -Be 'public.keyless is missing; the manifest has it'
                $test.Target.Database | Should -Be 'shop'
            }
        }
        finally { $null = Invoke-Sql $target 'ALTER TABLE renamed RENAME TO keyless' }
    }

    It 'takes database and manifest from a restore' {
        $test = $backup | Restore-PgDatabase -Target $target -Database copy -Confirm:$false | Test-PgDatabase
        $test.Target.Database | Should -Be 'copy'
        $test.Checks.Where({ $_.Name -eq 'expected-columns' }).Status | Should -Be 'Passed'
    }

    It 'refuses a backup that has no manifest' {
        $foreign = Join-Path $TestDrive 'foreign.sql'
        Use-PgEnvironment $target { pg_dump --file $foreign }
        { Test-PgDatabase $target -Manifest $foreign } | Should -Throw '*no manifest*'
        { Get-PgBackup $foreign -ErrorAction Stop | Test-PgDatabase -ErrorAction Stop } | Should -Throw
    }
}

Describe 'Test-PgRestore -Check' {
    It 'makes the checks on the copy, and a failing one fails the drill' {
        $failed = $backup | Test-PgRestore -Check ./checks
        $failed.Passed | Should -BeFalse
        $failed.Failure | Should -Be 'check: a_bad: line 1: 1 row: id=1'
        $failed.Checks[-1].Status | Should -Be 'Passed'
        (Get-PgBackup $backups).Proven | Should -BeFalse
        $drill = $backup | Test-PgRestore -Check ./checks/b_good.sql,
            @{ copy = { "$((Test-PgTarget $_).Passed), $(Invoke-Sql $_ 'SELECT count(*) FROM t')" } }
        $drill.Proven | Should -BeTrue
        $drill.Checks.Where({ $_.Name -eq 'check: copy' }).Detail | Should -Be 'True, 1'
        $drill.Checks[-2].Name | Should -Be 'check: b_good'
        (Get-PgBackup $backups).Proven | Should -BeTrue
    }

    It 'names the checks that were not reached' {
        $damaged = Join-Path $TestDrive 'damaged'
        Copy-Item $backup.Path $damaged -Recurse
        Get-ChildItem $damaged -Recurse -File -Filter *.dat* | Select-Object -First 1 | ForEach-Object { Add-Content $_ 'x' }
        $drill = Test-PgRestore $damaged -Check ./checks/b_good.sql
        $drill.Checks.Where({ $_.Name -eq 'check: b_good' }).Status | Should -Be 'Skipped'
    }
}

Describe 'Test-PgDatabase -Check' {
    It 'runs files, folders, patterns and script blocks, and names them' {
        $test = Test-PgDatabase $target -Only Wraparound -Check ./checks, ./checks/b*.sql, { 'fine' }, @{ 'by name' = { $_.Database } }
        $checks = @($test.Checks | Where-Object Name -Like 'check: *')
        $checks.Name | Should -Be 'check: a_bad', 'check: b_good', 'check: b_good', 'check: script 1', 'check: by name'
        $checks.Status | Should -Be 'Failed', 'Passed', 'Passed', 'Passed', 'Passed'
        $checks.Detail | Should -Be 'line 1: 1 row: id=1', 'no row', 'no row', 'fine', 'shop'
        $test.Passed | Should -BeFalse
    }

    It 'signs in by a list of requests, and shows no secret' {
        $listener = [System.Net.HttpListener]::new()
        $port = (Get-Random -Minimum 20000 -Maximum 30000)
        $listener.Prefixes.Add("http://127.0.0.1:$port/")
        $listener.Start()
        $service = [powershell]::Create().AddScript({
                param($Listener)
                while ($Listener.IsListening) {
                    $context = $Listener.GetContext()
                    $body = [System.IO.StreamReader]::new($context.Request.InputStream).ReadToEnd()
                    $answer = if ($body -match '"password":"open sesame"') { '{"token":"t0ken-value"}' }
                    elseif ($context.Request.Headers['Authorization'] -ceq 'Bearer t0ken-value') { '{"name":"ann","roles":["admin"]}' }
                    else { $context.Response.StatusCode = 401; '{}' }
                    $bytes = [System.Text.Encoding]::UTF8.GetBytes($answer)
                    $context.Response.OutputStream.Write($bytes, 0, $bytes.Length)
                    $context.Response.Close()
                }
            }).AddArgument($listener)
        $null = $service.BeginInvoke()
        try {
            $login = @{ Uri = "http://127.0.0.1:$port/login"; Method = 'POST'; Save = @{ token = 'token' }
                Body = [pscustomobject]@{ password = ConvertTo-SecureString 'open sesame' -AsPlainText }
            }
            $me = @{
                Uri        = "http://127.0.0.1:$port/me"
                Headers    = @{ Authorization = 'Bearer {token}' }
                ExpectJson = @{ name = 'a*'; 'roles.0' = 'admin' }
            }
            $stranger = @{ Uri = "http://127.0.0.1:$port/me"; Headers = @{ Authorization = 'Bearer s3cr3t-of-nobody' } }
            $test = Test-PgDatabase $target -Only Wraparound -Check @{ 'sign-in' = $login, $me }, $stranger, ($login, $me)
            $test.Checks.Name | Select-Object -Skip 1 | Should -Be 'check: sign-in',
                "check: http://127.0.0.1:$port/me", "check: POST http://127.0.0.1:$port/login and 1 more"
            $test.Checks.Status | Select-Object -Skip 1 | Should -Be 'Passed', 'Failed', 'Passed'
            $all = $test | ConvertTo-Json -Depth 9
            $all | Should -Not -Match 'sesame|t0ken|s3cr3t'
            { Test-PgDatabase $target -Check @{ Uri = 'http://x'; Metod = 'POST' } } |
                Should -Throw '*Metod*is unknown; there are Uri, Method*'
        }
        finally {
            $listener.Close()
            $service.Dispose()
        }
    }

    It 'fails a script block that throws, writes an error, or returns $false' {
        $test = Test-PgDatabase $target -Only Wraparound -Check { throw 'thrown' }, { Get-Item /nowhere; 'goes on' }, {
            param($database)
            "of $($database.Database)"
            $false
        }
        $test.Checks[1..3].Status | Should -Be 'Failed', 'Failed', 'Failed'
        $test.Checks[1].Detail | Should -Be 'thrown'
        $test.Checks[2].Detail | Should -BeLike 'Cannot find path*nowhere*'
        $test.Checks[3].Detail | Should -Be 'it returned $false: of shop'
    }

    It 'runs script blocks in the session they come from, on its thread, also with several databases at a time' {
        $mine = 'of the session'
        $thread = [Environment]::CurrentManagedThreadId
        $script:seen = @()
        $tests = $target, $target.WithDatabase('eu') | Test-PgDatabase -Only Wraparound -ThrottleLimit 2 -Check {
            $script:seen += [Environment]::CurrentManagedThreadId
            "$mine, $((Test-PgTarget $_).Target.Database)"
        }
        $tests.Checks.Where({ $_.Name -eq 'check: script 1' }).Detail | Sort-Object |
            Should -Be 'of the session, eu', 'of the session, shop'
        $seen | Should -Be $thread, $thread
    }

    It 'stops a script block when its time is over' {
        $took = Measure-Command {
            $script:test = Test-PgDatabase $target -Only Wraparound -CheckTimeout 00:00:01 -Check { Start-Sleep 60 }, { 'next' }
        }
        $took.TotalSeconds | Should -BeLessThan 20
        $test.Checks[1].Detail | Should -Be 'did not end within 1 s (-CheckTimeout)'
        $test.Checks[2].Status | Should -Be 'Passed'
    }

    It 'refuses what is not a check before it tests anything' -ForEach @(
        @{ Check = './nowhere/*.sql'; Id = 'PathNotFound' }, @{ Check = 5; Id = 'InvalidArgument' },
        @{ Check = 'https://x/{password}'; Id = 'InvalidArgument' }
    ) {
        try { Test-PgDatabase $target -Check $Check; $failure = $null } catch { $failure = $_ }
        $failure.FullyQualifiedErrorId | Should -BeLike "$Id,*"
    }

    It 'takes no bare number for a time' {
        { Test-PgDatabase $target -CheckTimeout 60 } | Should -Throw '*60 is not a time span: write 60s or 00:01:00.*'
        { Test-PgDatabase $target -UnusedIndexAge 30 } | Should -Throw '*30 is not a time span: write 30d or 30.00:00:00.*'
        { Test-PgDatabase $target -UnusedIndexAge 0d -Only Wraparound } | Should -Not -Throw
    }

    It 'is reported: a test case for each kind, the findings with what to do' {
        $null = Test-PgDatabase $target -Skip UnusedIndexes -Check ./checks | Export-PgReport db.xml, db.json, db.html
        $suite = ([xml](Get-Content db.xml -Raw)).testsuites.testsuite
        $suite.name | Should -BeLike 'Database test of shop@*'
        $suite.testcase.name | Should -Be ((Get-Content db.json -Raw | ConvertFrom-Json).results.checks.name)
        $suite.testcase.Where({ $_.failure }).name | Should -Be 'check: a_bad'
        $suite.'system-err' |
            Should -BeLike ('Warning: public.keyless has no primary key*' +
                'ALTER TABLE public.keyless ADD PRIMARY KEY*' +
                'Not asked for: expected-tables, expected-columns, expected-policies, unused-indexes.')
    }
}
