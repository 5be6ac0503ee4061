BeforeDiscovery {
    $root = (Resolve-Path (Join-Path $PSScriptRoot '../..')).Path
    $manifest = $env:PGOPS_MODULE ? $env:PGOPS_MODULE : (Join-Path $root 'PgOps.psd1')
    $cmdlets = (Import-PowerShellDataFile $manifest).CmdletsToExport
    $topics = @(Get-ChildItem (Join-Path $root 'docs/help') -Filter 'about_*.help.txt' | ForEach-Object { $_.Name -replace '\.help\.txt$' })
}

BeforeAll {
    # The test's own session stays free of the module: another suite may load another copy of it.
    . (Join-Path $PSScriptRoot 'Common.ps1')
    $manifest = $PgOpsModule

    $facts = Join-Path $TestDrive 'facts.json'
    $script = Join-Path $TestDrive 'facts.ps1'
    Set-Content $script @'
param($Module, $Path)
Set-Location ([System.IO.Path]::GetTempPath())
Import-Module $Module
$verbs = (Get-Verb).Verb
$common = [System.Management.Automation.Cmdlet]::CommonParameters
$cmdlets = foreach ($command in Get-Command -Module PgOps) {
    $help = Get-Help $command.Name -Full
    $described = @{}
    foreach ($parameter in $help.parameters.parameter) { $described[$parameter.name] = $parameter }
    [pscustomobject]@{
        Name           = $command.Name
        ApprovedVerb   = $command.Verb -in $verbs
        OutputTypes    = @($command.OutputType.Name)
        ShouldProcess  = $command.Parameters.ContainsKey('WhatIf')
        Synopsis       = $help.Synopsis
        Description    = @($help.description.Text)
        Inputs         = @($help.inputTypes.inputType.type.name)
        Outputs        = @($help.returnValues.returnValue.type.name)
        Examples       = @($help.examples.example.code)
        ExampleRemarks = @($help.examples.example | ForEach-Object { -join $_.remarks.Text })
        Links          = @($help.relatedLinks.navigationLink.linkText)
        Parameters     = @(foreach ($parameter in $command.Parameters.Values | Where-Object Name -NotIn $common) {
                [pscustomobject]@{
                    Name        = $parameter.Name
                    Description = -join $described[$parameter.Name].description.Text
                    Aliases     = $parameter.Aliases -join ', '
                    HelpAliases = $described[$parameter.Name].aliases
                    IsEnum      = ([Nullable]::GetUnderlyingType($parameter.ParameterType) ?? $parameter.ParameterType).IsEnum
                }
            })
    }
}
$topics = @(Get-Help about_PgOps* | Where-Object Category -EQ HelpFile | ForEach-Object {
        [pscustomobject]@{ Name = $_.Name; Text = "$(Get-Help $_.Name)"; Synopsis = $_.Synopsis }
    })
ConvertTo-Json @{ Cmdlets = @($cmdlets); Topics = $topics } -Depth 6 | Set-Content $Path
'@
    Invoke-Pwsh -File $script -Module $manifest -Path $facts
    $known = Get-Content $facts -Raw | ConvertFrom-Json

    $results = Join-Path $TestDrive 'examples.json'
    Invoke-Pwsh -File (Join-Path $PSScriptRoot 'Invoke-HelpExamples.ps1') -Module $manifest `
        -Folder (Join-Path $TestDrive 'examples') -ResultPath $results | Out-Host
    $ran = Get-Content $results -Raw | ConvertFrom-Json
}

Describe 'Help of <_>' -ForEach $cmdlets {
    BeforeAll {
        $name = $_
        $cmdlet = $known.Cmdlets | Where-Object Name -EQ $name
    }

    It 'has an approved verb' {
        $cmdlet.ApprovedVerb | Should -BeTrue
    }

    It 'says what it gives' {
        if ($name -eq 'Stop-PgSandbox') { $cmdlet.OutputTypes | Should -BeNullOrEmpty }
        else {
            $cmdlet.OutputTypes | Should -Not -BeNullOrEmpty
            $cmdlet.Outputs | Should -Be ($cmdlet.OutputTypes -replace '^PgOps\.')
        }
    }

    It 'has -WhatIf when it writes' {
        $reads = $name -match '^(Get|Test|Compare)-' -or $name -eq 'New-PgTarget'
        $cmdlet.ShouldProcess | Should -Be (-not $reads)
    }

    It 'has a synopsis that is not a syntax line' {
        $cmdlet.Synopsis | Should -Not -BeNullOrEmpty
        $cmdlet.Synopsis | Should -Not -Match ([regex]::Escape("$name ["))
    }

    It 'has a description' {
        -join $cmdlet.Description | Should -Match '\w{3,}'
    }

    It 'describes every parameter' {
        $cmdlet.Parameters | Where-Object { -not $_.Description } | ForEach-Object Name | Should -BeNullOrEmpty
    }

    It 'names the aliases and the values of an enumeration' {
        foreach ($parameter in $cmdlet.Parameters) {
            if ($parameter.Aliases) { $parameter.HelpAliases | Should -Be $parameter.Aliases -Because $parameter.Name }
            if ($parameter.IsEnum) { $parameter.Description | Should -Match '- \w+: \w+' -Because $parameter.Name }
        }
    }

    It 'has examples, each with a sentence' {
        $cmdlet.Examples.Count | Should -BeGreaterThan 0
        $cmdlet.ExampleRemarks | Where-Object { -not $_ } | Should -BeNullOrEmpty
    }

    It 'links to help that exists' {
        $there = @($known.Cmdlets.Name) + @($known.Topics.Name)
        $cmdlet.Links | Where-Object { $_ -notin $there } | Should -BeNullOrEmpty
    }

    It 'has examples that run as they are written' {
        $examples = @($ran | Where-Object Cmdlet -EQ $name)
        $examples | Where-Object Error | ForEach-Object { "$($_.Title) $($_.Error)" } | Should -BeNullOrEmpty
        $examples.Count | Should -Be $cmdlet.Examples.Count
    }
}

Describe 'Topic <_>' -ForEach $topics {
    BeforeAll {
        $name = $_
        $topic = @($known.Topics | Where-Object Name -EQ $name)
    }

    It 'is found once by Get-Help' {
        $topic.Count | Should -Be 1
        $topic.Text | Should -Match "^\s*TOPIC\s+$name\s"
        $topic.Synopsis | Should -Not -BeNullOrEmpty
    }

    It 'fits 80 columns' {
        $topic.Text -split '\r?\n' | Where-Object Length -GT 80 | Should -BeNullOrEmpty
    }

    It 'names only cmdlets that exist' {
        [regex]::Matches($topic.Text, '\b[A-Z]\w+-Pg\w+') | ForEach-Object Value | Sort-Object -Unique |
            Where-Object { $_ -notin $known.Cmdlets.Name } | Should -BeNullOrEmpty
    }
}
