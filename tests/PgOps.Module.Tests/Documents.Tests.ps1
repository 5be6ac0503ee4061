# What the README, the about topics and the guides say is so: their examples run, their links lead somewhere, their lists are whole.

BeforeDiscovery {
    $root = (Resolve-Path (Join-Path $PSScriptRoot '../..')).Path
    $documents = @('README.md', 'README.md, empty') + @(
        Get-ChildItem (Join-Path $root 'docs') -Recurse -Include 'about_*.help.txt', '*.md' | Sort-Object Name |
            Where-Object { $_.Name -notmatch '^\w+-Pg\w+\.md$' -and (Get-Content $_.FullName -Raw) -match '(?m)^```powershell|^ {8,}(\$|\[|try \{|[A-Z]\w+-\w+)' } |
            ForEach-Object { $_.Name -replace '\.help\.txt$' })
    $markdown = @(Get-ChildItem $root -Filter '*.md') + @(Get-ChildItem (Join-Path $root 'docs'), (Join-Path $root 'examples') -Filter '*.md' -Recurse) |
        ForEach-Object { [System.IO.Path]::GetRelativePath($root, $_.FullName) }
}

BeforeAll {
    . (Join-Path $PSScriptRoot 'Common.ps1')
    $cmdlets = @((Import-PowerShellDataFile $PgOpsModule).CmdletsToExport)
    $results = Join-Path $TestDrive 'documents.json'
    Invoke-Fresh "& '$PSScriptRoot/Invoke-DocumentExamples.ps1' -Module '$PgOpsModule' -Folder '$TestDrive/documents' -ResultPath '$results'" | Out-Host
    $ran = Get-Content $results -Raw | ConvertFrom-Json

    # What a block printed.
    function Get-Said([string] $Document, [string] $Code) {
        $blocks = @($ran | Where-Object { $_.Document -eq $Document -and $_.Code -like $Code })
        $blocks.Count | Should -Be 1 -Because $Code
        $blocks[0].Output
    }
}

Describe 'Examples of <_>' -ForEach $documents {
    It 'run as they are written' {
        $name = $_
        $blocks = @($ran | Where-Object Document -EQ $name)
        $blocks.Count | Should -BeGreaterThan 0
        $blocks | Where-Object Error | ForEach-Object { "line $($_.Line): $($_.Code) $($_.Error)" } | Should -BeNullOrEmpty
        foreach ($block in $blocks | Where-Object NotRun) { Write-Host "$name, line $($block.Line) is not run: $($block.NotRun)" }
    }
}

Describe 'README' {
    BeforeAll {
        $readme = Get-Content (Join-Path $PgOpsRoot 'README.md') -Raw
    }

    It 'says the two commands before anything else, and installing comes within the first 60 lines' {
        $first = ($readme -split "`n" | Select-Object -First 60) -join "`n"
        $first | Should -Match 'dotnet tool restore && dotnet pwsh build\.ps1 Demo -Bootstrap'
        $first | Should -Match 'dotnet tool restore && dotnet pwsh build\.ps1 Test -Bootstrap'
        $first | Should -Match '(?m)^## Install$'
    }

    It 'shows with Test-PgTarget the role, the superuser and the pooler, as it says' {
        foreach ($variant in 'README.md', 'README.md, empty') {
            Get-Said $variant '*Test-PgTarget' | Should -Match 'Target +Passed Version User +Superuser Pooler Problem[\s-]+shop@\S+ +True +\d+\S* +postgres +True +False'
        }
    }

    It 'proves, restores and compares, on a filled database and on an empty one' {
        foreach ($variant in 'README.md', 'README.md, empty') {
            $said = Get-Said $variant '$backup = Backup-PgDatabase*'
            $said | Should -Match 'shop +Proven'
            $said | Should -Match 'Passed +: True'
        }
    }

    It 'writes the nightly reports, as its line says' {
        foreach ($variant in 'README_md', 'README_md_empty') {
            Get-Content (Join-Path $TestDrive "documents/$variant/drill.html") -Raw | Should -BeLike '*The backup is proven*'
            ([xml](Get-Content (Join-Path $TestDrive "documents/$variant/drill.xml") -Raw)).testsuites.failures | Should -Be 0
        }
    }

    It 'has a line for every cmdlet, of one line each, and none for another' {
        $rows = [regex]::Matches($readme, '(?m)^\| \[`(\w+-Pg\w+)`\]\(docs/help/(\w+-Pg\w+)\.md\) \| [^|\n]{10,110} \|$')
        $rows.ForEach({ $_.Groups[1].Value }) | Sort-Object | Should -Be ($cmdlets | Sort-Object)
        $rows.ForEach({ $_.Groups[2].Value }) | Sort-Object | Should -Be ($cmdlets | Sort-Object)
    }
}

Describe 'about_PgOps' {
    It 'lists every cmdlet' {
        $topic = Get-Content (Join-Path $PgOpsRoot 'docs/help/about_PgOps.help.txt') -Raw
        $list = [regex]::Match($topic, '(?s)\n  THE CMDLETS\n(.*?)\n  [A-Z]').Groups[1].Value
        [regex]::Matches($list, '\b[A-Z]\w+-Pg\w+').ForEach({ $_.Value }) | Sort-Object | Should -Be ($cmdlets | Sort-Object)
    }
}

Describe 'Links of <_>' -ForEach $markdown {
    It 'lead to files and headings that exist' {
        $file = Join-Path $PgOpsRoot $_
        $text = (Get-Content $file -Raw) -replace '(?ms)^```.*?^```' -replace '`[^`\n]+`'
        $broken = foreach ($match in [regex]::Matches($text, '\]\((?!\w+://)(?<path>[^)#\s]*)(#(?<heading>[^)\s]+))?\)')) {
            $path = $match.Groups['path'].Value
            $there = $path ? (Join-Path (Split-Path $file) $path) : $file
            if (-not (Test-Path $there)) { $match.Value; continue }
            if (-not $match.Groups['heading'].Success) { continue }
            $headings = [regex]::Matches((Get-Content $there -Raw), '(?m)^#+ (.+?)\s*$').ForEach({ $_.Groups[1].Value.ToLowerInvariant() -replace '[^\w\- ]' -replace ' ', '-' })
            if ($match.Groups['heading'].Value -notin $headings) { $match.Value }
        }
        $broken | Should -BeNullOrEmpty
    }
}
