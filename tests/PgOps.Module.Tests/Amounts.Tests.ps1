BeforeDiscovery {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    Import-Module $PgOpsModule -Force
    # Every amount that a cmdlet takes: the type, also of a nullable or of an array's items, tells.
    $kinds = @{ TimeSpan = 'TimeSpan'; DateTime = 'Date'; DateTimeOffset = 'Date'; Int64 = 'Size'; UInt64 = 'Size' }
    $common = [System.Management.Automation.Cmdlet]::CommonParameters
    $amounts = foreach ($command in Get-Command -Module PgOps) {
        foreach ($parameter in $command.Parameters.Values | Where-Object Name -NotIn $common) {
            $type = $parameter.ParameterType.IsArray ? $parameter.ParameterType.GetElementType() : $parameter.ParameterType
            $kind = $kinds[([Nullable]::GetUnderlyingType($type) ?? $type).Name]
            if ($kind) { @{ Command = $command.Name; Parameter = $parameter.Name; Kind = $kind; Attributes = $parameter.Attributes } }
        }
    }
}

BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    Import-Module $PgOpsModule -Force
}

Describe 'The amount <Command> -<Parameter>' -ForEach $amounts {
    BeforeAll {
        $transformation = @($Attributes | Where-Object { $_.GetType().Name -eq "${Kind}AmountAttribute" })
        function Convert-Amount($Value) { $transformation[0].Transform($ExecutionContext, $Value) }
    }

    It 'has the transformation of its kind' {
        $transformation.Count | Should -Be 1
    }

    It 'refuses <_>' -ForEach 14, -1, '14', '-1', '-1d', '-1GB', 0, 1.5, '', 'soon', '01/02/2026', ([timespan]14), ([datetime]14) {
        $value = $_
        { Convert-Amount $value } | Should -Throw '*: write * or *'
    }

    It 'takes the right spellings' {
        switch ($Kind) {
            TimeSpan {
                foreach ($spelling in '26h', '26:00', '1.02:00:00', '1d2h', '1 day 2 hours', ([timespan]::FromHours(26))) {
                    Convert-Amount $spelling | Should -Be ([timespan]'1.02:00:00')
                }
                Convert-Amount '90s' | Should -Be ([timespan]'00:01:30')
                Convert-Amount '500ms' | Should -Be ([timespan]'00:00:00.5')
                Convert-Amount '2 days' | Should -Be ([timespan]'2.00:00:00')
            }
            Size {
                foreach ($spelling in '10GB', '10G', '10 GB', '10GiB', 10GB, ([double]10GB)) { Convert-Amount $spelling | Should -Be 10GB }
                Convert-Amount '500MiB' | Should -Be 500MB
                Convert-Amount '1.5TB' | Should -Be 1.5TB
            }
            Date {
                Convert-Amount '2026-01-31' | Should -Be ([DateTimeOffset][datetime]::new(2026, 1, 31))
                Convert-Amount '2026-01-31T18:30:00Z' | Should -Be ([DateTimeOffset]::new(2026, 1, 31, 18, 30, 0, [timespan]::Zero))
                $now = Get-Date
                Convert-Amount $now | Should -Be ([DateTimeOffset]$now)
            }
        }
    }
}

Describe 'Numbers and texts' {
    It 'hold no time span, size or date' {
        $plain = [int], [double], [string], [Nullable[int]], [Nullable[double]]
        $like = '(Timeout|Period|Age|Within|Duration|Delay|Time|Seconds|Size|Bytes|Limit|Since|Until|Before|After)$'
        Get-Command -Module PgOps | ForEach-Object {
            $command = $_.Name
            $_.Parameters.Values | Where-Object { $_.ParameterType -in $plain -and $_.Name -match $like -and $_.Name -ne 'ThrottleLimit' } |
                ForEach-Object { "$command -$($_.Name)" }
        } | Should -BeNullOrEmpty
    }
}

Describe 'Amounts on the command line' {
    BeforeAll {
        $folder = New-MigrationFolder @{ '001_t.sql' = 'SELECT 1;' }
    }

    It 'a retention of 14 is not a retention of 14 ticks' {
        { Remove-PgBackup $TestDrive -KeepWithin 14 -Confirm:$false } | Should -Throw '*14 is not a time span: write 14d or 14.00:00:00.*'
        { Remove-PgBackup $TestDrive -KeepWithin -1d -Confirm:$false } |
            Should -Throw '*-1d is a negative time span: write 1d or 1.00:00:00.*'
        { Remove-PgBackup $TestDrive -MaxSize 500 -Confirm:$false } | Should -Throw '*500 is not a size: write 500GB or 500MiB.*'
    }

    It 'a lock limit of 30 is not a missing limit' {
        { Invoke-PgMigration 'postgresql://nobody@127.0.0.1:1/x' -Path $folder -LockTimeout 30 } |
            Should -Throw '*30 is not a time span: write 30s or 00:00:30.*'
        { Invoke-PgMigration 'postgresql://nobody@127.0.0.1:1/x' -Path $folder -LockTimeout 0 } |
            Should -Throw '*0 is not a time span: write 0s or 00:00:00.*'
    }

    It 'a grace period of 30 is not a grace period of nothing' {
        { Switch-PgDatabase 'postgresql://nobody@127.0.0.1:1/x' -With y -GracePeriod 30 -Confirm:$false } |
            Should -Throw '*30 is not a time span: write 30s or 00:00:30.*'
    }

    It 'PowerShell''s own suffixes keep their meaning when they are typed' {
        # 14d is the decimal 14 and 90s the short 90 to PowerShell; nothing is there to remove.
        $empty = (New-Item -ItemType Directory (Join-Path $TestDrive 'empty')).FullName
        Remove-PgBackup $empty -KeepWithin 14d -MaxSize 10GB -Confirm:$false | Should -BeNullOrEmpty
        {
            Test-PgDatabase 'postgresql://nobody@127.0.0.1:1/x' -CheckTimeout 90s `
                -UnusedIndexAge 30d -UnusedIndexSize 512KB -ErrorAction Ignore
        } |
            Should -Not -Throw
        Get-PgBackup $empty -After 2026-01-31 -Before 2026-01-31T18:30:00Z | Should -BeNullOrEmpty
    }

    It 'a rule without a value is not a missing rule' {
        { Remove-PgBackup $TestDrive -KeepWithin $null -Confirm:$false } | Should -Throw '*KeepWithin*is null*'
        { Remove-PgBackup $TestDrive -KeepLast $null -Confirm:$false } | Should -Throw '*KeepLast*is null*'
    }
}
