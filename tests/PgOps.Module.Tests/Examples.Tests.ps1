BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    Import-Module $PgOpsModule -Force
    $examples = Join-Path $PgOpsRoot 'examples'
}

Describe 'examples' {
    It 'quickstart.ps1 does the whole round and leaves nothing behind' {
        $figures = & (Join-Path $examples 'quickstart.ps1') -Quiet
        $figures.Proven | Should -BeTrue
        $figures.FlippedBitFound | Should -BeTrue
        $figures.ChangedTable | Should -Be 'public.orders_2025_q3'
        $figures.Rows | Should -BeGreaterThan 300000
        $figures.Migrations | Should -Be 7
        Get-ChildItem ([System.IO.Path]::GetTempPath()) -Filter 'pgops-demo-*' | Should -BeNullOrEmpty
        Get-PgSandbox | Where-Object OwnerProcessId -EQ $PID | Should -BeNullOrEmpty
    }

    Context 'with a database and a backup' {
        BeforeAll {
            $sandbox = Start-PgSandbox -Database shop
            $backups = Join-Path $TestDrive 'backups'
            $migrations = Join-Path $examples 'shop/migrations'
            $null = Invoke-PgMigration $sandbox -Path $migrations -ToVersion 20260126120000
        }

        AfterAll {
            Stop-PgSandbox $sandbox
        }

        It 'release-pipeline.ps1 -WhatIf prints the plan and touches nothing' {
            & (Join-Path $examples 'release-pipeline.ps1') -Target $sandbox -Migrations $migrations -Backups $backups -WhatIf 6>$null
            Test-Path $backups | Should -BeFalse
            (Get-PgMigration $sandbox -Path $migrations -State Pending).Count | Should -Be 3
        }

        It 'release-pipeline.ps1 releases behind a proven backup' {
            $run = & (Join-Path $examples 'release-pipeline.ps1') -Target $sandbox -Migrations $migrations -Backups $backups 6>$null
            $run.ToVersion | Should -Be '20260216150000'
            $run.BackupId | Should -Be (Get-PgBackup $backups -Proven).Id
            & (Join-Path $examples 'release-pipeline.ps1') -Target $sandbox -Migrations $migrations -Backups $backups 6>$null |
                Should -BeNullOrEmpty
        }

        Context 'with a good folder of backups and a damaged one' {
            BeforeAll {
                $damaged = Join-Path $TestDrive 'damaged'
                Copy-Item $backups $damaged -Recurse
                Get-ChildItem $damaged -Recurse -Filter globals.sql | ForEach-Object { Add-Content $_.FullName ' ' }

                # Runs a line in a fresh PowerShell that has the module, and gives what it said and how it ended.
                function Invoke-Line([string] $Line) {
                    $said = Invoke-Fresh "Import-Module '$PgOpsModule'; $Line"
                    [pscustomobject]@{ Said = $said -join "`n"; ExitCode = $LASTEXITCODE }
                }
            }

            It 'Invoke-RestoreDrill.ps1 passes on the good one, with results and reports' {
                $results = Join-Path $TestDrive 'good'
                $run = Invoke-Line "& '$examples/Invoke-RestoreDrill.ps1' -Backups '$backups' -Results '$results' -Database shop"
                $run.ExitCode | Should -Be 0 -Because $run.Said
                ([xml](Get-Content "$results/drill.xml" -Raw)).testsuites.failures | Should -Be 0
                Get-Content "$results/report.html" -Raw | Should -BeLike '*The backup is proven*'
                Get-Content "$results/report.md" -Raw | Should -BeLike '*Passed.*'
            }

            It 'Invoke-RestoreDrill.ps1 fails on the damaged one, and on a database without backup' {
                $results = Join-Path $TestDrive 'bad'
                $run = Invoke-Line ("& '$examples/Invoke-RestoreDrill.ps1' -Backups '$damaged' " +
                    "-Results '$results' -Database shop, crm -Format NUnitXml")
                $run.ExitCode | Should -Be 1
                $run.Said | Should -BeLike '*to be proven, but:*hashes: Failed*globals.sql*'
                ([xml](Get-Content "$results/drill.xml" -Raw)).'test-results'.failures | Should -Be 2
                Get-Content "$results/report.html" -Raw | Should -BeLike '*do not rely on it*'
            }

            It 'a copy of the suite runs by itself in a folder of the site''s own' {
                $site = New-Item -ItemType Directory (Join-Path $TestDrive 'site')
                'RestoreDrill.Tests.ps1', 'BeProven.ps1', 'Invoke-RestoreDrill.ps1' |
                    ForEach-Object { Copy-Item (Join-Path $examples $_) $site }
                $said = Invoke-Pwsh -File "$site/Invoke-RestoreDrill.ps1" -Backups $backups -Results "$site/results" `
                    -ModulePath $PgOpsModule -Format NUnit3 -Database 'shop,crm'
                $LASTEXITCODE | Should -Be 1
                "$said" | Should -BeLike '*finds one of crm*'
                $run = ([xml](Get-Content "$site/results/drill.xml" -Raw)).'test-run'
                $run.total, $run.failed, $run.result | Should -Be 6, 1, 'Failed'
            }

            It 'the steps of github-actions/restore-drill.yml run as they are written' {
                $workflow = Get-Content (Join-Path $examples 'github-actions/restore-drill.yml') -Raw
                $steps = [regex]::Matches($workflow, '(?m)run: \|\n((?: {10}.*\n)+)').ForEach({ $_.Groups[1].Value })
                $steps.Count | Should -Be 2
                $results = Join-Path $TestDrive 'actions'
                $summary = Join-Path $TestDrive 'summary.md'
                $world = "`$env:PGOPS = '$PgOpsRoot'; `$env:BACKUPS = '$backups'; `$env:RESULTS = '$results'; " +
                    "`$env:GITHUB_STEP_SUMMARY = '$summary';"
                foreach ($step in $steps) { (Invoke-Line "$world`n$step").ExitCode | Should -Be 0 }
                Get-Content $summary -Raw | Should -BeLike '*The backup is proven*'
            }

            It 'the runbook backs up with the asset''s credential, and is red when a backup is not proven' {
                $runbook = Join-Path $examples 'azure-automation/Invoke-RestoreDrillRunbook.ps1'
                $target = $sandbox.Target
                $env:PGOPS_TEST_PASSWORD = $target.GetEnvironment()['PGPASSWORD']
                try {
                    $login = '[pscredential]::new(''{0}'', (ConvertTo-SecureString $env:PGOPS_TEST_PASSWORD -AsPlainText -Force))'
                    $asset = "function Get-AutomationPSCredential(`$Name) { $($login -replace '\{0\}', $target.Username) }"
                    $where = "-Target 'host=$($target.Host) port=$($target.Port) dbname=shop' " +
                        "-CredentialName shop -ModulePath '$PgOpsModule'"
                    $run = Invoke-Line "$asset; & '$runbook' $where -Backups '$TestDrive/nightly'"
                    $run.ExitCode | Should -Be 0 -Because $run.Said
                    $run.Said | Should -BeLike '*Backed up shop*shop: proven,*'
                    Get-ChildItem "$TestDrive/nightly/drill_*.html" | Should -HaveCount 1
                    (Invoke-Line "& '$runbook' $where -Backups '$TestDrive/nightly'").ExitCode | Should -Be 1
                    (Invoke-Line "& '$runbook' -ModulePath '$PgOpsModule' -Backups '$damaged'").ExitCode | Should -Be 1
                    $stale = Invoke-Line ("& '$runbook' -ModulePath '$PgOpsModule' -Backups '$TestDrive/nightly' " +
                        "-Reports '$TestDrive/good' -MaxAge '00:00:00.5'")
                    $stale.ExitCode | Should -Be 1
                    $stale.Said | Should -BeLike '*proven, yet failed at data-age*'
                    Get-Content "$damaged/drill_*.html" -Raw | Should -BeLike '*do not rely on it*'
                }
                finally { $env:PGOPS_TEST_PASSWORD = $null }
            }
        }
    }

    Context 'cutover-two-servers.ps1 between two servers' {
        BeforeAll {
            $old, $new = 1..2 | ForEach-Object { (Start-PgSandbox shop).Target }
            $script = Join-Path $examples 'cutover-two-servers.ps1'
            Invoke-Sql $old 'CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders SELECT generate_series(1, 500)'
            $null = Backup-PgDatabase $old -Path (Join-Path $TestDrive 'cutover') | Restore-PgDatabase -Target $new -Force -Confirm:$false
            $serviceFile = Join-Path $TestDrive 'pg_service.conf'
            Set-Content $serviceFile '# ours', '[crm]', 'host=elsewhere', '', '[shop]',
                "host=$($old.Host)", "port=$($old.Port)", 'dbname=shop', 'user=app', '', '[last]', 'port=1'
            $before = Get-Content $serviceFile -Raw
            $to = @{ ServiceFile = $serviceFile; Service = 'shop'; Confirm = $false }
            function Get-Default($Target) { Invoke-Sql $Target 'SHOW default_transaction_read_only' }
        }

        AfterAll {
            Get-PgSandbox | Where-Object OwnerProcessId -EQ $PID | Stop-PgSandbox
        }

        It 'refuses what is unsafe before it changes anything' {
            { & $script -Old $old -New $old @to -Check { $true } } | Should -Throw '*are the same database. Nothing was changed.*'
            { & $script -Old $new -New $old @to -Check { $true } } | Should -Throw '*does not name shop@*Nothing was changed.*'
            { & $script -Old $old -New $new -ServiceFile $serviceFile -Service gone -Confirm:$false -Check { $true } } |
                Should -Throw '*0 sections*Nothing was changed.*'
            & $script -Old $old -New $new -ServiceFile $serviceFile -Service shop -Check { $true } -WhatIf
            Get-Default $old | Should -Be 'off'
            Get-Content $serviceFile -Raw | Should -Be $before
        }

        It 'goes back when the two differ' {
            Invoke-Sql $old 'INSERT INTO orders VALUES (501)'
            $held = Start-ThreadJob { param($Uri) psql -X -d $Uri -c 'SELECT pg_sleep(600)' 2>&1 } -ArgumentList $old.GetConnectionUri()
            { & $script -Old $old -New $new @to -Check { $true } } |
                Should -Throw '*failed in the step compare: *public.orders*The application is back on shop@*, which takes writes.*'
            $held | Wait-Job -Timeout 30 | Receive-Job | Out-String | Should -BeLike '*terminat*'
            (Get-Default $old), (Get-Default $new) | Should -Be 'off', 'off'
            Get-Content $serviceFile -Raw | Should -Be $before
        }

        It 'goes back when the probe fails, and says what was written to the new one' {
            $transfer = {
                param($from, $to)
                Backup-PgDatabase $from -Path (Join-Path $TestDrive 'last') | Restore-PgDatabase -Target $to -Force -Confirm:$false
            }
            $write = { Invoke-Sql $_ 'INSERT INTO orders VALUES (1000)'; $false }
            { & $script -Old $old -New $new @to -Transfer $transfer -Check $write } |
                Should -Throw ('*failed in the step probe: check: script 1*which takes writes. ' +
                    'shop@* is read-only and holds what was written to it meanwhile*')
            (Get-Default $old), (Get-Default $new) | Should -Be 'off', 'on'
            Invoke-Sql $old 'SELECT count(*) FROM orders' | Should -Be 501
            [regex]::Matches((Get-Content $serviceFile -Raw), "port=$($old.Port)").Count | Should -Be 1
            Get-Content $serviceFile | Should -Contain 'user=app'
        }

        It 'cuts over, and is the planned way back' {
            $transfer = {
                param($from, $to)
                Backup-PgDatabase $from -Path (Join-Path $TestDrive 'last') | Restore-PgDatabase -Target $to -Force -Confirm:$false
            }
            $count = { Invoke-Sql $_ 'SELECT count(*) FROM orders' }
            $cutover = & $script -Old $old -New $new @to -Transfer $transfer -Check $count
            $cutover.Comparison.Passed | Should -BeTrue
            $cutover.Test.Checks[-1].Detail | Should -Be '501'
            (Get-Default $old), (Get-Default $new) | Should -Be 'on', 'off'
            (Get-Content $serviceFile) -like 'port=*' | Should -Be "port=$($new.Port)", 'port=1'
            Get-Content $serviceFile | Select-Object -First 3 | Should -Be '# ours', '[crm]', 'host=elsewhere'
            Get-ChildItem $TestDrive -Filter 'pg_service.conf*' | Should -HaveCount 1
            { & $script -Old $old -New $new @to -Check $count } | Should -Throw '*is read-only already*'

            $calls = [System.Collections.Generic.List[string]]::new()
            $switch = { param($from, $to) $calls.Add("$($from.Port) to $($to.Port)") }.GetNewClosure()
            $back = & $script -Old $new -New $old -Switch $switch -Confirm:$false -Check $count
            $back.Test.Passed | Should -BeTrue
            (Get-Default $old), (Get-Default $new) | Should -Be 'off', 'on'
            $calls | Should -Be "$($new.Port) to $($old.Port)"
        }

        It 'notices who writes in spite of it, and goes back' {
            Invoke-Sql $old 'CREATE TABLE late (x int)'
            $null = Backup-PgDatabase $old -Path (Join-Path $TestDrive 'last') | Restore-PgDatabase -Target $new -Force -Confirm:$false
            # Written and taken away again: what the two hold is equal.
            $sneak = {
                param($from)
                $env:PGOPTIONS = '-c default_transaction_read_only=off'
                try { Invoke-Sql $from 'INSERT INTO late VALUES (1); DELETE FROM late' } finally { $env:PGOPTIONS = $null }
            }
            { & $script -Old $old -New $new -Switch { } -Confirm:$false -Transfer $sneak -Check { $true } } |
                Should -Throw '*failed in the step compare: Something wrote to shop@*which takes writes.*'
            (Get-Default $old), (Get-Default $new) | Should -Be 'off', 'off'
        }
    }

    It 'ReleaseStep does the main job without PowerShell' {
        $said = dotnet run --project (Join-Path $examples 'ReleaseStep') -c Release 2>&1
        $LASTEXITCODE | Should -Be 0 -Because "$said"
        "$said" | Should -BeLike '*4. Drill passed*5. Released: 20260202130000 -> 20260216150000*'
    }
}
