BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    Import-Module $PgOpsModule -Force
    $sandbox = Start-PgSandbox shop
    $target = $sandbox.Target
    $null = Invoke-Sql $target "CREATE TABLE t AS SELECT 'old' AS who"
    $null = Invoke-Sql $target 'CREATE DATABASE shop_restored TEMPLATE shop'
    $null = Invoke-Sql $target.WithDatabase('shop_restored') "UPDATE t SET who = 'new'"

    function Get-Databases {
        Invoke-Sql $sandbox.Target.WithDatabase('postgres') "SELECT string_agg(datname || oid, ' ' ORDER BY oid) FROM pg_database"
    }
}

AfterAll {
    if ($sandbox) { Stop-PgSandbox $sandbox }
}

Describe 'Switch-PgDatabase' {
    It '-WhatIf says what would be done and whom it would cut off, and touches nothing' {
        $before = Get-Databases
        $environment = $target.GetEnvironment() + @{ PGAPPNAME = 'web' }
        $client = Start-Process psql -ArgumentList '-X', '-c', '"SELECT pg_sleep(600)"' -PassThru -Environment $environment `
            -RedirectStandardOutput (Join-Path $TestDrive 'out')
        try {
            $sleeping = { (Invoke-Sql $target "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'web'") -eq '1' }
            for ($i = 0; $i -lt 50 -and -not (& $sleeping); $i++) { Start-Sleep -Milliseconds 100 }
            $command = "Switch-PgDatabase '$($target.GetConnectionUri())' -With shop_restored -WhatIf"
            $plan = (Invoke-Fresh "Import-Module '$PgOpsModule'; $command") -join "`n"
        }
        finally { $client.Kill() }
        $plan | Should -BeLike 'What if: Put shop_restored (* MiB) in the place of shop@*read-only as shop_replaced_*'
        $plan | Should -BeLike '*end 1 session of others*End in shop: pid *, application "web", *, active for *'
        Get-Databases | Should -Be $before
    }

    It 'asks first' {
        $said = Invoke-Fresh ("Import-Module '$PgOpsModule'; " +
            "try { Switch-PgDatabase '$($target.GetConnectionUri())' -With shop_restored } catch { `"`$_`" }")
        "$said" | Should -BeLike '*without anybody to ask*It was not done*-Confirm:*'
        Invoke-Sql $target 'SELECT who FROM t' | Should -Be 'old'
    }

    It 'switches, and shows that as a table' {
        $switch = $target | Switch-PgDatabase -With shop_restored -GracePeriod 00:00:01 -Confirm:$false -ErrorAction Stop
        Invoke-Sql $target 'SELECT who FROM t' | Should -Be 'new'
        $switch.Downtime.TotalSeconds | Should -BeLessThan 2
        ($switch | Out-String -Width 80) | Should -Match 'shop@\S+\s+shop_replaced_\d{14}\s+\d+\s+[\d.]+ s\s+[\d.]+ s'
        { Invoke-Sql $target.WithDatabase($switch.ReplacedDatabase) 'DELETE FROM t' 2>$null } | Should -Throw
    }

    It 'a second time has nothing to do' {
        (Switch-PgDatabase $target -With shop_restored -Confirm:$false).AlreadyInPlace | Should -BeTrue
    }

    It '-Undo goes back' {
        (Switch-PgDatabase $target -Undo -Confirm:$false).Undone | Should -BeTrue
        Invoke-Sql $target 'UPDATE t SET who = who RETURNING who' | Should -Be 'old'
    }

    It 'names what stands in the way' {
        Switch-PgDatabase $target -With nowhere -Confirm:$false -ErrorVariable failure -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $failure[0].FullyQualifiedErrorId | Should -BeLike 'ConnectionFailed,*'
        "$($failure[0])" | Should -BeLike '*no database nowhere@*Restore*'
    }
}
