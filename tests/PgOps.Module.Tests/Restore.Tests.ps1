BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    Import-Module $PgOpsModule -Force
    $sandbox = Start-PgSandbox shop
    $target = $sandbox.Target
    $null = Invoke-Sql $target 'CREATE TABLE customers (id int PRIMARY KEY, name text)'
    $null = Invoke-Sql $target 'CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers)'
    $null = Invoke-Sql $target "INSERT INTO customers SELECT g, 'c' FROM generate_series(1, 10) g"
    $null = Invoke-Sql $target 'INSERT INTO orders SELECT g, g FROM generate_series(1, 10) g'
    $owner = Invoke-Sql $target 'SELECT current_user'
    $backup = Backup-PgDatabase $target -Path (Join-Path $TestDrive 'backups')

    function Get-Databases {
        Invoke-Sql $sandbox.Target.WithDatabase('postgres') "SELECT string_agg(datname, ' ' ORDER BY oid) FROM pg_database"
    }
}

AfterAll {
    if ($sandbox) { Stop-PgSandbox $sandbox }
}

Describe 'Restore-PgDatabase' {
    It '-WhatIf tells parts and mapped roles, and makes nothing' {
        $before = Get-Databases
        $command = "Restore-PgDatabase '$($backup.Path)' '$($target.GetConnectionUri())' -Database part -Table orders " +
            "-MapRole @{ '$owner' = 'clerk' } -CreateRoles -WhatIf"
        $plan = (Invoke-Fresh "Import-Module '$PgOpsModule'; $command") -join "`n"
        $plan | Should -BeLike '*1 table, 10 rows*clerk are created*left out: orders orders_customer_fkey (fk constraint)*'
        Get-Databases | Should -Be $before
        Invoke-Sql $target "SELECT count(*) FROM pg_roles WHERE rolname = 'clerk'" | Should -Be '0'
    }

    It 'restores a table to another role and says that it is a part' {
        $part = $backup | Restore-PgDatabase -Target $target -Database part -Table orders -MapRole @{ $owner = 'clerk' } `
            -CreateRoles -Confirm:$false -ErrorAction Stop
        $part.Selection | Should -Be 'table orders'
        $part.TablesVerified | Should -Be 1
        ($part.Checks | Where-Object Name -EQ selection).Status | Should -Be Skipped
        Invoke-Sql $target.WithDatabase('part') "SELECT tableowner FROM pg_tables WHERE tablename = 'orders'" | Should -Be 'clerk'
        Invoke-Sql $target.WithDatabase('part') "SELECT to_regclass('customers') IS NULL" | Should -Be 't'
    }

    It 'keeps a replaced database unless -DropOld' {
        ($backup | Restore-PgDatabase -Target $target -Database twice -Confirm:$false).ReplacedDatabase | Should -BeNullOrEmpty
        ($backup | Restore-PgDatabase -Target $target -Database twice -Force -DropOld -Confirm:$false).ReplacedDatabase |
            Should -BeNullOrEmpty
        (Get-Databases) -split ' ' -like 'twice*' | Should -Be 'twice'
        { $backup | Restore-PgDatabase -Target $target -Database twice -DropOld -Confirm:$false -ErrorAction Stop } |
            Should -Throw -ErrorId 'InvalidArgument*'
    }

    It '-IntoEmpty fills the given database and refuses it the second time' {
        $null = Invoke-Sql $target 'CREATE DATABASE given'
        $null = Invoke-Sql $target "CREATE ROLE renter LOGIN PASSWORD 'its own secret'"
        $null = Invoke-Sql $target 'ALTER DATABASE given OWNER TO renter'
        $null = Invoke-Sql $target.WithDatabase('given') 'GRANT ALL ON SCHEMA public TO renter'
        $credential = [pscredential]::new('renter', (ConvertTo-SecureString 'its own secret' -AsPlainText))
        $refused = {
            $backup | Restore-PgDatabase -Target $target -Credential $credential -Database other `
                -NoOwner -Confirm:$false -ErrorAction Stop
        }
        $refused | Should -Throw -ExpectedMessage '*may not create databases*-IntoEmpty*'
        $restore = $backup | Restore-PgDatabase -Target $target.WithDatabase('given') `
            -Credential $credential -IntoEmpty -NoOwner -Confirm:$false -ErrorAction Stop
        $restore.TablesVerified | Should -Be 2
        Invoke-Sql $target.WithDatabase('given') "SELECT tableowner FROM pg_tables WHERE tablename = 'orders'" | Should -Be 'renter'
        {
            $backup | Restore-PgDatabase -Target $target.WithDatabase('given') `
                -Credential $credential -IntoEmpty -NoOwner -Confirm:$false -ErrorAction Stop
        } |
            Should -Throw -ErrorId 'TargetNotEmpty*'
    }

    It 'keeps a failed copy on request, and says where' {
        $null = Invoke-Sql $target 'CREATE EXTENSION hstore'
        $null = Invoke-Sql $target 'CREATE TABLE tagged (tags hstore)'
        $tagged = Backup-PgDatabase $target -Path (Join-Path $TestDrive 'tagged')
        $failed = $null
        $tagged | Restore-PgDatabase -Target $target -Database failing -SkipExtension hstore -KeepFailed -Confirm:$false `
            -ErrorAction SilentlyContinue -ErrorVariable failed
        "$failed" | Should -BeLike '*tagged*hstore*kept as failing_pgops_*'
        $kept = (Get-Databases) -split ' ' -like 'failing*'
        $kept | Should -BeLike 'failing_pgops_????????'
        $null = Invoke-Sql $target "DROP DATABASE $kept"
    }
}
