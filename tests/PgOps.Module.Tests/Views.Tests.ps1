# Every default view as it looks on a screen. Headers that do not fit are broken in two by PowerShell, or left out.

BeforeDiscovery {
    $format = [xml](Get-Content (Join-Path $PSScriptRoot '../../module/PgOps.format.ps1xml') -Raw)
    $views = foreach ($view in $format.Configuration.ViewDefinitions.View) {
        $type = $view.ViewSelectedBy.TypeName
        if ($view.TableControl) {
            @{
                Type    = $type
                Shape   = 'Table'
                Columns = @($view.TableControl.TableHeaders.TableColumnHeader.Label)
            }
        }
        elseif ($view.ListControl) {
            @{
                Type    = $type
                Shape   = 'List'
                Columns = @($view.ListControl.ListEntries.ListEntry.ListItems.ListItem.ForEach({
                        if ($_.Label) { $_.Label } else { $_.PropertyName }
                    }))
            }
        }
    }
    $cases = foreach ($view in $views) { foreach ($width in 80, 100, 120) { $view + @{ Width = $width } } }
}

BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    Import-Module $PgOpsModule -Force
    $rendering = $PSStyle.OutputRendering
    $PSStyle.OutputRendering = 'PlainText'

    # An object of a type with something long in every property, as life has it.
    function New-Sample([type] $Type, [int] $Depth = 0) {
        if ($Type -eq [PgOps.PgTarget]) {
            return New-PgTarget -ComputerName database-7.example.internal -Database shop_of_the_north -Username deploy_release
        }
        $sample = [System.Runtime.CompilerServices.RuntimeHelpers]::GetUninitializedObject($Type)
        foreach ($property in $Type.GetProperties().Where({ $_.CanWrite })) {
            $property.SetValue($sample, (New-Value $property.PropertyType $property.Name $Depth))
        }
        $sample
    }

    function New-Value([type] $Type, [string] $Name, [int] $Depth) {
        $plain = [Nullable]::GetUnderlyingType($Type) ?? $Type
        if ($plain -eq [string]) { return "$Name of some length, with words" }
        if ($plain.IsEnum) { return [enum]::GetValues($plain) | Sort-Object { "$_".Length } | Select-Object -Last 1 }
        if ($plain -eq [timespan]) { return [timespan]'3.04:05:06.7' }
        if ($plain -eq [datetime]) { return [datetime]::SpecifyKind('2026-11-29 22:58:17', 'Utc') }
        if ($plain -eq [bool]) { return $true }
        if ($plain.IsPrimitive) { return [Convert]::ChangeType(1234567, $plain) }
        if ($plain.IsGenericType -and $plain.Name -like 'IReadOnlyList*') {
            $element = $plain.GetGenericArguments()[0]
            $list = [array]::CreateInstance($element, 1)
            if ($Depth -lt 2) { $list.SetValue((New-Value $element $Name ($Depth + 1)), 0) }
            else { $list = [array]::CreateInstance($element, 0) }
            return , $list
        }
        if ($plain.Namespace -like 'PgOps*' -and -not $plain.IsInterface -and $Depth -lt 2) { return New-Sample $plain ($Depth + 1) }
        $null
    }
}

AfterAll { $PSStyle.OutputRendering = $rendering }

Describe 'The <Shape> of <Type>' -ForEach $cases {
    It 'is whole in <Width> columns' {
        $sample = New-Sample $Type
        $lines = @(if ($Shape -eq 'Table') { $sample | Format-Table } else { $sample | Format-List }) | Out-String -Width $Width
        $lines = $lines -split "`r?`n"
        foreach ($line in $lines) { $line.Length | Should -BeLessOrEqual $Width }
        if ($Shape -eq 'Table') {
            $ruler = @($lines | Where-Object { $_ -match '^[- ]+$' -and $_ -match '-' })[0]
            $at = $lines.IndexOf($ruler)
            $at | Should -BeGreaterThan 0
            # One line of whole names, and nothing of them above it.
            ($lines[$at - 1].Trim() -split '\s+') | Should -Be $Columns
            ($lines[0..($at - 2)] -join '').Trim() | Should -BeNullOrEmpty
        }
        else {
            # Some show only what there is.
            $names = $lines.ForEach({ if ($_ -match '^(\w+)\s+: ') { $Matches[1] } })
            $names.Count | Should -BeGreaterThan 5
            $names | Where-Object { $_ -cnotin $Columns } | Should -BeNullOrEmpty
        }
    }

    It 'shows a path whole in <Width> columns' {
        if ($Shape -ne 'Table' -or 'Path' -notin $Columns) { return }
        $sample = New-Sample $Type
        $path = '/srv/backups-of-the-shop/nightly/shop_20261130-093615Z'
        $sample.GetType().GetProperty('Path').SetValue($sample, $path)
        $lines = ($sample | Format-Table | Out-String -Width $Width) -split "`r?`n"
        $lines -join '' -replace '\s' | Should -Not -BeLike '*…*'
        $at = $lines.Where({ $_ -match '^[- ]+$' -and $_ -match '-' })[0].LastIndexOf(' ') + 1
        -join $lines.ForEach({ if ($_.Length -gt $at) { $_.Substring($at).Trim() } }) | Should -BeLike "*$path"
    }

    It 'has columns that are properties' {
        $properties = ([type]$Type).GetProperties().Name
        $Columns | Where-Object { $_ -cnotin $properties } | Should -BeNullOrEmpty
    }
}

Describe 'An object within an object' {
    It 'is a few words, not all that is in it: <_>' -TestCases 'PgBackupManifest', 'PgServerFacts', 'PgDatabaseFacts', 'PgPayload',
    'PgEncryption', 'PgMigrationMark', 'PgTableCost', 'PgTableFingerprint', 'PgSequencePosition', 'PgCheck',
    'PgStatementError', 'PgMigration', 'PgTableComparison', 'PgObjectDifference', 'PgRowDifference', 'PgMaskedColumn', 'PgFinding',
    'PgDatabaseSession', 'PgTarget', 'PgBackupRetention' {
        "$(New-Sample "PgOps.$_")" | Should -Not -Match '[{}]'
    }
}

Describe 'Every type that a cmdlet gives' {
    It 'has a view' {
        $format = [xml](Get-Content (Join-Path $PgOpsRoot 'module/PgOps.format.ps1xml') -Raw)
        $seen = @($format.Configuration.ViewDefinitions.View.ViewSelectedBy.TypeName)
        $given = (Get-Command -Module PgOps -CommandType Cmdlet).OutputType.Type.Where({ $_.Namespace -eq 'PgOps' }).FullName |
            Sort-Object -Unique
        $given | Where-Object { $_ -notin $seen } | Should -BeNullOrEmpty
    }
}
