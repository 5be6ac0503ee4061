BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    Import-Module $PgOpsModule -Force
    $sandbox = Start-PgSandbox
    'shop', 'shop2' | ForEach-Object { $null = Invoke-Sql $sandbox.Target "CREATE DATABASE $_" }
    $target = $sandbox.Target.WithDatabase('shop')
    $credential = [pscredential]::new('postgres', (ConvertTo-SecureString $target.GetEnvironment()['PGPASSWORD'] -AsPlainText -Force))
    $null = Invoke-Sql $target 'CREATE TABLE t (id int PRIMARY KEY)'
    $backups = Join-Path $TestDrive 'backups'
    $backup = Backup-PgDatabase $target -Path $backups

    # The ways on which an object loses its type.
    $ways = @{
        Csv      = { param($object) $object | ConvertTo-Csv | ConvertFrom-Csv }
        Json     = { param($object) $object | ConvertTo-Json -WarningAction Ignore | ConvertFrom-Json }
        Clixml   = { param($object) $file = Join-Path $TestDrive 'object.clixml'; $object | Export-Clixml $file; Import-Clixml $file }
        Remoting = {
            param($object)
            $engine = [System.Management.Automation.PSSerializer]
            $engine::Deserialize($engine::Serialize($object, 1))
        }
    }
    function Send-Object($Object, $Way) { & $ways[$Way] $Object }
    $parts = 'Name', 'Host', 'Port', 'Database', 'Username', 'SslMode', 'SslRootCertificate', 'SslKey', 'Schema', 'ConnectTimeout',
        'Options', 'ApplicationName', 'Pooled'
    function Format-Parts($Target) { ($parts | ForEach-Object { "$_=$($Target.$_)" }) -join ';' }
}

AfterAll {
    Stop-PgSandbox $sandbox
}

Describe 'A target through <_>' -ForEach 'Csv', 'Json', 'Clixml', 'Remoting' {
    BeforeAll {
        $way = $_
        $full = New-PgTarget ('postgresql://ann:s3cret@db1.example.com:5433/shop?sslmode=verify-full&sslrootcert=/r' +
            '&schema=app&connect_timeout=7&options=-c%20a.b%3D1') -Name live
    }

    It 'becomes the same target in New-PgTarget, whatever the environment says, and its password is asked for' {
        $back = Send-Object $full $way
        $env:PGHOST, $env:PGOPTIONS, $env:PGSSLKEY = 'elsewhere', '-c x.y=2', '/k'
        try { $again = $back | New-PgTarget -WarningVariable said -WarningAction SilentlyContinue }
        finally { $env:PGHOST, $env:PGOPTIONS, $env:PGSSLKEY = [NullString]::Value, [NullString]::Value, [NullString]::Value }
        Format-Parts $again | Should -Be (Format-Parts $full)
        $again.HasPassword | Should -BeFalse
        "$said" | Should -BeLike '*password of live (shop.app@db1.example.com:5433) did not come along*-Credential*'
        ($back | New-PgTarget -Credential $credential).HasPassword | Should -BeTrue
    }

    It 'stays without schema when it had none' {
        (Send-Object $target $way | New-PgTarget -WarningAction Ignore).Schema | Should -BeNullOrEmpty
    }

    It 'is taken by -Target, and a refused login says that the password did not come along' {
        $back = Send-Object $target $way
        (Test-PgTarget $back -Credential $credential).Passed | Should -BeTrue
        ($back | Test-PgTarget -Credential $credential).Target.Host | Should -Be $target.Host
        (Test-PgTarget $back).Checks[0].Detail | Should -BeLike '*did not come along*-Credential*'
        @($back, $back | Get-PgMigration -Path (New-MigrationFolder @{ '001_t.sql' = 'SELECT 1;' }) -Credential $credential).Count |
            Should -Be 2
    }
}

Describe 'A backup through <_>' -ForEach 'Csv', 'Json', 'Clixml', 'Remoting' {
    BeforeAll { $back = Send-Object $backup $_; $way = $_ }

    It 'is taken by everything that takes a backup' {
        (Test-PgBackup $back).Backup.Id | Should -Be $backup.Id
        ($back | Test-PgBackup).Passed | Should -BeTrue
        (Copy-PgBackup $back (Join-Path $TestDrive "copy-$way")).Id | Should -Be $backup.Id
        (Compare-PgDatabase $back $target).Passed | Should -BeTrue
        (Test-PgDatabase $target -Manifest $back -Skip UnusedIndexes).Checks.Name | Should -Contain 'expected-tables'
        (Remove-PgBackup $back -WhatIf).Backup.Id | Should -Be $backup.Id
    }

    It 'is refused when another one lies in its place' {
        $other = $back | Select-Object *
        $other.Id = 'another'
        { Test-PgBackup $other } | Should -Throw '*lies another backup now*'
    }
}

Describe 'What carries a target' {
    It 'brings it back from a job: sandbox, backup, drill' {
        $module = $PgOpsModule
        $job = Start-Job {
            Import-Module $using:module
            $sandbox = Get-PgSandbox -Id $using:sandbox.Id
            $sandbox
            Get-PgBackup $using:backups | Test-PgRestore -WarningAction Ignore
            Test-PgTarget $using:sandbox
        }
        $there, $drill, $test = $job | Receive-Job -Wait -AutoRemoveJob
        # The job found the sandbox's own password; so does this process.
        $test.Passed | Should -BeTrue
        (Test-PgTarget $there).Passed | Should -BeTrue
        (Test-PgBackup $drill).Backup.Id | Should -Be $backup.Id
        (Test-PgTarget $test -Credential $credential).Target.Host | Should -Be $target.Host
        $run = Invoke-PgMigration $target -Path (New-MigrationFolder @{ '001_u.sql' = 'CREATE TABLE u (id int);' }) `
            -ProvenBy $drill -AllowNotEmpty
        $run.BackupId | Should -Be $backup.Id
    }

    It 'stops a sandbox that came back from a file' {
        $file = Join-Path $TestDrive 'sandbox.json'
        Start-PgSandbox | ConvertTo-Json | Set-Content $file
        $back = Get-Content $file -Raw | ConvertFrom-Json
        $back | Stop-PgSandbox
        Test-Path $back.Path | Should -BeFalse
        { Test-PgTarget $back } | Should -Throw '*does not run on this machine any more*'
    }
}

Describe 'A fleet''s file' {
    It 'may call the server Host, and leave cells empty' {
        $fleet = @'
Name,Host,Port,Database,Username,SslMode,Schema,Password,Team
eu,db1.example.com,5433,shop,app,verify-full,,s3cret,orders
us,db2.example.com,,shop,app,,tenant,,
'@ | ConvertFrom-Csv | New-PgTarget
        $fleet | ForEach-Object { "$_ $($_.SslMode) $($_.HasPassword)" } |
            Should -Be 'eu (shop@db1.example.com:5433) VerifyFull True', 'us (shop.tenant@db2.example.com:5432) Prefer False'
    }

    It 'with a slip in a column''s name leads to no server' {
        { 'Hots,Database', 'db1,shop' | ConvertFrom-Csv | New-PgTarget -ErrorAction Stop } |
            Should -Throw "*'Hots' looks like a connection setting*"
        $null = 'Instance,Database', 'db1,shop' | ConvertFrom-Csv | New-PgTarget -WarningVariable said -WarningAction SilentlyContinue
        "$said" | Should -BeLike 'No column says which server*Instance*'
        { Test-PgTarget ('Host,Team' , 'db1,orders' | ConvertFrom-Csv) } | Should -Throw "*'Team' is not part of a target*"
    }

    It 'with an empty server''s cell, or without a server at all, says where that leads' {
        $made = 'Host,Database', 'db1,a', ',b' | ConvertFrom-Csv | New-PgTarget -WarningVariable said -WarningAction SilentlyContinue
        $made.ForEach({ "$_" })[0] | Should -Be 'a@db1:5432'
        "$said" | Should -BeLike 'No column says which server, so b@* is meant.'
        $null = $target | Select-Object Database | New-PgTarget -WarningVariable said -WarningAction SilentlyContinue
        "$said" | Should -BeLike "No column says which server, so $($target.Database)@*"
        $null = 'Database', 'a' | ConvertFrom-Csv | New-PgTarget -ComputerName db9 -WarningVariable said -WarningAction SilentlyContinue
        $said | Should -BeNullOrEmpty
        { Test-PgTarget ([pscustomobject]@{ Database = 'a' }) } | Should -Throw '*Nothing in the object says which server*'
    }

    It 'may hold each target as one text' {
        'Url,Name', 'postgresql://ann@db1/shop,eu' | ConvertFrom-Csv | New-PgTarget | Should -Be 'eu (shop@db1:5432)'
        $row = 'Target,Team', "host=$($target.Host) dbname=shop user=postgres,orders" | ConvertFrom-Csv
        ($row | Test-PgTarget -Credential $credential).Passed | Should -BeTrue
    }

    It 'takes parts from parameters' {
        ('Database', 'a', 'b' | ConvertFrom-Csv | New-PgTarget 'postgresql://ann:s3cret@db1/x').ForEach({ "$_ $($_.HasPassword)" }) |
            Should -Be 'a@db1:5432 True', 'b@db1:5432 True'
        ('Host,Database', 'db1,a' | ConvertFrom-Csv | New-PgTarget -Database z -Host db9).ForEach({ "$_" }) | Should -Be 'z@db9:5432'
    }

    It 'may be JSON read with -AsHashtable' {
        $there = New-PgTarget 'postgresql://ann@db1:5433/shop?connect_timeout=7'
        $back = $there | ConvertTo-Json | ConvertFrom-Json -AsHashtable | New-PgTarget
        "$back $($back.ConnectTimeout.TotalSeconds)" | Should -Be "$there 7"
    }

    It 'refuses an empty server' {
        { New-PgTarget -ComputerName '' -Database shop } | Should -Throw
    }

    It 'sends a bare name''s password to no other server' {
        $env:DATABASE_URL = 'postgresql://ann:s3cret@live:6432/shop'
        try { $there = New-PgTarget shop2 -ComputerName db9 } finally { $env:DATABASE_URL = [NullString]::Value }
        "$there" | Should -Be 'shop2@db9:5432'
        $there.HasPassword | Should -BeFalse
    }
}

Describe 'A target that is $null' {
    BeforeAll { $env:DATABASE_URL = $target.GetConnectionUri() }
    AfterAll { $env:DATABASE_URL = $null }

    It 'is not the environment''s, in any parameter of any cmdlet that takes one' {
        $taken = foreach ($command in Get-Command -Module PgOps -CommandType Cmdlet) {
            foreach ($parameter in $command.Parameters.Values) {
                $kinds = $parameter.Attributes.ForEach({ $_.GetType().Name })
                if ($kinds -notcontains 'TargetTransformationAttribute' -and $kinds -notcontains 'SideTransformationAttribute') { continue }
                $given = @{ $parameter.Name = $null }
                { & $command @given } |
                    Should -Throw '*The target is $null*State: Nothing was done.*' -Because "$command -$($parameter.Name)"
                "$command -$($parameter.Name)"
            }
        }
        $taken | Should -Contain 'Compare-PgDatabase -Difference'
        $taken | Should -Contain 'Restore-PgDatabase -Target'
        $taken.Count | Should -BeGreaterThan 10
    }

    It 'is not one in a list of targets either, nor down the pipeline' {
        { Invoke-PgMigration $target, $null -Path $TestDrive } | Should -Throw '*The target is $null*'
        { $null | Test-PgTarget -ErrorAction Stop } | Should -Throw '*The target is $null*'
    }

    It 'is the environment''s when the parameter is left out' {
        (Test-PgTarget).Target.Database | Should -Be 'shop'
    }
}

Describe 'A baseline up to a version' {
    It 'makes no folder that it would find empty' {
        $folder = Join-Path $TestDrive 'nowhere'
        { Invoke-PgMigration $target -Path $folder -Baseline -ToVersion 2 -ErrorAction Stop } | Should -Throw
        Test-Path $folder | Should -BeFalse
    }
}

Describe 'A bare name beside a target' {
    It 'is a database on that target''s server, on either side of a comparison' {
        (Compare-PgDatabase $target shop2).Difference | Should -Be "$($target.WithDatabase('shop2'))"
        (Compare-PgDatabase shop2 $target).Reference | Should -Be "$($target.WithDatabase('shop2'))"
        (Compare-PgDatabase $target shop).Passed | Should -BeTrue
    }

    It 'is one in a list of targets, when they lie on one server' {
        $found = Test-PgDatabase $target, shop2 -Skip UnusedIndexes
        $found.Target.Database | Should -Be 'shop', 'shop2'
        $found.Target.Host | Select-Object -Unique | Should -Be $target.Host
        { Test-PgDatabase $target, shop2, 'postgresql://db1/x' } | Should -Throw "*'shop2' stands beside targets on 2 servers*"
        (Test-PgTarget $target, shop2).Target | ForEach-Object { "$_" } | Should -Be "$target", "$($target.WithDatabase('shop2'))"
    }
}

Describe 'A list of targets' {
    It 'is refused with the way out where one is taken: <_>' -ForEach 'Backup-PgDatabase', 'Switch-PgDatabase', 'New-PgExpectation' {
        { & $_ -Target $target, shop2 } | Should -Throw (
            '*One target is taken here, and the list holds 2.*$targets | ForEach-Object*$target.WithDatabase(*')
        { & $_ -Target @() } | Should -Throw '*The target is an empty list*'
    }

    It 'of one is that one' {
        (Backup-PgDatabase @($target) -Path (Join-Path $TestDrive 'of one')).Database | Should -Be 'shop'
    }

    It 'that is empty does not become the environment''s target: <_>' -ForEach 'Test-PgTarget', 'Invoke-PgMigration', 'Test-PgDatabase' {
        $env:DATABASE_URL = $target.GetConnectionUri()
        try { { & $_ -Target @() } | Should -Throw '*The target is an empty list*Nothing was done*' }
        finally { $env:DATABASE_URL = [NullString]::Value }
    }
}
